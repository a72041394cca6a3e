"""Customers for the target lists that a company's tables and segments name."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

import pandas as pd

from crm_lib import language
from crm_lib.company import Company
from crm_lib.customers.known import own_answers, window_complaints
from crm_lib.errors import MissingData, TooLittleData
from crm_lib.segments.deciding.rfm_decisions import window_before
from crm_lib.segments.rfm.in_engine import Segmented
from crm_lib.segments.value.tiers import value_tiers


def complaining(company: Company, segmented: Segmented, core: Sequence[str]) -> pd.DataFrame:
    """Return the core customers with an unsettled complaint, the oldest of each being told.

    Parameters
    ----------
    company : Company
        The company.
    segmented : Segmented
        Its customers.
    core : sequence of str
        Tiers that are the core.

    Returns
    -------
    DataFrame
        Indexed by ``customer_id``: ``value`` (of the window, money) and ``reason``.

    Raises
    ------
    MissingData
        If complaints, or when they were closed, are not recorded.
    """
    complaints = window_complaints(company, days=segmented.definitions.window_days)
    if "settled" not in complaints:
        raise MissingData("complaints", ("closed_at",))
    complaints = complaints[~complaints["settled"] & complaints["customer_id"].isin(_inside(segmented, core))]
    # Of complaints opened at one moment the order must not hang on that of the rows.
    complaints = complaints.sort_values([name for name in ("opened_at", "topic") if name in complaints], kind="stable")
    first = complaints.drop_duplicates("customer_id").set_index("customer_id")
    ages = (pd.Timestamp(company.as_of) - first["opened_at"].dt.normalize()).dt.days
    reasons = []
    for (_, row), age in zip(first.iterrows(), ages, strict=True):
        words = "{topic}: open for {days} days" if pd.isna(row["closed_at"]) else "{topic}: closed unsettled"
        topic = row.get("topic")
        topic = language.text("complaint") if pd.isna(topic) else str(topic)
        reasons.append(language.text(words).format(topic=topic, days=language.number(age, 0)))
    return _of_window(segmented, first.index, reasons)


def dissatisfied(company: Company, segmented: Segmented, core: Sequence[str], below: float) -> pd.DataFrame:
    """Return the core customers whose last answer was that they are dissatisfied.

    Parameters
    ----------
    company : Company
        The company.
    segmented : Segmented
        Its customers.
    core : sequence of str
        Tiers that are the core.
    below : float
        A satisfaction below this is dissatisfied.

    Returns
    -------
    DataFrame
        As of :func:`complaining`.

    Raises
    ------
    MissingData
        If satisfaction is not recorded.
    """
    answers = own_answers(company, days=segmented.definitions.window_days)
    answers = answers[answers["customer_id"].isin(_inside(segmented, core))].sort_values(
        ["responded_at", "satisfaction"]
    )
    last = answers.drop_duplicates("customer_id", keep="last").set_index("customer_id")
    last = last[last["satisfaction"] < below]
    words = language.text("satisfaction {points} on {day}")
    reasons = [
        words.format(points=language.number(points), day=language.date(pd.Timestamp(day).date()))
        for points, day in zip(last["satisfaction"], last["responded_at"], strict=True)
    ]
    return _of_window(segmented, last.index, reasons)


def in_segment(segmented: Segmented, name: str) -> pd.DataFrame:
    """Return the customers of a segment with their orders and silence.

    Where all known customers are scored, this holds those who bought nothing in the window, too.

    Parameters
    ----------
    segmented : Segmented
        The customers.
    name : str
        The segment.

    Returns
    -------
    DataFrame
        As of :func:`complaining`.

    Raises
    ------
    TooLittleData
        If the rules know no such segment.
    """
    if name not in [rule.name for rule in segmented.rfm.rules]:
        message = language.text("the company's own rules know no segment '{name}'")
        raise TooLittleData(message.format(name=name))
    own = segmented.rfm.frame[segmented.rfm.frame["segment"] == name]
    return _of_window(
        segmented, own.index, _silence(own["frequency"], own["recency"], segmented.definitions.window_days)
    )


def former_core(company: Company, segmented: Segmented, core: Sequence[str]) -> pd.DataFrame:
    """Return the core customers of the window before who bought nothing since.

    Parameters
    ----------
    company : Company
        The company.
    segmented : Segmented
        Its customers.
    core : sequence of str
        Tiers that are the core.

    Returns
    -------
    DataFrame
        As of :func:`complaining`, with ``value`` and ``tier`` of the window before.

    Raises
    ------
    TooLittleData
        If the data do not reach back so far.
    """
    days = segmented.definitions.window_days
    earlier = window_before(company, days=days)
    if earlier is None:
        raise TooLittleData(language.text("the window before is needed, and the data do not reach back so far"))
    # By today's borders, so that nobody has moved because a border did.
    tier = value_tiers(earlier[segmented.value_kind], cut_points=segmented.tiers.cut_points).frame["tier"]
    now = segmented.rfm.frame
    buyers = now.index[now["frequency"] > 0]
    gone = earlier[tier.isin(list(core)) & earlier["last_purchase"].notna() & ~earlier.index.isin(buyers)]
    silent = (pd.Timestamp(company.as_of) - gone["last_purchase"]).dt.days
    ending = language.date(company.as_of - dt.timedelta(days=days))
    words = language.text("{what}; in the core until {day}, with the tier of that day")
    reasons = [words.format(what=what, day=ending) for what in _silence(gone["orders"], silent, days)]
    return pd.DataFrame(
        {"value": gone[segmented.value_kind], "tier": tier[gone.index].astype(object), "reason": reasons},
        index=gone.index,
    )


def _inside(segmented: Segmented, core: Sequence[str]) -> pd.Index[str]:
    tier = segmented.tiers.frame["tier"]
    return tier.index[tier.isin(list(core))]


def _of_window(segmented: Segmented, customers: pd.Index[str], reasons: list[str]) -> pd.DataFrame:
    value = segmented.tiers.frame["value"].reindex(customers).fillna(0.0)
    return pd.DataFrame({"value": value, "reason": pd.Series(reasons, index=customers, dtype=object)}, index=customers)


def _silence(orders: pd.Series[int], silent: pd.Series[int], window_days: int) -> list[str]:
    # Written once for each number: many customers share it.
    counted = {n: language.plural("{n} order", "{n} orders", int(n)) for n in orders.unique()}
    counted[0] = language.text("no order in {days} days").format(days=language.number(window_days, 0))
    ago = {n: language.plural("{n} day", "{n} days", int(n)) for n in silent.unique()}
    words = language.text("{orders}, the last one {days} ago")
    return [words.format(orders=counted[count], days=ago[gone]) for count, gone in zip(orders, silent, strict=True)]
