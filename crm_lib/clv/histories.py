"""Purchase histories of customers: checked, and equal ones grouped."""

from __future__ import annotations

import dataclasses
import warnings
from collections.abc import Sequence
from functools import cached_property
from typing import Any, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt
import pandas as pd

from crm_lib.customers import UNIT_DAYS
from crm_lib.errors import MissingData, TooLittleData

Array: TypeAlias = npt.NDArray[np.float64]
Codes: TypeAlias = npt.NDArray[np.intp]

_LONGEST = 60 * 365.25
"""Days beyond which an age tells that time was counted in another unit than said."""
_DENSEST = 24.0
"""Purchases a day beyond which a rate tells the same."""
_WIDEST = 2**20
"""Span of whole numbers up to which values are numbered by arithmetic."""
_DENSE_TABLE = 2**25
"""Number of combinations up to which they are looked up in a table; beyond, in a hash table."""
_LARGEST_CODE = 2.0**62
"""Number of combinations of values that a 64-bit number tells apart."""


class Units(NamedTuple):
    """The units that data are counted in while a model is fitted.

    ``scale`` is the unit of time or money, ``densities`` how often it divides the likelihood, ``covariates`` (C,) are
    the standard deviations of the covariates.
    """

    scale: float = 1.0
    densities: float = 0.0
    covariates: Array = np.empty(0)


class Distinct(NamedTuple):
    """The different values (V,) of a column, and the number of each row's value (H,).

    Functions of one column alone are computed on the few different values and then expanded.
    """

    values: Array
    codes: Codes

    def expand(self, of_values: Array) -> Array:
        """Return what was computed on the different values (..., V) for each row (..., H)."""
        return of_values.take(self.codes, axis=-1)

    def sums(self, weights: Array) -> Array:
        """Return sums of the rows' weights for each value."""
        return np.bincount(self.codes, weights=weights, minlength=len(self.values)).astype(float)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Histories:
    """Distinct purchase histories (H,), how many customers have each, and their covariates (H, C).

    ``inverse`` (N,) is the history of each row of the caller's table, ``index`` (N,) its index.
    """

    frequency: Array
    recency: Array
    age: Array
    customers: Array
    covariates: Array
    inverse: Codes
    index: pd.Index

    def __len__(self) -> int:
        return len(self.frequency)

    @cached_property
    def total(self) -> float:
        """Number of customers."""
        return float(self.customers.sum())

    @cached_property
    def by_frequency(self) -> Distinct:
        """The different frequencies."""
        return distinct(self.frequency)

    @cached_property
    def by_recency(self) -> Distinct:
        """The different recencies."""
        return self._by_time(self.recency)

    @cached_property
    def by_age(self) -> Distinct:
        """The different ages."""
        return self._by_time(self.age)

    def _by_time(self, times: Array) -> Distinct:
        """Tell times apart, or none where covariates make customers of one time differ."""
        return Distinct(times, np.arange(len(times))) if self.covariates.shape[1] else distinct(times)

    def per_row(self, of_histories: Array) -> Array:
        """Return what was computed on the histories (..., H) for each row (..., N) of the caller's table."""
        return of_histories.take(self.inverse, axis=-1)

    def subset(self, which: Codes | slice) -> Histories:
        """Return some of the histories by their numbers, of which one may occur several times, as if they were all."""
        frequency = self.frequency[which]
        return Histories(
            frequency=frequency,
            recency=self.recency[which],
            age=self.age[which],
            customers=self.customers[which],
            covariates=self.covariates[which],
            inverse=np.arange(len(frequency)),
            index=pd.RangeIndex(len(frequency)),
        )

    def standardised(self) -> tuple[Histories, Units]:
        """Return the same with the mean age as unit of time and covariates of standard deviation 1."""
        mean = float(self.age @ self.customers) / self.total
        away = self.covariates - self.customers @ self.covariates / self.total
        spread = np.sqrt(self.customers @ away**2 / self.total)
        units = Units(
            scale=mean if mean > 0 else 1.0,
            densities=float(self.customers @ self.frequency),
            covariates=np.where(spread > 0, spread, 1.0),
        )
        scaled = dataclasses.replace(
            self,
            recency=self.recency / units.scale,
            age=self.age / units.scale,
            covariates=self.covariates / units.covariates,
        )
        return scaled, units

    def check_unit(self, unit: str) -> None:
        """Warn where ages or rates are so large that time was probably counted in another unit."""
        days = UNIT_DAYS[unit]
        oldest, densest = float(self.age.max()), float(np.max(self.frequency / np.maximum(self.age * days, 1.0)))
        told = ""
        if oldest * days > _LONGEST:
            told = f"the oldest customer has an age of {oldest:g} in unit {unit!r}: {oldest * days / 365.25:,.0f} years"
        elif densest > _DENSEST:
            told = f"a customer bought {densest:,.0f} times a day in unit {unit!r}"
        if told:
            warnings.warn(f"{told}: was time counted in another unit?", UserWarning, stacklevel=4)


