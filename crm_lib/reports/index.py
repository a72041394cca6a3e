"""The front page of a run: it opens with the findings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from crm_lib import language
from crm_lib.company.report import CheckReport
from crm_lib.finding import Verdict
from crm_lib.language import say, text
from crm_lib.reports import changes
from crm_lib.reports.changes import Change
from crm_lib.reports.documents import Collected, hide
from crm_lib.reports.execute import Outcome
from crm_lib.reports.templates import RunFacts, card, render

Fields = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Part:
    """One notebook of the run: what became of it, and what it shows (nothing, where it was skipped)."""

    outcome: Outcome
    collected: Collected


def render_index(
    parts: Sequence[Part],
    *,
    run: RunFacts,
    check: CheckReport,
    seconds: float,
    previous: Path | None,
    manifest: Fields,
    hidden: Mapping[str, str],
) -> str:
    """Return the front page as HTML.

    Parameters
    ----------
    parts : sequence of Part
        The notebooks of the run, in order; skipped and failed ones too.
    run : RunFacts
        The run.
    check : CheckReport
        What the check of the data found.
    seconds : float
        How long the run took.
    previous : Path or None
        The last good run, with which this one is compared.
    manifest : mapping
        The manifest of this run.
    hidden : mapping of str to str
        Texts that must not be published, and what stands for them.
    """
    before = changes.read_findings(previous)
    findings = [fields for part in parts for fields in part.collected.findings]
    finished = [part.outcome.notebook.key for part in parts if part.outcome.status == "done"]
    labels = {table.name: text(table.label) for table in check.tables}
    return render(
        "index.html",
        title=text("What the data say"),
        run=run,
        groups=[_group(part, before, compare=previous is not None) for part in parts],
        summary=_summary([fields["verdict"] for fields in findings]),
        compared=_compared(findings, before, previous, manifest) if previous and findings else None,
        gone=changes.gone(before, [fields["key"] for fields in findings], finished),
        left_out=_left_out(parts),
        check=check,
        faults=[
            {
                "label": labels.get(fault.table, fault.table),
                "message": hide(fault.message, hidden),
                "treatment": text(fault.treatment),
            }
            for fault in check.faults
        ],
        seconds=seconds,
        moment=f"{language.date(run.started.date())}, {run.started:%H:%M}",
    )


def _group(part: Part, before: Mapping[str, Fields], *, compare: bool) -> dict[str, Any]:
    cards = []
    for fields in part.collected.findings:
        earlier = before.get(fields["key"])
        how = changes.change(fields, earlier)
        moved = earlier is not None and how in (Change.VERDICT, Change.MOVED)
        was = f"{text(earlier['verdict'])} – {earlier['text']}" if moved and earlier else ""
        cards.append({"finding": card(fields), "change": how.value if compare else "", "before": was})
    return {
        "key": part.outcome.notebook.key,
        "title": part.outcome.notebook.title,
        "failure": part.outcome.failure,
        "page": part.outcome.status != "skipped",
        "workbook": bool(part.collected.tables or part.collected.findings),
        "cards": cards,
    }


def _summary(verdicts: Sequence[str]) -> list[dict[str, Any]]:
    shapes = [(each.value, each.value.replace(" ", "-")) for each in Verdict if verdicts]
    return [{"verdict": verdict, "shape": shape, "count": verdicts.count(verdict)} for verdict, shape in shapes]


def _compared(
    findings: Sequence[Fields], before: Mapping[str, Fields], previous: Path, manifest: Fields
) -> dict[str, Any]:
    how = [changes.change(fields, before.get(fields["key"])) for fields in findings]
    counts = [(how.count(change), text(change.value)) for change in Change if change in how]
    told = ", ".join(f"{language.number(count, 0)} {words}" for count, words in counts)
    sentence = say("Compared with the previous run ({run}): {told}.", run=previous.name, told=told)
    return {"sentence": sentence, "differences": changes.differences(manifest, changes.read_manifest(previous))}


def _left_out(parts: Sequence[Part]) -> list[dict[str, str]]:
    rows = []
    for part in parts:
        title = part.outcome.notebook.title
        if part.outcome.status == "skipped":
            rows.append({"title": title, "what": text("The whole analysis"), "why": part.outcome.why})
        rows += [{"title": title, "what": each["what"], "why": each["why"]} for each in part.collected.left_out]
    return rows
