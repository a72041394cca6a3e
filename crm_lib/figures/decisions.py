"""What to decide: the relationship for each segment, the decisions in one table, and whom to contact."""

from __future__ import annotations

import numpy as np
import pandas as pd

from crm_lib.errors import TooLittleData
from crm_lib.exhibit import Table
from crm_lib.figures.chart import Chart
from crm_lib.figures.columns import table
from crm_lib.figures.forms import grid
from crm_lib.language import plural, say, text
from crm_lib.segments import RELATIONSHIP_LEVELS, SMALLEST_GROUP, Decisions, RelationshipLevels, TargetLists
from crm_lib.segments.target_lists import PURPOSES, SEPARATOR

UNKNOWN_PERMISSION = "The company does not record who agreed to be contacted: make sure before anybody is."


def relationship_grid(found: RelationshipLevels) -> Chart:
    """Draw the segments by size and margin a customer on Kotler's grid, hollow where the data leave the level open."""
    placed = found.frame[found.frame["level"].notna()].copy()
    if placed.empty:
        raise TooLittleData(say("needs a group of at least {n} customers to place", n=SMALLEST_GROUP))
    placed["open"] = placed["possible"].map(len) > 1
    highest = next(one.name for one in reversed(RELATIONSHIP_LEVELS) if (placed["level"] == one.name).any())
    best = [text(str(name)) for name in placed.index[placed["level"] == highest]]
    kind = "{kind:words} per customer and year, after the cost to serve"
    if not np.isfinite(found.contact_cost):
        kind = "{kind:words} per customer and year"
    title = say("Number of customers against {what}", what=say(kind, kind=found.basis.kind))
    positive = bool((placed["margin"] > 0).all())
    return grid(
        placed,
        "margin",
        "customers",
        hollow="open",
        x_cuts=found.margin_cuts,
        y_cuts=found.size_cuts,
        log="xy" if positive else "y",
        name="relationship_grid",
        headline=say("The closest level called for is {level:words}: {groups:words}", level=highest, groups=best),
        title=title,
        about=say("Hollow points: the interval leaves more than one level open."),
        currency=found.basis.currency,
        table=relationship_table(found),
    )


def relationship_table(found: RelationshipLevels) -> Table:
    """Return the segments' levels, what the levels cost, and whether the margin carries that."""
    frame = found.frame.drop(columns=["size", "band"]).dropna(axis="columns", how="all")
    frame["possible"] = [" / ".join(say(level) for level in levels) or "–" for levels in frame["possible"]]
    note = "The level follows from the number of customers and what each brings (Kotler's grid); where the interval "
    note += "crosses a line, several are possible."
    if np.isfinite(found.contact_cost):
        note += " Contacts a year: {contacts}; {cost:money} each. That the margin carries them does not show they pay."
    contacts = ", ".join(say("{level:words} {n:number}", level=one.name, n=one.contacts) for one in RELATIONSHIP_LEVELS)
    return table(
        "relationship_levels",
        say("Which relationship fits each segment"),
        _worded(frame, "level", "carried"),
        currency=found.basis.currency,
        note=say(note, contacts=contacts, cost=found.contact_cost, currency=found.basis.currency),
        labels={"margin": say("{kind:words} a customer and year", kind=found.basis.kind).capitalize()},
    )


