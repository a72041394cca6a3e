"""Which model forecasts purchases best: all of them, and rules of thumb, over rolling cut-off dates."""

from __future__ import annotations

import datetime as dt
import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from crm_lib.clv import measures
from crm_lib.clv.beta_geometric import BGNBD, MBGNBD
from crm_lib.clv.forecasters import (
    Boosting,
    Forecaster,
    ModelForecaster,
    OwnMeanRate,
    SameAsLastPeriod,
    Task,
    hold_contest,
    model_label,
)
from crm_lib.clv.histories import Array, Codes
from crm_lib.clv.model import SEED
from crm_lib.clv.nbd import NBD
from crm_lib.clv.pareto_nbd import ParetoNBD
from crm_lib.clv.purchase_model import PurchaseModel
from crm_lib.customers import PurchaseRecord, as_date, as_day
from crm_lib.errors import CrmError, MissingData, NumericalError, TooLittleData
from crm_lib.estimate import Estimate
from crm_lib.finding import Criterion, Finding
from crm_lib.language import say

_SAMPLE = 4_000
"""Customers whose numbers are drawn; all measures that need no draws are over all customers."""
_DRAWS = 100
_FEWEST = 10
"""Customers known at a cut-off below which a comparison would say nothing."""


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """How well models, rules of thumb and a learner forecast purchases.

    `scores` has, by ``cut_off`` and ``model``, the measures of :func:`crm_lib.clv.measures.scores`, ``weekly_error``
    and ``cumulative_error`` (missing for forecasters that know no new customers); `average` the same by ``model``, the
    lowest ranked probability score first, with ``absolute_bias``. `tracking`, `calibration` and `by_frequency` are each
    model's weeks, tenths of customers and past frequencies at the last cut-off. `recommended` may be a rule of thumb or
    the learner; `model` is the one to value customers with, unfitted: the best in which customers leave. `advantage` is
    the share by which that lowers the ranked probability score of the best baseline.
    """

    scores: pd.DataFrame
    average: pd.DataFrame
    tracking: dict[str, pd.DataFrame]
    calibration: dict[str, pd.DataFrame]
    by_frequency: dict[str, pd.DataFrame]
    remarks: list[str]
    recommended: str
    reason: str
    model: PurchaseModel | None
    advantage: Estimate | None
    horizon_days: int

    @property
    def cut_offs(self) -> list[dt.date]:
        """The days from which forecasts were made."""
        return sorted(day.date() for day in self.scores.index.unique("cut_off"))


