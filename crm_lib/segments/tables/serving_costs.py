"""What it costs to serve customers: the contacts of a window, by customer and by group."""

from __future__ import annotations

import datetime as dt

import ibis
import numpy as np
import pandas as pd

from crm_lib import language
from crm_lib.company import Company
from crm_lib.customers import exact_sum
from crm_lib.errors import MissingData, TooLittleData


def serving_costs(company: Company, *, days: int = 365, minute_cost: float | None = None) -> pd.DataFrame:
    """Return what the contacts of the days up to ``as_of`` cost, customer by customer.

    Parameters
    ----------
    company : Company
        The company.
    days : int
        Length of the window.
    minute_cost : float, optional
        Cost of a minute (money), for contacts of which only the duration is known. By default a minute costs what it
        costs on average in the contacts of the window that tell both.

    Returns
    -------
    DataFrame
        Indexed by ``customer_id``, one row per customer with a contact: ``contacts``, ``minutes`` (missing where not
        known) and ``cost`` (money; contacts of which neither cost nor duration is known count as the average contact).

    Raises
    ------
    MissingData
        If the company knows no contacts, or neither what they cost nor how long they took (with `minute_cost`).
    TooLittleData
        If there were no contacts in the window, or none of which the cost can be told.
    ValueError
        If `days` is not positive or `minute_cost` negative.

    Notes
    -----
    The cost of the goods is in the margin; delivery and what customers serve themselves cost nothing here.
    """
    if days < 1:
        raise ValueError(f"a window needs at least one day, not {days}")
    if minute_cost is not None and minute_cost < 0:
        raise ValueError(f"a minute cannot cost less than nothing; got {minute_cost:g}")
    has_cost, has_minutes = (company.has("interactions", name) for name in ("cost", "minutes"))
    contacts = company.table("interactions", "customer_id", "occurred_at")
    if not has_cost and not (has_minutes and minute_cost is not None):
        raise MissingData("interactions", ("cost",))
    contacts = contacts.filter(contacts.occurred_at.date() > ibis.literal(company.as_of - dt.timedelta(days=days)))
    unknown = ibis.null("float64")
    contacts = contacts.select(
        "customer_id",
        cost=contacts.cost.cast("float64") if has_cost else unknown,
        minutes=contacts.minutes.cast("float64") if has_minutes else unknown,
    )
    # Ibis knows no notna.
    told, timed = contacts.cost.notnull(), contacts.minutes.notnull()  # noqa: PD004
    totals = contacts.group_by("customer_id").agg(
        contacts=contacts.count(),
        minutes=exact_sum(contacts.minutes),
        timed=timed.sum(),
        told_cost=exact_sum(contacts.cost),
        told=told.sum(),
        both_cost=exact_sum(contacts.cost, told & timed),
        both_minutes=exact_sum(contacts.minutes, told & timed),
        left_minutes=exact_sum(contacts.minutes, ~told & timed),
        neither=(~told & ~timed).sum(),
    )
    frame: pd.DataFrame = totals.order_by("customer_id").execute().set_index("customer_id")
    if frame.empty:
        message = language.text("there were no contacts in the last {days} days")
        raise TooLittleData(message.format(days=days), table="interactions")
    sums = frame.fillna(0).sum()
    if minute_cost is None:
        # Where some contacts tell their cost only and others their duration only, there is no price of a minute.
        minute_cost = float(sums["both_cost"] / sums["both_minutes"]) if sums["both_minutes"] > 0 else np.nan
    cost = frame["told_cost"].fillna(0.0) + (frame["left_minutes"].fillna(0.0) * minute_cost).where(
        frame["left_minutes"] > 0, 0.0
    )
    known = sums["contacts"] - sums["neither"]
    average = float(cost.sum() / known) if known > 0 else np.nan
    cost = (cost + (frame["neither"] * average).where(frame["neither"] > 0, 0.0)).astype(float)
    if cost.isna().any():
        message = language.text("the contacts of the last {days} days do not tell what they cost: give minute_cost")
        raise TooLittleData(message.format(days=days), table="interactions")
    minutes = frame["minutes"].where(frame["timed"] > 0).astype(float)
    return pd.DataFrame({"contacts": frame["contacts"].astype("int64"), "minutes": minutes, "cost": cost + 0.0})


def known_serving_costs(company: Company, *, days: int = 365, minute_cost: float | None = None) -> pd.DataFrame | None:
    """Return the cost to serve, or None where the company does not know it, for what can do without.

    Parameters
    ----------
    company : Company
        The company.
    days : int
        As for :func:`serving_costs`.
    minute_cost : float, optional
        As for :func:`serving_costs`.

    Returns
    -------
    DataFrame or None
        As of :func:`serving_costs`.
    """
    try:
        return serving_costs(company, days=days, minute_cost=minute_cost)
    except MissingData:
        return None
