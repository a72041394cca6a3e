"""Whether as many customers moved one way as the other: tests and intervals of square tables."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from crm_lib.estimate import Estimate

Floats = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Balance:
    """A chi-squared test of a square table.

    Parameters
    ----------
    statistic : float
        The chi-squared statistic.
    degrees : int
        Its degrees of freedom; 0 where nobody moved.
    p_value : float
        Chance of a statistic as large when nothing tips the balance.
    """

    statistic: float
    degrees: int
    p_value: float


def marginal_homogeneity(table: ArrayLike) -> Balance:
    """Test whether the states are as large after as before (Stuart and Maxwell).

    Parameters
    ----------
    table : array_like, shape (states, states)
        Customers by state before (rows) and after (columns). Who stayed does not count.

    Returns
    -------
    Balance
        The test. States that nobody left or entered are left out.

    Raises
    ------
    ValueError
        If the table is not square or holds negative numbers.

    Notes
    -----
    With :math:`d_i = n_{i\\cdot} - n_{\\cdot i}`, :math:`V_{ii} = n_{i\\cdot} + n_{\\cdot i} - 2 n_{ii}` and
    :math:`V_{ij} = -(n_{ij} + n_{ji})`, the statistic is :math:`d' V^{-} d` with the rank of :math:`V` as degrees of
    freedom. As only moves count, it holds for a base that customers enter and leave as well: the outside is a state
    like the others, of which it does not matter how many stay in it.

    References
    ----------
    Stuart, A. (1955). A test for homogeneity of the marginal distributions in a two-way classification. Biometrika
    42, 412-416.
    Maxwell, A. E. (1970). Comparing the classification of subjects by two independent judges. British Journal of
    Psychiatry 116, 651-655.

    Examples
    --------
    >>> round(marginal_homogeneity([[5, 10], [2, 7]]).statistic, 6)  # McNemar's (10 - 2)² / 12
    5.333333
    """
    counts = _square(table)
    change, variance = _changes(counts)
    moved = np.diag(variance) > 0
    if not moved.any():
        return Balance(statistic=0.0, degrees=0, p_value=1.0)
    change, variance = change[moved], variance[np.ix_(moved, moved)]
    degrees = int(np.linalg.matrix_rank(variance))
    statistic = float(change @ np.linalg.pinv(variance, hermitian=True) @ change)
    return Balance(statistic=statistic, degrees=degrees, p_value=float(stats.chi2.sf(statistic, degrees)))


def net_changes(table: ArrayLike, *, level: float = 0.95) -> list[Estimate]:
    """Return by how many customers each state grew, with intervals that hold for all of them at once.

    Parameters
    ----------
    table : array_like, shape (states, states)
        Customers by state before (rows) and after (columns).
    level : float
        Coverage of all intervals together.

    Returns
    -------
    list of Estimate
        Customers entered less customers left, for each state.

    Raises
    ------
    ValueError
        If the table is not square or holds negative numbers.

    Notes
    -----
    Moves in and out are counts; their difference has the sum of both as its variance. The intervals are normal, with
    the level divided among the states (Bonferroni). A state with fewer than 10 moves gets the exact interval of a
    binomial share of moves in, carried over to the difference.
    """
    counts = _square(table)
    chance = (1 - level) / len(counts)
    estimates = []
    for state in range(len(counts)):
        entered = counts[:, state].sum() - counts[state, state]
        left = counts[state].sum() - counts[state, state]
        moves = entered + left
        if moves < _FEW:
            share = stats.binomtest(int(entered), int(moves)).proportion_ci(1 - chance) if moves else None
            low, high = ((2 * share.low - 1) * moves, (2 * share.high - 1) * moves) if share else (0.0, 0.0)
        else:
            half = stats.norm.isf(chance / 2) * np.sqrt(moves)
            low, high = entered - left - half, entered - left + half
        estimates.append(
            Estimate(
                value=float(entered - left), low=float(low), high=float(high), n=int(moves), level=level,
                method="difference of counts, simultaneous (Bonferroni)",
            )
        )  # fmt: skip
    return estimates


_FEW = 10
"""Moves below which the normal law does not fit."""


def _changes(counts: Floats) -> tuple[Floats, Floats]:
    change = counts.sum(axis=1) - counts.sum(axis=0)
    variance = -(counts + counts.T)
    np.fill_diagonal(variance, counts.sum(axis=1) + counts.sum(axis=0) - 2 * np.diag(counts))
    return change, variance


def _square(table: ArrayLike) -> Floats:
    counts = np.asarray(table, dtype=np.float64)
    if counts.ndim != 2 or counts.shape[0] != counts.shape[1] or (counts < 0).any():
        raise ValueError(f"a table of moves is square and holds counts; got shape {counts.shape}")
    return counts
