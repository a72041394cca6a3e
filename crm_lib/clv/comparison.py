"""Which model forecasts purchases best: all of them, and rules of thumb, over rolling cut-off dates."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from crm_lib import language
from crm_lib.clv.baselines import OwnMeanRate, SameAsLastPeriod
from crm_lib.clv.bg_nbd import BGNBD
from crm_lib.clv.boosting import TwoPartBoosting
from crm_lib.clv.cut_offs import cut_off_dates
from crm_lib.clv.forecasts import Forecast, Forecaster, ModelForecaster, Task
from crm_lib.clv.histories import Array, Codes
from crm_lib.clv.judging import Judged, judge
from crm_lib.clv.mbg_nbd import MBGNBD
from crm_lib.clv.model import SEED
from crm_lib.clv.nbd import NBD
from crm_lib.clv.pareto_nbd import ParetoNBD
from crm_lib.clv.purchase_model import PurchaseModel
from crm_lib.clv.purchase_record import PurchaseRecord, as_day
from crm_lib.clv.recommendation import Contest, hold_contest
from crm_lib.errors import CrmError, TooLittleData
from crm_lib.estimate import Estimate

_MOST_DRAWN = 10_000
"""Customers whose numbers are drawn; all measures that need no draws are over all customers."""


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """How well models, rules of thumb and a learner forecast purchases.

    Parameters
    ----------
    scores : DataFrame
        Indexed by ``cut_off`` and ``model``: ``customers``; ``actual`` purchases of all in the horizon; ``total``
        predicted, with ``total_low`` and ``total_high`` (interval of the outcome) and ``total_covered`` (whether it
        holds the actual); ``bias`` of the total; ``mae``, ``rmse``, ``correlation``, ``spearman``, ``gini`` over
        customers; ``weekly_error`` and ``cumulative_error`` (tracking, missing for forecasters that know no new
        customers); ``ranked_probability_score`` and ``log_score``, the lower the better; ``coverage`` of the interval
        of a customer's number. See :mod:`crm_lib.clv.measures` and :mod:`crm_lib.clv.probability_measures`.
    average : DataFrame
        The same by ``model``, averaged over cut-offs, the lowest ranked probability score first, with
        ``absolute_bias``, the mean size of the bias.
    tracking : DataFrame
        Indexed by ``cut_off``, ``model`` and ``week``: see :func:`crm_lib.clv.tracking.weekly_tracking`.
    calibration : DataFrame
        Indexed by ``cut_off``, ``model`` and ``decile``: see :func:`crm_lib.clv.measures.calibration_by_decile`.
    remarks : DataFrame
        ``cut_off``, ``model`` (empty for all) and ``remark``: what was left out, and fits that did not converge.
    recommended : str
        Name of the recommended model; a rule of thumb or the learner may be the one.
    reason : str
        Why, as a sentence.
    baseline_wins : bool
        Whether the recommended one is a baseline.
    model : PurchaseModel or None
        The model to value customers with, unfitted: the recommended one, or, where that is a rule of thumb, the learner
        or a model in which nobody leaves (and so would count without end), the one that would be recommended among the
        models in which customers leave.
    advantage : Estimate or None
        Share by which the best model in which customers leave lowers the ranked probability score of the best baseline.
    horizon_days : int
        Days that were forecast.
    level : float
        Coverage of all intervals.
    """

    scores: pd.DataFrame
    average: pd.DataFrame
    tracking: pd.DataFrame
    calibration: pd.DataFrame
    remarks: pd.DataFrame
    recommended: str
    reason: str
    baseline_wins: bool
    model: PurchaseModel | None
    advantage: Estimate | None
    horizon_days: int
    level: float


def default_models(unit: str = "W") -> tuple[PurchaseModel, ...]:
    """Return the models that are compared where none are named.

    Parameters
    ----------
    unit : {"D", "W", "M", "Y"}
        Unit of time of their parameters.
    """
    return (
        NBD(unit=unit), BGNBD(unit=unit), MBGNBD(unit=unit), ParetoNBD(unit=unit), BGNBD(unit=unit, regularity=2),
        MBGNBD(unit=unit, regularity=2),
    )  # fmt: skip


def compare_models(
    purchases: pd.DataFrame,
    *,
    as_of: dt.date | str,
    horizon_days: int,
    models: Sequence[PurchaseModel] | None = None,
    others: Sequence[Forecaster] | None = None,
    cut_offs: int | Sequence[dt.date | str] = 3,
    unit: str = "W",
    level: float = 0.9,
    draws: int = 400,
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
        Last day on which purchases are known.
    horizon_days : int
        Days to be forecast.
    models : sequence of PurchaseModel, optional
        Models of continuous time without covariates; by default those of :func:`default_models`. Their settings count,
        they stay unfitted.
    others : sequence of Forecaster, optional
        By default :class:`SameAsLastPeriod`, :class:`OwnMeanRate` and :class:`TwoPartBoosting`.
    cut_offs : int or sequence of date
        Number of dates, the last `horizon_days` before `as_of` and the others each as far before the next; or the
        dates themselves. See :func:`crm_lib.clv.cut_offs.cut_off_dates`.
    unit : {"W", "D", "M", "Y"}
        Unit of time of the default models.
    level : float
        Coverage of all intervals.
    draws : int
        Draws of each customer's number (of at most 10,000 customers, chosen by chance), at least 100.
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
    ValueError
        If a model has covariates or discrete time, two have one name, or a setting is out of range.

    Notes
    -----
    *The rule.* Forecasters are compared by the ranked probability score, which is the absolute error made just to
    forecasts that state a distribution, in purchases a customer; it is averaged over customers and then over cut-offs.
    Customers are drawn with replacement to tell how much of a difference is chance. Recommended is the one with the
    fewest parameters among those that are not demonstrably worse than the best; rules of thumb have none, gradient
    boosting has more than any model. Between the equally simple the mean squared error of what was expected decides.
    Only who forecast at every cut-off takes part. Chance between periods, such as a
    bad year for everybody, is not in the interval: more cut-offs are the remedy.

    References
    ----------
    Czado, C., Gneiting, T., Held, L. (2009). Predictive Model Assessment for Count Data. Biometrics 65, 1254–1261.
    Fader, P. S., Hardie, B. G. S., Lee, K. L. (2005). "Counting Your Customers" the Easy Way. Marketing Science 24(2),
    275–284.

    Examples
    --------
    >>> import numpy as np, pandas as pd
    >>> rng = np.random.default_rng(1)
    >>> number = rng.poisson(rng.gamma(1.0, 6.0, 300)) + 1
    >>> purchases = pd.DataFrame({
    ...     "customer_id": np.repeat(np.arange(300), number),
    ...     "day": pd.Timestamp("2025-01-01") + pd.to_timedelta(rng.integers(0, 365, number.sum()), unit="D"),
    ... })
    >>> compared = compare_models(
    ...     purchases, as_of="2025-12-31", horizon_days=90, cut_offs=1, models=[NBD()], others=[SameAsLastPeriod()]
    ... )
    >>> compared.recommended
    'NBD'
    """
    forecasters = _forecasters(default_models(unit) if models is None else models, others)
    if not 0 < level < 1:
        raise ValueError(f"level must lie between 0 and 1, not {level}")
    if draws < 100:
        raise ValueError(f"at least 100 draws are needed, not {draws}")
    everything = PurchaseRecord.read(purchases)
    later = everything.until(as_day(as_of))
    if len(later) == 0:
        raise TooLittleData(language.text("nobody had bought by the last day that counts: there is nothing to compare"))
    dates, left_out = cut_off_dates(later, horizon_days=horizon_days, cut_offs=cut_offs)
    remarks = [(day, "", fault) for day, fault in left_out.items()]
    judged: dict[tuple[dt.date, str], Judged] = {}
    numbers: dict[dt.date, Codes] = {}
    for date in dates:
        known = everything.until(date)
        sample = _sample(known, seed)
        numbers[date] = later.customers.get_indexer(known.customers[sample])
        task = Task(horizon_days=horizon_days, sample=sample, draws=draws, level=level, seed=seed)
        for forecaster in forecasters:
            try:
                forecast: Forecast = forecaster.forecast(known, task)
            except (CrmError, ValueError, np.linalg.LinAlgError) as error:
                remarks.append((date, forecaster.name, str(error)))
                continue
            if forecast.note:
                remarks.append((date, forecaster.name, language.text(forecast.note)))
            judged[date, forecaster.name] = judge(forecast, known, later, task)
    contest = _contest(forecasters, judged, numbers, remarks, level=level, seed=seed)
    return _compared(judged, contest, remarks, horizon_days)


