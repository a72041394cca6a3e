"""Over two axes: a heat map of a matrix, and a grid in which names are placed."""

from __future__ import annotations

from typing import Unpack

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap, TwoSlopeNorm
from matplotlib.patches import Rectangle

from crm_lib.exhibit import Kind
from crm_lib.figures.chart import Chart
from crm_lib.figures.columns import kind as kind_of, label
from crm_lib.figures.forms.words import Words, Writer, finish, row_names, shorten, spoken_values
from crm_lib.figures.style import BLUE, GRID, INK, QUIET, new_axes, style
from crm_lib.language import say

BLUES = LinearSegmentedColormap.from_list("blues", ["#f2f6fa", "#9cc4e0", "#2f7fb8", "#08456e"])
"""The one map of shades: more is darker."""
_LETTER, _LINE = 5.3, 12.0
"""Width of a letter and height of a line of names, in points."""
_TWO_SIDED = LinearSegmentedColormap.from_list("two sided", ["#d55e00", "#f7f7f7", "#0072b2"])


def heat(
    frame: pd.DataFrame,
    *,
    kind: Kind,
    rows: str = "",
    columns: str = "",
    written: pd.DataFrame | None = None,
    middle: float | None = None,
    **words: Unpack[Words],
) -> Chart:
    """Draw a matrix as shades, each cell with its number.

    Parameters
    ----------
    frame : DataFrame
        The matrix; its index and columns name rows and columns.
    kind : str
        Number form of the cells.
    rows, columns : str
        What the rows and the columns are, in words.
    written : DataFrame, optional
        Words written into the cells instead of their numbers, of the same shape; where the number is missing they
        stand on grey.
    middle : float, optional
        Where values on both sides differ in colour (orange below, blue above).
    **words
        The words of the chart.
    """
    import seaborn as sns  # costs a second, and few pages have a heat map

    write = Writer(kind, words.get("currency", ""))
    axes = new_axes(1.4 + 0.42 * len(frame))
    values = frame.to_numpy(float)
    texts = (
        written.to_numpy()
        if written is not None
        else np.vectorize(lambda x: "" if np.isnan(x) else write(x), otypes=[object])(values)
    )
    low, high = float(np.nanmin(values)), float(np.nanmax(values))
    reach = max(abs(low - (middle or 0)), abs(high - (middle or 0)), 1e-12)
    norm = None if middle is None else TwoSlopeNorm(middle, middle - reach, middle + reach)
    with style():
        sns.heatmap(
            frame.astype(float), ax=axes, annot=texts, fmt="", cmap=BLUES if middle is None else _TWO_SIDED, norm=norm,
            xticklabels=False, yticklabels=False, cbar=False, linewidths=1.5, linecolor="white",
            annot_kws={"fontsize": 9},
        )  # fmt: skip
    for row, column in np.argwhere(np.isnan(values)) if written is not None else ():
        if texts[row, column]:
            axes.add_patch(Rectangle((column, row), 1, 1, facecolor=GRID, edgecolor="white", linewidth=1.5))
            axes.text(column + 0.5, row + 0.5, texts[row, column], ha="center", va="center", color=QUIET, fontsize=9)
    axes.set_yticks(np.arange(len(frame)) + 0.5, row_names(frame.index), color=INK, rotation=0)
    names = [shorten(name, 16) for name in frame.columns]
    turned = sum(map(len, names)) > 90
    axes.set_xticks(
        np.arange(len(names)) + 0.5, names, color=INK, rotation=30 if turned else 0, ha="right" if turned else "center"
    )
    axes.set_xlabel(columns)
    axes.set_ylabel(rows, labelpad=10)
    axes.grid(visible=False)
    best = pd.Series(frame.stack().dropna()).sort_values(ascending=False)  # noqa: PD013 (cells by name of row and column)
    spoken = say(
        "Heat map of {n:count} cells; the largest: {values}.", n=best.size, values=spoken_values(best.head(3), write)
    )
    return finish(axes, _with_text_columns(frame), words, spoken)


