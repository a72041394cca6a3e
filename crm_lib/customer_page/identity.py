"""Who the customer is: the one place where a name is shown."""

from __future__ import annotations

import pandas as pd

from crm_lib import language, schema
from crm_lib.customer_page.section import Section, yes_no
from crm_lib.customer_page.subject import Subject

_SHOWN = (
    "name", "customer_group", "region", "local_competition", "acquired_at", "acquisition_channel", "referred_by",
    "contact_allowed",
)  # fmt: skip
_NOT_SHOWN = ("customer_id", "acquisition_cost", "birth_year")


def identity(subject: Subject) -> Section:
    """Return number, name, group, region, how the customer was won, and the company's own attributes.

    Parameters
    ----------
    subject : Subject
        The customer.

    Raises
    ------
    MissingData
        If the company has no table of customers.
    """
    rows = subject.rows("customers")
    facts = [(schema.CUSTOMERS.column("customer_id").label, subject.customer_id)]
    if len(rows):
        row = rows.iloc[0]
        own = sorted(set(map(str, rows)) - {*_SHOWN, *_NOT_SHOWN})
        for name in (*_SHOWN, *own):
            written = _written(row.get(name))
            if written:
                facts.append((_label(name), written))
        if not pd.isna(row.get("birth_year", pd.NA)):
            age = subject.as_of.year - int(row["birth_year"])
            facts.append(("Age", language.plural("about {n} year", "about {n} years", age)))
    else:
        facts.append(("Note", language.text("known from purchases only")))
    return Section(key="identity", title="Who this is", facts=tuple((language.text(label), x) for label, x in facts))


def _label(name: str) -> str:
    if name in schema.CUSTOMERS.column_names:
        return schema.CUSTOMERS.column(name).label
    return name.replace("_", " ").capitalize()


def _written(value: object) -> str:
    if value is None or pd.isna(value):  # type: ignore[call-overload]
        return ""
    if isinstance(value, pd.Timestamp) or hasattr(value, "isoformat"):
        return Subject.day(value)
    if isinstance(value, bool) or type(value).__name__ == "bool":
        return yes_no(value) or ""
    return str(value)
