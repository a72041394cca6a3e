"""Who moved from which segment to which, under one rule that does not move itself."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from crm_lib.company import Company
from crm_lib.customers.window import Basis
from crm_lib.errors import TooLittleData
from crm_lib.estimate import Estimate
from crm_lib.finding import Criterion, Finding
from crm_lib.language import say
from crm_lib.segments.rfm.definitions import SegmentDefinitions, tier_value_of
from crm_lib.segments.rfm.in_engine import estimated, rfm_table
from crm_lib.statistics.balance import net_changes
from crm_lib.statistics.proportions import wilson

OUTSIDE = "(not in the base)"
"""State of customers who are not scored on one of the days: newcomers before, those who are gone after."""
WAYS = ("up", "down", "stayed", "came", "left")
FEWEST = 30
"""Customers on each of the days below whom no movement is told."""
_SLACK = 10
"""A company may have no sale on the first days of a window: one day in so many is allowed for."""
_SHORTEST = 28
"""Days below which a window says little of anybody."""


@dataclass(frozen=True, kw_only=True)
class Movement:
    """Segments of customers on two days, as :func:`movement` found them.

    Parameters
    ----------
    frame : DataFrame
        Indexed by ``customer_id``, everybody scored on either day: ``before`` and ``after`` (segment, or
        "(not in the base)"), ``way`` ("up", "down", "stayed", "came" into the base or "left" it), ``value_before`` and
        ``value_after`` (money of each window, 0 outside the base).
    segments, definitions : tuple of str, SegmentDefinitions
        The segments, best first, and the rule, frozen, by which customers were scored on both days.
    earlier, later, basis : date, date, Basis
        The days, and what the value is.
    net_up : Estimate
        Share of moves that led up or into the base among all moves.
    """

    frame: pd.DataFrame
    segments: tuple[str, ...]
    definitions: SegmentDefinitions
    earlier: dt.date
    later: dt.date
    basis: Basis
    net_up: Estimate

    def matrix(self) -> pd.DataFrame:
        """Return the numbers of customers by segment before (rows) and after (columns)."""
        return movement_matrix(self.frame["before"], self.frame["after"], [*self.segments, OUTSIDE])

    def table(self) -> pd.DataFrame:
        """Return each segment's size on both days and its net change."""
        matrix = self.matrix()
        ways = pd.crosstab(self.frame["before"], self.frame["way"]).reindex(
            index=self.segments, columns=WAYS, fill_value=0
        )
        before, after = matrix.sum(axis=1), matrix.sum(axis=0)
        table = pd.DataFrame({"before": before, "after": after}).loc[list(self.segments)]
        table = table.join(ways[["up", "down", "left"]])
        table["stayed_share"] = ways["stayed"] / table["before"].where(table["before"] > 0)
        changes = net_changes(matrix.to_numpy())
        table["net_change"] = pd.Series(changes[:-1], index=table.index, dtype=object)
        return table.rename_axis("segment")

    def flows(self) -> pd.DataFrame:
        """Return the value that came and went by way of movement."""
        table = self.frame.groupby("way").agg(
            customers=("value_before", "size"), value_before=("value_before", "sum"), value_after=("value_after", "sum")
        )
        table = table.reindex(list(WAYS), fill_value=0)
        table["change"] = table["value_after"] - table["value_before"]
        return table.rename_axis("way")


