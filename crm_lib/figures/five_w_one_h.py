"""The profile of a segment as a page: who, what, why, where, when and how, beside all other customers."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from crm_lib import language, schema
from crm_lib.estimate import Estimate
from crm_lib.exhibit import Table
from crm_lib.segments import Profile5W1H

_UNITS = {
    "age in years": "years", "days since last order": "days", "days since first order": "days",
    "orders per customer": "orders", "pieces per order": "pieces", "contacts per order": "contacts",
}  # fmt: skip
"""Units of the numbers that are not shares, money or points on a scale of answers."""


def five_w_one_h_table(profile: Profile5W1H, *, currency: str, most: int = 4) -> Table:
    """Return what sets a segment apart, question by question.

    Parameters
    ----------
    profile : Profile5W1H
        The comparisons.
    currency : str
        ISO code.
    most : int
        Differences shown for each question, the clearest of those that hold.

    Returns
    -------
    Table
        The differences that hold; where none does for a question, a row says so.
    """
    rows, told = [], 0
    for question in profile.questions:
        asked = profile.frame[profile.frame["question"] == question]
        held = asked[asked["holds"]]
        strength = [_strength(each) for each in held["difference"]]
        shown = held.assign(strength=strength).sort_values("strength", ascending=False, kind="stable").head(most)
        word = language.text(question.capitalize())
        rows += [(word, *_row(each, currency)) for each in shown.itertuples()]
        told += len(shown)
        if held.empty:
            none = language.plural(
                "no difference that holds in {n} comparison", "no difference that holds in {n} comparisons", len(asked)
            )
            rows.append((word, none, "", "", "", ""))
    held_all, compared = int(profile.frame["holds"].sum()), len(profile.frame)
    words = {
        "compared": language.number(compared, 0),
        "held": language.number(held_all, 0),
        "chance": language.share(profile.false_discoveries),
        "days": language.number(profile.days, 0),
        "shown": language.number(told, 0),
        "most": language.number(most, 0),
    }
    notes = [
        "{held} of {compared} comparisons hold: of these, {chance} or fewer are to be expected by chance "
        "(Benjamini-Hochberg).",
        *(["Shown are the {shown} clearest of the {held}, {most} at most for a question."] if told < held_all else []),
        "Points are percentage points. What happens in time is of the last {days} days. Each interval has a coverage "
        "of its own; a difference tells how customers differ, not why. What defined the segment differs by definition.",
    ]
    titles = {
        **words,
        "segment": profile.name,
        "n": language.number(profile.customers, 0),
        "others": language.number(profile.others, 0),
    }
    return Table(
        name="five_w_one_h",
        title=language.text(
            "{segment}: {n} customers differ from {others} others in {held} of {compared} comparisons"
        ).format(**titles),
        frame=pd.DataFrame(rows, columns=["question", "aspect", "value", "segment", "elsewhere", "difference"]),
        kinds=dict.fromkeys(("question", "aspect", "value", "segment", "elsewhere", "difference"), "text"),
        labels={"segment": "Here", "elsewhere": "Others", "difference": "Difference"},
        note=" ".join(language.text(note).format(**words) for note in notes),
        rows_shown=60,
    )


def _strength(difference: Estimate) -> float:
    """Return how many of its own half-widths a difference lies from none."""
    half = (difference.high - difference.low) / 2
    return abs(difference.value) / half if half > 0 and np.isfinite(half) else 0.0


def _row(row: Any, currency: str) -> tuple[str, str, str, str, str]:
    aspect, _, measure = row.aspect.partition(": ")
    label = _label(aspect) + (f" ({language.text(measure)})" if measure else "")
    difference = row.difference
    unit = {"share": "points", "money": currency}.get(row.unit, _UNITS.get(aspect, ""))
    times = 100 if row.unit == "share" else 1
    written = str(
        Estimate(
            value=times * difference.value, low=times * difference.low, high=times * difference.high, n=difference.n,
            level=difference.level, method=difference.method, unit=unit,
        )
    )  # fmt: skip
    sign = "+" if difference.value > 0 else ""
    here, elsewhere = (_written(value, row.unit, currency) for value in (row.segment, row.elsewhere))
    # Days and hours are our words; all other values are the company's own.
    value = language.text(row.value) if row.question == "when" and row.value else str(row.value)
    return label, value, here, elsewhere, sign + written


def _label(aspect: str) -> str:
    for contract in (schema.CUSTOMERS, schema.TRANSACTIONS, schema.SURVEYS):
        if aspect in contract.column_names:
            return language.text(contract.column(aspect).label)
    return language.text(aspect.replace("_", " ").capitalize())


def _written(value: float, unit: str, currency: str) -> str:
    if unit == "share":
        return language.share(value, 1)
    return language.money(value, currency) if unit == "money" else language.number(value)