def read_histories(
    summary: pd.DataFrame, *, unit: str, covariates: Sequence[str] = (), grouped: bool = True
) -> Histories:
    """Check a table of customers and group those with equal histories, unless they are to stay apart.

    Columns are ``frequency``, ``recency``, ``age`` (or ``T``) and the covariates, and ``customers`` where a row stands
    for several. A row that cannot be a purchase history is refused by column and rule.
    """
    if unit not in UNIT_DAYS:
        raise ValueError(f"unknown unit of time {unit!r}: use 'D' (days), 'W' (weeks), 'M' (months) or 'Y' (years)")
    needed = ["frequency", "recency", "T" if "T" in summary and "age" not in summary else "age", *covariates]
    absent = tuple(name for name in needed if name not in summary)
    if absent:
        raise MissingData("customer summary", absent)
    if len(summary) == 0:
        raise TooLittleData("the customer summary is empty: a model needs at least one customer")
    told = summary.attrs.get("unit", unit)
    if told != unit:
        raise ValueError(f"the summary counts time in {told!r}, the model in {unit!r}: give the model unit={told!r}")
    keys = [numbers(summary, name) for name in needed]
    if grouped:
        columns, inverse, rows = _group(keys, days=UNIT_DAYS[unit])
    else:
        columns, inverse, rows = keys, np.arange(len(summary)), np.ones(len(summary), dtype=np.intp)
    x, last, age = columns[:3]
    for broken, rule in (
        (x < 0, "frequency is negative"),
        (last < 0, "recency is negative"),
        (age < 0, "age is negative"),
        (x != np.floor(x), "frequency is no whole number"),
        (last > age, "recency exceeds age: the last purchase lies after the end of observation"),
        ((x > 0) & (last == 0), "there are repeat purchases (frequency > 0), yet recency is 0"),
        ((x == 0) & (last > 0), "there are no repeat purchases (frequency 0), yet recency is above 0"),
    ):
        refuse(summary, broken[inverse] if broken.any() else broken, rule)
    customers = rows.astype(float)
    if "customers" in summary:
        weights = numbers(summary, "customers")
        refuse(summary, weights < 0, "the number of customers is negative")
        if not weights.any():
            raise TooLittleData("the customer summary counts no customer: the column 'customers' holds only zeros")
        customers = np.bincount(inverse, weights=weights, minlength=len(x)).astype(float)
    return Histories(
        frequency=x,
        recency=last,
        age=age,
        customers=customers,
        covariates=np.column_stack(columns[3:]) if covariates else np.empty((len(x), 0)),
        inverse=inverse,
        index=summary.index,
    )


def new_customers(count: int = 1, covariates: Array | None = None) -> Histories:
    """Return the histories of customers who have just made their first purchase, with their covariates (count, C)."""
    zeros = np.zeros(count)
    return Histories(
        frequency=zeros,
        recency=zeros,
        age=zeros,
        customers=np.ones(count),
        covariates=np.empty((count, 0)) if covariates is None else covariates,
        inverse=np.arange(count),
        index=pd.RangeIndex(count),
    )


