"""The data in a page: what the company's tables hold, and the business month by month."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd

from crm_lib import language, schema
from crm_lib.company import Company
from crm_lib.customers import exact_sum, is_purchase
from crm_lib.exhibit import Table
from crm_lib.figures.chart import Chart
from crm_lib.figures.columns import table
from crm_lib.figures.forms import curve
from crm_lib.language import say


def facts(company: Company) -> Table:
    """Return what the company's tables hold.

    One row per table that can be used: rows in the source, rejected, later than ``as_of``, used; first and last day.
    """
    summary = company.check_all().summary()
    frame = summary[summary["available"].astype(bool)].drop(columns=["available", "origin"])
    frame.index = pd.Index([_label(name) for name in frame.index], name="table")
    frame["last"] = [min(day, company.as_of) if isinstance(day, dt.date) else day for day in frame["last"]]
    note = "Rejected rows lack what an analysis cannot do without; rows after the report's day are not looked at."
    return table("data", "What the company's tables hold", frame, note=note)


def faults(company: Company) -> Table:
    """Return what the check of the company's tables found, a row a kind of fault; empty where all is well."""
    found = company.check_all().to_frame()[["table", "column", "kind", "count", "treatment"]]
    found = found.assign(table=[_label(name) for name in found["table"]])
    return table(
        "faults",
        "What the check of the data found",
        found.sort_values("count", ascending=False, kind="stable"),
        labels={"kind": "What is wrong"},
        note="" if len(found) else "Nothing was found wrong.",
        rows=12,
    )


def monthly(company: Company) -> pd.DataFrame:
    """Return revenue and active customers of every month.

    Indexed by ``month`` (first day): ``revenue`` (net of returns), ``customers`` (who bought), ``new`` (who bought for
    the first time ever), ``returning`` and ``complete`` (whether the data cover the whole month).
    """
    lines = company.table("transactions")
    lines = lines.mutate(month=lines.ordered_at.truncate("M").date(), bought=is_purchase(lines))
    first = lines.group_by("customer_id").agg(first=lines.month.min(where=lines.bought))
    joined = lines.left_join(first, "customer_id")
    joined = joined.mutate(is_new=(joined.first == joined.month).fill_null(False) & joined.bought)
    by_month = joined.group_by("month").agg(
        revenue=exact_sum(joined.revenue),
        customers=joined.customer_id.nunique(where=joined.bought),
        new=joined.customer_id.nunique(where=joined.is_new),
    )
    frame: pd.DataFrame = by_month.order_by("month").execute()
    frame["month"] = pd.to_datetime(frame["month"])
    # A month without a line is a month of nothing, not a month that is missing.
    frame = frame.set_index("month").asfreq("MS", fill_value=0)
    frame["returning"] = frame["customers"] - frame["new"]
    begins = pd.Timestamp(lines.aggregate(first=lines.ordered_at.date().min()).execute().iloc[0, 0])
    months = pd.DatetimeIndex(frame.index)
    # The first month counts as whole when its lines begin within the first three days.
    frame["complete"] = (months + pd.Timedelta(days=2) >= begins) & (
        months + pd.offsets.MonthEnd(0) <= pd.Timestamp(company.as_of)
    )
    return frame


def monthly_chart(company: Company) -> Chart:
    """Draw the revenue of the months that the data cover whole; the table holds all months and who bought."""
    frame = monthly(company)
    whole = frame[frame["complete"]] if frame["complete"].any() else frame
    lately = whole.tail(12)
    buyers = float(lately["customers"].sum())
    told = {"money": float(lately["revenue"].mean()), "currency": company.currency}
    told["new"] = float(lately["new"].sum()) / buyers if buyers else float("nan")
    note = "A new customer has not bought before in these data: in the first months everybody is new."
    title = "Revenue and active customers by month"
    shown = frame.assign(complete=np.where(frame["complete"], language.text("yes"), language.text("no")))
    return curve(
        whole,
        ["revenue"],
        name="months",
        headline=say("{money:short} a month lately; {new:share} of a month's buyers are new", **told),
        title=say("Revenue a month, net of returns; months that the data cover whole"),
        about=say("In the last {n} whole months {customers:count} customers buy in a month.", n=len(lately),
                  customers=lately["customers"].mean()),
        currency=company.currency,
        table=table("months", title, shown, currency=company.currency, note=note, rows=40),
    )  # fmt: skip


def _label(name: object) -> str:
    return language.text(schema.TABLES[str(name)].label)
