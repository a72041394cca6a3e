"""Repeat purchases week by week: what was, and what models expected before and after the day of their forecast."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

import matplotlib.dates as mdates
import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from crm_lib import language
from crm_lib.clv.comparison import Comparison
from crm_lib.clv.names import model_label
from crm_lib.errors import TooLittleData
from crm_lib.exhibit import Kind, Table
from crm_lib.figures.chart import Chart
from crm_lib.figures.clv_comparison import at_cut_off, chosen_cut_off
from crm_lib.figures.style import INK, QUIET, SERIES, headline, new_panels, number_axis

_DASHES = ("-", (0, (5, 2)), (0, (1, 1.4)), (0, (5, 1.5, 1, 1.5)))
"""Lines are told apart by their dashes too, not by colour alone."""


def tracking_chart(
    comparison: Comparison, *, models: Sequence[str] = (), cut_off: dt.date | str | None = None
) -> Chart:
    """Draw weekly and cumulative repeat purchases, actual against expected, with the time after the forecast shaded.

    Parameters
    ----------
    comparison : Comparison
        The comparison.
    models : sequence of str
        Names of models in it, at most four; by default the recommended one, and of the others those that came nearest
        to the total in the end and farthest from it.
    cut_off : date, optional
        Day of the forecast; by default the last one compared.

    Returns
    -------
    Chart
        Two panels over one time axis.

    Raises
    ------
    TooLittleData
        If no model in the comparison tells what was to be expected week by week.
    ValueError
        If a model is not among those compared.
    """
    day = chosen_cut_off(comparison, cut_off)
    if "ending" not in comparison.tracking:
        raise TooLittleData("no model in the comparison tells what was to be expected week by week")
    tracked = at_cut_off(comparison.tracking, day)
    names = _chosen(tracked, comparison.recommended, models)
    frame = _by_week(tracked, names)
    labels = [model_label(name) for name in names]
    cut = float(mdates.date2num(pd.Timestamp(day)))  # type: ignore[no-untyped-call]
    end = float(mdates.date2num(frame["ending"].iloc[-1]))  # type: ignore[no-untyped-call]
    upper, lower = new_panels(5.4, [1, 1.1])
    for panel, what in ((upper, "weekly"), (lower, "cumulative")):
        panel.plot(frame["ending"], frame[what, "actual"], color=INK, linewidth=1.4, label=language.text("actual"))
        for place, (name, label) in enumerate(zip(names, labels, strict=True)):
            panel.plot(
                frame["ending"], frame[what, name], color=SERIES[place], linestyle=_DASHES[place], label=label,
                linewidth=2,
            )  # fmt: skip
        panel.axvspan(cut, end, color=QUIET, alpha=0.1, linewidth=0)
        panel.set_ylim(0, None)
        panel.grid(axis="x", visible=False)
        number_axis(panel)
    lower.annotate(
        language.text("after the forecast"), (end, 0.06),
        xycoords=("data", "axes fraction"), xytext=(-6, 0), textcoords="offset points", ha="right",
        color=QUIET,
    )  # fmt: skip
    lower.legend(frameon=False, loc="upper left", labelcolor=QUIET)
    upper.set_title(language.text("Repeat purchases a week"), loc="left", fontsize=9.5, color=QUIET)
    lower.set_title(language.text("Repeat purchases since the beginning"), loc="left", fontsize=9.5, color=QUIET)
    _time_axis(lower, frame["ending"])
    places = _places(frame, names[0], day)
    headline(upper, places["title"])
    return Chart(
        name="tracking",
        title=language.text("Repeat purchases of customers who came by {day}: actual, and expected on that day").format(
            **places
        ),
        axes=upper,
        alt=language.text(
            "Lines of repeat purchases by week, above a week's number and below their sum, actual and by {models}. In "
            "the {weeks} after {day} customers made {actual} repeat purchases and {model} expected {expected}."
        ).format(**places, models=", ".join(labels)),
        table=_table(frame, names),
    )


def _chosen(tracked: pd.DataFrame, recommended: str, asked: Sequence[str]) -> list[str]:
    """Return which models are drawn, in order."""
    there = list(tracked.index.unique("model"))
    unknown = [name for name in asked if name not in there]
    if unknown:
        raise ValueError(f"the comparison tracks no models {unknown}; it tracks {there}")
    if asked:
        return list(asked)[: len(_DASHES)]
    last = tracked.groupby("model").last()
    off = (last["cumulative_expected"] - last["cumulative_actual"]).abs().sort_values(kind="stable")
    others = [str(name) for name in off.index if name != recommended]
    first = [recommended] if recommended in there else []
    return list(dict.fromkeys([*first, *others[:1], *others[-1:]]))


def _by_week(tracked: pd.DataFrame, names: Sequence[str]) -> pd.DataFrame:
    """Return one row a week: its last day, and under weekly and cumulative the actual number and each model's."""
    one = tracked.xs(names[0], level="model")
    columns: dict[object, pd.Series] = {"ending": one["ending"], "is_holdout": one["is_holdout"].astype(bool)}
    for what, prefix in (("weekly", ""), ("cumulative", "cumulative_")):
        columns[what, "actual"] = one[f"{prefix}actual"]
        for name in names:
            columns[what, name] = tracked.xs(name, level="model")[f"{prefix}expected"]
    return pd.DataFrame(columns)


