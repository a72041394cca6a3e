"""Benchmark gaps: how far the own brand is ahead of each rival, in what customers rate and in what was measured."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pandas as pd

from crm_lib.company import Company
from crm_lib.errors import TooLittleData
from crm_lib.estimate import LEVEL, Estimate
from crm_lib.finding import Criterion, Finding
from crm_lib.language import say, text
from crm_lib.satisfaction import Survey, key_drivers
from crm_lib.satisfaction.answers import BURDENS, FEWEST, QUALITIES, too_little, usable
from crm_lib.statistics.resampling import Floats

RATED: Final = (*QUALITIES, "satisfaction", "recommendation", *BURDENS)
"""What is compared between brands; of burdens, less is better."""
_DRAWS: Final = 20_000


@dataclass(frozen=True, kw_only=True, eq=False)
class Gaps:
    """How far customers rate the own brand above each rival (points; of burdens, how far below).

    `frame` by (``item``, ``brand``): ``own``, ``rival`` (means), ``gap`` (Estimate; positive: the company is better;
    all intervals hold at once), ``answers`` (on the rival). `importance` by item is the share of what explains
    satisfaction, the largest first; empty where it cannot be told. `critical` is the multiplier behind the intervals;
    `answers` the number of those on the own brand.
    """

    frame: pd.DataFrame
    importance: pd.Series[Any]
    critical: float
    answers: int
    as_of: dt.date

    def best_rival(self, item: str) -> str:
        """Return the rival against whom the company does worst in an item."""
        gaps: Any = self.frame.loc[item, "gap"]
        return str(min(gaps.index, key=lambda brand: gaps[brand].value))


def benchmark_gaps(survey: Survey, *, seed: int = 0) -> Gaps:
    """Hold what customers rate of the own brand against what others rate of each rival, in the last year.

    Parameters
    ----------
    survey : Survey
        The answers on the own brand and on rivals. The last answer of each respondent on each brand counts.
    seed : int
        Of the draws behind the common multiplier, and of the resamples behind importance.

    Raises
    ------
    TooLittleData
        If no rival has ten answers on an item that the own brand was rated on too.

    Notes
    -----
    Gaps share the own brand's answers, and items the respondents: the multiplier is the 95% quantile of the largest of
    all standardised gaps under their estimated covariance (max-t; Hothorn, Bretz & Westfall 2008). For one item and
    equal spreads it is Dunnett's. Weights enter by linearisation.
    """
    own, others = survey.latest(), rivals_of_the_year(survey)
    if others.empty:
        raise too_little("the survey has no answers on rivals within the last year")
    asked, _ = usable(own, [name for name in RATED if name in own])
    parts: list[tuple[str, str, Any, Any]] = []
    for brand, rows in others.groupby("brand"):
        rated, _ = usable(rows, [item for item in asked if item in rows])
        parts += [(item, str(brand), rows, own) for item in rated]
    if not parts:
        raise too_little("needs a rival with {least} answers on an item that the own brand was rated on too",
                         least=FEWEST)  # fmt: skip
    parts.sort(key=lambda part: (asked.index(part[0]), part[1]))
    influence = {(item, brand): _parts(item, rows, own) for item, brand, rows, own in parts}
    covariance, freedom = _covariance(influence, len(own))
    critical = _multiplier(covariance, freedom, seed)
    errors, compared = np.sqrt(np.diag(covariance)), {}
    for place, (key, (mine, theirs, n, _)) in enumerate(influence.items()):
        gap = (mine - theirs) * (-1.0 if key[0] in BURDENS else 1.0)
        reach = float(critical * errors[place])
        estimate = Estimate(value=gap, low=gap - reach, high=gap + reach, n=n + len(own),unit="points",
                            method="difference of means, all at once (max-t)")  # fmt: skip
        compared[key] = {"own": mine, "rival": theirs, "gap": estimate, "answers": n}
    frame = pd.DataFrame.from_dict(compared, orient="index")
    frame.index = pd.MultiIndex.from_tuples(list(compared), names=["item", "brand"])
    return Gaps(frame=frame, importance=_importance(survey, seed), critical=critical, answers=len(own),
                as_of=survey.as_of)  # fmt: skip


def rivals_of_the_year(survey: Survey) -> pd.DataFrame:
    """Return the last answer of each respondent on each rival in the last year."""
    since = pd.Timestamp(survey.as_of) - pd.Timedelta(days=365)
    rows = survey.rivals[survey.rivals["responded_at"] > since] if len(survey.rivals) else survey.rivals
    return rows.drop_duplicates(["respondent", "brand"], keep="last") if len(rows) else rows


def _parts(item: str, theirs: pd.DataFrame, own: pd.DataFrame) -> tuple[float, float, int, dict[str, tuple[Any, Any]]]:
    """Return both means, and for each brand the answers' parts in its error."""
    means, pieces, n, good = [], {}, 0, -1.0 if item in BURDENS else 1.0
    for side, sign, rows in (("own", good, own), (str(theirs["brand"].iloc[0]), -good, theirs)):
        rated = rows[rows[item].notna()]
        y, w = rated[item].to_numpy(dtype=np.float64), rated["weight"].to_numpy(dtype=np.float64)
        means.append(float(w @ y / w.sum()))
        n = len(y)
        pieces[side] = rated["respondent"].to_numpy(), sign * w * (y - means[-1]) / w.sum() * np.sqrt(n / (n - 1))
    return means[0], means[1], n, pieces


