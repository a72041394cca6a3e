"""One company: the one door through which its tables come in."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self

import ibis
import pandas as pd

from crm_lib.company.naming import find_company
from crm_lib.company.opening import Opened, open_tables
from crm_lib.company.report import CheckReport
from crm_lib.company.settings import as_date, read_settings
from crm_lib.company.sources import fingerprint
from crm_lib.errors import CompanyError, MissingData
from crm_lib.schema import TABLES


class Company:
    """A company whose tables were opened, checked and cut; made by :meth:`open`.

    Parameters
    ----------
    opened : Opened
        The tables, as :meth:`open` hands them over.
    as_of : date
        Last day that counts.

    Attributes
    ----------
    key : str
        Name of the company's folder.
    name : str
        Name that readers see.
    currency : str
        ISO 4217 code of all money.
    as_of : date
        Last day that counts: what happened, was recorded or became known later is not in any table.
    margin_rate : float or None
        Margin as a share of revenue, where lines themselves do not tell.
    language : str
        Locale of the company's reports, empty for the default.
    folder : Path
        The company's folder.
    tables : tuple of str
        Names of the tables that can be used.
    check : CheckReport
        What the check found when the company was opened.
    """

    def __init__(self, opened: Opened, as_of: dt.date) -> None:
        self._opened = opened
        self.key = opened.report.key
        self.name = opened.settings.name
        self.currency = opened.settings.currency
        self.as_of = as_of
        self.margin_rate = opened.settings.margin_rate
        self.language = opened.settings.language
        self.folder: Path = opened.settings.folder
        self.tables = tuple(name for name in TABLES if name in opened.tables)
        self.check: CheckReport = opened.report
        self._fingerprint: dict[str, str] = {}

    @classmethod
    def open(cls, name_or_folder: str | Path, as_of: dt.date | str | None = None) -> Self:
        """Open a company.

        Parameters
        ----------
        name_or_folder : str or Path
            Name of a folder in ``data/`` (here or above, or where ``CRM_DATA`` says), or a folder with a
            ``company.toml``.
        as_of : date or str, optional
            Last day that counts, as a date or as ``"2026-06-30"``. By default that of ``company.toml``, else the
            day of the last transaction.

        Raises
        ------
        CompanyError
            If there is no such company, its settings are wrong, its database cannot be reached, or its transactions
            cannot be used. All that is wrong with the transactions is listed at once.
        """
        opened = _open(name_or_folder, as_of)
        report = opened.report
        if report.fatal or report.as_of is None:
            opened.engine.close()
            listed = "\n".join(f"- {fault.table}: {fault.message}" for fault in report.fatal)
            raise CompanyError(f"company '{report.key}' cannot be opened:\n{listed}")
        return cls(opened, report.as_of)

    def has(self, table: str, *columns: str) -> bool:
        """Return whether a table, with all of the columns, can be used.

        Parameters
        ----------
        table : str
            Name of the table in the schema.
        *columns : str
            Names of columns. ``margin`` of ``transactions`` is there if margin, cost or a margin rate is known.
        """
        return table in self._opened.tables and not self._missing(table, columns)

    def table(self, name: str, *columns: str) -> ibis.Table:
        """Return a table: typed, without rejected rows, cut at :attr:`as_of`.

        Parameters
        ----------
        name : str
            Name of the table in the schema.
        *columns : str
            Columns that the caller needs.

        Returns
        -------
        ibis.Table
            All columns that the company has. ``transactions`` always has ``margin``, null throughout where nothing
            tells it.

        Raises
        ------
        MissingData
            If the company lacks the table or one of the columns.
        ValueError
            If the schema knows no such table.
        """
        if name not in TABLES:
            raise ValueError(f"the schema has no table '{name}'; it has {', '.join(TABLES)}")
        if name not in self._opened.tables:
            raise MissingData(name)
        missing = self._missing(name, columns)
        if missing:
            raise MissingData(name, missing)
        table: ibis.Table = self._opened.tables[name]
        return table

    def frame(self, name: str, *columns: str) -> pd.DataFrame:
        """Return a table, or the given columns of it, as a data frame in memory.

        Parameters
        ----------
        name : str
            Name of the table in the schema.
        *columns : str
            Columns wanted; all where none is named.

        Raises
        ------
        MissingData
            If the company lacks the table or one of the columns.
        """
        table = self.table(name, *columns)
        frame: pd.DataFrame = (table.select(*columns) if columns else table).execute()
        return frame

    def fingerprint(self) -> dict[str, str]:
        """Return a SHA-256 for each table that changes when its source does, by name of the table.

        Tables from files are known by the bytes of the files (and the SQL over them), tables of a database by their
        content.
        """
        if not self._fingerprint:
            raws = self._opened.raws
            self._fingerprint = {name: fingerprint(raws[name], self._opened.engine) for name in self.tables}
        return dict(self._fingerprint)

    def _missing(self, table: str, columns: Sequence[str]) -> list[str]:
        present = set(self._opened.report.table(table).columns)
        if table == "transactions" and (present & {"margin", "cost", "margin_rate"} or self.margin_rate is not None):
            present.add("margin")
        return [column for column in columns if column not in present]

    def __repr__(self) -> str:
        return f"Company('{self.key}', as_of={self.as_of.isoformat()}, tables={', '.join(self.tables)})"


def check_company(name_or_folder: str | Path, as_of: dt.date | str | None = None) -> CheckReport:
    """Open and check a company, and return what was found, fatal faults of its data included.

    Parameters
    ----------
    name_or_folder : str or Path
        As for :meth:`Company.open`.
    as_of : date or str, optional
        As for :meth:`Company.open`.

    Raises
    ------
    CompanyError
        If there is no such company, its settings are wrong, or its database cannot be reached.
    """
    return _open(name_or_folder, as_of).report


def _open(name_or_folder: str | Path, as_of: Any) -> Opened:
    settings = read_settings(find_company(name_or_folder))
    return open_tables(settings, None if as_of is None else as_date(as_of, "as_of"))
