"""Nodes and weights for means over beta and gamma distributions, exact however skewed these are.

The trapezoidal rule on the logit of a probability, or on the logarithm of a rate, converges exponentially, as the
integrands here have no singularity near the real line of that scale. Where a distribution has a long tail, the
integrand there is a geometric sequence from node to node, whose sum goes into the weight of the outermost node.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from crm_lib.clv.histories import Array

_DEPTH = 27.0
"""Densities are followed down to e to the minus this, relative to the peak."""
_FLAT, _PEAKED = 5.5, 1.8
"""The step is 1 / sqrt(flat + peaked × curvature at the mode): relative errors of 3e-11 against adaptive quadrature."""


class Probabilities(NamedTuple):
    """Nodes of means over beta distributions.

    Parameters
    ----------
    p, q : array (..., N)
        Probabilities and their complements, both to full relative precision.
    weight : array (..., N)
        Weights, which sum to 1.
    """

    p: Array
    q: Array
    weight: Array


def beta_nodes(a: Array, b: Array, slope: Array | float) -> Probabilities:
    """Return nodes and weights for means over beta distributions.

    Parameters
    ----------
    a, b : array (...)
        Parameters of the distributions; they broadcast.
    slope : array (...) or float
        Steepest relative slope, in p, of the functions to be averaged.

    Returns
    -------
    Probabilities
        The nodes, of the same number N for all distributions.
    """
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
    """Return nodes for means over gamma distributions of rates, shared by those that differ in their rate parameter.

    Parameters
    ----------
    shape : array (...)
        Shapes of the distributions.
    slowest, fastest : array (...)
        Smallest and largest rate parameter (in units of time) of each family.
    scale : float
        The functions to be averaged are proportional to the rate far below this one.

    Returns
    -------
    array (..., N)
        Logarithms of rates, equidistant.
    """
    near = _reach(shape)
    low, high = np.log(shape) - np.log(fastest), np.log(shape) - np.log(slowest)
    bottom = np.minimum(low, np.log(scale)) - _DEPTH
    # The functions bend once more, at the rate that is the scale.
    grid, _ = _grid(np.maximum(low - _DEPTH / shape - near, bottom), high + near, 1.5 + shape)
    return grid


def rate_weights(log_rates: Array, shape: Array, rate: Array) -> Array:
    """Return the weights of nodes for gamma distributions.

    Parameters
    ----------
    log_rates : array (..., N)
        Nodes from :func:`rate_nodes`.
    shape, rate : array (...)
        Parameters of the distributions.

    Returns
    -------
    array (..., N)
        Weights, which sum to 1.
    """
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
