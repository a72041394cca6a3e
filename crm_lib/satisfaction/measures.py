"""The usual measures of satisfaction by wave; core customers first; and who answers, with the measures corrected."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pandas as pd

from crm_lib.company import Company
from crm_lib.customers import Basis, facts, known_rows, value_of, window_complaints
from crm_lib.estimate import LEVEL, Estimate
from crm_lib.finding import Criterion, Finding
from crm_lib.language import say, text
from crm_lib.satisfaction.answers import BURDENS, FEWEST, QUALITIES, SCALE, Survey, enough, too_little
from crm_lib.satisfaction.weighting import Kind, difference, estimated, rake
from crm_lib.segments import Segmented
from crm_lib.segments.target_lists import contact_permission
from crm_lib.segments.value.core_comparison import CORE
from crm_lib.statistics.proportions import holm, wilson
from crm_lib.statistics.rate_ratios import mean_difference
from crm_lib.statistics.resampling import Floats

SATISFIED_FROM: Final = 8
"""Rating from which an answer is satisfied: the best three of ten, as the best two of five."""


def index(rating: Floats) -> Floats:
    """Return ratings, or their weighted mean, on the scale of the ACSI (Fornell et al. 1996, J. Marketing 60, 7-18)."""
    return np.asarray(100 * (rating - SCALE[0]) / (SCALE[1] - SCALE[0]))


MEASURES: Final[Mapping[str, tuple[str, Kind, Callable[[Floats], Any]]]] = {
    "satisfaction index": ("satisfaction", "mean", index),
    "satisfied": ("satisfaction", "share", lambda x: x >= SATISFIED_FROM),
    "top two boxes": ("satisfaction", "share", lambda x: x >= 9),
    "net promoter score": ("recommendation", "balance", lambda x: (x >= 9).astype(float) - (x <= 6)),
    "loyalty index": ("loyalty", "mean", index),
}
"""Item, kind and score of each measure: indices run from 0 to 100, the net promoter score from -100 % to 100 %."""


def score(name: str, rows: pd.DataFrame) -> Floats:
    """Return the score of each answer of which a measure is the mean."""
    item, _, scored = MEASURES[name]
    return np.asarray(scored(rows[item].to_numpy(dtype=np.float64)), dtype=np.float64)


@dataclass(frozen=True, kw_only=True, eq=False)
class Measures:
    """What :func:`measures` found.

    `waves` are Estimates by ``(measure, wave)``. `now` by ``measure``: ``now`` (`last` wave), ``before`` (`previous`),
    ``change`` (Estimates) and ``holds`` (whether it differs from 0 with all measures in mind). `distributions` by item:
    share of answers at each rating; `gaps` by dimension: perceived less expected (Estimate, points); in the last wave.
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
    return [name for name, (item, *_) in MEASURES.items() if item in frame and frame[item].notna().any()]


def compared(frame: pd.DataFrame, inside: pd.Series[bool]) -> pd.DataFrame:
    """Return each measure inside and outside a group of answers, their difference, and whether it holds (Holm)."""
    rows, p_values = {}, []
    for name in _asked(frame):
        item, kind, _ = MEASURES[name]
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
    items = (*QUALITIES, "satisfaction", "loyalty", *BURDENS)
    answered = [item for item in items if item in rows and rows[item].notna().sum() >= FEWEST]
    weights = {item: rows.groupby(rows[item].round())["weight"].sum() for item in answered}
    table = pd.DataFrame(weights, index=range(SCALE[0], SCALE[1] + 1)).fillna(0.0)
    return (table / table.sum()).T.rename_axis("item")


