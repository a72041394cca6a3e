"""Memberships, campaigns, answers to surveys, recommendations."""

from __future__ import annotations

import datetime as dt

import pandas as pd

from crm_lib import language, schema
from crm_lib.customer_page.section import Section, rows_table, worded
from crm_lib.customer_page.subject import Subject, rows_of
from crm_lib.exhibit import Table
from crm_lib.segments import known_contracts, own_brand_answers

_ITEMS = ("satisfaction", "loyalty", "recommendation", "service_quality", "product_quality", "value_for_money")


def memberships(subject: Subject) -> Section:
    """Return the customer's contracts, and when the running one comes up for renewal.

    Parameters
    ----------
    subject : Subject
        The customer.

    Raises
    ------
    MissingData
        If the company has no memberships.
    """
    rows = contracts(subject)
    due = renewal_day(rows, subject.as_of)
    facts = [("Memberships", language.number(len(rows), 0))]
    facts.append(("Running", language.text("yes") if rows["running"].any() else language.text("no")))
    if due is not None:
        facts.append(("Renewal due", language.date(due)))
    columns = ("membership_id", "plan", "started_at", "ended_at", "price", "period_months", "end_reason")
    table = rows_table(
        "memberships", "Memberships", rows, columns, currency=subject.company.currency, newest="started_at"
    )
    return Section(
        key="memberships",
        title="Membership",
        facts=worded(facts),
        tables=(table,) if len(rows) else (),
    )


def contracts(subject: Subject) -> pd.DataFrame:
    """Return the customer's contracts, with ``running`` for those that run on the day of the page.

    Parameters
    ----------
    subject : Subject
        The customer.

    Raises
    ------
    MissingData
        If the company has no memberships.
    """
    return subject.among(known_contracts(subject.company))


def renewal_day(rows: pd.DataFrame, as_of: dt.date) -> dt.date | None:
    """Return the first day after `as_of` on which a contract begins a new period.

    A contract of which the end is known begins no more periods, even while it still runs to the end of its last day.

    Parameters
    ----------
    rows : DataFrame
        Rows of ``memberships``.
    as_of : date
        Day from which one looks ahead.

    Returns
    -------
    date or None
        None where no contract goes on or its period is not known.

    Examples
    --------
    >>> rows = pd.DataFrame({"started_at": pd.to_datetime(["2024-01-31"]), "period_months": [1]})
    >>> renewal_day(rows, dt.date(2024, 2, 10))
    datetime.date(2024, 2, 29)
    """
    if "period_months" not in rows:
        return None
    days = []
    going_on = rows[rows["period_months"].notna()]
    if "ended_at" in rows:
        going_on = going_on[going_on["ended_at"].isna()]
    for start, months in zip(pd.to_datetime(going_on["started_at"]), going_on["period_months"], strict=True):
        passed = (as_of.year - start.year) * 12 + as_of.month - start.month
        # Counted from the first day each time: a contract of the 31st falls due on the 31st again where there is one.
        periods = max(passed // int(months), 1)
        ahead = (start + pd.DateOffset(months=int(months) * each) for each in (periods, periods + 1))
        days.append(next(day.date() for day in ahead if day.date() > as_of))
    return min(days, default=None)


def campaigns(subject: Subject) -> Section:
    """Return the campaigns in which the customer was, with arm, offer and response.

    Parameters
    ----------
    subject : Subject
        The customer.

    Raises
    ------
    MissingData
        If the company records no campaigns.
    """
    rows = subject.rows("assignments")
    facts = [("Campaigns", language.number(len(rows), 0))]
    if "responded_at" in rows:
        facts.append(("Responses", language.number(int(rows["responded_at"].notna().sum()), 0)))
    table = rows_table(
        "assignments", "Campaigns", rows, ("campaign_id", "assigned_at", "arm", "offer", "responded_at"),
        currency=subject.company.currency, newest="assigned_at",
    )  # fmt: skip
    return Section(
        key="campaigns",
        title="Campaigns",
        facts=worded(facts),
        tables=(table,) if len(rows) else (),
    )


def answers(subject: Subject) -> Section:
    """Return what the customer answered about the own brand, the newest first.

    Parameters
    ----------
    subject : Subject
        The customer.

    Raises
    ------
    MissingData
        If the company knows no answers of its customers.
    """
    rows = own_answers(subject)
    facts = [("Answers", language.number(len(rows), 0))]
    if len(rows):
        newest = rows.iloc[0]
        for name in ("satisfaction", "recommendation"):
            if name in rows and pd.notna(newest[name]):
                label = language.text(schema.SURVEYS.column(name).label)
                score = language.text("{points} of 10").format(points=language.number(float(newest[name])))
                facts.append((f"{label} ({subject.day(newest['responded_at'])})", score))
    table = rows_table(
        "surveys", "Answers to surveys", rows, ("responded_at", "wave", *_ITEMS), currency=subject.company.currency,
        newest="responded_at",
    )  # fmt: skip
    return Section(
        key="answers",
        title="What the customer told us",
        facts=worded(facts),
        tables=(table,) if len(rows) else (),
        note=language.text("Points: 1 to 10, recommendation 0 to 10; an answer is one moment's opinion.")
        if len(rows)
        else "",
    )


def own_answers(subject: Subject) -> pd.DataFrame:
    """Return the customer's answers about the own brand, the newest first.

    Parameters
    ----------
    subject : Subject
        The customer.

    Raises
    ------
    MissingData
        If the company knows no answers of its customers.
    """
    rows = subject.among(own_brand_answers(subject.company))
    return rows.sort_values("responded_at", ascending=False, kind="stable")


def referrals(subject: Subject) -> Section:
    """Return the customers whom this one brought.

    Parameters
    ----------
    subject : Subject
        The customer.

    Raises
    ------
    MissingData
        If the company does not know who referred whom.
    """
    rows = rows_of(subject.company, "customers", "referred_by", subject.customer_id)
    facts = ((language.text("Customers brought"), language.number(len(rows), 0)),)
    table: tuple[Table, ...] = ()
    if len(rows):
        if "acquired_at" not in rows:
            rows = rows.assign(acquired_at=pd.Series(pd.NaT, index=rows.index))
        table = (
            rows_table(
                "customers", "Customers who came by recommendation", rows, ("customer_id", "acquired_at", "region"),
                currency=subject.company.currency, newest="acquired_at",
            ),
        )  # fmt: skip
    return Section(key="referrals", title="Recommendations", facts=facts, tables=table)
