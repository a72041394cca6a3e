"""The maximum of a log-likelihood by damped Newton steps, which need half the time of a trust region here."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import NamedTuple, TypeAlias

import numpy as np

from crm_lib.clv.histories import Array
from crm_lib.errors import NumericalError

Objective: TypeAlias = Callable[[Array], tuple[float, Array, Array]]
"""From working parameters to value, gradient and Hessian."""

_EDGE = 16.0
"""Working parameters are logarithms in units of the data: beyond e^16 the likelihood is flat."""
_FLATTEST = 1e-6
"""Curvature below which nothing is told of a parameter: its standard error would be a factor of e^1000."""
_LONGEST_STEP = 2.0
_MOST_STEPS = 200


class Maximum(NamedTuple):
    """Where the climb ended; converged if the curvature is negative everywhere and a further step gains nothing."""

    theta: Array
    value: float
    hessian: Array
    converged: bool


def maximise(objective: Objective, starts: Iterable[Array], *, tolerance: float = 1e-9) -> Maximum:
    """Climb from the first start, from the others only where that does not end in a maximum; return the best."""
    best: Maximum | None = None
    for start in starts:
        reached = _climb(objective, np.asarray(start, dtype=float), tolerance)
        if reached is not None and (best is None or reached.converged or reached.value > best.value):
            best = reached
        if reached is not None and reached.converged:
            break
    if best is None:
        raise NumericalError("the likelihood is finite at none of the starting values: the data do not fit the model")
    return best


def _climb(objective: Objective, theta: Array, tolerance: float) -> Maximum | None:
    value, gradient, hessian = objective(theta)
    if not _finite(value, gradient, hessian):
        return None
    damping = 0.0
    for _ in range(_MOST_STEPS):
        step, downwards = _step(gradient, hessian, damping)
        # The last digits of a sum over many customers are noise; no step can gain less than they hide.
        if downwards and damping == 0 and gradient @ step < 2 * (tolerance + 1e-14 * abs(value)):
            # So near to a maximum the last step costs nothing and doubles the digits.
            peaked = bool(np.linalg.eigvalsh(-hessian)[0] > _FLATTEST)
            return Maximum(theta + step if peaked else theta, value, hessian, peaked)
        tried = theta + step
        if np.abs(tried).max() > _EDGE:
            break
        there = objective(tried)
        if _finite(*there) and there[0] >= value - 1e-13 * abs(value):
            theta, (value, gradient, hessian) = tried, there
            damping = damping / 10 if damping > 1e-6 else 0.0
        elif damping > 1e12:
            break
        else:
            damping = max(10 * damping, 1e-3)
    return Maximum(theta, value, hessian, converged=False)


def _finite(*arrays: Array | float) -> bool:
    return all(np.isfinite(array).all() for array in arrays)


def _step(gradient: Array, hessian: Array, damping: float) -> tuple[Array, bool]:
    """Return Newton's step, damped as far as need be, and whether the function curves downwards everywhere."""
    scale = np.maximum(np.abs(np.diag(hessian)), 1e-8)
    added, downwards = damping, True
    while True:
        downhill = np.diag(scale * added) - hessian
        try:
            np.linalg.cholesky(downhill)
            break
        except np.linalg.LinAlgError:
            downwards = False
            added = max(4 * added, 1e-3)
    step = np.asarray(np.linalg.solve(downhill, gradient), dtype=np.float64)
    longest = float(np.abs(step).max())
    return (step * (_LONGEST_STEP / longest) if longest > _LONGEST_STEP else step), downwards
