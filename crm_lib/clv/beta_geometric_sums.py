"""The beta-geometric family: the log-likelihood with its derivatives, and what customers will still buy, both fast.

Notation of the formulas: a customer with :math:`x` repeat purchases, the last at :math:`t_x`, was observed up to
:math:`T`. Purchase rates :math:`\\lambda` have a gamma distribution over customers with shape :math:`r` and rate
:math:`\\alpha`. After each purchase a customer leaves with probability :math:`p`, which has a beta distribution with
parameters :math:`a` and :math:`b`. :math:`\\zeta` is 1 if the first purchase of all counts among these occasions (MBG)
and 0 if not (BG). Then

.. math:: L = \\frac{B(a, b + x + \\zeta)}{B(a, b)}\\, \\frac{\\Gamma(r + x)}{\\Gamma(r)}\\,
    \\frac{\\alpha^r}{(\\alpha + T)^{r + x}}\\, (1 + G), \\qquad G = \\frac{a}{b + x + \\zeta - 1}
    \\left(\\frac{\\alpha + T}{\\alpha + t_x}\\right)^{r + x},

G being the odds that the customer left at the last purchase; 0 without an occasion to leave. Covariates z make
:math:`\\alpha_i = \\alpha e^{-\\gamma' z_i}`, so that the mean purchase rate is multiplied by :math:`e^{\\gamma' z_i}`,
and :math:`a_i = a e^{\\kappa' z_i}`, which multiplies the odds of the mean chance to leave. Terms that depend on few
different numbers are computed on these.

Given that a customer is still there, the chance of leaving is :math:`p \\sim` Beta(:math:`a, b + x + \\zeta`) and,
independently, the purchase rate :math:`\\lambda \\sim` Gamma(:math:`r + x, \\alpha + T`). Means over these are
quadratures, in which no value of the parameters is singular, and whose accuracy does not depend on the horizon.

References
----------
Fader, P. S., Hardie, B. G. S., Lee, K. L. (2005). Counting Your Customers the Easy Way. Marketing Science 24(2),
equations 6 and 10.
Batislam, E. P., Denizel, M., Filiztekin, A. (2007). Empirical Validation and Comparison of Models for Customer Base
Analysis. International Journal of Research in Marketing 24(3).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from scipy.special import psi, zeta

from crm_lib.clv.histories import Array, Codes, Distinct, Histories
from crm_lib.clv.special import Probabilities, beta_nodes, log_gamma_ratio, rate_nodes, rate_weights

_BLOCK = 2**15
"""Numbers held at once, few enough to stay in the processor's cache."""


class Design(NamedTuple):
    """Derivatives of the customers' log α or log a by the working parameters, for different rows."""

    alpha: Array
    a: Array


class Counts(NamedTuple):
    """What the likelihood needs to know of the customers, whatever the parameters.

    ``bought``, ``left`` and ``age`` are the different frequencies, numbers of occasions to leave and ages, with the
    numbers of customers ``of_…`` each, and ``until`` the purchases of an age; ``rows`` are those histories that had an
    occasion to leave.
    """

    histories: Histories
    occasions: int
    bought: Distinct
    left: Distinct
    age: Distinct
    of_bought: Array
    of_left: Array
    of_age: Array
    until: Array
    rows: Codes
    at_rows: Histories
    tries: Array
    design: Design
    at_design: Design


def count(histories: Histories, occasions: int, purchase: list[int], dropout: list[int]) -> Counts:
    """Return what the likelihood needs to know; the covariates of purchasing and dropout are given by their columns."""
    x, covariates = histories.frequency, histories.covariates
    rows = np.flatnonzero(x + occasions)
    some = histories.subset(rows)
    left = Distinct(x, np.arange(len(x))) if covariates.shape[1] else histories.by_frequency
    weights = histories.customers
    # Without covariates one column stands for all.
    all_alike = covariates if covariates.shape[1] else np.empty((1, 0))
    design = _design(all_alike, purchase, dropout)
    return Counts(
        histories=histories,
        occasions=occasions,
        bought=histories.by_frequency,
        left=Distinct(left.values + occasions, left.codes),
        age=histories.by_age,
        of_bought=histories.by_frequency.sums(weights),
        of_left=left.sums(weights),
        of_age=histories.by_age.sums(weights),
        until=histories.by_age.sums(weights * x),
        rows=rows,
        at_rows=some,
        tries=some.frequency + (occasions - 1),
        design=design,
        at_design=_design(some.covariates, purchase, dropout) if covariates.shape[1] else design,
    )


def _design(covariates: Array, purchase: list[int], dropout: list[int]) -> Design:
    """Return designs for log r, log α, log a, log b, coefficients of purchasing, coefficients of dropout."""
    of_alpha, of_a = np.zeros((2, 4 + len(purchase) + len(dropout), len(covariates)))
    of_alpha[1] = of_a[2] = 1.0
    of_alpha[4 : 4 + len(purchase)] = -covariates.T[purchase]
    of_a[4 + len(purchase) :] = covariates.T[dropout]
    return Design(of_alpha, of_a)


