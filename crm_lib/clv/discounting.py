"""One convention of discounting: purchases at a continuous rate, and contracts renewed period by period.

The probability of leaving at a renewal has a beta distribution over contracts with parameters ``leave`` and ``stay``:
:math:`S(u) = B(leave, stay + u) / B(leave, stay)`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike

from crm_lib.clv.histories import Array
from crm_lib.clv.special import log_gamma_ratio
from crm_lib.customers import UNIT_DAYS

_NEAR, _NEAR_WEIGHTS = np.polynomial.legendre.leggauss(12)
"""Gauss–Legendre nodes of the time up to a horizon, on the scale of its square root: what ends soon is seen as well."""


def continuous_rate(annual_rate: float, unit: str) -> float:
    """Return ln(1 + annual_rate) per unit of time; without interest the sum to infinity may be infinite."""
    if not annual_rate > 0 or not np.isfinite(annual_rate):
        raise ValueError(f"annual_rate must be positive, such as 0.1 for 10 % a year, not {annual_rate}")
    return float(np.log1p(annual_rate) * UNIT_DAYS[unit] / 365.25)


def discounted_until(expected: Callable[[float], Array], rate: float, horizon: float) -> Array:
    """Return the discounted sum, up to a horizon, of events whose expected number N up to each time is known.

    By parts, ∫ exp(-δ t) dN(t) = exp(-δ h) N(h) + δ ∫ exp(-δ t) N(t) dt, both integrals from 0 to h.
    """
    root = (_NEAR + 1) / 2
    times, weights = horizon * root**2, horizon * root * _NEAR_WEIGHTS
    inside = sum(weight * np.exp(-rate * t) * expected(t) for t, weight in zip(times, weights, strict=True))
    return np.asarray(np.exp(-rate * horizon) * expected(horizon) + rate * inside)


LogSurvival: TypeAlias = Callable[[Array], Array]
"""From times (T,), not necessarily whole, to the logarithm of the survival function, shape (D, T)."""

MOST_PERIODS = 10_000
"""Periods that a contract may last; more tell that something else was counted."""
_TERMS = 100
"""Terms added up one by one beyond the longest tenure before the sum is continued as an integral."""
_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(80)
_NEGLIGIBLE = 40.0


def log_survival(leave: Any, stay: Any, elapsed: Any) -> Array:
    """Return the log probability of staying through a number of periods, which need not be whole."""
    return log_gamma_ratio(stay, leave) - log_gamma_ratio(stay + elapsed, leave)


def discounted_periods(survival: LogSurvival, tenures: Array, discount: float) -> Array:
    """Return the discounted number (D, K) of all further renewals of contracts, by the period they are in.

    It is the sum over k from 0 to infinity of ``discount**k`` S(tenure + k) / S(tenure - 1); the first of the renewals
    is due now. :math:`V_n = r_n (1 + z V_{n+1})` leads from the longest tenure down to the shorter ones. Beyond it and
    a hundred terms more, the sum is the integral from half a period before, by the midpoint form of the
    Euler–Maclaurin formula with its first correction; the integral is taken on the logarithm of time by Gauss–Legendre
    quadrature.
    """
    least, longest = int(tenures.min()), int(tenures.max())
    top = longest + _TERMS
    curve = survival(np.arange(least - 1, top + 1, dtype=float))
    value = _tail(survival, curve[:, -2:], top, discount)
    retention = np.exp(np.minimum(np.diff(curve, axis=1), 0.0))
    values = np.empty((len(curve), longest - least + 1))
    for period in range(top - 1, least - 1, -1):
        value = retention[:, period - least] * (1 + discount * value)
        if period <= longest:
            values[:, period - least] = value
    return values[:, tenures.astype(int) - least]


def _tail(survival: LogSurvival, last: Array, top: int, discount: float) -> Array:
    """Return the discounted sum for tenure `top`, given the log survival of ``top - 1`` and `top`."""
    rate = -np.log(discount)
    begin = top - 0.5
    length = np.log1p(_NEGLIGIBLE / (rate * begin))
    times = begin * np.exp(length * (_NODES + 1) / 2)
    terms = np.exp(survival(times) - last[:, :1] - rate * (times - top))
    slope = np.exp(last[:, 1] - last[:, 0]) - 1 / discount
    return np.asarray(terms @ (_WEIGHTS * times) * length / 2 + slope / 24)


def check_tenure(tenure: ArrayLike) -> Array:
    """Return tenures (N,), which are whole numbers from 1."""
    tenures = np.atleast_1d(np.asarray(tenure, dtype=float))
    if tenures.ndim != 1 or tenures.size == 0 or not (np.isfinite(tenures) & (tenures >= 1)).all():
        raise ValueError("tenure is the period a contract is in: 1 in the first, never less, and nowhere missing")
    if (tenures != np.floor(tenures)).any() or tenures.max() > MOST_PERIODS:
        raise ValueError(f"tenure counts periods and must be a whole number, {MOST_PERIODS:,} at most")
    return tenures


def check_periods(periods: float, name: str) -> int:
    """Return a number of periods, which is whole and not negative."""
    if not np.isfinite(periods) or periods < 0 or periods != int(periods):
        raise ValueError(f"{name} counts renewals and must be a whole number that is not negative, not {periods}")
    return int(periods)


def period_discount(annual_rate: float, periods_per_year: float) -> float:
    """Return the discount factor of one period; both arguments are positive."""
    if not (np.isfinite(annual_rate) and annual_rate > 0):
        raise ValueError(f"annual_rate must be positive, such as 0.1 for 10 % a year, not {annual_rate}")
    if not (np.isfinite(periods_per_year) and periods_per_year > 0):
        raise ValueError(f"periods_per_year must be positive, such as 12 for monthly contracts, not {periods_per_year}")
    return float((1 + annual_rate) ** (-1 / periods_per_year))
