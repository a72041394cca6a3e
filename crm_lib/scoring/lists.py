"""Target lists as files: one for each purpose, and a workbook of all, harmless to whoever opens them."""

from __future__ import annotations

import os
import re
import tempfile
from pathlib import Path

import pandas as pd
import xlsxwriter

from crm_lib import language
from crm_lib.errors import CrmError
from crm_lib.scoring.targets import write_scores
from crm_lib.segments import PURPOSES, TargetList, TargetLists

WORKBOOK = "targets.xlsx"
WITHHELD = "_no_permission"
"""Ending of the names of files with those who may not be contacted."""
_NAME = re.compile(r"[a-z][a-z0-9_]{0,24}")


def write_lists(lists: TargetLists, folder: str | Path) -> list[Path]:
    """Write every list to a file of its own, and all of them to one workbook.

    Each file is replaced whole. Files of known lists that an earlier run wrote and this one did not make are removed:
    nobody should be called because of an old list.

    Parameters
    ----------
    lists : TargetLists
        The lists.
    folder : str or Path
        Where to; made where it is missing.

    Returns
    -------
    list of Path
        The files written: ``<name>.csv`` with those who may be contacted, ``<name>_no_permission.csv`` with the others
        where there are any, and ``targets.xlsx``. Formulas are made harmless.

    Raises
    ------
    CrmError
        If the name of a list could not be that of a file, the folder cannot be made, or it holds files of these names
        without the workbook of an earlier run.
    """
    bad = [each.name for each in lists.lists if not _NAME.fullmatch(each.name) or each.name.endswith(WITHHELD)]
    if bad:
        raise CrmError(f"{bad[0]!r} cannot be the name of a list: use small letters, digits and underscores")
    folder = Path(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise CrmError(f"the folder {str(folder)!r} cannot be made: {error.strerror}") from None
    ours = (folder / WORKBOOK).exists()
    names = {name for each in lists.lists for name in _parts(each)}
    foreign = sorted(f"{name}.csv" for name in names if (folder / f"{name}.csv").exists())
    if foreign and not ours:
        raise CrmError(f"the folder {str(folder)!r} has {foreign[0]} that no earlier run wrote: choose another folder")
    written = []
    for each in lists.lists:
        for name, frame in _parts(each).items():
            written.append(folder / f"{name}.csv")
            write_scores(frame, str(written[-1]))
    for name in {*PURPOSES, *(each.name for each in lists.lists)} if ours else ():
        for old in (folder / f"{name}.csv", folder / f"{name}{WITHHELD}.csv"):
            if old not in written:
                old.unlink(missing_ok=True)
    written.append(folder / WORKBOOK)
    _write_workbook(lists, written[-1])
    return written


def _parts(each: TargetList) -> dict[str, pd.DataFrame]:
    parts = {each.name: each.frame}
    if len(each.withheld):
        parts[f"{each.name}{WITHHELD}"] = each.withheld
    return parts


def _write_workbook(lists: TargetLists, path: Path) -> None:
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    os.close(handle)
    aside = Path(name)
    try:
        # No cell becomes a formula or a link, whatever the ids hold.
        options = {"strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
        with xlsxwriter.Workbook(str(aside), options) as book:
            bold = book.add_format({"bold": True})
            overview = book.add_worksheet(language.text("Lists"))
            heads = ("List", "Purpose", "Action", "May be contacted", "Without permission", "Value at stake")
            for column, head in enumerate(heads):
                overview.write_string(0, column, language.text(head), bold)
            for row, each in enumerate(lists.lists, start=1):
                for column, words in enumerate((each.name, language.text(each.title), language.text(each.action))):
                    overview.write_string(row, column, words)
                sums = (len(each.frame), len(each.withheld), float(each.frame["value"].sum()))
                for column, amount in enumerate(sums, start=3):
                    overview.write_number(row, column, amount)
                for part, frame in _parts(each).items():
                    _write_sheet(book, part[:31], frame, bold)
        mask = os.umask(0)
        os.umask(mask)
        aside.chmod(0o666 & ~mask)
        aside.replace(path)
    finally:
        aside.unlink(missing_ok=True)


def _write_sheet(book: xlsxwriter.Workbook, name: str, frame: pd.DataFrame, bold: object) -> None:
    sheet = book.add_worksheet(name)
    table = frame.reset_index()
    for column, head in enumerate(table.columns):
        sheet.write_string(0, column, str(head), bold)
        for row, cell in enumerate(table[head], start=1):
            if head == "value":
                sheet.write_number(row, column, float(cell))
            elif not pd.isna(cell):
                sheet.write_string(row, column, str(cell))
    sheet.freeze_panes(1, 0)
