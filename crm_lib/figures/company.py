"""The data in a page: what the company's tables hold, and the business month by month."""

from __future__ import annotations

import datetime as dt

import matplotlib.dates as mdates
import numpy as np
import pandas as pd

from crm_lib import language, schema
from crm_lib.company import Company
from crm_lib.customers import exact_sum, is_purchase
from crm_lib.exhibit import Table
from crm_lib.figures.chart import Chart
from crm_lib.figures.style import BLUE, ORANGE, QUIET, headline, money_axis, new_panels, number_axis, short_money


def facts(company: Company) -> Table:
    """Return what the company's tables hold.

    Parameters
    ----------
    company : Company
        The company.

    Returns
    -------
    Table
        One row per table that can be used: rows in the source, rejected, later than ``as_of``, used; first and last
        day.
    """
    summary = company.check_all().summary()
    summary = summary[summary["available"].astype(bool)]
    frame = summary[["rows", "rejected", "cut", "kept", "first", "last"]].copy()
    frame.index = pd.Index([language.text(schema.TABLES[str(name)].label) for name in frame.index], name="table")
    frame["last"] = [min(day, company.as_of) if isinstance(day, dt.date) else day for day in frame["last"]]
    return Table(
        name="data",
        title="What the company's tables hold",
        frame=frame,
        kinds={"rows": "count", "rejected": "count", "cut": "count", "kept": "count", "first": "date", "last": "date"},
        labels={"cut": "After the report's day", "kept": "Used", "first": "First day", "last": "Last day"},
        note="Rejected rows lack what an analysis cannot do without; rows after the report's day are not looked at.",
    )


def faults(company: Company) -> Table:
    """Return what the check of the company's tables found, by reason.

    Parameters
    ----------
    company : Company
        The company.

    Returns
    -------
    Table
        One row per kind of fault: table, column, what is wrong, rows, and what was done about it; empty where all is
        well.
    """
    found = company.check_all().to_frame()[["table", "column", "kind", "count", "treatment"]].copy()
    labels = {name: language.text(contract.label) for name, contract in schema.TABLES.items()}
    found["table"] = [labels.get(name, name) for name in found["table"]]
    return Table(
        name="faults",
        title="What the check of the data found",
        frame=found.sort_values("count", ascending=False, kind="stable"),
        kinds={"count": "count"},
        labels={"kind": "What is wrong", "count": "Rows", "treatment": "What was done"},
        note="" if len(found) else "Nothing was found wrong.",
        rows_shown=12,
    )


def monthly(company: Company) -> pd.DataFrame:
    """Return revenue and active customers of every month.

    Parameters
    ----------
    company : Company
        The company.

    Returns
    -------
    DataFrame
        Indexed by ``month`` (first day): ``revenue`` (net of returns), ``customers`` (who bought), ``new`` (who bought
        for the first time ever), ``returning`` and ``complete`` (whether the data cover the whole month).
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
    """Draw revenue and active customers, new against returning, month by month.

    Parameters
    ----------
    company : Company
        The company.

    Returns
    -------
    Chart
        Two panels over one time axis; months that the data do not cover whole are drawn pale.
    """
    frame = monthly(company)
    whole = (frame[frame["complete"]] if frame["complete"].any() else frame).tail(12)
    upper, lower = new_panels(4.6, [1, 1.15])
    pale = np.where(frame["complete"], 1.0, 0.4)
    width = 24.0  # days, the unit of matplotlib's dates
    months = pd.DatetimeIndex(frame.index) + pd.Timedelta(days=14)
    for alpha in sorted(set(pale)):
        rows = pale == alpha
        upper.bar(months[rows], frame["revenue"][rows], width=width, color=BLUE, alpha=alpha, linewidth=0)
        lower.bar(months[rows], frame["returning"][rows], width=width, color=BLUE, alpha=alpha, linewidth=0)
        lower.bar(
            months[rows], frame["new"][rows], width=width, bottom=frame["returning"][rows], color=ORANGE, alpha=alpha,
            linewidth=0,
        )  # fmt: skip
    money_axis(upper, company.currency)
    number_axis(lower)
    locator = mdates.AutoDateLocator(minticks=3, maxticks=8)  # type: ignore[no-untyped-call]
    lower.xaxis.set_major_locator(locator)
    formatter = mdates.ConciseDateFormatter(locator, show_offset=False)  # type: ignore[no-untyped-call]
    lower.xaxis.set_major_formatter(formatter)
    for panel in (upper, lower):
        panel.grid(axis="x", visible=False)
        panel.spines["left"].set_visible(False)
    upper.set_title(language.text("Revenue a month, net of returns"), loc="left", fontsize=9.5, color=QUIET)
    lower.set_title(language.text("Customers who bought in the month:"), loc="left", fontsize=9.5, color=QUIET)
    for shift, words, colour in ((0.38, "returning", BLUE), (0.51, "new", ORANGE)):
        lower.annotate(
            language.text(words),
            (shift, 1.035),
            xycoords="axes fraction",
            color=colour,
            fontweight="bold",
            fontsize=9.5,
        )
    mean, new_share = float(whole["revenue"].mean()), _share(whole)
    title = language.text("{money} a month lately; {new} of a month's buyers are new").format(
        money=short_money(mean, company.currency), new=language.share(new_share)
    )
    headline(upper, title)
    return Chart(
        name="months",
        title="Revenue and active customers by month",
        axes=upper,
        alt=language.text(
            "Two bar charts over {months} months. In the last {last} whole months revenue averages {money} a month, "
            "between {low} and {high}, and {customers} customers buy in a month; {new} of them are new."
        ).format(
            months=len(frame),
            last=len(whole),
            money=short_money(mean, company.currency),
            low=short_money(float(whole["revenue"].min()), company.currency),
            high=short_money(float(whole["revenue"].max()), company.currency),
            customers=language.number(whole["customers"].mean(), 0),
            new=language.share(new_share),
        ),
        table=_monthly_table(frame, company.currency),
    )


def _share(frame: pd.DataFrame) -> float:
    buyers = float(frame["customers"].sum())
    return float(frame["new"].sum()) / buyers if buyers else float("nan")


def _monthly_table(frame: pd.DataFrame, currency: str) -> Table:
    shown = frame.assign(complete=np.where(frame["complete"], language.text("yes"), language.text("no")))
    return Table(
        name="months",
        title="Revenue and active customers by month",
        frame=shown,
        kinds={"revenue": "money", "customers": "count", "new": "count", "returning": "count", "month": "date"},
        labels={"customers": "Customers who bought", "new": "New", "complete": "Month is whole"},
        currency=currency,
        note="Months that the data do not cover whole are drawn pale. New is who has not bought before in these data: "
        "in the first months everybody is.",
        rows_shown=40,
    )
