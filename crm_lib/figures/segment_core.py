"""Pictures of core customers: their share of orders, complaints and dissatisfaction, and how complaints are handled."""

from __future__ import annotations

import math
from typing import Any

from crm_lib import language
from crm_lib.errors import TooLittleData
from crm_lib.estimate import Estimate
from crm_lib.exhibit import Kind, Table
from crm_lib.figures.chart import Chart
from crm_lib.figures.style import BLUE, INK, ORANGE, QUIET, headline, new_axes, share_axis
from crm_lib.segments import CoreComparison

_LABELS = {
    "customers": "Customers",
    "orders": "Orders",
    "complaints": "Complaints",
    "complaining customers": "Complaining customers",
    "unsettled complaints": "Unsettled complaints",
    "answers": "Survey answers",
    "dissatisfied answers": "Dissatisfied answers",
}
_BASES = ("customers", "orders", "answers")
_MULTIPLES = {1.46: ("by_customer",), 1.8: ("by_order", "by_answer")}
"""Where the multiples stand, to the right of the bars."""
_OUTCOMES = {"settled": "Settled in time", "satisfied": "Satisfied in time", "days": "Days to the closing"}


def core_chart(found: CoreComparison) -> Chart:
    """Draw the core customers' share of customers, orders, complaints and dissatisfied answers.

    Parameters
    ----------
    found : CoreComparison
        Core customers and the others.

    Returns
    -------
    Chart
        Bars with intervals; beside them the core's rate as a multiple of the others'.
    """
    names = list(found.frame.index)[::-1]
    rows = [float(row) for row in range(len(names))]
    axes = new_axes(1.7 + 0.36 * len(names))
    shares: list[Estimate] = [found.frame.loc[name, "share"] for name in names]
    colours = [QUIET if name in _BASES else BLUE for name in names]
    axes.barh(rows, [0.0 if math.isnan(one.value) else one.value for one in shares], color=colours, height=0.6)
    for name, row, one in zip(names, rows, shares, strict=True):
        if not (one.is_exact or math.isnan(one.value)):
            axes.plot([one.low, one.high], [row, row], color="white", linewidth=4.6, solid_capstyle="butt")
            axes.plot([one.low, one.high], [row, row], color=INK, linewidth=2, solid_capstyle="butt")
        end = 0.0 if math.isnan(one.value) else max(one.value, one.high)
        axes.annotate(
            str(one), (end, row), xytext=(6, 0), textcoords="offset points", va="center", fontsize=8.2, color=INK
        )
        for place, columns in _MULTIPLES.items():
            words = " ".join(_times(found.frame.loc[name, column]) for column in columns).strip()
            axes.text(place, row, words, ha="center", va="center", fontsize=8.2, color=INK)
    for place, words in zip(_MULTIPLES, ("customer", "order or answer"), strict=True):
        axes.text(
            place, len(names) - 0.35, language.text("× the others,\nby {base}").format(base=language.text(words)),
            ha="center", va="bottom", fontsize=8, color=QUIET, linespacing=1.2,
        )  # fmt: skip
    expected = found.core / found.customers
    axes.plot(
        [expected, expected], [-0.6, len(names) - 0.5], color=ORANGE, linewidth=1, linestyle=(0, (4, 3)), zorder=0
    )
    axes.set_yticks(rows, [language.text(_LABELS[name]) for name in names], color=INK)
    axes.grid(axis="y", visible=False)
    axes.spines["left"].set_visible(False)
    axes.set_xlim(0, 1.97)
    axes.set_ylim(-0.6, len(names) + 0.35)
    axes.set_xticks([0, 0.25, 0.5, 0.75, 1])
    share_axis(axes, which="x")
    axes.set_xlabel(language.text("Share that falls to core customers (dashed: their share of customers)"), loc="left")
    places = {
        "share": language.share(expected),
        "core": language.number(found.core, 0),
        "orders": _rounded(found, "orders"),
        "complaints": _rounded(found, "complaints"),
        "answers": _rounded(found, "dissatisfied answers"),
        "points": language.number(found.dissatisfied_below),
        "days": language.number(found.days, 0),
    }
    title = "Core customers ({share}) place {orders} of orders and make {complaints} of complaints"
    if "complaints" not in found.frame.index or places["complaints"] == "–":
        title = "Core customers ({share}) place {orders} of orders"
    headline(axes, language.text(title).format(**places))
    listed = "; ".join(
        f"{language.text(_LABELS[str(name)]).lower()} {share}" for name, share in found.frame["share"].items()
    )
    return Chart(
        name="core_customers",
        title=language.text("Core customers' share of orders, complaints and dissatisfaction, last {days} days").format(
            **places
        ),
        axes=axes,
        alt=language.text("Bars of the share that falls to {core} core customers: {listed}.").format(
            listed=listed, **places
        ),
        table=core_table(found),
    )


