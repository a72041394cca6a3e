"""The customer table counted in purchase opportunities: bought in a year (month, week) or not."""

from __future__ import annotations

import pandas as pd

from crm_lib.company import Company
from crm_lib.customers.exact import exact_sum
from crm_lib.customers.summary import customer_summary
from crm_lib.customers.table import days_in, days_until, is_purchase


def opportunity_summary(company: Company, unit: str = "Y") -> pd.DataFrame:
    """Return one row per customer with time counted in whole purchase opportunities.

    Every customer has a clock of their own: opportunity *k* is the *k*-th unit of time after the day of the first
    purchase, and it is taken if the customer bought on any day of it. So nobody's first opportunity is shorter than
    another's, as it would be by the calendar. The unit that is still running at ``as_of`` is not yet an opportunity.

    Parameters
    ----------
    company : Company
        The company.
    unit : {"D", "W", "M", "Y"}
        Length of an opportunity.

    Returns
    -------
    DataFrame
        As :func:`customer_summary`, in which ``frequency`` is the number of opportunities with a purchase, ``recency``
        the number of the last such opportunity (0 if none), ``age`` the number of opportunities so far and
        ``monetary_value`` the mean amount bought in an opportunity with a purchase. What times between purchase days
        tell (``median_gap``, ``log_gaps``) is left out.

    Raises
    ------
    ValueError
        If the unit is unknown.
    """
    length = days_in(unit)
    transactions = company.table("transactions")
    lines = transactions.filter(is_purchase(transactions))
    lines = lines.select("customer_id", "revenue", day=lines.ordered_at.date())
    days = lines.group_by("customer_id", "day").aggregate(spend=exact_sum(lines.revenue))
    first = days.group_by("customer_id").mutate(first=days.day.min())
    numbered = first.select(
        "customer_id",
        "spend",
        number=(first.day.delta(first.first, unit="day") / length).ceil().cast("int64"),
        chances=(days_until(company.as_of, first.first) / length).floor().cast("int64"),
    )
    taken = (numbered.number > 0) & (numbered.number <= numbered.chances)
    told: pd.DataFrame = (
        numbered.group_by("customer_id")
        .aggregate(
            frequency=numbered.number.nunique(where=taken),
            recency=numbered.number.max(where=taken).fill_null(0),
            age=numbered.chances.max(),
            spend=exact_sum(numbered.spend, taken),
        )
        .to_pyarrow()
        .to_pandas()
        .set_index("customer_id")
    )
    frame = customer_summary(company, unit).drop(columns=["median_gap", "log_gaps"])
    told = told.reindex(frame.index)
    frame["frequency"] = told["frequency"].astype("int64")
    frame["recency"], frame["age"] = told["recency"].astype(float), told["age"].astype(float)
    frame["monetary_value"] = told["spend"].astype(float) / told["frequency"].where(told["frequency"] > 0)
    return frame
