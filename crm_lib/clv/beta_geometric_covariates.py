"""The log-likelihood of the beta-geometric family, and its derivatives, where customers differ in covariates.

Customer i has :math:`\\alpha_i = \\alpha e^{-\\gamma' z_i}`, so that the mean purchase rate is multiplied by
:math:`e^{\\gamma' z_i}`, and :math:`a_i = a e^{\\kappa' z_i}`, which multiplies the odds of the mean chance to leave.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.special import gammaln, psi, zeta

from crm_lib.clv.beta_geometric_likelihood import Counts, buying, ending, staying
from crm_lib.clv.histories import Array
from crm_lib.clv.maximum import numerical_hessian


class Designs(NamedTuple):
    """How a customer's own parameters depend on the working parameters, linearly.

    Parameters
    ----------
    purchase, dropout : array (P, H)
        Derivatives of log α and log a of each history by the working parameters.
    """

    purchase: Array
    dropout: Array


def designs(purchase: Array, dropout: Array) -> Designs:
    """Return how log α and log a depend on r, α, a, b and the coefficients.

    Parameters
    ----------
    purchase, dropout : array (H, C)
        Covariates of purchasing and of dropout.

    Returns
    -------
    Designs
        For working parameters log r, log α, log a, log b, coefficients of purchasing, coefficients of dropout.
    """
    (rows, buying_), leaving = purchase.shape, dropout.shape[1]
    of_alpha, of_a = np.zeros((2, 4 + buying_ + leaving, rows))
    of_alpha[1] = of_a[2] = 1.0
    of_alpha[4 : 4 + buying_] = -purchase.T
    of_a[4 + buying_ :] = dropout.T
    return Designs(of_alpha, of_a)


def derivatives(theta: Array, counts: Counts, design: Designs) -> tuple[float, Array, Array]:
    """Return log-likelihood, gradient and Hessian.

    Parameters
    ----------
    theta : array (P,)
        Working parameters.
    counts : Counts
        The customers.
    design : Designs
        Their covariates; none for four parameters.

    Returns
    -------
    value, gradient (P,), Hessian (P, P)
        By the working parameters. For k > 1 the Hessian consists of differences of the gradient.
    """
    value, gradient, hessian = _analytic(theta, counts, design)
    if counts.regularity > 1:
        hessian = numerical_hessian(lambda near: _analytic(near, counts, design)[1], theta)
    return value, gradient, hessian


def _analytic(theta: Array, counts: Counts, design: Designs) -> tuple[float, Array, Array]:
    """Return value, gradient, and the Hessian that is right without regularity."""
    histories, weights = counts.histories, counts.histories.customers
    r, b = np.exp(theta[[0, 3]])
    log_alpha, log_a = theta @ design.purchase, theta @ design.dropout
    alpha, a = np.exp(log_alpha), np.exp(log_a)
    gradient, hessian = np.zeros(len(theta)), np.zeros((len(theta), len(theta)))

    value, gradient[0], hessian[0, 0] = buying(r, counts)
    observed = alpha + histories.age
    log_observed, part = np.log(observed), alpha / observed
    shape = r + counts.regularity * histories.frequency
    value += counts.constant + weights @ (r * log_alpha - shape * log_observed)
    by_r = r * float(weights @ (log_alpha - log_observed))
    gradient[0] += by_r
    gradient += design.purchase @ (weights * (r - shape * part))
    hessian[0, 0] += by_r
    _add_cross(hessian, 0, design.purchase @ (weights * r * (1 - part)))
    hessian -= _weighted(design.purchase, weights * shape * part * (1 - part))

    if len(theta) == 4:
        stayed, gradient_stayed, hessian_stayed = staying(a[0], b, counts)
        gradient[2:] += gradient_stayed
        hessian[2:, 2:] += hessian_stayed
    else:
        stayed = _staying(a, b, counts, design.dropout, gradient, hessian)
    value += stayed

    rows, customers = counts.rows, counts.customers
    end = ending(r, alpha[rows], a[rows], b, counts)
    value += customers @ end.value
    of_alpha, of_a = design.purchase[:, rows], design.dropout[:, rows]
    left = customers * end.gone
    by_r, by_alpha, _, by_b = end.gone_slopes
    slopes = by_alpha * of_alpha + of_a
    slopes[0] += by_r
    slopes[3] += by_b
    gradient += slopes @ left
    if end.stayed_slopes is not None:
        here = customers * (1 - end.gone)
        gradient[0] += end.stayed_slopes[0] @ here
        gradient += of_alpha @ (end.stayed_slopes[1] * here)
    by_rr, by_ra, by_aa, by_bb = end.gone_curves
    hessian += _weighted(slopes, left * (1 - end.gone)) + _weighted(of_alpha, left * by_aa)
    hessian[0, 0] += by_rr @ left
    hessian[3, 3] += by_bb @ left
    _add_cross(hessian, 0, of_alpha @ (left * by_ra))
    return float(value), gradient, hessian


def _staying(a: Array, b: float, counts: Counts, design: Array, gradient: Array, hessian: Array) -> float:
    """Add what :func:`staying` says to the derivatives, for customers who differ in a; return the value."""
    weights = counts.histories.customers
    times = counts.histories.frequency + counts.occasions
    most = b + np.arange(len(counts.of_occasion))
    raw = b / most
    value = counts.of_occasion @ np.log(most) + weights @ (gammaln(a + b) - gammaln(a + b + times))
    by_sum = psi(a + b) - psi(a + b + times)
    by_sums = zeta(2, a + b) - zeta(2, a + b + times)
    gradient[3] += counts.of_occasion @ raw + b * float(weights @ by_sum)
    gradient += design @ (weights * a * by_sum)
    hessian[3, 3] += counts.of_occasion @ (raw - raw * raw) + float(weights @ (b * by_sum + b * b * by_sums))
    hessian += _weighted(design, weights * (a * by_sum + a * a * by_sums))
    _add_cross(hessian, 3, design @ (weights * a * b * by_sums))
    return float(value)


def _weighted(design: Array, weights: Array) -> Array:
    return np.asarray((design * weights) @ design.T)


def _add_cross(hessian: Array, place: int, derivatives_: Array) -> None:
    hessian[place] += derivatives_
    hessian[:, place] += derivatives_
