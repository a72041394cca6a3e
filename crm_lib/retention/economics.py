"""What better retention earns: elasticities where customers differ, beside the textbook's formula for all alike."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats
from scipy.special import roots_jacobi

from crm_lib.clv.discounting import period_discount
from crm_lib.clv.model import SEED
from crm_lib.company import Company
from crm_lib.customers import customer_summary, exact_sum, value_of
from crm_lib.errors import TooLittleData
from crm_lib.estimate import LEVEL, Estimate
from crm_lib.finding import Criterion, Finding
from crm_lib.language import say
from crm_lib.retention.bridge import ratio
from crm_lib.retention.lives import Lives
from crm_lib.retention.projection import Projection
from crm_lib.statistics.resampling import Floats

_DRAWS, _NODES, _HALVINGS = 200, 48, 50
_POINTS, _NARROW = 0.05, 200.0
_LEAST = 0.25
"""Reichheld & Sasser (1990): five points of retention raise profit by 25 to 85 %."""


@dataclass(frozen=True, kw_only=True, eq=False)
class RetentionValue:
    """What a new customer's expected profit (money, discounted) does when retention gets better.

    `year` is the share of new customers still there after a year, `profit` what one is worth, less the cost of winning.
    `points` and `relative` are the changes of profit (shares) when 5 more of 100 new customers, or 5 % more of those
    who do, stay the year; `formula_points` and `formula_relative` those of the textbook. `elasticities` by lever:
    ``here`` (Estimate) and ``formula``. `break_even` is the rise of `year` (share) that a programme of so much a year
    and customer must bring; not estimable where none is enough. Everybody's chance of leaving falls in proportion.
    """

    year: Estimate
    profit: Estimate
    points: Estimate
    relative: Estimate
    formula_points: float
    formula_relative: float
    elasticities: pd.DataFrame
    break_even: Estimate
    programme_cost: float
    cost_known: bool
    new_customers: int
    annual_rate: float
    value_kind: str
    currency: str
    as_of: dt.date


def formula_value(retention: float, annual_rate: float) -> float:
    """Return the textbook's value of a customer whose margin is 1 a year, r / (1 + i - r).

    >>> round(formula_value(0.95, 0.1) / formula_value(0.9, 0.1) - 1, 2)
    0.41
    """
    return retention / (1 + annual_rate - retention)


def formula_elasticity(retention: float, annual_rate: float) -> float:
    """Return by how many per cent the textbook's value rises with 1 % of retention, (1 + i) / (1 + i - r).

    >>> round(formula_elasticity(0.9, 0.12), 2)
    5.09
    """
    return (1 + annual_rate) / (1 + annual_rate - retention)


def retention_value(
    company: Company,
    lives: Lives,
    projection: Projection,
    *,
    annual_rate: float,
    programme_cost: float,
    seed: int = SEED,
) -> RetentionValue:
    """Tell what better retention would add to the profit of a new customer, and when a programme breaks even.

    Customers differ as the shifted beta-geometric model of the projection says. A programme takes the same part of
    everybody's chance of leaving away; how much is found from the share who stay the first year.

    Parameters
    ----------
    company : Company
        The company.
    lives : Lives
        How long customers stayed.
    projection : Projection
        Of the same customers.
    annual_rate : float
        Interest of a year, positive.
    programme_cost : float
        What a programme costs a customer and year (money), paid while a customer stays.
    seed : int
        Seed of the draws.

    Returns
    -------
    RetentionValue
        Changes of profit, elasticities and break-even.

    Raises
    ------
    ValueError
        If the cost is negative, or the interest not positive.
    TooLittleData
        If nobody was followed for a year, or a new customer brings less than winning one costs, or nothing.
    """
    if not programme_cost >= 0:
        raise ValueError(f"programme_cost must not be negative, not {programme_cost}")
    if lives.frame["seen"].max() < 365:
        # What nobody was seen to do for a year would be told for ever.
        raise TooLittleData(say("needs customers followed for a year, and the days of silence that call them gone"))
    a_year = max(round(365.25 / projection.period_days), 1)
    discount = period_discount(annual_rate, 365.25 / projection.period_days)
    margin, revenue_share = _margin(company, lives, projection.period_days)
    cost, cost_known, new = _cost(company)
    drawn = projection.model.posterior(draws=1000, seed=seed).draws[["alpha", "beta"]].to_numpy()[-_DRAWS:]
    laws = np.vstack([projection.model.params_[["alpha", "beta"]].to_numpy(), drawn])
    error = (margin.high - margin.low) / 2 / 1.96
    noise = np.random.default_rng(seed).standard_normal(len(drawn))
    m = margin.value + error * np.append(0.0, noise)
    leaving, weights = _nodes(laws)
    year, length = _year(leaving, weights, a_year), _length(leaving, weights, discount)
    profit = m * length - cost
    if not profit[0] > 0 or (profit <= 0).mean() > (1 - LEVEL) / 2:
        raise TooLittleData(say("a new customer does not demonstrably bring more than winning one costs"))

    def changed(target: Floats) -> Floats:
        kept = _reached(lambda part: _year(part[:, None] * leaving, weights, a_year), target)
        return (m * _length(kept[:, None] * leaving, weights, discount) - cost) / profit - 1

    points, relative, percent = (changed(np.minimum(each, 1.0)) for each in (year + _POINTS, 1.05 * year, 1.01 * year))
    gross = m * length / profit
    r = float(year[0])
    levers = {"retention": (percent / 0.01, formula_elasticity(r, annual_rate)), "margin": (gross, 1.0)}
    if revenue_share is not None:
        levers["price, nobody buying less"] = (gross * revenue_share, revenue_share)
    if cost_known:
        levers["cost of winning"] = (-cost / profit, np.nan)
    n = projection.customers
    table = pd.DataFrame(
        {"here": [_estimate(each, n, "") for each, _ in levers.values()], "formula": [f for _, f in levers.values()]},
        index=pd.Index(list(levers), name="lever"),
    )
    needed = m * length / np.where(m > programme_cost / a_year, m - programme_cost / a_year, np.nan)
    part = _reached(lambda part: _length(part[:, None] * leaving, weights, discount), needed)
    rise = _year(part[:, None] * leaving, weights, a_year) - year
    rise = np.where(needed <= 1 / (1 - discount), rise, np.nan)
    value = formula_value(r, annual_rate)
    return RetentionValue(
        year=_estimate(year, n, "share"), profit=_estimate(profit, n, company.currency),
        points=_estimate(points, n, "share"), relative=_estimate(relative, n, "share"),
        formula_points=formula_value(min(r + _POINTS, 1.0), annual_rate) / value - 1,
        formula_relative=formula_value(min(1.05 * r, 1.0), annual_rate) / value - 1,
        elasticities=table, break_even=_estimate(rise, n, "share"), programme_cost=programme_cost,
        cost_known=cost_known, new_customers=new, annual_rate=annual_rate, value_kind=value_of(company),
        currency=company.currency, as_of=company.as_of,
    )  # fmt: skip


def finding_five_per_cent(found: RetentionValue) -> Finding:
    """Return the finding on whether five points of retention raise profit as much as the books say."""
    gain = found.points.value * found.profit.value * found.new_customers
    return Finding(
        key="retention.five_per_cent",
        claim="Five points more retention raise profit by a quarter or more.",
        source="Textbook, 5% more retention; Reichheld & Sasser 1990: 25% to 85% more profit",
        estimate=found.points,
        criterion=Criterion(low=_LEAST),
        sentence="If 5 more of 100 new customers stayed the first year, each would bring {estimate} more profit; 5% "
        "more of the {year:share1} who do: {relative}.",
        if_supported="Try a programme on some new customers, chosen at random; it may cost at most what it adds.",
        if_not_supported="Do not plan with the books' numbers: here retention adds less.",
        if_undecided="Plan with the lower end of the interval.",
        values={"year": found.year.value, "relative": found.relative},
        currency=found.currency,
        money_at_stake=Estimate.exact(gain, n=found.new_customers, unit=found.currency, method="product"),
        money_note="more profit of the customers won in the last year, if 5 more of 100 stayed",
    )


def _nodes(laws: Floats) -> tuple[Floats, Floats]:
    """Return chances of leaving, and their weights, that stand for beta laws (D, 2): Gauss–Jacobi quadrature.

    Where the laws are narrow, its weights would overflow: there quantiles do.
    """
    found = [
        roots_jacobi(_NODES, beta - 1, alpha - 1)
        if alpha + beta < _NARROW
        else (2 * stats.beta.ppf((np.arange(_NODES) + 0.5) / _NODES, alpha, beta) - 1, np.ones(_NODES))
        for alpha, beta in laws
    ]
    weights = np.array([w / w.sum() for _, w in found])
    return np.array([(1 + x) / 2 for x, _ in found]), weights


def _year(leaving: Floats, weights: Floats, a_year: int) -> Floats:
    """Return the share still there after a year."""
    share: Floats = (weights * (1 - leaving) ** a_year).sum(axis=1)
    return share


def _length(leaving: Floats, weights: Floats, discount: float) -> Floats:
    """Return the discounted number of periods that a new customer stays, the first included."""
    length: Floats = (weights / (1 - (1 - leaving) * discount)).sum(axis=1)
    return length


def _reached(falling: Callable[[Floats], Floats], target: Floats) -> Floats:
    """Return the part of the chance of leaving that must remain (D,) for a falling function of it to reach a target."""
    low, high = np.zeros(target.size), np.ones(target.size)
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        above = falling(middle) > target
        low, high = np.where(above, middle, low), np.where(above, high, middle)
    return (low + high) / 2


def _margin(company: Company, lives: Lives, days: int) -> tuple[Estimate, float | None]:
    """Return what a customer brings in a period of staying (money), and revenue over margin where margin is known."""
    kind = value_of(company)
    lines = company.table("transactions")
    names = ["revenue", kind] if kind != "revenue" else ["revenue"]
    sums = lines.group_by("customer_id").agg(**{name: exact_sum(lines[name]) for name in names}).execute()
    sums = sums.set_index("customer_id").reindex(lives.frame.index).fillna(0.0).astype(float)
    periods = (lives.frame["time"] // days + 1).to_numpy(float)
    value = sums[kind].to_numpy()
    if not value.sum() > 0:
        raise TooLittleData(say("needs customers who bring more than nothing"))
    times = float(sums["revenue"].sum() / value.sum()) if len(names) > 1 else None
    return ratio(value, periods, unit=company.currency), times


def _cost(company: Company) -> tuple[float, bool, int]:
    """Return the mean cost of winning a customer, whether it is known, and how many were won in the last year."""
    first = customer_summary(company, "D")["first_purchase"]
    new = int((first > pd.Timestamp(company.as_of) - pd.Timedelta(days=365)).sum())
    if not company.has("customers", "acquisition_cost"):
        return 0.0, False, new
    costs = company.frame("customers", "acquisition_cost")["acquisition_cost"].dropna().astype(float)
    return (float(costs.mean()), True, new) if len(costs) else (0.0, False, new)


def _estimate(points: Floats, n: int, unit: str) -> Estimate:
    value = float(points[0])
    if not np.isfinite(points).all():
        return Estimate(value=np.nan, low=-np.inf, high=np.inf, n=n, method="posterior draws", unit=unit)
    low, high = (float(each) for each in np.quantile(points[1:], [(1 - LEVEL) / 2, (1 + LEVEL) / 2]))
    return Estimate(
        value=value, low=min(low, value), high=max(high, value), n=n, method="posterior draws", unit=unit
    )  # fmt: skip
