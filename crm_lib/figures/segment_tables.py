"""Tables of who the customers are, with the labels and number forms readers see."""

from __future__ import annotations

import pandas as pd

from crm_lib import language
from crm_lib.exhibit import Kind, Table
from crm_lib.segments import RFM, FollowUp, ProfitTable, losses
from crm_lib.segments.tables.profit_table import SMALL_GROUPS, dimension_label

_MEASURES = {"recency": "Days since last purchase", "frequency": "Orders", "monetary": "Revenue"}


def cut_points_table(rfm: RFM, *, currency: str) -> Table:
    """Return the cut points of the scores, as ranges of values.

    Parameters
    ----------
    rfm : RFM
        Scores.
    currency : str
        ISO code.

    Returns
    -------
    Table
        One row per measure and score; values without decimals where they are counts.
    """
    frame = rfm.cut_table()
    for end in ("from", "to"):
        frame[end] = [
            _value(measure, value, currency) for measure, value in zip(frame["measure"], frame[end], strict=True)
        ]
    frame["measure"] = [language.text(_MEASURES[name]) for name in frame["measure"]]
    return Table(
        name="rfm_cut_points",
        title="What the scores mean",
        frame=frame,
        kinds={"score": "count", "customers": "count", "from": "text", "to": "text"},
        note=language.text(
            "Smallest and largest value found in each score. Customers with equal values have equal scores; where "
            "many are equal, a score may stay empty."
        )
        + _base(rfm),
    )


def _base(rfm: RFM) -> str:
    if rfm.window_days is None:
        return ""
    words = {
        "buyers": "Scored are the {n} customers who bought in the {days} days up to {day}.",
        "known": "Scored are all {n} customers who ever bought, by orders and money of the {days} days up to {day}.",
    }
    return " " + language.text(words[rfm.base]).format(
        n=language.number(len(rfm.frame), 0),
        days=language.number(rfm.window_days, 0),
        day=language.date(rfm.as_of),
    )


def segments_table(rfm: RFM, value: pd.Series[float], *, currency: str, value_label: str) -> Table:
    """Return the segments with size, value and what to do.

    Parameters
    ----------
    rfm : RFM
        Scores.
    value : Series
        Value of each customer (money).
    currency : str
        ISO code.
    value_label : str
        What the value is: "margin" or "revenue".

    Returns
    -------
    Table
        One row per segment, best first.
    """
    frame = rfm.segment_table(value)
    frame["action"] = [language.text(words) for words in frame["action"]]
    frame.index = pd.Index([language.text(str(name)) for name in frame.index], name="segment")
    word = value_label.capitalize()
    return Table(
        name="rfm_segments",
        title="The segments: size, value, action",
        frame=frame,
        kinds={
            "customers": "count", "customer_share": "share", "value": "money", "value_share": "share",
            "mean_value": "money", "median_recency": "count",
        },
        labels={
            "customer_share": "Share of customers", "value": word, "value_share": f"Share of {value_label}",
            "mean_value": f"{word} a customer", "median_recency": "Days since last purchase (median)",
        },
        currency=currency,
    )  # fmt: skip


def follow_up_table(followed: FollowUp, *, currency: str) -> Table:
    """Return what the segments of an earlier day brought afterwards.

    Parameters
    ----------
    followed : FollowUp
        Scores and later value.
    currency : str
        ISO code.

    Returns
    -------
    Table
        One row per segment, best first.
    """
    frame = followed.table()
    frame.index = pd.Index([language.text(str(name)) for name in frame.index], name="segment")
    frame["lift"] = [language.number(times, 2) for times in frame["lift"]]
    return Table(
        name="rfm_follow_up",
        title="What the segments of an earlier day brought afterwards",
        frame=frame,
        kinds={
            "customers": "count", "active_share": "share", "mean_value": "money", "value_share": "share",
            "lift": "text",
        },
        labels={
            "active_share": "Came back", "mean_value": f"{followed.value_kind.capitalize()} a customer",
            "value_share": f"Share of {followed.value_kind}", "lift": "Share of value over share of customers",
        },
        currency=currency,
    )  # fmt: skip