def decisions_table(made: Decisions) -> Table:
    """Return what is known of each segment, and what to do, one row each."""
    frame = made.frame.copy()
    note = "The data do not reach back two windows, so changes are not known."
    if made.compared:
        note = "Changes are against the window before, by today's cut points, with the members of then; 'change that "
        note += "holds' stands after correction for all changes looked at (Holm)."
        for measure, form in (("customers", "{x:count}"), ("value", "{x:short}")):
            ends = frame[[f"{measure}_change{end}" for end in ("", "_low", "_high")]].to_numpy(dtype=float)
            frame[f"{measure}_change"] = [_change(row, form, made.basis.currency) for row in ends]
        frame["change"] = [", ".join(say(each) for each in words) or say("none") for words in frame["change"]]
    columns = ["action", "customers", "value", "value_share", "customers_change", "value_change", "change", "serving"]
    kept = [name for name in (*columns, "level") if name in frame and frame[name].notna().any()]
    return table(
        "segment_decisions",
        say("The segments: what they bring, what changed, what to do"),
        _worded(frame[kept], "level", "action"),
        currency=made.basis.currency,
        note=say(note),
        labels={"value": made.basis.kind.capitalize(), "value_change": say("Change of {x:words}", x=made.basis.kind)},
    )


def target_summary_table(lists: TargetLists) -> Table:
    """Return the target lists with their sizes, overlap, value at stake and action, the most urgent first."""
    counts = lists.overview()
    several = plural("{n} customer is", "{n} customers are", int(counts["several"].iloc[-1]))
    frame = counts[["customers", "withheld", "first_here", "several", "value"]].rename(columns={"value": "at_stake"})
    frame.insert(0, "list", [*(text(PURPOSES[each.name][0]) for each in lists.lists), say("All customers, each once")])
    frame["action"] = [*(text(PURPOSES[each.name][1]) for each in lists.lists), ""]
    notes = [
        say("{several} on more than one list; 'first here' counts each under the most urgent.", several=several),
        say("At stake: the window's value; at risk, times the risk; growable, the gap to the best of their kind."),
    ]
    if not lists.permission_known:
        notes.append(say(UNKNOWN_PERMISSION))
        frame = frame.drop(columns="withheld")
    left_out = "Left out: {what:words}, {why}."
    notes += [say(left_out, what=name.replace("_", " "), why=why) for name, why in lists.left_out.items()]
    return table(
        "target_lists",
        say("Whom to contact"),
        frame.reset_index(drop=True),
        currency=lists.currency,
        note=" ".join(notes),
    )


def target_list_table(lists: TargetLists) -> Table:
    """Return all target lists in one table, which the report's workbook keeps whole."""
    parts = [each.frame.reset_index().assign(purpose=each.name.replace("_", " ")) for each in lists.lists]
    columns = ["customer_id", "purpose", "value", "reason", "also_on", "segment", "tier", "first_list"]
    frame = pd.concat([part for part in parts if len(part)] or [pd.DataFrame(columns=columns)])[columns]
    frame = frame.sort_values(["first_list", "value"], ascending=False, kind="stable", ignore_index=True)
    frame["also_on"] = [
        ", ".join(say(name.replace("_", " ")) for name in str(names).split(SEPARATOR)) for names in frame["also_on"]
    ]
    frame["first_list"] = [say("yes" if first else "no") for first in frame["first_list"]]
    note = "Each customer first under the most urgent purpose; the workbook has the other purposes below."
    return table(
        "target_customers",
        say("Whom to contact first"),
        _worded(frame.rename(columns={"value": "at_stake"}), "purpose", "segment", "tier"),
        currency=lists.currency,
        note=say(note) if lists.permission_known else f"{say(note)} {say(UNKNOWN_PERMISSION)}",
        rows=10,
    )


def _worded(frame: pd.DataFrame, *names: str) -> pd.DataFrame:
    """Return the frame with the words of some columns, and of the index, translated."""
    words = {
        name: [text(str(word)) if isinstance(word, str) and word else "–" for word in frame[name]]
        for name in names
        if name in frame
    }
    shown = frame.assign(**words)
    if shown.index.name is not None:
        shown.index = pd.Index([text(str(name)) for name in shown.index], name=shown.index.name)
    return shown


def _change(ends: np.ndarray, form: str, currency: str) -> str:
    if not np.isfinite(ends[0]):
        return "–"
    value, low, high = (say(form, x=float(end), currency=currency) for end in ends)
    return f"{'+' if ends[0] > 0 else ''}{value} [{low}, {high}]"
