"""Correction of p-values where many questions are asked of the same data."""

from __future__ import annotations

import numpy as np
from scipy import stats

PValues = np.ndarray[tuple[int], np.dtype[np.float64]]


def holm(p_values: PValues) -> PValues:
    """Return p-values corrected so that even one false alarm among all is as rare as stated.

    Parameters
    ----------
    p_values : ndarray
        P-values of all questions asked.

    Returns
    -------
    ndarray
        Corrected p-values, in the same order.

    Notes
    -----
    With the p-values in ascending order, the k-th of m becomes the largest of :math:`(m - j + 1)\\,p_{(j)}` for
    :math:`j \\le k`, at most 1. It holds whatever the dependence between the questions.

    References
    ----------
    Holm, S. (1979). A simple sequentially rejective multiple test procedure. Scandinavian Journal of Statistics 6,
    65-70.

    Examples
    --------
    >>> holm(np.array([0.01, 0.04, 0.03])).round(3).tolist()
    [0.03, 0.06, 0.06]
    """
    order = np.argsort(p_values, kind="stable")
    stepped = np.maximum.accumulate(p_values[order] * np.arange(p_values.size, 0, -1))
    corrected = np.empty_like(p_values)
    corrected[order] = np.minimum(stepped, 1.0)
    return corrected


def benjamini_hochberg(p_values: PValues) -> PValues:
    """Return p-values corrected for false discoveries.

    Parameters
    ----------
    p_values : ndarray of shape (m,)
        The p-values of all looks taken; missing ones stay missing and are not counted.

    Returns
    -------
    ndarray of shape (m,)
        Taking those up to q for real differences, a share of at most q of them is expected to be false.

    References
    ----------
    Benjamini, Y. & Hochberg, Y. (1995). Controlling the false discovery rate. Journal of the Royal Statistical Society
    B 57, 289-300.

    Examples
    --------
    >>> benjamini_hochberg(np.array([0.01, 0.04, 0.03, 0.5])).round(4).tolist()
    [0.04, 0.0533, 0.0533, 0.5]
    """
    corrected = np.array(p_values, dtype=np.float64)
    known = ~np.isnan(corrected)
    if known.any():
        corrected[known] = stats.false_discovery_control(corrected[known], method="bh")
    return corrected
