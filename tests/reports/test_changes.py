"""Findings are compared from run to run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from crm_lib.reports.changes import Change, change, differences, read_findings, write_findings


def finding(
    key: str = "a",
    verdict: str = "supported",
    value: float | None = 0.5,
    low: float | None = 0.4,
    high: float | None = 0.6,
) -> dict[str, Any]:
    return {"key": key, "verdict": verdict, "estimate": {"value": value, "low": low, "high": high}}


@pytest.mark.parametrize(
    ("now", "before", "expected"),
    [
        (finding(), None, Change.NEW), (finding(), finding(), Change.UNCHANGED),
        (finding(value=0.6), finding(), Change.UNCHANGED), (finding(value=0.61), finding(), Change.MOVED),
        (finding(value=9), finding(high=None), Change.UNCHANGED),
        (finding(verdict="undecided", value=0.61), finding(), Change.VERDICT),
        (finding(value=None), finding(value=None), Change.UNCHANGED),
        (finding(value=None), finding(), Change.MOVED),
    ],
)  # fmt: skip
def test_a_change_is_named(now: dict[str, Any], before: dict[str, Any] | None, expected: Change) -> None:
    assert change(now, before) is expected


def test_findings_are_written_and_read_back(tmp_path: Path) -> None:
    write_findings(
        tmp_path / "findings.json", company="demo", as_of="2026-06-30", findings={"06_x": [finding("é")], "07_y": []}
    )
    assert read_findings(tmp_path) == {"é": {"notebook": "06_x", **finding("é")}}


@pytest.mark.parametrize("content", [None, "", "[]", '{"findings": [{}]}'])
def test_an_unreadable_earlier_run_counts_as_none(tmp_path: Path, content: str | None) -> None:
    if content is not None:
        (tmp_path / "findings.json").write_text(content)
    assert read_findings(tmp_path) == {}


def test_what_else_differs_is_said_in_words() -> None:
    before = {
        "company": {"as_of": "2026-05-31", "settings": "s"},
        "notebooks": [{"notebook": "06_x", "sha256": "n"}],
        "data": {"transactions": {"sha256": "1"}},
        "code": {"crm_lib": "x"},
        "parameters": {"06_x": {"as_of": "2026-05-31", "levels": 5}},
    }
    now = {
        "company": {"as_of": "2026-06-30", "settings": "t"},
        "notebooks": [{"notebook": "06_x", "sha256": "m"}, {"notebook": "07_y", "sha256": "o"}],
        "data": {"transactions": {"sha256": "2"}},
        "code": {"crm_lib": "x"},
        "parameters": {"06_x": {"as_of": "2026-06-30", "levels": 4}, "07_y": {"levels": 1}},
    }
    assert differences(now, before) == [
        "the as-of day (2026-05-31 → 2026-06-30)",
        "the data",
        "the company's settings",
        "notebook 06_x",
        "06_x levels (5 → 4)",
    ]
    assert differences(now, now) == []
