"""Do the expected values of prospects hold? The whole procedure repeated on earlier days, against what came after."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from crm_lib.estimate import Estimate
from crm_lib.relationships.prospects.measures import (
    calibration_groups,
    calibration_slope,
    rank_correlation,
    ratio_of_sums,
    top_weights,
)
from crm_lib.segments.profit import SMALLEST_GROUP
from crm_lib.statistics.resampling import Floats

VALUE_RULES = ("model", "channel", "boosted")
PROSPECT_RULES = ("model", "channel", "newest", "chance")
"""How prospects may be put in order: expected value, the channel's usual value, the latest first, and at random."""


@dataclass(frozen=True, kw_only=True, eq=False)
class ProspectValidation:
    """Predictions of earlier days beside what came after, as ``validate_prospects`` made them.

    Parameters
    ----------
    customers : DataFrame
        One row a customer won after a day of prediction: ``origin`` (that day), ``actual`` and ``actual_later`` (money
        in the days counted, and the part of it after the first day), and predictions ``model``, ``channel`` (mean of
        the channel's customers) and ``boosted`` (boosted trees).
    prospects : DataFrame
        One row a prospect and day on which the prospect was open: ``origin``, ``prospect_id``, ``cost``, ``actual``
        (money that came of it), ``converted`` (in time), predictions ``model`` and ``channel``, and ``newest`` (less
        the days known).
    origins : tuple of date
        The days of prediction.
    rules : mapping of date to tuple of str
        Rules that the model took for value and conversion on each day.
    horizon_days, conversion_days : int
        Days over which value was added up, and within which prospects had to convert.
    value_kind : {"margin", "revenue"}
        What was added up.
    seed : int
        Seed of the bootstrap.
    """

    customers: pd.DataFrame
    prospects: pd.DataFrame
    origins: tuple[dt.date, ...]
    rules: Mapping[dt.date, tuple[str, str]]
    horizon_days: int
    conversion_days: int
    value_kind: str
    seed: int

    def value_measures(self, *, share: float = 0.2) -> pd.DataFrame:
        """Return how well the value of new customers was predicted, rule by rule.

        Parameters
        ----------
        share : float
            Share of customers looked at as the best.

        Returns
        -------
        DataFrame
            Indexed by ``rule``, of estimates: ``rank_correlation``; ``lift`` (share of the money that the best by
            prediction brought, over their share of customers); ``slope`` (of actual on predicted); ``total`` (money
            that came over money predicted).
        """
        rows, actual = self.customers, self.customers["actual"].to_numpy()
        measures = {}
        for rule in VALUE_RULES:
            predicted = rows[rule].to_numpy()
            best = top_weights(predicted, share)
            measures[rule] = {
                "rank_correlation": rank_correlation(predicted, actual),
                "lift": ratio_of_sums(actual * best, actual * share, highest=1 / share, seed=self.seed),
                "slope": calibration_slope(predicted, actual),
                "total": ratio_of_sums(actual, predicted, seed=self.seed),
            }
        return pd.DataFrame.from_dict(measures, orient="index").rename_axis("rule")

    def prospect_measures(self, *, share: float = 0.2) -> pd.DataFrame:
        """Return what the best prospects brought, rule by rule.

        Parameters
        ----------
        share : float
            Share of the prospects live on a day, and of the cost of all of them, that is looked at.

        Returns
        -------
        DataFrame
            Indexed by ``rule``, of estimates: ``lift`` (share of the money that the best brought, over their share of
            prospects) and ``per_cost`` (money that came for each unit spent on winning them; missing where no cost
            is known).
        """
        return pd.DataFrame.from_dict(
            {
                rule: {"lift": self.lift(rule, share=share), "per_cost": self.per_cost(rule, share=share)}
                for rule in PROSPECT_RULES
            },
            orient="index",
        ).rename_axis("rule")

    def lift(self, rule: str = "model", *, share: float = 0.2, level: float = 0.95) -> Estimate:
        """Return the share of the money that the best prospects brought, over their share of prospects.

        Parameters
        ----------
        rule : {"model", "channel", "newest", "chance"}
            How prospects are put in order.
        share : float
            Share of the prospects live on a day that is looked at as the best.
        level : float
            Nominal coverage.
        """
        actual = self.prospects["actual"].to_numpy()
        if rule == "chance":
            return Estimate.exact(1.0, n=len(actual), method="by definition")
        part, whole = self._by_prospect(actual * self.best(rule, share), actual * share)
        return ratio_of_sums(part, whole, highest=1 / share, seed=self.seed, level=level)

    def per_cost(self, rule: str = "model", *, share: float = 0.2, above: str = "") -> Estimate:
        """Return the money that came for each unit spent on winning the best prospects.

        Parameters
        ----------
        rule : {"model", "channel", "newest", "chance"}
            How prospects are put in order.
        share : float
            Share of the cost of all live prospects that is spent, the same by all rules.
        above : str
            Rule whose money per unit of cost is taken away; empty for none.
        """
        actual, cost = self.prospects["actual"].to_numpy(), self.prospects["cost"].fillna(0.0).to_numpy()
        best = self.best(rule, share, by_cost=True)
        sums = [actual * best, cost * best]
        if above:
            other = self.best(above, share, by_cost=True)
            sums += [actual * other, cost * other]
        added = self._by_prospect(*sums)
        less = (added[2], added[3]) if above else None
        return ratio_of_sums(added[0], added[1], less=less, seed=self.seed)

    def kept_promise(self, *, share: float = 0.2, level: float = 0.95) -> Estimate:
        """Return the money that came over the money predicted, for the best prospects of each day.

        Parameters
        ----------
        share : float
            Share of the cost of all live prospects that is spent, by value per unit of cost. Whoever is chosen for a
            high prediction tends to have been predicted too high; this ratio has that in it.
        level : float
            Nominal coverage.
        """
        best = self.best("model", share, by_cost=True)
        rows = self.prospects
        part, whole = self._by_prospect(rows["actual"].to_numpy() * best, rows["model"].to_numpy() * best)
        return ratio_of_sums(part, whole, seed=self.seed, level=level)

    def best(self, rule: str, share: float, *, by_cost: bool = False) -> Floats:
        """Return who was among the best of each day, as weights.

        Parameters
        ----------
        rule : {"model", "channel", "newest", "chance"}
            How prospects are put in order.
        share : float
            Share of the prospects open on a day, or of the cost of winning them all.
        by_cost : bool
            Whether the order is by value per unit of cost and the share is one of the cost, as under a budget. Without
            a positive cost of all prospects both are as if they cost the same.

        Raises
        ------
        ValueError
            If the rule is unknown.
        """
        if rule not in PROSPECT_RULES:
            raise ValueError(f"rule is {rule!r}; it can be {', '.join(map(repr, PROSPECT_RULES))}")
        if rule == "chance":
            return np.full(len(self.prospects), share)
        rows = self.prospects
        score, size = rows[rule], pd.Series(1.0, index=rows.index)
        if by_cost and rows["cost"].gt(0).all():
            size = rows["cost"]
            score = score if rule == "newest" else score / size
        weights = pd.Series(0.0, index=rows.index)
        for _, day in score.groupby(rows["origin"]):
            weights[day.index] = top_weights(day.to_numpy(), share, size=np.asarray(size[day.index], dtype=float))
        return np.asarray(weights, dtype=float)

    def _by_prospect(self, *columns: Floats) -> list[Floats]:
        """Add up over the days on which a prospect was open: prospects are the units that may be drawn again."""
        codes, _ = pd.factorize(self.prospects["prospect_id"])
        return [np.asarray(np.bincount(codes, weights=column), dtype=float) for column in columns]


def prospect_groups(validation: ProspectValidation, *, groups: int = 10, level: float = 0.95) -> pd.DataFrame:
    """Return what live prospects of earlier days were predicted to bring and what came, by group of predictions.

    Parameters
    ----------
    validation : ProspectValidation
        Predictions and what came.
    groups : int
        Number of groups of equal size; equal predictions stay together.
    level : float
        Nominal coverage of the intervals of the means.

    Returns
    -------
    DataFrame
        Indexed by ``group`` from 1, the lowest predictions first: ``cases``, ``predicted`` and ``actual`` (means,
        money), ``low`` and ``high``.

    Raises
    ------
    ValueError
        If `groups` is not positive.
    """
    if groups < 1:
        raise ValueError(f"groups must be at least 1, not {groups}")
    rows = validation.prospects
    # Groups too small for an interval say nothing.
    most = max(len(rows) // SMALLEST_GROUP, 1)
    return calibration_groups(
        rows["model"].to_numpy(), rows["actual"].to_numpy(), groups=min(groups, most), level=level, seed=validation.seed
    )
