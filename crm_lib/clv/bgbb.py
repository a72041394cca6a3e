"""The BG/BB model: customers who may buy once at each of a number of opportunities, and may leave between them."""

from __future__ import annotations

import dataclasses
from typing import ClassVar

import numpy as np
import pandas as pd

from crm_lib.clv.beta_survival import expected_stay, log_survival
from crm_lib.clv.bgbb_likelihood import Opportunities, likelihoods
from crm_lib.clv.histories import Array, Histories
from crm_lib.clv.intervals import draw_blocks
from crm_lib.clv.maximum import hessian_of, points_around
from crm_lib.clv.purchase_model import PurchaseModel
from crm_lib.clv.renewal_sums import discounted_periods

_NEGLIGIBLE = 16.0
"""Opportunities discounted by more than e to this power are left out of simulated outcomes."""
_SPAN = 0.05
"""Opportunities whose discounts differ by no more than this share are drawn together."""


@dataclasses.dataclass(kw_only=True, eq=False)
class BGBB(PurchaseModel):
    """Beta-geometric/beta-Bernoulli model: purchases at discrete opportunities, such as yearly donations.

    At every opportunity a customer who is still there buys with a probability of their own, which is
    Beta(``alpha``, ``beta``) over customers; before every opportunity they leave for good with another probability,
    which is Beta(``gamma``, ``delta``). Of a summary, ``frequency`` is the number of opportunities with a purchase,
    ``recency`` the number of the last such opportunity (0 if none) and ``age`` the number of opportunities so far, the
    one of the first purchase not counted: all whole numbers. Horizons count opportunities, too. Alive is who has not
    left before the *next* opportunity, as in the paper, so that even a customer who has just bought may be gone. The
    next opportunity lies one unit ahead when purchases are discounted.

    Parameters
    ----------
    unit : {"D", "W", "M", "Y"}
        Time between two opportunities.

    References
    ----------
    Fader, P. S., Hardie, B. G. S., Shang, J. (2010). Customer-Base Analysis in a Discrete-Time Noncontractual Setting.
    Marketing Science 29(6), 1086–1108.

    Examples
    --------
    >>> truth = BGBB().with_parameters(alpha=1.2, beta=0.8, gamma=0.6, delta=2.5)
    >>> donors = truth.simulate(np.full(6000, 6), seed=1, horizon=5)
    >>> model = BGBB().fit(donors)
    >>> predicted = model.total_purchases(donors, 5, interval="outcome")
    >>> bool(predicted.low < donors["future"].sum() < predicted.high)
    True
    """

    unit: str = "Y"
    discrete: ClassVar[bool] = True

    @property
    def parameter_names(self) -> tuple[str, ...]:
        """``alpha``, ``beta`` of the probability of buying, ``gamma``, ``delta`` of that of leaving."""
        return ("alpha", "beta", "gamma", "delta")

    def _starts(self, histories: Histories) -> Array:
        weights = histories.customers
        chances = max(float(weights @ histories.age), 1.0)
        # Up to the last purchase the customer was there, so that this share is the buying probability, a little high.
        buying = (float(weights @ histories.frequency) + 0.5) / (float(weights @ histories.recency) + 1.0)
        # And this one is at least the share of opportunities at which customers were there.
        there = (float(weights @ histories.recency) + 0.5) / (chances + 1.0)
        leaving = np.clip((1 - there) / (1 + float(weights @ histories.age) / histories.total), 0.01, 0.5)
        starts = [
            [size * buying, size * (1 - 0.9 * buying), spread * leaving, spread * (1 - leaving)]
            for size in (0.7, 2.0, 6.0)
            for spread in (2.0, 8.0)
        ]
        return np.log(np.array(starts))

    def _objective(self, theta: Array, histories: Histories) -> tuple[float, Array, Array]:
        some, weights = Opportunities.of(histories), histories.customers
        points = np.vstack([theta, points_around(theta)])
        value = 0.0
        slopes: list[Array] = []
        for block in draw_blocks(points, 4 * max(len(histories), some.longest)):
            found = likelihoods(self._natural(block), some, gradient=True)
            if not slopes:
                value = float(found.total[0] @ weights)
            slopes.append(np.exp(block) * (found.gradient @ weights).T)
        gradients = np.concatenate(slopes)
        return value, gradients[0], hessian_of(gradients[1:])

    def _log_likelihoods(self, theta: Array, histories: Histories) -> Array:
        some = Opportunities.of(histories)
        blocks = draw_blocks(theta, max(len(histories), some.longest))
        return np.concatenate([likelihoods(self._natural(block), some).total @ histories.customers for block in blocks])

    def _alive(self, theta: Array, histories: Histories) -> Array:
        *_, gamma, delta = self._natural(theta)
        after = delta + histories.age
        return self._stayed(theta, histories) * after / (gamma + after)

    def _expected(self, theta: Array, histories: Histories, horizon: float) -> Array:
        _whole(np.asarray(horizon), "the horizon")
        *_, gamma, delta = self._natural(theta)
        ages = histories.by_age
        return self._buying(theta, histories) * ages.expand(expected_stay(gamma, delta + ages.values, horizon))

    def _expected_new(self, theta: Array, horizons: Array) -> Array:
        _whole(horizons, "the horizon")
        alpha, beta, gamma, delta = self._natural(theta)
        return alpha / (alpha + beta) * expected_stay(gamma, delta, horizons)

    def _discounted(self, theta: Array, histories: Histories, rate: float) -> Array:
        ages = histories.by_age
        return self._buying(theta, histories) * ages.expand(self._discounted_stay(theta, ages.values, rate))

    def _discounted_new(self, theta: Array, rate: float) -> Array:
        alpha, beta, *_ = self._natural(theta)
        return alpha / (alpha + beta) * self._discounted_stay(theta, np.zeros(1), rate)

    def _draw_purchases(
        self, theta: Array, histories: Histories, horizon: float, rate: float, rng: np.random.Generator
    ) -> Array:
        if np.isfinite(horizon):
            _whole(np.asarray(horizon), "the horizon")
        alpha, beta, gamma, delta = self._natural(theta)
        x, n = histories.frequency, histories.age
        result = np.zeros((len(theta), len(histories)))
        draw, row = np.nonzero(rng.random(result.shape) < self._alive(theta, histories))
        buying = rng.beta((alpha + x)[draw, row], (beta + n - x)[draw, row])
        leaving = rng.beta(gamma[draw, 0], (delta + n + 1)[draw, row])
        # Who is there at the next opportunity stays for that one and a geometric number of others.
        chances = np.minimum(1 + _periods_stayed(leaving, rng), horizon)
        if rate == 0:
            result[draw, row] = rng.binomial(chances.astype(np.int64), buying)
        else:
            result[draw, row] = _discounted_purchases(chances, buying, rate, rng)
        return result

    def _simulate(
        self, theta: Array, age: Array, rng: np.random.Generator, covariates: Array, horizon: float
    ) -> pd.DataFrame:
        del covariates
        _whole(age, "age")
        _whole(np.asarray(horizon), "the horizon")
        alpha, beta, gamma, delta = np.exp(theta)
        buying = rng.beta(alpha, beta, len(age))
        stayed = _periods_stayed(rng.beta(gamma, delta, len(age)), rng)
        chances = np.minimum(stayed, age)
        # Counted backwards, the opportunities without a purchase before the first with one are geometric.
        recency = np.maximum(chances - _periods_stayed(buying, rng), 0.0)
        before = rng.binomial(np.maximum(recency - 1, 0).astype(np.int64), buying)
        left_over = np.minimum(np.maximum(stayed - age, 0), horizon)
        return pd.DataFrame(
            {
                "frequency": np.where(recency > 0, before + 1, 0),
                "recency": recency,
                "age": age,
                "alive": stayed > age,
                "future": rng.binomial(left_over.astype(np.int64), buying),
            }
        )

    def _discounted_stay(self, theta: Array, ages: Array, rate: float) -> Array:
        """Return the discounted number of further opportunities of customers still there at these ages."""
        *_, gamma, delta = self._natural(theta)
        discount = float(np.exp(-rate))
        return discount * discounted_periods(lambda time: log_survival(gamma, delta, time), ages + 1, discount)

    def _stayed(self, theta: Array, histories: Histories) -> Array:
        """Return the probability that each customer had not left before the last opportunity."""
        # Outcomes are drawn row by row: equal histories meet again here, and need not be computed again.
        base = float(histories.age.max()) + 1
        keys = (histories.frequency * base + histories.recency) * base + histories.age
        _, first, inverse = np.unique(keys, return_index=True, return_inverse=True)
        found = likelihoods(self._natural(theta), Opportunities.of(histories.subset(first)))
        return np.exp(found.stayed - found.total).take(inverse, axis=1)

    def _buying(self, theta: Array, histories: Histories) -> Array:
        """Return the expected probability of buying, counting those who have left as 0."""
        alpha, beta, *_ = self._natural(theta)
        chance = (alpha + histories.frequency) / (alpha + beta + histories.age)
        return self._stayed(theta, histories) * chance


