"""Measures of forecasts that state a distribution, given as equally probable draws."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.special import ndtr

from crm_lib.clv.histories import Array, Codes

_BLOCK = 2**22
"""Numbers (draws by customers) held at once."""


def ranked_probability_scores(draws: Array, actual: Array) -> Array:
    """Return the ranked probability score of each customer's forecast.

    It is the absolute error, made just to forecasts that state a distribution: of two equally near forecasts the one
    that is rightly more certain scores lower, and a forecast of a single number scores its absolute error.

    Parameters
    ----------
    draws : array (D, N)
        Equally probable numbers.
    actual : array (N,)
        Numbers of purchases.

    Returns
    -------
    array (N,)
        Scores in purchases; 0 is best.

    Notes
    -----
    :math:`\\sum_k (P(Y ≤ k) - 1\\{y ≤ k\\})^2 = E|Y - y| - E|Y - Y'|/2`. The second form is estimated without bias from
    the draws, so that their number favours nobody.

    References
    ----------
    Czado, C., Gneiting, T., Held, L. (2009). Predictive Model Assessment for Count Data. Biometrics 65, 1254–1261.
    Ferro, C. A. T. (2014). Fair scores for ensemble forecasts. Quarterly Journal of the Royal Meteorological Society
    140, 1917–1923.
    """
    count = len(draws)
    scores = np.empty(draws.shape[1])
    place = 2.0 * np.arange(1, count + 1) - count - 1
    for some in _columns(draws):
        sample = np.sort(draws[:, some], axis=0)
        scores[some] = np.abs(sample - actual[some]).mean(axis=0)
        if count > 1:
            scores[some] -= place @ sample / (count * (count - 1))
    return scores


def log_scores(draws: Array, actual: Array) -> Array:
    """Return minus the logarithm of the probability that was given to what each customer did.

    Parameters
    ----------
    draws : array (D, N)
        Equally probable numbers.
    actual : array (N,)
        Numbers of purchases.

    Returns
    -------
    array (N,)
        Scores; lower is better.

    Notes
    -----
    The probability of 0 is the share of zeros among the draws. Positive numbers, of which some hundred draws hit each
    too rarely, are smoothed by a normal kernel with Silverman's bandwidth, integrated over half a unit to either side
    and cut off below one half. So that nothing is impossible, one further draw is added to the D, which comes from a
    geometric distribution with the mean of all draws.

    References
    ----------
    Gneiting, T., Raftery, A. E. (2007). Strictly Proper Scoring Rules, Prediction, and Estimation. Journal of the
    American Statistical Association 102, 359–378, section 4.
    Silverman, B. W. (1986). Density Estimation for Statistics and Data Analysis, section 3.4.2.
    """
    count = len(draws)
    stop = 1 / (1 + float(draws.mean()))
    anything = stop * (1 - stop) ** actual if stop < 1 else (actual == 0).astype(float)
    hits = np.empty(draws.shape[1])
    for some in _columns(draws):
        sample, seen = draws[:, some], actual[some]
        positive = sample > 0
        number = positive.sum(axis=0)
        width = _bandwidth(sample, positive, number)
        with np.errstate(invalid="ignore", divide="ignore"):
            upper, lower = (seen + 0.5 - sample) / width, (seen - 0.5 - sample) / width
            inside = ndtr(upper) - ndtr(lower)
            share = inside / ndtr((sample - 0.5) / width)
        hits[some] = np.where(seen == 0, count - number, np.where(positive, share, 0.0).sum(axis=0))
    return np.asarray(-np.log((hits + np.maximum(anything, 1e-300)) / (count + 1)))


def probability_transforms(draws: Array, actual: Array, *, seed: int) -> Array:
    """Return where in its forecast distribution each outcome fell, chance deciding within a step.

    Parameters
    ----------
    draws : array (D, N)
        Equally probable numbers.
    actual : array (N,)
        Numbers of purchases.
    seed : int
        Seed of the random numbers.

    Returns
    -------
    array (N,)
        P(Y < y) + V · P(Y = y) with V uniform on (0, 1): uniform where forecasts are right. An interval of 90 % covers
        those between .05 and .95.

    References
    ----------
    Czado, C., Gneiting, T., Held, L. (2009). Predictive Model Assessment for Count Data. Biometrics 65, 1254–1261.
    """
    # The outcome is counted among the draws: its rank in their midst is then exactly uniform.
    below, equal = np.empty(draws.shape[1]), np.empty(draws.shape[1])
    for some in _columns(draws):
        below[some] = (draws[:, some] < actual[some]).sum(axis=0)
        equal[some] = (draws[:, some] == actual[some]).sum(axis=0)
    chance = np.random.default_rng(seed).random(len(actual))
    return (below + chance * (equal + 1)) / (len(draws) + 1)


def _bandwidth(sample: Array, positive: npt.NDArray[np.bool_], number: Codes) -> Array:
    """Return Silverman's bandwidth of each customer's positive draws; that of a single value leaves it alone."""
    some = np.maximum(number, 1)
    mean = np.where(positive, sample, 0.0).sum(axis=0) / some
    spread = np.sqrt(np.where(positive, (sample - mean) ** 2, 0.0).sum(axis=0) / some)
    # In order, the positive draws come last.
    ordered = np.sort(sample, axis=0)
    lower, upper = (
        np.take_along_axis(ordered, (len(sample) - some + np.rint(q * (some - 1)).astype(int))[None, :], axis=0)[0]
        for q in (0.25, 0.75)
    )
    middle = (upper - lower) / 1.34
    spread = np.where(middle > 0, np.minimum(spread, middle), spread)
    width: Array = np.maximum(0.9 * spread * some**-0.2, 0.05)
    return width


def _columns(draws: Array) -> list[slice]:
    size = max(1, _BLOCK // max(1, len(draws)))
    return [slice(begin, begin + size) for begin in range(0, draws.shape[1], size)]
