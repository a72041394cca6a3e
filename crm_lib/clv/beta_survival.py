"""Staying from period to period when each customer leaves with a probability of their own.

The probability has a beta distribution with parameters ``leave`` and ``stay``. The dropout of donors and the renewal of
contracts are the same mathematics: :math:`S(u) = B(leave, stay + u) / B(leave, stay)`.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.special import gammaln, polygamma, psi

from crm_lib.clv.histories import Array

_STIRLING = 100.0
"""Arguments from which the first terms of Stirling's series are exact to rounding, and differences of gammaln not."""
_NEAR_ONE = 1e-2
"""Distance of ``leave`` from 1 within which the closed sum is 0/0 and its expansion is used."""


def log_gamma_ratio(x: Any, shift: Any) -> Array:
    """Return log Γ(x + shift) − log Γ(x) without cancellation for large `x`.

    Parameters
    ----------
    x : array
        Positive numbers.
    shift : array
        Numbers with ``x + shift > 0``.

    Returns
    -------
    array
        Of the shape to which both broadcast.
    """
    x, shift = np.broadcast_arrays(np.asarray(x, dtype=float), np.asarray(shift, dtype=float))
    large = x > _STIRLING
    if not large.any():
        return np.asarray(gammaln(x + shift) - gammaln(x))
    result = np.empty(x.shape)
    small = ~large
    result[small] = gammaln(x[small] + shift[small]) - gammaln(x[small])
    x, shift = x[large], shift[large]
    above = x + shift
    result[large] = (x - 0.5) * np.log1p(shift / x) + shift * (np.log(above) - 1)
    result[large] += (1 / above - 1 / x) / 12 - (above**-3.0 - x**-3.0) / 360
    return result


def log_survival(leave: Any, stay: Any, elapsed: Any) -> Array:
    """Return the log probability of staying through `elapsed` periods.

    Parameters
    ----------
    leave, stay : array
        Parameters of the beta distribution.
    elapsed : array
        Periods, not negative; not necessarily whole.

    Returns
    -------
    array
        Of the shape to which all broadcast.
    """
    return log_gamma_ratio(stay, leave) - log_gamma_ratio(stay + elapsed, leave)


def expected_stay(leave: Any, stay: Any, periods: Any) -> Array:
    """Return how many of the next periods a customer is expected to stay through.

    Parameters
    ----------
    leave, stay : array
        Parameters of the beta distribution.
    periods : array
        Number of periods looked at.

    Returns
    -------
    array
        Sum of S(k) over k from 1 to `periods`.

    Notes
    -----
    With :math:`e = leave - 1` the sum is :math:`\\frac{stay}{e}\\left[1 - \\frac{\\Gamma(stay + 1 + m)\\,
    \\Gamma(stay + 1 + e)}{\\Gamma(stay + 1 + m + e)\\,\\Gamma(stay + 1)}\\right]`. At :math:`e = 0` it is :math:`stay
    [\\psi(stay + 1 + m) - \\psi(stay + 1)]`; near there the bracket comes from an expansion about the midpoint.
    """
    leave, stay, periods = np.broadcast_arrays(*(np.asarray(a, dtype=float) for a in (leave, stay, periods)))
    excess = leave - 1
    near = np.asarray(np.abs(excess) < _NEAR_ONE)
    divisor = np.where(near, 1.0, excess)
    with np.errstate(over="ignore", invalid="ignore"):
        ratio = log_gamma_ratio(stay + 1 + periods, excess) - log_gamma_ratio(stay + 1, excess)
    slope = np.asarray(ratio / divisor)
    if near.any():
        begin, shift = stay[near] + 1 + excess[near] / 2, excess[near] ** 2 / 24
        end = begin + periods[near]
        slope[near] = psi(end) - psi(begin) + shift * (polygamma(2, end) - polygamma(2, begin))
    product = excess * slope
    with np.errstate(invalid="ignore", over="ignore"):
        share = np.where(np.abs(product) < 1e-300, slope, -np.expm1(-product) / np.where(excess == 0, 1.0, excess))
    return np.asarray(stay * share)
