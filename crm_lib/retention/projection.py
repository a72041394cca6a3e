"""How many will still be there: models in which customers differ, against straight line and exponential decay."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd
from scipy.special import betaln
from scipy.stats import norm

from crm_lib.clv import BetaDiscreteWeibull, ContractModel, ConvergenceWarning, ShiftedBetaGeometric
from crm_lib.clv.memberships import membership_periods
from crm_lib.clv.model import SEED
from crm_lib.clv.survivors import read_survivors
from crm_lib.company import Company
from crm_lib.errors import TooLittleData
from crm_lib.estimate import LEVEL, Estimate
from crm_lib.finding import Criterion, Finding
from crm_lib.language import say
from crm_lib.retention.lives import Lives

MODELS: Final = {
    "sbg": "customers differ (sBG)",
    "bdw": "customers differ and change (BdW)",
    "exponential": "all alike (exponential)",
    "line": "straight line",
}
_QUARTER, _MONTH, _TEN_YEARS = 91, 30, 3652.5
_FEWEST = 100
"""Customers that must be up for a renewal for it to count."""
_SAME = 0.1
"""A power of time within so much of 1 means that the chance of leaving does not change with tenure."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Projection:
    """Survival of customers, seen and projected.

    `frame` by ``renewal``, from 0: ``seen`` (share who made so many renewals), and a column a model of :data:`MODELS`,
    each fitted to the first `fitted` renewals. `errors` by model: mean absolute error (share) of the renewals held out.
    `rates` by ``renewal``: ``seen`` retention, that of ``sbg``, and ``customers`` up for it. `model` is fitted to all;
    `lifetime` is the time a new customer is expected to stay within ten years, `change` the
    power of time of the BdW model, above 1 if customers become likelier to leave.
    """

    name: str
    frame: pd.DataFrame
    rates: pd.DataFrame
    errors: pd.Series[float]
    fitted: int
    model: ContractModel
    lifetime: Estimate
    change: Estimate
    period_days: int
    customers: int


def contract_projections(company: Company, *, seed: int = SEED) -> list[Projection]:
    """Project the renewals of each plan of contracts of which enough came up for renewal.

    Parameters
    ----------
    company : Company
        The company; its memberships need price and period.
    seed : int
        Seed of the draws behind the interval of the lifetime.

    Returns
    -------
    list of Projection
        A plan each, that with most contracts first.

    Raises
    ------
    MissingData
        If there are no contracts.
    TooLittleData
        If no plan has four renewals for each of which 100 contracts were up.
    """
    contracts, _ = membership_periods(company, annual_rate=0.1)
    found = []
    plans = contracts.groupby(["plan", "period_months"])
    for key, own in sorted(plans, key=lambda each: -len(each[1])):
        plan, months = str(key[0]), int(own["period_months"].iloc[0])
        try:
            found.append(project(own[["duration", "ended"]], name=plan, period_days=round(months * 30.4375), seed=seed))
        except TooLittleData:
            continue
    if not found:
        raise TooLittleData(
            say("needs a plan with four renewals, for each of which {n} contracts were up", n=_FEWEST),
            table="memberships",
        )
    return found


def purchase_projection(found: Lives, *, seed: int = SEED) -> Projection:
    """Project how many customers without contracts stay, quarter by quarter, or month by month in shorter data.

    Parameters
    ----------
    found : Lives
        How long customers stayed.
    seed : int
        Seed of the draws behind the interval of the lifetime.

    Returns
    -------
    Projection
        Of all customers.

    Raises
    ------
    TooLittleData
        If not 100 customers could be seen through four months.
    """
    length = _QUARTER if found.frame["seen"].max() >= 6 * _QUARTER else _MONTH
    return project(found.periods(length), name="purchases", period_days=length, seed=seed)


def project(
    data: pd.DataFrame, *, name: str = "", period_days: int = 365, fitted: int = 0, seed: int = SEED
) -> Projection:  # fmt: skip
    """Fit the models of renewal to the first renewals, and hold the others against them.

    Parameters
    ----------
    data : DataFrame
        ``duration`` and ``ended`` by contract, or ``period`` and ``survivors`` by cohort.
    name : str
        What the contracts are.
    period_days : int
        Days of a period.
    fitted : int
        Renewals that the models see; by default the first half.
    seed : int
        Seed of the draws.

    Returns
    -------
    Projection
        Curves, errors on the renewals held out, and the model fitted to all.

    Raises
    ------
    TooLittleData
        If fewer than four renewals had 100 contracts up for them.
    """
    read = read_survivors(data)
    enough = read.at_risk >= min(_FEWEST, read.total / 10)
    last = int(enough.argmin()) if not enough.all() else len(enough)
    if last < 4:
        raise TooLittleData(
            say("needs four periods after winning that {n} customers could reach", n=_FEWEST), table="contracts"
        )
    at_risk, losses = read.at_risk[:last], read.losses[:last]
    seen = np.concatenate([[1.0], np.cumprod(1 - losses / at_risk)])
    cut = fitted or (last + 1) // 2
    renewals = np.arange(last + 1)
    curves = {"seen": seen, **_projected(at_risk, losses, seen, cut)}
    frame = pd.DataFrame(curves, index=pd.Index(renewals, name="renewal"))
    held = renewals > cut
    errors = pd.Series({key: float(np.abs(frame[key] - seen)[held].mean()) for key in MODELS}, name="mae")
    model, weibull = _fit(ShiftedBetaGeometric(), at_risk, losses), _fit(BetaDiscreteWeibull(), at_risk, losses)
    rates = pd.DataFrame(
        {"customers": at_risk, "seen": 1 - losses / at_risk, "sbg": model.retention_rates(renewals[1:]).to_numpy()},
        index=pd.Index(renewals[1:], name="renewal"),
    )
    return Projection(
        name=name, frame=frame, rates=rates, errors=errors, fitted=cut, model=model, period_days=period_days,
        lifetime=_lifetime(model, period_days, int(read.total), seed), change=_power(weibull, int(read.total)),
        customers=int(read.total),
    )  # fmt: skip


