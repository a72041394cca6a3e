"""Pictures of prospects: what was predicted against what came, and what a budget brings."""

from __future__ import annotations

import numpy as np
import pandas as pd

from crm_lib import language
from crm_lib.errors import TooLittleData
from crm_lib.exhibit import Table
from crm_lib.figures.chart import Chart
from crm_lib.figures.style import BLUE, ORANGE, QUIET, headline, money_axis, new_axes
from crm_lib.relationships import ProspectRanking, ProspectValidation, prospect_groups

_POINTS = 200
"""Steps of the curve that the table behind it keeps."""


_MISSES = {
    (False, False): "What prospects were expected to bring fits what came in {inside} of {all} groups",
    (True, False): "{less} of {all} groups of prospects brought less than expected, none more",
    (False, True): "{more} of {all} groups of prospects brought more than expected, none less",
    (True, True): "{less} of {all} groups of prospects brought less than expected, {more} more",
}
"""What the picture shows, by whether groups brought less or more than expected, their whole interval taken."""


def prospect_calibration_chart(validation: ProspectValidation, *, currency: str, groups: int = 10) -> Chart:
    """Draw what live prospects of earlier days were predicted to bring against what came of them.

    Parameters
    ----------
    validation : ProspectValidation
        Predictions of earlier days beside what came.
    currency : str
        ISO code.
    groups : int
        Number of groups of prospects, by prediction.

    Returns
    -------
    Chart
        A point with an interval for each group, against the line on which predictions are right.
    """
    frame = prospect_groups(validation, groups=groups)
    inside = int(((frame["low"] <= frame["predicted"]) & (frame["predicted"] <= frame["high"])).sum())
    less, more = int((frame["high"] < frame["predicted"]).sum()), int((frame["low"] > frame["predicted"]).sum())
    top = frame.iloc[-1]
    places = {
        "inside": language.number(inside, 0),
        "less": language.number(less, 0),
        "more": language.number(more, 0),
        "all": language.number(len(frame), 0),
        "cases": language.number(len(validation.prospects), 0),
        "predicted": language.money(top["predicted"], currency),
        "actual": language.money(top["actual"], currency),
        "value": language.text(validation.value_kind),
        "days": language.number(validation.horizon_days, 0),
        "soon": language.number(validation.conversion_days, 0),
    }
    axes = new_axes(4.4)
    shown = frame[["predicted", "actual", "low", "high"]].to_numpy()
    largest, least = float(np.nanmax(shown)), min(float(np.nanmin(shown)), 0.0)
    high = largest + 0.06 * (largest - least) if largest > least else least + 1.0
    axes.plot(
        [0, high], [0, high], color=QUIET, linewidth=1, linestyle=(0, (4, 3)), label=language.text("right on average")
    )
    axes.vlines(frame["predicted"], frame["low"], frame["high"], color=BLUE, linewidth=2.6, alpha=0.5)
    axes.scatter(
        frame["predicted"], frame["actual"], color=BLUE, s=34, zorder=3, label=language.text("group of prospects")
    )
    # Few things are predicted as high as single groups may turn out: the axes need not be equally long.
    axes.set(xlim=(0, float(frame["predicted"].max()) * 1.08), ylim=(least - 0.03 * (high - least), high))
    axes.set_xlabel(language.text("Expected {value} a prospect").format(**places))
    axes.set_ylabel(language.text("What came").format(**places))
    money_axis(axes, currency, which="x")
    money_axis(axes, currency)
    axes.legend(frameon=False, loc="upper left", labelcolor=QUIET, handlelength=2.6)
    headline(axes, language.text(_MISSES[bool(less), bool(more)]).format(**places))
    return Chart(
        name="prospect_calibration",
        title=language.text(
            "Expected {value} of {cases} live prospects on earlier days and what came: {value} in {days} days of those "
            "who bought within {soon} days, with 95% intervals of the mean"
        ).format(**places),
        axes=axes,
        alt=language.text(
            "Points for {all} groups of prospects, by expected {value}, against what came. The expectation lies within "
            "the interval of the actual mean in {inside} of them; {less} brought less than expected and {more} more. "
            "The group with the highest expectation was to bring "
            "{predicted} a prospect and brought {actual}."
        ).format(**places),
        table=Table(
            name="prospect_calibration",
            title="Expected value of prospects and what came, by group",
            frame=frame,
            kinds={"cases": "count", **dict.fromkeys(("predicted", "actual", "low", "high"), "money")},
            labels={"cases": "Prospects", "predicted": "Expected", "actual": "Came", "low": "From", "high": "To"},
            currency=currency,
            note="Means of a prospect, before the cost of winning; the first group has the lowest expectations.",
        ),
    )  # fmt: skip


