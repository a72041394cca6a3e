"""Rates of two groups of customers against each other, a customer with five complaints being one customer."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats
from scipy.special import expit, logit

from crm_lib.estimate import LEVEL, Estimate

Floats = NDArray[np.float64]
FEWEST = 5
"""Customers with an event that a group must have for its rate to be compared."""
METHOD = "linearisation with customers as clusters"


def rate_ratio(events: ArrayLike, base: ArrayLike, inside: ArrayLike) -> Estimate:
    """Return the rate of events in a group as a multiple of the rate outside it.

    `base` is what the rate is counted by: 1 for a rate a customer, the number of orders for a rate an order. Events of
    one customer belong together, so the spread is taken over customers: for the rate :math:`r = \\sum y_i/\\sum x_i` of
    a side the variance of :math:`\\log r` is :math:`\\frac{n}{n-1}\\sum (y_i - r x_i)^2/(\\sum y_i)^2`; degrees of
    freedom are Satterthwaite's. Not estimable where a side has fewer than five customers with an event. In simulations
    a nominal 95 % covered in 94 to 97 %, events gathered on few customers or not.

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
    rates, variances, freedoms = [], [], []
    for side in (core, ~core):
        with_event = int((y[side] > 0).sum())
        if with_event < FEWEST or not x[side].sum() > 0:
            return _not_estimable(y.size)
        n = int(((x[side] > 0) | (y[side] > 0)).sum())
        rate, total = float(y[side].sum() / x[side].sum()), float(y[side].sum())
        rates.append(rate)
        variances.append(n / (n - 1) * float(((y[side] - rate * x[side]) ** 2).sum()) / total**2)
        freedoms.append(with_event - 1)
    reach = _reach(variances, freedoms)
    ratio = rates[0] / rates[1]
    low, high = float(ratio * np.exp(-reach)), float(ratio * np.exp(reach))
    return Estimate(value=ratio, low=low, high=high, n=y.size, method=METHOD)


def share_inside(events: ArrayLike, inside: ArrayLike) -> Estimate:
    """Return the share of events that falls to a group.

    The variance of the share S comes from the residuals :math:`(1_{inside} - S)\\,y_i`, one a customer; the interval is
    made for the logarithm of the odds. Not estimable where a side has fewer than five customers with an event.
    """
    y, _, core = _checked(events, np.ones_like(np.asarray(events, dtype=np.float64)), inside)
    with_event = [int((y[side] > 0).sum()) for side in (core, ~core)]
    if min(with_event) < FEWEST:
        return _not_estimable(y.size, unit="share")
    total = y.sum()
    share = float(y[core].sum() / total)
    residuals = (core - share) * y
    error = np.sqrt(y.size / (y.size - 1) * (residuals**2).sum()) / total / (share * (1 - share))
    reach = float(stats.t.ppf((1 + LEVEL) / 2, sum(with_event) - 2)) * error
    low, high = float(expit(logit(share) - reach)), float(expit(logit(share) + reach))
    return Estimate(value=share, low=low, high=high, n=y.size, method=METHOD, unit="share")


def mean_difference(sums: ArrayLike, counts: ArrayLike, inside: ArrayLike, *, unit: str = "") -> Estimate:
    """Return how much the mean over events of a group exceeds that of the others.

    `sums` are each customer's sum over `counts` events of what is averaged. Welch's interval with the linearised
    variance of each side's ratio of sums; not estimable where a side has fewer than ten customers.
    """
    y = np.asarray(sums, dtype=np.float64)
    if not np.isfinite(y).all():
        raise ValueError("a sum is missing: leave such customers out first")
    _, x, core = _checked(counts, counts, inside)
    means, variances, freedoms = [], [], []
    for side in (core, ~core):
        n = int((x[side] > 0).sum())
        if n < 2 * FEWEST:
            return _not_estimable(y.size, unit=unit)
        mean = float(y[side].sum() / x[side].sum())
        means.append(mean)
        variances.append(n / (n - 1) * float(((y[side] - mean * x[side]) ** 2).sum()) / float(x[side].sum()) ** 2)
        freedoms.append(n - 1)
    reach, value = _reach(variances, freedoms), means[0] - means[1]
    method = f"difference of means, {METHOD}"
    return Estimate(value=value, low=value - reach, high=value + reach, n=y.size, method=method, unit=unit)


def _reach(variances: list[float], freedoms: list[int]) -> float:
    variance = sum(variances)
    parts = sum(part**2 / freedom for part, freedom in zip(variances, freedoms, strict=True))
    freedom = variance**2 / parts if parts > 0 else np.inf
    return float(stats.t.ppf((1 + LEVEL) / 2, freedom)) * float(np.sqrt(variance))


def _checked(events: ArrayLike, base: ArrayLike, inside: ArrayLike) -> tuple[Floats, Floats, NDArray[np.bool_]]:
    y, x = np.asarray(events, dtype=np.float64), np.asarray(base, dtype=np.float64)
    if not (np.isfinite(y).all() and np.isfinite(x).all() and (y >= 0).all() and (x >= 0).all()):
        raise ValueError("events and what they are counted by must be finite and not negative")
    return y, x, np.asarray(inside, dtype=bool)


def _not_estimable(n: int, *, unit: str = "") -> Estimate:
    return Estimate(value=np.nan, low=-np.inf, high=np.inf, n=n, method="too few customers with an event", unit=unit)
