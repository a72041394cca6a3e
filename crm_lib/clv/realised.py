"""What customers have brought and cost so far, added up where the data live and carried forward to ``as_of``."""

from __future__ import annotations

from typing import Any, Literal

import ibis
import ibis.expr.types as ir
import pandas as pd

from crm_lib.company import Company
from crm_lib.customers import exact_sum, is_purchase

Basis = Literal["margin", "revenue"]
"""What is added up: margin where the company knows it, else revenue."""


def basis_of(company: Company) -> Basis:
    """Return what the company's value is counted in.

    Parameters
    ----------
    company : Company
        The company.

    Returns
    -------
    str
        "margin" where the company knows it, else "revenue".
    """
    return "margin" if company.has("transactions", "margin") else "revenue"


def realised(company: Company, *, annual_rate: float) -> pd.DataFrame:
    """Return what each customer has brought, net of returns.

    Parameters
    ----------
    company : Company
        The company.
    annual_rate : float
        Interest of a year at which earlier amounts are carried forward to ``as_of``.

    Returns
    -------
    DataFrame
        Indexed by ``customer_id``: ``carried`` (margin, or revenue where no margin is known, carried forward),
        ``part`` (the same as it was), ``whole`` (sales before returns), and over the customer's days the sums of
        squares and products ``part2``, ``cross``, ``whole2``.

    Notes
    -----
    An amount of a day d days before ``as_of`` counts :math:`(1 + rate)^{d / 365.25}` times. Where margin is known of
    some lines only, the others are given the margin rate of those.
    """
    lines = _lines(company, basis_of(company))
    days = lines.group_by(["customer_id", "day"]).agg(
        y=exact_sum(lines.amount), g=exact_sum(lines.revenue, lines.bought)
    )
    days = days.mutate(carried=days.y * _carried(company, days.day, annual_rate))
    totals = days.group_by("customer_id").agg(
        carried=exact_sum(days.carried),
        part=exact_sum(days.y),
        whole=exact_sum(days.g),
        part2=exact_sum(days.y * days.y),
        cross=exact_sum(days.y * days.g),
        whole2=exact_sum(days.g * days.g),
    )
    return _frame(totals)


def contact_costs(company: Company, *, annual_rate: float) -> pd.DataFrame | None:
    """Return what serving each customer has cost.

    Parameters
    ----------
    company : Company
        The company.
    annual_rate : float
        As for :func:`realised`.

    Returns
    -------
    DataFrame or None
        Indexed by ``customer_id``: ``carried`` (carried forward), ``part`` (as it was) and ``part2`` (sum of squares
        over contacts). None where the company does not know what contacts cost.
    """
    if not company.has("interactions", "cost"):
        return None
    contacts = company.table("interactions")
    contacts = contacts.select("customer_id", cost=contacts.cost.fill_null(0.0), day=contacts.occurred_at.date())
    carried = contacts.cost * _carried(company, contacts.day, annual_rate)
    totals = contacts.group_by("customer_id").agg(
        carried=exact_sum(carried), part=exact_sum(contacts.cost), part2=exact_sum(contacts.cost * contacts.cost)
    )
    return _frame(totals)


def _lines(company: Company, basis: Basis) -> ir.Table:
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
    passed = ibis.literal(company.as_of).delta(day, unit="day")
    return ibis.literal(1.0 + annual_rate) ** (passed / 365.25)


def _frame(totals: ir.Table) -> pd.DataFrame:
    frame: pd.DataFrame = totals.order_by("customer_id").execute().set_index("customer_id")
    return frame.astype(float) + 0.0
