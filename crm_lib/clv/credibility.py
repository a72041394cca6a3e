"""Ratios of each customer, such as the margin rate, drawn towards that of all as far as their own data are few."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from crm_lib.clv.bootstrap import bootstrapped_means
from crm_lib.clv.histories import Array, Codes


@dataclass(frozen=True, kw_only=True, eq=False)
class Sums:
    """What a ratio of each customer is estimated from: sums over the customer's days (or other events).

    Parameters
    ----------
    part, whole : array (N,)
        Numerator and denominator: sums of y and g.
    part2, cross, whole2 : array (N,)
        Sums of y², y g and g².
    """

    part: Array
    whole: Array
    part2: Array
    cross: Array
    whole2: Array


@dataclass(frozen=True, kw_only=True, eq=False)
class CredibleRatio:
    """A ratio of each customer: ``mean + credibility × (own - mean)``.

    Parameters
    ----------
    mean : float
        The ratio of all customers.
    drawn_means : array (D,)
        Draws of it by the Bayesian bootstrap over customers.
    own : array (N,)
        The ratio of each customer's own sums; 0 where the denominator is.
    credibility : array (N,)
        How far each customer's own ratio is believed, 0 to 1.
    """

    mean: float
    drawn_means: Array
    own: Array
    credibility: Array

    @property
    def expected(self) -> Array:
        """Expected ratio of each customer (N,)."""
        return self.mean + self.credibility * (self.own - self.mean)

    def drawn(self, rows: Codes | slice) -> Array:
        """Return draws of the expected ratio of some customers.

        Parameters
        ----------
        rows : array of int or slice
            The customers.

        Returns
        -------
        array (D, n)
            One row a draw of the mean.
        """
        weight = self.credibility[rows]
        return self.drawn_means[:, None] * (1 - weight) + weight * self.own[rows]

    def first(self, count: int) -> CredibleRatio:
        """Return the same with the first draws only.

        Parameters
        ----------
        count : int
            How many.
        """
        return dataclasses.replace(self, drawn_means=self.drawn_means[:count])


def credible_ratio(sums: Sums, *, draws: int, seed: int) -> CredibleRatio:
    """Estimate a ratio of each customer by Bühlmann-Straub credibility.

    Parameters
    ----------
    sums : Sums
        Sums of each customer.
    draws : int
        Number of draws of the mean of all.
    seed : int
        Seed of the draws.

    Returns
    -------
    CredibleRatio
        The ratio of all and of each.

    Notes
    -----
    The ratio :math:`X_i = \\sum_j y_{ij} / G_i`, :math:`G_i = \\sum_j g_{ij}`, of a customer scatters about the
    customer's true one with variance :math:`\\varphi / G_i`. The factor is pooled over customers from the residuals
    :math:`y_{ij} - X_i g_{ij}`, whose squares add up to :math:`\\varphi (G_i - \\sum_j g_{ij}^2 / G_i)` on average.
    True ratios differ with variance :math:`\\tau^2`, found by moments. The credibility is
    :math:`\\tau^2 / (\\tau^2 + \\varphi / G_i)`.

    References
    ----------
    Bühlmann, H., Gisler, A. (2005). A Course in Credibility Theory and its Applications, chapter 4. Springer.
    """
    known = sums.whole > 0
    whole = np.where(known, sums.whole, 1.0)
    own = np.where(known, sums.part / whole, 0.0)
    scatter = 1 / whole
    within = _within(sums, own, known)
    between = _between(own[known], scatter[known], within)
    variance = between + within * scatter
    exact = between + within == 0
    weights = np.where(known, 1.0 if exact else 1 / np.where(variance > 0, variance, 1.0), 0.0)
    means = bootstrapped_means(np.column_stack([weights * own, weights]), draws=draws, seed=seed)
    total = float(weights.sum())
    return CredibleRatio(
        mean=float(weights @ own) / total if total > 0 else 0.0,
        drawn_means=means[:, 0] / means[:, 1] if total > 0 else np.zeros(draws),
        own=own,
        credibility=np.where(known & (variance > 0), between / np.where(variance > 0, variance, 1.0), 0.0),
    )


def _within(sums: Sums, own: Array, known: npt.NDArray[np.bool_]) -> float:
    whole = np.where(known, sums.whole, 1.0)
    residual = np.where(known, sums.part2 - 2 * own * sums.cross + own**2 * sums.whole2, 0.0)
    # Less than G, as the customer's own ratio was taken from the same days.
    expected = np.where(known, whole - sums.whole2 / whole, 0.0)
    total = float(expected.sum())
    return max(float(residual.sum()) / total, 0.0) if total > 1e-9 * float(whole.sum()) else 0.0


def _between(own: Array, scatter: Array, within: float) -> float:
    if len(own) < 2:
        return 0.0
    weights = 1 / scatter
    total = weights.sum()
    mean = weights @ own / total
    excess = weights @ (own - mean) ** 2 - within * (len(own) - 1)
    return max(float(excess / (total - weights @ weights / total)), 0.0)
