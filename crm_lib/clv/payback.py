"""When what a new customer has brought covers what winning the customer cost."""

from __future__ import annotations

import numpy as np

from crm_lib.clv.histories import Array
from crm_lib.customers import UNIT_DAYS

_YEARS = 30.0
_POINTS = 300


def payback_times(unit: str) -> Array:
    """Return the times at which payback is looked for: dense at first, up to thirty years.

    Parameters
    ----------
    unit : {"D", "W", "M", "Y"}
        Unit of time.

    Returns
    -------
    array (K,)
        Times from 0.
    """
    return np.asarray(_YEARS * 365.25 / UNIT_DAYS[unit] * np.linspace(0, 1, _POINTS) ** 2)


def discounted_by(expected: Array, times: Array, rate: float) -> Array:
    """Return the discounted number of events up to each time, from the expected number up to each time.

    Parameters
    ----------
    expected : array (D, K)
        Expected number of events up to each time, 0 at time 0.
    times : array (K,)
        The times, ascending from 0.
    rate : float
        Continuous interest per unit of time.

    Returns
    -------
    array (D, K)
        Discounted numbers.

    Notes
    -----
    Events between two times of the grid are taken as evenly spread over the time between.
    """
    steps = np.diff(times)
    # The mean discount factor of each interval, exact for evenly spread events.
    factors = np.exp(-rate * times[:-1]) * -np.expm1(-rate * steps) / (rate * steps)
    gained = np.diff(expected, axis=1) * factors
    return np.concatenate([np.zeros((len(expected), 1)), np.cumsum(gained, axis=1)], axis=1)


def payback(first: Array, later: Array, purchases: Array, cost: Array, times: Array) -> Array:
    """Return the first time at which the discounted margin covers the cost.

    Parameters
    ----------
    first, later : array (D,)
        What the first and what a later purchase brings.
    purchases : array (D, K)
        Discounted number of later purchases up to each time.
    cost : array (D,)
        What is to be covered; NaN where it is not known.
    times : array (K,)
        The times, ascending from 0.

    Returns
    -------
    array (D,)
        Times; infinite where the cost is not covered by the last time, NaN where it is not known.

    Examples
    --------
    >>> times = np.array([0.0, 1.0, 2.0])
    >>> bought = np.array([[0.0, 1.0, 2.0]] * 3)
    >>> payback(np.full(3, 4.0), np.full(3, 2.0), bought, np.array([3.0, 7.0, 9.0]), times).tolist()
    [0.0, 1.5, inf]
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        needed = np.where(later > 0, (cost - first) / later, np.inf)
    needed = np.where(cost <= first, 0.0, needed)
    place = (purchases < needed[:, None]).sum(axis=1)
    rows = np.arange(len(needed))
    after = np.minimum(place, len(times) - 1)
    before = np.maximum(after - 1, 0)
    low, high = purchases[rows, before], purchases[rows, after]
    share = (needed - low) / np.where(high > low, high - low, 1.0)
    found = times[before] + share * (times[after] - times[before])
    found = np.where(place == 0, 0.0, np.where(place == len(times), np.inf, found))
    return np.where(np.isnan(cost), np.nan, found)
