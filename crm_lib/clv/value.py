"""What every customer is worth in money: historical, current and potential value, in one convention."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import numpy as np
import pandas as pd

from crm_lib import language
from crm_lib.clv.expectations import Terms, look_ahead
from crm_lib.clv.future_value import FutureValue
from crm_lib.clv.gamma_gamma import GammaGamma
from crm_lib.clv.given_summary import check_summary, own_summary
from crm_lib.clv.histories import Array
from crm_lib.clv.intervals import Interval, equal_tails
from crm_lib.clv.model import SEED
from crm_lib.clv.potential import PotentialRule
from crm_lib.clv.purchase_model import PurchaseModel
from crm_lib.clv.purchase_process import ROW_DRAWS
from crm_lib.clv.realised import Basis, basis_of
from crm_lib.company import Company
from crm_lib.customers import UNIT_DAYS, returns_only_customers
from crm_lib.errors import TooLittleData
from crm_lib.estimate import Estimate
from crm_lib.exhibit import Skipped

_CONVENTION = {
    "margin": (
        "All amounts are margin in {currency}, valued on {day} at {rate} a year: earlier amounts are carried forward "
        "to that day, later ones discounted to it, so that historical and current value add up. {costs} What "
        "winning the customer cost is not deducted."
    ),
    "revenue": (
        "The company's margin is not known: all amounts are revenue in {currency}, not profit, valued on {day} at "
        "{rate} a year: earlier amounts are carried forward to that day, later ones discounted to it, so that "
        "historical and current value add up. {costs} What winning the customer cost is not deducted."
    ),
}
_COSTS = {True: "The cost of serving the customer is deducted.", False: "No cost of serving the customer is deducted."}


@dataclass(frozen=True, kw_only=True, eq=False)
class CustomerValue:
    """What customers are worth, as :func:`customer_value` found it.

    Parameters
    ----------
    frame : DataFrame (N rows)
        Indexed by ``customer_id``: ``historical``; ``current`` and ``potential`` with ``_low`` and ``_high``;
        ``probability_alive``; ``expected_purchases`` in the horizon; ``value_per_purchase``, what a purchase to come is
        expected to bring.
    totals : dict of str to Estimate
        ``historical`` (counted), ``current``, ``potential`` and ``equity``, which is the customer equity: the current
        value of all customers.
    basis : {"margin", "revenue"}
        What was counted.
    currency : str
        ISO code.
    as_of : date
        Day of the valuation.
    annual_rate : float
        Interest of a year.
    horizon_days : int
        Time to come of ``expected_purchases``.
    level : float
        Coverage of the intervals.
    interval : {"mean", "outcome"}
        Whether intervals are for what is expected of customers, or for what they will happen to bring.
    rule : PotentialRule
        What potential value assumes.
    serving : bool
        Whether costs to serve were deducted.
    returns_only : int
        Customers of whom nothing but returns is known: they have no first purchase and no row.
    summary : DataFrame (N rows)
        The customer summary.
    future : FutureValue
        Fitted models and draws, from which values of groups are drawn.
    """

    frame: pd.DataFrame
    totals: dict[str, Estimate]
    basis: Basis
    currency: str
    as_of: dt.date
    annual_rate: float
    horizon_days: int
    level: float
    interval: Interval
    rule: PotentialRule
    serving: bool
    returns_only: int
    summary: pd.DataFrame
    future: FutureValue

    @property
    def convention(self) -> str:
        """How money was counted, in words for a reader."""
        return language.text(_CONVENTION[self.basis]).format(
            currency=self.currency,
            day=language.date(self.as_of),
            rate=language.share(self.annual_rate, 1),
            costs=language.text(_COSTS[self.serving]),
        )


def customer_value(
    company: Company,
    *,
    model: PurchaseModel,
    spend: GammaGamma | Skipped | None = GammaGamma(),  # noqa: B008  (never changed: a copy is fitted)
    summary: pd.DataFrame | None = None,
    annual_rate: float = 0.1,
    horizon_days: int = 365,
    rule: PotentialRule = PotentialRule(),  # noqa: B008  (frozen)
    serving: bool = True,
    draws: int = ROW_DRAWS,
    level: float = 0.9,
    interval: Interval = "mean",
    seed: int = SEED,
) -> CustomerValue:
    """Value every customer of a company.

    *Historical value* is what the customer has brought: margin net of returns, less what serving the customer cost,
    each amount carried forward to ``as_of``. *Current value* is what the customer is expected to bring if the relation
    goes on as it is: all purchases to come, discounted, times expected spend times the customer's margin rate net of
    returns, less the cost to serve of a purchase. *Potential value* is what the customer could add by the `rule`. Where
    the company's margin is not known, revenue net of returns takes its place. Where contacts have no costs, none are
    deducted.

    Parameters
    ----------
    company : Company
        The company.
    model : PurchaseModel
        Model of purchases. If it is fitted it is used as it is, else a copy is fitted to the company's customers.
    spend : GammaGamma, Skipped or None
        Model of spend, fitted or not, in the same way; None, or the note that there was none, gives everybody the mean
        of all repeat purchases, or of the first ones where nobody has bought twice. That is also done, with a warning,
        where a model that is not fitted yet has nothing to learn from.
    summary : DataFrame, optional
        Customer summary with further columns, such as covariates of the model, or of some customers only; its
        histories must be those of the company's tables on ``as_of``. By default
        :func:`crm_lib.customers.customer_summary` in the model's unit of time, or
        :func:`crm_lib.customers.opportunity_summary` for :class:`crm_lib.clv.BGBB`.
    annual_rate : float
        Interest of a year, positive.
    horizon_days : int
        Time to come for the number of expected purchases.
    rule : PotentialRule
        Assumptions of potential value.
    serving : bool
        Whether to deduct costs to serve where they are known.
    draws : int
        Joint draws that the intervals rest on, at least 100.
    level : float
        Coverage of the intervals.
    interval : {"mean", "outcome"}
        "mean" gives intervals of what is expected of the customers, given what they did so far: they hold how well
        the parameters are known. "outcome" gives intervals of what customers will bring: they also hold that
        customers of equal history differ, and chance. Simulating that takes longer.
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
    MissingData
        If the rule names columns that the company does not have.
    ValueError
        If the rate is not positive, there are fewer than 100 draws, or the summary is not one of this company's
        customers on this day.

    Warns
    -----
    UserWarning
        If spend cannot be modelled, so that everybody is given the mean.

    Notes
    -----
    Discounting is that of :func:`crm_lib.clv.discounting.continuous_rate`. The intervals of current value come from
    joint draws: parameters of both models from their posteriors, mean margin rate and mean cost from the Bayesian
    bootstrap over customers. Margin rate and cost of a customer are drawn towards those of all
    (:func:`crm_lib.clv.credibility.credible_ratio`). The interval of potential value holds what is estimated, not
    whether the rule's assumptions come true.
    """
    if draws < 100:
        raise ValueError(f"the intervals need at least 100 draws, not {draws}")
    if interval not in ("mean", "outcome"):
        raise ValueError(f"interval is 'mean' or 'outcome', not {interval!r}")
    if summary is not None:
        check_summary(company, summary, model)
    customers = own_summary(company, model) if summary is None else summary
    if len(customers) == 0:
        raise TooLittleData(language.text("nobody has bought anything, so there is no customer to value"))
    terms = Terms(
        annual_rate=annual_rate, rule=rule, serving=serving, draws=draws, seed=seed, outcome=interval == "outcome"
    )
    known = None if isinstance(spend, Skipped) else spend
    future, past, serves = look_ahead(company, customers, model, known, terms)
    expected = future.expected()
    intervals, totals = future.intervals(level)
    horizon = horizon_days / UNIT_DAYS[model.unit]
    frame = pd.DataFrame(index=customers.index)
    frame["historical"] = past
    for part in ("current", "potential"):
        frame[part] = expected[part]
        # The value at the maximum of the likelihood stays inside: an interval without it could not be read.
        frame[f"{part}_low"] = np.minimum(intervals[f"{part}_low"], expected[part])
        frame[f"{part}_high"] = np.maximum(intervals[f"{part}_high"], expected[part])
    frame["probability_alive"] = expected["probability_alive"]
    frame["expected_purchases"] = future.model.expected_purchases(
        customers, float(round(horizon)) if model.discrete else horizon
    )
    frame["value_per_purchase"] = expected["value_per_purchase"]
    count = len(frame)
    current = _total(frame["current"], totals.current, count, company.currency, level)
    return CustomerValue(
        frame=frame,
        totals={
            "historical": Estimate.exact(float(past.sum()), n=count, unit=company.currency, method="sum"),
            "current": current,
            "potential": _total(frame["potential"], totals.potential, count, company.currency, level),
            "equity": current,
        },
        basis=basis_of(company),
        currency=company.currency,
        as_of=company.as_of,
        annual_rate=annual_rate,
        horizon_days=horizon_days,
        level=level,
        interval=interval,
        rule=rule,
        serving=serves,
        returns_only=returns_only_customers(company),
        summary=customers,
        future=future,
    )


def _total(values: pd.Series[float], draws: Array, count: int, currency: str, level: float) -> Estimate:
    value = float(values.sum())
    low, high = equal_tails(draws[:, 0], level)
    return Estimate(
        value=value,
        low=min(float(low), value),
        high=max(float(high), value),
        n=count,
        method="joint posterior draws of purchases, spend, margin rate and cost",
        level=level,
        unit=currency,
    )
