"""Purchase histories in equal periods: what the model of life-cycle stages reads."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import ibis
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from crm_lib import language
from crm_lib.company import Company
from crm_lib.customers import is_purchase
from crm_lib.errors import TooLittleData

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

_ALIKE = 0.1
"""Correlation of one customer's lines in being on discount: ten of them say as much as five of different customers."""


def stage_purchases(company: Company, *, as_of: dt.date | None = None) -> pd.DataFrame:
    """Return the days on which each customer bought, with what was on discount where the company knows it.

    Parameters
    ----------
    company : Company
        The company.
    as_of : date, optional
        Last day that counts, by default the company's ``as_of``. Lines recorded later are left out.

    Returns
    -------
    DataFrame
        ``customer_id``, ``day``, ``recorded`` (day from which on it was known, where the company knows that), and
        ``lines`` and ``discounted`` (order lines bought, and those of them on discount) where discounts are known.

    Raises
    ------
    ValueError
        If `as_of` lies after the company's.
    """
    last = company.as_of if as_of is None else as_of
    if last > company.as_of:
        raise ValueError(f"as_of is {last}, after {company.as_of}, up to which the company's data are opened")
    transactions = company.table("transactions")
    bought = transactions.filter(is_purchase(transactions))
    columns: dict[str, Any] = {"day": bought.ordered_at.date()}
    if company.has("transactions", "recorded_at"):
        entered = bought.recorded_at.date()
        columns["recorded"] = ibis.greatest(columns["day"], ibis.coalesce(entered, columns["day"]))
    keys = ["customer_id", *columns]
    discounts = company.has("transactions", "discount")
    if discounts:
        columns["cut"] = (bought.discount.fill_null(0) > 0).cast("int64")
    lines = bought.select("customer_id", **columns)
    lines = lines.filter(lines[keys[-1]] <= ibis.literal(last))
    measures = {"lines": lines.count(), "discounted": lines.cut.sum()} if discounts else {}
    days = lines.group_by(keys).aggregate(**measures) if measures else lines.select(keys).distinct()
    frame: pd.DataFrame = days.to_pyarrow().to_pandas(date_as_object=False)
    frame = frame[[*keys, *measures]].astype(dict.fromkeys(keys[1:], "datetime64[s]"))
    return frame.sort_values(keys, ignore_index=True)


@dataclass(frozen=True, kw_only=True)
class Histories:
    """Purchase histories in periods that end on one day; customers of one history share a row.

    Parameters
    ----------
    customer_id : Index (N customers)
        The customers, sorted.
    row : ndarray (N,)
        The row that holds each customer's history.
    silent : ndarray (N,)
        Days since each customer's last purchase.
    counts : ndarray (n, T)
        Days of repeat purchase in each period, from the period of the first purchase on, the longest histories first.
    periods : ndarray (n,)
        Number of periods of each row; the counts behind are 0 and mean nothing.
    part : ndarray (n,)
        Share of the first period that was left after the first purchase.
    weight : ndarray (n,)
        Number of customers of each row.
    lines, discounted : ndarray (n,)
        Order lines and those on discount, each customer's lines counted as what they are worth to one who knows that
        they resemble one another; zeros where discounts are not known.
    as_of : date
        Last day of the last period.
    period_days : int
        Length of a period.
    """

    customer_id: pd.Index
    row: Ints
    silent: Ints
    counts: NDArray[np.int16]
    periods: Ints
    part: Floats
    weight: Floats
    lines: Floats
    discounted: Floats
    as_of: dt.date
    period_days: int

    def __len__(self) -> int:
        return len(self.periods)

    @property
    def active(self) -> Ints:
        """Number of rows that have a period 0, 1, 2, …; they are the first rows."""
        return np.searchsorted(-self.periods, -np.arange(1, self.counts.shape[1] + 1), side="right").astype(np.int64)

    def take(self, rows: Ints, weight: Floats | None = None) -> Histories:
        """Return some of the rows, in their order; customers are not kept.

        Parameters
        ----------
        rows : ndarray
            Numbers of the rows.
        weight : ndarray, optional
            Number of customers of each; by default as before.
        """
        periods = self.periods[rows]
        longest = int(periods.max())
        return Histories(
            customer_id=pd.Index([]), row=np.zeros(0, dtype=np.int64), silent=np.zeros(0, dtype=np.int64),
            counts=self.counts[rows, :longest], periods=periods, part=self.part[rows],
            weight=self.weight[rows] if weight is None else weight, lines=self.lines[rows],
            discounted=self.discounted[rows], as_of=self.as_of, period_days=self.period_days,
        )  # fmt: skip

    def chunks(self, size: int) -> Iterator[Histories]:
        """Return the rows in pieces that fit into the processor's memory.

        Parameters
        ----------
        size : int
            Rows of a piece.
        """
        for start in range(0, len(self), size):
            yield self.take(np.arange(start, min(start + size, len(self))))

    def sample(self, customers: int) -> Histories:
        """Return histories of about so many customers, at equal steps along the sorted rows; all if there are no more.

        Equal steps represent long and short histories, many and few purchases, and do not depend on customers' names.

        Parameters
        ----------
        customers : int
            How many.
        """
        total = int(self.weight.sum())
        if total <= customers:
            return self
        places = (np.arange(customers) + 0.5) * total / customers
        rows, weight = np.unique(np.searchsorted(np.cumsum(self.weight), places), return_counts=True)
        return self.take(rows, weight.astype(np.float64))


