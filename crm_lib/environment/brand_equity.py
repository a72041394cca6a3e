"""Customer equity by brand: what today's buyers will bring each brand, and what it is worth to keep or win one more."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from crm_lib.company import Company
from crm_lib.environment.gaps import benchmarks
from crm_lib.environment.switching import Switching
from crm_lib.errors import CompanyError, MissingData
from crm_lib.estimate import LEVEL
from crm_lib.language import say
from crm_lib.satisfaction.weighting import percentile
from crm_lib.statistics.resampling import Floats


@dataclass(frozen=True, kw_only=True, eq=False)
class BrandEquity:
    """What the buyers of today bring each brand over the coming `years`, discounted.

    `frame` by brand: ``equity`` (Estimate: a buyer of the market, in `currency`; in purchases where no values are
    known), ``share`` (of all brands' equity) and ``now`` (share of buyers today). `levers` by what is changed by one
    point: ``worth`` (Estimate: the rise of the own equity, a thousand buyers of the market), the most that it may cost.
    """

    frame: pd.DataFrame
    levers: pd.DataFrame
    years: float
    currency: str
    measure: str
    own: str


def brand_equity(
    company: Company,
    switching: Switching,
    *,
    annual_rate: float,
    purchases_a_year: float,
    years: float,
    value_measure: str = "",
) -> BrandEquity:
    """Return customer equity and its share by brand (Rust, Lemon & Zeithaml 2004, Journal of Marketing 68, 109-127).

    A buyer of brand i buys brand j at the t-th purchase from now with the chance in row i, column j of the t-th power
    of the matrix of switching; what that purchase brings is discounted to today.

    Parameters
    ----------
    company, switching : Company, Switching
        The company, and how buyers switch.
    annual_rate, purchases_a_year, years : float
        Rate of discount; purchases between two answers of the panel make one step; years that count.
    value_measure : str
        Measure of ``competitors`` that says what a buyer brings each brand in a year. By default purchases count alike.

    Raises
    ------
    CompanyError
        If no measure has this name; the error names those there are.
    MissingData
        If a brand of the panel lacks the measure.

    Notes
    -----
    The paper ties staying to ratings by a logit model of single buyers, which takes each buyer's ratings of all brands;
    no table here holds these. What one point more of staying or winning is worth is returned instead: the most that any
    way to it may cost. Ratings of the own customers and who bought again do not stand in for them: of the demo's 852
    who were followed, no quality goes with staying (all p above 0.17).
    """
    if not (annual_rate > -1 and purchases_a_year > 0 and years > 0):
        raise ValueError("annual_rate must be above -1, purchases_a_year and years positive")
    brands, money = list(switching.flows.index), bool(value_measure)
    value = _values(company, brands, value_measure) / purchases_a_year if money else np.ones(len(brands))
    terms = {"step": (1 + annual_rate) ** (-1 / purchases_a_year), "steps": round(years * purchases_a_year)}
    start, moves = switching.draws_now, switching.draws
    equity = discounted(start, moves, **terms) * value
    shares, n = equity / equity.sum(axis=1, keepdims=True), switching.buyers
    unit = company.currency if money else "purchases"
    frame = pd.DataFrame(
        {
            "equity": [percentile(one, n=n, unit=unit) for one in equity.T],
            "share": [percentile(one, n=n, unit="share") for one in shares.T],
            "now": list(switching.shares["now"]),
        },
        index=pd.Index(brands, name="brand"),
    )
    several, levers = 1 - (1 - LEVEL) / len(brands), {}
    for place, brand in enumerate(brands):
        more = moves.copy()
        # One point more buy the own brand next; the others' chances shrink in proportion, as in a logit model.
        to_own = np.minimum(moves[:, place, 0] + 0.01, 1.0)
        more[:, place] *= ((1 - to_own) / np.maximum(1 - moves[:, place, 0], 1e-12))[:, None]
        more[:, place, 0] = to_own
        gain = 1000 * (discounted(start, more, **terms) * value - equity)[:, 0]
        levers[brand] = {"worth": percentile(gain, n=n, unit=unit, level=several)}
    return BrandEquity(
        frame=frame, levers=pd.DataFrame.from_dict(levers, orient="index").rename_axis("brand"), years=years,
        currency=company.currency if money else "", measure=value_measure, own=switching.own,
    )  # fmt: skip


def discounted(start: Floats, moves: Floats, *, step: float, steps: int) -> Floats:
    """Return the discounted purchases of each brand, today's included; shapes (..., k) and (..., k, k)."""
    total = now = start
    for number in range(1, steps + 1):
        now = (now[..., None, :] @ moves)[..., 0, :]
        total = total + step**number * now
    return np.asarray(total)


def _values(company: Company, brands: list[str], measure: str) -> Floats:
    rows, _ = benchmarks(company)
    named = rows[rows["measure"] == measure]
    if named.empty:
        raise CompanyError(say("table 'competitors' has no measure '{name}'; it has {all:words}", name=measure,
                               all=sorted(set(rows["measure"]))))  # fmt: skip
    last: Any = named.groupby("brand")["value"].last().reindex(brands)
    if last.isna().any():
        raise MissingData("competitors", [f"value ('{measure}' of {name})" for name in last.index[last.isna()]])
    return np.asarray(last, dtype=np.float64)
