"""Two arms of an experiment beside each other: shares, skewed money, and what was before taken into account."""

from __future__ import annotations

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


def skewed_difference(one: Floats, other: Floats, *, unit: str = "") -> tuple[Estimate, float]:
    """Return the difference of means of two arms of skewed money, with the wider of two intervals, and its p-value.

    Welch's interval is too short where the smaller arm has few buyers, since the large ones are then missing from its
    variance. The other takes variance and skewness from both arms together, which have the same where the offer changes
    nothing (Cornish and Fisher's expansion). Of lognormal money with 30 and 300 buyers in arms of 200 and 2,000, a
    nominal 95 % covered in 97 % without an effect and in 94 % where the smaller arm earns a fifth more (Welch: 91 and
    90 %), in 90 % where it earns half more. Equal arms get Welch's.
    """
    told, p = welch(one, other, unit=unit)
    n, m = one.size, other.size
    if min(n, m) < 2:
        return told, p
    away = np.concatenate([one - one.mean(), other - other.mean()])
    error = np.sqrt(away @ away / (n + m - 2) * (1 / n + 1 / m))
    if not error > 0:
        return told, p
    k = float(np.clip((away**3).mean() * (1 / n**2 - 1 / m**2) / error**3, -_STEEP, _STEEP))
    z = stats.norm.ppf((1 + LEVEL) / 2)
    low, high = (told.value - error * (side * z + k * (z**2 - 1) / 6) for side in (1, -1))
    # The z whose expansion is the standardised difference: the lower root is open below its turning point.
    t = told.value / error
    root = t if abs(k) < 1e-9 else 3 / k * (np.sqrt(max(1 + 2 * k / 3 * (t + k / 6), 0.0)) - 1)
    return Estimate(
        value=told.value, low=min(told.low, low), high=max(told.high, high), n=n + m, unit=unit,
        method="wider of Welch's interval and that of one spread and skewness in both arms",
    ), max(p, 2 * float(stats.norm.sf(abs(root))))  # fmt: skip
