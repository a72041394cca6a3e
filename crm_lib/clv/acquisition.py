"""What a newly won customer is worth, channel by channel, against what winning one costs."""

from __future__ import annotations

import copy
import warnings
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from crm_lib.clv.credibility import bootstrapped_means
from crm_lib.clv.discounting import continuous_rate
from crm_lib.clv.future_value import drawn_estimate, mean_and_ends
from crm_lib.clv.gamma_gamma import GammaGamma, HeavyTailWarning
from crm_lib.clv.histories import Array
from crm_lib.clv.intervals import equal_tails
from crm_lib.clv.model import SEED, ConvergenceWarning
from crm_lib.clv.potential import NOT_KNOWN
from crm_lib.clv.purchase_model import PurchaseModel
from crm_lib.clv.reach import days_ahead
from crm_lib.clv.realised import contact_costs, realised
from crm_lib.company import Company
from crm_lib.customers import UNIT_DAYS, Value, customer_summary, value_of
from crm_lib.errors import MissingData, TooLittleData
from crm_lib.estimate import LEVEL, Estimate
from crm_lib.finding import Criterion, Finding

_FEWEST, _FEWEST_REPEATERS = 200, 50
"""Customers, and customers with repeat purchases, that a channel must have for models of its own."""
_DRAWS = 400
"""Joint draws that the intervals rest on."""
_YEARS, _POINTS = 30.0, 120
"""How far payback is looked for, and in how many steps."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Acquisition:
    """New customers by channel, as :func:`acquisition_value` found them.

    `frame` has, by channel: ``customers`` won; ``acquisition_cost``, the mean cost of winning one (missing where none
    is known); ``clv``, the value of a new customer, first purchase included; their ``ratio``; ``payback_days``, after
    which the customer has covered the cost (infinite if never); each with ``_low`` and ``_high``; ``highest_bid``, most
    one may pay; ``pooled``, whether the models are those of all customers. `draws` are joint draws of ``clv``,
    ``acquisition_cost`` and ``ratio``, a column a channel; `channels` is the channel of each customer.
    """

    frame: pd.DataFrame
    draws: Mapping[str, pd.DataFrame]
    channels: pd.Series[str]
    won_last_year: pd.Series[int]
    basis: Value
    currency: str
    annual_rate: float


def acquisition_value(
    company: Company, *, model: PurchaseModel, annual_rate: float = 0.1, seed: int = SEED
) -> Acquisition:
    """Compare what new customers are worth with what winning them costs, by acquisition channel.

    The value of a new customer is what the first purchase brings, plus what all later ones are expected to bring,
    discounted to the day of the first. Copies of the models are fitted to each channel's own customers. Channels with
    fewer than 200 customers, fewer than 50 with repeat purchases, or on which the fit does not converge are given the
    models, margin rate and cost to serve of all customers; their acquisition cost is their own.

    Parameters
    ----------
    company : Company
        The company; its ``customers`` need ``acquisition_channel`` and ``acquisition_cost``.
    model : PurchaseModel
        Model of purchases; its settings are used.
    annual_rate : float
        Interest of a year, positive.
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
    bootstrap over the channel's customers. Times of payback are counted from the first purchase, up to thirty years;
    where purchases are known for less than a year, value and payback end as in :func:`customer_value`.
    """
    rows = _customers(company, model, annual_rate)
    ahead = days_ahead(rows, model.unit)
    times = (ahead or _YEARS * 365.25) / UNIT_DAYS[model.unit] * np.linspace(0, 1, _POINTS) ** 2
    rate = continuous_rate(annual_rate, model.unit)
    everyone = rows.drop(columns=["channel", "cost"])
    pooled = new_customers(everyone, copy.copy(model).fit(everyone), GammaGamma().fit(everyone), times, rate, seed)
    table, drawn = {}, {}
    for channel, own in rows.groupby("channel", sort=True):
        fits = _own_models(own, model)
        first, later, purchases, all_purchases = (
            pooled if fits is None else new_customers(own, *fits, times, rate, seed)
        )
        means = bootstrapped_means(own[["cost", "known_cost"]].to_numpy(), draws=_DRAWS, seed=seed)
        value, cost = first + later * (all_purchases if ahead is None else purchases[:, -1]), _over(*means.T)
        days = payback(first, later, purchases, cost, times) * UNIT_DAYS[model.unit]
        point = float(own["cost"].sum() / own["known_cost"].sum()) if own["known_cost"].any() else np.nan
        table[channel] = {"customers": len(own), **_columns(value, cost, point, days), "pooled": fits is None}
        drawn[channel] = {"clv": value, "acquisition_cost": cost, "ratio": _over(value, cost)}
    since = pd.Timestamp(company.as_of) - pd.Timedelta(days=365)
    won = (rows["first_purchase"] > since).groupby(rows["channel"]).sum().astype("int64")
    return Acquisition(
        frame=pd.DataFrame.from_dict(table, orient="index").rename_axis("channel").astype({"pooled": bool}),
        draws={
            name: pd.DataFrame({channel: each[name] for channel, each in drawn.items()})
            for name in ("clv", "acquisition_cost", "ratio")
        },
        channels=rows["channel"],
        won_last_year=won,
        basis=value_of(company),
        currency=company.currency,
        annual_rate=annual_rate,
    )


def new_customers(
    own: pd.DataFrame, model: PurchaseModel, spend: GammaGamma, times: Array, rate: float, seed: int
) -> tuple[Array, Array, Array, Array]:
    """Return draws about a channel's customers at the moment they are won.

    They are: what the first purchase brings (D,), what a later one brings (D,), the discounted number of later ones up
    to each time (D, K), and the same to infinity (D,).
    """
    sums = bootstrapped_means(
        own[["part", "whole", "serving", "purchases", "first_sale"]].to_numpy(), draws=_DRAWS, seed=seed
    )
    margin_rate, cost = _over(sums[:, 0], sums[:, 1]), sums[:, 2] / sums[:, 3]
    model.posterior(draws=_DRAWS, seed=seed)
    spend.posterior(draws=_DRAWS, seed=seed)
    theta = model._drawn.some(_DRAWS)
    newcomer = pd.DataFrame({"frequency": [0.0], "monetary_value": [np.nan]})
    order = np.random.default_rng([seed, 3]).permutation(_DRAWS)
    return (
        sums[:, 4] * margin_rate - cost,
        spend.drawn_spend(newcomer, draws=_DRAWS)[order, 0] * margin_rate - cost,
        discounted_by(model._expected_new(theta, times), times, rate),
        model._discounted_new(theta, rate)[:, 0],
    )


def discounted_by(expected: Array, times: Array, rate: float) -> Array:
    """Return discounted numbers of events up to each time (D, K), from expected numbers spread evenly in between."""
    steps = np.diff(times)
    # The mean discount factor of each interval, exact for evenly spread events.
    factors = np.exp(-rate * times[:-1]) * -np.expm1(-rate * steps) / (rate * steps)
    gained = np.diff(expected, axis=1) * factors
    return np.concatenate([np.zeros((len(expected), 1)), np.cumsum(gained, axis=1)], axis=1)


def payback(first: Array, later: Array, purchases: Array, cost: Array, times: Array) -> Array:
    """Return the first time at which what a customer brought covers the cost; infinite if never, NaN if not known.

    >>> times = np.array([0.0, 1.0, 2.0])
    >>> bought = np.array([[0.0, 1.0, 2.0]] * 3)
    >>> payback(np.full(3, 4.0), np.full(3, 2.0), bought, np.array([3.0, 7.0, 9.0]), times).tolist()
    [0.0, 1.5, inf]
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        needed = np.where(later > 0, (cost - first) / later, np.inf)
    needed = np.where(cost <= first, 0.0, needed)
    place = (purchases < needed[:, None]).sum(axis=1)
    after = np.clip(place, 1, len(times) - 1)
    rows = np.arange(len(needed))
    low, high = purchases[rows, after - 1], purchases[rows, after]
    share = (needed - low) / np.where(high > low, high - low, 1.0)
    found = times[after - 1] + share * (times[after] - times[after - 1])
    found = np.where(place == 0, 0.0, np.where(place == len(times), np.inf, found))
    return np.where(np.isnan(cost), np.nan, found)


