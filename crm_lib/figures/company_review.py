"""The company's half of the 3C analysis: readiness, data, customers, the SWOT board and the register."""

from __future__ import annotations

import math
import textwrap
from typing import Any

import pandas as pd

from crm_lib import environment
from crm_lib.environment.register import PUBLISHED
from crm_lib.environment.swot import BY_HAND, PARTS
from crm_lib.estimate import LEVEL
from crm_lib.exhibit import Table
from crm_lib.figures.chart import Chart
from crm_lib.figures.columns import table
from crm_lib.figures.forms import bars, dots, heat
from crm_lib.figures.forms.words import Words, finish
from crm_lib.figures.satisfaction import ends
from crm_lib.figures.style import BLUE, GREEN, INK, ORANGE, PURPLE, QUIET, new_axes
from crm_lib.language import say, share, text
from crm_lib.schema import TABLES

_TITLES = {"strength": "Strengths", "weakness": "Weaknesses", "opportunity": "Opportunities", "threat": "Threats"}
_SHADES = dict(zip(PARTS, (BLUE, ORANGE, GREEN, PURPLE), strict=True))
_SHOWN, _WIDE = 10, 52
"""Statements drawn in a field of the board, and letters of a line in it."""
_FAR = 6
"""Half-widths of an interval beyond which no verdict is near to changing."""


def readiness_chart(found: environment.Readiness) -> Chart:
    """Draw each item's score with its interval beside what is required, the largest weighted gap first."""
    frame = ends(found.items["score"], "score").assign(required=found.items["required"])
    behind = found.items.reset_index()[["item", "area", "score", "required", "gap", "weight", "priority", "change"]]
    agreed = say("Kendall's W of {n} assessors is {w:number2} (1 is full agreement). ", n=found.assessors,
                 w=found.agreement) if math.isfinite(found.agreement) else ""  # fmt: skip
    note = agreed + say("'Among the first five' tells under which share of all possible weights the gap is one of the "
                        "five largest: near 100% it does not hang on the weights.")  # fmt: skip
    labels = {"score": "Score", "required": "Required", "weight": "Weight", "priority": "Among the first five",
              "change": "Change of the score"}  # fmt: skip
    kinds: Any = {"weight": "share", "priority": "share", "required": "number", "change": "number"}
    return dots(
        frame, "score", mark="required", kind="number", name="readiness",
        headline=say("'{item:words}' is the gap that weighs most: {gap} points short", item=str(found.items.index[0]),
                     gap=found.items["gap"].iloc[0]),
        title=say("Score and requirement, points from 1 to 5, assessed on {day:date}", day=found.assessed),
        table=table("readiness", say("Items by weighted gap"), behind, note=note, labels=labels, kinds=kinds, rows=40),
    )  # fmt: skip


def readiness_areas_table(found: environment.Readiness) -> Table:
    """Return where each area stands."""
    return table("readiness-areas", say("Areas of readiness, points from 1 to 5"), found.areas,
                 labels={"score": "Score", "required": "Required", "gap": "Short of it by"})  # fmt: skip


def data_readiness_table(found: environment.DataReadiness) -> Table:
    """Return how complete, joined, long and fresh each table is, and what to mend first."""
    frame = found.frame.drop(columns=["longest_gap", "emptiest"]).replace({"mend": {"": "–"}})
    frame.index = pd.Index([text(TABLES[str(name)].label) for name in frame.index], name="table")
    absent = "; ".join(text(TABLES[name].label) for name in found.absent)
    note = say("Complete: share of cells filled, in columns that must not be empty. Joined: share of the table's "
               "customers who are known.")  # fmt: skip
    note += " " + say("Not kept: {absent}.", absent=absent) if absent else ""
    labels = {"rejected": "Rejected", "complete": "Complete", "joined": "Joined", "years": "Years",
              "age": "Days since the last entry", "mend": "To mend"}  # fmt: skip
    kinds: Any = {"rejected": "share", "complete": "share", "joined": "share", "years": "number", "age": "count"}
    return table("data-readiness", say("How ready the data are"), frame, note=note, labels=labels, kinds=kinds)


def circles_chart(found: environment.Circles) -> Chart:
    """Draw how many customers the company has and had, and whom it never won."""
    frame, left = found.frame, found.frame.loc["left, worth a core customer"]
    note = say("Left: silent for {days:count} days, or the contract ended. {kind:words} of the last year; of those who "
               "left, of the year up to their last purchase.", days=found.gone_after,
               kind=found.value_kind.capitalize())  # fmt: skip
    return bars(
        frame, "customers", name="circles", currency=found.currency,
        headline=say("{n:count} customers who left were worth a core customer: {value:short} a year",
                     n=left["customers"], value=left["value"], currency=found.currency),
        title=say("Customers by what they are to the company"),
        table=table("circles", say("Whom the company has, had, and never had"), frame, currency=found.currency,
                    note=note, labels={"circle": "Who", "value": found.value_kind.capitalize()}),
    )  # fmt: skip


def channel_moves_chart(found: environment.ChannelMoves) -> Chart:
    """Draw through which channel the next order came."""
    frame = found.matrix.set_axis(
        [say("{channel:words} ({n:count})", channel=str(name), n=n) for name, n in found.orders.items()]
    )
    return heat(
        frame, kind="share", rows=text("Order through (orders)"), columns=text("Next order through"), name="channels",
        headline=say("{moved} of next orders came through another channel", moved=found.moved),
        title=say("Share of next orders through each channel, orders of the last year"),
    )  # fmt: skip


