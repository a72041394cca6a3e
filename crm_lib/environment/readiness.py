"""Is the company ready: what it assessed of itself against what it needs, and how far the assessors agree."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
import pandas as pd
from scipy import stats

from crm_lib.clv.model import SEED
from crm_lib.company import Company
from crm_lib.errors import CompanyError, MissingData, TooLittleData
from crm_lib.estimate import LEVEL, Estimate
from crm_lib.finding import Criterion, Finding
from crm_lib.language import say, text
from crm_lib.statistics.resampling import Floats

TOP: Final = 5
"""Gaps that a board takes up at a time."""
LOWEST, HIGHEST = 1.0, 5.0
"""Ends of the scale of scores."""
_METHOD: Final = "Student, over assessors"
_DRAWS: Final = 2000
_READY: Final = 0.9
_AGREED: Final = 0.7
"""Kendall's W from which agreement is called strong (Schmidt 1997, Decision Sciences 28, 763-774)."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Readiness:
    """Where the company stands against where it wants to be, in the last assessment (`assessed` day).

    `items` by item, the largest weighted gap first: ``area``, ``score`` (Estimate, 1 to 5), ``required``, ``weight``
    (they sum to 1), ``gap`` (Estimate: required less score), ``weighted`` (gap times weight), ``priority`` (share of
    weightings under which it is among the five largest gaps) and ``change`` since the assessment before (points).
    `areas` by area: ``score``, ``required`` and ``gap`` likewise. `overall` is score over requirement, both weighted
    and counted from the lowest score. `agreement` is Kendall's W with its `p_value`; not estimable for one assessor.
    """

    items: pd.DataFrame
    areas: pd.DataFrame
    overall: Estimate
    agreement: float
    p_value: float
    assessors: int
    assessed: dt.date
    weighted: bool


def readiness(company: Company, *, seed: int = SEED) -> Readiness:
    """Hold the company's last self-assessment against its targets.

    Parameters
    ----------
    company : Company
        The company; needs ``capabilities`` with ``target``. Without weights every item counts alike; without assessors
        no interval can be told.
    seed : int
        Seed of the weightings tried.

    Raises
    ------
    CompanyError
        If all weights are zero.
    MissingData
        If no item has a target.

    Notes
    -----
    Intervals are Student's over assessors, who stand for the people who could have been asked; for single items the
    spread is pooled over all. The weightings tried are uniform over all that sum to 1 (Dirichlet with parameters 1): a
    gap that is among the first under nearly all of them does not hang on the weights. Kendall's W, corrected for ties,
    is Friedman's statistic over its maximum, of the assessors who scored every item.
    """
    rows = _last(company)
    by_item = rows.groupby(["area", "item"], sort=False)
    required = by_item["target"].mean().dropna()
    if required.empty:
        raise MissingData("capabilities", ["target"])
    weighted = "weight" in rows and bool(rows["weight"].notna().any())
    weight = by_item["weight"].mean().fillna(0.0)[required.index] if weighted else required * 0 + 1.0
    if not weight.sum() > 0:
        raise CompanyError(
            say("table 'capabilities' of {day:date}: all weights are zero, so that no item counts; give one a weight, "
                "or leave out the column: then all count alike", day=rows["assessed_at"].max())
        )  # fmt: skip
    table = rows.pivot_table("score", "assessor", ["area", "item"], aggfunc="mean", sort=False)[required.index]
    weight = weight / weight.sum()
    scores = _scores(table)
    gap = required.to_numpy() - [each.value for each in scores]
    items = pd.DataFrame(
        {"score": scores, "required": required, "weight": weight, "gap": list(map(_gap, required, scores))},
        index=required.index,
    )
    items["weighted"] = gap * weight
    items["priority"] = _among_the_first(gap, seed)
    before = company.frame("capabilities", "area", "item", "score", "assessed_at")
    before = before[before["assessed_at"] < rows["assessed_at"].min()]
    before = before[before["assessed_at"] == before["assessed_at"].max()].groupby(["area", "item"])["score"].mean()
    items["change"] = [each.value for each in items["score"]] - before.reindex(items.index)
    w, p_value = _agreement(table)
    twice = items.index.get_level_values("item").duplicated(keep=False)
    names = [f"{item} ({area})" if more else item for (area, item), more in zip(items.index, twice, strict=True)]
    items = items.reset_index("area").set_axis(pd.Index(names, name="item"))
    overall = _mean(_part(table - LOWEST, required - LOWEST, weight), unit="share")
    return Readiness(
        items=items.sort_values("weighted", ascending=False, kind="stable"),
        areas=_areas(table, required, weight), overall=overall, agreement=w, p_value=p_value,
        assessors=len(table), assessed=rows["assessed_at"].max().date(), weighted=weighted,
    )  # fmt: skip


