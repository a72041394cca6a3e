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
from tests.reports.exhibits import finding

DAY = dt.date(2026, 6, 30)
HOSTILE = ["=cmd|' /C calc'!A0", "+1+1", "@SUM(1)", "http://example.org/x", "-2", "\x07bell", "{=1}"]


def table(name: str = "mixed", **columns: list[Any]) -> dict[str, Any]:
    return Table(name=name, title=f"Title of {name}", frame=pd.DataFrame(columns), source="transactions").to_dict()


def write(path: Path, *tables: dict[str, Any], findings: tuple[dict[str, Any], ...] = (), title: str = "T") -> None:
    write_workbook(path, Collected(tables=tables, findings=findings), title=title, as_of=DAY)


def read(path: Path, sheet: str) -> list[list[Any]]:
    return CalamineWorkbook.from_path(path).get_sheet_by_name(sheet).to_python()


def test_values_come_back_as_they_went_in(tmp_path: Path) -> None:
    days = [dt.date(2025, 1, 31), dt.date(2025, 2, 28)]
    path = tmp_path / "x.xlsx"
    mixed = table(
        word=["a", None], amount=[1.5, float("nan")], count=[1, 2], day=pd.to_datetime(days), yes=[True, False]
    )
    write(path, mixed)
    rows = read(path, "mixed")
    assert rows[0] == ["Word", "Amount", "Count", "Day", "Yes"]
    assert rows[1] == ["a", 1.5, 1.0, days[0], True]
    assert rows[2] == ["", "", 2.0, days[1], False]


def test_no_text_becomes_a_formula_or_a_link(tmp_path: Path) -> None:
    path = tmp_path / "x.xlsx"
    write(path, table(text=HOSTILE), title="=1+1")
    assert [row[0] for row in read(path, "mixed")[1:]][:5] == HOSTILE[:5]
    with zipfile.ZipFile(path) as archive:
        sheets = [archive.read(name).decode() for name in archive.namelist() if "worksheets/" in name]
    assert len(sheets) == 2
    assert not any("<f>" in sheet or "<f " in sheet or "r:id" in sheet for sheet in sheets)


def test_equal_content_gives_equal_bytes(tmp_path: Path) -> None:
    for name in ("a.xlsx", "b.xlsx"):
        write(tmp_path / name, table(x=[1]))
    assert (tmp_path / "a.xlsx").read_bytes() == (tmp_path / "b.xlsx").read_bytes()


def test_the_contents_name_every_sheet_with_title_and_source(tmp_path: Path) -> None:
    path = tmp_path / "x.xlsx"
    write(path, table("one", x=[1]), table("two", x=[1]), title="Segments")
    rows = read(path, "Contents")
    assert rows[0][0] == "Segments"
    assert rows[-2:] == [["one", "Title of one", "transactions"], ["two", "Title of two", "transactions"]]


def test_findings_have_a_sheet_with_their_numbers(tmp_path: Path) -> None:
    path = tmp_path / "x.xlsx"
    write(path, findings=(finding().to_dict(),))
    row = read(path, "Findings")[1]
    assert row[:8] == [
        "C.",
        "supported",
        "k is 70% [60%, 80%].",
        "Look after them.",
        *map(pytest.approx, (0.7, 0.6, 0.8, 0.95)),
    ]


def test_sheet_names_are_what_excel_takes() -> None:
    wanted = ["Contents", "a/b:c", "x" * 40, "X" * 40, "'quoted'", "History", ""]
    names = sheet_names(wanted)
    assert len({name.lower() for name in names}) == len(wanted)
    assert all(0 < len(name) <= 31 and not re.search(r"[\[\]:*?/\\]", name) for name in names)
    assert "history" not in [name.lower() for name in names]
    assert not any(name.startswith("'") or name.endswith("'") for name in names)
