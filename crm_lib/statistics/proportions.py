"""Shares with their intervals, one, and the difference of two; p-values of many questions."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.proportion import proportion_confint

from crm_lib.estimate import LEVEL, Estimate

Floats = NDArray[np.float64]


def wilson(count: int, total: int, *, level: float = LEVEL) -> Estimate:
    """Return a share with Wilson's interval; not estimable where there are none.

    Examples
    --------
    >>> print(wilson(81, 263))
    31% [26%, 37%]
    """
    if total == 0:
        return Estimate(value=np.nan, low=-np.inf, high=np.inf, n=0, method="Wilson", level=level, unit="share")
    if not 0 <= count <= total:
        raise ValueError(f"{count} of {total} is no share")
    low, high = proportion_confint(count, total, alpha=1 - level, method="wilson")
    # Rounding would leave an end on the wrong side of a share of 0 or 1.
    ends = {"low": 0.0 if count == 0 else float(low), "high": 1.0 if count == total else float(high)}
    return Estimate(value=count / total, **ends, n=total, method="Wilson", level=level, unit="share")


def newcombe(first: Estimate, second: Estimate) -> Estimate:
    """Return the difference of two independent shares, given with Wilson's intervals, with Newcombe's (method 10).

    References
    ----------
    Newcombe, R. G. (1998). Interval estimation for the difference between independent proportions: comparison of
    eleven methods. Statistics in Medicine 17, 873-890.

    Examples
    --------
    >>> difference = newcombe(wilson(56, 70), wilson(48, 80))  # example (a) of the paper
    >>> round(difference.low, 4), round(difference.high, 4)
    (0.0524, 0.3339)
    """
    value = first.value - second.value
    low = float(value - np.hypot(first.value - first.low, second.high - second.value))
    high = float(value + np.hypot(first.high - first.value, second.value - second.low))
    return Estimate(
        value=value, low=low, high=high, n=first.n + second.n, level=first.level, method="Newcombe", unit="share"
    )


def holm(p_values: Floats) -> Floats:
    """Return p-values corrected so that even one false alarm among all is as rare as stated (Holm)."""
    # By hand: statsmodels collects garbage at every call, which takes 70 ms.
    order = np.argsort(p_values, kind="stable")
    corrected = np.empty(p_values.size)
    corrected[order] = np.maximum.accumulate(p_values[order] * np.arange(p_values.size, 0, -1)).clip(max=1.0)
    return corrected


def benjamini_hochberg(p_values: Floats) -> Floats:
    """Return p-values corrected for false discoveries; missing ones stay missing and are not counted.

    Examples
    --------
    >>> benjamini_hochberg(np.array([0.01, 0.04, 0.03, 0.5])).round(4).tolist()
    [0.04, 0.0533, 0.0533, 0.5]
    """
    corrected = np.array(p_values, dtype=np.float64)
    known = ~np.isnan(corrected)
    if known.any():
        corrected[known] = multipletests(corrected[known], method="fdr_bh")[1]
    return corrected
