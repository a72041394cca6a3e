"""The beta-discrete-Weibull model of contracts: chances of leaving that differ and may change with tenure."""

from __future__ import annotations

import dataclasses
from typing import ClassVar

import numpy as np
from scipy.special import psi

from crm_lib.clv.beta_survival import log_gamma_ratio
from crm_lib.clv.contract_model import ContractModel
from crm_lib.clv.histories import Array
from crm_lib.clv.maximum import numerical_hessian
from crm_lib.clv.shifted_beta_geometric import sbg_starts
from crm_lib.clv.survivors import Survivors


@dataclasses.dataclass(kw_only=True, eq=False)
class BetaDiscreteWeibull(ContractModel):
    """Beta-discrete-Weibull (BdW) model: customers differ, and each one's chance of leaving may change with tenure.

    A customer with probability of leaving :math:`\\theta` makes at least t renewals with probability
    :math:`(1 - \\theta)^{t^c}`; :math:`\\theta` is Beta(``gamma``, ``delta``) over customers. Above 1, ``c`` means that
    each customer is more likely to leave the longer they have stayed, below 1 less likely; at 1 this is the shifted
    beta-geometric model. A cohort's retention rate may therefore fall first and rise later.

    References
    ----------
    Fader, P. S., Hardie, B. G. S., Liu, Y., Davin, J., Steenburgh, T. (2018). "How to Project Customer Retention"
    Revisited: The Role of Duration Dependence. Journal of Interactive Marketing 43(1), 1–16.

    Examples
    --------
    >>> import pandas as pd
    >>> regular = [1000, 631, 468, 382, 326, 289, 262, 241]
    >>> model = BetaDiscreteWeibull().fit(pd.DataFrame({"period": range(8), "survivors": regular}))
    >>> round(model.survival(12), 2)  # observed later: 0.17
    0.18
    """

    least_renewals: ClassVar[int] = 3

    @property
    def parameter_names(self) -> tuple[str, ...]:
        """``gamma`` and ``delta`` of the beta distribution, and the power ``c`` of time."""
        return ("gamma", "delta", "c")

    def _shape(self, theta: Array) -> tuple[Array, Array, Array]:
        gamma, delta, power = self._natural(theta)
        return gamma, delta, power

    def _starts(self, data: Survivors) -> Array:
        simple = sbg_starts(data)
        return np.concatenate([np.column_stack([simple, np.full(len(simple), np.log(c))]) for c in (1.0, 1.5, 0.7)])

    def _objective(self, theta: Array, data: Survivors) -> tuple[float, Array, Array]:
        def derivatives(at: Array) -> tuple[float, Array]:  # numpydoc ignore=GL08
            return _log_likelihood(at, data)

        value, gradient = derivatives(theta)
        if not np.isfinite(value):
            return value, gradient, np.full((3, 3), np.nan)
        return value, gradient, numerical_hessian(lambda at: derivatives(at)[1], theta)


def _log_likelihood(theta: Array, data: Survivors) -> tuple[float, Array]:
    """Return the log-likelihood and its derivatives by the logarithms of gamma, delta and c."""
    seen = data.at_risk > 0
    number, risk, lost = data.renewals[seen], data.at_risk[seen], data.losses[seen]
    gamma, delta, power = np.exp(theta)
    with np.errstate(all="ignore"):
        times = np.array([number - 1, number]) ** power
        stay = delta + times
        # Columns: log survival up to a constant, and its derivatives; rows: before and after the renewal.
        curve = -log_gamma_ratio(stay, gamma)
        by_gamma = -psi(stay + gamma)
        by_stay = psi(stay) - psi(stay + gamma)
        logs = np.log(np.maximum([number - 1, number], 1.0))
        slopes = np.array([gamma * by_gamma, delta * by_stay, power * times * logs * by_stay])
        retained = np.minimum(curve[1] - curve[0], 0.0)
        changes = slopes[:, 1] - slopes[:, 0]
        leaving = -np.expm1(retained)
        any_lost = lost > 0
        value = (risk - lost) @ retained + lost[any_lost] @ np.log(leaving[any_lost])
        odds = np.where(any_lost, lost * (1 - leaving) / np.where(any_lost, leaving, 1.0), 0.0)
        gradient = changes @ (risk - lost - odds)
    return float(value), gradient
