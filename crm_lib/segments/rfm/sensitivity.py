"""How much the segments hang on choices that could as well have been made otherwise."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from crm_lib.company import Company
from crm_lib.customers.window import Value
from crm_lib.errors import TooLittleData
from crm_lib.language import say
from crm_lib.segments.rfm.definitions import SegmentDefinitions
from crm_lib.segments.rfm.in_engine import rfm_table
from crm_lib.segments.rfm.movement import data_begin
from crm_lib.segments.rfm.segment_rules import SEGMENT_RULES, segment_rules

_SHIFT = 90
"""Days by which the window is made shorter and longer, at most by half of it."""
NOT_SCORED = "(not scored)"
"""What a customer is under a rule whose base she does not belong to."""


@dataclass(frozen=True, kw_only=True)
class Sensitivity:
    """Segments under the rule in use and under others, as :func:`rfm_sensitivity` found them.

    `frame` is indexed by ``customer_id``: the first column has the segment under the rule in use, each further one that
    under another rule. `left_out` says which rules could not be tried, and why; `segments` are listed best first.
    """

    frame: pd.DataFrame
    left_out: Mapping[str, str]
    segments: tuple[str, ...]

    @property
    def stable(self) -> pd.Series[bool]:
        """Whether each customer has the same segment under every rule."""
        return self.frame.eq(self.frame.iloc[:, 0], axis=0).all(axis=1)

    def table(self) -> pd.DataFrame:
        """Return the share of customers who would be elsewhere under each other rule."""
        now, others = self.frame.iloc[:, 0], self.frame.iloc[:, 1:]
        moved = others.ne(now, axis=0)
        table = pd.DataFrame({"moved": moved.sum(), "moved_share": moved.mean()})
        table["not_scored"] = (others == NOT_SCORED).sum()
        table["moved_far"] = [float(self._far(now, others[name]).mean()) for name in others]
        table = table.sort_values("moved", ascending=False, kind="stable")
        far = pd.DataFrame({name: self._far(now, others[name]) for name in others}).max(axis=1)
        table.loc["any of these"] = [
            int(moved.any(axis=1).sum()), float(moved.any(axis=1).mean()),
            int((others == NOT_SCORED).any(axis=1).sum()), float(far.mean()),
        ]  # fmt: skip
        return table.astype({"moved": "int64", "not_scored": "int64"}).rename_axis("rule")

    def by_segment(self) -> pd.DataFrame:
        """Return which segments are the same whatever the rule."""
        grouped = self.stable.groupby(self.frame.iloc[:, 0])
        table = pd.DataFrame({"customers": grouped.size(), "stable": grouped.sum(), "stable_share": grouped.mean()})
        table = table.reindex(list(self.segments))
        table[["customers", "stable"]] = table[["customers", "stable"]].fillna(0).astype("int64")
        return table.rename_axis("segment")

    def _far(self, now: pd.Series[str], other: pd.Series[str]) -> pd.Series[float]:
        """Whether customers would move by two bands, or out of the base."""
        if self.segments != tuple(rule.name for rule in SEGMENT_RULES):
            return pd.Series(np.nan, index=now.index)
        index = pd.Index(self.segments)
        first, second = index.get_indexer(pd.Index(now)), index.get_indexer(pd.Index(other))
        width = round(len(index) ** 0.5)
        recency, weight = np.abs(first % width - second % width), np.abs(first // width - second // width)
        return pd.Series((second < 0) | (np.maximum(recency, weight) > 1), index=now.index, dtype=float)


def rfm_sensitivity(company: Company, definitions: SegmentDefinitions | None = None) -> Sensitivity:
    """Segment the same customers by other reasonable rules, and see who would be elsewhere.

    A segment that half of its customers leave when the window is a quarter longer is a choice of the analyst and no
    property of the customers. Shares are counts of the company's own customers, and exact.

    Parameters
    ----------
    company : Company
        The company.
    definitions : SegmentDefinitions, optional
        The rule in use; by default that of :class:`SegmentDefinitions`. Cut points that it has are kept for it alone:
        another window or money needs others.

    Returns
    -------
    Sensitivity
        Segments under the rule in use, a window shorter and longer by 90 days, each other number of levels, the other
        of margin and revenue, and returns left in. What the data cannot tell is left out, with the reason.
    """
    used = SegmentDefinitions() if definitions is None else definitions
    days = min(_SHIFT, max(used.window_days // 2, 1))
    segments = tuple(rule.name for rule in used.rules)
    tables = {"rule in use": rfm_table(company, used)}
    others, left_out = _others(company, used, days)
    tables |= {name: rfm_table(company, other) for name, other in others.items()}
    columns = {}
    for name, table in tables.items():
        scored: pd.DataFrame = table.drop_null("segment").select("customer_id", "segment").execute()
        columns[name] = scored.set_index("customer_id")["segment"]
    now = columns.pop("rule in use").sort_index()
    if now.empty:
        raise TooLittleData(say("nobody bought anything in the window, so there is nobody to score"))
    frame = pd.DataFrame({"rule in use": now, **{name: other.reindex(now.index) for name, other in columns.items()}})
    return Sensitivity(frame=frame.fillna(NOT_SCORED), left_out=left_out, segments=segments)


def _others(
    company: Company, used: SegmentDefinitions, days: int
) -> tuple[dict[str, SegmentDefinitions], dict[str, str]]:
    free = used.free()
    shorter, longer = (say(words, days=days) for words in ("window {days} days shorter", "window {days} days longer"))
    others = {shorter: dataclasses.replace(free, window_days=used.window_days - days)}
    left_out = {}
    begin = data_begin(company)
    if begin and begin > company.as_of - dt.timedelta(days=used.window_days + days - 1):
        left_out[longer] = say("the data do not go back so far")
    else:
        others[longer] = dataclasses.replace(free, window_days=used.window_days + days)
    own = say("other levels")
    if used.rules != segment_rules(used.levels):
        left_out[own] = say("the rules of the segments are the company's own")
    for levels in (5, 4, 3):
        if levels != used.levels and own not in left_out:
            name = say("{levels} levels", levels=levels)
            others[name] = dataclasses.replace(free, levels=levels, rules=segment_rules(levels))
    if company.has("transactions", "margin"):
        money: Value = "revenue" if used.monetary == "margin" else "margin"
        others[say(f"{money} as money")] = dataclasses.replace(free, monetary=money)
    else:
        left_out[say("margin as money")] = say("the company does not know its margin")
    other, words = ("gross", "returns not taken off") if used.returns == "net" else ("net", "returns taken off")
    others[say(words)] = dataclasses.replace(free, returns=other)  # type: ignore[arg-type]
    return others, left_out
