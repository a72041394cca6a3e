"""Target lists leave as files: harmless, sorted, nobody called because of an old list."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
from python_calamine import CalamineWorkbook

from crm_lib.errors import CrmError
from crm_lib.scoring import list_book, write_lists
from crm_lib.scoring.list_book import sheet_names
from crm_lib.segments import TargetLists, target_list

HOSTILE = '=HYPERLINK("http://bad.example")'


@pytest.fixture
def lists() -> TargetLists:
    """Two lists, one with a customer whose id a spreadsheet would run, and one who did not agree."""
    candidates = pd.DataFrame(
        {"value": [10.0, 99.5, 5.0], "reason": ["late", "+44 called", "李雷"]}, index=["anna", HOSTILE, "ben"]
    )
    segment = pd.Series({"anna": "Growing"})
    allowed = pd.Series({"anna": True, HOSTILE: True, "ben": False})
    made = tuple(
        target_list(name, candidates, segment=segment, tier=segment, allowed=allowed)
        for name in ("growing", "dissatisfied")
    )
    return TargetLists(lists=made, left_out={}, permission_known=True, as_of=dt.date(2026, 6, 30))


def test_each_list_is_a_file_and_those_without_permission_are_apart(lists: TargetLists, tmp_path: Path) -> None:
    written = write_lists(lists, tmp_path / "deep" / "targets")
    assert [path.name for path in written] == [
        "growing.csv", "growing_no_permission.csv", "dissatisfied.csv", "dissatisfied_no_permission.csv",
        "targets.xlsx",
    ]  # fmt: skip
    frame = pd.read_csv(written[0])
    assert list(frame.columns) == [
        "customer_id", "segment", "tier", "value", "reason", "first_list", "also_on",
    ]  # fmt: skip
    assert list(frame["value"]) == [99.5, 10.0]
    assert list(pd.read_csv(written[1])["customer_id"]) == ["ben"]


def test_nothing_in_them_is_run_by_a_spreadsheet(lists: TargetLists, tmp_path: Path) -> None:
    written = write_lists(lists, tmp_path)
    frame = pd.read_csv(written[0])
    assert frame["customer_id"].iloc[0] == "'" + HOSTILE
    assert frame["reason"].iloc[0] == "'+44 called"
    book = CalamineWorkbook.from_path(written[-1])
    assert book.sheet_names == [
        "Lists", "growing", "growing_no_permission", "dissatisfied", "dissatisfied_no_permission",
    ]  # fmt: skip
    rows = book.get_sheet_by_name("growing").to_python()
    assert rows[1] == [HOSTILE, "", "", 99.5, "+44 called", "yes", "dissatisfied"]
    overview = book.get_sheet_by_name("Lists").to_python()
    assert overview[1][3:] == [2, 1, 2, 3, 109.5]
    # All of the second list are on the first, too.
    assert overview[2][3:] == [2, 1, 0, 3, 109.5]
    assert overview[3] == ["All customers, each once", "", "", 2, 1, 2, 3, 109.5]
    # As a text the formula is a string in the cell; as a formula it would be an element of its own.
    import zipfile

    with zipfile.ZipFile(written[-1]) as parts:
        assert not any(b"<f>" in parts.read(name) for name in parts.namelist() if "worksheets/" in name)


def test_lists_of_an_earlier_run_go_and_other_files_stay(lists: TargetLists, tmp_path: Path) -> None:
    write_lists(lists, tmp_path)
    (tmp_path / "notes.csv").write_text("mine")
    write_lists(replace(lists, lists=lists.lists[1:]), tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "dissatisfied.csv", "dissatisfied_no_permission.csv", "notes.csv", "targets.xlsx",
    ]  # fmt: skip


@pytest.mark.parametrize("name", ["../evil", "a/b", "", "Upper", "x_no_permission", "a" * 40])
def test_a_name_that_leaves_the_folder_is_refused(lists: TargetLists, tmp_path: Path, name: str) -> None:
    bad = replace(lists, lists=(replace(lists.lists[0], name=name),))
    with pytest.raises(CrmError, match="cannot be the name of a list"):
        write_lists(bad, tmp_path / "targets")
    assert not list(tmp_path.iterdir())


def test_a_folder_that_cannot_be_is_a_clear_error(lists: TargetLists, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(CrmError, match="cannot be made"):
        write_lists(lists, tmp_path / "file" / "targets")


def test_an_empty_list_is_a_file_with_its_heads(lists: TargetLists, tmp_path: Path) -> None:
    empty = replace(lists.lists[0], frame=lists.lists[0].frame.iloc[:0])
    written = write_lists(replace(lists, lists=(empty,)), tmp_path)
    assert (tmp_path / "growing.csv").read_text().strip().split(",")[0].strip('"') == "customer_id"
    assert len(written) == 3


def test_a_list_named_like_the_overview_has_a_sheet_of_its_own(lists: TargetLists, tmp_path: Path) -> None:
    named = replace(lists, lists=(replace(lists.lists[0], name="lists"), replace(lists.lists[1], name="history")))
    written = write_lists(named, tmp_path)
    assert (tmp_path / "lists.csv").is_file()
    sheets = CalamineWorkbook.from_path(written[-1]).sheet_names
    assert sheets == ["Lists", "lists_2", "lists_no_permission", "history_2", "history_no_permission"]


def test_names_of_sheets_are_told_apart_by_programs_that_do_not_know_capitals() -> None:
    long = "x" * 40
    found = sheet_names(["Lists", "lists", "LISTS", long, long + "y", "short"])
    assert found == ["Lists", "lists_2", "LISTS_3", "x" * 31, "x" * 29 + "_2", "short"]
    assert len({name.casefold() for name in found}) == len(found)


def test_a_list_too_long_for_a_sheet_says_so_and_is_whole_in_its_file(
    lists: TargetLists, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(list_book, "_ROWS", 4)
    frame = pd.DataFrame({"segment": "s", "tier": "t", "value": range(4, 0, -1), "reason": "r"}, index=list("abcd"))
    for rows, told in ((3, False), (4, True)):
        one = replace(lists.lists[0], frame=frame.iloc[:rows].rename_axis("customer_id"))
        written = write_lists(replace(lists, lists=(one,)), tmp_path)
        assert len(pd.read_csv(written[0])) == rows
        sheet = CalamineWorkbook.from_path(written[-1]).get_sheet_by_name("growing").to_python()
        assert len(sheet) == 4
        assert (sheet[-1][0] == "The sheet ends here with 2 of 4 customers: growing.csv has all of them.") is told


def test_what_was_left_out_stands_in_the_overview(lists: TargetLists, tmp_path: Path) -> None:
    lacking = replace(lists, left_out={"growable": "no discounts"}, permission_known=False)
    rows = CalamineWorkbook.from_path(write_lists(lacking, tmp_path)[-1]).get_sheet_by_name("Lists").to_python()
    assert rows[-1][0] == "Left out: growable. Why: no discounts."
    assert "make sure before anybody is" in rows[-2][0]
