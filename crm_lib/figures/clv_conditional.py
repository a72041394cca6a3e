"""What customers did after a forecast, and what models expected of them, by how often they had bought before."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.stats import t as student

from crm_lib import language
from crm_lib.clv.names import model_label
from crm_lib.clv.purchase_model import PurchaseModel
from crm_lib.clv.purchase_record import PurchaseRecord, as_date, as_day
from crm_lib.customers import UNIT_DAYS
from crm_lib.errors import TooLittleData
from crm_lib.exhibit import Kind, Table
from crm_lib.figures.chart import Chart
from crm_lib.figures.style import INK, QUIET, SERIES, headline, new_axes, number_axis

_MARKS = ("o", "s", "^", "D", "v", "P")
"""Models are told apart by their marks too, not by colour alone."""


def conditional_expectation_chart(
    models: PurchaseModel | Sequence[PurchaseModel],
    purchases: pd.DataFrame,
    *,
    cut_off: dt.date | str,
    horizon_days: int,
    most: int = 7,
    level: float = 0.9,
) -> Chart:
    """Draw actual and expected purchases after an earlier day, by how often customers had bought before it.

    The models are fitted to what was known on that day and nothing else.

    Parameters
    ----------
    models : PurchaseModel or sequence of PurchaseModel
        Models of continuous time without covariates; their settings count, they stay as they are. The first speaks in
        the title.
    purchases : DataFrame
        One row a customer and day of purchase, as for :func:`crm_lib.clv.compare_models`.
    cut_off : date or str
        The earlier day.
    horizon_days : int
        Days after it over which purchases are counted.
    most : int
        Frequency from which on customers form one group.
    level : float
        Coverage of the intervals of the actual means.

    Returns
    -------
    Chart
        For each frequency the actual mean with its interval, and the means of the expectations.

    Raises
    ------
    TooLittleData
        If nobody had bought by the earlier day.
    ValueError
        If there is no model, or the purchases do not reach to the end of the horizon.
    """
    several = [models] if isinstance(models, PurchaseModel) else list(models)
    if not several:
        raise ValueError("there is no model to draw: give at least one")
    frame = _means(*_customers(several, purchases, as_day(cut_off), horizon_days), most=most, level=level)
    names = list(frame.columns[4:])
    axes = new_axes(4.0)
    places = np.arange(len(frame), dtype=float)
    axes.bar(places, frame["high"] - frame["low"], bottom=frame["low"], width=0.64, color=INK, alpha=0.13, linewidth=0)
    axes.hlines(frame["actual"], places - 0.32, places + 0.32, color=INK, linewidth=1.6, label=language.text("actual"))
    for place, name in enumerate(names):
        shift = 0.0 if len(names) == 1 else 0.36 * (place / (len(names) - 1) - 0.5)
        axes.plot(
            places + shift, frame[name], color=SERIES[place % len(SERIES)], marker=_MARKS[place % len(_MARKS)],
            markersize=6, linewidth=0.9, label=name,
        )  # fmt: skip
    axes.set_xticks(places, [_group(int(x), most) for x in frame.index])
    axes.set_ylim(0, None)
    axes.grid(axis="x", visible=False)
    number_axis(axes)
    axes.set_xlabel(language.text("Repeat purchases before the forecast"))
    axes.set_title(
        language.text("Purchases after it, mean of a customer; grey is the interval of the actual mean"),
        loc="left", fontsize=9.5, color=QUIET,
    )  # fmt: skip
    axes.legend(frameon=False, loc="upper left", labelcolor=QUIET)
    inside = int(((frame["low"] <= frame[names[0]]) & (frame[names[0]] <= frame["high"])).sum())
    words = {
        "day": language.date(as_date(as_day(cut_off))),
        "length": language.plural("{n} day", "{n} days", horizon_days),
        "model": names[0],
        "inside": language.number(inside, 0),
        "all": language.number(len(frame), 0),
        "level": language.share(level),
        "n": language.number(float(frame["customers"].sum()), 0),
        "once_actual": language.number(float(frame["actual"].iloc[0])),
        "once": language.number(float(frame[names[0]].iloc[0])),
        "least": _group(int(frame.index[0]), most),
        "top": _group(int(frame.index[-1]), most),
        "top_actual": language.number(float(frame["actual"].iloc[-1])),
        "top_expected": language.number(float(frame[names[0]].iloc[-1])),
    }
    title = language.text("What {model} expected fits what was in {inside} of {all} groups").format(**words)
    headline(axes, title)
    return Chart(
        name="conditional_expectation",
        title=language.text(
            "Purchases of {n} customers in the {length} after {day}, by repeat purchases before: actual means with "
            "{level} intervals, and what was expected"
        ).format(**words),
        axes=axes,
        alt=language.text(
            "Means by number of repeat purchases before the forecast. Customers with {least} made {once_actual} "
            "purchases after it and {model} expected {once}; those with {top} made {top_actual} and {top_expected} "
            "were expected. The expectation lies within the interval of the actual mean in {inside} of {all} groups."
        ).format(**words),
        table=_table(frame, names, most, words),
    )


def _customers(
    models: Sequence[PurchaseModel], purchases: pd.DataFrame, cut_off: int, horizon_days: int
) -> tuple[pd.Series[int], pd.DataFrame]:
    """Return each customer's frequency up to the cut-off, and actual and expected purchases after it."""
    record = PurchaseRecord.read(purchases)
    end = cut_off + horizon_days
    if end > record.as_of:
        raise ValueError(
            f"purchases are known until {as_date(record.as_of)} only, and the horizon ends on {as_date(end)}: choose "
            "an earlier cut_off or a shorter horizon"
        )
    known = record.until(cut_off)
    if len(known) == 0:
        raise TooLittleData(f"nobody had bought by {as_date(cut_off)}: there is nothing to expect")
    table = pd.DataFrame({"actual": record.until(end).purchases(cut_off, end, of=known.customers)})
    for model in models:
        fitted, summary = dataclasses.replace(model), known.summary(model.unit)
        fitted.fit(summary)
        table[model_label(model)] = fitted.expected_purchases(summary, horizon_days / UNIT_DAYS[model.unit]).to_numpy()
    frequency = pd.Series(known.summary()["frequency"].to_numpy(), name="frequency")
    return frequency, table


