"""One company: the one door through which its tables come in."""

from __future__ import annotations

import datetime as dt
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from crm_lib.errors import CompanyError, MissingData
from crm_lib.schema import TABLES

if TYPE_CHECKING:
    import ibis
    import pandas as pd

    from crm_lib.company.report import CheckReport
    from crm_lib.company.tables import Tables


class Company:
    """A company whose tables are opened, checked and cut when they are first asked for; made by :meth:`open`.

    What happened, was recorded or became known after its day `as_of` is not in any table. `key` is the name of its
    folder, `name` the one that readers see.
    """

    def __init__(self, opened: Tables, as_of: dt.date) -> None:
        about = opened.settings.company
        self._opened = opened
        self.folder: Path = opened.settings.folder
        self.key = self.folder.resolve().name
        self.name = about.name or self.key
        self.currency = about.currency
        self.as_of = as_of
        self.margin_rate = about.margin_rate
        self.language = about.language
        self.store = opened.store
        self.causes, self.targets = opened.settings.causes, opened.settings.targets

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
        report = opened.report()
        if report.fatal or report.as_of is None:
            opened.engine.close()
            listed = "\n".join(f"- {fault.table}: {fault.message}" for fault in report.fatal)
            raise CompanyError(f"company '{report.key}' cannot be opened:\n{listed}")
        return cls(opened, report.as_of)

    @property
    def check(self) -> CheckReport:
        """What the check found in the tables that were asked for so far."""
        return self._opened.report()

    @cached_property
    def content(self) -> str:
        """A SHA-256 of all that results rest on: files, settings, day, the library's code; not of a database."""
        return self._opened.copies.content(self.as_of)

    @property
    def tables(self) -> tuple[str, ...]:
        """Names of the tables that can be used; all are checked for it."""
        return tuple(name for name in TABLES if self.has(name))

    def check_all(self) -> CheckReport:
        """Check every table and return what was found."""
        return self._opened.check_all()

    def has(self, table: str, *columns: str) -> bool:
        """Return whether a table, with all of the columns, can be used.

        ``margin`` of ``transactions`` is there if margin, cost or a margin rate is known.
        """
        return self._opened.get(table) is not None and (not columns or set(columns) <= set(self.columns(table)))

    def columns(self, table: str) -> tuple[str, ...]:
        """Return the columns of a table that can be used, attributes of the company's own included."""
        self.table(table)
        present = self._opened.checks[table].columns
        told = {"cost", "margin_rate"} & set(present) or self.margin_rate is not None
        return (*present, "margin") if table == "transactions" and told and "margin" not in present else present

    def table(self, name: str, *columns: str) -> ibis.Table:
        """Return a table of the schema: typed, without rejected rows, cut at :attr:`as_of`.

        It holds all columns that the company has; ``transactions`` always has ``margin``, null throughout where nothing
        tells it. Raises :class:`MissingData` if the company lacks the table, or one of the `columns` that are needed.
        """
        if name not in TABLES:
            raise ValueError(f"the schema has no table '{name}'; it has {', '.join(TABLES)}")
        table: ibis.Table | None = self._opened.get(name)
        if table is None:
            raise MissingData(name)
        if columns and (missing := [column for column in columns if column not in self.columns(name)]):
            raise MissingData(name, missing)
        return table

    def frame(self, name: str, *columns: str) -> pd.DataFrame:
        """Return a :meth:`table`, or the columns of it that are named, as a data frame in memory."""
        table = self.table(name, *columns)
        frame: pd.DataFrame = (table.select(*columns) if columns else table).execute()
        return frame

    def fingerprint(self) -> dict[str, str]:
        """Return a SHA-256 that changes when its source does, for each table that was asked for so far."""
        return {table.name: self._opened.fingerprint(table.name) for table in self.check.tables if table.available}

    def __repr__(self) -> str:
        return (
            f"Company('{self.key}', as_of={self.as_of.isoformat()}, tables={', '.join(self._opened.settings.tables)})"
        )


def check_company(name_or_folder: str | Path, as_of: dt.date | str | None = None) -> CheckReport:
    """Open a company, check all its tables, and return what was found, fatal faults of its data included.

    Parameters
    ----------
    name_or_folder, as_of
        As for :meth:`Company.open`.
    """
    return _open(name_or_folder, as_of).check_all()


def _open(name_or_folder: str | Path, as_of: Any) -> Tables:
    # Here, so that who imports the library without opening a company does not wait for the engine.
    from crm_lib.company.names import find_company
    from crm_lib.company.settings import as_date, read_settings
    from crm_lib.company.tables import Tables

    settings = read_settings(find_company(name_or_folder))
    try:
        day = None if as_of is None else as_date(as_of)
    except ValueError as error:
        raise CompanyError(f"as_of {error}") from None
    return Tables(settings, day)
