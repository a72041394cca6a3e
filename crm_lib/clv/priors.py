"""What is assumed of parameters before the data speak: little, and openly."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from crm_lib.clv.histories import Array


@dataclass(frozen=True, kw_only=True)
class Priors:
    """Weakly informative priors: normal distributions of the working parameters.

    Positive parameters work on the log scale. Shapes (r, s, a, b …) are centred on 1, and parameters that have a unit
    of time or money (alpha, beta, gamma) on a typical value of the data in that unit, so that a change of unit changes
    nothing but the unit. Coefficients of covariates are centred on 0.

    Parameters
    ----------
    shape_sd : float
        Standard deviation of the logarithm of a shape. With 2, 95 % of the mass lies between 1/50 and 50.
    scale_sd : float
        Standard deviation of the logarithm of a parameter with a unit, around the data's own scale.
    coefficient_sd : float
        Standard deviation of a coefficient, per unit of its covariate.

    Examples
    --------
    >>> Priors(shape_sd=1.5)
    Priors(shape_sd=1.5, scale_sd=3.0, coefficient_sd=2.0)
    """

    shape_sd: float = 2.0
    scale_sd: float = 3.0
    coefficient_sd: float = 2.0

    def __post_init__(self) -> None:
        for name in ("shape_sd", "scale_sd", "coefficient_sd"):
            if not getattr(self, name) > 0:
                raise ValueError(f"{name} must be positive, not {getattr(self, name)}")


WEAK: Final = Priors()
"""The priors where nothing else is said."""


@dataclass(frozen=True, kw_only=True)
class NormalPrior:
    """Independent normal distributions of the working parameters.

    Parameters
    ----------
    mean, sd : array (P,)
        Means and standard deviations; an infinite standard deviation is a flat prior.
    """

    mean: Array
    sd: Array

    @classmethod
    def flat(cls, count: int) -> NormalPrior:
        """Return the prior that says nothing.

        Parameters
        ----------
        count : int
            Number of parameters.
        """
        return cls(mean=np.zeros(count), sd=np.full(count, np.inf))

    def log_density(self, theta: Array) -> Array:
        """Return the log density up to a constant.

        Parameters
        ----------
        theta : array (..., P)
            Working parameters.

        Returns
        -------
        array (...)
            Log densities.
        """
        density: Array = -0.5 * np.sum(((theta - self.mean) / self.sd) ** 2, axis=-1)
        return density

    def derivatives(self, theta: Array) -> tuple[Array, Array]:
        """Return gradient and Hessian of the log density.

        Parameters
        ----------
        theta : array (P,)
            Working parameters.
        """
        precision = self.sd**-2.0
        return -(theta - self.mean) * precision, np.diag(-precision)


def normal_prior(
    priors: Priors | None, names: Sequence[str], *, scales: dict[str, float], coefficients: Sequence[str]
) -> NormalPrior:
    """Return the prior of a model's working parameters.

    Parameters
    ----------
    priors : Priors or None
        What is assumed; None for nothing.
    names : sequence of str
        The parameters in order.
    scales : dict of str to float
        Typical value of the data for each parameter that has a unit.
    coefficients : sequence of str
        The parameters that are coefficients of covariates.

    Returns
    -------
    NormalPrior
        The prior.
    """
    if priors is None:
        return NormalPrior.flat(len(names))
    mean = np.array([np.log(scales[name]) if name in scales else 0.0 for name in names])
    sd = [
        priors.scale_sd if name in scales else priors.coefficient_sd if name in coefficients else priors.shape_sd
        for name in names
    ]
    return NormalPrior(mean=mean, sd=np.array(sd))
