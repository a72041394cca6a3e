"""Which forecaster to use: the simplest that is not demonstrably worse than the best."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from crm_lib.clv.forecasters import Forecaster
from crm_lib.clv.histories import Array, Codes
from crm_lib.clv.names import model_label
from crm_lib.estimate import LEVEL, Estimate
from crm_lib.language import say

_RESAMPLES = 999
_CELLS = 2**22
"""Weights held in memory at a time."""


@dataclass(frozen=True, kw_only=True)
class Contest:
    """Mean losses (M,) of several forecasters, the same with customers drawn with replacement (B, M), and RMSE (M,)."""

    forecasters: Sequence[Forecaster]
    means: Array
    resampled: Array
    errors: Sequence[float]
    customers: int

    def choose(self, among: Sequence[int]) -> int:
        """Return the place of the simplest of some that is not demonstrably worse than the best of them."""
        best = min(among, key=lambda place: float(self.means[place]))
        behind = self.resampled - self.resampled[:, [best]]
        as_good = [place for place in among if place == best or np.quantile(behind[:, place], (1 - LEVEL) / 2) <= 0]
        return min(as_good, key=lambda place: (self.forecasters[place].parameters, self.errors[place]))

    def reason(self, winner: Forecaster) -> str:
        """Return why a forecaster was chosen, in words."""
        best = self.forecasters[int(np.argmin(self.means))]
        words = "{winner} has the lowest forecast error, and nothing simpler comes as near to it as chance allows."
        if winner is not best:
            words = "{winner} is the simplest that is not demonstrably worse than {best}, which has the lowest error."
        also = {
            "baseline": "A baseline wins: models in which customers leave do not forecast better here. Values use the "
            "best of them all the same, as in the long run somebody must leave.",
            "learner": "It forecasts one period only; values use the best model in which customers leave.",
        }.get(winner.kind, "")
        told = say(words, winner=model_label(winner.name), best=model_label(best.name))
        return f"{told} {say(also)}" if also else told

    def advantage(self) -> Estimate | None:
        """Return by what share the best model in which customers leave lowers the loss of the best baseline.

        The best of either kind is picked anew in each resample.
        """
        kinds = np.array([who.kind for who in self.forecasters])
        leaving, baseline = kinds == "dropout", kinds == "baseline"
        if not leaving.any() or not baseline.any():
            return None
        points = np.vstack([self.means, self.resampled])
        reference = points[:, baseline].min(axis=1)
        gain = np.where(
            reference > 0, 1 - points[:, leaving].min(axis=1) / np.where(reference > 0, reference, 1.0), 0.0
        )
        low, high = np.quantile(gain[1:], [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
        value = float(gain[0])
        return Estimate(
            value=value, low=min(float(low), value), high=max(float(high), value), n=self.customers,
            method="bootstrap over customers", unit="share",
        )  # fmt: skip


def hold_contest(
    forecasters: Sequence[Forecaster], losses: Sequence[tuple[Codes, list[Array]]], errors: Sequence[float], seed: int
) -> Contest:
    """Return the contest, given for each cut-off the customers' numbers and the losses of all forecasters.

    A customer is drawn with the losses of all forecasters at all cut-offs.
    """
    everybody, codes = np.unique(np.concatenate([who for who, _ in losses]), return_inverse=True)
    parts = np.split(codes, np.cumsum([len(who) for who, _ in losses])[:-1])
    rng = np.random.default_rng(seed)
    count = len(everybody)
    size = max(1, min(_RESAMPLES, _CELLS // count))
    columns = [np.column_stack(loss) for _, loss in losses]
    resampled = []
    for begin in range(0, _RESAMPLES, size):
        drawn = rng.multinomial(count, np.full(count, 1 / count), size=min(size, _RESAMPLES - begin)).astype(float)
        means = []
        for part, loss in zip(parts, columns, strict=True):
            weights = drawn[:, part]
            total = weights.sum(axis=1, keepdims=True)
            # A resample may hold nobody of an early cut-off, which then says nothing new.
            means.append(np.where(total > 0, weights @ loss / np.maximum(total, 1.0), loss.mean(axis=0)))
        resampled.append(np.mean(means, axis=0))
    means = np.mean([loss.mean(axis=0) for loss in columns], axis=0)
    return Contest(
        forecasters=forecasters, means=means, resampled=np.concatenate(resampled), errors=errors, customers=count
    )
