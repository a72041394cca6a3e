"""The risk of falling silent: estimated from earlier days, tested on a later one, and told for today."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import numpy as np
import pandas as pd
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from crm_lib import language
from crm_lib.company import Company
from crm_lib.customers import purchase_days
from crm_lib.errors import TooLittleData
from crm_lib.estimate import Estimate
from crm_lib.relationships.relations.silence_features import silence_features
from crm_lib.statistics.reliability import Reliability, compared_auc, reliability
from crm_lib.statistics.resampling import Floats

_FEWEST = 30
"""Customers who fell silent, and customers who did not, below which nothing is learnt or tested."""
_HISTORY = 91
"""Days of history that a day must have before it: on the first days everybody looks new."""
_STEP = 91
"""Days between the days that the model learns from: four of them hold every season."""


@dataclass(frozen=True, kw_only=True)
class SilenceRisk:
    """Risk of falling silent of each customer, and how well it was told before, as :func:`silence_risk` made it.

    Parameters
    ----------
    risk : Series
        Indexed by ``customer_id``: probability of no purchase in the `horizon_days` days after ``as_of``.
    horizon_days : int
        Days looked ahead.
    tested_on : date
        Day from which the test predicts.
    learnt_from : tuple of date
        Days that the tested model learnt from; what followed each was over on `tested_on`.
    test : DataFrame
        Indexed by ``customer_id``: ``risk`` told on `tested_on`, ``silent`` (whether no purchase followed) and
        ``silence`` (days since the last purchase on that day).
    reliability : Reliability
        Risk told against what followed, on `tested_on`.
    auc, auc_recency, gain : Estimate
        Probability that a customer who fell silent had a higher risk than one who did not; the same by the days since
        the last purchase alone; and the difference.
    features : tuple of str
        What the risk is told from.
    """

    risk: pd.Series[float]
    horizon_days: int
    tested_on: dt.date
    learnt_from: tuple[dt.date, ...]
    test: pd.DataFrame
    reliability: Reliability
    auc: Estimate
    auc_recency: Estimate
    gain: Estimate
    features: tuple[str, ...]


def silence_risk(company: Company, *, horizon_days: int = 91, cut_offs: int = 4, active_days: int = 365) -> SilenceRisk:
    """Estimate the risk of each customer of buying nothing in the days to come.

    A logistic regression on what was known (silence against the customer's own rhythm, and complaints, satisfaction,
    membership, reviews, discounts where the company knows them) learns from earlier days what followed each of
    them. The last day of which the outcome is known is kept apart: the model learns from days whose outcomes were over
    by then, predicts, and is compared with what came and with the rule of thumb "the longer silent, the likelier
    gone". Then the model learns from that day too and tells the risk of today's customers.

    Parameters
    ----------
    company : Company
        The company.
    horizon_days : int
        Days looked ahead.
    cut_offs : int
        Number of days, a quarter apart, that the model learns from, as far as history reaches.
    active_days : int
        Customers whose last purchase is less than so many days ago have a risk; the others are silent already.

    Returns
    -------
    SilenceRisk
        Risks and their test.

    Raises
    ------
    TooLittleData
        If history does not reach far enough back, or fewer than 30 customers fell silent or did not.
    ValueError
        If a number is not positive.
    """
    if min(horizon_days, cut_offs, active_days) < 1:
        raise ValueError(
            f"horizon_days, cut_offs and active_days must be at least 1, not {horizon_days}, {cut_offs}, {active_days}"
        )
    days = purchase_days(company)
    bought = days[["customer_id", "day"]].drop_duplicates()
    tested_on = company.as_of - dt.timedelta(days=horizon_days)
    earlier = [tested_on - dt.timedelta(days=horizon_days + _STEP * number) for number in range(cut_offs)]
    learnt_from = tuple(day for day in earlier if _reaches(bought, day))
    if not learnt_from:
        message = language.text(
            "the risk of silence over {days} days is learnt from what was known on {day}, and purchases begin less "
            "than {history} days before"
        )
        raise TooLittleData(
            message.format(days=language.number(horizon_days, 0), day=language.date(earlier[0]), history=_HISTORY)
        )
    looked_at = (*learnt_from, tested_on, company.as_of)
    known = {day: silence_features(company, ending=day, active_days=active_days, days=days) for day in looked_at}
    silent = {
        day: _silent(bought, day, horizon_days, frame.index) for day, frame in known.items() if day < company.as_of
    }
    for day in (learnt_from[0], tested_on):
        _enough(silent[day], day)
    tested = _Model([known[day] for day in learnt_from], [silent[day] for day in learnt_from])
    risk, outcome = tested.risk(known[tested_on]), silent[tested_on]
    days_silent = np.expm1(known[tested_on]["silence"]).round()
    auc, by_recency, gain = compared_auc(outcome, risk.to_numpy(), days_silent.to_numpy())
    last = (tested_on, *learnt_from)[:cut_offs]
    final = _Model([known[day] for day in last], [silent[day] for day in last])
    return SilenceRisk(
        risk=final.risk(known[company.as_of]),
        horizon_days=horizon_days,
        tested_on=tested_on,
        learnt_from=learnt_from,
        test=pd.DataFrame({"risk": risk, "silent": outcome.astype(bool), "silence": days_silent}),
        reliability=reliability(risk, pd.Series(outcome, index=risk.index)),
        auc=auc,
        auc_recency=by_recency,
        gain=gain,
        features=tuple(known[tested_on].columns),
    )


class _Model:
    """A logistic regression on standardised features; what is missing takes the mean and is marked."""

    def __init__(self, known: list[pd.DataFrame], silent: list[Floats]) -> None:
        together = pd.concat(known, ignore_index=True)
        self._means = together.mean().fillna(0.0)
        self._gaps = [name for name in together if together[name].isna().any()]
        self._pipeline = make_pipeline(StandardScaler(), LogisticRegression(max_iter=2000))
        self._pipeline.fit(self._matrix(together), np.concatenate(silent))

    def _matrix(self, known: pd.DataFrame) -> Floats:
        return np.column_stack([known.fillna(self._means), known[self._gaps].isna().astype(float)])

    def risk(self, known: pd.DataFrame) -> pd.Series[float]:
        return pd.Series(self._pipeline.predict_proba(self._matrix(known))[:, 1], index=known.index, name="risk")


def _reaches(bought: pd.DataFrame, day: dt.date) -> bool:
    return bool((pd.Timestamp(day) - bought["day"].min()).days >= _HISTORY)


def _silent(bought: pd.DataFrame, day: dt.date, days: int, customers: pd.Index) -> Floats:
    """Return 1 for customers who bought nothing in the days after a day, else 0."""
    begin = pd.Timestamp(day)
    after = bought[(bought["day"] > begin) & (bought["day"] <= begin + pd.Timedelta(days=days))]
    return np.asarray(~customers.isin(after["customer_id"]), dtype=np.float64)


def _enough(silent: Floats, day: dt.date) -> None:
    fewer = int(min(silent.sum(), silent.size - silent.sum()))
    if fewer < _FEWEST:
        message = language.text(
            "of the customers known on {day}, {fewer} fell silent or did not, whichever are fewer; {fewest} are needed"
        )
        raise TooLittleData(message.format(day=language.date(day), fewer=language.number(fewer, 0), fewest=_FEWEST))
