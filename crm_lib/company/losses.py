"""What the rejected rows of a table are worth, and whether one kind of row is lost with them."""

from __future__ import annotations

from typing import Any

import ibis
import pandas as pd

from crm_lib.company import reading
from crm_lib.company.rows import AGAIN, Rows, counted
from crm_lib.language import say, text

MOST = 0.01
"""Share of a table's worth that rejected rows may hold without a word from the company."""
FEWEST, NEARLY, CHANCE = 5, 0.9, 0.001
"""Rows lost, and their share, from which on they can be of one kind; and how rarely chance alone may do it."""
MONEY = {"transactions": "revenue", "memberships": "price", "opportunities": "amount"}
"""Column that says what a row is worth; in other tables, and where it is absent, each row is worth the same."""
_RETURN = "^[(\u2212-]|[-\u2212]$"


def losses(rows: Rows, again: int) -> str:
    """Say what is lost with the rejected rows of a table; nothing where that is little and of all kinds.

    A row of which the amount cannot be read is worth what its digits say, else the median of the usable rows. A row
    that repeats another in all that counts is no loss.
    """
    table = rows.flagged() if again else rows.table
    out = ibis.literal(value=False) if (bad := rows.bad(table)) is None else bad
    if again:
        out |= table[AGAIN] & ~rows.copies(table)
    table, money = table.mutate(_out=out), MONEY.get(rows.contract.name, "")
    if (now := rows.now()) is not None:
        table = table.filter(now)
    size: Any = ibis.literal(1.0)
    high = 0.0
    if money in rows.theirs:
        value = rows.value(money, table)
        usual = counted(table.filter(~table._out), {"half": value.abs().median(), "high": value.abs().quantile(0.9)})
        size, high = reading.worth(table[rows.theirs[money]], value, usual.get("half", 1.0)), usual.get("high", 0.0)
    table = table.mutate(_size=size)
    marks = {"large amounts": table._size >= high} if money in rows.theirs else {}
    marks |= {"returns": _returns(rows, table)} if money == "revenue" else {}
    measures = {"all": table.count(), "all lost": table._out.sum()} | {name: mark.sum() for name, mark in marks.items()}
    measures |= {f"{name} lost": (mark & table._out).sum() for name, mark in marks.items()}
    groups = {name: rows.value(name, table) for name in ("channel",) if name in rows.theirs}
    if rows.contract.happened_at in rows.theirs:
        groups["month"] = rows.value(rows.contract.happened_at, table).truncate("M")
    by = table.group_by(**groups) if groups else table
    frame = by.aggregate(**measures, worth=table._size.sum(), gone=table._size.sum(where=table._out)).execute()
    worth, count = float(frame["worth"].sum()), int(frame["all lost"].sum())
    lost = float(frame["gone"].sum()) / worth if worth > 0 else 0.0
    kind = _one_kind(frame, [*marks], [*groups]) if count >= FEWEST else ""
    if not kind and (lost <= MOST or (money not in rows.theirs and count < FEWEST)):
        return ""
    words = "the rejected rows hold {share:share} of the money in the table"
    words = words if money in rows.theirs else "{share:share} of the rows are rejected"
    return say(words, share=lost) + (say(", and they are of one kind: {kind}", kind=kind) if kind else "")


def _returns(rows: Rows, table: Any) -> Any:
    """Which lines are returns, or look like one."""
    signs = [rows.value(name, table) < 0 for name in ("revenue", "quantity") if name in rows.theirs]
    raw = table[rows.theirs["revenue"]]
    return ibis.or_(*signs, *([raw.re_search(_RETURN)] if raw.type().is_string() else [])).fill_null(False)


def _one_kind(frame: pd.DataFrame, marks: list[str], groups: list[str]) -> str:
    """Name the kind that nearly all lost rows are of, or of which most are lost, more than chance would have it."""
    from scipy.stats import binom  # half a second, for the few tables that lose rows

    lost, all_ = frame["all lost"].sum(), frame["all"].sum()
    kinds = [(text(name), frame[f"{name} lost"].sum(), frame[name].sum()) for name in marks]
    for name in groups:
        parts = frame.groupby(name)[["all lost", "all"]].sum()
        shown = [
            f"{text(name)} {value:%Y-%m}" if name == "month" else f"{text(name)} '{value}'" for value in parts.index
        ]
        kinds += zip(shown, parts["all lost"], parts["all"], strict=True)
    for name, gone, of in kinds:
        if gone >= FEWEST and (
            (gone >= NEARLY * lost and binom.sf(gone - 1, lost, of / all_) * len(kinds) < CHANCE)
            or (gone > of / 2 and binom.sf(gone - 1, of, lost / all_) * len(kinds) < CHANCE)
        ):
            return name
    return ""
