"""What customers of each channel are worth against what winning them cost."""

from __future__ import annotations

import dataclasses

import numpy as np
import pandas as pd

from crm_lib import language
from crm_lib.clv.acquisition import Acquisition
from crm_lib.errors import TooLittleData
from crm_lib.exhibit import Table
from crm_lib.figures.chart import Chart
from crm_lib.figures.profit import shorten
from crm_lib.figures.style import BLUE, INK, ORANGE, QUIET, headline, money_axis, new_axes, short_money


def channel_value_chart(acquisition: Acquisition, *, most: int = 12) -> Chart:
    """Draw the lifetime value of a customer won through each channel against the cost of winning one.

    Parameters
    ----------
    acquisition : Acquisition
        Values and costs by channel.
    most : int
        Channels drawn, those with the most customers; the table behind the chart has all.

    Returns
    -------
    Chart
        For each channel the value with its interval and the cost; how soon the cost is paid back is written beside.

    Raises
    ------
    TooLittleData
        If there is no channel with a known cost.
    """
    currency = acquisition.currency
    frame = acquisition.frame.dropna(subset=["cost", "clv"])
    if len(frame) == 0:
        raise TooLittleData("there is no channel with a known cost of acquisition", table="acquisition_costs")
    judged = _judged(frame)
    shown = frame.sort_values("customers", ascending=False, kind="stable").head(most).sort_values("clv", kind="stable")
    rows = np.arange(len(shown))
    losing = (judged.loc[shown.index] == "loses").to_numpy()
    colours = np.where(losing, ORANGE, BLUE).tolist()
    axes = new_axes(1.7 + 0.36 * max(len(shown), 3))
    axes.hlines(rows, shown["clv_low"], shown["clv_high"], color=colours, linewidth=2.6, alpha=0.6)
    axes.scatter(shown["clv"], rows, color=colours, s=38, zorder=3)
    axes.vlines(shown["cost"], rows - 0.3, rows + 0.3, color=INK, linewidth=2.2)
    low = min(0.0, float(shown["clv_low"].min()))
    high = float(max(shown["clv_high"].max(), shown["cost"].max()))
    axes.set(xlim=(low * 1.05, high * 1.75), ylim=(-0.7, len(shown) - 0.1))
    axes.set_yticks(rows, [shorten(str(name)) for name in shown.index], color=INK)
    axes.set_xticks([tick for tick in axes.get_xticks() if low * 1.05 <= tick <= high * 1.02])
    axes.grid(axis="y", visible=False)
    axes.spines["left"].set_visible(False)
    money_axis(axes, currency, which="x")
    axes.set_xlabel(language.text("A customer, on average"))
    for row, (_, channel) in enumerate(shown.iterrows()):
        axes.annotate(
            _beside(channel), (max(float(channel["clv_high"]), float(channel["cost"])), row), xytext=(8, 0),
            textcoords="offset points", va="center", fontsize=8.5, color=QUIET,
        )  # fmt: skip
    axes.set_title(
        language.text("Dot and line: lifetime value with interval; upright mark: cost of winning the customer"),
        loc="left", fontsize=9.5, color=QUIET,
    )  # fmt: skip
    words = _words(frame, judged, currency)
    headline(axes, words["title"])
    return Chart(
        name="channel_value",
        title="Lifetime value of a customer against the cost of winning one, by channel",
        axes=axes,
        alt=language.text(
            "Points with intervals for {all} channels: lifetime value of a customer against the cost of winning one. "
            "Surely worth more than they cost: {paying}; surely less: {losing}; left open by the interval: {open}. "
            "Most a customer brings {best}: {best_value} at a cost of {best_cost}; least {worst}: {worst_value} at "
            "{worst_cost}."
        ).format(**words),
        table=dataclasses.replace(acquisition_table(acquisition), name="channel_value"),
    )


