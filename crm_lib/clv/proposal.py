"""What importance sampling draws from: mixtures of multivariate t distributions that differ in their centres only."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.linalg
from scipy.special import gammaln

from crm_lib.clv.histories import Array

_DEGREES = 5.0
"""Degrees of freedom: tails heavier than any posterior here, yet with a covariance."""
_WIDER = 1.1
"""How much wider than asked for: too wide costs little, too narrow a lot."""
_RIDGE = 1e-3
"""Share of the scale that is added so that draws on a line still have a covariance."""


@dataclass(frozen=True, kw_only=True, eq=False)
class StudentMixture:
    """Equally probable multivariate t distributions around several centres.

    Parameters
    ----------
    centres : array (M, P)
        Their centres.
    factor : array (P, P)
        Lower triangular factor of their common covariance.
    """

    centres: Array
    factor: Array

    @classmethod
    def around(cls, theta: Array, weights: Array, centres: int, rng: np.random.Generator) -> StudentMixture:
        """Return a mixture that follows weighted draws, whatever shape they have.

        Parameters
        ----------
        theta : array (D, P)
            The draws.
        weights : array (D,)
            Their weights, which add up to 1.
        centres : int
            Number of draws around which to draw again.
        rng : Generator
            Source of randomness.

        Notes
        -----
        The width of the kernels is that of a normal density estimate from as many draws as the weights are worth.
        """
        count = theta.shape[1]
        away = theta - weights @ theta
        covariance = (weights[:, None] * away).T @ away
        covariance += _RIDGE * np.diag(np.diag(covariance) + np.finfo(float).tiny)
        worth = min(centres, 1 / float(weights @ weights))
        width = (4 / ((count + 2) * worth)) ** (1 / (count + 4))
        return cls(
            centres=theta[systematic(weights, centres, rng)],
            factor=width * scipy.linalg.cholesky(covariance, lower=True),
        )

    def draw(self, count: int, rng: np.random.Generator) -> tuple[Array, Array]:
        """Return draws and their log densities.

        Parameters
        ----------
        count : int
            Number D of draws.
        rng : Generator
            Source of randomness.

        Returns
        -------
        theta : array (D, P)
            The draws.
        log_density : array (D,)
            Their log densities.
        """
        size = self.centres.shape[1]
        # Scaled so that the covariance, not the scale matrix, is the one asked for.
        factor = _WIDER * np.sqrt((_DEGREES - 2) / _DEGREES) * self.factor
        mixing = np.sqrt(_DEGREES / rng.chisquare(_DEGREES, count))[:, None]
        chosen = rng.integers(len(self.centres), size=count)
        theta = self.centres[chosen] + rng.standard_normal((count, size)) * mixing @ factor.T
        white = scipy.linalg.solve_triangular(factor, np.concatenate([theta, self.centres]).T, lower=True).T
        draws, centres = white[:count], white[count:]
        kernels = np.sum(draws**2, axis=1)[:, None] + np.sum(centres**2, axis=1) - 2 * draws @ centres.T
        np.maximum(kernels, 0.0, out=kernels)
        kernels /= _DEGREES
        kernels += 1
        # Powers, unlike exponentials, of whatever distance are far from the smallest number there is.
        np.power(kernels, -0.5 * (_DEGREES + size), out=kernels)
        constant = gammaln((_DEGREES + size) / 2) - gammaln(_DEGREES / 2) - 0.5 * size * np.log(_DEGREES * np.pi)
        constant -= np.log(np.diag(factor)).sum() + np.log(len(self.centres))
        return theta, np.log(kernels.sum(axis=1)) + constant


def systematic(weights: Array, count: int, rng: np.random.Generator) -> Array:
    """Return the numbers of equally probable draws; each candidate comes up its expected number of times, rounded.

    Parameters
    ----------
    weights : array (D,)
        Weights that add up to 1.
    count : int
        How many numbers.
    rng : Generator
        Source of randomness.

    Returns
    -------
    array of int (count,)
        The numbers in random order.
    """
    ladder = (np.arange(count) + rng.random()) / count
    chosen = np.minimum(np.searchsorted(np.cumsum(weights), ladder), len(weights) - 1)
    return rng.permutation(chosen)
