"""Shares with their intervals: one, several at once, and the difference of two."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import ndtri

from crm_lib.estimate import Estimate


def wilson(count: int, total: int, *, level: float = 0.95) -> Estimate:
    """Return a share with Wilson's interval.

    Parameters
    ----------
    count, total : int
        How many of how many.
    level : float
        Nominal coverage.

    Returns
    -------
    Estimate
        The share; not estimable where there are none.

    Raises
    ------
    ValueError
        If `count` is no part of `total`.

    Notes
    -----
    With :math:`z` the quantile of the normal distribution, the ends are the shares :math:`p` that the observed one,
    :math:`\\hat p`, is just :math:`z` standard errors away from:
    :math:`(\\hat p - p)^2 = z^2 p (1 - p) / n`.

    References
    ----------
    Wilson, E. B. (1927). Probable inference, the law of succession, and statistical inference. Journal of the American
    Statistical Association 22, 209-212.

    Examples
    --------
    >>> print(wilson(81, 263))
    31% [26%, 37%]
    """
    if total == 0:
        return Estimate(value=np.nan, low=-np.inf, high=np.inf, n=0, method="Wilson", level=level, unit="share")
    if not 0 <= count <= total:
        raise ValueError(f"{count} of {total} is no share")
    share, z = count / total, float(ndtri((1 + level) / 2))
    middle = (count + z**2 / 2) / (total + z**2)
    reach = z * math.sqrt(total * share * (1 - share) + z**2 / 4) / (total + z**2)
    # Rounding would leave an end on the wrong side of a share of 0 or 1.
    low = 0.0 if count == 0 else middle - reach
    high = 1.0 if count == total else middle + reach
    return Estimate(value=share, low=low, high=high, n=total, method="Wilson", level=level, unit="share")


def goodman(counts: ArrayLike, *, level: float = 0.95) -> list[Estimate]:
    """Return the shares of several outcomes, with intervals that hold for all of them at once.

    Parameters
    ----------
    counts : array_like, shape (outcomes,)
        How often each outcome occurred.
    level : float
        Coverage of all intervals together.

    Returns
    -------
    list of Estimate
        Shares; not estimable where nothing occurred.

    Notes
    -----
    Wilson's interval for each share with the level divided among them. It stays within 0 and 1 and has a width for an
    outcome that never occurred.

    References
    ----------
    Goodman, L. A. (1965). On simultaneous confidence intervals for multinomial proportions. Technometrics 7, 247-254.

    Examples
    --------
    >>> [str(share) for share in goodman([56, 72, 73, 59, 62, 87, 58])][:1]
    ['12% [9%, 17%]']
    """
    numbers = np.asarray(counts, dtype=np.float64)
    total = int(numbers.sum())
    each = 1 - (1 - level) / max(numbers.size, 1)
    shares = (wilson(int(number), total, level=each) for number in numbers)
    return [dataclasses.replace(share, level=level, method="Goodman") for share in shares]


def newcombe(first: Estimate, second: Estimate) -> Estimate:
    """Return the difference of two independent shares with Newcombe's interval.

    Parameters
    ----------
    first, second : Estimate
        Shares with Wilson's intervals, as of :func:`wilson`.

    Returns
    -------
    Estimate
        First less second.

    References
    ----------
    Newcombe, R. G. (1998). Interval estimation for the difference between independent proportions: comparison of
    eleven methods. Statistics in Medicine 17, 873-890; method 10.

    Examples
    --------
    >>> difference = newcombe(wilson(56, 70), wilson(48, 80))  # example (a) of the paper
    >>> round(difference.low, 4), round(difference.high, 4)
    (0.0524, 0.3339)
    """
    value = first.value - second.value
    low = value - np.hypot(first.value - first.low, second.high - second.value)
    high = value + np.hypot(first.high - first.value, second.value - second.low)
    return Estimate(
        value=value, low=float(low), high=float(high), n=first.n + second.n, level=first.level, method="Newcombe",
        unit="share",
    )  # fmt: skip
