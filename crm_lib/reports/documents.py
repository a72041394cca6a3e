"""Notebook files: reading and writing them, what they show, and what of a run must not stay in them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode, ValidationError

from crm_lib import exhibit, finding
from crm_lib.company.store import digest
from crm_lib.notebook import LEFT_OUT_MIME

Fields = dict[str, Any]
UNREADABLE = (OSError, ValueError, AttributeError, KeyError, TypeError, ValidationError)
"""What reading may raise where a file is no notebook."""
_DIGITS = 12
_ROWS = 500
"""Rows of a table that an executed notebook keeps: the workbook has all of them."""
_HEADING = re.compile(r"^#{1,6}\s+(.+?)\s*$", re.MULTILINE)
_PICTURES = ("image/png", "image/jpeg")


def read_document(path: Path) -> NotebookNode:
    """Return the notebook in `path`, in the current form of the format."""
    return nbformat.read(path, as_version=4)  # type: ignore[no-untyped-call,no-any-return]


def write_document(document: NotebookNode, path: Path) -> None:
    """Write a notebook."""
    nbformat.write(document, path)  # type: ignore[no-untyped-call]


@dataclass(frozen=True, kw_only=True)
class Collected:
    """What one notebook shows, as plain values: each exhibit once, in the notebook's order.

    Findings and tables are as their ``to_dict`` wrote them, those behind charts included; `left_out` says ``what`` (the
    heading above it) and ``why``.
    """

    findings: tuple[Fields, ...] = ()
    tables: tuple[Fields, ...] = ()
    charts: tuple[Fields, ...] = ()
    left_out: tuple[Fields, ...] = ()

    @property
    def workbook(self) -> bool:
        """Whether there is something to put into a workbook."""
        return bool(self.tables or self.findings)


def collect(document: NotebookNode) -> Collected:
    """Return what an executed notebook shows.

    Numbers are kept to 12 significant digits: the last bits of a sum depend on the order in which an engine adds, and
    two equal runs are to give equal results.
    """
    found: dict[str, list[Fields]] = {
        mime: [] for mime in (finding.MIME, exhibit.TABLE_MIME, exhibit.CHART_MIME, LEFT_OUT_MIME)
    }
    for heading, data in _bundles(document):
        for mime, several in found.items():
            if mime in data:
                fields = _rounded(data[mime])
                several.append({**fields, "what": fields["what"] or heading} if mime == LEFT_OUT_MIME else fields)
    findings, tables, charts, left_out = found.values()
    tables = tables + [chart["table"] for chart in charts if chart.get("table")]
    return Collected(
        # A finding shown twice with different numbers would be two answers to one question: the later one counts.
        findings=tuple({each["key"]: each for each in findings}.values()),
        tables=_once(tables),
        charts=_once([{name: each.get(name, "") for name in ("name", "title", "alt")} for each in charts]),
        left_out=_once(left_out),
    )


def shorten(document: NotebookNode) -> bool:
    """Keep the first rows of long tables, with a hash of all; return whether there was one to be cut."""
    cut = False
    for _, data in _bundles(document):
        for table in (data.get(exhibit.TABLE_MIME), data.get(exhibit.CHART_MIME, {}).get("table")):
            if table and len(table["rows"]) > _ROWS:
                table["all_rows"] = {"n": len(table["rows"]), "sha256": digest(_rounded(table["rows"]))}
                table["rows"], cut = table["rows"][:_ROWS], True
    return cut


def _bundles(document: NotebookNode) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield the heading above and the data of every output that has some."""
    heading = ""
    for cell in document.cells:
        if cell.cell_type == "markdown":
            heading = (_HEADING.findall(cell.source) or [heading])[-1]
        for output in cell.get("outputs", []):
            if "data" in output:
                yield heading, output.data


def _once(several: list[Fields]) -> tuple[Fields, ...]:
    """Leave out what was shown again (a recapitulation), but keep two different things of one name."""
    return tuple(each for place, each in enumerate(several) if each not in several[:place])


def _rounded(value: Any) -> Any:
    if isinstance(value, float):
        return float(f"{value:.{_DIGITS}g}")
    if isinstance(value, Mapping):
        return {str(name): _rounded(each) for name, each in value.items()}
    return [_rounded(each) for each in value] if isinstance(value, list) else value


def scrub(document: NotebookNode, *, original: NotebookNode, hidden: Mapping[str, str]) -> NotebookNode:
    """Take times, machine paths, secrets and the marks of the tool that ran it out of an executed notebook.

    Two runs with the same data, code, parameters and seed then leave the same notebook. `hidden` maps texts that must
    not be published, such as a password or the path of the project, to what stands for them.
    """
    document.metadata.pop("papermill", None)
    if "kernelspec" in original.metadata:
        document.metadata["kernelspec"] = original.metadata["kernelspec"]
    document["cells"] = [
        cell for cell in document.cells if "papermill-error-cell-tag" not in cell.metadata.get("tags", [])
    ]
    for cell in document.cells:
        if "injected-parameters" in cell.metadata.get("tags", []):
            cell["id"] = "injected-parameters"  # instead of a random one
        for name in ("papermill", "execution"):
            cell.metadata.pop(name, None)
        if "outputs" in cell:
            cell["outputs"] = [_without(output, hidden) for output in cell.outputs]
    return document


def hide(text: str, hidden: Mapping[str, str]) -> str:
    """Return `text` with what must not be published replaced, the longest first: a folder before the one above it."""
    for secret in sorted(filter(None, hidden), key=len, reverse=True):
        text = text.replace(secret, hidden[secret])
    return text


def _without(value: Any, hidden: Mapping[str, str]) -> Any:
    if isinstance(value, str):
        return hide(value, hidden)
    if isinstance(value, list):
        return [_without(each, hidden) for each in value]
    if isinstance(value, dict):
        # A short path may stand by chance within the letters of a picture, which would be spoilt.
        return type(value)({key: each if key in _PICTURES else _without(each, hidden) for key, each in value.items()})
    return value
