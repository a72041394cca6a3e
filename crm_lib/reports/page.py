"""One executed notebook as one HTML file that needs nothing else: no network, no scripts, no other file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from nbformat import NotebookNode

from crm_lib.reports import facts
from crm_lib.reports.blocks import blocks, take_title
from crm_lib.reports.evidence import card
from crm_lib.reports.execute import Outcome
from crm_lib.reports.facts import RunFacts
from crm_lib.reports.parameters import SET_BY_COMMAND, Parameter
from crm_lib.reports.prose import Prose


def render_page(
    document: NotebookNode, *, run: RunFacts, outcome: Outcome, values: Mapping[str, Any], workbook: bool = True
) -> str:
    """Return the page of a notebook.

    Parameters
    ----------
    document : NotebookNode
        The executed notebook; of a failed one, as far as it came. Its first heading is taken out.
    run : RunFacts
        The run to which it belongs.
    outcome : Outcome
        What became of the notebook.
    values : mapping of str to object
        The parameters that were set; the others have their defaults.
    workbook : bool
        Whether the page has a workbook beside it.

    Returns
    -------
    str
        HTML.
    """
    prose = Prose()
    title = take_title(document) or outcome.notebook.title
    shown = [_with_card(block) for block in blocks(document, prose)]
    return facts.render(
        "page.html",
        title=title,
        run=run,
        key=outcome.notebook.key,
        failure=outcome.failure,
        workbook=workbook,
        parameters=effective(outcome.notebook.parameters, values),
        findings=[block["finding"] for block in shown if block["kind"] == "finding"],
        blocks=shown,
        contents=[heading for heading in prose.headings if heading.level in (2, 3)],
    )


def effective(parameters: Sequence[Parameter], values: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the parameters in effect: name, value, meaning, and whether a user changed it from its default."""
    rows = []
    for each in parameters:
        value = values.get(each.name, each.default)
        changed = value != each.default and each.name not in SET_BY_COMMAND
        rows.append({"name": each.name, "value": value, "meaning": each.meaning, "changed": changed})
    return rows


def _with_card(block: dict[str, Any]) -> dict[str, Any]:
    return {**block, "finding": card(block["finding"])} if block["kind"] == "finding" else block
