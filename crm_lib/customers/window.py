"""What each customer did in the days up to a date: the base of concentration and RFM."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Literal

import ibis
import pandas as pd

from crm_lib.company import Company
from crm_lib.customers.known import known_rows, window_bounds
from crm_lib.customers.table import exact_sum, is_purchase
from crm_lib.errors import TooLittleData
from crm_lib.estimate import Estimate
from crm_lib.language import say

Value = Literal["margin", "revenue"]


@dataclass(frozen=True, kw_only=True)
class Basis:
    """What a value of customers is: margin or revenue, in which currency, of which window."""

    kind: Value = "margin"
    currency: str = ""
    days: int = 365
    ending: dt.date | None = None

    def a_year(self, amount: float, *, n: int) -> Estimate:
        """Return an amount of the window, brought by `n` customers, carried to a year."""
        return Estimate.exact(amount * 365 / self.days, n=n, unit=self.currency, method="sum")


ANY = Basis()


def value_of(company: Company) -> Value:
    """Return the measure of a customer's value: ``"margin"`` where the company knows it, else ``"revenue"``."""
    return "margin" if company.has("transactions", "margin") else "revenue"


def customer_window(company: Company, *, days: int, ending: dt.date | None = None) -> pd.DataFrame:
    """Return one row per customer with an order line in the `days` days up to `ending`, by default the last day.

    Indexed by ``customer_id``, in its order: ``orders`` (purchases, returns not counted), ``revenue`` (net of returns),
    ``margin`` (where known), ``returns`` (positive amount), ``last_purchase`` (missing for customers who only returned
    goods) and ``new`` (whether the first purchase ever fell into the window). A window without a line is TooLittleData.
    """
    before, last = window_bounds(company, days=days, ending=ending)
    first, known = ibis.literal(before), known_rows(company, "transactions", ending=ending)
    lines = known.mutate(day=known.ordered_at.date(), back=~is_purchase(known))
    inside = lines.day > first
    bought = ~lines.back & inside
    measures = {
        "lines": inside.sum(),
        "orders": lines.order_id.nunique(where=bought),
        "revenue": exact_sum(lines.revenue, inside),
        "returns": -exact_sum(lines.revenue, lines.back & inside),
        "last_purchase": lines.day.max(where=bought),
        "first_purchase": lines.day.min(where=~lines.back),
    }
    if company.has("transactions", "margin"):
        measures["margin"] = exact_sum(lines.margin, inside)
    summary = lines.group_by("customer_id").agg(**measures)
    summary = summary.filter(summary.lines > 0).mutate(new=(summary.first_purchase > first).fill_null(False))
    frame: pd.DataFrame = summary.drop("lines", "first_purchase").order_by("customer_id").execute()
    if frame.empty:
        message = "nobody bought in the {days} days up to {day}: choose a longer window"
        raise TooLittleData(say(message, days=days, day=last))
    amounts = [name for name in ("revenue", "returns", "margin") if name in frame]
    # Adding 0 turns the -0.0 of customers without returns into 0.0.
    frame[amounts] += 0.0
    frame["last_purchase"] = pd.to_datetime(frame["last_purchase"])
    return frame.set_index("customer_id").astype({"orders": "int64", "new": bool})
