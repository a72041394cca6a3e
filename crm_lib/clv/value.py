"""What every customer is worth in money: historical, current and potential value, in one convention."""

from __future__ import annotations

import copy
import datetime as dt
import warnings
from dataclasses import dataclass

import numpy as np
import pandas as pd

from crm_lib.clv.credibility import CredibleRatio, Sums, credible_ratio
from crm_lib.clv.future_value import FutureValue, drawn_estimate
from crm_lib.clv.gamma_gamma import GammaGamma
from crm_lib.clv.histories import Array
from crm_lib.clv.model import SEED
from crm_lib.clv.potential import PotentialRule, attributes, reachable_spend
from crm_lib.clv.purchase_model import PurchaseModel
from crm_lib.clv.reach import days_ahead, not_counted
from crm_lib.clv.realised import contact_costs, realised
from crm_lib.clv.spend_records import MeanSpend
from crm_lib.company import Company
from crm_lib.customers import UNIT_DAYS, Value, customer_summary, value_of
from crm_lib.errors import TooLittleData
from crm_lib.estimate import LEVEL, Estimate
from crm_lib.language import say

_DRAWS = 300
"""Joint draws that the intervals rest on."""
POSTERIOR = 1000
"""Posterior draws of a model from which they are taken."""
_CONVENTION = {
    "margin": (
        "All amounts are margin in {currency}, valued on {day:date} at {rate:share1} a year: past amounts carry "
        "interest, future ones are discounted. {costs:words} Acquisition cost is not deducted."
    ),
    "revenue": (
        "Margin is not known: all amounts are revenue in {currency}, not profit, valued on {day:date} at "
        "{rate:share1} a year: past amounts carry interest, future ones are discounted. {costs:words} Acquisition "
        "cost is not deducted."
    ),
}
_METHOD = "joint posterior draws of purchases, spend, margin rate and cost"
_COSTS = {True: "The cost of serving customers is deducted.", False: "No cost of serving customers is deducted."}


@dataclass(frozen=True, kw_only=True, eq=False)
class CustomerValue:
    """What customers are worth, as :func:`customer_value` found it.

    `frame` has, by ``customer_id``: ``historical``; ``current`` and ``potential`` (posterior means) with ``_low`` and
    ``_high``; ``probability_alive``; ``expected_purchases`` in the horizon; ``value_per_purchase``, what a purchase to
    come is expected to bring. `totals` are ``historical`` (counted), ``current`` (the customer equity) and
    ``potential``. `serving` says whether costs to serve are known and deducted; `ahead` is for how many days
    purchases to come count, None if for ever; `future` holds models and draws.
    """

    frame: pd.DataFrame
    totals: dict[str, Estimate]
    basis: Value
    currency: str
    as_of: dt.date
    annual_rate: float
    horizon_days: int
    rule: PotentialRule
    serving: bool
    ahead: int | None
    future: FutureValue

    @property
    def level(self) -> float:
        """Coverage of the intervals."""
        return LEVEL

    @property
    def convention(self) -> str:
        """How money was counted, in words for a reader."""
        told = say(
            _CONVENTION[self.basis], currency=self.currency, day=self.as_of, rate=self.annual_rate,
            costs=_COSTS[self.serving],
        )  # fmt: skip
        if self.ahead is None:
            return told
        return f"{told} {say('Not counted is {what}.', what=not_counted(self.ahead, self.as_of))}"


