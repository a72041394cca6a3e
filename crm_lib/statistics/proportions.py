"""Shares with their intervals, one, and the difference of two; p-values of many questions."""

from __future__ import annotations

import numpy as np

from crm_lib.estimate import LEVEL, Estimate
from crm_lib.statistics.resampling import Floats


def wilson(count: int, total: int, *, level: float = LEVEL) -> Estimate:
    """Return a share with Wilson's interval; not estimable where there are none.

    >>> print(wilson(81, 263))
    31% [26%, 37%]
    """
    if total == 0:
        return Estimate(value=np.nan, low=-np.inf, high=np.inf, n=0, method="Wilson", level=level, unit="share")
    if not 0 <= count <= total:
        raise ValueError(f"{count} of {total} is no share")
    from statsmodels.stats.proportion import proportion_confint  # half a second, for who needs no share

    low, high = proportion_confint(count, total, alpha=1 - level, method="wilson")
    # Rounding would leave an end on the wrong side of a share of 0 or 1.
    ends = {"low": 0.0 if count == 0 else float(low), "high": 1.0 if count == total else float(high)}
    return Estimate(value=count / total, **ends, n=total, method="Wilson", level=level, unit="share")


def newcombe(first: Estimate, second: Estimate) -> Estimate:
    """Return the difference of two independent shares with Wilson's intervals (Newcombe 1998, method 10).

    >>> difference = newcombe(wilson(56, 70), wilson(48, 80))  # example (a) of Statistics in Medicine 17, 873-890
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
