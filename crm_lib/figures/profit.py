"""Pictures of where money is earned and lost: profit and returns by group."""

from __future__ import annotations

import numpy as np
import pandas as pd

from crm_lib import language
from crm_lib.exhibit import Table
from crm_lib.figures.chart import Chart
from crm_lib.figures.segment_tables import by_value, profit_cells
from crm_lib.figures.style import (
    BLUE,
    GRID,
    INK,
    ORANGE,
    QUIET,
    headline,
    money_axis,
    new_axes,
    number_axis,
    short_money,
)
from crm_lib.segments import ProfitTable, returns_by_group


def profit_chart(profit: ProfitTable, *, currency: str, most: int = 12) -> Chart:
    """Draw what the groups of one dimension bring, with margin rate and share of returns written beside.

    Parameters
    ----------
    profit : ProfitTable
        Cells of one dimension.
    currency : str
        ISO code.
    most : int
        Groups drawn, the largest; the table behind the chart has all.

    Returns
    -------
    Chart
        Horizontal bars, the largest on top; losses to the left.
    """
    value = "margin" if profit.has_margin else "revenue"
    ordered = by_value(profit.frame, value)
    shown = ordered.head(most).iloc[::-1]
    names = [shorten(str(name)) for name in shown.index.get_level_values(0)]
    axes = new_axes(1.2 + 0.3 * max(len(shown), 4))
    axes.barh(range(len(shown)), shown[value], color=np.where(shown[value] >= 0, BLUE, ORANGE).tolist(), height=0.66)
    axes.set_yticks(range(len(shown)), names, color=INK)
    axes.grid(axis="y", visible=False)
    axes.spines["left"].set_visible(False)
    axes.axvline(0, color=QUIET, linewidth=0.8)
    low, high = min(0.0, float(shown[value].min())), max(0.0, float(shown[value].max()))
    axes.set_xlim(low * 1.05, high * 1.6)
    ticks = [tick for tick in axes.get_xticks() if low * 1.05 <= tick <= high * 1.02]
    axes.set_xticks(ticks)
    money_axis(axes, currency, which="x")
    axes.set_xlabel(
        language.text("{value} in {days} days").format(value=language.text(value.capitalize()), days=profit.days)
    )
    for row, (_, cell) in enumerate(shown.iterrows()):
        axes.annotate(
            _beside(cell, value, currency), (max(float(cell[value]), 0.0), row), xytext=(6, 0),
            textcoords="offset points", va="center", fontsize=8.5, color=QUIET,
        )  # fmt: skip
    total = float(profit.totals[value])
    first = ordered.index.get_level_values(0)[0]
    share = float(ordered[value].iloc[0]) / total if total > 0 else float("nan")
    places = {
        "group": str(first),
        "share": language.share(share),
        "value": language.text(value),
        "dimension": profit.label,
        "n": language.number(len(ordered), 0),
    }
    headline(
        axes,
        language.text("{group} brings most: {share} of the {value}").format(
            **{**places, "group": shorten(str(first), 40)}
        ),
    )
    return Chart(
        name=f"profit_{profit.dimensions[0]}",
        title=language.text("{value} by {dimension}").format(
            value=language.text(value.capitalize()), dimension=profit.label
        ),
        axes=axes,
        alt=language.text(
            "Bars of {value} for {n} groups by {dimension}; the largest, {group}, brings {share} of the total."
        ).format(**places),
        table=profit_cells(profit, currency=currency, name=f"profit_{profit.dimensions[0]}"),
    )


