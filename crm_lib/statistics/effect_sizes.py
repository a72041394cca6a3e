"""Differences between a group and the rest on one scale, with intervals; and p-values corrected for many looks."""

from __future__ import annotations

import numpy as np
from scipy import special, stats

from crm_lib.statistics.resampling import Floats

_LOGISTIC = float(np.sqrt(3) / np.pi)
"""From log odds to standard deviations: the spread of the logistic distribution is pi over the root of three."""


def hedges_g(inside: Floats, outside: Floats) -> tuple[float, float, float]:
    """Return the standardised difference of means between a group and the rest.

    Parameters
    ----------
    inside, outside : ndarray
        Values of the group and of all others, none missing; at least two in each.

    Returns
    -------
    tuple of float
        Hedges' g, its standard error, and the p-value of Welch's test of equal means. All are missing where nothing
        varies.

    Notes
    -----
    :math:`g = J\\,(\\bar x_1 - \\bar x_2)/s` with the pooled standard deviation :math:`s` and the correction for small
    samples :math:`J = 1 - 3/(4(n_1+n_2)-9)`. The standard error is by the delta method from the data's own second,
    third and fourth moments: the usual formula takes normal data of equal spread for granted, which money never is.

    References
    ----------
    Hedges, L. V. & Olkin, I. (1985). Statistical Methods for Meta-Analysis, chapter 5.

    Examples
    --------
    >>> g, error, p_value = hedges_g(np.array([3.0, 4.0, 5.0]), np.array([1.0, 2.0, 3.0]))
    >>> round(g, 3)
    1.6
    """
    sizes = inside.size, outside.size
    if min(sizes) < 2:
        raise ValueError(f"two values in the group and two outside are needed; got {sizes[0]} and {sizes[1]}")
    means = inside.mean(), outside.mean()
    squares = ((inside - means[0]) ** 2).sum(), ((outside - means[1]) ** 2).sum()
    free = sum(sizes) - 2
    variance = sum(squares) / free
    if not variance > 0:
        return float("nan"), float("nan"), float("nan")
    spread = float(np.sqrt(variance))
    raw = (means[0] - means[1]) / spread
    small = 1 - 3 / (4 * sum(sizes) - 9)
    total, p_value = 0.0, _welch(means[0] - means[1], squares, sizes)
    for values, mean, n, sign in ((inside, means[0], sizes[0], 1.0), (outside, means[1], sizes[1], -1.0)):
        centred = values - mean
        influence = sign * centred / spread / n - raw / (2 * variance) * (centred**2 - (centred**2).mean()) / free
        total += float((influence**2).sum()) * n / (n - 1)
    return float(small * raw), float(small * np.sqrt(total)), p_value


def _welch(difference: float, squares: tuple[float, float], sizes: tuple[int, int]) -> float:
    """Return the two-sided p-value of equal means, from sums of squares about the means."""
    one, other = (float(total) / (n - 1) / n for total, n in zip(squares, sizes, strict=True))
    free = (one + other) ** 2 / (one**2 / (sizes[0] - 1) + other**2 / (sizes[1] - 1))
    return float(2 * special.stdtr(free, -abs(difference) / np.sqrt(one + other)))


def log_odds(inside: int, of_inside: int, outside: int, of_outside: int) -> tuple[float, float, float]:
    """Return the log odds ratio of a group against the rest.

    Parameters
    ----------
    inside, of_inside : int
        Customers of the group with the property, and all of the group.
    outside, of_outside : int
        The same of all others.

    Returns
    -------
    tuple of float
        Log odds ratio, its standard error, and the p-value of equal shares: chi-square, or Fisher's exact test where
        fewer than five customers are to be expected in a cell.

    Notes
    -----
    One half is added to each cell (Haldane, Anscombe, Gart), so that empty cells leave the ratio finite.

    References
    ----------
    Agresti, A. (2013). Categorical Data Analysis, section 3.1.

    Examples
    --------
    >>> ratio, error, p_value = log_odds(30, 40, 20, 40)
    >>> round(ratio, 3)
    1.066
    """
    table = np.array([[inside, of_inside - inside], [outside, of_outside - outside]], dtype=np.float64)
    if (table < 0).any() or of_inside < 1 or of_outside < 1:
        raise ValueError(f"counts must lie between 0 and their totals, which must be positive; got {table.tolist()}")
    filled = table + 0.5
    ratio = float(np.log(filled[0, 0] * filled[1, 1] / filled[0, 1] / filled[1, 0]))
    expected = np.outer(table.sum(axis=1), table.sum(axis=0)) / table.sum()
    if expected.min() == 0:
        p_value = 1.0
    elif expected.min() < 5:
        p_value = float(stats.fisher_exact(table.astype(int)).pvalue)
    else:
        p_value = float(stats.chi2.sf(((table - expected) ** 2 / expected).sum(), 1))
    return ratio, float(np.sqrt((1 / filled).sum())), p_value


def as_standardised(log_odds_ratio: float) -> float:
    """Return a log odds ratio in standard deviations, so that it can stand beside a difference of means.

    Parameters
    ----------
    log_odds_ratio : float
        Log odds ratio, or its standard error.

    Returns
    -------
    float
        The difference of two logistic distributions that would give this ratio, in their standard deviation.

    References
    ----------
    Chinn, S. (2000). A simple method for converting an odds ratio to effect size for use in meta-analysis. Statistics
    in Medicine 19, 3127-3131.

    Examples
    --------
    >>> round(as_standardised(1.81), 2)
    1.0
    """
    return log_odds_ratio * _LOGISTIC
