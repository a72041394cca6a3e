"""The customer table again, slowly: one customer after the other, in plain Python."""

from __future__ import annotations

import datetime as dt
import math

import pandas as pd


def reference_summary(lines: pd.DataFrame, as_of: dt.date, unit_days: float) -> pd.DataFrame:
    """Return what :func:`crm_lib.customers.customer_summary` should, from the definitions."""
    # data/README.md: a return whose revenue has the sign of a sale counts as negative, its cost too.
    lines = lines.copy()
    turned = (lines["quantity"] < 0) & (lines["revenue"] > 0)
    for name in ("revenue", "cost"):
        lines[name] = lines[name].where(~turned, -lines[name].abs())
    rows = {}
    for customer, own in lines.groupby("customer_id"):
        records = own.to_dict("records")
        bought = [line for line in records if not (line["quantity"] < 0 or line["revenue"] < 0)]
        days = sorted({line["ordered_at"].date() for line in bought})
        if days:
            rows[customer] = _customer(records, bought, days, as_of, unit_days)
    frame = pd.DataFrame.from_dict(rows, orient="index").rename_axis("customer_id").sort_index()
    if frame.empty:
        return frame
    return frame.astype(dict.fromkeys(("first_purchase", "last_purchase"), "datetime64[s]"))


def _customer(records: list, bought: list, days: list[dt.date], as_of: dt.date, unit_days: float) -> dict:
    repeats = [line["revenue"] for line in bought if line["ordered_at"].date() > days[0]]
    return {
        "frequency": len(days) - 1,
        "recency": (days[-1] - days[0]).days / unit_days,
        "age": (as_of - days[0]).days / unit_days,
        "monetary_value": sum(repeats) / (len(days) - 1) if days[1:] else math.nan,
        "orders": len({line["order_id"] for line in bought}),
        "revenue": float(sum(line["revenue"] for line in records)),
        "margin": float(sum(line["revenue"] - line["cost"] for line in records)),
        "first_purchase": days[0],
        "last_purchase": days[-1],
        "returns": float(sum(-line["revenue"] for line in records if line not in bought)),
        "categories": len({line["category"] for line in bought if not pd.isna(line["category"])}),
    }