def acquisition_table(acquisition: Acquisition) -> Table:
    """Return what customers of each channel cost and bring, and what one may pay for one.

    Parameters
    ----------
    acquisition : Acquisition
        Values and costs by channel.

    Returns
    -------
    Table
        One row a channel, the best ratio of value to cost first.
    """
    currency = acquisition.currency
    frame = acquisition.frame.sort_values("ratio", ascending=False, kind="stable").copy()
    known = frame.dropna(subset=["cost", "clv"])
    words = {"pays": "pays", "loses": "costs more than it brings", "open": "undecided"}
    frame["payback"] = [_payback(channel) for _, channel in frame.iterrows()]
    frame["judgement"] = (
        _judged(known).map(lambda judged: language.text(words[judged])).reindex(frame.index).fillna("–")
    )
    frame["value_interval"] = _interval(frame, "clv", currency)
    frame["ratio_interval"] = _interval(frame, "ratio", "")
    frame.index = pd.Index([str(name) for name in frame.index], name="channel")
    return Table(
        name="acquisition",
        title="What customers cost and bring, by channel",
        frame=frame[
            [
                "customers", "cost", "clv", "value_interval", "ratio", "ratio_interval", "payback", "highest_bid",
                "judgement",
            ]
        ],
        kinds={
            "channel": "text", "customers": "count", "cost": "money", "clv": "money", "value_interval": "text",
            "ratio": "number", "ratio_interval": "text", "payback": "text", "highest_bid": "money", "judgement": "text",
        },
        labels={
            "cost": "Cost of winning one", "clv": "Lifetime value", "value_interval": "Its interval",
            "ratio": "Value for each unit of cost", "ratio_interval": "Its interval", "highest_bid": "Pay at most",
        },
        currency=currency,
        note="A channel pays where all of the interval of the value lies above the cost.",
        rows_shown=30,
    )  # fmt: skip


def _judged(frame: pd.DataFrame) -> pd.Series[str]:
    words = np.select([frame["clv_low"] > frame["cost"], frame["clv_high"] < frame["cost"]], ["pays", "loses"], "open")
    return pd.Series(words, index=frame.index)


def _beside(channel: pd.Series[float]) -> str:
    ratio = float(channel["ratio"])
    parts = (
        [language.text("{times} × the cost").format(times=language.number(ratio, 1 if ratio < 10 else 0))]
        if np.isfinite(ratio)
        else []
    )
    return " · ".join([*parts, _payback(channel)])


def _payback(channel: pd.Series[float]) -> str:
    days = float(channel["payback_days"])
    if np.isnan(days):
        return "–"
    if np.isinf(days):
        return language.text("not paid back")
    if days < 1:
        return language.text("paid back by the first purchase")
    written = language.plural("paid back in {n} day", "paid back in {n} days", round(days))
    low, high = float(channel["payback_low"]), float(channel["payback_high"])
    if np.isnan(low) or np.isnan(high) or low == high:
        return written
    ends = (language.number(low, 0), language.number(high, 0) if np.isfinite(high) else language.text("never"))
    return f"{written} [{ends[0]}, {ends[1]}]"


def _interval(frame: pd.DataFrame, column: str, currency: str) -> list[str]:
    ends = zip(frame[f"{column}_low"], frame[f"{column}_high"], strict=True)
    write = (lambda value: language.money(value, currency)) if currency else language.number
    return ["–" if pd.isna(low) else f"[{write(low)}, {write(high)}]" for low, high in ends]


def _words(frame: pd.DataFrame, judged: pd.Series[str], currency: str) -> dict[str, str]:
    count = {word: int((judged == word).sum()) for word in ("pays", "loses", "open")}
    best, worst = frame.iloc[int(frame["clv"].argmax())], frame.iloc[int(frame["clv"].argmin())]
    title = language.plural(
        "Customers of the one channel are worth more than they cost",
        "Customers of all {n} channels are worth more than they cost",
        len(frame),
    )
    if count["loses"]:
        one = "{n} of {{all}} channels costs more than it brings; surely paying: {{paying}}"
        many = "{n} of {{all}} channels cost more than they bring; surely paying: {{paying}}"
        title = language.plural(one, many, count["loses"])
    elif count["open"]:
        one = "{n} of {{all}} channels surely pays; for the others it is open"
        many = "{n} of {{all}} channels surely pay; for the others it is open"
        title = language.plural(one, many, count["pays"])
    places = {
        "all": language.number(len(frame), 0),
        "paying": language.number(count["pays"], 0),
        "losing": language.number(count["loses"], 0),
        "open": language.number(count["open"], 0),
        "best": str(best.name),
        "best_value": short_money(float(best["clv"]), currency),
        "best_cost": short_money(float(best["cost"]), currency),
        "worst": str(worst.name),
        "worst_value": short_money(float(worst["clv"]), currency),
        "worst_cost": short_money(float(worst["cost"]), currency),
    }
    return {**places, "title": title.format(**places)}
