"""The value of all customers together: earned so far, still to come, and what could be added; and who holds it."""

from __future__ import annotations

import numpy as np
import pandas as pd

from crm_lib import language
from crm_lib.clv.intervals import equal_tails
from crm_lib.clv.value import CustomerValue
from crm_lib.exhibit import Kind, Table
from crm_lib.figures.chart import Chart
from crm_lib.figures.style import BLUE, GREEN, INK, QUIET, headline, money_axis, new_axes, short_money

_STEPS = {"historical": "Earned so far", "current": "Still to come", "potential": "Could be added"}
_SUM = "In all"
_COLOURS = {"Earned so far": "#9aa3ad", "Still to come": BLUE, "Could be added": GREEN, _SUM: "#6b747f"}


def equity_waterfall(value: CustomerValue) -> Chart:
    """Draw what customers have brought, what they will bring as things go on, and what they could add.

    Parameters
    ----------
    value : CustomerValue
        The values.

    Returns
    -------
    Chart
        Bars that stand on one another's ends, with intervals, and their sum.
    """
    frame = _steps(value)
    axes = new_axes(3.9)
    places = np.arange(len(frame), dtype=float)
    colours = [_COLOURS[str(name)] for name in frame.index]
    bottom = frame["begins"].to_numpy()
    axes.bar(places, frame["value"], bottom=bottom, color=colours, width=0.6)
    for place in range(len(frame) - 1):
        top = bottom[place] + frame["value"].iloc[place]
        axes.plot([place - 0.3, place + 1.3], [top, top], color=QUIET, linewidth=0.8, linestyle=(0, (2, 2)))
    ends = bottom + frame["value"].to_numpy()
    drawn = frame["low"].notna() & (frame["low"] < frame["high"])
    reach = (bottom + frame["low"])[drawn], (bottom + frame["high"])[drawn]
    # A white rim keeps the interval visible where it lies on its bar.
    axes.vlines(places[drawn], *reach, color="white", linewidth=4.6)
    axes.vlines(places[drawn], *reach, color=INK, linewidth=2)
    highest = np.fmax(ends, (bottom + frame["high"]).to_numpy())
    for place, amount in enumerate(frame["value"]):
        axes.annotate(
            short_money(float(amount), value.currency), (place, float(np.fmax(highest[place], 0))), xytext=(0, 5),
            textcoords="offset points", ha="center", fontweight="bold", color=INK,
        )  # fmt: skip
    axes.set_xticks(places, [language.text(str(name)) for name in frame.index], color=INK)
    axes.grid(axis="x", visible=False)
    axes.spines["left"].set_visible(False)
    low, high = min(0.0, float(np.nanmin(bottom + frame["low"].fillna(0.0)))), float(np.nanmax(highest))
    axes.set_ylim(low * 1.08, max(high, 1e-9) * 1.12)
    money_axis(axes, value.currency)
    basis = language.text(value.basis)
    axes.set_title(
        language.text("{basis} of all customers, discounted at {rate} a year; lines: {level} intervals").format(
            basis=basis[:1].upper() + basis[1:],
            rate=language.share(value.annual_rate, 1 if value.annual_rate * 100 % 1 else 0),
            level=language.share(value.level),
        ),
        loc="left", fontsize=9.5, color=QUIET,
    )  # fmt: skip
    totals = value.totals
    words = {
        "historical": short_money(totals["historical"].value, value.currency),
        "current": short_money(totals["current"].value, value.currency),
        "current_estimate": str(totals["current"]),
        "potential_estimate": str(totals["potential"]) if "potential" in totals else language.text("not known"),
        "customers": language.number(len(value.frame), 0),
        "day": language.date(value.as_of),
        "basis": basis,
    }
    headline(axes, language.text("Customers have brought {historical}; {current} is still to come").format(**words))
    return Chart(
        name="equity",
        title=language.text("Value of {customers} customers on {day}, in {basis}").format(**words),
        axes=axes,
        alt=language.text(
            "Bars that stand on one another. {customers} customers have brought {historical} so far; still to come, as "
            "things go on, is {current_estimate}; what could be added is {potential_estimate}."
        ).format(**words),
        table=Table(
            name="equity",
            title="Value of all customers together",
            frame=frame.drop(columns="begins"),
            kinds={"value": "money", "low": "money", "high": "money"},
            labels={"part": "Part of the value", "low": "From", "high": "To"},
            currency=value.currency,
            note=" ".join([value.convention, value.rule.text]),
        ),
    )


def equity_table(frame: pd.DataFrame, *, currency: str, by: str = "group", name: str = "equity_by") -> Table:
    """Return the value of groups of customers.

    Parameters
    ----------
    frame : DataFrame
        What :func:`crm_lib.clv.equity_by` gives.
    currency : str
        ISO code.
    by : str
        What the groups are, as a reader calls them.
    name : str
        Short name, unique in the notebook.

    Returns
    -------
    Table
        One row a group, in the order of `frame`.
    """
    kinds: dict[str, Kind] = {
        "customers": "count", "historical": "money", "current": "money", "current_low": "money",
        "current_high": "money", "potential": "money", "share_of_equity": "share",
    }  # fmt: skip
    labels = {
        "historical": "Earned so far",
        "current": "Still to come",
        "current_low": "From",
        "current_high": "To",
        "potential": "Could be added",
        "share_of_equity": "Share of what is to come",
    }
    shown = frame[[column for column in kinds if column in frame]].copy()
    shown.index = pd.Index([language.text(str(group)) for group in frame.index], name="group")
    shown.insert(2 if "historical" in shown else 1, "mean", shown["current"] / shown["customers"])
    return Table(
        name=name,
        title=language.text("Value of customers by {by}").format(by=language.text(by)),
        frame=shown,
        kinds={"group": "text", "mean": "money", **{column: kind for column, kind in kinds.items() if column in shown}},
        labels={
            "group": by[:1].upper() + by[1:],
            "mean": "Still to come, a customer",
            **{column: label for column, label in labels.items() if column in shown},
        },
        currency=currency,
        rows_shown=40,
    )


def _steps(value: CustomerValue) -> pd.DataFrame:
    """Return one row a bar: its size, the interval of its size, and where it begins."""
    totals = value.totals
    rows = [
        (label, totals[name].value, totals[name].low, totals[name].high)
        for name, label in _STEPS.items()
        if name in totals and np.isfinite(totals[name].value)
    ]
    frame = pd.DataFrame(rows, columns=["part", "value", "low", "high"]).set_index("part")
    frame["begins"] = frame["value"].cumsum() - frame["value"]
    everybody = np.zeros(len(value.frame), dtype=np.intp)
    drawn = value.future.by_group(everybody, 1)
    low, high = equal_tails(totals["historical"].value + drawn.current + drawn.potential, value.level)
    total = float(frame["value"].sum())
    frame.loc[_SUM] = [total, min(float(low[0]), total), max(float(high[0]), total), 0.0]
    return frame
