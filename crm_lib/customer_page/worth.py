"""What the customer is worth, how likely still a customer, and where the customer stands among the others."""

from __future__ import annotations

from typing import Any, cast

import pandas as pd

from crm_lib import language
from crm_lib.clv import CustomerValue
from crm_lib.customer_page.section import Section, worded
from crm_lib.customer_page.subject import Subject
from crm_lib.errors import TooLittleData
from crm_lib.estimate import Estimate
from crm_lib.exhibit import Skipped
from crm_lib.language import chance


def worth(subject: Subject) -> Section:
    """Return historical, current and potential value, and the probability of being a customer still.

    Parameters
    ----------
    subject : Subject
        The customer.

    Raises
    ------
    MissingData
        If nothing was valued, or the customer has no purchase.
    """
    row = subject.valued()
    value = subject.value
    assert isinstance(value, CustomerValue)  # noqa: S101 - valued() has raised otherwise
    frame, n = value.frame, len(value.frame)
    place = int((frame["current"] > row["current"]).sum()) + 1
    words = {"place": language.number(place, 0), "n": language.number(n, 0)}
    facts = [
        ("Historical value", language.money(float(row["historical"]), value.currency)),
        ("Current value", _with_interval(row, "current", value)),
        ("Place by current value", language.text("{place} of {n}").format(**words)),
        ("Potential value", _with_interval(row, "potential", value)),
        ("Still a customer", chance(float(row["probability_alive"]))),
        (
            language.text("Purchases expected in {days} days").format(days=language.number(value.horizon_days, 0)),
            language.number(float(row["expected_purchases"]), 1),
        ),
        ("Value of a purchase to come", language.money(float(row["value_per_purchase"]), value.currency)),
    ]
    note = language.text("Intervals have a coverage of {level}.").format(level=language.share(value.level))
    return Section(
        key="worth",
        title="What the customer is worth",
        facts=worded(facts),
        note=f"{value.convention} {note} {value.rule.text}",
    )


def scores(subject: Subject) -> Section:
    """Return recency, frequency and monetary scores and the segment they make.

    Parameters
    ----------
    subject : Subject
        The customer.

    Raises
    ------
    TooLittleData
        If the customer did not buy in the window.
    """
    if isinstance(subject.segmented, Skipped):
        raise TooLittleData(subject.segmented.why)
    rfm, tiers = subject.segmented.rfm, subject.segmented.tiers
    days = language.number(subject.window_days, 0)
    if subject.customer_id not in rfm.frame.index:
        message = language.text("the customer bought nothing in the last {days} days")
        raise TooLittleData(message.format(days=days))
    row = cast("pd.Series[Any]", rfm.frame.loc[subject.customer_id])
    rule = next(rule for rule in rfm.rules if rule.name == row["segment"])
    of = language.text("{score} of {levels}")
    facts = [
        ("Segment", language.text(rule.name)),
        ("Value tier", language.text(str(tiers.frame.loc[subject.customer_id, "tier"]))),
    ]
    for name, label in (("recency", "Recency"), ("frequency", "Frequency"), ("monetary", "Monetary value")):
        score = {"score": int(row[f"{name}_score"]), "levels": rfm.levels}
        facts.append((label, of.format(**{key: language.number(each, 0) for key, each in score.items()})))
    facts.append(("For this segment", language.text(rule.action)))
    return Section(
        key="scores",
        title="Segment",
        facts=worded(facts),
        note=language.text("Scores are of the last {days} days; more is better.").format(days=days),
    )


def _with_interval(row: object, part: str, value: CustomerValue) -> str:
    low, middle, high = (float(row[name]) for name in (f"{part}_low", part, f"{part}_high"))  # type: ignore[index]
    estimate = Estimate(
        value=middle, low=low, high=high, n=1, level=value.level, unit=value.currency, method="posterior draws"
    )
    return str(estimate)
