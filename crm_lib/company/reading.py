"""How a column is read: what is meant by what is written, and what is wrong where nothing usable is written."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import ibis
import ibis.expr.datatypes as types

from crm_lib.company.engine import MOMENT, NUMBER
from crm_lib.company.files import Unusable
from crm_lib.company.names import BLANKS
from crm_lib.company.notation import Notation
from crm_lib.company.settings import TableSource
from crm_lib.contract import Column

YES = ("yes", "true", "1", "y", "t")
NO = ("no", "false", "0", "n", "f")
MISSING = ("nan", "null", "na", "n/a", "none", "nat")
"""Words that stand for a missing value in columns that are not text."""

IBIS_TYPES = {
    "text": "string", "integer": "int64", "number": "float64", "money": "float64", "boolean": "boolean",
    "date": "date", "time": "timestamp",
}  # fmt: skip
"""The Ibis type of each type of the schema."""

FIRST_DAY, LAST_DAY = "1900-01-01", "9999-12-31"
"""Days between which a date must lie: what is outside is a slip, and Python and pandas cannot hold much of it."""

SERIAL_DAYS = 18_264, 73_051
"""Numbers that are days in a column of dates of a workbook, those of 1950 to 2099: 12.5 is a slip."""

NUMERIC = ("integer", "number", "money")

NOT_READABLE = {
    "integer": "not a whole number", "number": "not a number", "money": "not a number", "boolean": "not yes or no",
    "date": "not a date", "time": "not a date",
}  # fmt: skip

KINDS = (
    "not a whole number", "not a number", "not yes or no", "not a date", "not among the choices", "out of bounds",
    "in the future", "missing value", "before its start",
)  # fmt: skip
"""What can be wrong with a value; its place in here stands for it in the engine."""
FUTURE, EARLY = KINDS.index("in the future"), KINDS.index("before its start")


@dataclass(frozen=True, kw_only=True)
class Manner:
    """What a first look at a column found about the way in which it is written.

    `tidy`: every value is written so that a cast reads it. `whole`: numbers of an identifier end in ``.0``, as a
    spreadsheet writes them. `number`: an attribute kept as text holds numbers only. `worded`: the words of
    :data:`MISSING` stand for missing values even though the column is text. `notation`: how numbers are written, where
    they are not written as SQL does.
    """

    tidy: bool = False
    whole: bool = False
    number: bool = False
    worded: bool = False
    notation: Notation | None = None


def written(raw: Any, manner: Manner) -> Any:
    """Return what is written in a column, null where nothing is; the column itself where it can be taken as it is."""
    kind = raw.type()
    if manner.tidy or not (kind.is_string() or kind.is_floating()):
        return raw
    if not kind.is_string():
        return raw.nullif(math.nan)
    text = trim(raw, BLANKS).nullif("")
    text = without_words(text) if manner.worded else text
    return text.re_replace(r"^([0-9]+)\.0$", r"\1") if manner.whole else text


def parsed(
    text: Any, raw: Any, column: Column, source: TableSource, dialect: str, manner: Manner, cells: Mapping[str, Any]
) -> tuple[Any, bool]:
    """Return the value of what is written, null where it cannot be read, and whether it always can.

    `cells` are those of a workbook that are numbers or moments: how texts are written does not concern them.
    Raises :class:`Unusable` if the type of the column cannot become that of the contract.
    """
    kind, moment = raw.type(), column.type in ("date", "time")
    value, plain = READERS[column.type](text, raw, column, source, dialect, manner.notation)
    if manner.tidy and plain is not None:
        return plain, True
    if column.choices:
        value = value.lower()
    if NUMBER in cells and column.type in ("number", "money"):
        value = cells[NUMBER].coalesce(value)
    elif NUMBER in cells and column.type == "integer":
        value = _whole(cells[NUMBER], dialect).coalesce(value)
    elif moment and cells:
        value = _moment(cells, value.cast("timestamp")).cast(IBIS_TYPES[column.type])
    safe = not (kind.is_string() or kind.is_floating() or plain is None or moment) or column.type == "text"
    return value, safe


def _moment(cells: Mapping[str, Any], value: Any) -> Any:
    """Return moments: those of the workbook, what is written, and numbers that a workbook shows as days."""
    if NUMBER in cells:
        serial = cells[NUMBER].between(*SERIAL_DAYS).ifelse(cells[NUMBER], ibis.null("float64"))
        seconds = (serial * 86_400).round().cast("int64")
        value = value.coalesce(ibis.timestamp("1899-12-30 00:00:00") + seconds.as_interval("s"))
    return cells[MOMENT].coalesce(value) if MOMENT in cells else value


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
        meant = dict(column.also) | {choice.lower(): choice for choice in column.choices}
        listed = value.cases(*meant.items(), else_=nothing)
        cases.append((value.notnull() & listed.isnull(), "not among the choices"))
        value = listed
    bounds = [value >= column.low] if column.low is not None else []
    bounds += [value <= column.high] if column.high is not None else []
    if bounds:
        inside = ibis.and_(*bounds)
        cases.append((~inside, "out of bounds"))
        value = inside.ifelse(value, nothing)
    if future is not None:
        cases.append((value >= start(future, value), KINDS[FUTURE]))
    if column.required:
        cases.append((value.isnull(), "missing value"))
    wrong = [(case, ibis.literal(KINDS.index(name), "int8")) for case, name in cases]
    return value, ibis.cases(*wrong, else_=ibis.null("int8")) if wrong else None


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


def before(end: Any, begin: Any) -> Any:
    """Whether an end comes before its beginning; where it tells no hour, the day counts."""
    if end.type().is_date():
        return end < begin
    return end < (end == end.truncate("D")).ifelse(begin.truncate("D"), begin)


def folded(identifier: Any) -> Any:
    """Return an identifier in small letters and without blanks."""
    return identifier.lower().re_replace(f"[{BLANKS}]", "")


def worth(text: Any, value: Any, usual: float) -> Any:
    """Return what a row is worth: its amount, else that of the digits written, else the usual one."""
    if text.type().is_string():
        digits = text.re_replace("[^0-9.,]", "")
        cents = digits.re_extract("[.,]([0-9]{1,2})$", 1)
        units = digits.re_replace("[.,][0-9]{1,2}$", "").re_replace("[.,]", "")
        # More digits are a number of something else.
        sure = units.re_search("^[0-9]{1,12}$")
        value = value.fill_null(sure.ifelse(units + "." + cents.fill_null("0"), ibis.null("string")).cast("float64"))
    return value.abs().fill_null(usual)


def start(day: dt.date, like: Any) -> Any:
    """Return the beginning of a day, as a date or as a moment, as `like` is."""
    return ibis.date(day.isoformat()) if like.type().is_date() else ibis.timestamp(f"{day.isoformat()} 00:00:00")


def untidy(raw: Any, column: Column, source: TableSource, dialect: str) -> Any:
    """Return which rows of a typed column need more than a cast to be read; None where no row of such a column can."""
    kind = raw.type()
    if column.type in ("date", "time") and (kind.is_date() or kind.is_timestamp()):
        return ~_possible(READERS[column.type](raw, raw, column, source, dialect, None)[1])
    if kind.is_string() and column.type != "text":
        return raw.notnull()
    if kind.is_string() and column.choices:
        return ~raw.isin(column.choices)
    if kind.is_string():
        if dialect != "duckdb":
            return (raw != trim(raw, BLANKS)) | (raw == "")
        # What sorts before "!" is empty or begins with a blank or a control character, and what is beyond ASCII sorts
        # after "~": many times faster than to trim.
        return ibis.or_(raw < "!", raw > "~", raw.right(1) > "~", *(raw.endswith(blank) for blank in " \t\n\r\v\f"))
    return raw.isnan() | raw.isinf() if kind.is_floating() else None


# Names and types of functions that the engine has; their bodies in Python never run.
@ibis.udf.scalar.builtin  # type: ignore[untyped-decorator, unused-ignore]
def trim(text: str, blanks: str) -> str:
    """A text without certain characters at its ends."""
    raise NotImplementedError


@ibis.udf.scalar.builtin  # type: ignore[untyped-decorator, unused-ignore]
def try_strptime(text: str, format: str) -> dt.datetime:
    """DuckDB's reading of a date in a given format, null where it does not fit."""
    raise NotImplementedError