def _covariance(influence: dict[Any, Any], n_own: int) -> tuple[Floats, int]:
    """Return the covariance of all gaps, and the degrees of freedom of the smallest group."""
    columns, smallest = {}, n_own
    for place, (_, _, n, pieces) in enumerate(influence.values()):
        smallest = min(smallest, n)
        for side, (who, share) in pieces.items():
            # A respondent who rates two brands has a part in both, under one name.
            columns[place, side] = pd.Series(share, index=who)
    table = pd.DataFrame(columns).fillna(0.0).T.groupby(level=0).sum().T.to_numpy()
    return np.asarray(table.T @ table), smallest - 1


def _multiplier(covariance: Floats, freedom: int, seed: int) -> float:
    errors = np.sqrt(np.diag(covariance))
    correlation = covariance / np.outer(errors, errors)
    values, vectors = np.linalg.eigh(correlation)
    rng = np.random.default_rng(seed)
    draws = rng.standard_normal((_DRAWS, len(errors))) @ (vectors * np.sqrt(np.maximum(values, 0.0))).T
    scale = np.sqrt(rng.chisquare(freedom, _DRAWS) / freedom)
    return float(np.quantile(np.abs(draws).max(axis=1) / scale, LEVEL))


def _importance(survey: Survey, seed: int) -> pd.Series[Any]:
    try:
        found = key_drivers(survey, seed=seed).frame["importance"]
    except TooLittleData:
        return pd.Series(dtype=object)
    return pd.Series(found, dtype=object)


def finding_leader(found: Gaps) -> Finding:
    """Return whether the own brand is at least level with its best rival in what matters most with customers."""
    items = [item for item in found.importance.index if item in found.frame.index.get_level_values("item")]
    if not items:
        raise too_little("which of the items compared matters most cannot be told")
    item = items[0]
    best = found.best_rival(item)
    row: Any = found.frame.loc[(item, best)]
    return Finding(
        key="environment.leader",
        claim="In what matters most to customers the company is level with its best rival, or ahead.",
        source="Textbook 4.2.2, stage 1: benchmarking against competitors",
        estimate=row["gap"],
        criterion=Criterion(low=0.0),
        sentence="{item:words} matters most. The company is rated {own:number1}, {best} {rival:number1}: "
        "a difference of {estimate}.",
        if_supported="Say it: lead with {item:words} in what customers see first, and keep measuring it.",
        if_not_supported="Learn how {best} does it, and close this gap before any other.",
        if_undecided="Ask more buyers of {best}: no lead is demonstrable on either side.",
        values={"item": text(item.replace("_", " ")).capitalize(), "best": best, "own": float(row["own"]),
                "rival": float(row["rival"])},
    )  # fmt: skip