def finding_channels_pay(acquisition: Acquisition) -> Finding:
    """Return the finding on whether every channel earns back what its customers cost.

    It is on the lowest ratio of value to cost. Its interval runs from the lowest lower to the lowest upper end of
    intervals that hold together (Bonferroni), so that picking the worst of many channels does not count as evidence.
    """
    frame = acquisition.frame
    known = frame[frame["acquisition_cost"].gt(0) & frame["ratio"].notna()].drop(index=NOT_KNOWN, errors="ignore")
    if known.empty:
        raise TooLittleData("needs a channel with a known cost above 0", table="customers")
    low, high = equal_tails(acquisition.draws["ratio"][list(known.index)].to_numpy(), 1 - (1 - LEVEL) / len(known))
    worst = str(known["ratio"].idxmin())
    value, row = float(known["ratio"].min()), known.loc[[worst]].iloc[0].astype(float)
    n, currency = int(row["customers"]), acquisition.currency
    gain = (acquisition.draws["clv"][worst] - acquisition.draws["acquisition_cost"][worst]).to_numpy()
    won = int(acquisition.won_last_year[worst])
    return Finding(
        key="clv.channels_pay",
        claim="Every acquisition channel earns back what its customers cost.",
        source="Textbook 4.1, cost of winning and of keeping",
        estimate=Estimate(
            value=value, low=min(float(low.min()), value), high=max(float(high.min()), value),
            n=int(known["customers"].sum()), method=f"joint posterior draws, Bonferroni over {len(known)} channels",
        ),
        criterion=Criterion(low=1.0),
        sentence="The weakest channel is {channel}: a new customer is worth {clv} and costs {cost}, a ratio of "
        "{estimate}.",
        if_supported="Every channel pays. Put more money into the best ones only while further customers there cost no "
        "more.",
        if_not_supported="Stop paying this price for customers from {channel}: bid at most what one is worth.",
        if_undecided="Put no more money into {channel} until it is known to pay; the other channels are safer.",
        values={
            "channel": worst,
            "clv": _estimate(row, "clv", n, currency),
            "cost": _estimate(row, "acquisition_cost", n, currency),
        },
        money_at_stake=drawn_estimate(gain * won, won, currency, "joint posterior draws"),
        money_note="value less cost of the customers won from {channel} in the last year",
    )  # fmt: skip


