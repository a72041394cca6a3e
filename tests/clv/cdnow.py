"""The CDNOW sample as it ships with the package lifetimes: 2,357 customers, 39 + 39 weeks, exact days."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import lifetimes
import pandas as pd

BEGIN, CUT, END = pd.Timestamp("1997-01-01"), pd.Timestamp("1997-09-30"), pd.Timestamp("1998-06-30")
WEEKS = 39.0


@cache
def cdnow_purchases() -> pd.DataFrame:
    """One row a purchase: number of the customer in the sample, day, number of discs, amount."""
    path = Path(lifetimes.__file__).parent / "datasets" / "CDNOW_sample.txt"
    columns = ["master", "customer_id", "day", "discs", "spend"]
    lines = pd.read_csv(path, sep=r"\s+", header=None, names=columns, dtype={"day": str})
    return lines.assign(day=pd.to_datetime(lines["day"], format="%Y%m%d"))


@cache
def cdnow_summary() -> pd.DataFrame:
    """One row a customer: frequency, recency, age in weeks of days / 7, monetary value, and the holdout purchases."""
    days = cdnow_purchases().groupby(["customer_id", "day"], as_index=False)["spend"].sum()
    first = days.groupby("customer_id")["day"].min()
    days["is_repeat"] = days["day"] > days["customer_id"].map(first)
    before = days[days["day"] <= CUT]
    customers = before.groupby("customer_id").agg(frequency=("is_repeat", "sum"), last=("day", "max"))
    repeats = before[before["is_repeat"]].groupby("customer_id")["spend"].mean()
    holdout = days[days["day"] > CUT].groupby("customer_id").size()
    return pd.DataFrame(
        {
            "frequency": customers["frequency"].astype("int64"),
            "recency": (customers["last"] - first).dt.days / 7,
            "age": (CUT - first).dt.days / 7,
            "monetary_value": repeats.reindex(customers.index),
            "holdout": holdout.reindex(customers.index, fill_value=0),
        }
    )
