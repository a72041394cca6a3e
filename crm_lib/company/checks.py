"""The check of one table: one aggregate query counts every kind of fault; further ones only look at what was found."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import ibis

from crm_lib.company.cleaning import Reading
from crm_lib.company.looking import counted, look
from crm_lib.company.naming import quoted_list
from crm_lib.company.reader import AGAIN, TableReader, as_written
from crm_lib.company.report import Fault, TableCheck, Treatment
from crm_lib.company.sources import ROW
from crm_lib.contract import Column
from crm_lib.language import text

EXAMPLES = 3
"""Offending rows that a fault shows."""


@dataclass(frozen=True, kw_only=True)
class Checked:
    """A table that was checked.

    Parameters
    ----------
    check : TableCheck
        What was found.
    rows : ibis.Table
        The rows as they are meant, without the rejected ones, not yet cut at ``as_of``.
    recorded_last : date or None
        When the last row entered the books, where that is known.
    """

    check: TableCheck
    rows: Any
    recorded_last: dt.date | None = None


def check_table(reader: TableReader) -> Checked:
    """Check a table.

    Parameters
    ----------
    reader : TableReader
        The table, and what it should be.

    Raises
    ------
    Unusable
        If the type of a column cannot become that of the contract.
    """
    reader = look(reader)
    readings = reader.readings(reader.raw.table)
    counts = _count(reader, readings)
    rejected, again = counts.get("rejected", 0), _repeated(reader, readings, counts)
    faults = [*_column_faults(reader, readings, counts), *_again_fault(reader, again), *_turned_fault(reader, counts)]
    empty = {name for name in readings if counts["now"] and not counts.get(_known(name))}
    # What was never known to be known is not known.
    empty |= {name for name, reading in readings.items() if reading.column.known_at in empty}
    check = TableCheck(
        name=reader.contract.name,
        label=reader.contract.label,
        origin=reader.raw.origin,
        available=True,
        rows=counts["rows"],
        rejected=rejected + again,
        kept=counts["rows"] - rejected - again,
        first=_day(counts.get("first")),
        last=_day(counts.get("last")),
        columns=tuple(name for name in readings if name not in empty),
        faults=tuple(faults),
        rejects=reader.rejects(repeated=again > 0) if rejected + again else None,
    )
    faulty = {fault.column for fault in faults}
    rows = reader.clean(
        check.columns, faulty, rejected=rejected > 0, repeated=again > 0, turned=counts.get("turned", 0) > 0
    )
    return Checked(check=check, rows=rows, recorded_last=_day(counts.get("recorded")))


def _count(reader: TableReader, readings: Mapping[str, Reading]) -> dict[str, Any]:
    """Count everything in one pass over the rows."""
    table, contract = reader.raw.table, reader.contract
    bad, now = reader.bad(readings), reader.now(readings)
    measures: dict[str, Any] = {"rows": table.count(), "now": table.count(where=now)}
    for name, reading in readings.items():
        measures[_known(name)] = reading.usable.sum(where=now)
        for kind, predicate in reader.faults(reading):
            measures[_fault_of(name, kind)] = predicate.sum()
    if bad is not None:
        measures["rejected"] = bad.sum()
    turned = reader.turned(readings)
    if turned is not None:
        measures["turned"] = turned.sum() if bad is None else (turned & ~bad).sum()
    if len(keys := reader.keys(readings)) == 1:
        measures["keyed"] = keys[0].count()
    if contract.happened_at in readings:
        kept = readings[contract.happened_at].value
        kept = kept if bad is None else bad.ifelse(ibis.null(kept.type()), kept)
        measures["first"], measures["last"] = kept.min(), kept.max()
    if contract.recorded_at in readings:
        measures["recorded"] = readings[contract.recorded_at].value.max()
    return counted(table, measures)


def _known(name: str) -> str:
    return f"known {name}"


def _fault_of(name: str, kind: str) -> str:
    return f"fault {name}: {kind}"


def _repeated(reader: TableReader, readings: Mapping[str, Reading], counts: Mapping[str, Any]) -> int:
    """Count the rows whose key an earlier row, not itself rejected, has already."""
    keys = reader.keys(readings)
    if not keys or not counts["rows"]:
        return 0
    if len(keys) == 1 and reader.dialect == "duckdb":
        # Equal keys have equal hashes: as many hashes as keys means no repetition, at a fraction of the memory.
        hashes = reader.raw.table.filter(keys[0].notnull()).select(_hash=keys[0].hash())
        if hashes.distinct().count().execute() == counts["keyed"]:
            return 0
    return int(reader.flagged(reader.raw.numbered)[AGAIN].sum().fill_null(0).execute())


def _column_faults(reader: TableReader, readings: Mapping[str, Reading], counts: Mapping[str, Any]) -> Iterator[Fault]:
    numbered = reader.readings(reader.raw.numbered)
    for name, reading in readings.items():
        for kind, _ in reader.faults(reading):
            count = counts.get(_fault_of(name, kind), 0)
            if not count:
                continue
            examples = _examples(reader, dict(reader.faults(numbered[name]))[kind], (reading.theirs,))
            rejected = reading.column.required or kind == "in the future"
            treatment: Treatment = "row rejected" if rejected else "value dropped"
            yield _fault(reader, kind, treatment, name, count, _hint(kind, reading.column, reader), examples)


def _again_fault(reader: TableReader, again: int) -> Iterator[Fault]:
    if again:
        flagged = reader.flagged(reader.raw.numbered)
        theirs = tuple(reader.mapped.theirs[name] for name in reader.contract.key)
        examples = _examples(reader, flagged[AGAIN], theirs, flagged)
        yield _fault(reader, "repeated key", "row rejected", ", ".join(reader.contract.key), again, "", examples)


def _turned_fault(reader: TableReader, counts: Mapping[str, Any]) -> Iterator[Fault]:
    if counts.get("turned"):
        numbered = reader.readings(reader.raw.numbered)
        lines, bad = reader.turned(numbered), reader.bad(numbered)
        theirs = (reader.mapped.theirs["quantity"], reader.mapped.theirs["revenue"])
        examples = _examples(reader, lines if bad is None else lines & ~bad, theirs)
        detail = text("a line with negative quantity is a return: its revenue, cost and margin are taken as negative")
        yield _fault(reader, "sign of a return", "taken as negative", "revenue", counts["turned"], detail, examples)


def _fault(
    reader: TableReader, kind: str, treatment: Treatment, column: str, count: int, detail: str, examples: _Examples
) -> Fault:
    return Fault(
        table=reader.contract.name, kind=kind, severity="tolerable", treatment=treatment, column=column, count=count,
        detail=detail, place=reader.raw.place, examples=examples,
    )  # fmt: skip


_Examples = tuple[tuple[int | None, str], ...]


def _examples(reader: TableReader, predicate: Any, theirs: tuple[str, ...], table: Any = None) -> _Examples:
    table = reader.raw.numbered if table is None else table
    values = {f"value_{place}": as_written(table[name]) for place, name in enumerate(theirs)}
    shown = table.filter(predicate).select(row=table[ROW], **values).order_by("row").limit(EXAMPLES)
    rows = shown.to_pyarrow().to_pylist()
    return tuple((row["row"], ", ".join(_shown(row[name]) for name in values)) for row in rows)


def _hint(kind: str, column: Column, reader: TableReader) -> str:
    if kind == "not among the choices":
        return text("the choices are {choices}").format(choices=quoted_list(column.choices))
    if kind == "out of bounds":
        return text("it must be {bounds}").format(bounds=column.constraint)
    if kind == "not a date" and not reader.source.date_format:
        return text('dates are read as 2026-06-30 or 2026-06-30 14:05; for others set date_format, such as "%d/%m/%Y"')
    if kind == "not a date":
        return text("date_format is '{format}'").format(format=reader.source.date_format)
    if kind in ("not a number", "not a whole number") and reader.source.decimal == ".":
        return text('numbers are read as 1234.5; for 1.234,5 set decimal = ",", for 1,234.5 set thousands = ","')
    return ""


def _day(value: Any) -> dt.date | None:
    return value.date() if isinstance(value, dt.datetime) else value


def _shown(value: Any) -> str:
    written = "empty" if value is None else repr(str(value))
    return written if len(written) <= 42 else written[:40] + "…'"
