"""Pictures of the life cycle of relationships: moves between stages, and one customer's stages."""

from __future__ import annotations

import matplotlib.dates as mdates
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap

from crm_lib import language
from crm_lib.exhibit import Table
from crm_lib.figures.chart import Chart
from crm_lib.figures.style import (
    BLUE,
    GREEN,
    INK,
    ORANGE,
    QUIET,
    SKY,
    YELLOW,
    headline,
    new_axes,
)
from crm_lib.relationships import STAGES, LifeCycle, StageTransitions

_BLUES = LinearSegmentedColormap.from_list("blues", ["#eef4f9", "#9cc4e0", "#2f7fb8", "#08456e"])
_COLOURS = {"exploration": SKY, "build-up": GREEN, "stable": BLUE, "decline": YELLOW, "gone": "#c9ced6"}
_WRITTEN = 0.0005
"""Smaller shares are left blank."""


def stage_transitions_chart(moved: StageTransitions) -> Chart:
    """Draw the shares of customers who moved from stage to stage.

    Parameters
    ----------
    moved : StageTransitions
        The moves.

    Returns
    -------
    Chart
        A map: a row for each stage at the beginning, a column for each at the end, shares written in.
    """
    matrix = moved.matrix
    axes = new_axes(4.2)
    edges = np.arange(len(STAGES) + 1) - 0.5
    shares = matrix.to_numpy()
    axes.pcolormesh(edges, edges, shares, cmap=_BLUES, vmin=0, vmax=1, edgecolor="white", linewidth=3)
    for row, column in np.ndindex(shares.shape):
        share = float(shares[row, column])
        if np.isnan(share):
            axes.text(column, row, "–", ha="center", va="center", color=QUIET)
        elif share >= _WRITTEN:
            written = language.share(share, 0 if share >= 0.1 else 1)
            ink, weight = ("white" if share > 0.55 else INK), ("bold" if row == column else "normal")
            axes.text(column, row, written, ha="center", va="center", color=ink, fontsize=11, fontweight=weight)
    names = [language.text(name) for name in STAGES]
    numbers = moved.frame.groupby("stage", sort=False)["customers"].sum().reindex(list(STAGES))
    at = [f"{name}\n({language.number(n, 0)})" for name, n in zip(names, numbers, strict=True)]
    axes.set_xticks(range(len(STAGES)), names)
    axes.set_yticks(range(len(STAGES)), at)
    axes.invert_yaxis()
    axes.xaxis.tick_top()
    axes.grid(visible=False)
    for side in axes.spines.values():
        side.set_visible(False)
    places = {
        "days": language.number(moved.days, 0),
        "n": language.number(moved.customers, 0),
        "level": language.share(moved.level),
        "loss": _interval(moved, "stable", ("decline", "gone")),
        "kept": _interval(moved, "stable", ("stable",)),
        "grown": _interval(moved, "build-up", ("stable",)),
    }
    headline(
        axes, language.text("In {days} days {loss} of the stable relations went into decline or ended").format(**places)
    )
    axes.set_xlabel(
        language.text("Rows: stage {days} days ago (expected customers). Columns: stage now.").format(**places)
    )
    table = moved.frame.reset_index()
    for name in ("stage", "to"):
        table[name] = [language.text(stage) for stage in table[name]]
    return Chart(
        name="stage_transitions",
        title=language.text("Moves of {n} customers between stages in {days} days").format(**places),
        axes=axes,
        alt=language.text(
            "Map of the stage {days} days ago by the stage now, shares of each row written in. Of the stable relations "
            "{kept} are stable still and {loss} declined or ended; of those being built up {grown} became stable."
        ).format(**places),
        table=Table(
            name="stage_transitions",
            title="Moves between stages",
            frame=table,
            kinds={"customers": "number", "share": "share", "low": "share", "high": "share"},
            labels={"stage": "From", "customers": "Customers (expected)", "low": "At least", "high": "At most"},
            note=language.text("Intervals of {level}; a dash where fewer than 10 customers are expected.").format(
                **places
            ),
            rows_shown=25,
        ),
    )


