"""Which grouping of customers tells best what they bring next? Groups of an earlier day against what followed."""

from __future__ import annotations

import datetime as dt
import itertools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from crm_lib.company import Company
from crm_lib.customers.window import Basis, customer_window, value_of
from crm_lib.errors import TooLittleData
from crm_lib.estimate import Estimate
from crm_lib.finding import Criterion, Finding
from crm_lib.language import say
from crm_lib.segments.clusters import behaviour, choose_clusters
from crm_lib.segments.rfm.definitions import SegmentDefinitions
from crm_lib.segments.rfm.in_engine import segment_customers
from crm_lib.statistics.resampling import Floats, studentised

CLUSTERS, RFM_SEGMENTS, TIERS = "clusters", "RFM segments", "value tiers"
AT_LEAST = 0.01
"""Share of the variance by which clusters must explain more than RFM segments to be worth the trouble."""
_FEWEST = 100


@dataclass(frozen=True, kw_only=True)
class PredictiveValue:
    """How well groupings of an earlier day tell what customers brought afterwards, the best first.

    Of `table`, ``explained`` is the share of the variance of later value that the group's mean tells of a customer who
    had no part in it, ``captured`` the share of later value brought by the fifth of the customers with the best groups.
    `differences` tell by how much more of the variance one grouping explains than another, in percentage points;
    `value` is what each customer brought afterwards (money).
    """

    table: pd.DataFrame
    differences: Mapping[tuple[str, str], Estimate]
    value: pd.Series[float]
    scored_on: dt.date
    basis: Basis


def predictive_value(
    company: Company, definitions: SegmentDefinitions, *, outcome_days: int = 90, seed: int = 0
) -> PredictiveValue:
    """Measure how well clusters, RFM segments and value tiers of an earlier day tell what customers brought since.

    Parameters
    ----------
    company : Company
    definitions : SegmentDefinitions
        Of segments and tiers, and the window. Cut points that were estimated after the earlier day are not used.
    outcome_days : int
        Days between the earlier day and the company's ``as_of``.
    seed : int
    """
    scored_on = company.as_of - dt.timedelta(days=outcome_days)
    measures = behaviour(company, days=definitions.window_days, ending=scored_on)
    segmented = segment_customers(company, definitions.known_on(scored_on), ending=scored_on)
    groupings: dict[str, pd.Series[Any]] = {
        CLUSTERS: choose_clusters(measures, seed=seed).labels,
        RFM_SEGMENTS: segmented.rfm.frame["segment"],
        TIERS: segmented.tiers.frame["tier"].astype(str),
    }
    basis = Basis(kind=value_of(company), currency=company.currency, days=outcome_days, ending=company.as_of)
    after = customer_window(company, days=outcome_days)[basis.kind]
    return compare_groupings(groupings, after, scored_on=scored_on, basis=basis, seed=seed)


def compare_groupings(
    groupings: Mapping[str, pd.Series[Any]], after: pd.Series[float], *, scored_on: dt.date, basis: Basis, seed: int = 0
) -> PredictiveValue:
    """Measure how well groupings tell a later value; customers in all groupings count, the missing bring nothing.

    A customer's later value is predicted by the mean of all *others* of the same group (leave-one-out), and of somebody
    alone in a group by the mean of all others. The share explained is :math:`1 - \\sum (y_i - \\hat y_{-i})^2 / \\sum
    (y_i - \\bar y_{-i})^2`: many small groups gain nothing by their number. Differences are paired over customers.
    """
    groups = pd.concat({name: group.dropna() for name, group in groupings.items()}, axis=1, join="inner").sort_index()
    value = after.reindex(groups.index).fillna(0.0).astype("float64")
    y = np.asarray(value, dtype=np.float64)
    if len(y) < _FEWEST or not np.ptp(y) > 0:
        few = "needs at least {fewest} customers grouped on {day}; there are {n}"
        same = "the {n} customers grouped on {day} all brought the same since, so no grouping can tell who brings more"
        raise TooLittleData(say(few if len(y) < _FEWEST else same, n=len(y), day=scored_on, fewest=_FEWEST))
    others = (y.sum() - y) / (y.size - 1)
    unit = float(((y - others) ** 2).mean())
    gains, rows = {}, {}
    for name in map(str, groups.columns):
        codes = pd.factorize(groups[name], sort=True)[0]
        sums, sizes = (np.asarray(np.bincount(codes, w), dtype=np.float64) for w in (y, np.ones_like(y)))
        left = np.where(sizes[codes] == 1, others, (sums[codes] - y) / np.maximum(sizes[codes] - 1, 1))
        gains[name] = ((y - others) ** 2 - (y - left) ** 2) / unit
        rows[name] = {"groups": sizes.size, "captured": _captured(sums, sizes)}
    pairs = list(itertools.permutations(gains, 2))
    looks = [*gains.values(), *(gains[one] - gains[other] for one, other in pairs)]
    found = np.column_stack(_shares(np.column_stack(looks), y, seed))
    table = pd.DataFrame.from_dict(rows, orient="index").rename_axis("grouping")
    table[["explained", "low", "high"]] = found[: len(gains)]
    method = "studentised bootstrap over customers"
    differences = {
        pair: Estimate(value=now, low=low, high=high, n=y.size, unit="percentage points", method=method)
        for pair, (now, low, high) in zip(pairs, (100 * found[len(gains) :]).tolist(), strict=True)
    }
    table = table[["groups", "explained", "low", "high", "captured"]]
    table = table.sort_values("explained", ascending=False, kind="stable")
    return PredictiveValue(table=table, differences=differences, value=value, scored_on=scored_on, basis=basis)


