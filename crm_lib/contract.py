"""What a table must look like: the classes that :mod:`crm_lib.schema` is written with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

ColumnType = Literal["text", "integer", "number", "money", "boolean", "date", "time"]


@dataclass(frozen=True, kw_only=True)
class Column:
    """One column of a table contract.

    Parameters
    ----------
    name : str
        Name in the software; a company's own name is mapped to it in ``company.toml``.
    label : str
        What a reader sees (English; translated when shown).
    meaning : str
        One sentence for the data dictionary.
    type : {"text", "integer", "number", "money", "boolean", "date", "time"}
        ``date`` is a calendar day, ``time`` a moment; ``money`` is in the company's currency.
    unit : str
        Unit of a number, empty where there is none.
    required : bool
        Whether the table is useless without the column, and a row without its value is rejected.
    low, high : float or None
        Inclusive bounds of a number.
    choices : tuple of str
        The values allowed, empty where all are.
    known_at : str
        Name of the date column from which the value is known: before it, the value is hidden.
        An outcome (how a complaint ended) is known only when it has happened.
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
    """One table of the schema.

    Parameters
    ----------
    name : str
        Name in the software.
    label : str
        What a reader sees.
    meaning : str
        What one row is.
    columns : tuple of Column
        The columns, in the order of the data dictionary.
    key : tuple of str
        Columns that together name a row; a second row with the same key is rejected.
        A key of which a column is absent is not checked.
    happened_at : str
        The event date, empty for a table without one. Rows later than ``as_of`` are cut.
    recorded_at : str
        When the row entered the books, where that is known: a row entered after ``as_of`` is cut too.
    open : bool
        Whether further columns are kept as attributes under the company's own names.
    required : bool
        Whether a company cannot do without the table.
    """

    name: str
    label: str
    meaning: str
    columns: tuple[Column, ...]
    key: tuple[str, ...] = ()
    happened_at: str = ""
    recorded_at: str = ""
    open: bool = False
    required: bool = False

    @property
    def column_names(self) -> tuple[str, ...]:
        """Names of the columns, in order."""
        return tuple(column.name for column in self.columns)

    def column(self, name: str) -> Column:
        """Return the column called `name`.

        Parameters
        ----------
        name : str
            Name of a column in the software.

        Raises
        ------
        KeyError
            If the table has no such column.
        """
        for column in self.columns:
            if column.name == name:
                return column
        raise KeyError(f"table '{self.name}' has no column '{name}'; it has {', '.join(self.column_names)}")
