"""Texts that a spreadsheet would take for formulas, made harmless."""

from __future__ import annotations

from typing import Any

import ibis


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
