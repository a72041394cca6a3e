"""How well models forecast purchases: table, week by week, by tenths of the customers and by past frequency."""

from __future__ import annotations

import pandas as pd

from crm_lib import language
from crm_lib.clv import Comparison
from crm_lib.clv.forecasters import model_label
from crm_lib.errors import TooLittleData
from crm_lib.exhibit import Table
from crm_lib.figures.chart import Chart
from crm_lib.figures.columns import table
from crm_lib.figures.forms import calibration, curve
from crm_lib.language import say

_MEASURES = ["ranked_probability_score", "bias", "mae", "rmse", "gini", "weekly_error"]


def comparison_table(compared: Comparison) -> Table:
    """Return how well each model forecast, averaged over the days of forecast, the best first."""
    frame = compared.average.reindex(columns=_MEASURES)
    mark = say("recommended")
    frame.index = pd.Index(
        [
            f"{model_label(name)} ({mark})" if name == compared.recommended else model_label(name)
            for name in frame.index
        ],
        name="model",
    )
    note = say(
        "{reason} Forecasts of {days:count} days from: {cut_offs}. Lower errors are better; a Gini of 1 puts customers "
        "in the right order.",
        reason=compared.reason, days=compared.horizon_days,
        cut_offs=language.listed([language.date(day) for day in compared.cut_offs]),
    )  # fmt: skip
    return table("comparison", "How well each model forecast", frame, note=" ".join([note, *compared.remarks]), rows=30)


def tracking_chart(compared: Comparison) -> Chart:
    """Draw weekly repeat purchases, actual and expected by the model that values customers."""
    name = type(compared.model).__name__
    if name not in compared.tracking:
        raise TooLittleData("needs a model that tells what to expect week by week")
    weeks = compared.tracking[name]
    later = weeks[weeks["is_holdout"]]
    actual, expected = float(later["actual"].sum()), float(later["expected"].sum())
    return curve(
        weeks[["actual", "expected"]],
        ["actual", "expected"],
        kind="count",
        name="tracking",
        headline=say(
            "{model} expected {expected:count} repeat purchases after {day}; there were {actual:count}",
            model=model_label(name), expected=expected, day=compared.cut_offs[-1], actual=actual,
        ),
        title=say("Repeat purchases a week, actual and as {model} expected", model=model_label(name)),
        about=say("The model was fitted on {day} and knew nothing later.", day=compared.cut_offs[-1]),
        note=say("Expected from the days of first purchases alone. Forecast on {day}.", day=compared.cut_offs[-1]),
    )  # fmt: skip


def forecast_calibration_chart(compared: Comparison) -> Chart:
    """Draw what the recommended model forecast for each tenth of the customers against what they did."""
    frame, model = compared.calibration[compared.recommended], model_label(compared.recommended)
    return calibration(
        frame,
        told="expected",
        was="actual",
        kind="number",
        name="calibration",
        headline=_headline(frame, model, "tenths of the customers"),
        title=say(
            "Purchases a customer in {days:count} days from {day}, forecast and made, by tenth of customers",
            days=compared.horizon_days, day=compared.cut_offs[-1],
        ),
    )  # fmt: skip


def frequency_chart(compared: Comparison) -> Chart:
    """Draw actual and expected purchases after a forecast by how often customers had bought before it."""
    frame, model = compared.by_frequency[compared.recommended], model_label(compared.recommended)
    return curve(
        frame[["actual", "low", "high", "expected", "customers"]],
        ["actual", "expected"],
        kind="number",
        low="low",
        high="high",
        points=["actual"],
        name="conditional_expectation",
        headline=_headline(frame, model, "numbers of earlier purchases"),
        title=say(
            "Purchases a customer in {days:count} days from {day}, by repeat purchases before (7: 7 or more)",
            days=compared.horizon_days, day=compared.cut_offs[-1],
        ),
    )  # fmt: skip


def _headline(frame: pd.DataFrame, model: str, groups: str) -> str:
    right = int(frame["expected"].between(frame["low"], frame["high"]).sum())
    message = "{model} forecast within the margin of chance for {right:count} of {all:count} {groups:words}"
    return say(message, model=model, right=right, all=len(frame), groups=groups)
