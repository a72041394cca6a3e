"""One look for all figures: calm, readable without colour vision, and the same bytes for the same data."""

from __future__ import annotations

import io
import re
import textwrap
import warnings
from contextlib import AbstractContextManager
from typing import Any

import matplotlib as mpl
from matplotlib import font_manager
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.text import Text

WIDTH = 7.5
"""Inches: 720 pixels at 96 a inch, the width of a report's column."""

INK, QUIET, GRID = "#22262b", "#5b6470", "#dfe3e8"
BLUE, ORANGE, GREEN, PURPLE, SKY, YELLOW = "#0072b2", "#d55e00", "#007a5a", "#a3517f", "#56b4e9", "#e6a100"
_FINE = re.compile(r"(?<![\w.])-?\d+\.\d{3,}")
_TITLE = 62
"""Letters of a title that fit on one line."""
SERIES = (BLUE, ORANGE, GREEN, PURPLE, SKY, YELLOW)
"""Colours told apart by readers of any colour vision (after Okabe & Ito 2008), darkened where white is behind."""

# Further scripts, so that names in Chinese, Japanese or Korean are letters and not boxes where such a font is there.
_SCRIPTS = ("Noto Sans CJK SC", "Noto Sans SC", "WenQuanYi Zen Hei", "Microsoft YaHei", "PingFang SC", "SimHei")


def style() -> AbstractContextManager[None]:
    """Return the context in which figures are drawn and written."""
    return mpl.rc_context(_parameters())


def new_axes(height: float = 3.6) -> Axes:
    """Return the axes of a new figure of the report's width; it is not registered with pyplot, so needs no closing."""
    with style():
        return Figure(figsize=(WIDTH, height), layout="constrained").add_subplot()


def to_svg(figure: Figure) -> str:
    """Return a figure as SVG, with the same bytes for the same figure on every run, without date or creator."""
    page = io.StringIO()
    with style(), warnings.catch_warnings():
        # Names may hold dollar signs; ticks made after the axes do not know that these are no formulas.
        for words in figure.findobj(Text):
            words.set_parse_math(False)
        # A letter no font here has is drawn as a box; the table behind the chart has it, and a report needs no warning.
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        figure.savefig(page, format="svg", metadata={"Date": None, "Creator": None})
        # Laid out anew, the same figure could move by a hair the next time it is written.
        figure.set_layout_engine("none")
    return _smaller(page.getvalue())


def _smaller(svg: str) -> str:
    """Leave out what draws nothing: comments, indentation, empty groups, digits finer than a hundredth of a point."""
    svg = re.sub(r'<!--.*?-->|<metadata>.*?</metadata>|<g id="[^"]*"/>', "", svg, flags=re.DOTALL)
    svg = re.sub(r"\s+", " ", re.sub(r">\s+<", "><", svg))
    svg = svg.replace("xlink:href", "href").replace(' xmlns:xlink="http://www.w3.org/1999/xlink"', "")
    svg = re.sub(r' transform="rotate\(-0 [^"]*\)"', "", svg)
    named = set(re.findall(r"#([\w.-]+)", svg))
    svg = re.sub(r'(<(?:g|path)) id="([^"]*)"', lambda mark: mark[0] if mark[2] in named else mark[1], svg)
    # Named once for all texts, with fonts of the same widths for readers who lack it.
    svg = re.sub(r"font-family: 'DejaVu Sans'(?:, [^;\"]*)?; ?", "", svg)
    svg = svg.replace(
        "stroke-linecap: butt}", "stroke-linecap: butt; font-family: 'DejaVu Sans', Verdana, sans-serif}", 1
    )
    # Numbers within marks only: what a label says is not rounded.
    return re.sub(r"<[^>]+>", lambda mark: _FINE.sub(lambda number: f"{float(number[0]):.2f}", mark[0]), svg)


def headline(axes: Axes, title: str, subtitle: str = "") -> None:
    """Write the finding above the figure, and below it what is drawn, with units."""
    figure = axes.get_figure(root=True)
    if figure is None:
        return
    words = textwrap.fill(title, _TITLE) + ("\n" if subtitle else "")
    figure.suptitle(words, x=0.008, ha="left", fontsize=12.5, fontweight="bold", color=INK)
    if subtitle:
        axes.set_title(subtitle, loc="left", fontsize=9.5, color=QUIET, pad=9)


def _parameters() -> dict[Any, Any]:
    known = {font.name for font in font_manager.fontManager.ttflist}
    return {
        "font.family": ["DejaVu Sans", *(name for name in _SCRIPTS if name in known)],
        "font.size": 9.5,
        "text.color": INK,
        "text.parse_math": False,
        "axes.edgecolor": QUIET,
        "axes.labelcolor": QUIET,
        "axes.linewidth": 0.8,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.grid": True,
        "axes.axisbelow": True,
        "grid.color": GRID,
        "grid.linewidth": 0.7,
        "xtick.color": QUIET,
        "ytick.color": QUIET,
        "xtick.major.size": 0,
        "xtick.major.pad": 6,
        "ytick.major.size": 0,
        "lines.linewidth": 2.2,
        "lines.solid_capstyle": "round",
        "figure.constrained_layout.w_pad": 0.12,  # readers' fonts are some hundredths wider than those measured here
        "figure.facecolor": "white",
        "svg.fonttype": "none",  # texts as texts: a drawing is a third as long as with the outlines of its letters
        "svg.hashsalt": "crm-lib",
    }
