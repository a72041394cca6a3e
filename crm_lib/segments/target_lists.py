"""Whom to contact, why, and in which order: one list of customers for each of six purposes."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from crm_lib.company import Company
from crm_lib.customers import customer_attribute, customer_window, own_answers, window_complaints
from crm_lib.errors import MissingData, TooLittleData
from crm_lib.language import plural, say, text
from crm_lib.segments.decisions import window_before
from crm_lib.segments.profit import SMALLEST_GROUP
from crm_lib.segments.rfm.in_engine import Segmented
from crm_lib.segments.value.core_comparison import CORE
from crm_lib.segments.value.tiers import value_tiers

PURPOSES: Mapping[str, tuple[str, str]] = {
    "open_complaints": (
        "Core customers with an unsettled complaint",
        "Call, apologise and settle it; then ask whether all is well.",
    ),
    "dissatisfied": ("Core customers who are dissatisfied", "Ask what was missing, and answer it."),
    "at_risk": ("Valuable customers at risk of leaving", "A personal contact now: ask what is missing."),
    "gone": ("Core customers of the window before, gone since", "Ask why; win back those worth the offer."),
    "win_back": ("Lost customers worth winning back", "Ask why, then the offer; key customers by a call."),
    "growable": ("Regular customers who could buy more", "Show what similar customers buy besides."),
}
"""The lists, the most urgent first: title and action. What went wrong is put right before anybody is kept, and who may
leave is kept before anybody is grown."""
SEPARATOR = "; "
"""Between the names of several lists."""
BEST_SHARE, AT_MOST = 0.25, 0.5
"""Growable is who brings at most half of what the best quarter of those alike bring at least."""
LATELY = 91
"""Days within which the last purchase of the growable must lie: who is silent is to be won back first."""
_COLUMNS = ["segment", "tier", "value", "reason"]


@dataclass(frozen=True, kw_only=True)
class TargetList:
    """Customers to contact for one purpose, those who did not agree to it apart; `name` is a key of :data:`PURPOSES`.

    Both frames are indexed by ``customer_id``, the largest value first, of the lost the most per cost: ``segment``,
    ``tier``, ``value`` (at stake, money) and ``reason``, in words; ``first_list`` (whether no more urgent list has the
    customer) and ``also_on`` (names of the others that have). Withheld are those not known to have agreed.
    """

    name: str
    frame: pd.DataFrame
    withheld: pd.DataFrame


@dataclass(frozen=True, kw_only=True)
class TargetLists:
    """All lists of a company, the most urgent first, and why others could not be made; a customer may be on several."""

    lists: tuple[TargetList, ...]
    left_out: Mapping[str, str]
    permission_known: bool
    as_of: dt.date
    currency: str

    def overview(self) -> pd.DataFrame:
        """Return how many customers each list has; the last row, ``"all"``, counts each once, with its first value.

        ``first_here`` are those who may be contacted and are on no more urgent list, ``several`` those on another list
        too; ``value`` is at stake with those who may be contacted (money).
        """
        parts = [each.frame.assign(list=each.name, may=True) for each in self.lists]
        parts += [each.withheld.assign(list=each.name, may=False) for each in self.lists]
        rows = pd.concat([*parts, pd.DataFrame(columns=["list", "may", "first_list", "also_on", "value"])])
        rows = rows.astype({"may": bool, "first_list": bool, "value": float})
        counts = {each.name: _counted(rows[rows["list"] == each.name]) for each in self.lists}
        counts["all"] = _counted(rows[rows["first_list"]])
        table = pd.DataFrame.from_dict(counts, orient="index").rename_axis("list")
        return table.astype(dict.fromkeys(table.columns.drop("value"), "int64"))


def target_lists(
    company: Company,
    segmented: Segmented,
    *,
    at_risk: pd.DataFrame | MissingData,
    win_back: pd.DataFrame | MissingData,
    risk_days: int = 91,
    dissatisfied_below: float = 6.0,
) -> TargetLists:
    """Return the lists that the company's data allow, with customers' ids and no names.

    Parameters
    ----------
    company, segmented : Company, Segmented
        The company and its customers in segments and tiers, as :func:`segment_customers` put them.
    at_risk : DataFrame or MissingData
        The valuable customers likely to leave, indexed by ``customer_id``: ``risk`` and ``at_risk`` (value times risk,
        money); or why they cannot be told.
    win_back : DataFrame or MissingData
        The lost customers worth winning back, in their order, indexed by ``customer_id``: ``gain`` (money), ``tier``
        and ``reason``; or why they cannot be told.
    risk_days : int
        Days ahead over which that risk is told.
    dissatisfied_below : float
        A last answer with a satisfaction (of 1 to 10) below this is dissatisfied.
    """
    makers: dict[str, Callable[[], pd.DataFrame]] = {
        "open_complaints": lambda: _complaining(company, segmented),
        "dissatisfied": lambda: _dissatisfied(company, segmented, dissatisfied_below),
        "at_risk": lambda: _at_risk(at_risk, segmented, risk_days),
        "gone": lambda: _gone(company, segmented),
        "win_back": lambda: _win_back(win_back),
        "growable": lambda: _growable(company, segmented),
    }
    found: dict[str, pd.DataFrame] = {}
    left_out: dict[str, str] = {}
    allowed = contact_permission(company)
    segment, tier = segmented.rfm.frame["segment"], segmented.tiers.frame["tier"]
    for name, make in makers.items():
        try:
            made = make()
        except MissingData as missing:
            left_out[name] = str(missing)
            continue
        if "tier" not in made:
            made["tier"] = tier.reindex(made.index)
        made["segment"] = segment.reindex(made.index)
        made = made[_COLUMNS].astype({"segment": object, "tier": object}).rename_axis("customer_id")
        # The plan to win back has its own order: the most money per cost first.
        ordered = made if name == "win_back" else made.sort_index().sort_values("value", ascending=False, kind="stable")
        found[name] = ordered
    return TargetLists(
        lists=tuple(split_by_permission(found, allowed)),
        left_out=left_out,
        permission_known=allowed is not None,
        as_of=company.as_of,
        currency=company.currency,
    )


def split_by_permission(found: Mapping[str, pd.DataFrame], allowed: pd.Series[bool] | None) -> list[TargetList]:
    """Return the lists with ``first_list`` and ``also_on``, whoever may not be contacted apart."""
    long = pd.concat([pd.Series(name, index=frame.index) for name, frame in found.items()] or [pd.Series(dtype=str)])
    names = long.groupby(level=0).agg(tuple)
    lists = []
    for name, frame in found.items():
        own = names.reindex(frame.index)
        marked = frame.assign(
            first_list=[each[0] == name for each in own],
            also_on=[SEPARATOR.join(other for other in each if other != name) for each in own],
        )
        may = np.ones(len(frame), dtype=bool)
        if allowed is not None:
            may = allowed.reindex(frame.index, fill_value=False).to_numpy(dtype=bool)
        lists.append(TargetList(name=name, frame=marked[may], withheld=marked[~may]))
    return lists


def contact_permission(company: Company) -> pd.Series[bool] | None:
    """Return who agreed to be contacted, False where the answer is missing; None where it is not recorded."""
    if not company.has("customers", "contact_allowed"):
        return None
    frame = company.frame("customers", "customer_id", "contact_allowed")
    agreed = frame["contact_allowed"].astype("boolean").fillna(value=False).astype(bool)
    # Where a customer is there twice, one refusal is a refusal.
    return agreed.groupby(frame["customer_id"]).all()


def _counted(rows: pd.DataFrame) -> dict[str, float]:
    may = rows[rows["may"]]
    return {
        "customers": len(rows), "may_contact": len(may), "withheld": len(rows) - len(may),
        "first_here": int(may["first_list"].sum()), "several": int((rows["also_on"] != "").sum()),
        "value": float(may["value"].sum()),
    }  # fmt: skip


def _complaining(company: Company, segmented: Segmented) -> pd.DataFrame:
    """Return the core customers with an unsettled complaint, the oldest of each being told."""
    rows = window_complaints(company, days=segmented.basis.days)
    if "settled" not in rows:
        raise MissingData("complaints", ("closed_at",))
    rows = rows[~rows["settled"]]
    topic = rows["topic"] if "topic" in rows else pd.Series(None, index=rows.index, dtype=object)
    rows = rows.assign(topic=topic.astype(object).where(topic.notna(), text("complaint")))
    # Of complaints opened at one moment the order must not hang on that of the rows.
    rows = rows.sort_values(["opened_at", "topic"], kind="stable").drop_duplicates("customer_id")
    rows["days"] = (pd.Timestamp(company.as_of) - rows["opened_at"].dt.normalize()).dt.days
    rows["reason"] = _said(rows[["topic", "days"]], "{topic}: open for {days} days")
    closed = rows["closed_at"].notna()
    rows.loc[closed, "reason"] = _said(rows.loc[closed, ["topic"]], "{topic}: closed unsettled")
    return _of_core(segmented, rows)


def _dissatisfied(company: Company, segmented: Segmented, below: float) -> pd.DataFrame:
    """Return the core customers whose last answer was that they are dissatisfied."""
    rows = own_answers(company, days=segmented.basis.days).sort_values(["responded_at", "satisfaction"])
    rows = rows.drop_duplicates("customer_id", keep="last")
    rows = rows[rows["satisfaction"] < below]
    words = "satisfaction {satisfaction:number} on {responded_at:date}"
    rows["reason"] = _said(rows[["satisfaction", "responded_at"]], words)
    return _of_core(segmented, rows)


def _of_core(segmented: Segmented, rows: pd.DataFrame) -> pd.DataFrame:
    frame = rows.set_index("customer_id")[["reason"]]
    frame = frame[frame.index.isin(_core(segmented.tiers.frame))]
    return frame.assign(value=segmented.value.reindex(frame.index).fillna(0.0))


def _at_risk(found: pd.DataFrame | MissingData, segmented: Segmented, days: int) -> pd.DataFrame:
    if isinstance(found, MissingData):
        raise found
    words = "{risk:share} risk of buying nothing within {days} days"
    silent = segmented.rfm.frame["recency"].reindex(found.index)
    reasons = [
        # Silence is not known of who bought before the window alone.
        say(words if pd.isna(gone) else words + "; last purchase {ago}", risk=risk, days=days, ago=_ago(gone))
        for risk, gone in zip(found["risk"], silent, strict=True)
    ]
    return pd.DataFrame({"value": found["at_risk"], "reason": reasons}, index=found.index)


def _win_back(found: pd.DataFrame | MissingData) -> pd.DataFrame:
    if isinstance(found, MissingData):
        raise found
    return found[["tier", "reason"]].assign(value=found["gain"])


def _gone(company: Company, segmented: Segmented) -> pd.DataFrame:
    """Return the core customers of the window before who bought nothing since, with value and tier of then."""
    days = segmented.basis.days
    ending = window_before(company, days=days)
    earlier = customer_window(company, days=days, ending=ending)
    # By today's borders, so that nobody has moved because a border did.
    tiers = value_tiers(earlier[segmented.value_kind], cut_points=segmented.tiers.cut_points).frame
    now = segmented.rfm.frame["frequency"]
    bought = earlier.index[earlier["last_purchase"].notna()]
    gone = earlier.loc[bought.intersection(_core(tiers)).difference(now.index[now > 0])]
    silent = (pd.Timestamp(company.as_of) - gone["last_purchase"]).dt.days
    words = "{orders}, the last one {ago}; in the core until {day}"
    reasons = [
        say(words, orders=plural("{n} order", "{n} orders", int(n)), ago=_ago(since), day=ending)
        for n, since in zip(gone["orders"], silent, strict=True)
    ]
    return tiers.loc[gone.index, ["value", "tier"]].assign(reason=reasons)


def _growable(company: Company, segmented: Segmented) -> pd.DataFrame:
    found, basis = growable(company, segmented), segmented.basis
    words = "{value:money} of {kind:words} in {days} days; the best of similar customers bring {reach:money} and more"
    told = {"kind": basis.kind, "days": basis.days, "currency": basis.currency}
    reasons = _said(found[["value", "reach"]], words, **told)
    return pd.DataFrame({"value": found["gap"], "reason": reasons}, index=found.index)


def growable(company: Company, segmented: Segmented) -> pd.DataFrame:
    """Return the active regular customers who bring far less than the best of those alike, the largest gap first.

    Alike are customers with the same frequency score and, where the company records it, the same ``customer_group``:
    who comes as often and brings far less buys here only in part. Regular is whose score lies in the upper half.
    """
    rfm = segmented.rfm
    frame = rfm.frame[["recency", "frequency_score"]].join(segmented.tiers.frame["value"])
    frame = frame[frame["value"] > 0]
    if len(frame) < SMALLEST_GROUP:
        words = "needs at least {fewest} customers who bring anything; there are {n}"
        raise TooLittleData(say(words, fewest=SMALLEST_GROUP, n=len(frame)))
    alike = [frame["frequency_score"]]
    if company.has("customers", "customer_group"):
        alike.append(customer_attribute(company, "customer_group").reindex(frame.index).fillna(""))
    peers = frame.groupby(alike)["value"]
    reach = peers.transform("quantile", q=1 - BEST_SHARE).where(peers.transform("size") >= SMALLEST_GROUP)
    frame["reach"] = reach.fillna(frame.groupby("frequency_score")["value"].transform("quantile", q=1 - BEST_SHARE))
    frame["gap"] = frame["reach"] - frame["value"]
    active = (frame["recency"] < LATELY) & (frame["frequency_score"] >= (rfm.levels + 1) / 2)
    chosen = frame.loc[active & (frame["value"] <= AT_MOST * frame["reach"]), ["value", "reach", "gap"]]
    return chosen.sort_index().sort_values("gap", ascending=False, kind="stable")


def _said(rows: pd.DataFrame, words: str, **same: Any) -> list[str]:
    """Return a sentence for each row, with its values written into it."""
    return [say(words, **{str(name): each for name, each in row.items()}, **same) for row in rows.to_dict("records")]


def _core(tiers: pd.DataFrame) -> pd.Index[str]:
    return tiers.index[tiers["tier"].isin(list(CORE))]


def _ago(days: Any) -> str:
    return "" if pd.isna(days) else plural("{n} day ago", "{n} days ago", int(days))
