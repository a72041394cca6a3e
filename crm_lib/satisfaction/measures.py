"""The usual measures of satisfaction by wave and by group; and who answers, with the measures corrected for it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pandas as pd

from crm_lib.company import Company
from crm_lib.customers import facts, value_of
from crm_lib.errors import MissingData
from crm_lib.estimate import LEVEL, Estimate
from crm_lib.satisfaction.answers import BURDENS, FEWEST, QUALITIES, SCALE, Survey, enough, too_little
from crm_lib.satisfaction.weighting import Kind, difference, estimated, rake
from crm_lib.statistics.proportions import holm, wilson
from crm_lib.statistics.rate_ratios import mean_difference
from crm_lib.statistics.resampling import Floats

SATISFIED_FROM: Final = 8
"""Rating from which an answer is satisfied: the best three of ten, as the best two of five."""
PROMOTER_FROM: Final = 9
DETRACTOR_TO: Final = 6
MEASURES: Final[Mapping[str, tuple[str, Kind]]] = {
    "satisfaction index": ("satisfaction", "mean"),
    "satisfied": ("satisfaction", "share"),
    "top two boxes": ("satisfaction", "share"),
    "net promoter score": ("recommendation", "balance"),
    "loyalty index": ("loyalty", "mean"),
}
"""Item and kind of each measure: indices run from 0 to 100, the net promoter score from -100 % to 100 %."""


def index(rating: Floats) -> Floats:
    """Return ratings, or their weighted mean, on the scale of the ACSI (Fornell et al. 1996, J. Marketing 60, 7-18)."""
    return np.asarray(100 * (rating - SCALE[0]) / (SCALE[1] - SCALE[0]))


def score(name: str, rows: pd.DataFrame) -> Floats:
    """Return the score of each answer of which a measure is the mean."""
    x = rows[MEASURES[name][0]].to_numpy(dtype=np.float64)
    if name == "net promoter score":
        return np.asarray((x >= PROMOTER_FROM).astype(float) - (x <= DETRACTOR_TO))
    if name in ("satisfied", "top two boxes"):
        return np.asarray(x >= (SATISFIED_FROM if name == "satisfied" else PROMOTER_FROM), dtype=np.float64)
    return index(x)


@dataclass(frozen=True, kw_only=True, eq=False)
class Measures:
    """What :func:`measures` found.

    `waves` are Estimates by ``(measure, wave)``. `now` by ``measure``: ``now`` (last wave) and, where there is a wave
    before, ``before``, ``change`` (Estimates) and ``holds`` (whether it differs from 0 with all measures in mind).
    `distributions` by item: share of answers at each rating. `gaps` by dimension: perceived less expected (Estimate,
    points). The last three are of the last wave.
    """

    waves: pd.Series[Any]
    now: pd.DataFrame
    distributions: pd.DataFrame
    gaps: pd.Series[Any]
    survey: Survey
    last: str
    previous: str


def measures(survey: Survey) -> Measures:
    """Measure satisfaction, recommendation and loyalty in each wave, and what changed in the last one.

    Parameters
    ----------
    survey : Survey
        The answers. Waves with fewer than ten are not measured.
    """
    frame = survey.frame
    counts = frame.groupby("wave").size().reindex(list(survey.waves))
    large = [str(wave) for wave in counts.index[counts >= FEWEST]]
    enough("needs a wave with {least} answers; the largest has {n}", n=int(counts.max()))
    last, previous = large[-1], large[-2] if len(large) > 1 else ""
    waves = {
        (name, str(wave)): estimated(part, score(name, part), kind=MEASURES[name][1])
        for name in _asked(frame)
        for wave, part in frame.dropna(subset=[MEASURES[name][0]]).groupby("wave")
    }
    if not waves:
        raise too_little("the survey asks neither for satisfaction nor for loyalty")
    if previous:
        both = frame[frame["wave"].isin([last, previous])]
        names = {"inside": "now", "outside": "before", "difference": "change"}
        now = compared(both, both["wave"] == last).rename(columns=names)
    else:
        now = pd.DataFrame({"now": pd.Series(waves).xs(last, level=1)}).rename_axis("measure")
    latest = frame[frame["wave"] == last]
    return Measures(
        waves=pd.Series(waves), now=now, distributions=_distributions(latest), gaps=_gaps(latest), survey=survey,
        last=last, previous=previous,
    )  # fmt: skip


def _asked(frame: pd.DataFrame) -> list[str]:
    return [name for name, (item, _) in MEASURES.items() if item in frame and frame[item].notna().any()]


def compared(frame: pd.DataFrame, inside: pd.Series[bool]) -> pd.DataFrame:
    """Return each measure inside and outside a group of answers, their difference, and whether it holds (Holm)."""
    rows, p_values = {}, []
    for name in _asked(frame):
        item, kind = MEASURES[name]
        part = frame.dropna(subset=[item])
        side = inside.reindex(part.index)
        gap, p_value = difference(part, score(name, part), side, unit="" if kind == "mean" else "share")
        halves = {"inside": part[side], "outside": part[~side]}
        both = {place: estimated(half, score(name, half), kind=kind) for place, half in halves.items()}
        rows[name] = {**both, "difference": gap}
        p_values.append(p_value)
    table = pd.DataFrame.from_dict(rows, orient="index").rename_axis("measure")
    table["holds"] = holm(np.array(p_values)) < 1 - LEVEL
    return table


def _distributions(rows: pd.DataFrame) -> pd.DataFrame:
    shares = {}
    for item in (name for name in (*QUALITIES, "satisfaction", "loyalty", *BURDENS) if name in rows):
        answered = rows.dropna(subset=[item])
        if len(answered) >= FEWEST:
            weights = answered.groupby(answered[item].round())["weight"].sum()
            shares[item] = weights.reindex(range(SCALE[0], SCALE[1] + 1), fill_value=0.0) / weights.sum()
    return pd.DataFrame(shares).T.rename_axis("item")


def _gaps(rows: pd.DataFrame) -> pd.Series[Any]:
    asked = [item for item in QUALITIES if {item, "expectation"} <= set(rows)]
    both = {item: rows.dropna(subset=[item, "expectation"]) for item in asked}
    gaps = {item: estimated(each, each[item] - each["expectation"]) for item, each in both.items()}
    return pd.Series({item: gap for item, gap in gaps.items() if gap.n >= FEWEST}, dtype=object)


DAYS: Final = 365
_GROUPINGS = ("customer_group", "region", "local_competition")
_PURCHASES = (0, 1, 3, 7, np.inf)
"""Purchase days of the year, at which the last grouping is cut."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Response:
    """What :func:`response` found, of customers who bought in the last year.

    `rate` is the share that answered. `habits` by habit: means of those who ``answered`` and of the ``missing``, and
    their ``difference`` (Estimate). `raked` is the satisfaction index (Estimate) of the last answers as they came, by
    the survey's weights, and raked to the shares of all customers.
    """

    rate: Estimate
    habits: pd.DataFrame
    raked: Mapping[str, Estimate]


