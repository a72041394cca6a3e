"""The shifted beta-geometric model of contracts: constant chances of leaving that differ between customers."""

from __future__ import annotations

import dataclasses

import numpy as np

from crm_lib.clv.beta_survival import expected_stay
from crm_lib.clv.contract_model import ContractModel
from crm_lib.clv.histories import Array
from crm_lib.clv.intervals import draw_blocks
from crm_lib.clv.survivors import Survivors


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
    >>> ShiftedBetaGeometric().with_parameters(alpha=3.8, beta=15.2).discounted_expected_residual_lifetime(
    ...     [1, 2, 3, 4, 5], annual_rate=0.1
    ... ).round(2).tolist()
    [3.31, 3.45, 3.59, 3.72, 3.84]
    """

    @property
    def parameter_names(self) -> tuple[str, ...]:
        """``alpha`` and ``beta`` of the beta distribution of probabilities of leaving."""
        return ("alpha", "beta")

    def _shape(self, theta: Array) -> tuple[Array, Array, Array]:
        alpha, beta = self._natural(theta)
        return alpha, beta, np.ones_like(alpha)

    def _starts(self, data: Survivors) -> Array:
        return sbg_starts(data)

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
        hessian = np.array([[alpha**2 * curved, mixed], [mixed, by_beta]])
        hessian[0, 0] -= alpha * shared
        hessian[1, 1] += gradient[1]
        return float(value), gradient, hessian

    def _log_likelihoods(self, theta: Array, data: Survivors) -> Array:
        parts = []
        for some in draw_blocks(theta, len(data.at_risk)):
            alpha, beta = self._natural(some)
            before = beta + data.renewals - 1
            value = np.log(before) @ (data.at_risk - data.losses) - np.log(alpha + before) @ data.at_risk
            parts.append(value + some[:, 0] * data.losses.sum())
        return np.concatenate(parts)

    def _log_retention(self, theta: Array, renewals: Array) -> Array:
        alpha, beta = self._natural(theta)
        return np.asarray(-np.log1p(alpha / (beta + renewals - 1)))

    def _remaining(self, theta: Array, tenures: Array, horizon: int) -> Array:
        alpha, beta = self._natural(theta)
        return expected_stay(alpha, beta + tenures - 1, horizon)


def sbg_starts(data: Survivors) -> Array:
    """Return starting values of the shifted beta-geometric model.

    Parameters
    ----------
    data : Survivors
        Contracts.

    Returns
    -------
    array (S, 2)
        Logarithms of alpha and beta.

    Notes
    -----
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
