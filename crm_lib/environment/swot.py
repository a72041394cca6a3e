"""SWOT that is computed: what was measured, sorted by where it lies and whether it is good news."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import singledispatch
from typing import Any, Final

import pandas as pd

from crm_lib.environment.data_readiness import DataReadiness
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


@dataclass(frozen=True, kw_only=True)
class Swot:
    """Strengths, weaknesses, opportunities and threats.

    `frame` in their order: ``part`` (one of :data:`PARTS`), ``statement``, ``number`` (an Estimate; missing where
    entered by hand) and ``evidence``. `open` counts what was measured and speaks for neither side.
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
    *evidence : Register, Readiness, DataReadiness …
        Results. What was left out of a notebook is passed over.
    by_hand : sequence of str
        Statements that nobody measured, such as ``"threat: a chain opens next door"``; they are marked.

    Returns
    -------
    Swot
        The board.

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
            yield _Signal(text(measure.words), each.estimate, measure.own, _sign(each.verdict, stated.good), each.key)


@signals.register
def _(result: Gaps) -> Iterator[_Signal]:
    # Against each rival, what customers rate furthest ahead and furthest behind.
    for brand, gaps in result.frame["gap"].groupby(level="brand"):
        order: list[Any] = sorted(gaps.items(), key=lambda each: each[1].value)
        for (item, _), gap in dict([order[0], order[-1]]).items():
            good = True if gap.low > 0 else False if gap.high < 0 else None
            said = say("{item:words}, against {brand}", item=item.replace("_", " ").capitalize(), brand=brand)
            yield _Signal(said, gap, True, good, "environment.leader")


@signals.register
def _(result: Switching) -> Iterator[_Signal]:
    for brand, one in result.net["net"].items():
        good = True if one.low > 0 else False if one.high < 0 else None
        said = say("Buyers won from {brand} less those lost to it, of all buyers", brand=brand)
        yield _Signal(said, one, False, good, "environment.net_gain")


@signals.register
def _(result: Readiness) -> Iterator[_Signal]:
    for area, row in result.areas.iterrows():
        gap: Estimate = row["gap"]
        good = False if gap.low > 0 else True if gap.high <= 0 else None
        said = say("Readiness of {area:words}: points short of its targets", area=str(area))
        yield _Signal(said, gap, True, good, "environment.readiness")


@signals.register
def _(result: DataReadiness) -> Iterator[_Signal]:
    for name, mend, n in result.frame[["mend", "rows"]].itertuples():
        if mend:
            rows = Estimate.exact(float(n), n=int(n), unit="rows")
            said = say("Data, {table:words}: {mend:words}", table=TABLES[str(name)].label, mend=str(mend))
            yield _Signal(said, rows, True, False, "environment.data_readiness")


def _sign(verdict: Verdict, good: bool) -> bool | None:
    if verdict is Verdict.UNDECIDED:
        return None
    return good == (verdict is Verdict.SUPPORTED)