def _gaps(rows: pd.DataFrame) -> pd.Series[Any]:
    asked = [item for item in QUALITIES if {item, "expectation"} <= set(rows)]
    both = {item: rows.dropna(subset=[item, "expectation"]) for item in asked}
    gaps = {item: estimated(each, each[item] - each["expectation"]) for item, each in both.items()}
    return pd.Series({item: gap for item, gap in gaps.items() if gap.n >= FEWEST}, dtype=object)


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
    company, survey : Company, Survey
        The company (needs ``transactions``) and its answers; they must name customers.
    """
    known = facts(company)
    active = known[known["purchase_days"] > 0]
    last = survey.latest().dropna(subset=["customer_id"]).set_index("customer_id")
    answered = active.index.to_series().isin(last.index)
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


MARGIN: Final = 3.0
"""Points of the index that count as hardly any difference: about what a yearly survey can tell."""


@dataclass(frozen=True, kw_only=True, eq=False)
class CoreSatisfaction:
    """What :func:`core_satisfaction` found.

    `frame` by measure: ``core``, ``others`` and ``difference`` (Estimates). `dissatisfied` by ``customer_id``, most
    valuable first: ``value`` (money of the window), ``satisfaction``, ``reason``, ``contact`` (day of the last one) and
    ``contact_kind`` (missing where there was none), and ``may_contact`` where the company records it. `answers` counts
    the core customers and the others compared.
    """

    frame: pd.DataFrame
    dissatisfied: pd.DataFrame
    answers: tuple[int, int]
    below: float
    basis: Basis


def core_satisfaction(
    company: Company, survey: Survey, segmented: Segmented, *, dissatisfied_below: float = 6.0
) -> CoreSatisfaction:
    """Hold the satisfaction of core customers (tiers key and major) against that of the others.

    Parameters
    ----------
    company, survey : Company, Survey
        The company and its answers; they must name customers. The last one of each in the window counts.
    segmented : Segmented
        Its customers in tiers.
    dissatisfied_below : float
        A last rating below this is dissatisfied.
    """
    last = survey.complete("satisfaction", frame=survey.latest(days=segmented.basis.days))
    tier = segmented.tiers.frame["tier"]
    last = last[last["customer_id"].isin(tier.index)]
    core = last["customer_id"].map(tier).isin(CORE)
    counts = int(core.sum()), int((~core).sum())
    message = "needs {least} core customers who answered, and {least} others; they are {core} and {others}"
    enough(message, core=counts[0], others=counts[1])
    bad = last[core & (last["satisfaction"] < dissatisfied_below)].set_index("customer_id").sort_index()
    value = segmented.value.reindex(bad.index).fillna(0.0)
    frame = bad[["satisfaction"]].assign(value=value, reason=_reasons(company, bad, segmented.basis.days))
    frame[["contact", "contact_kind"]] = _last_contacts(company).reindex(frame.index)
    allowed = contact_permission(company)
    if allowed is not None:
        frame["may_contact"] = allowed.reindex(frame.index, fill_value=False)
    frame = frame.rename_axis("customer_id").sort_values("value", ascending=False, kind="stable")
    return CoreSatisfaction(
        frame=compared(last, core).rename(columns={"inside": "core", "outside": "others"}),
        dissatisfied=frame, answers=counts, below=dissatisfied_below, basis=segmented.basis,
    )  # fmt: skip


def _reasons(company: Company, bad: pd.DataFrame, days: int) -> pd.Series[str]:
    """Return an unsettled complaint where there is one, else what was rated lowest."""
    items = [name for name in QUALITIES if name in bad]
    reasons = {}
    for who, ratings in bad[items].iterrows():
        worst = [text(name.replace("_", " ")) for name in items if ratings[name] == ratings.min()]
        reasons[str(who)] = say("{worst:words} rated {low:number}", worst=worst, low=ratings.min()) if worst else ""
    if company.has("complaints", "topic", "closed_at"):
        told = window_complaints(company, days=days).dropna(subset=["topic"]).sort_values("opened_at")
        told = told[~told["settled"] & told["customer_id"].isin(bad.index)].drop_duplicates("customer_id")
        for who, topic in zip(told["customer_id"], told["topic"], strict=True):
            reasons[str(who)] = say("complaint not settled: {topic:words}", topic=topic)
    return pd.Series(reasons, dtype=object)


def _last_contacts(company: Company) -> pd.DataFrame:
    names = ["contact", "contact_kind"]
    if not company.has("interactions", "customer_id", "kind"):
        return pd.DataFrame(columns=names)
    rows = known_rows(company, "interactions")
    frame: pd.DataFrame = rows.select("customer_id", contact=rows.occurred_at.date(), contact_kind=rows.kind).execute()
    last = frame.sort_values(names).drop_duplicates("customer_id", keep="last").set_index("customer_id")
    return last.assign(contact=pd.to_datetime(last["contact"]))


def finding_core_satisfaction(found: CoreSatisfaction) -> Finding:
    """Return whether core customers are hardly less satisfied than others; at stake is what the dissatisfied bring."""
    row: Any = found.frame.loc["satisfaction index"]
    listed = found.dissatisfied
    return Finding(
        key="satisfaction.core",
        claim="Core customers are as satisfied as the others, or more, within {margin:number} points of 100.",
        source="Textbook 4.2.2, stage 1: the dissatisfaction of core customers first",
        estimate=row["difference"],
        criterion=Criterion(low=-MARGIN),
        sentence="Core customers score {core} of 100, others {others}: a difference of {estimate} points. "
        "{n:count} core customers are dissatisfied.",
        if_supported="Keep the level, and call the dissatisfied core customers on the list first.",
        if_not_supported="Whom the company lives on is served worse: mend what they rate lowest before anything else.",
        if_undecided="Call the dissatisfied core customers on the list, and ask more of them in the next wave.",
        values={"margin": MARGIN, "core": row["core"], "others": row["others"], "n": len(listed)},
        currency=found.basis.currency,
        money_at_stake=found.basis.a_year(float(listed["value"].sum()), n=len(listed)),
        money_note="what the dissatisfied core customers bring in a year",
    )
