"""Tables of how well models forecast, and the rows of a comparison that belong to one day of forecast."""

from __future__ import annotations

import datetime as dt
from typing import cast

import pandas as pd

from crm_lib import language
from crm_lib.clv.comparison import Comparison
from crm_lib.clv.names import label_models, model_label
from crm_lib.exhibit import Kind, Table

_COLUMNS: dict[str, tuple[Kind, str]] = {
    "ranked_probability_score": ("number", "Ranked probability score"),
    "bias": ("share", "Bias of the total"),
    "mae": ("number", "Mean absolute error"),
    "rmse": ("number", "Root mean squared error"),
    "spearman": ("number", "Rank correlation"),
    "gini": ("number", "Normalised Gini"),
    "log_score": ("number", "Log score"),
    "coverage": ("share", "Coverage of intervals"),
    "weekly_error": ("share", "Weekly error"),
    "cumulative_error": ("share", "Cumulative error"),
}


def comparison_table(comparison: Comparison) -> Table:
    """Return how well each model forecast, averaged over the days of forecast.

    Parameters
    ----------
    comparison : Comparison
        The comparison.

    Returns
    -------
    Table
        One row a model, the best score first; the recommended one is marked.
    """
    columns = {name: how for name, how in _COLUMNS.items() if name in comparison.average}
    frame = comparison.average[list(columns)].copy()
    mark = language.text("recommended")
    frame.index = pd.Index(
        [
            f"{model_label(str(name))} ({mark})" if name == comparison.recommended else model_label(str(name))
            for name in frame.index
        ],
        name="model",
    )
    days = comparison.scores.index.unique("cut_off")
    notes = [
        label_models(comparison.reason),
        language.text(
            "Forecasts of {days} days, averaged over: {cut_offs}. Of the scores and errors lower is better, of rank "
            "correlation and Gini higher; the coverage should be {level}."
        ).format(
            days=language.number(comparison.horizon_days, 0),
            cut_offs=", ".join(language.date(pd.Timestamp(day).date()) for day in sorted(days)),
            level=language.share(comparison.level),
        ),
    ]
    return Table(
        name="comparison",
        title="How well each model forecast",
        frame=frame,
        kinds={"model": "text", **{name: kind for name, (kind, _) in columns.items()}},
        labels={name: label for name, (_, label) in columns.items()},
        note=" ".join(notes),
        rows_shown=30,
    )


def remarks_table(comparison: Comparison) -> Table:
    """Return what was left out of a comparison, and which fits did not converge.

    Parameters
    ----------
    comparison : Comparison
        The comparison.

    Returns
    -------
    Table
        One row a remark; empty where there is none.
    """
    frame = comparison.remarks[["cut_off", "model", "remark"]].reset_index(drop=True)
    frame["remark"] = [label_models(str(remark)) for remark in frame["remark"]]
    frame["model"] = [model_label(str(name)) if name else language.text("all") for name in frame["model"]]
    return Table(
        name="comparison_remarks",
        title="What the comparison left out",
        frame=frame,
        kinds={"cut_off": "date", "model": "text", "remark": "text"},
        labels={"cut_off": "Day of forecast"},
        note="" if len(frame) else "Nothing was left out.",
    )


def chosen_cut_off(comparison: Comparison, asked: dt.date | str | None) -> dt.date:
    """Return a day of forecast that a comparison has.

    Parameters
    ----------
    comparison : Comparison
        The comparison.
    asked : date or str or None
        The day asked for; None for the last.

    Returns
    -------
    date
        The day.

    Raises
    ------
    ValueError
        If it is none of those compared.
    """
    there = sorted({pd.Timestamp(day).date() for day in comparison.scores.index.unique("cut_off")})
    if asked is None:
        return there[-1]
    day = pd.Timestamp(asked).date()
    if day not in there:
        raise ValueError(f"{day} is no cut-off of the comparison; it has {', '.join(map(str, there))}")
    return day


def at_cut_off(table: pd.DataFrame, day: dt.date) -> pd.DataFrame:
    """Return the rows of one day of forecast.

    Parameters
    ----------
    table : DataFrame
        Indexed by ``cut_off`` and further levels.
    day : date
        The day.

    Returns
    -------
    DataFrame
        Indexed by the further levels.
    """
    return cast("pd.DataFrame", table.xs(pd.Timestamp(day), level="cut_off"))
