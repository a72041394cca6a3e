"""What a table must look like: the classes that :mod:`crm_lib.schema` is written with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

ColumnType = Literal["text", "integer", "number", "money", "boolean", "date", "time"]


@dataclass(frozen=True, kw_only=True)
class Column:
    """One column of a table contract.

    `name` is that of the software, to which ``company.toml`` maps a company's own; `label` is what a reader sees. A
    ``date`` is a calendar day, a ``time`` a moment, ``money`` is in the company's currency. Without a `required` column
    the table is useless, and a row without its value is rejected. `low` and `high` are inclusive; `choices` are the
    values allowed, `also` what a company calls some of them. An outcome (how a complaint ended) is known only when it
    has happened: `known_at` names the date column before which the value is hidden.
    """

    name: str
    label: str
    meaning: str
    type: ColumnType = "text"
    unit: str = ""
    required: bool = False
    low: float | None = None
    high: float | None = None
    choices: tuple[str, ...] = ()
    also: tuple[tuple[str, str], ...] = ()
    known_at: str = ""

    @property
    def constraint(self) -> str:
        """The constraint in words, empty where there is none."""
        if self.choices:
            return " | ".join(self.choices)
        if self.low is not None and self.high is not None:
            return f"{self.low:g} to {self.high:g}"
        if self.low is not None:
            return f"at least {self.low:g}"
        if self.high is not None:
            return f"at most {self.high:g}"
        return ""


@dataclass(frozen=True, kw_only=True)
class TableContract:
    """One table of the schema; `meaning` says what one row is.

    A second row with the same `key` is rejected, if all columns of the key are there, and so is a row that ends before
    it begins (`orders`: begin, end). Rows that happened (`happened_at`) or entered the books (`recorded_at`) after
    ``as_of`` are cut. An `open` table keeps further columns as attributes, under the company's own names; a company
    cannot do without a `required` one.
    """

    name: str
    label: str
    meaning: str
    columns: tuple[Column, ...]
    key: tuple[str, ...] = ()
    happened_at: str = ""
    recorded_at: str = ""
    orders: tuple[tuple[str, str], ...] = ()
    open: bool = False
    required: bool = False

    @property
    def column_names(self) -> tuple[str, ...]:
        """Names of the columns, in order."""
        return tuple(column.name for column in self.columns)

    def column(self, name: str) -> Column:
        """Return the column called `name`; a KeyError names the columns that there are."""
        for column in self.columns:
            if column.name == name:
                return column
        raise KeyError(f"table '{self.name}' has no column '{name}'; it has {', '.join(self.column_names)}")
