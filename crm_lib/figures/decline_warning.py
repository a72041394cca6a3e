"""The warning of decline: what it detects at which rate of false alarms, beside the rules of thumb."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd

from crm_lib import language
from crm_lib.exhibit import Table
from crm_lib.figures.chart import Chart
from crm_lib.figures.style import BLUE, GREEN, ORANGE, headline, new_axes, share_axis
from crm_lib.relationships import DeclineWarning

_RULES = {
    "life cycle": (BLUE, "life-cycle warning"),
    "silence": (ORANGE, "days of silence"),
    "pace": (GREEN, "the customer's own pace"),
}
_SIMULATED = "Customers simulated from the fitted model, which makes the warning too"


def warning_chart(warning: DeclineWarning) -> Chart:
    """Draw how much decline the warning and the rules of thumb detect, against their false alarms.

    Parameters
    ----------
    warning : DeclineWarning
        The warning.

    Returns
    -------
    Chart
        A curve for each rule; points for the settings in use.
    """
    axes = new_axes(4.2)
    labels = {}
    for rule, part in warning.curve.groupby("rule", sort=False):
        colour, words = _RULES[str(rule)]
        drawn = part[part["false_alarm"] > 0].drop_duplicates("false_alarm")
        axes.plot(drawn["false_alarm"], drawn["detected"], color=colour)
        labels[str(rule)] = language.text(words)
    axes.set(xlim=(0, 0.6), ylim=(0, 1.02))
    share_axis(axes, which="x")
    share_axis(axes, which="y")
    axes.set_xlabel(language.text("False alarms: customers not in decline warned of in a quarter"))
    axes.set_ylabel(language.text("Declines and departures warned of\nwithin a quarter"))
    found = warning.detection.to_dict(orient="index")
    own, silence = found["life cycle", "warning"], found["silence", "same false alarms"]
    usual, pace = found["silence", "usual"], found["pace", "usual"]
    for row, rule, words, offset, side in (
        (own, "life cycle", "the warning", (10, -4), "left"),
        (usual, "silence", "silent for 90 days", (10, -14), "left"),
        (pace, "pace", "below half of its own pace", (0, -20), "center"),
    ):
        x, y = row["false_alarms"].value, row["detected"].value
        if 0 < x <= 0.6:
            axes.plot([x], [y], "o", color=_RULES[rule][0], markersize=7, zorder=3)
            axes.annotate(
                language.text(words), (x, y), xytext=offset, textcoords="offset points", ha=side, va="center",
                color=_RULES[rule][0], fontweight="bold", bbox={"facecolor": "white", "alpha": 0.8, "lw": 0, "pad": 1},
            )  # fmt: skip
    axes.legend(
        axes.get_lines()[: len(labels)], list(labels.values()), frameon=False, loc="lower right", title=None
    )  # fmt: skip
    places = {
        "rate": language.share(warning.false_alarm),
        "detected": language.share(own["detected"].value),
        "estimate": str(own["detected"]),
        "silence": language.share(silence["detected"].value),
        "silence_estimate": str(silence["detected"]),
        "day": language.date(warning.as_of),
    }
    headline(
        axes,
        language.text(
            "In customers simulated by the model, the warning set to {rate} false alarms\n"
            "finds {detected} of declines and departures, silence {silence}"
        ).format(**places),
    )
    return Chart(
        name="decline_warning",
        title=language.text("Declines detected within a quarter, by rate of false alarms").format(**places),
        axes=axes,
        alt=language.text(
            "Curves of the share of declines and departures warned of within a quarter against the rate of false "
            "alarms, for the life-cycle warning and two rules of thumb, in customers simulated by the fitted model. At "
            "{rate} false alarms the warning detects {estimate}, days of silence {silence_estimate}."
        ).format(**places),
        table=warning_rates_table(warning),
        source=_SIMULATED,
    )


def warning_rates_table(warning: DeclineWarning) -> Table:
    """Return the rates of false alarms and of detection of the warning and of the usual rules.

    Parameters
    ----------
    warning : DeclineWarning
        The warning.

    Returns
    -------
    Table
        One row a rule and setting.
    """
    return replace(
        rates_table(warning.detection, name="decline_warning", title="How good the warning is"), source=_SIMULATED
    )


_PROVEN = "Warnings held against the truth of the simulated company"


def rates_table(detection: pd.DataFrame, *, name: str = "warning_rates", title: str = _PROVEN) -> Table:
    """Return rates of false alarms and of detection as a table.

    Parameters
    ----------
    detection : DataFrame
        As in :class:`DeclineWarning`, or as :func:`crm_lib.segments.warning_against_truth` returns it.
    name : str
        Short name, unique in the notebook.
    title : str
        What the table shows.

    Returns
    -------
    Table
        One row a rule and setting.
    """
    rows = [
        {
            "setting": language.text(_SETTINGS[str(pair[0]), str(pair[1])]),
            "false_alarms": row["false_alarms"],
            "detected": row["detected"],
            "median_days": _delay(row["median_days"]),
        }
        for pair, row in zip(detection.index, detection.to_dict(orient="records"), strict=True)
    ]
    return Table(
        name=name,
        title=title,
        frame=pd.DataFrame(rows),
        kinds={"setting": "text", "median_days": "text"},
        labels={
            "setting": "Rule",
            "false_alarms": "False alarms a quarter",
            "detected": "Detected within a quarter",
            "median_days": "Median days to the warning",
        },
        note="Of customers with enough purchases. False alarms: of those not in decline; detected: of the declines "
        "and departures that began.",
    )


_SETTINGS = {
    ("life cycle", "warning"): "Life-cycle warning, as set",
    ("silence", "same false alarms"): "Silence, so long that false alarms are as rare",
    ("silence", "usual"): "Silent for 90 days",
    ("life cycle", "like silence"): "Life-cycle warning with as many false alarms as 90 days of silence",
    ("pace", "usual"): "Last quarter below half of the customer's own pace",
    ("life cycle", "like pace"): "Life-cycle warning with as many false alarms as half the pace",
}


def _delay(days: float) -> str:
    return language.number(days, 0) if np.isfinite(days) else language.text("more than half a year")