def movement(
    company: Company,
    definitions: SegmentDefinitions | None = None,
    *,
    earlier: dt.date | None = None,
    later: dt.date | None = None,
) -> Movement:
    """Compare the segments of customers on two days, scored by one rule.

    Quantiles estimated anew on each day keep every segment about as large as it was, whatever customers do. So the cut
    points of the earlier day, or those frozen in the definitions, are used on both: a customer moves because of what
    she did, not because others did more. On each day only what was known then counts.

    Parameters
    ----------
    company : Company
        The company.
    definitions : SegmentDefinitions, optional
        The definitions; cut points that they lack, or that were estimated after the earlier day, are estimated on it.
    earlier, later : date, optional
        The days; by default the company's ``as_of`` and the length of the window before it, so that the two windows do
        not overlap.

    Returns
    -------
    Movement
        States, matrix, flows and tests.

    Raises
    ------
    TooLittleData
        If fewer than 30 customers are scored on one of the days, or the data begin within the earlier window: half a
        window would make everybody look as if they had come or risen since.
    """
    definitions = SegmentDefinitions() if definitions is None else definitions
    later = company.as_of if later is None else later
    earlier = later - dt.timedelta(days=definitions.window_days) if earlier is None else earlier
    if not earlier < later <= company.as_of:
        raise ValueError(f"the days must be in order and not after {company.as_of}, not {earlier} and {later}")
    definitions = definitions.known_on(earlier)
    _check_covered(company, earlier, later, definitions.window_days)
    if not definitions.frozen:
        anew = estimated(definitions, company, ending=earlier)
        definitions = dataclasses.replace(anew, rfm_cut_points=definitions.rfm_cut_points or anew.rfm_cut_points)
    parts = [_scored(company, definitions, day) for day in (earlier, later)]
    for part, day in zip(parts, (earlier, later), strict=True):
        if len(part) < FEWEST:
            message = "needs {fewest} customers with a score on {day}; there are {count}"
            raise TooLittleData(say(message, count=len(part), day=day, fewest=FEWEST))
    both = parts[0].add_suffix("_before").join(parts[1].add_suffix("_after"), how="outer").sort_index()
    frame = pd.DataFrame({"before": both["segment_before"], "after": both["segment_after"]}).fillna(OUTSIDE)
    segments = tuple(rule.name for rule in definitions.rules)
    frame["way"] = _ways(frame["before"], frame["after"], segments)
    for name in ("value_before", "value_after"):
        frame[name] = both[name].fillna(0.0)
    rising = int(frame["way"].isin(["up", "came"]).sum())
    falling = int(frame["way"].isin(["down", "left"]).sum())
    kind = tier_value_of(definitions, company)
    basis = Basis(kind=kind, currency=company.currency, days=definitions.window_days, ending=later)
    return Movement(
        frame=frame,
        segments=segments,
        definitions=definitions,
        earlier=earlier,
        later=later,
        basis=basis,
        net_up=wilson(rising, rising + falling),
    )


_HEADS = {
    1: "From {earlier} to {later} more customers moved up or came ({rising:count}) than moved down or left "
    "({falling:count}): {estimate} of the moves led up.",
    0: "From {earlier} to {later} as many customers moved up or came ({rising:count}) as moved down or left "
    "({falling:count}): {estimate} of the moves led up.",
    -1: "From {earlier} to {later} more customers moved down or left ({falling:count}) than moved up or came "
    "({rising:count}): {estimate} of the moves led up.",
}
_CHANGED = {1: "rose by {amount}", 0: "did not change", -1: "fell by {amount}"}


def finding_movement(moved: Movement) -> Finding:
    """Return the finding on whether more customers move up than down."""
    flows, currency = moved.flows(), moved.basis.currency
    counts = flows["customers"]
    rising, falling = (int(counts[ways].sum()) for ways in (["up", "came"], ["down", "left"]))
    lost = max(-float(flows.loc[["down", "left"], "change"].sum()), 0.0)
    net = round(float(flows["change"].sum()), 2)
    changed = say(_CHANGED[int(np.sign(net))], amount=str(Estimate.exact(abs(net), n=1, unit=currency)))
    return Finding(
        key="segments.movement",
        claim="More customers move up, or come, than move down, or leave.",
        source="Textbook 4.2.2, stage 6: core, former and new customers; 4.1, the customer cycle",
        estimate=moved.net_up,
        criterion=Criterion(low=0.5),
        sentence=_HEADS[int(np.sign(rising - falling))],
        if_supported="Keep doing what brings customers up, and find out what it is: ask those who rose or came.",
        if_not_supported="Ask those who moved down or left why, {first}, and weigh winning against keeping: heads "
        "alone do not say which pays.",
        if_undecided="Moves up and down balance: treat the base as steady, and look at single segments whose net "
        "change stands out.",
        values={
            "rising": rising, "falling": falling, "earlier": moved.earlier, "later": moved.later,
            "first": _first(moved), "kind": moved.basis.kind, "days": moved.basis.days, "changed": changed,
        },
        money_at_stake=Estimate.exact(lost, n=int(counts[["down", "left"]].sum()), unit=currency, method="sum"),
        money_note="{kind:words} that those who moved down or left brought less in {days} days than in the {days} "
        "before; over all customers it {changed}",
    )  # fmt: skip