def returns_chart(profit: ProfitTable, *, at_most: float = 1.5, most: int = 15) -> Chart:
    """Draw the share of returns of every group against the company's, with intervals that hold together.

    Parameters
    ----------
    profit : ProfitTable
        Cells of one dimension.
    at_most : float
        Multiple of the company's share up to which returns count as even.
    most : int
        Groups drawn, those with the most returns.

    Returns
    -------
    Chart
        A point and an interval per group.

    Raises
    ------
    TooLittleData
        If there are no returns, or no two groups to compare.
    """
    table = returns_by_group(profit)
    shown = table.head(most).iloc[::-1]
    rows = np.arange(len(shown))
    axes = new_axes(1.4 + 0.28 * max(len(shown), 4))
    above = shown["low"] > at_most
    colours = np.where(above, ORANGE, BLUE).tolist()
    axes.axvspan(0, at_most, color=GRID, alpha=0.45, linewidth=0)
    axes.axvline(1, color=QUIET, linewidth=1, linestyle=(0, (4, 3)))
    axes.hlines(rows, shown["low"], shown["high"], color=colours, linewidth=2.6, alpha=0.6)
    axes.scatter(shown["times"], rows, color=colours, s=34, zorder=3)
    axes.set_yticks(rows, [shorten(str(name)) for name in shown.index.get_level_values(0)], color=INK)
    axes.grid(axis="y", visible=False)
    axes.spines["left"].set_visible(False)
    axes.set_xlim(0, max(at_most * 1.35, float(min(shown["high"].max(), 2.2 * shown["times"].max())) * 1.08))
    axes.set_ylim(-0.6, len(shown) + 0.05)
    # Beside the grey where it is too narrow for the words.
    shift, side = (-5, "right") if at_most > 0.3 * axes.get_xlim()[1] else (5, "left")
    axes.annotate(
        language.text("counts as even"), (at_most, len(shown) - 0.42), xytext=(shift, 0), textcoords="offset points",
        ha=side, color=QUIET,
    )  # fmt: skip
    number_axis(axes, which="x")
    axes.set_xlabel(language.text("Share returned, as a multiple of the company's share"))
    usual = float(profit.totals["returns"]) / float(profit.totals["gross"])
    places = {
        "group": str(table.index.get_level_values(0)[0]),
        "times": language.number(table["times"].iloc[0]),
        "low": language.number(table["low"].iloc[0]),
        "high": language.number(table["high"].iloc[0]),
        "usual": language.share(usual, 1),
        "n": language.number(len(table), 0),
        "dimension": profit.label,
        "count": language.number(int((table["low"] > at_most).sum()), 0),
    }
    title = "{usual} of sales come back; no group is clearly out of the ordinary"
    if (table["low"] > at_most).any():
        title = "{usual} of sales come back; {count} of {n} groups clearly out of the ordinary"
    headline(axes, language.text(title).format(**places))
    return Chart(
        name=f"returns_{profit.dimensions[0]}",
        title=language.text("Returns by {dimension}, with intervals that all hold at once (95%)").format(**places),
        axes=axes,
        alt=language.text(
            "Share of returns of {n} groups by {dimension} as a multiple of the company's {usual}. The highest, "
            "{group}, has {times} times the usual share, between {low} and {high}; groups clearly above what counts as "
            "even: {count}."
        ).format(**places),
        table=Table(
            name=f"returns_{profit.dimensions[0]}",
            title="Returns as a multiple of the company's share",
            frame=table,
            kinds={"customers": "count", "returns_share": "share"},
            labels={"times": "Times the usual", "low": "From", "high": "To"},
            rows_shown=40,
        ),
    )


def shorten(name: str, most: int = 30) -> str:
    """Return a name that fits beside a bar.

    Parameters
    ----------
    name : str
        The name.
    most : int
        Longest length in letters.

    Returns
    -------
    str
        The name, cut with an ellipsis where it is longer.

    Examples
    --------
    >>> shorten("Postage, fees and adjustments", 12)
    'Postage, fe…'
    """
    return name if len(name) <= most else name[: most - 1].rstrip() + "…"


def _beside(cell: pd.Series[float], value: str, currency: str) -> str:
    parts = [short_money(float(cell[value]), currency)]
    if "margin_rate" in cell and np.isfinite(cell["margin_rate"]):
        parts.append(language.text("{rate} margin").format(rate=language.share(float(cell["margin_rate"]))))
    if np.isfinite(cell["returns_share"]) and cell["returns_share"] > 0:
        parts.append(language.text("{share} returned").format(share=language.share(float(cell["returns_share"]), 1)))
    return " · ".join(parts)
