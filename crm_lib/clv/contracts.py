"""Contracts that are renewed period by period: the shifted beta-geometric and beta-discrete-Weibull models."""

from __future__ import annotations

import dataclasses
from typing import ClassVar

import numpy as np
from scipy.special import psi

from crm_lib.clv.contract_model import ContractModel
from crm_lib.clv.histories import Array
from crm_lib.clv.special import log_gamma_ratio
from crm_lib.clv.survivors import Survivors

_DIFFERENCE = 1e-4
"""Half the distance between the points of central differences."""


@dataclasses.dataclass(kw_only=True, eq=False)
class ShiftedBetaGeometric(ContractModel):
    """Shifted beta-geometric (sBG) model: every customer has a constant probability of not renewing.

    The probabilities are Beta(``alpha``, ``beta``) over customers. Those likely to leave go first, so that the
    retention rate of a cohort rises from period to period although nobody changes.

    References
    ----------
    Fader, P. S., Hardie, B. G. S. (2007). How to Project Customer Retention. Journal of Interactive Marketing 21(1),
    76–90.
    Fader, P. S., Hardie, B. G. S. (2010). Customer-Base Valuation in a Contractual Setting: The Perils of Ignoring
    Heterogeneity. Marketing Science 29(1), 85–93.

    Examples
    --------
    >>> import pandas as pd
    >>> survivors = [1000, 869, 743, 653, 593, 551, 517, 491]
    >>> model = ShiftedBetaGeometric().fit(pd.DataFrame({"period": range(8), "survivors": survivors}))
    >>> model.params_.round(3).to_dict()
    {'alpha': 0.668, 'beta': 3.806}
    """

    @property
    def parameter_names(self) -> tuple[str, ...]:
        """``alpha`` and ``beta`` of the beta distribution of probabilities of leaving."""
        return ("alpha", "beta")

    def _shape(self, theta: Array) -> tuple[Array, Array, Array]:
        alpha, beta = self._natural(theta)
        return alpha, beta, np.ones_like(alpha)

    def _starts(self, data: Survivors) -> Array:
        return _starts(data)

    def _objective(self, theta: Array, data: Survivors) -> tuple[float, Array, Array]:
        alpha, beta = np.exp(theta)
        risk, lost = data.at_risk, data.losses
        before = beta + data.renewals - 1
        both = alpha + before
        kept, gone = risk - lost, lost.sum()
        value = kept @ np.log(before) + gone * theta[0] - risk @ np.log(both)
        shared, curved = float((risk / both).sum()), float((risk / both**2).sum())
        gradient = np.array([gone - alpha * shared, beta * ((kept / before).sum() - shared)])
        mixed = alpha * beta * curved
        by_beta = beta**2 * (curved - (kept / before**2).sum())
        hessian = np.array([[alpha**2 * curved - alpha * shared, mixed], [mixed, by_beta + gradient[1]]])
        return float(value), gradient, hessian


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
    >>> model.survival(12).round(2).tolist()  # observed later: 0.17
    [0.18]
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
        simple = _starts(data)
        return np.concatenate([np.column_stack([simple, np.full(len(simple), np.log(c))]) for c in (1.0, 1.5, 0.7)])

    def _objective(self, theta: Array, data: Survivors) -> tuple[float, Array, Array]:
        value, gradient = _weibull(theta, data)
        steps = _DIFFERENCE * np.eye(3)
        differences = np.array([_weibull(theta + step, data)[1] - _weibull(theta - step, data)[1] for step in steps])
        hessian = differences / (2 * _DIFFERENCE)
        return value, gradient, (hessian + hessian.T) / 2


def _weibull(theta: Array, data: Survivors) -> tuple[float, Array]:
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


def _starts(data: Survivors) -> Array:
    """Return starting values (S, 2) of the shifted beta-geometric model: logarithms of alpha and beta.

    The inverse of the rate of leaving is a straight line in the number of the renewal, with slope 1/alpha. The first
    start comes from a weighted regression, the others from round values that meet the mean rate.
    """
    seen = data.at_risk > 0
    lost = data.losses[seen] + 0.5
    inverse = (data.at_risk[seen] + 1) / lost
    number = data.renewals[seen] - 1
    slope, level = np.polyfit(number, inverse, 1, w=np.sqrt(lost) / inverse)
    mean = float((data.at_risk.sum() + 1) / (data.losses.sum() + 0.5))
    starts = [(alpha, alpha * max(mean - 1, 0.05)) for alpha in (0.5, 1.0, 5.0)]
    if slope > 0.01 and level > 1:
        starts.insert(0, (1 / slope, (level - 1) / slope))
    return np.asarray(np.log(np.array(starts)))
