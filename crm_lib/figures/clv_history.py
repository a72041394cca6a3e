"""One customer's history: purchases, and between them the falling probability that they are still a customer."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence

import matplotlib.dates as mdates
import numpy as np
import pandas as pd

from crm_lib import language
from crm_lib.clv import PurchaseModel
from crm_lib.clv.names import model_label
from crm_lib.customers import UNIT_DAYS
from crm_lib.errors import TooLittleData
from crm_lib.estimate import Estimate
from crm_lib.exhibit import Table
from crm_lib.figures.chart import Chart
from crm_lib.figures.clv_words import chance, length
from crm_lib.figures.style import BLUE, ORANGE, QUIET, headline, new_axes

_POINTS = 300
"""Days at which the curve is drawn, beside those on which something happened."""


def customer_history_chart(
    model: PurchaseModel,
    purchase_days: Sequence[dt.date] | pd.Series[pd.Timestamp] | pd.DatetimeIndex,
    *,
    as_of: dt.date,
    customer: str = "",
    covariates: Mapping[str, float] | None = None,
    level: float = 0.9,
) -> Chart:
    """Draw the purchases of a customer and the probability of being still a customer, day by day.

    Each day is judged by what was known of the customer on it; the model itself has seen all the data.

    Parameters
    ----------
    model : PurchaseModel
        The fitted model, of continuous time.
    purchase_days : sequence of date
        Days on which the customer bought, in any order; days after `as_of` are left out.
    as_of : date
        Day on which the curve ends.
    customer : str
        How a reader knows the customer.
    covariates : mapping of str to float, optional
        Covariates of the customer that the model reads.
    level : float
        Coverage of the interval.

    Returns
    -------
    Chart
        A curve with its interval over a time axis, with a mark for each purchase.

    Raises
    ------
    TooLittleData
        If the customer bought on no day up to `as_of`.
    ValueError
        If the model counts purchase opportunities in place of days.
    """
    if model.discrete:
        raise ValueError(f"{model_label(model)} counts opportunities, not days: give a model of continuous time")
    days = pd.DatetimeIndex(pd.to_datetime(pd.Series(list(purchase_days)))).normalize().unique().sort_values()
    days = days[days <= pd.Timestamp(as_of)]
    if len(days) == 0:
        raise TooLittleData(f"the customer has no purchase up to {as_of}: there is no history to draw")
    curve = _curve(model, days, pd.Timestamp(as_of), covariates or {}, level)
    last = curve.iloc[-1]
    now = Estimate(
        value=last["value"], low=last["low"], high=last["high"], n=1, level=level, unit="share",
        method="posterior interval",
    )  # fmt: skip
    axes = new_axes(3.5)
    # The curve leaps on the days of purchase: it is drawn from each purchase to the eve of the next.
    for _, part in curve.groupby("frequency"):
        axes.fill_between(part.index, part["low"], part["high"], color=BLUE, alpha=0.2, linewidth=0)
        axes.plot(part.index, part["value"], color=BLUE)
    axes.vlines(days, -0.14, -0.05, color=ORANGE, linewidth=1.6, clip_on=False)
    axes.set_ylim(-0.14, 1.03)
    fifths = np.linspace(0, 1, 6)
    axes.set_yticks([-0.095, *fifths], [language.text("purchases"), *(language.share(fifth) for fifth in fifths)])
    axes.get_yticklabels()[0].set_color(ORANGE)
    axes.get_ygridlines()[0].set_visible(False)
    axes.grid(axis="x", visible=False)
    end = float(mdates.date2num(curve.index[-1]))  # type: ignore[no-untyped-call]
    axes.annotate(
        chance(now.value), (end, now.value), xytext=(7, 0),
        textcoords="offset points", va="center", color=BLUE, fontweight="bold",
    )  # fmt: skip
    span = max((curve.index[-1] - curve.index[0]).days, 1)
    axes.set_xlim(curve.index[0] - pd.Timedelta(days=0.02 * span), curve.index[-1] + pd.Timedelta(days=0.08 * span))
    locator = mdates.AutoDateLocator(minticks=3, maxticks=8)  # type: ignore[no-untyped-call]
    axes.xaxis.set_major_locator(locator)
    axes.xaxis.set_major_formatter(mdates.ConciseDateFormatter(locator, show_offset=False))  # type: ignore[no-untyped-call]
    axes.spines["bottom"].set_visible(False)
    silent = float((curve.index[-1] - days[-1]).days) / UNIT_DAYS[model.unit]
    places = {
        "customer": customer or language.text("The customer"),
        "silent": length(silent, model.unit),
        "rounded": chance(now.value),
        "estimate": str(now),
        "purchases": language.plural("{n} purchase", "{n} purchases", len(days)),
        "first": language.date(days[0].date()),
        "day": language.date(as_of),
        "lowest": chance(float(curve["value"].min())),
        "model": model_label(model),
        "level": language.share(level),
    }
    subtitle = "Probability of being still a customer, {first} to {day}, with {level} interval"
    axes.set_title(
        language.text(subtitle).format(**places),
        loc="left", fontsize=9.5, color=QUIET,
    )  # fmt: skip
    headline(
        axes, language.text("{silent} after the last purchase: {rounded} likely still a customer").format(**places)
    )
    return Chart(
        name="customer_history",
        title=language.text("{customer}: purchases, and probability of being still a customer, by {model}").format(
            **places
        ),
        axes=axes,
        alt=language.text(
            "Curve over time from {first} to {day}; marks show {purchases}. The probability of being still a customer "
            "is set anew at each purchase and falls from then on, to {lowest} at the lowest; on the last day, {silent} "
            "after the last purchase, it is {estimate}."
        ).format(**places),
        table=_table(curve, days, level),
    )


def _curve(
    model: PurchaseModel, days: pd.DatetimeIndex, end: pd.Timestamp, covariates: Mapping[str, float], level: float
) -> pd.DataFrame:
    """Return the probability on each day as known on it, indexed by day."""
    first = days[0]
    told = (days - first).days.to_numpy()
    last = (end - first).days
    step = max(1, last // _POINTS)
    # Each purchase and its eve are drawn, so that no fall is cut short.
    eves = told[1:] - 1
    ages = np.unique(np.concatenate([np.arange(0, last + 1, step), told, eves, [last]]))
    count = np.searchsorted(told, ages, side="right") - 1
    length_of_unit = UNIT_DAYS[model.unit]
    known = pd.DataFrame(
        {"frequency": count, "recency": told[count] / length_of_unit, "age": ages / length_of_unit},
        index=pd.DatetimeIndex(first + pd.to_timedelta(ages, unit="D"), name="day"),
    ).assign(**covariates)
    answer = model.probability_alive(known, interval="mean", level=level)
    return pd.concat([known, answer], axis=1)


def _table(curve: pd.DataFrame, days: pd.DatetimeIndex, level: float) -> Table:
    told = curve.index.isin(days)
    eve = np.append(told[1:], True)
    words = np.where(told, language.text("purchase"), language.text("before the next purchase"))
    words[-1] = words[-1] if told[-1] else language.text("end")
    frame = curve.assign(event=words)[told | eve].reset_index()
    return Table(
        name="customer_history",
        title="Probability of being still a customer at each purchase and before the next",
        frame=frame[["day", "event", "frequency", "value", "low", "high"]],
        kinds={"day": "date", "event": "text", "frequency": "count", "value": "share", "low": "share", "high": "share"},
        labels={"frequency": "Repeat purchases", "value": "Still a customer", "low": "From", "high": "To"},
        note=language.text("Each day as known on it; the interval has a coverage of {level}.").format(
            level=language.share(level)
        ),
        rows_shown=40,
    )
