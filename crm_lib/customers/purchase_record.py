"""Who bought on which days, and from when on that was known: any earlier day can be gone back to."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final, Self, TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from crm_lib.errors import MissingData, TooLittleData

Array: TypeAlias = NDArray[np.float64]
Codes: TypeAlias = NDArray[np.intp]
UNIT_DAYS: Final = {"D": 1.0, "W": 7.0, "M": 365.25 / 12, "Y": 365.25}
"""Days in each unit of time: day, week, mean month and mean year."""


@dataclass(frozen=True, kw_only=True)
class PurchaseRecord:
    """Days of purchase as they were known at the end of a day, in the order of customers and days.

    Days are counted from 1970-01-01; `codes` numbers each row's customer, `recorded` is the day from which on the row
    was known, `spend` is None where nothing tells it, and `as_of` is the last day that counts.
    """

    customers: pd.Index
    codes: Codes
    day: Codes
    recorded: Codes
    spend: Array | None
    as_of: int

    @classmethod
    def read(cls, purchases: pd.DataFrame, as_of: dt.date | str | None = None) -> Self:
        """Read a table of purchase days: ``customer_id`` and ``day``; ``spend`` and ``recorded`` where known.

        Several rows of a customer and day are one purchase. Without `as_of` the last row tells the last day.
        """
        absent = tuple(name for name in ("customer_id", "day") if name not in purchases)
        if absent:
            raise MissingData("purchase days", absent)
        if len(purchases) == 0:
            raise TooLittleData("needs purchases; there are none")
        codes, customers = pd.factorize(purchases["customer_id"], sort=True)
        if (codes < 0).any():
            raise ValueError(f"customer_id is missing in {int((codes < 0).sum())} rows of the purchase days")
        day = _days(purchases, "day")
        recorded = np.maximum(_days(purchases, "recorded"), day) if "recorded" in purchases else day
        spend = None
        if "spend" in purchases:
            spend = purchases["spend"].to_numpy(dtype=float, na_value=np.nan)
            if not np.isfinite(spend).all():
                raise ValueError(f"spend is missing in {int((~np.isfinite(spend)).sum())} rows of the purchase days")
        order = np.lexsort([day, codes])
        record = cls(
            customers=pd.Index(customers, name="customer_id"), codes=codes[order], day=day[order],
            recorded=recorded[order], spend=None if spend is None else spend[order], as_of=int(recorded.max()),
        )  # fmt: skip
        return record if as_of is None else record.until(as_day(as_of))

    def __len__(self) -> int:
        return len(self.customers)

    def until(self, day: dt.date | int) -> Self:
        """Return what was known at the end of a day: nothing later is in it; a silence at the end is data."""
        last = as_day(day)
        known = self.recorded <= last
        codes, days, recorded = self.codes[known], self.day[known], self.recorded[known]
        first = np.ones(len(codes), dtype=bool)
        first[1:] = (codes[1:] != codes[:-1]) | (days[1:] != days[:-1])
        begins = np.flatnonzero(first)
        spend = None if self.spend is None else self.spend[known]
        if len(codes):
            spend = None if spend is None else np.add.reduceat(spend, begins)
            recorded = np.minimum.reduceat(recorded, begins)
        kept, numbers = np.unique(codes[first], return_inverse=True)
        return type(self)(
            customers=self.customers[kept], codes=numbers, day=days[first], recorded=recorded, spend=spend, as_of=last
        )

    @cached_property
    def first_day(self) -> Codes:
        """First day of purchase of each customer."""
        return np.asarray(self.day[self._begins])

    @cached_property
    def last_day(self) -> Codes:
        """Last day of purchase of each customer."""
        return np.asarray(self.day[np.append(self._begins[1:], len(self.day)) - 1])

    @property
    def begin(self) -> int:
        """First day of all."""
        return int(self.day.min())

    def summary(self, unit: str = "W") -> pd.DataFrame:
        """Return frequency, recency, age and, where spend is known, monetary value of each customer."""
        frequency = np.bincount(self.codes, minlength=len(self)) - 1
        columns: dict[str, Any] = {
            "frequency": frequency,
            "recency": (self.last_day - self.first_day) / UNIT_DAYS[unit],
            "age": (self.as_of - self.first_day) / UNIT_DAYS[unit],
        }
        if self.spend is not None:
            later = np.bincount(self.codes, weights=self.spend, minlength=len(self)) - self.spend[self._begins]
            columns["monetary_value"] = np.where(frequency > 0, later / np.maximum(frequency, 1), np.nan)
        frame = pd.DataFrame(columns, index=self.customers)
        frame.attrs["unit"] = unit
        return frame

    def purchases(self, after: int, until: int, *, of: pd.Index | None = None) -> Array:
        """Return on how many days each customer bought after the one day and until the other; 0 for strangers."""
        inside = (self.day > after) & (self.day <= until)
        if inside.any():
            inside[1:] &= (self.codes[1:] != self.codes[:-1]) | (self.day[1:] != self.day[:-1])
        counts = np.bincount(self.codes[inside], minlength=len(self)).astype(float)
        return counts if of is None else np.append(counts, 0.0)[self.customers.get_indexer(of)]

    @cached_property
    def _begins(self) -> Codes:
        return np.flatnonzero(np.diff(self.codes, prepend=-1))


def as_day(day: dt.date | str | int) -> int:
    """Return a day as the number of days since 1970-01-01."""
    return int(day) if isinstance(day, (int, np.integer)) else int(np.datetime64(pd.Timestamp(day), "D").astype(int))


def as_date(day: int) -> dt.date:
    """Return the date of a number of days since 1970-01-01."""
    return dt.date(1970, 1, 1) + dt.timedelta(days=int(day))


def _days(purchases: pd.DataFrame, name: str) -> Codes:
    try:
        moments = pd.to_datetime(purchases[name])
    except (TypeError, ValueError) as error:
        raise ValueError(f"column {name!r} of the purchase days must hold days: {error}") from None
    if moments.isna().any():
        raise ValueError(f"{name} is missing in {int(moments.isna().sum())} rows of the purchase days")
    if moments.dt.tz is not None:
        moments = moments.dt.tz_localize(None)
    return moments.to_numpy().astype("datetime64[D]").astype(np.intp)