def histories(purchases: pd.DataFrame, *, as_of: dt.date, period_days: int) -> Histories:
    """Return the histories of all customers who had bought by a day, as they were known on it.

    Parameters
    ----------
    purchases : DataFrame
        As :func:`stage_purchases` or :func:`crm_lib.customers.purchase_days` return them.
    as_of : date
        Last day that counts.
    period_days : int
        Length of a period in days.

    Returns
    -------
    Histories
        The first purchase makes the customer; counts are of the days of purchase after it.

    Raises
    ------
    TooLittleData
        If nobody had bought.
    ValueError
        If columns are missing or the period is shorter than a week.
    """
    if period_days < 7:
        raise ValueError(f"period_days must be at least 7, not {period_days}: shorter periods hold too few purchases")
    missing = [name for name in ("customer_id", "day") if name not in purchases]
    if missing:
        raise ValueError(f"purchases lack the columns {missing}; give what stage_purchases or purchase_days return")
    last = np.datetime64(as_of, "D")
    known = purchases["day"].to_numpy("datetime64[D]") <= last
    if "recorded" in purchases:
        known &= purchases["recorded"].to_numpy("datetime64[D]") <= last
    frame = purchases.loc[known]
    if frame.empty:
        raise TooLittleData(language.text("nobody had bought by {day}").format(day=language.date(as_of)))
    codes, ids = pd.factorize(frame["customer_id"], sort=True)
    customers = len(ids)
    age = (last - frame["day"].to_numpy("datetime64[D]")).astype("timedelta64[D]").astype(np.int64)
    marks = [
        np.bincount(codes, frame[name], customers) if {"lines", "discounted"} <= set(frame) else np.zeros(customers)
        for name in ("lines", "discounted")
    ]
    worth = 1 + np.maximum(marks[0] - 1, 0) * _ALIKE
    first = np.zeros(customers, dtype=np.int64)
    np.maximum.at(first, codes, age)
    silent = first.copy()
    np.minimum.at(silent, codes, age)
    # A day may have several rows, recorded on different days.
    once = np.unique(codes.astype(np.int64) * (first.max() + 1) + age)
    codes, age = np.divmod(once, first.max() + 1)
    again = age < first[codes]
    codes, age = codes[again], age[again]
    periods = first // period_days + 1
    part = first % period_days / period_days
    counts = np.zeros((customers, int(periods.max())), dtype=np.int16)
    np.add.at(counts, (codes, periods[codes] - 1 - age // period_days), 1)
    row, heads = _alike(counts, periods, part, marks[0] / worth, marks[1] / worth)
    return Histories(
        customer_id=pd.Index(ids, name="customer_id"), row=row, silent=silent, counts=counts[heads],
        periods=periods[heads], part=part[heads], weight=np.bincount(row).astype(np.float64),
        lines=(marks[0] / worth)[heads], discounted=(marks[1] / worth)[heads], as_of=as_of, period_days=period_days,
    )  # fmt: skip


def _alike(
    counts: NDArray[np.int16], periods: Ints, part: Floats, lines: Floats, discounted: Floats
) -> tuple[Ints, Ints]:
    """Return the row of each customer when equal histories share one, and a customer of each row."""
    # Roots of different primes have no common measure: different counts give different sums.
    signature = counts @ np.sqrt(_primes(counts.shape[1]))
    keys = np.lexsort((discounted, lines, signature, part, -periods))
    columns = (periods, part, signature, lines, discounted)
    new = np.r_[True, np.any([np.diff(column[keys]) != 0 for column in columns], axis=0)]
    row = np.empty(len(keys), dtype=np.int64)
    row[keys] = np.cumsum(new) - 1
    return row, keys[new].astype(np.int64)


def _primes(count: int) -> Floats:
    numbers = np.arange(2, max(20, int(count * (np.log(count + 2) + 3))))
    divisors = range(2, int(numbers[-1] ** 0.5) + 1)
    prime = np.all([(numbers % divisor != 0) | (numbers == divisor) for divisor in divisors], axis=0)
    return numbers[prime][:count].astype(np.float64)