@dataclass(frozen=True, kw_only=True, eq=False)
class BestPractice:
    """Who leads in each measure of the benchmarks, and by how much.

    `frame` by ``measure``: ``own`` and ``best`` (last values), ``leader``, ``behind`` (how far the company is behind
    the leader, as a share of the leader's value; 0 where it leads), ``led`` (times the company led, of ``times``
    measured), ``unit``, ``better`` and ``kind``. One number a brand and day has no interval: how often the lead was
    there tells how far to trust it. `without_direction` are measures of which the table does not say what is better.
    """

    frame: pd.DataFrame
    without_direction: tuple[str, ...]
    own: str
    as_of: dt.date


def best_practice(company: Company) -> BestPractice:
    """Return who leads in each measure of table ``competitors`` when it was last measured of the own brand.

    Parameters
    ----------
    company : Company
        The company; needs ``competitors`` with ``own`` and ``better``.

    Raises
    ------
    TooLittleData
        If no measure is there of the own brand and of a rival on one day.
    """
    rows, own = benchmarks(company, "better")
    table = rows.pivot_table("value", ["measure", "measured_at"], "brand", aggfunc="last", sort=False)
    table = table[table[own].notna() & table.drop(columns=own).notna().any(axis=1)]
    about: Any = rows.drop_duplicates("measure", keep="last").set_index("measure")
    unknown = tuple(str(name) for name in table.index.unique("measure") if pd.isna(about.loc[name, "better"]))
    found: dict[str, dict[str, Any]] = {}
    for name, each in table.drop(index=list(unknown)).groupby(level="measure", sort=False):
        signed = each if about.loc[name, "better"] == "higher" else -each
        leader = str(signed.iloc[-1].idxmax())
        mine, best = float(each[own].iloc[-1]), float(each[leader].iloc[-1])
        found[str(name)] = {
            "own": mine, "best": best, "leader": leader, "behind": abs(best - mine) / abs(best) if best else np.nan,
            "led": int((signed[own] >= signed.drop(columns=own).max(axis=1)).sum()), "times": len(each),
            **{one: about.loc[name, one] if one in about else None for one in ("unit", "better", "kind")},
        }  # fmt: skip
    if not found:
        raise TooLittleData(say("no measure is there of the own brand and of a rival on one day, with its better side"),
                            table="competitors")  # fmt: skip
    frame = pd.DataFrame.from_dict(found, orient="index").rename_axis("measure")
    return BestPractice(frame=frame, without_direction=unknown, own=own, as_of=company.as_of)


def benchmarks(company: Company, *columns: str) -> tuple[pd.DataFrame, str]:
    """Return the rows of ``competitors`` in the order of time, and the one name of the own brand."""
    more = [name for name in ("unit", "kind", "better") if name not in columns and company.has("competitors", name)]
    rows = company.frame("competitors", "brand", "own", "measure", "measured_at", "value", *columns, *more)
    rows = rows.sort_values("measured_at", kind="stable", ignore_index=True)
    own = rows.loc[rows["own"].fillna(False).astype(bool), "brand"].unique()
    if len(own) != 1:
        raise TooLittleData(
            say("column 'own' of table 'competitors' marks {n} brands as the own one: {names:words}; mark exactly one",
                n=len(own), names=list(own) or [text("none")]), table="competitors",
        )  # fmt: skip
    if rows["brand"].nunique() < 2:
        raise TooLittleData(say("table 'competitors' has the own brand alone; needs a rival"), table="competitors")
    return rows, str(own[0])
