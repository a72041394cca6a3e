"""Workbooks hold every table as numbers that can be worked with, and nothing that runs."""

from __future__ import annotations

import datetime as dt
import re
import zipfile
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from python_calamine import CalamineWorkbook

from crm_lib.exhibit import Table
from crm_lib.reports.documents import Collected
from crm_lib.reports.workbook import sheet_names, write_workbook
from tests.reports.shop import finding

HOSTILE = ["=cmd|' /C calc'!A0", "+1+1", "@SUM(1)", "http://example.org/x", "-2", "\x07bell", "{=1}"]


def table(name: str = "mixed", **columns: list[Any]) -> dict[str, Any]:
    return Table(name=name, title=f"Title of {name}", frame=pd.DataFrame(columns)).to_dict()


def write(path: Path, *tables: dict[str, Any], findings: tuple[dict[str, Any], ...] = (), title: str = "T") -> None:
    write_workbook(path, Collected(tables=tables, findings=findings), title=title, as_of=dt.date(2026, 6, 30))


def read(path: Path, sheet: str) -> list[list[Any]]:
    return CalamineWorkbook.from_path(path).get_sheet_by_name(sheet).to_python()


def test_values_come_back_as_they_went_in_below_contents_that_name_them(tmp_path: Path) -> None:
    days, path = [dt.date(2025, 1, 31), dt.date(2025, 2, 28)], tmp_path / "x.xlsx"
    mixed = table(
        word=["a", None], amount=[1 / 3, float("nan")], count=[1, 2], day=pd.to_datetime(days), yes=[True, False]
    )
    write(path, mixed, table("two", x=[1]), findings=(finding().to_dict(),), title="Segments")
    assert read(path, "mixed") == [
        ["Word", "Amount", "Count", "Day", "Yes"],
        ["a", pytest.approx(1 / 3), 1.0, days[0], True],
        ["", "", 2.0, days[1], False],
    ]
    contents = read(path, "Contents")
    assert contents[0][0] == "Segments"
    assert contents[-2:] == [["mixed", "Title of mixed"], ["two", "Title of two"]]
    words, numbers = ["C.", "supported", "k is 70% [60%, 80%].", "Look after them."], [0.7, 0.6, 0.8, 0.95]
    assert read(path, "Findings")[1][:8] == [*words, *map(pytest.approx, numbers)]


def test_no_text_becomes_a_formula_or_a_link(tmp_path: Path) -> None:
    path = tmp_path / "x.xlsx"
    write(path, table(text=HOSTILE), title="=1+1")
    assert [row[0] for row in read(path, "mixed")[1:]][:5] == HOSTILE[:5]
    with zipfile.ZipFile(path) as archive:
        sheets = [archive.read(name).decode() for name in archive.namelist() if "worksheets/" in name]
    assert len(sheets) == 2
    assert not any("<f>" in sheet or "<f " in sheet or "r:id" in sheet for sheet in sheets)


def test_sheet_names_are_what_excel_takes() -> None:
    wanted = ["Contents", "a/b:c", "x" * 40, "X" * 40, "'quoted'", "History", ""]
    names = sheet_names(wanted)
    assert len({name.lower() for name in names}) == len(wanted)
    assert all(0 < len(name) <= 31 and not re.search(r"[\[\]:*?/\\]", name) for name in names)
    assert "history" not in [name.lower() for name in names]
    assert not any(name.startswith("'") or name.endswith("'") for name in names)