def compare_models(
    purchases: pd.DataFrame,
    *,
    as_of: dt.date | str,
    horizon_days: int,
    cut_offs: int = 3,
    models: Sequence[PurchaseModel] | None = None,
    rivals: Sequence[Forecaster] | None = None,
    seed: int = SEED,
) -> Comparison:
    """Compare forecasts, made at earlier dates from what was known then, with what happened.

    At each cut-off date everybody is given what was known on that day and nothing else, and forecasts the purchases of
    each customer in the days that follow. Customers who had not bought by then do not exist yet.

    Parameters
    ----------
    purchases : DataFrame
        One row a customer and day of purchase, such as :func:`crm_lib.customers.purchase_days` gives: ``customer_id``,
        ``day``; ``spend`` and ``recorded`` where known.
    as_of : date or str
        Last day on which purchases are known; a silence before it is data.
    horizon_days : int
        Days to be forecast.
    cut_offs : int
        Number of dates: the last lies `horizon_days` before `as_of`, each other as far before the next, so that no two
        forecasts are judged by the same purchases. Those with too little history before them are left out.
    models : sequence of PurchaseModel, optional
        Models of continuous time without covariates; by default NBD, BG/NBD, MBG/NBD and Pareto/NBD.
    rivals : sequence of Forecaster, optional
        By default the same as last period, each customer's own mean rate, and gradient boosting.
    seed : int
        Seed of the random numbers.

    Returns
    -------
    Comparison
        Scores, tracking, calibration and a recommendation.

    Raises
    ------
    TooLittleData
        If the history is too short, or fewer than ten customers were known.

    Warns
    -----
    UserWarning
        If the last purchase lies so long before `as_of` that the data seem to end earlier.

    Notes
    -----
    *The rule.* Forecasters are compared by the ranked probability score, averaged over customers and then over
    cut-offs. Customers are drawn with replacement to tell how much of a difference is chance. Recommended is the one
    with the fewest parameters among those that are not demonstrably worse than the best; rules of thumb have none,
    gradient boosting has more than any model. Between the equally simple the mean squared error decides. Only who
    forecast at every cut-off takes part. Chance between periods, such as a bad year for everybody, is not in the
    interval: more cut-offs are the remedy.
    """
    if models is None:
        models = (NBD(), BGNBD(), MBGNBD(), ParetoNBD())
    if rivals is None:
        rivals = (SameAsLastPeriod(), OwnMeanRate(), Boosting())
    forecasters: list[Forecaster] = [*rivals, *map(ModelForecaster, models)]
    everything = PurchaseRecord.read(purchases)
    later = everything.until(as_day(as_of))
    if len(later) == 0:
        raise TooLittleData(say("needs customers who bought by {day}; there are none", day=as_date(later.as_of)))
    _warn_of_early_end(later)
    days, remarks = _cut_offs(later, horizon_days, cut_offs)
    rows: dict[tuple[int, str], dict[str, float]] = {}
    losses: dict[tuple[int, str], Array] = {}
    numbers: dict[int, Codes] = {}
    fault: Exception | None = None
    last: dict[str, dict[str, pd.DataFrame]] = {"tracking": {}, "calibration": {}, "by_frequency": {}}
    for day in days:
        known = everything.until(day)
        sample = _sample(known, seed)
        numbers[day] = later.customers.get_indexer(known.customers[sample])
        task = Task(horizon_days=horizon_days, sample=sample, draws=_DRAWS, seed=seed)
        actual = later.purchases(day, day + horizon_days, of=known.customers)
        frequency = known.summary()["frequency"].to_numpy()
        for who in forecasters:
            try:
                forecast = who.forecast(known, task)
            except (CrmError, ValueError, ArithmeticError, np.linalg.LinAlgError) as error:
                remarks.append(_remark(day, who.name, str(error)))
                fault = fault if isinstance(error, MissingData) else error
                continue
            if forecast.note:
                remarks.append(_remark(day, who.name, say(forecast.note)))
            rows[day, who.name], losses[day, who.name] = measures.scores(forecast, actual, task)
            if forecast.repeats_of_new is not None:
                weeks = measures.weekly_tracking(known, later, forecast.repeats_of_new, horizon_days)
                rows[day, who.name]["weekly_error"] = measures.tracking_error(weeks)
                rows[day, who.name]["cumulative_error"] = measures.tracking_error(weeks, "cumulative_")
                last["tracking"][who.name] = weeks
            last["calibration"][who.name] = measures.calibration_by_tenth(forecast.expected, actual)
            last["by_frequency"][who.name] = measures.calibration_by_frequency(frequency, forecast.expected, actual)
    complete = [who for who in forecasters if all((day, who.name) in rows for day in days)]
    if not complete and fault is not None:
        raise NumericalError(remarks[-1]) from fault
    if not complete:
        raise TooLittleData(say("needs a model that can forecast at every date: {why}", why=remarks[-1]))
    keys = pd.MultiIndex.from_tuples(
        [(pd.Timestamp(as_date(day)), name) for day, name in rows], names=["cut_off", "model"]
    )
    scores = pd.DataFrame(list(rows.values()), index=keys)
    average = (
        scores.groupby(level="model").mean().assign(absolute_bias=scores["bias"].abs().groupby(level="model").mean())
    )
    contest = hold_contest(complete, [(numbers[day], [losses[day, who.name] for who in complete]) for day in days],
                       [float(average["rmse"].astype(float)[who.name]) for who in complete], seed)  # fmt: skip
    winner = complete[contest.choose(range(len(complete)))]
    leaving = [place for place, who in enumerate(complete) if who.kind == "dropout"]
    best = complete[contest.choose(leaving)] if leaving else None
    return Comparison(
        scores=scores,
        average=average.sort_values("ranked_probability_score", kind="stable"),
        **last,
        remarks=remarks,
        recommended=winner.name,
        reason=contest.reason(winner),
        model=best.model if isinstance(best, ModelForecaster) else None,
        advantage=contest.advantage(),
        horizon_days=horizon_days,
    )


