"""The risk of buying nothing: learnt from earlier days, tested on a later one, told for today."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import numpy as np
import pandas as pd
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from crm_lib.company import Company, kept
from crm_lib.customers import Value, facts, purchase_days, value_of
from crm_lib.errors import TooLittleData
from crm_lib.estimate import Estimate
from crm_lib.language import say
from crm_lib.relationships.signs import QUARTER, bought_nothing
from crm_lib.statistics.reliability import Reliability, compared_auc, reliability

ACTIVE_DAYS = 365
"""Customers who bought in so many days have a risk; the others are silent already."""
CUT_OFFS = 2
"""Days, a quarter apart, that the model learns from: more of them tell no better on any company tried."""
_HISTORY = 91
"""Days of history that a day must have before it: on the first days everybody looks new."""
_FEWEST = 30


@dataclass(frozen=True, kw_only=True, eq=False)
class SilenceRisk:
    """Risk of falling silent, and how well it was told on `tested_on`; what it had learnt from was over by then.

    `frame` by ``customer_id``, who bought in the last year: ``risk`` of buying nothing in the `horizon_days` to come,
    ``silence`` (days since the last purchase) and ``value`` (money of the last year); `test` as told on that day, with
    ``silent`` (whether nothing was bought since). `auc` is how often a customer who fell silent had a higher risk than
    one who did not, `auc_recency` the same by days of silence alone, `gain` the difference.
    """

    frame: pd.DataFrame
    test: pd.DataFrame
    tested_on: dt.date
    horizon_days: int
    reliability: Reliability
    auc: Estimate
    auc_recency: Estimate
    gain: Estimate
    value_kind: Value
    currency: str


@kept
def silence_risk(company: Company, *, horizon_days: int = QUARTER) -> SilenceRisk:
    """Estimate each customer's risk of buying nothing in the days to come.

    A logistic regression on the facts of earlier days learns what followed each of them. The last day whose outcome is
    known is kept apart: the model predicts it from what was known then and is compared with what came, and with the
    rule "the longer silent, the likelier gone". Then it learns from that day too and tells today's risk.

    Parameters
    ----------
    company : Company
        The company.
    horizon_days : int
        Days looked ahead.

    Returns
    -------
    SilenceRisk
        Risks and their test.

    Raises
    ------
    TooLittleData
        If history is too short, or fewer than 30 customers fell silent or did not.
    """
    if horizon_days < 1:
        raise ValueError(f"horizon_days must be at least 1, not {horizon_days}")
    tested_on = company.as_of - dt.timedelta(days=horizon_days)
    earlier = [tested_on - dt.timedelta(days=horizon_days + QUARTER * number) for number in range(CUT_OFFS)]
    bought = purchase_days(company)
    begin = bought["day"].min()
    learnt_from = [day for day in earlier if (pd.Timestamp(day) - begin).days >= _HISTORY]
    if not learnt_from:
        message = "needs purchases from {days} days before {day:date}, on which the risk of silence is learnt"
        raise TooLittleData(say(message, days=_HISTORY, day=earlier[0]))
    known = {day: _features(company, day) for day in (*learnt_from, tested_on, company.as_of)}
    silent = {
        day: bought_nothing(bought, features.index, day, horizon_days).astype(float)
        for day, features in known.items()
        if day < company.as_of
    }
    for day in (learnt_from[0], tested_on):
        fewer = int(silent[day].value_counts().reindex([0.0, 1.0], fill_value=0).min())
        if fewer < _FEWEST:
            message = "needs {least} customers who fell silent after {day:date} and as many who did not; there are {n}"
            raise TooLittleData(say(message, least=_FEWEST, day=day, n=fewer))
    told = _told(company, _learnt(known, silent, learnt_from), known, tested_on)
    told["silent"] = silent[tested_on].astype(bool)
    auc, by_recency, gain = compared_auc(
        told["silent"].to_numpy(float), told["risk"].to_numpy(), told["silence"].to_numpy()
    )
    return SilenceRisk(
        frame=_told(company, _learnt(known, silent, [tested_on, *learnt_from][:CUT_OFFS]), known, company.as_of),
        test=told, tested_on=tested_on, horizon_days=horizon_days,
        reliability=reliability(told["risk"], told["silent"]), auc=auc, auc_recency=by_recency, gain=gain,
        value_kind=value_of(company), currency=company.currency,
    )  # fmt: skip


def _features(company: Company, day: dt.date) -> pd.DataFrame:
    """Return what bears on falling silent, from the facts of a day; columns that a company lacks are left out."""
    known = facts(company, day)
    known = known[known["recency"] < ACTIVE_DAYS]
    if known.empty:
        raise TooLittleData(say("nobody bought in the {days} days up to {day:date}", days=ACTIVE_DAYS, day=day))
    silence, against = np.log1p(known["recency"]), np.log((known["recency"] + 1) / (known["rhythm"] + 1))
    features = {
        "silence": silence,
        "silence_squared": silence**2,
        "against_rhythm": against,
        "against_rhythm_squared": against**2,
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


def _learnt(known: dict[dt.date, pd.DataFrame], silent: dict[dt.date, pd.Series], days: list[dt.date]) -> Pipeline:
    impute = SimpleImputer(add_indicator=True, keep_empty_features=True)
    model = make_pipeline(impute, StandardScaler(), LogisticRegression(max_iter=2000))
    return model.fit(pd.concat([known[day] for day in days]), pd.concat([silent[day] for day in days]))


def _told(company: Company, model: Pipeline, known: dict[dt.date, pd.DataFrame], day: dt.date) -> pd.DataFrame:
    features = known[day]
    told = pd.DataFrame({"risk": model.predict_proba(features)[:, 1]}, index=features.index)
    told["silence"] = np.expm1(features["silence"]).round()
    told["value"] = facts(company, day)[value_of(company)].reindex(features.index).astype(float)
    return told
