"""The check of one table: one aggregate query counts what is wrong; further ones only look at what was found."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from itertools import groupby
from typing import Any

import ibis

from crm_lib import language
from crm_lib.company import reading
from crm_lib.company.engine import ROW
from crm_lib.company.losses import losses
from crm_lib.company.names import quoted_list
from crm_lib.company.reading import KINDS
from crm_lib.company.report import Fault, TableCheck, Treatment
from crm_lib.company.rows import AGAIN, Rows, as_written, counted
from crm_lib.company.settings import TableSource
from crm_lib.contract import Column
from crm_lib.language import say, text

EXAMPLES = 3
"""Offending rows that a fault shows."""


@dataclass(frozen=True, kw_only=True)
class Checked:
    """What was found in a table, its rows as they are meant, not yet cut, and when the last entered the books.

    `as_it_is`: whether all that is written can be taken as it is.
    """

    check: TableCheck
    rows: Any
    recorded_last: dt.date | None = None
    as_it_is: bool = False


def check_table(rows: Rows, source: TableSource) -> Checked:
    """Check a table."""
    counts = _count(rows, source)
    rejected, again = counts.get("rejected", 0), _repeated(rows, counts)
    empty = {name for name in rows.theirs if counts["now"] and not counts.get(f"known {name}")}
    # What was never known to be known is not known.
    empty |= {name for name in rows.theirs if rows.columns[name].known_at in empty}
    columns = tuple(name for name in rows.theirs if name not in empty)
    check = TableCheck(
        name=rows.contract.name, label=rows.contract.label, origin=rows.raw.origin, available=True,
        rows=counts["rows"] + sum(rows.excluded.values()),
        rejected=rejected + again, kept=counts["rows"] - rejected - again, columns=columns,
        first=_day(counts.get("first")), last=_day(counts.get("last")),
        faults=tuple(_faults(rows, source, counts, again)),
        rejects=rows.rejects(repeated=again > 0) if rejected + again else None,
        lost=losses(rows, again) if rejected + again else "", excluded=sum(rows.excluded.values()),
    )  # fmt: skip
    kept = rows.kept(columns, rejected=rejected > 0, repeated=again > 0, turned=counts.get("turned", 0) > 0)
    as_it_is = not check.rejected and all(manner.tidy for manner in rows.manners.values())
    return Checked(check=check, rows=kept, recorded_last=_day(counts.get("recorded")), as_it_is=as_it_is)


def _count(rows: Rows, source: TableSource) -> dict[str, Any]:
    """Count everything in one pass over the rows."""
    table, contract, bad, now = rows.table, rows.contract, rows.bad(), rows.now()
    good = None if bad is None else ~bad
    measures: dict[str, Any] = {"rows": table.count(), "now": table.count(where=now)}
    measures |= {f"known {name}": rows.value(name).count(where=now) for name in rows.theirs}
    measures |= {f"wrong {name}": rows.wrong(name).count() for name in rows.faulty}
    for name, theirs in rows.theirs.items() if not source.zone else ():
        moments = reading.zoned(table[theirs], source) if rows.columns[name].type in ("date", "time") else None
        if moments is not None:
            measures[f"zoned {name}"] = moments.sum()
    if bad is not None:
        measures["rejected"] = bad.sum()
    if (turned := rows.turned()) is not None:
        measures["turned"] = turned.sum(where=good)
    if len(rows.keys()) == 1:
        measures["keyed"] = rows.value(rows.keys()[0]).count()
    if contract.happened_at in rows.theirs:
        happened = rows.value(contract.happened_at)
        measures["first"], measures["last"] = happened.min(where=good), happened.max(where=good)
    if contract.recorded_at in rows.theirs:
        measures["recorded"] = rows.value(contract.recorded_at).max()
    return counted(table, measures)


def _repeated(rows: Rows, counts: Mapping[str, Any]) -> int:
    """Count the rows whose key an earlier row, not itself rejected, has already."""
    keys = rows.keys()
    if not keys or not counts["rows"]:
        return 0
    if len(keys) == 1 and rows.dialect == "duckdb":
        # Equal keys have equal hashes: as many hashes as keys means no repetition, at a fraction of the memory.
        key = rows.value(keys[0])
        hashes = rows.table.filter(key.notnull()).select(_hash=key.hash())
        if hashes.distinct().count().execute() == counts["keyed"]:
            return 0
    return int(rows.flagged()[AGAIN].sum().fill_null(0).execute())


def _faults(rows: Rows, source: TableSource, counts: Mapping[str, Any], again: int) -> Iterator[Fault]:
    bad, note = rows.bad(), partial(Fault, table=rows.contract.name)
    for name in rows.theirs:
        if counts.get(f"wrong {name}"):
            column, found = rows.columns[name], rows.table.filter(rows.wrong(name).notnull())
            for code, told in _examples(rows, found, rows.wrong(name, found), (name,)):
                treatment: Treatment = "row rejected" if code in rows.fatal(name) else "value dropped"
                notation = rows.manners[name].notation
                cause = notation.cause if notation is not None and "number" in KINDS[code] else ""
                detail = cause or _hint(KINDS[code], column, source, rows.begins(name))
                yield Fault(kind=KINDS[code], treatment=treatment, column=name, detail=detail, **told)
        if count := counts.get(f"zoned {name}"):
            detail = text("texts are taken as written, other moments in UTC; to have days of the company set timezone")
            yield note(kind="time zone", treatment="kept", column=name, count=count, detail=detail)
    if rows.excluded:
        listed = ", ".join(f"'{who}' {count:,}" for who, count in rows.excluded.items())
        yield note(
            kind="excluded customers", treatment="left out", column="customer_id", detail=f"{text('rows')}: {listed}"
        )
    for name, manner in rows.manners.items():
        if manner.notation is not None:
            yield from _otherwise(rows, name, source)
    if again:
        flagged = rows.flagged()
        for _, told in _examples(rows, flagged.filter(flagged[AGAIN]), ibis.literal(0), rows.contract.key):
            yield Fault(kind="repeated key", treatment="row rejected", column=", ".join(rows.contract.key), **told)
    if counts.get("turned"):
        found = rows.table.filter(rows.turned(), *(() if bad is None else (~bad,)))
        detail = text("a line with negative quantity is a return: its revenue, cost and margin are taken as negative")
        for _, told in _examples(rows, found, ibis.literal(0), ("quantity", "revenue")):
            yield Fault(kind="sign of a return", treatment="taken as negative", column="revenue", detail=detail, **told)


def _examples(rows: Rows, found: Any, kind: Any, names: tuple[str, ...]) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield, for each kind of fault in the rows found, how many there are and what is written in the first."""
    values = {f"value_{place}": as_written(found[rows.theirs[name]]) for place, name in enumerate(names)}
    chosen = found.select(kind=kind, row=found[ROW], **values)
    ranked = chosen.mutate(
        place=ibis.row_number().over(group_by=chosen.kind, order_by=chosen.row),
        size=chosen.count().over(group_by=chosen.kind),
    )
    first = ranked.filter(ranked.place < EXAMPLES).order_by("kind", "place").to_pyarrow().to_pylist()
    for code, group in groupby(first, key=lambda row: row["kind"]):
        listed = list(group)
        shown = tuple((row["row"], ", ".join(_shown(row[name]) for name in values)) for row in listed)
        told = {"table": rows.contract.name, "place": rows.raw.place}
        yield code, {**told, "count": listed[0]["size"], "examples": shown}


