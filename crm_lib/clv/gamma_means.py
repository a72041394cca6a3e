"""Functions of the gamma-gamma model that broadcast over draws and customers."""

from __future__ import annotations

import numpy as np
from scipy.special import gammaincinv, gammaln

from crm_lib.clv.beta_survival import log_gamma_ratio
from crm_lib.clv.histories import Array


def log_beta_like(p: Array, q: Array, x: Array) -> Array:
    """Return log Γ(px + q) - log Γ(px) - log Γ(q).

    Parameters
    ----------
    p, q, x : array
        Shapes and numbers of purchases, all above 0.
    """
    return np.asarray(log_gamma_ratio(p * x, q) - gammaln(q))


def population_mean(theta: Array) -> Array:
    """Return the mean spend of all customers, infinite where q is not above 1.

    Parameters
    ----------
    theta : array (D, 3)
        Logarithms of p, q and gamma.

    Returns
    -------
    array (D,)
        Money.
    """
    p, q, gamma = np.exp(theta).T
    return np.where(q > 1, p * gamma / np.where(q > 1, q - 1, 1.0), np.inf)


def expected_mean(theta: Array, x: Array, z: Array) -> Array:
    """Return the mean of a customer's true mean spend given their purchases, or its median where that is infinite.

    Parameters
    ----------
    theta : array (D, 3)
        Logarithms of p, q and gamma.
    x, z : array (N,)
        Number of repeat purchases and their mean value; both 0 where there are none.

    Returns
    -------
    array (D, N)
        Money.
    """
    p, q, gamma = (column[:, None] for column in np.exp(theta).T)
    shape, scale = p * x + q, p * (gamma + x * z)
    finite = shape > 1
    if finite.all():
        return np.asarray(scale / (shape - 1))
    return np.asarray(np.where(finite, scale / np.where(finite, shape - 1, 1.0), scale / gammaincinv(shape, 0.5)))
