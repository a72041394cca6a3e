"""Draws of a model's parameters given the data, by importance sampling, and how far they can be trusted."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pandas as pd
import scipy.linalg

from crm_lib.clv.histories import Array
from crm_lib.clv.importance import StudentMixture, pareto_smooth, systematic
from crm_lib.clv.intervals import equal_tails
from crm_lib.errors import NumericalError

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

    Parameters
    ----------
    draws : DataFrame (D, P)
        The parameters, one row a draw.
    working : array (D, P)
        The same on the working scale.
    effective_sample_size : float
        Number of independent draws that would be as informative.
    pareto_k : float
        Tail shape of the importance weights: below 0.5 very good, up to 0.7 usable.
    method : str
        How the draws were made.
    seed : int
        Seed of the draws.
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
