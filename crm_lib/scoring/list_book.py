"""The workbook of target lists: an overview, and a sheet for each list, harmless to whoever opens it."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pandas as pd
import xlsxwriter

from crm_lib import language
from crm_lib.segments import TargetLists

_ROWS = 1_048_576
"""Rows of a sheet, its heads included."""
_LETTERS = 31
"""Letters of a sheet's name."""
_CELL = 32_767
"""Letters of a cell; Excel takes no longer text at all."""
_RESERVED = "history"
"""A name that Excel keeps for itself."""


def write_book(lists: TargetLists, parts: Mapping[str, pd.DataFrame], path: Path) -> None:
    """Write an overview of the lists and a sheet for each part; a workbook that was there is replaced whole.

    Parameters
    ----------
    lists : TargetLists
        The lists.
    parts : mapping of str to DataFrame
        The rows of each sheet by the name of its file; a sheet that cannot hold all of them says so in its last row.
    path : Path
        Where to.
    """
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    os.close(handle)
    aside = Path(name)
    try:
        # No cell becomes a formula or a link, whatever the ids hold. Rows leave memory as they are written.
        options = {
            "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False,
            "constant_memory": True,
        }  # fmt: skip
        with xlsxwriter.Workbook(str(aside), options) as book:
            bold = book.add_format({"bold": True})
            overview, *sheets = sheet_names([language.text("Lists"), *parts])
            _write_rows(book, overview, _overview(lists), bold)
            for sheet, (part, frame) in zip(sheets, parts.items(), strict=True):
                _write_rows(book, sheet, _rows(part, frame), bold)
        mask = os.umask(0)
        os.umask(mask)
        aside.chmod(0o666 & ~mask)
        aside.replace(path)
    finally:
        aside.unlink(missing_ok=True)


def sheet_names(names: Iterable[str]) -> list[str]:
    """Return names for sheets: short enough, and no two alike to a program that does not tell small from capital.

    Parameters
    ----------
    names : iterable of str
        The names wanted.

    Examples
    --------
    >>> sheet_names(["Lists", "lists", "a_name_of_more_than_thirty_one_letters"])
    ['Lists', 'lists_2', 'a_name_of_more_than_thirty_one_']
    """
    taken = {_RESERVED}
    found = []
    for wanted in names:
        name, number = wanted[:_LETTERS], 1
        while name.casefold() in taken:
            number += 1
            name = f"{wanted[: _LETTERS - len(f'_{number}')]}_{number}"
        taken.add(name.casefold())
        found.append(name)
    return found


def _overview(lists: TargetLists) -> Iterable[list[Any]]:
    heads = (
        "List", "Purpose", "Action", "May be contacted", "Without permission", "First here", "On another list too",
        "Value at stake",
    )  # fmt: skip
    yield [language.text(head) for head in heads]
    table = lists.overview().round({"value": 2})
    columns = ["may_contact", "withheld", "first", "several", "value"]
    for each in lists.lists:
        yield [each.name, language.text(each.title), language.text(each.action), *table.loc[each.name, columns]]
    yield [language.text("All customers, each once"), "", "", *table.iloc[-1][columns]]
    if not lists.permission_known:
        yield [language.text("The company does not record who agreed to be contacted: make sure before anybody is.")]
    for name, why in lists.left_out.items():
        yield [language.text("Left out: {what}. Why: {why}.").format(what=name, why=why)]


def _rows(part: str, frame: pd.DataFrame) -> Iterable[list[Any]]:
    table = frame.reset_index()
    yield [str(head) for head in table.columns]
    fits = len(table) < _ROWS
    shown = table if fits else table.iloc[: _ROWS - 2]
    said = {True: language.text("yes"), False: language.text("no")}
    if "first_list" in shown:
        shown = shown.assign(first_list=shown["first_list"].map(said))
    for row in shown.astype(object).itertuples(index=False, name=None):
        yield list(row)
    if not fits:
        words = language.text("The sheet ends here with {shown} of {all} customers: {file} has all of them.")
        counts = {"shown": language.number(len(shown), 0), "all": language.number(len(table), 0)}
        yield [words.format(file=f"{part}.csv", **counts)]


def _write_rows(book: xlsxwriter.Workbook, name: str, rows: Iterable[list[Any]], bold: object) -> None:
    sheet = book.add_worksheet(name)
    sheet.freeze_panes(1, 0)
    for place, row in enumerate(rows):
        for column, cell in enumerate(row):
            if isinstance(cell, str):
                sheet.write_string(place, column, cell[:_CELL], bold if place == 0 else None)
            elif not pd.isna(cell):
                sheet.write_number(place, column, float(cell))
