"""How the customer was served: complaints, the open ones first, and contacts."""

from __future__ import annotations

import pandas as pd

from crm_lib import language
from crm_lib.customer_page.section import Section, rows_table
from crm_lib.customer_page.subject import Subject


def complaints(subject: Subject) -> Section:
    """Return the customer's complaints: those that are open by themselves, then the closed ones.

    Parameters
    ----------
    subject : Subject
        The customer.

    Raises
    ------
    MissingData
        If the company keeps no complaints.
    """
    rows = subject.rows("complaints")
    is_open = open_complaints(rows)
    facts = (
        (language.text("Complaints"), language.number(len(rows), 0)),
        (language.text("Open"), language.number(int(is_open.sum()), 0)),
    )
    told = ("complaint_id", "opened_at", "topic", "severity")
    ended = ("closed_at", "resolution", "satisfied", "followed_up")
    tables = []
    for title, part, columns in (
        ("Open complaints", rows[is_open], told),
        ("Closed complaints", rows[~is_open], (*told, *ended)),
    ):
        if len(part):
            table = rows_table(
                "complaints", title, part, columns, currency=subject.company.currency, newest="opened_at"
            )
            tables.append(table)
    return Section(key="complaints", title="Complaints", facts=facts, tables=tuple(tables))


def open_complaints(rows: pd.DataFrame) -> pd.Series[bool]:
    """Return which complaints are open; none where the company does not record when they close.

    Parameters
    ----------
    rows : DataFrame
        Rows of ``complaints``.
    """
    return rows["closed_at"].isna() if "closed_at" in rows else pd.Series(False, index=rows.index)


def contacts(subject: Subject) -> Section:
    """Return the customer's contacts with the company.

    Parameters
    ----------
    subject : Subject
        The customer.

    Raises
    ------
    MissingData
        If the company keeps no contacts.
    """
    rows = subject.rows("interactions")
    facts = [("Contacts", language.number(len(rows), 0))]
    if len(rows):
        facts.append(("Last contact", subject.day(rows["occurred_at"].max())))
    if len(rows) and "channel" in rows and rows["channel"].notna().any():
        facts.append(("Mostly by", str(rows["channel"].mode().iloc[0])))
    if "cost" in rows and rows["cost"].notna().any():
        cost = float(rows["cost"].fillna(0.0).sum())
        facts.append(("Cost of contacts", language.money(cost, subject.company.currency)))
    columns = ("occurred_at", "channel", "phase", "kind", "resolved", "order_id")
    table = rows_table(
        "interactions", "Contacts", rows, columns, currency=subject.company.currency, newest="occurred_at"
    )
    return Section(
        key="contacts",
        title="Contacts",
        facts=tuple((language.text(label), written) for label, written in facts),
        tables=(table,) if len(rows) else (),
    )
