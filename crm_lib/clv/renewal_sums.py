"""How many periods contracts or customers will still last, from any survival curve that is smooth in time."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import numpy as np

from crm_lib.clv.histories import Array

LogSurvival: TypeAlias = Callable[[Array], Array]
"""From times (T,), not necessarily whole, to the logarithm of the survival function, shape (D, T)."""

_TERMS = 100
"""Terms added up one by one beyond the longest tenure before the sum is continued as an integral."""
_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(80)
_NEGLIGIBLE = 40.0


def remaining_periods(log_survival: LogSurvival, tenures: Array, horizon: int) -> Array:
    """Return how many of the next renewals contracts are expected to make.

    Parameters
    ----------
    log_survival : callable
        Survival curve; ``log_survival(t)`` is of the renewals 1 … t made.
    tenures : array (K,)
        Period that each contract is in, 1 for the first.
    horizon : int
        Number of renewals looked at.

    Returns
    -------
    array (D, K)
        Sum over k from 0 to ``horizon - 1`` of S(tenure + k) / S(tenure - 1).
    """
    least = int(tenures.min()) - 1
    curve = log_survival(np.arange(least, int(tenures.max()) + horizon, dtype=float))
    places = tenures.astype(int) - 1 - least
    reached = curve[:, places]
    result = np.zeros_like(reached)
    for ahead in range(1, horizon + 1):
        result += np.exp(curve[:, places + ahead] - reached)
    return result


def discounted_periods(log_survival: LogSurvival, tenures: Array, discount: float) -> Array:
    """Return the discounted number of all further renewals that contracts are expected to make.

    Parameters
    ----------
    log_survival : callable
        Survival curve.
    tenures : array (K,)
        Period that each contract is in, 1 for the first.
    discount : float
        Factor for one period, above 0 and below 1. The first of the renewals is due now and not discounted.

    Returns
    -------
    array (D, K)
        Sum over k from 0 to infinity of ``discount**k`` S(tenure + k) / S(tenure - 1).

    Notes
    -----
    :math:`V_n = r_n (1 + z V_{n+1})` leads from the longest tenure down to the shorter ones. Beyond it and a hundred
    terms more, the sum is the integral from half a period before, by the midpoint form of the Euler–Maclaurin formula
    with its first correction; the integral is taken on the logarithm of time by Gauss–Legendre quadrature.
    """
    least, longest = int(tenures.min()), int(tenures.max())
    top = longest + _TERMS
    curve = log_survival(np.arange(least - 1, top + 1, dtype=float))
    value = _tail(log_survival, curve[:, -2:], top, discount)
    retention = np.exp(np.minimum(np.diff(curve, axis=1), 0.0))
    values = np.empty((len(curve), longest - least + 1))
    for period in range(top - 1, least - 1, -1):
        value = retention[:, period - least] * (1 + discount * value)
        if period <= longest:
            values[:, period - least] = value
    return values[:, tenures.astype(int) - least]


def _tail(log_survival: LogSurvival, last: Array, top: int, discount: float) -> Array:
    """Return the discounted sum for tenure `top`, given the log survival of ``top - 1`` and `top`."""
    rate = -np.log(discount)
    begin = top - 0.5
    length = np.log1p(_NEGLIGIBLE / (rate * begin))
    times = begin * np.exp(length * (_NODES + 1) / 2)
    terms = np.exp(log_survival(times) - last[:, :1] - rate * (times - top))
    slope = np.exp(last[:, 1] - last[:, 0]) - 1 / discount
    return np.asarray(terms @ (_WEIGHTS * times) * length / 2 + slope / 24)
