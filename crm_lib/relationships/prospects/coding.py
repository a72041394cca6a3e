"""Attributes as categories: what was seen in the past, what is new, and how many past cases stand behind each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from crm_lib.segments.profit import NOT_KNOWN
from crm_lib.statistics.pooled_rates import Ints
from crm_lib.statistics.resampling import Floats

MOST_CATEGORIES = 50
_BINS = 5


@dataclass(frozen=True, kw_only=True, eq=False)
class Attribute:
    """One attribute: its categories, or the cuts that make categories of a number.

    Parameters
    ----------
    name : str
        Name of the column.
    categories : tuple of str
        The categories seen, in order.
    counts : array (k,)
        Past cases in each.
    cuts : array or None
        Inner edges of the bins of a number; None for texts.
    low, high : float
        Range of a number in the past.
    """

    name: str
    categories: tuple[str, ...]
    counts: Ints
    cuts: Floats | None
    low: float
    high: float

    def codes(self, column: pd.Series[Any]) -> Ints:
        """Return the number of each value's category, -1 for one that was never seen.

        Parameters
        ----------
        column : Series
            Values of the attribute.
        """
        known = pd.Index(self.categories)
        if self.cuts is None:
            return np.asarray(known.get_indexer(pd.Index(_texts(column))), dtype=np.int64)
        # Bins have numbers, so that a million values need no texts.
        places = known.get_indexer(pd.Index([*(_bin(number) for number in range(len(self.cuts) + 1)), NOT_KNOWN]))
        return np.asarray(places[_bins(column, self.cuts)], dtype=np.int64)

    def outside(self, column: pd.Series[Any]) -> NDArray[np.bool_]:
        """Return which values are unlike all of the past: a new category, or a number beyond the range.

        Parameters
        ----------
        column : Series
            Values of the attribute.
        """
        if self.cuts is None:
            return self.codes(column) < 0
        numbers = pd.to_numeric(column).to_numpy(dtype=float)
        return np.asarray((numbers < self.low) | (numbers > self.high) | (self.codes(column) < 0))


@dataclass(frozen=True, kw_only=True, eq=False)
class Coding:
    """Several attributes and the design matrix they make.

    Parameters
    ----------
    attributes : tuple of Attribute
        The attributes, in order.
    """

    attributes: tuple[Attribute, ...]

    @property
    def groups(self) -> Ints:
        """Number of the attribute of each column of the design; -1 for the intercept."""
        sizes = [len(attribute.categories) for attribute in self.attributes]
        return np.concatenate([[-1], np.repeat(np.arange(len(sizes)), sizes)]).astype(np.int64)

    def design(self, frame: pd.DataFrame) -> Floats:
        """Return the design: 1, then a column a category; a category never seen has no column and so the mean of all.

        Parameters
        ----------
        frame : DataFrame (n rows)
            The attributes.
        """
        parts = [np.ones((len(frame), 1))]
        for attribute in self.attributes:
            codes = attribute.codes(frame[attribute.name])
            marks = np.zeros((len(frame), len(attribute.categories)))
            rows = np.flatnonzero(codes >= 0)
            marks[rows, codes[rows]] = 1.0
            parts.append(marks)
        return np.concatenate(parts, axis=1)

    def outside(self, frame: pd.DataFrame) -> pd.Series[bool]:
        """Return which rows are unlike the past in some attribute.

        Parameters
        ----------
        frame : DataFrame (n rows)
            The attributes.
        """
        marks = np.zeros(len(frame), dtype=bool)
        for attribute in self.attributes:
            marks |= attribute.outside(frame[attribute.name])
        return pd.Series(marks, index=frame.index, dtype=bool)

    def alike(self, frame: pd.DataFrame) -> pd.Series[int]:
        """Return, for each row, the past cases in the rarest of its categories.

        Parameters
        ----------
        frame : DataFrame (n rows)
            The attributes.
        """
        fewest = np.full(len(frame), np.iinfo(np.int64).max)
        for attribute in self.attributes:
            codes = attribute.codes(frame[attribute.name])
            fewest = np.minimum(fewest, np.append(attribute.counts, 0)[codes])
        return pd.Series(fewest, index=frame.index)


def learn_coding(frame: pd.DataFrame, names: Sequence[str]) -> Coding:
    """Return the categories of attributes in past cases.

    Parameters
    ----------
    frame : DataFrame (n rows)
        Past cases.
    names : sequence of str
        The attributes. Numbers are cut into five bins of about equal size, and what is missing is a category of its
        own. Texts of more than 50 categories (names, free text) are left out.

    Returns
    -------
    Coding
        The attributes that can be used; one that is the same for all of the past teaches nothing and is left out.
    """
    learned = (_learn(frame[name]) for name in names)
    return Coding(attributes=tuple(one for one in learned if 1 < len(one.categories) <= MOST_CATEGORIES))


def _learn(column: pd.Series[Any]) -> Attribute:
    cuts: Floats | None = None
    low, high = float("nan"), float("nan")
    if pd.api.types.is_numeric_dtype(column) and not pd.api.types.is_bool_dtype(column):
        numbers = column.to_numpy(dtype=float)
        numbers = numbers[np.isfinite(numbers)]
        cuts = np.asarray(np.unique(np.quantile(numbers, np.arange(1, _BINS) / _BINS)) if numbers.size else [], float)
        low, high = (float(numbers.min()), float(numbers.max())) if numbers.size else (low, high)
    if cuts is None:
        counted = _texts(column).value_counts().sort_index()
    else:
        bins = np.bincount(_bins(column, cuts), minlength=len(cuts) + 2)
        counted = pd.Series(bins, index=[*map(_bin, range(len(cuts) + 1)), NOT_KNOWN])
        counted = counted[counted > 0]
    return Attribute(
        name=str(column.name),
        categories=tuple(str(name) for name in counted.index),
        counts=np.asarray(counted, dtype=np.int64),
        cuts=cuts,
        low=low,
        high=high,
    )


def _texts(column: pd.Series[Any]) -> pd.Series[str]:
    if column.dtype == "str":
        return column.fillna(NOT_KNOWN)
    texts: pd.Series[str] = column.astype(object).where(column.notna(), NOT_KNOWN).astype("str")
    return texts


def _bin(number: int) -> str:
    return f"bin {number}"


def _bins(column: pd.Series[Any], cuts: Floats) -> Ints:
    """Return the number of each value's bin; the last is for what is missing."""
    numbers = pd.to_numeric(column).to_numpy(dtype=float)
    return np.where(np.isfinite(numbers), np.searchsorted(cuts, numbers, side="left"), len(cuts) + 1)
