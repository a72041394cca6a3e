"""The Pareto/NBD model: customers buy at rates of their own until they leave, at any time, at rates of their own."""

from __future__ import annotations

import dataclasses
from typing import ClassVar, NamedTuple

import numpy as np
import pandas as pd
from scipy.special import expit, exprel, gammaln, polygamma, psi

from crm_lib.clv.covariates import CovariateModel
from crm_lib.clv.histories import Array, Codes, Distinct, Histories
from crm_lib.clv.intervals import draw_blocks
from crm_lib.clv.pareto_integral import bracket_derivatives, log_odds_left, log_sum
from crm_lib.clv.special import poisson_purchases, simulated

_NODES = 64
"""Gauss-Legendre nodes of the discounted stay; fewer would do unless rate times ``after`` is very small."""
_FAR = 40.0
"""What lies below e to the minus this is left out."""
_WORTHWHILE = 0.5
"""Pairs of frequency and time, per history, up to which the detour over pairs is shorter."""


@dataclasses.dataclass(kw_only=True, eq=False)
class ParetoNBD(CovariateModel):
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

    @property
    def parameter_names(self) -> tuple[str, ...]:
        """``r`` and ``alpha`` of purchase rates, ``s`` and ``beta`` of dropout rates, then coefficients."""
        return ("r", "alpha", "s", "beta", *self.coefficient_names)

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
        value, gradient, hessian = bracket_derivatives(
            x, histories.recency, histories.age, r=float(r[0, 0]), alpha=alpha[0], s=float(s[0, 0]), beta=beta[0]
        )
        gradient[1] -= x
        # Each working parameter moves one of the four log parameters of a history, coefficients by minus the covariate.
        purchase, dropout = self._places()
        moved = [0, 1, 2, 3, *(1 for _ in purchase), *(3 for _ in dropout)]
        by = np.concatenate([np.ones((4, len(histories))), -histories.covariates.T[purchase + dropout]])
        slope = np.einsum("ph,ph,h->p", gradient[moved], by, weights)
        curvature = np.stack(
            [
                np.einsum("qh,qh,h->q", hessian[row, moved], by, weights * each)
                for row, each in zip(moved, by, strict=True)
            ]
        )
        counts = histories.by_frequency
        of_count = counts.sums(weights)
        shape, start = r[0, 0] + counts.values, r[0, 0]
        total = float(((value - np.log(alpha[0]) * x) * weights).sum())
        total += float(of_count @ (gammaln(shape) - gammaln(start)))
        by_r = start * float(of_count @ (psi(shape) - psi(start)))
        slope[0] += by_r
        curvature[0, 0] += by_r + start**2 * float(of_count @ (polygamma(1, shape) - polygamma(1, start)))
        return total, slope, curvature

    def _log_likelihoods(self, theta: Array, histories: Histories) -> Array:
        pairs = None if self.coefficient_names else _Pairs.of(histories)
        return np.concatenate(
            [self._some_log_likelihoods(some, histories, pairs) for some in draw_blocks(theta, len(histories))]
        )

    def _some_log_likelihoods(self, theta: Array, histories: Histories, pairs: _Pairs | None) -> Array:
        r, alpha, s, beta = self._rates(theta, histories)
        weights, x = histories.customers, histories.frequency
        counts, ages = histories.by_frequency, histories.by_age
        # α^r (α+T)^-(r+x) as α^-x (1+T/α)^-(r+x), and likewise with β, in which nothing large cancels.
        by_alpha, by_beta = np.log1p(ages.values / alpha), np.log1p(ages.values / beta)
        of_age = ages.sums(weights)
        value = (gammaln(r + counts.values) - gammaln(r)) @ counts.sums(weights) - by_alpha @ ages.sums(weights * x)
        value -= r[:, 0] * (by_alpha @ of_age) + s[:, 0] * (by_beta @ of_age)
        value -= (np.log(alpha) * np.broadcast_to(weights * x, (len(theta), len(x)))).sum(axis=1)
        if pairs is not None:
            return np.asarray(value + pairs.total_log_bracket(weights, r, alpha, s, beta))
        log_odds = log_odds_left(r + x, alpha, s, beta, histories.recency, histories.age)
        return np.asarray(value + (log_sum(0.0, log_odds) * weights).sum(axis=1))

    def _alive(self, theta: Array, histories: Histories) -> Array:
        r, alpha, s, beta = self._rates(theta, histories)
        log_odds = log_odds_left(r + histories.frequency, alpha, s, beta, histories.recency, histories.age)
        alive: Array = expit(np.negative(log_odds, out=log_odds), out=log_odds)
        return alive

    def _expected(self, theta: Array, histories: Histories, horizon: float) -> Array:
        _, _, s, beta = self._rates(theta, histories)
        ages = histories.by_age
        return self._buying(theta, histories) * ages.expand(expected_stay(s, beta + ages.values, horizon))

    def _discounted(self, theta: Array, histories: Histories, rate: float) -> Array:
        _, _, s, beta = self._rates(theta, histories)
        ages = histories.by_age
        return self._buying(theta, histories) * ages.expand(discounted_stay(s, beta + ages.values, rate))

    def _draw_purchases(self, theta: Array, histories: Histories, horizon: float, rng: np.random.Generator) -> Array:
        r, alpha, s, beta = self._rates(theta, histories)
        alive = rng.random((len(theta), len(histories))) < self._alive(theta, histories)
        buying = rng.gamma(r + histories.frequency) / (alpha + histories.age)
        with np.errstate(over="ignore"):
            # (after / (after + t))^s is the probability of staying; its logarithm is minus an exponential deviate.
            lifetime = (beta + histories.age) * np.expm1(rng.standard_exponential(alive.shape) / s)
        return poisson_purchases(buying, np.where(alive, lifetime, 0.0), horizon, rng)

    def _simulate(
        self, theta: Array, age: Array, rng: np.random.Generator, covariates: Array, horizon: float
    ) -> pd.DataFrame:
        r, s = np.exp(theta[[0, 2]])
        alpha, beta = (np.exp(each[0]) for each in self._log_rates(theta[None, :], covariates))
        buying = rng.gamma(r, size=len(age)) / alpha
        with np.errstate(over="ignore"):
            lifetime = beta * np.expm1(rng.standard_exponential(len(age)) / s)
        return simulated(buying, lifetime, age, horizon, rng)

    def _buying(self, theta: Array, histories: Histories) -> Array:
        """Return the purchase rate expected of each customer, 0 for those who have left."""
        r, alpha, _, _ = self._rates(theta, histories)
        return self._alive(theta, histories) * (r + histories.frequency) / (alpha + histories.age)

    def _rates(self, theta: Array, histories: Histories) -> tuple[Array, Array, Array, Array]:
        """Return r, alpha, s and beta (D, 1), or (D, H) where covariates shift alpha or beta."""
        log_alpha, log_beta = self._log_rates(theta, histories.covariates)
        return np.exp(theta[:, :1]), np.exp(log_alpha), np.exp(theta[:, 2:3]), np.exp(log_beta)

    def _log_rates(self, theta: Array, covariates: Array) -> tuple[Array, Array]:
        purchase, dropout = self._shifts(theta, covariates)
        return theta[:, 1:2] - purchase, theta[:, 3:4] - dropout


