"""Importance sampling: mixtures of t distributions to draw from, and weights whose tail is smoothed and judged."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.linalg
from scipy.special import gammaln

from crm_lib.clv.histories import Array

_DEGREES = 5.0
"""Degrees of freedom: tails heavier than any posterior here, yet with a covariance."""
_WIDER = 1.1
"""How much wider than asked for: too wide costs little, too narrow a lot."""
_RIDGE = 1e-3
"""Share of the scale that is added so that draws on a line still have a covariance."""


@dataclass(frozen=True, kw_only=True, eq=False)
class StudentMixture:
    """Equally probable multivariate t distributions around centres (M, P), with one factor (P, P) of covariance."""

    centres: Array
    factor: Array

    @classmethod
    def around(cls, theta: Array, weights: Array, centres: int, rng: np.random.Generator) -> StudentMixture:
        """Return a mixture that follows weighted draws, with the width of a normal density estimate."""
        count = theta.shape[1]
        away = theta - weights @ theta
        covariance = (weights[:, None] * away).T @ away
        covariance += _RIDGE * np.diag(np.diag(covariance) + np.finfo(float).tiny)
        worth = min(centres, 1 / float(weights @ weights))
        width = (4 / ((count + 2) * worth)) ** (1 / (count + 4))
        factor = width * scipy.linalg.cholesky(covariance, lower=True)
        return cls(centres=theta[systematic(weights, centres, rng)], factor=factor)

    def draw(self, count: int, rng: np.random.Generator) -> tuple[Array, Array]:
        """Return draws (D, P) and their log densities (D,)."""
        size = self.centres.shape[1]
        # Scaled so that the covariance, not the scale matrix, is the one asked for.
        factor = _WIDER * np.sqrt((_DEGREES - 2) / _DEGREES) * self.factor
        mixing = np.sqrt(_DEGREES / rng.chisquare(_DEGREES, count))[:, None]
        chosen = rng.integers(len(self.centres), size=count)
        theta = self.centres[chosen] + rng.standard_normal((count, size)) * mixing @ factor.T
        white = scipy.linalg.solve_triangular(factor, np.concatenate([theta, self.centres]).T, lower=True).T
        draws, centres = white[:count], white[count:]
        distance = np.sum(draws**2, axis=1)[:, None] + np.sum(centres**2, axis=1) - 2 * draws @ centres.T
        # Powers, unlike exponentials, of whatever distance are far from the smallest number there is.
        kernels = (1 + np.maximum(distance, 0.0) / _DEGREES) ** (-0.5 * (_DEGREES + size))
        constant = gammaln((_DEGREES + size) / 2) - gammaln(_DEGREES / 2) - 0.5 * size * np.log(_DEGREES * np.pi)
        constant -= np.log(np.diag(factor)).sum() + np.log(len(self.centres))
        return theta, np.log(kernels.sum(axis=1)) + constant


def systematic(weights: Array, count: int, rng: np.random.Generator) -> Array:
    """Return numbers of candidates in random order, each its expected number of times, rounded."""
    ladder = (np.arange(count) + rng.random()) / count
    return rng.permutation(np.minimum(np.searchsorted(np.cumsum(weights), ladder), len(weights) - 1))


def pareto_smooth(log_weights: Array) -> tuple[Array, float]:
    """Replace the largest importance weights by quantiles of the generalised Pareto distribution fitted to them.

    Returns weights that add up to 1 and the shape k of the tail: the weights have finite variance where k < 0.5, and
    beyond 0.7 they are not to be relied upon; infinite where they cannot be fitted.

    References
    ----------
    Vehtari, A., Simpson, D., Gelman, A., Yao, Y., Gabry, J. (2024). Pareto Smoothed Importance Sampling. Journal of
    Machine Learning Research 25(72), 1–58.
    """
    weights = np.exp(log_weights - np.max(log_weights))
    count = len(weights)
    tail = int(min(0.2 * count, 3 * np.sqrt(count)))
    order = np.argsort(weights)
    largest = order[-tail:]
    threshold = weights[order[-tail - 1]]
    excess = weights[largest] - threshold
    if not excess[-1] > np.finfo(float).tiny:
        # All weights are alike: the proposal is the posterior.
        return weights / weights.sum(), -np.inf
    if not excess[0] > 0:
        return weights / weights.sum(), np.inf
    shape, scale = generalised_pareto(excess)
    ranks = (np.arange(1, tail + 1) - 0.5) / tail
    quantiles = scale * (np.expm1(-shape * np.log1p(-ranks)) / shape if shape != 0 else -np.log1p(-ranks))
    weights[largest] = np.minimum(threshold + quantiles, 1.0)
    return weights / weights.sum(), float(shape)


def generalised_pareto(excess: Array) -> tuple[float, float]:
    """Return shape k (drawn a little towards 0.5) and scale of ascending positive values.

    References
    ----------
    Zhang, J., Stephens, M. A. (2009). A New and Efficient Estimation Method for the Generalized Pareto Distribution.
    Technometrics 51(3), 316–325.
    """
    count = len(excess)
    points = 30 + int(np.sqrt(count))
    quarter = excess[int(count / 4 + 0.5) - 1]
    grid = 1 - np.sqrt(points / (np.arange(1, points + 1) - 0.5))
    grid = grid / (3 * quarter) + 1 / excess[-1]
    shapes = np.mean(np.log1p(-grid[:, None] * excess), axis=1)
    profile = count * (np.log(-grid / shapes) - shapes - 1)
    posterior = np.exp(profile - profile.max())
    best = float(posterior @ grid / posterior.sum())
    shape = float(np.mean(np.log1p(-best * excess)))
    return (count * shape + 10 * 0.5) / (count + 10), -shape / best