def _means(frequency: pd.Series[int], table: pd.DataFrame, *, most: int, level: float) -> pd.DataFrame:
    """Return means by frequency, those of `most` and above in one group."""
    groups = table.groupby(frequency.clip(upper=most))
    frame = groups.mean()
    count = groups.size().to_numpy(dtype=float)
    spread = groups["actual"].std().to_numpy()
    # A single customer has no spread: the interval stays unknown, and is not drawn.
    reach: npt.NDArray[np.float64] = student.ppf((1 + level) / 2, np.maximum(count - 1, 1)) * spread / np.sqrt(count)
    frame.insert(0, "customers", count.astype(int))
    frame.insert(2, "low", np.maximum(frame["actual"] - reach, 0.0))
    frame.insert(3, "high", frame["actual"] + reach)
    return frame


def _group(frequency: int, most: int) -> str:
    written = language.number(frequency, 0)
    return language.text("{n} or more").format(n=written) if frequency == most else written


def _table(frame: pd.DataFrame, names: list[str], most: int, words: Mapping[str, str]) -> Table:
    shown = frame.copy()
    shown.index = pd.Index([_group(int(x), most) for x in frame.index], name="frequency")
    kinds: dict[str, Kind] = {"frequency": "text", "customers": "count"}
    for name in ("actual", "low", "high", *names):
        kinds[name] = "number"
    return Table(
        name="conditional_expectation",
        title="Purchases after the forecast by repeat purchases before it",
        frame=shown,
        kinds=kinds,
        labels={
            "frequency": "Repeat purchases before", "low": "From", "high": "To",
            **{name: name for name in names},
        },
        note=language.text("Means of a customer; intervals of the actual mean hold {level}.").format(**words),
    )  # fmt: skip
