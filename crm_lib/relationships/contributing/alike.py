"""What customers like these bring: the nearest others by purchase history, and the ratio to them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats
from scipy.spatial import cKDTree

from crm_lib.estimate import Estimate
from crm_lib.statistics.resampling import Floats

_TIES = 3
"""So many times the histories needed are looked up, as some may lie equally far away."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Alike:
    """The nearest others of each member, as :func:`nearest_others` found them.

    Parameters
    ----------
    expected : Series
        Mean outcome of the nearest others, indexed by member.
    variance : Series
        Variance of the outcome among them.
    neighbours : Series
        How many they are.
    places, weights : ndarray of shape (members, histories)
        Which distinct histories of others each member rests on, and the weight of each other with that history.
    sizes : ndarray of shape (all histories,)
        Others with each distinct history.
    """

    expected: pd.Series[float]
    variance: pd.Series[float]
    neighbours: pd.Series[int]
    places: NDArray[np.int64]
    weights: Floats
    sizes: Floats

    def ratio(self, outcome: pd.Series[float], *, level: float = 0.95) -> tuple[Estimate, float]:
        """Return the outcome of some members over that of others like them, and the p-value of a ratio of 1.

        Parameters
        ----------
        outcome : Series
            Outcome of the members to be compared, indexed by member.
        level : float
            Coverage of the interval.

        Notes
        -----
        With :math:`m_i` the mean of the others like member i, :math:`R = \\sum y_i / \\sum m_i` has the variance
        :math:`[\\sum (y_i - R m_i)^2 + R^2 \\sum_j K_j^2 \\sigma_j^2] / (\\sum m_i)^2`, where :math:`K_j` is the
        weight with which other j stands in all the means: others who are like many members count with their square.

        References
        ----------
        Abadie, A. & Imbens, G. W. (2006). Large sample properties of matching estimators for average treatment
        effects. Econometrica 74, 235-267.
        """
        rows = self.expected.index.get_indexer(outcome.index)
        y = outcome.to_numpy(dtype=np.float64)
        m = self.expected.to_numpy(dtype=np.float64)[rows]
        count, usual = len(y), float(m.sum())
        method = "ratio to the nearest others"
        if count < 2 or usual <= 0:
            return Estimate(value=np.nan, low=-np.inf, high=np.inf, n=count, level=level, method=method), 1.0
        ratio = float(y.sum()) / usual
        places, weights = self.places[rows].ravel(), self.weights[rows].ravel()
        spread = np.repeat(self.variance.to_numpy(dtype=np.float64)[rows], self.places.shape[1])
        cells = len(self.sizes)
        stands = np.bincount(places, weights=weights, minlength=cells)
        with np.errstate(invalid="ignore", divide="ignore"):
            local = np.bincount(places, weights=weights * spread, minlength=cells) / stands
        used = stands > 0
        shared = float((self.sizes[used] * stands[used] ** 2 * local[used]).sum())
        own = count / (count - 1) * float(((y - ratio * m) ** 2).sum())
        error = float(np.sqrt(own + ratio**2 * shared)) / usual
        reach = float(stats.t.ppf((1 + level) / 2, count - 1)) * error
        p_value = float(2 * stats.t.sf(abs(ratio - 1) / error, count - 1)) if error > 0 else 1.0
        low, high = ratio - reach, ratio + reach
        return Estimate(value=ratio, low=low, high=high, n=count, level=level, method=method), p_value


def nearest_others(members: pd.DataFrame, others: pd.DataFrame, outcome: pd.Series[float], *, least: int = 10) -> Alike:
    """Find, for each member, the others whose history is nearest.

    Others with equal histories are taken together, so that no choice hangs on the order of rows.

    Parameters
    ----------
    members, others : DataFrame
        Histories in the same columns, on scales on which distances mean something.
    outcome : Series
        Outcome of the others, indexed like `others`.
    least : int
        Others to rest on, at least; all with the last of the histories needed are taken in.

    Returns
    -------
    Alike
        The nearest others.

    Raises
    ------
    ValueError
        If there are fewer others than `least`.

    Examples
    --------
    >>> others = pd.DataFrame({"orders": [1.0, 1.0, 2.0, 9.0]})
    >>> alike = nearest_others(pd.DataFrame({"orders": [1.2]}), others, pd.Series([10.0, 20.0, 60.0, 500.0]), least=3)
    >>> alike.expected.tolist(), alike.neighbours.tolist()
    ([30.0], [3])
    """
    if len(others) < least:
        raise ValueError(f"there are {len(others)} others, fewer than the {least} to rest on")
    columns = list(others.columns)
    y = outcome.to_numpy(dtype=np.float64)
    history = others[columns].to_numpy(dtype=np.float64)
    cells, cell_of = np.unique(history, axis=0, return_inverse=True)
    sizes, totals, sums_of_squares = (
        np.bincount(cell_of, weights=weights, minlength=len(cells)) for weights in (np.ones_like(y), y, y**2)
    )
    points, inverse = np.unique(members[columns].to_numpy(dtype=np.float64), axis=0, return_inverse=True)
    wanted = min(least * _TIES, len(cells))
    distance, places = cKDTree(cells).query(points, k=np.arange(1, wanted + 1))
    n = sizes[places]
    enough = np.argmax(np.cumsum(n, axis=1) >= least, axis=1)
    radius = distance[np.arange(len(points)), enough]
    inside = distance <= radius[:, None] * (1 + 1e-9) + 1e-12
    count = (n * inside).sum(axis=1)
    total, squares = ((sums[places] * inside).sum(axis=1) for sums in (totals, sums_of_squares))
    mean = total / count
    variance = np.maximum(squares - count * mean**2, 0.0) / np.maximum(count - 1, 1)
    index = members.index
    return Alike(
        expected=pd.Series(mean[inverse], index=index),
        variance=pd.Series(variance[inverse], index=index),
        neighbours=pd.Series(count[inverse].astype(np.int64), index=index),
        places=places[inverse].astype(np.int64),
        weights=(inside / count[:, None])[inverse],
        sizes=np.asarray(sizes, dtype=np.float64),
    )