@ibis.udf.scalar.builtin(name="try_strptime", signature=(("string", "string"), "timestamp('UTC')"))  # type: ignore[untyped-decorator, unused-ignore]
def try_strptime_zoned(text: str, format: str) -> dt.datetime:
    """The same with a format that has a zone or an offset: a moment, whatever the clock on the wall."""
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


def _number(
    written: Any, raw: Any, column: Column, _: TableSource, dialect: str, notation: Notation | None
) -> tuple[Any, Any]:
    kind = raw.type()
    if kind.is_string():
        return number(notation.standard(written) if notation else written, column, dialect), None
    if not (kind.is_numeric() or kind.is_boolean()):
        raise _wrong_type(raw, column)
    if kind.is_floating():
        value = _finite(written).cast("float64")
        return value, (raw if kind.is_float64() else raw.cast("float64"))
    value = (written.cast("int64") if kind.is_boolean() else written).cast("float64")
    return value, value


def number(written: Any, column: Column, dialect: str) -> Any:
    """Return the number of a text as SQL writes it, null where it is none."""
    # Engines take 1_000 for 1000, as programmers write it; in a company's file it is a slip.
    text = written.contains("_").ifelse(ibis.null("string"), written)
    return _finite(_try_cast(text, "float64", "double precision", column, dialect).nullif(math.nan))


def _finite(number: Any) -> Any:
    return number.nullif(math.inf).nullif(-math.inf)


