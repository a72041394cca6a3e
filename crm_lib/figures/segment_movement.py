"""Movement between segments as flows, and the tables behind them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.patches import Patch, PathPatch, Rectangle
from matplotlib.path import Path
from numpy.typing import NDArray

from crm_lib import language
from crm_lib.exhibit import Table
from crm_lib.figures.chart import Chart
from crm_lib.figures.style import BLUE, INK, ORANGE, QUIET, headline, new_axes
from crm_lib.segments import SMALLEST_GROUP, Movement
from crm_lib.segments.rfm.movement import WAYS

Floats = NDArray[np.float64]
_GAP = 0.014
"""Space between blocks, and at least between labels, as a share of the height."""
_LEFT, _RIGHT, _WIDTH = 0.0, 1.0, 0.018
_COLOURS = {"up": BLUE, "came": BLUE, "down": ORANGE, "left": ORANGE, "stayed": "#9aa3ad"}
_WAYS = {
    "up": "moved up", "down": "moved down", "stayed": "stayed in their segment", "came": "came into the base",
    "left": "left the base",
}  # fmt: skip


def movement_chart(moved: Movement) -> Chart:
    """Draw the flows of customers between the segments of two days.

    Parameters
    ----------
    moved : Movement
        Segments on two days.

    Returns
    -------
    Chart
        Two columns of segments, the best at the top, with a ribbon for each move, as thick as it has customers. Those
        who came into the base or left it begin or end in a block of their own at the bottom.
    """
    matrix = moved.matrix()
    counts = matrix.to_numpy().astype(float)
    axes = new_axes(6.4)
    total = counts.sum()
    scale = (1 - _GAP * (len(matrix) - 1)) / total
    tops = [_tops(sizes * scale) for sizes in (counts.sum(axis=1), counts.sum(axis=0))]
    starts, ends = tops[0].copy(), tops[1].copy()
    last = len(matrix) - 1
    for row in range(len(matrix)):
        for column in range(len(matrix)):
            thick = counts[row, column] * scale
            if thick:
                way = _way(row, column, last)
                _ribbon(axes, starts[row], ends[column], thick, way)
                starts[row] -= thick
                ends[column] -= thick
    sizes = [counts.sum(axis=1), counts.sum(axis=0)]
    names = [[*moved.segments, word] for word in ("New in the base", "No longer in the base")]
    for side, (edge, top, size) in enumerate(zip((_LEFT - _WIDTH, _RIGHT), tops, sizes, strict=True)):
        _blocks(axes, edge, top, size * scale)
        _labels(axes, side, top - size * scale / 2, names[side], size)
    axes.set_xlim(-0.36, 1.36)
    axes.set_ylim(-0.01, 1.045)
    axes.axis("off")
    for where, day in ((_LEFT - _WIDTH / 2, moved.earlier), (_RIGHT + _WIDTH / 2, moved.later)):
        axes.text(where, 1.025, language.date(day), ha="center", va="bottom", color=QUIET, fontsize=9.5)
    keys = {"up": "moved up or came", "stayed": "stayed", "down": "moved down or left"}
    axes.legend(
        handles=[Patch(facecolor=_COLOURS[way], alpha=0.6, label=language.text(word)) for way, word in keys.items()],
        loc="upper center", bbox_to_anchor=(0.5, 0.0), ncols=3, frameon=False, fontsize=9,
    )  # fmt: skip
    flows = moved.flows()["customers"]
    places = {
        **{way: language.number(int(flows[way]), 0) for way in WAYS},
        "rising": language.number(int(flows[["up", "came"]].sum()), 0),
        "falling": language.number(int(flows[["down", "left"]].sum()), 0),
        "earlier": language.date(moved.earlier),
        "later": language.date(moved.later),
        "share": str(moved.net_up),
    }
    headline(axes, language.text("{rising} customers moved up or came, {falling} moved down or left").format(**places))
    return Chart(
        name="movement",
        title=language.text("Movement between segments from {earlier} to {later}").format(**places),
        axes=axes,
        alt=language.text(
            "Flows of customers between the segments of {earlier} and of {later}: {up} moved up, {down} moved down, "
            "{stayed} stayed, {came} came into the base and {left} left it. Of the moves {share} led up."
        ).format(**places),
        table=movement_table(moved),
    )


def movement_table(moved: Movement) -> Table:
    """Return the number of customers of each segment before, by their segment after.

    Parameters
    ----------
    moved : Movement
        Segments on two days.

    Returns
    -------
    Table
        Rows before, columns after, in the order of the rules; the state outside the base comes last.
    """
    frame = moved.matrix()
    labels = {name: language.text(str(name)) for name in frame.columns}
    frame.index = pd.Index([labels[name] for name in frame.index], name="before")
    frame.columns = pd.Index([f"to {place}" for place in range(len(labels))])
    return Table(
        name="movement",
        title="Customers by segment before (rows) and after (columns)",
        frame=frame,
        kinds=dict.fromkeys(frame.columns, "count"),
        labels={"before": "Before", **dict(zip(frame.columns, labels.values(), strict=True))},
        note=language.text(
            "Scored by the cut points of {day} on both days, so that customers move and the segments do not."
        ).format(day=language.date(moved.definitions.estimated_on or moved.earlier)),
    )


def segment_change_table(moved: Movement, *, smallest_group: int = SMALLEST_GROUP) -> Table:
    """Return how each segment changed in size, and how its customers of before went.

    Parameters
    ----------
    moved : Movement
        Segments on two days.
    smallest_group : int
        Segments that had fewer customers show no shares.

    Returns
    -------
    Table
        One row per segment, best first.
    """
    frame = moved.table()
    frame["stayed_share"] = frame["stayed_share"].where(frame["before"] >= smallest_group)
    change = frame.pop("net_change")
    frame["change"] = [
        f"{language.number(one.value, 0)} [{language.number(one.low, 0)}, {language.number(one.high, 0)}]"
        for one in change
    ]
    verdicts = {True: language.text("holds"), False: language.text("may be chance")}
    frame["evidence"] = [verdicts[not one.low <= 0 <= one.high] for one in change]
    frame.index = pd.Index([language.text(str(name)) for name in frame.index], name="segment")
    return Table(
        name="segment_change",
        title="How the segments changed in size",
        frame=frame,
        kinds={
            "before": "count", "after": "count", "up": "count", "down": "count", "left": "count",
            "stayed_share": "share", "change": "text", "evidence": "text",
        },
        labels={
            "before": language.date(moved.earlier), "after": language.date(moved.later), "up": "Moved up",
            "down": "Moved down", "left": "Left the base", "stayed_share": "Stayed", "change": "Net change",
        },
        note=language.text(
            "By the cut points of {day} on both days; tables by the cut points of another day, such as today's, show "
            "other sizes. The intervals of all net changes hold together at 95%."
        ).format(day=language.date(moved.definitions.estimated_on or moved.earlier)),
    )  # fmt: skip


def flows_table(moved: Movement, *, currency: str) -> Table:
    """Return the value that movement brought and took.

    Parameters
    ----------
    moved : Movement
        Segments on two days.
    currency : str
        ISO code.

    Returns
    -------
    Table
        One row for those who moved up, moved down, stayed, came and left.
    """
    frame = moved.flows()
    frame.index = pd.Index([language.text(_WAYS[str(way)]).capitalize() for way in frame.index], name="way")
    word = moved.value_kind.capitalize()
    return Table(
        name="movement_value",
        title="What movement brought and took",
        frame=frame,
        kinds={"customers": "count", "value_before": "money", "value_after": "money", "change": "money"},
        labels={"way": "Customers who", "value_before": f"{word} before", "value_after": f"{word} after"},
        currency=currency,
        note=language.text("Windows of {days} days up to {earlier} and up to {later}.").format(
            days=language.number(moved.definitions.window_days, 0),
            earlier=language.date(moved.earlier),
            later=language.date(moved.later),
        ),
    )


def _way(row: int, column: int, outside: int) -> str:
    if outside in (row, column):
        return "came" if row == outside else "left"
    return "up" if column < row else "down" if column > row else "stayed"


def _tops(heights: Floats) -> Floats:
    """Return the upper edges of blocks stacked from the top with gaps between them."""
    above = np.concatenate([[0.0], heights.cumsum()[:-1]])
    return 1.0 - above - _GAP * np.arange(heights.size)


def _ribbon(axes: Axes, start: float, end: float, thick: float, way: str) -> None:
    # Those from and to the outside are broad, and lie behind the moves between segments.
    alpha, layer = (0.32, 1.0) if way in ("came", "left") else (0.6, 1.5)
    middle = (_LEFT + _RIGHT) / 2
    corners = [
        (_LEFT, start), (middle, start), (middle, end), (_RIGHT, end), (_RIGHT, end - thick), (middle, end - thick),
        (middle, start - thick), (_LEFT, start - thick), (_LEFT, start),
    ]  # fmt: skip
    curve = [Path.CURVE4] * 3
    codes = [Path.MOVETO, *curve, Path.LINETO, *curve, Path.CLOSEPOLY]
    axes.add_patch(PathPatch(Path(corners, codes), facecolor=_COLOURS[way], alpha=alpha, linewidth=0, zorder=layer))


def _blocks(
    axes: Axes,
    edge: float,
    tops: Floats,
    heights: Floats,
) -> None:
    for top, height in zip(tops, heights, strict=True):
        axes.add_patch(Rectangle((edge, top - height), _WIDTH, height, facecolor=INK, linewidth=0))


def _labels(
    axes: Axes,
    side: int,
    centres: Floats,
    names: Sequence[str],
    sizes: Floats,
) -> None:
    shown = [place for place, size in enumerate(sizes) if size]
    heights = _spread([float(centres[place]) for place in shown])
    for place, height in zip(shown, heights, strict=True):
        count, name = language.number(int(sizes[place]), 0), language.text(names[place])
        words = f"{name}  {count}" if side == 0 else f"{count}  {name}"
        where, aligned = (_LEFT - _WIDTH - 0.015, "right") if side == 0 else (_RIGHT + _WIDTH + 0.015, "left")
        axes.text(where, height, words, ha=aligned, va="center", color=INK, fontsize=9)


def _spread(centres: Sequence[float], least: float = 0.03) -> list[float]:
    """Return heights near the centres, from the top, at least so far from each other and within 0 and 1."""
    heights: list[float] = []
    for centre in centres:
        heights.append(min(centre, heights[-1] - least) if heights else centre)
    floor = 0.0
    for place in reversed(range(len(heights))):
        heights[place] = max(heights[place], floor)
        floor = heights[place] + least
    return heights
