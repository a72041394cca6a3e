"""Movement between segments as flows, the tables behind them, and what segments brought afterwards."""

from __future__ import annotations

from typing import Any

import pandas as pd

from crm_lib import language
from crm_lib.exhibit import Table
from crm_lib.figures.chart import Chart
from crm_lib.figures.columns import table
from crm_lib.figures.forms import flows
from crm_lib.language import say, text
from crm_lib.segments import SMALLEST_GROUP, FollowUp, Movement

_WAYS = {
    "up": "moved up", "down": "moved down", "stayed": "stayed in their segment", "came": "came into the base",
    "left": "left the base",
}  # fmt: skip


def movement_chart(moved: Movement) -> Chart:
    """Draw the flows of customers between the segments of two days; who came or left has a block at the bottom."""
    counts = moved.flows()["customers"]
    words: dict[str, Any] = {str(way): n for way, n in counts.items()}
    words |= {"rising": counts[["up", "came"]].sum(), "falling": counts[["down", "left"]].sum()}
    words |= {"earlier": moved.earlier, "later": moved.later, "net": moved.net_up}
    return flows(
        moved.matrix(),
        sides=(language.date(moved.earlier), language.date(moved.later)),
        ends=(text("New in the base"), text("No longer in the base")),
        name="movement",
        headline=say("{rising:count} customers moved up or came, {falling:count} moved down or left", **words),
        title=say("Movement between segments from {earlier} to {later}", **words),
        about=say("{came:count} came into the base and {left:count} left it; {net} of the moves led up.", **words),
        table=movement_table(moved),
    )


def movement_table(moved: Movement) -> Table:
    """Return the number of customers of each segment before (rows), by their segment after (columns)."""
    frame = moved.matrix()
    names = [text(str(name)) for name in frame.columns]
    frame.index = pd.Index(names, name="before")
    frame.columns = pd.Index([f"to {place}" for place in range(len(names))])
    day = moved.definitions.estimated_on or moved.earlier
    return table(
        "movement",
        "Customers by segment before (rows) and after (columns)",
        frame,
        kinds=dict.fromkeys(frame.columns, "count"),
        labels={"before": "Before", **dict(zip(frame.columns, names, strict=True))},
        note=say(
            "Scored by the cut points of {day} on both days, so that customers move and segments do not.", day=day
        ),
    )


def segment_change_table(moved: Movement) -> Table:
    """Return how each segment changed in size, and how its customers of before went, best first."""
    frame = moved.table()
    frame["stayed_share"] = frame["stayed_share"].where(frame["before"] >= SMALLEST_GROUP)
    change = frame.pop("net_change")
    form = "{value:count} [{low:count}, {high:count}]"
    frame["change"] = [say(form, value=one.value, low=one.low, high=one.high) for one in change]
    frame["evidence"] = [text("may be chance" if one.low <= 0 <= one.high else "holds") for one in change]
    frame.index = pd.Index([text(str(name)) for name in frame.index], name="segment")
    counts, day = ("before", "after", "up", "down", "left"), moved.definitions.estimated_on or moved.earlier
    return table(
        "segment_change",
        "How the segments changed in size",
        frame,
        kinds={**dict.fromkeys(counts, "count"), "stayed_share": "share", "change": "text", "evidence": "text"},
        labels={
            "before": language.date(moved.earlier), "after": language.date(moved.later), "up": "Moved up",
            "down": "Moved down", "left": "Left the base", "stayed_share": "Stayed", "change": "Net change",
        },
        note=say(
            "By the cut points of {day} on both days; tables by those of another day show other sizes. The intervals "
            "of all net changes hold together at 95%.",
            day=day,
        ),
    )  # fmt: skip


def flows_table(moved: Movement) -> Table:
    """Return the value that movement brought and took, by way."""
    frame, basis = moved.flows(), moved.basis
    frame.index = pd.Index([text(_WAYS[str(way)]).capitalize() for way in frame.index], name="way")
    word = basis.kind.capitalize()
    money = ("value_before", "value_after", "change")
    note = "Windows of {days} days up to {earlier} and up to {later}."
    return table(
        "movement_value",
        "What movement brought and took",
        frame,
        kinds=dict.fromkeys(money, "money"),
        labels={
            "way": "Customers who", "value_before": f"{word} before", "value_after": f"{word} after",
            "change": "Change",
        },
        currency=basis.currency,
        note=say(note, days=basis.days, earlier=moved.earlier, later=moved.later),
    )  # fmt: skip


def follow_up_table(followed: FollowUp) -> Table:
    """Return what the segments of an earlier day brought afterwards, best first."""
    frame, kind = followed.table(), followed.value_kind
    frame.index = pd.Index([text(str(name)) for name in frame.index], name="segment")
    return table(
        "rfm_follow_up",
        "What the segments of an earlier day brought afterwards",
        frame,
        kinds={"active_share": "share"},
        labels={
            "active_share": "Came back", "mean_value": f"{kind.capitalize()} per customer",
            "value_share": f"Share of {kind}", "lift": "Share of value over share of customers",
        },
        currency=followed.currency,
    )  # fmt: skip
