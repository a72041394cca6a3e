"""How long customers whose dropout rates have a gamma distribution stay: in a horizon, and discounted for ever.

A customer who has stayed for a time T under a gamma distribution of dropout rates with shape s and rate β stays for a
further time t with probability ``(after / (after + t))^s``, where ``after = β + T``.
"""

from __future__ import annotations

import numpy as np
from scipy.special import exprel

from crm_lib.clv.histories import Array

_NODES = 64
"""Gauss-Legendre nodes; fewer would do unless rate times ``after`` is very small."""
_FAR = 40.0
"""What lies below e to the minus this is left out."""


def expected_stay(s: Array, after: Array, horizon: float | Array) -> Array:
    """Return the expected time that customers still stay, within a horizon.

    Parameters
    ----------
    s, after : array (...)
        Shape, and rate plus the time already stayed.
    horizon : float or array (...)
        Length of the time to come.

    Returns
    -------
    array (...)
        ``after / (s - 1) (1 - (after / (after + horizon))^(s - 1))``, in a form that is exact at s = 1 as well.

    Examples
    --------
    >>> expected_stay(np.array([0.5, 1.0, 2.0]), np.array(1.0), 3.0).round(4)  # 2, log 4 and 3/4
    array([2.    , 1.3863, 0.75  ])
    """
    log_growth = np.log1p(horizon / after)
    stay: Array = after * log_growth * exprel(-(s - 1) * log_growth)
    return stay


def discounted_stay(s: Array, after: Array, rate: float) -> Array:
    """Return the expected discounted time that customers still stay, for ever.

    Parameters
    ----------
    s, after : array (...)
        Shape, and rate plus the time already stayed.
    rate : float
        Continuous discount rate, above 0.

    Returns
    -------
    array (...)
        The integral of ``exp(-rate t) (after / (after + t))^s`` over all times t from 0.

    Notes
    -----
    This is ``after`` times Tricomi's function U(1, 2 - s, z) at z = rate × after, of which libraries give up digits
    where s is close to a whole number. With t = after (e^q - 1) the integrand ``exp((1 - s) q - z (e^q - 1))`` has no
    singularity at all, so that Gauss-Legendre quadrature reaches machine precision.

    References
    ----------
    Fader, P. S., Hardie, B. G. S., Lee, K. L. (2005). RFM and CLV: Using Iso-Value Curves for Customer Base Analysis.
    Journal of Marketing Research 42(4), 415–430.

    Examples
    --------
    >>> discounted_stay(np.array(1.0), np.array(1.0), 1.0).round(6)  # e E₁(1)
    np.float64(0.596347)
    """
    z = rate * after
    length = np.log1p(_FAR / z)
    slope = s - 1 + z
    # The exponent is concave: where it falls from the beginning, it lies below its tangent.
    length = np.where(slope > 0, np.minimum(length, _FAR / np.maximum(slope, 1e-300)), length)
    total = np.zeros(np.shape(length))
    for at, weight in zip(*np.polynomial.legendre.leggauss(_NODES), strict=True):
        q = length * ((at + 1) / 2)
        total += weight / 2 * np.exp((1 - s) * q - z * np.expm1(q))
    stay: Array = after * length * total
    return stay
