"""What an executed notebook carries in its outputs: findings, tables, charts, and notes on what was left out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nbformat import NotebookNode

from crm_lib import exhibit, finding
from crm_lib.figures.chart import CHART_MIME
from crm_lib.reports.documents import read_document

Fields = dict[str, Any]
_DIGITS = 12


@dataclass(frozen=True, kw_only=True)
class Collected:
    """The exhibits of one notebook, as plain values.

    Parameters
    ----------
    findings : tuple of dict
        As :meth:`crm_lib.finding.Finding.to_dict` wrote them, in the notebook's order.
    tables : tuple of dict
        As :meth:`crm_lib.exhibit.Table.to_dict` wrote them; those behind charts too; each only once.
    charts : tuple of dict
        Name, title, alt text and source of each.
    skipped : tuple of dict
        What was left out, and why.
    """

    findings: tuple[Fields, ...] = ()
    tables: tuple[Fields, ...] = ()
    charts: tuple[Fields, ...] = ()
    skipped: tuple[Fields, ...] = ()


def collect(notebook: Path | NotebookNode) -> Collected:
    """Return what an executed notebook shows.

    Numbers are kept to 12 significant digits: the last bits of a sum depend on the order in which an engine adds, and
    two equal runs are to give equal results.

    Parameters
    ----------
    notebook : Path or NotebookNode
        The executed notebook.

    Returns
    -------
    Collected
        Its exhibits; an exhibit that was shown twice is there once.
    """
    document = read_document(notebook) if isinstance(notebook, Path) else notebook
    found: dict[str, list[Fields]] = {mime: [] for mime in (finding.MIME, exhibit.TABLE_MIME, CHART_MIME)}
    skipped: list[Fields] = []
    for data in bundles(document):
        for mime, several in found.items():
            if mime in data:
                several.append(_rounded(data[mime]))
        if exhibit.SKIPPED_MIME in data:
            skipped.append(_rounded(data[exhibit.SKIPPED_MIME]))
    charts = _once(found[CHART_MIME], "name")
    tables = found[exhibit.TABLE_MIME] + [chart["table"] for chart in charts if chart.get("table")]
    return Collected(
        findings=tuple(_once(found[finding.MIME], "key")),
        tables=tuple(_once(tables, "name")),
        charts=tuple({name: chart.get(name, "") for name in ("name", "title", "alt", "source")} for chart in charts),
        skipped=tuple(_once(skipped, "what")),
    )


def bundles(document: NotebookNode) -> Iterator[Mapping[str, Any]]:
    """Yield the data of every output that has some, in order."""
    for cell in document.cells:
        for output in cell.get("outputs", []):
            if "data" in output:
                yield output.data


def _once(several: list[Fields], name: str) -> list[Fields]:
    """Leave out what was shown again (a recapitulation), but keep two different things of one name."""
    kept: list[Fields] = []
    for each in several:
        if each not in kept:
            kept.append(each)
    if name == "key":
        # A finding shown twice with different numbers would be two answers to one question: the later one counts.
        kept = list({each[name]: each for each in kept}.values())
    return kept


def _rounded(value: Any) -> Any:
    if isinstance(value, float):
        return float(f"{value:.{_DIGITS}g}")
    if isinstance(value, Mapping):
        return {str(name): _rounded(each) for name, each in value.items()}
    if isinstance(value, list):
        return [_rounded(each) for each in value]
    return value
