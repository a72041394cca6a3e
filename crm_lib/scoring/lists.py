"""Whom to contact, from a company's tables alone, and the lists as files: one a purpose, and a workbook of all."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from crm_lib import churn, relationships
from crm_lib.company import Company
from crm_lib.errors import CrmError, MissingData
from crm_lib.language import say, text
from crm_lib.scoring.targets import write_scores
from crm_lib.segments import (
    PURPOSES,
    Segmented,
    TargetList,
    TargetLists,
    definitions_of,
    segment_customers,
    target_lists,
)
from crm_lib.writing import replaced

WORKBOOK = "targets.xlsx"
WITHHELD = "_no_permission"
"""Ending of the names of files with those who may not be contacted."""
_LOOKING = "valuable and looking around"
"""The switching class that the list of those at risk is made of."""
_ROWS, _CELL = 1_048_576, 32_767
"""Rows of a sheet, and letters of a cell, that Excel can hold."""


def company_lists(
    company: Company,
    *,
    segmented: Segmented | None = None,
    risk_days: int = 91,
    contact_cost: float = 3.5,
    saved_share: float = 0.1,
    dissatisfied_below: float = 6.0,
    budget: float | None = None,
) -> TargetLists:
    """Return the target lists that a company's data allow.

    Parameters
    ----------
    company : Company
        The company.
    segmented : Segmented, optional
        Its customers in segments and tiers; by default by the company's own definitions, or the usual ones.
    risk_days : int
        Days ahead over which the risk of buying nothing is told.
    contact_cost, saved_share : float
        Cost of a personal contact (money), and part of those about to leave whom it keeps: an assumption to be tested.
    dissatisfied_below : float
        A last answer with a satisfaction below this is dissatisfied.
    budget : float, optional
        What may be spent on winning back (money); by default on all of whom it pays.

    Returns
    -------
    TargetLists
        The lists; what the company's data do not allow is left out and said.
    """
    if segmented is None:
        segmented = segment_customers(company, definitions_of(company))
    at_risk: pd.DataFrame | MissingData
    try:
        risk = churn.churn_risk(company, horizon_days=risk_days)
        terms = {"contact_cost": contact_cost, "saved_share": saved_share}
        frame = relationships.switching_classes(segmented.tiers.frame["value"], risk, **terms).frame
        at_risk = frame[frame["class"] == _LOOKING]
    except MissingData as missing:
        at_risk = missing
    win_back: pd.DataFrame | MissingData
    try:
        gone = churn.churned(company, churn.inactivity_window(company))
        win_back = churn.winback_plan(company, gone, budget=budget, contact_cost=contact_cost).frame
    except MissingData as missing:
        win_back = missing
    return target_lists(
        company, segmented, at_risk=at_risk, win_back=win_back, risk_days=risk_days,
        dissatisfied_below=dissatisfied_below,
    )  # fmt: skip


def write_lists(lists: TargetLists, folder: str | Path) -> list[Path]:
    """Write every list to a file of its own, and all of them to one workbook.

    All are replaced, or none. Files of lists that an earlier run wrote and this one did not make are removed: nobody
    should be called because of an old list.

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
        where there are any, and ``targets.xlsx``, readable by their owner alone. Formulas are made harmless.

    Raises
    ------
    CrmError
        If they cannot be written, or the folder holds files of these names without the workbook of an earlier run.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    ours = (folder / WORKBOOK).exists()
    parts = {name: frame for each in lists.lists for name, frame in _parts(each).items()}
    foreign = sorted(f"{name}.csv" for name in parts if (folder / f"{name}.csv").exists())
    if foreign and not ours:
        raise CrmError(f"the folder {str(folder)!r} has {foreign[0]} that no earlier run wrote: choose another folder")
    with replaced(folder / WORKBOOK) as book:
        for name, frame in parts.items():
            write_scores(frame, str(book.with_name(f"{name}.csv")))
        _write_book(lists, parts, book)
        # All are written: only now does any take its place.
        for name in (name + ending for name in PURPOSES for ending in ("", WITHHELD)):
            if name in parts:
                book.with_name(f"{name}.csv").replace(folder / f"{name}.csv")
            elif ours:
                (folder / f"{name}.csv").unlink(missing_ok=True)
    return [*(folder / f"{name}.csv" for name in parts), folder / WORKBOOK]


def _parts(each: TargetList) -> dict[str, pd.DataFrame]:
    parts = {each.name: each.frame}
    if len(each.withheld):
        parts[f"{each.name}{WITHHELD}"] = each.withheld
    # Money has two digits after the point, whatever it was multiplied by.
    return {name: frame.assign(value=frame["value"].round(2)) for name, frame in parts.items()}


def _write_book(lists: TargetLists, parts: Mapping[str, pd.DataFrame], path: Path) -> None:
    """Write an overview of the lists and a sheet for each part."""
    import xlsxwriter

    # No cell becomes a formula or a link, whatever the ids hold. Rows leave memory as they are written.
    plain = dict.fromkeys(("strings_to_formulas", "strings_to_urls", "strings_to_numbers"), False)
    with xlsxwriter.Workbook(str(path), {**plain, "constant_memory": True}) as book:
        _write_rows(book, text("Lists"), _overview(lists))
        for part, frame in parts.items():
            _write_rows(book, part, _rows(part, frame))


def _overview(lists: TargetLists) -> Iterator[list[Any]]:
    heads = ["List", "Purpose", "Action", "May be contacted", "Without permission", "First here", "On another list too"]
    yield [text(head) for head in (*heads, "Value at stake")]
    table = lists.overview().round({"value": 2})[["may_contact", "withheld", "first_here", "several", "value"]]
    for each in lists.lists:
        yield [each.name, *map(text, PURPOSES[each.name]), *table.loc[each.name]]
    yield [text("All customers, each once"), "", "", *table.iloc[-1]]
    if not lists.permission_known:
        yield [text("The company does not record who agreed to be contacted: make sure before anybody is.")]
    for name, why in lists.left_out.items():
        yield [say("Left out: {what}, {why}.", what=name, why=why)]


def _rows(part: str, frame: pd.DataFrame) -> Iterator[list[Any]]:
    table = frame.reset_index()
    table["first_list"] = table["first_list"].map({True: text("yes"), False: text("no")})
    yield [str(head) for head in table.columns]
    fits = len(table) < _ROWS
    for row in table.head(_ROWS - 1 if fits else _ROWS - 2).astype(object).itertuples(index=False, name=None):
        yield list(row)
    if not fits:
        words = "The sheet ends here with {shown:count} of {all:count} customers: {file} has all of them."
        yield [say(words, shown=_ROWS - 2, all=len(table), file=f"{part}.csv")]


def _write_rows(book: Any, name: str, rows: Iterator[list[Any]]) -> None:
    bold = book.add_format({"bold": True})
    sheet = book.add_worksheet(name)
    sheet.freeze_panes(1, 0)
    for place, row in enumerate(rows):
        for column, cell in enumerate(row):
            if isinstance(cell, str):
                sheet.write_string(place, column, cell[:_CELL], bold if place == 0 else None)
            elif not pd.isna(cell):
                sheet.write_number(place, column, float(cell))
