"""RFM: recency, frequency and monetary value of every customer, scored with explicit cut points."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from crm_lib.segments.rfm.rules import Rule
from crm_lib.segments.rfm.segment_rules import SEGMENT_RULES

MEASURES = ("recency", "frequency", "monetary")
CutPoints = Mapping[str, tuple[float, ...]]
Base = Literal["buyers", "known"]
BASES = ("buyers", "known")


@dataclass(frozen=True, kw_only=True)
class RFM:
    """Scores and segments of customers, as :func:`~crm_lib.segments.segment_customers` made them.

    Parameters
    ----------
    frame : DataFrame
        Indexed by ``customer_id``: ``recency`` (days since the last purchase), ``frequency`` (orders), ``monetary``
        (money), ``recency_score``, ``frequency_score``, ``monetary_score`` (1 to `levels`, more is better),
        ``segment``.
    cut_points : mapping of str to tuple of float
        For each measure, the ``levels - 1`` values at which the score changes.
    levels, left_out : int
        Highest score, and number of customers without a purchase, who have no score.
    rules : tuple of Rule
        The rules of the segments, in the order in which segments are listed.
    as_of, base, window_days : date, str, int or None
        Day from which recency is counted back, who is scored, and the days that orders and money cover.
    """

    frame: pd.DataFrame
    cut_points: CutPoints
    levels: int
    left_out: int
    rules: tuple[Rule, ...]
    as_of: dt.date
    base: Base = "buyers"
    window_days: int | None = None

    @property
    def best(self) -> str:
        """The best segment: the champions, or where a company's own rules know none, the one with most money each."""
        if any(rule.name == SEGMENT_RULES[0].name for rule in self.rules):
            return SEGMENT_RULES[0].name
        return str(self.frame.groupby("segment")["monetary"].mean().idxmax())

    def cut_table(self) -> pd.DataFrame:
        """Return the rule in words of numbers: for each measure and score, the range of values and its customers."""
        tables = []
        for measure in MEASURES:
            by_score = self.frame.groupby(f"{measure}_score")[measure].agg(["min", "max", "size"])
            by_score = by_score.reindex(range(self.levels, 0, -1))
            by_score.columns = pd.Index(["from", "to", "customers"])
            tables.append(by_score.assign(measure=measure, score=by_score.index))
        table = pd.concat(tables, ignore_index=True)
        table["customers"] = table["customers"].fillna(0).astype("int64")
        return table[["measure", "score", "from", "to", "customers"]]

    def segment_table(self, value: pd.Series[float]) -> pd.DataFrame:
        """Return the segments with their size and value."""
        both = self.frame.assign(value=value.reindex(self.frame.index))
        table = both.groupby("segment").agg(
            customers=("value", "size"), value=("value", "sum"), median_recency=("recency", "median")
        )
        table = table.reindex([rule.name for rule in self.rules])
        table[["customers", "value"]] = table[["customers", "value"]].fillna(0)
        table["customers"] = table["customers"].astype("int64")
        table["customer_share"] = table["customers"] / table["customers"].sum()
        total = table["value"].sum()
        table["value_share"] = table["value"] / total if total > 0 else np.nan
        table["mean_value"] = table["value"] / table["customers"].where(table["customers"] > 0)
        table["action"] = [rule.action for rule in self.rules]
        order = ["customers", "customer_share", "value", "value_share", "mean_value", "median_recency", "action"]
        return table[order].rename_axis("segment")


def quantile_cut_points(found: NDArray[np.float64], counts: NDArray[np.int64], levels: int) -> tuple[float, ...]:
    """Return, for each k, the largest value whose customers lie, by their middle, within the lowest k/levels.

    Examples
    --------
    >>> quantile_cut_points(np.array([1.0, 2.0, 3.0]), np.array([6, 3, 1]), 5)
    (-inf, 1.0, 1.0, 2.0)
    """
    # Twice the middle rank, in whole numbers: a comparison of fractions would depend on rounding.
    middle = 2 * counts.cumsum() - counts
    within = [(middle * levels <= 2 * k * counts.sum()).sum() for k in range(1, levels)]
    return tuple(float(found[number - 1]) if number else -np.inf for number in within)


def check_cut_points(cuts: CutPoints, levels: int) -> None:
    """Raise an error unless there are cut points of all three measures, in ascending order."""
    if set(cuts) != set(MEASURES):
        raise ValueError(f"cut points are needed for {', '.join(MEASURES)}; got {', '.join(sorted(cuts)) or 'none'}")
    for name in MEASURES:
        points = cuts[name]
        if len(points) != levels - 1 or any(np.isnan(points)) or list(points) != sorted(points):
            raise ValueError(f"{name} needs {levels - 1} cut points in ascending order, not {tuple(points)}")
