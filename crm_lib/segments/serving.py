"""What it costs to serve customers: the contacts of a window."""

from __future__ import annotations

import ibis
import numpy as np
import pandas as pd

from crm_lib.company import Company
from crm_lib.customers import exact_sum, known_rows
from crm_lib.errors import TooLittleData
from crm_lib.language import say


def serving_costs(company: Company, *, days: int = 365) -> pd.DataFrame:
    """Return what the contacts of the days up to ``as_of`` cost, customer by customer.

    Parameters
    ----------
    company : Company
        The company.
    days : int
        Length of the window.

    Returns
    -------
    DataFrame
        Indexed by ``customer_id``, one row per customer with a contact: ``contacts`` and ``cost`` (money). A contact of
        which only the duration is known costs its minutes at the price of those that tell both; one of which neither is
        known counts as the average contact. The cost of goods is in the margin; delivery and what customers serve
        themselves cost nothing here.

    Raises
    ------
    MissingData
        If the company does not record what contacts cost.
    TooLittleData
        If there were no contacts in the window, or none of which the cost can be told.
    """
    contacts = known_rows(company, "interactions", "customer_id", "occurred_at", "cost", days=days)
    timed = contacts.minutes.cast("float64") if company.has("interactions", "minutes") else ibis.null("float64")
    contacts = contacts.select("customer_id", cost=contacts.cost.cast("float64"), minutes=timed)
    # Ibis knows no notna.
    told, timed = contacts.cost.notnull(), contacts.minutes.notnull()  # noqa: PD004
    totals = contacts.group_by("customer_id").agg(
        contacts=contacts.count(),
        told=exact_sum(contacts.cost),
        both_cost=exact_sum(contacts.cost, told & timed),
        both_minutes=exact_sum(contacts.minutes, told & timed),
        left_minutes=exact_sum(contacts.minutes, ~told & timed),
        neither=(~told & ~timed).sum(),
    )
    frame: pd.DataFrame = totals.order_by("customer_id").execute().set_index("customer_id").fillna(0.0)
    if frame.empty:
        raise TooLittleData(say("there were no contacts in the last {days} days", days=days), table="interactions")
    sums = frame.sum()
    # Where some contacts tell their cost only and others their duration only, there is no price of a minute.
    minute = sums["both_cost"] / sums["both_minutes"] if sums["both_minutes"] > 0 else np.nan
    cost = frame["told"] + (frame["left_minutes"] * minute).where(frame["left_minutes"] > 0, 0.0)
    known = sums["contacts"] - sums["neither"]
    average = float(cost.sum() / known) if known > 0 else np.nan
    cost = cost + (frame["neither"] * average).where(frame["neither"] > 0, 0.0)
    if cost.isna().any():
        words = "the contacts of the last {days} days do not tell what they cost"
        raise TooLittleData(say(words, days=days), table="interactions")
    return pd.DataFrame({"contacts": frame["contacts"].astype("int64"), "cost": cost.astype(float) + 0.0})
