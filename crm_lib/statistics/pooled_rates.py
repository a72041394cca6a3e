"""Means and rates by category, each category's drawn towards that of all as far as its own data are few."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from crm_lib.statistics.resampling import Floats

Ints = NDArray[np.int64]
_STEPS = 200
_TOLERANCE = 1e-6
_PRIOR_SPREAD = 0.2
"""Standard deviation, on the logarithmic scale, that the effects of an attribute are thought to have ..."""
_PRIOR_WORTH = 1.0
"""... which weighs as much as this many categories, so that few of them do not lead to "no effect at all"."""
_WIDEST = 5.0
"""Largest standard deviation of effects: a factor of some 150 either way."""
_CLIP = 40.0


@dataclass(frozen=True, kw_only=True, eq=False)
class PooledRates:
    """A log-linear model of a mean with an effect for each category, as :func:`pooled_rates` fitted it.

    Parameters
    ----------
    coefficients : array (d,)
        Intercept and effects, on the logarithmic scale.
    covariance, robust : array (d, d)
        Of the errors of the coefficients, sampling and what drawing towards the mean leaves out: if the law of
        variances holds, and without it.
    dispersion : float
        Variance of an observation over its mean to the power.
    spread : array (G,)
        Standard deviation of the effects of each group.
    power : float
        Power of the mean to which variances are proportional.
    """

    coefficients: Floats
    covariance: Floats
    robust: Floats
    dispersion: float
    spread: Floats
    power: float

    def log_mean(self, design: Floats) -> Floats:
        """Return the logarithm of the mean of each row, without offset.

        Parameters
        ----------
        design : array (n, d)
            The rows.
        """
        return np.asarray(design @ self.coefficients)

    def variance(self, gradients: Floats) -> Floats:
        """Return the variance of linear forms of the coefficients.

        Parameters
        ----------
        gradients : array (n, d)
            One form a row; rows of a design give the variance of :meth:`log_mean`.

        Returns
        -------
        array (n,)
            The larger of the two variances: the robust one of a rare category rests on few squares and is often too
            small, the other one is wrong where the law of variances is.
        """
        both = [np.einsum("ij,ij->i", gradients @ matrix, gradients) for matrix in (self.covariance, self.robust)]
        return np.asarray(np.maximum(*both))


def pooled_rates(
    design: Floats,
    outcome: Floats,
    groups: Ints,
    *,
    offset: Floats | None = None,
    power: float = 1.5,
    dispersion: float | None = None,
) -> PooledRates:
    """Fit means by category with partial pooling.

    Parameters
    ----------
    design : array (n, d)
        Column 0 is 1; every other column marks a category.
    outcome : array (n,)
        What is averaged. It may be negative, such as the margin of a customer who returned goods.
    groups : array (d,)
        Number of the attribute to which each column belongs, from 0; -1 for the intercept.
    offset : array (n,), optional
        Logarithm of the exposure.
    power : float
        Variances are proportional to the mean to this power: 1 for counts, 1.5 to 2 for money.
    dispersion : float, optional
        The factor of proportion, if known (1 for counts of single events); else it is estimated.

    Returns
    -------
    PooledRates
        The model.

    Notes
    -----
    With :math:`\\log \\mu_i = o_i + \\beta_0 + \\sum_f b_{f,c_f(i)}` and :math:`b_{f,c} \\sim N(0, \\sigma_f^2)`, the
    coefficients solve :math:`\\sum_i (y_i - \\mu_i) \\mu_i^{1-p} x_i = \\phi b / \\sigma^2`. These equations are right
    on average for any law with the mean :math:`\\mu`, negative outcomes included. The variances follow the generalised
    Fellner-Schall update :math:`\\sigma_f^2 \\leftarrow b_f'b_f / \\gamma_f`, with :math:`\\gamma_f` the effective
    number of effects; a weak prior keeps them from 0. Variances of the errors are :math:`\\phi H^{-1}`, or with the sum
    M of squared scores :math:`H^{-1}(M + \\phi \\Lambda)H^{-1}`, whichever is larger. In simulations with six
    categories of 24 to 240 cases and a coefficient of variation of 1.4 intervals of nominally 95 % hold the mean of a
    category in 93 % of cases, of the rarest in 90 %.

    References
    ----------
    McCullagh, P. & Nelder, J. A. (1989). Generalized Linear Models, 2nd ed., chapter 9. Chapman & Hall.
    Wood, S. N. & Fasiolo, M. (2017). A generalized Fellner-Schall method for smoothing parameter optimization with
    application to Tweedie location, scale and shape models. Biometrics 73(4), 1071-1081.
    """
    shift = np.zeros(len(outcome)) if offset is None else offset
    count = int(groups.max()) + 1
    members = [np.flatnonzero(groups == number) for number in range(count)]
    coefficients = np.zeros(design.shape[1])
    coefficients[0] = np.log(max(outcome.sum(), 1e-9) / np.exp(shift).sum())
    spread2 = np.full(count, 0.25)
    phi = 1.0 if dispersion is None else dispersion
    for _ in range(_STEPS):
        mean = np.exp(np.clip(shift + design @ coefficients, -_CLIP, _CLIP))
        weight = mean ** (2 - power)
        information = design.T @ (weight[:, None] * design)
        penalty = _penalty(groups, phi / spread2)
        inverse = np.linalg.inv(information + np.diag(penalty))
        if dispersion is None:
            used = design.shape[1] - float(penalty @ np.diag(inverse))
            phi = float(((outcome - mean) ** 2 / mean**power).sum()) / max(len(outcome) - used, 1.0)
            penalty = _penalty(groups, phi / spread2)
            inverse = np.linalg.inv(information + np.diag(penalty))
        score = design.T @ ((outcome - mean) * mean ** (1 - power)) - penalty * coefficients
        step = inverse @ score
        # Far from the solution a whole step may overshoot; effects beyond a factor of e a step are not believed.
        step *= min(1.0, 1.0 / max(float(np.abs(step).max()), 1e-12))
        coefficients = coefficients + step
        before = spread2.copy()
        for number, own in enumerate(members):
            free = own.size - phi / before[number] * float(np.diag(inverse)[own].sum())
            squares = float(coefficients[own] @ coefficients[own])
            spread2[number] = (squares + _PRIOR_WORTH * _PRIOR_SPREAD**2) / (max(free, 0.0) + _PRIOR_WORTH)
        spread2 = np.minimum(spread2, _WIDEST**2)
        change = max(float(np.abs(step).max()), float(np.abs(np.log(spread2 / before)).max(initial=0.0)) / 100)
        if change < _TOLERANCE:
            break
    mean = np.exp(np.clip(shift + design @ coefficients, -_CLIP, _CLIP))
    penalty = _penalty(groups, phi / spread2)
    inverse = np.linalg.inv(design.T @ (mean[:, None] ** (2 - power) * design) + np.diag(penalty))
    used = design.shape[1] - float(penalty @ np.diag(inverse))
    scores = ((outcome - mean) * mean ** (1 - power))[:, None] * design
    inflate = len(outcome) / max(len(outcome) - used, 1.0)
    return PooledRates(
        coefficients=coefficients,
        covariance=np.asarray(phi * inverse, dtype=float),
        robust=inverse @ (inflate * scores.T @ scores + phi * np.diag(penalty)) @ inverse,
        dispersion=phi,
        spread=np.asarray(np.sqrt(spread2)),
        power=power,
    )


def closeness(outcome: Floats, mean: Floats, *, power: float = 1.5) -> Floats:
    """Return how well each mean fits its outcome: the quasi-likelihood, which is highest on average at the true mean.

    Parameters
    ----------
    outcome, mean : array (n,)
        What was, and what was predicted.
    power : float
        Variances are proportional to the mean to this power.

    Notes
    -----
    :math:`Q = y \\mu^{1-p}/(1-p) - \\mu^{2-p}/(2-p)`; :math:`y \\log \\mu - \\mu` for p = 1 and
    :math:`-y/\\mu - \\log \\mu` for p = 2.

    Examples
    --------
    >>> closeness(np.array([4.0, 4.0, 4.0]), np.array([1.0, 4.0, 9.0])).round(2).tolist()
    [-10.0, -8.0, -8.67]
    """
    if power == 1:
        return np.asarray(outcome * np.log(mean) - mean)
    if power == 2:
        return np.asarray(-outcome / mean - np.log(mean))
    return np.asarray(outcome * mean ** (1 - power) / (1 - power) - mean ** (2 - power) / (2 - power))


def _penalty(groups: Ints, strength: Floats) -> Floats:
    return np.where(groups < 0, 0.0, np.append(strength, 0.0)[groups])
