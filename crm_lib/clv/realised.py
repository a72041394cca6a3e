"""What customers have brought and cost so far, added up where the data live and carried forward to ``as_of``."""

from __future__ import annotations

import math
from typing import Any

import ibis
import ibis.expr.types as ir
import pandas as pd

from crm_lib.company import Company
from crm_lib.customers import Value, by_customer, exact_sum, in_ranges, is_purchase, value_of

_BITS = 44
"""Binary digits of the largest amount: a sum may become 500 times as large before the last one is lost."""


def realised(company: Company, *, annual_rate: float) -> pd.DataFrame:
    """Return what each customer has brought, net of returns.

    ``carried`` is margin (or revenue, where no margin is known), an amount of d days before ``as_of`` counting
    (1 + rate)^(d / 365.25) times; ``part`` the same as it was; ``whole`` sales before returns; ``part2``, ``cross`` and
    ``whole2`` are sums of squares and products over the customer's days. Lines of unknown margin are given the rate of
    the others.
    """
    lines = _lines(company, value_of(company))
    step = _step(lines.revenue)
    parts = []
    for part in in_ranges(lines):
        days = part.group_by(["customer_id", "day"]).agg(
            y=_sum(part.amount, step), g=_sum(part.revenue, step, part.bought)
        )
        days = days.mutate(carried=days.y * _carried(company, days.day, annual_rate))
        columns = {"carried": days.carried, "part": days.y, "whole": days.g}
        squares = {"part2": days.y * days.y, "cross": days.y * days.g, "whole2": days.g * days.g}
        parts.append(_sums(days, step, **columns, **squares))
    return by_customer(*parts).astype(float) + 0.0


def contact_costs(company: Company, *, annual_rate: float) -> pd.DataFrame | None:
    """Return what serving each customer has cost (``carried``, ``part``, ``part2``), None where it is not known."""
    if not company.has("interactions", "cost"):
        return None
    contacts = company.table("interactions")
    step = _step(contacts.cost)
    contacts = contacts.select("customer_id", cost=contacts.cost.fill_null(0.0), day=contacts.occurred_at.date())
    carried = contacts.cost * _carried(company, contacts.day, annual_rate)
    sums = _sums(contacts, step, carried=carried, part=contacts.cost, part2=contacts.cost * contacts.cost)
    return by_customer(sums).astype(float) + 0.0


def _lines(company: Company, basis: Value) -> ir.Table:
    lines = company.table("transactions")
    amount: Any = lines.revenue
    if basis == "margin":
        amount, unknown = lines.margin, lines.margin.isnull()  # noqa: PD003  (Ibis knows no isna)
        if unknown.any().execute():
            known = lines.filter(~unknown)
            sums = known.aggregate(margin=exact_sum(known.margin), revenue=exact_sum(known.revenue)).execute()
            margin, revenue = (float(sums[name].iloc[0]) for name in ("margin", "revenue"))
            amount = amount.fill_null(lines.revenue * (margin / revenue if revenue > 0 else 0.0))
    return lines.select("customer_id", "revenue", day=lines.ordered_at.date(), bought=is_purchase(lines), amount=amount)


def _carried(company: Company, day: Any, annual_rate: float) -> Any:
    return ibis.literal(1.0 + annual_rate) ** (ibis.literal(company.as_of).delta(day, unit="day") / 365.25)


def _step(amounts: ir.NumericColumn) -> float:
    """Return a power of two, the largest amount divided by which is below 2^44."""
    largest = float(amounts.abs().max().execute() or 0.0)
    return 2.0 ** (math.frexp(largest)[1] - _BITS) if largest > 0 else 1.0


def _sum(amounts: Any, step: float, where: Any = None) -> Any:
    """Return the sum of amounts rounded to whole steps: up to 2^53 steps it is the same in whatever order one adds."""
    shift = 1.5 * 2.0**52 * step  # beside which a number has no digits below a step
    return (amounts + shift - shift).sum(where=where).fill_null(0.0)


def _sums(rows: ir.Table, step: float, **columns: Any) -> ir.Table:
    steps = dict.fromkeys(("part2", "cross", "whole2"), step * step * 2.0**_BITS)
    return rows.group_by("customer_id").agg(
        **{name: _sum(column, steps.get(name, step)) for name, column in columns.items()}
    )
