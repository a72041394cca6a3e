"""Likelihood of the BG/BB model: sums over the opportunity after which a customer may have left."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from crm_lib.clv.histories import Array, Codes, Histories


@dataclass(frozen=True, kw_only=True)
class Opportunities:
    """Histories as whole numbers, arranged for sums over opportunities.

    Parameters
    ----------
    x, last, n : array of int (H,)
        Frequency, recency and age.
    pair : array of int (H,)
        Which of the pairs of frequency and age a history has; what follows the last purchase depends on them alone.
    pair_x, pair_n : array of int (Q,)
        The pairs.
    """

    x: Codes
    last: Codes
    n: Codes
    pair: Codes
    pair_x: Codes
    pair_n: Codes

    @classmethod
    def of(cls, histories: Histories) -> Opportunities:
        """Return the histories arranged.

        Parameters
        ----------
        histories : Histories
            Whole numbers, as :func:`crm_lib.clv.histories.read_histories` checks with ``discrete=True``.
        """
        x, last, n = (column.astype(np.intp) for column in (histories.frequency, histories.recency, histories.age))
        base = int(n.max()) + 1
        pairs, pair = np.unique(x * base + n, return_inverse=True)
        return cls(x=x, last=last, n=n, pair=pair, pair_x=pairs // base, pair_n=pairs % base)

    @property
    def longest(self) -> int:
        """The largest number of opportunities."""
        return int(self.n.max())


@dataclass(frozen=True, kw_only=True)
class Likelihoods:
    """Log-likelihoods of histories, and the part in which the customer is still there.

    Parameters
    ----------
    total : array (D, H)
        Log-likelihood.
    stayed : array (D, H)
        Logarithm of the part of the likelihood in which the customer has not left by the last opportunity.
    gradient : array (4, D, H)
        Derivatives of ``total`` by alpha, beta, gamma and delta; empty if not asked for.
    """

    total: Array
    stayed: Array
    gradient: Array


def likelihoods(parameters: Sequence[Array], some: Opportunities, *, gradient: bool = False) -> Likelihoods:
    """Return log-likelihoods of histories, with their derivatives if asked for.

    Parameters
    ----------
    parameters : four arrays (D, 1)
        alpha, beta, gamma and delta: buying and leaving probabilities are Beta(alpha, beta) and Beta(gamma, delta).
    some : Opportunities
        The histories.
    gradient : bool
        Whether to compute the derivatives.

    Returns
    -------
    Likelihoods
        Arrays (D, H).

    Notes
    -----
    All beta functions occur as ratios to those of the prior at whole-number distances: products, whose logarithms are
    tabulated as cumulative sums, so that nothing cancels. The terms of equation 7 of Fader, Hardie & Shang, customers
    who left just after opportunity j, have the ratio :math:`\\frac{\\beta + j - x}{\\alpha + \\beta + j} \\cdot
    \\frac{\\delta + j}{\\gamma + \\delta + j + 1}` and are summed by Horner's rule from the last one backwards.
    """
    alpha, beta, gamma, delta = parameters
    x, last, n = some.x, some.last, some.n
    size = some.longest + 1
    both, stay = alpha + beta, gamma + delta
    bought, passed, met = (_log_products(start, size) for start in (alpha, beta, both))
    kept, risked = _log_products(delta, size), _log_products(stay, size)
    stayed = bought[:, x] + passed[:, n - x] - met[:, n] + kept[:, n] - risked[:, n]
    first = bought[:, x] + passed[:, last - x] - met[:, last] + kept[:, last] - risked[:, last + 1] + np.log(gamma)
    following, slopes = _sums(parameters, some, gradient)
    with np.errstate(divide="ignore"):
        left = first + np.log(following)
    total = np.logaddexp(stayed, left)
    if not gradient:
        return Likelihoods(total=total, stayed=stayed, gradient=np.empty((4, 0, 0)))
    d_bought, d_passed, d_met = (_reciprocals(start, size) for start in (alpha, beta, both))
    d_kept, d_risked = _reciprocals(delta, size), _reciprocals(stay, size)
    met_n, risked_n = d_met[:, n], d_risked[:, n]
    if_stayed = np.array([d_bought[:, x] - met_n, d_passed[:, n - x] - met_n, -risked_n, d_kept[:, n] - risked_n])
    met_last, risked_last = d_met[:, last], d_risked[:, last + 1]
    if_left = np.array(
        [
            d_bought[:, x] - met_last,
            d_passed[:, last - x] - met_last,
            1 / gamma - risked_last,
            d_kept[:, last] - risked_last,
        ]
    )
    if_left += slopes / np.maximum(following, 1.0)
    weight = np.exp(left - total)
    return Likelihoods(total=total, stayed=stayed, gradient=if_stayed + weight * (if_left - if_stayed))


def _sums(parameters: Sequence[Array], some: Opportunities, gradient: bool) -> tuple[Array, Array]:
    """Return, for each history, the terms of customers who left, added up in units of the first of them.

    The second array holds the derivatives by the four parameters, empty if not asked for.
    """
    alpha, beta, gamma, delta = parameters
    draws, width = len(alpha), 4 if gradient else 0
    sums, slopes = np.zeros((draws, len(some.pair_x))), np.zeros((width, draws, len(some.pair_x)))
    result, result_slopes = np.zeros((draws, len(some.x))), np.zeros((width, draws, len(some.x)))
    by_last = np.argsort(some.last, kind="stable")
    ends = np.searchsorted(some.last[by_last], np.arange(some.longest + 1))
    for j in range(some.longest - 1, -1, -1):
        open_ = j < some.pair_n
        # Before the x-th opportunity nobody can have bought x times; what is computed there is never looked up.
        rest = beta + np.maximum(j - some.pair_x, 0)
        ratio = np.where(open_, rest / (alpha + beta + j) * ((delta + j) / (gamma + delta + j + 1)), 0.0)
        if gradient:
            out, risk = -1 / (alpha + beta + j), -1 / (gamma + delta + j + 1)
            for slope, log in zip(slopes, (out, 1 / rest + out, risk, 1 / (delta + j) + risk), strict=True):
                slope += log * sums
            slopes *= ratio
        sums = open_ + ratio * sums
        here = by_last[ends[j] : ends[j + 1]]
        result[:, here] = sums[:, some.pair[here]]
        result_slopes[:, :, here] = slopes[:, :, some.pair[here]]
    return result, result_slopes


def _log_products(start: Array, size: int) -> Array:
    """Return log Γ(start + k) / Γ(start) for k = 0 … size, shape (D, size + 1)."""
    table = np.zeros((len(start), size + 1))
    np.cumsum(np.log(start + np.arange(size)), axis=1, out=table[:, 1:])
    return table


def _reciprocals(start: Array, size: int) -> Array:
    """Return the derivatives of :func:`_log_products` by `start`."""
    table = np.zeros((len(start), size + 1))
    np.cumsum(1 / (start + np.arange(size)), axis=1, out=table[:, 1:])
    return table
