"""SWOT that is computed: what was measured, sorted by where it lies and whether it is good news."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import singledispatch
from typing import Any, Final

import pandas as pd

from crm_lib.environment.competition import Competition
from crm_lib.environment.data_readiness import DataReadiness
from crm_lib.environment.frontier import Frontier, finding_efficient
from crm_lib.environment.gaps import Gaps
from crm_lib.environment.measures import MEASURES
from crm_lib.environment.readiness import Readiness
from crm_lib.environment.register import Register
from crm_lib.environment.switching import Switching
from crm_lib.errors import CrmError, TooLittleData
from crm_lib.estimate import Estimate
from crm_lib.finding import Verdict
from crm_lib.language import say, text
from crm_lib.notebook import LeftOut
from crm_lib.schema import TABLES

PARTS: Final = ("strength", "weakness", "opportunity", "threat")
BY_HAND: Final = "entered by hand"
_CONCENTRATED: Final = 0.18
"""Herfindahl-Hirschman index of a highly concentrated market (US Merger Guidelines 2023, guideline 1)."""
_PANEL: Final = "Panel of buyers"
_SIGNS: Final = {"near": "rivals near", "left": "left for a rival in a year", "price": "asked for prices first"}


@dataclass(frozen=True, kw_only=True)
class Swot:
    """Strengths, weaknesses, opportunities and threats.

    `frame` in their order: ``part`` (one of :data:`PARTS`), ``statement``, ``number`` (an Estimate; missing where
    entered by hand) and ``evidence``, its source in words. `open` counts what was measured and speaks for neither side.
    """

    frame: pd.DataFrame
    open: int


@dataclass(frozen=True)
class _Signal:
    statement: str
    number: Estimate
    own: bool
    good: bool | None
    evidence: str


def swot(*evidence: Any, by_hand: Sequence[str] = ()) -> Swot:
    """Sort what was measured into strengths, weaknesses, opportunities and threats.

    What lies with the company is a strength or a weakness, what lies with the market an opportunity or a threat. Only
    what an interval decides is sorted; the rest is counted as open.

    Parameters
    ----------
    *evidence : Gaps, Switching, Competition, Frontier, Readiness, DataReadiness or Register
        Results. What was left out of a notebook is passed over.
    by_hand : sequence of str
        Statements that nobody measured, such as ``"threat: a chain opens next door"``; they are marked.

    Raises
    ------
    TooLittleData
        If there is nothing to sort.
    CrmError
        If a statement entered by hand does not begin with one of the four.
    """
    found = [signal for each in evidence for signal in signals(each)]
    rows: list[tuple[Any, ...]] = [
        (PARTS[2 * (not one.own) + (not one.good)], one.statement, one.number, one.evidence)
        for one in found if one.good is not None
    ]  # fmt: skip
    for line in by_hand:
        part, _, statement = (each.strip() for each in line.partition(":"))
        if part.lower() not in PARTS or not statement:
            raise CrmError(f"'{line}' must begin with one of {', '.join(PARTS)}, such as 'threat: a rival opens'")
        rows.append((part.lower(), statement, None, BY_HAND))
    if not rows:
        raise TooLittleData(say("nothing was measured that speaks for or against the company"))
    frame = pd.DataFrame(rows, columns=["part", "statement", "number", "evidence"])
    order = frame["part"].map({part: place for place, part in enumerate(PARTS)})
    return Swot(
        frame=frame.loc[order.sort_values(kind="stable").index].reset_index(drop=True),
        open=sum(one.good is None for one in found),
    )


@singledispatch
def signals(result: Any) -> Iterator[_Signal]:
    """Yield what a result says for and against the company."""
    raise TypeError(f"a SWOT is not made of {type(result).__name__}")


@signals.register
def _(_: LeftOut) -> Iterator[_Signal]:
    yield from ()


@signals.register
def _(result: Register) -> Iterator[_Signal]:
    for key, each in result.findings.items():
        stated = result.hypotheses[key]
        if stated.good is not None:
            measure = MEASURES[stated.measure]
            yield _Signal(text(measure.words), each.estimate, measure.own, _sign(each.verdict, stated.good),
                          text("Register of hypotheses"))  # fmt: skip


@signals.register
def _(result: Gaps) -> Iterator[_Signal]:
    # Against each rival, what customers rate furthest ahead and furthest behind.
    for brand, gaps in result.frame["gap"].groupby(level="brand"):
        for (item, _), gap in _furthest(gaps):
            said = say("{item:words}, against {brand}", item=item.replace("_", " ").capitalize(), brand=brand)
            yield _Signal(said, gap, True, _beyond(gap), text("Ratings by customers"))


@signals.register
def _(result: Switching) -> Iterator[_Signal]:
    for brand, one in result.net["net"].items():
        said = say("Buyers won from {brand} less those lost to it, of all buyers", brand=brand)
        yield _Signal(said, one, False, _beyond(one), text(_PANEL))
    # In a market of few large brands it decides who leads.
    now = result.shares["now"]
    first, second = sorted(now.index, key=lambda brand: -now[brand].value)[:2]
    leads = now[first].low > now[second].high and result.concentration.low > _CONCENTRATED
    said = say("Concentration of the market (Herfindahl-Hirschman), {brand} leading", brand=first)
    yield _Signal(said, result.concentration, False, first == result.own if leads else None, text(_PANEL))


@signals.register
def _(result: Competition) -> Iterator[_Signal]:
    # Of each sign of competition the regions furthest above and below all regions together.
    for sign, words in _SIGNS.items():
        shares = {region: one for region, one in result.frame.get(sign, {}).items() if one.n}
        common = sum(one.value * one.n for one in shares.values()) / max(sum(one.n for one in shares.values()), 1)
        for region, one in _furthest(shares):
            said = say("{region}: {sign:words} (all regions: {all:share})", region=region, sign=text(words), all=common)
            yield _Signal(said, one, False, _beyond(one, common, less=True), text("Customers by region"))


@signals.register
def _(result: Frontier) -> Iterator[_Signal]:
    # Below the frontier, or on it and, once corrected, at least where the finding wants it.
    good = False if result.own.high < 1 else _sign(finding_efficient(result).verdict, True)
    said = say("Share of its means with which the best practice would reach the same")
    yield _Signal(said, result.own, True, good, text("Benchmarks of the brands"))


@signals.register
def _(result: Readiness) -> Iterator[_Signal]:
    for area, gap in result.areas["gap"].items():
        good = False if gap.low > 0 else True if gap.high <= 0 else None
        said = say("Readiness of {area:words}: points short of its targets", area=str(area))
        yield _Signal(said, gap, True, good, text("Self-assessment"))


@signals.register
def _(result: DataReadiness) -> Iterator[_Signal]:
    for name, mend, n in result.frame[["mend", "rows"]].itertuples():
        if mend:
            rows = Estimate.exact(float(n), n=int(n), unit="rows")
            said = say("Data, {table:words}: {mend:words}; in use", table=TABLES[str(name)].label, mend=str(mend))
            yield _Signal(said, rows, True, False, text("Check of the tables"))


def _furthest(numbers: Any) -> list[tuple[Any, Estimate]]:
    """Return the smallest and the largest of several estimates, with their names."""
    order: list[Any] = sorted(numbers.items(), key=lambda each: each[1].value)
    return list(dict([*order[:1], *order[-1:]]).items())


def _beyond(one: Any, limit: float = 0.0, *, less: bool = False) -> bool | None:
    """Return whether a number is demonstrably on the good side of a limit: above it, or below where less is better."""
    return None if one.low <= limit <= one.high else (one.value > limit) != less


def _sign(verdict: Verdict, good: bool) -> bool | None:
    if verdict is Verdict.UNDECIDED:
        return None
    return good == (verdict is Verdict.SUPPORTED)
