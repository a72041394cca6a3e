"""What the check of a company found, and the rejected rows, written aside."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from crm_lib import language
from crm_lib.language import say, text
from crm_lib.writing import replaced

if TYPE_CHECKING:
    import ibis
    import pandas as pd

Treatment = Literal[
    "row rejected", "value dropped", "column ignored", "kept", "table not used", "company not opened", "values hidden",
    "taken as negative", "left out", "allowed",
]  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Fault:
    """One kind of fault in one table; fatal if the table cannot be used, serious if numbers may be far from the truth.

    `column` is empty where the whole table is meant; `count` are rows (or columns, or orders, by kind), 0 where that
    says nothing. `examples` are the first offending rows: number in the source (lines or rows, as `place` says, None
    for a database server) and what is written there.
    """

    table: str
    kind: str
    treatment: Treatment
    severity: Literal["fatal", "serious", "tolerable"] = "tolerable"
    column: str = ""
    count: int = 0
    detail: str = ""
    place: Literal["line", "row"] = "row"
    examples: tuple[tuple[int | None, str], ...] = ()

    @property
    def message(self) -> str:
        """The fault in one sentence: what, where, how often, first rows."""
        parts = [f"'{self.column}': {text(self.kind)}" if self.column else text(self.kind)]
        if self.count and self.treatment in ("row rejected", "value dropped", "taken as negative"):
            parts.append(language.plural("in {n} row", "in {n} rows", self.count))
        if self.examples:
            shown = ", ".join(
                value if row is None else f"{text(self.place)} {row}: {value}" for row, value in self.examples
            )
            more = ", …" if self.count > len(self.examples) else ""
            parts.append(f"({shown}{more})")
        return " ".join(parts) + (f": {self.detail}" if self.detail else "")


@dataclass(frozen=True, kw_only=True)
class TableCheck:
    """What was found in one table.

    Of the `rows` in the source, some are rejected for faults, some `excluded` with their customers, some cut since they
    are later than ``as_of``, the rest kept. `lost` says what is lost with the rejected rows, where that is much.
    `first` and `last` are the first and last event of the rows without faults, before the cut; `columns` those of the
    schema (and attributes) that can be used.
    """

    name: str
    label: str
    origin: str
    available: bool
    rows: int = 0
    rejected: int = 0
    excluded: int = 0
    cut: int = 0
    kept: int = 0
    first: dt.date | None = None
    last: dt.date | None = None
    columns: tuple[str, ...] = ()
    lost: str = ""
    faults: tuple[Fault, ...] = ()
    rejects: Any = field(default=None, repr=False, compare=False)

    def lines(self) -> Iterator[str]:
        """Yield what was found as plain lines of text."""
        line = f"{text(self.label)} ({self.name})"
        if self.origin:
            line += " " + say("from {origin}", origin=self.origin)
        if not self.available:
            line += f": {text('not used')}"
        else:
            counts = {name: getattr(self, name) for name in ("rows", "kept", "rejected", "cut")}
            line += ": " + say("{rows} rows, {kept} kept, {rejected} rejected, {cut} later than as_of", **counts)
            if self.first and self.last:
                line += f"; {language.date(self.first)} – {language.date(self.last)}"
        yield line
        for fault in self.faults:
            if fault.severity == "tolerable":
                yield f"  {text(fault.treatment)}: {fault.message}"


@dataclass(frozen=True, kw_only=True)
class CheckReport:
    """What the check of a company found in the tables that were asked for, in the order of the schema."""

    company: str
    key: str
    currency: str
    as_of: dt.date | None
    """Day up to which rows count; None where it could not be found."""
    tables: tuple[TableCheck, ...]
    connection: Any = field(default=None, repr=False, compare=False)

    @property
    def faults(self) -> tuple[Fault, ...]:
        """All faults of all tables."""
        return tuple(fault for table in self.tables for fault in table.faults)

    @property
    def fatal(self) -> tuple[Fault, ...]:
        """The faults because of which the company cannot be opened; empty where it can."""
        return tuple(fault for fault in self.faults if fault.treatment == "company not opened")

    @property
    def first(self) -> tuple[Fault, ...]:
        """The faults that a reader must know before any number: the fatal and the serious ones."""
        return tuple(fault for fault in self.faults if fault.severity != "tolerable")

    def table(self, name: str) -> TableCheck:
        """Return the check of one table; a KeyError says if it was not checked."""
        for table in self.tables:
            if table.name == name:
                return table
        raise KeyError(f"'{name}' was not checked; checked were {', '.join(table.name for table in self.tables)}")

    def summary(self) -> pd.DataFrame:
        """Return one row a table: rows, rejected, cut, kept, first, last, available, origin; indexed by table."""
        import pandas as pd

        names = ["rows", "rejected", "cut", "kept", "first", "last", "available", "origin"]
        rows = {table.name: [getattr(table, name) for name in names] for table in self.tables}
        return pd.DataFrame.from_dict(rows, orient="index", columns=names).rename_axis(index="table")

    def to_frame(self) -> pd.DataFrame:
        """Return one row a fault: table, column, kind, severity, treatment, count, message."""
        import pandas as pd

        names = ["table", "column", "kind", "severity", "treatment", "count", "message"]
        frame = pd.DataFrame([[getattr(fault, name) for name in names] for fault in self.faults], columns=names)
        return frame.assign(kind=frame["kind"].map(text), treatment=frame["treatment"].map(text))

    def lines(self) -> list[str]:
        """Return the report as plain lines of text."""
        about = {"company": self.company, "key": self.key, "currency": self.currency}
        day = language.date(self.as_of) if self.as_of else text("unknown")
        first = say("{company} ({key}), {currency}, as of {day}", day=day, **about)
        warned = [f"! {text(fault.treatment)}: {fault.table}: {fault.message}" for fault in self.first]
        listed = [line for table in self.tables for line in ("", *table.lines())]
        return [first, *([""] if warned else []), *warned, *listed]


def write_rejected(report: CheckReport, folder: Path) -> dict[str, Path]:
    """Write the rejected rows of each table to ``<folder>/<table>.csv``; return the files by table.

    The engine streams the rows, so that their number does not matter. The columns are ``row`` (the line in a text
    file), ``reasons``, and those of the source. Files of an earlier check are removed.
    """
    written = {}
    for table in report.tables:
        file = folder / f"{table.name}.csv"
        if table.rejects is None:
            file.unlink(missing_ok=True)
            continue
        file.parent.mkdir(parents=True, exist_ok=True)
        with replaced(file) as aside:
            table.rejects.pipe(harmless).to_csv(aside)
        written[table.name] = file
    return written


_FORMULA = r"=+\-@\t\r\n＝＋－＠"
"""Letters with which a spreadsheet takes a text for a formula."""


def harmless(rows: ibis.Table) -> ibis.Table:
    """Return rows whose texts no spreadsheet runs, for files of comma-separated values (CWE-1236).

    A text, or a column's name, that begins as a formula does, also in full width, gets an apostrophe in front; a number
    does not. NUL bytes, at which some programs end a text, are replaced.
    """
    cells: dict[str, Any] = {}
    for name in rows.columns:
        cell: Any = rows[name]
        if cell.type().is_string():
            cell = cell.re_replace(r"\x00", "\ufffd")
            risky = cell.re_search(rf"^[{_FORMULA}]") & ~cell.re_search(r"^[+-]?[0-9]+([.,][0-9]+)*$")
            cells[name] = risky.ifelse("'" + cell, cell)
    dangerous = {"'" + name: name for name in rows.columns if re.match(f"[{_FORMULA}]", name)}
    return rows.mutate(**cells).rename(dangerous)
