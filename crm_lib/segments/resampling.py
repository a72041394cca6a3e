"""Bootstrap intervals that hold better than most when a few customers weigh a lot."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Statistic = Callable[[Floats], tuple[Floats, Floats]]
"""From weights (resamples × customers) to estimates and their standard errors (each resamples × statistics)."""

_CELLS = 4_000_000
"""Weights held in memory at a time: 32 MB an array."""


def studentised(
    statistic: Statistic, n: int, *, resamples: int = 999, level: float = 0.95, seed: int = 0
) -> tuple[Floats, Floats, Floats]:
    """Return estimates with studentised (bootstrap-t) intervals.

    Customers are drawn with replacement, as often as there are customers; a resample is described by how often each
    was drawn. Every resample's estimate is divided by its own standard error, so a resample without the largest
    customers, whose estimate is low, counts with the small standard error it has. This is what makes the interval
    longer on the side where large customers may be missing from the data.

    Parameters
    ----------
    statistic : callable
        Takes weights of shape (resamples, n) whose rows sum to n, returns estimates and standard errors, each of shape
        (resamples, statistics).
    n : int
        Number of customers.
    resamples : int
        Number of resamples.
    level : float
        Nominal coverage.
    seed : int
        Seed of the random numbers.

    Returns
    -------
    tuple of ndarray
        Estimates, lower and upper ends, each of shape (statistics,). Ends are infinite where the data have no spread
        from which an error could be judged.

    Notes
    -----
    With :math:`t^* = (\\hat\\theta^* - \\hat\\theta)/s^*`, the interval is
    :math:`[\\hat\\theta - t^*_{1-\\alpha/2}\\,s,\\ \\hat\\theta - t^*_{\\alpha/2}\\,s]`.

    References
    ----------
    Efron, B. & Tibshirani, R. J. (1993). An Introduction to the Bootstrap, section 12.5.
    Davidson, R. (2009). Reliable inference for the Gini index. Journal of Econometrics 150, 30-40.
    """
    value, error = (part[0] for part in statistic(np.ones((1, n))))
    rng = np.random.default_rng(seed)
    chances = np.full(n, 1 / n)
    studentised_values = []
    batch = max(1, min(resamples, _CELLS // n))
    for start in range(0, resamples, batch):
        weights = rng.multinomial(n, chances, size=min(batch, resamples - start)).astype(np.float64)
        again, again_error = statistic(weights)
        with np.errstate(divide="ignore", invalid="ignore"):
            studentised_values.append(np.where(again_error > 0, (again - value) / again_error, np.nan))
    t = np.concatenate(studentised_values)
    low, high = np.full_like(value, -np.inf), np.full_like(value, np.inf)
    for column in range(value.size):
        finite = t[np.isfinite(t[:, column]), column]
        if error[column] > 0 and finite.size >= resamples / 2:
            lower, upper = np.quantile(finite, [(1 - level) / 2, (1 + level) / 2])
            # The point estimate stays inside: an interval without it could not be read.
            low[column] = min(value[column], value[column] - upper * error[column])
            high[column] = max(value[column], value[column] - lower * error[column])
    return value, low, high
