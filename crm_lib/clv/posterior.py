"""Draws of a model's parameters given the data, by importance sampling, and how far they can be trusted.

Candidates come from mixtures of t distributions; the tail of their weights is smoothed and judged.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pandas as pd
import scipy.linalg
from scipy.special import gammaln

from crm_lib.clv.histories import Array
from crm_lib.clv.intervals import equal_tails
from crm_lib.errors import NumericalError

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


_GOOD_K, _WORST_K = 0.5, 0.7
"""Pareto k up to which weights are good, and beyond which they are not to be relied upon."""
_GOOD_EFFICIENCY, _WORST_EFFICIENCY = 0.25, 0.1
"""The same in effective draws per draw: where a proposal misses part of the density, the weights that would tell were
never drawn, and k alone is too good."""
_CANDIDATES = 500
"""Least number of candidates, as fewer do not tell how good they are."""
_ADAPTING, _TRYING = 3, 3
"""Rounds in which the proposal is adapted before it is judged again, and how often it may be judged."""
_CENTRES = 250
_FLATTENED = 0.5
"""Power of the density to which proposals are adapted: its tails reach beyond those of the density itself."""


class PosteriorWarning(UserWarning):
    """No proposal came near the posterior, so that intervals are rough."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Posterior:
    """Equally probable draws of a model's parameters.

    `draws` has a row a draw and a column a parameter; `working` (D, P) is the same on the working scale.
    `effective_sample_size` is the number of independent draws that would be as informative, `pareto_k` the shape of the
    tail of the importance weights: below 0.5 very good, up to 0.7 usable.
    """

    draws: pd.DataFrame
    working: Array
    effective_sample_size: float
    pareto_k: float
    method: str
    seed: int

    def __len__(self) -> int:
        return len(self.draws)

    def summary(self) -> pd.DataFrame:
        """Return mean, standard deviation, median and interval (``low``, ``high``) of each parameter, one a row."""
        low, high = equal_tails(self.draws.to_numpy())
        columns = {"mean": self.draws.mean(), "sd": self.draws.std(), "median": self.draws.median()}
        return pd.DataFrame({**columns, "low": low, "high": high})

    def some(self, count: int) -> Array:
        """Return evenly spaced draws on the working scale, all of them if there are no more."""
        if count >= len(self.working):
            return self.working
        return np.asarray(self.working[np.linspace(0, len(self.working) - 1, count).round().astype(int)])


class WorkingDraws(NamedTuple):
    """Equally probable draws on the working scale, with the diagnostics of :class:`Posterior`."""

    theta: Array
    effective_sample_size: float
    pareto_k: float
    method: str


def sample_posterior(
    log_density: Callable[[Array], Array], mode: Array, covariance: Array, *, draws: int, seed: int
) -> WorkingDraws:
    """Draw from a density by importance sampling around its mode.

    Candidates come from a multivariate t distribution at the mode, whose tails are heavier than the posterior's. Their
    importance weights are smoothed by a generalised Pareto distribution, whose shape k tells, with their effective
    number, whether they can be trusted. If not — the density is skewed or bent — candidates come from a mixture of
    many narrow t distributions that follows the square root of the density, found in three more rounds. If that does
    not help either, the last and best of six proposals is used, with four times as many candidates and a warning.

    References
    ----------
    Vehtari, A., Simpson, D., Gelman, A., Yao, Y., Gabry, J. (2024). Pareto Smoothed Importance Sampling. Journal of
    Machine Learning Research 25(72), 1–58.
    West, M. (1993). Approximating Posterior Distributions by Mixtures. Journal of the Royal Statistical Society B
    55(2), 409–422.
    """
    rng = np.random.default_rng(seed)
    candidates = max(draws, _CANDIDATES)
    proposal = StudentMixture(centres=mode[None, :], factor=scipy.linalg.cholesky(covariance, lower=True))
    for round_ in range(_ADAPTING + _TRYING + 1):
        last = round_ == _ADAPTING + _TRYING
        theta, log_proposal = proposal.draw(4 * candidates if last else candidates, rng)
        log_target = log_density(theta)
        log_target[~np.isfinite(log_target)] = -np.inf
        if not np.isfinite(log_target).any():
            raise NumericalError("the posterior is finite nowhere near its mode")
        weights, shape = pareto_smooth(log_target - log_proposal)
        effective = 1 / float(weights @ weights)
        if round_ == 0:
            trusted = shape < _GOOD_K and effective > _GOOD_EFFICIENCY * candidates
        else:
            trusted = round_ >= _ADAPTING and shape < _WORST_K and effective > _WORST_EFFICIENCY * candidates
        if trusted or last:
            break
        flattened, _ = pareto_smooth(_FLATTENED * log_target - log_proposal)
        proposal = StudentMixture.around(theta, flattened, _CENTRES, rng)
    if not trusted:
        warnings.warn(
            f"the posterior has a shape that no proposal met (Pareto k {shape:.2f}, {effective:,.0f} effective draws): "
            "its intervals are rough",
            PosteriorWarning,
            stacklevel=3,
        )
    source = "a multivariate t distribution at the mode" if round_ == 0 else "an adapted mixture of t distributions"
    return WorkingDraws(
        theta[systematic(weights, draws, rng)],
        min(effective, float(draws)),
        shape,
        f"importance sampling from {source}, Pareto smoothed",
    )