def profit_cells(profit: ProfitTable, *, currency: str, name: str = "profit") -> Table:
    """Return the cells of the profit table, the largest first.

    Parameters
    ----------
    profit : ProfitTable
        The cells.
    currency : str
        ISO code.
    name : str
        Short name, unique in the notebook.

    Returns
    -------
    Table
        One row per cell.
    """
    value = "margin" if profit.has_margin else "revenue"
    frame = by_value(profit.frame, value)
    kinds: dict[str, Kind] = {
        "customers": "count", "orders": "count", "revenue": "money", "margin": "money", "margin_rate": "share",
        "returns": "money", "returns_share": "share",
    }  # fmt: skip
    named = {dimension: dimension_label(dimension).capitalize() for dimension in profit.dimensions}
    notes = [
        language.text("Revenue and margin are net of returns; the share of returns is of sales before returns."),
        language.text("A customer or an order counts in every row that it touches."),
    ]
    if profit.pooled:
        pooled = (
            "{n} cell with too few customers is shown as small groups.",
            "{n} cells with too few customers are pooled.",
        )
        notes.append(language.plural(*pooled, profit.pooled))
    return Table(
        name=name,
        title="What each group brings",
        frame=frame,
        kinds={column: kind for column, kind in kinds.items() if column in frame},
        labels={"returns_share": "Share returned", **named},
        currency=currency,
        note=" ".join(notes),
    )


def by_value(frame: pd.DataFrame, value: str) -> pd.DataFrame:
    """Return the cells of a profit table, the largest first and the pooled small groups last.

    Parameters
    ----------
    frame : DataFrame
        Cells, indexed by the dimensions.
    value : str
        Column to order by.

    Returns
    -------
    DataFrame
        The same rows.
    """
    pooled = frame.index.get_level_values(0) == SMALL_GROUPS
    ordered = frame.assign(pooled=pooled).sort_values(["pooled", value], ascending=[True, False], kind="stable")
    return ordered.drop(columns="pooled")


def loss_cells(profit: ProfitTable, *, currency: str, times: float = 2.0) -> Table:
    """Return the cells where money is lost, and whether chance could have made them so.

    Parameters
    ----------
    profit : ProfitTable
        The cells.
    currency : str
        ISO code.
    times : float
        Multiple of the company's share of returns from which a cell is listed.

    Returns
    -------
    Table
        One row per cell and problem, the largest amounts first.
    """
    frame = losses(profit, times=times)
    found, holding = len(frame), int(frame["holds"].sum())
    title = "No cell loses money or has a striking share of returns"
    if holding:
        title = language.text("{holding} of {found} suspicions of a loss hold").format(
            holding=language.number(holding, 0), found=language.number(found, 0)
        )
    elif found:
        title = language.plural(
            "No loss holds: {n} suspicion, which may be chance",
            "No loss holds: {n} suspicions, all may be chance",
            found,
        )
    looks = len(profit.frame) * (2 if profit.has_margin else 1)
    judged = {True: language.text("holds"), False: language.text("may be chance")}
    frame["holds"] = [judged[bool(holds)] for holds in frame["holds"]]
    frame["problem"] = [language.text(problem) for problem in frame["problem"]]
    named = {dimension: dimension_label(dimension).capitalize() for dimension in profit.dimensions}
    note = language.text(
        "{looks} looks were taken. Some cells look bad by chance when so many are looked at: the p-values are "
        "corrected (Holm), and 'holds' means that even one false alarm in the whole list has a chance below 5%."
    ).format(looks=language.number(looks, 0))
    return Table(
        name="losses",
        title=title,
        frame=frame,
        kinds={"amount": "money", "p_value": "number"},
        labels={
            "amount": language.text("Lost, or returned above the usual ({currency} in {days} days)").format(
                currency=currency, days=language.number(profit.days, 0)
            ),
            "p_value": "Corrected p-value",
            "holds": "Evidence",
            **named,
        },
        currency=currency,
        rows_shown=10,
        note=note,
    )


def _value(measure: str, value: float, currency: str) -> str:
    if pd.isna(value):
        return "–"
    return language.money(value, currency, 2) if measure == "monetary" else language.number(value, 0)
