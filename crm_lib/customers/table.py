"""From transactions to one row per customer."""

from __future__ import annotations

import datetime as dt
from typing import Any, Final

import ibis
import ibis.expr.types as ir
import numpy as np
import pandas as pd

from crm_lib.company import Company, kept
from crm_lib.customers.counting import DifferentValues
from crm_lib.customers.known import last_day
from crm_lib.errors import MissingData

UNIT_DAYS: Final = {"D": 1.0, "W": 7.0, "M": 365.25 / 12, "Y": 365.25}
"""Days in each unit of time: day, week, mean month and mean year."""
_MONEY_DECIMALS = 6
"""Sums of money are rounded far below a cent: the order in which an engine adds up must not show."""
_COUNTED = {"categories": DifferentValues("category"), "channels": DifferentValues("channel")}
_TYPES = dict.fromkeys(("frequency", "orders", "categories", "channels"), "int64") | dict.fromkeys(
    ("first_purchase", "last_purchase"), "datetime64[s]"
)


@kept
def customer_summary(company: Company, unit: str = "W") -> pd.DataFrame:
    """Return one row per customer as a data frame.

    Parameters
    ----------
    company : Company
        The company.
    unit : {"W", "D", "M", "Y"}
        Unit of time: week, day, month (365.25 / 12 days) or year (365.25 days).

    Returns
    -------
    DataFrame
        Indexed by ``customer_id``, ascending; ``attrs["unit"]`` tells the unit. A column whose source the company does
        not have is left out.

        - ``frequency``: number of purchase days after the first;
        - ``recency``: time from the first to the last purchase day, 0 without repeats;
        - ``age``: time from the first purchase day to ``company.as_of`` (*T* in the papers);
        - ``monetary_value``: mean revenue of a repeat purchase day, returns left out; missing without repeats;
        - ``orders``: number of different orders with at least one line that is no return;
        - ``revenue``, ``margin``: sums over all lines, net of returns;
        - ``first_purchase``, ``last_purchase``: days;
        - ``returns``: amount paid back on the lines that are returns, positive;
        - ``discount_share``: discount / (discount + revenue) over the lines bought, missing where nothing was paid;
        - ``categories``, ``channels``: how many different ones the customer bought from;
        - ``median_gap``: median time between successive purchase days, missing without repeats.
    """
    answer = customer_table(company, unit).order_by("customer_id").to_pyarrow()
    frame: pd.DataFrame = answer.to_pandas(date_as_object=False).set_index("customer_id")
    # The engine sorts in parallel; some sort texts by the rules of a language, so that there is something left to do.
    frame = frame.sort_index().astype({name: _TYPES.get(name, "float64") for name in frame.columns})
    frame.attrs["unit"] = unit
    return frame


@kept
def purchase_days(company: Company, *, as_of: dt.date | None = None) -> pd.DataFrame:
    """Return the days on which each customer bought, and what was spent.

    From these rows the purchase histories of any earlier day can be told again, without another look at the
    transactions. The engine adds up the lines; only the days come back.

    Parameters
    ----------
    company : Company
        The company.
    as_of : date, optional
        Nothing that happened or entered the books later is used; by default the company's own.
    """
    last = last_day(company, as_of)
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


def customer_attribute(company: Company, column: str) -> pd.Series[str]:
    """Return an attribute of the customers, as text.

    Parameters
    ----------
    company : Company
        The company.
    column : str
        Column of its table ``customers``.
    """
    if not company.has("customers", column):
        raise MissingData("customers", (column,))
    frame = company.frame("customers", "customer_id", column).dropna()
    return frame.drop_duplicates("customer_id").set_index("customer_id")[column].astype(str)


def customer_table(company: Company, unit: str = "W") -> ibis.Table:
    """Return the columns of :func:`customer_summary` as an expression, in no particular order.

    Time is counted in exact days and divided by the days of `unit`, never in calendar weeks or months: these would
    merge the purchases of one week and let recency and age depend on the weekday. Lines are summed to orders and orders
    to customers: whatever must be sorted or told apart is so among the orders, of which there are far fewer.
    """
    if unit not in UNIT_DAYS:
        raise ValueError(f"unknown unit of time {unit!r}: use 'D' (days), 'W' (weeks), 'M' (months) or 'Y' (years)")
    length = UNIT_DAYS[unit]
    orders = _orders(_lines(company))
    totals = _totals(_beside_the_day_before(orders))
    columns: dict[str, Any] = {
        "customer_id": totals.customer_id,
        "frequency": totals.frequency,
        "recency": totals.last_purchase.delta(totals.first_purchase, unit="day") / length,
        "age": ibis.literal(company.as_of).delta(totals.first_purchase, unit="day") / length,
        "monetary_value": totals.repeat_revenue / totals.frequency.nullif(0),
        "orders": totals.orders,
        "revenue": totals.revenue,
        "first_purchase": totals.first_purchase,
        "last_purchase": totals.last_purchase,
        "returns": (totals.bought - totals.revenue).round(_MONEY_DECIMALS),
        "median_gap": totals.median_gap / length,
    }
    if "margin" in totals.columns:
        columns["margin"] = totals.margin
    if "discount" in totals.columns:
        columns["discount_share"] = totals.discount / (totals.discount + totals.bought).nullif(0)
    customers = totals.select(**columns, **{values.bits: totals[values.bits] for values in _counted(totals).values()})
    for name, values in _counted(totals).items():
        customers = values.counted(customers, orders, "customer_id", name)
    return customers.select(*(name for name in _ORDER if name in customers.columns))


