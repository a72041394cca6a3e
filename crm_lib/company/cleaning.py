"""How a column is read: what is meant by what is written, and in which rows nothing usable is written."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import ibis

from crm_lib.company.parsing import READERS
from crm_lib.company.source_settings import SourceSettings
from crm_lib.contract import Column

MISSING = ("nan", "null", "na", "n/a", "none", "nat")
"""Words that stand for a missing value in columns that are not text."""

IBIS_TYPES = {
    "text": "string", "integer": "int64", "number": "float64", "money": "float64", "boolean": "boolean",
    "date": "date", "time": "timestamp",
}  # fmt: skip
"""The Ibis type of each type of the schema."""

FIRST_DAY, LAST_DAY = "1900-01-01", "9999-12-31"
"""Days between which a date must lie: what is outside is a slip, and Python and pandas cannot hold much of it."""

NOT_READABLE = {
    "integer": "not a whole number", "number": "not a number", "money": "not a number", "boolean": "not yes or no",
    "date": "not a date", "time": "not a date", "text": "not text",
}  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Reading:
    """How one column is read.

    Parameters
    ----------
    column : Column
        Contract of the column.
    theirs : str
        Name of the column in the source.
    value : ibis.Value
        What is meant: typed, null where nothing usable is written.
    usable : ibis.Value
        In which rows `value` is not null, said in fewer words.
    plain : ibis.Value or None
        What is written, cast at most: the same as `value` where the column is tidy and has no fault, and faster.
    faults : mapping of str to ibis.Value
        In which rows something unusable is written, by kind of fault.
    """

    column: Column
    theirs: str
    value: Any
    usable: Any
    plain: Any
    faults: Mapping[str, Any]


def read_column(
    raw: Any,
    column: Column,
    source: SourceSettings,
    dialect: str,
    *,
    tidy: bool = False,
    whole: bool = False,
    worded: bool = False,
) -> Reading:
    """Return how a column is read.

    Parameters
    ----------
    raw : ibis.Value
        The column as it is in the source.
    column : Column
        What it should be.
    source : SourceSettings
        How numbers and dates are written there.
    dialect : str
        The engine: DuckDB and PostgreSQL can test a text before they cast it, others take typed columns only.
    tidy : bool
        Whether :func:`untidy` found nothing in the column: then nothing needs to be trimmed.
    whole : bool
        Whether ``.0`` at the end of numbers kept as text (identifiers that a spreadsheet took for numbers) is dropped.
    worded : bool
        Whether the words of :data:`MISSING` are missing values even though the column is text.

    Raises
    ------
    Unusable
        If the engine's type of the column cannot become the type of the contract.
    """
    # Expressions are kept short, and refer to the column as seldom as they can: engines plan them as they are written.
    theirs = raw.get_name()
    written = raw if tidy else _written(raw)
    if worded:
        written = without_words(written)
    value, plain = READERS[column.type](written, raw, column, source, dialect)
    if whole and column.type == "text":
        value, plain = value.re_replace(r"^([0-9]+)\.0$", r"\1"), None
    possible = None
    if tidy and plain is not None:
        value = plain
    elif column.type in ("date", "time"):
        possible = _possible(value)
        value = possible.ifelse(value, ibis.null(IBIS_TYPES[column.type]))
    faults = {}
    kind = raw.type()
    if column.type != "text" and (kind.is_string() or kind.is_floating() or plain is None or possible is not None):
        faults[NOT_READABLE[column.type]] = _something(written) & value.isnull()
    if column.choices and not tidy:
        listed = value.lower().cases(
            *((choice.lower(), choice) for choice in column.choices), else_=ibis.null("string")
        )
        faults = {"not among the choices": value.notnull() & listed.isnull()}
        value = listed
    usable = value.notnull() if possible is None else possible.fill_null(False)
    if column.low is not None or column.high is not None:
        inside = _inside(value, column)
        faults["out of bounds"], usable = ~inside, inside.fill_null(False)
        value = inside.ifelse(value, ibis.null(IBIS_TYPES[column.type]))
    return Reading(column=column, theirs=theirs, value=value, usable=usable, plain=plain, faults=faults)


def _inside(value: Any, column: Column) -> Any:
    if column.low is None:
        return value <= column.high
    if column.high is None:
        return value >= column.low
    return value.between(column.low, column.high)


def _possible(value: Any) -> Any:
    """Whether a date or time lies where dates can; infinite ones do not."""
    if value.type().is_date():
        return value.between(ibis.date(FIRST_DAY), ibis.date(LAST_DAY))
    return value.between(ibis.timestamp(f"{FIRST_DAY} 00:00:00"), ibis.timestamp(f"{LAST_DAY} 23:59:59.999999"))


def without_words(written: Any) -> Any:
    """Return texts without the words that stand for a missing value."""
    return written.lower().isin(MISSING).ifelse(ibis.null("string"), written)


def untidy(raw: Any, column: Column, source: SourceSettings, dialect: str) -> Any:
    """Return which rows need more than a cast to be read; None where no row of such a column can.

    Texts that are to become something else always do.

    Parameters
    ----------
    raw : ibis.Value
        The column as it is in the source.
    column : Column
        What it should be.
    source : SourceSettings
        How numbers and dates are written there.
    dialect : str
        The engine.
    """
    kind = raw.type()
    if column.type in ("date", "time") and (kind.is_date() or kind.is_timestamp()):
        return ~_possible(READERS[column.type](raw, raw, column, source, dialect)[1])
    if kind.is_string() and column.type != "text":
        return raw.notnull()
    if kind.is_string() and column.choices:
        return ~raw.isin(column.choices)
    if kind.is_string():
        if dialect != "duckdb":
            return (raw != raw.strip()) | (raw == "")
        # What sorts before "!" is empty or begins with a blank or a control character: many times faster than to trim.
        return ibis.or_(raw < "!", *(raw.endswith(blank) for blank in " \t\n\r\v\f"))
    if kind.is_floating():
        return raw.isnan() | raw.isinf()
    return None


def _written(raw: Any) -> Any:
    """What is written, null where nothing is."""
    kind = raw.type()
    if kind.is_string():
        return raw.strip().nullif("")
    return raw.nullif(math.nan) if kind.is_floating() else raw


def _something(written: Any) -> Any:
    """Whether something is written that should be readable."""
    kind = written.type()
    return written.notnull() & ~written.lower().isin(MISSING) if kind.is_string() else written.notnull()
