"""Faults that show only when rows or tables are compared: none is fatal, all are worth knowing."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

from crm_lib import language
from crm_lib.company.report import Fault
from crm_lib.language import text

SMALL = 5_000_000
"""Tables with more rows are not searched for repeated lines and shared orders: it would take longer than the rest."""


def transaction_faults(rows: Any, size: int, columns: tuple[str, ...]) -> Iterator[Fault]:
    """Yield what is odd about transactions, cleaned and cut, of so many rows and with these columns."""
    note = partial(Fault, table="transactions", treatment="kept")
    days = rows.ordered_at.date()
    spans = rows.group_by("customer_id").aggregate(again=days.max() > days.min())
    customers = spans.aggregate(all=spans.count(), again=spans.again.sum())
    lines = rows.aggregate(zero=(rows.revenue == 0).sum(), low=rows.revenue.min(), high=rows.revenue.max())
    who, what = customers.to_pyarrow().to_pylist()[0], lines.to_pyarrow().to_pylist()[0]
    if zero := what["zero"]:
        told = language.plural("{n} line cost the customer nothing", "{n} lines cost the customer nothing", zero)
        yield note(kind="zero revenue", column="revenue", count=zero, detail=told)
    if size > 1 and what["low"] == what["high"]:
        told = text("every line has the same revenue: analyses of spending will have nothing to say")
        yield note(kind="constant revenue", column="revenue", count=size, detail=told)
    if who["all"] == 1:
        told = text("there is only one customer: analyses that compare customers will have nothing to say")
        yield note(kind="one customer", column="customer_id", count=1, detail=told)
    if not who["again"]:
        told = text("nobody bought on a second day: models of repeat purchases cannot be fitted")
        yield note(kind="no repeat purchases", column="customer_id", count=who["all"], detail=told)
    if size > SMALL:
        return
    if "line_id" not in columns and (repeated := size - int(rows.select(*columns).distinct().count().execute())):
        told = language.plural("{n} line equals another", "{n} lines equal another", repeated)
        told += text("; without a line_id nobody can tell whether they are copies")
        yield note(kind="identical lines", count=repeated, detail=told)
    orders = rows.group_by("order_id").aggregate(customers=rows.customer_id.nunique())
    count, examples = _several(orders.filter(orders.customers > 1), "order_id")
    if count:
        told = language.plural(
            "{n} order belongs to several customers", "{n} orders belong to several customers", count
        )
        yield note(kind="shared orders", column="order_id", count=count, detail=told, examples=examples)


def unknown_customers(table: str, rows: Any, customers: Any) -> Iterator[Fault]:
    """Yield how many customers of a table the table of customers does not know."""
    if table in ("customers", "prospects") or "customer_id" not in rows.columns:
        return
    named = rows.filter(rows.customer_id.notnull()).select("customer_id").distinct()
    count, examples = _several(named.anti_join(customers.select("customer_id"), "customer_id"), "customer_id")
    if count:
        told = language.plural("{n} is not in 'customers'", "{n} are not in 'customers'", count)
        yield Fault(
            table=table, kind="unknown customers", treatment="kept", column="customer_id", count=count, detail=told,
            examples=examples,
        )  # fmt: skip


def _several(found: Any, column: str) -> tuple[int, tuple[tuple[None, str], ...]]:
    """Return how many rows there are, and the first three of them."""
    first = found.mutate(size=found.count().over()).order_by(column).limit(3).to_pyarrow().to_pylist()
    return first[0]["size"] if first else 0, tuple((None, repr(row[column])) for row in first)
