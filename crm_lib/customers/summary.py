"""The customer table as data frames: whole, grouped by purchase history, and what it leaves out."""

from __future__ import annotations

from typing import cast

import pandas as pd

from crm_lib.company import Company
from crm_lib.customers.table import customer_table, days_in, days_until, is_purchase

_TYPES = dict.fromkeys(("frequency", "orders", "categories", "channels"), "int64") | dict.fromkeys(
    ("first_purchase", "last_purchase"), "datetime64[s]"
)


def customer_summary(company: Company, unit: str = "W") -> pd.DataFrame:
    """Return one row per customer as a data frame.

    Parameters
    ----------
    company : Company
        The company.
    unit : {"W", "D", "M", "Y"}
        Unit of time, as for :func:`customer_table`.

    Returns
    -------
    DataFrame
        Columns as of :func:`customer_table`, index ``customer_id`` in ascending order. Counts are ``int64``, days are
        ``datetime64[s]``, all else is ``float64`` with NaN for what is missing. ``attrs["unit"]`` tells the unit.

    Raises
    ------
    ValueError
        If the unit is unknown.
    """
    answer = customer_table(company, unit).order_by("customer_id").to_pyarrow()
    frame: pd.DataFrame = answer.to_pandas(date_as_object=False).set_index("customer_id")
    # The engine sorts in parallel; some sort texts by the rules of a language, so that there is something left to do.
    frame = frame.sort_index().astype({name: _TYPES.get(name, "float64") for name in frame.columns})
    frame.attrs["unit"] = unit
    return frame


def grouped_summary(company: Company, unit: str = "W") -> pd.DataFrame:
    """Return how many customers share each purchase history, which is all that models of purchase counts need."""
    length = days_in(unit)
    transactions = company.table("transactions")
    bought = transactions.filter(is_purchase(transactions))
    days = bought.select("customer_id", day=bought.ordered_at.date()).distinct()
    spans = days.group_by("customer_id").aggregate(
        frequency=days.count() - 1, first=days.day.min(), last=days.day.max()
    )
    histories = spans.select(
        "frequency", recency=spans.last.delta(spans.first, unit="day"), age=days_until(company.as_of, spans.first)
    )
    keys = ["frequency", "recency", "age"]
    groups = histories.group_by(keys).aggregate(customers=histories.count()).order_by(keys)
    frame = cast("pd.DataFrame", groups.to_pyarrow().to_pandas()).astype({"frequency": "int64", "customers": "int64"})
    frame = frame.assign(recency=frame["recency"] / length, age=frame["age"] / length)
    frame.attrs["unit"] = unit
    return frame
