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
from crm_lib.customers.counting import bit_or, number_of_ones, with_bits
from crm_lib.customers.known import last_day
from crm_lib.customers.parts import by_customer, in_ranges
from crm_lib.customers.purchase_record import UNIT_DAYS, PurchaseRecord
from crm_lib.errors import MissingData

_DIGITS = 12
"""Digits that sums of money keep: the order in which an engine adds up must not show, whatever the currency's unit."""
_COLUMNS = (
    "frequency", "recency", "age", "monetary_value", "orders", "revenue", "margin", "first_purchase", "last_purchase",
    "returns", "categories",
)  # fmt: skip
_DIFFERENT = {"orders": "order_id", "categories": "category"}
"""What is told apart, and the column in which."""
_BITS = "category_bits"
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
    parts = in_ranges(company.table("transactions"))
    frame = by_customer(*(_table(company, part, UNIT_DAYS[unit]) for part in parts))
    frame = frame.astype({name: _TYPES.get(name, "float64") for name in frame.columns})
    money = [name for name in ("revenue", "margin", "returns") if name in frame]
    # What is left of two sums that cancel out is judged by the larger of them.
    largest = frame[money].abs().max(axis=1).to_numpy() + frame["returns"].to_numpy()
    for name in money:
        frame[name] = _rounded(frame[name].to_numpy(), largest)
    repeated = _rounded(frame["monetary_value"].to_numpy(), largest, _DIGITS + 2)
    frame["monetary_value"] = repeated / frame["frequency"].where(frame["frequency"] > 0)
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


def _rounded(amounts: NDArray[np.float64], largest: NDArray[np.float64], digits: int = _DIGITS) -> NDArray[np.float64]:
    """Return amounts rounded to the last of the digits that the largest of their row keeps."""
    unit = 10.0 ** (digits - 1 - np.floor(np.log10(np.where(largest > 0, largest, 1.0))))
    return np.asarray(np.rint(amounts * unit) / unit + 0.0)


def _table(company: Company, transactions: ibis.Table, length: float) -> ibis.Table:
    """Return the columns of :func:`customer_summary` as an expression, in no particular order.

    Time is counted in exact days and divided by those of a unit (`length`), never in calendar weeks or months: these
    would merge the purchases of one week and let recency and age depend on the weekday.
    """
    lines = _lines(company, transactions)
    bought, totals = lines.filter(lines.is_purchase), _totals(lines)
    # What sums do not tell apart is told apart in a table that holds nothing else, for those who bought.
    different = {name: bought[column].nunique() for name, column in _DIFFERENT.items() if column in bought.columns}
    each = totals.inner_join(bought.group_by("customer_id").aggregate(**different), "customer_id")
    table = each.mutate(
        frequency=each.days - 1,
        recency=each.last_purchase.delta(each.first_purchase, unit="day").cast("float64") / length,
        age=ibis.literal(company.as_of).delta(each.first_purchase, unit="day").cast("float64") / length,
        monetary_value=each.bought - each.first_spend,  # to be divided when it is rounded
        returns=each.bought - each.revenue,
        **({"categories": number_of_ones(each[_BITS].fill_null(0))} if _BITS in each.columns else {}),
    )
    return table.select("customer_id", *(name for name in _COLUMNS if name in table.columns))


def exact_sum(column: ir.NumericValue, where: ir.BooleanValue | None = None) -> ir.FloatingValue:
    """Return the sum of a column in decimal numbers: the same on every run, in whatever order an engine adds."""
    total = column.cast("decimal(38, 10)").sum(where=where)
    return ibis.coalesce(total.cast("float64"), ibis.literal(0.0))


def is_purchase(transactions: ibis.Table) -> Any:
    """Return which lines were bought: neither quantity nor revenue is negative."""
    bought = transactions.revenue >= 0
    return bought & (transactions.quantity >= 0).fill_null(True) if "quantity" in transactions.columns else bought


def _lines(company: Company, transactions: ibis.Table) -> ibis.Table:
    """One row a line, and what the sums need of it."""
    known = [name for name in ("margin", "category") if company.has("transactions", name)]
    lines = transactions.select(
        "customer_id", "order_id", "revenue", *known,
        day=transactions.ordered_at.date(), is_purchase=is_purchase(transactions),
    )  # fmt: skip
    lines = with_bits(lines, "category", _BITS) if "category" in known else lines
    return lines.drop("category") if _BITS in lines.columns else lines


def _totals(lines: ibis.Table) -> ibis.Table:
    """One row a customer: lines are summed to days, and days to customers."""
    sums = [name for name in ("revenue", "margin") if name in lines.columns]
    coded = _BITS in lines.columns
    days = lines.group_by(["customer_id", "day"]).aggregate(
        bought=lines.revenue.sum(where=lines.is_purchase),  # null on a day with nothing but returns
        **{name: lines[name].sum() for name in sums},
        **({_BITS: bit_or(lines[_BITS], where=lines.is_purchase)} if coded else {}),
    )
    some = days.bought.notnull()  # noqa: PD004 - Ibis knows no notna
    return days.group_by("customer_id").aggregate(
        days=days.bought.count(),
        first_purchase=days.day.min(where=some),
        last_purchase=days.day.max(where=some),
        first_spend=days.bought.argmin(days.day, where=some),
        **{name: days[name].sum() for name in ("bought", *sums)},
        **({_BITS: bit_or(days[_BITS])} if coded else {}),
    )
