"""What the customer bought and returned."""

from __future__ import annotations

import pandas as pd

from crm_lib import language
from crm_lib.customer_page.section import MOST, Section, worded
from crm_lib.customer_page.subject import Subject
from crm_lib.errors import MissingData
from crm_lib.exhibit import Kind, Skipped, Table, when_possible
from crm_lib.figures import Chart, customer_history_chart


def purchases(subject: Subject) -> Section:
    """Return orders and returns, what was bought most, and the chart of the history.

    Parameters
    ----------
    subject : Subject
        The customer.

    Raises
    ------
    MissingData
        If the customer has no order line.
    """
    lines = told_lines(subject)
    company = subject.company
    bought = lines[~lines["back"]]
    facts = [("Orders", language.number(bought["order_id"].nunique(), 0))]
    if len(bought):
        first, last = bought["ordered_at"].min(), bought["ordered_at"].max()
        days = subject.days_since(last)
        ago = language.plural("{n} day ago", "{n} days ago", days) if days else language.text("on the last day")
        facts += [("First order", subject.day(first)), ("Last order", f"{subject.day(last)} ({ago})")]
    facts.append(("Revenue, net of returns", language.money(float(lines["revenue"].sum()), company.currency)))
    if company.has("transactions", "margin") and lines["margin"].notna().any():
        facts.append(("Margin", language.money(float(lines["margin"].sum()), company.currency)))
    facts.append(
        ("Returned", language.money(-float(lines.loc[lines["back"], "revenue"].sum()) + 0.0, company.currency))
    )
    for name, label in (("category", "Most bought"), ("channel", "Buys through")):
        if name in bought and bought[name].notna().any():
            most = bought.groupby(name)["revenue"].sum().sort_values(ascending=False, kind="stable").head(3)
            facts.append((label, ", ".join(map(str, most.index))))
    return Section(
        key="purchases",
        title="What was bought",
        facts=worded(facts),
        tables=(_orders(lines, company.currency),),
        charts=_chart(subject, bought),
    )


def told_lines(subject: Subject) -> pd.DataFrame:
    """Return the customer's order lines, with ``back`` for returns.

    Parameters
    ----------
    subject : Subject
        The customer.

    Raises
    ------
    MissingData
        If there is none.
    """
    lines = subject.rows("transactions")
    if lines.empty:
        raise MissingData("transactions")
    back = lines["revenue"] < 0
    if "quantity" in lines:
        back |= (lines["quantity"] < 0).fillna(False)
    return lines.assign(back=back)


def _orders(lines: pd.DataFrame, currency: str) -> Table:
    """Return one row an order, the newest first; what came back of an order is a row of its own."""
    by = lines.groupby(["order_id", "back"], sort=False)
    columns = {"day": ("ordered_at", "min"), "lines": ("revenue", "size"), "revenue": ("revenue", "sum")}
    frame = by.agg(**columns)
    for name in ("category", "channel"):
        if name in lines:
            frame[name] = by[name].agg(lambda values: ", ".join(sorted(set(values.dropna().astype(str)))))
    frame = frame.reset_index().sort_values(["day", "order_id"], ascending=False, kind="stable")
    words = {False: language.text("purchase"), True: language.text("return")}
    frame.insert(1, "kind", [words[bool(back)] for back in frame.pop("back")])
    shown = frame[["day", *(name for name in frame if name != "day")]].head(MOST).reset_index(drop=True)
    note = ""
    if len(frame) > MOST:
        counts = {"shown": language.number(MOST, 0), "all": language.number(len(frame), 0)}
        note = language.text("The newest {shown} of {all}.").format(**counts)
    kinds: dict[str, Kind] = {
        "day": "date", "order_id": "text", "kind": "text", "lines": "count", "revenue": "money", "category": "text",
        "channel": "text",
    }  # fmt: skip
    return Table(
        name="customer_orders",
        title="Orders and returns",
        frame=shown,
        kinds={name: kind for name, kind in kinds.items() if name in shown},
        labels={"order_id": "Order"},
        currency=currency,
        note=note,
        rows_shown=MOST,
    )


def _chart(subject: Subject, bought: pd.DataFrame) -> tuple[Chart, ...]:
    value = subject.value
    if not subject.with_charts or bought.empty or isinstance(value, Skipped):
        return ()
    drawn = when_possible(
        "history",
        customer_history_chart,
        value.future.model,
        bought["ordered_at"].dt.normalize(),
        as_of=subject.as_of,
        customer=subject.customer_id,
    )
    return () if isinstance(drawn, Skipped) else (drawn,)
