"""The cells of an executed notebook as blocks that a template shows."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote

from nbconvert.filters.ansi import strip_ansi
from nbconvert.preprocessors.sanitize import SanitizeHTML
from nbformat import NotebookNode

from crm_lib import exhibit, finding, language
from crm_lib.figures.chart import CHART_MIME
from crm_lib.reports.facts import trusted
from crm_lib.reports.prose import Prose, code

Block = dict[str, Any]
_PICTURES = ("image/svg+xml", "image/png", "image/jpeg")
_UNESCAPED = " =/;,()!?*@$+-._~[]{}|"  # no colon: then not even the name of a namespace looks like an address
_STYLE = re.compile(r"<(style|script)\b.*?</\1\s*>", re.DOTALL | re.IGNORECASE)
_TABLE_TAGS = ("table", "thead", "tbody", "tfoot", "tr", "th", "td", "caption", "p", "small", "strong", "em", "br")
_H1 = re.compile(r"\A\s*#\s+(?P<title>.+?)\s*$", re.MULTILINE)


def take_title(document: NotebookNode) -> str:
    """Take the first heading out of the notebook, for the head of the page; empty where it opens otherwise."""
    cell = next((cell for cell in document.cells if cell.cell_type == "markdown"), None)
    match = _H1.match(cell.source) if cell else None
    if cell is None or match is None:
        return ""
    cell["source"] = cell.source[match.end() :]
    return match["title"]


def blocks(document: NotebookNode, prose: Prose) -> Iterator[Block]:
    """Yield the blocks of a page in order: prose, folded code, and what the code shows.

    Parameters
    ----------
    document : NotebookNode
        The executed notebook.
    prose : Prose
        Turns Markdown into HTML; keeps the headings.
    """
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
        kind = "messages" if output.name == "stderr" else "text"
        return {"kind": kind, "text": _plain(output.text)}
    if output.output_type == "error":
        return {
            "kind": "error",
            "name": output.ename,
            "message": output.evalue,
            "text": _plain("\n".join(output.traceback)),
        }
    return _shown(output.data, output.get("metadata", {}), prose)


def _shown(data: Mapping[str, Any], metadata: Mapping[str, Any], prose: Prose) -> Block:
    if finding.MIME in data:
        return {"kind": "finding", "finding": data[finding.MIME]}
    if exhibit.SKIPPED_MIME in data:
        return {"kind": "skipped", **data[exhibit.SKIPPED_MIME]}
    picture = next((mime for mime in _PICTURES if mime in data), None)
    if picture:
        return _picture(picture, data, metadata)
    if exhibit.TABLE_MIME in data:
        # The table's own HTML, every value of which it has escaped.
        title = data[exhibit.TABLE_MIME]["title"]
        return {"kind": "table", "html": trusted(data["text/html"]), "title": title}
    if "text/html" in data:
        return {"kind": "table", "html": trusted(harmless(data["text/html"])), "title": language.text("Table")}
    if "text/markdown" in data:
        return {"kind": "prose", "html": trusted(prose.html(data["text/markdown"]))}
    return {"kind": "text", "text": _plain(str(data.get("text/plain", "")))}


def _picture(mime: str, data: Mapping[str, Any], metadata: Mapping[str, Any]) -> Block:
    chart: Mapping[str, Any] = data.get(CHART_MIME, {})
    described = metadata.get(mime, {}).get("alt") or metadata.get("alt")
    return {
        "kind": "chart",
        "source": _address(mime, data[mime]),
        "alt": chart.get("alt") or described or language.text("Chart without a description"),
        "title": chart.get("title", ""),
        "origin": chart.get("source", ""),
        # The table's own HTML, every value of which it has escaped.
        "table": trusted(chart["table_html"]) if chart.get("table_html") else "",
    }


def _address(mime: str, content: str) -> str:
    """Return the picture itself as an address; a drawing is a sixth shorter as escaped text than in base64."""
    if mime == "image/svg+xml":
        return f"data:{mime};charset=utf-8,{quote(content, safe=_UNESCAPED)}"
    return f"data:{mime};base64,{content.replace(chr(10), '')}"


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


def _plain(text: str) -> str:
    """Take the colours of a terminal out of a text."""
    return str(strip_ansi(text))  # type: ignore[no-untyped-call]
