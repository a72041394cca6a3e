"""Loyalty as behaviour and attitude; from satisfaction to loyalty by level of competition; and false loyalty."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

import numpy as np
import pandas as pd
from scipy.optimize import lsq_linear
from scipy.stats import t
from sklearn.preprocessing import SplineTransformer
from sklearn.tree import DecisionTreeRegressor

from crm_lib.company import Company
from crm_lib.customers import customer_attribute, customer_window, facts, value_of
from crm_lib.errors import MissingData
from crm_lib.estimate import LEVEL, Estimate
from crm_lib.finding import Criterion, Finding
from crm_lib.satisfaction.answers import FEWEST, SCALE, Survey, enough, too_little
from crm_lib.satisfaction.weighting import Kind, estimated
from crm_lib.statistics.proportions import newcombe
from crm_lib.statistics.resampling import Floats

INTENDS, DOES = "intends to stay", "bought again"
STAYS_FROM: Final = 7
"""Rating of the intention to buy again from which a customer means to stay."""
FOLLOWED_DAYS: Final = 182
"""Days after a day, to which a customer's last answer of a year counts, in which is asked who bought again."""
KINDS: Final = {
    "true": ("buys often and means to stay", "Thank them, and ask them to recommend you"),
    "spurious": ("buys often without meaning to stay", "Find out what dissatisfies before a rival opens"),
    "latent": ("means to stay but buys seldom", "Remove what keeps them from buying: range, channel, reminder"),
    "none": ("neither", "Serve by rule; no cost for keeping"),
}
"""Dick & Basu (1994), Journal of the Academy of Marketing Science 22, 99-113; what each is, and what to do."""


def follow_answers(company: Company, survey: Survey) -> tuple[pd.DataFrame, dt.date]:
    """Return answers up to a day with what was bought in the year before, and whether after (``stayed``); the day."""
    day, kind = company.as_of - dt.timedelta(days=FOLLOWED_DAYS), value_of(company)
    known = facts(company, day)
    moment = pd.Timestamp(day)
    asked = survey.frame["responded_at"].between(moment - pd.Timedelta(days=364), moment)
    rows = survey.frame[asked].drop_duplicates("respondent", keep="last")
    rows = rows[rows["customer_id"].isin(known.index[known["purchase_days"] > 0])]
    enough("needs {least} customers who had bought and answered half a year ago; there are {n}", n=len(rows))
    before = known.loc[rows["customer_id"]]
    after = customer_window(company, days=FOLLOWED_DAYS).reindex(before.index)
    more = before[["purchase_days", kind]].rename(columns={kind: "value"}).astype(float)
    more["stayed"] = (after["orders"] > 0).astype(float)
    return rows.reset_index(drop=True).join(more.reset_index(drop=True)), day


@dataclass(frozen=True, kw_only=True, eq=False)
class Loyalty:
    """What :func:`loyalty_kinds` found: `frame` by kind of loyalty, as of `day`.

    ``customers``, ``share`` (Estimate), ``value`` (mean of the year before, money), ``silent`` (Estimate: share that
    bought nothing in the half-year after) and ``action``; kinds with fewer than ten customers are left out.
    `often_from` are the purchase days from which a customer buys often.
    """

    frame: pd.DataFrame
    often_from: float
    day: dt.date
    currency: str


def loyalty_kinds(company: Company, survey: Survey) -> Loyalty:
    """Cross what customers do with what they feel, as known on an earlier day, and follow them up.

    A customer buys often with more purchase days in the year than the median of those asked, and means to stay with a
    rating of seven or more.

    Parameters
    ----------
    company, survey : Company, Survey
        The company (needs ``transactions``) and its answers; they must name customers.
    """
    followed, day = follow_answers(company, survey)
    rows = survey.complete("loyalty", frame=followed)
    median = float(rows["purchase_days"].median())
    often, means = rows["purchase_days"] > median, rows["loyalty"] >= STAYS_FROM
    kind = pd.Series(np.select([often & means, often, means], ["true", "spurious", "latent"], "none"), index=rows.index)
    table: dict[str, dict[str, Any]] = {}
    for name, (_, action) in KINDS.items():
        part = rows[kind == name]
        if len(part) >= FEWEST:
            table[name] = {
                "customers": len(part), "share": estimated(rows, kind == name, kind="share"),
                "value": float(part["value"].mean()),
                "silent": estimated(part, 1 - part["stayed"], kind="share"), "action": action,
            }  # fmt: skip
    frame = pd.DataFrame.from_dict(table, orient="index").rename_axis("kind")
    return Loyalty(frame=frame, often_from=median + 1, day=day, currency=company.currency)


LEVELS: Final = ("low", "medium", "high", "all customers")
_LEAST = 50
"""Respondents a curve is fitted to, at least."""
_FOLDS = 10
Curve = Callable[[Floats], Floats]


def _polynomial(x: Floats, y: Floats, w: Floats, *, degree: int) -> Curve:
    found = np.polynomial.Polynomial.fit(x, y, degree, w=np.sqrt(w), domain=list(map(float, SCALE)))
    return lambda at: np.asarray(found(at))


