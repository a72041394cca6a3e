"""Faults that show only when rows or tables are compared: none is fatal, all are worth knowing."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from crm_lib import language
from crm_lib.company.report import Fault
from crm_lib.language import text

SMALL = 5_000_000
"""Tables with more rows are not searched for repeated lines and shared orders: it would take longer than the rest."""


def transaction_faults(rows: Any, size: int, columns: tuple[str, ...]) -> Iterator[Fault]:
    """Yield what is odd about transactions, cleaned and cut, of so many rows and with these columns."""
    spans = rows.group_by("customer_id").aggregate(
        first=rows.ordered_at.min().date(), last=rows.ordered_at.max().date()
    )
    customers = spans.aggregate(all=spans.count(), again=(spans.last > spans.first).sum())
    lines = rows.aggregate(zero=(rows.revenue == 0).sum(), low=rows.revenue.min(), high=rows.revenue.max())
    who, what = customers.to_pyarrow().to_pylist()[0], lines.to_pyarrow().to_pylist()[0]
    if what["zero"]:
        yield _note("transactions", "zero revenue", "revenue", what["zero"], _lines_of_zero(what["zero"]))
    if size > 1 and what["low"] == what["high"]:
        detail = text("every line has the same revenue: analyses of spending will have nothing to say")
        yield _note("transactions", "constant revenue", "revenue", size, detail)
    if who["all"] == 1:
        detail = text("there is only one customer: analyses that compare customers will have nothing to say")
        yield _note("transactions", "one customer", "customer_id", 1, detail)
    if not who["again"]:
        detail = text("nobody bought on a second day: models of repeat purchases cannot be fitted")
        yield _note("transactions", "no repeat purchases", "customer_id", who["all"], detail)
    if size <= SMALL:
        yield from _repeated_lines(rows, size, columns)
        yield from _shared_orders(rows)


def _lines_of_zero(count: int) -> str:
    return language.plural("{n} line cost the customer nothing", "{n} lines cost the customer nothing", count)


def _repeated_lines(rows: Any, size: int, columns: tuple[str, ...]) -> Iterator[Fault]:
    if "line_id" in columns:
        return
    repeated = size - int(rows.select(*columns).distinct().count().execute())
    if repeated:
        written = language.plural("{n} line equals another", "{n} lines equal another", repeated)
        detail = written + text("; without a line_id nobody can tell whether they are copies")
        yield _note("transactions", "identical lines", "", repeated, detail)


def _shared_orders(rows: Any) -> Iterator[Fault]:
    orders = rows.group_by("order_id").aggregate(customers=rows.customer_id.nunique())
    shared = orders.filter(orders.customers > 1)
    first = shared.mutate(size=shared.count().over()).order_by("order_id").limit(3).to_pyarrow().to_pylist()
    if first:
        count = first[0]["size"]
        detail = language.plural(
            "{n} order belongs to several customers", "{n} orders belong to several customers", count
        )
        examples = tuple((None, repr(row["order_id"])) for row in first)
        yield _note("transactions", "shared orders", "order_id", count, detail, examples)


def unknown_customers(table: str, rows: Any, customers: Any) -> Iterator[Fault]:
    """Yield how many customers of a table the table of customers does not know."""
    if table in ("customers", "prospects") or "customer_id" not in rows.columns:
        return
    named = rows.filter(rows.customer_id.notnull()).select("customer_id").distinct()
    strange = named.anti_join(customers.select("customer_id"), "customer_id")
    first = strange.mutate(size=strange.count().over()).order_by("customer_id").limit(3).to_pyarrow().to_pylist()
    if first:
        count = first[0]["size"]
        detail = language.plural("{n} is not in 'customers'", "{n} are not in 'customers'", count)
        examples = tuple((None, repr(row["customer_id"])) for row in first)
        yield _note(table, "unknown customers", "customer_id", count, detail, examples)


def _note(
    table: str, kind: str, column: str, count: int, detail: str, examples: tuple[tuple[int | None, str], ...] = ()
) -> Fault:
    return Fault(
        table=table, kind=kind, treatment="kept", column=column, count=count, detail=detail,
        examples=examples,
    )  # fmt: skip
