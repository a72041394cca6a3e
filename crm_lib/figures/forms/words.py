"""What every form shares: the words of a chart, axes that write numbers, and the chart made of both."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NotRequired, TypedDict

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullLocator

from crm_lib import language
from crm_lib.exhibit import Kind, Table
from crm_lib.figures.chart import Chart
from crm_lib.figures.columns import table
from crm_lib.figures.style import headline as write_headline
from crm_lib.language import say

_LONGEST = 30
"""Letters of a name beside a bar."""
_SPOKEN = 12
"""Values that the alternative text names."""


class Words(TypedDict):
    """The words of a chart: every form takes them.

    Attributes
    ----------
    name : str
        Short name, unique in the notebook.
    headline : str
        What the chart shows, as a sentence; drawn above it.
    title : str
        What is drawn, with units; drawn below the headline, and the caption.
    about : str, optional
        A sentence for readers who cannot see the chart, behind the form's own.
    currency : str, optional
        ISO code of money.
    note : str, optional
        What a reader must know; below the table.
    table : Table, optional
        The table behind the chart; by default the frame drawn.
    """

    name: str
    headline: str
    title: str
    about: NotRequired[str]
    currency: NotRequired[str]
    note: NotRequired[str]
    table: NotRequired[Table]


@dataclass(frozen=True)
class Writer:
    """Writes numbers of one kind, short enough for an axis or a mark."""

    kind: Kind
    currency: str = ""

    def __call__(self, value: float) -> str:
        """Return `value` as a reader sees it."""
        if self.kind == "money" and self.currency:
            return language.short_money(value, self.currency)
        if self.kind == "share":
            return language.share(value, 1 if 0 < abs(value) < 0.0995 and round(value, 2) != value else 0)
        if self.kind == "count":
            return language.number(value, 0)
        return language.number(value)

    def axis(self, axes: Axes, which: str) -> None:
        """Write the numbers along an axis."""
        axis = axes.yaxis if which == "y" else axes.xaxis
        if axis.get_scale() == "log":
            axis.set_major_locator(LogLocator(subs=(1, 2, 5), numticks=8))
            axis.set_minor_locator(NullLocator())
        else:
            axis.set_major_locator(MaxNLocator(6, integer=self.kind == "count"))
        axis.set_major_formatter(FuncFormatter(lambda value, _: self._tick(value)))

    def _tick(self, value: float) -> str:
        if self.kind == "number":
            return language.number(value, len(f"{value:g}".partition(".")[2]))
        return self(value)


def finish(axes: Axes, frame: pd.DataFrame, words: Words, spoken: str) -> Chart:
    """Return the chart: headline above, alternative text of the form and the caller, table behind."""
    write_headline(axes, words["headline"], words["title"])
    behind = words.get("table") or table(
        words["name"], words["title"], frame, currency=words.get("currency", ""), note=words.get("note", ""), rows=40
    )
    alt = " ".join(part for part in (words["headline"].rstrip(".") + ".", spoken, words.get("about", "")) if part)
    return Chart(name=words["name"], title=words["title"], axes=axes, alt=alt, table=behind)


def spoken_values(values: pd.Series, write: Callable[[float], str]) -> str:
    """Return the values by name, as far as a listener can follow."""
    several = [f"{shorten(name)} {write(float(value))}" for name, value in values.head(_SPOKEN).items()]
    more = say("and {n:count} more", n=len(values) - _SPOKEN) if len(values) > _SPOKEN else ""
    return ", ".join([*several, more]) if more else ", ".join(several)


def shorten(name: object, longest: int = _LONGEST) -> str:
    """Return the name of a row, translated, cut where it is too long for its place."""
    words = " · ".join(map(str, name)) if isinstance(name, tuple) else language.text(str(name))
    return words if len(words) <= longest else words[: longest - 1].rstrip() + "…"


def row_names(index: pd.Index) -> list[str]:
    """Return the names of the rows as an axis has them; days are written as dates."""
    return [language.date(each) if isinstance(each, pd.Timestamp) else shorten(each) for each in index]
