"""The integral in the Pareto/NBD likelihood: odds that a customer has left, and derivatives, by Gaussian quadrature.

With shape ``a = r + x``, a history has the likelihood, up to gamma functions,

    (α+T)^-a (β+T)^-s  +  s ∫ (α+y)^-a (β+y)^-(s+1) dy   for y from recency to age,

where the first term is that of a customer still alive and the second that of one who left at time y. Their ratio is
the odds that the customer has left, and all that is hard about the model. With γ the smaller of α and β, δ the larger,
and ``y + γ = (recency + γ) e^q``, the integrand becomes ``exp(-ψ(q))`` with

    ψ(q) = k q + b log(1 - ρ + ρ e^q),   ρ = (γ + recency) / (δ + recency),

where k = s, b = a if γ is β, and k = a - 1, b = s + 1 if it is α. It is smooth: the nearest singularities lie at ±π i,
however close to 0 the parameters are. So few Gauss-Legendre nodes reach machine precision: how many depends only on
the length of the interval and on how far ψ rises over it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

import numpy as np
from scipy.special import expit

from crm_lib.clv.histories import Array, Codes

_NODES = (4, 6, 8, 10, 12, 14, 16, 20, 24, 32, 48, 96)
"""Numbers of nodes in use."""
_FAR = 36.0
"""What lies below e to the minus this of the integrand's beginning is left out."""
_BLOCK = 2**15
"""Integrals prepared at once, so that they stay in the processor's cache."""
_CHUNK = 2**13
"""Integrals summed at once."""


def log_odds_left(
    shape: Array, alpha: Array | float, s: Array | float, beta: Array | float, recency: Array, age: Array
) -> Array:
    """Return the log odds (..., H) that customers have left; minus infinity with a purchase at the end of observation.

    With ``shape = r + x``, the logarithm of the likelihood's bracket is ``-shape log(alpha + age) - s log(beta + age)``
    plus :func:`log_sum` of 0 and this. Parameters have the shape (..., H) or (..., 1), times (H,).

    References
    ----------
    Schmittlein, D. C., Morrison, D. G., Colombo, R. (1987). Counting Your Customers: Who Are They and What Will They Do
    Next? Management Science 33(1), 1–24.

    Examples
    --------
    >>> log_odds_left(np.array([1.0]), 1.0, 1.0, 1.0, np.array([0.0]), np.array([1.0])).round(12)  # ½(2² − 1)
    array([0.40546511])
    """
    given = (shape, alpha, s, beta, recency, age)
    wide = np.broadcast_arrays(*(np.atleast_2d(np.asarray(each, dtype=float)) for each in given))
    rows, columns = wide[0].shape
    result = np.empty((rows, columns))
    width = max(1, min(columns, _BLOCK))
    height = _BLOCK // width
    for top in range(0, rows, height):
        for left in range(0, columns, width):
            block = (slice(top, top + height), slice(left, left + width))
            result[block] = _log_odds(*(each[block] for each in wide))
    return result.reshape(np.broadcast_shapes(*(np.shape(each) for each in given)))


