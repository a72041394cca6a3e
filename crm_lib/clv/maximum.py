"""The maximum of a log-likelihood: Newton's method with damping, from several starts, with an explicit outcome."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import scipy.linalg

from crm_lib.clv.histories import Array

Objective: TypeAlias = Callable[[Array], tuple[float, Array, Array]]
"""From working parameters to value, gradient and Hessian."""

_EDGE = 16.0
"""Working parameters are logarithms: beyond e^16 the likelihood is flat, and its maximum lies at the edge."""
_FLATTEST = 1e-6
"""Curvature below which nothing is told of a working parameter: its standard error would be a factor of e^1000."""
_LONGEST_STEP = 2.0
_MOST_STEPS = 200
_DIFFERENCE = 1e-4
"""Half the distance between the points of central differences."""


@dataclass(frozen=True, kw_only=True)
class Maximum:
    """Where the climb ended.

    Parameters
    ----------
    theta : array (P,)
        Working parameters.
    value : float
        Function there.
    gradient, hessian : array (P,), array (P, P)
        Its derivatives there.
    converged : bool
        Whether this is a maximum: the curvature is negative in all directions and Newton's step would gain nothing.
    steps : int
        Steps taken.
    """

    theta: Array
    value: float
    gradient: Array
    hessian: Array
    converged: bool
    steps: int


def maximise(objective: Objective, starts: Iterable[Array], *, tolerance: float = 1e-9) -> Maximum:
    """Climb from the first start; from the others only where that does not end in a maximum.

    Parameters
    ----------
    objective : callable
        From working parameters (P,) to value, gradient (P,) and Hessian (P, P). A value of ``-inf`` or NaN marks
        parameters that are impossible.
    starts : iterable of array (P,)
        Where to begin, the most promising first.
    tolerance : float
        Convergence: half the Newton decrement, which is what a quadratic function would still gain, in units of the
        function itself.

    Returns
    -------
    Maximum
        The first that converged; if none did, the highest point reached.

    Raises
    ------
    ValueError
        If the function is finite at none of the starts.

    References
    ----------
    Nocedal, J., Wright, S. J. (2006). Numerical Optimization, 2nd ed., sections 3.4 and 4.3.
    """
    best: Maximum | None = None
    for start in starts:
        reached = _climb(objective, np.asarray(start, dtype=float), tolerance)
        if reached is None:
            continue
        if reached.converged:
            return reached
        if best is None or reached.value > best.value:
            best = reached
    if best is None:
        raise ValueError("the likelihood is not finite at any start: the data do not fit the model")
    return best


def numerical_hessian(gradient: Callable[[Array], Array], theta: Array) -> Array:
    """Return the Hessian by central differences of an analytic gradient.

    Parameters
    ----------
    gradient : callable
        From working parameters (P,) to the gradient (P,).
    theta : array (P,)
        Where.

    Returns
    -------
    array (P, P)
        Symmetric; its relative error is about 1e-8.
    """
    return hessian_of(np.array([gradient(near) for near in points_around(theta)]))


def points_around(theta: Array) -> Array:
    """Return the points whose gradients tell the Hessian, for gradients that are had faster all at once.

    Parameters
    ----------
    theta : array (P,)
        Where the Hessian is wanted.

    Returns
    -------
    array (2 P, P)
        The points, for :func:`hessian_of`.
    """
    steps = _DIFFERENCE * np.eye(len(theta))
    return np.asarray(theta + np.concatenate([steps, -steps]))


def hessian_of(slopes: Array) -> Array:
    """Return the Hessian by central differences of gradients.

    Parameters
    ----------
    slopes : array (2 P, P)
        The gradients at :func:`points_around`.

    Returns
    -------
    array (P, P)
        Symmetric; its relative error is about 1e-8.
    """
    above, below = np.split(slopes, 2)
    hessian = (above - below) / (2 * _DIFFERENCE)
    return np.asarray((hessian + hessian.T) / 2)


def _climb(objective: Objective, theta: Array, tolerance: float) -> Maximum | None:
    value, gradient, hessian = objective(theta)
    if not (np.isfinite(value) and np.isfinite(gradient).all() and np.isfinite(hessian).all()):
        return None
    damping = 0.0
    for taken in range(_MOST_STEPS):
        step, downwards = _step(gradient, hessian, damping)
        gain = 0.5 * float(gradient @ step)
        # The last digits of a sum over many customers are noise; no step can gain less than they hide.
        if downwards and damping == 0 and gain < tolerance + 1e-14 * abs(value):
            curved = float(np.linalg.eigvalsh(-hessian)[0]) > _FLATTEST
            return Maximum(theta=theta, value=value, gradient=gradient, hessian=hessian, converged=curved, steps=taken)
        tried = theta + step
        if np.abs(tried).max() > _EDGE:
            break
        new_value, new_gradient, new_hessian = objective(tried)
        usable = np.isfinite(new_value) and np.isfinite(new_gradient).all() and np.isfinite(new_hessian).all()
        if usable and new_value >= value - 1e-13 * abs(value):
            theta, value, gradient, hessian = tried, new_value, new_gradient, new_hessian
            damping = damping / 10 if damping > 1e-6 else 0.0
        else:
            damping = max(10 * damping, 1e-3)
            if damping > 1e12:
                break
    return Maximum(theta=theta, value=value, gradient=gradient, hessian=hessian, converged=False, steps=taken)


def _step(gradient: Array, hessian: Array, damping: float) -> tuple[Array, bool]:
    """Return Newton's step, damped as far as need be, and whether the function curves downwards everywhere."""
    scale = np.maximum(np.abs(np.diag(hessian)), 1e-8)
    added, downwards = damping, True
    while True:
        try:
            factor = scipy.linalg.cho_factor(np.diag(scale * added) - hessian, check_finite=False)
            break
        except np.linalg.LinAlgError:
            downwards = False
            added = max(4 * added, 1e-3)
    step = scipy.linalg.cho_solve(factor, gradient, check_finite=False)
    longest = float(np.abs(step).max())
    return (step * (_LONGEST_STEP / longest) if longest > _LONGEST_STEP else step), downwards
