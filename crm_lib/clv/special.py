"""Ratios and sums of special functions without loss of digits, and nodes for means over beta and gamma distributions.

The trapezoidal rule on the logit of a probability, or on the logarithm of a rate, converges exponentially, as the
integrands here have no singularity near the real line of that scale. Where a distribution has a long tail, the
integrand there is a geometric sequence from node to node, whose sum goes into the weight of the outermost node.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from scipy.interpolate import BarycentricInterpolator
from scipy.special import gammaln

from crm_lib.clv.histories import Array

_STIRLING = 100.0
"""Arguments from which the first terms of Stirling's series are exact to rounding, and differences of gammaln not."""
_DEPTH = 27.0
"""Densities are followed down to e to the minus this, relative to the peak."""
_FLAT, _PEAKED = 5.5, 1.8
"""The step is 1 / sqrt(flat + peaked × curvature at the mode): relative errors of 3e-11 against adaptive quadrature."""


class Probabilities(NamedTuple):
    """Nodes of means over beta distributions: probabilities, complements to full relative precision, weights."""

    p: Array
    q: Array
    weight: Array


def log_gamma_ratio(x: Any, shift: Any) -> Array:
    """Return log Γ(x + shift) − log Γ(x), both arguments above 0, without cancellation for large `x`."""
    large = np.asarray(x) > _STIRLING
    if not large.any():
        return np.asarray(gammaln(x + shift) - gammaln(x))
    x, shift, large = np.broadcast_arrays(np.asarray(x, dtype=float), np.asarray(shift, dtype=float), large)
    result = np.empty(x.shape)
    small = ~large
    result[small] = gammaln(x[small] + shift[small]) - gammaln(x[small])
    x, shift = x[large], shift[large]
    above = x + shift
    result[large] = (x - 0.5) * np.log1p(shift / x) + shift * (np.log(above) - 1)
    result[large] += (1 / above - 1 / x) / 12 - (above**-3.0 - x**-3.0) / 360
    return result


def log_sums(log_scales: Array, amounts: Array, weights: Array) -> Array:
    """Return weighted sums (D, K) of log(exp(u) + amount) over positive amounts (H,), for many u (D,).

    As :math:`\\log(e^u + s)` is analytic for :math:`|\\Im u| < \\pi`, the sums are computed at a few Chebyshev points
    only and interpolated: on an interval of half-length L the error falls as :math:`\\rho^{-n}` with
    :math:`\\rho = \\pi / L + \\sqrt{1 + (\\pi / L)^2}`.
    """
    low, high = float(log_scales.min()), float(log_scales.max())
    half = max((high - low) / 2, 1e-6)
    count = int(np.ceil(38 / np.arcsinh(np.pi / half))) + 3
    if count >= len(log_scales) or not np.isfinite(half):
        return np.array([np.log(np.exp(u) + amounts) @ weights for u in log_scales])
    nodes = (low + high) / 2 + half * np.cos(np.pi * np.arange(count) / (count - 1))
    at_nodes = np.array([np.log(np.exp(node) + amounts) @ weights for node in nodes])
    return np.asarray(BarycentricInterpolator(nodes, at_nodes, rng=0)(log_scales))


def beta_nodes(a: Array, b: Array, slope: Array | float) -> Probabilities:
    """Return nodes (..., N) for means over beta distributions of functions whose steepest relative slope is given."""
    a, b = np.broadcast_arrays(a, b)
    near = _reach(a * b / (a + b))
    centre = np.log(a) - np.log(b)
    low = np.maximum(centre - _DEPTH / a - near, -_DEPTH - np.log(1 + b + slope))
    high = np.minimum(centre + _DEPTH / b + near, _DEPTH + np.log(1 + a + slope))
    logit, step = _grid(low, high, a * (b + slope) / (a + b + slope))
    a, b = a[..., None], b[..., None]
    rest = np.logaddexp(0.0, logit)
    weight = a * logit - (a + b) * rest
    weight = np.exp(weight - weight.max(axis=-1, keepdims=True))
    weight[..., :1] /= -np.expm1(-a * step)
    weight[..., -1:] /= -np.expm1(-b * step)
    weight /= weight.sum(axis=-1, keepdims=True)
    return Probabilities(np.exp(logit - rest), np.exp(-rest), weight)


def rate_nodes(shape: Array, slowest: Array, fastest: Array, scale: float) -> Array:
    """Return logarithms of rates (..., N) for means over gamma distributions between two rate parameters.

    The functions to be averaged are proportional to the rate far below the scale.
    """
    near = _reach(shape)
    low, high = np.log(shape) - np.log(fastest), np.log(shape) - np.log(slowest)
    bottom = np.minimum(low, np.log(scale)) - _DEPTH
    # The functions bend once more, at the rate that is the scale.
    grid, _ = _grid(np.maximum(low - _DEPTH / shape - near, bottom), high + near, 1.5 + shape)
    return grid


def rate_weights(log_rates: Array, shape: Array, rate: Array) -> Array:
    """Return the weights (..., N), which sum to 1, of nodes for gamma distributions of this shape and rate (...)."""
    shape, rate = shape[..., None], rate[..., None]
    weight = shape * log_rates - rate * np.exp(log_rates)
    weight = np.exp(weight - weight.max(axis=-1, keepdims=True))
    weight[..., :1] /= -np.expm1(-shape * (log_rates[..., 1:2] - log_rates[..., :1]))
    weight /= weight.sum(axis=-1, keepdims=True)
    return np.asarray(weight)


def _reach(curvature: Array) -> Array:
    """Return how far from the mode an exponential of an exponential has fallen to the depth."""
    depth = _DEPTH / curvature
    return np.asarray(np.log1p(depth + np.sqrt(2 * depth)))


def _grid(low: Array, high: Array, curvature: Array) -> tuple[Array, Array]:
    """Return equidistant nodes between bounds, of the same number everywhere, and their distances."""
    count = int(np.ceil(((high - low) * np.sqrt(_FLAT + _PEAKED * curvature)).max())) + 1
    step = ((high - low) / (count - 1))[..., None]
    return low[..., None] + step * np.arange(count), step


def poisson_purchases(buying: Array, lifetime: Array, horizon: float, rng: np.random.Generator) -> Array:
    """Draw numbers of purchases; a lifetime is 0 for those gone and infinite for those who stay."""
    return rng.poisson(np.minimum(buying * np.minimum(lifetime, horizon), 1e15)).astype(float)


def simulated(buying: Array, lifetime: Array, age: Array, horizon: float, rng: np.random.Generator) -> pd.DataFrame:
    """Draw histories of customers who buy at Poisson rates until their lifetimes end, and what follows them."""
    active = np.minimum(lifetime, age)
    frequency = rng.poisson(buying * active)
    # The last of x uniform times is the largest: a Beta(x, 1) share of the time active.
    recency = np.where(frequency > 0, active * rng.beta(np.maximum(frequency, 1), 1.0), 0.0)
    future = rng.poisson(buying * np.clip(lifetime - age, 0.0, horizon))
    columns = {"frequency": frequency, "recency": recency, "age": age, "alive": lifetime > age, "future": future}
    return pd.DataFrame(columns)
