"""Customers for the target lists whom the analyses name, each with the numbers that put the customer there."""

from __future__ import annotations

from typing import TypeVar

import pandas as pd

from crm_lib import language
from crm_lib.errors import TooLittleData
from crm_lib.exhibit import Skipped
from crm_lib.relationships.relations.switching import LOOKING
from crm_lib.segments.deciding.target_evidence import TargetEvidence
from crm_lib.segments.rfm.in_engine import Segmented

R = TypeVar("R")


def looking_around(evidence: TargetEvidence, segmented: Segmented) -> pd.DataFrame:
    """Return the valuable customers who are likely to fall silent.

    Parameters
    ----------
    evidence : TargetEvidence
        Value against risk.
    segmented : Segmented
        The customers.

    Returns
    -------
    DataFrame
        Indexed by ``customer_id``: ``value`` (value times risk, money) and ``reason``.

    Raises
    ------
    TooLittleData
        If the analysis was left out.
    """
    switching, risk = _given(evidence.switching), _given(evidence.risk)
    own = switching.frame[switching.frame["class"] == LOOKING]
    words = language.text("{risk} risk of buying nothing within {days} days")
    risks = [words.format(risk=_chance(chance), days=language.number(risk.horizon_days, 0)) for chance in own["risk"]]
    silent = segmented.rfm.frame["recency"].reindex(own.index)
    both = language.text("{what}; the last purchase {days} ago")
    reasons = [
        # Silence is not known of who bought before the window alone.
        what if pd.isna(gone) else both.format(what=what, days=_days(gone))
        for what, gone in zip(risks, silent, strict=True)
    ]
    return _listed(own["at_risk"], reasons)


def newly_warned(evidence: TargetEvidence, segmented: Segmented) -> pd.DataFrame:
    """Return the customers newly warned of.

    Parameters
    ----------
    evidence : TargetEvidence
        The warning and the stages it rests on.
    segmented : Segmented
        The customers.

    Returns
    -------
    DataFrame
        Indexed by ``customer_id``: ``value`` (of the window, money) and ``reason``.

    Raises
    ------
    TooLittleData
        If the analysis was left out.
    """
    warning, cycle = _given(evidence.warning), _given(evidence.cycle)
    new = warning.frame[warning.frame["new"]]
    own = cycle.frame.loc[new.index]
    words = language.text(
        "{chance} likely to be in decline or gone: {bought} so far, {rate} a year when stable, the last {days} ago"
    )
    reasons = [
        words.format(
            chance=_chance(chance),
            bought=_bought(bought),
            rate=language.number(rate, 1),
            days=_days(gone),
        )
        for chance, bought, rate, gone in zip(
            new["probability"], own["purchases"], own["rate"], own["silent_days"], strict=True
        )
    ]
    return _listed(segmented.tiers.frame["value"].reindex(new.index).fillna(0.0), reasons)


def losing_value(evidence: TargetEvidence) -> pd.DataFrame:
    """Return the relational customers who buy less than they used to.

    Parameters
    ----------
    evidence : TargetEvidence
        The kinds of relational customers and the fading that they were judged by.

    Returns
    -------
    DataFrame
        Indexed by ``customer_id``: ``value`` (of the window, money) and ``reason``.

    Raises
    ------
    TooLittleData
        If the analysis was left out.
    """
    kinds, fading = _given(evidence.kinds), _given(evidence.fading)
    own = kinds.frame[kinds.frame["kind"] == "losing value"]
    words = language.text(
        "{bought} within {days} days, where the past lets expect {expected}; {chance} likely that this is chance"
    )
    days = language.number(fading.recent_days, 0)
    reasons = [
        words.format(
            bought=_bought(recent),
            days=days,
            expected=language.number(expected, 1),
            chance=_chance(unchanged),
        )
        for recent, expected, unchanged in zip(own["recent"], own["expected"], own["unchanged"], strict=True)
    ]
    return _listed(own["value"], reasons)


def growable(evidence: TargetEvidence, segmented: Segmented, currency: str) -> pd.DataFrame:
    """Return the relational customers who bring clearly less than the best of those alike.

    Parameters
    ----------
    evidence : TargetEvidence
        The kinds of relational customers.
    segmented : Segmented
        The customers.
    currency : str
        ISO code.

    Returns
    -------
    DataFrame
        Indexed by ``customer_id``: ``value`` (what lies between, money) and ``reason``.

    Raises
    ------
    TooLittleData
        If the analysis was left out.
    """
    kinds = _given(evidence.kinds)
    own = kinds.frame[kinds.frame["kind"] == "growable"]
    words = language.text("{value} of {kind} within {days} days; the best of similar customers bring {reach} and more")
    places = {
        "kind": language.text(segmented.value_kind),
        "days": language.number(segmented.definitions.window_days, 0),
    }
    reasons = [
        words.format(value=language.money(value, currency), reach=language.money(value + gap, currency), **places)
        for value, gap in zip(own["value"], own["gap"], strict=True)
    ]
    return _listed(own["gap"], reasons)


def _given(result: R | Skipped | None) -> R:
    if result is None:
        raise TooLittleData(language.text("the analysis was not made"))
    if isinstance(result, Skipped):
        raise TooLittleData(result.why)
    return result


def _listed(value: pd.Series[float], reasons: list[str]) -> pd.DataFrame:
    return pd.DataFrame({"value": value, "reason": pd.Series(reasons, index=value.index, dtype=object)})


def _chance(chance: float) -> str:
    # What is estimated is never quite sure.
    if chance < 0.005:
        return language.text("less than {share}").format(share=language.share(0.01))
    if chance >= 0.995:
        return language.text("more than {share}").format(share=language.share(0.99))
    return language.share(chance)


def _bought(days: float) -> str:
    if not days:
        return language.text("no purchase")
    return language.plural("{n} day of purchase", "{n} days of purchase", int(days))


def _days(days: float) -> str:
    return language.plural("{n} day", "{n} days", int(days))
