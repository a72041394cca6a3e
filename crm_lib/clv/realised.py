"""What customers have brought and cost so far, added up where the data live and carried forward to ``as_of``."""

from __future__ import annotations

import math
from typing import Any

import ibis
import ibis.expr.types as ir
import pandas as pd

from crm_lib.company import Company
from crm_lib.customers import Value, exact_sum, is_purchase, value_of


def realised(company: Company, *, annual_rate: float) -> pd.DataFrame:
    """Return what each customer has brought, net of returns.

    ``carried`` is margin (or revenue, where no margin is known), an amount of d days before ``as_of`` counting
    (1 + rate)^(d / 365.25) times; ``part`` the same as it was; ``whole`` sales before returns; ``part2``, ``cross`` and
    ``whole2`` are sums of squares and products over the customer's days. Lines of unknown margin are given the rate of
    the others.
    """
    lines = _lines(company, value_of(company))
    unit = _unit(lines.revenue)
    days = lines.group_by(["customer_id", "day"]).agg(
        y=exact_sum(lines.amount / unit), g=exact_sum(lines.revenue / unit, lines.bought)
    )
    days = days.mutate(carried=days.y * _carried(company, days.day, annual_rate))
    return _sums(days, unit, carried=days.carried, part=days.y, whole=days.g, part2=days.y * days.y,
                 cross=days.y * days.g, whole2=days.g * days.g)  # fmt: skip


def contact_costs(company: Company, *, annual_rate: float) -> pd.DataFrame | None:
    """Return what serving each customer has cost (``carried``, ``part``, ``part2``), None where it is not known."""
    if not company.has("interactions", "cost"):
        return None
    contacts = company.table("interactions")
    unit = _unit(contacts.cost)
    contacts = contacts.select("customer_id", cost=contacts.cost.fill_null(0.0) / unit, day=contacts.occurred_at.date())
    carried = contacts.cost * _carried(company, contacts.day, annual_rate)
    return _sums(contacts, unit, carried=carried, part=contacts.cost, part2=contacts.cost * contacts.cost)


def _lines(company: Company, basis: Value) -> ir.Table:
    lines = company.table("transactions")
    amount: Any = lines.revenue
    if basis == "margin":
        told = lines.margin.notnull()  # noqa: PD004  (Ibis knows no notna)
        sums = lines.aggregate(
            unknown=(~told).sum(), margin=exact_sum(lines.margin), revenue=exact_sum(lines.revenue, told)
        ).execute()
        amount = lines.margin
        if sums["unknown"].iloc[0]:
            revenue = float(sums["revenue"].iloc[0])
            amount = amount.fill_null(lines.revenue * (float(sums["margin"].iloc[0]) / revenue if revenue > 0 else 0.0))
    return lines.select("customer_id", "revenue", day=lines.ordered_at.date(), bought=is_purchase(lines), amount=amount)


def _carried(company: Company, day: Any, annual_rate: float) -> Any:
    return ibis.literal(1.0 + annual_rate) ** (ibis.literal(company.as_of).delta(day, unit="day") / 365.25)


def _unit(amounts: ir.NumericColumn) -> float:
    """Return the power of two in which exact sums of amounts and of their squares lose no digits, and fit."""
    largest = float(amounts.abs().max().execute() or 0.0)
    return 2.0 ** (math.frexp(largest)[1] - 24) if largest > 0 else 1.0


def _sums(rows: ir.Table, unit: float, **columns: Any) -> pd.DataFrame:
    totals = rows.group_by("customer_id").agg(**{name: exact_sum(column) for name, column in columns.items()})
    frame: pd.DataFrame = totals.order_by("customer_id").execute().set_index("customer_id")
    powers = {name: unit**2 if name in ("part2", "cross", "whole2") else unit for name in columns}
    return frame.astype(float) * pd.Series(powers) + 0.0
