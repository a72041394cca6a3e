"""The one risk of leaving: learnt from earlier days, chosen on a later one, tested later still, told for today."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

import numpy as np
import pandas as pd
from scipy.special import logit
from sklearn.compose import make_column_transformer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from crm_lib.company import Company, kept
from crm_lib.customers import facts, purchase_days, value_of
from crm_lib.errors import TooLittleData
from crm_lib.estimate import Estimate
from crm_lib.language import plural, say
from crm_lib.relationships import SilenceRisk
from crm_lib.relationships.signs import QUARTER, bought_nothing, p_alive
from crm_lib.statistics.reliability import compared_auc, reliability

MODELS: Final = {
    "silence": "Days of silence",
    "against_rhythm": "Silence over own rhythm",
    "p_alive": "P(alive)",
    "logistic": "Logistic regression on all facts",
}
"""The rivals, the simplest first. Boosted trees were no better than the regression on any of four companies."""
ACTIVE_DAYS = 365
"""Customers who bought in so many days have a risk; the others are silent already."""
CUT_OFFS = 2
"""Days, a quarter apart, that a model learns from: more of them tell no better on any company tried."""
SHIFTED: Final = 0.25
"""Population stability index from which a sign has shifted, by the custom of credit scoring."""
_PARTS = ("contacts", "complaints", "answers", "memberships")  # facts that are signs, beside purchases
_MOST = 100_000
"""Customers of a day that a model learns from at most: the order of risks is then sure to a thousandth."""
_HISTORY = 91
"""Days of history that a day must have before it: on the first days everybody looks new."""
_FEWEST = 30
_TENTHS = 10


@dataclass(frozen=True, kw_only=True, eq=False)
class ChurnRisk(SilenceRisk):
    """Risk of falling silent by the simplest model that is not demonstrably worse than the best, `model`.

    `rivals`, of the test, by model: ``auc``, ``behind`` (the best one's auc on the day of choice less its own),
    ``brier`` and ``lift`` (silent in the tenth of highest risk over silent in all). `chosen_on` is the day of choice,
    that of the test where the data reach no further back. `rolling`, by day: ``customers``, ``share`` who fell silent,
    ``told`` and ``auc`` of that model, learnt from what was over by then. `features` of today and of the test, and
    `fitted`, serve reasons and drift.
    """

    model: str
    chosen_on: dt.date
    rivals: pd.DataFrame
    rolling: pd.DataFrame
    features: pd.DataFrame
    features_before: pd.DataFrame
    fitted: Pipeline

    def drift(self) -> pd.DataFrame:
        """Return how far today's customers lie from those of the test: stability index of the risk and each sign."""
        now = self.features.assign(risk=self.frame["risk"])
        before = self.features_before.assign(risk=self.fitted.predict_proba(self.features_before)[:, 1])
        columns = [name for name in map(str, now) if not name.endswith("_squared") and name != "p_alive"]
        index = {name: stability(before[name], now[name]) for name in ["risk", *columns[:-1]]}
        frame = pd.DataFrame({"stability": pd.Series(index)}).rename_axis("sign")
        return frame.assign(shifted=frame["stability"] >= SHIFTED).sort_values("stability", ascending=False)


@kept
def churn_risk(company: Company, *, horizon_days: int = QUARTER) -> ChurnRisk:
    """Estimate each customer's risk of buying nothing in the days to come.

    Models learn from the facts of earlier days what followed each of them. On a later day whose outcome is known the
    simplest one is chosen that is not demonstrably worse than the best (the 95 % interval of the difference of their
    areas under the ROC curve, after DeLong et al. 1988, holds zero); on the last such day it is tested. Then it
    learns from that day too and tells today's risk.

    Parameters
    ----------
    company : Company
        The company.
    horizon_days : int
        Days looked ahead.

    Returns
    -------
    ChurnRisk
        Risks, their test, and the rivals.

    Raises
    ------
    TooLittleData
        If history is too short, or fewer than 30 customers fell silent or did not.
    ValueError
        If the horizon is shorter than a day.
    """
    if horizon_days < 1:
        raise ValueError(f"horizon_days must be at least 1, not {horizon_days}")
    looks = _Looks(company, horizon_days)
    tested_on = company.as_of - dt.timedelta(days=horizon_days)
    told = looks.told(tested_on)
    silent = looks.silent(tested_on).to_numpy()
    try:
        chosen_on = tested_on - dt.timedelta(days=QUARTER)
        earlier = looks.told(chosen_on)
    except TooLittleData:
        chosen_on, earlier = tested_on, told
    then = looks.silent(chosen_on).to_numpy()
    best = max(MODELS, key=lambda name: roc_auc_score(then, earlier[name]))
    behind = {name: compared_auc(then, earlier[best].to_numpy(), earlier[name].to_numpy())[2] for name in MODELS}
    model = next(name for name in MODELS if name == best or behind[name].low <= 0)
    risk, by_silence = told[model], told["silence"]
    auc, by_recency, gain = compared_auc(silent, risk.to_numpy(), by_silence.to_numpy())
    fitted = looks.fitted(model, company.as_of)
    rolling = {}
    for day, each, came in ((chosen_on, earlier[model], then), (tested_on, risk, silent)):
        auc_then = compared_auc(came, each.to_numpy(), each.to_numpy())[0]
        rolling[day] = {"customers": len(came), "share": came.mean(), "told": each.mean(), "auc": auc_then}
    return ChurnRisk(
        frame=looks.frame(company.as_of, fitted.predict_proba(looks.features(company.as_of))[:, 1]),
        test=looks.frame(tested_on, risk.to_numpy()).assign(silent=silent.astype(bool)),
        tested_on=tested_on, horizon_days=horizon_days, reliability=reliability(risk, looks.silent(tested_on)),
        auc=auc, auc_recency=by_recency, gain=gain, value_kind=value_of(company), currency=company.currency,
        model=model, chosen_on=chosen_on, rivals=_rivals(told, silent, behind),
        rolling=pd.DataFrame.from_dict(rolling, orient="index").rename_axis("day"),
        features=looks.features(company.as_of), features_before=looks.features(tested_on), fitted=fitted,
    )  # fmt: skip


class _Looks:
    """What was known on each day, what followed it, and models that learn from days whose outcome was over by then."""

    def __init__(self, company: Company, horizon_days: int) -> None:
        self._company, self._horizon = company, horizon_days
        self._bought = bought = purchase_days(company)
        # The signs of a day, and who bought nothing after it: each is asked for again and again.
        self.features: Callable[[dt.date], pd.DataFrame] = cache(lambda day: risk_features(company, day))
        self.silent: Callable[[dt.date], pd.Series[float]] = cache(
            lambda day: bought_nothing(bought, self.features(day).index, day, horizon_days).astype(float)
        )

    def fitted(self, model: str, day: dt.date) -> Pipeline:
        """Return a model learnt from the last days whose outcome was known on a day."""
        begin = self._bought["day"].min()
        last = [day - dt.timedelta(days=self._horizon + QUARTER * number) for number in range(CUT_OFFS)]
        days = [each for each in last if (pd.Timestamp(each) - begin).days >= _HISTORY]
        if not days:
            message = "needs purchases from {days} days before {day:date}, on which the risk of silence is learnt"
            raise TooLittleData(say(message, days=_HISTORY, day=last[0]))
        # Every so many customers: of a large company, more of them tell no better.
        steps = [-(-len(self.features(each)) // _MOST) for each in days]
        signs = pd.concat([self.features(each).iloc[::step] for each, step in zip(days, steps, strict=True)])
        outcome = pd.concat([self.silent(each).iloc[::step] for each, step in zip(days, steps, strict=True)])
        self._enough(days[0], outcome)
        return _pipeline(model, list(map(str, signs))).fit(signs, outcome)

    def told(self, day: dt.date) -> pd.DataFrame:
        """Return the risk that each model told on a day, of customers whose outcome is known."""
        risks = {name: self.fitted(name, day).predict_proba(self.features(day))[:, 1] for name in MODELS}
        self._enough(day, self.silent(day))
        return pd.DataFrame(risks, index=self.features(day).index)

    def frame(self, day: dt.date, risk: np.ndarray) -> pd.DataFrame:
        """Return risk, days of silence and value of the customers of a day."""
        known = facts(self._company, day, parts=()).loc[self.features(day).index]
        value = known[value_of(self._company)].astype(float)
        return pd.DataFrame({"risk": risk, "silence": known["recency"].astype(float), "value": value})

    def _enough(self, day: dt.date, outcome: pd.Series[float]) -> None:
        fewest = int(outcome.value_counts().reindex([0.0, 1.0], fill_value=0).min())
        if fewest < _FEWEST:
            message = "needs {least} customers who fell silent after {day:date} and as many who did not; there are {n}"
            raise TooLittleData(say(message, least=_FEWEST, day=day, n=fewest))


def risk_features(company: Company, day: dt.date) -> pd.DataFrame:
    """Return what bears on falling silent, from the facts of a day; columns that a company lacks are left out."""
    everybody = facts(company, day, parts=_PARTS)
    known = everybody[everybody["recency"] < ACTIVE_DAYS]
    if known.empty:
        raise TooLittleData(say("nobody bought in the {days} days up to {day:date}", days=ACTIVE_DAYS, day=day))
    silence, against = np.log1p(known["recency"]), np.log((known["recency"] + 1) / (known["rhythm"] + 1))
    alive = logit(p_alive(everybody).reindex(known.index).clip(1e-6, 1 - 1e-6))
    features = {
        "silence": silence,
        "silence_squared": silence**2,
        "against_rhythm": against,
        "against_rhythm_squared": against**2,
        "p_alive": alive,
        "p_alive_squared": alive**2,
        "purchases": np.log(known["purchase_days_ever"]),
        "recent_purchases": np.log1p(known["purchase_days"]),
        "tenure": np.log1p(known["tenure"]),
    }
    if "discounted_lines_ever" in known:
        features["discounted"] = (known["discounted_lines_ever"] + 1) / (known["lines_ever"] + 2)
    if "reviews_ever" in known:
        features["reviewer"] = known["reviews_ever"] > 0
    features |= {name: known[name] for name in ("member", "unresolved", "satisfaction") if name in known}
    return pd.DataFrame(features).astype(float)


def _pipeline(model: str, columns: list[str]) -> Pipeline:
    # P(alive) is a rival only: its model may change its mind from one day to the next, and drags a regression along.
    signs = {name: name.removesuffix("_squared") for name in columns}
    own = [name for name, sign in signs.items() if (sign != "p_alive" if model == "logistic" else sign == model)]
    impute = SimpleImputer(add_indicator=True, keep_empty_features=True)
    return make_pipeline(
        make_column_transformer(("passthrough", own)), impute, StandardScaler(), LogisticRegression(max_iter=2000)
    )


def _rivals(told: pd.DataFrame, silent: np.ndarray, behind: dict[str, Estimate]) -> pd.DataFrame:
    rows = {}
    for name in MODELS:
        risk = told[name].to_numpy()
        best = np.argsort(-risk, kind="stable")[: max(len(risk) // _TENTHS, 1)]
        rows[name] = {
            "auc": compared_auc(silent, risk, risk)[0], "behind": behind[name],
            "brier": float(((risk - silent) ** 2).mean()), "lift": float(silent[best].mean() / silent.mean()),
        }  # fmt: skip
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("model")


def stability(before: pd.Series[float], now: pd.Series[float]) -> float:
    """Return the population stability index of two samples, in tenths of the first; a missing value is one more."""
    edges = np.unique(before.quantile(np.arange(1, _TENTHS) / _TENTHS).dropna())
    shares = []
    for sample in (before, now):
        place = np.where(sample.isna(), edges.size + 1, np.searchsorted(edges, sample))
        # Half a customer more in each, so that an empty one has a logarithm.
        counts = np.bincount(place, minlength=edges.size + 2) + 0.5
        shares.append(counts / counts.sum())
    return float(((shares[1] - shares[0]) * np.log(shares[1] / shares[0])).sum())


SIGNS: Final = {
    "silence": ("silent for long", ("silence", "against_rhythm", "p_alive")),
    "purchases": ("few purchases", ("purchases", "recent_purchases")),
    "tenure": ("time as a customer", ("tenure",)),
    "discounted": ("buys on discount", ("discounted",)),
    "unresolved": ("complaint not settled", ("unresolved",)),
    "satisfaction": ("satisfaction low or not known", ("satisfaction",)),
    "member": ("no membership", ("member",)),
    "reviewer": ("writes no reviews", ("reviewer",)),
}
"""Signs in words, and the features that are told together as one."""
NO_SIGN: Final = "no sign stands out"
_REASONS, _STANDS_OUT = 2, 0.1
"""Reasons told of a customer, and the rise in the log odds from which a sign is one."""


def risk_reasons(company: Company, risk: ChurnRisk, customers: pd.Index[str]) -> pd.DataFrame:
    """Return what raises the risk of customers most, against one with the typical sign in its place.

    Parameters
    ----------
    company : Company
        The company.
    risk : ChurnRisk
        The risk.
    customers : Index
        Customers who have one.

    Returns
    -------
    DataFrame
        By customer: ``first``, the strongest sign (one of :data:`SIGNS`), and ``reason``, up to two in words.
    """
    signs, known = risk.features.loc[customers], facts(company, parts=_PARTS).loc[customers]
    typical = risk.features.median()

    def odds(features: pd.DataFrame) -> np.ndarray:
        return np.asarray(logit(risk.fitted.predict_proba(features)[:, 1].clip(1e-9, 1 - 1e-9)))

    raised = {}
    for sign, (_, names) in SIGNS.items():
        held = [name for name in map(str, signs) if name.removesuffix("_squared") in names]
        if held and len(signs):
            raised[sign] = odds(signs) - odds(signs.assign(**{name: float(typical[name]) for name in held}))
    order, told = list(raised), []
    gains = np.column_stack(list(raised.values())) if len(signs) else np.empty((0, 1))
    for row, gain in zip(known.to_dict("records"), gains, strict=True):
        best = [order[place] for place in np.argsort(-gain, kind="stable") if gain[place] > _STANDS_OUT]
        words = "; ".join(_reason(name, row) for name in best[:_REASONS])
        told.append((SIGNS[best[0]][0] if best else NO_SIGN, words or say(NO_SIGN)))
    return pd.DataFrame(told, index=customers, columns=["first", "reason"])


def _reason(name: str, row: dict[Any, Any]) -> str:
    if name == "silence":
        times = (row["recency"] + 1) / (row["rhythm"] + 1)
        words = plural("silent for {n} day", "silent for {n} days", int(row["recency"]))
        return words + (say(", {x:number1} times the own rhythm", x=times) if times >= 1.5 else "")
    if name == "purchases":
        return plural("{n} purchase day in a year", "{n} purchase days in a year", int(row["purchase_days"]))
    if name == "tenure":
        return plural("a customer for {n} day", "a customer for {n} days", int(row["tenure"]))
    if name == "discounted":
        return say("{x:share} of lines on discount", x=row["discounted_lines_ever"] / row["lines_ever"])
    if name == "satisfaction":
        known = not pd.isna(row["satisfaction"])
        return say("satisfaction {x:number}", x=row["satisfaction"]) if known else say("no answer to a survey")
    return say(SIGNS[name][0])
