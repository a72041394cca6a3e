"""Purchases of all customers week by week, beside those that a model expected."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd

from crm_lib.clv.histories import Array
from crm_lib.clv.purchase_record import PurchaseRecord

DAYS = 7


def weekly_tracking(
    known: PurchaseRecord, later: PurchaseRecord, repeats_of_new: Callable[[Array], Array], *, horizon_days: int
) -> pd.DataFrame:
    """Return actual and expected repeat purchases by week, before and after the cut-off.

    What is expected does not rest on each customer's history, only on the day of the first purchase: the test is
    whether the process as a whole was understood.

    Parameters
    ----------
    known : PurchaseRecord
        What was known at the cut-off; its customers are followed.
    later : PurchaseRecord
        What came to be known.
    repeats_of_new : callable
        From times since the first purchase (days) to mean repeat purchases.
    horizon_days : int
        Days after the cut-off.

    Returns
    -------
    DataFrame
        Indexed by ``week``, from 1: ``ending`` (last day), ``is_holdout`` (after the cut-off), ``actual``,
        ``expected``, ``cumulative_actual``, ``cumulative_expected``. Weeks end on the weekday of the cut-off; the first
        may be incomplete, and an incomplete last one is left out.

    Notes
    -----
    Expected by the end of day t are :math:`\\sum_i E[X(t + 1 - t_{0i})]`, where customer i came on day
    :math:`t_{0i}`: a customer who came today has been with us for a day when it ends.

    References
    ----------
    Fader, P. S., Hardie, B. G. S., Lee, K. L. (2005). "Counting Your Customers" the Easy Way. Marketing Science 24(2),
    275–284, figures 2 and 3.
    """
    begin, cut = known.begin, known.as_of
    before = -(-(cut - begin + 1) // DAYS)
    ends = cut + DAYS * np.arange(1 - before, horizon_days // DAYS + 1)
    length = int(ends[-1]) - begin + 2
    came = np.bincount(known.first_day - begin, minlength=length)[:length].astype(float)
    mean = np.concatenate([[0.0], repeats_of_new(np.arange(1.0, length))])
    cumulative = np.convolve(came, mean)[ends + 1 - begin]
    actual = np.cumsum(_repeats(known, later, begin, length))[ends - begin]
    return pd.DataFrame(
        {
            "ending": ends.astype("datetime64[D]").astype("datetime64[s]"),
            "is_holdout": ends > cut,
            "actual": np.diff(actual, prepend=0.0),
            "expected": np.diff(cumulative, prepend=0.0),
            "cumulative_actual": actual,
            "cumulative_expected": cumulative,
        },
        index=pd.RangeIndex(1, len(ends) + 1, name="week"),
    )


def _repeats(known: PurchaseRecord, later: PurchaseRecord, begin: int, length: int) -> Array:
    """Return the repeat purchases of each day of those who were known."""
    place = later.customers.get_indexer(known.customers)
    first = np.full(len(later), np.iinfo(np.intp).max)
    first[place] = known.first_day
    again = later.day > first[later.codes]
    days = later.day[again] - begin
    return np.bincount(days[(days >= 0) & (days < length)], minlength=length).astype(float)