def _forecasters(models: Sequence[PurchaseModel], others: Sequence[Forecaster] | None) -> list[Forecaster]:
    for model in models:
        if model.discrete or model.covariate_names:
            what = "counts opportunities" if model.discrete else "has covariates"
            raise ValueError(f"{type(model).__name__} {what}, which purchase days do not tell: leave it out")
    rest = (SameAsLastPeriod(), OwnMeanRate(), TwoPartBoosting()) if others is None else others
    forecasters: list[Forecaster] = [*rest, *(ModelForecaster(model) for model in models)]
    names = [forecaster.name for forecaster in forecasters]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice or not names:
        raise ValueError(f"each model must be given once; twice: {', '.join(twice)}" if twice else "no model was given")
    return forecasters


def _sample(known: PurchaseRecord, seed: int) -> Codes:
    """Return the customers whose numbers are drawn: by their own names, so that they are the same at every cut-off."""
    if len(known) <= _MOST_DRAWN:
        return np.arange(len(known))
    luck = pd.util.hash_array(known.customers.astype(str).to_numpy(dtype=object), hash_key=f"{seed:016d}"[-16:])
    return np.sort(np.argpartition(luck, _MOST_DRAWN)[:_MOST_DRAWN])


def _contest(
    forecasters: list[Forecaster], judged: dict[tuple[dt.date, str], Judged], numbers: dict[dt.date, Codes],
    remarks: list[tuple[dt.date, str, str]], *, level: float, seed: int,
) -> Contest:  # fmt: skip
    complete = [who for who in forecasters if all((date, who.name) in judged for date in numbers)]
    if not complete:
        raise TooLittleData(
            language.text("nobody could forecast at every cut-off: {reason}").format(reason=remarks[-1][2])
        )
    losses: list[tuple[Codes, Array]] = [
        (codes, np.column_stack([judged[date, who.name].losses for who in complete])) for date, codes in numbers.items()
    ]
    squared = [np.mean([float(judged[date, who.name].scores["rmse"]) ** 2 for date in numbers]) for who in complete]
    return hold_contest(complete, losses, np.array(squared), level=level, seed=seed)


