"""What the check of a company found."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from crm_lib import language
from crm_lib.language import text

if TYPE_CHECKING:
    import pandas as pd

Severity = Literal["fatal", "tolerable"]
Treatment = Literal[
    "row rejected",
    "value dropped",
    "column ignored",
    "kept",
    "table not used",
    "company not opened",
    "values hidden",
    "taken as negative",
]


@dataclass(frozen=True, kw_only=True)
class Fault:
    """One kind of fault in one table.

    Parameters
    ----------
    table : str
        Name of the table in the schema.
    kind : str
        What is wrong, in a few words: "not a date", "missing value", "no such file" …
    severity : {"fatal", "tolerable"}
        Whether the table cannot be used.
    treatment : str
        What was done about it.
    column : str
        Name of the column in the schema, empty where the whole table is meant.
    count : int
        Rows (or columns, or orders, by kind) concerned; 0 where that says nothing.
    detail : str
        The whole story, where kind, column and count do not tell it.
    place : {"line", "row"}
        What the numbers in `examples` count.
    examples : tuple of (int or None, str)
        First offending rows: number in the source (None for a database server) and what is written there.
    """

    table: str
    kind: str
    severity: Severity
    treatment: Treatment
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

    Parameters
    ----------
    name, label : str
        Name in the schema, and what readers see.
    origin : str
        Where the rows come from.
    available : bool
        Whether the table can be used.
    rows, rejected, cut, kept : int
        Rows in the source; of these rejected for faults; later than ``as_of``; left for analysis.
    first, last : date or None
        First and last event of the rows kept, before the cut.
    columns : tuple of str
        Columns of the schema (and attributes) that can be used.
    faults : tuple of Fault
        What is wrong, fatal faults first.
    """

    name: str
    label: str
    origin: str
    available: bool
    rows: int = 0
    rejected: int = 0
    cut: int = 0
    kept: int = 0
    first: dt.date | None = None
    last: dt.date | None = None
    columns: tuple[str, ...] = ()
    faults: tuple[Fault, ...] = ()
    rejects: Any = field(default=None, repr=False, compare=False)


@dataclass(frozen=True, kw_only=True)
class CheckReport:
    """What the check of a company found: a table at a time, then what is fatal.

    Parameters
    ----------
    company, key : str
        Name that readers see, and name of the folder.
    currency : str
        ISO code.
    as_of : date or None
        Day up to which rows count; None where it could not be found.
    tables : tuple of TableCheck
        In the order of the schema; only tables that the company has.
    """

    company: str
    key: str
    currency: str
    as_of: dt.date | None
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

    def table(self, name: str) -> TableCheck:
        """Return the check of one table.

        Parameters
        ----------
        name : str
            Name of the table in the schema.

        Raises
        ------
        KeyError
            If the company's settings do not name the table.
        """
        for table in self.tables:
            if table.name == name:
                return table
        raise KeyError(f"'{name}' was not checked; checked were {', '.join(table.name for table in self.tables)}")

    def summary(self) -> pd.DataFrame:
        """Return one row a table: rows, rejected, cut, kept, first, last, available, origin; indexed by table."""
        names = ["rows", "rejected", "cut", "kept", "first", "last", "available", "origin"]
        rows = [[getattr(table, name) for name in names] for table in self.tables]
        import pandas as pd

        index = pd.Index([table.name for table in self.tables], name="table")
        return pd.DataFrame(rows, columns=names, index=index)

    def to_frame(self) -> pd.DataFrame:
        """Return one row a fault: table, column, kind, severity, treatment, count, share of rows, message."""
        import pandas as pd

        sizes = {table.name: table.rows for table in self.tables}
        rows = [
            {
                "table": fault.table,
                "column": fault.column,
                "kind": text(fault.kind),
                "severity": fault.severity,
                "treatment": text(fault.treatment),
                "count": fault.count,
                "share": fault.count / sizes[fault.table] if sizes[fault.table] else float("nan"),
                "message": fault.message,
            }
            for fault in self.faults
        ]
        names = ["table", "column", "kind", "severity", "treatment", "count", "share", "message"]
        return pd.DataFrame(rows, columns=names)

    def lines(self) -> list[str]:
        """Return the report as plain lines of text."""
        day = language.date(self.as_of) if self.as_of else text("unknown")
        lines = [text("{company} ({key}), {currency}, as of {day}").format(
            company=self.company, key=self.key, currency=self.currency, day=day
        )]  # fmt: skip
        for table in self.tables:
            lines.append("")
            lines.append(self._headline(table))
            lines += [f"  {text(fault.treatment)}: {fault.message}" for fault in table.faults]
        return lines

    @staticmethod
    def _headline(table: TableCheck) -> str:
        line = f"{text(table.label)} ({table.name})"
        if table.origin:
            line += " " + text("from {origin}").format(origin=table.origin)
        if not table.available:
            return f"{line}: {text('not used')}"
        line += ": " + text("{rows} rows, {kept} kept, {rejected} rejected, {cut} later than as_of").format(
            rows=language.number(table.rows, 0), kept=language.number(table.kept, 0),
            rejected=language.number(table.rejected, 0), cut=language.number(table.cut, 0),
        )  # fmt: skip
        if table.first and table.last:
            line += f"; {language.date(table.first)} – {language.date(table.last)}"
        return line
