"""What memberships are worth: margin of a period times the renewals still to come, in the convention of purchases."""

from __future__ import annotations

import copy
import datetime as dt
from dataclasses import dataclass

import numpy as np
import pandas as pd

from crm_lib import language
from crm_lib.clv.contract_model import ContractModel
from crm_lib.clv.contract_terms import period_discount
from crm_lib.clv.histories import Array
from crm_lib.clv.intervals import equal_tails, row_blocks
from crm_lib.clv.membership_periods import membership_periods
from crm_lib.clv.model import SEED
from crm_lib.clv.shifted_beta_geometric import ShiftedBetaGeometric
from crm_lib.company import Company
from crm_lib.errors import TooLittleData
from crm_lib.estimate import Estimate

_CONVENTION = (
    "All amounts are {margin} of the fees in {currency}, valued on {day} at {rate} a year: fees paid are carried "
    "forward to that day, those to come are counted with the probability of the renewal and discounted to it."
)
_ALL_PLANS = "(all plans)"
_FEWEST = 30
"""Contracts that a plan must have for a model of its own."""


@dataclass(frozen=True, kw_only=True, eq=False)
class MembershipValue:
    """What memberships are worth, as :func:`membership_value` found it.

    Parameters
    ----------
    frame : DataFrame
        Indexed by ``customer_id``, one row for each customer who has or had a membership: ``contracts``, ``running``
        (contracts not ended), ``historical``, and ``current`` with ``current_low`` and ``current_high`` (0 for those
        who have none running; missing where no model could be fitted).
    plans : DataFrame
        Indexed by plan and months of a period: ``contracts``, ``running``, ``current``, ``retention`` (share of those
        running that is expected to make the next renewal) and ``model`` (the plan whose contracts the model was fitted
        to: the plan itself, or all of the same period).
    totals : dict of str to Estimate
        ``historical`` (counted) and ``current``.
    models : dict of tuple to ContractModel
        The fitted model of each plan.
    not_valued : int
        Running contracts of plans to which no model could be fitted; they are in no current value.
    incomplete : int
        Contracts without price or period, which are left out.
    currency : str
        ISO code.
    as_of : date
        Day of the valuation.
    annual_rate, margin, level : float
        Interest of a year; share of the fee that is margin; coverage of the intervals.
    """

    frame: pd.DataFrame
    plans: pd.DataFrame
    totals: dict[str, Estimate]
    models: dict[tuple[str, int], ContractModel]
    not_valued: int
    incomplete: int
    currency: str
    as_of: dt.date
    annual_rate: float
    margin: float
    level: float

    @property
    def convention(self) -> str:
        """How money was counted, in words for a reader."""
        return language.text(_CONVENTION).format(
            margin=language.share(self.margin),
            currency=self.currency,
            day=language.date(self.as_of),
            rate=language.share(self.annual_rate, 1),
        )


def membership_value(
    company: Company,
    *,
    model: ContractModel = ShiftedBetaGeometric(),  # noqa: B008  (never changed: copies are fitted)
    annual_rate: float = 0.1,
    margin: float = 1.0,
    draws: int = 1000,
    level: float = 0.9,
    seed: int = SEED,
) -> MembershipValue:
    """Value the memberships of a company's customers: margin of a period × renewals still to come.

    Every plan is a model of its own, fitted to the contracts that ended and those still running. A plan with fewer
    than 30, or whose fit does not converge, is given the model of all contracts with periods of the same length.

    Parameters
    ----------
    company : Company
        The company; its ``memberships`` need ``price`` and ``period_months``.
    model : ContractModel
        Model of renewals; its settings are used.
    annual_rate : float
        Interest of a year, positive.
    margin : float
        Share of the fee that is margin; an assumption, as contracts have no costs of their own in the tables.
    draws : int
        Posterior draws that the intervals rest on, at least 100.
    level : float
        Coverage of the intervals.
    seed : int
        Seed of the draws.

    Returns
    -------
    MembershipValue
        Values by customer and plan, and totals.

    Raises
    ------
    MissingData
        If there are no memberships, or their price or period is not known.
    TooLittleData
        If no contract is complete, or contracts run but no plan has enough for a model.
    ValueError
        If the margin lies outside 0 to 1.

    Notes
    -----
    Fees fall due at the beginning of a period. A fee paid d days before ``as_of`` counts :math:`(1 + rate)^{d /
    365.25}` times; those to come are counted by
    :meth:`crm_lib.clv.ContractModel.discounted_expected_residual_lifetime`, the next one at its day of renewal. Fees
    add to the value of purchases (:func:`crm_lib.clv.customer_value`), which does not hold them unless they are booked
    as transactions.
    """
    if not 0 <= margin <= 1:
        raise ValueError(f"margin is a share of the fee, from 0 to 1, not {margin:g}")
    if draws < 100:
        raise ValueError(f"the intervals need at least 100 draws, not {draws}")
    contracts, incomplete = membership_periods(company, annual_rate=annual_rate)
    contracts["historical"] = margin * contracts["price"] * contracts.pop("paid_carried")
    models, sources = _fits(contracts, model, draws, seed)
    contracts["plan_key"] = list(zip(contracts["plan"], contracts["period_months"], strict=True))
    columns, totals, retention = _values(
        contracts, models, annual_rate=annual_rate, margin=margin, draws=draws, level=level
    )
    contracts = contracts.assign(**columns)
    running = ~contracts["ended"]
    not_valued = int(contracts.loc[running, "current"].isna().sum())
    if running.any() and not_valued == running.sum():
        raise TooLittleData(
            "no plan has enough contracts that ended or were renewed for a model of renewals", table="memberships"
        )
    frame = _by_customer(contracts, running)
    plans = contracts.assign(running=running).groupby(["plan", "period_months"])
    table = plans.agg(contracts=("price", "size"), running=("running", "sum"), current=("current", "sum"))
    table["retention"] = [retention.get(key, np.nan) for key in table.index]
    table["model"] = [sources.get(key, "") for key in table.index]
    current = float(contracts["current"].sum())
    low, high = equal_tails(totals[:, None], level)
    return MembershipValue(
        frame=frame,
        plans=table,
        totals={
            "historical": Estimate.exact(
                float(contracts["historical"].sum()), n=len(contracts), unit=company.currency, method="sum"
            ),
            "current": Estimate(
                value=current,
                low=min(float(low[0]), current),
                high=max(float(high[0]), current),
                n=int(running.sum()),
                method="posterior draws of renewals",
                level=level,
                unit=company.currency,
            ),
        },
        models=models,
        not_valued=not_valued,
        incomplete=incomplete,
        currency=company.currency,
        as_of=company.as_of,
        annual_rate=annual_rate,
        margin=margin,
        level=level,
    )


