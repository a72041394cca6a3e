"""The demo company's calendar: time is counted in days since its first morning, in weeks of seven days from there."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

START = np.datetime64("2023-07-01", "s")
DAYS = 1096
"""Three years: the last day is 30 June 2026."""
WEEKS = 157
"""Weeks begun; the last has four days."""
QUARTER = 13
QUARTERS = 13
"""Quarters of thirteen weeks begun; the last has one week."""
NEVER = np.inf


def moments(days: ArrayLike) -> pd.Series[pd.Timestamp]:
    """Return moments, to the second, for days since the start; never and not-a-number become missing."""
    days = np.asarray(days, dtype=float)
    known = np.isfinite(days)
    seconds = np.where(known, np.round(np.where(known, days, 0.0) * 86_400), 0).astype("timedelta64[s]")
    stamps: NDArray[np.datetime64] = np.where(known, START + seconds, np.datetime64("NaT", "s"))
    # Parquet knows no seconds; in milliseconds what is read is what was written.
    return pd.Series(stamps.astype("datetime64[ms]"))


def dates(days: ArrayLike) -> pd.Series[pd.Timestamp]:
    """Return calendar days for days since the start; never and not-a-number become missing."""
    return moments(np.floor(np.asarray(days, dtype=float)))


def day_of(date: str) -> int:
    """Return the days from the start to a date such as ``"2024-02-10"``.

    Examples
    --------
    >>> day_of("2023-07-08")
    7
    """
    return int((np.datetime64(date, "s") - START) / np.timedelta64(1, "D"))


def season(months: Sequence[float]) -> Floats:
    """Return the season's factor of each week, from that of each month; over a year they average 1.

    Parameters
    ----------
    months : sequence of 12 floats
        Factor of January … December.

    Returns
    -------
    ndarray of shape (WEEKS,)
        Factor of each week.
    """
    middle = START + (np.arange(WEEKS) * 7 + 3).astype("timedelta64[D]")
    month = middle.astype("datetime64[M]").astype(int) % 12
    factors = np.asarray(months, dtype=float)[month]
    return np.asarray(factors / factors[:156].mean())


def whole_weeks(begin: ArrayLike, end: ArrayLike) -> Bools:
    """Return, for each span of days, which weeks have their first moment in it.

    An effect that starts within a week counts from the next week on, so that no week knows what happens later in it.

    Parameters
    ----------
    begin, end : array_like of shape (n,)
        Ends of the spans, in days.

    Returns
    -------
    ndarray of shape (n, WEEKS)
    """
    first = np.arange(WEEKS) * 7.0
    return (first >= np.asarray(begin)[:, None]) & (first < np.asarray(end)[:, None])


def overlap(begin: ArrayLike, end: ArrayLike) -> Floats:
    """Return, for each span of days, the weeks of time it shares with each week (0 to 1).

    Parameters
    ----------
    begin, end : array_like of shape (n,)
        Ends of the spans, in days; what lies outside the three years is left out.

    Returns
    -------
    ndarray of shape (n, WEEKS)
    """
    first = np.arange(WEEKS) * 7.0
    last = np.minimum(first + 7.0, DAYS)
    shared = np.minimum(np.asarray(end)[:, None], last) - np.maximum(np.asarray(begin)[:, None], first)
    return np.asarray(np.clip(shared, 0.0, None) / 7.0)
