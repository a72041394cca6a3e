"""Where money is earned and lost: profit and returns by group."""

from __future__ import annotations

from crm_lib.exhibit import Table
from crm_lib.figures.chart import Chart
from crm_lib.figures.columns import table
from crm_lib.figures.forms import bars, dots
from crm_lib.language import say
from crm_lib.segments.profit import EVEN, STRIKING, ProfitTable, by_value, dimension_label, losses, returns_by_group

_MOST = 15
"""Groups drawn; the table behind a chart has all."""


def profit_chart(profit: ProfitTable) -> Chart:
    """Draw what the groups of one dimension bring, with the margin rate, or else the share returned, written beside."""
    kind, ordered = profit.value_kind, by_value(profit)
    shown = ordered.head(_MOST)
    shown = shown.assign(beside=[_beside(row) for row in shown.to_dict("records")])
    total = float(profit.totals[kind])
    share = float(ordered[kind].iloc[0]) / total if total > 0 else float("nan")
    told = {"group": str(ordered.index[0]), "share": share, "kind": kind, "days": profit.days}
    return bars(
        shown,
        kind,
        beside="beside",
        name=f"profit_{profit.dimensions[0]}",
        headline=say("{group} brings most: {share:share} of {kind:words}", **told),
        title=say("{kind:words} by {by} in {days} days", by=profit.label, **told).capitalize(),
        currency=profit.currency,
        table=profit_cells(profit),
    )


def profit_cells(profit: ProfitTable) -> Table:
    """Return the cells of the profit table, the largest first."""
    note = "Revenue and margin are net of returns. A customer or an order counts in every row that it touches."
    if profit.pooled:
        note += " {n:count} cells with fewer than ten customers are pooled."
    return table(
        "profit" if len(profit.dimensions) > 1 else f"profit_{profit.dimensions[0]}",
        say("What each group brings"),
        by_value(profit),
        currency=profit.currency,
        note=say(note, n=profit.pooled),
        labels=_named(profit),
    )


def loss_cells(profit: ProfitTable) -> Table:
    """Return the cells where money is lost, the largest amounts first, and whether chance could have made them so."""
    frame = losses(profit)
    found, holding = len(frame), int(frame["holds"].sum())
    title = "No cell loses money or has a striking share of returns"
    if found:
        title = "{holding:count} of {found:count} suspected losses hold; the others may be chance"
        title = title if holding else "None of {found:count} suspected losses holds: all may be chance"
    frame["evidence"] = [say("holds" if holds else "may be chance") for holds in frame.pop("holds")]
    frame["problem"] = [say(problem) for problem in frame["problem"]]
    note = (
        "Suspected is a negative margin, or {times:number} times the usual share of returns. With {looks:count} looks "
        "some cells are bad by chance: p-values are corrected for all of them (Holm)."
    )
    return table(
        "losses",
        say(title, holding=holding, found=found),
        frame,
        currency=profit.currency,
        rows=10,
        note=say(note, times=STRIKING, looks=frame.attrs["looks"]),
        labels={"amount": say("Lost, or returned above the usual"), **_named(profit)},
    )


def returns_chart(profit: ProfitTable) -> Chart:
    """Draw the share of returns of every group against the company's, with intervals that hold together."""
    frame = returns_by_group(profit)
    above = int((frame["low"] > EVEN).sum())
    headline = "{usual:share1} of sales come back; no group is clearly out of line"
    if above:
        headline = "{usual:share1} of sales come back; {above:count} of {n:count} groups are clearly out of line"
    name, title = f"returns_{profit.dimensions[0]}", say("Share returned, as a multiple of the company's")
    note = say("All intervals hold at once; up to {even:number1} times counts as even.", even=EVEN)
    return dots(
        frame.head(_MOST),
        "times",
        reference=EVEN,
        reference_label=say("counts as even up to here"),
        name=name,
        headline=say(headline, usual=profit.usual_returns, above=above, n=len(frame)),
        title=title,
        table=table(name, title, frame, note=note, labels=_named(profit)),
    )


def _named(profit: ProfitTable) -> dict[str, str]:
    return {name: dimension_label(name).capitalize() for name in profit.dimensions}


def _beside(row: dict[object, float]) -> str:
    if "margin_rate" in row:
        return say("({rate:share} of revenue)", rate=row["margin_rate"])
    return say("({share:share1} returned)", share=row["returns_share"])