def prospect_ranking_chart(ranking: ProspectRanking) -> Chart:
    """Draw what prospects are expected to bring, less cost, as more and more is spent down the list.

    Parameters
    ----------
    ranking : ProspectRanking
        The ranking.

    Returns
    -------
    Chart
        The curve with the chosen part marked, against prospects taken at random.

    Raises
    ------
    TooLittleData
        If no prospect can be addressed.
    """
    rows = ranking.frame[~ranking.frame["reason"].isin(["no contact", "no cost"])]
    if rows.empty:
        raise TooLittleData(language.text("no live prospect has a known cost and may be contacted"), table="prospects")
    spent = np.concatenate([[0.0], rows["cost"].cumsum().to_numpy()])
    brought = np.concatenate([[0.0], rows["expected"].cumsum().to_numpy()])
    chosen = ranking.promised.value
    best = int(brought.argmax())
    currency = ranking.currency
    places = {
        "count": language.plural("{n} prospect", "{n} prospects", len(ranking.chosen)),
        "all": language.number(len(rows), 0),
        "spent": language.money(ranking.spent, currency),
        "chosen": str(ranking.promised),
        "expected": str(ranking.expected),
        "most": language.money(float(brought[best]), currency, 0),
        "at": language.money(float(spent[best]), currency, 0),
        "value": language.text(ranking.model.value_kind),
    }
    axes = new_axes(4.2)
    axes.plot(spent, brought, color=BLUE)
    axes.plot([0, spent[-1]], [0, brought[-1]], color=QUIET, linewidth=1, linestyle=(0, (4, 3)))
    axes.axhline(0, color=QUIET, linewidth=0.8)
    if len(ranking.chosen):
        low, high = ranking.promised.low, ranking.promised.high
        axes.plot([ranking.spent] * 2, [0, low], color=ORANGE, linewidth=1, linestyle=(0, (1, 2)))
        axes.plot([ranking.spent] * 2, [low, high], color=ORANGE, linewidth=4, alpha=0.45, solid_capstyle="butt")
        axes.plot([ranking.spent], [chosen], "o", color=ORANGE, markersize=7)
        words = language.text("{count} chosen for {spent}:\n{chosen}").format(**places)
        if np.isfinite(ranking.expected.value):
            words += "\n" + language.text("as such choices turned out:\n{expected}").format(**places)
        # There is room below the curve, on the side where more of it lies, as far as the words reach.
        left = ranking.spent < 0.55 * spent[-1]
        reach = ranking.spent + (0.45 if left else -0.45) * spent[-1]
        room_above = 0.85 * min(chosen, float(np.interp(reach, spent, brought)))
        axes.annotate(
            words, (ranking.spent, room_above), xytext=(12 if left else -12, 0), textcoords="offset points",
            ha="left" if left else "right", va="top", color=ORANGE, fontweight="bold", linespacing=1.35,
        )  # fmt: skip
    middle = 0.86 * spent[-1]
    axes.annotate(
        language.text("taken at random"), (middle, brought[-1] * 0.86), xytext=(0, -8), textcoords="offset points",
        color=QUIET, va="top", ha="center",
    )  # fmt: skip
    bottom, top = (
        min(float(brought.min()), 0.0),
        max(float(brought.max()), ranking.promised.high if len(ranking.chosen) else 0.0),
    )
    room = 0.1 * max(top - bottom, 1.0)
    axes.set(xlim=(0, spent[-1] * 1.02 or 1.0), ylim=(bottom - room, top + room))
    axes.set_xlabel(language.text("Spent on winning prospects, the best for their cost first"))
    axes.set_ylabel(language.text("Expected {value} less cost").format(**places))
    money_axis(axes, currency, which="x")
    money_axis(axes, currency)
    if len(ranking.chosen):
        words = language.text("{count} for {spent} are expected to bring {chosen} above their cost").format(**places)
    elif ranking.frame["reason"].eq("budget").any():
        words = language.text("The budget does not reach for a single prospect")
    else:
        words = language.text("No prospect is expected to bring more than the cost of winning")
    headline(axes, words)
    steps = np.unique(np.linspace(0, len(spent) - 1, _POINTS).round().astype(int))
    table = Table(
        name="prospect_ranking",
        title="What is spent and expected down the list",
        frame=pd.DataFrame({"prospects": steps, "spent": spent[steps], "expected": brought[steps]}),
        kinds={"prospects": "count", "spent": "money", "expected": "money"},
        labels={"expected": "Expected, less cost"},
        currency=currency,
        note=language.text("The curve is highest, {most}, where {at} are spent.").format(**places),
    )
    return Chart(
        name="prospect_ranking",
        title=language.text("Expected {value} of {all} live prospects less the cost of winning, down the list").format(
            **places
        ),
        axes=axes,
        alt=language.text(
            "Curve of the expected {value} less cost against the money spent on winning prospects, the best for their "
            "cost first. It is highest, {most}, where {at} are spent. {count} chosen for {spent} are expected to bring "
            "{chosen} less cost."
        ).format(**places),
        table=table,
    )