def _last(company: Company) -> pd.DataFrame:
    """Return the last assessment: of each assessor and item the last score of the half-year up to its last day."""
    names = [name for name in ("assessor", "weight") if company.has("capabilities", name)]
    rows = company.frame("capabilities", "area", "item", "score", "target", "assessed_at", *names)
    if rows.empty:
        raise TooLittleData(say("needs an assessment"), table="capabilities")
    rows["assessed_at"] = pd.to_datetime(rows["assessed_at"])
    if "assessor" not in rows:
        rows["assessor"] = None
    answer = rows.groupby(["area", "item", "assessed_at"]).cumcount().astype(str)
    rows["assessor"] = rows["assessor"].astype(object).fillna("unnamed " + answer)
    rows = rows[rows["assessed_at"] > rows["assessed_at"].max() - pd.Timedelta(days=182)]
    rows = rows.sort_values("assessed_at", kind="stable")
    return pd.DataFrame(rows.drop_duplicates(["area", "item", "assessor"], keep="last"))


def _scores(table: pd.DataFrame) -> list[Estimate]:
    """Return the mean score of each item; how far assessors differ is pooled over the items, on which few scored."""
    n, mean = table.count(), table.mean()
    freedom = int((n - 1).sum())
    spread = float(np.sqrt(((table - mean) ** 2).sum().sum() / freedom)) if freedom else np.inf
    reach = float(stats.t.ppf((1 + LEVEL) / 2, freedom)) * spread / np.sqrt(n) if freedom else n * np.inf
    return [
        Estimate(value=value, low=max(value - half, LOWEST), high=min(value + half, HIGHEST), n=int(m), method=_METHOD)
        for value, half, m in zip(mean, reach, n, strict=True)
    ]


def _gap(required: float, score: Estimate) -> Estimate:
    low, high = required - score.high, required - score.low
    return replace(score, value=required - score.value, low=low, high=high)


def _mean(values: pd.Series[Any], unit: str = "") -> Estimate:
    """Return a mean over assessors with Student's interval; open where one alone was asked."""
    x = values.dropna().to_numpy(dtype=float)
    if not x.size:
        return Estimate(value=np.nan, low=-np.inf, high=np.inf, n=0, method=_METHOD, unit=unit)
    value, n = float(x.mean()), x.size
    reach = float(stats.t.ppf((1 + LEVEL) / 2, n - 1) * x.std(ddof=1) / np.sqrt(n)) if n > 1 else np.inf
    return Estimate(value=value, low=value - reach, high=value + reach, n=n, method=_METHOD, unit=unit)


def _among_the_first(gap: Floats, seed: int) -> Floats:
    """Return in which share of weightings each gap is among the first."""
    weights = np.random.default_rng(seed).dirichlet(np.ones(gap.size), _DRAWS)
    first = np.argsort(-weights * gap, axis=1, kind="stable")[:, :TOP]
    return np.bincount(first.ravel(), minlength=gap.size) / _DRAWS


def _agreement(table: pd.DataFrame) -> tuple[float, float]:
    """Return Kendall's W of the assessors who scored every item, and the p-value of no agreement at all."""
    ranked = table.dropna().to_numpy(dtype=float)
    raters, items = ranked.shape
    if raters < 2 or items < 3 or np.ptp(ranked, axis=1).max() == 0:
        return float("nan"), float("nan")
    statistic, p_value = stats.friedmanchisquare(*ranked.T)
    return float(statistic) / (raters * (items - 1)), float(p_value)


def _part(table: pd.DataFrame, whole: pd.Series[float], weight: pd.Series[float]) -> pd.Series[float]:
    """Return each assessor's weighted sum over that of the whole, of the items that the assessor scored."""
    sums = (table.notna() * (whole * weight)).sum(axis=1)
    return (table * weight).sum(axis=1) / sums.where(sums > 0)


def _areas(table: pd.DataFrame, required: pd.Series[float], weight: pd.Series[float]) -> pd.DataFrame:
    rows = {}
    for area in table.columns.get_level_values("area").unique():
        needs = required[area]
        # An area without weight is told all the same, its items alike.
        w = weight[area] if weight[area].sum() > 0 else needs * 0 + 1.0
        short = _part(needs - table[area], needs * 0 + 1.0, w)
        score = _part(table[area], needs * 0 + 1.0, w)
        rows[str(area)] = {"score": _mean(score), "required": float(np.average(needs, weights=w)), "gap": _mean(short)}
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("area")


def finding_readiness(found: Readiness) -> Finding:
    """Return whether the company is ready: nine tenths of the way from the lowest score to its targets."""
    first: Any = found.items.iloc[0]
    worst = str(found.areas["gap"].map(lambda each: each.value).idxmax())
    agree = found.agreement >= _AGREED
    return Finding(
        key="environment.readiness",
        claim="The company has nine tenths of what it needs for customer relationship management.",
        source="Textbook 4.2.2, stage 1: know the company's own needs",
        estimate=found.overall,
        criterion=Criterion(low=_READY),
        sentence="The company has come {estimate} of the way to its targets. Furthest behind is {area:words}; the item "
        "that weighs most is '{item:words}'.",
        if_supported="Keep it so, and assess again in a year.",
        if_not_supported="Close '{item:words}' first"
        + (": the assessors agree on it." if agree else "; let the assessors settle first where they disagree."),
        if_undecided="Ask more assessors before money is spent, beginning with '{item:words}'.",
        values={"area": text(worst), "item": str(found.items.index[0]), "gap": first["gap"]},
    )  # fmt: skip
