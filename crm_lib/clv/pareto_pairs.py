"""The integral of the Pareto/NBD for many customers: computed on pairs of frequency and time, of which there are few.

Up to its factor s, the integral from a recency to an age is one from the recency to the latest age of all, less one
from the age to that. The first belongs to a pair of frequency and recency, the second to one of frequency and age;
among a million customers there are a hundred thousand histories but only some thousands of either pair. The difference
costs no digits: what is taken off never exceeds the likelihood's first term, and it is taken off there.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from crm_lib.clv.histories import Array, Codes, Distinct, Histories
from crm_lib.clv.pareto_integral import log_odds_left, log_sum

_WORTHWHILE = 0.5
"""Pairs per history up to which the detour over pairs is shorter."""


@dataclass(frozen=True, kw_only=True)
class Pairs:
    """The different pairs of frequency and time, and which of them each history has.

    Parameters
    ----------
    frequency, time : array (V,)
        The pairs.
    codes : array of int (H,)
        Number of each history's pair.
    """

    frequency: Array
    time: Array
    codes: Codes


@dataclass(frozen=True, kw_only=True)
class HistoryPairs:
    """Both kinds of pairs.

    Parameters
    ----------
    at_recency, at_age : Pairs
        Frequency with recency, and with age.
    customers : array (H,)
        Number of customers with each history.
    """

    at_recency: Pairs
    at_age: Pairs
    customers: Array


def history_pairs(histories: Histories) -> HistoryPairs | None:
    """Return the pairs of frequency and time, or None where there are too many to save time.

    Parameters
    ----------
    histories : Histories
        Distinct histories.

    Returns
    -------
    HistoryPairs or None
        The pairs.
    """
    at_recency = _pairs(histories.by_frequency, histories.by_recency)
    at_age = _pairs(histories.by_frequency, histories.by_age)
    if len(at_recency.time) + len(at_age.time) > _WORTHWHILE * len(histories):
        return None
    return HistoryPairs(at_recency=at_recency, at_age=at_age, customers=histories.customers)


def total_log_bracket(pairs: HistoryPairs, r: Array, alpha: Array, s: Array, beta: Array) -> Array:
    """Return the sum over customers of ``log(1 + exp(log_odds_left(...)))``.

    Parameters
    ----------
    pairs : HistoryPairs
        Pairs of the histories.
    r, alpha, s, beta : array (D, 1)
        Parameters.

    Returns
    -------
    array (D,)
        The same number as from the histories, up to rounding.
    """
    early, late = pairs.at_recency, pairs.at_age
    latest = np.array(late.time.max())
    shape = r + late.frequency
    # Everything is counted in units of the first term at the latest age.
    first = shape * np.log((alpha + latest) / (alpha + late.time)) + s * np.log((beta + latest) / (beta + late.time))
    taken_off = log_odds_left(shape, alpha, s, beta, late.time, latest)
    with np.errstate(divide="ignore"):
        remaining = first + np.log1p(-np.exp(np.minimum(taken_off - first, 0.0)))
    integral = log_odds_left(r + early.frequency, alpha, s, beta, early.time, latest)
    of_pair = np.bincount(late.codes, weights=pairs.customers, minlength=len(late.time))
    # No scalar product, as a threaded one costs more than all else where processors are busy.
    total = [
        (log_sum(left[late.codes], right[early.codes]) * pairs.customers).sum()
        for left, right in zip(remaining, integral, strict=True)
    ]
    return np.asarray(np.array(total) - first @ of_pair)


def _pairs(frequencies: Distinct, times: Distinct) -> Pairs:
    count = len(times.values)
    codes, keys = pd.factorize(frequencies.codes * count + times.codes)
    return Pairs(frequency=frequencies.values[keys // count], time=times.values[keys % count], codes=codes)
