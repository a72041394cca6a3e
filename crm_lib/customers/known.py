"""What was known on a day: the one place that hides, from earlier days, what came after them."""

from __future__ import annotations

import datetime as dt

import ibis
import ibis.expr.types as ir
import pandas as pd

from crm_lib import schema
from crm_lib.company import Company

COMPLAINT_STATES = OPEN, UNSETTLED, SETTLED = ("open", "closed unsettled", "settled")
"""States of a complaint on a day."""
NO_SETTLEMENT = frozenset({"", "none", "no settlement", "rejected"})
"""Resolutions that settle nothing, in small letters."""
LONGEST = 36_525
"""Days of a century: the calendar reaches back as far from every day that a company may open on."""


def last_day(company: Company, ending: dt.date | None = None) -> dt.date:
    """Return `ending`, or the company's ``as_of`` where none is given; refuse a day after it."""
    if ending is not None and ending > company.as_of:
        raise ValueError(
            f"the last day that counts is {ending}, after {company.as_of}, up to which the company's data are opened"
        )
    return company.as_of if ending is None else ending


def window_bounds(company: Company, *, days: int, ending: dt.date | None = None) -> tuple[dt.date, dt.date]:
    """Return the day before a window and its last day."""
    if not 1 <= days <= LONGEST:
        raise ValueError(f"a window has at least one day and at most {LONGEST:,}, not {days}")
    last = last_day(company, ending)
    return last - dt.timedelta(days=days), last


def known_rows(
    company: Company, name: str, *columns: str, ending: dt.date | None = None, days: int | None = None
) -> ir.Table:
    """Return the rows of a table that were known on a day, with all columns, computed where the data live.

    For an earlier day this is what the company itself shows when it is opened on that day: rows that happened or
    entered the books later are not there, and values that became known later are missing. Attributes without a date
    are those of ``as_of``. With `days`, only what happened in so many days up to the day, that day included.
    """
    rows, last, contract = company.table(name, *columns), last_day(company, ending), schema.TABLES[name]
    if days is not None:
        before, _ = window_bounds(company, days=days, ending=ending)
        rows = rows.filter(rows[contract.happened_at].cast("date") > ibis.literal(before))
    if last == company.as_of:
        return rows  # the company has cut it
    night = ibis.literal(last)
    for moment in (contract.happened_at, contract.recorded_at):
        if moment and company.has(name, moment):
            rows = rows.filter((rows[moment].cast("date") <= night).fill_null(True))
    shown = {
        column.name: (rows[column.known_at].cast("date") <= night).ifelse(
            rows[column.name], ibis.null(rows[column.name].type())
        )
        for column in contract.columns
        if column.known_at and company.has(name, column.name, column.known_at)
    }
    return rows.mutate(**shown) if shown else rows


def known_complaints(company: Company, *, days: int | None = None, ending: dt.date | None = None) -> ir.Table:
    """Return the complaints known on a day, with their ``state`` on it, one of :data:`COMPLAINT_STATES`.

    A complaint closed without a resolution, or with one of :data:`NO_SETTLEMENT`, is ``"closed unsettled"``. Where the
    company records no resolutions, closed means settled; where it does not record closing, the state is missing.
    """
    complaints = known_rows(company, "complaints", "customer_id", "opened_at", ending=ending, days=days)
    if not company.has("complaints", "closed_at"):
        return complaints.mutate(state=ibis.null("string"))
    settles = ibis.literal(value=True)
    if company.has("complaints", "resolution"):
        settles = complaints.resolution.strip().lower().notin(sorted(NO_SETTLEMENT)).fill_null(False)
    closed = settles.ifelse(ibis.literal(SETTLED), ibis.literal(UNSETTLED))
    is_open = complaints.closed_at.isnull()  # noqa: PD003
    return complaints.mutate(state=is_open.ifelse(ibis.literal(OPEN), closed))


def window_complaints(company: Company, *, days: int) -> pd.DataFrame:
    """Return the complaints opened in the days up to ``as_of``, with what is known of their end.

    Where the company knows when complaints are closed, there are ``closed_at``, ``settled`` and ``satisfied``.
    """
    complaints = known_complaints(company, days=days)
    names = [name for name in ("topic", "closed_at", "satisfied") if company.has("complaints", name)]
    if "closed_at" not in names:
        names = [name for name in names if name != "satisfied"]
    chosen = complaints.select("customer_id", "opened_at", *names, settled=complaints.state == SETTLED)
    frame: pd.DataFrame = chosen.execute()
    if "closed_at" not in names:
        return frame.drop(columns="settled")
    frame["settled"] = frame["settled"].astype(bool)
    if "satisfied" in frame:
        frame["satisfied"] = frame["satisfied"].astype("boolean").fillna(value=False).astype(bool)
    return frame


def own_brand_answers(company: Company, *, days: int | None = None, ending: dt.date | None = None) -> ir.Table:
    """Return the answers of known customers on the company's own brand: on no brand, or one marked as ``own``."""
    answers = known_rows(company, "surveys", "customer_id", "responded_at", ending=ending, days=days)
    answers = answers.filter(answers.customer_id.notnull())  # noqa: PD004
    if not company.has("surveys", "brand"):
        return answers
    own = answers.brand.isnull()  # noqa: PD003
    return answers.filter(own | answers.brand.isin(own_brands(company, ending)))


def own_answers(company: Company, *, days: int) -> pd.DataFrame:
    """Return the satisfaction with the own brand that customers told in the days up to ``as_of``, and ``weight``."""
    company.table("surveys", "customer_id", "responded_at", "satisfaction")
    weights = ["weight"] if company.has("surveys", "weight") else []
    answers = own_brand_answers(company, days=days)
    answers = answers.select("customer_id", "responded_at", "satisfaction", *weights).drop_null("satisfaction")
    frame: pd.DataFrame = answers.execute()
    frame["weight"] = frame["weight"].fillna(1.0) if weights else 1.0
    return frame


def own_brands(company: Company, ending: dt.date | None = None) -> list[str]:
    """Return the brands that are marked as the own one."""
    if not company.has("competitors", "brand", "own"):
        return []
    brands = known_rows(company, "competitors", ending=ending)
    own = brands.filter(brands.own.fill_null(False)).select("brand").distinct().order_by("brand").execute()
    return [str(name) for name in own["brand"]]


def known_contracts(company: Company, *, ending: dt.date | None = None) -> ir.Table:
    """Return the contracts that had begun by a day, and ``running``: whether they ran on the day, its last included."""
    contracts = known_rows(company, "memberships", "customer_id", "started_at", ending=ending)
    if not company.has("memberships", "ended_at"):
        return contracts.mutate(running=ibis.literal(value=True))
    # An end that lies later is not known on the day and therefore missing.
    return contracts.mutate(running=(contracts.ended_at >= ibis.literal(last_day(company, ending))).fill_null(True))


def members(company: Company, *, ending: dt.date | None = None) -> ir.Table:
    """Return ``customer_id`` of the customers with a contract that ran on the day, each once."""
    contracts = known_contracts(company, ending=ending)
    return contracts.filter(contracts.running).select("customer_id").distinct()


def is_review(contacts: ir.Table) -> ir.BooleanValue:
    """Return which interactions are reviews; capitals do not matter, and a contact of no kind is none."""
    return (contacts.kind.lower() == "review").fill_null(False)
