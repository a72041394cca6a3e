"""Means over groups of customers, with intervals that lean to the side where large customers may be missing."""

from __future__ import annotations

import numpy as np
import pandas as pd
import scipy
from numpy.typing import ArrayLike

from crm_lib.estimate import LEVEL
from crm_lib.statistics.resampling import Floats


def group_means(values: pd.Series[float], groups: pd.Series[str]) -> pd.DataFrame:
    """Return the mean of each group with an interval corrected for skewness by Hall's (1992) transformation.

    What customers bring is skewed: the usual interval is too short on the side of the large ones. Of samples of 50 from
    a lognormal law, a nominal 95 % covered in 94 % (the usual interval in 90 %). Infinite for one customer alone.
    """
    both = pd.DataFrame({"value": values, "group": groups.reindex(values.index)}).dropna()
    grouped = both.groupby("group", observed=True)["value"]
    n, mean = grouped.size(), grouped.mean()
    away = both["value"] - grouped.transform("mean")
    squares = (away**2).groupby(both["group"], observed=True).sum()
    cubes = (away**3).groupby(both["group"], observed=True).sum()
    spread = np.sqrt(squares / (n - 1).where(n > 1))
    with np.errstate(divide="ignore", invalid="ignore"):
        k: Floats = np.nan_to_num((cubes / n) / (squares / n) ** 1.5 / np.sqrt(n))
    low, high = skewed_interval(mean, spread / np.sqrt(n), k, freedom=n - 1)
    table = pd.DataFrame({"customers": n, "mean": mean, "low": low, "high": high})
    return table.rename_axis(None)


def skewed_interval(
    value: ArrayLike, error: ArrayLike, k: ArrayLike, *, freedom: ArrayLike = np.inf
) -> tuple[Floats, Floats]:
    """Return the ends of the interval of a sum or mean of skewed numbers; infinite where the error is missing.

    `k` is the skewness of the estimate: that of one customer's number over the root of their number.
    """
    value, error, k = (np.asarray(part, dtype=np.float64) for part in (value, error, k))
    reach = scipy.stats.t.ppf((1 + LEVEL) / 2, np.maximum(np.asarray(freedom, dtype=np.float64), 1.0))
    low = value - _untransformed(reach, k) * error
    high = value - _untransformed(-reach, k) * error
    known = np.isfinite(error)
    return np.where(known, np.minimum(low, value), -np.inf), np.where(known, np.maximum(high, value), np.inf)


def skewed_p_value(value: ArrayLike, error: ArrayLike, k: ArrayLike, *, freedom: ArrayLike = np.inf) -> Floats:
    """Return the two-sided p-value of a sum or mean of zero, to which :func:`skewed_interval` belongs."""
    value, error, k = (np.asarray(part, dtype=np.float64) for part in (value, error, k))
    with np.errstate(divide="ignore", invalid="ignore"):
        t = np.nan_to_num(value / error, posinf=0.0, neginf=0.0)
    g = t + k * t**2 / 3 + k**2 * t**3 / 27 + k / 6
    p: Floats = 2 * scipy.stats.t.sf(np.abs(g), np.maximum(np.asarray(freedom, dtype=np.float64), 1.0))
    return np.where(t == 0, 1.0, p)


def _untransformed(x: Floats, k: Floats) -> Floats:
    """Return the t whose transform is x."""
    skewed = np.abs(k) > 1e-9
    slope = np.where(skewed, k, 1.0)
    root: Floats = 3 / slope * (np.cbrt(1 + slope * (x - slope / 6)) - 1)
    return np.where(skewed, root, x)
