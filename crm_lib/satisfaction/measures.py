"""The usual measures of satisfaction, by wave and by group, with intervals for weighted and repeated answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pandas as pd

from crm_lib.errors import TooLittleData
from crm_lib.estimate import LEVEL
from crm_lib.language import say
from crm_lib.satisfaction.answers import BURDENS, FEWEST, QUALITIES, SCALE, Survey, enough
from crm_lib.satisfaction.weighting import Kind, difference, estimated
from crm_lib.statistics.proportions import holm
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


def index(ratings: pd.DataFrame, weights: Mapping[str, float]) -> pd.Series[float]:
    """Return each answer's index from 0 to 100: the weighted mean of its ratings, by the formula of the ACSI.

    :math:`100 \\sum_i w_i (x_i - 1) / 9` with weights that sum to 1 (Fornell et al. 1996, J. Marketing 60, 7-18).

    >>> means = pd.DataFrame({"overall": [8.0], "expected": [7.0], "ideal": [6.5]})
    >>> float(index(means, {"overall": 0.3885, "expected": 0.3190, "ideal": 0.2925}).round(3)[0])
    69.358
    """
    mean = ratings[list(weights)] @ (pd.Series(weights) / sum(weights.values()))
    return 100 * (mean - SCALE[0]) / (SCALE[1] - SCALE[0])


def score(name: str, rows: pd.DataFrame) -> Floats:
    """Return the score of each answer of which a measure is the mean."""
    x = rows[MEASURES[name][0]].to_numpy(dtype=np.float64)
    if name == "net promoter score":
        return np.asarray((x >= PROMOTER_FROM).astype(float) - (x <= DETRACTOR_TO))
    if name in ("satisfied", "top two boxes"):
        return np.asarray(x >= (SATISFIED_FROM if name == "satisfied" else PROMOTER_FROM), dtype=np.float64)
    return np.asarray(index(rows, {MEASURES[name][0]: 1.0}), dtype=np.float64)


@dataclass(frozen=True, kw_only=True, eq=False)
class Measures:
    """What :func:`measures` found.

    `waves` by ``(measure, wave)``: the measure in each wave (Estimate) and its ``answers``. `now` by ``measure``:
    ``now`` (last wave) and, where there is a wave before, ``before``, ``change`` (Estimates) and ``holds`` (whether the
    change differs from 0 with all measures in mind). `distributions` by item: share of answers at each rating. `gaps`
    by dimension: ``perceived``, ``expected`` (means) and ``gap`` (Estimate, points). The last three are of the last
    wave.
    """

    waves: pd.DataFrame
    now: pd.DataFrame
    distributions: pd.DataFrame
    gaps: pd.DataFrame
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
    rows: dict[tuple[str, str], dict[str, Any]] = {}
    for name in _asked(frame):
        for wave, part in frame.dropna(subset=[MEASURES[name][0]]).groupby("wave"):
            measure = estimated(part, score(name, part), kind=MEASURES[name][1])
            rows[name, str(wave)] = {"measure": measure, "answers": len(part)}
    if not rows:
        raise TooLittleData(say("the survey asks neither for satisfaction nor for loyalty"), table="surveys")
    waves = pd.DataFrame.from_dict(rows, orient="index").rename_axis(["name", "wave"])
    if previous:
        both = frame[frame["wave"].isin([last, previous])]
        names = {"inside": "now", "outside": "before", "difference": "change"}
        now = compared(both, both["wave"] == last).rename(columns=names)
    else:
        now = pd.DataFrame({"now": waves["measure"].xs(last, level="wave")}).rename_axis("measure")
    latest = frame[frame["wave"] == last]
    return Measures(
        waves=waves, now=now, distributions=_distributions(latest), gaps=_gaps(latest), survey=survey, last=last,
        previous=previous,
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


def _gaps(rows: pd.DataFrame) -> pd.DataFrame:
    found = {}
    for item in (name for name in QUALITIES if {name, "expectation"} <= set(rows)):
        both = rows.dropna(subset=[item, "expectation"])
        if len(both) >= FEWEST:
            perceived, expected = (
                float(np.average(both[name], weights=both["weight"])) for name in (item, "expectation")
            )
            gap = estimated(both, both[item] - both["expectation"])
            found[item] = {"perceived": perceived, "expected": expected, "gap": gap}
    return pd.DataFrame.from_dict(found, orient="index", columns=["perceived", "expected", "gap"]).rename_axis(
        "dimension"
    )