class _Pairs(NamedTuple):
    """Pairs of frequency and time, of which there are few among many histories, and which of them each history has.

    Up to its factor s, the integral from a recency to an age is one from the recency to the latest age of all, less one
    from the age to that. The first belongs to a pair of frequency and recency, the second to one of frequency and age.
    The difference costs no digits: what is taken off never exceeds the likelihood's first term, and it is taken off
    there.
    """

    early: tuple[Array, Array, Codes]
    late: tuple[Array, Array, Codes]

    @classmethod
    def of(cls, histories: Histories) -> _Pairs | None:
        """Return the pairs, or None where there are too many to save time."""
        x = histories.by_frequency
        found = cls(_pairs(x, histories.by_recency), _pairs(x, histories.by_age))
        return found if len(found.early[0]) + len(found.late[0]) <= _WORTHWHILE * len(histories) else None

    def total_log_bracket(self, weights: Array, r: Array, alpha: Array, s: Array, beta: Array) -> Array:
        """Return the sums (D,) over customers of ``log(1 + exp(log_odds_left(...)))``."""
        (x, recency, of_early), (x_late, age, of_late) = self
        latest, shape = np.array(age.max()), r + x_late
        # Everything is counted in units of the first term at the latest age.
        first = shape * np.log((alpha + latest) / (alpha + age)) + s * np.log((beta + latest) / (beta + age))
        taken_off = log_odds_left(shape, alpha, s, beta, age, latest)
        with np.errstate(divide="ignore"):
            remaining = first + np.log1p(-np.exp(np.minimum(taken_off - first, 0.0)))
        integral = log_odds_left(r + x, alpha, s, beta, recency, latest)
        total = [
            (log_sum(left[of_late], right[of_early]) * weights).sum()
            for left, right in zip(remaining, integral, strict=True)
        ]
        return np.asarray(total - first @ np.bincount(of_late, weights=weights, minlength=len(age)))


def _pairs(frequencies: Distinct, times: Distinct) -> tuple[Array, Array, Codes]:
    count = len(times.values)
    codes, keys = pd.factorize(frequencies.codes * count + times.codes)
    return frequencies.values[keys // count], times.values[keys % count], codes


def expected_stay(s: Array, after: Array, horizon: float | Array) -> Array:
    """Return the expected time that customers still stay within a horizon.

    One who has stayed for a time T under a gamma distribution of dropout rates with shape s and rate β stays for a
    further time t with probability ``(after / (after + t))^s``, where ``after = β + T``. The mean is ``after / (s - 1)
    (1 - (after / (after + horizon))^(s - 1))``, here in a form that is exact at s = 1 as well.

    Examples
    --------
    >>> expected_stay(np.array([0.5, 1.0, 2.0]), np.array(1.0), 3.0).round(4)  # 2, log 4 and 3/4
    array([2.    , 1.3863, 0.75  ])
    """
    log_growth = np.log1p(horizon / after)
    return np.asarray(after * log_growth * exprel(-(s - 1) * log_growth))


def discounted_stay(s: Array, after: Array, rate: float) -> Array:
    """Return the expected time that customers still stay for ever, discounted at a continuous rate above 0.

    This is ``after`` times Tricomi's function U(1, 2 - s, z) at z = rate × after, of which libraries give up digits
    where s is close to a whole number. With t = after (e^q - 1) the integrand ``exp((1 - s) q - z (e^q - 1))`` has no
    singularity at all, so that Gauss-Legendre quadrature reaches machine precision.

    Examples
    --------
    >>> discounted_stay(np.array(1.0), np.array(1.0), 1.0).round(6)  # e E₁(1)
    np.float64(0.596347)
    """
    z = rate * after
    length = np.log1p(_FAR / z)
    slope = s - 1 + z
    # The exponent is concave: where it falls from the beginning, it lies below its tangent.
    length = np.where(slope > 0, np.minimum(length, _FAR / np.maximum(slope, 1e-300)), length)
    total = np.zeros(np.shape(length))
    for at, weight in zip(*np.polynomial.legendre.leggauss(_NODES), strict=True):
        q = length * ((at + 1) / 2)
        total += weight / 2 * np.exp((1 - s) * q - z * np.expm1(q))
    return np.asarray(after * length * total)
