"""Rates of two groups of customers against each other, a customer with five complaints being one customer."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from crm_lib.estimate import Estimate

Floats = NDArray[np.float64]
FEWEST = 5
"""Customers with an event that a group must have for its rate to be compared."""
METHOD = "linearisation with customers as clusters"


def rate_ratio(events: ArrayLike, base: ArrayLike, inside: ArrayLike, *, level: float = 0.95) -> Estimate:
    """Return the rate of events in a group as a multiple of the rate outside it.

    Parameters
    ----------
    events : array_like
        Events of each customer: number of complaints, weight of dissatisfied answers …
    base : array_like
        What the rate is counted by, of each customer: 1 for a rate a customer, the number of orders for a rate an
        order, the weight of all answers for a share of answers.
    inside : array_like of bool
        Whether the customer belongs to the group.
    level : float
        Nominal coverage.

    Returns
    -------
    Estimate
        The ratio; not estimable where either side has fewer than five customers with an event.

    Raises
    ------
    ValueError
        If a number is negative or missing.

    Notes
    -----
    Events of one customer belong together, so the spread is taken over customers: for the rate
    :math:`r = \\sum y_i/\\sum x_i` of a side the variance of :math:`\\log r` is
    :math:`\\frac{n}{n-1}\\sum (y_i - r x_i)^2/(\\sum y_i)^2`; those of both sides are added, the degrees of freedom
    after Satterthwaite with one less the number of customers with an event on each side. In simulations with 5 to 15
    customers with an event on a side a nominal 95 % covered in 95 to 97 %, with more of them in 94 to 96 %, events
    gathered on few customers or not.

    References
    ----------
    Cochran, W. G. (1977). Sampling Techniques, 3rd edition, section 6.

    Examples
    --------
    >>> complaints, orders = [1] * 6 + [1] * 6 + [0] * 12, [2] * 6 + [1] * 18
    >>> print(rate_ratio(complaints, orders, [True] * 6 + [False] * 18).value)
    1.5
    """
    y, x, core = _checked(events, base, inside)
    sides = [_rate(y[side], x[side]) for side in (core, ~core)]
    if any(side is None for side in sides):
        return _not_estimable(y.size, level)
    (first, first_variance, first_freedom), (second, second_variance, second_freedom) = (s for s in sides if s)
    variance = first_variance + second_variance
    parts = first_variance**2 / first_freedom + second_variance**2 / second_freedom
    freedom = variance**2 / parts if parts > 0 else np.inf
    reach = float(stats.t.ppf((1 + level) / 2, freedom)) * np.sqrt(variance)
    ratio = first / second
    low, high = ratio * np.exp(-reach), ratio * np.exp(reach)
    return Estimate(value=ratio, low=float(low), high=float(high), n=y.size, method=METHOD, level=level)


def share_inside(events: ArrayLike, inside: ArrayLike, *, level: float = 0.95) -> Estimate:
    """Return the share of events that falls to a group.

    Parameters
    ----------
    events : array_like
        Events of each customer.
    inside : array_like of bool
        Whether the customer belongs to the group.
    level : float
        Nominal coverage.

    Returns
    -------
    Estimate
        The share; not estimable where either side has fewer than five customers with an event.

    Raises
    ------
    ValueError
        If a number is negative or missing.

    Notes
    -----
    The variance of the share S comes from the residuals :math:`(1_{inside} - S)\\,y_i`, one a customer; the interval is
    made for the logarithm of the odds, so that it stays between 0 and 1.
    """
    y, _, core = _checked(events, np.ones_like(np.asarray(events, dtype=np.float64)), inside)
    with_event = [int((y[side] > 0).sum()) for side in (core, ~core)]
    if min(with_event) < FEWEST:
        return _not_estimable(y.size, level, unit="share")
    total = y.sum()
    share = float(y[core].sum() / total)
    residuals = (core - share) * y
    error = np.sqrt(y.size / (y.size - 1) * (residuals**2).sum()) / total / (share * (1 - share))
    reach = float(stats.t.ppf((1 + level) / 2, sum(with_event) - 2)) * error
    middle = np.log(share / (1 - share))
    low, high = (float(1 / (1 + np.exp(-end))) for end in (middle - reach, middle + reach))
    return Estimate(value=share, low=low, high=high, n=y.size, method=METHOD, level=level, unit="share")


def mean_difference(
    sums: ArrayLike, counts: ArrayLike, inside: ArrayLike, *, level: float = 0.95, unit: str = ""
) -> Estimate:
    """Return how much the mean over events of a group exceeds that of the others.

    Parameters
    ----------
    sums : array_like
        For each customer with events, the sum over them of what is averaged: settled complaints, days to close …
    counts : array_like
        Number of the customer's events.
    inside : array_like of bool
        Whether the customer belongs to the group.
    level : float
        Nominal coverage.
    unit : str
        Unit of the estimate.

    Returns
    -------
    Estimate
        The difference; not estimable where either side has fewer than ten customers.

    Raises
    ------
    ValueError
        If a number is missing or a count negative.

    Notes
    -----
    Welch's interval with the linearised variance of each side's ratio of sums.
    """
    y, x = np.asarray(sums, dtype=np.float64), np.asarray(counts, dtype=np.float64)
    _, x, core = _checked(x, x, inside)
    if not np.isfinite(y).all():
        raise ValueError("a sum is missing: leave such customers out first")
    means, variances, freedoms = [], [], []
    for side in (core, ~core):
        n = int((x[side] > 0).sum())
        if n < 2 * FEWEST:
            return _not_estimable(y.size, level, unit=unit)
        mean = float(y[side].sum() / x[side].sum())
        means.append(mean)
        variances.append(n / (n - 1) * float(((y[side] - mean * x[side]) ** 2).sum()) / float(x[side].sum()) ** 2)
        freedoms.append(n - 1)
    variance = sum(variances)
    parts = sum(part**2 / freedom for part, freedom in zip(variances, freedoms, strict=True))
    freedom = variance**2 / parts if parts > 0 else np.inf
    reach = float(stats.t.ppf((1 + level) / 2, freedom)) * float(np.sqrt(variance))
    value = means[0] - means[1]
    method = f"difference of means, {METHOD}"
    return Estimate(value=value, low=value - reach, high=value + reach, n=y.size, method=method, level=level, unit=unit)


def _rate(y: Floats, x: Floats) -> tuple[float, float, int] | None:
    """Return the rate, the variance of its logarithm, and the degrees of freedom."""
    with_event = int((y > 0).sum())
    if with_event < FEWEST or not x.sum() > 0:
        return None
    rate = float(y.sum() / x.sum())
    n = int(((x > 0) | (y > 0)).sum())
    return rate, n / (n - 1) * float(((y - rate * x) ** 2).sum()) / float(y.sum()) ** 2, with_event - 1


def _checked(events: ArrayLike, base: ArrayLike, inside: ArrayLike) -> tuple[Floats, Floats, NDArray[np.bool_]]:
    y, x = np.asarray(events, dtype=np.float64), np.asarray(base, dtype=np.float64)
    if not (np.isfinite(y).all() and np.isfinite(x).all() and (y >= 0).all() and (x >= 0).all()):
        raise ValueError("events and what they are counted by must be finite and not negative")
    return y, x, np.asarray(inside, dtype=bool)


def _not_estimable(n: int, level: float, *, unit: str = "") -> Estimate:
    method = "too few customers with an event"
    return Estimate(value=np.nan, low=-np.inf, high=np.inf, n=n, method=method, level=level, unit=unit)