def _customers(company: Company, model: PurchaseModel, annual_rate: float) -> pd.DataFrame:
    known = company.frame("customers", "customer_id", "acquisition_channel", "acquisition_cost")
    known = known.drop_duplicates("customer_id").set_index("customer_id")
    rows = customer_summary(company, model.unit).join(realised(company, annual_rate=annual_rate))
    costs = contact_costs(company, annual_rate=annual_rate)
    rows["serving"] = 0.0 if costs is None else costs["part"].reindex(rows.index, fill_value=0.0)
    # Sales of the first purchase: all that was bought, less what was bought later.
    rows["first_sale"] = rows["revenue"] + rows["returns"] - (rows["monetary_value"] * rows["frequency"]).fillna(0.0)
    rows["purchases"] = rows["frequency"] + 1.0
    rows["channel"] = known["acquisition_channel"].reindex(rows.index).fillna(NOT_KNOWN)
    cost = known["acquisition_cost"].reindex(rows.index).astype(float)
    rows["known_cost"], rows["cost"] = cost.notna().astype(float), cost.fillna(0.0)
    if (rows["channel"] == NOT_KNOWN).all():
        raise TooLittleData("needs customers of a known acquisition channel", table="customers")
    if not rows["known_cost"].any():
        raise MissingData("customers", ["acquisition_cost"])
    return rows.drop(columns="customers", errors="ignore")


def _own_models(own: pd.DataFrame, model: PurchaseModel) -> tuple[PurchaseModel, GammaGamma] | None:
    if len(own) < _FEWEST or (own["frequency"] > 0).sum() < _FEWEST_REPEATERS:
        return None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        warnings.simplefilter("ignore", HeavyTailWarning)
        try:
            fits = copy.copy(model).fit(own), GammaGamma().fit(own)
        except TooLittleData:
            return None
    return fits if all(fit.converged_ for fit in fits) else None


def _over(part: Array, whole: Array) -> Array:
    return np.asarray(part / np.where(whole > 0, whole, np.nan))


def _columns(value: Array, cost: Array, point: float, days: Array) -> dict[str, float]:
    (clv,), (low,), (high,) = mean_and_ends(value[:, None])
    columns = {"clv": float(clv), "clv_low": float(low), "clv_high": float(high)}
    ratio = float(_over(clv, np.array(point)))
    for name, middle, sample, whole in (
        ("acquisition_cost", point, cost, False),
        ("ratio", ratio, _over(value, cost), False),
        ("payback_days", float(np.quantile(days, 0.5, method="inverted_cdf")), days, True),
    ):
        ends = (np.nan, np.nan) if np.isnan(sample).any() else equal_tails(sample, LEVEL, whole=whole)
        low, high = float(ends[0]), float(ends[1])
        inside = np.isnan(low) or low <= middle <= high
        columns |= {name: middle if inside else float(np.median(sample)), f"{name}_low": low, f"{name}_high": high}
    # Nobody pays to be rid of a customer who is not won yet: less than nothing is nothing.
    return {**columns, "highest_bid": max(float(clv), 0.0)}


def _estimate(row: pd.Series[float], name: str, n: int, currency: str) -> Estimate:
    return Estimate(
        value=float(row[name]), low=float(row[f"{name}_low"]), high=float(row[f"{name}_high"]), n=n, unit=currency,
        method="joint posterior draws",
    )  # fmt: skip
