"""What a fitted model says: parameters, whom it gives up, and one customer's story."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from crm_lib.clv import Model, PurchaseModel
from crm_lib.clv.forecasters import model_label
from crm_lib.customers import UNIT_DAYS
from crm_lib.errors import TooLittleData
from crm_lib.estimate import LEVEL
from crm_lib.exhibit import Table
from crm_lib.figures.chart import Chart
from crm_lib.figures.columns import table
from crm_lib.figures.forms import curve, heat
from crm_lib.language import say

_SILENCES = (0, 28, 56, 91, 182, 273, 365, 548, 730)
"""Days without a purchase, a row each."""
_FREQUENCIES = (0, 1, 2, 3, 5, 8, 13, 21)
_POINTS = 120
"""Days at which a customer's curve is drawn, beside those on which something happened."""
_REPEATS = (5, 40)
"""Repeat purchases of a customer whose history is worth a picture: enough to see a rhythm, few enough to see each."""


def model_table(model: Model[Any]) -> Table:
    """Return the parameters of a fitted model with standard errors and intervals, and how well these were drawn."""
    drawn = model._drawn
    note = say(
        "Intervals from {draws:count} posterior draws, worth {effective:count} independent ones ({method}; Pareto k "
        "{k:number2}, usable up to 0.7). Log-likelihood {likelihood:number1}.",
        draws=len(drawn.working), effective=drawn.effective_sample_size, method=drawn.method, k=drawn.pareto_k,
        likelihood=model.log_likelihood_,
    )  # fmt: skip
    if not model.converged_:
        note += " " + say("The likelihood has no maximum: estimates and intervals rest on the priors as well.")
    return table(
        f"model_{type(model).__name__.lower()}",
        say("Parameters of {model}", model=model_label(model)),
        model.summary().rename_axis("parameter"),
        note=note,
    )


def alive_map(model: PurchaseModel, summary: pd.DataFrame) -> Chart:
    """Draw how likely customers are still there, by repeat purchases and days since the last purchase."""
    if not summary["frequency"].max() > 0:
        raise TooLittleData(say("needs customers who bought a second time"))
    often, age = int(summary["frequency"].max()), float(summary["age"].max()) * UNIT_DAYS[model.unit]
    silences = [days for days in _SILENCES if days < age] or [0]
    frequencies = [number for number in _FREQUENCIES if number <= often]
    silence, frequency = (each.ravel().astype(float) for each in np.meshgrid(silences, frequencies, indexing="ij"))
    # Who bought only once has been silent since the first purchase: there is no other history.
    seen = np.where(frequency > 0, age, silence)
    histories = pd.DataFrame({"frequency": frequency, "recency": seen - silence, "age": seen})
    histories[["recency", "age"]] /= UNIT_DAYS[model.unit]
    alive = model.probability_alive(histories).to_numpy().reshape(len(silences), len(frequencies))
    frame = pd.DataFrame(alive, pd.Index(silences, name="recency"), frequencies)
    usual = frequencies[-1]
    quiet = min(silences, key=lambda days: abs(days - 182))
    return heat(
        frame,
        kind="share",
        rows=say("Days since last purchase"),
        columns=say("Repeat purchases"),
        name="alive_map",
        headline=say(
            "After {days:count} days of silence, {few:share} of customers with one repeat purchase are still there, "
            "and {many:share} of those with {usual:count}",
            days=quiet, few=frame.loc[quiet, 1], many=frame.loc[quiet, usual], usual=usual,
        ),
        title=say(
            "Probability of being still a customer ({model}), first purchase {age:count} days ago",
            model=model_label(model), age=age,
        ),
        note=say("One-time buyers made their first purchase when the silence began."),
    )  # fmt: skip


def telling_customer(model: PurchaseModel, summary: pd.DataFrame) -> str:
    """Return the customer with 5 to 40 repeat purchases of whom it is least clear whether they are still there."""
    rhythmic = summary[summary["frequency"].between(*_REPEATS)]
    if rhythmic.empty:
        raise TooLittleData(
            say("needs a customer with {few} to {many} repeat purchases", few=_REPEATS[0], many=_REPEATS[1])
        )
    return str((model.probability_alive(rhythmic) - 0.5).abs().idxmin())


def customer_history_chart(
    model: PurchaseModel, purchase_days: Sequence[dt.date] | pd.Series[pd.Timestamp], *, as_of: dt.date,
    customer: str = "",
) -> Chart:  # fmt: skip
    """Draw the purchases of a customer and the probability of being still a customer, day by day.

    Each day is judged by what was known of the customer on it; the model itself has seen all the data.
    """
    days = pd.DatetimeIndex(pd.to_datetime(pd.Series(list(purchase_days)))).normalize().unique().sort_values()
    days = days[days <= pd.Timestamp(as_of)]
    if len(days) == 0:
        raise TooLittleData(say("needs a purchase up to {day}", day=as_of))
    told, last = (days - days[0]).days.to_numpy(), (pd.Timestamp(as_of) - days[0]).days
    # Each purchase and its eve are drawn, so that no fall is cut short.
    steps = np.arange(0, last + 1, max(1, last // _POINTS))
    ages = np.unique(np.concatenate([steps, told, told[1:] - 1, [last]]))
    count = np.searchsorted(told, ages, side="right") - 1
    unit = UNIT_DAYS[model.unit]
    known = pd.DataFrame({"frequency": count, "recency": told[count] / unit, "age": ages / unit})
    values = np.quantile(model.drawn("alive", known), [0.5, (1 - LEVEL) / 2, (1 + LEVEL) / 2], axis=0).T
    shown = pd.DatetimeIndex(days[0] + pd.to_timedelta(ages, unit="D"), name="day")
    frame = pd.DataFrame(values, shown, ["probability_alive", "low", "high"])
    frame["bought"] = np.where(frame.index.isin(days), 0.0, np.nan)
    who = customer or say("the customer")
    behind = frame[frame.index.isin(days) | (frame.index == frame.index[-1])].drop(columns="bought")
    title = say(
        "Probability that {who} is still a customer ({model}), and purchases", who=who, model=model_label(model)
    )
    return curve(
        frame,
        ["probability_alive", "bought"],
        kind="share",
        low="low",
        high="high",
        points=["bought"],
        name="customer_history",
        headline=say(
            "{silent:count} days after the last purchase, {who} is still a customer with a probability of {now:share}",
            silent=(pd.Timestamp(as_of) - days[-1]).days, who=who, now=float(frame["probability_alive"].iloc[-1]),
        ),
        title=title,
        about=say("It rises at each of {n:count} purchases and falls in each silence.", n=len(days)),
        table=table("customer_history", title, behind, rows=40, note=say("On the days of purchase, and at the end.")),
    )  # fmt: skip
