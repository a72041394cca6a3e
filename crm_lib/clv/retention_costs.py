"""What keeping a customer costs in a year, against what winning one costs."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import ibis
import numpy as np
import pandas as pd

from crm_lib.clv.credibility import bootstrapped_means
from crm_lib.clv.histories import Array
from crm_lib.clv.intervals import equal_tails
from crm_lib.clv.model import SEED
from crm_lib.company import Company
from crm_lib.customers import customer_attribute, customer_summary, exact_sum
from crm_lib.errors import MissingData, TooLittleData
from crm_lib.estimate import LEVEL, Estimate
from crm_lib.finding import Criterion, Finding
from crm_lib.language import say

_DRAWS = 2000
_DAYS = 365
_FEWEST = 50
_WINNING = "win"
"""Goal of campaigns that address people who are not customers yet."""


@dataclass(frozen=True, kw_only=True)
class RetentionCosts:
    """What keeping a customer cost in the year, per customer won before it who bought in it, and winning one.

    `parts` are totals of the year: ``contacts``, ``campaigns`` (addressing customers) and ``fixed`` costs of these.
    `channels`, by ``acquisition_channel`` with 50 customers kept and 50 won at a known cost: the three Estimates.
    """

    keeping: Estimate
    winning: Estimate
    ratio: Estimate
    parts: dict[str, float]
    channels: pd.DataFrame


def retention_costs(company: Company, *, seed: int = SEED) -> RetentionCosts:
    """Measure what keeping a customer for a year costs and what winning one costs.

    Spent on keeping is, as far as the company knows it, the cost of contacts with customers won before the year, of
    addressing them in campaigns, and the fixed cost of campaigns whose goal is not "win". It is counted per customer
    kept: of those won before the year, the ones who bought in it. Loyalty discounts are in the margin, not here.

    Parameters
    ----------
    company : Company
        The company.
    seed : int
        Seed of the Bayesian bootstrap over customers; fixed costs are taken as certain.

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
    """
    since = company.as_of - dt.timedelta(days=_DAYS)
    summary = customer_summary(company, "D")
    before = summary["first_purchase"] <= pd.Timestamp(since)
    kept = (summary["last_purchase"] > pd.Timestamp(since))[before]
    spent, parts = _spent(company, since, summary.index[before])
    costs = company.frame("customers", "customer_id", "acquisition_cost").drop_duplicates("customer_id")
    won = costs.set_index("customer_id")["acquisition_cost"].astype(float).reindex(summary.index[~before]).dropna()
    if not kept.any() or len(won) == 0:
        raise TooLittleData(
            say("needs customers kept, and won at a known cost, in the year up to {day}", day=company.as_of)
        )
    named = company.has("customers", "acquisition_channel")
    channel = customer_attribute(company, "acquisition_channel") if named else pd.Series(dtype=str)
    sides = [channel.reindex(each.index).to_numpy() for each in (kept, won)]
    names = [n for n in sorted(set(channel)) if min(kept[sides[0] == n].sum(), (sides[1] == n).sum()) >= _FEWEST]
    old, new = (np.column_stack([np.ones(len(of)), *(of == name for name in names)]) for of in sides)
    spent = spent + parts.get("fixed", 0.0) / len(kept)
    keeping = _points(spent[:, None] * old, kept.to_numpy(float)[:, None] * old, seed)
    winning = _points(won.to_numpy()[:, None] * new, new, seed + 1)
    ratio = keeping / np.where(winning > 0, winning, np.nan)
    n, m, unit = old.T @ kept.to_numpy(float), new.sum(axis=0), company.currency
    told = [
        {"keeping": _estimate(keeping[:, g], int(n[g]), unit), "winning": _estimate(winning[:, g], int(m[g]), unit),
         "ratio": _estimate(ratio[:, g], int(n[g] + m[g]), "share")}
        for g in range(len(names) + 1)
    ]  # fmt: skip
    channels = pd.DataFrame(told[1:], index=pd.Index(names, name="acquisition_channel"))
    return RetentionCosts(**told[0], parts=parts, channels=channels)


def finding_keeping_costs(costs: RetentionCosts) -> Finding:
    """Return the finding on whether keeping a customer costs a fifth to a tenth of winning one."""
    dearer = (
        "Keeping costs more here than the rule says: find out which contacts and campaigns cost most and what they "
        "change, before moving money."
    )
    cheaper = (
        "Keeping costs less here than the rule says: there is room to do more for customers. Try it on a random part "
        "first."
    )
    return Finding(
        key="clv.keeping_costs",
        claim="Keeping a customer costs between a fifth and a tenth of winning one.",
        source="Textbook 4.1, cost of winning and of keeping",
        estimate=costs.ratio,
        criterion=Criterion(low=0.1, high=0.2),
        sentence="Keeping a customer for a year costs {keeping}, winning one {winning}: a ratio of {estimate}.",
        if_supported="Budget for keeping customers first: it is the cheaper of the two. Whether it keeps anybody only "
        "an experiment tells.",
        if_not_supported=dearer if costs.ratio.value > 0.2 else cheaper,
        if_undecided="Do not plan on the exact ratio; record the cost of contacts and campaigns more fully.",
        values={"keeping": costs.keeping, "winning": costs.winning},
        money_at_stake=Estimate.exact(
            sum(costs.parts.values()), n=costs.keeping.n, unit=costs.keeping.unit, method="sum"
        ),
        money_note="spent on keeping customers in the year, as far as it is recorded",
    )  # fmt: skip


def _spent(company: Company, since: dt.date, customers: pd.Index) -> tuple[Array, dict[str, float]]:
    """Return what was spent on each customer in the year, and the parts of the total."""
    parts: dict[str, float] = {}
    spent = np.zeros(len(customers))
    if company.has("interactions", "cost"):
        served = company.table("interactions")
        found = _by_customer(served.filter(served.occurred_at.date() > ibis.literal(since)), customers)
        spent, parts["contacts"] = spent + found, float(found.sum())
    if company.has("assignments", "cost"):
        assigned = company.table("assignments")
        assigned = assigned.filter(assigned.assigned_at.cast("date") > ibis.literal(since))
        if company.has("campaigns", "goal"):
            campaigns = company.table("campaigns")
            assigned = assigned.anti_join(campaigns.filter(campaigns.goal == _WINNING), "campaign_id")
        found = _by_customer(assigned, customers)
        spent, parts["campaigns"] = spent + found, float(found.sum())
    if not parts:
        raise MissingData("interactions", ["cost"])
    if company.has("campaigns", "fixed_cost", "goal"):
        campaigns = company.table("campaigns")
        inside = (campaigns.started_at.cast("date") > ibis.literal(since)) & (campaigns.goal.fill_null("") != _WINNING)
        parts["fixed"] = float(campaigns.aggregate(total=exact_sum(campaigns.fixed_cost, inside)).execute()["total"][0])
    return spent, parts


def _by_customer(rows: ibis.Table, customers: pd.Index) -> Array:
    sums: pd.DataFrame = rows.group_by("customer_id").agg(cost=exact_sum(rows.cost)).execute()
    return np.asarray(sums.set_index("customer_id")["cost"].astype(float).reindex(customers, fill_value=0.0).to_numpy())


def _points(part: Array, whole: Array, seed: int) -> Array:
    """Return the ratios of the means of columns (N, G), and draws of them behind (1 + draws, G)."""
    columns = np.column_stack([part, whole])
    means = np.vstack([columns.mean(axis=0), bootstrapped_means(columns, draws=_DRAWS, seed=seed)])
    return np.asarray(means[:, : part.shape[1]] / means[:, part.shape[1] :])


def _estimate(points: Array, n: int, unit: str) -> Estimate:
    value = float(points[0])
    low, high = equal_tails(points[1:], LEVEL) if np.isfinite(points).all() else (-np.inf, np.inf)
    return Estimate(
        value=value, low=min(float(low), value), high=max(float(high), value), n=n, unit=unit,
        method="Bayesian bootstrap over customers",
    )  # fmt: skip