def recommended_model(compared: Comparison) -> PurchaseModel:
    """Return the model to value customers with, unfitted; Pareto/NBD where there could be no comparison.

    Parameters
    ----------
    compared : Comparison
        The comparison; a notebook may have left it out for lack of history.
    """
    try:
        return compared.model or ParetoNBD()
    except MissingData:
        return ParetoNBD()


def finding_dropout(compared: Comparison) -> Finding:
    """Return the finding on whether models in which customers leave forecast better than the baselines."""
    if compared.advantage is None:
        raise TooLittleData("needs a baseline and a model in which customers leave, at every date of forecast")
    missed = float(compared.average["absolute_bias"].astype(float)[compared.recommended])
    return Finding(
        key="clv.dropout",
        claim="Models in which customers leave forecast purchases better than rules of thumb do.",
        source="Fader, Hardie & Lee 2005",
        estimate=compared.advantage,
        criterion=Criterion(low=1e-12),
        sentence="Modelling that customers leave lowers the error of forecasts over {days:count} days by {estimate}. "
        "The recommended {model} missed the total by {missed:share} on average.",
        if_supported="Plan with {model}. Customers who have been silent for long, by their own rhythm, have probably "
        "left: do not plan on their past purchases.",
        if_not_supported="Plan with {model}: a simpler rule forecasts as well here, and a silent customer is not yet a "
        "lost one.",
        if_undecided="Plan with {model}, and compare again when there is more history.",
        values={"model": model_label(compared.recommended), "days": compared.horizon_days, "missed": missed},
    )  # fmt: skip


def _cut_offs(record: PurchaseRecord, horizon: int, number: int) -> tuple[list[int], list[str]]:
    """Return the days from which forecasts are made, in order, and remarks on those with too little history."""
    if horizon < 1 or number < 1:
        raise ValueError(f"at least one day and one cut-off are needed, not {horizon} and {number}")
    days, remarks, fault = [], [], ""
    for day in sorted(record.as_of - place * horizon for place in range(1, number + 1)):
        fault = ""
        if 2 * (day - record.begin) < horizon:
            fault = say(
                "a forecast of {days:count} days needs {needed:count} days of history before {day}",
                days=horizon, needed=-(-horizon // 2), day=as_date(day),
            )  # fmt: skip
        elif len(record.until(day)) < _FEWEST:
            fault = say("a forecast needs at least {n} customers who had bought by {day}", n=_FEWEST, day=as_date(day))
        if fault:
            remarks.append(fault)
        else:
            days.append(day)
    if not days:
        raise TooLittleData(fault)
    return days, remarks


def _sample(known: PurchaseRecord, seed: int) -> Codes:
    """Return the customers whose numbers are drawn: by their own names, so that they are the same at every cut-off."""
    if len(known) <= _SAMPLE:
        return np.arange(len(known))
    luck = pd.util.hash_array(known.customers.astype(str).to_numpy(dtype=object), hash_key=f"{seed:016d}"[-16:])
    return np.sort(np.argpartition(luck, _SAMPLE)[:_SAMPLE])


def _warn_of_early_end(record: PurchaseRecord) -> None:
    """Warn where the last sale lies more than three usual gaps between days of sale and a week before `as_of`."""
    sold = np.unique(record.day)
    usual = float(np.median(np.diff(sold))) if len(sold) > 1 else 0.0
    if record.as_of - sold[-1] > 3 * usual + 7:
        message = say(
            "the last purchase is of {last}: the data seem to end long before {day}; a silence judges the forecasts",
            last=as_date(int(sold[-1])), day=as_date(record.as_of),
        )  # fmt: skip
        warnings.warn(message, UserWarning, stacklevel=3)


def _remark(day: int, name: str, words: str) -> str:
    return say("{day}, {model}: {words}", day=as_date(day), model=model_label(name), words=words)
