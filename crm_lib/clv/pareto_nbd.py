"""The Pareto/NBD model: customers buy at rates of their own until they leave, at any time, at rates of their own."""

from __future__ import annotations

import dataclasses
from typing import ClassVar

import numpy as np
import pandas as pd
from scipy.special import expit, gammaln, polygamma, psi

from crm_lib.clv.histories import Array, Distinct, Histories
from crm_lib.clv.intervals import draw_blocks
from crm_lib.clv.pareto_integral import bracket_derivatives, log_odds_left, log_sum
from crm_lib.clv.pareto_pairs import HistoryPairs, history_pairs, total_log_bracket
from crm_lib.clv.pareto_stay import discounted_stay, expected_stay
from crm_lib.clv.purchase_model import PurchaseModel
from crm_lib.clv.simulation import poisson_purchases

_SHAPES = ("r", "alpha", "s", "beta")


@dataclasses.dataclass(kw_only=True, eq=False)
class ParetoNBD(PurchaseModel):
    """Poisson purchases until an exponential lifetime ends, with gamma distributions of both rates.

    While alive, a customer buys as a Poisson process; purchase rates have a gamma distribution with shape ``r`` and
    rate ``alpha``. Each leaves, unseen, at a rate of her own; dropout rates have a gamma distribution with shape ``s``
    and rate ``beta``, so that lifetimes are Pareto distributed. Covariates that do not change with time multiply a
    customer's rates by the exponential of coefficient times covariate: a positive coefficient of a purchase covariate
    tells that customers with more of it buy more often, one of a dropout covariate that they leave sooner.

    Parameters
    ----------
    unit : {"D", "W", "M", "Y"}
        Unit of time of recency, age and horizons.
    purchase_covariates, dropout_covariates : tuple of str
        Columns of numbers in the summary that shift purchase rates and dropout rates.

    Raises
    ------
    ValueError
        If the covariates are not given as distinct names.

    References
    ----------
    Schmittlein, D. C., Morrison, D. G., Colombo, R. (1987). Counting Your Customers: Who Are They and What Will They Do
    Next? Management Science 33(1), 1–24.
    Fader, P. S., Hardie, B. G. S., Lee, K. L. (2005). RFM and CLV: Using Iso-Value Curves for Customer Base Analysis.
    Journal of Marketing Research 42(4), 415–430.
    Fader, P. S., Hardie, B. G. S. (2007). Incorporating Time-Invariant Covariates into the Pareto/NBD and BG/NBD
    Models. Technical note.

    Examples
    --------
    >>> truth = ParetoNBD().with_parameters(r=0.6, alpha=10.0, s=0.6, beta=12.0)
    >>> customers = truth.simulate(np.full(4000, 40.0), seed=1, horizon=40.0)
    >>> model = ParetoNBD().fit(customers)
    >>> bool(abs(model.expected_purchases(customers, 40).sum() / customers["future"].sum() - 1) < 0.05)
    True
    >>> bool(abs(model.probability_alive(customers).mean() - customers["alive"].mean()) < 0.05)
    True
    """

    scale_parameters: ClassVar[frozenset[str]] = frozenset({"alpha", "beta"})
    purchase_covariates: tuple[str, ...] = ()
    dropout_covariates: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        super().__post_init__()
        given: tuple[object, ...] = (self.purchase_covariates, self.dropout_covariates)
        for names in given:
            if not isinstance(names, tuple | list) or len(set(names)) < len(names):
                raise ValueError(f"covariates are a tuple of distinct column names, such as ('region',), not {names!r}")

    @property
    def parameter_names(self) -> tuple[str, ...]:
        """``r`` and ``alpha`` of purchase rates, ``s`` and ``beta`` of dropout rates, then coefficients."""
        return (*_SHAPES, *self.coefficient_names)

    @property
    def coefficient_names(self) -> tuple[str, ...]:
        """``purchase_`` or ``dropout_`` and the name of the covariate."""
        return (
            *(f"purchase_{name}" for name in self.purchase_covariates),
            *(f"dropout_{name}" for name in self.dropout_covariates),
        )

    @property
    def covariate_names(self) -> tuple[str, ...]:
        """Columns of covariates that the model reads."""
        return tuple(dict.fromkeys((*self.purchase_covariates, *self.dropout_covariates)))

    def _starts(self, histories: Histories) -> Array:
        weights, x, age = histories.customers, histories.frequency, histories.age
        bought = max(float(weights @ x), 0.5)
        typical = max(float(weights @ age) / histories.total, 1e-9)
        starts = []
        for r in (0.4, 1.0, 3.0):
            for s, share in ((0.5, 0.3), (1.0, 1.0), (0.3, 1.0), (3.0, 3.0)):
                beta = share * typical
                # E[X] = r/α × expected stay: alpha follows from the others and the mean.
                stay = float(weights @ expected_stay(np.array(s), np.array(beta), age))
                starts.append([r, r * max(stay, 1e-9) / bought, s, beta])
        shapes = np.log(starts)
        return np.hstack([shapes, np.zeros((len(shapes), len(self.coefficient_names)))])

    def _objective(self, theta: Array, histories: Histories) -> tuple[float, Array, Array]:
        r, alpha, s, beta = self._rates(theta[None, :], histories)
        weights, x = histories.customers, histories.frequency
        derivatives = bracket_derivatives(
            x, histories.recency, histories.age, r=float(r[0, 0]), alpha=alpha[0], s=float(s[0, 0]), beta=beta[0]
        )
        value, gradient, hessian = derivatives.value, derivatives.gradient, derivatives.hessian
        gradient[1] -= x
        # Each working parameter moves one of the four log parameters of a history, coefficients by minus the covariate.
        moved, by = self._moves(histories)
        slope = np.einsum("ph,ph,h->p", gradient[moved], by, weights)
        curvature = np.stack(
            [
                np.einsum("qh,qh,h->q", hessian[row, moved], by, weights * each)
                for row, each in zip(moved, by, strict=True)
            ]
        )
        counts = histories.by_frequency
        of_count = np.bincount(counts.codes, weights=weights)
        shape, start = r[0, 0] + counts.values, r[0, 0]
        total = float(((value - np.log(alpha[0]) * x) * weights).sum())
        total += float(of_count @ (gammaln(shape) - gammaln(start)))
        by_r = start * float(of_count @ (psi(shape) - psi(start)))
        slope[0] += by_r
        curvature[0, 0] += by_r + start**2 * float(of_count @ (polygamma(1, shape) - polygamma(1, start)))
        return total, slope, curvature

    def _log_likelihoods(self, theta: Array, histories: Histories) -> Array:
        pairs = None if self.coefficient_names else history_pairs(histories)
        return np.concatenate(
            [self._some_log_likelihoods(some, histories, pairs) for some in draw_blocks(theta, len(histories))]
        )

    def _some_log_likelihoods(self, theta: Array, histories: Histories, pairs: HistoryPairs | None) -> Array:
        r, alpha, s, beta = self._rates(theta, histories)
        weights, x = histories.customers, histories.frequency
        counts, ages = histories.by_frequency, self._ages(histories)
        of_count = np.bincount(counts.codes, weights=weights)
        of_age = np.bincount(ages.codes, weights=weights)
        purchases_of_age = np.bincount(ages.codes, weights=weights * x)
        # α^r (α+T)^-(r+x) as α^-x (1+T/α)^-(r+x), and likewise with β, in which nothing large cancels.
        by_alpha, by_beta = np.log1p(ages.values / alpha), np.log1p(ages.values / beta)
        value = (gammaln(r + counts.values) - gammaln(r)) @ of_count - by_alpha @ purchases_of_age
        value -= r[:, 0] * (by_alpha @ of_age) + s[:, 0] * (by_beta @ of_age)
        value -= (np.log(alpha) * np.broadcast_to(weights * x, (len(theta), len(x)))).sum(axis=1)
        if pairs is not None:
            return np.asarray(value + total_log_bracket(pairs, r, alpha, s, beta))
        log_odds = log_odds_left(r + x, alpha, s, beta, histories.recency, histories.age)
        return np.asarray(value + (log_sum(0.0, log_odds) * weights).sum(axis=1))

    def _alive(self, theta: Array, histories: Histories) -> Array:
        r, alpha, s, beta = self._rates(theta, histories)
        log_odds = log_odds_left(r + histories.frequency, alpha, s, beta, histories.recency, histories.age)
        alive: Array = expit(np.negative(log_odds, out=log_odds), out=log_odds)
        return alive

    def _expected(self, theta: Array, histories: Histories, horizon: float) -> Array:
        _, _, s, beta = self._rates(theta, histories)
        ages = self._ages(histories)
        return self._buying(theta, histories) * ages.expand(expected_stay(s, beta + ages.values, horizon))

    def _expected_new(self, theta: Array, horizons: Array) -> Array:
        r, alpha, s, beta = self._natural(theta)[:4]
        return r / alpha * expected_stay(s, beta, horizons)

    def _discounted(self, theta: Array, histories: Histories, rate: float) -> Array:
        _, _, s, beta = self._rates(theta, histories)
        ages = self._ages(histories)
        return self._buying(theta, histories) * ages.expand(discounted_stay(s, beta + ages.values, rate))

    def _draw_purchases(
        self, theta: Array, histories: Histories, horizon: float, rate: float, rng: np.random.Generator
    ) -> Array:
        r, alpha, s, beta = self._rates(theta, histories)
        alive = rng.random((len(theta), len(histories))) < self._alive(theta, histories)
        buying = rng.gamma(r + histories.frequency) / (alpha + histories.age)
        with np.errstate(over="ignore"):
            # (after / (after + t))^s is the probability of staying; its logarithm is minus an exponential deviate.
            lifetime = (beta + histories.age) * np.expm1(rng.standard_exponential(alive.shape) / s)
        return poisson_purchases(buying, np.where(alive, lifetime, 0.0), horizon, rate, rng)

    def _simulate(
        self, theta: Array, age: Array, rng: np.random.Generator, covariates: Array, horizon: float
    ) -> pd.DataFrame:
        r, s = np.exp(theta[[0, 2]])
        alpha, beta = (np.exp(each[0]) for each in self._log_rates(theta[None, :], covariates))
        buying = rng.gamma(r, size=len(age)) / alpha
        with np.errstate(over="ignore"):
            lifetime = beta * np.expm1(rng.standard_exponential(len(age)) / s)
        active = np.minimum(lifetime, age)
        frequency = rng.poisson(buying * active)
        # The last of x uniform times is the largest: a Beta(x, 1) share of the time active.
        recency = np.where(frequency > 0, active * rng.beta(np.maximum(frequency, 1), 1.0), 0.0)
        further = np.clip(lifetime - age, 0.0, horizon)
        return pd.DataFrame(
            {
                "frequency": frequency,
                "recency": recency,
                "age": age,
                "alive": lifetime > age,
                "future": rng.poisson(buying * further),
            }
        )

    def _buying(self, theta: Array, histories: Histories) -> Array:
        """Return the purchase rate expected of each customer, 0 for those who have left."""
        r, alpha, _, _ = self._rates(theta, histories)
        return self._alive(theta, histories) * (r + histories.frequency) / (alpha + histories.age)

    def _rates(self, theta: Array, histories: Histories) -> tuple[Array, Array, Array, Array]:
        """Return r, alpha, s and beta (D, 1), or (D, H) where covariates shift alpha or beta."""
        log_alpha, log_beta = self._log_rates(theta, histories.covariates)
        return np.exp(theta[:, :1]), np.exp(log_alpha), np.exp(theta[:, 2:3]), np.exp(log_beta)

    def _log_rates(self, theta: Array, covariates: Array) -> tuple[Array, Array]:
        log_alpha, log_beta = theta[:, 1:2], theta[:, 3:4]
        split = 4 + len(self.purchase_covariates)
        if self.purchase_covariates:
            log_alpha = log_alpha - theta[:, 4:split] @ self._columns(self.purchase_covariates, covariates)
        if self.dropout_covariates:
            log_beta = log_beta - theta[:, split:] @ self._columns(self.dropout_covariates, covariates)
        return log_alpha, log_beta

    def _columns(self, names: tuple[str, ...], covariates: Array) -> Array:
        """Return the covariates of the given names, one a row."""
        return covariates.T[[self.covariate_names.index(name) for name in names]]

    def _moves(self, histories: Histories) -> tuple[list[int], Array]:
        """Return which of the four log parameters each working parameter moves, and how far (P, H)."""
        moved = [0, 1, 2, 3, *(1 for _ in self.purchase_covariates), *(3 for _ in self.dropout_covariates)]
        shifts = [
            self._columns(names, histories.covariates) for names in (self.purchase_covariates, self.dropout_covariates)
        ]
        return moved, np.concatenate([np.ones((4, len(histories))), *(-each for each in shifts)])

    def _ages(self, histories: Histories) -> Distinct:
        """Return the different ages, or all of them where covariates make customers of one age differ."""
        if self.coefficient_names:
            return Distinct(values=histories.age, codes=np.arange(len(histories)))
        return histories.by_age
