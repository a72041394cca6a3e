"""Values that engines take and people do not mean: odd dates, returns with the sign of a sale, words for nothing."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import duckdb
import pandas as pd
import pytest

from crm_lib.company import Company, check_company
from crm_lib.company.report import Fault, write_rejected
from crm_lib.errors import CompanyError
from tests.companies import transactions, write_company

ODD = ["12025-01-05", "infinity", "-infinity", "0044-03-15 (BC)", "0001-01-01", "1899-12-31 23:59:59"]


def sales(folder: Path, rows: pd.DataFrame) -> Company:
    return Company.open(write_company(folder / "shop", {"transactions": rows}))


def found(company: Company, kind: str) -> Fault:
    (fault,) = (fault for fault in company.check_all().faults if fault.kind == kind)
    return fault


def dated(folder: Path, how: str, type_name: str = "TIMESTAMP") -> Path:
    """Write a company of which all transactions but the first and last, and all customers but one, have an odd date."""
    folder.mkdir()
    rows = transactions().astype({"ordered_at": object})
    rows.loc[1 : len(ODD), "ordered_at"] = ODD
    known = pd.DataFrame({"customer_id": [f"c{i}" for i in range(7)], "acquired_at": ["1990-01-01", *ODD]})
    with duckdb.connect(str(folder / "shop.duckdb")) as con:
        con.execute("SET TimeZone = 'UTC'")
        con.register("sales_frame", rows)
        con.register("known_frame", known)
        con.execute("CREATE TABLE sales AS SELECT * FROM sales_frame")
        con.execute(f"ALTER TABLE sales ALTER ordered_at TYPE {type_name}")
        con.execute("CREATE TABLE known AS SELECT * REPLACE (acquired_at::DATE AS acquired_at) FROM known_frame")
        for name, frame in (("sales", rows), ("known", known)):
            frame.to_csv(folder / f"{name}.csv", index=False)
            con.execute(f"COPY {name} TO '{folder / name}.parquet'")
    head = '[company]\ncurrency = "GBP"\nmax_rejected_share = 1\nallow_rejected = true\n'
    head += '[database]\nurl = "duckdb://shop.duckdb"\n' if how == "table" else ""
    where = {name: f'table = "{name}"' if how == "table" else f'file = "{name}.{how}"' for name in ("sales", "known")}
    content = f"{head}[tables.transactions]\n{where['sales']}\n[tables.customers]\n{where['known']}\n"
    (folder / "company.toml").write_text(content)
    return folder


@pytest.mark.parametrize("how", ["csv", "table", "parquet"])
def test_an_odd_date_costs_one_row_or_one_value(how: str, tmp_path: Path) -> None:
    company = Company.open(dated(tmp_path / "shop", how))
    sales = company.check_all().table("transactions")
    assert (sales.rejected, sales.kept) == (6, 2)
    assert (sales.first, sales.last) == (dt.date(2025, 1, 10), dt.date(2025, 3, 31))
    assert company.frame("transactions").ordered_at.max() == pd.Timestamp("2025-03-31 16:20")
    faults = {fault.column: fault for fault in company.check.faults if fault.kind == "not a date"}
    assert (faults["ordered_at"].treatment, faults["ordered_at"].count) == ("row rejected", 6)
    assert faults["ordered_at"].examples[0][0] == (3 if how == "csv" else 2)
    if how == "csv":
        assert faults["ordered_at"].examples[0][1] == repr(ODD[0])
    # The day of the sixth is a day before 1900 too.
    assert (faults["acquired_at"].treatment, faults["acquired_at"].count) == ("value dropped", 6)
    assert company.frame("customers").acquired_at.notna().tolist() == [True, *[False] * 6]
    written = write_rejected(company.check, tmp_path / "rejected")["transactions"].read_text()
    assert written.count("ordered_at: not a date") == 6


def test_an_odd_moment_with_a_zone_is_no_date(tmp_path: Path) -> None:
    company = Company.open(dated(tmp_path / "shop", "table", "TIMESTAMPTZ"))
    assert {fault.kind for fault in company.check.faults if fault.column == "ordered_at"} == {"not a date", "time zone"}
    assert company.check.table("transactions").rejected == 6


def test_the_last_day_of_the_calendar_is_a_date(tmp_path: Path) -> None:
    known = pd.DataFrame({"customer_id": ["anna", "ben"], "acquired_at": ["1900-01-01", "2025-01-01"]})
    contracts = pd.DataFrame({"customer_id": ["anna"], "started_at": ["2025-01-01"], "ended_at": ["9999-12-31"]})
    contracts["membership_id"] = "m1"
    tables = {"transactions": transactions(), "customers": known, "memberships": contracts}
    company = Company.open(write_company(tmp_path / "shop", tables))
    assert not [fault for fault in company.check_all().faults if fault.kind == "not a date"]


@pytest.mark.parametrize("how", ["csv", "parquet"])
def test_a_return_with_the_sign_of_a_sale_is_taken_as_negative(how: str, tmp_path: Path) -> None:
    rows = transactions().assign(quantity=1.0, cost=2.0, margin=3.0)
    rows.loc[1, "quantity"] = -1
    rows.loc[6, ["quantity", "cost", "margin"]] = [-1, -2, -3]
    company = Company.open(write_company(tmp_path / "shop", {"transactions": rows}, how=how))  # type: ignore[arg-type]
    frame = company.frame("transactions")
    assert frame.revenue.tolist() == [20, -5, 12.5, 30, 99.9, 7.5, -5, 45]
    assert frame.cost.tolist() == [2, -2, 2, 2, 2, 2, -2, 2]
    assert frame.margin.tolist() == [3, -3, 3, 3, 3, 3, -3, 3]
    fault = found(company, "sign of a return")
    assert (fault.treatment, fault.count, fault.severity) == ("taken as negative", 1, "tolerable")
    assert fault.examples == ((3 if how == "csv" else 2, "'-1.0', '5.0'"),)
    assert "in 1 row" in fault.message
    assert company.check_all().table("transactions").rejected == 0


def test_no_zone_has_its_present_called_the_future(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Clock(dt.datetime):
        @classmethod
        def now(cls, tz: dt.tzinfo | None = None) -> Clock:
            return cls(2025, 3, 30, 12, tzinfo=tz)

    monkeypatch.setattr("crm_lib.company.tables.dt.datetime", Clock)
    rows = transactions()
    company = sales(tmp_path, rows)
    assert company.check_all().table("transactions").rejected == 0
    rows.loc[7, "ordered_at"] = "2025-04-01 00:00"
    company = sales(tmp_path, rows)
    assert found(company, "in the future").count == 1


NESTED = """
[sources.b]
sql = "select * from a"

