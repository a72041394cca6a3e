"""Draws of a model's parameters given the data, by importance sampling, and how far they can be trusted."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import emcee
import numpy as np
import pandas as pd
import scipy.linalg

from crm_lib.clv.histories import Array
from crm_lib.clv.intervals import equal_tails
from crm_lib.clv.pareto_smoothing import pareto_smooth
from crm_lib.clv.priors import Priors
from crm_lib.clv.proposal import StudentMixture, systematic

_GOOD_K, _WORST_K = 0.5, 0.7
"""Pareto k up to which weights are good, and beyond which they are not to be relied upon (Vehtari et al. 2024)."""
_GOOD_EFFICIENCY, _WORST_EFFICIENCY = 0.25, 0.1
"""The same in effective draws per draw: where a proposal misses part of the density, the weights that would tell were
never drawn, and k alone is too good."""
_CANDIDATES = 2000
"""Least number of candidates, as fewer do not tell how good they are."""
_ADAPTING, _TRYING = 3, 2
"""Rounds in which the proposal is adapted before it is judged again, and how often it may be judged."""
_CENTRES = 250
_FLATTENED = 0.5
"""Power of the density to which proposals are adapted: its tails reach beyond those of the density itself."""
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
    number, whether they can be trusted. If not — the density is skewed or bent — candidates come from a mixture of
    many narrow t distributions that follows the square root of the density, found in three more rounds; if that does
    not help either, the affine-invariant ensemble sampler ``emcee`` takes over.

    Parameters
    ----------
    log_density : callable
        From working parameters (D, P) to log densities (D,), up to a constant.
    mode, covariance : array (P,), array (P, P)
        Mode of the density and inverse of the negative Hessian there.
    draws : int
        Number of draws, and of candidates if there are enough.
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
    West, M. (1993). Approximating Posterior Distributions by Mixtures. Journal of the Royal Statistical Society B
    55(2), 409–422.
    Foreman-Mackey, D., Hogg, D. W., Lang, D., Goodman, J. (2013). emcee: The MCMC Hammer. PASP 125, 306–312.
    """
    rng = np.random.default_rng(seed)
    candidates = max(draws, _CANDIDATES)
    proposal = StudentMixture(centres=mode[None, :], factor=scipy.linalg.cholesky(covariance, lower=True))
    for round_ in range(_ADAPTING + _TRYING):
        theta, log_proposal = proposal.draw(candidates, rng)
        log_target = log_density(theta)
        log_target[~np.isfinite(log_target)] = -np.inf
        weights, shape = pareto_smooth(log_target - log_proposal)
        effective = 1 / float(weights @ weights)
        if round_ == 0:
            trusted = shape < _GOOD_K and effective > _GOOD_EFFICIENCY * candidates
        else:
            trusted = round_ >= _ADAPTING and shape < _WORST_K and effective > _WORST_EFFICIENCY * candidates
        if trusted:
            source = (
                "a multivariate t distribution at the mode" if round_ == 0 else "an adapted mixture of t distributions"
            )
            return WorkingDraws(
                theta=theta[systematic(weights, draws, rng)],
                effective_sample_size=min(effective, float(draws)),
                pareto_k=shape,
                method=f"importance sampling from {source}, Pareto smoothed",
            )
        flattened, _ = pareto_smooth(_FLATTENED * log_target - log_proposal)
        proposal = StudentMixture.around(theta, flattened, _CENTRES, rng)
    return _ensemble(log_density, mode, covariance, draws, rng)


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
