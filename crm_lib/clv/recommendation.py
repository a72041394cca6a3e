"""Which forecaster to use: the simplest that is not demonstrably worse than the best."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from crm_lib import language
from crm_lib.clv.forecasts import Forecaster
from crm_lib.clv.histories import Array, Codes
from crm_lib.estimate import Estimate

_CELLS = 2**22
"""Weights held in memory at a time."""


@dataclass(frozen=True, kw_only=True)
class Contest:
    """Losses of several forecasters for the same customers, and what resampling the customers does to their means.

    Parameters
    ----------
    forecasters : sequence of Forecaster (M)
        Who took part at every cut-off.
    means : array (M,)
        Mean loss, averaged over cut-offs.
    resampled : array (B, M)
        The same, customers drawn with replacement: each customer with the losses of all forecasters at all cut-offs.
    squared_errors : array (M,)
        Mean squared error of what was expected, averaged over cut-offs: it decides between the equally simple, as no
        chance of drawing is in it.
    customers, cut_offs : int
        Numbers of both.
    level : float
        Coverage of intervals.
    """

    forecasters: Sequence[Forecaster]
    means: Array
    resampled: Array
    squared_errors: Array
    customers: int
    cut_offs: int
    level: float

    @property
    def best(self) -> int:
        """Place of the lowest mean."""
        return int(np.argmin(self.means))

    def choose(self, among: Sequence[int] | None = None) -> int:
        """Return the place of the simplest forecaster that is not demonstrably worse than the best.

        Parameters
        ----------
        among : sequence of int, optional
            Places to choose from; by default all.

        Returns
        -------
        int
            Of those whose mean loss exceeds the lowest by no more than chance (the interval of the difference holds 0)
            the one with the fewest parameters; of several such the one whose expectations came nearest (lowest mean
            squared error).
        """
        places = list(range(len(self.means))) if among is None else list(among)
        best = min(places, key=lambda place: float(self.means[place]))
        tail = (1 - self.level) / 2
        behind = self.resampled - self.resampled[:, [best]]
        as_good = [place for place in places if place == best or np.quantile(behind[:, place], tail) <= 0]
        return min(as_good, key=lambda place: (self.forecasters[place].parameters, float(self.squared_errors[place])))

    def reason(self, chosen: int) -> str:
        """Return why a forecaster was chosen, in words.

        Parameters
        ----------
        chosen : int
            Its place.
        """
        best, winner = self.best, self.forecasters[chosen]
        places = {
            "name": winner.name,
            "score": language.number(float(self.means[chosen]), 4),
            "best": self.forecasters[best].name,
            "lowest": language.number(float(self.means[best]), 4),
            "customers": language.number(self.customers, 0),
            "cut_offs": language.number(self.cut_offs, 0),
        }
        if chosen == best:
            message = language.text(
                "{name} has the lowest ranked probability score, {score} purchases a customer (cut-offs: {cut_offs}, "
                "customers: {customers}), and nothing simpler comes as near to it as chance allows."
            )
        else:
            message = language.text(
                "{name}, with a ranked probability score of {score} purchases a customer, is not demonstrably worse "
                "than the lowest, {lowest} of {best} (cut-offs: {cut_offs}, customers: {customers}), and is simpler, "
                "or as simple with expectations that came nearer."
            )
        if winner.kind == "baseline":
            message += " " + language.text(
                "A baseline wins: models in which customers leave do not forecast better here. For values to infinity, "
                "for which somebody must leave one day, the best of those models is used all the same."
            )
        elif winner.kind == "learner":
            message += " " + language.text(
                "It forecasts one period only: for values to infinity, for the probability of being alive and for new "
                "customers use the model named beside it."
            )
        return message.format(**places)

    def advantage(self) -> Estimate | None:
        """Return by what share the best model in which customers leave lowers the loss of the best baseline.

        Returns
        -------
        Estimate or None
            Percentile interval, for which the best of either kind is picked anew in each resample; None without a
            forecaster of either kind.
        """
        kinds = np.array([forecaster.kind for forecaster in self.forecasters])
        leaving, baseline = kinds == "dropout", kinds == "baseline"
        if not leaving.any() or not baseline.any():
            return None
        value = _gain(self.means[leaving].min(), self.means[baseline].min())
        sample = _gain(self.resampled[:, leaving].min(axis=1), self.resampled[:, baseline].min(axis=1))
        tail = (1 - self.level) / 2
        low, high = np.quantile(sample, [tail, 1 - tail])
        return Estimate(
            value=float(value), low=min(float(low), float(value)), high=max(float(high), float(value)),
            n=self.customers, method="bootstrap over customers", level=self.level, unit="share",
        )  # fmt: skip


def hold_contest(
    forecasters: Sequence[Forecaster],
    losses: Sequence[tuple[Codes, Array]],
    squared_errors: Array,
    *,
    level: float,
    seed: int,
    resamples: int = 999,
) -> Contest:
    """Return the mean losses of forecasters with their resamples.

    Parameters
    ----------
    forecasters : sequence of Forecaster (M)
        Who took part.
    losses : sequence of (array of int (n,), array (n, M))
        For each cut-off the customers' numbers, the same at all cut-offs, and their losses.
    squared_errors : array (M,)
        Mean squared errors, averaged over cut-offs.
    level : float
        Coverage of intervals.
    seed : int
        Seed of the random numbers.
    resamples : int
        Number of resamples.

    Returns
    -------
    Contest
        Means of the cut-offs' means.
    """
    everybody, codes = np.unique(np.concatenate([numbers for numbers, _ in losses]), return_inverse=True)
    parts = np.split(codes, np.cumsum([len(numbers) for numbers, _ in losses])[:-1])
    rng = np.random.default_rng(seed)
    count = len(everybody)
    size = max(1, min(resamples, _CELLS // count))
    resampled = []
    for begin in range(0, resamples, size):
        drawn = rng.multinomial(count, np.full(count, 1 / count), size=min(size, resamples - begin)).astype(float)
        means = []
        for part, (_, loss) in zip(parts, losses, strict=True):
            weights = drawn[:, part]
            total = weights.sum(axis=1, keepdims=True)
            # A resample may hold nobody of an early cut-off, which then says nothing new.
            means.append(np.where(total > 0, weights @ loss / np.maximum(total, 1.0), loss.mean(axis=0)))
        resampled.append(np.mean(means, axis=0))
    return Contest(
        forecasters=forecasters,
        means=np.mean([loss.mean(axis=0) for _, loss in losses], axis=0),
        resampled=np.concatenate(resampled),
        squared_errors=squared_errors,
        customers=count,
        cut_offs=len(losses),
        level=level,
    )


def _gain(loss: Array, reference: Array) -> Array:
    return np.where(reference > 0, 1 - loss / np.where(reference > 0, reference, 1.0), 0.0)