def grid(
    frame: pd.DataFrame,
    x: str,
    y: str,
    *,
    x_kind: Kind | None = None,
    y_kind: Kind | None = None,
    size: str = "",
    hollow: str = "",
    x_cuts: tuple[float, ...] = (),
    y_cuts: tuple[float, ...] = (),
    named: bool = True,
    log: str = "",
    **words: Unpack[Words],
) -> Chart:
    """Draw a point a row over two axes, with its name, and lines that cut the plane into fields.

    Parameters
    ----------
    frame : DataFrame
        A row a point, named by the index.
    x, y : str
        Columns of the place.
    x_kind, y_kind : str, optional
        Number forms of the axes; by default the columns' own.
    size : str
        Column that the area of a point follows.
    hollow : str
        Column that says which points are drawn hollow.
    x_cuts, y_cuts : tuple of float
        Where lines cut the plane.
    named : bool
        Whether names are written beside the points.
    log : {"", "x", "y", "xy"}
        Which axes are logarithmic.
    **words
        The words of the chart.
    """
    currency = words.get("currency", "")
    along, up = Writer(x_kind or kind_of(x), currency), Writer(y_kind or kind_of(y), currency)
    axes = new_axes(4.6)
    area = np.full(len(frame), 46.0)
    if size:
        area = 30 + 420 * (frame[size] / frame[size].max()).fillna(0).to_numpy(float)
    open_ = frame[hollow].astype(bool).to_numpy() if hollow else np.zeros(len(frame), dtype=bool)
    axes.scatter(
        frame[x], frame[y], s=area, color=np.where(open_, "white", BLUE), edgecolors=BLUE, linewidths=1.5, zorder=3,
        alpha=0.9 if named else 0.5,
    )  # fmt: skip
    for cut in x_cuts:
        axes.axvline(cut, color=QUIET, linewidth=1, linestyle=(0, (4, 3)))
    for cut in y_cuts:
        axes.axhline(cut, color=QUIET, linewidth=1, linestyle=(0, (4, 3)))
    axes.margins(x=0.16, y=0.12)
    if "x" in log:
        axes.set_xscale("log")
    if "y" in log:
        axes.set_yscale("log")
    if named:
        name_points(axes, [shorten(name, 24) for name in frame.index], frame[[x, y]].to_numpy(float), area)
    along.axis(axes, "x")
    up.axis(axes, "y")
    axes.set(xlabel=label(x), ylabel=label(y))
    places = [f"{shorten(name)} ({along(a)}, {up(b)})" for name, a, b in frame[[x, y]].head(12).itertuples()]
    spoken = say(
        "Points by {x} and {y}: {places}.",
        x=label(x),
        y=label(y),
        places=", ".join(places) if named else f"{len(frame)}",
    )
    return finish(axes, frame, words, spoken)


def _with_text_columns(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.rename(columns=str)


def name_points(axes: Axes, names: list[str], points: np.ndarray, area: np.ndarray) -> None:
    """Write a name beside each point; one that would stand on another is lifted above it."""
    axes.autoscale_view()
    places = axes.transData.transform(points) * 72 / axes.figure.dpi  # in points, as text is measured
    taken: list[tuple[float, float, float]] = []
    for row in np.argsort(places[:, 1], kind="stable"):
        beside, lift = float(np.sqrt(area[row]) / 2 + 3), 0.0
        begin, height = places[row, 0] + beside, places[row, 1]
        end = begin + _LETTER * len(names[row])
        while any(begin < last and end > first and abs(height + lift - at) < _LINE for first, last, at in taken):
            lift += 1.0
        taken.append((begin, end, height + lift))
        axes.annotate(
            names[row], points[row], xytext=(beside, lift), textcoords="offset points", va="center", color=INK,
            fontsize=9,
        )  # fmt: skip