def _fits(
    contracts: pd.DataFrame, model: ContractModel, draws: int, seed: int
) -> tuple[dict[tuple[str, int], ContractModel], dict[tuple[str, int], str]]:
    """Return the model of each plan, and to which contracts it was fitted."""
    models: dict[tuple[str, int], ContractModel] = {}
    sources: dict[tuple[str, int], str] = {}
    for months in sorted(set(contracts["period_months"])):
        alike = contracts[contracts["period_months"] == months]
        pooled: ContractModel | None = None
        for plan, own in alike.groupby("plan"):
            key = (str(plan), int(months))
            fit, source = _fit(own, model) if len(own) >= _FEWEST else None, str(plan)
            if fit is None or not fit.converged_:
                pooled = _fit(alike, model) if pooled is None else pooled
                fit, source = pooled, _ALL_PLANS
            if fit is not None:
                # Plans are independent; the same random numbers for all would make them move together.
                fit.posterior(draws=draws, seed=seed + len(models))
                models[key], sources[key] = fit, source
    return models, sources


def _fit(contracts: pd.DataFrame, model: ContractModel) -> ContractModel | None:
    data = pd.DataFrame(
        {"duration": contracts["paid"] - (~contracts["ended"]).astype(int), "ended": contracts["ended"]}
    )
    try:
        return copy.copy(model).fit(data)
    except TooLittleData:
        return None


def _values(
    contracts: pd.DataFrame,
    models: dict[tuple[str, int], ContractModel],
    *,
    annual_rate: float,
    margin: float,
    draws: int,
    level: float,
) -> tuple[dict[str, Array], Array, dict[tuple[str, int], float]]:
    """Return value and interval of each contract, draws of the total, and the retention rate of each plan."""
    ended = contracts["ended"].to_numpy()
    columns = {name: np.where(ended, 0.0, np.nan) for name in ("current", "current_low", "current_high")}
    totals, retention = np.zeros(draws), {}
    for key, model in models.items():
        rows = np.flatnonzero(((contracts["plan_key"] == key) & ~contracts["ended"]).to_numpy())
        if len(rows) == 0:
            continue
        some = contracts.iloc[rows]
        tenures, place = np.unique(some["paid"].to_numpy(dtype=float), return_inverse=True)
        discount = period_discount(annual_rate, 12 / key[1])
        worth = margin * some["price"].to_numpy() * discount ** some["until_renewal"].to_numpy()
        value = model._discounted(model._fit_.theta[None, :], tenures, discount)[0]
        sample = model._discounted(model._drawn.some(draws), tenures, discount)
        low, high = np.empty(len(tenures)), np.empty(len(tenures))
        for block in row_blocks(draws, len(tenures)):
            low[block], high[block] = equal_tails(sample[:, block], level)
        columns["current"][rows] = worth * value[place]
        columns["current_low"][rows] = worth * np.minimum(low, value)[place]
        columns["current_high"][rows] = worth * np.maximum(high, value)[place]
        totals += sample @ np.bincount(place, weights=worth, minlength=len(tenures))
        rates = np.exp(model._log_retention(model._fit_.theta[None, :], tenures)[0])
        retention[key] = float(rates[place].mean())
    return columns, totals, retention


def _by_customer(contracts: pd.DataFrame, running: pd.Series[bool]) -> pd.DataFrame:
    """Return one row a customer. Contracts of one customer share their parameters, so that their ends add up."""
    groups = contracts.assign(running=running).groupby("customer_id")
    money = groups[["historical", "current", "current_low", "current_high"]].sum(min_count=1)
    frame = groups.agg(contracts=("price", "size"), running=("running", "sum")).astype("int64")
    return frame.join(money)
