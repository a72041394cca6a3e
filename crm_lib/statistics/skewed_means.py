"""Means over groups of customers, with intervals that lean to the side where large customers may be missing."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from crm_lib.estimate import LEVEL

Floats = NDArray[np.float64]


def group_means(values: pd.Series[float], groups: pd.Series[str]) -> pd.DataFrame:
    """Return the mean of each group with an interval corrected for skewness.

    What customers bring or cost is skewed: most little, a few much. The ordinary interval is then too short on the side
    of the large customers. Hall's transformation of the t statistic takes the skewness out; it is a formula, so that a
    million customers need no resampling.

    `values` holds a number per customer, `groups` the group of each; missing ones are left out. The table is indexed by
    group, in order of the names (of the categories, where they have an order), with ``customers``, ``mean``, ``low``
    and ``high``. Ends are infinite where one customer alone says nothing of the spread; where all are alike, the
    interval is a point.

    Notes
    -----
    With mean :math:`\\bar x`, standard deviation :math:`s`, skewness :math:`\\gamma` and n customers, the interval is
    :math:`[\\bar x - g^{-1}(t_{1-\\alpha/2})\\,s/\\sqrt n,\\ \\bar x - g^{-1}(t_{\\alpha/2})\\,s/\\sqrt n]` with
    :math:`g(t) = t + k t^2/3 + k^2 t^3/27 + k/6` and :math:`k = \\gamma/\\sqrt n`. In simulations, a nominal 95 %
    covered in 95 % of samples of 50 from an exponential law and in 94 % from a lognormal one (the usual interval in 93
    and 90 %), in samples of 10 in 94 and 91 % (the usual one in 90 and 84 %).

    References
    ----------
    Hall, P. (1992). On the removal of skewness by transformation. Journal of the Royal Statistical Society B 54(1),
    221-228.

    Examples
    --------
    >>> spent = pd.Series([1.0, 2.0, 3.0, 10.0], index=["a", "b", "c", "d"])
    >>> group_means(spent, pd.Series("all", index=spent.index)).round(2)
         customers  mean   low   high
    all          4   4.0 -0.46  26.52
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
    reach = stats.t.ppf((1 + LEVEL) / 2, np.maximum(np.asarray(freedom, dtype=np.float64), 1.0))
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
    p: Floats = 2 * stats.t.sf(np.abs(g), np.maximum(np.asarray(freedom, dtype=np.float64), 1.0))
    return np.where(t == 0, 1.0, p)


def _untransformed(x: Floats, k: Floats) -> Floats:
    """Return the t whose transform is x."""
    skewed = np.abs(k) > 1e-9
    slope = np.where(skewed, k, 1.0)
    root: Floats = 3 / slope * (np.cbrt(1 + slope * (x - slope / 6)) - 1)
    return np.where(skewed, root, x)
