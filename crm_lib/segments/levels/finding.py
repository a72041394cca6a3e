"""Whether customers of low margin can carry more than basic service, as a finding."""

from __future__ import annotations

from typing import Any

import numpy as np

from crm_lib import language
from crm_lib.errors import TooLittleData
from crm_lib.estimate import Estimate
from crm_lib.finding import Criterion, Finding, Verdict
from crm_lib.segments.levels.grid import Level
from crm_lib.segments.levels.levels import RelationshipLevels
from crm_lib.segments.tables.profit_table import SMALLEST_GROUP

_YEAR = 365


def finding_basic(found: RelationshipLevels, *, currency: str, above: Level = "accountable") -> Finding:
    """Return the finding on whether many customers of low margin can carry more than basic service.

    Parameters
    ----------
    found : RelationshipLevels
        The groups on the grid.
    currency : str
        ISO code.
    above : str
        The level whose cost is set against the margin.

    Returns
    -------
    Finding
        On the largest group of low margin (where none is low, on that of the lowest): supported when what is left of
        a customer's margin after the contacts of `above` is negative for certain. At stake is what these contacts cost
        for all its customers in a year.

    Raises
    ------
    TooLittleData
        If the cost of a contact or the margin is not known, or no group is large enough.
    """
    placed = found.frame[found.frame["level"].notna()]
    if found.value_kind != "margin" or not np.isfinite(found.contact_cost) or placed.empty:
        message = language.text("margin, the cost of a contact, and a group of at least {fewest} customers are needed")
        raise TooLittleData(message.format(fewest=SMALLEST_GROUP))
    low = placed[placed["band"] == "low"].sort_values("customers", ascending=False, kind="stable")
    chosen = low.head(1) if len(low) else placed.tail(1)
    name = str(chosen.index[0])
    row: dict[Any, Any] = chosen.iloc[0].to_dict()
    cost = found.contacts[above] * found.contact_cost
    estimate = Estimate(
        value=float(row["margin"] - cost),
        low=float(row["low"] - cost),
        high=float(row["high"] - cost),
        n=int(row["customers"]),
        method="mean over customers, skewness removed (Hall)",
        unit=currency,
    )
    # Written alike, whatever the width of the interval, as they stand beside one another.
    amounts = {"margin": float(row["margin"]), "left": estimate.value, "low": estimate.low, "high": estimate.high}
    places = {
        "group": language.text(name).replace("{", "{{").replace("}", "}}"),
        "contacts": language.number(found.contacts[above]),
        "each": language.text(found.each_cost).format(cost=language.money(found.contact_cost, currency, 2)),
        "days": language.number(found.days, 0),
        "level": language.text(str(row["level"])),
        **{name: language.money(value, currency) for name, value in amounts.items()},
    }
    sentence = "A customer of the group {group} brought {margin} last year; {contacts} contacts {each} would have left "
    if found.days != _YEAR:
        sentence = (
            "A customer of the group {group} brought {margin} a year by the last {days} days; {contacts} contacts "
            "{each} would have left "
        )
    sentence += "{left} [{low}, {high}]."
    decisions = {
        Verdict.SUPPORTED: "Keep service for {group} basic: automatic, cheap and easy to find; no calls after a sale.",
        Verdict.NOT_SUPPORTED: (
            "The margin that {group} brought exceeds the cost of {contacts} contacts; that does not show that contacts "
            "pay. Keep the level of the grid ({level}) unless a trial with a control group shows otherwise."
        ),
        Verdict.UNDECIDED: "Leave service for {group} as it is; the margin is too close to the cost to tell.",
    }
    return Finding(
        key="segments.basic_service",
        claim=language.text(
            "With many customers of low margin, service after the sale would cost more than the margin carries."
        ),
        source="Textbook 4.3.2, Kotler's five relationships",
        estimate=estimate,
        criterion=Criterion(high=0.0),
        sentence=language.text(sentence).format(**places),
        decisions={verdict: language.text(words).format(**places) for verdict, words in decisions.items()},
        money_at_stake=Estimate.exact(cost * int(row["customers"]), n=int(row["customers"]), unit=currency),
        money_note=language.text("what such contacts would cost for all of the group in a year"),
    )