def customer_value(
    company: Company,
    *,
    model: PurchaseModel,
    spend: GammaGamma | None = None,
    annual_rate: float = 0.1,
    horizon_days: int = 365,
    rule: PotentialRule = PotentialRule(),  # noqa: B008  (frozen)
    draws: int = _DRAWS,
    seed: int = SEED,
) -> CustomerValue:
    """Value every customer of a company.

    *Historical value* is what the customer has brought: margin net of returns, less what serving the customer cost,
    each amount carried forward to ``as_of``. *Current value* is what the customer is expected to bring if the relation
    goes on as it is: all purchases to come, discounted, times expected spend times the customer's margin rate net of
    returns, less the cost to serve of a purchase. *Potential value* is what the customer could add by the `rule`. Where
    the company's margin is not known, revenue net of returns takes its place. Where purchases are known for less than a
    year, those to come count up to ten times as long a time ahead, and no further.

    Parameters
    ----------
    company : Company
        The company.
    model : PurchaseModel
        Model of purchases. If it is fitted it is used as it is, else a copy is fitted to the company's customers.
    spend : GammaGamma, optional
        Model of spend, fitted; by default one is fitted. Where it has nothing to learn from, everybody is given the
        mean of all repeat purchases, or of the first ones where nobody has bought twice.
    annual_rate : float
        Interest of a year, positive.
    horizon_days : int
        Time to come for the number of expected purchases, as far as value is given.
    rule : PotentialRule
        Assumptions of potential value.
    draws : int
        Joint draws that the intervals rest on, at least 100.
    seed : int
        Seed of the draws.

    Returns
    -------
    CustomerValue
        Values, totals and the convention they are counted in.

    Raises
    ------
    TooLittleData
        If there is no customer, or nothing tells what a purchase is worth.
    ValueError
        If the rate is not positive, or there are fewer than 100 draws.

    Notes
    -----
    Values are posterior means, and intervals come from joint draws: parameters of both models from their posteriors,
    mean margin rate and mean cost from the Bayesian bootstrap over customers. Margin rate and cost of a customer are
    drawn towards those of all by Bühlmann-Straub credibility. The intervals are of what is expected of customers; what
    a single one will happen to bring varies far more.
    """
    if draws < 100:
        raise ValueError(f"the intervals need at least 100 draws, not {draws}")
    customers = customer_summary(company, model.unit)
    if len(customers) == 0:
        raise TooLittleData("needs customers; nobody has bought anything")
    if model._fitted is None:
        model = copy.copy(model).fit(customers)
    if model._posterior is None or len(model._posterior) < draws:
        model.posterior(draws=max(POSTERIOR, draws), seed=seed)
    spends = _spends(customers, spend, draws, seed)
    brought = realised(company, annual_rate=annual_rate).reindex(customers.index, fill_value=0.0)
    sums = Sums(**{name: brought[name].to_numpy() for name in ("part", "whole", "part2", "cross", "whole2")})
    margin_rate = credible_ratio(sums, draws=draws, seed=seed)
    past, cost = brought["carried"].copy(), CredibleRatio.nothing(len(customers), draws)
    del brought, sums  # of many customers much memory
    costs = contact_costs(company, annual_rate=annual_rate)
    if costs is not None:
        costs = costs.reindex(customers.index, fill_value=0.0)
        past = past - costs["carried"]
        cost = _cost_per_purchase(costs, customers["frequency"].to_numpy(dtype=float) + 1, draws, seed)
    ahead = days_ahead(customers, model.unit)
    if ahead is not None:
        horizon_days = min(horizon_days, ahead)
        warnings.warn(say("Not counted is {what}.", what=not_counted(ahead, company.as_of)), UserWarning, stacklevel=2)
    more = reachable_spend(customers, spends.expected_spend(customers), attributes(company, customers.index), rule)
    future = FutureValue(
        model=model,
        spend=spends,
        summary=customers,
        margin_rate=margin_rate,
        cost=cost,
        reachable=np.asarray(more.array, dtype=np.float64),
        annual_rate=annual_rate,
        horizon=None if ahead is None else ahead / UNIT_DAYS[model.unit],
        order=np.random.default_rng([seed, 3]).permutation(draws),
    )
    frame, total = future.each()
    frame.insert(0, "historical", past)
    frame["probability_alive"] = model.probability_alive(customers)
    frame["expected_purchases"] = model.expected_purchases(customers, horizon_days / UNIT_DAYS[model.unit])
    frame["value_per_purchase"] = future.value_per_purchase
    return CustomerValue(
        frame=frame,
        totals={
            "historical": Estimate.exact(float(past.sum()), n=len(frame), unit=company.currency, method="sum"),
            "current": drawn_estimate(total.current, len(frame), company.currency, _METHOD),
            "potential": drawn_estimate(total.potential, len(frame), company.currency, _METHOD),
        },
        basis=value_of(company),
        currency=company.currency,
        as_of=company.as_of,
        annual_rate=annual_rate,
        horizon_days=horizon_days,
        rule=rule,
        serving=costs is not None,
        ahead=ahead,
        future=future,
    )


def _spends(customers: pd.DataFrame, spend: GammaGamma | None, draws: int, seed: int) -> GammaGamma | MeanSpend:
    try:
        # A model that a notebook left out says why at its first use, as one without data to learn from does.
        fitted = GammaGamma().fit(customers) if spend is None or spend._fitted is None else spend
        if fitted._posterior is None or len(fitted._posterior) < draws:
            fitted.posterior(draws=max(POSTERIOR, draws), seed=seed)
    except TooLittleData as reason:
        message = say("Spend cannot be modelled; everybody is given the mean: {reason}", reason=str(reason))
        warnings.warn(message, UserWarning, stacklevel=3)
        return MeanSpend.of(customers, draws=draws, seed=seed)
    return fitted


def _cost_per_purchase(costs: pd.DataFrame, purchases: Array, draws: int, seed: int) -> CredibleRatio:
    # Every contact is an event without purchase, every purchase one without cost.
    sums = Sums(
        part=costs["part"].to_numpy(), whole=purchases, part2=costs["part2"].to_numpy(),
        cross=np.zeros(len(purchases)), whole2=purchases,
    )  # fmt: skip
    return credible_ratio(sums, draws=draws, seed=seed + 1)
