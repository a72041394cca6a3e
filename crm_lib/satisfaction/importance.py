"""How much of an outcome each predictor, or group of predictors, explains, on one or many correlation matrices."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from math import comb

import numpy as np

from crm_lib.statistics.resampling import Floats


def explained(correlations: Floats, predictors: Sequence[int]) -> Floats:
    """Return the R² of the last variable on some of the others; matrices of shape (..., k + 1, k + 1)."""
    if not predictors:
        return np.zeros(correlations.shape[:-2])
    chosen = list(predictors)
    among, with_outcome = correlations[..., chosen, :][..., chosen], correlations[..., chosen, -1]
    # A resample may repeat a predictor: the pseudo-inverse then shares what both explain.
    try:
        beta = np.linalg.solve(among, with_outcome[..., None])[..., 0]
    except np.linalg.LinAlgError:
        beta = (np.linalg.pinv(among, hermitian=True) @ with_outcome[..., None])[..., 0]
    return np.asarray((beta * with_outcome).sum(axis=-1))


def lmg(correlations: Floats, groups: Sequence[Sequence[int]]) -> Floats:
    """Return the R² that each group of predictors adds, averaged over all orders of entry (Lindeman, Merenda & Gold).

    The shares add up to R². Grömping (2006), Journal of Statistical Software 17(1). Shape (..., groups).
    """
    g = len(groups)
    r2 = {
        members: explained(correlations, [i for group in members for i in groups[group]])
        for size in range(g + 1)
        for members in combinations(range(g), size)
    }
    shares = np.zeros((*correlations.shape[:-2], g))
    for members, before in r2.items():
        for group in set(range(g)) - set(members):
            after = r2[tuple(sorted((*members, group)))]
            shares[..., group] += (after - before) / (g * comb(g - 1, len(members)))
    return shares


def johnson(correlations: Floats) -> Floats:
    """Return Johnson's (2000) relative weights, nearly the same as LMG at a cost that does not double with each driver.

    Multivariate Behavioral Research 35, 1-19. The shares add up to R².
    """
    among, with_outcome = correlations[..., :-1, :-1], correlations[..., :-1, -1]
    values, vectors = np.linalg.eigh(among)
    roots = np.sqrt(np.maximum(values, 0.0))
    square_root = (vectors * roots[..., None, :]) @ vectors.swapaxes(-1, -2)
    inverse = (vectors / np.maximum(roots, 1e-9)[..., None, :]) @ vectors.swapaxes(-1, -2)
    beta = inverse @ with_outcome[..., None]
    return np.asarray((square_root**2 @ beta**2)[..., 0])
