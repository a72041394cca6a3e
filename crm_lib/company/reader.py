"""How the rows of one table are read, and which of them cannot be used."""

from __future__ import annotations

import datetime as dt
from collections.abc import Container, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import ibis

from crm_lib.company.cleaning import Reading, read_column
from crm_lib.company.columns import Mapped
from crm_lib.company.source_settings import SourceSettings
from crm_lib.company.sources import ROW, Raw
from crm_lib.contract import TableContract

AGAIN = "_again"
"""Column that says whether a row repeats the key of an earlier one."""
TURNED = frozenset({"revenue", "cost", "margin"})
"""Columns whose sign a return turns."""
_BAD, _NOW = "_bad", "_now"


@dataclass(frozen=True, kw_only=True)
class TableReader:
    """Says which rows of one table are what, as expressions that the engine computes.

    Parameters
    ----------
    contract : TableContract
        What the table should be.
    source : SourceSettings
        How it is written.
    raw : Raw
        The rows as they are.
    mapped : Mapped
        Which column of the source is which column of the schema.
    dialect : str
        The engine's dialect of SQL.
    today : date
        Events later than this cannot have happened: their rows are rejected.
    day : date or None
        Day up to which rows count: later ones are checked, but have no say in how the others are read.
    tidy : frozenset of str
        Columns of which every value is written so that a cast reads it.
    whole, numbers, worded : frozenset of str
        Identifiers that a spreadsheet kept as 12345.0, attributes that are numbers written as text, and identifiers
        for which a word such as NULL is written in places. A first look at the rows,
        :func:`crm_lib.company.looking.look`, finds all four.
    """

    contract: TableContract
    source: SourceSettings
    raw: Raw
    mapped: Mapped
    dialect: str
    today: dt.date
    day: dt.date | None = None
    tidy: frozenset[str] = frozenset()
    whole: frozenset[str] = frozenset()
    numbers: frozenset[str] = frozenset()
    worded: frozenset[str] = frozenset()

    def readings(self, table: Any) -> dict[str, Reading]:
        """Return how each column of `table`, which has the source's columns, is read."""
        return {name: self._reading(table[theirs], name) for name, theirs in self.mapped.theirs.items()}

    def _reading(self, raw: Any, name: str) -> Reading:
        column = self.mapped.columns[name]
        if name in self.numbers:
            column = replace(column, type="number")
        tidy, whole = name in self.tidy, name in self.whole
        return read_column(raw, column, self.source, self.dialect, tidy=tidy, whole=whole, worded=name in self.worded)

    def faults(self, reading: Reading) -> Iterator[tuple[str, Any]]:
        """Yield what can be wrong with a column, and in which rows it is."""
        yield from reading.faults.items()
        if reading.column.required:
            written = ~reading.usable
            for predicate in reading.faults.values():
                written &= ~predicate.fill_null(False)
            yield "missing value", written
        if reading.column.name == self.contract.happened_at:
            yield "in the future", self._future(reading)

    def _future(self, reading: Reading) -> Any:
        return (reading.value >= after(self.today, reading.value)).fill_null(False)

    def bad(self, readings: Mapping[str, Reading]) -> Any:
        """Return which rows are rejected for what is in them; None where none can be."""
        tests = [~reading.usable for reading in readings.values() if reading.column.required]
        if self.contract.happened_at in readings:
            tests.append(self._future(readings[self.contract.happened_at]))
        return ibis.or_(*tests) if tests else None

    def moments(self, readings: Mapping[str, Reading]) -> list[Any]:
        """Return when events happened and when they were recorded, as far as the source tells."""
        names = (self.contract.happened_at, self.contract.recorded_at)
        return [readings[name].value for name in names if name in readings]

    def now(self, readings: Mapping[str, Reading]) -> Any:
        """Return which rows are not later than the day up to which rows count; None where all count."""
        moments = self.moments(readings)
        if self.day is None or not moments:
            return None
        return ibis.and_(*(moment.isnull() | (moment < after(self.day, moment)) for moment in moments))

    def turned(self, readings: Mapping[str, Reading]) -> Any:
        """Return which lines are returns whose revenue has the sign of a sale; None where the table has none."""
        if self.contract.name != "transactions" or not {"quantity", "revenue"} <= set(readings):
            return None
        return ((readings["quantity"].value < 0) & (readings["revenue"].value > 0)).fill_null(False)

    def keys(self, readings: Mapping[str, Reading]) -> list[Any]:
        """Return the columns of the key; none where one of them is absent."""
        if not self.contract.key or not set(self.contract.key) <= set(readings):
            return []
        return [readings[name].value.name(name) for name in self.contract.key]

    def flagged(self, table: Any) -> Any:
        """Return a table with two columns more.

        They say which rows are rejected for what is in them, and which repeat the key of an earlier row.
        """
        readings = self.readings(table)
        bad = self.bad(readings)
        places = range(len(self.contract.key))
        names = [f"_key_{place}" for place in places]
        keys = dict(zip(names, self.keys(readings), strict=False))
        now = self.now(readings)
        # A row that is later than the day has no say in which of the others is the first.
        sorts = {_BAD: _or_literal(bad, value=False), _NOW: _or_literal(now, value=True)}
        flagged = table.mutate(**sorts, **keys)
        # A server keeps no order of rows: there the order is that of all columns.
        order = (
            [ROW] if self.raw.place == "line" or self.dialect == "duckdb" else [n for n in table.columns if n != ROW]
        )
        place = ibis.row_number().over(group_by=[*names, _BAD, _NOW], order_by=order)
        named = ibis.and_(*(flagged[name].notnull() for name in names))
        return flagged.mutate(**{AGAIN: (place > 0) & named & ~flagged[_BAD]}).drop(*names, _NOW)

    def clean(
        self, columns: Iterable[str], faulty: Container[str], *, rejected: bool, repeated: bool, turned: bool
    ) -> Any:
        """Return the rows as they are meant.

        Columns in which nothing is wrong are only cast, and rows are only filtered where some are rejected, so that
        queries stay fast.

        Parameters
        ----------
        columns : iterable of str
            The columns wanted.
        faulty : container of str
            Columns with values that cannot be used.
        rejected, repeated : bool
            Whether rows are rejected for what is in them, and for a key that was there before.
        turned : bool
            Whether there are returns whose revenue has the sign of a sale.
        """
        table = self.raw.table
        if repeated:
            flagged = self.flagged(self.raw.numbered)
            table = flagged.filter(~flagged[AGAIN])
            if self.raw.stored:
                table = table.order_by(ROW)
        readings = self.readings(table)
        bad = self.bad(readings)
        if rejected and bad is not None:
            table = table.filter(~bad)
            readings = self.readings(table)
        chosen = {}
        for name in columns:
            reading = readings[name]
            exact = reading.plain is not None and name in self.tidy and name not in faulty
            chosen[name] = reading.plain if exact else reading.value
        if turned:
            lines = self.turned(readings)
            for name in TURNED & set(chosen):
                # What was sold below cost has a negative margin, and its return a positive one.
                back = -chosen[name] if name == "margin" else -chosen[name].abs()
                chosen[name] = lines.ifelse(back, chosen[name])
        return table.select(**chosen)

    def rejects(self, *, repeated: bool) -> Any:
        """Return the rejected rows: number, reasons, and the columns as they are in the source."""
        table = self.raw.numbered
        if repeated:
            table = self.flagged(table)
        readings = self.readings(table)
        reasons = ibis.literal("")
        for name, reading in readings.items():
            for kind, predicate in self.faults(reading):
                if reading.column.required or kind == "in the future":
                    reasons += predicate.fill_null(False).ifelse(f"{name}: {kind}; ", "")
        bad = self.bad(readings)
        if repeated:
            reasons += table[AGAIN].ifelse(f"{', '.join(self.contract.key)}: repeated key; ", "")
            bad = table[AGAIN] if bad is None else bad | table[AGAIN]
        columns = [as_written(table[name]) for name in self.raw.table.columns]
        return table.filter(bad).select(table[ROW].name("row"), reasons.re_replace("; $", "").name("reasons"), *columns)


def as_written(raw: Any) -> Any:
    """Return a column of a source in a form that can be shown: dates as text, as Python lacks some."""
    kind = raw.type()
    return raw.cast("string").name(raw.get_name()) if kind.is_date() or kind.is_timestamp() else raw


def after(day: dt.date, like: Any) -> Any:
    """Return the first value after a day: the next day, as a date or as a moment, as `like` is."""
    # The last day that a date can be has no next day.
    following = day + dt.timedelta(days=1) if day < dt.date.max else day
    if like.type().is_date():
        return ibis.date(following.isoformat())
    return ibis.timestamp(following.isoformat() + " 00:00:00")


def _or_literal(predicate: Any, *, value: bool) -> Any:
    return ibis.literal(value) if predicate is None else predicate