def _time_axis(axes: Axes, days: pd.Series[pd.Timestamp]) -> None:
    axes.set_xlim(days.iloc[0], days.iloc[-1])  # type: ignore[arg-type]
    locator = mdates.AutoDateLocator(minticks=3, maxticks=8)  # type: ignore[no-untyped-call]
    axes.xaxis.set_major_locator(locator)
    axes.xaxis.set_major_formatter(mdates.ConciseDateFormatter(locator, show_offset=False))  # type: ignore[no-untyped-call]


def _places(frame: pd.DataFrame, name: str, day: dt.date) -> dict[str, str]:
    later = frame["is_holdout"].to_numpy()
    actual, expected = (float(frame["weekly", which][later].sum()) for which in ("actual", name))
    off = expected / actual - 1 if actual > 0 else float("nan")
    title = "{model} expected {share} too {direction} repeat purchases over {weeks}"
    if not abs(off) >= 0.005:
        title = "{model} expected the number of repeat purchases over {weeks} to within 1%"
    if np.isnan(off):
        title = "{model} expected {expected} repeat purchases over {weeks}; there were none"
    places = {
        "model": model_label(name),
        "share": language.share(abs(off)),
        "direction": language.text("many" if off > 0 else "few"),
        "weeks": language.plural("{n} week", "{n} weeks", int(later.sum())),
        "day": language.date(day),
        "actual": language.number(actual, 0),
        "expected": language.number(expected, 0),
    }
    return {**places, "title": language.text(title).format(**places)}


def _table(frame: pd.DataFrame, names: Sequence[str]) -> Table:
    shown = pd.DataFrame({"week_ending": frame["ending"]})
    kinds: dict[str, Kind] = {"week_ending": "date"}
    labels = {}
    shown["time"] = np.where(
        frame["is_holdout"], language.text("after the forecast"), language.text("before the forecast")
    )
    for what in ("weekly", "cumulative"):
        for name in ("actual", *names):
            column = f"{what}_{name}"
            shown[column] = frame[what, name].to_numpy()
            kinds[column] = "count"
            who = language.text("actual") if name == "actual" else model_label(name)
            labels[column] = who if what == "weekly" else language.text("{who}, sum").format(who=who)
    labels = {column: words[:1].upper() + words[1:] for column, words in labels.items()}
    return Table(
        name="tracking",
        title="Repeat purchases by week, actual and expected",
        frame=shown,
        kinds=kinds,
        labels=labels,
        note="Expected from the days of the first purchases alone. Weeks end on the weekday of the forecast.",
        rows_shown=12,
    )
