"""Maps over frequency and silence: who is still a customer, and how much is still to be expected."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import BoundaryNorm, LinearSegmentedColormap
from matplotlib.patches import PathPatch
from matplotlib.path import Path

from crm_lib import language
from crm_lib.clv import PurchaseModel
from crm_lib.clv.names import model_label
from crm_lib.errors import TooLittleData
from crm_lib.exhibit import Table
from crm_lib.figures.chart import Chart
from crm_lib.figures.clv_grid import CELLS, Floats, Grid, make_grid, repeated
from crm_lib.figures.clv_words import chance, length, units
from crm_lib.figures.style import QUIET, headline, new_columns, number_axis, share_axis, style

_SHADES = LinearSegmentedColormap.from_list("blues", ["#eef4f9", "#9cc4e0", "#2f7fb8", "#08456e"])
_FULL, _SMALL = 0.95, 0.34
"""Sides of a cell with customers and of one without."""
_CORNERS = np.array([[-1.0, -1.0], [1.0, -1.0], [1.0, 1.0], [-1.0, 1.0], [-1.0, -1.0]])


def frequency_recency_map(
    model: PurchaseModel, summary: pd.DataFrame, *, horizon: float, age: float | None = None
) -> Chart:
    """Draw how likely customers are still there, and what they will buy, by frequency and time since the last purchase.

    Parameters
    ----------
    model : PurchaseModel
        The fitted model.
    summary : DataFrame (N rows)
        Purchase histories of the customers; they tell the range of the axes and which cells are empty.
    horizon : float
        Time over which purchases are expected, in the model's unit.
    age : float, optional
        Time since the first purchase for which the maps hold, in the model's unit; by default the longest there is.

    Returns
    -------
    Chart
        Two maps over the same axes; cells in which no customer lies are small.

    Raises
    ------
    TooLittleData
        If nobody has bought again.
    """
    if not (summary["frequency"] > 0).any():
        raise TooLittleData("nobody has bought a second time: there is no map of frequency and recency")
    grid = make_grid(model, summary, age)
    cells = _cells(model, summary, grid, horizon)
    axes = new_columns(4.4)
    tenths = np.linspace(0, 1, 11)
    _legend(axes[0], _draw(axes[0], grid, cells, "alive", tenths), tenths, share_axis)
    steps = _steps(float(np.nanmax(cells["expected"])))
    _legend(axes[1], _draw(axes[1], grid, cells, "expected", steps), steps, number_axis)
    axes[0].set_ylabel(language.text("Time since the last purchase ({units})").format(units=units(model.unit)))
    axes[0].set_title(language.text("Probability of being still a customer"), loc="left", fontsize=9.5, color=QUIET)
    axes[1].set_title(
        language.text("Expected purchases in {length}").format(length=length(horizon, model.unit)),
        loc="left", fontsize=9.5, color=QUIET,
    )  # fmt: skip
    places = _places(model, summary, grid, horizon)
    title = "{silence} of silence after {purchases}: {gone} are still customers"
    if not model.leaves:
        title = "{model} lets nobody leave: only the number of purchases counts"
    headline(axes[0], language.text(title).format(**places))
    return Chart(
        name="frequency_recency_map",
        title=language.text(
            "{model}: probability of being still a customer, and expected purchases, of a customer who first bought "
            "{age} ago. Small squares: no customer lies there"
        ).format(**places),
        axes=axes[0],
        alt=language.text(
            "Two maps by number of repeat purchases and time since the last one. A customer with {purchases} who has "
            "just bought is still there with a probability of {fresh}, after {silence} of silence with {gone}; "
            "expected in {horizon} are then {fresh_expected} and {gone_expected} purchases. {empty} of the cells hold "
            "no customer."
        ).format(**places, empty=language.share(float((cells["customers"] == 0).mean()))),
        table=_table(cells, model, grid, int((repeated(summary) > grid.frequency_edges[-1]).sum())),
    )


def _cells(model: PurchaseModel, summary: pd.DataFrame, grid: Grid, horizon: float) -> pd.DataFrame:
    histories = _with_covariates(model, grid.histories(), summary)
    possible = (histories["frequency"] == 0) | (histories["recency"] > 0)
    if model.discrete:
        possible &= histories["frequency"] <= histories["recency"]
    cells = histories.assign(alive=np.nan, expected=np.nan, customers=grid.customers(summary).ravel())
    cells.loc[possible, "alive"] = model.probability_alive(histories[possible])
    cells.loc[possible, "expected"] = model.expected_purchases(histories[possible], horizon)
    return cells


def _with_covariates(model: PurchaseModel, histories: pd.DataFrame, summary: pd.DataFrame) -> pd.DataFrame:
    """Return histories with the customers' mean of each covariate that the model reads."""
    weights = summary.get("customers")
    means = {name: float(np.average(summary[name], weights=weights)) for name in model.covariate_names}
    return histories.assign(**means)


