"""What single customers of the beta-geometric family happen to do."""

from __future__ import annotations

import numpy as np
import pandas as pd

from crm_lib.clv.histories import Array

_NEGLIGIBLE = 16.0
"""Purchases whose discount factor is below e to the minus this are left out: they weigh less than a millionth."""
_MOST_EVENTS = 1e15
_BLOCK = 2**14


def purchases_until_leaving(chance: Array, rng: np.random.Generator) -> Array:
    """Draw at which of the coming occasions customers leave.

    Parameters
    ----------
    chance : array (...)
        Chance of leaving at each occasion.
    rng : Generator
        Source of randomness.

    Returns
    -------
    array (...)
        1 for the next occasion; infinite where the chance is too small to matter.
    """
    with np.errstate(divide="ignore", over="ignore"):
        return np.asarray(1 + np.floor(np.log1p(-rng.random(chance.shape)) / np.log1p(-chance)))


def outcomes(
    buying: Array, chance: Array, passed: Array, horizon: float, rate: float, regularity: int, rng: np.random.Generator
) -> Array:
    """Draw what customers buy who have not left.

    Parameters
    ----------
    buying, chance, passed : array (M,)
        Rate of stages, chance of leaving after a purchase, stages passed since the last one.
    horizon : float
        Length of time; may be infinite with a discount rate.
    rate : float
        Continuous discount rate; 0 counts purchases.
    regularity : int
        k.
    rng : Generator
        Source of randomness.

    Returns
    -------
    array (M,)
        Numbers of purchases, or the sums of their discount factors.
    """
    if rate == 0:
        stages = rng.poisson(np.minimum(buying * horizon, _MOST_EVENTS))
        return np.minimum((stages + passed) // regularity, purchases_until_leaving(chance, rng)).astype(float)
    end = min(horizon, _NEGLIGIBLE / rate)
    found = np.empty(len(buying))
    for begin in range(0, len(buying), _BLOCK):
        part = slice(begin, begin + _BLOCK)
        if regularity == 1:
            found[part] = _discounted(buying[part], chance[part], end, rate, rng)
        else:
            found[part] = _discounted_regular(buying[part], chance[part], passed[part], end, rate, regularity, rng)
    return found


def _discounted(buying: Array, chance: Array, end: float, rate: float, rng: np.random.Generator) -> Array:
    """Poisson buyers: the purchase at which a customer leaves and the ones before are independent streams."""
    with np.errstate(divide="ignore", over="ignore"):
        leaving = rng.standard_exponential(len(buying)) / (buying * chance)
    active = np.minimum(leaving, end)
    count = rng.poisson(buying * (1 - chance) * active)
    times = rng.random(int(count.sum())) * np.repeat(active, count)
    owner = np.repeat(np.arange(len(count)), count)
    sums = np.bincount(owner, weights=np.exp(-rate * times), minlength=len(count))
    return np.asarray(sums + np.where(leaving <= end, np.exp(-rate * active), 0.0))


def _discounted_regular(
    buying: Array, chance: Array, passed: Array, end: float, rate: float, regularity: int, rng: np.random.Generator
) -> Array:
    left, time, sums = purchases_until_leaving(chance, rng), np.zeros(len(buying)), np.zeros(len(buying))
    who, stages = np.arange(len(buying)), regularity - passed
    while len(who):
        time = time + rng.standard_gamma(stages) / buying[who]
        going = time <= end
        who, time = who[going], time[going]
        sums[who] += np.exp(-rate * time)
        left[who] -= 1
        going = left[who] > 0
        who, time = who[going], time[going]
        stages = np.full(len(who), regularity)
    return sums


def histories(
    buying: Array, chance: Array, age: Array, horizon: float, regularity: int, occasions: int, rng: np.random.Generator
) -> pd.DataFrame:
    """Draw histories from the first purchase on, and what follows them.

    Parameters
    ----------
    buying, chance, age : array (N,)
        Rate of stages, chance of leaving, time of observation of each customer.
    horizon : float
        Time after that.
    regularity, occasions : int
        k and ζ.
    rng : Generator
        Source of randomness.

    Returns
    -------
    DataFrame
        ``frequency``, ``recency``, ``age``, ``log_gaps``, ``alive``, ``future``.
    """
    size = len(age)
    most = purchases_until_leaving(chance, rng) - occasions
    frequency, recency, log_gaps, future = np.zeros((4, size))
    who = np.flatnonzero(most > 0)
    time = np.zeros(len(who))
    while len(who):
        gap = rng.standard_gamma(regularity, len(who)) / buying[who]
        time = time + gap
        going = time <= age[who] + horizon
        who, time, gap = who[going], time[going], gap[going]
        seen = time <= age[who]
        frequency[who] += seen
        future[who] += ~seen
        recency[who[seen]] = time[seen]
        log_gaps[who[seen]] += np.log(gap[seen])
        going = frequency[who] + future[who] < most[who]
        who, time = who[going], time[going]
    return pd.DataFrame(
        {
            "frequency": frequency.astype(int),
            "recency": recency,
            "age": age,
            "log_gaps": log_gaps,
            "alive": frequency < most,
            "future": future.astype(int),
        }
    )
