"""A row a name: bars from a common base, and dots with intervals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Unpack

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from crm_lib.exhibit import Kind
from crm_lib.figures.chart import Chart
from crm_lib.figures.columns import kind as kind_of, label
from crm_lib.figures.forms.words import Words, Writer, finish, row_names, spoken_values
from crm_lib.figures.style import BLUE, INK, ORANGE, QUIET, SERIES, new_axes
from crm_lib.language import say

_ROW = 0.34
"""Inches a row."""
_HEAD = 1.25
"""Inches of headline and axis."""
_LEGEND = 45
"""Letters of a legend that fit beside one another."""
_BELOW: Any = {"loc": "upper left", "bbox_to_anchor": (0, 0), "borderaxespad": 2.4}
"""Below the numbers of the axis, where a legend hides no row."""


def bars(
    frame: pd.DataFrame,
    value: str,
    *,
    kind: Kind | None = None,
    low: str = "",
    high: str = "",
    start: str = "",
    colours: Mapping[str, str] | None = None,
    stacked: Sequence[str] = (),
    beside: str = "",
    reference: float | None = None,
    **words: Unpack[Words],
) -> Chart:
    """Draw a bar a row, the first at the top, with the number at its end.

    Parameters
    ----------
    frame : DataFrame
        A row a bar, named by the index.
    value : str
        Column of the length.
    kind : str, optional
        Number form of the axis; by default the column's own.
    low, high : str
        Columns of the interval's ends.
    start : str
        Column where a bar begins, for bars that stand on one another's ends (a bridge); 0 by default.
    colours : mapping of str to str, optional
        Colour by row name; by default blue, and orange where the value is negative.
    stacked : sequence of str
        Columns drawn as parts of the bar, instead of one length; `value` is then their sum.
    beside : str
        Column of words written behind the number.
    reference : float, optional
        Where a thin line stands for comparison.
    **words
        The words of the chart.
    """
    write = Writer(kind or kind_of(value), words.get("currency", ""))
    axes, places = _rows(frame)
    begin = frame[start].to_numpy(float) if start else np.zeros(len(frame))
    length = frame[value].to_numpy(float)
    if stacked:
        left = np.zeros(len(frame))
        for place, part in enumerate(stacked):
            axes.barh(places, frame[part], left=left, height=0.66, color=SERIES[place % len(SERIES)], label=label(part))
            left = left + frame[part].fillna(0).to_numpy(float)
        axes.legend(frameon=False, ncols=min(len(stacked), 4), labelcolor=INK, **_BELOW)
    else:
        shades = [
            (colours or {}).get(str(name), ORANGE if amount < 0 else BLUE)
            for name, amount in zip(frame.index, length, strict=True)
        ]
        axes.barh(places, length, left=begin, height=0.66, color=shades)
    ends = begin + np.nan_to_num(length)
    if low and high:
        reach = begin + frame[low].to_numpy(float), begin + frame[high].to_numpy(float)
        axes.hlines(places, *reach, color="white", linewidth=4.2)
        axes.hlines(places, *reach, color=INK, linewidth=1.8)
        ends = np.where(length >= 0, np.fmax(ends, reach[1]), np.fmin(ends, reach[0]))
    if reference is not None:
        axes.axvline(reference, color=QUIET, linewidth=1, linestyle=(0, (4, 3)))
    for place, (base, end, amount) in enumerate(zip(begin, ends, length, strict=True)):
        more = frame[beside].iloc[place] if beside else ""
        text = f"{write(amount)} · {more}" if more else write(amount)
        # Beside a bar to the left stands its name, so its number stands on the other side of the base.
        where = max(float(end), float(base), 0.0) if amount < 0 else float(end)
        axes.annotate(
            text, (where, place), xytext=(4, 0), textcoords="offset points", va="center", color=INK, fontsize=9
        )
    axes.axvline(0, color=QUIET, linewidth=0.8)
    _room(axes, ends, beside=bool(beside))
    write.axis(axes, "x")
    spoken = say("Bars of {what}: {values}.", what=label(value), values=spoken_values(frame[value], write))
    return finish(axes, frame, words, spoken)


def dots(
    frame: pd.DataFrame,
    value: str,
    *,
    kind: Kind | None = None,
    low: str = "low",
    high: str = "high",
    mark: str = "",
    reference: float | None = None,
    reference_label: str = "",
    hollow: str = "",
    log: bool = False,
    **words: Unpack[Words],
) -> Chart:
    """Draw a point with its interval a row, the first at the top.

    Parameters
    ----------
    frame : DataFrame
        A row a point, named by the index.
    value : str
        Column of the point.
    kind : str, optional
        Number form of the axis; by default the column's own.
    low, high : str
        Columns of the interval's ends; left out where the frame has none.
    mark : str
        Column of a second point a row (an orange diamond), such as a cost beside a value.
    reference : float, optional
        Where a thin line stands for comparison.
    reference_label : str
        What the line is.
    hollow : str
        Column that says which points are drawn hollow (not settled, only chance).
    log : bool
        Whether the axis is logarithmic.
    **words
        The words of the chart.
    """
    write = Writer(kind or kind_of(value), words.get("currency", ""))
    axes, places = _rows(frame)
    if low in frame and high in frame:
        axes.hlines(places, frame[low], frame[high], color=BLUE, linewidth=2.6, alpha=0.55)
    if reference is not None:
        axes.axvline(reference, color=QUIET, linewidth=1, linestyle=(0, (4, 3)), label=reference_label or None)
    filled = ~frame[hollow].astype(bool).to_numpy() if hollow else np.ones(len(frame), dtype=bool)
    axes.scatter(
        frame[value], places, s=42, zorder=3, color=np.where(filled, BLUE, "white"), edgecolors=BLUE, linewidths=1.6,
        label=label(value) if mark else None,
    )  # fmt: skip
    if mark:
        axes.scatter(frame[mark], places, s=42, zorder=3, color=ORANGE, marker="D", label=label(mark))
    if mark or reference_label:
        wide = len(reference_label) + len(label(mark) + label(value) if mark else "") > _LEGEND
        axes.legend(frameon=False, ncols=1 if wide else 3, labelcolor=INK, **_BELOW)
    axes.margins(x=0.06)
    if log:
        axes.set_xscale("log")
    write.axis(axes, "x")
    spoken = say("Points of {what}: {values}.", what=label(value), values=spoken_values(frame[value], write))
    return finish(axes, frame, words, spoken)


def _rows(frame: pd.DataFrame) -> tuple[Axes, np.ndarray]:
    axes = new_axes(_HEAD + _ROW * max(len(frame), 2))
    places = np.arange(len(frame), dtype=float)
    axes.set_yticks(places, row_names(frame.index), color=INK)
    axes.set_ylim(len(frame) - 0.4, -0.6)
    axes.grid(axis="y", visible=False)
    axes.spines["left"].set_visible(False)
    return axes, places


def _room(axes: Axes, ends: np.ndarray, *, beside: bool) -> None:
    """Leave room for the numbers behind the bars."""
    low, high = min(0.0, float(np.nanmin(ends, initial=0))), max(0.0, float(np.nanmax(ends, initial=0)))
    reach = (high - low) or 1.0
    axes.set_xlim(low - (0.03 * reach if low < 0 else 0), high + (0.34 if beside else 0.14) * reach)
