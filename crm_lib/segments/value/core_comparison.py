"""Core customers: what share of complaints and dissatisfaction is theirs, and whether they are served first."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from crm_lib import language
from crm_lib.company import Company
from crm_lib.customers.known import own_answers, window_complaints
from crm_lib.errors import MissingData, TooLittleData
from crm_lib.estimate import Estimate
from crm_lib.segments.tables.profit_table import SMALLEST_GROUP
from crm_lib.statistics.rate_ratios import Floats, mean_difference, rate_ratio, share_inside

CORE = ("key", "major")
"""Value tiers whose customers are the core."""


@dataclass(frozen=True, kw_only=True)
class CoreComparison:
    """What :func:`compare_core` found.

    Parameters
    ----------
    frame : DataFrame
        Indexed by ``measure`` ("customers", "orders", "complaints", "complaining customers", "unsettled complaints",
        "answers", "dissatisfied answers"; those that the company knows): ``total`` and ``core`` (numbers, for answers
        sums of weights), ``share`` (estimate: the core's share), and the core's rate as a multiple of the others'
        (estimates, None where it has no meaning): ``by_customer``, ``by_order``, ``by_answer``.
    handling : DataFrame or None
        Indexed by ``measure`` ("settled", "satisfied": shares of complaints; "days": mean days to the closing, at
        most `settle_days`): ``complaints`` (number judged), ``core``, ``others`` (means) and ``difference`` (estimate).
        None where complaints, or when they were closed, are not known.
    customers, core : int
        Number of customers, and of those in the core.
    core_value : float
        Value of the core customers (money).
    waiting : int
        Core customers with a complaint that is open or was closed unsettled.
    value_waiting : float
        Their value; missing where they are too few to be shown.
    elsewhere : int
        Complaints of the window by customers who have no tier; they are not counted.
    days, settle_days : int
        Length of the window, and days within which a complaint should be settled.
    dissatisfied_below : float
        Points of satisfaction below which an answer is dissatisfied.
    """

    frame: pd.DataFrame
    handling: pd.DataFrame | None
    customers: int
    core: int
    core_value: float
    waiting: int
    value_waiting: float
    elsewhere: int
    days: int
    settle_days: int
    dissatisfied_below: float


def compare_core(
    company: Company,
    *,
    tier: pd.Series[str],
    value: pd.Series[float],
    orders: pd.Series[int],
    core: Sequence[str] = CORE,
    days: int = 365,
    settle_days: int = 30,
    dissatisfied_below: float = 6.0,
    level: float = 0.95,
) -> CoreComparison:
    """Compare the complaints and the dissatisfaction of core customers with those of the others.

    Who buys more has more occasion to complain. So complaints are counted by customer and by order: where only the
    first is high, core customers complain more because they buy more.

    Parameters
    ----------
    company : Company
        The company; it needs ``complaints`` or ``surveys``.
    tier : Series
        Tier of each customer of the window, indexed by ``customer_id``.
    value : Series
        Value of each of them in the window (money).
    orders : Series
        Number of orders of each of them in the window.
    core : sequence of str
        Tiers that are the core.
    days : int
        Length of the window that ends at the company's ``as_of``.
    settle_days : int
        Days within which a complaint should be settled. Judged are the complaints of the window that were opened at
        least so many days before ``as_of``, so that all were watched equally long and open ones need no guess.
    dissatisfied_below : float
        Answers with a satisfaction below this are dissatisfied. Answers on other brands are left out; survey weights
        are used where there are any.
    level : float
        Nominal coverage of the intervals.

    Returns
    -------
    CoreComparison
        Shares, multiples and the handling of complaints, with intervals.

    Raises
    ------
    MissingData
        If the company has neither complaints nor surveys.
    TooLittleData
        If either side has fewer than ten customers.
    ValueError
        If no tier of `core` is found.

    Notes
    -----
    The comparison describes: customers may be in a low tier *because* a complaint made them buy less.
    """
    inside = tier.isin(list(core))
    known = sorted(map(str, tier.dropna().unique()))
    if not inside.any() and not set(core) & {*known, *CORE}:
        raise ValueError(f"core tiers {list(core)} are not among the tiers: {', '.join(known)}")
    counts = int(inside.sum()), int((~inside).sum())
    if min(counts) < SMALLEST_GROUP:
        message = language.text("core and other customers must be at least {fewest} each; they are {core} and {others}")
        raise TooLittleData(message.format(fewest=SMALLEST_GROUP, core=counts[0], others=counts[1]))
    if not company.has("complaints", "opened_at") and not company.has("surveys", "satisfaction"):
        raise MissingData("complaints")
    bought = np.asarray(orders.reindex(tier.index).fillna(0), dtype=np.float64)
    worth = value.reindex(tier.index).fillna(0.0)
    side = inside.to_numpy()
    rows = {"customers": _row(np.ones(len(tier)), side, level=level, exact=True)}
    rows["orders"] = _row(bought, side, level=level)
    handling, waiting, elsewhere = None, pd.Index([]), 0
    if company.has("complaints", "opened_at"):
        complaints = window_complaints(company, days=days)
        within = complaints["customer_id"].isin(tier.index)
        elsewhere, complaints = int((~within).sum()), complaints[within]
        each = _per_customer(complaints["customer_id"], tier.index)
        rows["complaints"] = _row(each, side, level=level, orders=bought)
        rows["complaining customers"] = _row((each > 0).astype(float), side, level=level)
        if "settled" in complaints:
            open_ones = complaints[~complaints["settled"]]
            unsettled = _per_customer(open_ones["customer_id"], tier.index)
            rows["unsettled complaints"] = _row(unsettled, side, level=level, orders=bought)
            waiting = tier.index[(unsettled > 0) & side]
            handling = _handling(complaints, inside, as_of=company.as_of, settle_days=settle_days, level=level)
    if company.has("surveys", "satisfaction", "customer_id"):
        answers = own_answers(company, days=days)
        answers = answers[answers["customer_id"].isin(tier.index)]
        weight = answers.groupby("customer_id")["weight"].sum().reindex(tier.index).fillna(0.0).to_numpy()
        low = answers[answers["satisfaction"] < dissatisfied_below]
        bad = low.groupby("customer_id")["weight"].sum().reindex(tier.index).fillna(0.0).to_numpy()
        rows["answers"] = _row(weight, side, level=level)
        rows["dissatisfied answers"] = _row(bad, side, level=level, answers=weight)
    return CoreComparison(
        frame=pd.DataFrame(rows).T.rename_axis("measure"),
        handling=handling,
        customers=len(tier),
        core=counts[0],
        core_value=float(worth[inside].sum()),
        waiting=len(waiting),
        value_waiting=float(worth[waiting].sum()) if len(waiting) >= SMALLEST_GROUP else float("nan"),
        elsewhere=elsewhere,
        days=days,
        settle_days=settle_days,
        dissatisfied_below=dissatisfied_below,
    )


def _per_customer(customers: pd.Series[str], index: pd.Index[str]) -> Floats:
    counts = customers.value_counts().reindex(index).fillna(0)
    return np.asarray(counts, dtype=np.float64)


def _row(
    events: Floats,
    side: NDArray[np.bool_],
    *,
    level: float,
    exact: bool = False,
    orders: Floats | None = None,
    answers: Floats | None = None,
) -> dict[str, object]:
    total, core = float(events.sum()), float(events[side].sum())
    share = (
        Estimate.exact(core / total, n=side.size, unit="share") if exact else share_inside(events, side, level=level)
    )
    by_customer = None if exact or answers is not None else rate_ratio(events, np.ones_like(events), side, level=level)
    return {
        "total": total,
        "core": core,
        "share": share,
        "by_customer": by_customer,
        "by_order": None if orders is None else rate_ratio(events, orders, side, level=level),
        "by_answer": None if answers is None else rate_ratio(events, answers, side, level=level),
    }


def _handling(
    complaints: pd.DataFrame, inside: pd.Series[bool], *, as_of: dt.date, settle_days: int, level: float
) -> pd.DataFrame | None:
    """Return how complaints that were watched long enough were handled, core customers against the others."""
    end = pd.Timestamp(as_of) + pd.Timedelta(days=1)
    limit = pd.Timedelta(days=settle_days)
    watched = complaints[complaints["opened_at"] + limit <= end]
    in_time = watched["closed_at"].notna() & (watched["closed_at"] - watched["opened_at"] <= limit)
    lasted = (watched["closed_at"] - watched["opened_at"]).dt.total_seconds() / 86_400
    outcomes = {"settled": (in_time & watched["settled"]).astype(float)}
    if "satisfied" in watched:
        outcomes["satisfied"] = (in_time & watched["satisfied"]).astype(float)
    outcomes["days"] = lasted.where(in_time, float(settle_days)).clip(lower=0.0)
    rows = {}
    for name, outcome in outcomes.items():
        each = outcome.groupby(watched["customer_id"]).agg(["sum", "size"])
        side = inside.reindex(each.index).to_numpy(dtype=bool)
        unit = "days" if name == "days" else "share"
        difference = mean_difference(each["sum"], each["size"], side, level=level, unit=unit)
        core, others = (
            float(each.loc[part, "sum"].sum() / size) if (size := each.loc[part, "size"].sum()) else float("nan")
            for part in (side, ~side)
        )
        rows[name] = {"complaints": len(watched), "core": core, "others": others, "difference": difference}
    return pd.DataFrame(rows).T.rename_axis("measure")