def _draw(axes: Axes, grid: Grid, cells: pd.DataFrame, column: str, steps: Floats) -> ScalarMappable:
    values = cells[column].to_numpy()
    rows, columns = (place.ravel() for place in np.indices((len(grid.silences), len(grid.frequencies))))
    half = np.where(cells["customers"].to_numpy() > 0, _FULL, _SMALL) / 2
    mappable = ScalarMappable(norm=BoundaryNorm(steps, _SHADES.N), cmap=_SHADES)
    levels = np.clip(np.searchsorted(steps, values, side="right") - 1, 0, len(steps) - 2)
    # One path for all cells of a shade: a path for each cell would make the page heavy.
    for level in np.unique(levels[np.isfinite(values)]):
        inside = np.flatnonzero((levels == level) & np.isfinite(values))
        middle = np.column_stack([columns[inside], rows[inside]])
        corners = middle[:, None] + half[inside, None, None] * _CORNERS
        codes = np.tile([Path.MOVETO, Path.LINETO, Path.LINETO, Path.LINETO, Path.CLOSEPOLY], len(inside))
        path = Path(corners.reshape(-1, 2), codes)
        shade = mappable.to_rgba((steps[level] + steps[level + 1]) / 2)
        axes.add_patch(PathPatch(path, facecolor=shade, linewidth=0))
    axes.set(xlim=(-0.5, len(grid.frequencies) - 0.5), ylim=(len(grid.silences) - 0.5, -0.5))
    axes.grid(visible=False)
    for side in ("left", "bottom"):
        axes.spines[side].set_visible(False)
    shown = range(0, len(grid.frequencies), 1 if len(grid.frequencies) <= 8 else 2)
    axes.set_xticks(list(shown), [_group(grid, place) for place in shown])
    axes.set_xlabel(language.text("Repeat purchases"))
    # Steps of time have their names in the middle of the rows, lengths of time at their edges.
    whole = float(grid.silence_edges[0]) < 0
    marks = grid.silences if whole else grid.silence_edges
    places = np.arange(len(marks)) - (0.0 if whole else 0.5)
    digits = 0 if whole or grid.age >= CELLS else 1
    axes.set_yticks(places, [language.number(mark, digits) for mark in marks])
    return mappable


def _steps(largest: float) -> Floats:
    """Return limits of shades 0 … 0.1, 0.2, 0.5, 1 …, the last of which is not below the largest number."""
    power = np.floor(np.log10(max(largest, 1e-9)))
    series = np.array([digit * 10.0**exponent for exponent in (power - 2, power - 1, power) for digit in (1, 2, 5)])
    series = np.append(series, 10.0 ** (power + 1))
    last = int(np.searchsorted(series, largest * (1 - 1e-12)))
    return np.append(0.0, series[max(last - 6, 0) : last + 1])


def _legend(axes: Axes, mappable: ScalarMappable, steps: Floats, write: Callable[..., None]) -> None:
    figure = axes.get_figure(root=True)
    if figure is None:
        return
    with style():
        bar = figure.colorbar(mappable, ax=axes, location="bottom", aspect=26, pad=0.03, shrink=0.92)
    bar.outline.set_visible(False)
    bar.minorticks_off()
    bar.set_ticks(steps[:: 2 if len(steps) > 9 else 1].tolist())
    write(bar.ax, which="x")


def _group(grid: Grid, place: int) -> str:
    low, high = grid.frequency_edges[place] + 0.5, grid.frequency_edges[place + 1] - 0.5
    written = language.number(low, 0)
    return written if low == high else f"{written}–{language.number(high, 0)}"


def _places(model: PurchaseModel, summary: pd.DataFrame, grid: Grid, horizon: float) -> dict[str, str]:
    """Return the words for a usual repeat buyer who has just bought, and who has been silent for half of the time."""
    repeats = repeated(summary)
    often = int(np.median(repeats[repeats > 0]))
    silence = float(round(grid.age / 2)) if grid.age >= 2 else grid.age / 2
    histories = pd.DataFrame(
        {"frequency": [often, often], "recency": [grid.age, max(grid.age - silence, often if model.discrete else 0)]}
    )
    histories = _with_covariates(model, histories.assign(age=grid.age), summary)
    fresh, gone = model.probability_alive(histories)
    fresh_expected, gone_expected = model.expected_purchases(histories, horizon)
    return {
        "model": model_label(model),
        "purchases": language.plural("{n} repeat purchase", "{n} repeat purchases", often),
        "silence": length(histories["age"].iloc[1] - histories["recency"].iloc[1], model.unit),
        "age": length(grid.age, model.unit),
        "horizon": length(horizon, model.unit),
        "fresh": chance(fresh),
        "gone": chance(gone),
        "fresh_expected": language.number(fresh_expected),
        "gone_expected": language.number(gone_expected),
    }


def _table(cells: pd.DataFrame, model: PurchaseModel, grid: Grid, beyond: int) -> Table:
    shown = cells.dropna(subset=["alive"])
    silence = shown["age"] - shown["recency"]
    note = language.text(
        "The middle of each cell, for a customer who first bought {age} ago; one without a repeat purchase first "
        "bought when the silence began. Customers are counted by frequency and silence, whatever their age."
    ).format(age=length(grid.age, model.unit))
    if beyond:
        note += " " + language.plural(
            "{n} customer with more repeat purchases is left out.",
            "{n} customers with more repeat purchases are left out.",
            beyond,
        )
    frame = shown.assign(silence=silence)[["frequency", "silence", "customers", "alive", "expected"]]
    return Table(
        name="frequency_recency_map",
        title="Probability of being still a customer and expected purchases by frequency and recency",
        frame=frame.sort_values(["frequency", "silence"]).reset_index(drop=True),
        kinds={"frequency": "count", "customers": "count", "alive": "share", "expected": "number"},
        labels={
            "frequency": "Repeat purchases",
            "silence": language.text("Time since the last purchase ({units})").format(units=units(model.unit)),
            "alive": "Still a customer",
            "expected": "Expected purchases",
        },
        note=note,
        rows_shown=40,
    )
