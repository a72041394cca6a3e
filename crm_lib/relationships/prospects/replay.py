"""The whole procedure of valuing prospects repeated on earlier days, knowing only what was known then."""

from __future__ import annotations

import copy
import datetime as dt

import numpy as np
import pandas as pd
from sklearn.ensemble import HistGradientBoostingRegressor

from crm_lib import language
from crm_lib.company import Company
from crm_lib.errors import MissingData, TooLittleData
from crm_lib.relationships.prospects.coding import learn_coding
from crm_lib.relationships.prospects.model import ProspectModel
from crm_lib.relationships.prospects.training import CHANNEL, ProspectTraining, prospect_training
from crm_lib.relationships.prospects.validation import ProspectValidation
from crm_lib.statistics.resampling import Floats

_FEWEST = 50


def validate_prospects(
    company: Company,
    *,
    model: ProspectModel | None = None,
    horizon_days: int = 180,
    live_days: int = 90,
    folds: int = 4,
    seed: int = 0,
) -> ProspectValidation:
    """Repeat the whole procedure on earlier days and set its predictions beside what came after.

    On each day only that is used which was known on it: customers whose days were over, lines in the books, prospects
    not yet won. The model is fitted anew, its choice of a rule included, and predicts for the prospects then open and
    for the customers won in the days after.

    Parameters
    ----------
    company : Company
        The company.
    model : ProspectModel, optional
        The model; its settings are used.
    horizon_days : int
        Days over which the value of a new customer is added up.
    live_days : int
        Days known up to which a prospect is worth a thought.
    folds : int
        Number of days of prediction, apart by the days within which prospects must convert; days on which too little
        was known are left out.
    seed : int
        Seed of the bootstrap and the trees.

    Returns
    -------
    ProspectValidation
        Predictions and what came.

    Raises
    ------
    MissingData
        If prospects lack ``customer_id``, without which nobody can tell what a prospect brought, or as
        :func:`prospect_training`.
    TooLittleData
        If there is no day of prediction with enough known before and enough time after.
    ValueError
        If `folds` is not positive.
    """
    if folds < 1:
        raise ValueError(f"folds must be at least 1, not {folds}")
    settings = model or ProspectModel()
    now = prospect_training(company, horizon_days=horizon_days, live_days=live_days)
    if "customer_id" not in now.prospects:
        raise MissingData("prospects", ("customer_id",))
    step = settings.conversion_days
    customers, prospects, rules = [], [], {}
    for fold in range(folds):
        day = company.as_of - dt.timedelta(days=horizon_days - 1 + step * (fold + 1))
        try:
            known = prospect_training(company, horizon_days=horizon_days, live_days=live_days, ending=day)
        except TooLittleData:
            break
        fitted = copy.copy(settings).fit(known)
        rules[day] = (fitted.value_.rule, fitted.conversion_.rule)
        customers.append(_customers(fitted, known, now, step, seed))
        prospects.append(_prospects(fitted, known, now, step))
    if not rules or sum(map(len, customers)) < _FEWEST or sum(map(len, prospects)) < _FEWEST:
        message = language.text(
            "too little was known {days} days ago to predict then, and to see today what came of it"
        ).format(days=language.number(horizon_days + step, 0))
        raise TooLittleData(message, table="prospects")
    return ProspectValidation(
        customers=pd.concat(customers, ignore_index=True),
        prospects=pd.concat(prospects, ignore_index=True),
        origins=tuple(rules),
        rules=rules,
        horizon_days=horizon_days,
        conversion_days=step,
        value_kind=now.value_kind,
        seed=seed,
    )


def _customers(
    fitted: ProspectModel, known: ProspectTraining, now: ProspectTraining, step: int, seed: int
) -> pd.DataFrame:
    day = pd.Timestamp(known.as_of)
    started = now.customers["started"]
    new = now.customers[(started > day) & (started <= day + pd.Timedelta(days=step))]
    value = fitted.value_
    model = np.exp(value.rates.log_mean(value.coding.design(new)) + value.level)
    return pd.DataFrame(
        {
            "origin": known.as_of,
            "actual": new["value"].to_numpy(),
            "actual_later": (new["value"] - new["first_value"]).to_numpy(),
            "model": model,
            "channel": _usual(known.customers, new, known.customers["value"]),
            "boosted": _boosted(known, new, seed),
        }
    )


def _prospects(fitted: ProspectModel, known: ProspectTraining, now: ProspectTraining, step: int) -> pd.DataFrame:
    waiting = known.open
    found = fitted.predict(waiting)
    later = now.prospects.reindex(waiting.index)
    bought = later["seen"] + pd.to_timedelta(later["waited"] - 1, unit="D")
    converted = later["converted"].eq(True) & (bought <= pd.Timestamp(known.as_of) + pd.Timedelta(days=step))
    value = later["customer_id"].map(now.customers["value"]).fillna(0.0)
    # The usual share of a channel's prospects who are won, among those long enough known.
    old = known.prospects[known.prospects["seen"] <= pd.Timestamp(known.as_of) - pd.Timedelta(days=step)]
    chance = _usual(old, waiting, old["converted"].astype(float))
    return pd.DataFrame(
        {
            "origin": known.as_of,
            "prospect_id": waiting.index,
            "cost": waiting["cost"].to_numpy(),
            "actual": np.where(converted, value, 0.0),
            "converted": converted.to_numpy(),
            "model": found["gross"].to_numpy(),
            "channel": chance * _usual(known.customers, waiting, known.customers["value"]),
            "newest": -waiting["waited"].to_numpy(dtype=float),
        }
    )


def _usual(past: pd.DataFrame, rows: pd.DataFrame, outcome: pd.Series[float]) -> Floats:
    """Return the plain mean of the channel, which is the rule of thumb; of all, where the channel has no past."""
    overall = float(outcome.mean()) if len(outcome) else 0.0
    if CHANNEL not in past:
        return np.full(len(rows), overall)
    return np.asarray(rows[CHANNEL].map(outcome.groupby(past[CHANNEL]).mean()).fillna(overall), dtype=float)


def _boosted(known: ProspectTraining, new: pd.DataFrame, seed: int) -> Floats:
    """Return predictions of boosted trees, which find what effects that multiply would miss."""
    coding = learn_coding(known.customers, known.attributes)
    value = known.customers["value"].to_numpy().clip(0.0)
    if not coding.attributes or value.sum() <= 0:
        return np.full(len(new), float(known.customers["value"].mean()))
    trees = HistGradientBoostingRegressor(
        loss="poisson", learning_rate=0.05, max_iter=100, max_depth=3, min_samples_leaf=30, random_state=seed
    )
    codes = [
        np.column_stack([attribute.codes(frame[attribute.name]) for attribute in coding.attributes]).astype(float)
        for frame in (known.customers, new)
    ]
    trees.fit(np.where(codes[0] < 0, np.nan, codes[0]), value)
    return np.asarray(trees.predict(np.where(codes[1] < 0, np.nan, codes[1])))
