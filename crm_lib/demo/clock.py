"""The calendar: time is counted in days since the first morning, in weeks and quarters of thirteen weeks from there."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]
Names = NDArray[np.object_]

START = np.datetime64("2023-07-01", "s")
DAYS = 1096
"""Three years: the last day is 30 June 2026."""
WEEKS = 157
"""Weeks begun; the last has four days."""
QUARTER = 13
QUARTERS = 13
"""Quarters of thirteen weeks begun; the last has one week."""
NEVER = np.inf
FIRST_DAYS = np.arange(WEEKS) * 7.0
"""First day of each week."""


def season(months: Sequence[float]) -> Floats:
    """Return the season's factor of each week, from that of January … December; over a year they average 1."""
    middle = START + (np.arange(WEEKS) * 7 + 3).astype("timedelta64[D]")
    factors = np.asarray(months, dtype=float)[middle.astype("datetime64[M]").astype(int) % 12]
    return np.asarray(factors / factors[:156].mean())


def day_of(date: str) -> int:
    """Return the days from the start to a date."""
    return int((np.datetime64(date, "s") - START) / np.timedelta64(1, "D"))


def quarter_of(days: ArrayLike) -> Ints:
    """Return the number of the quarter of thirteen weeks in which each day lies."""
    return (np.asarray(days, dtype=float) // (7 * QUARTER)).astype(np.int64).clip(0, QUARTERS - 1)


def whole_weeks(begin: Floats, end: Floats) -> Bools:
    """Return, for each span of days, which weeks begin in it, shape (n, WEEKS): none knows what comes later in it."""
    return (begin[:, None] <= FIRST_DAYS) & (end[:, None] > FIRST_DAYS)


def overlap(begin: Floats, end: Floats) -> Floats:
    """Return, for each span of days, the weeks of time (0 to 1) it shares with each week, shape (n, WEEKS)."""
    last = np.minimum(FIRST_DAYS + 7.0, DAYS)
    shared = np.minimum(end[:, None], last) - np.maximum(begin[:, None], FIRST_DAYS)
    return np.asarray(np.clip(shared, 0.0, None) / 7.0)


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
