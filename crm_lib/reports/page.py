"""One executed notebook as one HTML file that needs nothing else: no network and no other file."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote

from nbconvert.filters.ansi import strip_ansi
from nbconvert.preprocessors.sanitize import SanitizeHTML
from nbformat import NotebookNode

from crm_lib import exhibit, finding, language
from crm_lib.language import say, text
from crm_lib.notebook import LEFT_OUT_MIME
from crm_lib.reports.execute import Order, Outcome
from crm_lib.reports.notebooks import Notebook
from crm_lib.reports.parameters import SET_BY_COMMAND
from crm_lib.reports.prose import Prose, code
from crm_lib.reports.publish import started
from crm_lib.reports.templates import card, render, script, trusted

Block = dict[str, Any]
_PICTURES = ("image/svg+xml", "image/png", "image/jpeg")
_UNESCAPED = " =/;,()!?*@$+-._~[]{}|"  # no colon: then not even the name of a namespace looks like an address
_STYLE = re.compile(r"<(style|script)\b.*?</\1\s*>", re.DOTALL | re.IGNORECASE)
_TABLE_TAGS = ("table", "thead", "tbody", "tfoot", "tr", "th", "td", "caption", "p", "small", "strong", "em", "br")
_WIDE = 8
"""Columns of a table that needs the whole width of the page."""
_H1 = re.compile(r"\A\s*#\s+(?P<title>.+?)\s*$", re.MULTILINE)


def render_page(document: NotebookNode, outcome: Outcome, *, run: Order) -> str:
    """Return the page of a notebook as HTML; of a failed one, as far as it came. Its first heading is taken out."""
    prose, notebook, shown = Prose(), outcome.notebook, outcome.shown
    title = _take_title(document) or notebook.title
    return render(
        "page.html",
        title=title,
        run=run,
        key=notebook.key,
        failure=outcome.failure,
        workbook=shown.workbook,
        unchanged=unchanged(outcome),
        parameters=effective(notebook, run),
        findings=[card(fields) for fields in shown.findings],
        left_out=shown.left_out,
        steps=_steps(_blocks(document, prose)),
        contents=[heading for heading in prose.headings if heading.level in (2, 3)],
        **script("picture.js"),
    )


def unchanged(outcome: Outcome) -> str:
    """Say of which run the results are, where they were taken from an earlier one; otherwise nothing."""
    ran = started(outcome.ran)
    return say("unchanged since the run of {moment} UTC", moment=moment(ran)) if ran else ""


def moment(time: dt.datetime) -> str:
    """Write day and minute."""
    return f"{language.date(time.date())}, {time:%H:%M}"


def effective(notebook: Notebook, run: Order) -> list[dict[str, Any]]:
    """Return the parameters in effect: name, value, meaning, and whether a user changed it from its default."""
    rows = []
    for each in notebook.parameters:
        value = run.values[notebook.key].get(each.name, each.default)
        changed = value != each.default and each.name not in SET_BY_COMMAND
        rows.append({"name": each.name, "value": value, "meaning": each.meaning, "changed": changed})
    return rows


def _take_title(document: NotebookNode) -> str:
    """Take the first heading out of the notebook, for the head of the page; empty where it opens otherwise."""
    cell = next((cell for cell in document.cells if cell.cell_type == "markdown"), None)
    match = _H1.match(cell.source) if cell else None
    if cell is None or match is None:
        return ""
    cell["source"] = cell.source[match.end() :]
    return match["title"]


def _steps(blocks: Iterator[Block]) -> list[dict[str, list[Block]]]:
    """Part the blocks where prose begins: what is ``said``, ``shown`` beside it, and ``below`` from a wide table on."""
    steps: list[dict[str, list[Block]]] = []
    for block in blocks:
        kind = block["kind"]
        if kind == "prose" or not steps:
            steps.append({"said": [], "shown": [], "below": []})
        said, shown, below = steps[-1].values()
        wide = kind == "table" and block["html"].count("<th ") >= _WIDE
        part = below if below or wide else said if kind in ("prose", "code") and not shown else shown
        part.append(block)
    return steps


def _blocks(document: NotebookNode, prose: Prose) -> Iterator[Block]:
    """Yield the blocks of a page in order: prose, folded code, and what the code shows."""
    for cell in document.cells:
        if "injected-parameters" in cell.metadata.get("tags", []):
            continue  # the head of the page shows the parameters in effect
        if cell.cell_type == "markdown" and cell.source.strip():
            yield {"kind": "prose", "html": trusted(prose.html(cell.source))}
        elif cell.cell_type == "code":
            if cell.source.strip():
                yield {"kind": "code", "html": trusted(code(cell.source)), "number": cell.execution_count}
            for output in cell.get("outputs", []):
                yield _output(output, prose)


def _output(output: NotebookNode, prose: Prose) -> Block:
    if output.output_type == "stream":
        return {"kind": "messages" if output.name == "stderr" else "text", "text": _plain(output.text)}
    if output.output_type == "error":
        trace = _plain("\n".join(output.traceback))
        return {"kind": "error", "name": output.ename, "message": output.evalue, "text": trace}
    return _shown(output.data, output.get("metadata", {}), prose)


def _shown(data: Mapping[str, Any], metadata: Mapping[str, Any], prose: Prose) -> Block:
    if finding.MIME in data:
        return {"kind": "finding", "finding": card(data[finding.MIME])}
    if LEFT_OUT_MIME in data:
        return {"kind": "left out", **data[LEFT_OUT_MIME]}
    picture = next((mime for mime in _PICTURES if mime in data), None)
    if picture:
        return _picture(picture, data, metadata)
    if exhibit.TABLE_MIME in data:
        # The table's own HTML, every value of which it has escaped.
        return {"kind": "table", "html": trusted(data["text/html"]), "title": data[exhibit.TABLE_MIME]["title"]}
    if "text/html" in data:
        return {"kind": "table", "html": trusted(harmless(data["text/html"])), "title": text("Table")}
    if "text/markdown" in data:
        return {"kind": "words", "html": trusted(prose.html(data["text/markdown"]))}
    return {"kind": "text", "text": _plain(str(data.get("text/plain", "")))}


def _picture(mime: str, data: Mapping[str, Any], metadata: Mapping[str, Any]) -> Block:
    chart: Mapping[str, Any] = data.get(exhibit.CHART_MIME, {})
    described = metadata.get(mime, {}).get("alt") or metadata.get("alt")
    if mime == "image/svg+xml":  # a drawing is a sixth shorter as escaped text than in base64
        source = f"data:{mime};charset=utf-8,{quote(data[mime], safe=_UNESCAPED)}"
    else:
        source = f"data:{mime};base64,{data[mime].replace(chr(10), '')}"
    return {
        "kind": "chart",
        "source": source,
        "alt": chart.get("alt") or described or text("Chart without a description"),
        "title": chart.get("title", ""),
        # The table's own HTML, every value of which it has escaped.
        "table": trusted(chart["table_html"]) if chart.get("table_html") else "",
    }


def harmless(html: str) -> str:
    """Return HTML of unknown origin with nothing but plain table and text marks left in it.

    Examples
    --------
    >>> harmless('<table onclick="x()"><tr><td><script>y()</script>1</td></tr></table><img src="z">')
    '<table><tbody><tr><td>1</td></tr></tbody></table>'
    """
    sanitizer: Any = SanitizeHTML
    attributes = {"th": ["scope", "colspan"], "td": ["colspan"]}
    cleaner = sanitizer(tags=list(_TABLE_TAGS), attributes=attributes, strip=True)
    return str(cleaner.sanitize_html_tags(_STYLE.sub("", html)))


def _plain(written: str) -> str:
    """Take the colours of a terminal out of a text."""
    return str(strip_ansi(written))  # type: ignore[no-untyped-call]
