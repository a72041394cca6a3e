"""Pictures of who the customers are: the concentration curve and the RFM map."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd
from matplotlib.colors import LinearSegmentedColormap

from crm_lib import language
from crm_lib.exhibit import Table
from crm_lib.figures.chart import Chart
from crm_lib.figures.style import BLUE, INK, ORANGE, QUIET, headline, new_axes, share_axis, short_money
from crm_lib.segments import RFM, SMALLEST_GROUP, Concentration

_BLUES = LinearSegmentedColormap.from_list("blues", ["#eef4f9", "#9cc4e0", "#2f7fb8", "#08456e"])


def concentration_chart(measured: Concentration, *, value: str, as_of: dt.date) -> Chart:
    """Draw the concentration curve with the interval at the share of customers looked at.

    Parameters
    ----------
    measured : Concentration
        Curve and top share.
    value : str
        What was added up: "margin" or "revenue".
    as_of : date
        Last day of the window.

    Returns
    -------
    Chart
        The curve against the line of equal customers.
    """
    curve, share, top = measured.curve, measured.share, measured.top_share
    axes = new_axes(4.4)
    axes.plot([0, 1], [0, 1], color=QUIET, linewidth=1, linestyle=(0, (4, 3)))
    axes.plot(curve["customers"], curve["value"], color=BLUE)
    highest = float(np.nanmax([1.0, curve["value"].max()]))
    axes.set(xlim=(0, 1), ylim=(0, highest * 1.04))
    axes.set_xlabel(language.text("Share of customers, the best first"))
    axes.set_ylabel(language.text("Share of the {value} they bring").format(value=language.text(value)))
    share_axis(axes, which="x")
    share_axis(axes, which="y")
    axes.annotate(
        language.text("if all customers\nbrought the same"), (0.62, 0.62), xytext=(12, -10), textcoords="offset points",
        color=QUIET, va="top",
    )  # fmt: skip
    places = {
        "share": language.share(share),
        "estimate": str(top),
        "rounded": language.share(top.value),
        "value": language.text(value),
        "gini": str(measured.gini),
    }
    if np.isfinite(top.value):
        low, high = max(top.low, 0.0), min(top.high, highest)
        axes.plot([share, share], [0, low], color=ORANGE, linewidth=1, linestyle=(0, (1, 2)))
        axes.plot([share, share], [low, high], color=ORANGE, linewidth=4, alpha=0.45, solid_capstyle="butt")
        axes.plot([share], [top.value], "o", color=ORANGE, markersize=7)
        axes.annotate(
            language.text("the best {share} bring\n{estimate}").format(**places), (share, top.value), xytext=(16, -6),
            textcoords="offset points", va="top", color=ORANGE, fontweight="bold", linespacing=1.35,
        )  # fmt: skip
    headline(axes, language.text("{share} of customers bring {rounded} of the {value}").format(**places))
    curve_words = language.text(
        "Curve of the share of {value} by share of customers, the best first. The best {share} bring {estimate}; "
        "the Gini coefficient is {gini}."
    ).format(**places)
    tenths = curve.iloc[np.unique(np.r_[:11, 15:101:5])]
    return Chart(
        name="concentration",
        title=language.text("Concentration of {value} over {n} customers, up to {day}").format(
            n=language.number(measured.customers, 0), day=language.date(as_of), **places
        ),
        axes=axes,
        alt=curve_words,
        table=Table(
            name="concentration",
            title="Share of value by share of customers",
            frame=tenths.reset_index(drop=True),
            kinds={"customers": "share", "value": "share"},
            labels={"customers": "Best customers", "value": "Share of value"},
            rows_shown=40,
        ),
    )


def rfm_map(
    rfm: RFM, value: pd.Series[float], *, currency: str, value_label: str, smallest_group: int = SMALLEST_GROUP
) -> Chart:
    """Draw how many customers have each recency and frequency score, and what one of them brings.

    Parameters
    ----------
    rfm : RFM
        Scores.
    value : Series
        Value of each customer (money).
    currency : str
        ISO code.
    value_label : str
        What the value is: "margin" or "revenue".
    smallest_group : int
        Cells with fewer customers show no value.

    Returns
    -------
    Chart
        A map: shade for the mean value of a customer, the number of customers written in.
    """
    cells = (
        rfm.frame.assign(value=value.reindex(rfm.frame.index))
        .groupby(["recency_score", "frequency_score"])
        .agg(customers=("value", "size"), mean_value=("value", "mean"))
    )
    # The mean of a handful says little, and may name a person.
    cells["mean_value"] = cells["mean_value"].where(cells["customers"] >= smallest_group)
    axes = new_axes(4.7)
    # Ranks give every shade its use; amounts would leave one dark cell among pale ones.
    ranks = cells["mean_value"].rank(pct=True)
    shade = np.full((rfm.levels, rfm.levels), np.nan)
    rows, columns = (cells.index.get_level_values(level).to_numpy() - 1 for level in (0, 1))
    shade[rows, columns] = ranks.fillna(0)
    edges = np.arange(rfm.levels + 1) - 0.5
    axes.pcolormesh(edges, edges, shade, cmap=_BLUES, vmin=0, vmax=1, edgecolor="white", linewidth=3)
    numbers, means = cells["customers"].to_numpy(), cells["mean_value"].to_numpy()
    for row, column, rank, number, mean in zip(rows, columns, ranks, numbers, means, strict=True):
        ink = "white" if rank > 0.6 else INK
        worth = language.text("few") if np.isnan(mean) else short_money(float(mean), currency)
        axes.text(column, row + 0.1, worth, ha="center", va="center", color=ink, fontsize=11.5, fontweight="bold")
        each = language.plural("{n} customer", "{n} customers", int(number))
        axes.text(column, row - 0.21, each, ha="center", va="center", color=ink, fontsize=8.5)
    for row, column in np.argwhere(np.isnan(shade)):
        axes.text(column, row, "–", ha="center", va="center", color=QUIET)
    scores = range(1, rfm.levels + 1)
    for side in ("left", "bottom"):
        axes.spines[side].set_visible(False)
    axes.grid(visible=False)
    axes.set_xticks(range(rfm.levels), [str(score) for score in scores])
    axes.set_yticks(range(rfm.levels), [str(score) for score in scores])
    axes.set_xlabel(language.text("Frequency score (more orders to the right)"))
    axes.set_ylabel(language.text("Recency score (bought more recently at the top)"))
    places = _corner(cells, currency, value_label)
    headline(axes, language.text("The most recent and frequent bring {best} of {value} each").format(**places))
    return Chart(
        name="rfm_map",
        title=language.text("Mean {value} of a customer by recency and frequency score").format(**places),
        axes=axes,
        alt=language.text(
            "Map of recency score by frequency score with the mean {value} of a customer. In the corner of the most "
            "recent and frequent, {n} customers bring {best} each; in half of all cells they bring less than {typical}."
        ).format(**places),
        table=Table(
            name="rfm_map",
            title="Customers and mean value by recency and frequency score",
            frame=cells,
            kinds={"customers": "count", "mean_value": "money"},
            labels={"mean_value": "Mean value of a customer"},
            currency=currency,
            rows_shown=25,
        ),
    )


def _corner(cells: pd.DataFrame, currency: str, value_label: str) -> dict[str, str]:
    """Return the words for the best corner of the map and for its middle cell."""
    shown = cells.dropna()
    best = (shown if len(shown) else cells).sort_index().iloc[-1]
    return {
        "value": language.text(value_label),
        "n": language.number(best["customers"], 0),
        "best": short_money(float(best["mean_value"]), currency),
        "typical": short_money(float(cells["mean_value"].median()), currency),
        "recency": language.number(cells.index.max()[0], 0),
        "frequency": language.number(cells.index.max()[1], 0),
    }
