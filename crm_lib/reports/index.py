"""The front page of a run: it opens with the findings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from crm_lib import language
from crm_lib.company.report import CheckReport
from crm_lib.finding import Verdict
from crm_lib.reports import changes, facts
from crm_lib.reports.changes import Change
from crm_lib.reports.collect import Collected
from crm_lib.reports.evidence import card
from crm_lib.reports.execute import Outcome
from crm_lib.reports.facts import RunFacts
from crm_lib.reports.scrub import hide

Fields = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Part:
    """One notebook of the run with what it shows.

    Parameters
    ----------
    outcome : Outcome
        What became of it.
    collected : Collected
        Its exhibits; none of a skipped notebook.
    """

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
    hidden: Mapping[str, str] | None = None,
) -> str:
    """Return the front page.

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
    hidden : mapping of str to str, optional
        Texts that must not be published, and what stands for them.

    Returns
    -------
    str
        HTML.
    """
    before = changes.read_findings(previous)
    labels = {table.name: language.text(table.label) for table in check.tables}
    return facts.render(
        "index.html",
        title=language.text("What the data say"),
        run=run,
        groups=[_group(part, before, compare=previous is not None) for part in parts],
        summary=_summary(parts),
        compared=_compared(parts, before, previous, manifest) if previous else None,
        gone=changes.gone(before, *_keys(parts)),
        left_out=_left_out(parts),
        check=check,
        faults=[
            {
                "label": labels.get(fault.table, fault.table),
                "message": hide(fault.message, hidden or {}),
                "treatment": language.text(fault.treatment),
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
        was = f"{language.text(earlier['verdict'])} – {earlier['text']}" if moved and earlier else ""
        cards.append({"finding": card(fields), "change": how.value if compare else "", "before": was})
    outcome = part.outcome
    return {
        "key": outcome.notebook.key,
        "title": outcome.notebook.title,
        "failure": outcome.failure,
        "page": outcome.status != "skipped",
        "workbook": bool(part.collected.tables or part.collected.findings),
        "cards": cards,
    }


def _summary(parts: Sequence[Part]) -> list[dict[str, Any]]:
    verdicts = [fields["verdict"] for part in parts for fields in part.collected.findings]
    return [
        {"verdict": each.value, "shape": each.value.replace(" ", "-"), "count": verdicts.count(each.value)}
        for each in Verdict
        if verdicts
    ]


def _compared(
    parts: Sequence[Part], before: Mapping[str, Fields], previous: Path, manifest: Fields
) -> dict[str, Any] | None:
    findings = [fields for part in parts for fields in part.collected.findings]
    if not findings:
        return None
    how = [changes.change(fields, before.get(fields["key"])) for fields in findings]
    counts = [(how.count(change), language.text(change.value)) for change in Change if change in how]
    told = ", ".join(f"{language.number(count, 0)} {words}" for count, words in counts)
    sentence = language.text("Against the run before ({run}): {told}.").format(run=previous.name, told=told)
    return {"sentence": sentence, "differences": changes.differences(manifest, changes.read_manifest(previous))}


def _keys(parts: Sequence[Part]) -> tuple[list[str], list[str]]:
    """Keys of the findings, and of the notebooks that came to their end."""
    keys = [fields["key"] for part in parts for fields in part.collected.findings]
    return keys, [part.outcome.notebook.key for part in parts if part.outcome.status == "done"]


def _left_out(parts: Sequence[Part]) -> list[dict[str, str]]:
    rows = []
    for part in parts:
        title = part.outcome.notebook.title
        if part.outcome.status == "skipped":
            rows.append({"title": title, "what": language.text("The whole analysis"), "why": part.outcome.why})
        rows += [{"title": title, "what": each["what"], "why": each["why"]} for each in part.collected.skipped]
    return rows
