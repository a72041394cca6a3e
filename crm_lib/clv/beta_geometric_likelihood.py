"""The log-likelihood of the beta-geometric family, summed over customers, with its derivatives, and fast.

Frequencies are whole numbers, so that ratios of gamma functions are products of a few factors, the same for many
customers: :math:`\\Gamma(r + x) / \\Gamma(r) = r (r + 1) \\cdots (r + x - 1)`. Counting once how many customers have
each factor leaves sums over a few dozen logarithms; they are also exact where differences of gamma functions are not.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.special import gammaln

from crm_lib.clv.histories import Array, Codes, Histories
from crm_lib.errors import MissingData

NEVER = 600.0
"""Minus the logarithm of a probability that is as good as 0 and whose inverse is still a number."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Counts:
    """What the likelihood needs to know of the customers, whatever the parameters.

    Parameters
    ----------
    histories : Histories
        The customers.
    rows : array of int (H,) or slice
        Those histories in which it matters whether the customer left.
    regularity, occasions : int
        k and ζ, see :mod:`crm_lib.clv.beta_geometric`.
    of_stage, of_occasion : array
        Numbers of customers who completed more than i stages, or had more than i occasions to leave, for i = 0, 1, …
    of_age, stages_of_age : array
        Customers of each different age, and the stages that they completed.
    frequency, completed, recency, age, customers : array (H,)
        Of the `rows`: purchases, stages completed k x, times, numbers of customers.
    tries : array (H,)
        x + ζ - 1, how often the customer is known to have stayed before the last occasion.
    never : array of bool (H,)
        Whether the customer had no occasion to leave.
    constant : float
        What does not depend on the parameters.
    """

    histories: Histories
    rows: Codes | slice
    regularity: int
    occasions: int
    of_stage: Array
    of_occasion: Array
    of_age: Array
    stages_of_age: Array
    frequency: Array
    completed: Array
    recency: Array
    age: Array
    customers: Array
    tries: Array
    never: npt.NDArray[np.bool_]
    constant: float

    @property
    def total(self) -> float:
        """Number of customers."""
        return self.histories.total


def count(histories: Histories, *, regularity: int, occasions: int) -> Counts:
    """Return what the likelihood needs to know of the customers.

    Parameters
    ----------
    histories : Histories
        The customers.
    regularity, occasions : int
        k and ζ, see :mod:`crm_lib.clv.beta_geometric`.

    Returns
    -------
    Counts
        Counted once, used for all parameters.

    Raises
    ------
    MissingData
        If regular buyers (k > 1) come without their times between purchases.
    """
    if regularity > 1 and histories.log_gaps is None:
        raise MissingData("customer summary", ("log_gaps",))
    x, weights, ages = histories.frequency, histories.customers, histories.by_age
    above = _more_than(x, weights)
    rows: Codes | slice = slice(None) if occasions or regularity > 1 else np.flatnonzero(x)
    purchases = float(weights @ x)
    constant = (regularity - 1) * (histories.log_gaps or 0.0) - float(gammaln(regularity)) * purchases
    return Counts(
        histories=histories,
        rows=rows,
        regularity=regularity,
        occasions=occasions,
        of_stage=np.repeat(above, regularity),
        of_occasion=np.concatenate([[histories.total], above]) if occasions else above,
        of_age=np.bincount(ages.codes, weights=weights).astype(float),
        stages_of_age=np.bincount(ages.codes, weights=regularity * weights * x).astype(float),
        frequency=x[rows],
        completed=x[rows] * regularity,
        recency=histories.recency[rows],
        age=histories.age[rows],
        customers=weights[rows],
        tries=np.maximum(x[rows] + (occasions - 1), 0),
        never=x[rows] + occasions == 0,
        constant=constant,
    )


def _more_than(x: Array, weights: Array) -> Array:
    """Return the numbers of customers with more than i purchases, i = 0, 1, …"""
    with_exactly = np.bincount(x.astype(np.intp), weights=weights)
    return np.asarray(with_exactly[:0:-1].cumsum()[::-1])


class Ending(NamedTuple):
    """How the histories ended: the customer left at the last purchase (G), or stayed (S).

    Parameters
    ----------
    value : array (H,)
        :math:`\\log(G + S)`.
    gone : array (H,)
        Probability of having left.
    gone_slopes, stayed_slopes : array (4, H)
        Derivatives of :math:`\\log G` and :math:`\\log S` by log r, log α, log a, log b. Without regularity S is 1.
    gone_curves : array (4, H)
        Second derivatives of :math:`\\log G` by (r, r), (r, α), (α, α), (b, b), on the same scale; all others are 0.
    """

    value: Array
    gone: Array
    gone_slopes: Array
    stayed_slopes: Array | None
    gone_curves: Array


