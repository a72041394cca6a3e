"""The Excel workbook of a notebook: its findings and its tables, a sheet each."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import xlsxwriter

from crm_lib.language import say, text
from crm_lib.reports.documents import Collected

_LAST_ROW = 1_048_576
_LONGEST_TEXT = 32_767
_FORBIDDEN = re.compile(r"[\[\]:*?/\\\x00-\x1f]")
_INK, _TINT = "#1d2733", "#eef2f5"
Fields = Mapping[str, Any]


def write_workbook(path: Path, shown: Collected, *, title: str, as_of: dt.date) -> None:
    """Write the workbook; equal content gives equal bytes, and no cell becomes a formula or a link.

    The day of the numbers also stands as the day of creation.
    """
    options = {"strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False, "in_memory": True}
    book = xlsxwriter.Workbook(str(path), options)
    book.set_properties({"title": title, "created": dt.datetime.combine(as_of, dt.time())})
    tables = [*([_findings_table(shown.findings)] if shown.findings else []), *shown.tables]
    names = sheet_names([text("Contents"), *(table["name"] for table in tables)])
    contents = book.add_worksheet(names[0])
    rows = [(name, each["title"]) for name, each in zip(names[1:], tables, strict=True)]
    for name, table in zip(names[1:], tables, strict=True):
        _write_table(book, name, table)
    contents.write_string(0, 0, title, book.add_format({"bold": True, "font_size": 16, "font_color": _INK}))
    contents.write_string(1, 0, say("As of {date}", date=as_of))
    _write_contents(book, contents, rows)
    book.close()


def sheet_names(wanted: Sequence[str]) -> list[str]:
    """Return names that Excel takes: no forbidden characters, at most 31 of them, no two alike."""
    given: list[str] = []
    used = {"history"}  # Excel keeps this one for itself
    for name in wanted:
        base = _FORBIDDEN.sub(" ", name).strip().strip("'")[:31] or "Sheet"
        unique, number = base, 1
        while unique.lower() in used:
            number += 1
            unique = f"{base[: 31 - len(str(number)) - 1]} {number}"
        used.add(unique.lower())
        given.append(unique)
    return given


def _write_table(book: xlsxwriter.Workbook, name: str, table: Fields) -> None:
    sheet = book.add_worksheet(name)
    sheet.hide_gridlines(2)
    sheet.freeze_panes(1, 0)
    head = {"bold": True, "font_color": _INK, "bg_color": _TINT, "bottom": 1, "text_wrap": True, "valign": "top"}
    kinds, rows = table["kinds"], table["rows"][: _LAST_ROW - 1]
    for column, (label, kind) in enumerate(zip(table["labels"], kinds, strict=True)):
        sheet.write_string(0, column, label, book.add_format({**head, "align": "left" if kind == "text" else "right"}))
        cell_format = book.add_format({"num_format": _number_format(kind, table.get("currency", ""))})
        longest = max([len(label) / 1.5, *(len(str(row[column])) for row in rows[:200])], default=8)
        sheet.set_column(column, column, min(max(longest + 2, 10), 60), cell_format)
        for index, row in enumerate(rows, start=1):
            _write_cell(sheet, index, column, row[column], kind, cell_format)
    if rows:
        sheet.autofilter(0, 0, len(rows), len(kinds) - 1)


def _write_cell(sheet: Any, row: int, column: int, value: Any, kind: str, cell_format: Any) -> None:
    if isinstance(value, bool):
        sheet.write_boolean(row, column, value, cell_format)
    elif isinstance(value, (int, float)):
        sheet.write_number(row, column, value, cell_format)
    elif kind == "date" and value and (moment := dt.datetime.fromisoformat(value)).year >= 1900:  # Excel's first year
        sheet.write_datetime(row, column, moment.replace(tzinfo=None), cell_format)
    elif value is not None:
        sheet.write_string(row, column, str(value)[:_LONGEST_TEXT], cell_format)


def _number_format(kind: str, currency: str) -> str:
    return {
        "count": "#,##0",
        "number": "#,##0.00##",
        "share": "0.0%",
        "money": f'#,##0.00 "{currency}"' if currency else "#,##0.00",
        "date": "yyyy-mm-dd",
    }.get(kind, "@")


def _findings_table(findings: Sequence[Fields]) -> Fields:
    labels = ["Claim", "Verdict", "Finding", "What to do", "Value", "Low", "High", "Level", "Number of cases", "Method"]
    numbers = ("value", "low", "high", "level", "n", "method")
    rows = [
        [each["claim"], text(each["verdict"]), each["text"], each["decision"]]
        + [each["estimate"][name] for name in numbers]
        + [each["source"]]
        for each in findings
    ]
    kinds = ("text",) * 4 + ("number",) * 3 + ("share", "count", "text", "text")
    titles = [text(label) for label in (*labels, "Source")]
    return {"name": text("Findings"), "title": text("Findings"), "labels": titles, "kinds": kinds, "rows": rows}


def _write_contents(book: xlsxwriter.Workbook, sheet: Any, rows: Sequence[tuple[str, str]]) -> None:
    sheet.hide_gridlines(2)
    head = book.add_format({"bold": True, "bg_color": _TINT, "bottom": 1, "font_color": _INK})
    for column, (label, width) in enumerate({"Sheet": 34, "What it shows": 70}.items()):
        sheet.set_column(column, column, width)
        sheet.write_string(3, column, text(label), head)
    link = book.add_format({"font_color": "#0b5a7a", "underline": 1})
    for index, (name, shows) in enumerate(rows, start=4):
        quoted = name.replace("'", "''")
        sheet.write_url(index, 0, f"internal:'{quoted}'!A1", link, name)
        sheet.write_string(index, 1, shows)
    sheet.freeze_panes(4, 0)