_ORDER = (
    "customer_id", "frequency", "recency", "age", "monetary_value", "orders", "revenue", "margin", "first_purchase",
    "last_purchase", "returns", "discount_share", "categories", "channels", "median_gap",
)  # fmt: skip


def exact_sum(column: ir.NumericValue, where: ir.BooleanValue | None = None) -> ir.FloatingValue:
    """Return the sum of a column in decimal numbers: the same on every run, in whatever order an engine adds."""
    total = column.cast("decimal(38, 10)").sum(where=where)
    return ibis.coalesce(total.cast("float64"), ibis.literal(0.0))


def is_purchase(transactions: ibis.Table) -> Any:
    """Return which lines were bought: neither quantity nor revenue is negative."""
    bought = transactions.revenue >= 0
    return bought & (transactions.quantity >= 0).fill_null(True) if "quantity" in transactions.columns else bought


def _lines(company: Company) -> ibis.Table:
    """One row a line: what the sums need, texts to be counted turned into bits."""
    transactions = company.table("transactions")
    counted = {name: values for name, values in _COUNTED.items() if company.has("transactions", values.column)}
    lines = transactions.select(
        "customer_id",
        "order_id",
        "revenue",
        *(name for name in ("margin", "discount") if company.has("transactions", name)),
        *(values.column for values in counted.values()),
        day=transactions.ordered_at.date(),
        is_purchase=is_purchase(transactions),
    )
    for values in counted.values():
        lines = values.encode(lines, transactions, where="is_purchase")
    return lines


def _counted(encoded: ibis.Table) -> dict[str, DifferentValues]:
    return {name: values for name, values in _COUNTED.items() if values.bits in encoded.columns}


def _orders(lines: ibis.Table) -> ibis.Table:
    """One row an order and day (and pair of blocks); `bought` is null where it has nothing but returns."""
    counted = _counted(lines).values()
    sums: dict[str, Any] = {"bought": lines.revenue.sum(where=lines.is_purchase), "revenue": lines.revenue.sum()}
    if "margin" in lines.columns:
        sums["margin"] = lines.margin.sum()
    if "discount" in lines.columns:
        sums["discount"] = lines.discount.sum(where=lines.is_purchase)
    sums |= {values.bits: lines[values.bits].bit_or() for values in counted}
    return lines.group_by(["customer_id", "day", "order_id", *(values.block for values in counted)]).aggregate(**sums)


def _beside_the_day_before(orders: ibis.Table) -> ibis.Table:
    """The orders, each with the day of the order before and the first day of all.

    Orders of returns only are a partition of their own, so that purchases see purchases only.
    """
    bought = orders.bought.notnull()  # noqa: PD004 - Ibis knows no notna
    window = ibis.window(group_by=[orders.customer_id, bought], order_by=orders.day)
    return orders.mutate(
        is_purchase=bought, previous=orders.day.lag().over(window), first=orders.day.first().over(window)
    )


def _totals(orders: ibis.Table) -> ibis.Table:
    """One row a customer with at least one purchase."""
    # Of several orders on a day only the first lies after the day of the one before.
    is_repeat = orders.is_purchase & (orders.previous < orders.day)
    gap = orders.day.delta(orders.previous, unit="day")
    money = {
        name: orders[name].sum().fill_null(0.0) for name in ("bought", "revenue", "discount") if name in orders.columns
    }
    money["repeat_revenue"] = orders.bought.sum(where=orders.first < orders.day).fill_null(0.0)
    if "margin" in orders.columns:
        money["margin"] = orders.margin.sum()
    totals = orders.group_by("customer_id").aggregate(
        frequency=orders.count(where=is_repeat),
        first_purchase=orders.day.min(where=orders.is_purchase),
        last_purchase=orders.day.max(where=orders.is_purchase),
        median_gap=gap.median(where=is_repeat),
        orders=orders.order_id.nunique(where=orders.is_purchase),
        **{name: amount.round(_MONEY_DECIMALS) for name, amount in money.items()},
        **{values.bits: values.first_block(orders) for values in _counted(orders).values()},
    )
    return totals.drop_null("first_purchase")
