"""From what is written in one value to what is meant, by type: Ibis expressions that never fail on a bad value."""

from __future__ import annotations

import datetime as dt
import math
from typing import Any

import ibis
import ibis.expr.datatypes as types

from crm_lib.company.files import Unusable
from crm_lib.company.settings import Source
from crm_lib.contract import Column

YES = ("yes", "true", "1", "y", "t")
NO = ("no", "false", "0", "n", "f")


# Names and types of functions that the engine has; their bodies in Python never run.
@ibis.udf.scalar.builtin  # type: ignore[untyped-decorator, unused-ignore]
def try_strptime(text: str, format: str) -> dt.datetime:
    """DuckDB's reading of a date in a given format, null where it does not fit."""
    raise NotImplementedError


@ibis.udf.scalar.builtin  # type: ignore[untyped-decorator, unused-ignore]
def pg_input_is_valid(text: str, type_name: str) -> bool:
    """PostgreSQL's (16 and later) test whether a text can be cast."""
    raise NotImplementedError


def _text(written: Any, raw: Any, column: Column, *_: Any) -> tuple[Any, Any]:
    kind = raw.type()
    if kind.is_string():
        return written, raw
    if kind.is_floating() or kind.is_decimal():
        # A column of whole numbers with gaps is often kept as floating point: 12345.0 means 12345.
        number = written.cast("float64")
        whole = (number == number.floor()) & (number.abs() < 2**53)
        digits = whole.ifelse(number, ibis.null("float64")).cast("int64").cast("string")
        return ibis.coalesce(digits, written.cast("string")), None
    if kind.is_nested():
        raise _wrong_type(raw, column)
    return raw.cast("string"), raw.cast("string")


def _number(written: Any, raw: Any, column: Column, source: Source, dialect: str) -> tuple[Any, Any]:
    kind = raw.type()
    if kind.is_string():
        number = _try_cast(_digits(written, source), "float64", "double precision", column, dialect)
        return _finite(number.nullif(math.nan)), None
    if not (kind.is_numeric() or kind.is_boolean()):
        raise _wrong_type(raw, column)
    if kind.is_floating():
        value = _finite(written).cast("float64")
        return value, (raw if kind.is_float64() else raw.cast("float64"))
    value = written.cast("float64") if not kind.is_boolean() else written.cast("int64").cast("float64")
    return value, value


def _finite(number: Any) -> Any:
    return number.nullif(math.inf).nullif(-math.inf)


def _digits(text: Any, source: Source) -> Any:
    """The number in the way that SQL writes it."""
    # Separators of thousands are dropped only where they stand between groups of three digits: 12.50 is not 1250.
    thousands = source.thousands or ("." if source.decimal == "," else "")
    if thousands:
        group = "[" + ("\\" if thousands in "^]\\-" else "") + thousands + "]"
        decimal = "[" + source.decimal + "]"
        grouped = text.re_search(rf"^[+-]?[0-9]{{1,3}}({group}[0-9]{{3}})+({decimal}[0-9]+)?$")
        text = grouped.ifelse(text.replace(thousands, ""), text)
    if source.decimal == ",":
        text = text.contains(".").ifelse("?", text.replace(",", "."))
    # Engines take 1_000 for 1000, as programmers write it; in a company's file it is a slip.
    return text.contains("_").ifelse(ibis.null("string"), text)


def _integer(written: Any, raw: Any, column: Column, source: Source, dialect: str) -> tuple[Any, Any]:
    if raw.type().is_integer():
        return raw.cast("int64"), (raw if raw.type().is_int64() else raw.cast("int64"))
    number, _ = _number(written, raw, column, source, dialect)
    whole = number == number.floor()
    if dialect == "duckdb":
        return whole.ifelse(number, ibis.null("float64")).try_cast("int64"), None
    return (whole & (number.abs() < 2**53)).ifelse(number, ibis.null("float64")).cast("int64"), None


def _boolean(written: Any, raw: Any, column: Column, *_: Any) -> tuple[Any, Any]:
    kind = raw.type()
    answers: list[tuple[str | int, bool]]
    if kind.is_boolean():
        return raw, raw
    if kind.is_string():
        words = written.lower()
        answers = [*((word, True) for word in YES), *((word, False) for word in NO)]
    elif kind.is_numeric():
        words, answers = written, [(1, True), (0, False)]
    else:
        raise _wrong_type(raw, column)
    return words.cases(*answers, else_=ibis.null("boolean")), None


def _time(written: Any, raw: Any, column: Column, source: Source, dialect: str) -> tuple[Any, Any]:
    kind = raw.type()
    if kind.is_timestamp():
        usual = kind.timezone is None and kind.scale in (None, 6)
        value = (
            raw if usual else raw.cast("timestamp('UTC')").cast("timestamp") if kind.timezone else raw.cast("timestamp")
        )
        return value, value
    if kind.is_date():
        return raw.cast("timestamp"), raw.cast("timestamp")
    if kind.is_integer() and source.date_format:
        written = raw.cast("string")
    elif not kind.is_string():
        raise _wrong_type(raw, column)
    if source.date_format:
        if dialect != "duckdb":
            raise Unusable(
                "wrong type", f"date_format is for files; make '{raw.get_name()}' a date in 'sql' (to_date) instead"
            )
        return try_strptime(written, source.date_format), None
    # With a zone, so that an offset written behind the time is heeded; without one the zone of the session counts: UTC.
    return _try_cast(written, "timestamp('UTC')", "timestamptz", column, dialect).cast("timestamp"), None


def _date(written: Any, raw: Any, column: Column, source: Source, dialect: str) -> tuple[Any, Any]:
    if raw.type().is_date():
        return raw, raw
    value, plain = _time(written, raw, column, source, dialect)
    return value.date(), (None if plain is None else plain.date())


_ISO = r"^[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}([T ].*)?$"


def _try_cast(text: Any, type_name: str, server_type: str, column: Column, dialect: str) -> Any:
    if dialect == "duckdb":
        return text.try_cast(type_name)
    if dialect != "postgres":
        raise Unusable("wrong type", f"'{column.name}' is text in the database; give it its type by a cast in 'sql'")
    valid = pg_input_is_valid(text, server_type)
    if server_type == "timestamptz":
        # PostgreSQL takes 'today' and dates in the order of the session for dates too.
        valid &= text.re_search(_ISO)
    return valid.ifelse(text, ibis.null("string")).cast(types.dtype(type_name))


def _wrong_type(raw: Any, column: Column) -> Unusable:
    hint = (
        ' (for dates written as numbers set date_format, such as "%Y%m%d")' if column.type in ("date", "time") else ""
    )
    return Unusable(
        "wrong type",
        f"'{raw.get_name()}' is of type {raw.type()} and cannot become '{column.name}', which is {column.type}{hint}",
    )


READERS: dict[str, Any] = {
    "text": _text, "integer": _integer, "number": _number, "money": _number, "boolean": _boolean,
    "date": _date, "time": _time,
}  # fmt: skip
"""How each type of the schema is read: (written, raw, column, source, dialect) to (value, plain)."""