def _otherwise(rows: Rows, name: str, source: TableSource) -> Iterator[Fault]:
    """Yield how many numbers are not written as 1234.5 or as ``company.toml`` says, and how the first is read."""
    written = reading.written(rows.table[rows.theirs[name]], rows.manners[name])
    odd = rows.value(name).notnull() & reading.number(written, rows.columns[name], rows.dialect).isnull()
    if source.decimal or source.thousands:
        odd &= written.re_search("[^-+0-9.,eE]|-$")
    found = rows.table.filter(odd).order_by(ROW)
    for _, told in _examples(rows, found, ibis.literal(0), (name,)):
        detail = language.plural("{n} is not written like 1234.5", "{n} are not written like 1234.5", told["count"])
        value = f"{rows.value(name, found).first().execute():.15g}"
        detail += say("; the first is read as {value}", value=value)
        yield Fault(kind="numbers written otherwise", treatment="kept", column=name, detail=detail, **told)


def _hint(kind: str, column: Column, source: TableSource, begins: list[str]) -> str:
    dates = text('dates are read as 2026-06-30 or 2026-06-30 14:05; for others set date_format, such as "%d/%m/%Y"')
    dates = say("date_format is '{format}'", format=source.date_format) if source.date_format else dates
    numbers = text('numbers are read as 1234.5; for 1.234,5 set decimal = ",", for 1,234.5 set thousands = ","')
    hints = dict.fromkeys(("not a number", "not a whole number"), numbers if source.decimal != "," else "")
    hints["not among the choices"] = say("the choices are {choices}", choices=quoted_list(column.choices))
    hints |= {"out of bounds": say("it must be {bounds}", bounds=column.constraint), "not a date": dates}
    hints["before its start"] = say("it must not be before {begins}", begins=quoted_list(begins))
    return hints.get(kind, "")


def _day(value: Any) -> dt.date | None:
    return value.date() if isinstance(value, dt.datetime) else value


def _shown(value: Any) -> str:
    written = "empty" if value is None else repr(str(value))
    return written if len(written) <= 42 else written[:40] + "…'"