def derivatives(theta: Array, counts: Counts) -> tuple[float, Array, Array]:
    """Return log-likelihood, gradient and Hessian by the working parameters."""
    r, b = np.exp(theta[[0, 3]])
    gradient, hessian = np.zeros(len(theta)), np.zeros((len(theta), len(theta)))

    # The first of the factors: Γ(r + x) / Γ(r)
    x, of_x = counts.bought.values, counts.of_bought
    value = of_x @ log_gamma_ratio(r, x)
    by_r = r * float(of_x @ (psi(r + x) - psi(r)))
    by_rr = by_r - r**2 * float(of_x @ (zeta(2, r) - zeta(2, r + x)))

    # The second: α^r / (α + T)^(r + x)
    design, of_age, bought = counts.design.alpha, counts.of_age, counts.until
    log_alpha = theta @ design
    observed = np.exp(log_alpha) + counts.age.values
    part, log_part = np.exp(log_alpha) / observed, log_alpha - np.log(observed)
    shape = r * of_age + bought
    value += r * (of_age @ log_part) - bought @ np.log(observed)
    by_r += r * float(of_age @ log_part)
    by_rr += r * float(of_age @ log_part)
    gradient += _sum(design, r * of_age - shape * part)
    hessian -= _curve(design, shape * part * (1 - part))
    _cross(hessian, 0, _sum(design, r * of_age * (1 - part)))

    # The third: B(a, b + n) / B(a, b) for n occasions
    design, n, of_n = counts.design.a, counts.left.values, counts.of_left
    a = np.exp(theta @ design)
    value += of_n @ (log_gamma_ratio(b, n) - log_gamma_ratio(a + b, n))
    by_b, by_sum = psi(b + n) - psi(b), psi(a + b) - psi(a + b + n)
    by_bb, by_sums = zeta(2, b + n) - zeta(2, b), zeta(2, a + b) - zeta(2, a + b + n)
    gradient[3] += b * float(of_n @ (by_b + by_sum))
    gradient += _sum(design, of_n * a * by_sum)
    hessian[3, 3] += float(of_n @ (b * (by_b + by_sum) + b * b * (by_bb + by_sums)))
    hessian += _curve(design, of_n * (a * by_sum + a * a * by_sums))
    _cross(hessian, 3, _sum(design, of_n * a * b * by_sums))

    # The last: 1 + G, where the customer had an occasion to leave
    some, (of_alpha, of_a) = counts.at_rows, counts.at_design
    alpha = np.exp(theta @ of_alpha)
    begin, end = alpha + some.recency, alpha + some.age
    waited, tried, shape = np.log(end / begin), b + counts.tries, r + some.frequency
    # Minus log G: it has no lower bound, but an upper one, so that its exponential is finite.
    against = np.log(tried) - theta @ of_a - shape * waited
    odds = np.exp(against)
    value += some.customers @ (np.log1p(odds) - against)
    gone = some.customers / (1 + odds)
    first, last = alpha / begin, alpha / end
    by_alpha = shape * (last - first)
    slopes = by_alpha * of_alpha + of_a
    slopes[0] += r * waited
    slopes[3] -= b / tried
    gradient += slopes @ gone
    hessian += (slopes * (gone * odds / (1 + odds))) @ slopes.T
    hessian += _curve(of_alpha, gone * by_alpha * (1 - first - last))
    hessian[0, 0] += r * float(waited @ gone)
    hessian[3, 3] -= float((b / tried * (1 - b / tried)) @ gone)
    _cross(hessian, 0, _sum(of_alpha, gone * r * (last - first)))

    gradient[0] += by_r
    hessian[0, 0] += by_rr
    return float(value), gradient, hessian


def _sum(design: Array, values: Array) -> Array:
    """Return the sum over rows of values times the design, of which one column may stand for all."""
    return np.asarray(design @ values if design.shape[1] == len(values) else design[:, 0] * values.sum())


def _curve(design: Array, values: Array) -> Array:
    if design.shape[1] == len(values):
        return np.asarray((design * values) @ design.T)
    return np.asarray(np.outer(design[:, 0], design[:, 0]) * values.sum())


def _cross(hessian: Array, place: int, derivatives_: Array) -> None:
    hessian[place] += derivatives_
    hessian[:, place] += derivatives_


