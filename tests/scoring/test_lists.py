"""Target lists leave as files: harmless, sorted, nobody called because of an old list."""

from __future__ import annotations

import datetime as dt
import stat
import zipfile
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
from python_calamine import CalamineWorkbook
from xlsxwriter import Workbook
from xlsxwriter.exceptions import FileCreateError

from crm_lib import churn
from crm_lib.company import Company
from crm_lib.demo import simulate
from crm_lib.errors import CrmError
from crm_lib.scoring import company_lists, lists, write_lists
from crm_lib.segments import PURPOSES, TargetLists
from crm_lib.segments.target_lists import contact_permission, split_by_permission
from tests.segments.simulated import write_simulated

HOSTILE = '=HYPERLINK("http://bad.example")'


@pytest.fixture
def found() -> TargetLists:
    """Two lists, one with a customer whose id a spreadsheet would run, and one who did not agree."""
    rows = pd.DataFrame(
        {
            "segment": ["", "Growing", ""],
            "tier": "",
            "value": [99.5, 10.0, 5.0],
            "reason": ["+44 called", "late", "李雷"],
        },
        index=pd.Index([HOSTILE, "anna", "ben"], name="customer_id"),
    )
    allowed = pd.Series({"anna": True, HOSTILE: True, "ben": False})
    made = tuple(split_by_permission({"dissatisfied": rows, "growable": rows}, allowed))
    return TargetLists(lists=made, left_out={}, permission_known=True, as_of=dt.date(2026, 6, 30), currency="GBP")


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Company:
    """A simulated company with all its tables."""
    return Company.open(write_simulated(simulate(seed=8, customers=800), tmp_path_factory.mktemp("data") / "shop"))


def test_each_list_is_a_file_and_those_without_permission_are_apart(found: TargetLists, tmp_path: Path) -> None:
    written = write_lists(found, tmp_path / "deep" / "targets")
    names = ["dissatisfied", "dissatisfied_no_permission", "growable", "growable_no_permission"]
    assert [path.name for path in written] == [*(f"{name}.csv" for name in names), "targets.xlsx"]
    frame = pd.read_csv(written[0])
    assert list(frame.columns) == ["customer_id", "segment", "tier", "value", "reason", "first_list", "also_on"]
    assert list(frame["value"]) == [99.5, 10.0]
    assert list(pd.read_csv(written[1])["customer_id"]) == ["ben"]


def test_nothing_in_them_is_run_by_a_spreadsheet(found: TargetLists, tmp_path: Path) -> None:
    written = write_lists(found, tmp_path)
    frame = pd.read_csv(written[0])
    assert frame["customer_id"].iloc[0] == "'" + HOSTILE
    assert frame["reason"].iloc[0] == "'+44 called"
    book = CalamineWorkbook.from_path(written[-1])
    rows = book.get_sheet_by_name("dissatisfied").to_python()
    assert rows[1] == [HOSTILE, "", "", 99.5, "+44 called", "yes", "growable"]
    overview = book.get_sheet_by_name("Lists").to_python()
    assert overview[1][3:] == [2, 1, 2, 3, 109.5]
    # All of the second list are on the first, too.
    assert overview[2][3:] == [2, 1, 0, 3, 109.5]
    assert overview[3] == ["All customers, each once", "", "", 2, 1, 2, 3, 109.5]
    # As a text the formula is a string in the cell; as a formula it would be an element of its own.
    with zipfile.ZipFile(written[-1]) as parts:
        assert not any(b"<f>" in parts.read(name) for name in parts.namelist() if "worksheets/" in name)


def test_lists_of_an_earlier_run_go_and_other_files_stay(found: TargetLists, tmp_path: Path) -> None:
    write_lists(found, tmp_path)
    (tmp_path / "notes.csv").write_text("mine")
    fewer = replace(found, lists=found.lists[1:], left_out={"at_risk": "no discounts"}, permission_known=False)
    rows = CalamineWorkbook.from_path(write_lists(fewer, tmp_path)[-1]).get_sheet_by_name("Lists").to_python()
    assert rows[-1][0] == "Left out: at_risk, no discounts."
    assert "make sure before anybody is" in rows[-2][0]
    left = ["growable.csv", "growable_no_permission.csv", "notes.csv", "targets.xlsx"]
    assert sorted(path.name for path in tmp_path.iterdir()) == left
    (tmp_path / "targets.xlsx").unlink()
    with pytest.raises(CrmError, match="no earlier run wrote"):
        write_lists(found, tmp_path)


def test_lists_that_cannot_all_be_written_leave_those_of_before(
    found: TargetLists, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = {path: path.read_bytes() for path in write_lists(found, tmp_path)}
    assert {stat.S_IMODE(path.stat().st_mode) for path in before} == {0o600}

    def full(_: object) -> None:
        raise FileCreateError("No space left on device")

    monkeypatch.setattr(Workbook, "close", full)
    with pytest.raises(CrmError, match=r"targets\.xlsx' cannot be written: No space left"):
        write_lists(replace(found, lists=found.lists[1:]), tmp_path)
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_a_list_too_long_for_a_sheet_says_so_and_is_whole_in_its_file(
    found: TargetLists, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lists, "_ROWS", 2)
    for rows, told in ((1, False), (2, True), (0, False)):
        one = replace(found.lists[0], frame=found.lists[0].frame.iloc[:rows])
        written = write_lists(replace(found, lists=(one,)), tmp_path)
        assert len(pd.read_csv(written[0])) == rows
        last = CalamineWorkbook.from_path(written[-1]).get_sheet_by_name("dissatisfied").to_python()[-1][0]
        assert (last == "The sheet ends here with 0 of 2 customers: dissatisfied.csv has all of them.") is told


def test_the_lost_are_in_the_order_of_money_per_cost_until_the_budget_is_spent(demo: Company) -> None:
    plan = churn.winback_plan(demo, churn.churned(demo, churn.inactivity_window(demo))).frame
    assert len(plan) > 10
    lost = next(each for each in company_lists(demo).lists if each.name == "win_back")
    assert list(lost.frame.index) == list(plan.index)
    budget = float(plan["cost"].iloc[:5].sum()) + 0.001
    kept = next(each for each in company_lists(demo, budget=budget).lists if each.name == "win_back")
    assert list(kept.frame.index) == list(plan.index[:5])
    assert plan["cost"].loc[kept.frame.index].sum() <= budget


def test_a_company_with_all_tables_has_all_lists_and_nobody_is_called_twice(demo: Company) -> None:
    found = company_lists(demo)
    assert [each.name for each in found.lists] == list(PURPOSES)
    agreed = contact_permission(demo)
    assert agreed is not None
    shown = pd.concat([each.frame for each in found.lists])
    assert agreed[shown.index].all()
    assert not agreed[pd.concat([each.withheld for each in found.lists]).index].any()
    first = shown[shown["first_list"]]
    assert not first.index.has_duplicates
    assert set(first.index) == set(shown.index)
