"""One row per customer and day of purchase: what evaluations over rolling dates go back to."""

from __future__ import annotations

import datetime as dt
from typing import Any

import ibis
import numpy as np
import pandas as pd

from crm_lib.company import Company
from crm_lib.customers.table import is_purchase

_MONEY_DECIMALS = 6


def purchase_days(company: Company, *, as_of: dt.date | None = None) -> pd.DataFrame:
    """Return the days on which each customer bought, and what was spent.

    From these rows the purchase histories of any earlier day can be told again, without another look at the
    transactions. The engine adds up the lines; only the days come back.
    """
    last = company.as_of if as_of is None else as_of
    if last > company.as_of:
        raise ValueError(f"as_of is {last}, after {company.as_of}, up to which the company's data are opened")
    transactions = company.table("transactions")
    bought = transactions.filter(is_purchase(transactions))
    columns: dict[str, Any] = {"day": bought.ordered_at.date()}
    keys = ["customer_id", "day"]
    if company.has("transactions", "recorded_at"):
        # A line without a date of entry counts as known at once, as it does when a company is opened.
        entered = bought.recorded_at.date()
        columns["recorded"] = ibis.greatest(columns["day"], ibis.coalesce(entered, columns["day"]))
        keys.append("recorded")
    lines = bought.select("customer_id", "revenue", **columns)
    if last < company.as_of:
        lines = lines.filter(lines[keys[-1]] <= ibis.literal(last))
    days = lines.group_by(keys).aggregate(spend=lines.revenue.sum().round(_MONEY_DECIMALS))
    frame: pd.DataFrame = days.to_pyarrow().to_pandas(date_as_object=False)
    types = dict.fromkeys(keys[1:], "datetime64[s]") | {"spend": "float64"}
    frame = frame[["customer_id", "day", "spend", *keys[2:]]].astype(types)
    # Engines sort texts by rules of their own; numbers for the customers, of whom there are fewer, sort fast.
    codes, _ = pd.factorize(frame["customer_id"], sort=True)
    order = np.lexsort([*(frame[name].to_numpy() for name in reversed(keys[1:])), codes])
    return frame.iloc[order].reset_index(drop=True)
