"""One convention of discounting: a yearly rate, turned into a continuous rate per unit of time."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from crm_lib.clv.histories import Array
from crm_lib.customers import UNIT_DAYS

_STEP = 0.2
"""Step of the trapezoidal rule on the logarithm of time; its error is about exp(-π² / step)."""


def continuous_rate(annual_rate: float, unit: str) -> float:
    """Return ln(1 + annual_rate) per unit of time; without interest the sum to infinity may be infinite."""
    if not annual_rate > 0 or not np.isfinite(annual_rate):
        raise ValueError(f"annual_rate must be positive, such as 0.1 for 10 % a year, not {annual_rate}")
    return float(np.log1p(annual_rate) * UNIT_DAYS[unit] / 365.25)


def discounted_to_infinity(expected: Callable[[float], Array], rate: float) -> Array:
    """Return the discounted sum, to infinity, of events whose expected number up to each time is known.

    With N(t) the expected number, which is 0 at time 0 and grows no faster than time, integration by parts gives
    ∫ exp(-δ t) dN(t) = ∫ N(v / δ) exp(-v) dv. With v = exp(u) the integrand falls off on both sides, so that the
    trapezoidal rule converges exponentially.
    """
    nodes = np.arange(np.log(1e-9), np.log(45.0), _STEP)
    weights = _STEP * np.exp(nodes - np.exp(nodes))
    return sum(
        (weight * expected(time) for weight, time in zip(weights, np.exp(nodes) / rate, strict=True)), np.zeros(())
    )
