"""What customers like these bring: the nearest others by purchase history, and the ratio to them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import sparse, stats
from scipy.spatial import cKDTree

from crm_lib.estimate import LEVEL, Estimate

LEAST = 10
"""Others that each member rests on, at least; all as near as the last of them are taken in."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Alike:
    """The nearest others of each member: mean and variance of their outcome, and each other's weight in the mean."""

    expected: pd.Series[float]
    variance: pd.Series[float]
    weights: Any

    def ratio(self, outcome: pd.Series[float]) -> tuple[Estimate, float]:
        """Return the outcome of some members over that of others like them, and the p-value of a ratio of 1.

        Notes
        -----
        With :math:`m_i` the mean of the others like member i, :math:`R = \\sum y_i / \\sum m_i` has the variance
        :math:`[\\sum (y_i - R m_i)^2 + R^2 \\sum_j K_j^2 \\sigma_j^2] / (\\sum m_i)^2` (Abadie & Imbens 2006,
        Econometrica 74, 235-267), where :math:`K_j` is the weight with which other j stands in all the means: others
        who are like many members count with their square.
        """
        rows = self.expected.index.get_indexer(outcome.index)
        y, m = outcome.to_numpy(float), self.expected.to_numpy(float)[rows]
        count, usual, method = len(y), float(m.sum()), "ratio to the nearest others"
        if count < 2 or usual <= 0:
            return Estimate(value=np.nan, low=-np.inf, high=np.inf, n=count, method=method), 1.0
        ratio, chosen = float(y.sum()) / usual, self.weights[rows]
        stands = np.asarray(chosen.sum(axis=0)).ravel()
        local = chosen.T @ self.variance.to_numpy(float)[rows] / np.maximum(stands, 1e-300)
        own = count / (count - 1) * float(((y - ratio * m) ** 2).sum())
        error = float(np.sqrt(own + ratio**2 * float((stands**2 * local).sum()))) / usual
        reach = float(stats.t.ppf((1 + LEVEL) / 2, count - 1)) * error
        p_value = float(2 * stats.t.sf(abs(ratio - 1) / error, count - 1)) if error > 0 else 1.0
        return Estimate(value=ratio, low=ratio - reach, high=ratio + reach, n=count, method=method), p_value


def nearest_others(members: pd.DataFrame, others: pd.DataFrame, outcome: pd.Series[float]) -> Alike:
    """Find, for each member, the others (with their outcome) whose history is nearest, all on comparable scales."""
    if len(others) < LEAST:
        raise ValueError(f"there are {len(others)} others, fewer than the {LEAST} to rest on")
    points, places = members.to_numpy(float), cKDTree(others.to_numpy(float))
    radius = np.asarray(places.query(points, k=[LEAST])[0]).ravel()
    # All with the last history needed are taken in, so that nothing hangs on the order of rows.
    near: NDArray[Any] = places.query_ball_point(points, radius * (1 + 1e-9) + 1e-12, return_sorted=True)
    sizes = np.array([len(each) for each in near])
    marks = np.repeat(1.0 / sizes, sizes)
    starts = np.concatenate([[0], np.cumsum(sizes)])
    weights = sparse.csr_array((marks, np.concatenate(near).astype(int), starts), shape=(len(members), len(others)))
    y = outcome.to_numpy(float)
    mean = weights @ y
    variance = np.maximum(weights @ y**2 - mean**2, 0.0) * sizes / np.maximum(sizes - 1, 1)
    return Alike(
        expected=pd.Series(mean, index=members.index),
        variance=pd.Series(variance, index=members.index),
        weights=weights,
    )