def _compared(
    judged: dict[tuple[dt.date, str], Judged], contest: Contest, remarks: list[tuple[dt.date, str, str]], days: int
) -> Comparison:
    keys = pd.MultiIndex.from_tuples([(pd.Timestamp(date), name) for date, name in judged], names=["cut_off", "model"])
    scores = pd.DataFrame([one.scores for one in judged.values()], index=keys)
    average = scores.astype(float).groupby(level="model").mean()
    average["absolute_bias"] = scores["bias"].abs().groupby(level="model").mean()
    chosen = contest.choose()
    models = [place for place, who in enumerate(contest.forecasters) if isinstance(who, ModelForecaster)]
    # Value to infinity needs an end: among models, those in which customers leave go first.
    models = [place for place in models if contest.forecasters[place].kind == "dropout"] or models
    best = contest.forecasters[contest.choose(models)] if models else None
    winner = contest.forecasters[chosen]
    tables = {
        name: pd.concat(
            {
                key: table
                for key, one in zip(keys, judged.values(), strict=True)
                if (table := getattr(one, name)) is not None
            }
            or {key: pd.DataFrame() for key in keys[:1]},
            names=["cut_off", "model"],
        )
        for name in ("tracking", "calibration")
    }
    return Comparison(
        scores=scores,
        average=average.sort_values("ranked_probability_score", kind="stable"),
        **tables,
        remarks=pd.DataFrame(remarks, columns=["cut_off", "model", "remark"]),
        recommended=winner.name,
        reason=contest.reason(chosen),
        baseline_wins=winner.kind == "baseline",
        model=best.model if isinstance(best, ModelForecaster) else None,
        advantage=contest.advantage(),
        horizon_days=days,
        level=contest.level,
    )
