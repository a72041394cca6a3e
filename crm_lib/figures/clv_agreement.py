"""Estimates held against what was: predictions by tenths of the customers, and estimates against a known truth."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Literal, cast

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import FixedLocator, NullLocator
from scipy.stats import t as student

from crm_lib import language
from crm_lib.clv.comparison import Comparison
from crm_lib.clv.names import model_label
from crm_lib.errors import TooLittleData
from crm_lib.exhibit import Table
from crm_lib.figures.chart import Chart
from crm_lib.figures.clv_comparison import at_cut_off, chosen_cut_off
from crm_lib.figures.style import BLUE, QUIET, headline, money_axis, new_axes, number_axis, share_axis

_WIDE = 30.0
"""Ratio of largest to smallest number from which axes are logarithmic, so that the small ones can be told apart."""
_WIDEST = 2000.0
"""Smaller parts of the largest number than this are drawn at the end of a logarithmic axis."""
_LEVEL = 0.95


def calibration_chart(comparison: Comparison, *, model: str = "", cut_off: dt.date | str | None = None) -> Chart:
    """Draw what a model predicted for each tenth of the customers against what they did.

    Parameters
    ----------
    comparison : Comparison
        The comparison.
    model : str
        Name of the model in it; by default the recommended one.
    cut_off : date, optional
        Day of the prediction; by default the last one compared.

    Returns
    -------
    Chart
        A point with an interval for each tenth, against the line on which predictions are right.

    Raises
    ------
    ValueError
        If the model made no prediction on that day.
    """
    name = model or comparison.recommended
    day = chosen_cut_off(comparison, cut_off)
    rows = at_cut_off(comparison.calibration, day)
    if name not in rows.index.unique("model"):
        raise ValueError(
            f"the comparison knows no model {name!r} on {day}; it knows {list(rows.index.unique('model'))}"
        )
    frame = cast("pd.DataFrame", rows.xs(name, level="model"))
    axes = new_axes(4.4)
    _draw(axes, frame, number_axis)
    axes.set_xlabel(language.text("Purchases predicted, mean of a tenth of the customers"))
    axes.set_ylabel(language.text("Purchases made"))
    inside = int(((frame["low"] <= frame["predicted"]) & (frame["predicted"] <= frame["high"])).sum())
    top = frame.iloc[-1]
    places = {
        "model": model_label(name),
        "inside": language.number(inside, 0),
        "all": language.number(len(frame), 0),
        "day": language.date(day),
        "level": language.share(comparison.level),
        "predicted": language.number(top["predicted"]),
        "actual": language.number(top["actual"]),
        "customers": language.number(frame["customers"].sum(), 0),
    }
    headline(axes, language.text("What {model} predicted fits what was in {inside} of {all} groups").format(**places))
    return Chart(
        name="calibration",
        title=language.text(
            "{model}: purchases predicted on {day} and purchases made, by tenth of {customers} customers, with "
            "{level} intervals of the mean"
        ).format(**places),
        axes=axes,
        alt=language.text(
            "Points for {all} groups of customers, by purchases predicted, against purchases made. The prediction "
            "lies within the interval of the actual mean in {inside} of them. The group with the highest prediction "
            "was to make {predicted} purchases a customer and made {actual}."
        ).format(**places),
        table=Table(
            name="calibration",
            title="Purchases predicted and made, by tenth of the customers",
            frame=frame[["customers", "predicted", "actual", "low", "high"]],
            kinds={"decile": "count", "customers": "count"},
            labels={"decile": "Tenth", "actual": "Made", "low": "From", "high": "To"},
            note="Means of a customer; the first tenth has the lowest predictions.",
        ),
    )


def truth_chart(
    frame: pd.DataFrame, *, what: str, kind: Literal["number", "share", "money"] = "number", currency: str = "",
    bins: int = 10, name: str = "truth",
) -> Chart:  # fmt: skip
    """Draw estimates for customers against the truth, where it is known.

    Parameters
    ----------
    frame : DataFrame (N rows)
        Columns ``estimate`` and ``truth``, one row a customer; rows without either are left out.
    what : str
        What was estimated, as a reader calls it.
    kind : {"number", "share", "money"}
        How it is written. The truth of a share may be true or false.
    currency : str
        ISO code, for money.
    bins : int
        Number of groups of customers, by estimate.
    name : str
        Short name, unique in the notebook.

    Returns
    -------
    Chart
        The mean truth of each group with its interval, against the mean estimate.

    Raises
    ------
    TooLittleData
        If there are fewer than ten customers with both.
    ValueError
        If the kind is money and there is no currency.
    """
    if kind == "money" and not currency:
        raise ValueError("money needs a currency: give currency, such as 'GBP'")
    known = frame[["estimate", "truth"]].astype(float).dropna()
    if len(known) < 10:
        raise TooLittleData(f"only {len(known)} customers have an estimate and a known truth: at least 10 are needed")
    groups = _groups(known, bins)
    axes = new_axes(4.4)
    write: dict[str, Callable[..., None]] = {
        "number": number_axis,
        "share": share_axis,
        "money": lambda drawn, which: money_axis(drawn, currency, which=which),
    }
    _draw(axes, groups, write[kind], columns=("estimate", "truth"), may_stretch=kind != "share")
    words = _capital(language.text(what))
    axes.set_xlabel(language.text("{what}: estimate, mean of a group of customers").format(what=words))
    axes.set_ylabel(language.text("Truth"))
    alike = bool((np.ptp(known.to_numpy(), axis=0) == 0).any())
    rank = float("nan") if alike else float(known["estimate"].corr(known["truth"], method="spearman"))
    places = {
        "what": words,
        "estimate": _written(float(known["estimate"].mean()), kind, currency),
        "truth": _written(float(known["truth"].mean()), kind, currency),
        "rank": language.number(rank, 2),
        "n": language.number(len(known), 0),
        "groups": language.number(len(groups), 0),
    }
    headline(axes, language.text("{what}: on average {estimate}, in truth {truth}").format(**places))
    return Chart(
        name=name,
        title=language.text(
            "{what}: estimates for {n} customers against the truth, with 95% intervals of the mean"
        ).format(**places),
        axes=axes,
        alt=language.text(
            "Points for {groups} groups of customers, by estimate: the mean truth against the mean estimate. {what}: "
            "over all {n} customers the estimates average {estimate} and the truth {truth}; their rank correlation "
            "is {rank}."
        ).format(**places),
        table=Table(
            name=name,
            title="Estimate and truth by group of customers",
            frame=groups,
            kinds={"customers": "count", **dict.fromkeys(("estimate", "truth", "low", "high"), kind)},
            labels={"low": "From", "high": "To"},
            currency=currency,
            note=language.text("Rank correlation of estimate and truth over customers: {rank}.").format(**places),
        ),
    )


def _written(value: float, kind: str, currency: str) -> str:
    if kind == "money":
        return language.money(value, currency)
    return language.share(value) if kind == "share" else language.number(value)


def _groups(known: pd.DataFrame, bins: int) -> pd.DataFrame:
    """Return means by group of estimates; equal estimates stay together."""
    place = pd.qcut(known["estimate"], bins, labels=False, duplicates="drop") if np.ptp(known["estimate"]) > 0 else 0
    by = known.groupby(place if isinstance(place, pd.Series) else pd.Series(0, index=known.index))
    groups = by.agg(customers=("truth", "size"), estimate=("estimate", "mean"), truth=("truth", "mean"))
    count, spread = groups["customers"], by["truth"].std()
    reach = student.ppf((1 + _LEVEL) / 2, np.maximum(count - 1, 1)) * spread / np.sqrt(count)
    groups["low"], groups["high"] = groups["truth"] - reach, groups["truth"] + reach
    if known["truth"].isin([0.0, 1.0]).all():
        # Wilson's interval: it stays within 0 and 1, and has a width where all are alike.
        z = student.ppf((1 + _LEVEL) / 2, np.inf) ** 2
        middle = (groups["truth"] + z / (2 * count)) / (1 + z / count)
        reach = np.sqrt(z * groups["truth"] * (1 - groups["truth"]) / count + z**2 / (4 * count**2)) / (1 + z / count)
        groups["low"], groups["high"] = np.maximum(middle - reach, 0.0), np.minimum(middle + reach, 1.0)
    return groups.reset_index(drop=True).rename_axis("group").rename(index=lambda number: number + 1)


def _draw(
    axes: Axes,
    frame: pd.DataFrame,
    write: Callable[..., None],
    *,
    columns: tuple[str, str] = ("predicted", "actual"),
    may_stretch: bool = True,
) -> None:
    """Draw points with intervals against the diagonal; both axes have one scale, and its end holds what lies below."""
    shown = frame[list(columns)].to_numpy()
    largest = float(np.nanmax([shown.max(), frame["high"].max()]))
    positive = shown[shown > max(largest, 0.0) / _WIDEST]
    logarithmic = may_stretch and positive.size > 0 and largest / positive.min() > _WIDE
    low = float(positive.min()) / 1.5 if logarithmic else min(0.0, float(shown.min()))
    high = largest * (1.3 if logarithmic else 1.05)
    axes.plot(
        [low, high],
        [low, high],
        color=QUIET,
        linewidth=1,
        linestyle=(0, (4, 3)),
        label=language.text("right on average"),
    )
    predicted, was = np.maximum(shown[:, 0], low), np.maximum(shown[:, 1], low)
    axes.vlines(predicted, frame["low"].clip(lower=low), frame["high"], color=BLUE, linewidth=2.6, alpha=0.5)
    below = (shown < low).any(axis=1)
    axes.scatter(
        predicted, was, facecolor=np.where(below, "white", BLUE).tolist(), edgecolor=BLUE, s=34, zorder=3,
        clip_on=False,
    )  # fmt: skip
    for which in ("x", "y"):
        if logarithmic:
            axes.set(**{f"{which}scale": "log"})
            axis = axes.xaxis if which == "x" else axes.yaxis
            axis.set_major_locator(FixedLocator(_steps(low, high)))
            axis.set_minor_locator(NullLocator())
        write(axes, which=which)
    axes.set(xlim=(low, high), ylim=(low, high))
    axes.legend(frameon=False, loc="upper left", labelcolor=QUIET, handlelength=2.6)


def _steps(low: float, high: float) -> list[float]:
    powers = range(int(np.floor(np.log10(low))), int(np.ceil(np.log10(high))) + 1)
    steps = [digit * 10.0**power for power in powers for digit in (1, 2, 5)]
    inside = [step for step in steps if low <= step <= high]
    return inside if len(inside) <= 7 else [step for step in inside if f"{step:e}".startswith("1")]


def _capital(words: str) -> str:
    return words[:1].upper() + words[1:]