def _first(moved: Movement) -> str:
    """Say where to begin: with those who moved down from the segment that lost most value by it."""
    fell = moved.frame[moved.frame["way"] == "down"]
    lost = (fell["value_before"] - fell["value_after"]).groupby(fell["before"]).sum().reindex(moved.segments).dropna()
    if lost.empty or lost.max() <= 0:
        return say("the most valuable first")
    return say("those who fell from {segment:words} first", segment=str(lost.idxmax()))


def fitting_windows(company: Company, definitions: SegmentDefinitions) -> SegmentDefinitions:
    """Return definitions with a window that the data hold twice.

    Parameters
    ----------
    company : Company
        The company.
    definitions : SegmentDefinitions
        Returned as they are where the data reach back two windows, or do not hold even twice four weeks. Else their
        window becomes half of the days from the first order to ``as_of``, in whole weeks, and their cut points go.
    """
    begin = data_begin(company)
    span = (company.as_of - begin).days if begin else 0
    if 2 * definitions.window_days - definitions.window_days // _SLACK <= span:
        return definitions
    days = span // 2 // 7 * 7
    if days < _SHORTEST:
        return definitions
    return dataclasses.replace(definitions.free(), window_days=days)


def movement_matrix(before: pd.Series[str], after: pd.Series[str], states: Sequence[str]) -> pd.DataFrame:
    """Return how many customers went from each state to each.

    Examples
    --------
    >>> movement_matrix(pd.Series(["a", "a"]), pd.Series(["a", "b"]), ["a", "b"]).to_numpy().tolist()
    [[1, 1], [0, 0]]
    """
    index = pd.Index(states)
    rows, columns = index.get_indexer(pd.Index(before)), index.get_indexer(pd.Index(after))
    counts = np.bincount(rows * len(index) + columns, minlength=len(index) ** 2).reshape(len(index), len(index))
    return pd.DataFrame(counts, index=index.rename("before"), columns=index.rename("after"))


def _check_covered(company: Company, earlier: dt.date, later: dt.date, days: int) -> None:
    begin = data_begin(company)
    if begin is None or (begin - earlier).days + days > days // _SLACK:
        message = (
            "the data begin on {begin}, too late for {days} days up to {earlier}: two windows up to {later} can have "
            "{most} days at most"
        )
        most = max((later - begin).days // 2, 0) if begin else 0
        raise TooLittleData(say(message, begin=begin, days=days, earlier=earlier, later=later, most=most))


def data_begin(company: Company) -> dt.date | None:
    """Return the day of the first order line."""
    first: dt.date | None = company.table("transactions").ordered_at.date().min().to_pyarrow().as_py()
    return first


def _scored(company: Company, definitions: SegmentDefinitions, day: dt.date) -> pd.DataFrame:
    table = rfm_table(company, definitions, ending=day)
    table = table.drop_null("segment").select("customer_id", "segment", "value")
    frame: pd.DataFrame = table.execute()
    return frame.set_index("customer_id")


def _ways(before: pd.Series[str], after: pd.Series[str], segments: Sequence[str]) -> pd.Series[str]:
    places = pd.Index([*segments, OUTSIDE])
    start, end, outside = places.get_indexer(pd.Index(before)), places.get_indexer(pd.Index(after)), len(segments)
    conditions = [start == outside, end == outside, end < start, end > start]
    return pd.Series(np.select(conditions, ["came", "left", "up", "down"], "stayed"), index=before.index)