def finding_sorting(found: Projection) -> Finding:
    """Return the finding on whether single customers become more loyal, or the disloyal leave first."""
    first, last = float(found.rates["seen"].iloc[0]), float(found.rates["seen"].iloc[-1])
    return Finding(
        key="retention.sorting",
        claim="Customers who stay become more loyal with time.",
        source="Textbook, stages of the relationship; Fader & Hardie 2007",
        estimate=found.change,
        criterion=Criterion(high=1 - _SAME),
        sentence="Retention goes from {first:share} to {last:share}. The power of time is {estimate}; 1 means nobody "
        "changes, the disloyal only leave first.",
        if_supported="Carry customers through the first periods: each one kept becomes safer.",
        if_not_supported="Do not take rising retention for success: it is sorting. Win better customers instead.",
        if_undecided="Do not take rising retention for success: sorting alone may explain it.",
        values={"first": first, "last": last},
    )


def _projected(at_risk: np.ndarray, losses: np.ndarray, seen: np.ndarray, cut: int) -> dict[str, np.ndarray]:
    """Return the survival that each model, having seen `cut` renewals, expects of all renewals."""
    renewals = np.arange(seen.size)
    slope, level = np.polyfit(renewals[: cut + 1], seen[: cut + 1], 1)
    kept = 1 - losses[:cut].sum() / at_risk[:cut].sum()
    models = {"sbg": ShiftedBetaGeometric(), "bdw": BetaDiscreteWeibull()}
    curves = {}
    for name, model in models.items():
        try:
            fit = _fit(model, at_risk[:cut], losses[:cut])
            curves[name] = fit.survival(renewals).to_numpy()
        except TooLittleData:
            curves[name] = np.full(seen.size, np.nan)
    # Nobody expects fewer than none, or more than there were.
    return {**curves, "exponential": kept**renewals, "line": np.clip(level + slope * renewals, 0, 1)}


def _fit(model: ContractModel, at_risk: np.ndarray, losses: np.ndarray) -> ContractModel:
    """Fit a model to renewals: who left at each, and who was last seen after it."""
    went = at_risk - losses - np.append(at_risk[1:], 0.0)
    number = np.arange(1, at_risk.size + 1)
    rows = pd.DataFrame({
        "duration": np.concatenate([number, number]), "customers": np.concatenate([losses, went]),
        "ended": np.repeat([True, False], at_risk.size),
    })  # fmt: skip
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return model.fit(rows)


def _lifetime(model: ContractModel, period_days: int, n: int, seed: int) -> Estimate:
    """Return the years that a new customer stays within ten years, the first period included."""
    times = np.arange(round(_TEN_YEARS / period_days))
    drawn = model.posterior(draws=1000, seed=seed).draws[["alpha", "beta"]].to_numpy()
    points = np.vstack([model.params_[["alpha", "beta"]].to_numpy(), drawn])
    leave, stay = points[:, :1], points[:, 1:]
    years = np.exp(betaln(leave, stay + times) - betaln(leave, stay)).sum(axis=1) * period_days / 365.25
    low, high = np.quantile(years[1:], [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    value = float(years[0])
    return Estimate(
        value=value, low=min(float(low), value), high=max(float(high), value), n=n,
        method="posterior of the sBG model", unit="years",
    )  # fmt: skip


def _power(model: ContractModel, n: int) -> Estimate:
    """Return the power of time, with a normal interval of its logarithm; not told where the fit has no maximum."""
    value, error = float(model.params_["c"]), float(model.standard_errors_["c"])
    reach = float(norm.ppf((1 + LEVEL) / 2)) * error / value
    if not (model.converged_ and np.isfinite(reach)):
        return Estimate(value=np.nan, low=-np.inf, high=np.inf, n=n, method="maximum likelihood")
    low, high = value * np.exp(-reach), value * np.exp(reach)
    return Estimate(value=value, low=float(low), high=float(high), n=n, method="maximum likelihood, normal")
