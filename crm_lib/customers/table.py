"""From transactions to one row per customer."""

from __future__ import annotations

import datetime as dt
from typing import Any

import ibis
import ibis.expr.types as ir
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from crm_lib.company import Company, kept
from crm_lib.customers.counting import DifferentValues, bit_or
from crm_lib.customers.known import last_day
from crm_lib.customers.purchase_record import UNIT_DAYS, PurchaseRecord
from crm_lib.errors import MissingData

_DIGITS = 12
"""Digits that sums of money keep: the order in which an engine adds up must not show, whatever the currency's unit."""
_CATEGORIES = DifferentValues("category")
_TYPES = dict.fromkeys(("frequency", "orders", "categories"), "int64") | dict.fromkeys(
    ("first_purchase", "last_purchase"), "datetime64[s]"
)


def customer_summary(
    purchases: Company | pd.DataFrame, unit: str = "W", *, as_of: dt.date | str | None = None
) -> pd.DataFrame:
    """Return one row per customer as a data frame.

    Parameters
    ----------
    purchases : Company or DataFrame
        The company; or purchases one a row, with ``customer_id``, ``day`` and, where known, ``spend``. Rows with a
        negative spend are returns, which do not count.
    unit : {"W", "D", "M", "Y"}
        Unit of time: week, day, month (365.25 / 12 days) or year (365.25 days).
    as_of : date or str, optional
        Last day on which purchases in a data frame are known; by default that of the last row. A company has its own.

    Returns
    -------
    DataFrame
        Indexed by ``customer_id``, ascending; ``attrs["unit"]`` tells the unit. A column whose source the company does
        not have is left out; of a data frame there are the first four.

        - ``frequency``: number of purchase days after the first;
        - ``recency``: time from the first to the last purchase day, 0 without repeats;
        - ``age``: time from the first purchase day to ``as_of`` (*T* in the papers);
        - ``monetary_value``: mean revenue of a repeat purchase day, returns left out; missing without repeats;
        - ``orders``: number of different orders with at least one line that is no return;
        - ``revenue``, ``margin``: sums over all lines, net of returns;
        - ``first_purchase``, ``last_purchase``: days;
        - ``returns``: amount paid back on the lines that are returns, positive;
        - ``categories``: how many different ones the customer bought from.

    Raises
    ------
    ValueError
        If the unit is unknown, a row of the data frame is no purchase, or `as_of` is given with a company.
    """
    if unit not in UNIT_DAYS:
        raise ValueError(f"unknown unit of time {unit!r}: use 'D' (days), 'W' (weeks), 'M' (months) or 'Y' (years)")
    if isinstance(purchases, pd.DataFrame):
        back = purchases["spend"] < 0 if "spend" in purchases else pd.Series(data=False, index=purchases.index)
        return PurchaseRecord.read(purchases[~back], as_of).summary(unit)
    if as_of is not None:
        raise ValueError("a company tells its own last day: give as_of to Company.open")
    return _summary(purchases, unit)


@kept
def _summary(company: Company, unit: str) -> pd.DataFrame:
    answer = _table(company, UNIT_DAYS[unit]).order_by("customer_id").to_pyarrow()
    frame: pd.DataFrame = answer.to_pandas(date_as_object=False).set_index("customer_id")
    # The engine sorts in parallel; some sort texts by the rules of a language, so that there is something left to do.
    frame = frame.sort_index().astype({name: _TYPES.get(name, "float64") for name in frame.columns})
    money = [name for name in ("revenue", "margin", "returns") if name in frame]
    # What is left of two sums that cancel out is judged by the larger of them.
    largest = frame[money].abs().max(axis=1).to_numpy() + frame["returns"].to_numpy()
    for name in money:
        frame[name] = _rounded(frame[name].to_numpy(), largest)
    frame["monetary_value"] = _rounded(frame["monetary_value"].to_numpy(), frame["monetary_value"].to_numpy())
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
    days = lines.group_by(keys).aggregate(spend=lines.revenue.sum())
    frame: pd.DataFrame = days.to_pyarrow().to_pandas(date_as_object=False)
    types = dict.fromkeys(keys[1:], "datetime64[s]") | {"spend": "float64"}
    frame = frame[["customer_id", "day", "spend", *keys[2:]]].astype(types)
    frame["spend"] = _rounded(frame["spend"].to_numpy(), frame["spend"].to_numpy())
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


