"""A part of the page: facts, tables and charts under a title, or the reason why it was left out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from crm_lib import language, schema
from crm_lib.exhibit import Kind, Table
from crm_lib.figures import Chart

_KINDS: Mapping[str, Kind] = {
    "text": "text", "integer": "number", "number": "number", "money": "money", "boolean": "text", "date": "date",
    "time": "date",
}  # fmt: skip
MOST = 12
"""Rows of a table; older ones are counted."""


@dataclass(frozen=True, kw_only=True)
class Section:
    """One part of a customer's page.

    Parameters
    ----------
    key : str
        Short name, unique on the page.
    title : str
        What a reader sees above it.
    facts : tuple of (str, str)
        Label and value, both written for a reader.
    tables : tuple of Table
        Tables.
    charts : tuple of Chart
        Charts, which a terminal leaves out.
    note : str
        What a reader must know.
    left_out : str
        Why there is nothing to show; empty where there is.
    """

    key: str
    title: str
    facts: tuple[tuple[str, str], ...] = ()
    tables: tuple[Table, ...] = ()
    charts: tuple[Chart, ...] = ()
    note: str = ""
    left_out: str = ""


def worded(facts: Iterable[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
    """Return facts with their labels in the reader's language.

    Parameters
    ----------
    facts : iterable of (str, str)
        Keys of the labels, and values written for a reader.
    """
    return tuple((language.text(label), written) for label, written in facts)


def rows_table(
    table: str,
    title: str,
    frame: pd.DataFrame,
    columns: Sequence[str],
    *,
    currency: str,
    newest: str,
    words: Mapping[str, str] | None = None,
) -> Table:
    """Return rows of a table of the company as readers see them, the newest first.

    Parameters
    ----------
    table : str
        Name in the schema; labels and forms of the columns come from it.
    title : str
        What the rows are.
    frame : DataFrame
        The rows.
    columns : sequence of str
        Columns to show, in order; those that are absent or hold nothing are left out.
    currency : str
        ISO code.
    newest : str
        Column to order by.
    words : mapping of str to str, optional
        Labels of columns of words that were worked out and that the schema does not know.
    """
    contract, more = schema.TABLES[table], words or {}
    known = [name for name in columns if name in frame and frame[name].notna().any()]
    ordered = frame.sort_values(newest, ascending=False, kind="stable")[known].reset_index(drop=True)
    shown = ordered.head(MOST).copy()
    own = [name for name in known if name not in more]
    for name in own:
        if contract.column(name).type == "boolean":
            shown[name] = [yes_no(value) for value in shown[name]]
    note = ""
    if len(ordered) > MOST:
        words = {"shown": language.number(MOST, 0), "all": language.number(len(ordered), 0)}
        note = language.text("The newest {shown} of {all}.").format(**words)
    return Table(
        name=f"customer_{table}",
        title=title,
        frame=shown,
        kinds={name: _KINDS[contract.column(name).type] if name in own else "text" for name in known},
        labels={name: contract.column(name).label if name in own else more[name] for name in known},
        currency=currency,
        note=note,
        rows_shown=MOST,
    )


def yes_no(value: object) -> str | None:
    """Return an answer in words, nothing where it is not known.

    Parameters
    ----------
    value : object
        True, False or missing.
    """
    if value is None or pd.isna(value):  # type: ignore[call-overload]
        return None
    return language.text("yes") if value else language.text("no")
