"""Clusters and portraits: are there kinds, which clusters come out again, who they are, and what they foretell."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from crm_lib import language, schema
from crm_lib.estimate import Estimate
from crm_lib.exhibit import Table
from crm_lib.figures.chart import Chart
from crm_lib.figures.columns import table
from crm_lib.figures.forms import areas, dots
from crm_lib.language import say
from crm_lib.segments import Clusters, Portrait, PredictiveValue, Segmented, StructureCheck
from crm_lib.segments.clusters import UNSTABLE
from crm_lib.segments.portrait import FALSE_DISCOVERIES, QUESTIONS

_UNITS = {
    "age": "years", "days since last order": "days", "days since first order": "days", "orders per customer": "orders",
    "pieces per order": "pieces", "contacts per order": "contacts",
}  # fmt: skip
"""Units of the numbers that are not shares, money or points on a scale of answers."""


def structure_chart(check: StructureCheck) -> Chart:
    """Draw customers along the direction in which they are most likely to fall into two kinds."""
    bins = int(np.clip(np.sqrt(check.projection.size), 15, 40))
    low, high = np.quantile(check.projection, [0.002, 0.998])
    counts, edges = np.histogram(np.clip(check.projection, low, high), bins=bins, range=(low, high))
    frame = pd.DataFrame({"customers": counts}, index=pd.Index((edges[1:] + edges[:-1]) / 2, name="position"))
    found = "Customers fall into kinds: a gap divides them", "No gap found: customers form one continuum"
    note = "Counted are customers who had no part in choosing the direction; measures are on one scale."
    if check.by_rank:
        note += " Only ranks of {names:words} count, where many share one value or the calendar makes heaps."
    return areas(
        frame,
        ["customers"],
        name="structure",
        headline=say(found[not check.found]),
        title=say("Customers along the direction in which two kinds would show most (p-value {p})", p=check.p_value),
        about=say("Two kinds would show as two hills with a valley between."),
        note=say(note, names=list(check.by_rank)),
    )


def clusters_table(clusters: Clusters, segmented: Segmented, structure: StructureCheck) -> Table:
    """Return the clusters with size, value, typical measures and verdict, the largest first."""
    value = segmented.tiers.frame["value"].reindex(clusters.labels.index).groupby(clusters.labels)
    frame = clusters.per_cluster.copy()
    frame.insert(2, "value_share", value.sum() / value.sum().sum())
    frame.insert(3, "mean_value", value.mean())
    named = clusters.nameable
    told = [
        say("only a tie: {tie}", tie=tie) if tie else say("{x:words}", x=verdict if number in named else UNSTABLE)
        for number, verdict, tie in frame[["verdict", "tie"]].itertuples()
    ]
    notes = [
        say("Agreement: adjusted Rand index. Found again: Jaccard similarity, stable from 0.75. Measures are medians.")
    ]
    if not structure.found:
        notes.append(say("No kinds were found: a stable cluster is a part that would be cut out again, not a kind."))
    title = "No number of clusters is stable: do not name any"
    if clusters.admissible:
        title = "{k} clusters come out again when customers are drawn anew (agreement {agreed:number2})"
    agreed = float(clusters.candidates["stability"][clusters.k])
    return table(
        "clusters",
        say(title, k=clusters.k, agreed=agreed),
        frame.drop(columns="tie").assign(verdict=told),
        currency=segmented.basis.currency,
        note=" ".join(notes),
    )


def predictive_value_chart(compared: PredictiveValue) -> Chart:
    """Draw how much of later value each grouping of an earlier day tells, the best at the top."""
    basis = compared.basis
    told = {"kind": basis.kind, "days": basis.days, "day": compared.scored_on, "n": len(compared.value)}
    frame = compared.table.rename(index=lambda name: name[:1].upper() + name[1:])
    return dots(
        frame,
        "explained",
        name="predictive_value",
        headline=say("{best:words} tell most of the {kind:words} of the next {days} days", best=frame.index[0], **told),
        title=say(
            "Share of the variance of later {kind:words} explained, groups of {day}, {n:count} customers", **told
        ),
        note=say("Each customer's later value is predicted by the mean of the others in the group."),
    )


def portrait_table(portrait: Portrait, *, most: int = 4) -> Table:
    """Return what sets segments apart: of each question the `most` clearest differences, or that none holds."""
    rows = []
    for (group, question), asked in portrait.frame.groupby(["group", "question"], observed=True):
        held = asked[asked["holds"]]
        strength = np.array([_strength(each) for each in held["difference"]])
        words = say(str(question).capitalize())
        clearest = held.iloc[np.argsort(-strength, kind="stable")[:most]].to_dict("records")
        rows += [{"group": group, "question": words, **_row(row, portrait.currency)} for row in clearest]
        if held.empty:
            none = say("nothing that holds in {n:count} comparisons", n=len(asked))
            rows.append({"group": group, "question": words, "aspect": none})
    frame = pd.DataFrame(rows, columns=["group", "question", "aspect", "value", "inside", "elsewhere", "difference"])
    frame = frame.fillna("")
    several = len(portrait.customers) > 1
    holding, compared = int(portrait.frame["holds"].sum()), len(portrait.frame)
    title = "What sets each of {n:count} groups apart: {held:count} of {compared:count} differences hold"
    if not several:
        frame = frame.drop(columns="group")
        title = "{group:words}: {own:count} customers against {others:count} others; {held:count} of {compared:count} "
        title += "differences hold"
    first = portrait.customers.index[0]
    note = (
        "Differences that hold, the clearest first; of all that hold, {chance:share} may be chance. Points are "
        "percentage points; purchases and contacts are of the last {days:count} days. What defines a group differs by "
        "definition."
    )
    return table(
        "portraits" if several else "five_w_one_h",
        say(
            title, n=len(portrait.customers), group=str(first), own=int(portrait.customers[first]),
            others=int(portrait.others[first]), held=holding, compared=compared,
        ),
        frame,
        note=say(note, chance=FALSE_DISCOVERIES, days=portrait.days),
        kinds=dict.fromkeys([str(name) for name in frame if name != "group"], "text"),
        rows=len(QUESTIONS) * most * (3 if several else 1),
    )  # fmt: skip


def _strength(difference: Estimate) -> float:
    """Return how many of its own half-widths a difference lies from none."""
    half = (difference.high - difference.low) / 2
    return abs(difference.value) / half if half > 0 and np.isfinite(half) else 0.0


def _row(row: dict[Any, Any], currency: str) -> dict[str, str]:
    unit, difference = row["unit"], row["difference"]
    times, words = (
        (100, "points") if unit == "share" else (1, currency if unit == "money" else _UNITS.get(row["aspect"], ""))
    )
    ends = (times * end for end in (difference.value, difference.low, difference.high))
    value, low, high = ends
    written = str(Estimate(value=value, low=low, high=high, n=difference.n, method=difference.method, unit=words))
    form = {"share": "{x:share1}", "money": "{x:money}"}.get(unit, "{x:number}")
    inside, elsewhere = (say(form, x=float(row[side]), currency=currency) for side in ("inside", "elsewhere"))
    # Days and hours are our words; all other values are the company's own.
    told = say(row["value"]) if row["question"] == "when" and row["value"] else row["value"]
    sign = "+" if value > 0 else ""
    return {
        "aspect": _label(row["aspect"]), "value": told, "inside": inside, "elsewhere": elsewhere,
        "difference": sign + written,
    }  # fmt: skip


def _label(aspect: str) -> str:
    for contract in (schema.CUSTOMERS, schema.TRANSACTIONS, schema.SURVEYS):
        if aspect in contract.column_names:
            return language.text(contract.column(aspect).label)
    return language.text(aspect.replace("_", " ").capitalize())
