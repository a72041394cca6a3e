"""Over an ordered axis: curves with a band, calibration against the diagonal, and stacked areas."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Unpack

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.dates import MONTHLY, AutoDateLocator, ConciseDateFormatter, date2num
from matplotlib.ticker import MaxNLocator

from crm_lib import language
from crm_lib.exhibit import Kind
from crm_lib.figures.chart import Chart
from crm_lib.figures.columns import kind as kind_of, label
from crm_lib.figures.forms.words import Words, Writer, finish
from crm_lib.figures.style import BLUE, INK, QUIET, SERIES, new_axes
from crm_lib.language import say

_HEIGHT = 3.8
_DASHES = ("-", (0, (5, 2)), (0, (1, 1.4)), (0, (5, 2, 1, 2)))
"""Lines differ in their dashes too, for readers without colour vision."""


def curve(
    frame: pd.DataFrame,
    values: Sequence[str],
    *,
    kind: Kind | None = None,
    low: str = "",
    high: str = "",
    points: Sequence[str] = (),
    steps: bool = False,
    diagonal: bool = False,
    marked: pd.DataFrame | None = None,
    **words: Unpack[Words],
) -> Chart:
    """Draw one or several lines over the frame's index.

    Parameters
    ----------
    frame : DataFrame
        The index is the horizontal axis (numbers or days), named as a column of the vocabulary.
    values : sequence of str
        Columns drawn, the first in blue.
    kind : str, optional
        Number form of the vertical axis; by default that of the first column.
    low, high : str
        Columns of the band around the first line.
    points : sequence of str
        Columns drawn as points instead of a line, such as what was seen.
    steps : bool
        Whether lines are stairs.
    diagonal : bool
        Whether a line from corner to corner stands for "all alike".
    marked : DataFrame, optional
        Points to name: the index holds the words, columns ``x`` and ``y`` the place.
    **words
        The words of the chart.
    """
    write = Writer(kind or kind_of(values[0]), words.get("currency", ""))
    axes = new_axes(_HEIGHT)
    x = frame.index.to_numpy()
    if low and high:
        axes.fill_between(
            x, frame[low], frame[high], color=BLUE, alpha=0.18, linewidth=0, step="post" if steps else None
        )
    for place, name in enumerate(values):
        colour, dash = SERIES[place % len(SERIES)], _DASHES[place % len(_DASHES)]
        if name in points:
            axes.scatter(x, frame[name], s=22, color=colour, zorder=3, label=label(name))
        else:
            axes.plot(
                x, frame[name], color=colour, linestyle=dash, label=label(name),
                drawstyle="steps-post" if steps else "default",
            )  # fmt: skip
    if diagonal:
        axes.plot([0, 1], [0, 1], color=QUIET, linewidth=1, linestyle=(0, (4, 3)))
    if marked is not None:
        axes.scatter(marked["x"], marked["y"], s=44, color=INK, zorder=4)
        for named, across, height in marked[["x", "y"]].itertuples():
            axes.annotate(str(named), (across, height), xytext=(8, -4), textcoords="offset points", color=INK, va="top")
    if len(values) > 1:
        axes.legend(frameon=False, labelcolor=INK, loc="best")
    write.axis(axes, "y")
    _along(axes, frame.index)
    ends = frame[list(values)].iloc[[0, -1]] if len(frame) else frame[list(values)]
    told = "; ".join(f"{label(name)} {' → '.join(write(float(each)) for each in ends[name])}" for name in values)
    spoken = say("Lines over {axis}, first and last value: {told}.", axis=_axis_name(frame.index), told=told)
    return finish(axes, frame, words, spoken)


def calibration(
    frame: pd.DataFrame, *, told: str = "told", was: str = "was", kind: Kind = "share", **words: Unpack[Words]
) -> Chart:
    """Draw what was told of groups against what was; on the diagonal the two agree.

    Parameters
    ----------
    frame : DataFrame
        A row a group, with columns `told`, `was` and, where known, ``low`` and ``high`` of what was.
    told, was : str
        Columns drawn along and up.
    kind : str
        Number form of both axes.
    **words
        The words of the chart.
    """
    write = Writer(kind, words.get("currency", ""))
    axes = new_axes(4.4)
    most = float(np.nanmax(frame[[each for each in (told, was, "high") if each in frame]].to_numpy(float))) or 1.0
    limit = 1.0 if kind == "share" and most > 0.5 else most * 1.06
    axes.plot([0, limit], [0, limit], color=QUIET, linewidth=1, linestyle=(0, (4, 3)), label=say("right on average"))
    if "low" in frame and "high" in frame:
        axes.vlines(frame[told], frame["low"], frame["high"], color=BLUE, linewidth=2.6, alpha=0.5)
    axes.scatter(frame[told], frame[was], color=BLUE, s=34, zorder=3, clip_on=False)
    axes.set(xlim=(0, limit), ylim=(0, limit), xlabel=label(told), ylabel=label(was))
    write.axis(axes, "x")
    write.axis(axes, "y")
    axes.legend(frameon=False, loc="upper left", labelcolor=QUIET)
    spoken = say(
        "Points for {n:count} groups, predicted against observed, lowest {low} against {low_seen}, highest {high} "
        "against {high_seen}.",
        n=len(frame), low=write(frame[told].iloc[0]), low_seen=write(frame[was].iloc[0]),
        high=write(frame[told].iloc[-1]), high_seen=write(frame[was].iloc[-1]),
    )  # fmt: skip
    return finish(axes, frame, words, spoken)


def areas(frame: pd.DataFrame, values: Sequence[str], *, kind: Kind | None = None, **words: Unpack[Words]) -> Chart:
    """Draw columns as areas that stand on one another over the frame's index.

    Parameters
    ----------
    frame : DataFrame
        The index is the horizontal axis (numbers or days).
    values : sequence of str
        Columns, the first at the bottom.
    kind : str, optional
        Number form of the vertical axis; by default that of the first column.
    **words
        The words of the chart.
    """
    write = Writer(kind or kind_of(values[0]), words.get("currency", ""))
    axes = new_axes(_HEIGHT)
    labels = [label(name) for name in values]
    shades = [SERIES[place % len(SERIES)] for place in range(len(values))]
    axes.stackplot(
        frame.index.to_numpy(), frame[list(values)].fillna(0).to_numpy().T, labels=labels, colors=shades, alpha=0.8
    )
    axes.legend(frameon=False, labelcolor=INK, loc="upper left", ncols=min(len(values), 4))
    axes.set_ylim(0, float(frame[list(values)].sum(axis=1).max()) * 1.22 or 1)
    write.axis(axes, "y")
    _along(axes, frame.index)
    totals = frame[list(values)].iloc[-1] if len(frame) else pd.Series(0.0, index=list(values))
    told = ", ".join(f"{name} {write(float(each))}" for name, each in zip(labels, totals, strict=True))
    spoken = say("Areas over {axis}; at the end: {told}.", axis=_axis_name(frame.index), told=told)
    return finish(axes, frame, words, spoken)


def _along(axes: Axes, index: pd.Index) -> None:
    """Write days, shares or numbers along the horizontal axis, and what they are."""
    axes.set_xlabel(_axis_name(index))
    if isinstance(index, pd.DatetimeIndex):
        places = AutoDateLocator(maxticks=8)  # type: ignore[no-untyped-call]
        places.intervald[MONTHLY].append(12)  # else four years fit neither in months nor in years
        axes.xaxis.set_major_locator(places)
        axes.xaxis.set_major_formatter(ConciseDateFormatter(places))  # type: ignore[no-untyped-call]
        axes.set_xlabel("")
        if index.min() == index.max():
            day = float(date2num(index[0]))  # type: ignore[no-untyped-call]
            axes.set_xlim(day - 15, day + 15)
    elif pd.api.types.is_numeric_dtype(index.dtype):
        form = kind_of(str(index.name), "number")
        if form == "number" and pd.api.types.is_integer_dtype(index.dtype):
            axes.xaxis.set_major_locator(MaxNLocator(8, integer=True))
        else:
            Writer(form).axis(axes, "x")
    else:
        axes.set_xticks(range(len(index)), [language.text(str(each)) for each in index])


def _axis_name(index: pd.Index) -> str:
    return label(str(index.name)) if index.name is not None else ""
