"""Customers who buy at regular or irregular times and may leave after each purchase: what their histories tell.

The family of the BG/NBD and MBG/NBD models and their forms for regular buyers, (M)BG/CNBD-k. Everything broadcasts
and is computed from logarithms.

Notation of the formulas: a customer with :math:`x` repeat purchases, the last at :math:`t_x`, was observed up to
:math:`T`. Between purchases lie :math:`k` exponential stages, whose rate :math:`\\lambda` has a gamma distribution over
customers with shape :math:`r` and rate :math:`\\alpha`. After each purchase a customer leaves with probability
:math:`p`, which has a beta distribution with parameters :math:`a` and :math:`b`. :math:`\\zeta` is 1 if the first
purchase of all counts among these occasions (MBG) and 0 if not (BG).
"""

from __future__ import annotations

import numpy as np
from scipy.special import betaln, expit, gammaln

from crm_lib.clv.histories import Array


def log_likelihood(
    r: Array,
    alpha: Array,
    a: Array,
    b: Array,
    x: Array,
    t_x: Array,
    age: Array,
    *,
    regularity: int = 1,
    occasions: int = 0,
    log_gaps: Array | float = 0.0,
) -> Array:
    """Return the log-likelihood of purchase histories.

    Parameters
    ----------
    r, alpha, a, b : array
        Parameters.
    x, t_x, age : array
        Repeat purchases, time of the last one, time of observation.
    regularity : int
        Stages between purchases, k.
    occasions : int
        Occasions to leave before the first repeat purchase, ζ.
    log_gaps : array or float
        Sum of the logarithms of the times between the purchases; matters for k > 1 only.

    Returns
    -------
    array
        Log-likelihoods.

    Notes
    -----
    .. math:: L = \\frac{(\\prod g)^{k-1}}{\\Gamma(k)^x}\\, \\frac{B(a, b + x + \\zeta)}{B(a, b)}\\,
        \\frac{\\Gamma(r + k x)}{\\Gamma(r)}\\, \\frac{\\alpha^r}{(\\alpha + T)^{r + k x}}\\, (G + S)

    with the gaps :math:`g` and the terms of :func:`log_gone` and :func:`stage_weights`, :math:`S` being the sum of the
    latter.

    References
    ----------
    Fader, P. S., Hardie, B. G. S., Lee, K. L. (2005). Counting Your Customers the Easy Way. Marketing Science 24(2),
    equation 6.
    Batislam, E. P., Denizel, M., Filiztekin, A. (2007). Empirical Validation and Comparison of Models for Customer
    Base Analysis. International Journal of Research in Marketing 24(3).
    Platzer, M., Reutterer, T. (2016). Ticking Away the Moments: Timing Regularity Helps to Better Predict Customer
    Activity. Marketing Science 35(5).
    """
    shape = r + regularity * x
    here = np.log(stage_weights(r, alpha, x, t_x, age, regularity=regularity).sum(axis=0))
    gone = log_gone(r, alpha, a, b, x, t_x, age, regularity=regularity, occasions=occasions)
    value = betaln(a, b + x + occasions) - betaln(a, b) + gammaln(shape) - gammaln(r)
    value += r * np.log(alpha) - shape * np.log(alpha + age) + np.logaddexp(gone, here)
    return np.asarray(value + (regularity - 1) * log_gaps - x * gammaln(regularity))


def log_gone(
    r: Array,
    alpha: Array,
    a: Array,
    b: Array,
    x: Array,
    t_x: Array,
    age: Array,
    *,
    regularity: int = 1,
    occasions: int = 0,
) -> Array:
    """Return the logarithm of how likely a history is if the customer left at the last purchase.

    Parameters
    ----------
    r, alpha, a, b : array
        Parameters.
    x, t_x, age : array
        Repeat purchases, time of the last one, time of observation.
    regularity, occasions : int
        k and ζ.

    Returns
    -------
    array
        :math:`\\log G = \\log\\frac{a}{b + x + \\zeta - 1} + (r + k x) \\log\\frac{\\alpha + T}{\\alpha + t_x}`,
        relative to having stayed and being in the first stage; minus infinity without an occasion to leave.
    """
    had_occasion = x + occasions > 0
    stayed = np.where(had_occasion, b + x + occasions - 1, 1.0)
    value = np.log(a) - np.log(stayed) + (r + regularity * x) * np.log1p((age - t_x) / (alpha + t_x))
    return np.where(had_occasion, value, -np.inf)


def stage_weights(r: Array, alpha: Array, x: Array, t_x: Array, age: Array, *, regularity: int = 1) -> Array:
    """Return how likely a history is if the customer has stayed, by the stages passed since the last purchase.

    Parameters
    ----------
    r, alpha : array
        Parameters.
    x, t_x, age : array
        Repeat purchases, time of the last one, time of observation.
    regularity : int
        k.

    Returns
    -------
    array (k, ...)
        :math:`\\frac{(r + k x)_j}{j!} \\left(\\frac{T - t_x}{\\alpha + T}\\right)^j` for j = 0 … k - 1, with the rising
        factorial :math:`(\\cdot)_j`.
    """
    shape = r + regularity * x
    elapsed = (age - t_x) / (alpha + age)
    weights = [np.ones(np.broadcast_shapes(np.shape(shape), np.shape(elapsed)))]
    for passed in range(1, regularity):
        weights.append(weights[-1] * elapsed * (shape + passed - 1) / passed)
    return np.stack(weights)


def probability_alive(
    r: Array,
    alpha: Array,
    a: Array,
    b: Array,
    x: Array,
    t_x: Array,
    age: Array,
    *,
    regularity: int = 1,
    occasions: int = 0,
) -> Array:
    """Return the probability that customers have not left, given their histories.

    Parameters
    ----------
    r, alpha, a, b : array
        Parameters.
    x, t_x, age : array
        Repeat purchases, time of the last one, time of observation.
    regularity, occasions : int
        k and ζ.

    Returns
    -------
    array
        :math:`S / (G + S)`.
    """
    gone = log_gone(r, alpha, a, b, x, t_x, age, regularity=regularity, occasions=occasions)
    if regularity > 1:
        gone = gone - np.log(stage_weights(r, alpha, x, t_x, age, regularity=regularity).sum(axis=0))
    return np.asarray(expit(-gone))