def numbers(table: pd.DataFrame, name: str, *, missing: bool = False) -> Array:
    """Return a column of finite numbers; missing ones are refused unless they may be."""
    try:
        values = table[name].to_numpy(dtype=float, na_value=np.nan)
    except (TypeError, ValueError):
        raise ValueError(f"column {name!r} must hold numbers, not {table[name].dtype}") from None
    if not missing:
        refuse(table, ~np.isfinite(values), f"column {name!r} is missing or infinite")
    return np.ascontiguousarray(values)


def refuse(table: pd.DataFrame, broken: npt.NDArray[np.bool_], rule: str, what: str = "the customer summary") -> None:
    """Raise an error that names the first rows which break a rule, if any do."""
    if broken.any():
        rows = [str(label) for label in table.index[broken][:3]]
        more = f" and {int(broken.sum()) - 3} more" if broken.sum() > 3 else ""
        raise ValueError(f"{rule} in {int(broken.sum())} of {len(table)} rows of {what}: {', '.join(rows)}{more}")


def distinct(column: Array) -> Distinct:
    """Return the different values of a column and which of them each row has."""
    codes, values = pd.factorize(column)
    return Distinct(values=np.asarray(values), codes=codes)


def _group(keys: Sequence[Array], *, days: float) -> tuple[list[Array], Codes, Codes]:
    """Return the keys of each group of rows with equal keys, the group of each row, and the rows of each group."""
    numbered = [_numbered(key, days=days) for key in keys]
    combined: Any = np.zeros(len(keys[0]), dtype=np.int64)
    size = 1.0
    for codes, values in numbered:
        size *= len(values)
        if size > _LARGEST_CODE:
            break
        combined = combined * len(values) + codes
    else:
        inverse, rest = _compact(combined, int(size))
        columns = []
        for _, values in reversed(numbered):
            rest, code = np.divmod(rest, len(values))
            columns.append(values[code])
        return columns[::-1], inverse, np.bincount(inverse)
    inverse = np.zeros(len(keys[0]), dtype=np.int64)
    for codes, values in numbered:
        # Numbered afresh at each step, so that the product never overflows.
        inverse, _ = pd.factorize(inverse * len(values) + codes)
    first = np.empty(inverse.max() + 1, dtype=np.intp)
    first[inverse[::-1]] = np.arange(len(inverse) - 1, -1, -1)
    return [key[first] for key in keys], inverse, np.bincount(inverse)


def _compact(codes: Codes, size: int) -> tuple[Codes, Any]:
    """Number the codes that occur without gaps: return the number of each row, and the codes by number."""
    if size > min(_DENSE_TABLE, 16 * len(codes)):
        return pd.factorize(codes)
    occurs = np.zeros(size, dtype=bool)
    occurs[codes] = True
    taken = np.flatnonzero(occurs)
    position = np.empty(size, dtype=np.int32)
    position[taken] = np.arange(len(taken), dtype=np.int32)
    return position.take(codes).astype(np.intp), taken


def _numbered(key: Array, *, days: float) -> tuple[Codes, Array]:
    """Return a number for each value, and the values by number; not every number need occur.

    Counts, and times that were whole days before they were divided, are numbered by arithmetic, which is faster than
    looking each of them up.
    """
    for scale in (1.0, days):
        if not np.array_equal(np.rint(key[:64] * scale) / scale, key[:64]):
            continue
        whole = np.rint(key * scale)
        low, high = whole.min(), whole.max()
        if high - low < _WIDEST and np.array_equal(whole / scale, key):
            codes = whole.astype(np.int64)
            codes -= int(low)
            return codes, np.arange(low, high + 1) / scale
    codes, values = pd.factorize(key)
    return codes, np.asarray(values)
