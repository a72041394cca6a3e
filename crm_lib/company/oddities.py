"""Faults that show only when rows or tables are compared: none is fatal, all are worth knowing."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

import ibis

from crm_lib import language
from crm_lib.company.reading import before, folded
from crm_lib.company.report import Fault
from crm_lib.language import say, text

ALIKE, CATCH_ALL = 0.01, 0.05
"""Share of identifiers alike, and of the orders of one customer, from which on they must be known at once."""
SMALL = 5_000_000
"""Tables with more rows are not searched for repeated lines and shared orders: it would take longer than the rest."""


def transaction_faults(rows: Any, size: int, columns: tuple[str, ...]) -> Iterator[Fault]:
    """Yield what is odd about transactions, cleaned and cut, of so many rows and with these columns."""
    note = partial(Fault, table="transactions", treatment="kept")
    days = rows.ordered_at.date()
    spans = rows.group_by("customer_id").aggregate(again=days.max() > days.min())
    distinct = folded(spans.customer_id).nunique()
    customers = spans.aggregate(all=spans.count(), again=spans.again.sum(), distinct=distinct)
    measures = {"zero": (rows.revenue == 0).sum(), "low": rows.revenue.min(), "high": rows.revenue.max()}
    if "recorded_at" in columns:
        measures["early"] = before(rows.recorded_at, rows.ordered_at).sum()
    who, what = customers.to_pyarrow().to_pylist()[0], rows.aggregate(**measures).to_pyarrow().to_pylist()[0]
    if early := what.get("early"):
        told = text("lines entered the books before they were ordered")
        yield note(kind="before its start", column="recorded_at", count=early, detail=f"{early:,} {told}")
    if alike := who["all"] - who["distinct"]:
        told = "{all:count} identifiers, {distinct:count} without capitals and blanks: fold_ids = true joins them"
        told_as = partial(note, severity="serious") if alike > ALIKE * who["all"] else note
        yield told_as(kind="identifiers alike", column="customer_id", count=alike, detail=say(told, **who))
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
    yield from _catch_all(rows)
    if "line_id" not in columns and (repeated := size - int(rows.select(*columns).distinct().count().execute())):
        told = language.plural("{n} line equals another", "{n} lines equal another", repeated)
        told += text("; without a line_id nobody can tell whether they are copies")
        yield note(kind="identical lines", count=repeated, detail=told)
    orders = rows.group_by("order_id").aggregate(customers=rows.customer_id.nunique())
    if found := _several(orders.filter(orders.customers > 1), "order_id"):
        one, many = "{n} order belongs to several customers", "{n} orders belong to several customers"
        yield note(kind="shared orders", detail=language.plural(one, many, found["count"]), **found)


def _catch_all(rows: Any) -> Iterator[Fault]:
    """Yield identifiers with so many orders that they hardly are one customer's."""
    each = rows.group_by("customer_id").aggregate(orders=rows.order_id.nunique())
    all_ = each.aggregate(orders=each.orders.sum(), usual=each.orders.quantile(0.9)).to_pyarrow().to_pylist()[0]
    many = each.filter((each.orders >= CATCH_ALL * all_["orders"]) & (each.orders > 10 * all_["usual"]))
    for row in many.order_by(ibis.desc("orders")).limit(3).to_pyarrow().to_pylist():
        told = "it has {share:share} of all orders, 9 of 10 customers have at most {usual:count}: "
        told += "if it stands for many people, set exclude_customers = ['{who}']"
        told = say(told, share=row["orders"] / all_["orders"], usual=all_["usual"], who=row["customer_id"])
        yield Fault(
            table="transactions", kind="catch-all customer", treatment="kept", severity="serious", column="customer_id",
            count=row["orders"], detail=told, examples=((None, repr(row["customer_id"])),),
        )  # fmt: skip


def customer_faults(table: str, rows: Any, customers: Any) -> Iterator[Fault]:
    """Yield where a table and that of customers contradict each other."""
    if table in ("customers", "prospects") or "customer_id" not in rows.columns:
        return
    if table == "transactions" and "acquired_at" in customers.columns:
        yield from _late_acquisitions(customers, rows)
    named = rows.filter(rows.customer_id.notnull()).select("customer_id").distinct()
    if found := _several(named.anti_join(customers.select("customer_id"), "customer_id"), "customer_id"):
        told = language.plural("{n} is not in 'customers'", "{n} are not in 'customers'", found["count"])
        yield Fault(table=table, kind="unknown customers", treatment="kept", detail=told, **found)


def _late_acquisitions(customers: Any, sales: Any) -> Iterator[Fault]:
    """Yield how many customers were acquired after their first purchase."""
    first = sales.group_by("customer_id").aggregate(first=sales.ordered_at.date().min())
    joined = first.inner_join(customers.select("customer_id", "acquired_at"), "customer_id")
    if found := _several(joined.filter(joined.acquired_at > joined["first"]), "customer_id"):
        told = language.plural("{n} customer", "{n} customers", found["count"])
        told, found["column"] = told + text(" acquired after the first purchase"), "acquired_at"
        yield Fault(table="customers", kind="before its start", treatment="kept", detail=told, **found)


def _several(found: Any, column: str) -> dict[str, Any]:
    """Return the column, how many rows there are, and what stands in the first three of them; nothing without rows."""
    first = found.mutate(size=found.count().over()).order_by(column).limit(3).to_pyarrow().to_pylist()
    examples = tuple((None, repr(row[column])) for row in first)
    return {"column": column, "count": first[0]["size"], "examples": examples} if first else {}
