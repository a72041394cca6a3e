"""The grid of relationship levels with the segments placed on it, and the table behind it."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.axes import Axes

from crm_lib import language
from crm_lib.errors import TooLittleData
from crm_lib.exhibit import Kind, Table
from crm_lib.figures.chart import Chart
from crm_lib.figures.profit import shorten
from crm_lib.figures.style import BLUE, INK, QUIET, headline, new_axes, short_money
from crm_lib.segments import RELATIONSHIP_LEVELS, SMALLEST_GROUP, RelationshipLevels

_ROWS = ("few", "medium", "many")
"""From the top: closer relationships lie above and to the right."""
_COLUMNS = ("low", "medium", "high")
_SHADES = dict(
    zip(
        (one.name for one in RELATIONSHIP_LEVELS),
        ("#f4f6f8", "#e6eff6", "#d3e4f1", "#bcd7ea", "#a2c8e3"),
        strict=True,
    )
)
_HEAD, _ENTRY, _FOOT = 0.34, 0.47, 0.1
"""Inches: the cell's heading, a segment in it, and the space below."""
_LARGEST = 0.32
"""Inches across the bubble of the largest segment."""
_NAMED = 3
"""Segments named in the title."""
_LEFT = 0.26
"""Of a cell's width: where the words begin."""


def relationship_grid(found: RelationshipLevels, *, currency: str) -> Chart:
    """Draw Kotler's grid with the segments placed on it.

    Parameters
    ----------
    found : RelationshipLevels
        The segments' levels.
    currency : str
        ISO code.

    Returns
    -------
    Chart
        Nine cells; in each its level and its segments, a bubble for their customers, with number of customers and
        margin written beside. A hollow bubble marks a segment whose level the data leave open.

    Raises
    ------
    TooLittleData
        If no group is large enough to have a level.
    """
    placed = found.frame[found.frame["level"].notna()]
    if placed.empty:
        message = language.text("no group has the {fewest} customers that it needs to be placed")
        raise TooLittleData(message.format(fewest=SMALLEST_GROUP))
    cells = {
        (row, column): placed[(placed["size"] == row) & (placed["band"] == column)]
        for row in _ROWS
        for column in _COLUMNS
    }
    heights = [_HEAD + _FOOT + _ENTRY * max(1, *(len(cells[row, column]) for column in _COLUMNS)) for row in _ROWS]
    total = sum(heights)
    axes = new_axes(total + 1.35)
    most = float(placed["customers"].max())
    tops = total - np.concatenate([[0.0], np.cumsum(heights)])
    for row, top, bottom in zip(_ROWS, tops[:-1], tops[1:], strict=True):
        for place, column in enumerate(_COLUMNS):
            level = found.grid[row, column]  # type: ignore[index]  # the names of rows and columns are those of the grid
            axes.fill_between(
                [place + 0.012, place + 0.988], bottom + 0.02, top - 0.02, color=_SHADES[level], linewidth=0
            )
            axes.text(
                place + 0.05, top - 0.2, language.text(level), va="center", fontsize=9.5, fontweight="bold", color=QUIET
            )
            entries = list(cells[row, column].to_dict("index").items())
            for number, (name, entry) in enumerate(entries):
                _draw(axes, place, top - _HEAD - _ENTRY * (number + 0.5), str(name), entry, most, currency)
    axes.set_xlim(0, 3)
    axes.set_ylim(0, total)
    axes.grid(visible=False)
    for side in ("left", "bottom"):
        axes.spines[side].set_visible(False)
    low, high = (short_money(cut, currency) for cut in found.margin_cuts)
    few, many = (language.number(float(np.ceil(cut)), 0) for cut in found.size_cuts)
    names = [language.text(band) for band in _COLUMNS]
    ranges = [f"< {low}", f"{low} – {high}", f"≥ {high}"]
    axes.set_xticks([0.5, 1.5, 2.5], [f"{a}\n{b}" for a, b in zip(names, ranges, strict=True)], color=INK)
    names = [language.text(size) for size in _ROWS]
    ranges = [f"< {few}", f"{few} – {many}", f"≥ {many}"]
    axes.set_yticks(
        (tops[:-1] + tops[1:]) / 2, [f"{a}\n{b}" for a, b in zip(names, ranges, strict=True)], color=INK, rotation=90,
        va="center", ha="center",
    )  # fmt: skip
    axes.tick_params(axis="y", pad=18)
    axes.set_ylabel(language.text("Number of customers"))
    axes.set_xlabel(
        language.text(
            "Margin a customer and year, after the cost to serve"
            if found.serving_known
            else f"{found.value_kind.capitalize()} a customer and year"
        )
    )
    highest = [one.name for one in reversed(RELATIONSHIP_LEVELS) if (placed["level"] == one.name).any()]
    best = placed[placed["level"] == highest[0]]
    places = {
        "level": language.text(highest[0]),
        "n": language.number(len(placed), 0),
        "open": language.number(int((~found.settled[placed.index]).sum()), 0),
        "value": language.text(found.value_kind),
    }
    title = (
        "{groups} call for the closest level: {level}"
        if len(best) > 1
        else "The group {groups} calls for the closest level: {level}"
    )
    headline(
        axes,
        language.text(title).format(groups=_listed([language.text(str(name)) for name in best.index]), **places),
        language.text("circle: number of customers; hollow where the interval leaves the level open"),
    )
    listed = "; ".join(f"{language.text(str(name))}: {language.text(level)}" for name, level in placed["level"].items())
    return Chart(
        name="relationship_grid",
        title=language.text("Relationship levels by number of customers and {value} a customer").format(**places),
        axes=axes,
        alt=language.text(
            "Grid of number of customers (few, medium, many) by {value} a customer (low, medium, high) with {n} groups "
            "and the relationship level of each: {listed}. Levels left open: {open}."
        ).format(listed=listed, **places),
        table=relationship_table(found, currency=currency),
    )


