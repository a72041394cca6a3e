"""Ratios of each customer, such as the margin rate, drawn towards that of all as far as their own data are few."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from crm_lib.clv.histories import Array, Codes

_BLOCK = 2**22
_MANY = 1_000_000
"""Customers from which on means are drawn as what they then are: normal."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Sums:
    """Sums of y and g, y², y g and g² over each customer's days (or other events); the ratio is Σ y / Σ g."""

    part: Array
    whole: Array
    part2: Array
    cross: Array
    whole2: Array


@dataclass(frozen=True, kw_only=True, eq=False)
class CredibleRatio:
    """A ratio of each customer: ``mean + credibility × (own - mean)``, with draws of the mean."""

    mean: float
    drawn_means: Array
    own: Array
    credibility: Array

    @classmethod
    def nothing(cls, customers: int, draws: int) -> CredibleRatio:
        """Return a ratio that is 0 for everybody."""
        zeros = np.zeros(customers)
        return cls(mean=0.0, drawn_means=np.zeros(draws), own=zeros, credibility=zeros)

    @property
    def expected(self) -> Array:
        """Expected ratio of each customer (N,)."""
        return self.mean + self.credibility * (self.own - self.mean)

    def drawn(self, rows: Codes, means: Array) -> Array:
        """Return the expected ratio of some customers for each of several means (D, n)."""
        weight = self.credibility[rows]
        return means[:, None] * (1 - weight) + weight * self.own[rows]


def bootstrapped_means(columns: Array, *, draws: int, seed: int) -> Array:
    """Return draws (D, K) of the means of K columns by the Bayesian bootstrap (Rubin 1981) over customers (N, K)."""
    rng = np.random.default_rng([seed, 2])
    if len(columns) > _MANY:
        covariance = np.atleast_2d(np.cov(columns, rowvar=False, bias=True)) / (len(columns) + 1)
        return rng.multivariate_normal(columns.mean(axis=0), covariance, draws)
    size = max(1, _BLOCK // max(len(columns), 1))
    parts = []
    for begin in range(0, draws, size):
        weights = rng.standard_exponential((min(size, draws - begin), len(columns)), dtype=np.float32).astype(float)
        parts.append(weights @ columns / weights.sum(axis=1, keepdims=True))
    return np.concatenate(parts)


def credible_ratio(sums: Sums, *, draws: int, seed: int) -> CredibleRatio:
    """Estimate a ratio of each customer by Bühlmann-Straub credibility.

    The ratio X_i = Σ_j y_ij / G_i, G_i = Σ_j g_ij, scatters about the customer's true one with variance φ / G_i. The
    factor is pooled from the residuals y_ij - X_i g_ij, whose squares add up to φ (G_i - Σ_j g_ij² / G_i) on average.
    True ratios differ with variance τ², found by moments; the credibility is τ² / (τ² + φ / G_i). (Bühlmann & Gisler
    2005, A Course in Credibility Theory and its Applications, chapter 4.)
    """
    known = sums.whole > 0
    whole = np.where(known, sums.whole, 1.0)
    own = np.where(known, sums.part / whole, 0.0)
    within = _within(sums, own, known)
    between = _between(own[known], 1 / whole[known], within)
    variance = between + within / whole
    safe = np.where(variance > 0, variance, 1.0)
    weights = np.where(known, 1.0 if between + within == 0 else 1 / safe, 0.0)
    total = float(weights.sum())
    means = bootstrapped_means(np.column_stack([weights * own, weights]), draws=draws, seed=seed)
    return CredibleRatio(
        mean=float(weights @ own) / total if total > 0 else 0.0,
        drawn_means=means[:, 0] / means[:, 1] if total > 0 else np.zeros(draws),
        own=own,
        credibility=np.where(known & (variance > 0), between / safe, 0.0),
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
    excess = weights @ (own - weights @ own / total) ** 2 - within * (len(own) - 1)
    return max(float(excess / (total - weights @ weights / total)), 0.0)