def stage_history_chart(cycle: LifeCycle, customer_id: str, *, customer: str = "") -> Chart:
    """Draw the probabilities of one customer's stages over time, each as known at its time.

    Parameters
    ----------
    cycle : LifeCycle
        Stages of the customers.
    customer_id : str
        The customer.
    customer : str
        What to call the customer.

    Returns
    -------
    Chart
        Stacked areas, with marks for purchases below.

    Raises
    ------
    ValueError
        If the customer is not known.
    """
    path = cycle.path(customer_id)
    now = path.iloc[-1]
    stage = str(path[list(STAGES)].iloc[-1].idxmax())
    axes = new_axes(3.5)
    ends = pd.DatetimeIndex(path.index)
    tenure = max(int(cycle.frame["tenure_days"].loc[customer_id]), 1)
    days = ends.insert(0, max(ends[0] - pd.Timedelta(days=cycle.period_days), ends[-1] - pd.Timedelta(days=tenure)))
    shares = np.vstack([path[list(STAGES)].iloc[0], path[list(STAGES)]])
    colours = [_COLOURS[name] for name in STAGES]
    axes.stackplot(days, shares.T, colors=colours, labels=[language.text(name) for name in STAGES], linewidth=0)
    bought = ends[path["purchases"].to_numpy() > 0] - pd.Timedelta(days=cycle.period_days / 2)
    axes.vlines(
        bought, -0.12, -0.04, color=ORANGE, linewidth=1.2 + path["purchases"][path["purchases"] > 0], clip_on=False
    )
    axes.set_ylim(-0.14, 1.0)
    axes.margins(x=0)
    fifths = np.linspace(0, 1, 6)
    axes.set_yticks([-0.08, *fifths], [language.text("purchases"), *(language.share(fifth) for fifth in fifths)])
    axes.get_yticklabels()[0].set_color(ORANGE)
    axes.grid(visible=False)
    axes.spines["bottom"].set_visible(False)
    _dates(axes)
    axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.1), ncols=5, frameon=False, handlelength=1.2)
    places = {
        "customer": customer or language.text("The customer"),
        "stage": language.text(stage),
        "chance": _chance(float(now[stage])),
        "n": language.number(float(path["purchases"].sum()) + 1, 0),
        "first": language.date(days[0].date()),
        "day": language.date(cycle.as_of),
    }
    headline(axes, language.text("{customer}: {stage}, with probability {chance}").format(**places))
    return Chart(
        name="stage_history",
        title=language.text("Probabilities of the stages of one relationship, {first} to {day}").format(**places),
        axes=axes,
        alt=language.text(
            "Areas stacked over time for the probabilities of the five stages, each as known at its time; marks show "
            "periods with purchases, {n} days of purchase in all. On {day} the most probable stage is {stage}, with "
            "{chance}."
        ).format(**places),
        table=Table(
            name="stage_history",
            title="Stages of one relationship",
            frame=path.rename(columns={name: language.text(name) for name in STAGES}),
            kinds={**{language.text(name): "share" for name in STAGES}, "ends_on": "date", "purchases": "count"},
            labels={"ends_on": "Period up to"},
            note="Probabilities at the end of each period, as known then. Purchases without the first.",
            rows_shown=40,
        ),
    )


def _chance(probability: float) -> str:
    """Write a probability; nothing that is estimated is certain."""
    if probability > 0.995:
        return language.text("over {limit}").format(limit=language.share(0.99))
    return language.share(probability)


def _interval(moved: StageTransitions, stage: str, to: tuple[str, ...]) -> str:
    rows = moved.frame.loc[[(stage, name) for name in to]]
    share = float(rows["share"].sum(skipna=False))
    return language.share(share) if np.isfinite(share) else "–"


def _dates(axes: Axes) -> None:
    locator = mdates.AutoDateLocator(minticks=3, maxticks=8)  # type: ignore[no-untyped-call]
    axes.xaxis.set_major_locator(locator)
    axes.xaxis.set_major_formatter(mdates.ConciseDateFormatter(locator, show_offset=False))  # type: ignore[no-untyped-call]
