"""The rejected rows, written aside: all of them, by the engine, with the reasons, and harmless to spreadsheets."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from crm_lib.company.company import Company
from crm_lib.company.report import CheckReport

if TYPE_CHECKING:
    import ibis


def write_rejected(company: Company | CheckReport, folder: str | Path) -> dict[str, Path]:
    """Write the rejected rows of each table to ``<folder>/<table>.csv``.

    The engine streams the rows into the file, so that their number does not matter. The columns are ``row`` (the line
    in a text file), ``reasons``, and those of the source. A text that a spreadsheet would take for a formula gets an
    apostrophe in front.

    Parameters
    ----------
    company : Company or CheckReport
        What was checked.
    folder : str or Path
        Where to; made where it is missing. Files of an earlier check in it are removed.

    Returns
    -------
    dict of str to Path
        The files written, by table; tables without rejected rows have none.
    """
    report = company.check if isinstance(company, Company) else company
    folder = Path(folder)
    written = {}
    for table in report.tables:
        file = folder / f"{table.name}.csv"
        if table.rejects is None:
            file.unlink(missing_ok=True)
            continue
        folder.mkdir(parents=True, exist_ok=True)
        table.rejects.pipe(harmless).to_csv(file)
        written[table.name] = file
    return written


def harmless(rows: ibis.Table) -> ibis.Table:
    """Return rows whose texts no spreadsheet runs, for files of comma-separated values (CWE-1236).

    Parameters
    ----------
    rows : ibis.Table
        Any table.

    Returns
    -------
    ibis.Table
        The same; a text, or a column's name, that begins as a formula does gets an apostrophe in front. Numbers
        written as texts stay as they are.
    """
    cells: dict[str, Any] = {}
    for name in rows.columns:
        cell: Any = rows[name]
        if cell.type().is_string():
            risky = cell.re_search(r"^[=+\-@\t\r]") & ~cell.re_search(r"^[+-]?[0-9]+([.,][0-9]+)*$")
            cells[name] = risky.ifelse("'" + cell, cell)
    dangerous = {"'" + name: name for name in rows.columns if name[:1] in "=+-@\t\r"}
    return rows.mutate(**cells).rename(dangerous)
