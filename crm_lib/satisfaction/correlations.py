"""Correlation matrices of many resamples at once, on which drivers and path models are computed side by side."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
import pandas as pd

from crm_lib.estimate import LEVEL, Estimate
from crm_lib.statistics.resampling import Floats

_BATCH = 2_000_000
"""Numbers drawn at a time: 16 MB."""


RESAMPLES: Final = 999


def correlations(rows: pd.DataFrame, columns: Sequence[str], seed: int) -> Floats:
    """Return the correlation matrix of columns, then those of resamples of respondents; shape (1 + resamples, k, k)."""
    return resampled_moments(rows, columns, seed=seed)[2]


def resampled_moments(
    rows: pd.DataFrame, columns: Sequence[str], *, seed: int, resamples: int = RESAMPLES
) -> tuple[Floats, Floats, Floats]:
    """Return weighted means, standard deviations and correlations: of the answers, then of resamples of respondents.

    Shapes (1 + resamples, k), the same, and (1 + resamples, k, k). Respondents are drawn with all their answers, so
    that repeated ones are not mistaken for several people. A column that does not vary in a resample correlates 0.
    """
    x, w = rows[list(columns)].to_numpy(dtype=np.float64), rows["weight"].to_numpy(dtype=np.float64)
    codes, _ = pd.factorize(rows["respondent"])
    people, k = int(codes.max()) + 1, x.shape[1]
    centred = x - w @ x / w.sum()
    upper = np.triu_indices(k)
    products = np.column_stack([np.ones(len(x)), centred, centred[:, upper[0]] * centred[:, upper[1]]]) * w[:, None]
    order = np.argsort(codes, kind="stable")
    sums = np.add.reduceat(products[order], np.searchsorted(codes[order], np.arange(people)), axis=0)
    totals = [sums.sum(axis=0)[None]]
    rng, batch = np.random.default_rng(seed), max(1, _BATCH // people)
    for start in range(0, resamples, batch):
        size = min(batch, resamples - start)
        drawn = rng.integers(people, size=(size, people)) + people * np.arange(size)[:, None]
        totals.append(np.bincount(drawn.ravel(), minlength=size * people).reshape(size, people) @ sums)
    all_totals = np.concatenate(totals)
    all_totals = all_totals[:, 1:] / all_totals[:, :1]
    means, squares = all_totals[:, :k], np.empty((len(all_totals), k, k))
    squares[:, upper[0], upper[1]] = squares[:, upper[1], upper[0]] = all_totals[:, k:]
    covariances = squares - means[:, :, None] * means[:, None, :]
    spreads = np.sqrt(np.maximum(np.einsum("bii->bi", covariances), 0.0))
    safe = np.where(spreads > 1e-9, spreads, np.inf)
    found = covariances / safe[:, :, None] / safe[:, None, :]
    found[:, np.arange(k), np.arange(k)] = 1.0
    return means + w @ x / w.sum(), spreads, found


def percentile(stack: Floats, *, n: int, unit: str = "", level: float = LEVEL) -> Estimate:
    """Return the first of a stack of estimates with the interval that the others, its resamples, leave."""
    value, resampled = float(stack[0]), stack[1:][np.isfinite(stack[1:])]
    if not resampled.size or not np.isfinite(value):
        return Estimate(value=np.nan, low=-np.inf, high=np.inf, n=n, method="bootstrap", unit=unit, level=level)
    low, high = np.quantile(resampled, [(1 - level) / 2, (1 + level) / 2])
    # The point stays inside: an interval without it could not be read.
    return Estimate(
        value=value, low=min(float(low), value), high=max(float(high), value), n=n, unit=unit, level=level,
        method="bootstrap of respondents",
    )  # fmt: skip
