"""The Bayesian bootstrap of means over customers."""

from __future__ import annotations

import numpy as np

from crm_lib.clv.histories import Array

_BLOCK = 2**22


def bootstrapped_means(columns: Array, *, draws: int, seed: int) -> Array:
    """Return draws of the means of several columns, the customers of a draw weighted alike in all of them.

    Parameters
    ----------
    columns : array (N, K)
        One row a customer.
    draws : int
        Number of draws D.
    seed : int
        Seed of the random numbers.

    Returns
    -------
    array (D, K)
        Means with weights that are uniform on the simplex, a draw a row.

    References
    ----------
    Rubin, D. B. (1981). The Bayesian Bootstrap. Annals of Statistics 9(1), 130–134.
    """
    rng = np.random.default_rng([seed, 2])
    size = max(1, _BLOCK // max(len(columns), 1))
    parts = []
    for begin in range(0, draws, size):
        weights = rng.standard_exponential((min(size, draws - begin), len(columns)), dtype=np.float32).astype(float)
        parts.append(weights @ columns / weights.sum(axis=1, keepdims=True))
    return np.concatenate(parts)
