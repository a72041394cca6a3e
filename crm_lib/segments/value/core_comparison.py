"""Core customers: what share of complaints and dissatisfaction is theirs, and whether they are served first."""

from __future__ import annotations

import datetime as dt
import math
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from crm_lib.company import Company
from crm_lib.customers import Basis, own_answers, window_complaints
from crm_lib.errors import MissingData, TooLittleData
from crm_lib.estimate import Estimate
from crm_lib.finding import Criterion, Finding
from crm_lib.language import say
from crm_lib.segments.profit import SMALLEST_GROUP
from crm_lib.segments.rfm.in_engine import Segmented
from crm_lib.statistics.rate_ratios import mean_difference, rate_ratio, share_inside
from crm_lib.statistics.resampling import Floats

CORE = ("key", "major")
"""Value tiers whose customers are the core."""
AT_MOST = 1.25
"""Complaints an order count as explained up to this many times those of the others."""


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
    customers, core, core_value, elsewhere : int, int, float, int
        Numbers of all and of core customers, the value of these (money), and complaints by customers without a tier.
    settle_days, dissatisfied_below, basis : int, float, Basis
        What was asked for, and what the value is.
    """

    frame: pd.DataFrame
    handling: pd.DataFrame | None
    customers: int
    core: int
    core_value: float
    elsewhere: int
    settle_days: int
    dissatisfied_below: float
    basis: Basis


def compare_core(
    company: Company, segmented: Segmented, *, settle_days: int = 30, dissatisfied_below: float = 6.0
) -> CoreComparison:
    """Compare the complaints and the dissatisfaction of core customers with those of the others.

    Who buys more has more occasion to complain. So complaints are counted by customer and by order: where only the
    first is high, core customers complain more because they buy more. The comparison describes: customers may be in a
    low tier *because* a complaint made them buy less.

    Parameters
    ----------
    company : Company
        The company; it needs ``complaints`` or ``surveys``.
    segmented : Segmented
        Its customers in tiers; the core are the key and the major customers.
    settle_days : int
        Days within which a complaint should be settled. Judged are the complaints of the window that were opened at
        least so many days before ``as_of``, so that all were watched equally long and open ones need no guess.
    dissatisfied_below : float
        Answers with a satisfaction below this are dissatisfied. Answers on other brands are left out; survey weights
        are used where there are any.

    Returns
    -------
    CoreComparison
        Shares, multiples and the handling of complaints, with intervals.
    """
    worth, tier = segmented.tiers.frame["value"], segmented.tiers.frame["tier"]
    inside, customers = tier.isin(CORE), tier.index
    counts = int(inside.sum()), int((~inside).sum())
    if min(counts) < SMALLEST_GROUP:
        message = "core and other customers must be at least {fewest} each; they are {core} and {others}"
        raise TooLittleData(say(message, fewest=SMALLEST_GROUP, core=counts[0], others=counts[1]))
    if not company.has("complaints", "opened_at") and not company.has("surveys", "satisfaction"):
        raise MissingData("complaints")
    days, side = segmented.basis.days, inside.to_numpy(dtype=bool)
    bought = segmented.rfm.frame["frequency"].reindex(customers).fillna(0).to_numpy(dtype=np.float64)
    rows = {"customers": _row(np.ones(len(tier)), side, exact=True), "orders": _row(bought, side)}
    handling, elsewhere = None, 0
    if company.has("complaints", "opened_at"):
        complaints = window_complaints(company, days=days)
        within = complaints["customer_id"].isin(customers)
        elsewhere, complaints = int((~within).sum()), complaints[within]
        each = _sums(complaints.assign(weight=1.0), customers)
        rows["complaints"] = _row(each, side, orders=bought)
        rows["complaining customers"] = _row((each > 0).astype(float), side)
        if "settled" in complaints:
            unsettled = _sums(complaints[~complaints["settled"]].assign(weight=1.0), customers)
            rows["unsettled complaints"] = _row(unsettled, side, orders=bought)
            handling = _handling(complaints, inside, as_of=company.as_of, settle_days=settle_days)
    if company.has("surveys", "satisfaction", "customer_id"):
        answers = own_answers(company, days=days)
        answers = answers[answers["customer_id"].isin(customers)]
        weight = _sums(answers, customers)
        rows["answers"] = _row(weight, side)
        bad = _sums(answers[answers["satisfaction"] < dissatisfied_below], customers)
        rows["dissatisfied answers"] = _row(bad, side, answers=weight)
    return CoreComparison(
        frame=pd.DataFrame(rows).T.rename_axis("measure"),
        handling=handling,
        customers=len(tier),
        core=counts[0],
        core_value=float(worth[inside].sum()),
        elsewhere=elsewhere,
        settle_days=settle_days,
        dissatisfied_below=dissatisfied_below,
        basis=segmented.basis,
    )


def _sums(rows: pd.DataFrame, customers: pd.Index[str]) -> Floats:
    return rows.groupby("customer_id")["weight"].sum().reindex(customers).fillna(0.0).to_numpy(dtype=np.float64)


def _row(
    events: Floats,
    side: NDArray[np.bool_],
    *,
    exact: bool = False,
    orders: Floats | None = None,
    answers: Floats | None = None,
) -> dict[str, object]:
    total, core = float(events.sum()), float(events[side].sum())
    share = Estimate.exact(core / total, n=side.size, unit="share") if exact else share_inside(events, side)
    by_customer = None if exact or answers is not None else rate_ratio(events, np.ones_like(events), side)
    return {
        "total": total,
        "core": core,
        "share": share,
        "by_customer": by_customer,
        "by_order": None if orders is None else rate_ratio(events, orders, side),
        "by_answer": None if answers is None else rate_ratio(events, answers, side),
    }


def _handling(complaints: pd.DataFrame, inside: pd.Series[bool], *, as_of: dt.date, settle_days: int) -> pd.DataFrame:
    """Return how complaints that were watched long enough were handled, core customers against the others."""
    end = pd.Timestamp(as_of) + pd.Timedelta(days=1)
    limit = pd.Timedelta(days=settle_days)
    watched = complaints[complaints["opened_at"] + limit <= end]
    lasted = watched["closed_at"] - watched["opened_at"]
    in_time = watched["closed_at"].notna() & (lasted <= limit)
    outcomes = {"settled": (in_time & watched["settled"]).astype(float)}
    if "satisfied" in watched:
        outcomes["satisfied"] = (in_time & watched["satisfied"]).astype(float)
    lasted_days = lasted.dt.total_seconds() / 86_400
    outcomes["days"] = lasted_days.where(in_time, float(settle_days)).clip(lower=0.0)
    rows = {}
    for name, outcome in outcomes.items():
        each = outcome.groupby(watched["customer_id"]).agg(["sum", "size"])
        side = inside.reindex(each.index).to_numpy(dtype=bool)
        unit = "days" if name == "days" else "share"
        means = [
            float(each.loc[part, "sum"].sum() / size) if (size := each.loc[part, "size"].sum()) else float("nan")
            for part in (side, ~side)
        ]
        difference = mean_difference(each["sum"], each["size"], side, unit=unit)
        rows[name] = {"complaints": len(watched), "core": means[0], "others": means[1], "difference": difference}
    return pd.DataFrame(rows).T.rename_axis("measure")


def finding_core_complaints(found: CoreComparison) -> Finding:
    """Return the finding on whether core customers complain more often than their orders explain.

    Supported when the whole interval of the ratio an order lies at or below 1.25. At stake is the value of the core
    customers. Raises TooLittleData where complaints are not known, or too few for a ratio.
    """
    estimate = found.frame.loc["complaints", "by_order"] if "complaints" in found.frame.index else None
    row = {} if estimate is None else found.frame.loc["complaints"].to_dict()
    return Finding(
        key="segments.core_complaints",
        claim="An order of a core customer leads to at most {at_most} times the complaints of another order.",
        source="Textbook 4.3.1, valuable customers first",
        estimate=_told(estimate),
        criterion=Criterion(high=AT_MOST),
        sentence="{core:count} core customers ({share:share}) make {of_complaints} of all complaints: {by_customer} "
        "times the others' per customer, {estimate} times per order.",
        if_supported="Per order core customers complain hardly more than others: mend what goes wrong for everybody, "
        "and settle their complaints first.",
        if_not_supported="More goes wrong with core customers' orders: go through their complaints by topic before "
        "anything else is done for them.",
        if_undecided="Settle core customers' complaints first; whether more goes wrong for them is open.",
        values={
            "at_most": AT_MOST,
            "core": found.core,
            "share": found.core / found.customers,
            "of_complaints": row.get("share"),
            "by_customer": row.get("by_customer"),
        },
        money_at_stake=found.basis.a_year(found.core_value, n=found.core),
        money_note="what these customers bring in a year; how much of it complaints cost is not known",
    )


def _told(estimate: object) -> Estimate:
    if not isinstance(estimate, Estimate) or math.isnan(estimate.value):
        message = "there are too few complaints of core customers, or of others, to compare them"
        raise TooLittleData(say(message), table="complaints")
    return estimate
