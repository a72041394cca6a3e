"""RFM: recency, frequency and monetary value of every customer, scored with explicit cut points."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from crm_lib import language
from crm_lib.errors import TooLittleData
from crm_lib.segments.rfm.rules import Rule, apply_rules, check_rules
from crm_lib.segments.rfm.segment_rules import score_variables, segment_rules

MEASURES = ("recency", "frequency", "monetary")
CutPoints = Mapping[str, tuple[float, ...]]
Base = Literal["buyers", "known"]
BASES = ("buyers", "known")


@dataclass(frozen=True, kw_only=True)
class RFM:
    """Scores and segments of customers, as :func:`rfm_scores` made them.

    Parameters
    ----------
    frame : DataFrame
        Indexed as the summary that came in: ``recency`` (days since the last purchase), ``frequency`` (orders),
        ``monetary`` (revenue), ``recency_score``, ``frequency_score``, ``monetary_score`` (1 to `levels`, more is
        better) and ``segment``.
    cut_points : mapping of str to tuple of float
        For each measure, the ``levels - 1`` values at which the score changes. Pass them to :func:`rfm_scores` to score
        later data by the same rule.
    levels : int
        Highest score.
    left_out : int
        Customers without a purchase, who have no score.
    rules : tuple of Rule
        The rules of the segments, in the order in which segments are listed.
    as_of : date
        Day from which recency is counted back.
    base : {"buyers", "known"}
        Who is scored: those who bought in the window, or everybody who ever bought.
    window_days : int or None
        Days that orders and money cover, where the caller said so.
    """

    frame: pd.DataFrame
    cut_points: CutPoints
    levels: int
    left_out: int
    rules: tuple[Rule, ...]
    as_of: dt.date
    base: Base = "buyers"
    window_days: int | None = None

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
        """Return the segments with their size and value.

        Parameters
        ----------
        value : Series
            Value of each customer (money), indexed like the frame.

        Returns
        -------
        DataFrame
            Indexed by ``segment``, best first, segments without customers included: ``customers``,
            ``customer_share``, ``value``, ``value_share``, ``mean_value`` (a customer), ``median_recency`` (days) and
            ``action``.
        """
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


def rfm_scores(
    summary: pd.DataFrame,
    *,
    as_of: dt.date,
    levels: int = 5,
    cut_points: CutPoints | None = None,
    rules: Sequence[Rule] | None = None,
    base: Base = "buyers",
    window_days: int | None = None,
) -> RFM:
    """Score customers by recency, frequency and monetary value.

    Equal customers always get equal scores: a score depends on the value alone, never on the place in the table.
    By default the cut points are quantiles. Where many customers share a value (one order), they stay together and
    get the score in which the middle of them lies; scores they would have spilled into stay empty. Customers who are
    all alike, or one alone, get the middle score. There is no other policy for ties: to part equal customers by their
    place in the table would give another result for another order of the same rows.

    Parameters
    ----------
    summary : DataFrame
        One row per customer with ``last_purchase`` (date), ``orders`` (count) and ``revenue`` (money), such as
        :func:`~crm_lib.segments.customer_window` gives. What they cover is the caller's choice: a window compares
        customers over the same time, a whole history favours old customers. Returns are the caller's choice as well:
        `customer_window` counts no return as an order and takes what was paid back off the revenue, so that a customer
        who returned everything is scored as one who brought nothing, or less.
    as_of : date
        Day from which recency is counted back.
    levels : int
        Highest score, 3 to 5.
    cut_points : mapping of str to tuple of float, optional
        For "recency", "frequency" and "monetary" the ``levels - 1`` cut points in ascending order: a value
        above a cut point lies in the next class, and for recency the low class is the good one. Those of an earlier
        result keep its rule.
    rules : sequence of Rule, optional
        Rules of the segments on the variables of :func:`score_variables`, by default those of :func:`segment_rules`.
        They must take every customer there can be exactly once.
    base : {"buyers", "known"}
        Whether only customers with orders in the summary are scored, or all who have a last purchase; the latter needs
        a summary of everybody who is known, orders 0 included.
    window_days : int, optional
        Days that the summary covers; only stated in the result.

    Returns
    -------
    RFM
        Scores, cut points and segments.

    Raises
    ------
    ValueError
        If a column is missing, a purchase lies after `as_of`, or the cut points or rules do not fit.
    TooLittleData
        If nobody has a purchase.

    Examples
    --------
    >>> summary = pd.DataFrame({"last_purchase": pd.to_datetime(["2026-01-30", "2026-01-01", "2025-06-01"]),
    ...                         "orders": [9, 2, 1], "revenue": [900.0, 50.0, 20.0]}, index=["a", "b", "c"])
    >>> rfm_scores(summary, as_of=dt.date(2026, 1, 31), levels=3).frame["segment"].to_dict()
    {'a': 'Champions', 'b': 'Steady', 'c': 'Dormant'}
    """
    if not 3 <= levels <= 5:
        raise ValueError(f"levels must be 3, 4 or 5, not {levels}")
    if base not in BASES:
        raise ValueError(f"base must be 'buyers' or 'known', not {base!r}")
    used = segment_rules(levels) if rules is None else tuple(rules)
    if rules is not None:
        check_rules(used, score_variables(levels))
    missing = [name for name in ("last_purchase", "orders", "revenue") if name not in summary]
    if missing:
        raise ValueError(f"the summary lacks {', '.join(missing)}; it has {', '.join(map(str, summary.columns))}")
    bought = summary["last_purchase"].notna()
    buyers = summary.loc[bought & (summary["orders"] > 0) if base == "buyers" else bought]
    if buyers.empty:
        raise TooLittleData(language.text("nobody bought anything in the window, so there is nobody to score"))
    frame = pd.DataFrame(
        {
            "recency": (pd.Timestamp(as_of) - pd.to_datetime(buyers["last_purchase"])).dt.days,
            "frequency": buyers["orders"],
            "monetary": buyers["revenue"],
        },
        index=buyers.index,
    )
    if (frame["recency"] < 0).any():
        late = frame.index[frame["recency"] < 0][:3].tolist()
        raise ValueError(f"customers {late} bought after {as_of}: open the company as of that day")
    cuts = dict(cut_points or {name: _quantile_cuts(frame[name], levels) for name in MEASURES})
    check_cut_points(cuts, levels)
    for name in MEASURES:
        above = np.searchsorted(np.asarray(cuts[name]), frame[name].to_numpy(dtype=float), side="left")
        frame[f"{name}_score"] = levels - above if name == "recency" else above + 1
    weight = frame["frequency_score"] + frame["monetary_score"]
    frame["segment"] = apply_rules(frame.assign(weight=weight), used).astype("str")
    return RFM(
        frame=frame,
        cut_points=cuts,
        levels=levels,
        left_out=len(summary) - len(buyers),
        rules=used,
        as_of=as_of,
        base=base,
        window_days=window_days,
    )


def _quantile_cuts(values: pd.Series[float], levels: int) -> tuple[float, ...]:
    array: NDArray[np.float64] = np.asarray(values, dtype=np.float64)
    found, counts = np.unique(array, return_counts=True)
    return quantile_cut_points(found, counts, levels)


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