def bracket_derivatives(
    frequency: Array, recency: Array, age: Array, *, r: float, alpha: Array, s: float, beta: Array
) -> tuple[Array, Array, Array]:
    """Return logarithm (H,), gradient (4, H) and Hessian (4, 4, H) of the likelihood's bracket times α^(r+x) β^s.

    Derivatives are by the logarithms of r, α, s and β. Scaling by α and β keeps the terms small where the parameters
    are large, and leaves the log-likelihood of a history as ``gammaln(r+x) - gammaln(r) - x log(alpha)`` plus this. The
    likelihood is a mixture over the time of leaving, so gradient and Hessian are means, over the same nodes, of those
    of its parts.
    """
    parameters = np.broadcast_arrays(frequency, recency, age, r, alpha, s, beta)
    falls = _falls(parameters[0] + r, parameters[4], parameters[5], parameters[6], recency, age)
    count = len(frequency)
    value, gradient, hessian = np.empty(count), np.empty((4, count)), np.empty((4, 4, count))
    for nodes, which in _by_nodes(falls.nodes, _CHUNK // 4):
        some = [each[which] for each in parameters]
        value[which], gradient[:, which], hessian[:, :, which] = _moments(falls.take(which), nodes, *some)
    return value, gradient, hessian


def log_sum(first: Array | float, second: Array) -> Array:
    """Return log(exp(first) + exp(second)), not both minus infinity, as ``np.logaddexp`` does, many times faster."""
    larger = np.maximum(first, second)
    result = np.minimum(first, second)
    result -= larger
    np.exp(result, out=result)
    np.log1p(result, out=result)
    result += larger
    return result


@dataclass(frozen=True, kw_only=True)
class _Falls:
    """How integrands fall: k, b, ρ as above, length of the interval, nodes needed, and the factor before it all."""

    k: Array
    b: Array
    ratio: Array
    length: Array
    log_front: Array
    nodes: Codes

    def take(self, which: Codes) -> _Falls:
        """Return some of them."""
        return _Falls(**{name: value[which] for name, value in vars(self).items()})


def _falls(shape: Array, alpha: Array, s: Array, beta: Array, recency: Array, age: Array) -> _Falls:
    near_alpha = alpha < beta
    near, far = np.minimum(alpha, beta) + recency, np.maximum(alpha, beta) + recency
    lapse = age - recency
    k, b = np.where(near_alpha, shape - 1, s), np.where(near_alpha, s + 1, shape)
    ratio = near / far
    length = np.log1p(lapse / near)
    rise = k * length + b * np.log1p(lapse / far)
    log_front = np.log(s) + rise + np.where(near_alpha, np.log((near + lapse) / (far + lapse)), 0.0)
    k, b, ratio, length, rise = (np.broadcast_to(each, rise.shape).ravel() for each in (k, b, ratio, length, rise))
    steep = np.flatnonzero(rise > _FAR)
    if steep.size:
        length = length.copy()
        length[steep] = _shorter(k[steep], b[steep], ratio[steep], length[steep])
    needed = np.sqrt(np.clip(rise, 0.0, _FAR) + 1.5 * length**2)
    nodes = np.minimum(np.ceil(3.5 + 2.7 * needed), _NODES[-1])
    return _Falls(k=k, b=b, ratio=ratio, length=length, log_front=log_front.ravel(), nodes=nodes.astype(np.uint8))


def _shorter(k: Array, b: Array, ratio: Array, length: Array) -> Array:
    """Return where ψ has surely reached the value beyond which the integrand is negligible."""
    slope = k + b * ratio
    with np.errstate(divide="ignore", over="ignore"):
        # ψ is convex, so it lies above its tangent at 0, and for k ≥ 0 above its second term alone …
        by_tangent = np.where(slope > 0, _FAR / slope, np.inf)
        by_term = np.where(k >= 0, np.log1p(np.expm1(np.minimum(_FAR / b, 700.0)) / ratio), np.inf)
    # … and, as log(1 - ρ + ρ e^q) ≥ log ρ + q, above the asymptote.
    by_asymptote = (_FAR - b * np.log(ratio)) / (k + b)
    return np.minimum(np.minimum(length, by_tangent), np.minimum(by_term, by_asymptote))


def _log_odds(shape: Array, alpha: Array, s: Array, beta: Array, recency: Array, age: Array) -> Array:
    falls = _falls(shape, alpha, s, beta, recency, age)
    integral = np.empty(falls.length.size)
    for nodes, which in _by_nodes(falls.nodes, _CHUNK):
        integral[which] = _integral(falls.k[which], falls.b[which], falls.ratio[which], falls.length[which], nodes)
    with np.errstate(divide="ignore"):
        return (falls.log_front + np.log(integral)).reshape(shape.shape)


def _by_nodes(needed: Codes, most: int) -> Iterator[tuple[int, Codes]]:
    """Group integrals by the number of nodes that they need, at most so many at once."""
    order = np.argsort(needed, kind="stable")
    ends = np.searchsorted(needed[order], _NODES, side="right")
    for nodes, start, end in zip(_NODES, [0, *ends], ends, strict=False):
        for begin in range(start, end, most):
            yield nodes, order[begin : min(begin + most, end)]


def _integral(k: Array, b: Array, ratio: Array, length: Array, nodes: int) -> Array:
    """Return ∫ exp(-ψ), in place as memory traffic would cost more than the arithmetic."""
    total, q, growth = np.zeros_like(k), np.empty_like(k), np.empty_like(k)
    rest = 1 - ratio
    for at, weight in zip(*_legendre(nodes), strict=True):
        np.multiply(length, at, out=q)
        np.exp(q, out=growth)
        growth *= ratio
        growth += rest
        np.log(growth, out=growth)
        growth *= b
        q *= k
        q += growth
        np.negative(q, out=q)
        np.exp(q, out=q)
        q *= weight
        total += q
    total *= length
    return total


def _moments(
    falls: _Falls,
    nodes: int,
    frequency: Array,
    recency: Array,
    age: Array,
    r: Array,
    alpha: Array,
    s: Array,
    beta: Array,
) -> tuple[Array, Array, Array]:
    shape = r + frequency
    at, weight = (each[:, None] for each in _legendre(nodes))
    q = falls.length * at
    growth = np.expm1(q)
    part = weight * np.exp(-falls.k * q - falls.b * np.log1p(falls.ratio * growth))
    integral = part.sum(axis=0)
    with np.errstate(divide="ignore"):
        log_odds = falls.log_front + np.log(falls.length * integral)
    # The last row is the customer still alive at the age; the others have left at their nodes.
    left = np.concatenate([part * (expit(log_odds) / integral), expit(-log_odds)[None]])
    leaving = np.ones((nodes + 1, 1))
    leaving[-1] = 0
    time = np.concatenate([recency + (np.minimum(alpha, beta) + recency) * growth, age[None]])
    log_a, log_b = np.log1p(time / alpha), np.log1p(time / beta)
    past_a, past_b = time / (alpha + time), time / (beta + time)
    first = np.stack([-r * log_a, shape * past_a, leaving - s * log_b, s * past_b - leaving * (1 - past_b)])
    weighted = first * left
    gradient = weighted.sum(axis=1)
    hessian = np.einsum("inh,jnh->ijh", weighted, first) - gradient[:, None] * gradient[None, :]
    mean_log_a, mean_log_b, mean_a, mean_b = (
        np.einsum("nh,nh->h", left, each) for each in (log_a, log_b, past_a, past_b)
    )
    hessian[0, 0] -= r * mean_log_a
    hessian[0, 1] += r * mean_a
    hessian[1, 0] += r * mean_a
    hessian[1, 1] -= shape * np.einsum("nh,nh,nh->h", left, past_a, 1 - past_a)
    hessian[2, 2] -= s * mean_log_b
    hessian[2, 3] += s * mean_b
    hessian[3, 2] += s * mean_b
    hessian[3, 3] -= np.einsum("nh,nh,nh->h", left, (s + leaving) * past_b, 1 - past_b)
    value = log_sum(0.0, log_odds) - shape * log_a[-1] - s * log_b[-1]
    return value, gradient, hessian


@cache
def _legendre(nodes: int) -> tuple[Array, Array]:
    """Return nodes and weights on the interval from 0 to 1."""
    at, weight = np.polynomial.legendre.leggauss(nodes)
    return (at + 1) / 2, weight / 2
