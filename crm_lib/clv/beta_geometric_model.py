"""What BG/NBD and MBG/NBD have in common, with and without regularity and covariates."""

from __future__ import annotations

import dataclasses
from typing import ClassVar

import numpy as np
import pandas as pd

from crm_lib.clv import beta_geometric_covariates as with_covariates
from crm_lib.clv import beta_geometric_likelihood as without_covariates
from crm_lib.clv.beta_geometric import log_likelihood, probability_alive, stage_weights
from crm_lib.clv.beta_geometric_draws import log_likelihoods
from crm_lib.clv.beta_geometric_outcomes import histories as simulated
from crm_lib.clv.beta_geometric_outcomes import outcomes
from crm_lib.clv.beta_geometric_scores import Cells
from crm_lib.clv.histories import Array, Codes, Histories, new_customers
from crm_lib.clv.purchase_model import PurchaseModel

_BLOCK = 2**16


@dataclasses.dataclass(kw_only=True, eq=False)
class BetaGeometric(PurchaseModel):
    """Models in which customers may leave after each purchase; users meet :class:`BGNBD` and :class:`MBGNBD`.

    Parameters
    ----------
    unit : {"D", "W", "M", "Y"}
        Unit of time of recency, age and horizons.
    regularity : int
        Number of exponential stages between two purchases, k; 1 for purchases at random.
    """

    scale_parameters: ClassVar[frozenset[str]] = frozenset({"alpha"})
    occasions: ClassVar[int] = 0
    """Occasions to leave before the first repeat purchase."""
    regularity: int = 1

    def __post_init__(self) -> None:
        if isinstance(self.regularity, bool) or int(self.regularity) != self.regularity or self.regularity < 1:
            raise ValueError(f"regularity is a number of stages, 1 or more, not {self.regularity!r}")
        super().__post_init__()
        self._counted: tuple[Histories, without_covariates.Counts] | None = None

    @property
    def parameter_names(self) -> tuple[str, ...]:
        """``r`` and ``alpha`` of the gamma distribution of rates, ``a`` and ``b`` of the beta of leaving; coefficients.

        With a regularity above 1 the rates are those of stages; a customer buys once in that many of them.
        """
        return ("r", "alpha", "a", "b", *self.coefficient_names)

    # Covariates, of which only a subclass may have any

    def _columns(self, histories: Histories) -> tuple[Array, Array]:
        """Return the covariates of purchasing and of dropout."""
        none = np.empty((len(histories), 0))
        return none, none

    def _customers(self, theta: Array, histories: Histories) -> tuple[Array, Array, Array, Array]:
        """Return r, α, a, b of the customers: arrays (D, 1) or (D, H)."""
        r, alpha, a, b, *_ = self._natural(theta)
        if self.coefficient_names:
            purchase, dropout = self._columns(histories)
            own = purchase.shape[1] + 4
            alpha = alpha * np.exp(-theta[:, 4:own] @ purchase.T)
            a = a * np.exp(theta[:, own:] @ dropout.T)
        return r, alpha, a, b

    # Likelihood

    def _counts(self, histories: Histories) -> without_covariates.Counts:
        if self._counted is None or self._counted[0] is not histories:
            counts = without_covariates.count(histories, regularity=self.regularity, occasions=self.occasions)
            self._counted = histories, counts
        return self._counted[1]

    def _starts(self, histories: Histories) -> Array:
        """Return guesses of one rate for all who bought again, and of chances of leaving from small to large."""
        weights, x = histories.customers, histories.frequency
        rate = self.regularity * max(float(weights @ x), 0.5) / max(float(weights @ histories.age), 1e-9)
        r, a, b = np.array([[0.3, 1.0, 3.0], [0.6, 1.0, 1.5], [2.0, 1.0, 3.0], [1.0, 0.1, 3.0], [5.0, 1.0, 1.0]]).T
        r = r * self.regularity
        alpha = r / (rate * (1 + a / b))
        guesses = np.log(np.column_stack([r, alpha, a, b]))
        return np.concatenate([guesses, np.zeros((len(guesses), len(self.coefficient_names)))], axis=1)

    def _objective(self, theta: Array, histories: Histories) -> tuple[float, Array, Array]:
        counts = self._counts(histories)
        if self.regularity == 1 and not self.coefficient_names:
            return without_covariates.derivatives(theta, counts)
        return with_covariates.derivatives(theta, counts, with_covariates.designs(*self._columns(histories)))

    def _log_likelihoods(self, theta: Array, histories: Histories) -> Array:
        counts = self._counts(histories)
        if not self.coefficient_names:
            return log_likelihoods(self._natural(theta), counts)
        size = max(1, _BLOCK // len(histories))
        found = np.empty(len(theta))
        for begin in range(0, len(theta), size):
            each = log_likelihood(
                *self._customers(theta[begin : begin + size], histories),
                histories.frequency,
                histories.recency,
                histories.age,
                regularity=self.regularity,
                occasions=self.occasions,
            )
            found[begin : begin + size] = each @ histories.customers
        return found + (self.regularity - 1) * (histories.log_gaps or 0.0)

    # What customers will do

    def _alive(self, theta: Array, histories: Histories) -> Array:
        return probability_alive(
            *self._customers(theta, histories),
            histories.frequency,
            histories.recency,
            histories.age,
            regularity=self.regularity,
            occasions=self.occasions,
        )

    def _cells(self, theta: Array, histories: Histories) -> tuple[Cells, Codes]:
        """Return the futures that there are, for each of the draws, and which of them each history has."""
        r, alpha, a, b = self._customers(theta, histories)
        if self.coefficient_names:
            first = cell = family = np.arange(len(histories))
            x = histories.frequency
        else:
            first, cell = _pairs(histories)
            family, x = histories.by_frequency.codes[first], histories.by_frequency.values
        draws = np.arange(len(theta))[:, None]
        shape, a, b = np.broadcast_arrays(r + self.regularity * x, a, b + x + self.occasions)
        cells = Cells(
            shape=shape.ravel(),
            a=a.ravel(),
            b=b.ravel(),
            family=(draws * len(x) + family).ravel(),
            rate=(alpha + histories.age[first]).ravel(),
            regularity=self.regularity,
        )
        return cells, cell

    def _mean(self, theta: Array, histories: Histories, of_cells: Array, cell: Codes) -> Array:
        """Return means over the stages that customers may be in, times the probability that they have not left."""
        by_stage = of_cells.reshape(self.regularity, len(theta), -1)
        alive = self._alive(theta, histories)
        if self.regularity == 1:
            return np.asarray(by_stage[0].take(cell, axis=1) * alive)
        r, alpha, _, _ = self._customers(theta, histories)
        times = histories.frequency, histories.recency, histories.age
        weights = stage_weights(r, alpha, *times, regularity=self.regularity)
        mean = sum(value.take(cell, axis=1) * weight for value, weight in zip(by_stage, weights, strict=True))
        return np.asarray(mean / weights.sum(axis=0) * alive)

    def _expected(self, theta: Array, histories: Histories, horizon: float) -> Array:
        cells, cell = self._cells(theta, histories)
        return self._mean(theta, histories, cells.purchases(horizon), cell)

    def _expected_new(self, theta: Array, horizons: Array) -> Array:
        one = self._newcomer()
        cells, _ = self._cells(theta, one)
        alive = self._alive(theta, one)
        columns = [cells.purchases(float(horizon))[0] for horizon in horizons]
        return np.asarray(np.stack(columns, axis=1) * alive)

    def _discounted(self, theta: Array, histories: Histories, rate: float) -> Array:
        cells, cell = self._cells(theta, histories)
        return self._mean(theta, histories, cells.lasting_value(rate), cell)

    def _discounted_new(self, theta: Array, rate: float) -> Array:
        return self._discounted(theta, self._newcomer(), rate)

    def _newcomer(self) -> Histories:
        return new_customers(covariates=np.zeros((1, len(self.covariate_names))))

    def _draw_purchases(
        self, theta: Array, histories: Histories, horizon: float, rate: float, rng: np.random.Generator
    ) -> Array:
        alive = self._alive(theta, histories)
        r, alpha, a, b = (np.broadcast_to(parameter, alive.shape) for parameter in self._customers(theta, histories))
        here = np.nonzero(rng.random(alive.shape) < alive)
        r, alpha, a, b = r[here], alpha[here], a[here], b[here]
        x, last, age = histories.frequency[here[1]], histories.recency[here[1]], histories.age[here[1]]
        passed = np.zeros(len(x), dtype=int)
        if self.regularity > 1:
            chances = stage_weights(r, alpha, x, last, age, regularity=self.regularity).cumsum(axis=0)
            passed = (chances < rng.random(len(x)) * chances[-1]).sum(axis=0)
        buying = rng.standard_gamma(r + self.regularity * x + passed) / (alpha + age)
        chance = rng.beta(a, b + x + self.occasions)
        found = np.zeros(alive.shape)
        found[here] = outcomes(buying, chance, passed, horizon, rate, self.regularity, rng)
        return found

    def _simulate(
        self, theta: Array, age: Array, rng: np.random.Generator, covariates: Array, horizon: float
    ) -> pd.DataFrame:
        customers = new_customers(len(age), covariates)
        r, alpha, a, b = (
            np.broadcast_to(parameter[0], age.shape) for parameter in self._customers(theta[None, :], customers)
        )
        buying, chance = rng.standard_gamma(r) / alpha, rng.beta(a, b)
        return simulated(buying, chance, age, horizon, self.regularity, self.occasions, rng)


def _pairs(histories: Histories) -> tuple[Codes, Codes]:
    """Return one history of each pair of frequency and age, by frequency, and the pair of each history."""
    ages = histories.by_age
    key = histories.by_frequency.codes * len(ages.values) + ages.codes
    size = len(histories.by_frequency.values) * len(ages.values)
    if size > 8 * len(key) + 1000:
        _, first, inverse = np.unique(key, return_index=True, return_inverse=True)
        return first, inverse
    one = np.full(size, -1)
    one[key] = np.arange(len(key))
    found = np.flatnonzero(one >= 0)
    place = np.empty(size, dtype=np.intp)
    place[found] = np.arange(len(found))
    return one[found], place[key]
