"""What customers are still expected to bring: purchases × (spend × margin rate - cost to serve), draw by draw."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
from scipy.special import ndtri

from crm_lib.clv.credibility import CredibleRatio
from crm_lib.clv.gamma_gamma import GammaGamma
from crm_lib.clv.histories import Array, Codes
from crm_lib.clv.intervals import equal_tails
from crm_lib.clv.purchase_model import PurchaseModel
from crm_lib.clv.spend_records import MeanSpend
from crm_lib.estimate import LEVEL, Estimate

_MANY = 500_000
"""Customers from which on values are computed along the axes of the posterior, which are then short."""
_SHORT = 0.1
"""Standard deviation of a working parameter (a logarithm) up to which they are."""
_CELLS = 2**21
"""Numbers (draws by customers) computed at once."""
_KEPT = 2**22
"""Numbers up to which the draws of all customers are kept."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Drawn:
    """Draws (D, n) of what customers or groups of them are worth, and of the number who are still customers."""

    current: Array
    potential: Array
    alive: Array


@dataclass(frozen=True, kw_only=True, eq=False)
class FutureValue:
    """The future of every customer, from which values of customers, groups and totals are drawn jointly.

    Purchases, spend, margin rate and cost to serve are taken as independent given a customer's history; a draw takes
    one draw of each. `order` (D,) says which draw of spend goes with each draw of purchases: both may come from the
    same random numbers, and mixed up they are independent. Purchases count up to the `horizon`, or for ever.
    """

    model: PurchaseModel
    spend: GammaGamma | MeanSpend
    summary: pd.DataFrame
    margin_rate: CredibleRatio
    cost: CredibleRatio
    reachable: Array
    annual_rate: float
    horizon: float | None
    order: Codes

    @property
    def value_per_purchase(self) -> pd.Series[float]:
        """What a purchase to come is expected to bring, at the maximum of the likelihood."""
        worth: pd.Series[float] = self.spend.expected_spend(self.summary) * self.margin_rate.expected
        return worth - self.cost.expected

    def blocks(self) -> Iterator[tuple[Codes, Drawn]]:
        """Yield the places of customers and their draws, as many at a time as fit in memory."""
        if len(self.summary) * len(self.order) <= _KEPT:
            yield from self._kept
        else:
            yield from self._computed()

    @cached_property
    def _kept(self) -> list[tuple[Codes, Drawn]]:
        return list(self._computed())

    def _computed(self) -> Iterator[tuple[Codes, Drawn]]:
        # Customers of equal history come into the same block, so that each history is computed once.
        sorted_rows = np.lexsort([self.summary[name].to_numpy() for name in ("recency", "age", "frequency")])
        size = max(1, _CELLS // len(self._parameters[0][0]))
        for begin in range(0, len(sorted_rows), size):
            rows = sorted_rows[begin : begin + size]
            yield rows, self._drawn(rows)

    def by_group(self, codes: Codes, count: int) -> Drawn:
        """Return draws (D, G) of the sums over the customers of each group, given each customer's group number."""
        sums = {name: np.zeros((len(self._parameters[0][0]), count)) for name in ("current", "potential", "alive")}
        for rows, drawn in self.blocks():
            present, place = np.unique(codes[rows], return_inverse=True)
            member = (place[:, None] == np.arange(len(present))).astype(float)
            for name, total in sums.items():
                total[:, present] += getattr(drawn, name) @ member
        return self._mixed(sums)

    def total(self) -> Drawn:
        """Return draws (D, 1) of the sums over all customers."""
        return self.by_group(np.zeros(len(self.summary), dtype=np.intp), 1)

    def each(self) -> tuple[pd.DataFrame, Drawn]:
        """Return posterior mean and interval of each customer's value, ``current``, ``current_low`` …, and the total.

        Means add up to the total; ends are stretched where a mean lies beyond.
        """
        names = [f"{part}{end}" for part in ("current", "potential") for end in ("", "_low", "_high")]
        columns, ((points, *_), mixing) = {name: np.empty(len(self.summary)) for name in names}, self._parameters
        sums = {name: np.zeros((len(points), 1)) for name in ("current", "potential", "alive")}
        for rows, drawn in self.blocks():
            for part in ("current", "potential"):
                sample = getattr(drawn, part)
                mean, low, high = _ends(sample, mixing)
                columns[part][rows] = mean
                columns[f"{part}_low"][rows], columns[f"{part}_high"][rows] = (
                    np.minimum(low, mean),
                    np.maximum(high, mean),
                )
            for name, total in sums.items():
                total += getattr(drawn, name).sum(axis=1, keepdims=True)
        return pd.DataFrame(columns, index=self.summary.index), self._mixed(sums)

    def _drawn(self, rows: Codes) -> Drawn:
        some, (model, spend, rates, costs) = self._known.iloc[rows], self._parameters[0]
        each, which = np.unique(model, axis=0, return_inverse=True)
        purchases = self.model.drawn(
            "discounted", some, annual_rate=self.annual_rate, horizon=self.horizon, draws=each
        )[which]  # fmt: skip
        rate = self.margin_rate.drawn(rows, rates[:, 0])
        worth = self.spend.drawn_spend(some, draws=spend) * rate - self.cost.drawn(rows, costs[:, 0])
        return Drawn(
            current=purchases * worth,
            potential=purchases * np.maximum(rate, 0.0) * self.reachable[rows],
            alive=self.model.drawn("alive", some, draws=each)[which],
        )

    def _mixed(self, sums: dict[str, Array]) -> Drawn:
        """Return draws of sums of what was computed at the parameters."""
        mixing = self._parameters[1]
        return Drawn(**(sums if mixing is None else {name: mixing @ each for name, each in sums.items()}))

    @cached_property
    def _known(self) -> pd.DataFrame:
        """What the models read, without what is dear to take apart."""
        return self.summary.select_dtypes(["number", "bool"]).reset_index(drop=True)

    @cached_property
    def _parameters(self) -> tuple[list[Array], Array | None]:
        """Return the parameters of model, spend, margin rate and cost at which values are computed.

        With them comes the matrix that makes draws of values there; None where these are the draws themselves.
        """
        count = len(self.order)
        model, spend = self.model.working_draws(count), self.spend.working_draws(count)[self.order]
        drawn = [model, spend, self.margin_rate.drawn_means[:, None], self.cost.drawn_means[:, None]]
        if len(self.summary) <= _MANY or max(each.std(axis=0).max() for each in drawn[:2]) > _SHORT:
            return drawn, None
        return sigma_points(drawn)


def sigma_points(drawn: list[Array]) -> tuple[list[Array], Array]:
    """Return what to compute functions at instead of draws (D, P) of several independent groups of parameters.

    These are their means, and points (S, P) a standard deviation away to both sides on each axis of each group (Julier
    & Uhlmann 2004). A function is taken as quadratic on each axis; the matrix (D, S) makes its draws of its values.
    """
    scores, axes = [], []
    for place, group in enumerate(drawn):
        score, size, axis = np.linalg.svd(group - group.mean(axis=0), full_matrices=False)
        used = size > 1e-12
        scores.append(score[:, used] * np.sqrt(len(group)))
        axes += [(place, move) for move in (size[:, None] * axis)[used] / np.sqrt(len(group))]
    z = np.concatenate(scores, axis=1)
    points = [np.tile(group.mean(axis=0), (1 + 2 * len(axes), 1)) for group in drawn]
    for number, (place, move) in enumerate(axes, start=1):
        points[place][number] += move
        points[place][number + len(axes)] -= move
    return points, np.column_stack([1 - (z**2).sum(axis=1), (z**2 + z) / 2, (z**2 - z) / 2])


def _ends(values: Array, mixing: Array | None) -> tuple[Array, Array, Array]:
    """Return means and intervals (n,) of draws, or of those that a matrix (D, S) would make of values (S, n)."""
    if mixing is None:
        return values.mean(axis=0), *equal_tails(values)
    mean = mixing.mean(axis=0)
    _, size, axis = np.linalg.svd(mixing - mean, full_matrices=False)
    reach = ndtri((1 + LEVEL) / 2) * np.sqrt((((size[:, None] * axis) @ values) ** 2).sum(axis=0) / len(mixing))
    return mean @ values, mean @ values - reach, mean @ values + reach


def drawn_estimate(sample: Array, n: int, unit: str, method: str) -> Estimate:
    """Return draws (D,) as an estimate, by :func:`mean_and_ends`."""
    (value,), (low,), (high,) = mean_and_ends(sample.reshape(-1, 1))
    return Estimate(value=float(value), low=float(low), high=float(high), n=n, unit=unit, method=method)


def mean_and_ends(sample: Array) -> tuple[Array, Array, Array]:
    """Return posterior means (n,) of draws (D, n) and their intervals; medians where a few draws carry the mean out."""
    mean = sample.mean(axis=0)
    low, high = equal_tails(sample)
    return np.where((mean < low) | (mean > high), np.median(sample, axis=0), mean), low, high
