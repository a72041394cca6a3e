"""What customers brought in spans of their own, such as the year before each of them left."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir
import numpy as np
import pandas as pd
from scipy import stats

from crm_lib.company import Company
from crm_lib.customers import exact_sum, known_rows, value_of
from crm_lib.estimate import LEVEL, Estimate
from crm_lib.statistics.resampling import Floats

YEAR = 365


def value_between(company: Company, rows: pd.DataFrame, first: pd.Series, last: pd.Series) -> pd.Series[float]:
    """Return what the customer of each row brought from a first to a last day, both included (money)."""
    inside = lines_between(company, rows, first, last)
    sums: pd.DataFrame = inside.group_by("row").agg(value=exact_sum(inside[value_of(company)])).execute()
    value = sums.set_index("row")["value"].reindex(range(len(rows))).fillna(0.0)
    return pd.Series(value.to_numpy(dtype=float), index=rows.index, name="value")


def lines_between(company: Company, rows: pd.DataFrame, first: pd.Series, last: pd.Series) -> ir.Table:
    """Return the lines of the customer of each row (``row``, its number) from a first to a last day, both included."""
    asked = pd.DataFrame({
        "row": range(len(rows)), "customer_id": rows["customer_id"].to_numpy(),
        "first": pd.to_datetime(first).dt.date.to_numpy(), "last": pd.to_datetime(last).dt.date.to_numpy(),
    })  # fmt: skip
    lines = known_rows(company, "transactions")
    table = ibis.memtable(asked, schema={"row": "int64", "customer_id": "string", "first": "date", "last": "date"})
    joined = table.join(lines, "customer_id")
    return joined.filter(joined.ordered_at.date().between(joined.first, joined.last))


def value_before(company: Company, rows: pd.DataFrame, day: pd.Series) -> pd.Series[float]:
    """Return what the customer of each row brought in the year up to a day, that day included (money)."""
    return value_between(company, rows, day - pd.Timedelta(days=YEAR - 1), day)


def mean_of(each: Floats, *, times: float = 1.0, unit: str = "", method: str = "mean") -> Estimate:
    """Return the mean of amounts, or a multiple of it, with its normal interval."""
    value, error = times * float(each.mean()), times * float(each.std(ddof=1)) / np.sqrt(each.size)
    reach = float(stats.norm.ppf((1 + LEVEL) / 2)) * error
    return Estimate(value=value, low=value - reach, high=value + reach, n=each.size, unit=unit, method=method)


def welch(one: Floats, other: Floats, *, unit: str = "", fewest: int = 2) -> tuple[Estimate, float]:
    """Return the difference of two means with Welch's interval, and its p-value; open where a side has too few."""
    n = one.size + other.size
    # Where nobody bought anything, nothing tells how far others lie from that.
    if min(one.size, other.size) < fewest or max(np.ptp(one), np.ptp(other)) == 0:
        return Estimate(value=np.nan, low=-np.inf, high=np.inf, n=n, method="Welch", unit=unit), 1.0
    test = stats.ttest_ind(one, other, equal_var=False)
    ends, gap = test.confidence_interval(LEVEL), float(one.mean() - other.mean())
    return Estimate(value=gap, low=ends.low, high=ends.high, n=n, method="Welch", unit=unit), float(test.pvalue)
