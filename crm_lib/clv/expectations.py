"""From a company's tables to the past of every customer, and to what their future is drawn from."""

from __future__ import annotations

import copy
import warnings
from dataclasses import dataclass

import numpy as np
import pandas as pd

from crm_lib import language
from crm_lib.clv.credibility import CredibleRatio, Sums, credible_ratio
from crm_lib.clv.future_value import FutureValue
from crm_lib.clv.gamma_gamma import GammaGamma
from crm_lib.clv.histories import Array
from crm_lib.clv.mean_spend import MeanSpend
from crm_lib.clv.potential import PotentialRule, reachable_spend
from crm_lib.clv.purchase_model import PurchaseModel
from crm_lib.clv.realised import contact_costs, realised
from crm_lib.company import Company
from crm_lib.errors import TooLittleData

_SUMS = ("part", "whole", "part2", "cross", "whole2")


@dataclass(frozen=True, kw_only=True)
class Terms:
    """On what terms customers are valued; see :func:`crm_lib.clv.customer_value`.

    Parameters
    ----------
    annual_rate : float
        Interest of a year.
    rule : PotentialRule
        Assumptions of potential value.
    serving : bool
        Whether to deduct costs to serve where they are known.
    draws : int
        Number of joint draws.
    seed : int
        Seed of the draws.
    outcome : bool
        Whether the draws are of what happens, not of what is expected.
    """

    annual_rate: float
    rule: PotentialRule
    serving: bool
    draws: int
    seed: int
    outcome: bool


def look_ahead(
    company: Company, customers: pd.DataFrame, model: PurchaseModel, spend: GammaGamma | None, terms: Terms
) -> tuple[FutureValue, pd.Series[float], bool]:
    """Fit what is not fitted, and put together what the value of customers is drawn from.

    Parameters
    ----------
    company : Company
        The company.
    customers : DataFrame (N rows)
        Customer summary.
    model : PurchaseModel
        Model of purchases; a copy is fitted if it is not.
    spend : GammaGamma or None
        Model of spend, likewise; None for the mean of all purchases.
    terms : Terms
        On what terms.

    Returns
    -------
    future : FutureValue
        The future.
    past : Series (N,)
        Historical value.
    serving : bool
        Whether costs to serve are known and deducted.
    """
    draws, seed = terms.draws, terms.seed
    purchases = model if model._fitted is not None else copy.copy(model).fit(customers)
    spends = _spends(customers, spend, terms)
    for fit, given in ((purchases, model), (spends, spend)):
        if fit is not given and not isinstance(fit, MeanSpend):
            fit.posterior(seed=seed)
    brought = realised(company, annual_rate=terms.annual_rate).reindex(customers.index, fill_value=0.0)
    margin = credible_ratio(Sums(**{name: brought[name].to_numpy() for name in _SUMS}), draws=draws, seed=seed)
    past, cost = brought["carried"], _no_cost(len(customers), draws)
    costs = contact_costs(company, annual_rate=terms.annual_rate) if terms.serving else None
    if costs is not None:
        costs = costs.reindex(customers.index, fill_value=0.0)
        past = past - costs["carried"]
        cost = _cost_per_purchase(costs, customers["frequency"].to_numpy(dtype=float) + 1, draws, seed)
    attributes = _attributes(company, terms.rule, customers.index)
    more = reachable_spend(customers, spends.expected_spend(customers), attributes, terms.rule)
    some = min(draws, len(purchases._drawn), draws if isinstance(spends, MeanSpend) else len(spends._drawn))
    future = FutureValue(
        model=purchases,
        spend=spends,
        summary=customers,
        margin_rate=margin.first(some),
        cost=cost.first(some),
        reachable=np.asarray(more, dtype=np.float64),
        annual_rate=terms.annual_rate,
        draws=some,
        # Both posteriors may come from the same random numbers; mixed up they are independent.
        order=np.random.default_rng([seed, 3]).permutation(some),
        outcome=terms.outcome,
        seed=seed,
    )
    return future, past.rename("historical"), costs is not None


def _spends(customers: pd.DataFrame, spend: GammaGamma | None, terms: Terms) -> GammaGamma | MeanSpend:
    if spend is not None:
        try:
            return spend if spend._fitted is not None else copy.copy(spend).fit(customers)
        except TooLittleData as reason:
            message = language.text("Spend cannot be modelled, everybody is given the mean of all: {reason}")
            warnings.warn(message.format(reason=reason), UserWarning, stacklevel=4)
    return MeanSpend.of(customers, draws=terms.draws, seed=terms.seed)


def _cost_per_purchase(costs: pd.DataFrame, purchases: Array, draws: int, seed: int) -> CredibleRatio:
    # Every contact is an event without purchase, every purchase one without cost.
    sums = Sums(
        part=costs["part"].to_numpy(),
        whole=purchases,
        part2=costs["part2"].to_numpy(),
        cross=np.zeros(len(purchases)),
        whole2=purchases,
    )
    return credible_ratio(sums, draws=draws, seed=seed + 1)


def _no_cost(customers: int, draws: int) -> CredibleRatio:
    nothing = np.zeros(customers)
    return CredibleRatio(mean=0.0, drawn_means=np.zeros(draws), own=nothing, credibility=nothing)


def _attributes(company: Company, rule: PotentialRule, index: pd.Index) -> pd.DataFrame:
    columns = rule.columns(company)
    if not columns:
        return pd.DataFrame(index=index)
    frame = company.frame("customers", "customer_id", *columns)
    return frame.drop_duplicates("customer_id").set_index("customer_id").reindex(index)
