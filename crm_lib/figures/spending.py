"""What may be spent on a customer: channels, limits, and what members bring."""

from __future__ import annotations

import dataclasses

import numpy as np
import pandas as pd

from crm_lib import language
from crm_lib.clv import Acquisition, MembershipValue
from crm_lib.errors import TooLittleData
from crm_lib.exhibit import Table
from crm_lib.figures.chart import Chart
from crm_lib.figures.columns import table
from crm_lib.figures.forms import curve, dots
from crm_lib.language import say

_MOST = 12
"""Channels drawn, those with the most customers; the table behind has all."""
_FEWEST = 10
"""Contracts that must be up for a renewal for its share to be drawn."""


def channel_value_chart(acquisition: Acquisition) -> Chart:
    """Draw the lifetime value of a customer won through each channel against the cost of winning one."""
    known = acquisition.frame.dropna(subset=["acquisition_cost", "clv"])
    if known.empty:
        raise TooLittleData("needs a channel with a known cost of acquisition", table="customers")
    paying = int((known["clv_low"] > known["acquisition_cost"]).sum())
    losing = int((known["clv_high"] < known["acquisition_cost"]).sum())
    words = "Customers of {paying:count} of {all:count} channels are worth more than they cost"
    if losing:
        words = "{losing:count} of {all:count} channels cost more than they bring"
    shown = (
        known.sort_values("customers", ascending=False, kind="stable").head(_MOST).sort_values("clv", ascending=False)
    )
    behind = acquisition_table(acquisition)
    return dots(
        shown,
        "clv",
        low="clv_low",
        high="clv_high",
        mark="acquisition_cost",
        name="channel_value",
        headline=say(words, paying=paying, losing=losing, all=len(known)),
        title=say("Lifetime value of a new customer (with interval) and cost of winning one, by channel"),
        currency=acquisition.currency,
        table=dataclasses.replace(behind, name="channel_value"),
    )


def acquisition_table(acquisition: Acquisition) -> Table:
    """Return what customers of each channel cost and bring, and what one may pay for one, the best ratio first."""
    frame = acquisition.frame.sort_values("ratio", ascending=False, kind="stable").copy()
    low, high, cost = frame["clv_low"], frame["clv_high"], frame["acquisition_cost"]
    frame["payback"] = [
        _payback(*row) for row in frame[[f"payback_days{end}" for end in ("", "_low", "_high")]].to_numpy()
    ]
    frame["judgement"] = np.select(
        [cost.isna(), low > cost, high < cost], ["–", say("pays"), say("does not pay")], say("undecided")
    )
    columns = [
        "customers",
        "acquisition_cost",
        "clv",
        "clv_low",
        "clv_high",
        "ratio",
        "payback",
        "highest_bid",
        "judgement",
    ]
    return table(
        "acquisition",
        say("What customers cost and bring, by channel"),
        frame[columns],
        currency=acquisition.currency,
        note=say("A channel pays where the whole interval of the value lies above the cost."),
        rows=30,
    )


def spending_limits_table(limits: pd.DataFrame) -> Table:
    """Return the most one may spend to win or to keep a customer, by channel."""
    return table(
        "spending_limits",
        say("The most one may spend on a customer"),
        limits,
        currency=limits.attrs["currency"],
        note=say(
            "The price of a success that would not have come by itself, not of an attempt. A customer who comes back "
            "is taken to be worth what a new one is."
        ),
        rows=30,
    )


def membership_table(value: MembershipValue) -> Table:
    """Return contracts, retention and value to come of each plan, the most valuable first."""
    frame = value.plans.sort_values("current", ascending=False, kind="stable")
    frame = frame.assign(mean_value=(frame["current"] / frame["running"]).where(frame["running"] > 0))
    notes = [
        say(
            "All plans: {so_far} so far, {to_come} to come.",
            so_far=value.totals["historical"],
            to_come=value.totals["current"],
        )
    ]
    notes.append(value.convention)
    if value.not_valued or value.incomplete:
        notes.append(
            say(
                "Left out: {not_valued:count} running contracts of plans with too few contracts, and "
                "{incomplete:count} without price or period.",
                not_valued=value.not_valued, incomplete=value.incomplete,
            )
        )  # fmt: skip
    return table(
        "memberships",
        say("What memberships are worth, by plan"),
        frame[["contracts", "running", "retention", "current", "mean_value", "model"]],
        currency=value.currency,
        labels={"mean_value": "Still to come, a running contract", "model": "Judged by the contracts of"},
        note=" ".join(notes),
    )


def plan_retention_chart(value: MembershipValue) -> Chart:
    """Draw the share of contracts of the largest plan that remain after each renewal, and what its model expects."""
    if not value.models:
        raise TooLittleData("needs a plan with enough contracts for a model of renewals", table="memberships")
    plan, months = max(value.models, key=lambda key: int((value.contracts["plan"] == key[0]).sum()))
    own = value.contracts[(value.contracts["plan"] == plan) & (value.contracts["period_months"] == months)]
    actual = _remaining(own)
    renewals = np.arange(-(-3 * len(actual) // 2))
    expected = value.models[plan, months].survival(renewals, interval=True)
    assert isinstance(expected, pd.DataFrame)  # noqa: S101 (several renewals, with an interval)
    frame = expected.set_axis(pd.Index(renewals, name="renewals")).rename(columns={"value": "expected"})
    frame["actual"] = actual
    last = len(actual) - 1
    return curve(
        frame[["expected", "low", "high", "actual"]],
        ["expected", "actual"],
        kind="share",
        low="low",
        high="high",
        points=["actual"],
        name="retention",
        headline=say(
            "{now:share} of contracts of plan '{plan}' remain after {n:count} renewals; {expected:share} were expected",
            now=float(actual.iloc[-1]), plan=plan, n=last, expected=float(frame["expected"].iloc[last]),
        ),
        title=say("Share of contracts of plan '{plan}' that remain after each renewal", plan=plan),
        about=say("The band is the interval of the shifted beta-geometric model."),
        note=say("Actual is the Kaplan–Meier estimate, up to the last renewal that ten contracts were up for."),
    )  # fmt: skip


def _remaining(contracts: pd.DataFrame) -> pd.Series[float]:
    """Return the Kaplan–Meier estimate of the share left after each renewal that enough contracts were up for."""
    renewals = np.arange(1, int(contracts["duration"].max()) + 1)
    at_risk = np.array([(contracts["duration"] >= number).sum() for number in renewals])
    lost = np.array([(contracts["ended"] & (contracts["duration"] == number)).sum() for number in renewals])
    enough = at_risk >= min(_FEWEST, at_risk[0]) if len(at_risk) else at_risk.astype(bool)
    share = np.cumprod(1 - lost[enough] / at_risk[enough])
    return pd.Series(np.append(1.0, share), name="actual")


def _payback(days: float, low: float, high: float) -> str:
    if np.isnan(days):
        return "–"
    if np.isinf(days):
        return say("never")
    if days < 1:
        return say("first purchase")
    written = language.plural("{n} day", "{n} days", round(days))
    if np.isnan(low) or np.isnan(high):
        return written
    end = language.number(high, 0) if np.isfinite(high) else say("never")
    return f"{written} [{language.number(low, 0)}, {end}]"
