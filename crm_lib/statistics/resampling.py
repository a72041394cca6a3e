"""Bootstrap intervals that hold better than most when a few customers weigh a lot."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from crm_lib.estimate import LEVEL

Floats = NDArray[np.float64]
Statistic = Callable[[Floats], tuple[Floats, Floats]]
"""From weights (resamples × customers) to estimates and their standard errors (each resamples × statistics)."""

_CELLS = 250_000
"""Weights worked on at a time: 2 MB an array, which a processor keeps close at hand."""
_SINGLE = 1000
"""Customers at either end of the order who are never grouped."""
_NEIGHBOURS = 200
"""Those beyond are grouped with at most one in so many of the customers further out."""
LARGE = 10_000
"""Customers from which on neighbours are grouped."""


def studentised(
    statistic: Statistic, n: int, *, sizes: Floats | None = None, resamples: int = 999, seed: int = 0
) -> tuple[Floats, Floats, Floats]:
    """Return estimates with studentised (bootstrap-t) intervals (Efron & Tibshirani 1993, section 12.5; Davidson 2009).

    They are longer on the side where large customers may be missing from the data, and infinite without spread.
    `statistic` takes weights of shape (resamples, n) whose rows sum to n; with `sizes`, a column for each group of
    :func:`grouped`.
    """
    once = np.ones(n) if sizes is None else sizes
    value, error = (part[0] for part in statistic(once[None, :]))
    rng = np.random.default_rng(seed)
    chances = once / n
    studentised_values = []
    batch = max(1, min(resamples, _CELLS // once.size))
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
            lower, upper = np.quantile(finite, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
            # The point estimate stays inside: an interval without it could not be read.
            low[column] = min(value[column], value[column] - upper * error[column])
            high[column] = max(value[column], value[column] - lower * error[column])
    return value, low, high


def grouped(ordered: Floats, breaks: NDArray[np.intp] | None = None) -> tuple[Floats, Floats]:
    """Return means and sizes of groups of neighbours in descending order, few enough to be drawn a thousand times.

    The largest and the smallest customers, on whom an interval hangs, stay single; further in, a group takes one in two
    hundred of the customers further out. `breaks` are positions at which a group must begin.

    >>> means, sizes = grouped(np.arange(1e6, 0, -1))
    >>> bool(means.size < 6000), float(sizes.sum()), float(sizes @ means) == 1e6 * (1e6 + 1) / 2
    (True, 1000000.0, True)
    """
    n = ordered.size
    if n < LARGE:
        return ordered, np.ones(n)
    half = n // 2
    steps = np.arange(int(np.log(half / _SINGLE) * _NEIGHBOURS) + 1)
    inner = np.unique(np.floor(_SINGLE * np.exp(steps / _NEIGHBOURS)).astype(np.intp))
    starts = np.concatenate([np.arange(_SINGLE), inner, n - inner, n - np.arange(1, _SINGLE), [half]])
    starts = np.unique(starts if breaks is None else np.concatenate([starts, breaks[(breaks >= 0) & (breaks < n)]]))
    sizes = np.diff(np.append(starts, n)).astype(np.float64)
    return np.add.reduceat(ordered, starts) / sizes, sizes