def relationship_table(found: RelationshipLevels, *, currency: str) -> Table:
    """Return the segments' levels, what the levels cost, and whether the margin carries that.

    Parameters
    ----------
    found : RelationshipLevels
        The segments' levels.
    currency : str
        ISO code.

    Returns
    -------
    Table
        One row per segment.
    """
    frame = found.frame.copy()
    frame["possible"] = [" / ".join(language.text(level) for level in levels) or "–" for levels in frame["possible"]]
    for name in ("size", "band", "level", "carried"):
        frame[name] = [language.text(str(word)) if isinstance(word, str) else "–" for word in frame[name]]
    frame.index = [language.text(str(name)) for name in frame.index]
    frame = frame.drop(columns=[name for name in ("serving", "level_cost") if frame[name].isna().all()])
    if (frame["carried"] == "–").all():
        frame = frame.drop(columns="carried")
    frame = frame.drop(columns=["size", "band"])
    kinds: dict[str, Kind] = {
        "customers": "count", "customer_share": "share", "margin": "money", "low": "money", "high": "money",
        "serving": "money", "level_cost": "money", "level": "text", "possible": "text", "carried": "text",
    }  # fmt: skip
    labels = {
        "customer_share": "Share of customers", "margin": f"{found.value_kind.capitalize()} a customer and year",
        "low": "From", "high": "To", "serving": "Cost to serve", "possible": "Possible levels",
        "level_cost": "Cost of the level", "carried": f"Does the {found.value_kind} carry it?",
    }  # fmt: skip
    notes = [
        language.text(
            "The level follows from the number of customers and the {value} of each (Kotler's grid). Where the "
            "interval of the {value} crosses a threshold, several levels are possible."
        ).format(value=language.text(found.value_kind))
    ]
    if np.isfinite(found.contact_cost):
        each = ", ".join(
            f"{language.text(level)} {language.number(number)}" for level, number in found.contacts.items()
        )
        notes.append(
            language.text(
                "Contacts of the company's own accord a customer and year, {price}: {each}. That the margin carries a "
                "level does not show that the level pays; a trial with a control group would."
            ).format(
                price=language.text(found.each_cost).format(cost=language.money(found.contact_cost, currency, 2)),
                each=each,
            )
        )
    return Table(
        name="relationship_levels",
        title="Which relationship fits each segment",
        frame=frame.rename_axis("group"),
        kinds={name: kind for name, kind in kinds.items() if name in frame},
        labels={name: label for name, label in labels.items() if name in frame},
        currency=currency,
        note=" ".join(notes),
    )


def _listed(names: list[str]) -> str:
    """Return names as a sentence has them, the last of them counted where they are many."""
    shown = [shorten(name, 28) for name in names[:_NAMED]]
    if len(names) > _NAMED:
        shown.append(language.text("{n} more").format(n=language.number(len(names) - _NAMED, 0)))
    if len(shown) == 1:
        return shown[0]
    return language.text("{first} and {last}").format(first=", ".join(shown[:-1]), last=shown[-1])


def _draw(axes: Axes, place: int, height: float, name: str, entry: dict[Any, Any], most: float, currency: str) -> None:
    """Draw one segment in its cell: the bubble, and two or three lines of words."""
    size = (_LARGEST * 72) ** 2 * entry["customers"] / most
    settled = len(entry["possible"]) == 1
    axes.scatter(
        [place + 0.14], [height], s=max(size, 8.0), color=BLUE if settled else "white", edgecolor=BLUE, linewidth=1.3,
        zorder=3,
    )  # fmt: skip
    others = [language.text(level) for level in entry["possible"] if level != entry["level"]]
    words = f"{language.number(entry['customers'], 0)} · {short_money(float(entry['margin']), currency)}"
    if others:
        words += "\n" + language.text("or {levels}").format(levels=" / ".join(others))
    axes.text(
        place + _LEFT, height + (0.04 if not others else 0.08), shorten(language.text(name), 22), va="bottom",
        fontsize=8.4, color=INK, fontweight="bold",
    )  # fmt: skip
    axes.text(
        place + _LEFT, height + (0.0 if not others else 0.055), words, va="top", fontsize=8, color=INK, linespacing=1.2
    )
