"""A forecast beside what happened: every measure of one forecaster at one cut-off."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from crm_lib.clv import measures, probability_measures
from crm_lib.clv.forecasts import Forecast, Task
from crm_lib.clv.histories import Array
from crm_lib.clv.purchase_record import PurchaseRecord
from crm_lib.clv.tracking import weekly_tracking


@dataclass(frozen=True, kw_only=True)
class Judged:
    """What one forecast was worth.

    Parameters
    ----------
    scores : dict
        The measures by name, as columns of :attr:`Comparison.scores`.
    losses : array (n,)
        Ranked probability score of each customer whose numbers were drawn.
    tracking : DataFrame or None
        Week by week; None where the forecaster knows no new customers.
    calibration : DataFrame
        Tenth by tenth.
    """

    scores: dict[str, float | bool | int]
    losses: Array
    tracking: pd.DataFrame | None
    calibration: pd.DataFrame


def judge(forecast: Forecast, known: PurchaseRecord, later: PurchaseRecord, task: Task) -> Judged:
    """Return all measures of a forecast.

    Parameters
    ----------
    forecast : Forecast
        What was forecast.
    known : PurchaseRecord
        What it was made from.
    later : PurchaseRecord
        What came to be known.
    task : Task
        What was asked.

    Returns
    -------
    Judged
        The measures.
    """
    cut = known.as_of
    actual = later.purchases(cut, cut + task.horizon_days, of=known.customers)
    predicted, seen = forecast.expected, actual[task.sample]
    losses = probability_measures.ranked_probability_scores(forecast.draws, seen)
    transforms = probability_measures.probability_transforms(forecast.draws, seen, seed=task.seed)
    tracking, weekly, cumulative = None, float("nan"), float("nan")
    if forecast.repeats_of_new is not None:
        tracking = weekly_tracking(known, later, forecast.repeats_of_new, horizon_days=task.horizon_days)
        holdout = tracking[tracking["is_holdout"]]
        weekly = measures.tracking_error(holdout["expected"].to_numpy(), holdout["actual"].to_numpy())
        cumulative = measures.tracking_error(
            holdout["cumulative_expected"].to_numpy(), holdout["cumulative_actual"].to_numpy()
        )
    total = forecast.total
    scores: dict[str, float | bool | int] = {
        "customers": len(known),
        "actual": float(actual.sum()),
        "total": total.value,
        "total_low": total.low,
        "total_high": total.high,
        "total_covered": bool(total.low <= actual.sum() <= total.high),
        "bias": measures.bias(predicted, actual),
        "mae": measures.mean_absolute_error(predicted, actual),
        "rmse": measures.root_mean_squared_error(predicted, actual),
        "correlation": measures.correlation(predicted, actual),
        "spearman": measures.rank_correlation(predicted, actual),
        "gini": measures.normalised_gini(predicted, actual),
        "weekly_error": weekly,
        "cumulative_error": cumulative,
        "ranked_probability_score": float(losses.mean()),
        "log_score": float(probability_measures.log_scores(forecast.draws, seen).mean()),
        "coverage": float(np.mean(np.abs(transforms - 0.5) <= task.level / 2)),
    }
    return Judged(
        scores=scores,
        losses=losses,
        tracking=tracking,
        calibration=measures.calibration_by_decile(predicted, actual, level=task.level),
    )
