"""An experiment before it begins: how many customers and days it needs, and who is drawn into which arm."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import ibis
import numpy as np
import pandas as pd

from crm_lib.churn.amounts import value_between
from crm_lib.churn.experiments import CONTROLS, FEWEST
from crm_lib.company import Company
from crm_lib.customers import Value, customer_window, value_of
from crm_lib.errors import TooLittleData
from crm_lib.estimate import LEVEL
from crm_lib.language import say

WINDOWS: Final = (28, 91)
"""Days of outcome windows that are tried."""
POWER: Final = 0.8
"""Chance to see an effect, by custom."""
_YEAR, _STRATA = 365, 5


@dataclass(frozen=True, kw_only=True, eq=False)
class Design:
    """What an experiment with one offer needs to show a relative `effect` in four of five cases.

    `frame`, by ``days`` of the outcome window: ``share`` who bought, ``mean`` and ``spread`` of value a customer,
    ``explained`` (share of its variance that the year before tells), ``for_buyers`` and ``for_value`` (customers an
    arm). `days` is the window that needs fewest customers for value, `available` how many there are.
    """

    frame: pd.DataFrame
    effect: float
    days: int
    available: int
    value_kind: Value
    currency: str
    as_of: dt.date

    @property
    def detectable(self) -> float:
        """The smallest relative effect on value that all available customers, split in two, would show."""
        return self.effect * float(np.sqrt(2 * self.frame["for_value"][self.days] / self.available))

    def curve(self) -> pd.DataFrame:
        """Return the chance of seeing the effect on ``power_buyers`` and on ``power_value``, by customers an arm."""
        from statsmodels.stats.power import NormalIndPower

        row = self.frame.T[self.days]
        sizes = np.unique(np.geomspace(FEWEST, 2 * max(row["for_buyers"], row["for_value"]), 60).astype(int))
        size = _standardised(row, self.effect).items()
        told = {f"power_{name}": NormalIndPower().power(each, sizes, 1 - LEVEL) for name, each in size}
        return pd.DataFrame(told, index=pd.Index(sizes, name="arm_size"))


def design_experiment(company: Company, *, effect: float) -> Design:
    """Tell how many customers an arm an experiment needs, by the company's own customers of the last days.

    Parameters
    ----------
    company : Company
        The company.
    effect : float
        Relative rise to be seen, of the share who buy and of value: 0.1 is a tenth more.

    Returns
    -------
    Design
        Sizes by outcome window.

    Raises
    ------
    ValueError
        If the effect is not positive.
    TooLittleData
        If fewer than 100 customers of a year could have bought in the weeks after it, or nobody or everybody did.

    Notes
    -----
    Customers are those who bought in the year before the window. Value is compared with the year before taken into
    account, as :func:`read_out` does. How many come and what they buy depends on the season.
    """
    if not effect > 0:
        raise ValueError(f"effect must be positive, not {effect}")
    from statsmodels.stats.power import NormalIndPower

    kind, needed = value_of(company), NormalIndPower().solve_power
    rows = []
    for days in WINDOWS:
        begin = company.as_of - dt.timedelta(days=days)
        try:
            before = customer_window(company, days=_YEAR, ending=begin).query("orders > 0").reset_index()
        except TooLittleData:
            break
        ends = (pd.Series(pd.Timestamp(day), before.index) for day in (begin + dt.timedelta(days=1), company.as_of))
        x, y = before[kind].to_numpy(float), value_between(company, before, *ends).to_numpy()
        if not (len(y) >= 2 * FEWEST and y.mean() > 0 and (y != 0).mean() * (1 + effect) < 1 and x.std() > 0):
            continue
        row = pd.Series({"share": (y != 0).mean(), "mean": y.mean(), "spread": y.std(ddof=1),
                         "explained": np.corrcoef(x, y)[0, 1] ** 2}, name=days)  # fmt: skip
        for name, size in _standardised(row, effect).items():
            row[f"for_{name}"] = np.ceil(needed(size, alpha=1 - LEVEL, power=POWER))
        rows.append(row)
    if not rows:
        raise TooLittleData(say("needs customers of a year who buy in the weeks after it, but not all of them"))
    frame = pd.DataFrame(rows).rename_axis("days").astype({"for_buyers": int, "for_value": int})
    days = min(WINDOWS, key=lambda each: frame["for_value"].get(each, np.inf))
    return Design(
        frame=frame, effect=effect, days=days, available=len(_free(company)),
        value_kind=kind, currency=company.currency, as_of=company.as_of,
    )  # fmt: skip


def assign(company: Company, *, campaign: str, arms: Sequence[str], days: int, seed: int) -> pd.DataFrame:
    """Draw the arms of a campaign that begins tomorrow: rows of the schema's table ``assignments``.

    Drawn are customers who bought in the last year, may be contacted, and are in no campaign whose outcome is open;
    arms differ by at most one customer in each fifth of value. The same customers and seed give the same arms, in
    whatever order they come. One of the arms is that of a control group.
    """
    if len(set(arms)) < max(len(arms), 2) or not any(arm.strip().lower() in CONTROLS for arm in arms) or days < 1:
        raise ValueError(f"needs two arms or more, one of them 'control', and a day or more: {list(arms)}, {days}")
    free = _free(company)
    if len(free) < FEWEST * len(arms):
        message = "needs {n:count} customers who may be contacted, {each} an arm; there are {free:count}"
        raise TooLittleData(say(message, n=FEWEST * len(arms), each=FEWEST, free=len(free)))
    rng = np.random.default_rng(seed)
    free = free.sort_index(key=lambda names: names.astype(str))
    stratum = (free.rank(method="first") - 1) * _STRATA // len(free)
    order = np.lexsort((rng.random(len(free)), stratum))
    # Arms are dealt in turn through each fifth, whose order is drawn.
    arm = np.empty(len(free), dtype=object)
    arm[order] = np.resize(np.array(arms, dtype=object), len(free))
    first = company.as_of + dt.timedelta(days=1)
    return pd.DataFrame({
        "campaign_id": campaign, "customer_id": free.index, "assigned_at": first, "arm": arm, "randomised": True,
        "outcome_from": first, "outcome_to": company.as_of + dt.timedelta(days=days),
    })  # fmt: skip


def _free(company: Company) -> pd.Series[float]:
    """Return what those brought in the last year who may be contacted and are in no campaign still open."""
    window = customer_window(company, days=_YEAR)
    free = window.loc[window["orders"] > 0, value_of(company)].astype(float)
    if company.has("customers", "contact_allowed"):
        told = company.frame("customers", "customer_id", "contact_allowed").set_index("customer_id")["contact_allowed"]
        free = free.drop(told.index[told.eq(False)], errors="ignore")
    if company.has("assignments", "outcome_to"):
        rows = company.table("assignments")
        busy = rows.filter(rows.outcome_to.cast("date") > ibis.literal(company.as_of)).select("customer_id").distinct()
        free = free.drop(busy.execute()["customer_id"], errors="ignore")
    return free


def _standardised(row: pd.Series[Any], effect: float) -> dict[str, float]:
    """Return the effect in standard deviations, of buyers (arcsine) and of value less what the year before tells."""
    from statsmodels.stats.proportion import proportion_effectsize

    left = row["spread"] * np.sqrt(1 - row["explained"])
    return {
        "buyers": float(proportion_effectsize(row["share"] * (1 + effect), row["share"])),
        "value": float(effect * row["mean"] / left),
    }