[sources.a]
file = "a.csv"

[tables.transactions]
sql = "select * from b"
"""


def nested(folder: Path, more: str = NESTED) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / "company.toml").write_text(f'[company]\ncurrency = "GBP"\n{more}')
    return folder


def test_a_source_may_use_another_and_its_file_counts(tmp_path: Path) -> None:
    transactions().to_csv(nested(tmp_path / "shop") / "a.csv", index=False)
    company = Company.open(tmp_path / "shop")
    assert len(company.frame("transactions")) == 8
    before = company.fingerprint()
    assert Company.open(tmp_path / "shop").fingerprint() == before
    transactions().assign(revenue=1).to_csv(tmp_path / "shop" / "a.csv", index=False)
    changed = Company.open(tmp_path / "shop").fingerprint()
    assert changed != before
    nested(tmp_path / "shop", NESTED.replace("from a", "from a where true"))
    assert Company.open(tmp_path / "shop").fingerprint() != changed


@pytest.mark.parametrize("used", ["b", "a"])
def test_sources_that_go_round_in_a_circle_are_refused(used: str, tmp_path: Path) -> None:
    folder = nested(tmp_path / "shop", NESTED.replace('file = "a.csv"', f'sql = "from {used}"'))
    with pytest.raises(CompanyError, match=r"\[sources\.a\] needs .*must not go round in a circle"):
        Company.open(folder)


@pytest.mark.parametrize("word", ["NULL", "nan"])
def test_words_for_nothing_are_missing_identifiers_but_names_elsewhere(word: str, tmp_path: Path) -> None:
    rows = transactions().assign(product=word)
    rows.loc[1, "customer_id"] = word
    rows.loc[3, "order_id"] = word
    company = sales(tmp_path, rows)
    faults = {fault.column: fault for fault in company.check_all().faults if fault.kind == "missing value"}
    assert faults["customer_id"].examples == ((3, repr(word)),)
    assert faults["order_id"].examples == ((5, repr(word)),)
    assert company.check_all().table("transactions").kept == 6
    assert set(company.frame("transactions")["product"]) == {word}


@pytest.mark.parametrize("start", ["\n", "\r\n \r\n", "\ufeff\n\n"])
def test_blank_lines_before_the_header_are_skipped(start: str, tmp_path: Path) -> None:
    rows = transactions().astype({"revenue": object})
    rows.loc[1, "revenue"] = "five"
    folder = write_company(tmp_path / "shop", {"transactions": rows})
    content = (folder / "transactions.csv").read_text()
    end = "\r\n" if "\r" in start else "\n"
    (folder / "transactions.csv").write_bytes((start + content.replace("\n", end)).encode())
    company = Company.open(folder)
    assert company.check_all().table("transactions").kept == 7
    assert found(company, "not a number").examples == ((3 + start.count("\n"), "'five'"),)


PLACES = {
    "missing file": '[tables.transactions]\nfile = "x.csv"',
    "one of several": '[tables.transactions]\nfile = ["x.csv", "y.csv"]',
    "broken Parquet": '[tables.transactions]\nfile = "broken.parquet"',
    "file in sql": "[tables.transactions]\nsql = \"select * from read_csv('{folder}/none.csv')\"",
    "file in a source": "[sources.a]\nsql = \"select * from '{folder}/broken.parquet'\"\n"
    '[tables.transactions]\nsql = "select * from a"',
    "absolute name": '[tables.transactions]\nfile = "/no/such/place/x.csv"',
}


@pytest.mark.parametrize("place", PLACES)
def test_messages_do_not_tell_where_on_the_computer_the_company_is(place: str, tmp_path: Path) -> None:
    folder = tmp_path / "mycompany"
    nested(folder, PLACES[place].format(folder=folder))
    (folder / "broken.parquet").write_text("this is certainly no Parquet")
    (fault,) = check_company(folder).faults
    assert str(tmp_path) not in fault.message
    assert "/no/such" not in fault.message
    if "file =" in PLACES[place] and "x.csv" in PLACES[place]:
        assert "x.csv'" in fault.message
        assert "in data folder 'mycompany'" in fault.message


@pytest.mark.parametrize("column", ["revenue", "quantity"])
def test_an_underscore_is_no_part_of_a_number(column: str, tmp_path: Path) -> None:
    rows = transactions().assign(quantity="1").astype({"revenue": object})
    rows.loc[1, column] = "1_000"
    company = sales(tmp_path, rows)
    assert found(company, "not a number").examples == ((3, "'1_000'"),)
    assert 1000 not in company.frame("transactions")[column].tolist()
