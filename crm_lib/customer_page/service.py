"""How the customer was served: complaints, the open and unsettled ones first, and contacts."""

from __future__ import annotations

import pandas as pd

from crm_lib import language
from crm_lib.customer_page.section import Section, rows_table, worded
from crm_lib.customer_page.subject import Subject
from crm_lib.segments import COMPLAINT_STATES, known_complaints

OPEN, UNSETTLED, SETTLED = COMPLAINT_STATES


def complaints(subject: Subject) -> Section:
    """Return the customer's complaints: those that are not settled by themselves, then the settled ones.

    Where the company does not record when complaints are closed, nothing is said of their state.

    Parameters
    ----------
    subject : Subject
        The customer.

    Raises
    ------
    MissingData
        If the company keeps no complaints.
    """
    rows = told_complaints(subject)
    facts = [("Complaints", language.number(len(rows), 0))]
    waiting = rows["state"].isin([OPEN, UNSETTLED])
    parts = [("Complaints", rows)]
    if subject.company.has("complaints", "closed_at"):
        facts.append(("Open or unsettled", language.number(int(waiting.sum()), 0)))
        parts = [("Open or unsettled complaints", rows[waiting]), ("Settled complaints", rows[~waiting])]
    columns = (
        "complaint_id", "state", "opened_at", "topic", "severity", "closed_at", "resolution", "satisfied",
        "followed_up",
    )  # fmt: skip
    tables = tuple(
        rows_table(
            "complaints", title, part.assign(state=part["state"].map(language.text, na_action="ignore")), columns,
            currency=subject.company.currency, newest="opened_at", words={"state": "State"},
        )
        for title, part in parts if len(part)
    )  # fmt: skip
    return Section(
        key="complaints",
        title="Complaints",
        facts=worded(facts),
        tables=tables,
    )


def told_complaints(subject: Subject) -> pd.DataFrame:
    """Return the customer's complaints with the ``state`` of each on the day of the page.

    Parameters
    ----------
    subject : Subject
        The customer.

    Raises
    ------
    MissingData
        If the company keeps no complaints.
    """
    return subject.among(known_complaints(subject.company))


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
        facts=worded(facts),
        tables=(table,) if len(rows) else (),
    )
