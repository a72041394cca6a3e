"""Sums of log(scale + amount) over many amounts, for many scales at once."""

from __future__ import annotations

import numpy as np

from crm_lib.clv.histories import Array


def log_sums(log_scales: Array, amounts: Array, weights: Array) -> Array:
    """Return weighted sums of log(exp(u) + amount) over the amounts, for each of many u.

    As a function of u each sum is smooth, so that it is computed at a few Chebyshev points only and interpolated:
    the cost is that of some thirty scales, whatever their number, and the error that of rounding.

    Parameters
    ----------
    log_scales : array (D,)
        The scales' logarithms u.
    amounts : array (H,)
        Positive amounts.
    weights : array (H, K)
        Weights of the amounts in each of K sums.

    Returns
    -------
    array (D, K)
        The sums.

    Notes
    -----
    :math:`\\log(e^u + s)` is analytic for :math:`|\\Im u| < \\pi`, whatever s. On an interval of half-length L the
    error falls as :math:`\\rho^{-n}` with :math:`\\rho = \\pi / L + \\sqrt{1 + (\\pi / L)^2}`.

    References
    ----------
    Berrut, J.-P., Trefethen, L. N. (2004). Barycentric Lagrange Interpolation. SIAM Review 46(3), 501–517.
    """
    low, high = float(log_scales.min()), float(log_scales.max())
    middle, half = (low + high) / 2, max((high - low) / 2, 1e-6)
    reach = np.pi / half
    count = int(np.ceil(38 / np.arcsinh(reach))) + 3
    if count >= len(log_scales) or not np.isfinite(middle):
        return np.array([np.log(np.exp(u) + amounts) @ weights for u in log_scales])
    angles = np.pi * np.arange(count) / (count - 1)
    nodes = np.cos(angles)
    at_nodes = np.array([np.log(np.exp(middle + half * node) + amounts) @ weights for node in nodes])
    barycentric = (-1.0) ** np.arange(count)
    barycentric[[0, -1]] /= 2
    distance = (log_scales - middle)[:, None] / half - nodes
    exact = np.abs(distance) < 1e-14
    ratios = barycentric / np.where(exact, 1.0, distance)
    ratios = np.where(exact.any(axis=1, keepdims=True), exact.astype(float), ratios)
    return np.asarray((ratios @ at_nodes) / ratios.sum(axis=1, keepdims=True))
