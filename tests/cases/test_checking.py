"""What is wrong with rows is judged by their worth, by their days, and by who they are of; the end of data is told."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from crm_lib.company import CheckReport, Company, check_company
from crm_lib.errors import CompanyError
from crm_lib.schema import TABLES
from tests.companies import transactions, write_company

DAYS = pd.date_range("2025-01-01", periods=300, freq="D").strftime("%Y-%m-%d")


def sales(n: int = 1000) -> pd.DataFrame:
    """Return lines of 10 to 19.99 in three channels on 300 days; every twentieth is a return."""
    number = np.arange(n)
    frame = pd.DataFrame({"order_id": [f"o{i}" for i in number], "customer_id": [f"c{i % 97}" for i in number]})
    amounts = np.where(number % 20 == 0, -1, 1) * (1000 + number * 7919 % 1000) / 100
    channels = np.take(["web", "shop", "app"], number % 3)
    return frame.assign(ordered_at=DAYS[number * 37 % 300], channel=channels, revenue=[f"{x:.2f}" for x in amounts])


def check(folder: Path, tables: dict[str, pd.DataFrame], as_of: str | None = None, **settings: Any) -> CheckReport:
    return check_company(write_company(folder / "shop", tables, **{"allow_rejected": False, **settings}), as_of)


def first(report: CheckReport) -> dict[str, str]:
    """What is told before any number, by kind."""
    assert [line[:2] for line in report.lines()[2 : 2 + len(report.first)]] == ["! "] * len(report.first)
    return {fault.kind: fault.detail for fault in report.first}


ROWS = sales()
SOLD = [i for i in range(1000) if i % 20]
# Rows written wrongly, by their numbers, and how; what is said of them, which stops the company.
LOST = {
    "nine of a thousand here and there": (range(3, 1000, 119), "x", ""),
    "two percent here and there": (range(3, 1000, 49), "x", "2% of the money"),
    "one row of a fortune": ([7], "180.000,00 EUR", "92% of the money"),
    "one row of a telephone number": ([7], "+49 30 1234567890", ""),
    "returns only": (range(20, 160, 20), "-{} EUR", "one kind: returns"),
    "two returns": ([20, 40], "-{} EUR", ""),
    "large ones only": (ROWS.index[ROWS.revenue.astype(float) >= 19.9][:8], "EUR {}", "one kind: large amounts"),
    "one month": ([i for i in SOLD if "2025-02" in DAYS[i * 37 % 300]][:6], "x", "month 2025-02"),
    "one channel": ([i for i in SOLD if i % 3 == 1][:160:18], "x", "channel 'shop'"),
}


@pytest.mark.parametrize("what", LOST)
def test_rejected_rows_are_judged_by_their_worth_and_their_kind(what: str, tmp_path: Path) -> None:
    (chosen, how, said), rows = LOST[what], ROWS.copy()
    rows.loc[list(chosen), "revenue"] = [how.format(rows.revenue[i].strip("-")) for i in chosen]
    report = check(tmp_path, {"transactions": rows})
    assert (bool(report.fatal), said in first(report).get("rejected rows", "")) == (bool(said), True), report.lines()[
        :4
    ]
    allowed = check(tmp_path, {"transactions": rows}, allow_rejected=True)
    assert (allowed.fatal, allowed.table("transactions").kept) == ((), 1000 - len(chosen))
    assert [fault.treatment for fault in allowed.first] == ["allowed"] * bool(said)


def test_a_copy_is_no_loss_and_what_comes_after_as_of_has_no_say(tmp_path: Path) -> None:
    rows = sales(200).assign(line_id=[f"l{i}" for i in range(200)])
    assert not check(tmp_path, {"transactions": pd.concat([rows, rows[50:100]])}).first
    again = rows.assign(line_id=[f"l{i % 150}" for i in range(200)])
    folder = write_company(tmp_path / "again", {"transactions": again}, allow_rejected=False)
    with pytest.raises(CompanyError, match=r"25% of the money.*allow_rejected = true.*repeated key in 50 rows"):
        Company.open(folder)
    rows.loc[rows.ordered_at > "2025-06-30", "revenue"] = "x"
    assert not check(tmp_path, {"transactions": rows}, "2025-06-30").first
    assert check(tmp_path, {"transactions": rows}, "2025-07-31").fatal


ORDERED = [(table.name, *pair) for table in TABLES.values() for pair in table.orders]
BEGINS = {"acquired_at", "outcome_from", "hired_at"}


def test_every_pair_of_days_in_the_contracts_has_its_order() -> None:
    for name, table in TABLES.items():
        days = {column.name for column in table.columns if column.type in ("date", "time")}
        ends = days - {table.happened_at, table.recorded_at} - BEGINS
        assert ends == {end for owner, _, end in ORDERED if owner == name} - {table.happened_at}, name


@pytest.mark.parametrize(("name", "begin", "end"), ORDERED)
def test_a_row_that_ends_before_it_begins_is_rejected(name: str, begin: str, end: str, tmp_path: Path) -> None:
    wanted = [column for column in TABLES[name].columns if column.required or column.name in (begin, end)]
    rows = pd.DataFrame({c.name: ["2025-02-01" if c.type in ("date", "time") else c.name] * 30 for c in wanted})
    rows = rows.assign(**{c.name: [f"{c.name}{i}" for i in range(30)] for c in wanted if c.name.endswith("_id")})
    rows[end] = ["2025-02-01", "2025-01-31", "2025-02-02", "2025-02-02", "2025-02-02"] * 6
    report = check(tmp_path, {"transactions": transactions(), name: rows}, allow_rejected=True)
    (fault,) = (fault for fault in report.table(name).faults if fault.kind == "before its start")
    assert (fault.column, fault.treatment, fault.count, fault.examples[0]) == (
        end,
        "row rejected",
        6,
        (3, "'2025-01-31'"),
    )
    assert (report.table(name).kept, begin in fault.detail) == (24, True)
    # A fifth of the rows is much: without a word from the company the table is not used.
    assert not check(tmp_path, {"transactions": transactions(), name: rows}).table(name).available


def test_hours_count_where_both_ends_have_them_and_what_does_no_harm_is_told(tmp_path: Path) -> None:
    closed = ["2025-02-01", "2025-02-01 09:00", "2025-02-01 10:00"]
    known = pd.DataFrame({"customer_id": ["anna", "ben", "cleo"], "acquired_at": ["2025-01-10", "2025-01-16", ""]})
    complaints = known[["customer_id"]].assign(opened_at="2025-02-01 10:00", closed_at=closed)
    lines = transactions().assign(recorded_at="2025-03-10")
    tables = {"transactions": lines, "complaints": complaints, "customers": known}
    report = check(tmp_path, tables, "2025-03-31", allow_rejected=True)
    told = {(fault.table, fault.column): fault.count for fault in report.faults if fault.kind == "before its start"}
    assert told == {("complaints", "closed_at"): 1, ("transactions", "recorded_at"): 1, ("customers", "acquired_at"): 1}
    assert [report.table(name).kept for name in tables] == [8, 2, 3]


def test_identifiers_that_differ_by_capitals_or_blanks_are_told_and_joined_where_it_is_said(tmp_path: Path) -> None:
    rows = sales(500)
    rows.loc[::2, "customer_id"] = rows.customer_id[::2].str.upper()
    rows.loc[::3, "customer_id"] = rows.customer_id[::3].str.replace("c", "c\u00a0")
    known = pd.DataFrame({"customer_id": [f"C{i}" for i in range(97)], "referred_by": "c 1"})
    tables = {"transactions": rows, "customers": known}
    told = f"{rows.customer_id.nunique()} identifiers, 97 without capitals and blanks"
    assert first(check(tmp_path, tables))["identifiers alike"].startswith(told)
    report = check(tmp_path, tables, fold_ids=True, exclude_customers=["C 96"])
    assert not {fault.kind for fault in report.faults} & {"identifiers alike", "unknown customers"}
    sold, known = (Company.open(tmp_path / "shop").frame(name) for name in tables)
    assert {*sold.customer_id} == {*known.customer_id} == {f"c{i}" for i in range(96)}
    assert {*known.referred_by} == {"c1"}


def test_a_catch_all_is_told_and_kept_out_of_everything_where_it_is_said(tmp_path: Path) -> None:
    rows = sales()
    rows.loc[rows.index % 5 < 2, "customer_id"] = "GUEST"
    tables = {"transactions": rows, "customers": pd.DataFrame({"customer_id": ["c2", "GUEST"], "region": ["N", "S"]})}
    assert "40% of all orders" in first(check(tmp_path, tables))["catch-all customer"]
    report = check(tmp_path, tables, exclude_customers=["GUEST", "CASH"])
    sold = report.table("transactions")
    assert (sold.rows, sold.excluded, sold.rejected, sold.cut, sold.kept) == (1000, 400, 0, 0, 600)
    assert ["'GUEST' 400, 'CASH' 0" in fault.detail for fault in sold.faults if fault.kind == "excluded customers"] == [
        True
    ]
    assert "catch-all customer" not in first(report)
    frames = [Company.open(tmp_path / "shop").frame(name) for name in tables]
    assert all("GUEST" not in {*frame.customer_id} for frame in frames)


@pytest.mark.parametrize(("days", "told"), [(3, False), (10, False), (11, True), (300, True)])
def test_a_long_silence_before_as_of_is_told_first(days: int, told: bool, tmp_path: Path) -> None:
    last = dt.date.fromisoformat(ROWS.ordered_at.max())
    as_of = str(last + dt.timedelta(days=days))
    found = first(check(tmp_path, {"transactions": ROWS}, as_of)).get("silence at the end", "")
    assert found.endswith(f"as_of {last}") is told
    # Where another table goes on, the books do not end.
    calls = pd.DataFrame({"customer_id": ["c1"], "occurred_at": [as_of]})
    assert not first(check(tmp_path, {"transactions": ROWS, "interactions": calls}, as_of))
