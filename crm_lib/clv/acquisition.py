"""What a newly won customer is worth, channel by channel, against what winning one costs."""

from __future__ import annotations

import copy
import warnings
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from crm_lib.clv.bootstrap import bootstrapped_means
from crm_lib.clv.discounting import continuous_rate
from crm_lib.clv.gamma_gamma import GammaGamma, HeavyTailWarning
from crm_lib.clv.histories import Array
from crm_lib.clv.intervals import equal_tails
from crm_lib.clv.model import SEED, ConvergenceWarning
from crm_lib.clv.payback import discounted_by, payback, payback_times
from crm_lib.clv.potential import NOT_KNOWN
from crm_lib.clv.purchase_model import PurchaseModel
from crm_lib.clv.realised import Basis, basis_of, contact_costs, realised
from crm_lib.company import Company
from crm_lib.customers import UNIT_DAYS, customer_summary
from crm_lib.errors import MissingData, TooLittleData

_FEWEST_REPEATERS = 50
"""Customers with repeat purchases that a channel must have for models of its own."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Acquisition:
    """New customers by channel, as :func:`acquisition_value` found them.

    Parameters
    ----------
    frame : DataFrame
        Indexed by channel: ``customers`` won; ``cost`` of winning one (mean; missing where no customer's cost is
        known), with ``_low`` and ``_high``; ``clv``, the value of a new customer at the moment of the first purchase,
        that purchase included, with ``_low`` and ``_high``; ``ratio`` of the two and ``payback_days``, the time after
        which what the customer has brought covers the cost (infinite if never), each with ``_low`` and ``_high``;
        ``highest_bid``, the most one may pay to win a customer, 0 where one is worth less than nothing; ``pooled``,
        whether the models of purchases and spend are those of all customers.
    draws : mapping of str to DataFrame (D rows)
        Joint draws of ``clv``, ``cost`` and ``ratio``, a column a channel.
    channels : Series
        Channel of each customer.
    won_last_year : Series
        Customers won by each channel in the last 365 days.
    basis : {"margin", "revenue"}
        What was counted.
    currency : str
        ISO code.
    annual_rate, level : float
        Interest of a year; coverage of the intervals.
    """

    frame: pd.DataFrame
    draws: Mapping[str, pd.DataFrame]
    channels: pd.Series[str]
    won_last_year: pd.Series[int]
    basis: Basis
    currency: str
    annual_rate: float
    level: float


@dataclass(frozen=True, kw_only=True, eq=False)
class NewCustomers:
    """Draws about the customers of a channel at the moment they are won; the point value first, then D draws.

    Parameters
    ----------
    first : array (1 + D,)
        What the first purchase brings.
    later : array (1 + D,)
        What a later purchase brings.
    purchases : array (1 + D, K)
        Discounted number of later purchases up to each time of the grid of payback.
    all_purchases : array (1 + D,)
        The same to infinity.
    """

    first: Array
    later: Array
    purchases: Array
    all_purchases: Array


@dataclass(frozen=True, kw_only=True, eq=False)
class _Grid:
    times: Array
    rate: float
    draws: int
    seed: int


def acquisition_value(
    company: Company,
    *,
    model: PurchaseModel,
    spend: GammaGamma = GammaGamma(),  # noqa: B008  (never changed: copies are fitted)
    annual_rate: float = 0.1,
    fewest: int = 200,
    serving: bool = True,
    draws: int = 2000,
    level: float = 0.9,
    seed: int = SEED,
) -> Acquisition:
    """Compare what new customers are worth with what winning them costs, by acquisition channel.

    The value of a new customer is what the first purchase brings, plus what all later ones are expected to bring,
    discounted to the day of the first. Copies of the models are fitted to each channel's own customers. Channels with
    fewer than `fewest` customers, fewer than 50 with repeat purchases, or on which the fit does not converge are given
    the models, margin rate and cost to serve of all customers; their acquisition cost is their own.

    Parameters
    ----------
    company : Company
        The company; its ``customers`` need ``acquisition_channel`` and ``acquisition_cost``.
    model : PurchaseModel
        Model of purchases; its settings are used. Covariates are taken at 0.
    spend : GammaGamma
        Model of spend; its settings are used.
    annual_rate : float
        Interest of a year, positive.
    fewest : int
        Customers that a channel must have for models of its own.
    serving : bool
        Whether to deduct costs to serve where they are known.
    draws : int
        Joint draws that the intervals rest on, at least 100.
    level : float
        Coverage of the intervals.
    seed : int
        Seed of the draws.

    Returns
    -------
    Acquisition
        A row a channel.

    Raises
    ------
    MissingData
        If channel or cost are not known.
    TooLittleData
        If no customer of a known channel has bought, or nothing tells what a purchase is worth.

    Notes
    -----
    Later purchases bring expected spend × margin rate (net of returns) - cost to serve. Draws are joint: parameters
    from the posteriors; value of the first purchase, margin rate, cost to serve and acquisition cost from one Bayesian
    bootstrap over the channel's customers. Times of payback lie on the company's calendar: days from the first
    purchase, up to thirty years; an infinite one is never.
    """
    if draws < 100:
        raise ValueError(f"the intervals need at least 100 draws, not {draws}")
    rows = _customers(company, model, annual_rate, serving)
    everyone = rows.drop(columns=["channel", "cost"])
    times = payback_times(model.unit)
    rate = continuous_rate(annual_rate, model.unit)
    grid = _Grid(times=times, rate=rate, draws=draws, seed=seed)
    pooled = _new_customers(everyone, copy.copy(model).fit(everyone), copy.copy(spend).fit(everyone), grid)
    results, drawn, table = {}, {}, {}
    for channel, own in rows.groupby("channel", sort=True):
        fits = _own_models(own, model, spend, fewest)
        found = pooled if fits is None else _new_customers(own, *fits, grid)
        cost = _with_point(own[["cost", "known_cost"]].to_numpy(), draws, seed)
        costs = cost[:, 0] / np.where(cost[:, 1] > 0, cost[:, 1], np.nan)
        value = found.first + found.later * found.all_purchases
        with np.errstate(divide="ignore", invalid="ignore"):
            ratio = value / costs
        days = payback(found.first, found.later, found.purchases, costs, times) * UNIT_DAYS[model.unit]
        results[channel] = {"cost": costs, "clv": value, "ratio": ratio, "payback": days}
        table[channel] = {"customers": len(own), **_columns(results[channel], level), "pooled": fits is None}
    for name in ("clv", "cost", "ratio"):
        drawn[name] = pd.DataFrame({channel: result[name][1:] for channel, result in results.items()})
    frame = pd.DataFrame.from_dict(table, orient="index").rename_axis("channel")
    return Acquisition(
        frame=frame.astype({"customers": "int64", "pooled": bool}),
        draws=drawn,
        channels=rows["channel"].rename("acquisition_channel"),
        won_last_year=_won(rows, company),
        basis=basis_of(company),
        currency=company.currency,
        annual_rate=annual_rate,
        level=level,
    )


def _customers(company: Company, model: PurchaseModel, annual_rate: float, serving: bool) -> pd.DataFrame:
    known = company.frame("customers", "customer_id", "acquisition_channel", "acquisition_cost")
    known = known.drop_duplicates("customer_id").set_index("customer_id")
    summary = customer_summary(company, model.unit)
    rows = summary.join(realised(company, annual_rate=annual_rate))
    costs = contact_costs(company, annual_rate=annual_rate) if serving else None
    rows["serving"] = 0.0 if costs is None else costs["part"].reindex(rows.index, fill_value=0.0)
    # Sales of the first purchase: all that was bought, less what was bought later.
    later = (rows["monetary_value"] * rows["frequency"]).fillna(0.0)
    rows["first_sale"] = rows["revenue"] + rows["returns"] - later
    rows["purchases"] = rows["frequency"] + 1.0
    rows["channel"] = known["acquisition_channel"].reindex(rows.index).fillna(NOT_KNOWN)
    cost = known["acquisition_cost"].reindex(rows.index).astype(float)
    rows["known_cost"], rows["cost"] = cost.notna().astype(float), cost.fillna(0.0)
    if (rows["channel"] == NOT_KNOWN).all():
        raise TooLittleData("no customer who bought has a known acquisition channel", table="customers")
    if not rows["known_cost"].any():
        raise MissingData("customers", ["acquisition_cost"])
    return rows.drop(columns="customers", errors="ignore")


def _own_models(
    own: pd.DataFrame, model: PurchaseModel, spend: GammaGamma, fewest: int
) -> tuple[PurchaseModel, GammaGamma] | None:
    if len(own) < fewest or (own["frequency"] > 0).sum() < _FEWEST_REPEATERS:
        return None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        warnings.simplefilter("ignore", HeavyTailWarning)
        try:
            fits = copy.copy(model).fit(own), copy.copy(spend).fit(own)
        except TooLittleData:
            return None
    return fits if all(fit.converged_ for fit in fits) else None


def _new_customers(own: pd.DataFrame, model: PurchaseModel, spend: GammaGamma, grid: _Grid) -> NewCustomers:
    draws, seed = grid.draws, grid.seed
    sums = _with_point(own[["part", "whole", "serving", "purchases", "first_sale"]].to_numpy(), draws, seed)
    margin_rate = sums[:, 0] / np.where(sums[:, 1] > 0, sums[:, 1], np.nan)
    cost = sums[:, 2] / sums[:, 3]
    newcomer = pd.DataFrame({"frequency": [0.0], "monetary_value": [np.nan]})
    model.posterior(draws=draws, seed=seed)
    spend.posterior(draws=draws, seed=seed)
    theta = np.vstack([model._fit_.theta, model._drawn.some(draws)])
    order = np.random.default_rng([seed, 3]).permutation(draws)
    means = np.concatenate(
        [spend.expected_spend(newcomer).to_numpy(), spend.drawn_spend(newcomer, draws=draws)[order, 0]]
    )
    return NewCustomers(
        first=sums[:, 4] * margin_rate - cost,
        later=means * margin_rate - cost,
        purchases=discounted_by(model._expected_new(theta, grid.times), grid.times, grid.rate),
        all_purchases=model._discounted_new(theta, grid.rate)[:, 0],
    )


def _with_point(columns: Array, draws: int, seed: int) -> Array:
    return np.vstack([columns.mean(axis=0), bootstrapped_means(columns, draws=draws, seed=seed)])


def _columns(result: Mapping[str, Array], level: float) -> dict[str, float]:
    columns: dict[str, float] = {}
    for name in ("cost", "clv", "ratio", "payback"):
        point, sample = float(result[name][0]), result[name][1:]
        low, high = (np.nan, np.nan) if np.isnan(sample).any() else equal_tails(sample, level, whole=True)
        label = "payback_days" if name == "payback" else name
        columns |= {label: point, f"{name}_low": min(float(low), point), f"{name}_high": max(float(high), point)}
    # Nobody pays to be rid of a customer who is not won yet: less than nothing is nothing.
    columns["highest_bid"] = max(columns["clv"], 0.0)
    return columns


def _won(rows: pd.DataFrame, company: Company) -> pd.Series[int]:
    since = pd.Timestamp(company.as_of) - pd.Timedelta(days=365)
    return (rows["first_purchase"] > since).groupby(rows["channel"]).sum().astype("int64").rename("won_last_year")
