"""Flows between the states of two days, as ribbons between two columns of blocks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Unpack

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.patches import PathPatch, Rectangle
from matplotlib.path import Path
from numpy.typing import NDArray

from crm_lib import language
from crm_lib.figures.chart import Chart
from crm_lib.figures.forms.words import Words, finish, shorten
from crm_lib.figures.style import BLUE, INK, ORANGE, QUIET, new_axes
from crm_lib.language import say

Floats = NDArray[np.float64]
_GAP = 0.016
"""Space between blocks, as a share of the height."""
_WIDTH = 0.02
_SAME = "#9aa3ad"


def flows(
    frame: pd.DataFrame,
    *,
    sides: tuple[str, str],
    ends: Sequence[str] = (),
    focus: str = "",
    **words: Unpack[Words],
) -> Chart:
    """Draw a square matrix of counts as ribbons from states before (left) to states after (right).

    Parameters
    ----------
    frame : DataFrame
        Counts, from (rows) to (columns), both in the same order, the best first.
    sides : tuple of str
        What stands above the two columns, such as two days.
    ends : sequence of str
        Two names that the last row and the last column have instead ("New", "Gone"), where these are no state.
    focus : str
        State whose gains (blue) and losses (orange) are shown, instead of moves up and down.
    **words
        The words of the chart.
    """
    counts = frame.to_numpy(float)
    axes = new_axes(1.4 + 0.55 * len(frame))
    total = counts.sum() or 1.0
    scale = (1 - _GAP * (len(frame) - 1)) / total
    sizes = [counts.sum(axis=1), counts.sum(axis=0)]
    tops = [_tops(size * scale) for size in sizes]
    starts, stops = tops[0].copy(), tops[1].copy()
    for row, column in np.ndindex(*counts.shape):
        thick = float(counts[row, column] * scale)
        if thick:
            rose, fell = column < row, column > row
            if focus:
                rose, fell = ((frame.index[one] == focus) & (row != column) for one in (column, row))
            colour = BLUE if rose else ORANGE if fell else _SAME
            _ribbon(axes, float(starts[row]), float(stops[column]), thick, colour)
            starts[row] -= thick
            stops[column] -= thick
    for side, (top, size) in enumerate(zip(tops, sizes, strict=True)):
        names = [shorten(name, 24) for name in frame.index]
        if ends:
            names[-1] = ends[side]
        _column(
            axes,
            side,
            top,
            size * scale,
            [f"{name}  {language.number(n, 0)}" for name, n in zip(names, size, strict=True)],
        )
        axes.text(side, 1.02, sides[side], ha="center", va="bottom", color=QUIET)
    axes.set(xlim=(-0.4, 1.4), ylim=(-0.02, 1.06))
    axes.axis("off")
    up, down = np.tril(counts, -1).sum(), np.triu(counts, 1).sum()
    told = "{up:count} moved up (blue), {down:count} moved down (orange), {same:count} stayed (grey)."
    if focus:
        here = frame.index.get_loc(focus)
        same = counts[here, here]
        up, down = counts[:, here].sum() - same, counts[here].sum() - same
        told = "{up:count} came to {focus} (blue), {down:count} left it (orange)."
    spoken = say("Ribbons between {n:count} states: " + told, n=len(frame), up=up, down=down, same=np.trace(counts),
                 focus=focus)  # fmt: skip
    return finish(axes, frame.rename(columns=str), words, spoken)


def _tops(sizes: Floats) -> Floats:
    return 1 - np.concatenate([[0.0], np.cumsum(sizes + _GAP)[:-1]])


def _ribbon(axes: Axes, start: float, stop: float, thick: float, colour: str) -> None:
    left, right, bend = _WIDTH / 2, 1 - _WIDTH / 2, 0.5
    corners = [
        (left, start), (bend, start), (bend, stop), (right, stop),
        (right, stop - thick), (bend, stop - thick), (bend, start - thick), (left, start - thick), (left, start),
    ]  # fmt: skip
    codes = [Path.MOVETO, *[Path.CURVE4] * 3, Path.LINETO, *[Path.CURVE4] * 3, Path.CLOSEPOLY]
    axes.add_patch(PathPatch(Path(corners, codes), facecolor=colour, alpha=0.42, linewidth=0))


def _column(axes: Axes, side: int, tops: Floats, sizes: Floats, names: Sequence[str]) -> None:
    lowest = 1.1
    for top, size, name in zip(tops, sizes, names, strict=True):
        axes.add_patch(Rectangle((side - _WIDTH / 2, top - size), _WIDTH, size, color=INK))
        # Labels of thin blocks are pushed down until they no longer touch.
        lowest = min(top - size / 2, lowest - 0.034)
        axes.text(
            side + (0.025 if side else -0.025), lowest, name, va="center", ha="left" if side else "right", fontsize=9,
            color=INK,
        )  # fmt: skip
