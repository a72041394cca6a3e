"""What memberships are worth: fee of a period times the renewals still to come, in the convention of purchases."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
import pandas as pd

from crm_lib.clv.contract_model import ContractModel
from crm_lib.clv.contracts import ShiftedBetaGeometric
from crm_lib.clv.discounting import period_discount
from crm_lib.clv.future_value import drawn_estimate
from crm_lib.clv.histories import Array
from crm_lib.clv.model import SEED
from crm_lib.company import Company
from crm_lib.errors import TooLittleData
from crm_lib.estimate import Estimate
from crm_lib.language import say

Days: TypeAlias = npt.NDArray[np.datetime64]
Counts: TypeAlias = npt.NDArray[np.int64]
_NO_PLAN, _ALL_PLANS = "(no plan)", "(all plans)"
_FEWEST = 30
"""Contracts that a plan must have for a model of its own."""
_DRAWS = 400


@dataclass(frozen=True, kw_only=True, eq=False)
class MembershipValue:
    """What memberships are worth, as :func:`membership_value` found it.

    `frame` has, by ``customer_id``: ``contracts``, ``running`` (not ended), ``historical``, and ``current`` (posterior
    mean; missing where no model could be fitted). `plans` has, by plan and months of a period: ``contracts``,
    ``running``, ``current``, ``retention`` (share expected to make the next renewal) and ``model`` (whose contracts it
    was fitted to). `contracts` are those of :func:`membership_periods`, `not_valued` running ones without a model,
    `incomplete` those without price or period.
    """

    frame: pd.DataFrame
    plans: pd.DataFrame
    totals: dict[str, Estimate]
    contracts: pd.DataFrame
    models: dict[tuple[str, int], ContractModel]
    not_valued: int
    incomplete: int
    currency: str
    as_of: dt.date
    annual_rate: float

    @property
    def convention(self) -> str:
        """How money was counted, in words for a reader."""
        return say(
            "All amounts are fees in {currency}, valued on {day:date} at {rate:share1} a year: fees paid carry "
            "interest; those to come are weighted by the probability of renewal and discounted.",
            currency=self.currency, day=self.as_of, rate=self.annual_rate,
        )  # fmt: skip


def membership_value(company: Company, *, annual_rate: float = 0.1, seed: int = SEED) -> MembershipValue:
    """Value the memberships of a company's customers: fee of a period × renewals still to come.

    Every plan has a shifted beta-geometric model of its own, fitted to the contracts that ended and those still
    running. A plan with fewer than 30, or whose fit does not converge, is given the model of all contracts with periods
    of the same length.

    Parameters
    ----------
    company : Company
        The company; its ``memberships`` need ``price`` and ``period_months``.
    annual_rate : float
        Interest of a year, positive.
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

    Notes
    -----
    Fees fall due at the beginning of a period, the next one at its day of renewal. They add to the value of purchases
    (:func:`customer_value`), which does not hold them unless they are booked as transactions.
    """
    contracts, incomplete = membership_periods(company, annual_rate=annual_rate)
    contracts["historical"] = contracts["price"] * contracts.pop("paid_carried")
    models, sources = _fits(contracts, seed)
    running = ~contracts["ended"]
    contracts["current"] = np.where(running, np.nan, 0.0)
    total, retention = np.zeros(_DRAWS), {}
    for key, model in models.items():
        rows = contracts.index[running & (contracts["plan"] == key[0]) & (contracts["period_months"] == key[1])]
        if len(rows):
            drawn, renewing = _drawn(model, contracts.loc[rows], period_discount(annual_rate, 12 / key[1]))
            contracts.loc[rows, "current"] = drawn.mean(axis=0)
            total, retention[key] = total + drawn.sum(axis=1), renewing
    not_valued = int(contracts.loc[running, "current"].isna().sum())
    if running.any() and not_valued == running.sum():
        raise TooLittleData("needs a plan with enough contracts that ended or were renewed", table="memberships")
    table = contracts.assign(running=running).groupby(["plan", "period_months"])
    plans = table.agg(contracts=("price", "size"), running=("running", "sum"), current=("current", "sum"))
    plans["retention"] = [retention.get(key, np.nan) for key in plans.index]
    plans["model"] = [sources.get(key, "") for key in plans.index]
    customers = contracts.assign(running=running).groupby("customer_id")
    frame = customers.agg(contracts=("price", "size"), running=("running", "sum")).astype("int64")
    return MembershipValue(
        frame=frame.join(customers[["historical", "current"]].sum(min_count=1)),
        plans=plans,
        totals={
            "historical": Estimate.exact(
                float(contracts["historical"].sum()), n=len(contracts), unit=company.currency, method="sum"
            ),
            "current": drawn_estimate(
                total, int(running.sum()), company.currency, "posterior draws of renewals"
            ),
        },
        contracts=contracts,
        models=models,
        not_valued=not_valued,
        incomplete=incomplete,
        currency=company.currency,
        as_of=company.as_of,
        annual_rate=annual_rate,
    )  # fmt: skip


def membership_periods(company: Company, *, annual_rate: float) -> tuple[pd.DataFrame, int]:
    """Return one row a contract with the periods paid and the time to the next renewal, and how many were incomplete.

    Period k begins k × ``period_months`` calendar months after the start, on the same day of the month or, in shorter
    months, on the last. A contract has ``paid`` every period that began while it ran, and by ``as_of``;
    ``paid_carried`` carries each forward from its first day. One that ended on the very day of a renewal was not
    renewed: some companies write the first day without the contract for its last. ``until_renewal`` is the time from
    ``as_of`` to the next renewal as a share of the period, ``duration`` the number of renewals made.
    """
    asked = ("customer_id", "started_at", "price", "period_months")
    frame = company.table("memberships", *asked)
    optional = [name for name in ("ended_at", "plan") if company.has("memberships", name)]
    rows: pd.DataFrame = frame.select(*asked, *optional).order_by("customer_id", "started_at").execute()
    complete = rows["price"].notna() & rows["period_months"].notna()
    incomplete = int((~complete).sum())
    rows = rows[complete].reset_index(drop=True)
    if rows.empty:
        raise TooLittleData("needs memberships with both price and period", table="memberships")
    as_of = np.datetime64(company.as_of, "D")
    started = rows["started_at"].to_numpy().astype("datetime64[D]")
    ended_at = pd.to_datetime(rows["ended_at"]) if "ended_at" in rows else pd.Series(pd.NaT, index=rows.index)
    ended = (ended_at.notna() & (ended_at <= pd.Timestamp(company.as_of))).to_numpy()
    last = np.where(ended, ended_at.to_numpy().astype("datetime64[D]"), as_of)
    months = rows["period_months"].to_numpy(dtype=np.int64)
    # The day before the end, as an end on the day of renewal pays for nothing more; the first period is always paid.
    until = np.maximum(np.where(ended, last - np.timedelta64(1, "D"), last), started)
    paid = np.maximum(_whole_months(started, until) // months + 1, 1)
    due, before = _months_later(started, paid * months), _months_later(started, (paid - 1) * months)
    wait = (due - as_of).astype(float) / (due - before).astype(float)
    contracts = pd.DataFrame(
        {
            "customer_id": rows["customer_id"],
            "plan": rows["plan"].fillna(_NO_PLAN) if "plan" in rows else _NO_PLAN,
            "period_months": months,
            "price": rows["price"].astype(float),
            "ended": ended,
            "paid": paid,
            "duration": paid - (~ended).astype(int),
            "paid_carried": _carried(started, months, paid, as_of, annual_rate),
            "until_renewal": np.where(ended, 0.0, np.clip(wait, 0.0, 1.0)),
        }
    )
    return contracts, incomplete


def _fits(
    contracts: pd.DataFrame, seed: int
) -> tuple[dict[tuple[str, int], ContractModel], dict[tuple[str, int], str]]:
    """Return the model of each plan, and to which contracts it was fitted."""
    models: dict[tuple[str, int], ContractModel] = {}
    sources: dict[tuple[str, int], str] = {}
    for _, alike in contracts.groupby("period_months"):
        pooled: ContractModel | None = None
        for plan, own in alike.groupby("plan"):
            key = (str(plan), int(own["period_months"].iloc[0]))
            fit, source = _fit(own) if len(own) >= _FEWEST else None, str(plan)
            if fit is None or not fit.converged_:
                pooled = _fit(alike) if pooled is None else pooled
                fit, source = pooled, _ALL_PLANS
            if fit is not None:
                # Plans are independent; the same random numbers for all would make them move together.
                fit.posterior(draws=_DRAWS, seed=seed + len(models))
                models[key], sources[key] = fit, source
    return models, sources


def _fit(contracts: pd.DataFrame) -> ContractModel | None:
    try:
        return ShiftedBetaGeometric().fit(contracts[["duration", "ended"]])
    except TooLittleData:
        return None


def _drawn(model: ContractModel, some: pd.DataFrame, discount: float) -> tuple[Array, float]:
    """Return draws (D, n) of the value of running contracts, and the share expected to make the next renewal."""
    tenures, place = np.unique(some["paid"].to_numpy(dtype=float), return_inverse=True)
    worth = some["price"].to_numpy() * discount ** some["until_renewal"].to_numpy()
    value = model._discounted(model._drawn.some(_DRAWS), tenures, discount)[:, place] * worth
    rates = np.exp(model._log_retention(model._fit_.theta[None, :], tenures)[0])
    return value, float(rates[place].mean())


def _whole_months(begin: Days, end: Days) -> Counts:
    """Return how many whole months lie between two days."""
    months = (end.astype("datetime64[M]") - begin.astype("datetime64[M]")).astype(np.int64)
    return np.asarray(months - (_months_later(begin, months) > end))


def _months_later(days: Days, months: Counts) -> Days:
    """Return the same day some months later, or the last of a month that is too short."""
    month = days.astype("datetime64[M]")
    place = (days - month.astype("datetime64[D]")).astype(np.int64)
    target = month + months
    length = ((target + 1).astype("datetime64[D]") - target.astype("datetime64[D]")).astype(np.int64)
    return np.asarray(target.astype("datetime64[D]") + np.minimum(place, length - 1))


def _carried(started: Days, months: Counts, paid: Counts, as_of: np.datetime64, rate: float) -> Array:
    """Return the sum, over the periods paid, of their value on `as_of`, each worth 1 on its first day."""
    contract = np.repeat(np.arange(len(paid)), paid)
    period = np.arange(len(contract)) - np.repeat(np.cumsum(paid) - paid, paid)
    passed = (as_of - _months_later(started[contract], period * months[contract])).astype(float)
    return np.asarray(np.bincount(contract, weights=(1 + rate) ** (passed / 365.25), minlength=len(paid)), dtype=float)