def _whole(numbers: Array, name: str) -> None:
    if (numbers != np.floor(numbers)).any():
        raise ValueError(f"{name} counts purchase opportunities and must be a whole number, not {numbers.flat[0]:g}")


def _periods_stayed(leaving: Array, rng: np.random.Generator) -> Array:
    """Draw after how many periods customers leave who leave with these probabilities; 0 if in the first."""
    with np.errstate(divide="ignore"):
        return np.asarray(np.floor(rng.standard_exponential(leaving.shape) / -np.log1p(-leaving)))


def _discounted_purchases(chances: Array, buying: Array, rate: float, rng: np.random.Generator) -> Array:
    """Draw purchases at the next `chances` opportunities and add up their discount factors.

    Opportunities whose factors hardly differ are drawn together and counted with their mean factor.
    """
    width = max(1, int(_SPAN / rate))
    result = np.zeros(chances.shape)
    owners = np.arange(chances.size)
    begin = 0
    while rate * begin < _NEGLIGIBLE:
        owners = owners[chances[owners] > begin]
        if owners.size == 0:
            break
        count = np.minimum(chances[owners] - begin, width)
        factor = np.exp(-rate * (begin + 1)) * np.expm1(-rate * count) / (np.expm1(-rate) * count)
        result[owners] += factor * rng.binomial(count.astype(np.int64), buying[owners])
        begin += width
    return result
