"""The multi-dimensional profit table: what each customer group, product category and region brings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import ibis.expr.types as ir
import numpy as np
import pandas as pd

from crm_lib import language, schema
from crm_lib.company import Company
from crm_lib.customers import exact_sum, is_purchase
from crm_lib.customers.window import window_lines
from crm_lib.errors import MissingData, TooLittleData

NOT_KNOWN = "(not known)"
SMALLEST_GROUP = 10
"""Customers that a group must have to be shown by itself."""
SMALL_GROUPS = "(small groups)"
_SUMS = ("orders", "revenue", "gross", "returns", "margin")
_MOMENTS = ("returns2", "returns_gross", "gross2", "margin2")


@dataclass(frozen=True, kw_only=True)
class ProfitTable:
    """What each cell brings, as :func:`profit_table` computed it.

    Parameters
    ----------
    frame : DataFrame
        Indexed by the dimensions, in their order: ``customers``, ``orders`` (both distinct, a customer or order counts
        in every cell it touches), ``revenue`` (net of returns), ``margin`` and ``margin_rate`` (where known),
        ``returns`` (positive amount) and ``returns_share`` (of what was sold).
    moments : DataFrame
        With the same index, sums over customers that tests need: squares and products of a customer's ``returns``,
        ``gross`` (sales before returns) and ``margin`` in the cell.
    dimensions, left_out : tuple of str
        The dimensions of the table, and those asked for that the company does not have.
    totals : Series
        ``customers``, ``orders``, ``revenue``, ``gross``, ``returns`` and, where known, ``margin`` of all lines.
    pooled : int
        Number of cells that were pooled as small.
    days : int
        Length of the window.
    """

    frame: pd.DataFrame
    moments: pd.DataFrame
    dimensions: tuple[str, ...]
    left_out: tuple[str, ...]
    totals: pd.Series[float]
    pooled: int
    days: int

    @property
    def has_margin(self) -> bool:
        """Whether the company's margin is known."""
        return "margin" in self.frame

    @property
    def label(self) -> str:
        """What a reader calls the dimensions, such as "customer group · category"."""
        return " · ".join(dimension_label(name) for name in self.dimensions)


def profit_table(
    company: Company,
    *,
    dimensions: Sequence[str] = ("customer_group", "category", "region"),
    days: int = 365,
    smallest_group: int = SMALLEST_GROUP,
    absent: Literal["raise", "leave_out"] = "raise",
) -> ProfitTable:
    """Add up revenue, margin and returns over every combination of the dimensions, where the data live.

    Parameters
    ----------
    company : Company
        The company.
    dimensions : sequence of str
        Columns of the company's ``customers`` (such as "customer_group", "region", "acquisition_channel" or an
        attribute of its own) or ``transactions`` (such as "category", "department", "channel").
    days : int
        Length of the window that ends at the company's ``as_of``.
    smallest_group : int
        Cells with fewer customers are pooled as ``"(small groups)"``: they say little, and name persons.
    absent : {"raise", "leave_out"}
        What to do about dimensions that the company does not have.

    Returns
    -------
    ProfitTable
        The cells. Revenue, margin and returns of the cells add up to the totals; lines whose dimension is missing
        count as ``"(not known)"``.

    Raises
    ------
    MissingData
        If a dimension is absent and `absent` is "raise", or if all of them are.
    TooLittleData
        If the window has no lines.
    ValueError
        If no dimension, or one twice, is asked for.
    """
    if not dimensions or len(set(dimensions)) != len(dimensions):
        raise ValueError(f"give at least one dimension, each once; got {list(dimensions)}")
    lines, present = _lines(company, dimensions, days)
    left_out = tuple(name for name in dimensions if name not in present)
    if left_out and (absent == "raise" or not present):
        raise MissingData("customers or transactions", left_out)
    each = _by_customer(lines, present)
    cells = each.group_by(list(present)).agg(customers=each.count(), **_sums(each)).execute().set_index(list(present))
    if cells.empty:
        message = language.text("there are no order lines in the last {days} days: choose a longer window")
        raise TooLittleData(message.format(days=days))
    pooled = int((cells["customers"] < smallest_group).sum())
    if pooled and len(cells) > 1:
        cells = _pool(lines, each, cells, fewer_than=smallest_group)
    cells = cells.sort_index()
    frame = cells[["customers", *(name for name in _SUMS if name in cells)]].copy()
    if "margin" in frame:
        frame["margin_rate"] = _ratio(frame["margin"], frame["revenue"])
    frame["returns_share"] = _ratio(frame["returns"], frame["gross"])
    order = ["customers", "orders", "revenue", "margin", "margin_rate", "returns", "returns_share"]
    return ProfitTable(
        frame=frame[[name for name in order if name in frame]],
        moments=cells[["gross", *(name for name in _MOMENTS if name in cells)]],
        dimensions=present,
        left_out=left_out,
        totals=_totals(lines),
        pooled=pooled,
        days=days,
    )


