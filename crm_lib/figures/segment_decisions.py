"""Tables to act on: what to decide for each segment, and whom to contact."""

from __future__ import annotations

import numpy as np
import pandas as pd

from crm_lib import language
from crm_lib.exhibit import Kind, Table
from crm_lib.segments import Decisions, TargetLists
from crm_lib.segments.tables.profit_table import SMALL_GROUPS

_LAPSED = "Tier and value of core customers of the window before are those of that window."


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


def target_summary_table(lists: TargetLists, *, currency: str) -> Table:
    """Return the target lists with their sizes, value at stake and action.

    Parameters
    ----------
    lists : TargetLists
        The lists.
    currency : str
        ISO code.

    Returns
    -------
    Table
        One row per list, the most urgent first.
    """
    frame = pd.DataFrame(
        {
            "list": [language.text(each.title) for each in lists.lists],
            "customers": [len(each.frame) + len(each.withheld) for each in lists.lists],
            "may_contact": [len(each.frame) for each in lists.lists],
            "withheld": [len(each.withheld) for each in lists.lists],
            "value": [float(each.frame["value"].sum()) for each in lists.lists],
            "action": [language.text(each.action) for each in lists.lists],
        }
    )
    notes = [language.text("A customer may be on several lists. Value at stake is that of those who may be contacted.")]
    if any(each.name == "former_core" for each in lists.lists):
        notes.append(language.text(_LAPSED))
    if not lists.permission_known:
        notes.append(
            language.text("The company does not record who agreed to be contacted: make sure before anybody is.")
        )
        frame = frame.drop(columns=["may_contact", "withheld"])
    for name, why in lists.left_out.items():
        notes.append(language.text("Left out: {what}. Why: {why}.").format(what=name.replace("_", " "), why=why))
    kinds: dict[str, Kind] = {"customers": "count", "may_contact": "count", "withheld": "count", "value": "money"}
    labels = {"may_contact": "May be contacted", "withheld": "Without permission", "value": "Value at stake"}
    return Table(
        name="target_lists",
        title="Whom to contact",
        frame=frame,
        kinds={name: kind for name, kind in kinds.items() if name in frame},
        labels={name: label for name, label in labels.items() if name in frame},
        currency=currency,
        note=" ".join(notes),
    )


def target_list_table(lists: TargetLists, *, currency: str, rows_shown: int = 10) -> Table:
    """Return all target lists in one table, which the report's workbook keeps whole.

    Parameters
    ----------
    lists : TargetLists
        The lists.
    currency : str
        ISO code.
    rows_shown : int
        Rows printed, the largest values of all lists.

    Returns
    -------
    Table
        One row per customer and purpose: those who may be contacted, and only their ids.
    """
    parts = [
        each.frame.reset_index().assign(purpose=language.text(each.title)) for each in lists.lists if len(each.frame)
    ]
    columns = ["customer_id", "purpose", "segment", "tier", "value", "reason"]
    frame = pd.concat(parts)[columns] if parts else pd.DataFrame(columns=columns)
    frame = frame.sort_values("value", ascending=False, kind="stable").reset_index(drop=True)
    notes = [
        language.text(
            "Only customers who may be contacted; the command crm targets writes the lists to files."
            if lists.permission_known
            else "The company does not record who agreed to be contacted: make sure before anybody is."
        )
    ]
    if any(each.name == "former_core" and len(each.frame) for each in lists.lists):
        notes.append(language.text(_LAPSED))
    for name in ("segment", "tier"):
        frame[name] = [language.text(str(word)) if isinstance(word, str) else "–" for word in frame[name]]
    return Table(
        name="target_customers",
        title="Target lists, the largest value first",
        frame=frame,
        kinds={"customer_id": "text", "value": "money", "segment": "text", "tier": "text", "reason": "text"},
        labels={"customer_id": "Customer", "value": "Value at stake"},
        currency=currency,
        note=" ".join(notes),
        rows_shown=rows_shown,
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
