"""The front page of a run: what changed, what to decide now, and every finding on a line of its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from crm_lib import language
from crm_lib.company import Fault
from crm_lib.finding import Verdict
from crm_lib.language import say, text
from crm_lib.reports import changes
from crm_lib.reports.changes import Change
from crm_lib.reports.documents import hide
from crm_lib.reports.execute import Order, Outcome
from crm_lib.reports.page import moment, unchanged
from crm_lib.reports.publish import started
from crm_lib.reports.templates import card, marked, render, script

Fields = Mapping[str, Any]
_MOST = 5
"""Decisions shown first: more are read by nobody."""


def render_index(
    outcomes: Sequence[Outcome], *, run: Order, seconds: float, previous: Path | None, manifest: Fields
) -> str:
    """Return the front page as HTML; `previous` is the last good run, with which this one is compared."""
    before = changes.read_findings(previous)
    findings = [fields for outcome in outcomes for fields in outcome.shown.findings]
    finished = [outcome.notebook.key for outcome in outcomes if outcome.status == "done"]
    labels = {table.name: text(table.label) for table in run.company.check.tables}
    groups = [_group(outcome, before, compare=previous is not None) for outcome in outcomes]
    rows = [{"key": group["key"], **row} for group in groups for row in group["rows"]]
    return render(
        "index.html",
        title=text("What the data say"),
        run=run,
        groups=groups,
        decide=decisions(rows),
        turned=[row for row in rows if row["change"] not in ("", Change.UNCHANGED)],
        **script("filter.js"),
        summary=[(each.value, [fields["verdict"] for fields in findings].count(each)) for each in Verdict if findings],
        compared=_compared(findings, before, previous, manifest) if previous and findings else None,
        gone=changes.gone(before, [fields["key"] for fields in findings], finished),
        left_out=_left_out(outcomes),
        first=[_fault(fault, labels, run) for fault in run.company.check.first],
        faults=[_fault(fault, labels, run) for fault in run.company.check.faults],
        seconds=seconds,
        moment=moment(run.started),
    )


def _fault(fault: Fault, labels: Mapping[str, str], run: Order) -> dict[str, str]:
    message = hide(fault.message, run.hidden)
    return {"label": labels.get(fault.table, fault.table), "message": message, "treatment": text(fault.treatment)}


def _group(outcome: Outcome, before: Mapping[str, Fields], *, compare: bool) -> dict[str, Any]:
    rows = []
    for fields in outcome.shown.findings:
        earlier = before.get(fields["key"])
        how = changes.change(fields, earlier)
        moved = earlier is not None and how in (Change.VERDICT, Change.MOVED)
        was = f"{text(earlier['verdict'])} – {earlier['text']}" if moved and earlier else ""
        found = {**card(fields), "sentence": marked(fields["text"], fields["estimate"]["text"])}
        rows.append({"finding": found, "change": how.value if compare else "", "before": was})
    return {
        "key": outcome.notebook.key,
        "title": outcome.notebook.title,
        "failure": outcome.failure,
        "page": outcome.status != "skipped",
        "workbook": outcome.shown.workbook,
        "rows": rows,
        "unchanged": unchanged(outcome),
    }


def decisions(rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the decided findings with most money at stake; the same amount of one analysis stands once."""
    decided: dict[tuple[str, str], dict[str, Any]] = {}
    for row in rows:
        stake = row["finding"]["money_at_stake"]
        if stake and stake["value"] and row["finding"]["verdict"] != Verdict.UNDECIDED:
            decided.setdefault((row["key"], stake["text"]), {**row, "money": stake["text"].partition(" [")[0]})
    return sorted(decided.values(), key=lambda row: -row["finding"]["money_at_stake"]["value"])[:_MOST]


def _compared(
    findings: Sequence[Fields], before: Mapping[str, Fields], previous: Path, manifest: Fields
) -> dict[str, Any]:
    how = [changes.change(fields, before.get(fields["key"])) for fields in findings]
    counts = [(how.count(change), text(change.value)) for change in Change if change in how]
    told = ", ".join(f"{language.number(count, 0)} {words}" for count, words in counts)
    ran = started(previous.name)
    day = say("{moment} UTC", moment=moment(ran)) if ran else previous.name
    sentence = say("Compared with the run of {day}: {told}.", day=day, told=told)
    return {
        "sentence": sentence,
        "differences": changes.differences(manifest, changes.read_json(previous, changes.MANIFEST_FILE)),
    }


def _left_out(outcomes: Sequence[Outcome]) -> list[dict[str, str]]:
    rows = []
    for outcome in outcomes:
        title = outcome.notebook.title
        if outcome.status == "skipped":
            rows.append({"title": title, "what": text("The whole analysis"), "why": outcome.why})
        rows += [{"title": title, "what": each["what"], "why": each["why"]} for each in outcome.shown.left_out]
    return rows
