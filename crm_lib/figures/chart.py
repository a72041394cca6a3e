"""A chart as it travels: the drawing, the words for who cannot see it, and the table behind it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from matplotlib.axes import Axes

from crm_lib import language
from crm_lib.exhibit import CHART_MIME, Table
from crm_lib.figures.style import to_svg


@dataclass(frozen=True, kw_only=True, eq=False)
class Chart:
    """A drawing with its `title` (what it shows), `alt` (what a reader who cannot see it must know) and `table`."""

    name: str
    title: str
    axes: Axes
    alt: str
    table: Table

    def __post_init__(self) -> None:
        if not self.alt.strip():
            raise ValueError(f"chart '{self.name}' needs an alternative text for readers who cannot see it")

    def to_svg(self) -> str:
        """Return the drawing; equal charts give equal bytes."""
        figure = self.axes.get_figure(root=True)
        if figure is None:
            raise ValueError(f"the axes of chart '{self.name}' belong to no figure")
        return to_svg(figure)

    def to_dict(self) -> dict[str, Any]:
        """Return the words and the table as plain values for JSON."""
        return {
            "name": self.name,
            "title": language.text(self.title),
            "alt": language.text(self.alt),
            "table": self.table.to_dict(),
            "table_html": self.table.to_html(),
        }

    def _repr_mimebundle_(self, **_: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        alt = language.text(self.alt)
        data = {CHART_MIME: self.to_dict(), "image/svg+xml": self.to_svg(), "text/plain": alt}
        return data, {"image/svg+xml": {"alt": alt}}
