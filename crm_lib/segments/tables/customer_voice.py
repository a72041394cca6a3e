"""What customers told the company: their complaints, and their answers on its own brand."""

from __future__ import annotations

import datetime as dt

import ibis
import ibis.expr.types as ir
import pandas as pd

from crm_lib.company import Company
from crm_lib.segments.tables.known import known_rows, last_day

COMPLAINT_STATES = OPEN, UNSETTLED, SETTLED = ("open", "closed unsettled", "settled")
"""States of a complaint on a day."""
NO_SETTLEMENT = frozenset({"", "none", "no settlement", "rejected"})
"""Resolutions that settle nothing, in small letters."""


def known_complaints(company: Company, *, days: int | None = None, ending: dt.date | None = None) -> ir.Table:
    """Return the complaints known on a day, and their state on it.

    Parameters
    ----------
    company : Company
        The company.
    days : int, optional
        Days up to the last one in which a complaint was opened, by default all.
    ending : date, optional
        The day, by default the company's ``as_of``. A complaint that was closed later is open.

    Returns
    -------
    ibis.Table
        The rows of ``complaints``, computed where the data live, and ``state``: ``"open"``, ``"closed unsettled"``
        (without a resolution, or with one of :data:`NO_SETTLEMENT`) or ``"settled"``. Where the company records no
        resolutions, closed means settled; where it does not record when complaints are closed, the state is missing.

    Raises
    ------
    MissingData
        If the company has no complaints.
    ValueError
        If `ending` lies after ``as_of``.
    """
    complaints = known_rows(company, "complaints", "customer_id", "opened_at", ending=ending)
    complaints = _last_days(complaints, "opened_at", days, last_day(company, ending))
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

    Parameters
    ----------
    company : Company
        The company.
    days : int
        Length of the window.

    Returns
    -------
    DataFrame
        ``customer_id``, ``opened_at``, ``topic`` (where known) and, where the company knows when complaints are
        closed, ``closed_at``, ``settled`` (as :func:`known_complaints` tells it) and ``satisfied`` (False while open;
        where known).

    Raises
    ------
    MissingData
        If the company has no complaints.
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
    """Return the answers of known customers on the company's own brand.

    Parameters
    ----------
    company : Company
        The company.
    days : int, optional
        Days up to the last one in which the answer was given, by default all.
    ending : date, optional
        Last day that counts, by default the company's ``as_of``.

    Returns
    -------
    ibis.Table
        Rows of ``surveys``, computed where the data live: those that tell the customer and no brand, or a brand that
        the table ``competitors`` marks as the own one. Without a column of brands all answers are on the own brand.

    Raises
    ------
    MissingData
        If the company has no surveys that tell the customer.
    ValueError
        If `ending` lies after ``as_of``.
    """
    answers = known_rows(company, "surveys", "customer_id", "responded_at", ending=ending)
    answers = _last_days(answers, "responded_at", days, last_day(company, ending))
    answers = answers.filter(answers.customer_id.notnull())  # noqa: PD004
    if not company.has("surveys", "brand"):
        return answers
    own = answers.brand.isnull()  # noqa: PD003
    names = _own_brands(company, ending)
    return answers.filter(own | answers.brand.isin(names) if names else own)


def own_answers(company: Company, *, days: int) -> pd.DataFrame:
    """Return the satisfaction that known customers told of the own brand in the days up to ``as_of``.

    Parameters
    ----------
    company : Company
        The company.
    days : int
        Length of the window.

    Returns
    -------
    DataFrame
        ``customer_id``, ``responded_at``, ``satisfaction`` (points) and ``weight`` (1 where there are no weights), of
        the answers of :func:`own_brand_answers` that tell the satisfaction.

    Raises
    ------
    MissingData
        If the company has no surveys of its customers' satisfaction.
    """
    company.table("surveys", "customer_id", "responded_at", "satisfaction")
    weights = ["weight"] if company.has("surveys", "weight") else []
    answers = own_brand_answers(company, days=days)
    answers = answers.select("customer_id", "responded_at", "satisfaction", *weights).drop_null("satisfaction")
    frame: pd.DataFrame = answers.execute()
    frame["weight"] = frame["weight"].fillna(1.0) if weights else 1.0
    return frame


def _own_brands(company: Company, ending: dt.date | None) -> list[str]:
    if not company.has("competitors", "brand", "own"):
        return []
    brands = known_rows(company, "competitors", ending=ending)
    own = brands.filter(brands.own.fill_null(False)).select("brand").distinct().order_by("brand").execute()
    return [str(name) for name in own["brand"]]


def _last_days(rows: ir.Table, moment: str, days: int | None, last: dt.date) -> ir.Table:
    if days is None:
        return rows
    return rows.filter(rows[moment].cast("date") > ibis.literal(last - dt.timedelta(days=days)))