def core_table(found: CoreComparison) -> Table:
    """Return the core customers' shares and multiples.

    Parameters
    ----------
    found : CoreComparison
        Core customers and the others.

    Returns
    -------
    Table
        One row per measure.
    """
    frame = found.frame.copy()
    frame.index = [language.text(_LABELS[str(name)]) for name in frame.index]
    used = ["by_customer", "by_order", "by_answer"]
    frame = frame.drop(columns=[name for name in used if frame[name].isna().all()])
    kinds: dict[str, Kind] = {"total": "number", "core": "number"}
    notes = [
        language.text(
            "Multiples are the core's rate divided by the others'; intervals take a customer with several complaints "
            "as one. Answers are on the own brand, weighted; dissatisfied is a satisfaction below {points}."
        ).format(points=language.number(found.dissatisfied_below))
    ]
    if found.elsewhere:
        words = (
            "{n} complaint of a customer without a purchase in the window is not counted.",
            "{n} complaints of customers without a purchase in the window are not counted.",
        )
        notes.append(language.plural(*words, found.elsewhere))
    return Table(
        name="core_customers",
        title="What falls to core customers",
        frame=frame.rename_axis("measure"),
        kinds=kinds,
        labels={
            name: label
            for name, label in {
                "total": "In all", "core": "Core customers", "share": "Share", "by_customer": "Times, by customer",
                "by_order": "Times, by order", "by_answer": "Times, by answer",
            }.items()
            if name in frame
        },
        note=" ".join(notes),
    )  # fmt: skip


def handling_table(found: CoreComparison) -> Table:
    """Return how complaints of core customers and of others were handled.

    Parameters
    ----------
    found : CoreComparison
        Core customers and the others.

    Returns
    -------
    Table
        One row per outcome, with the difference and its interval.

    Raises
    ------
    TooLittleData
        If it is not known when complaints were closed.
    """
    if found.handling is None:
        raise TooLittleData(language.text("it is not known when complaints were closed"), table="complaints")
    frame = found.handling.copy()
    for side in ("core", "others"):
        frame[side] = [
            language.number(value, 1) if name == "days" else language.share(value, 1)
            for name, value in frame[side].items()
        ]
    frame.index = [language.text(_OUTCOMES[str(name)]) for name in frame.index]
    return Table(
        name="core_handling",
        title="How complaints were handled",
        frame=frame.rename_axis("outcome"),
        kinds={"complaints": "count", "core": "text", "others": "text"},
        labels={"core": "Core customers", "others": "Others"},
        note=language.text(
            "Complaints opened at least {days} days before the last day, so that all were watched equally long. In "
            "time is within {days} days; a complaint still open then counts with {days} days to the closing."
        ).format(days=language.number(found.settle_days, 0)),
    )


def _times(multiple: object) -> str:
    return "" if not isinstance(multiple, Estimate) or math.isnan(multiple.value) else str(multiple)


def _rounded(found: CoreComparison, measure: str) -> str:
    shares: dict[Any, Estimate] = found.frame["share"].to_dict()
    return language.share(shares[measure].value) if measure in shares else "–"