def ending(r: float, alpha: Array | float, a: Array | float, b: float, counts: Counts) -> Ending:
    """Return the part of the likelihood that tells whether customers left.

    Parameters
    ----------
    r, alpha, a, b : float or array (H,)
        Parameters.
    counts : Counts
        The customers.

    Returns
    -------
    Ending
        Logarithm and derivatives for each of the ``counts.rows``.
    """
    begin, end = alpha + counts.recency, alpha + counts.age
    waited = np.log(end / begin)
    shape = r + counts.completed
    tried = b + counts.tries
    # Minus log G: it has no lower bound, but an upper one, so that its exponential is finite.
    against = np.log(tried / a)
    against -= shape * waited
    slopes, curves = np.empty((2, 4, len(tried)))
    np.multiply(r, waited, out=slopes[0])
    first, last = alpha / begin, alpha / end
    change = last - first
    np.multiply(shape, change, out=slopes[1])
    slopes[2] = 1.0
    np.divide(-b, tried, out=slopes[3])
    curves[0] = slopes[0]
    np.multiply(r, change, out=curves[1])
    np.multiply(slopes[1], 1 - first - last, out=curves[2])
    np.multiply(slopes[3], 1 + slopes[3], out=curves[3])
    if counts.regularity == 1:
        odds, stayed_slopes = np.exp(against), None
    else:
        against[counts.never] = NEVER
        here, by_shape, by_elapsed = _stages(shape, (counts.age - counts.recency) / end, counts.regularity)
        odds = here * np.exp(against)
        stayed_slopes = np.zeros_like(slopes)
        stayed_slopes[0] = r * by_shape / here
        stayed_slopes[1] = by_elapsed * last * (begin / end - 1) / here
    return Ending(np.log1p(odds) - against, 1 / (1 + odds), slopes, stayed_slopes, curves)


def _stages(shape: Array, elapsed: Array, regularity: int) -> tuple[Array, Array, Array]:
    """Return the sum of :func:`crm_lib.clv.beta_geometric.stage_weights` and its derivatives, by Horner's scheme."""
    here, by_shape, by_elapsed = np.ones_like(shape), np.zeros_like(shape), np.zeros_like(shape)
    for passed in range(regularity - 1, 0, -1):
        rising = (shape + (passed - 1)) / passed
        by_shape = elapsed * (here / passed + rising * by_shape)
        by_elapsed = rising * (here + elapsed * by_elapsed)
        here = 1 + rising * elapsed * here
    return here, by_shape, by_elapsed


def derivatives(theta: Array, counts: Counts) -> tuple[float, Array, Array]:
    """Return log-likelihood, gradient and Hessian, for k = 1 and without covariates.

    Parameters
    ----------
    theta : array (4,)
        Logarithms of r, α, a, b.
    counts : Counts
        The customers.

    Returns
    -------
    value, gradient (4,), Hessian (4, 4)
        By the logarithms of the parameters.
    """
    r, alpha, a, b = np.exp(theta)
    gradient, hessian = np.zeros(4), np.zeros((4, 4))
    bought, gradient[0], hessian[0, 0] = buying(r, counts)
    stayed, gradient[2:], hessian[2:, 2:] = staying(a, b, counts)
    end = ending(r, alpha, a, b, counts)
    left = counts.customers * end.gone
    gradient += end.gone_slopes @ left
    hessian += (end.gone_slopes * (left * (1 - end.gone))) @ end.gone_slopes.T
    by_rr, by_ra, by_aa, by_bb = end.gone_curves @ left
    observed = alpha + counts.histories.by_age.values
    log_observed, part = np.log(observed), alpha / observed
    of_age = r * counts.of_age + counts.stages_of_age
    value = counts.constant + bought + stayed + counts.customers @ end.value
    value += counts.total * r * theta[1] - of_age @ log_observed
    slope = r * (counts.total * theta[1] - counts.of_age @ log_observed)
    gradient[0] += slope
    gradient[1] += counts.total * r - of_age @ part
    by_ra += r * (counts.total - counts.of_age @ part)
    hessian[0, 0] += by_rr + slope
    hessian[0, 1] += by_ra
    hessian[1, 0] += by_ra
    hessian[1, 1] += by_aa - of_age @ (part - part * part)
    hessian[3, 3] += by_bb
    return float(value), gradient, hessian


def buying(r: float, counts: Counts) -> tuple[float, float, float]:
    """Return the sum of :math:`\\log \\Gamma(r + k x) / \\Gamma(r)` and its derivatives by log r.

    Parameters
    ----------
    r : float
        Shape of the distribution of rates.
    counts : Counts
        The customers.

    Returns
    -------
    float, float, float
        Value, first and second derivative.
    """
    factor = r + np.arange(len(counts.of_stage))
    part = r / factor
    of_stage = counts.of_stage
    return float(of_stage @ np.log(factor)), float(of_stage @ part), float(of_stage @ (part - part * part))


def staying(a: float, b: float, counts: Counts) -> tuple[float, Array, Array]:
    """Return the sum of :math:`\\log B(a, b + x + \\zeta) / B(a, b)` and its derivatives by log a and log b.

    Parameters
    ----------
    a, b : float
        Parameters of the distribution of the chance to leave.
    counts : Counts
        The customers.

    Returns
    -------
    float, array (2,), array (2, 2)
        Value, gradient and Hessian.
    """
    stayed = b + np.arange(len(counts.of_occasion))
    either = a + stayed
    of_a, of_b, of_stayed = a / either, b / either, b / stayed
    by_a = -(counts.of_occasion @ of_a)
    by_b = counts.of_occasion @ (of_stayed - of_b)
    by_aa = by_a + counts.of_occasion @ (of_a * of_a)
    by_ab = counts.of_occasion @ (of_a * of_b)
    by_bb = by_b + counts.of_occasion @ (of_b * of_b - of_stayed * of_stayed)
    value = float(counts.of_occasion @ np.log(stayed / either))
    return value, np.array([by_a, by_b]), np.array([[by_aa, by_ab], [by_ab, by_bb]])
