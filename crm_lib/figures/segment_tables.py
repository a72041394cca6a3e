"""Tables of who the customers are, with the labels and number forms readers see."""

from __future__ import annotations

import pandas as pd

from crm_lib import language
from crm_lib.exhibit import Kind, Table
from crm_lib.segments import ProfitTable, losses
from crm_lib.segments.tables.profit_table import SMALL_GROUPS, dimension_label


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
