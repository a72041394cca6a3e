"""Draws of a model's parameters given the data, by importance sampling, and how far they can be trusted."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import emcee
import numpy as np
import pandas as pd
import scipy.linalg
from scipy.special import gammaln

from crm_lib.clv.histories import Array
from crm_lib.clv.intervals import equal_tails
from crm_lib.clv.pareto_smoothing import pareto_smooth
from crm_lib.clv.priors import Priors

_DEGREES = 5.0
"""Degrees of freedom of the proposal: tails heavier than any posterior here, yet with a covariance."""
_WORST_K = 0.7
"""Pareto k beyond which importance sampling cannot be relied upon (Vehtari et al. 2024, section 3)."""
_LEAST_EFFICIENCY = 0.25
"""Effective draws per draw below which the proposal misses the shape of the density, whatever k says: the weights that
would tell are those that were never drawn."""
_ROUNDS = 3
_LONGEST_CHAIN = 8
"""Stretches that the ensemble sampler may need until its chain is long against its autocorrelation."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Posterior:
    """Equally probable draws of a model's parameters.

    Parameters
    ----------
    draws : DataFrame (D, P)
        The parameters, one row a draw.
    working : array (D, P)
        The same on the working scale.
    effective_sample_size : float
        Number of independent draws that would be as informative.
    pareto_k : float
        Tail shape of the importance weights: below 0.5 very good, up to 0.7 usable. NaN where a sampler drew.
    method : str
        How the draws were made.
    priors : Priors or None
        What was assumed beforehand.
    seed : int
        Seed of the draws.
    """

    draws: pd.DataFrame
    working: Array
    effective_sample_size: float
    pareto_k: float
    method: str
    priors: Priors | None
    seed: int

    def __len__(self) -> int:
        return len(self.draws)

    def summary(self, level: float = 0.9) -> pd.DataFrame:
        """Return mean, standard deviation, median and interval of each parameter.

        Parameters
        ----------
        level : float
            Probability that the interval holds, in equal tails.

        Returns
        -------
        DataFrame
            One row a parameter: ``mean``, ``sd``, ``median``, ``low``, ``high``.
        """
        low, high = equal_tails(self.draws.to_numpy(), level)
        return pd.DataFrame(
            {
                "mean": self.draws.mean(),
                "sd": self.draws.std(),
                "median": self.draws.median(),
                "low": low,
                "high": high,
            }
        )

    def some(self, count: int) -> Array:
        """Return evenly spaced draws on the working scale, all of them if there are no more.

        Parameters
        ----------
        count : int
            How many.

        Returns
        -------
        array (min(count, D), P)
            The draws.
        """
        if count >= len(self.working):
            return self.working
        chosen: Array = self.working[np.linspace(0, len(self.working) - 1, count).round().astype(int)]
        return chosen


@dataclass(frozen=True, kw_only=True)
class WorkingDraws:
    """Equally probable draws on the working scale, before they are named.

    Parameters
    ----------
    theta : array (D, P)
        The draws.
    effective_sample_size, pareto_k : float
        As of :class:`Posterior`.
    method : str
        As of :class:`Posterior`.
    """

    theta: Array
    effective_sample_size: float
    pareto_k: float
    method: str


