"""Pareto-smoothed importance weights and the shape of their tail."""

from __future__ import annotations

import numpy as np

from crm_lib.clv.histories import Array


def pareto_smooth(log_weights: Array) -> tuple[Array, float]:
    """Replace the largest importance weights by quantiles of the generalised Pareto distribution fitted to them.

    Parameters
    ----------
    log_weights : array (D,)
        Log importance weights, up to a constant.

    Returns
    -------
    weights : array (D,)
        Smoothed weights, which add up to 1.
    shape : float
        Shape k of the fitted tail: the weights have finite variance where k < 0.5, and beyond 0.7 they are not to be
        relied upon. Infinite where the weights cannot be fitted.

    References
    ----------
    Vehtari, A., Simpson, D., Gelman, A., Yao, Y., Gabry, J. (2024). Pareto Smoothed Importance Sampling. Journal of
    Machine Learning Research 25(72), 1–58.
    """
    weights = np.exp(log_weights - np.max(log_weights))
    count = len(weights)
    tail = int(min(0.2 * count, 3 * np.sqrt(count)))
    if tail < 5:
        return weights / weights.sum(), np.inf
    order = np.argsort(weights)
    largest = order[-tail:]
    threshold = weights[order[-tail - 1]]
    excess = weights[largest] - threshold
    if not excess[-1] > np.finfo(float).tiny:
        # All weights are alike: the proposal is the posterior.
        return weights / weights.sum(), -np.inf
    if not excess[0] > 0:
        return weights / weights.sum(), np.inf
    shape, scale = generalised_pareto(excess)
    ranks = (np.arange(1, tail + 1) - 0.5) / tail
    quantiles = scale * (np.expm1(-shape * np.log1p(-ranks)) / shape if shape != 0 else -np.log1p(-ranks))
    weights[largest] = np.minimum(threshold + quantiles, 1.0)
    return weights / weights.sum(), float(shape)


def generalised_pareto(excess: Array) -> tuple[float, float]:
    """Fit a generalised Pareto distribution by the quasi-Bayesian estimator of Zhang and Stephens.

    Parameters
    ----------
    excess : array (M,)
        Positive values in ascending order.

    Returns
    -------
    shape, scale : float
        Shape k (positive for heavy tails; drawn a little towards 0.5, as in the reference on smoothing) and scale.

    References
    ----------
    Zhang, J., Stephens, M. A. (2009). A New and Efficient Estimation Method for the Generalized Pareto Distribution.
    Technometrics 51(3), 316–325.
    """
    count = len(excess)
    points = 30 + int(np.sqrt(count))
    quarter = excess[int(count / 4 + 0.5) - 1]
    grid = 1 - np.sqrt(points / (np.arange(1, points + 1) - 0.5))
    grid = grid / (3 * quarter) + 1 / excess[-1]
    shapes = np.mean(np.log1p(-grid[:, None] * excess), axis=1)
    profile = count * (np.log(-grid / shapes) - shapes - 1)
    posterior = np.exp(profile - profile.max())
    posterior /= posterior.sum()
    best = float(posterior @ grid)
    shape = float(np.mean(np.log1p(-best * excess)))
    scale = -shape / best
    return (count * shape + 10 * 0.5) / (count + 10), scale
