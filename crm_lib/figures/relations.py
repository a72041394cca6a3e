"""Pictures of the relations customers keep: how certain their kind is, the valuable kinds, and value against risk."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.ticker import FixedLocator, NullLocator

from crm_lib import language
from crm_lib.exhibit import Table
from crm_lib.figures.chart import Chart
from crm_lib.figures.relation_tables import relational_kinds_table, switching_table
from crm_lib.figures.style import (
    BLUE,
    INK,
    ORANGE,
    QUIET,
    headline,
    money_axis,
    new_axes,
    new_columns,
    number_axis,
    share_axis,
    short_money,
)
from crm_lib.relationships import RelationalKinds, Switching

_GREYS = LinearSegmentedColormap.from_list("greys", ["#f1f4f7", "#b9c7d4", "#5d7f9c"])
_BINS = 20
_ROOM = 0.08
"""Height above the axis that a label needs, as a share of it."""
_LEAST = 1.0
"""Smaller values than this are drawn at the left end of the axis of money."""


def membership_chart(membership: pd.Series[float], *, certain: float = 0.9) -> Chart:
    """Draw how many customers have which probability of being relational.

    Parameters
    ----------
    membership : Series (N,)
        Probabilities.
    certain : float
        Probability of one of the kinds from which a customer counts as clear.

    Returns
    -------
    Chart
        Bars of the number of customers.
    """
    chance = membership.dropna().to_numpy(dtype=float)
    counts, edges = np.histogram(chance, bins=np.linspace(0, 1, _BINS + 1))
    middle = (edges[:-1] + edges[1:]) / 2
    axes = new_axes(3.6)
    axes.bar(middle, counts, width=0.9 / _BINS, color=np.where(middle < 0.5, ORANGE, BLUE).tolist())
    axes.set_xlim(0, 1)
    axes.margins(y=0.14)
    share_axis(axes, which="x")
    number_axis(axes)
    axes.grid(visible=False, axis="x")
    axes.set_xlabel(language.text("Probability of being relational"))
    axes.set_ylabel(language.text("Customers"))
    for place, side, words, colour in ((0.01, "left", "transactional", ORANGE), (0.99, "right", "relational", BLUE)):
        axes.text(
            place, 0.98, language.text(words), transform=axes.transAxes, ha=side, va="top", color=colour,
            fontweight="bold",
        )  # fmt: skip
    clear = float(np.mean(np.maximum(chance, 1 - chance) >= certain))
    places = {
        "n": language.number(chance.size, 0),
        "clear": language.share(clear),
        "open": language.share(1 - clear),
        "certain": language.share(certain),
        "mean": language.share(float(chance.mean())),
    }
    headline(
        axes, language.text("For {clear} of the customers the kind is clear, for {open} it is open").format(**places)
    )
    return Chart(
        name="membership",
        title=language.text("Probability of being relational, over {n} customers").format(**places),
        axes=axes,
        alt=language.text(
            "Bars of the number of customers by their probability of being relational, {mean} on average. For {clear} "
            "one of the two kinds has a probability of at least {certain}."
        ).format(**places),
        table=Table(
            name="membership",
            title="Customers by their probability of being relational",
            frame=pd.DataFrame({"from": edges[:-1], "to": edges[1:], "customers": counts}),
            kinds={"from": "share", "to": "share", "customers": "count"},
        ),
    )


def relational_kinds_chart(kinds: RelationalKinds, *, currency: str, value_label: str, seed: int = 0) -> Chart:
    """Draw what a customer of each relational kind brings, and how recent purchases compare with the past.

    Parameters
    ----------
    kinds : RelationalKinds
        Kinds of the relational customers.
    currency : str
        ISO code.
    value_label : str
        What the value is: "margin" or "revenue".
    seed : int
        Seed of the random numbers behind the intervals.

    Returns
    -------
    Chart
        Two columns of points with intervals, a row for each kind.
    """
    table = kinds.table(currency=currency, seed=seed)
    left, right = new_columns(3.5)
    rows = np.arange(len(table))[::-1]
    for axes, column, colour in ((left, "mean_value", BLUE), (right, "change", ORANGE)):
        for row, estimate in zip(rows, table[column], strict=True):
            if estimate is None:
                words = language.text("too few to tell")
                axes.text(0.02, row, words, color=QUIET, va="center", transform=axes.get_yaxis_transform())
                continue
            low, high = max(estimate.low, 0.0), min(estimate.high, estimate.value * 10 + 1)
            axes.plot([low, high], [row, row], color=colour, linewidth=4, alpha=0.45, solid_capstyle="butt")
            axes.plot([estimate.value], [row], "o", color=colour, markersize=7)
        axes.set_xlim(left=0)
        axes.set_ylim(-0.6, len(table) - 0.4)
        axes.grid(visible=False, axis="y")
    names = [
        language.text("{kind}\n({n})").format(kind=language.text(str(name)), n=language.number(count, 0))
        for name, count in table["customers"].items()
    ]
    left.set_yticks(rows, names)
    left.tick_params(axis="y", labelcolor=INK)
    places = {"value": language.text(value_label).capitalize()}
    left.set_xlabel(language.text("{value} of a customer").format(**places))
    right.set_xlabel(language.text("Recent purchases over those expected"))
    right.axvline(1.0, color=QUIET, linewidth=1, linestyle=(0, (4, 3)))
    money_axis(left, currency, which="x")
    number_axis(right, which="x")
    sizes, shares = table["customers"], table["value_share"]
    best, losing = sizes.index[0], "losing value"
    places |= {
        "n": language.number(sizes.sum(), 0),
        "best": language.number(sizes[best], 0),
        "share": language.share(float(shares[best])),
        "losing": language.number(sizes[losing], 0),
        "losing_share": language.share(float(shares[losing])),
        "value": language.text(value_label),
    }
    title = "{best} of {n} relational customers bring {share} of what relational customers bring; {losing} lose value"
    if np.isnan(shares[best]):
        title = "{best} of {n} relational customers are most profitable; {losing} lose value"
    headline(left, language.text(title).format(**places))
    return Chart(
        name="relational_kinds",
        title=language.text("The kinds of {n} relational customers, with 95% intervals of the means").format(**places),
        axes=left,
        alt=language.text(
            "Points with intervals for each kind of relational customers: {value} of a customer, and purchases lately "
            "over those that the customer's own past lets expect. {best} are most profitable and bring {share} of the "
            "{value} of relational customers; {losing} are losing value and still brought {losing_share}."
        ).format(**places),
        table=relational_kinds_table(kinds, currency=currency, value_label=value_label, seed=seed),
    )


def switching_chart(switching: Switching, *, currency: str, value_label: str) -> Chart:
    """Draw customers by value and risk, with the borders of the classes.

    Parameters
    ----------
    switching : Switching
        Classes of the customers.
    currency : str
        ISO code.
    value_label : str
        What the value is: "margin" or "revenue".

    Returns
    -------
    Chart
        A map: shade for the number of customers, the classes written in.
    """
    frame = switching.frame
    value = frame["value"].clip(lower=_LEAST).to_numpy(dtype=float)
    top = float(max(value.max() * 1.05, switching.value_from * 4, 10 * _LEAST))
    edges = np.geomspace(_LEAST, top, 31)
    counts, _, _ = np.histogram2d(value, frame["risk"], bins=[edges, np.linspace(0, 1, _BINS + 1)])
    axes = new_axes(4.8)
    shade = np.where(counts.T > 0, np.log1p(counts.T), np.nan)
    axes.pcolormesh(edges, np.linspace(0, 1, _BINS + 1), shade, cmap=_GREYS, edgecolor="white", linewidth=0.4)
    axes.set(xscale="log", xlim=(_LEAST, top), ylim=(0, 1))
    axes.xaxis.set_major_locator(FixedLocator([10.0**power for power in range(int(np.log10(top)) + 1)]))
    axes.xaxis.set_minor_locator(NullLocator())
    money_axis(axes, currency, which="x")
    share_axis(axes)
    axes.grid(visible=False)
    border = max(switching.value_from, _LEAST)
    axes.plot([border, border], [0, 1], color=INK, linewidth=1.4)
    along = np.geomspace(border, top, 200)
    needed = np.maximum(switching.risk_from, np.minimum(switching.value_from / along, switching.gone_from))
    axes.plot(along, needed, color=INK, linewidth=1.4)
    if switching.gone_from < 1:
        axes.plot([border, top], [switching.gone_from] * 2, color=INK, linewidth=1.4)
    table = switching.table()
    _label(axes, table, switching, border, top, currency)
    axes.set_xlabel(
        language.text("{value} of a customer (logarithmic)").format(value=language.text(value_label).capitalize())
    )
    axes.set_ylabel(language.text("Risk of buying nothing in the days to come"))
    looking = table.loc["valuable and looking around"].to_dict()
    places = {
        "n": language.number(len(frame), 0),
        "looking": language.number(looking["customers"], 0),
        "likely": language.text(switching.looking_means),
        "share": language.share(float(looking["value_share"])),
        "amount": short_money(float(looking["value"]), currency),
        "at_risk": short_money(float(looking["at_risk"]), currency),
        "value": language.text(value_label),
        "from": language.money(switching.value_from, currency),
        "risk": language.share(switching.risk_from),
    }
    title = "{looking} valuable customers are {likely} ({amount} of {value} in the window)"
    if np.isnan(looking["value"]):
        title = "{looking} valuable customers are {likely}"
    headline(axes, language.text(title).format(**places))
    return Chart(
        name="switching",
        title=language.text("{n} customers by {value} and risk of falling silent").format(**places),
        axes=axes,
        alt=language.text(
            "Map of customers by {value} (logarithmic) and risk. From {from} on a contact can pay; from a risk of "
            "{risk} on a valuable customer counts as looking around, that is {likely}. These are {looking} customers "
            "with {share} of the {value}; times their risk it is {at_risk}, an upper bound, as many come back."
        ).format(**places),
        table=switching_table(switching, currency=currency, value_label=value_label),
    )


def _label(axes: Axes, table: pd.DataFrame, switching: Switching, border: float, top: float, currency: str) -> None:
    """Write name, size and value of each class into its region."""
    middle = float(np.sqrt(border * top))
    gone = min(switching.gone_from, 1.0)
    places = {
        "little value": (float(np.sqrt(_LEAST * border)), 0.5),
        "valuable and secure": (middle, max(min(switching.risk_from, 0.9) / 2, _ROOM)),
        "valuable and looking around": (middle, (max(switching.risk_from, 0.1) + gone) / 2),
    }
    for name, (x, y) in places.items():
        row = table.loc[name].to_dict()
        template = "{name}\n{likely}: {n}" if name == "valuable and looking around" else "{name}\n{n}"
        words = language.text(template).format(
            name=language.text(name),
            likely=language.text(switching.looking_means),
            n=language.plural("{n} customer", "{n} customers", int(row["customers"])),
        )
        if not np.isnan(row["value"]):
            words += ", " + short_money(float(row["value"]), currency)
        axes.text(
            x, y, words, ha="center", va="center", fontsize=9.5, fontweight="bold", color=INK, linespacing=1.35,
            bbox={"boxstyle": "round,pad=0.35", "facecolor": "white", "edgecolor": "none", "alpha": 0.85},
        )  # fmt: skip
    count = int(table["customers"]["valuable, probably gone"])
    if count:
        words = language.plural("{n} probably gone", "{n} probably gone", count)
        axes.annotate(
            words, (top, gone), xytext=(-4, 3), textcoords="offset points", ha="right", va="bottom", fontsize=8.5,
            color=INK,
        )  # fmt: skip
