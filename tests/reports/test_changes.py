"""Findings and manifests are compared from run to run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from crm_lib.reports.changes import Change, change, differences, read_findings, write_findings


def finding(
    verdict: str = "supported", value: float | None = 0.5, low: float | None = 0.4, high: float | None = 0.6
) -> dict[str, Any]:
    return {"key": "é", "verdict": verdict, "estimate": {"value": value, "low": low, "high": high}}


@pytest.mark.parametrize(
    ("now", "before", "expected"),
    [
        (finding(), None, Change.NEW),
        (finding(), finding(), Change.UNCHANGED),
        (finding(value=0.6), finding(), Change.UNCHANGED),
        (finding(value=0.61), finding(), Change.MOVED),
        (finding(value=9), finding(high=None), Change.UNCHANGED),
        (finding(verdict="undecided", value=0.61), finding(), Change.VERDICT),
        (finding(value=None), finding(value=None), Change.UNCHANGED),
        (finding(value=None), finding(), Change.MOVED),
    ],
)
def test_a_change_is_named(now: dict[str, Any], before: dict[str, Any] | None, expected: Change) -> None:
    assert change(now, before) is expected


def test_findings_are_written_and_read_back(tmp_path: Path) -> None:
    found = {"06_x": [finding()], "07_y": []}
    write_findings(tmp_path / "findings.json", company="demo", as_of="2026-06-30", findings=found)
    assert read_findings(tmp_path) == {"é": {"notebook": "06_x", **finding()}}


@pytest.mark.parametrize("content", [None, "", "[]", '{"findings": [{}]}'])
def test_an_unreadable_earlier_run_counts_as_none(tmp_path: Path, content: str | None) -> None:
    if content is not None:
        (tmp_path / "findings.json").write_text(content)
    assert read_findings(tmp_path) == {}


def manifest(day: str, mark: str, levels: int, **more: dict[str, Any]) -> dict[str, Any]:
    return {
        "company": {"as_of": day, "settings": mark},
        "notebooks": [{"notebook": "06_x", "sha256": mark}, *({"notebook": name, "sha256": "o"} for name in more)],
        "data": {"transactions": {"sha256": mark}},
        "code": {"crm_lib": "x"},
        "parameters": {"06_x": {"as_of": day, "levels": levels}, **more},
    }


def test_what_else_differs_is_said_in_words() -> None:
    before, now = manifest("2026-05-31", "1", 5), manifest("2026-06-30", "2", 4, new={"levels": 1})
    assert differences(now, before) == [
        "the as-of day (2026-05-31 → 2026-06-30)",
        "the data",
        "the company's settings",
        "notebook 06_x",
        "06_x levels (5 → 4)",
    ]
    assert differences(now, now) == []