def monotone_curve(x: Floats, y: Floats, w: Floats) -> Curve:
    """Return a smooth curve that never falls: cumulated B-splines whose steps are not negative (Ramsay 1988)."""
    # Knots lie where the answers are: a step that no answer supports could be of any height.
    knots = np.unique(np.quantile(x, np.linspace(0, 1, 6)))[:, None]
    if len(knots) < 2:
        return _polynomial(x, y, w, degree=0)
    basis = SplineTransformer(degree=2, knots=knots, extrapolation="constant").fit(knots)

    def design(at: Floats) -> Floats:
        # Sums of the last basis functions rise from 0 to 1.
        return np.asarray(np.cumsum(basis.transform(at[:, None])[:, ::-1], axis=1)[:, ::-1])

    columns, root = design(x), np.sqrt(w)
    lowest = np.r_[-np.inf, np.zeros(columns.shape[1] - 1)]
    found = lsq_linear(columns * root[:, None], y * root, bounds=(lowest, np.inf)).x
    return lambda at: design(at) @ found


def _threshold(x: Floats, y: Floats, w: Floats) -> Curve:
    """Return the best single step."""
    step = DecisionTreeRegressor(max_depth=1).fit(x[:, None], y, sample_weight=w)
    return lambda at: np.asarray(step.predict(at[:, None]))


LINE: Final = "straight line"
SHAPES: Final[Mapping[str, Callable[[Floats, Floats, Floats], Curve]]] = {
    LINE: partial(_polynomial, degree=1),
    "quadratic": partial(_polynomial, degree=2),
    "monotone curve": monotone_curve,
    "threshold": _threshold,
}


@dataclass(frozen=True, kw_only=True, eq=False)
class LoyaltyCurve:
    """What :func:`loyalty_curve` found.

    `shapes` by ``(outcome, shape)``: ``explained`` out of sample and ``gain`` over the straight line (Estimate, all
    shapes in mind). `points` by ``(outcome, level, rating)``: ``seen`` (Estimate) and ``curve`` (monotone). `levels` by
    ``(outcome, level)`` is the share of the dissatisfied (below `below`) who stay (Estimate). `stake` is what those
    under low competition brought in a year (None where not known).
    """

    shapes: pd.DataFrame
    points: pd.DataFrame
    levels: pd.Series[Any]
    below: float
    stake: Estimate | None


def loyalty_curve(company: Company, survey: Survey, *, dissatisfied_below: float = 6.0, seed: int = 0) -> LoyaltyCurve:
    """Compare shapes of the curve from satisfaction to loyalty out of sample, for each level of competition.

    Loyalty is the intention to buy again and, where purchases are known, having bought in the half-year after a day up
    to which answers were looked at. Each customer's last answer counts. Each level of ``local_competition`` with fifty
    has a curve of its own, where the company knows it.

    Parameters
    ----------
    company, survey : Company, Survey
        The company and its answers.
    dissatisfied_below : float
        A rating below this is dissatisfied.
    seed : int
        Of the division into ten parts, each of which is told by curves fitted to the others.
    """
    last = survey.frame.drop_duplicates("respondent", keep="last")
    outcomes = {INTENDS: (survey.complete("satisfaction", "loyalty", frame=last), "loyalty")}
    with suppress(MissingData):  # where purchases are not known, the intention is all there is
        outcomes[DOES] = (survey.complete("satisfaction", frame=follow_answers(company, survey)[0]), "stayed")
    shapes: dict[Any, Any] = {}
    points: dict[Any, Any] = {}
    levels: dict[tuple[str, str], Estimate] = {}
    stake = None
    for outcome, (frame, column) in outcomes.items():
        frame = frame.assign(level=LEVELS[-1], stays=frame[column] >= (STAYS_FROM if outcome == INTENDS else 1))
        with suppress(MissingData):
            frame["level"] = frame["customer_id"].map(customer_attribute(company, "local_competition"))
        frame = frame[frame["level"].map(frame["level"].value_counts()) >= _LEAST]
        if frame.empty:
            raise too_little("needs {least} respondents of one level of competition", least=_LEAST)
        shapes |= {(outcome, shape): row for shape, row in _compared(frame, column, seed).items()}
        for name in (one for one in LEVELS if one in set(frame["level"])):
            part = frame[frame["level"] == name]
            points |= {(outcome, name, rating): row for rating, row in _points(part, column).items()}
            bad = part[part["satisfaction"] < dissatisfied_below]
            levels[outcome, name] = estimated(bad, bad["stays"], kind="share")
            if (outcome, name) == (DOES, "low"):
                brought = float(bad["value"].sum())
                stake = Estimate.exact(brought, n=len(bad), unit=company.currency, method="sum")
    return LoyaltyCurve(
        shapes=pd.DataFrame.from_dict(shapes, orient="index").rename_axis(["outcome", "shape"]),
        points=pd.DataFrame.from_dict(points, orient="index").rename_axis(["outcome", "level", "rating"]),
        levels=pd.Series(levels), below=dissatisfied_below, stake=stake,
    )  # fmt: skip


