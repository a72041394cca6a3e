"""Measures of how near forecasts of purchases came: in total, customer by customer, in order, and week by week."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import scipy
from scipy.interpolate import PchipInterpolator

from crm_lib.clv.forecasters import Forecast, Task
from crm_lib.clv.histories import Array
from crm_lib.customers import PurchaseRecord
from crm_lib.estimate import LEVEL

_FREQUENCIES = 7
"""Repeat purchases from which on customers form one group."""
_NODES = 80
"""Times at which the expectation for new customers is computed; in between it is interpolated."""


def ranked_probability_scores(draws: Array, actual: Array) -> Array:
    """Return the ranked probability score of each customer's forecast, given as draws (D, N).

    It is the absolute error made just to forecasts that state a distribution: Σ_k (P(Y ≤ k) - 1{y ≤ k})² = E|Y - y| -
    E|Y - Y'| / 2 (Czado, Gneiting & Held 2009), estimated without bias from the draws, so that their number favours
    nobody (Ferro 2014).
    """
    count = len(draws)
    place = 2.0 * np.arange(1, count + 1) - count - 1
    return np.asarray(np.abs(draws - actual).mean(axis=0) - place @ np.sort(draws, axis=0) / (count * (count - 1)))


def scores(forecast: Forecast, actual: Array, task: Task) -> tuple[dict[str, float], Array]:
    """Return the measures of a forecast by name, and the ranked probability score of each customer of the sample."""
    expected, seen = forecast.expected, actual[task.sample]
    losses = ranked_probability_scores(forecast.draws, seen)
    away = actual - actual.mean()
    likeness = away @ scipy.stats.rankdata(actual)
    varied = len(actual) > 1 and np.ptp(actual) > 0
    return {
        "customers": len(actual),
        "actual": float(actual.sum()),
        "total": float(expected.sum()),
        "bias": float(expected.sum() / actual.sum() - 1) if actual.any() else np.nan,
        "mae": float(np.abs(expected - actual).mean()),
        "rmse": float(np.sqrt(((expected - actual) ** 2).mean())),
        "correlation": float(np.corrcoef(expected, actual)[0, 1]) if varied and np.ptp(expected) > 0 else np.nan,
        # Cov(y, R(ŷ)) / Cov(y, R(y)), of Lerman & Yitzhaki (1984): 1 in the right order, 0 in a useless one.
        "gini": float(away @ scipy.stats.rankdata(expected) / likeness) if varied else np.nan,
        "ranked_probability_score": float(losses.mean()),
    }, losses


def calibration_by_tenth(expected: Array, actual: Array) -> pd.DataFrame:
    """Return mean forecasts (``expected``) and numbers (``actual``) of tenths of the customers by their forecasts.

    Customers of equal forecast stay together. The interval of what was is Garwood's for a Poisson total, widened by the
    dispersion φ = variance / mean where this exceeds 1: φ χ²(2k/φ) / 2 to φ χ²(2k/φ + 2) / 2 with the total k.
    """
    tenth = np.clip(np.ceil(scipy.stats.rankdata(expected) / len(expected) * 10), 1, 10).astype(int)
    return _means(pd.Series(tenth, name="tenth"), expected, actual)


def calibration_by_frequency(frequency: Array, expected: Array, actual: Array) -> pd.DataFrame:
    """Return the same by the number of repeat purchases before the forecast, those of 7 and more in one group."""
    return _means(pd.Series(np.minimum(frequency, _FREQUENCIES).astype(int), name="frequency"), expected, actual)


def _means(groups: pd.Series[int], expected: Array, actual: Array) -> pd.DataFrame:
    grouped = pd.DataFrame({"expected": expected, "actual": actual}).groupby(groups)
    table = grouped.mean()
    size = grouped.size()
    table.insert(0, "customers", size)
    ratio = (grouped["actual"].var() / table["actual"].where(table["actual"] > 0)).fillna(1.0).clip(lower=1.0)
    total, tail = (table["actual"] * size / ratio).to_numpy(), (1 - LEVEL) / 2
    table["low"] = np.where(total > 0, ratio * scipy.stats.chi2.ppf(tail, 2 * np.maximum(total, 1e-9)) / 2 / size, 0.0)
    table["high"] = ratio * scipy.stats.chi2.ppf(1 - tail, 2 * total + 2) / 2 / size
    return table


def weekly_tracking(
    known: PurchaseRecord, later: PurchaseRecord, repeats_of_new: Callable[[Array], Array], horizon_days: int
) -> pd.DataFrame:
    """Return actual and expected repeat purchases of the known by week, before and after the cut-off.

    What is expected does not rest on each customer's history, only on the day of the first purchase: by the end of day
    t it is Σ_i E[X(t + 1 - t_0i)] (Fader, Hardie & Lee 2005, figures 2 and 3). Weeks end on the weekday of the cut-off;
    the first may be incomplete, and an incomplete last one is left out.
    """
    begin, cut = known.begin, known.as_of
    before = -(-(cut - begin + 1) // 7)
    ends = cut + 7 * np.arange(1 - before, horizon_days // 7 + 1)
    length = int(ends[-1]) - begin + 2
    came = np.bincount(known.first_day - begin, minlength=length)[:length].astype(float)
    days = np.arange(float(length))
    nodes = np.unique(np.concatenate([[0.0], np.geomspace(1, max(length - 1, 2), _NODES)]))
    mean = PchipInterpolator(nodes, np.append(0.0, repeats_of_new(nodes[1:])))(days)
    expected = np.convolve(came, mean)[ends + 1 - begin]
    first = np.full(len(later), np.iinfo(np.intp).max)
    first[later.customers.get_indexer(known.customers)] = known.first_day
    again = later.day[later.day > first[later.codes]] - begin
    actual = np.cumsum(np.bincount(again[(again >= 0) & (again < length)], minlength=length))[ends - begin]
    return pd.DataFrame(
        {
            "is_holdout": ends > cut,
            "actual": np.diff(actual, prepend=0).astype(float),
            "expected": np.diff(expected, prepend=0.0),
            "cumulative_actual": actual.astype(float),
            "cumulative_expected": expected,
        },
        index=pd.DatetimeIndex(ends.astype("datetime64[D]").astype("datetime64[s]"), name="week_ending"),
    )


def tracking_error(tracking: pd.DataFrame, prefix: str = "") -> float:
    """Return the mean absolute percentage error over the weeks after the cut-off in which somebody bought."""
    weeks = tracking[tracking["is_holdout"] & (tracking[f"{prefix}actual"] > 0)]
    return float((weeks[f"{prefix}expected"] / weeks[f"{prefix}actual"] - 1).abs().mean())