def dimension_label(name: str) -> str:
    """Return what a reader calls a dimension of the profit table.

    Parameters
    ----------
    name : str
        Column of ``customers`` or ``transactions``, or an attribute of the company's own.

    Returns
    -------
    str
        The label of the schema in small letters; an attribute's name with spaces.

    Examples
    --------
    >>> dimension_label("customer_group"), dimension_label("home_ownership")
    ('customer group', 'home ownership')
    """
    for contract in (schema.CUSTOMERS, schema.TRANSACTIONS):
        if name in contract.column_names:
            return language.text(contract.column(name).label).lower()
    return language.text(name.replace("_", " "))


def _lines(company: Company, dimensions: Sequence[str], days: int) -> tuple[ir.Table, tuple[str, ...]]:
    """Return the lines of the window with the dimensions filled in, and the dimensions that the company has."""
    of_customers = [name for name in dimensions if company.has("customers", name)]
    of_lines = [name for name in dimensions if name not in of_customers and company.has("transactions", name)]
    lines = window_lines(company, days=days)
    measures = {
        "customer_id": lines.customer_id,
        "order_id": lines.order_id,
        "back": ~is_purchase(lines),
        "revenue": lines.revenue,
    }
    if company.has("transactions", "margin"):
        measures["margin"] = lines.margin.fill_null(0.0)
    lines = lines.select(**measures, **{name: lines[name] for name in of_lines})
    if of_customers:
        customers = company.table("customers", *of_customers)
        # A row a customer: the contract's key holds, but a company without it must not count lines twice.
        customers = customers.group_by("customer_id").agg(**{name: customers[name].max() for name in of_customers})
        lines = lines.left_join(customers, "customer_id").drop("customer_id_right")
    present = tuple(name for name in dimensions if name in of_customers or name in of_lines)
    return lines.mutate(**{name: lines[name].cast("string").fill_null(NOT_KNOWN) for name in present}), present


def _by_customer(lines: ir.Table, dimensions: Sequence[str]) -> ir.Table:
    """Return one row per customer and cell: sums, and the squares and products that standard errors need."""
    measures = {
        "orders": lines.order_id.nunique(where=~lines.back),
        "revenue": exact_sum(lines.revenue),
        "gross": exact_sum(lines.revenue, ~lines.back),
        "returns": -exact_sum(lines.revenue, lines.back),
    }
    if "margin" in lines.columns:
        measures["margin"] = exact_sum(lines.margin)
    each = lines.group_by(["customer_id", *dimensions]).agg(**measures)
    moments = {
        "returns2": each.returns * each.returns,
        "returns_gross": each.returns * each.gross,
        "gross2": each.gross * each.gross,
    }
    if "margin" in each.columns:
        moments["margin2"] = each.margin * each.margin
    return each.mutate(**moments)


def _sums(each: ir.Table) -> dict[str, ir.NumericValue]:
    amounts = [name for name in (*_SUMS, *_MOMENTS) if name in each.columns and name != "orders"]
    return {"orders": each.orders.sum(), **{name: exact_sum(each[name]) for name in amounts}}


def _totals(lines: ir.Table) -> pd.Series[float]:
    measures = {
        "customers": lines.customer_id.nunique(),
        "orders": lines.order_id.nunique(where=~lines.back),
        "revenue": exact_sum(lines.revenue),
        "gross": exact_sum(lines.revenue, ~lines.back),
        "returns": -exact_sum(lines.revenue, lines.back),
    }
    if "margin" in lines.columns:
        measures["margin"] = exact_sum(lines.margin)
    row: pd.DataFrame = lines.aggregate(**measures).execute()
    return row.iloc[0].astype(float) + 0.0


def _pool(lines: ir.Table, each: ir.Table, cells: pd.DataFrame, *, fewer_than: int) -> pd.DataFrame:
    """Return the cells with the small ones as one; its customers and orders are counted once, so in the engine."""
    dimensions = list(cells.index.names)
    sizes = each.group_by(dimensions).agg(size=each.count())
    pooled = _by_customer(lines.semi_join(sizes.filter(sizes["size"] < fewer_than), dimensions), ())
    row: pd.DataFrame = pooled.aggregate(customers=pooled.count(), **_sums(pooled)).execute()
    for name in dimensions:
        row[name] = SMALL_GROUPS
    large = cells[cells["customers"] >= fewer_than]
    return pd.concat([large, row.set_index(dimensions)])


def _ratio(part: pd.Series[float], whole: pd.Series[float]) -> pd.Series[float]:
    return part / whole.where(whole > 0, np.nan)
