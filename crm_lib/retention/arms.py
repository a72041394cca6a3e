"""Two arms of an experiment beside each other: shares, skewed money, and what was before taken into account."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from crm_lib.churn.amounts import welch
from crm_lib.errors import TooLittleData
from crm_lib.estimate import LEVEL, Estimate
from crm_lib.language import say
from crm_lib.statistics.resampling import Floats

_STEEP = 1.5
"""Skewness of an estimate up to which its expansion rises; beyond, it is taken for this."""
_TIMES, _STEPS = 4.0, 60
"""How many times as large as the other a mean is taken to be at most, and steps to the end of an interval."""


def equal_split(sizes: ArrayLike) -> float:
    """Return the p-value of arms meant to be equal (sample-ratio check, chi-square)."""
    return float(stats.chisquare(np.asarray(sizes, dtype=float)).pvalue)


def difference(
    outcome: ArrayLike, inside: ArrayLike, *, before: ArrayLike | None = None, unit: str = ""
) -> tuple[Estimate, Estimate, float]:
    """Return the difference of means of two arms: adjusted by a covariate from before, plain, and a p-value.

    The adjusted one is CUPED's, with one slope for both arms; the p-value is its own.
    """
    y, arm = np.asarray(outcome, dtype=float), np.asarray(inside, dtype=bool)
    if not arm.any() or arm.all():
        raise TooLittleData(say("needs customers in both arms"), table="assignments")
    plain, p = skewed_difference(y[arm], y[~arm], unit=unit)
    if before is None:
        return plain, plain, p
    x = np.asarray(before, dtype=float)
    sides = [(x[side] - x[side].mean(), y[side]) for side in (arm, ~arm)]
    spread, cross = (sum(float(c @ other) for c, other in pairs) for pairs in ([(c, c) for c, _ in sides], sides))
    adjusted = y - (cross / spread if spread > 0 else 0.0) * (x - x.mean())
    value, p = skewed_difference(adjusted[arm], adjusted[~arm], unit=unit)
    return value, plain, p


def ratio_difference(part: ArrayLike, whole: ArrayLike, inside: ArrayLike, *, unit: str = "") -> Estimate:
    """Return the difference of two arms' ratios of means, such as value a purchase, by the delta method."""
    y, x, arm = np.asarray(part, dtype=float), np.asarray(whole, dtype=float), np.asarray(inside, dtype=bool)
    if not min(x[arm].sum(), x[~arm].sum()) > 0:
        return Estimate(value=np.nan, low=-np.inf, high=np.inf, n=y.size, unit=unit, method="delta method")
    # What a unit adds to its arm's ratio: the means of these are the ratios, and they spread as the ratios do.
    each = [(y[s] - y[s].sum() / x[s].sum() * x[s]) / x[s].mean() + y[s].sum() / x[s].sum() for s in (arm, ~arm)]
    return replace(welch(each[0], each[1], unit=unit)[0], method="delta method")


def skewed_difference(one: Floats, other: Floats, *, unit: str = "") -> tuple[Estimate, float]:
    """Return the difference of means of two arms of skewed money, with the wider of two intervals, and its p-value.

    Welch's interval is too short where a small arm has few buyers, since the large ones are then missing from its
    variance. The other takes spread and skewness, relative to the mean, from both arms together (Cornish and Fisher's
    expansion), and asks of each difference how large they then are in the smaller arm. Of lognormal money with 30 and
    300 buyers in arms of 200 and 2,000, a nominal 95 % covers in 96 to 99 %, whether the smaller arm earns half less,
    the same or twice as much (Welch: 90 to 95 %; a bootstrap of Welch's t: 92 to 93 %).
    """
    told, p = welch(one, other, unit=unit)
    n, m = one.size, other.size
    if min(n, m) < 2:
        return told, p
    side, small, large = (1, one, other) if n <= m else (-1, other, one)
    few, many, base = small.size, large.size, float(large.mean())
    sums = [[float((away**power).sum()) for power in (2, 3)] for away in (small - small.mean(), large - large.mean())]
    if not sums[0][0] + sums[1][0] > 0:
        return told, p
    z, gap = float(stats.norm.ppf((1 + LEVEL) / 2)), side * told.value

    def spread(at: float) -> tuple[float, float]:
        """Return standard error and skewness of the difference, if it is `at`."""
        # In arms of one size the errors of both spreads cancel, and nothing is scaled.
        times = min(max(1 + at / base * (1 - few / many), 1 / _TIMES), _TIMES) if base > 0 else 1.0
        square, cube = (x / times**power + y for x, y, power in zip(*sums, (2, 3), strict=True))
        error = math.sqrt(square / (n + m - 2) * (times**2 / few + 1 / many))
        skew = cube / (n + m) * (times**3 / few**2 - 1 / many**2) / error**3
        return error, min(max(skew, -_STEEP), _STEEP)

    ends = []
    for end in (z, -z):
        at, before = gap, math.inf
        for _ in range(_STEPS):
            error, k = spread(at)
            before, at = at, gap - error * (end + k * (z**2 - 1) / 6)
            if abs(at - before) < 1e-9 * error:
                break
        ends.append(float(side * at))
    # The z whose expansion is the standardised difference: the lower root is open below its turning point.
    error, k = spread(0.0)
    t = gap / error
    root = t if abs(k) < 1e-9 else 3 / k * (np.sqrt(max(1 + 2 * k / 3 * (t + k / 6), 0.0)) - 1)
    return Estimate(
        value=told.value, low=min(told.low, *ends), high=max(told.high, *ends), n=n + m, unit=unit,
        method="wider of Welch's interval and that of one relative spread and skewness in both arms",
    ), max(p, 2 * float(stats.norm.sf(abs(root))))  # fmt: skip
