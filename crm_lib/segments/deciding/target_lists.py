"""Whom to contact, why, and in which order: one list of customers for each purpose."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from crm_lib import language
from crm_lib.company import Company
from crm_lib.errors import MissingData, TooLittleData
from crm_lib.segments.deciding.rfm_decisions import window_before
from crm_lib.segments.rfm.segment_rules import SEGMENT_RULES
from crm_lib.segments.tables.customer_voice import own_answers, window_complaints
from crm_lib.segments.tables.window import customer_window, value_of
from crm_lib.segments.value.core_comparison import CORE

COLUMNS = ["segment", "tier", "value", "reason"]
PURPOSES: Mapping[str, tuple[str, str]] = {
    "open_complaints": (
        "Core customers with an unsettled complaint",
        "Call, apologise and settle it; then ask whether all is well.",
    ),
    "dissatisfied": ("Core customers who answered that they are dissatisfied", "Ask what was missing, and answer it."),
    "slipping_away": (
        "Slipping away: good customers who have fallen silent",
        "Call and ask; offer a reason to come back.",
    ),
    "former_core": ("Core customers of the window before who bought nothing since", "Ask why; win back who can be."),
    "growing": ("Growing: recent customers of middling weight", "Offer the next category; make the second step easy."),
}
"""The lists, the most urgent first: title and action."""
_SEGMENTS = tuple(rule.name for rule in SEGMENT_RULES)


@dataclass(frozen=True, kw_only=True)
class TargetList:
    """Customers to contact for one purpose.

    Parameters
    ----------
    name : str
        Short name, a key of :data:`PURPOSES` or one of the caller's own.
    title, action : str
        Who they are, and what to do.
    frame : DataFrame
        Indexed by ``customer_id``, the largest value first: ``segment``, ``tier``, ``value`` (at stake, money) and
        ``reason``, in words. Who agreed to be contacted, or everybody where the company does not record it.
    withheld : DataFrame
        The same of those who did not agree, or of whom it is not known.
    """

    name: str
    title: str
    action: str
    frame: pd.DataFrame
    withheld: pd.DataFrame


@dataclass(frozen=True, kw_only=True)
class TargetLists:
    """All lists of a company.

    Parameters
    ----------
    lists : tuple of TargetList
        The lists, the most urgent first; a customer may be on several.
    left_out : mapping of str to str
        Lists that could not be made, and why.
    permission_known : bool
        Whether the company records who agreed to be contacted.
    as_of : date
        Day on which they were made.
    """

    lists: tuple[TargetList, ...]
    left_out: Mapping[str, str]
    permission_known: bool
    as_of: dt.date


def target_lists(
    company: Company,
    *,
    segment: pd.Series[str],
    tier: pd.Series[str],
    tier_before: pd.Series[str] | None = None,
    core: Sequence[str] = CORE,
    days: int = 365,
    dissatisfied_below: float = 6.0,
    segment_names: Sequence[str] = _SEGMENTS,
) -> TargetLists:
    """Return the lists that the company's data allow.

    Parameters
    ----------
    company : Company
        The company.
    segment : Series
        RFM segment of each customer of the window, indexed by ``customer_id``.
    tier : Series
        Value tier of each customer of the window.
    tier_before : Series, optional
        Tier of each customer of the window before, for the list of former core customers.
    core : sequence of str
        Tiers that are the core.
    days : int
        Length of the window that ends at the company's ``as_of``.
    dissatisfied_below : float
        A last answer with a satisfaction below this is dissatisfied.
    segment_names : sequence of str
        Names of all segments there are; a list of a segment that is not among them is left out.

    Returns
    -------
    TargetLists
        The lists, with customers' ids and no names.

    Raises
    ------
    TooLittleData
        If nobody bought anything in the window.
    """
    window = customer_window(company, days=days)
    value = window[value_of(company)]
    inside = tier.index[tier.isin(list(core))]
    made: dict[str, pd.DataFrame] = {}
    left_out: dict[str, str] = {}
    segments = segment.reindex(window.index)

    def _members(name: str) -> pd.DataFrame:
        if name not in segment_names:
            message = language.text("the company's own rules know no segment '{name}'")
            raise TooLittleData(message.format(name=name))
        return window[(segments == name) & window["last_purchase"].notna()]

    makers: dict[str, Callable[[], pd.DataFrame]] = {
        "open_complaints": lambda: _complaining(company, inside, value, days),
        "dissatisfied": lambda: _dissatisfied(company, inside, value, days, dissatisfied_below),
        "slipping_away": lambda: _silent(_members("Slipping away"), value, company.as_of),
        "former_core": lambda: _former(company, window, tier_before, core, days),
        "growing": lambda: _silent(_members("Growing"), value, company.as_of),
    }
    for name, make in makers.items():
        try:
            made[name] = make()
        except MissingData as missing:
            left_out[name] = str(missing)
    allowed = contact_permission(company)
    before = tier_before if tier_before is not None else tier.iloc[:0]
    tiers = pd.concat([tier.astype(object), before[~before.index.isin(tier.index)].astype(object)])
    lists = tuple(
        target_list(name, candidates, segment=segment, tier=tiers, allowed=allowed) for name, candidates in made.items()
    )
    return TargetLists(lists=lists, left_out=left_out, permission_known=allowed is not None, as_of=company.as_of)


def target_list(
    name: str,
    candidates: pd.DataFrame,
    *,
    segment: pd.Series[str],
    tier: pd.Series[str],
    allowed: pd.Series[bool] | None,
    title: str = "",
    action: str = "",
) -> TargetList:
    """Return one list, those who may not be contacted apart.

    Parameters
    ----------
    name : str
        Short name.
    candidates : DataFrame
        Indexed by ``customer_id``: ``value`` (at stake, money) and ``reason``.
    segment, tier : Series
        Segment and tier of each customer.
    allowed : Series or None
        Who agreed to be contacted, as of :func:`contact_permission`; None where that is not recorded.
    title, action : str
        Who they are and what to do, for a list that :data:`PURPOSES` does not know.

    Returns
    -------
    TargetList
        The list, the largest value first, equal ones by their ids.

    Raises
    ------
    ValueError
        If a customer is named twice, or the list is not known and has no title.
    """
    if candidates.index.has_duplicates:
        twice = candidates.index[candidates.index.duplicated()][:3].tolist()
        raise ValueError(f"the list '{name}' names customers twice: {twice}")
    known_title, known_action = PURPOSES.get(name, ("", ""))
    if not (title or known_title):
        raise ValueError(f"the list '{name}' needs a title; those known are {', '.join(PURPOSES)}")
    frame = candidates.assign(
        segment=segment.reindex(candidates.index).astype(object), tier=tier.reindex(candidates.index).astype(object)
    )
    frame = frame[COLUMNS].rename_axis("customer_id").sort_index(kind="stable")
    frame = frame.sort_values("value", ascending=False, kind="stable")
    may = pd.Series(True, index=frame.index) if allowed is None else allowed.reindex(frame.index, fill_value=False)
    return TargetList(
        name=name,
        title=title or known_title,
        action=action or known_action,
        frame=frame[may.to_numpy(dtype=bool)],
        withheld=frame[~may.to_numpy(dtype=bool)],
    )


def contact_permission(company: Company) -> pd.Series[bool] | None:
    """Return who agreed to be contacted.

    Parameters
    ----------
    company : Company
        The company.

    Returns
    -------
    Series or None
        Indexed by ``customer_id``; False where the answer is missing. None where the company does not record it.
    """
    if not company.has("customers", "contact_allowed"):
        return None
    frame = company.frame("customers", "customer_id", "contact_allowed")
    agreed = frame["contact_allowed"].astype("boolean").fillna(value=False).astype(bool)
    # Where a customer is there twice, one refusal is a refusal.
    return agreed.groupby(frame["customer_id"]).all()


def _complaining(company: Company, inside: pd.Index[str], value: pd.Series[float], days: int) -> pd.DataFrame:
    complaints = window_complaints(company, days=days)
    if "settled" not in complaints:
        raise MissingData("complaints", ("closed_at",))
    complaints = complaints[~complaints["settled"] & complaints["customer_id"].isin(inside)]
    # Of complaints opened at one moment the order must not hang on that of the rows.
    complaints = complaints.sort_values([name for name in ("opened_at", "topic") if name in complaints], kind="stable")
    first = complaints.drop_duplicates("customer_id").set_index("customer_id")
    ages = (pd.Timestamp(company.as_of) - first["opened_at"].dt.normalize()).dt.days
    reasons = []
    for (_, row), age in zip(first.iterrows(), ages, strict=True):
        words = "{topic}: open for {days} days" if pd.isna(row["closed_at"]) else "{topic}: closed unsettled"
        topic = row.get("topic")
        topic = language.text("complaint") if pd.isna(topic) else str(topic)
        reasons.append(language.text(words).format(topic=topic, days=language.number(age, 0)))
    return pd.DataFrame({"value": value.reindex(first.index).fillna(0.0), "reason": reasons}, index=first.index)


def _dissatisfied(
    company: Company, inside: pd.Index[str], value: pd.Series[float], days: int, below: float
) -> pd.DataFrame:
    answers = own_answers(company, days=days)
    answers = answers[answers["customer_id"].isin(inside)].sort_values(["responded_at", "satisfaction"])
    last = answers.drop_duplicates("customer_id", keep="last").set_index("customer_id")
    last = last[last["satisfaction"] < below]
    words = language.text("satisfaction {points} on {day}")
    reasons = [
        words.format(points=language.number(points), day=language.date(pd.Timestamp(day).date()))
        for points, day in zip(last["satisfaction"], last["responded_at"], strict=True)
    ]
    return pd.DataFrame({"value": value.reindex(last.index).fillna(0.0), "reason": reasons}, index=last.index)


def _silent(customers: pd.DataFrame, value: pd.Series[float], as_of: dt.date) -> pd.DataFrame:
    silent = (pd.Timestamp(as_of) - customers["last_purchase"]).dt.days
    # Written once for each number: many customers share it.
    orders = {n: language.plural("{n} order", "{n} orders", int(n)) for n in customers["orders"].unique()}
    days = {n: language.plural("{n} day", "{n} days", int(n)) for n in silent.unique()}
    words = language.text("{orders}, the last one {days} ago")
    reasons = [
        words.format(orders=orders[count], days=days[gone])
        for count, gone in zip(customers["orders"], silent, strict=True)
    ]
    return pd.DataFrame({"value": value.reindex(customers.index), "reason": reasons}, index=customers.index)


def _former(
    company: Company, window: pd.DataFrame, tier_before: pd.Series[str] | None, core: Sequence[str], days: int
) -> pd.DataFrame:
    earlier = window_before(company, days=days)
    if tier_before is None or earlier is None:
        raise TooLittleData(language.text("the window before and its tiers are needed, and are not known"))
    buyers = window.index[window["orders"] > 0]
    gone = earlier[earlier.index.isin(tier_before.index[tier_before.isin(list(core))]) & ~earlier.index.isin(buyers)]
    ending = company.as_of - dt.timedelta(days=days)
    frame = _silent(gone.dropna(subset="last_purchase"), earlier[value_of(company)], company.as_of)
    words = language.text("{what}; in the core until {day}, with the tier of that day")
    frame["reason"] = [words.format(what=reason, day=language.date(ending)) for reason in frame["reason"]]
    return frame
