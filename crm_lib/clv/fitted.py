"""What a fit leaves behind."""

from __future__ import annotations

from dataclasses import dataclass

from crm_lib.clv.histories import Array


@dataclass(frozen=True, kw_only=True)
class Fitted:
    """What a fit leaves behind.

    Parameters
    ----------
    theta : array (P,)
        Working parameters.
    covariance : array (P, P)
        Their covariance; NaN where the likelihood has no maximum.
    log_likelihood : float
        At the estimates; NaN for parameters that were set by hand.
    customers : float
        Number of customers.
    converged : bool
        Whether a maximum was found.
    """

    theta: Array
    covariance: Array
    log_likelihood: float
    customers: float
    converged: bool
