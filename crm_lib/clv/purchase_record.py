"""Who bought on which days, and from when on that was known: any earlier day can be gone back to."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Self

import numpy as np
import pandas as pd

from crm_lib.clv.histories import Array, Codes
from crm_lib.customers import UNIT_DAYS
from crm_lib.errors import MissingData, TooLittleData

_LOG_STEPS = 1e9
"""Logarithms of gaps are added up in such steps, as :func:`crm_lib.customers.customer_table` does."""


@dataclass(frozen=True, kw_only=True)
class PurchaseRecord:
    """Days of purchase as they were known at the end of a day.

    Made by :meth:`read`; :meth:`until` goes back in time. Days are counted from 1970-01-01. Rows are in the order of
    customers and days.

    Parameters
    ----------
    customers : Index (N,)
        The customers who had bought by then.
    codes : array of int (R,)
        Number of each row's customer.
    day, recorded : array of int (R,)
        Day of the purchase, and day from which on the row was known.
    spend : array (R,) or None
        Revenue of the purchase; None where nothing tells it.
    as_of : int
        Last day that counts.
    """

    customers: pd.Index
    codes: Codes
    day: Codes
    recorded: Codes
    spend: Array | None
    as_of: int

    @classmethod
    def read(cls, purchases: pd.DataFrame) -> Self:
        """Read a table of purchase days.

        Parameters
        ----------
        purchases : DataFrame
            Columns ``customer_id`` and ``day``; ``spend`` and ``recorded`` where known, such as
            :func:`crm_lib.customers.purchase_days` gives. Several rows of a customer and day are one purchase.

        Returns
        -------
        PurchaseRecord
            All rows, as of the last day in them.

        Raises
        ------
        MissingData
            If a column is absent.
        TooLittleData
            If the table is empty.
        ValueError
            If a customer, a day or an amount is missing.
        """
        absent = tuple(name for name in ("customer_id", "day") if name not in purchases)
        if absent:
            raise MissingData("purchase days", absent)
        if len(purchases) == 0:
            raise TooLittleData("there are no purchases: a comparison needs the days on which customers bought")
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
        return cls(
            customers=pd.Index(customers, name="customer_id"),
            codes=codes[order],
            day=day[order],
            recorded=recorded[order],
            spend=None if spend is None else spend[order],
            as_of=int(recorded.max()),
        )

    def __len__(self) -> int:
        return len(self.customers)

    def until(self, day: dt.date | int) -> PurchaseRecord:
        """Return what was known at the end of a day: nothing later is in it, in whatever form.

        Parameters
        ----------
        day : date or int
            The day.

        Returns
        -------
        PurchaseRecord
            One row a customer and day of purchase, of the customers who had bought by then.
        """
        last = as_day(day)
        known = self.recorded <= last
        codes, days, recorded = self.codes[known], self.day[known], self.recorded[known]
        spend = None if self.spend is None else self.spend[known]
        first = np.ones(len(codes), dtype=bool)
        first[1:] = (codes[1:] != codes[:-1]) | (days[1:] != days[:-1])
        if spend is not None and len(codes):
            spend = np.add.reduceat(spend, np.flatnonzero(first))
        if len(codes):
            recorded = np.minimum.reduceat(recorded, np.flatnonzero(first))
        kept, numbers = np.unique(codes[first], return_inverse=True)
        return PurchaseRecord(
            customers=self.customers[kept], codes=numbers, day=days[first], recorded=recorded, spend=spend, as_of=last
        )

    @cached_property
    def first_day(self) -> Codes:
        """First day of purchase of each customer."""
        days: Codes = self.day[self._begins]
        return days

    @cached_property
    def last_day(self) -> Codes:
        """Last day of purchase of each customer."""
        days: Codes = self.day[np.append(self._begins[1:], len(self.day)) - 1]
        return days

    @property
    def begin(self) -> int:
        """First day of all."""
        return int(self.day.min())

    def summary(self, unit: str = "W") -> pd.DataFrame:
        """Return one row per customer, as :func:`crm_lib.customers.customer_summary` does for a company of that day.

        Parameters
        ----------
        unit : {"W", "D", "M", "Y"}
            Unit of time.

        Returns
        -------
        DataFrame
            Index ``customer_id``; ``frequency``, ``recency``, ``age``, ``monetary_value`` (where the spend is known),
            ``first_purchase``, ``last_purchase`` and ``log_gaps``.
        """
        length = UNIT_DAYS[unit]
        frequency = np.bincount(self.codes, minlength=len(self)) - 1
        gaps = np.diff(self.day)
        repeat = np.diff(self.codes) == 0
        steps = np.rint(np.log(gaps[repeat] / length) * _LOG_STEPS)
        columns: dict[str, Any] = {
            "frequency": frequency,
            "recency": (self.last_day - self.first_day) / length,
            "age": (self.as_of - self.first_day) / length,
        }
        if self.spend is not None:
            total = np.bincount(self.codes, weights=self.spend, minlength=len(self))
            with np.errstate(invalid="ignore"):
                columns["monetary_value"] = np.where(
                    frequency > 0, (total - self.spend[self._begins]) / np.maximum(frequency, 1), np.nan
                )
        columns["first_purchase"] = _dates(self.first_day)
        columns["last_purchase"] = _dates(self.last_day)
        columns["log_gaps"] = np.bincount(self.codes[1:][repeat], weights=steps, minlength=len(self)) / _LOG_STEPS
        frame = pd.DataFrame(columns, index=self.customers)
        frame.attrs["unit"] = unit
        return frame

    def purchases(self, after: int, until: int, *, of: pd.Index | None = None) -> Array:
        """Return on how many days each customer bought in a period.

        Parameters
        ----------
        after, until : int
            The period begins after the one day and ends with the other.
        of : Index, optional
            Customers, in any order; by default all in the record.

        Returns
        -------
        array
            Numbers of purchases, 0 for customers who are not in the record.
        """
        inside = (self.day > after) & (self.day <= until)
        if inside.any():
            inside[1:] &= (self.codes[1:] != self.codes[:-1]) | (self.day[1:] != self.day[:-1])
        counts = np.bincount(self.codes[inside], minlength=len(self)).astype(float)
        if of is None:
            return counts
        return np.append(counts, 0.0)[self.customers.get_indexer(of)]

    @cached_property
    def _begins(self) -> Codes:
        begins: Codes = np.flatnonzero(np.diff(self.codes, prepend=-1))
        return begins


def as_day(day: dt.date | str | int) -> int:
    """Return a day as the number of days since 1970-01-01.

    Parameters
    ----------
    day : date, str or int
        The day; a text such as ``"2026-06-30"``; or the number itself.
    """
    return int(day) if isinstance(day, (int, np.integer)) else int(np.datetime64(pd.Timestamp(day), "D").astype(int))


def as_date(day: int) -> dt.date:
    """Return the date of a number of days since 1970-01-01.

    Parameters
    ----------
    day : int
        The number.
    """
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


def _dates(days: Codes) -> np.ndarray[tuple[int], np.dtype[np.datetime64]]:
    return days.astype("datetime64[D]").astype("datetime64[s]")
