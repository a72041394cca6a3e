"""The notebook's prose as HTML: Markdown with formulas as MathML, headings with anchors, nothing raw."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from html import escape, unescape
from typing import Any

from latex2mathml.converter import convert
from nbconvert.filters.highlight import Highlight2HTML
from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath

_TAG = re.compile(r"<[^>]+>")
_NOT_WORD = re.compile(r"[^\w]+")
_NAMESPACE = re.compile(r'\sxmlns="[^"]*"')  # HTML knows MathML by itself


@dataclass(frozen=True, kw_only=True)
class Heading:
    """A heading of the page: its level (1 to 6), its plain text, and its id in the page."""

    level: int
    text: str
    anchor: str


class Prose:
    """Turns the Markdown cells of one page into HTML and keeps the headings for its table of contents.

    HTML within the Markdown is escaped, pictures from elsewhere become links: the page asks the network for nothing.
    """

    def __init__(self) -> None:
        self.headings: list[Heading] = []

    def html(self, source: str) -> str:
        """Return `source` as HTML."""
        return str(MarkdownWithMath(renderer=_Renderer(self._heading)).render(source))

    def _heading(self, level: int, inner: str) -> Heading:
        words = unescape(_TAG.sub("", inner)).strip()
        base = _NOT_WORD.sub("-", words.lower()).strip("-") or "section"
        used = {heading.anchor for heading in self.headings}
        anchor, number = base, 1
        while anchor in used:
            number += 1
            anchor = f"{base}-{number}"
        heading = Heading(level=level, text=words, anchor=anchor)
        self.headings.append(heading)
        return heading


def formula(source: str, *, display: bool = False) -> str:
    r"""Return a formula in LaTeX as MathML; as its source where it cannot be read."""
    try:
        written = convert(source, display="block" if display else "inline")
    except Exception:  # noqa: BLE001 - the converter raises many kinds; a formula must not cost the page
        return f"<code>{escape(source)}</code>"
    return _NAMESPACE.sub("", str(written))


def code(source: str) -> str:
    """Return code as HTML with its words marked."""
    return str(Highlight2HTML(pygments_lexer="ipython3")(source))  # type: ignore[no-untyped-call]


class _Renderer(IPythonRenderer):
    def __init__(self, note: Callable[[int, str], Heading]) -> None:
        super().__init__(escape=True, allow_harmful_protocols=False, exclude_anchor_links=True)
        self._note = note

    def heading(self, text: str, level: int, **_: Any) -> str:
        heading = self._note(level, text)
        return f'<h{level} id="{escape(heading.anchor)}">{text}</h{level}>\n'

    def inline_math(self, body: str) -> str:
        return formula(unescape(body))

    def block_math(self, body: str) -> str:
        return f'<span class="formula">{formula(unescape(body).strip(), display=True)}</span>'

    def latex_environment(self, name: str, body: str) -> str:
        return self.block_math(f"\\begin{{{name}}}{body}\\end{{{name}}}")

    def image(self, text: str, url: str, title: str | None = None) -> str:
        source = self._embed_image_or_attachment(url)
        if not source.startswith("data:image/"):
            return str(self.link(text or url, url, title))
        return f'<img src="{escape(source)}" alt="{escape(text)}">'
