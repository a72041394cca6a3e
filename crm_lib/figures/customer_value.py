"""What customers are worth: all of them, by year, model and group, how unevenly, who most, and beside the truth."""

from __future__ import annotations

import numpy as np
import pandas as pd

from crm_lib.clv import CustomerValue
from crm_lib.clv.future_value import mean_and_ends
from crm_lib.errors import TooLittleData
from crm_lib.estimate import LEVEL
from crm_lib.exhibit import Table
from crm_lib.figures.chart import Chart
from crm_lib.figures.columns import table
from crm_lib.figures.forms import bars, calibration, curve
from crm_lib.figures.style import BLUE, GREEN
from crm_lib.language import say

_COLOURS = ("#9aa3ad", BLUE, GREEN, "#6b747f")
_TOP = 0.2
"""Share of customers looked at as the best."""


def equity_waterfall(value: CustomerValue) -> Chart:
    """Draw what customers have brought, what they will bring as things go on, and what they could add."""
    totals, drawn = value.totals, value.future.total()
    parts = {say("Earned so far"): "historical", say("Still to come"): "current", say("Could be added"): "potential"}
    rows = [(name, totals[key].value, totals[key].low, totals[key].high) for name, key in parts.items()]
    ((mean,), (low,), (high,)) = mean_and_ends(totals["historical"].value + drawn.current + drawn.potential)
    rows.append((say("In all"), float(mean), float(low), float(high)))
    frame = pd.DataFrame(rows, columns=["part", "value", "low", "high"]).set_index("part")
    title = say(
        "Value of {n:count} customers on {day}, {basis:words}", n=len(value.frame), day=value.as_of, basis=value.basis
    )
    note = f"{value.convention} {value.rule.text}"
    return bars(
        frame.assign(begins=[0.0, *frame["value"].cumsum().iloc[:2], 0.0]),
        "value",
        low="low",
        high="high",
        start="begins",
        colours=dict(zip(frame.index, _COLOURS, strict=True)),
        name="equity",
        headline=say(
            "Customers have brought {so_far:short}; {to_come:short} is still to come",
            so_far=totals["historical"].value, to_come=totals["current"].value, currency=value.currency,
        ),
        title=title,
        currency=value.currency,
        table=table("equity", title, frame, currency=value.currency, note=note),
    )  # fmt: skip


def year_table(frame: pd.DataFrame) -> Table:
    """Return how much of the value to come arises within so many years."""
    words = np.where(frame["observed"], say("within the length of the data"), say("beyond the length of the data"))
    return table(
        "value_by_year",
        say("How soon the value to come arises"),
        frame[["value", "share"]].assign(basis=words),
        currency=frame.attrs["currency"],
        labels={"years": "Within years", "share": "Share of all to come", "basis": "Forecast"},
        note=say(
            "What lies beyond the length of the data rests on the model alone: where most of the value lies there, do "
            "not borrow against it."
        ),
    )


def model_value_table(frame: pd.DataFrame) -> Table:
    """Return the value to come under the chosen model and others."""
    chosen = frame.iloc[0]
    differs = frame["current"] / chosen["current"] - 1 if chosen["current"] > 0 else frame["current"] * np.nan
    apart = frame["current"].max() - frame["current"].min() > chosen["current_high"] - chosen["current_low"]
    note = "The models lie further apart than the interval is wide: the choice of model is the larger doubt. Plan with "
    note += "the lower values."
    return table(
        "value_by_model",
        say("Value to come by model, the chosen one first"),
        frame.assign(differs=differs),
        currency=frame.attrs["currency"],
        labels={"differs": "Against the chosen"},
        kinds={"differs": "share"},
        note=say(note) if apart else say("The models lie no further apart than the interval is wide."),
    )


def value_distribution_chart(value: CustomerValue) -> Chart:
    """Draw what share of the value to come the most valuable customers hold."""
    amounts = np.sort(value.frame["current"].to_numpy(dtype=float))[::-1]
    if not amounts.sum() > 0:
        raise TooLittleData("needs value to come; customers are not expected to bring any")
    held = np.append(0.0, np.cumsum(amounts)) / amounts.sum()
    shares = np.linspace(0, 1, 41)
    curve_ = np.interp(shares, np.linspace(0, 1, len(held)), held)
    frame = pd.DataFrame({"value_share": curve_}, pd.Index(shares, name="customer_share"))
    best = float(np.interp(_TOP, shares, curve_))
    words = say("{top:share} hold {best:share}", top=_TOP, best=best)
    return curve(
        frame,
        ["value_share"],
        diagonal=True,
        marked=pd.DataFrame({"x": [_TOP], "y": [best]}, index=[words]),
        name="value_distribution",
        headline=say("The best {top:share} of customers hold {best:share} of the value to come", top=_TOP, best=best),
        title=say("Share of the value to come held by the most valuable customers, on {day}", day=value.as_of),
        about=say(
            "The mean is {mean:short} a customer and the median {median:short}.",
            mean=amounts.mean(), median=np.median(amounts), currency=value.currency,
        ),
        note=say("Expected values; what customers will in fact bring is spread more widely."),
    )  # fmt: skip


def top_customers_table(value: CustomerValue, *, most: int = 10) -> Table:
    """Return the customers whose value to come is highest, with the interval of what is expected."""
    columns = ["current", "current_low", "current_high", "historical", "potential"]
    frame = value.frame.sort_values("current", ascending=False, kind="stable").head(most)
    frame = frame[[*columns, "probability_alive", "expected_purchases"]]
    return table(
        "top_customers",
        say("The most valuable customers"),
        frame.rename_axis("customer_id"),
        currency=value.currency,
        rows=most,
        note=say(
            "{level:share} intervals of what is expected; what a single customer will bring varies far more. Purchases "
            "are expected in {days:count} days.",
            level=LEVEL, days=value.horizon_days,
        ),
    )  # fmt: skip


def equity_table(frame: pd.DataFrame, *, by: str) -> Table:
    """Return the value of groups of customers; `by` is what a reader calls the groups."""
    shown = frame[
        ["customers", "historical", "current", "current_low", "current_high", "potential", "value_share"]
    ].copy()
    shown.insert(2, "mean_value", shown["current"] / shown["customers"])
    return table(
        "equity_by_" + by.replace(" ", "_"),
        say("Value of customers by {by:words}", by=by),
        shown,
        currency=frame.attrs["currency"],
        labels={"group": by.capitalize(), "mean_value": "Still to come, a customer", "value_share": "Share of that"},
        rows=40,
    )


def value_truth_chart(truth: pd.DataFrame) -> Chart:
    """Draw estimated against true value to come by tenths of the customers of a simulated company."""
    tenth = np.ceil(truth["value"].rank().to_numpy() / len(truth) * 10).astype(int)
    groups = truth.groupby(pd.Index(tenth, name="tenth"))
    frame = groups.mean().assign(customers=groups.size())
    reach = 1.96 * groups["true_value"].std() / np.sqrt(frame["customers"])
    frame = frame.assign(low=frame["true_value"] - reach, high=frame["true_value"] + reach)
    return calibration(
        frame[["value", "true_value", "low", "high", "customers"]],
        told="value",
        was="true_value",
        kind="money",
        name="value_truth",
        headline=say(
            "Estimated value to come is {off:share} of the true total; the ranks correlate at {rank:number2}",
            off=truth["value"].sum() / truth["true_value"].sum(), rank=truth.corr("spearman").iloc[0, 1],
        ),
        title=say("Value to come of a customer, estimated and true, by tenth of {n:count} customers", n=len(truth)),
        currency=truth.attrs["currency"],
    )  # fmt: skip
