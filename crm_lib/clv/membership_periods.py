"""Memberships as periods: how many were paid, and when the next renewal is due."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
import numpy.typing as npt
import pandas as pd

from crm_lib.clv.histories import Array
from crm_lib.company import Company
from crm_lib.errors import TooLittleData

Days: TypeAlias = npt.NDArray[np.datetime64]
Counts: TypeAlias = npt.NDArray[np.int64]
_NO_PLAN = "(no plan)"


def membership_periods(company: Company, *, annual_rate: float) -> tuple[pd.DataFrame, int]:
    """Return one row per contract with the periods paid and the time to the next renewal.

    Parameters
    ----------
    company : Company
        The company; its ``memberships`` need ``price`` and ``period_months``.
    annual_rate : float
        Interest of a year at which earlier fees are carried forward to ``as_of``.

    Returns
    -------
    contracts : DataFrame
        ``customer_id``, ``plan``, ``period_months``, ``price``, ``ended``; ``paid``, the number of periods begun, which
        is the tenure of a running contract; ``paid_carried``, the same with every period carried forward from its
        first day; ``until_renewal``, the time from ``as_of`` to the next renewal as a share of the period.
    incomplete : int
        Contracts left out because price or period is missing.

    Raises
    ------
    MissingData
        If the company lacks the table or the columns.
    TooLittleData
        If no contract is complete.

    Notes
    -----
    Period k begins k × ``period_months`` calendar months after the start, on the same day of the month or, in shorter
    months, on the last. A contract has paid every period that began while it ran, and by ``as_of``. One that ended on
    the very day of a renewal was not renewed: some companies write the first day without the contract for its last.
    """
    asked = ("customer_id", "started_at", "price", "period_months")
    frame = company.table("memberships", *asked)
    optional = [name for name in ("ended_at", "plan") if company.has("memberships", name)]
    rows: pd.DataFrame = frame.select(*asked, *optional).order_by("customer_id", "started_at").execute()
    complete = rows["price"].notna() & rows["period_months"].notna()
    incomplete = int((~complete).sum())
    rows = rows[complete].reset_index(drop=True)
    if rows.empty:
        raise TooLittleData("no membership has both price and period", table="memberships")
    as_of = np.datetime64(company.as_of, "D")
    started = rows["started_at"].to_numpy().astype("datetime64[D]")
    ended_at = pd.to_datetime(rows["ended_at"]) if "ended_at" in rows else pd.Series(pd.NaT, index=rows.index)
    ended = (ended_at.notna() & (ended_at <= pd.Timestamp(company.as_of))).to_numpy()
    last = np.where(ended, ended_at.to_numpy().astype("datetime64[D]"), as_of)
    months = rows["period_months"].to_numpy(dtype=np.int64)
    # The day before the end, as an end on the day of renewal pays for nothing more; the first period is always paid.
    until = np.maximum(np.where(ended, last - np.timedelta64(1, "D"), last), started)
    paid = np.maximum(_whole_months(started, until) // months + 1, 1)
    due = _months_later(started, paid * months)
    before = _months_later(started, (paid - 1) * months)
    wait = (due - as_of).astype(float) / (due - before).astype(float)
    contracts = pd.DataFrame(
        {
            "customer_id": rows["customer_id"],
            "plan": rows["plan"].fillna(_NO_PLAN) if "plan" in rows else _NO_PLAN,
            "period_months": months,
            "price": rows["price"].astype(float),
            "ended": ended,
            "paid": paid,
            "paid_carried": _carried(started, months, paid, as_of, annual_rate),
            "until_renewal": np.where(ended, 0.0, np.clip(wait, 0.0, 1.0)),
        }
    )
    return contracts, incomplete


def _whole_months(begin: Days, end: Days) -> Counts:
    """Return how many whole months lie between two days."""
    months = (end.astype("datetime64[M]") - begin.astype("datetime64[M]")).astype(np.int64)
    return np.asarray(months - (_months_later(begin, months) > end))


def _months_later(days: Days, months: Counts) -> Days:
    """Return the same day some months later, or the last of a month that is too short."""
    month = days.astype("datetime64[M]")
    place = (days - month.astype("datetime64[D]")).astype(np.int64)
    target = month + months
    length = ((target + 1).astype("datetime64[D]") - target.astype("datetime64[D]")).astype(np.int64)
    return np.asarray(target.astype("datetime64[D]") + np.minimum(place, length - 1))


def _carried(started: Days, months: Counts, paid: Counts, as_of: np.datetime64, rate: float) -> Array:
    """Return the sum, over the periods paid, of their value on `as_of`, each worth 1 on its first day."""
    contract = np.repeat(np.arange(len(paid)), paid)
    period = np.arange(len(contract)) - np.repeat(np.cumsum(paid) - paid, paid)
    day = _months_later(started[contract], period * months[contract])
    passed = (as_of - day).astype(float)
    return np.asarray(np.bincount(contract, weights=(1 + rate) ** (passed / 365.25), minlength=len(paid)), dtype=float)
