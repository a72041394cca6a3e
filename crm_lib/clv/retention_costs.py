"""What keeping a customer costs in a year, against what winning one costs."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import ibis
import numpy as np
import pandas as pd

from crm_lib import language
from crm_lib.clv.bootstrap import bootstrapped_means
from crm_lib.clv.histories import Array
from crm_lib.clv.intervals import equal_tails
from crm_lib.clv.model import SEED
from crm_lib.company import Company
from crm_lib.customers import customer_summary, exact_sum
from crm_lib.errors import MissingData, TooLittleData
from crm_lib.estimate import Estimate
from crm_lib.finding import Criterion, Finding, Verdict

_DRAWS = 2000
_WINNING = "win"
"""Goal of campaigns that address people who are not customers yet."""


@dataclass(frozen=True, kw_only=True)
class RetentionCosts:
    """Costs of keeping and of winning, as :func:`retention_costs` found them.

    Parameters
    ----------
    keeping : Estimate
        What was spent in the year on customers won before it, per customer of those who bought in the year.
    winning : Estimate
        Mean acquisition cost of a customer won in the year.
    ratio : Estimate
        Keeping over winning.
    parts : dict of str to float
        Total spent in the year on keeping: ``contacts``, ``campaigns`` (addressing customers), ``fixed`` (campaigns'
        fixed costs), as far as known.
    kept : int
        Customers won before the year who bought in it.
    """

    keeping: Estimate
    winning: Estimate
    ratio: Estimate
    parts: dict[str, float]
    kept: int


def retention_costs(
    company: Company, *, days: int = 365, contacts: bool = True, level: float = 0.9, seed: int = SEED
) -> RetentionCosts:
    """Measure what keeping a customer for a year costs and what winning one costs.

    Spent on keeping is, as far as the company knows it, the cost of contacts with customers won before the year, of
    addressing them in campaigns, and the fixed cost of campaigns whose goal is not "win". It is counted per customer
    kept: of those won before the year, the ones who bought in it. Loyalty discounts are in the margin, not here.

    Parameters
    ----------
    company : Company
        The company.
    days : int
        Length of the year that ends at ``as_of``.
    contacts : bool
        Whether contacts count as keeping; without them only campaigns do.
    level : float
        Coverage of the intervals.
    seed : int
        Seed of the bootstrap.

    Returns
    -------
    RetentionCosts
        Costs and their ratio.

    Raises
    ------
    MissingData
        If the company knows no cost of keeping (``cost`` of ``interactions`` or ``assignments``) or none of winning.
    TooLittleData
        If nobody was kept, or nobody whose cost is known was won, in the year.

    Notes
    -----
    Intervals come from the Bayesian bootstrap over customers; fixed costs are taken as certain.
    """
    if days < 1:
        raise ValueError(f"a year needs at least one day, not {days}")
    since = company.as_of - dt.timedelta(days=days)
    summary = customer_summary(company, "D")
    before = summary["first_purchase"] <= pd.Timestamp(since)
    kept = before & (summary["last_purchase"] > pd.Timestamp(since))
    spent, parts = _spent(company, since, summary.index[before], contacts=contacts)
    won = _won(company, summary.index[~before])
    if not kept.any() or len(won) == 0:
        message = language.text("no customer of known cost was won, or none was kept, in the {days} days up to {day}")
        raise TooLittleData(message.format(days=days, day=language.date(company.as_of)))
    columns = np.column_stack([spent, kept[before].to_numpy(dtype=float)])
    fixed = parts.get("fixed", 0.0) / len(columns)
    keeping = _points(columns + np.array([fixed, 0.0]), seed)
    winning = _points(np.column_stack([won, np.ones(len(won))]), seed + 1)
    n, currency = int(kept.sum()), company.currency
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.where(winning > 0, keeping / winning, np.nan)
    return RetentionCosts(
        keeping=_estimate(keeping, n, currency, level),
        winning=_estimate(winning, len(won), currency, level),
        ratio=_estimate(ratio, n + len(won), "share", level),
        parts=parts,
        kept=n,
    )


def finding_keeping_costs(costs: RetentionCosts, *, currency: str, low: float = 0.1, high: float = 0.2) -> Finding:
    """Return the finding on whether keeping a customer costs a fifth to a tenth of winning one.

    Parameters
    ----------
    costs : RetentionCosts
        What :func:`retention_costs` measured.
    currency : str
        ISO code.
    low, high : float
        The claim counts as holding when the true ratio lies between these.

    Returns
    -------
    Finding
        On the ratio. At stake is what keeping customers costs in a year.
    """
    dearer = costs.ratio.value > high
    otherwise = (
        "Keeping is dearer here than the rule says: see which contacts and campaigns cost most and what they "
        "change, before moving money from winning to keeping."
        if dearer
        else "Keeping is cheaper here than the rule says: there is room to do more for customers before winning more "
        "of them. Try first, on a part drawn by chance, whether what is done makes them stay."
    )
    decisions = {
        Verdict.SUPPORTED: (
            "Budget for keeping customers first: it is the cheaper of the two. Whether the money spent keeps anybody "
            "is another question, which only an experiment answers."
        ),
        Verdict.NOT_SUPPORTED: otherwise,
        Verdict.UNDECIDED: "Do not plan on the exact ratio; record what contacts and campaigns cost more fully.",
    }
    return Finding(
        key="clv.keeping_costs",
        claim="Keeping a customer costs between a fifth and a tenth of winning one.",
        source="Textbook 4.1, cost of winning and of keeping",
        estimate=costs.ratio,
        criterion=Criterion(low=low, high=high),
        sentence=(
            "Keeping a customer for a year costs {keeping}, winning one {winning}: keeping costs {estimate} of winning."
        ),
        decisions=decisions,
        more={"keeping": costs.keeping, "winning": costs.winning},
        money_at_stake=Estimate.exact(sum(costs.parts.values()), n=costs.kept, unit=currency, method="sum"),
        money_note=language.text("spent in the year on keeping customers, as far as it is recorded"),
    )


def _spent(company: Company, since: dt.date, customers: pd.Index, *, contacts: bool) -> tuple[Array, dict[str, float]]:
    """Return what was spent on each customer in the year, and the parts of the total."""
    parts: dict[str, float] = {}
    spent = np.zeros(len(customers))
    if contacts and company.has("interactions", "cost"):
        served = company.table("interactions")
        day = served.occurred_at.date()
        found = _by_customer(served.filter(day > ibis.literal(since)), customers)
        spent, parts["contacts"] = spent + found, float(found.sum())
    if company.has("assignments", "cost"):
        assigned = company.table("assignments")
        assigned = assigned.filter(assigned.assigned_at.cast("date") > ibis.literal(since))
        if company.has("campaigns", "goal"):
            campaigns = company.table("campaigns")
            winning = campaigns.filter(campaigns.goal == _WINNING)
            assigned = assigned.anti_join(winning, "campaign_id")
        found = _by_customer(assigned, customers)
        spent, parts["campaigns"] = spent + found, float(found.sum())
    if not parts:
        raise MissingData("interactions" if contacts else "assignments", ["cost"])
    if company.has("campaigns", "fixed_cost", "goal"):
        campaigns = company.table("campaigns")
        goal = campaigns.goal.fill_null("")
        inside = (campaigns.started_at.cast("date") > ibis.literal(since)) & (goal != _WINNING)
        parts["fixed"] = float(campaigns.aggregate(total=exact_sum(campaigns.fixed_cost, inside)).execute()["total"][0])
    return spent, parts


def _by_customer(rows: ibis.Table, customers: pd.Index) -> Array:
    sums: pd.DataFrame = rows.group_by("customer_id").agg(cost=exact_sum(rows.cost)).execute()
    found = sums.set_index("customer_id")["cost"].astype(float).reindex(customers, fill_value=0.0)
    return np.asarray(found.to_numpy())


def _won(company: Company, customers: pd.Index) -> Array:
    """Return the known acquisition costs of the customers won in the year."""
    costs = company.frame("customers", "customer_id", "acquisition_cost").drop_duplicates("customer_id")
    found = costs.set_index("customer_id")["acquisition_cost"].astype(float).reindex(customers).dropna()
    return np.asarray(found.to_numpy())


def _points(columns: Array, seed: int) -> Array:
    """Return the ratio of the means of two columns, and draws of it behind."""
    means = np.vstack([columns.mean(axis=0), bootstrapped_means(columns, draws=_DRAWS, seed=seed)])
    return np.asarray(means[:, 0] / means[:, 1])


def _estimate(points: Array, n: int, unit: str, level: float) -> Estimate:
    value = float(points[0])
    low, high = equal_tails(points[1:], level) if np.isfinite(points).all() else (-np.inf, np.inf)
    return Estimate(
        value=value,
        low=min(float(low), value),
        high=max(float(high), value),
        n=n,
        method="Bayesian bootstrap over customers",
        level=level,
        unit=unit,
    )
