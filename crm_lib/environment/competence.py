"""Core competence: what is valued, rare, hard to copy and backed by the organisation, by the evidence in the tables."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Final

import pandas as pd

from crm_lib.environment.gaps import Gaps, benchmark_gaps
from crm_lib.environment.readiness import Readiness
from crm_lib.errors import MissingData
from crm_lib.satisfaction import Survey
from crm_lib.satisfaction.answers import too_little

AREAS: Final = {"personnel_quality": "people", "service_quality": "processes"}
"""Where the capabilities behind what customers rate are assessed; other items have no such area."""
TESTS: Final = ("value", "rarity", "imitability", "organisation")


@dataclass(frozen=True, kw_only=True, eq=False)
class Competence:
    """What could be a core competence (Barney & Hesterly: VRIO).

    `frame` by item, the most valued first: for each of :data:`TESTS` "yes", "no", "open" or "–" (no source), the
    Estimate behind it (``…_evidence``), and ``core`` (valued and rare, and nothing with a source speaks against).
    """

    frame: pd.DataFrame


def core_competence(survey: Survey, gaps: Gaps, ready: Readiness | None = None, *, seed: int = 0) -> Competence:
    """Score what customers rate on value, rarity, imitability and organisation.

    Valued: it explains more of satisfaction than an item on average does. Rare: customers rate the company above every
    rival. Hard to copy: they did so a year earlier already. Organised: the area behind it meets its targets.

    Parameters
    ----------
    survey, gaps : Survey, Gaps
        The answers, and the gaps of the last year.
    ready : Readiness, optional
        The company's assessment of itself.
    seed : int
        Of the intervals of the gaps a year earlier.

    Raises
    ------
    TooLittleData
        If importance cannot be told.
    """
    rated = gaps.frame.index.get_level_values("item")
    items = [str(item) for item in gaps.importance.index if item in rated]
    if not items:
        raise too_little("which of the items compared matters most cannot be told")
    try:
        before = benchmark_gaps(_a_year_earlier(survey), seed=seed)
    except MissingData:
        before = None
    rows = {}
    for item in items:
        evidence: dict[str, Any] = {
            "value": gaps.importance[item], "rarity": _worst(gaps, item), "imitability": _worst(before, item),
            "organisation": _met(ready, AREAS.get(item, "")),
        }  # fmt: skip
        answers = {name: _answer(one, 1 / len(items) if name == "value" else 0.0) for name, one in evidence.items()}
        core = answers["value"] == answers["rarity"] == "yes" and set(answers.values()) <= {"yes", "–"}
        rows[item] = {**answers, **{f"{name}_evidence": one for name, one in evidence.items()}, "core": core}
    return Competence(frame=pd.DataFrame.from_dict(rows, orient="index").rename_axis("item"))


def _a_year_earlier(survey: Survey) -> Survey:
    day = pd.Timestamp(survey.as_of) - pd.Timedelta(days=365)
    own, rivals = (rows[rows["responded_at"] <= day] for rows in (survey.frame, survey.rivals))
    return replace(survey, frame=own, rivals=rivals, as_of=day.date())


def _worst(gaps: Gaps | None, item: str) -> Any:
    if gaps is None or item not in gaps.frame.index.get_level_values("item"):
        return None
    return gaps.frame.loc[(item, gaps.best_rival(item)), "gap"]


def _met(ready: Readiness | None, area: str) -> Any:
    if not isinstance(ready, Readiness) or area not in ready.areas.index:  # none, or one that was left out
        return None
    gap: Any = ready.areas.loc[area, "gap"]
    return replace(gap, value=-gap.value, low=-gap.high, high=-gap.low)


def _answer(one: Any, least: float) -> str:
    return "–" if one is None else "yes" if one.low >= least else "no" if one.high < least else "open"
