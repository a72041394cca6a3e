"""Do yesterday's segments tell tomorrow's value? Scores of an earlier day against what customers did afterwards."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import numpy as np
import pandas as pd

from crm_lib.company import Company
from crm_lib.customers.window import customer_window, value_of
from crm_lib.errors import TooLittleData
from crm_lib.estimate import Estimate
from crm_lib.finding import Criterion, Finding
from crm_lib.language import say
from crm_lib.segments.rfm.definitions import SegmentDefinitions
from crm_lib.segments.rfm.in_engine import segment_customers
from crm_lib.statistics.resampling import Floats, studentised

_FEWEST = 30
"""Customers in the best segment below which no share of theirs is worth an interval."""


@dataclass(frozen=True, kw_only=True)
class FollowUp:
    """What customers scored on an earlier day brought afterwards.

    Parameters
    ----------
    frame : DataFrame
        Indexed by ``customer_id``: ``segment`` on the earlier day, ``value`` (money) in the days after it, ``active``.
    segments, best : tuple of str, str
        All segments in the order of their rules; the one whose lift is told.
    scored_on, days, value_kind, currency : date, int, str, str
        The earlier day, and the days followed up; "margin" or "revenue", and its ISO code.
    lift : Estimate
        Share of the later value that the best segment brought, divided by its share of customers.
    """

    frame: pd.DataFrame
    segments: tuple[str, ...]
    best: str
    scored_on: dt.date
    days: int
    value_kind: str
    currency: str
    lift: Estimate

    def table(self) -> pd.DataFrame:
        """Return the segments of the earlier day with their later value."""
        grouped = self.frame.groupby("segment")
        table = grouped.agg(customers=("value", "size"), active_share=("active", "mean"), mean_value=("value", "mean"))
        total = self.frame["value"].sum()
        table["value_share"] = grouped["value"].sum() / total if total > 0 else np.nan
        table["lift"] = table["value_share"] / (table["customers"] / table["customers"].sum())
        return table.reindex([name for name in self.segments if name in table.index])


def follow_up(
    company: Company,
    definitions: SegmentDefinitions | None = None,
    *,
    outcome_days: int = 90,
    resamples: int = 999,
    seed: int = 0,
) -> FollowUp:
    """Score customers `outcome_days` ago, knowing only what was known then, and add up what they brought since.

    Judging segments on the very purchases that defined them would prove nothing; their later value is a fair test.

    Parameters
    ----------
    company : Company
        The company.
    definitions : SegmentDefinitions, optional
        Who is scored and how, by default the usual nine segments. Cut points that are not frozen, or were estimated
        after the earlier day, are those of that day.
    outcome_days : int
        Days that follow, up to the company's ``as_of``.
    resamples : int
        Number of bootstrap resamples.
    seed : int
        Seed of the random numbers.

    Raises
    ------
    TooLittleData
        If nobody bought in the earlier window, the best segment had fewer than 30 customers, or the scored customers
        brought nothing afterwards.
    """
    definitions = SegmentDefinitions() if definitions is None else definitions
    scored_on = company.as_of - dt.timedelta(days=outcome_days)
    try:
        segmented = segment_customers(company, definitions.known_on(scored_on), ending=scored_on)
    except TooLittleData:
        message = say("nobody bought in the {days} days up to {day}", days=definitions.window_days, day=scored_on)
        raise TooLittleData(message) from None
    scored = segmented.rfm.frame
    kind, name = value_of(company), segmented.rfm.best
    after = customer_window(company, days=outcome_days).reindex(scored.index)
    frame = scored[["segment"]].assign(value=after[kind].fillna(0.0), active=after["orders"] > 0)
    best = np.asarray(frame["segment"] == name, dtype=np.float64)
    if best.sum() < _FEWEST:
        message = "needs {fewest} customers in the segment {segment:words} on {day}; there are {count:count}"
        raise TooLittleData(say(message, count=best.sum(), segment=name, day=scored_on, fewest=_FEWEST))
    if frame["value"].sum() <= 0:
        raise TooLittleData(say("the customers scored on {day} brought nothing in the days after", day=scored_on))
    value, low, high = studentised(
        lambda weights: _lift(frame["value"].to_numpy(), best, weights), len(frame), resamples=resamples, seed=seed
    )
    lift = Estimate(
        value=float(value[0]),
        low=max(float(low[0]), 0.0) if value[0] >= 0 else float(low[0]),
        high=float(high[0]),
        n=len(frame),
        method="studentised bootstrap over customers",
    )
    names = tuple(rule.name for rule in segmented.rfm.rules)
    return FollowUp(
        frame=frame, segments=names, best=name, scored_on=scored_on, days=outcome_days, value_kind=kind,
        currency=company.currency, lift=lift,
    )  # fmt: skip


def finding_champions(followed: FollowUp, *, at_least: float = 2.0) -> Finding:
    """Return the finding on whether the best customers of an earlier day stayed the best."""
    best = followed.frame["segment"] == followed.best
    brought = float(followed.frame.loc[best, "value"].sum())
    return Finding(
        key="segments.champions",
        claim="{best:words} go on to bring at least {times} times their share of the {kind:words}.",
        source="Textbook 4.2.2, stage 6: recency and frequency",
        estimate=followed.lift,
        criterion=Criterion(low=at_least),
        sentence="The {count:count} customers who were {best:words} on {day} generated {estimate} times their share of "
        "the {kind:words} in the {days} days after.",
        if_supported="Put {best:words} first when the budget for care is shared out; for the others, follow the action "
        "of their segment.",
        if_not_supported="Do not steer by these scores alone: past purchases say little about the next ones here.",
        if_undecided="Use the segments for ordinary contacts, not for costly privileges; ask again in a quarter.",
        values={
            "times": at_least, "count": int(best.sum()), "day": followed.scored_on, "days": followed.days,
            "kind": followed.value_kind, "best": followed.best,
        },
        money_at_stake=Estimate.exact(brought, n=int(best.sum()), unit=followed.currency, method="sum"),
        money_note="{kind:words} that they brought in the {days} days",
    )  # fmt: skip


def _lift(value: Floats, best: Floats, weights: Floats) -> tuple[Floats, Floats]:
    """Return the lift and its standard error (delta method), for each row of weights."""
    n = value.size
    mean = (weights @ value)[:, None] / n
    size = (weights @ best)[:, None] / n
    with np.errstate(divide="ignore", invalid="ignore"):
        share = (weights @ (value * best))[:, None] / n / mean
        influence = (value * best - share * value) / mean / size - share * (best - size) / size**2
        lift = np.where(mean > 0, share / size, np.nan)
    return lift, np.sqrt((weights * influence**2).sum(axis=1, keepdims=True)) / n
