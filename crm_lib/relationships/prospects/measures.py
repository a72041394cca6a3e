"""How predictions of money fare against what came: ratios of sums, ranking and calibration, with intervals."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.stats import norm
from scipy.stats import t as student

from crm_lib.estimate import Estimate
from crm_lib.statistics.resampling import Floats, studentised

_METHOD = "studentised bootstrap"


def ratio_of_sums(
    part: Floats, whole: Floats, *, less: tuple[Floats, Floats] | None = None, highest: float = np.inf, unit: str = "",
    seed: int = 0, resamples: int = 999, level: float = 0.95,
) -> Estimate:  # fmt: skip
    """Return the ratio of two sums over units, or how much it exceeds another such ratio.

    Lifts, shares of the money predicted that came, and returns per unit of cost are all ratios of sums.

    Parameters
    ----------
    part, whole : array (n,)
        What each unit adds to the numerator and the denominator.
    less : tuple of array (n,), optional
        Numerator and denominator of a ratio that is taken away.
    highest : float
        Value that the ratio cannot exceed.
    unit : str
        Unit of the ratio.
    seed : int
        Seed of the bootstrap.
    resamples : int
        Number of resamples.
    level : float
        Nominal coverage.

    Returns
    -------
    Estimate
        Missing where a denominator is not positive. Where all units have the same ratio nothing tells its error, and
        the interval is open up to the values that are possible.
    """
    pairs = [(part, whole)] if less is None else [(part, whole), less]
    sums = np.column_stack([column for pair in pairs for column in pair])
    n, width = sums.shape
    products = (sums[:, :, None] * sums[:, None, :]).reshape(n, width * width)

    if n == 0 or min(float(bottom.sum()) for _, bottom in pairs) <= 0:
        return Estimate(value=np.nan, low=-np.inf, high=np.inf, n=n, method=_METHOD, unit=unit, level=level)
    ends = studentised(lambda weights: _ratios(sums, products, weights), n, resamples=resamples, seed=seed)
    value, low, high = (float(end[0]) for end in ends)
    floor = 0.0 if less is None and part.min() >= 0 else -np.inf
    return Estimate(
        value=value,
        low=max(low, floor),
        high=max(min(high, highest), value),
        n=n,
        method=_METHOD,
        unit=unit,
        level=level,
    )


def top_weights(score: Floats, share: float, *, size: Floats | None = None) -> Floats:
    """Return who belongs to the best share: 1, 0, or a fraction for those with the score at the edge.

    Parameters
    ----------
    score : array (n,)
        The higher the better. Equal scores are treated equally, as if the edge ran through them at random.
    share : float
        Share looked at, 0 to 1: of the number, or of the sizes.
    size : array (n,), optional
        Size of each, such as the cost of winning; by default all count the same.

    Returns
    -------
    array (n,)
        Weights; times the sizes they add up to the share of all sizes.

    Examples
    --------
    >>> top_weights(np.array([3.0, 1.0, 2.0, 2.0]), 0.5).tolist()
    [1.0, 0.0, 0.5, 0.5]
    """
    sizes = np.ones(len(score)) if size is None else size
    _, group = np.unique(-score, return_inverse=True)
    held = np.bincount(group, weights=sizes)
    before = np.cumsum(held) - held
    wanted = share * held.sum()
    with np.errstate(divide="ignore", invalid="ignore"):
        part = np.where(held > 0, (wanted - before) / held, before <= wanted)
    return np.asarray(np.clip(part, 0.0, 1.0)[group])


def rank_correlation(predicted: Floats, actual: Floats, *, level: float = 0.95) -> Estimate:
    """Return Spearman's rank correlation with an interval on Fisher's scale.

    Parameters
    ----------
    predicted, actual : array (n,)
        What was predicted and what came.
    level : float
        Nominal coverage.

    Notes
    -----
    The variance of Fisher's z is taken as :math:`(1 + r^2/2)/(n-3)`.

    References
    ----------
    Bonett, D. G. & Wright, T. A. (2000). Sample size requirements for estimating Pearson, Kendall and Spearman
    correlations. Psychometrika 65(1), 23-28.
    """
    n, method = len(predicted), "Fisher's z with the variance of Bonett and Wright"
    if n < 4 or np.ptp(predicted) == 0 or np.ptp(actual) == 0:
        return Estimate(value=np.nan, low=-1.0, high=1.0, n=n, method=method, level=level)
    value = float(pd.Series(predicted).corr(pd.Series(actual), method="spearman"))
    reach = float(norm.ppf((1 + level) / 2)) * np.sqrt((1 + value**2 / 2) / (n - 3))
    centre = np.arctanh(np.clip(value, -1 + 1e-12, 1 - 1e-12))
    low, high = float(np.tanh(centre - reach)), float(np.tanh(centre + reach))
    return Estimate(value=value, low=min(low, value), high=max(high, value), n=n, method=method, level=level)


def calibration_slope(predicted: Floats, actual: Floats, *, level: float = 0.95) -> Estimate:
    """Return how much more came, on average, for each unit of money more that was predicted.

    Parameters
    ----------
    predicted, actual : array (n,)
        What was predicted and what came.
    level : float
        Nominal coverage.

    Returns
    -------
    Estimate
        1 where differences between predictions are right, 0 where they tell nothing, below 1 where they are too bold.
        The least-squares slope with errors that do not need equal variances (HC3).
    """
    n, method = len(predicted), "least squares, HC3 errors"
    centred = predicted - predicted.mean() if n else predicted
    spread = float(centred @ centred)
    if n < 3 or spread <= 1e-12 * max(float(predicted @ predicted), 1e-300):
        return Estimate(value=np.nan, low=-np.inf, high=np.inf, n=n, method=method, level=level)
    slope = float(centred @ actual) / spread
    residual = actual - actual.mean() - slope * centred
    leverage = 1 / n + centred**2 / spread
    error = np.sqrt(float((centred**2 * (residual / np.maximum(1 - leverage, 1e-9)) ** 2).sum())) / spread
    reach = float(student.ppf((1 + level) / 2, n - 2)) * error
    return Estimate(value=slope, low=slope - reach, high=slope + reach, n=n, method=method, level=level)


def calibration_groups(
    predicted: Floats, actual: Floats, *, groups: int = 10, level: float = 0.95, seed: int = 0
) -> pd.DataFrame:
    """Return what was predicted and what came for groups of equal size, the lowest predictions first.

    Parameters
    ----------
    predicted, actual : array (n,)
        What was predicted and what came.
    groups : int
        Number of groups; equal predictions stay together, so there may be fewer.
    level : float
        Nominal coverage of the intervals of the means.
    seed : int
        Seed of the bootstrap.

    Returns
    -------
    DataFrame
        Indexed by ``group`` from 1: ``cases``, ``predicted`` and ``actual`` (means), ``low`` and ``high`` (studentised
        bootstrap, as most cases may bring nothing and a few much; missing where all cases are alike).
    """
    frame = pd.DataFrame({"predicted": predicted, "actual": actual})
    place = np.ceil(frame["predicted"].rank(method="average") * groups / len(frame))
    by = frame.groupby(place)
    table = by.agg(cases=("actual", "size"), predicted=("predicted", "mean"), actual=("actual", "mean"))
    means = [ratio_of_sums(one.to_numpy(), np.ones(len(one)), seed=seed, level=level) for _, one in by["actual"]]
    ends = np.array([(mean.low, mean.high) for mean in means])
    table["low"], table["high"] = np.where(np.isfinite(ends).all(axis=1, keepdims=True), ends, np.nan).T
    return table.reset_index(drop=True).rename_axis("group").rename(index=lambda number: int(number) + 1)


def _ratios(sums: Floats, products: Floats, weights: Floats) -> tuple[Floats, Floats]:
    """Return a ratio, or the difference of two, and its standard error (delta method), for each row of weights."""
    width = sums.shape[1]
    added = weights @ sums
    squares = (weights @ products).reshape(-1, width, width)
    value, slopes = np.zeros(len(weights)), np.zeros_like(added)
    for place, sign in zip(range(0, width, 2), (1.0, -1.0), strict=False):
        below = np.where(added[:, place + 1] > 0, added[:, place + 1], np.nan)
        ratio = added[:, place] / below
        slopes[:, place], slopes[:, place + 1] = sign / below, -sign * ratio / below
        value += sign * ratio
    error = np.sqrt(np.maximum(np.einsum("ri,rij,rj->r", slopes, squares, slopes), 0.0))
    # Rounding leaves a trace of spread where all units have the same ratio.
    return value[:, None], np.where(error > 1e-7 * np.abs(value), error, 0.0)[:, None]
