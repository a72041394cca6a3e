"""What is compared for who, what, why, where, when and how: each aspect as sums that the company's engine makes."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import ibis
import ibis.expr.types as ir

from crm_lib import schema
from crm_lib.company import Company
from crm_lib.customers import exact_sum, is_purchase
from crm_lib.customers.known import known_complaints, members, own_brand_answers
from crm_lib.customers.window import window_lines

Unit = Literal["share", "money", "number"]
QUESTIONS = ("who", "what", "why", "where", "when", "how")
SINGLE = ""
"""Value of an aspect that is one number, such as the age."""
_WHO = ("customer_group", "local_competition", "acquisition_channel")
_WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_DAY_PARTS = ("midnight to 6 am", "6 am to noon", "noon to 6 pm", "6 pm to midnight")
_ITEMS = (
    "product_quality", "service_quality", "personnel_quality", "image", "value_for_money", "satisfaction",
    "price_burden", "time_burden", "energy_burden", "effort_burden",
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Aspect:
    """One aspect of customers, as a ratio of two sums over them.

    A share of customers counts 1 for each; a share of purchases weighs customers by what they bought.

    Parameters
    ----------
    question : str
        One of `QUESTIONS`.
    name : str
        What is compared: a column's name, or words.
    unit : {"share", "money", "number"}
        How the ratio is written.
    parts : ibis Table
        ``customer_id``, ``value`` and ``y``, one row a customer and value; rows of 0 may be left out.
    whole : ibis Table or None
        ``customer_id`` and ``x``, one row for every customer who counts; None for 1 for everybody.
    heads : bool
        Whether `y` and `x` are 1 for each customer, so that the ratio is a share of customers.
    """

    question: str
    name: str
    unit: Unit
    parts: ir.Table
    whole: ir.Table | None
    heads: bool = False


def aspects(company: Company, *, days: int, needs: Sequence[str]) -> Iterator[Aspect]:
    """Yield every aspect that the company's tables know.

    Parameters
    ----------
    company : Company
        The company.
    days : int
        Length of the window, for what happens in time.
    needs : sequence of str
        Columns of ``customers`` that tell what a customer is after.
    """
    lines = _lines(company, days)
    orders = _orders(lines).cache()
    after = company.as_of - dt.timedelta(days=days)
    yield from _who(company, needs)
    yield from _what(company, lines)
    yield from _why(company, lines, orders, days, needs)
    yield from _where(company, orders)
    yield from _when(company, orders)
    yield from _how(company, lines, orders, after)


def _who(company: Company, needs: Sequence[str]) -> Iterator[Aspect]:
    if not company.has("customers"):
        return
    own = set(company.check.table("customers").columns) - set(schema.CUSTOMERS.column_names) - set(needs)
    for name in (*_WHO, *sorted(own)):
        if company.has("customers", name):
            yield _attribute(company, name, "who")
    if company.has("customers", "birth_year"):
        born = _each(company, "birth_year")
        yield _mean(born.mutate(value=company.as_of.year - born.value), "who", "age in years")


def _what(company: Company, lines: ir.Table) -> Iterator[Aspect]:
    bought = lines.filter(lines.bought)
    for name in ("department", "category", "product"):
        if company.has("transactions", name):
            told = bought.filter(bought[name].notnull())
            parts = told.group_by(["customer_id", name]).agg(y=exact_sum(told.revenue)).rename(value=name)
            whole = told.group_by("customer_id").agg(x=exact_sum(told.revenue))
            yield Aspect(question="what", name=f"{name}: share of spend", unit="share", parts=parts, whole=whole)
    back = lines.filter(~lines.bought)
    parts = _single(back, -exact_sum(back.revenue))
    yield Aspect(question="what", name="returned, of spend", unit="share", parts=parts, whole=_spend(lines))


def _why(company: Company, lines: ir.Table, orders: ir.Table, days: int, needs: Sequence[str]) -> Iterator[Aspect]:
    for name in needs:
        if company.has("customers", name):
            yield _attribute(company, name, "why")
    if company.has("transactions", "discount"):
        bought = lines.filter(lines.bought)
        discount = bought.discount.fill_null(0.0)
        parts = _single(bought, exact_sum(discount))
        whole = bought.group_by("customer_id").agg(x=exact_sum(discount + bought.revenue))
        yield Aspect(question="why", name="discount, of list price", unit="share", parts=parts, whole=whole)
    if company.has("complaints", "topic"):
        told = known_complaints(company, days=days)
        told = told.filter(told.topic.notnull())
        parts = told.group_by(["customer_id", "topic"]).agg(y=told.count().cast("float64")).rename(value="topic")
        yield Aspect(question="why", name="complaints per order", unit="share", parts=parts, whole=_count(orders))
    if company.has("surveys", "customer_id"):
        yield from _answers(company, days)


def _answers(company: Company, days: int) -> Iterator[Aspect]:
    own = own_brand_answers(company, days=days)
    weight = own.weight.fill_null(1.0) if company.has("surveys", "weight") else ibis.literal(1.0)
    for name in _ITEMS:
        if company.has("surveys", name):
            told = own.mutate(w=weight.cast("float64")).filter(own[name].notnull())
            parts = _single(told, exact_sum(told.w * told[name]))
            whole = told.group_by("customer_id").agg(x=exact_sum(told.w))
            yield Aspect(question="why", name=name, unit="number", parts=parts, whole=whole)


def _where(company: Company, orders: ir.Table) -> Iterator[Aspect]:
    if company.has("customers", "region"):
        yield _attribute(company, "region", "where")
    if company.has("transactions", "channel"):
        told = orders.filter(orders.channel.notnull())
        yield _of_orders(told, told.channel, "where", "channel: share of orders")


def _when(company: Company, orders: ir.Table) -> Iterator[Aspect]:
    weekday = orders.moment.day_of_week.index().cases(*enumerate(_WEEKDAYS), else_=SINGLE)
    yield _of_orders(orders, weekday, "when", "weekday: share of orders")
    if company.table("transactions").ordered_at.type().is_timestamp():
        # Days without a time are all at midnight: they tell nothing of the hour.
        timed = orders.filter((orders.moment.hour() + orders.moment.minute() + orders.moment.second()) > 0)
        part = (timed.moment.hour() // 6).cases(*enumerate(_DAY_PARTS), else_=SINGLE)
        yield _of_orders(timed, part, "when", "time of day: share of orders")
    # Months are left out: whoever came late or left early could not buy in all of them, so that a segment by recency
    # would seem to have its season.
    bought = company.table("transactions")
    bought = bought.filter(is_purchase(bought))
    for name, table, day in (
        ("last", orders, orders.moment.date().max()), ("first", bought, bought.ordered_at.date().min())
    ):  # fmt: skip
        each = table.group_by("customer_id").agg(day=day)
        since = ibis.literal(company.as_of).delta(each.day, unit="day")
        yield _mean(each.mutate(value=since), "when", f"days since {name} order")


def _how(company: Company, lines: ir.Table, orders: ir.Table, after: dt.date) -> Iterator[Aspect]:
    count = _count(orders)
    bought = lines.filter(lines.bought)
    yield Aspect(
        question="how", name="spend per order", unit="money", parts=_single(bought, exact_sum(bought.revenue)),
        whole=count,
    )  # fmt: skip
    if company.has("transactions", "quantity"):
        pieces = _single(bought, exact_sum(bought.quantity.fill_null(1.0)))
        yield Aspect(question="how", name="pieces per order", unit="number", parts=pieces, whole=count)
    per_head = count.select("customer_id", value=ibis.literal(SINGLE), y=count.x)
    yield Aspect(question="how", name="orders per customer", unit="number", parts=per_head, whole=None)
    if company.has("interactions"):
        contacts = company.table("interactions")
        contacts = contacts.filter(contacts.occurred_at.date() > ibis.literal(after))
        each = _single(contacts, contacts.count().cast("float64"))
        yield Aspect(question="how", name="contacts per order", unit="number", parts=each, whole=count)
        if company.has("interactions", "channel"):
            told = contacts.filter(contacts.channel.notnull()).rename(value="channel")
            yield _shares(told, "how", "channel of contact: share of contacts")
    if company.has("memberships"):
        member = members(company).mutate(value=ibis.literal(SINGLE), y=ibis.literal(1.0))
        yield Aspect(question="how", name="members", unit="share", parts=member, whole=None, heads=True)
    if company.has("customers", "contact_allowed"):
        allowed = _each(company, "contact_allowed")
        parts = allowed.select("customer_id", value=ibis.literal(SINGLE), y=allowed.value.cast("float64"))
        whole = _ones(allowed)
        yield Aspect(question="how", name="contact_allowed", unit="share", parts=parts, whole=whole, heads=True)


def _each(company: Company, column: str) -> ir.Table:
    """Return the known values of an attribute, one a customer."""
    customers = company.table("customers", column)
    told = customers.group_by("customer_id").agg(value=customers[column].max())
    return told.filter(told.value.notnull())


def _attribute(company: Company, column: str, question: str) -> Aspect:
    each = _each(company, column)
    if each.value.type().is_numeric():
        return _mean(each, question, column)
    parts = each.select("customer_id", value=each.value.cast("string"), y=ibis.literal(1.0))
    whole = _ones(each)
    return Aspect(question=question, name=column, unit="share", parts=parts, whole=whole, heads=True)


def _mean(each: ir.Table, question: str, name: str) -> Aspect:
    parts = each.select("customer_id", value=ibis.literal(SINGLE), y=each.value.cast("float64"))
    return Aspect(question=question, name=name, unit="number", parts=parts, whole=_ones(each))


def _ones(each: ir.Table) -> ir.Table:
    return each.select("customer_id", x=ibis.literal(1.0))


def _lines(company: Company, days: int) -> ir.Table:
    """Return the lines of the window, kept by the engine while they are used again and again."""
    lines = window_lines(company, days=days)
    wanted = ("department", "category", "product", "discount", "quantity", "channel")
    columns = [name for name in wanted if company.has("transactions", name)]
    chosen = lines.select("customer_id", "order_id", "ordered_at", "revenue", *columns, bought=is_purchase(lines))
    return chosen.cache()


def _orders(lines: ir.Table) -> ir.Table:
    """Return one row an order: its customer, its first moment and one channel."""
    bought = lines.filter(lines.bought)
    measures = {"moment": bought.ordered_at.min()}
    if "channel" in lines.columns:
        measures["channel"] = bought.channel.min()
    return bought.group_by(["customer_id", "order_id"]).agg(**measures)


def _count(orders: ir.Table) -> ir.Table:
    return orders.group_by("customer_id").agg(x=orders.count().cast("float64"))


def _spend(lines: ir.Table) -> ir.Table:
    return lines.group_by("customer_id").agg(x=exact_sum(lines.revenue, lines.bought))


def _single(rows: ir.Table, amount: Any) -> ir.Table:
    return rows.group_by("customer_id").agg(y=amount).mutate(value=ibis.literal(SINGLE))


def _of_orders(orders: ir.Table, value: Any, question: str, name: str) -> Aspect:
    return _shares(orders.select("customer_id", value=value), question, name)


def _shares(rows: ir.Table, question: str, name: str) -> Aspect:
    parts = rows.group_by(["customer_id", "value"]).agg(y=rows.count().cast("float64"))
    whole = rows.group_by("customer_id").agg(x=rows.count().cast("float64"))
    return Aspect(question=question, name=name, unit="share", parts=parts, whole=whole)
