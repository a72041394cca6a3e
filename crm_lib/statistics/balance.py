"""Whether as many customers moved into a state as out of it: intervals of square tables."""

from __future__ import annotations

import numpy as np
import scipy
from numpy.typing import ArrayLike

from crm_lib.estimate import LEVEL, Estimate
from crm_lib.statistics.resampling import Floats

_FEW = 10
"""Moves below which the normal law does not fit."""


def net_changes(table: ArrayLike) -> list[Estimate]:
    """Return by how many customers each state grew, with intervals that hold for all of them at once (Bonferroni).

    Normal, with the sum of moves in and out as variance; below 10 moves exact, from the binomial share of moves in.
    """
    moves = _moves(table)
    chance = (1 - LEVEL) / len(moves)
    estimates = []
    for entered, left in zip(moves.sum(axis=0), moves.sum(axis=1), strict=True):
        n, value = entered + left, float(entered - left)
        if not n:
            low = high = 0.0
        elif n < _FEW:
            share = scipy.stats.binomtest(int(entered), int(n)).proportion_ci(1 - chance)
            low, high = (2 * share.low - 1) * n, (2 * share.high - 1) * n
        else:
            half = scipy.stats.norm.isf(chance / 2) * np.sqrt(n)
            low, high = value - half, value + half
        method = "difference of counts, simultaneous (Bonferroni)"
        estimates.append(Estimate(value=value, low=float(low), high=float(high), n=int(n), method=method))
    return estimates


def _moves(table: ArrayLike) -> Floats:
    counts = np.asarray(table, dtype=np.float64)
    if counts.ndim != 2 or counts.shape[0] != counts.shape[1] or (counts < 0).any():
        raise ValueError(f"a table of moves is square and holds counts; got shape {counts.shape}")
    return counts - np.diag(np.diag(counts))