def log_likelihoods(r: Array, alpha: Array, a: Array, b: Array, counts: Counts) -> Array:
    """Return log-likelihoods (D,) for many parameters: r and b (D, 1), α and a (D, 1) or with covariates (D, H)."""
    age, left, of_age = counts.age, counts.left, counts.of_age
    some, widths = counts.at_rows, max(1, _BLOCK // max(1, len(counts.rows)))
    value = log_gamma_ratio(r, counts.bought.values) @ counts.of_bought
    observed, log_alpha = np.log(alpha + age.values), np.log(np.broadcast_to(alpha, (len(r), len(age.values))))
    value += (r * (log_alpha - observed)) @ of_age - observed @ counts.until
    value += (log_gamma_ratio(b, left.values) - log_gamma_ratio(a + b, left.values)) @ counts.of_left
    own = alpha.shape[1] > 1
    for top in range(0, len(r), widths):
        part = slice(top, top + widths)
        rate, leaving = (each[part][:, counts.rows] if each.shape[1] > 1 else each[part] for each in (alpha, a))
        recent = np.log(rate + some.recency) if own else some.by_recency.expand(np.log(rate + some.by_recency.values))
        waited = observed[part].take(age.codes[counts.rows], axis=1) - recent
        tried = np.log(b[part] + np.maximum(left.values - 1, 0)).take(left.codes[counts.rows], axis=1)
        against = tried - np.log(leaving) - (r[part] + some.frequency) * waited
        value[part] += (np.log1p(np.exp(against)) - against) @ some.customers
    return np.asarray(value)


_CELLS = 2**10
"""Cells computed at once; each takes about a hundred nodes."""
_NUMBERS = 2**18
"""Numbers held at once where chances and rates are crossed."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Cells:
    """Customers who have not left, told apart as far as their future differs.

    Families (F,) with the same number of purchases have the parameters ``shape`` r + x, ``a`` and ``b`` b + x + ζ. A
    cell (M,) has a ``family``, in ascending order, every family having one, and its ``rate`` α + T.
    """

    shape: Array
    a: Array
    b: Array
    family: Codes
    rate: Array

    def purchases(self, horizon: float) -> Array:
        """Return mean numbers of purchases (M,) in the time to come."""
        length = horizon / self.rate
        found = np.empty(len(self.rate))
        for cells, families, own in self._blocks():
            shape, longest = self.shape[families], np.zeros(families.stop - families.start)
            np.maximum.at(longest, own, length[cells])
            nodes = beta_nodes(self.a[families], self.b[families], (shape + 1) * longest)
            found[cells] = purchases(Probabilities(*(each[own] for each in nodes)), shape[own], length[cells])
        return found

    def lasting_value(self, discount: float) -> Array:
        """Return mean discounted numbers (M,) of all purchases to come, at a continuous rate.

        Purchases of a customer with rate λ and chance p are worth :math:`\\lambda / (\\delta + p \\lambda)`.
        """
        found = np.empty(len(self.rate))
        for cells, families, own in self._blocks():
            shape, rate = self.shape[families], self.rate[cells]
            slowest, fastest = np.full(len(shape), np.inf), np.zeros(len(shape))
            np.minimum.at(slowest, own, rate)
            np.maximum.at(fastest, own, rate)
            # From a rate on, that of leaving is what counts: 1 / (δ / λ + p) is as steep as the least p makes it.
            nodes = beta_nodes(self.a[families], self.b[families], (shape + 1) / (discount * slowest))
            log_rates = rate_nodes(shape, slowest, fastest, discount)
            worth = np.empty_like(log_rates)
            size = max(1, _NUMBERS // (log_rates.shape[1] * nodes.p.shape[1]))
            for begin in range(0, len(shape), size):
                some = slice(begin, begin + size)
                series = nodes.p[some, None, :] + np.exp(np.log(discount) - log_rates[some])[..., None]
                worth[some] = np.einsum("...mn,...n->...m", np.reciprocal(series, out=series), nodes.weight[some])
            weights = rate_weights(log_rates[own], shape[own], rate)
            found[cells] = np.einsum("mn,mn->m", weights, worth[own])
        return found

    def _blocks(self) -> Iterator[tuple[slice, slice, Codes]]:
        """Yield cells, the families that they belong to, and the number of each cell's family among these."""
        for begin in range(0, len(self.rate), _CELLS):
            own = self.family[begin : begin + _CELLS]
            yield slice(begin, begin + len(own)), slice(int(own[0]), int(own[-1]) + 1), own - own[0]


def purchases(nodes: Probabilities, shape: Array, length: Array) -> Array:
    """Return the mean number of purchases in the time to come of customers who have not left.

    With n the shape and h / (α + T) the relative length it is :math:`E[(1 - (1 + p h / (\\alpha + T))^{-n}) / p]`,
    which is equation 10 of Fader, Hardie and Lee (2005) before they integrate. The nodes allow for the slope
    n h / (α + T) or more; the relative error is below 1e-9.
    """
    missed = np.expm1(-shape[..., None] * np.log1p(nodes.p * length[..., None]))
    missed /= nodes.p
    return np.asarray(-np.einsum("...n,...n->...", nodes.weight, missed))