def sample_posterior(
    log_density: Callable[[Array], Array], mode: Array, covariance: Array, *, draws: int, seed: int
) -> WorkingDraws:
    """Draw from a density by importance sampling around its mode; fall back to an ensemble sampler.

    Candidates come from a multivariate t distribution at the mode, whose tails are heavier than the posterior's. Their
    importance weights are smoothed by a generalised Pareto distribution, whose shape k tells, with their effective
    number, whether they can be trusted. If not, mean and covariance of the proposal are matched to the weighted draws
    and the step is repeated; if that does not help either, the affine-invariant ensemble sampler ``emcee`` takes over.

    Parameters
    ----------
    log_density : callable
        From working parameters (D, P) to log densities (D,), up to a constant.
    mode, covariance : array (P,), array (P, P)
        Mode of the density and inverse of the negative Hessian there.
    draws : int
        Number of candidates and of draws.
    seed : int
        Seed of the random numbers.

    Returns
    -------
    WorkingDraws
        The draws, resampled to equal probability, with their diagnostics.

    References
    ----------
    Vehtari, A., Simpson, D., Gelman, A., Yao, Y., Gabry, J. (2024). Pareto Smoothed Importance Sampling. Journal of
    Machine Learning Research 25(72), 1–58.
    Foreman-Mackey, D., Hogg, D. W., Lang, D., Goodman, J. (2013). emcee: The MCMC Hammer. PASP 125, 306–312.
    """
    rng = np.random.default_rng(seed)
    centre, spread = mode, covariance
    for round_ in range(_ROUNDS):
        factor = scipy.linalg.cholesky(spread, lower=True)
        theta, log_proposal = _student(centre, factor, draws, rng)
        log_weights = log_density(theta) - log_proposal
        log_weights[~np.isfinite(log_weights)] = -np.inf
        weights, shape = pareto_smooth(log_weights)
        effective = 1 / float(weights @ weights)
        if shape < _WORST_K and effective > _LEAST_EFFICIENCY * draws:
            chosen = _systematic(weights, draws, rng)
            how = "importance sampling" if round_ == 0 else "adapted importance sampling"
            return WorkingDraws(
                theta=theta[chosen],
                effective_sample_size=effective,
                pareto_k=shape,
                method=f"{how} from a multivariate t distribution at the mode, Pareto smoothed",
            )
        centre = weights @ theta
        away = theta - centre
        matched = (weights[:, None] * away).T @ away
        spread = matched + 0.05 * np.diag(np.diag(covariance))
    return _ensemble(log_density, mode, covariance, draws, rng)


def _student(centre: Array, factor: Array, draws: int, rng: np.random.Generator) -> tuple[Array, Array]:
    """Return draws of the multivariate t distribution with covariance ``factor @ factor.T`` and their log densities."""
    count = len(centre)
    # Scaled so that the covariance, not the scale matrix, is the one asked for, then a little wider.
    shrink = 1.1 * np.sqrt((_DEGREES - 2) / _DEGREES)
    normal = rng.standard_normal((draws, count))
    mixing = np.sqrt(_DEGREES / rng.chisquare(_DEGREES, draws))[:, None]
    standard = normal * mixing
    theta = centre + shrink * standard @ factor.T
    squared = np.sum(standard**2, axis=1)
    log_density = -0.5 * (_DEGREES + count) * np.log1p(squared / _DEGREES)
    constant = gammaln((_DEGREES + count) / 2) - gammaln(_DEGREES / 2) - 0.5 * count * np.log(_DEGREES * np.pi)
    constant -= np.log(np.diag(shrink * factor)).sum()
    return theta, log_density + constant


def _systematic(weights: Array, draws: int, rng: np.random.Generator) -> Any:
    """Return the numbers of equally probable draws; each candidate comes up its expected number of times, rounded."""
    ladder = (np.arange(draws) + rng.random()) / draws
    chosen = np.minimum(np.searchsorted(np.cumsum(weights), ladder), len(weights) - 1)
    return rng.permutation(chosen)


def _ensemble(
    log_density: Callable[[Array], Array], mode: Array, covariance: Array, draws: int, rng: np.random.Generator
) -> WorkingDraws:
    count = len(mode)
    walkers = max(32, 4 * count)
    factor = scipy.linalg.cholesky(covariance, lower=True)
    begin = mode + 0.5 * rng.standard_normal((walkers, count)) @ factor.T

    def finite(theta: Array) -> Array:
        density = log_density(theta)
        return np.where(np.isfinite(density), density, -np.inf)

    sampler = emcee.EnsembleSampler(walkers, count, finite, vectorize=True)
    legacy = np.random.RandomState(int(rng.integers(2**31)))
    state = emcee.State(begin, random_state=legacy.get_state())
    steps = max(int(np.ceil(4 * draws / walkers)), 500)
    correlation = np.inf
    for _ in range(_LONGEST_CHAIN):
        state = sampler.run_mcmc(state, steps, skip_initial_state_check=True)
        correlation = float(np.nan_to_num(np.max(sampler.get_autocorr_time(quiet=True, tol=0)), nan=np.inf))
        # Shorter chains tell neither the density nor their own autocorrelation.
        if sampler.iteration > 50 * correlation:
            break
    chain = sampler.get_chain(discard=int(min(5 * correlation, sampler.iteration / 2)), flat=True)
    picked = np.linspace(0, len(chain) - 1, draws).round().astype(int)
    return WorkingDraws(
        theta=chain[picked],
        effective_sample_size=min(float(draws), len(chain) / correlation),
        pareto_k=float("nan"),
        method="affine-invariant ensemble sampler (emcee), as importance sampling was unreliable",
    )