def personal_chart(found: pd.Series[Any]) -> Chart:
    """Draw the share of customers who prefer personal offers, by group."""
    return dots(
        ends(found, "share").rename_axis("group"), "share", kind="share", name="personal",
        headline=say("{share} of customers who answered prefer personal offers", share=found.iloc[0]),
        title=say("Share who rate personal offers 6 or more of 10, last answers of a year"),
    )  # fmt: skip


def swot_board(found: environment.Swot) -> Chart:
    """Draw the four fields, each statement with its number; what was entered by hand is marked."""
    board: Any = found.frame
    fields = {}
    for part in PARTS:
        rows = board[board["part"] == part]
        lines = [textwrap.fill(f"• {one.statement}: {one.number or text(BY_HAND)}", _WIDE, subsequent_indent="  ")
                 for one in rows.head(_SHOWN).itertuples()]  # fmt: skip
        more = len(rows) - _SHOWN
        fields[part] = "\n".join([*lines, *([say("… and {n} more in the table", n=more)] if more > 0 else [])]) or "–"
    # The axes count in lines: two of heading and space, and those of the longer field of a row.
    upper, lower = (max(fields[part].count("\n") + 1 for part in row) + 2.6 for row in (PARTS[:2], PARTS[2:]))
    axes = new_axes(0.9 + 0.185 * (upper + lower))
    axes.set(xlim=(0, 2), ylim=(-lower, upper))
    axes.axis("off")
    axes.axhline(0, color=QUIET, linewidth=0.8)
    axes.axvline(1, color=QUIET, linewidth=0.8)
    for place, (part, written) in enumerate(fields.items()):
        x, y = place % 2 + 0.02, (upper if place < 2 else 0) - 0.4
        axes.text(x, y, text(_TITLES[part]), color=_SHADES[part], fontsize=11, fontweight="bold", va="top")
        axes.text(x, y - 1.5, written, color=INK, fontsize=9, va="top", linespacing=1.3)
    counts = {part: int((board["part"] == part).sum()) for part in PARTS}
    behind = board.assign(part=board["part"].map(lambda part: text(_TITLES[part])), number=board["number"].fillna("–"))
    words: Words = {
        "name": "swot",
        "title": say("Measured and decided by intervals; {n} more measurements speak for neither side", n=found.open),
        "headline": say("What speaks for the company: {good}; what speaks against it: {bad}",
                        good=counts["strength"] + counts["opportunity"], bad=counts["weakness"] + counts["threat"]),
        "table": table("swot", say("Strengths, weaknesses, opportunities and threats"), behind, rows=40,
                       labels={"part": "Field", "statement": "What was measured", "number": "Result",
                               "evidence": "Evidence"}),
    }  # fmt: skip
    told = ", ".join(f"{text(_TITLES[part]).lower()} {n}" for part, n in counts.items())
    return finish(axes, behind, words, say("Fields: {told}.", told=told))


def register_chart(found: environment.Register) -> Chart:
    """Draw how far each hypothesis lies within what it claims, or beyond it."""
    margin = pd.Series({key: found.margin(key) for key in found.findings}, dtype=float).dropna().sort_values()[::-1]
    drawn = margin.clip(-_FAR, _FAR)
    frame = pd.DataFrame({"margin": drawn, "low": drawn - 1, "high": drawn + 1, "open": margin.abs() < 1})
    chart = dots(
        frame, "margin", kind="number", reference=0.0, hollow="open", name="register",
        reference_label=text("The claim holds to the right, fails to the left"),
        headline=say("Verdicts within an interval's width of the threshold: {near} of {n}",
                     near=int((margin.abs() < 2).sum()), n=len(found.findings)),
        title=say("Distance from the threshold, in half-widths of the interval, up to {far} (hollow: open)", far=_FAR),
        table=table(PUBLISHED, say("What hypotheses.csv keeps, beside company.toml"), found.results.set_index("as_of"),
                    rows=60, kinds=dict.fromkeys(("value", "low", "high", "level", "at_least", "at_most"), "number")),
    )  # fmt: skip
    names = [textwrap.fill(text(found.hypotheses[str(key)].claim), 38) for key in margin.index]
    chart.axes.set_yticks(range(len(names)), names, fontsize=7, linespacing=0.95)
    return chart


def register_table(found: environment.Register) -> Table:
    """Return the register: each claim with its number, its verdict, and what was found the last time."""
    rows = []
    # What was tested first: the reasons of the rest are long.
    for key, stated in sorted(found.hypotheses.items(), key=lambda item: item[0] not in found.findings):
        each, before = found.findings.get(key), found.last_verdict(key)
        number: Any = each.estimate if each else found.left_out.get(key, "–")
        verdict = each.verdict.value if each else "retired" if stated.status == "retired" else "not tested"
        rows.append({
            "claim": text(stated.claim), "c": text(stated.c), "estimate": number, "needed": stated.needed,
            "verdict": text(verdict),
            "earlier": say("{verdict:words}, {value} ({day:date})", verdict=before[0], day=before[1],
                           value=stated.written(before[2])) if before else "–",
            "owner": stated.owner or "–",
        })  # fmt: skip
    frame = pd.DataFrame(rows)
    frame = frame.drop(columns=[name for name in ("earlier", "owner") if (frame[name] == "–").all()])
    note = say("Intervals of {level}: of the verdicts given, at most 5% are expected to be wrong.",
               level=share(found.level, 0 if found.level == LEVEL else 1))  # fmt: skip
    labels = {"claim": "Claim", "c": "About", "estimate": "Found", "needed": "The claim needs", "verdict": "Verdict",
              "earlier": "Before", "owner": "Owner"}  # fmt: skip
    return table("register", say("The register of hypotheses, {company}", company=found.company), frame, note=note,
                 labels={k: v for k, v in labels.items() if k in frame}, rows=60)  # fmt: skip
