"""Target lists as files: one for each purpose, and a workbook of all, harmless to whoever opens them."""

from __future__ import annotations

import re
from pathlib import Path

import pandas as pd

from crm_lib.errors import CrmError
from crm_lib.scoring.list_book import write_book
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
        where there are any, and ``targets.xlsx``. Formulas are made harmless. A list that no sheet can hold is whole
        in its own file.

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
    parts = {name: frame for each in lists.lists for name, frame in _parts(each).items()}
    foreign = sorted(f"{name}.csv" for name in parts if (folder / f"{name}.csv").exists())
    if foreign and not ours:
        raise CrmError(f"the folder {str(folder)!r} has {foreign[0]} that no earlier run wrote: choose another folder")
    written = []
    for name, frame in parts.items():
        written.append(folder / f"{name}.csv")
        write_scores(frame, str(written[-1]))
    for name in {*PURPOSES, *(each.name for each in lists.lists)} if ours else ():
        for old in (folder / f"{name}.csv", folder / f"{name}{WITHHELD}.csv"):
            if old not in written:
                old.unlink(missing_ok=True)
    written.append(folder / WORKBOOK)
    write_book(lists, parts, written[-1])
    return written


def _parts(each: TargetList) -> dict[str, pd.DataFrame]:
    parts = {each.name: each.frame}
    if len(each.withheld):
        parts[f"{each.name}{WITHHELD}"] = each.withheld
    # Money has two digits after the point, whatever it was multiplied by.
    return {name: frame.assign(value=frame["value"].round(2)) for name, frame in parts.items()}
