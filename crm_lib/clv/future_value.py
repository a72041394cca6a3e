"""What customers are still expected to bring: purchases × (spend × margin rate - cost to serve), draw by draw."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from crm_lib.clv.credibility import CredibleRatio
from crm_lib.clv.gamma_gamma import GammaGamma
from crm_lib.clv.histories import Array, Codes
from crm_lib.clv.intervals import equal_tails
from crm_lib.clv.purchase_model import PurchaseModel
from crm_lib.clv.spend_records import MeanSpend
from crm_lib.estimate import Estimate

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
        size = max(1, _CELLS // len(self.order))
        for begin in range(0, len(sorted_rows), size):
            rows = sorted_rows[begin : begin + size]
            yield rows, self._drawn(rows)

    def by_group(self, codes: Codes, count: int) -> Drawn:
        """Return draws (D, G) of the sums over the customers of each group, given each customer's group number."""
        sums = {name: np.zeros((len(self.order), count)) for name in ("current", "potential", "alive")}
        for rows, drawn in self.blocks():
            present, place = np.unique(codes[rows], return_inverse=True)
            member = (place[:, None] == np.arange(len(present))).astype(float)
            for name, total in sums.items():
                total[:, present] += getattr(drawn, name) @ member
        return Drawn(**sums)

    def total(self) -> Drawn:
        """Return draws (D, 1) of the sums over all customers."""
        return self.by_group(np.zeros(len(self.summary), dtype=np.intp), 1)

    def each(self) -> pd.DataFrame:
        """Return posterior mean and interval of each customer's value: ``current``, ``current_low`` and so on.

        Means add up to the total; ends are stretched where a mean lies beyond.
        """
        names = [f"{part}{end}" for part in ("current", "potential") for end in ("", "_low", "_high")]
        columns = {name: np.empty(len(self.summary)) for name in names}
        for rows, drawn in self.blocks():
            for part in ("current", "potential"):
                sample = getattr(drawn, part)
                mean, (low, high) = sample.mean(axis=0), equal_tails(sample)
                columns[part][rows] = mean
                columns[f"{part}_low"][rows], columns[f"{part}_high"][rows] = (
                    np.minimum(low, mean),
                    np.maximum(high, mean),
                )
        return pd.DataFrame(columns, index=self.summary.index)

    def _drawn(self, rows: Codes) -> Drawn:
        some, draws = self.summary.iloc[rows], len(self.order)
        purchases = self.model.drawn(
            "discounted", some, annual_rate=self.annual_rate, horizon=self.horizon, draws=draws
        )
        rate = self.margin_rate.drawn(rows)
        worth = self.spend.drawn_spend(some, draws=draws)[self.order] * rate - self.cost.drawn(rows)
        return Drawn(
            current=purchases * worth,
            potential=purchases * np.maximum(rate, 0.0) * self.reachable[rows],
            alive=self.model.drawn("alive", some, draws=draws),
        )


def drawn_estimate(sample: Array, n: int, unit: str, method: str) -> Estimate:
    """Return draws (D,) as an estimate, by :func:`mean_and_ends`."""
    (value,), (low,), (high,) = mean_and_ends(sample.reshape(-1, 1))
    return Estimate(value=float(value), low=float(low), high=float(high), n=n, unit=unit, method=method)


def mean_and_ends(sample: Array) -> tuple[Array, Array, Array]:
    """Return posterior means (n,) of draws (D, n) and their intervals; medians where a few draws carry the mean out."""
    mean = sample.mean(axis=0)
    low, high = equal_tails(sample)
    return np.where((mean < low) | (mean > high), np.median(sample, axis=0), mean), low, high
