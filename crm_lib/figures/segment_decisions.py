"""The table of segments with what to decide for each."""

from __future__ import annotations

import numpy as np

from crm_lib import language
from crm_lib.exhibit import Kind, Table
from crm_lib.segments import Decisions
from crm_lib.segments.tables.profit_table import SMALL_GROUPS


def decisions_table(made: Decisions, *, currency: str) -> Table:
    """Return what is known of each segment, and what to do, one row each.

    Parameters
    ----------
    made : Decisions
        The segments.
    currency : str
        ISO code.

    Returns
    -------
    Table
        One row per segment, the most valuable first; changes are written with their intervals.
    """
    frame = made.frame.copy()
    frame.index = [language.text(str(name)) for name in frame.index]
    if made.compared:
        for measure, decimals in (("customers", 0), ("value", None)):
            frame[f"{measure}_change"] = [_change(row, measure, decimals, currency) for row in frame.to_dict("records")]
        frame["change"] = [
            ", ".join(language.text(part) for part in str(words).split(", ")) for words in frame["change"]
        ]
    for name in ("level", "action"):
        if name in frame:
            frame[name] = [language.text(str(word)) if isinstance(word, str) and word else "–" for word in frame[name]]
    wanted = [
        "action", "customers", "value", "value_share", "customers_change", "value_change", "change", "serving", "level",
    ]  # fmt: skip
    wanted = [name for name in wanted if name in frame and not frame[name].isna().all()]
    kinds: dict[str, Kind] = {
        "action": "text", "customers": "count", "value": "money", "value_share": "share", "customers_change": "text",
        "value_change": "text", "change": "text", "serving": "money", "level": "text",
    }  # fmt: skip
    labels = {
        "value": made.value_kind.capitalize(),
        "value_share": f"Share of {made.value_kind}", "customers_change": "Change of customers",
        "value_change": f"Change of {made.value_kind}", "change": "Change that holds", "serving": "Cost of contacts",
        "level": "Relationship",
    }  # fmt: skip
    notes = []
    if made.compared:
        notes.append(
            language.text(
                "Changes are against the window before, each segment with the members it had then; {level} "
                "intervals. {looks} changes were looked at: 'Change that holds' names those that hold with "
                "Holm's correction for all of them. Both windows by today's cut points; sizes and changes differ from "
                "those by the cut points of the earlier day."
            ).format(level=language.share(made.level), looks=language.number(made.looks, 0))
        )
    else:
        notes.append(language.text("The data do not reach back two windows: changes cannot be told."))
    if SMALL_GROUPS in made.frame.index:
        notes.append(language.text("Segments with too few customers are pooled."))
    return Table(
        name="segment_decisions",
        title="The segments: what they bring, what changed, what to do",
        frame=frame[wanted].rename_axis("segment"),
        kinds={name: kinds[name] for name in wanted},
        labels={name: label for name, label in labels.items() if name in wanted},
        currency=currency,
        note=" ".join(notes),
    )


def _change(row: dict[object, object], measure: str, decimals: int | None, currency: str) -> str:
    value, low, high = (float(str(row[f"{measure}_change{end}"])) for end in ("", "_low", "_high"))
    if not np.isfinite(value):
        return "–"
    if measure == "customers":
        parts = [language.number(end, decimals) for end in (value, low, high)]
    else:
        parts = [language.money(end, currency, 0) for end in (value, low, high)]
    sign = "+" if value > 0 else ""
    return f"{sign}{parts[0]} [{parts[1]}, {parts[2]}]"