def _compared(frame: pd.DataFrame, column: str, seed: int) -> dict[str, dict[str, Any]]:
    """Return what each shape explains of answers it was not fitted to, each level with a curve of its own."""
    # Sorted by respondent: the division must not depend on the order of rows.
    frame = frame.sort_values("respondent")
    fold = np.random.default_rng(seed).permutation(np.arange(len(frame)) % _FOLDS)
    x, y, w = (frame[name].to_numpy(dtype=np.float64) for name in ("satisfaction", column, "weight"))
    level, n = frame["level"].to_numpy(), len(frame)
    shapes: dict[str, Callable[[Floats, Floats, Floats], Curve]] = {**SHAPES, "": partial(_polynomial, degree=0)}
    lost = {shape: np.empty(n) for shape in shapes}
    for out in range(_FOLDS):
        for name in pd.unique(level):
            inside, away = (level == name) & (fold != out), (level == name) & (fold == out)
            for shape, fit in shapes.items():
                told = fit(x[inside], y[inside], w[inside])(x[away])
                lost[shape][away] = w[away] * (y[away] - told) ** 2
    total = lost.pop("")
    # Wide enough for the best of three rivals of the line, which is picked after a look at all.
    reach = float(t.ppf(1 - (1 - LEVEL) / 2 / (len(SHAPES) - 1), n - 1)) * np.sqrt(n / (n - 1)) / total.sum()
    rows: dict[str, dict[str, Any]] = {}
    for shape, each in lost.items():
        gains = lost[LINE] - each
        value = float(gains.sum() / total.sum())
        half = reach * float(np.sqrt(((gains - value * total) ** 2).sum()))
        gain = Estimate(value=value, low=value - half, high=value + half, n=n, unit="share", method="ten-fold")
        rows[shape] = {"explained": 1 - float(each.sum() / total.sum()), "gain": None if shape == LINE else gain}
    return rows


def _points(part: pd.DataFrame, column: str) -> dict[int, dict[str, Any]]:
    curve = monotone_curve(*(part[name].to_numpy(dtype=np.float64) for name in ("satisfaction", column, "weight")))
    groups = {int(rating): rows for rating, rows in part.groupby(part["satisfaction"].round()) if len(rows) >= FEWEST}
    kind: Kind = "share" if column == "stayed" else "mean"
    return {
        rating: {"seen": estimated(rows, rows[column], kind=kind), "curve": float(curve(np.array([float(rating)]))[0])}
        for rating, rows in groups.items()
    }


def finding_curve(found: LoyaltyCurve) -> Finding:
    """Return whether a curve tells the intention to stay better than a straight line, out of sample."""
    shapes: Any = found.shapes.loc[INTENDS]
    gains = shapes["gain"].drop(LINE)
    best = max(gains.index, key=lambda name: gains[name].value)
    return Finding(
        key="satisfaction.curve",
        claim="Loyalty does not rise in a straight line with satisfaction.",
        source="Textbook 4.3.3: satisfaction and retention, a non-linear relation",
        estimate=gains[best],
        criterion=Criterion(low=0.0),
        sentence="Out of sample a straight line explains {line:share} of the intention to stay; the best other shape, "
        "{best:words}, adds {estimate}.",
        if_supported="Look up the curve before spending: a point of satisfaction pays where the curve is steep.",
        if_not_supported="Count each point of satisfaction alike: a straight line tells loyalty as well as any curve.",
        if_undecided="Plan with the straight line; the curves are no clear gain yet.",
        values={"line": shapes.loc[LINE, "explained"], "best": best},
    )


def finding_false_loyalty(found: LoyaltyCurve) -> Finding:
    """Return whether dissatisfied customers mean to stay more often under low than under high competition."""
    shares: Any = found.levels[INTENDS]
    low, high = (shares[level].n if level in shares else 0 for level in ("low", "high"))
    message = "needs {least} dissatisfied customers under low and under high competition; there are {low} and {high}"
    enough(message, low=low, high=high)
    return Finding(
        key="satisfaction.false_loyalty",
        claim="Where there is little competition, dissatisfied customers stay: their loyalty is false.",
        source="Textbook 4.2.1: satisfaction, loyalty and competition",
        estimate=newcombe(shares["low"], shares["high"]),
        criterion=Criterion(low=0.0),
        sentence="Of dissatisfied customers {low} mean to stay under low competition, {high} under high: a difference "
        "of {estimate}.",
        if_supported="Do not read staying as loyalty where rivals are few: mend what dissatisfies before one opens.",
        if_not_supported="Treat the dissatisfied alike everywhere: few rivals do not hold them here.",
        if_undecided="Ask more dissatisfied customers; until then expect them to leave everywhere.",
        values={"low": shares["low"], "high": shares["high"]},
        currency=found.stake.unit if found.stake else "",
        money_at_stake=found.stake,
        money_note="what dissatisfied customers under low competition brought in a year, of those followed up",
    )
