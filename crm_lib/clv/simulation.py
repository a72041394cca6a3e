"""Simulated purchases of Poisson buyers, counted or discounted."""

from __future__ import annotations

import numpy as np

from crm_lib.clv.histories import Array

_NEGLIGIBLE = 16.0
"""Purchases whose discount factor is below e to the minus this are left out: they weigh less than a millionth."""


def poisson_purchases(buying: Array, lifetime: Array, horizon: float, rate: float, rng: np.random.Generator) -> Array:
    """Draw what Poisson buyers do until they leave.

    Parameters
    ----------
    buying : array (...)
        Purchase rate of each.
    lifetime : array (...)
        Time until each leaves; 0 for those gone, infinite for those who stay.
    horizon : float
        Length of time; may be infinite with a discount rate.
    rate : float
        Continuous discount rate; 0 counts purchases.
    rng : Generator
        Source of randomness.

    Returns
    -------
    array (...)
        Number of purchases, or the sum of their discount factors.
    """
    end = horizon if rate == 0 else min(horizon, _NEGLIGIBLE / rate)
    active = np.minimum(lifetime, end)
    count = rng.poisson(buying * active)
    if rate == 0:
        return count.astype(float)
    numbers = count.ravel()
    # Given their number, the times of Poisson purchases are uniform.
    times = rng.random(int(numbers.sum())) * np.repeat(active.ravel(), numbers)
    owner = np.repeat(np.arange(numbers.size), numbers)
    sums = np.bincount(owner, weights=np.exp(-rate * times), minlength=numbers.size)
    return sums.reshape(count.shape).astype(float)