def finding_clusters_predict(compared: PredictiveValue) -> Finding:
    """Return the finding on whether clusters tell later value better than RFM segments.

    At stake is what the best fifth by one grouping brought more than the best fifth by the other.

    Parameters
    ----------
    compared : PredictiveValue
    """
    table, basis = compared.table, compared.basis
    more = float(table["captured"][CLUSTERS] - table["captured"][RFM_SEGMENTS])
    # Where the tiers demonstrably tell more than both, budgets follow them, whoever wins between the two.
    third = all(compared.differences[TIERS, name].low > 0 for name in (CLUSTERS, RFM_SEGMENTS))
    if_supported = "Plan contacts by clusters: they tell more than RFM segments about what customers will bring."
    if third:
        if_supported = "Set budgets by value tiers, which tell most; use clusters rather than RFM for what to say."
    return Finding(
        key="segments.clusters_predict",
        claim="Clusters explain at least {least:number} percentage point more of the differences in later "
        "{kind:words} than RFM segments do.",
        source="Textbook 4.2.2, stage 6: data mining",
        estimate=compared.differences[CLUSTERS, RFM_SEGMENTS],
        criterion=Criterion(low=100 * AT_LEAST),
        sentence="Clusters explain {first:share1} of the variance of {kind:words} over the next {days:count} days, RFM "
        "segments {second:share1}: a difference of {estimate}.",
        if_supported=if_supported,
        if_not_supported="Set budgets by {keep:words}. Use clusters for ideas, not for budgets: they are harder to "
        "explain and tell too little more.",
        if_undecided="Keep {keep:words} for budgets until clusters have proved better.",
        values={
            "least": 100 * AT_LEAST,
            "kind": basis.kind,
            "days": basis.days,
            "first": float(table["explained"][CLUSTERS]),
            "second": float(table["explained"][RFM_SEGMENTS]),
            "keep": TIERS if third else RFM_SEGMENTS,
            "better": CLUSTERS if more >= 0 else RFM_SEGMENTS,
            "worse": RFM_SEGMENTS if more >= 0 else CLUSTERS,
        },
        currency=basis.currency,
        money_at_stake=Estimate.exact(
            abs(more) * float(compared.value.sum()), n=len(compared.value), unit=basis.currency, method="sum"
        ),
        money_note="{kind:words} of the {days:count} days that the best fifth by {better:words} brought more than the "
        "best fifth by {worse:words}",
    )


def _captured(sums: Floats, sizes: Floats) -> float:
    """Return the share of value in the groups with the best means, up to a fifth of the customers."""
    order = np.argsort(-sums / sizes, kind="stable")
    people = np.concatenate([[0.0], sizes[order].cumsum()]) / sizes.sum()
    brought = np.concatenate([[0.0], sums[order].cumsum()]) / (sums.sum() if sums.sum() > 0 else np.nan)
    return float(np.interp(0.2, people, brought))


def _shares(gains: Floats, y: Floats, seed: int) -> tuple[Floats, Floats, Floats]:
    """Return each column's mean gain over the variance of value, with its interval: ratios of means over customers."""
    z = (y - y.mean()) / y.std()
    parts = [np.column_stack([gain, z**2, z, np.ones_like(z)]) for gain in gains.T]
    products = np.column_stack([(part[:, :, None] * part[:, None, :]).reshape(z.size, 16) for part in parts])

    def ratio(weights: Floats) -> tuple[Floats, Floats]:
        moments = (weights @ products / z.size).reshape(len(weights), -1, 4, 4)
        top, mean = moments[..., 0, 3], moments[..., 2, 3]
        spread = moments[..., 1, 3] - mean**2
        with np.errstate(divide="ignore", invalid="ignore"):
            share = top / np.where(spread > 0, spread, np.nan)
            # A customer's influence, (gain - top) / spread - share ((z - mean)² / spread - 1), in gain, z², z and 1.
            terms = 1 / spread, -share / spread, 2 * mean * share / spread, share - (top + share * mean**2) / spread
        influence = np.stack(terms, axis=-1)
        squares = np.einsum("rki,rkij,rkj->rk", influence, moments, influence)
        return share, np.sqrt(squares.clip(min=0) / z.size)

    return studentised(ratio, y.size, seed=seed)
