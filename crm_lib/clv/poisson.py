"""What Poisson buyers happen to do until they leave."""

from __future__ import annotations

import numpy as np
import pandas as pd

from crm_lib.clv.histories import Array

_NEGLIGIBLE = 16.0
"""Purchases whose discount factor is below e to the minus this are left out: they weigh less than a millionth."""
_MANY = 1000
"""Purchases of one customer from which their discount factors are summed as a normal deviate."""
_TIMES = 2**22
"""Times of purchases held at once."""


def poisson_purchases(buying: Array, lifetime: Array, horizon: float, rate: float, rng: np.random.Generator) -> Array:
    """Draw numbers of purchases, or with a rate the sums of their discount factors, of Poisson buyers until they leave.

    ``buying`` and ``lifetime`` have one shape; a lifetime is 0 for those gone and infinite for those who stay.
    """
    end = horizon if rate == 0 else min(horizon, _NEGLIGIBLE / rate)
    active = np.minimum(lifetime, end)
    count = rng.poisson(np.minimum(buying * active, 1e15)).astype(float)
    if rate == 0:
        return count
    # Given their number, the times of Poisson purchases are uniform.
    numbers, until = count.ravel(), active.ravel()
    reach = rate * np.where(until > 0, until, 1.0)
    mean, square = -np.expm1(-reach) / reach, -np.expm1(-2 * reach) / (2 * reach)
    sums = numbers * mean + np.sqrt(numbers * np.maximum(square - mean**2, 0)) * rng.standard_normal(numbers.size)
    few = np.flatnonzero(numbers <= _MANY)
    size = _TIMES // _MANY
    for begin in range(0, len(few), size):
        some = few[begin : begin + size]
        each = numbers[some].astype(int)
        times = rng.random(int(each.sum())) * np.repeat(until[some], each)
        owner = np.repeat(np.arange(len(some)), each)
        sums[some] = np.bincount(owner, weights=np.exp(-rate * times), minlength=len(some))
    return np.asarray(sums.reshape(count.shape))


def simulated(buying: Array, lifetime: Array, age: Array, horizon: float, rng: np.random.Generator) -> pd.DataFrame:
    """Draw histories of customers who buy at Poisson rates until their lifetimes end, and what follows them."""
    active = np.minimum(lifetime, age)
    frequency = rng.poisson(buying * active)
    # The last of x uniform times is the largest: a Beta(x, 1) share of the time active.
    recency = np.where(frequency > 0, active * rng.beta(np.maximum(frequency, 1), 1.0), 0.0)
    future = rng.poisson(buying * np.clip(lifetime - age, 0.0, horizon))
    columns = {"frequency": frequency, "recency": recency, "age": age, "alive": lifetime > age, "future": future}
    return pd.DataFrame(columns)