def _integer(
    written: Any, raw: Any, column: Column, source: TableSource, dialect: str, notation: Notation | None
) -> tuple[Any, Any]:
    if raw.type().is_integer():
        return raw.cast("int64"), (raw if raw.type().is_int64() else raw.cast("int64"))
    return _whole(_number(written, raw, column, source, dialect, notation)[0], dialect), None


def _whole(number: Any, dialect: str) -> Any:
    """Return whole numbers, null where there are none."""
    whole = number == number.floor()
    if dialect == "duckdb":
        return whole.ifelse(number, ibis.null("float64")).try_cast("int64")
    return (whole & (number.abs() < 2**53)).ifelse(number, ibis.null("float64")).cast("int64")


def _boolean(written: Any, raw: Any, column: Column, *_: Any) -> tuple[Any, Any]:
    kind = raw.type()
    if kind.is_boolean():
        return raw, raw
    if not (kind.is_string() or kind.is_numeric()):
        raise _wrong_type(raw, column)
    answers: list[tuple[Any, bool]] = [(1, True), (0, False)]
    if kind.is_string():
        written = written.lower()
        answers = [*((word, True) for word in YES), *((word, False) for word in NO)]
    return written.cases(*answers, else_=ibis.null("boolean")), None


def _time(written: Any, raw: Any, column: Column, source: TableSource, dialect: str, *_: Any) -> tuple[Any, Any]:
    kind = raw.type()
    if kind.is_timestamp():
        value = raw.cast("timestamp('UTC')") if kind.timezone else raw
        value = raw if kind.timezone is None and kind.scale in (None, 6) else value.cast("timestamp")
        return value, value
    if kind.is_date():
        return raw.cast("timestamp"), raw.cast("timestamp")
    if kind.is_integer() and source.date_format:
        written = raw.cast("string")
    elif not kind.is_string():
        raise _wrong_type(raw, column)
    if source.date_format:
        if dialect != "duckdb":
            told = f"date_format is for files; make '{raw.get_name()}' a date in 'sql' (to_date) instead"
            raise Unusable("wrong type", told)
        return _formatted(written, source), None
    value = _try_cast(written.re_replace(_ZONE, r"\1"), "timestamp", "timestamp", column, dialect)
    if source.zone:
        # In the session's zone, which is the company's.
        moment = written.re_replace(_ZONE, r"\1\2").re_replace("(UTC|GMT)$", "Z")
        moment = _try_cast(moment, "timestamp('UTC')", "timestamptz", column, dialect)
        value = written.re_search(_ZONE).ifelse(moment.cast("timestamp"), value)
    return value, None


_ZONE = r"(:[0-9.]+) ?(Z|UTC|GMT|[+-][0-9]{2}(:?[0-9]{2})?)$"
"""The zone or offset at the end of a time."""


def zoned(raw: Any, source: TableSource) -> Any:
    """Which times of a column are moments, written or kept with a zone or an offset; None where none can be."""
    kind = raw.type()
    if kind.is_timestamp() and kind.timezone:
        return raw.notnull()
    if not kind.is_string() or (source.date_format and "%z" not in source.date_format.lower()):
        return None
    return raw.notnull() if source.date_format else raw.strip().re_search(_ZONE)


def _formatted(text: Any, source: TableSource) -> Any:
    form = source.date_format
    if "%z" not in form.lower():
        return try_strptime(text, form)
    if source.zone:
        return try_strptime_zoned(text, form).cast("timestamp")
    if form[-2:].lower() != "%z":
        told = f"date_format '{form}' has a zone before its end: set timezone in [company], such as \"Europe/Berlin\""
        raise Unusable("time zone", told)
    moment = try_strptime_zoned(text, form)
    wall = try_strptime(text.re_replace(" ?(Z|[+-][0-9:]+|[A-Za-z_/]+)$", ""), form[:-2].rstrip())
    return moment.notnull().ifelse(wall, ibis.null("timestamp"))


def _date(written: Any, raw: Any, column: Column, source: TableSource, dialect: str, *_: Any) -> tuple[Any, Any]:
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
    # PostgreSQL takes 'today' and dates in the order of the session for dates too.
    valid &= text.re_search(_ISO) if server_type.startswith("timestamp") else True
    return valid.ifelse(text, ibis.null("string")).cast(types.dtype(type_name))


def _wrong_type(raw: Any, column: Column) -> Unusable:
    hint = ' (for dates written as numbers set date_format, such as "%Y%m%d")'
    told = f"'{raw.get_name()}' is of type {raw.type()} and cannot become '{column.name}', which is {column.type}"
    return Unusable("wrong type", told + (hint if column.type in ("date", "time") else ""))


READERS: dict[str, Any] = {
    "text": _text, "integer": _integer, "number": _number, "money": _number, "boolean": _boolean,
    "date": _date, "time": _time,
}  # fmt: skip
"""How each type of the schema is read: (written, raw, column, source, dialect, notation) to (value, plain)."""
