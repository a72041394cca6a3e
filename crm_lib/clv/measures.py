"""Measures of how near forecasts of purchases came: in total, customer by customer, in order, and week by week."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy import stats

from crm_lib.clv.histories import Array


def bias(predicted: Array, actual: Array) -> float:
    """Return by what share the total was predicted too high.

    Parameters
    ----------
    predicted, actual : array (N,)
        Numbers of purchases.

    Returns
    -------
    float
        Σ predicted / Σ actual − 1; NaN where nobody bought.
    """
    total = float(actual.sum())
    return float(predicted.sum()) / total - 1 if total > 0 else float("nan")


def mean_absolute_error(predicted: Array, actual: Array) -> float:
    """Return the mean of |predicted − actual|.

    Parameters
    ----------
    predicted, actual : array (N,)
        Numbers of purchases.
    """
    return float(np.mean(np.abs(predicted - actual)))


def root_mean_squared_error(predicted: Array, actual: Array) -> float:
    """Return the root of the mean of (predicted − actual)².

    Parameters
    ----------
    predicted, actual : array (N,)
        Numbers of purchases.
    """
    return float(np.sqrt(np.mean((predicted - actual) ** 2)))


def correlation(predicted: Array, actual: Array) -> float:
    """Return Pearson's correlation of customers' predicted and actual numbers.

    Parameters
    ----------
    predicted, actual : array (N,)
        Numbers of purchases.

    Returns
    -------
    float
        NaN where all customers are alike.
    """
    if len(actual) < 2 or np.ptp(predicted) == 0 or np.ptp(actual) == 0:
        return float("nan")
    return float(np.corrcoef(predicted, actual)[0, 1])


def rank_correlation(predicted: Array, actual: Array) -> float:
    """Return Spearman's correlation: whether those who buy more were told from those who buy less.

    Parameters
    ----------
    predicted, actual : array (N,)
        Numbers of purchases; equal ones share their mean rank.

    Returns
    -------
    float
        NaN where all customers are alike.
    """
    return correlation(stats.rankdata(predicted), stats.rankdata(actual))


def normalised_gini(predicted: Array, actual: Array) -> float:
    """Return how much of the concentration of purchases the order of the predictions catches.

    Parameters
    ----------
    predicted, actual : array (N,)
        Numbers of purchases.

    Returns
    -------
    float
        1 where customers are put in the right order, 0 where the order is of no use; NaN where all bought equally
        often.

    Notes
    -----
    With the ranks :math:`R(·)`, of which equal numbers share the mean, this is :math:`\\mathrm{Cov}(y, R(\\hat y)) /
    \\mathrm{Cov}(y, R(y))`: the Gini coefficient of purchases along the predicted order over that along their own.

    References
    ----------
    Lerman, R. I., Yitzhaki, S. (1984). A note on the calculation and interpretation of the Gini index. Economics
    Letters 15, 363–368.
    """
    if len(actual) < 2 or np.ptp(actual) == 0:
        return float("nan")
    away = actual - actual.mean()
    return float(away @ stats.rankdata(predicted) / (away @ stats.rankdata(actual)))


def tracking_error(expected: Array, actual: Array) -> float:
    """Return the mean absolute percentage error over periods (MAPE).

    Parameters
    ----------
    expected, actual : array (W,)
        Numbers of purchases week by week, or summed up since the beginning.

    Returns
    -------
    float
        Mean of |expected − actual| / actual. Weeks without any purchase, in which it has no meaning, are left out; NaN
        where no week remains.

    References
    ----------
    Fader, P. S., Hardie, B. G. S., Lee, K. L. (2005). "Counting Your Customers" the Easy Way. Marketing Science 24(2),
    275–284.
    """
    some = actual > 0
    return float(np.mean(np.abs(expected[some] - actual[some]) / actual[some])) if some.any() else float("nan")


def calibration_by_decile(predicted: Array, actual: Array, *, level: float = 0.9) -> pd.DataFrame:
    """Return mean predicted and actual numbers of tenths of the customers, by their predictions.

    Parameters
    ----------
    predicted, actual : array (N,)
        Numbers of purchases.
    level : float
        Coverage of the intervals.

    Returns
    -------
    DataFrame
        Indexed by ``decile`` (1 the lowest predictions): ``customers``, ``predicted`` and ``actual`` (means), ``low``
        and ``high`` (interval of the actual mean). Customers of equal prediction stay together, so that tenths differ
        in size and some may be absent.

    Notes
    -----
    The interval is that of Garwood for a Poisson total, widened by the dispersion φ = variance / mean where this
    exceeds 1: with the total k, from :math:`φ χ²_{2k/φ}(α/2) / 2` to :math:`φ χ²_{2k/φ + 2}(1 - α/2) / 2`.

    References
    ----------
    Garwood, F. (1936). Fiducial limits for the Poisson distribution. Biometrika 28, 437–442.
    """
    decile = np.clip(np.ceil(stats.rankdata(predicted) / len(predicted) * 10), 1, 10).astype(int)
    grouped = pd.DataFrame({"decile": decile, "predicted": predicted, "actual": actual}).groupby("decile")
    table = grouped.agg(customers=("actual", "size"), predicted=("predicted", "mean"), actual=("actual", "mean"))
    variance = grouped["actual"].var().fillna(0.0)
    ratio = (variance / table["actual"].where(table["actual"] > 0)).fillna(1.0).clip(lower=1.0).to_numpy()
    total = (table["actual"] * table["customers"]).to_numpy() / ratio
    tail = (1 - level) / 2
    size = table["customers"].to_numpy()
    table["low"] = np.where(total > 0, ratio * stats.chi2.ppf(tail, 2 * np.maximum(total, 1e-9)) / 2 / size, 0.0)
    table["high"] = ratio * stats.chi2.ppf(1 - tail, 2 * total + 2) / 2 / size
    return table