def response(company: Company, survey: Survey) -> Response:
    """Compare customers who answered in the last year with those who did not, and correct the index for it.

    Parameters
    ----------
    company : Company
        The company; needs ``transactions``.
    survey : Survey
        Its answers; they must name customers.
    """
    known = facts(company)
    active = known[known["purchase_days"] > 0]
    last = survey.latest(days=DAYS).dropna(subset=["customer_id"]).set_index("customer_id")
    if last.empty:
        raise MissingData("surveys", ("customer_id",))
    answered = pd.Series(active.index.isin(last.index), index=active.index)
    message = "needs {least} active customers who answered and {least} who did not; they are {yes} and {no}"
    enough(message, yes=int(answered.sum()), no=int((~answered).sum()))
    kind, habits = value_of(company), {}
    for name in ("purchase_days", kind, "recency", "tenure"):
        each = active[name].astype(float)
        gap = mean_difference(each, np.ones(len(each)), answered, unit=company.currency if name == kind else "")
        habits[name] = {"answered": each[answered].mean(), "missing": each[~answered].mean(), "difference": gap}
    return Response(
        rate=wilson(int(answered.sum()), len(active)), raked=_raked(active, last.loc[last.index.isin(active.index)]),
        habits=pd.DataFrame.from_dict(habits, orient="index").rename_axis("habit"),
    )  # fmt: skip


def _raked(active: pd.DataFrame, last: pd.DataFrame) -> dict[str, Estimate]:
    rated = last.dropna(subset=["satisfaction"]) if "satisfaction" in last else last.iloc[:0]
    if len(rated) < FEWEST:
        return {}
    groups = {name: active[name].astype(object).fillna("not known") for name in _GROUPINGS if name in active}
    groups["purchases"] = pd.cut(active["purchase_days"], _PURCHASES).astype(str)
    margins = {}
    for name, group in groups.items():
        # A group of whom nearly nobody answered cannot be spoken for: its share goes to the largest group.
        few = group.map(group[rated.index].value_counts()).fillna(0) < FEWEST
        groups[name] = group.mask(few, group[rated.index].mode()[0])
        margins[name] = groups[name].value_counts()
    of_answers = pd.DataFrame({name: group[rated.index] for name, group in groups.items()})
    weights: dict[str, Any] = {
        "as they came": 1.0, "by survey weights": rated["weight"],
        "raked to all customers": rake(of_answers, margins, rated["weight"]),
    }  # fmt: skip
    y = score("satisfaction index", rated)
    return {name: estimated(rated.assign(weight=w), y) for name, w in weights.items()}
