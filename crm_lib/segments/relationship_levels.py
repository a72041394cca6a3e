"""Kotler's five levels of relationship: which fits each segment, and whether the segment's margin carries it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import ibis
import numpy as np
import pandas as pd

from crm_lib.company import Company
from crm_lib.customers import Basis, by_customer, exact_sum, known_rows
from crm_lib.errors import MissingData, TooLittleData
from crm_lib.estimate import Estimate
from crm_lib.finding import Criterion, Finding
from crm_lib.language import say
from crm_lib.segments.profit import SMALL_GROUPS, SMALLEST_GROUP
from crm_lib.segments.rfm.in_engine import Segmented
from crm_lib.statistics.skewed_means import group_means

SIZES, BANDS = ("few", "medium", "many"), ("low", "medium", "high")
FEW_SHARE, MANY_SHARE = 0.05, 0.2
"""Shares of all customers that tell few, medium and many apart."""
LOW_TIMES, HIGH_TIMES = 0.5, 2.0
"""Multiples of the mean margin of a customer that tell low, medium and high apart."""


@dataclass(frozen=True)
class RelationshipLevel:
    """One level: contacts a customer and year that the company begins of itself (a proposal), and what it does."""

    name: str
    contacts: float
    action: str


RELATIONSHIP_LEVELS = (
    RelationshipLevel("basic", 0, "Sell and serve without follow-up; keep help cheap and easy to find."),
    RelationshipLevel("reactive", 0.5, "Invite problems and ideas, and answer every time."),
    RelationshipLevel("accountable", 2, "Ask soon after a purchase whether all is well, and fix what is not."),
    RelationshipLevel("proactive", 6, "Get in touch from time to time with advice and news that fit the customer."),
    RelationshipLevel("partnership", 12, "Work together all the time: one person in charge, joint plans."),
)
"""The levels, the least first."""
_ORDER = [one.name for one in RELATIONSHIP_LEVELS]
_CONTACTS = {one.name: one.contacts for one in RELATIONSHIP_LEVELS}

KOTLER_GRID: Mapping[tuple[str, str], str] = {
    (size, band): _ORDER[(2 - place) + rank] for place, size in enumerate(SIZES) for rank, band in enumerate(BANDS)
}
"""Which level fits how many customers and how much margin each (Kotler, Marketing Management, editions of the 1990s).