def _rounded(amounts: NDArray[np.float64], largest: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return amounts rounded to the last of the digits that the largest of their row keeps."""
    unit = 10.0 ** (_DIGITS - 1 - np.floor(np.log10(np.where(largest > 0, largest, 1.0))))
    return np.asarray(np.rint(amounts * unit) / unit + 0.0)


def _table(company: Company, length: float) -> ibis.Table:
    """Return the columns of :func:`customer_summary` as an expression, in no particular order.

    Time is counted in exact days and divided by those of a unit (`length`), never in calendar weeks or months: these
    would merge the purchases of one week and let recency and age depend on the weekday. Lines are summed to orders and
    orders to customers: whatever must be sorted or told apart is so among the orders, of which there are far fewer.
    """
    orders = _orders(_lines(company))
    totals = _totals(_beside_the_day_before(orders))
    columns: dict[str, Any] = {
        "customer_id": totals.customer_id,
        "frequency": totals.frequency,
        "recency": totals.last_purchase.delta(totals.first_purchase, unit="day").cast("float64") / length,
        "age": ibis.literal(company.as_of).delta(totals.first_purchase, unit="day").cast("float64") / length,
        "monetary_value": totals.repeat_revenue / totals.frequency.nullif(0),
        "orders": totals.orders,
        "revenue": totals.revenue,
        **({"margin": totals.margin} if "margin" in totals.columns else {}),
        "first_purchase": totals.first_purchase,
        "last_purchase": totals.last_purchase,
        "returns": totals.bought - totals.revenue,
    }
    if _CATEGORIES.bits not in totals.columns:
        return totals.select(**columns)
    customers = totals.select(**columns, **{_CATEGORIES.bits: totals[_CATEGORIES.bits]})
    return _CATEGORIES.counted(customers, orders, "customer_id", "categories")


def exact_sum(column: ir.NumericValue, where: ir.BooleanValue | None = None) -> ir.FloatingValue:
    """Return the sum of a column in decimal numbers: the same on every run, in whatever order an engine adds."""
    total = column.cast("decimal(38, 10)").sum(where=where)
    return ibis.coalesce(total.cast("float64"), ibis.literal(0.0))


def is_purchase(transactions: ibis.Table) -> Any:
    """Return which lines were bought: neither quantity nor revenue is negative."""
    bought = transactions.revenue >= 0
    return bought & (transactions.quantity >= 0).fill_null(True) if "quantity" in transactions.columns else bought


def _lines(company: Company) -> ibis.Table:
    """One row a line: what the sums need, categories turned into bits."""
    transactions = company.table("transactions")
    lines = transactions.select(
        "customer_id",
        "order_id",
        "revenue",
        *(name for name in ("margin", "category") if company.has("transactions", name)),
        day=transactions.ordered_at.date(),
        is_purchase=is_purchase(transactions),
    )
    known = "category" in lines.columns
    return _CATEGORIES.encode(lines, transactions, where="is_purchase") if known else lines


def _orders(lines: ibis.Table) -> ibis.Table:
    """One row an order and day (and block of categories); `bought` is null where it has nothing but returns."""
    keys = ["customer_id", "day", "order_id"]
    sums: dict[str, Any] = {"bought": lines.revenue.sum(where=lines.is_purchase), "revenue": lines.revenue.sum()}
    if "margin" in lines.columns:
        sums["margin"] = lines.margin.sum()
    if _CATEGORIES.bits in lines.columns:
        keys.append(_CATEGORIES.block)
        sums[_CATEGORIES.bits] = bit_or(lines[_CATEGORIES.bits])
    return lines.group_by(keys).aggregate(**sums)


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
    more: dict[str, Any] = {}
    if "margin" in orders.columns:
        more["margin"] = orders.margin.sum()
    if _CATEGORIES.bits in orders.columns:
        more[_CATEGORIES.bits] = _CATEGORIES.first_block(orders)
    totals = orders.group_by("customer_id").aggregate(
        frequency=orders.count(where=is_repeat).fill_null(0),
        first_purchase=orders.day.min(where=orders.is_purchase),
        last_purchase=orders.day.max(where=orders.is_purchase),
        orders=orders.order_id.nunique(where=orders.is_purchase),
        bought=orders.bought.sum().fill_null(0.0),
        revenue=orders.revenue.sum().fill_null(0.0),
        repeat_revenue=orders.bought.sum(where=orders.first < orders.day).fill_null(0.0),
        **more,
    )
    return totals.drop_null("first_purchase")
