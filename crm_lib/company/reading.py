"""How a column is read: what is meant by what is written, and what is wrong where nothing usable is written."""

from __future__ import annotations

import datetime as dt
import math
from dataclasses import dataclass
from typing import Any

import ibis

from crm_lib.company.parsing import READERS
from crm_lib.company.settings import Source
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
    "date": "not a date", "time": "not a date",
}  # fmt: skip

KINDS = (
    "not a whole number", "not a number", "not yes or no", "not a date", "not among the choices", "out of bounds",
    "in the future", "missing value",
)  # fmt: skip
"""What can be wrong with a value; its place in here stands for it in the engine."""
FUTURE = KINDS.index("in the future")


@dataclass(frozen=True, kw_only=True)
class Manner:
    """What a first look at a column found about the way in which it is written.

    `tidy`: every value is written so that a cast reads it. `whole`: numbers of an identifier end in ``.0``, as a
    spreadsheet writes them. `number`: an attribute kept as text holds numbers only. `worded`: the words of
    :data:`MISSING` stand for missing values even though the column is text.
    """

    tidy: bool = False
    whole: bool = False
    number: bool = False
    worded: bool = False


def written(raw: Any, manner: Manner) -> Any:
    """Return what is written in a column, null where nothing is; the column itself where it can be taken as it is."""
    kind = raw.type()
    if manner.tidy or not (kind.is_string() or kind.is_floating()):
        return raw
    if not kind.is_string():
        return raw.nullif(math.nan)
    text = raw.strip().nullif("")
    text = without_words(text) if manner.worded else text
    return text.re_replace(r"^([0-9]+)\.0$", r"\1") if manner.whole else text


def parsed(text: Any, raw: Any, column: Column, source: Source, dialect: str, *, tidy: bool) -> tuple[Any, bool]:
    """Return the value of what is written, null where it cannot be read, and whether it always can.

    Raises :class:`Unusable` if the type of the column cannot become that of the contract.
    """
    kind, moment = raw.type(), column.type in ("date", "time")
    value, plain = READERS[column.type](text, raw, column, source, dialect)
    if tidy and plain is not None:
        return plain, True
    if column.choices:
        value = value.lower()
    safe = not (kind.is_string() or kind.is_floating() or plain is None or moment) or column.type == "text"
    return value, safe


def judged(text: Any, value: Any, column: Column, *, safe: bool, tidy: bool, future: dt.date | None) -> tuple[Any, Any]:
    """Return the values that can be used, and what is wrong with the others; None where nothing can be wrong.

    What is wrong is a place in :data:`KINDS`, null where nothing is. `future` is a day that nobody has seen yet.
    """
    cases: list[tuple[Any, str]] = []
    nothing = ibis.null(IBIS_TYPES[column.type])
    if not safe:
        if column.type in ("date", "time"):
            value = _possible(value).ifelse(value, nothing)
        cases.append((_something(text) & value.isnull(), NOT_READABLE[column.type]))
    if column.choices and not tidy:
        listed = value.cases(*((choice.lower(), choice) for choice in column.choices), else_=nothing)
        cases.append((value.notnull() & listed.isnull(), "not among the choices"))
        value = listed
    if column.low is not None or column.high is not None:
        inside = _inside(value, column)
        cases.append((~inside, "out of bounds"))
        value = inside.ifelse(value, nothing)
    if future is not None:
        cases.append((value >= start(future, value), KINDS[FUTURE]))
    if column.required:
        cases.append((value.isnull(), "missing value"))
    wrong = [(case, ibis.literal(KINDS.index(name), "int8")) for case, name in cases]
    return value, ibis.cases(*wrong, else_=ibis.null("int8")) if wrong else None


def _inside(value: Any, column: Column) -> Any:
    if column.low is None:
        return value <= column.high
    return value >= column.low if column.high is None else value.between(column.low, column.high)


def _possible(value: Any) -> Any:
    """Whether a date or time lies where dates can; infinite ones do not."""
    if value.type().is_date():
        return value.between(ibis.date(FIRST_DAY), ibis.date(LAST_DAY))
    return value.between(ibis.timestamp(f"{FIRST_DAY} 00:00:00"), ibis.timestamp(f"{LAST_DAY} 23:59:59.999999"))


def _something(written: Any) -> Any:
    """Whether something is written that should be readable."""
    return written.notnull() & ~written.lower().isin(MISSING) if written.type().is_string() else written.notnull()


def without_words(written: Any) -> Any:
    """Return texts without the words that stand for a missing value."""
    return written.lower().isin(MISSING).ifelse(ibis.null("string"), written)


def start(day: dt.date, like: Any) -> Any:
    """Return the beginning of a day, as a date or as a moment, as `like` is."""
    return ibis.date(day.isoformat()) if like.type().is_date() else ibis.timestamp(f"{day.isoformat()} 00:00:00")


def untidy(raw: Any, column: Column, source: Source, dialect: str) -> Any:
    """Return which rows of a typed column need more than a cast to be read; None where no row of such a column can."""
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
    return raw.isnan() | raw.isinf() if kind.is_floating() else None