The corners are what textbook 4.3.2 says in words; between them every step to fewer customers or more margin is one
level up. Printings of the figure differ about cells in between ("basic or reactive" for many of low margin).
"""


@dataclass(frozen=True, kw_only=True)
class RelationshipLevels:
    """Segments on Kotler's grid, those who bring most a customer first and pooled small groups last.

    Of `frame`, ``margin`` is of a customer and year, after the cost to serve where that is known; ``possible`` are the
    levels that its interval leaves open, the least first; ``level_cost`` is what the contacts of the level cost a
    customer and year, and ``carried`` whether the margin exceeds that ("yes", "no" or "open"). `contact_cost` is the
    mean cost of a contact recorded; where it is not known, nothing is deducted. Revenue stands in where no margin is
    known, as `basis` says.
    """

    frame: pd.DataFrame
    size_cuts: tuple[float, float]
    margin_cuts: tuple[float, float]
    contact_cost: float
    basis: Basis


def relationship_levels(company: Company, segmented: Segmented) -> RelationshipLevels:
    """Place the segments on Kotler's grid of their number of customers and their margin.

    Parameters
    ----------
    company, segmented : Company, Segmented
        The company and its customers in segments.

    Notes
    -----
    The number of customers is counted. Their margin is an estimate, and where its interval crosses a cut, more than one
    level is possible. That a margin carries the cost of a level does not show that the contacts raise it: that takes a
    trial with a control group.
    """
    try:
        costs = serving_costs(company, days=segmented.basis.days)
    except MissingData:
        costs = None
    return place_groups(segmented.rfm.frame["segment"], segmented.value, segmented.basis, costs)


def serving_costs(company: Company, *, days: int = 365) -> pd.DataFrame:
    """Return ``contacts`` and what they ``cost`` (money) in the days up to ``as_of``, by customer with a contact.

    A contact of which only the duration is known costs its minutes at the price of those that tell both; one of which
    neither is known counts as the average contact. The cost of goods is in the margin; delivery costs nothing here.
    """
    contacts = known_rows(company, "interactions", "customer_id", "occurred_at", "cost", days=days)
    timed = contacts.minutes.cast("float64") if company.has("interactions", "minutes") else ibis.null("float64")
    contacts = contacts.select("customer_id", cost=contacts.cost.cast("float64"), minutes=timed)
    # Ibis knows no notna.
    told, timed = contacts.cost.notnull(), contacts.minutes.notnull()  # noqa: PD004
    totals = contacts.group_by("customer_id").agg(
        contacts=contacts.count(),
        told=exact_sum(contacts.cost),
        both_cost=exact_sum(contacts.cost, told & timed),
        both_minutes=exact_sum(contacts.minutes, told & timed),
        left_minutes=exact_sum(contacts.minutes, ~told & timed),
        neither=(~told & ~timed).sum(),
    )
    frame = by_customer(totals).fillna(0.0)
    if frame.empty:
        raise TooLittleData(say("there were no contacts in the last {days} days", days=days), table="interactions")
    sums = frame.sum()
    # Where some contacts tell their cost only and others their duration only, there is no price of a minute.
    minute = sums["both_cost"] / sums["both_minutes"] if sums["both_minutes"] > 0 else np.nan
    cost = frame["told"] + (frame["left_minutes"] * minute).where(frame["left_minutes"] > 0, 0.0)
    known = sums["contacts"] - sums["neither"]
    average = float(cost.sum() / known) if known > 0 else np.nan
    cost = cost + (frame["neither"] * average).where(frame["neither"] > 0, 0.0)
    if cost.isna().any():
        words = "the contacts of the last {days} days do not tell what they cost"
        raise TooLittleData(say(words, days=days), table="interactions")
    return pd.DataFrame({"contacts": frame["contacts"].astype("int64"), "cost": cost.astype(float) + 0.0})


def place_groups(
    groups: pd.Series[str], value: pd.Series[float], basis: Basis, costs: pd.DataFrame | None = None
) -> RelationshipLevels:
    """Place any groups of customers by their value and, where given, costs to serve of the window of the basis."""
    yearly = 365 / basis.days
    worth = value.reindex(groups.index).fillna(0.0).astype(float) * yearly
    named = groups.astype(str)
    named = named.where(named.map(named.value_counts()) >= SMALLEST_GROUP, SMALL_GROUPS)
    serving, price = pd.Series(np.nan, index=groups.index), np.nan
    if costs is not None:
        serving = costs["cost"].reindex(groups.index).fillna(0.0) * yearly
        worth, price = worth - serving, float(costs["cost"].sum() / costs["contacts"].sum())
    mean = float(worth.mean())
    if not mean > 0:
        raise TooLittleData(say("customers bring nothing on average, so they cannot be placed by what they bring"))
    size_cuts = FEW_SHARE * len(named), MANY_SHARE * len(named)
    margin_cuts = LOW_TIMES * mean, HIGH_TIMES * mean
    frame = group_means(worth, named).rename(columns={"mean": "margin"}).rename_axis("group")
    frame.insert(1, "customer_share", frame["customers"] / len(named))
    frame["serving"] = serving.groupby(named).mean()
    frame["size"] = _bands(frame["customers"], size_cuts, SIZES)
    frame["band"] = _bands(frame["margin"], margin_cuts, BANDS)
    frame["level"] = [KOTLER_GRID[cell] for cell in zip(frame["size"], frame["band"], strict=True)]
    ends = zip(frame["size"], *(_bands(frame[end], margin_cuts, BANDS) for end in ("low", "high")), strict=True)
    possible = zip(frame.index, ends, strict=True)
    frame["possible"] = [() if name == SMALL_GROUPS else _possible(*each) for name, each in possible]
    frame["level_cost"] = frame["level"].map(_CONTACTS) * price
    frame["carried"] = None
    if basis.kind == "margin" and np.isfinite(price):
        cost = frame["level_cost"]
        frame["carried"] = np.select([frame["low"] > cost, frame["high"] < cost], ["yes", "no"], "open")
    if SMALL_GROUPS in frame.index:
        frame.loc[SMALL_GROUPS, ["size", "band", "level", "level_cost", "carried"]] = None
        if frame["customers"][SMALL_GROUPS] < SMALLEST_GROUP:
            frame.loc[SMALL_GROUPS, ["margin", "low", "high", "serving"]] = np.nan
    order = np.lexsort((-frame["margin"], frame.index == SMALL_GROUPS))
    return RelationshipLevels(
        frame=frame.iloc[order], size_cuts=size_cuts, margin_cuts=margin_cuts, contact_cost=price, basis=basis
    )


def finding_basic(found: RelationshipLevels) -> Finding:
    """Return the finding on whether the many customers of low margin can carry more than basic service.

    Looked at is the largest group of low margin (where none is low, that of the lowest): supported when what is left of
    a customer's margin after two contacts a year is negative for certain.

    Parameters
    ----------
    found : RelationshipLevels
    """
    placed = found.frame[found.frame["level"].notna()]
    if found.basis.kind != "margin" or not np.isfinite(found.contact_cost) or placed.empty:
        words = "needs the margin, the cost of a contact, and a group of at least {fewest} customers"
        raise TooLittleData(say(words, fewest=SMALLEST_GROUP))
    low = placed[placed["band"] == "low"].sort_values("customers", ascending=False, kind="stable")
    row = (low if len(low) else placed.tail(1)).iloc[0]
    customers, cost = int(row["customers"]), _CONTACTS["accountable"] * found.contact_cost
    estimate = Estimate(
        value=float(row["margin"] - cost),
        low=float(row["low"] - cost),
        high=float(row["high"] - cost),
        n=customers,
        method="mean over customers, skewness removed (Hall)",
        unit=found.basis.currency,
    )
    return Finding(
        key="segments.basic_service",
        claim="For the many customers of low margin, after-sales contact would cost more than their margin carries.",
        source="Textbook 4.3.2, Kotler's five relationships",
        estimate=estimate,
        criterion=Criterion(high=0.0),
        sentence="A customer in the group {group:words} brings {margin:money} a year; after {contacts:number} contacts "
        "at {each:money2} each, {estimate} would be left.",
        if_supported="Keep service for {group:words} basic: automatic, cheap and easy to find; no follow-up calls.",
        if_not_supported="The margin of {group:words} covers {contacts:number} contacts; that does not prove they pay. "
        "Keep it {level:words} unless a trial with a control group shows otherwise.",
        if_undecided="Leave service for {group:words} as it is: the margin is too close to the cost to tell.",
        values={
            "group": str(row.name),
            "margin": float(row["margin"]),
            "contacts": _CONTACTS["accountable"],
            "each": found.contact_cost,
            "level": str(row["level"]),
        },
        currency=found.basis.currency,
        money_at_stake=Estimate.exact(cost * customers, n=customers, unit=found.basis.currency),
        money_note="what such contacts would cost for the whole group in a year",
    )


def _bands(numbers: pd.Series[float], cuts: tuple[float, float], names: tuple[str, ...]) -> list[str]:
    return [names[place] for place in np.searchsorted(cuts, numbers.to_numpy(dtype=float), side="right")]


def _possible(size: str, lowest: str, highest: str) -> tuple[str, ...]:
    bands = BANDS[BANDS.index(lowest) : BANDS.index(highest) + 1]
    return tuple(sorted({KOTLER_GRID[size, band] for band in bands}, key=_ORDER.index))
