"""A table as it was known on a day: the one place that hides, from earlier days, what came after them."""

from __future__ import annotations

import datetime as dt

import ibis
import ibis.expr.types as ir

from crm_lib import schema
from crm_lib.company import Company


def last_day(company: Company, ending: dt.date | None = None) -> dt.date:
    """Return the last day that counts.

    Parameters
    ----------
    company : Company
        The company.
    ending : date, optional
        The day asked for, by default the company's ``as_of``.

    Returns
    -------
    date
        The day.

    Raises
    ------
    ValueError
        If `ending` lies after ``as_of``.
    """
    if ending is not None and ending > company.as_of:
        raise ValueError(
            f"the last day that counts is {ending}, after {company.as_of}, up to which the company's data are opened"
        )
    return company.as_of if ending is None else ending


def known_rows(company: Company, name: str, *columns: str, ending: dt.date | None = None) -> ir.Table:
    """Return all rows of a table that were known on a day, of all time before it.

    For an earlier day this is what the company itself shows when it is opened on that day: rows that happened or
    entered the books later are not there, and values that became known later are missing.

    Parameters
    ----------
    company : Company
        The company.
    name : str
        Name of the table in the schema.
    *columns : str
        Columns that the caller needs.
    ending : date, optional
        The day, by default the company's ``as_of``.

    Returns
    -------
    ibis.Table
        The rows, computed where the data live, with all columns that the company has. Attributes without a date, such
        as those of ``customers``, are those of ``as_of``.

    Raises
    ------
    MissingData
        If the company lacks the table or one of the columns.
    ValueError
        If `ending` lies after ``as_of``, or the schema knows no such table.
    """
    rows, last = company.table(name, *columns), last_day(company, ending)
    if last == company.as_of:
        return rows  # the company has cut it
    contract, night = schema.TABLES[name], ibis.literal(last)
    for moment in (contract.happened_at, contract.recorded_at):
        if moment and company.has(name, moment):
            rows = rows.filter((rows[moment].cast("date") <= night).fill_null(True))
    shown = {
        column.name: (rows[column.known_at].cast("date") <= night).ifelse(
            rows[column.name], ibis.null(rows[column.name].type())
        )
        for column in contract.columns
        if column.known_at and company.has(name, column.name, column.known_at)
    }
    return rows.mutate(**shown) if shown else rows
