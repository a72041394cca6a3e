"""A table is the same wherever its rows come from, and however they are written."""

from __future__ import annotations

import sys
from pathlib import Path

import duckdb
import pandas as pd
import pytest

from crm_lib.company import Company
from tests.companies import transactions, write_company

REVENUE = [20.0, 5.0, 12.5, 30.0, 99.9, 7.5, -5.0, 45.0]
CUSTOMERS = ["anna", "anna", "ben", "anna", "cleo", "ben", "anna", "cleo"]


def company(folder: Path, source: str, head: str = "", as_of: str | None = None) -> Company:
    folder.mkdir(exist_ok=True)
    text = f'[company]\ncurrency = "GBP"\nallow_rejected = true\n{head}\n[tables.transactions]\n{source}\n'
    (folder / "company.toml").write_text(text, encoding="utf-8")
    return Company.open(folder, as_of)


def assert_same(opened: Company) -> None:
    rows = opened.frame("transactions")
    assert rows.revenue.tolist() == REVENUE
    assert rows.customer_id.tolist() == CUSTOMERS
    assert rows.ordered_at.tolist() == pd.to_datetime(transactions().ordered_at).tolist()
    assert not opened.check_all().table("transactions").rejected


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252", "utf-16", "gb18030", "cp1251"])
def test_a_text_file_is_read_in_its_encoding(encoding: str, tmp_path: Path) -> None:
    name = {"gb18030": "李雷", "shift_jis": "さくら", "cp1251": "Анна"}.get(encoding, "Zoë")
    rows = transactions().replace("anna", name)
    rows.to_csv(tmp_path / "sales.csv", index=False, encoding=encoding)
    opened = company(tmp_path, f'file = "sales.csv"\nencoding = "{encoding}"')
    assert opened.frame("transactions").customer_id.tolist() == [name if c == "anna" else c for c in CUSTOMERS]


@pytest.mark.parametrize(("separator", "said"), [(",", False), (";", True), ("\t", True), ("\t", False), ("|", False)])
def test_the_separator_is_found_or_said(separator: str, said: bool, tmp_path: Path) -> None:
    transactions().to_csv(tmp_path / "sales.csv", index=False, sep=separator)
    written = separator.replace("\t", "\\t")
    assert_same(company(tmp_path, 'file = "sales.csv"' + (f'\nseparator = "{written}"' if said else "")))


@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
def test_quoted_separators_and_line_ends_belong_to_the_text(line_end: str, tmp_path: Path) -> None:
    rows = transactions().assign(product='a "big", red\nbook')
    rows.to_csv(tmp_path / "sales.csv", index=False, lineterminator=line_end)
    opened = company(tmp_path, 'file = "sales.csv"')
    assert_same(opened)
    assert set(opened.frame("transactions")["product"]) == {'a "big", red\nbook'}


def test_amounts_with_a_decimal_comma_are_read_and_dots_only_between_groups_of_three(tmp_path: Path) -> None:
    written = ["1.234,50", "1.234.567,00", "-0,5", "12", "12.50", "1.23,4", "7,25", "1.234"]
    transactions().assign(revenue=written).to_csv(tmp_path / "sales.csv", index=False, sep=";")
    opened = company(tmp_path, 'file = "sales.csv"\ndecimal = ","')
    assert opened.frame("transactions").revenue.tolist() == [1234.5, 1234567.0, -0.5, 12.0, 7.25, 1234.0]
    (fault,) = (fault for fault in opened.check_all().faults if fault.kind == "not a number")
    assert fault.examples == ((6, "'12.50'"), (7, "'1.23,4'"))


@pytest.mark.parametrize("said", ["", 'thousands = ","', 'decimal = "."'])
def test_a_separator_of_thousands_is_found_or_said(said: str, tmp_path: Path) -> None:
    transactions().assign(revenue=["1,234.50", "1,234", *REVENUE[2:]]).to_csv(tmp_path / "sales.csv", index=False)
    opened = company(tmp_path, f'file = "sales.csv"\n{said}')
    assert opened.frame("transactions").revenue.tolist()[:2] == [1234.5, 1234.0]


def test_dates_are_read_in_the_format_that_is_said(tmp_path: Path) -> None:
    rows = transactions()
    rows["ordered_at"] = pd.to_datetime(rows.ordered_at).dt.strftime("%d/%m/%Y %H:%M")
    rows.to_csv(tmp_path / "sales.csv", index=False)
    assert_same(company(tmp_path, 'file = "sales.csv"\ndate_format = "%d/%m/%Y %H:%M"'))


def test_faults_in_parquet_are_treated_like_those_in_text(tmp_path: Path) -> None:
    rows = transactions().assign(ordered_at=pd.to_datetime(transactions().ordered_at), line_id=range(8), discount=-1.0)
    rows.loc[0, "revenue"] = float("inf")
    rows.loc[1, "customer_id"] = "  "
    rows.loc[2, "customer_id"] = " ben "
    rows.loc[3, "line_id"] = 7
    rows.to_parquet(tmp_path / "sales.parquet", index=False)
    opened = company(tmp_path, 'file = "sales.parquet"')
    assert sorted(opened.frame("transactions").customer_id) == ["anna", "anna", "ben", "ben", "cleo"]
    found = {fault.kind: fault.examples[0] for fault in opened.check_all().faults if fault.examples}
    assert found["not a number"] == (1, "'inf'")
    assert found["missing value"] == (2, "'  '")
    assert found["repeated key"] == (8, "'7'")
    assert not opened.has("transactions", "discount")


def test_excel_is_read_from_the_sheet_that_is_named_with_whole_numbers_as_identifiers(tmp_path: Path) -> None:
    rows = transactions().assign(ordered_at=pd.to_datetime(transactions().ordered_at))
    rows["customer_id"] = rows.customer_id.map({"anna": 17850, "ben": 12583, "cleo": None})
    with pd.ExcelWriter(tmp_path / "book.xlsx", engine="xlsxwriter") as book:
        pd.DataFrame({"a": [1]}).to_excel(book, sheet_name="Notes", index=False)
        rows.to_excel(book, sheet_name="Sales", index=False)
    opened = company(tmp_path, 'file = "book.xlsx"\nsheet = "Sales"')
    assert set(opened.frame("transactions").customer_id) == {"17850", "12583"}
    assert opened.check_all().table("transactions").rejected == 2
    assert opened.frame("transactions").ordered_at.max() == pd.Timestamp("2025-03-09 11:00")
    with pytest.raises(Exception, match="no sheet 'Sale'; it has 'Notes', 'Sales'"):
        company(tmp_path, 'file = "book.xlsx"\nsheet = "Sale"')


@pytest.mark.parametrize("how", ["csv", "parquet"])
def test_identifiers_that_a_spreadsheet_took_for_numbers_are_whole_again(how: str, tmp_path: Path) -> None:
    rows = transactions().assign(ordered_at=pd.to_datetime(transactions().ordered_at))
    rows["customer_id"] = rows.customer_id.map({"anna": 17850.0, "ben": 12583.0})
    opened = Company.open(write_company(tmp_path / "shop", {"transactions": rows}, how=how))  # type: ignore[arg-type]
    assert set(opened.frame("transactions").customer_id) == {"17850", "12583"}


def test_of_several_files_the_first_that_exists_is_taken(tmp_path: Path) -> None:
    transactions().to_csv(tmp_path / "second.csv", index=False)
    opened = company(tmp_path, 'file = ["first.csv", "second.csv"]')
    assert_same(opened)
    assert opened.check_all().table("transactions").origin == "'second.csv'"


def test_columns_are_found_by_mapping_or_by_name_in_any_case(tmp_path: Path) -> None:
    names = {"order_id": "Receipt", "customer_id": " Customer_ID ", "ordered_at": "ORDERED_AT", "revenue": "Amount (£)"}
    transactions().rename(columns=names).to_csv(tmp_path / "sales.csv", index=False)
    assert_same(company(tmp_path, 'file = "sales.csv"\ncolumns = { order_id = "Receipt", revenue = "Amount (£)" }'))


def test_sql_runs_over_the_companys_own_files(tmp_path: Path) -> None:
    transactions().drop(columns="revenue").assign(product=["a", "b"] * 4).to_csv(tmp_path / "lines.csv", index=False)
    pd.DataFrame({"product": ["a", "b"], "price": [2.0, 3.0]}).to_parquet(tmp_path / "prices.parquet")
    sql = 'sql = """select lines.*, price as revenue from lines join prices using (product) order by order_id;"""'
    head = '[sources.lines]\nfile = "lines.csv"\n[sources.prices]\nfile = "prices.parquet"'
    head += '\n[sources.unused]\nfile = "no such file.csv"'
    opened = company(tmp_path, sql, head)
    assert opened.frame("transactions").revenue.sum() == 4 * 2.0 + 4 * 3.0


def test_a_file_that_a_package_ships_is_found_without_importing_the_package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "site" / "shop_data_for_tests"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("raise RuntimeError('imported')")
    transactions().to_csv(package / "sales.csv", index=False)
    monkeypatch.syspath_prepend(str(package.parent))
    assert_same(company(tmp_path / "shop", 'package = "shop_data_for_tests"\nfile = "sales.csv"'))
    assert "shop_data_for_tests" not in sys.modules


def duckdb_file(folder: Path) -> str:
    with duckdb.connect(str(folder / "shop.duckdb")) as connection:
        connection.register("given", transactions().assign(ordered_at=pd.to_datetime(transactions().ordered_at)))
        connection.execute("CREATE TABLE sales AS SELECT * FROM given")
        connection.execute("CREATE SCHEMA old; CREATE TABLE old.sales AS SELECT * FROM given")
    return '[database]\nurl = "duckdb://shop.duckdb"'


@pytest.mark.parametrize("source", ['table = "sales"', 'table = "old.sales"', 'sql = "select * from sales"'])
def test_a_duckdb_database_is_opened_and_left_as_it_was(source: str, tmp_path: Path) -> None:
    head = duckdb_file(tmp_path)
    before = (tmp_path / "shop.duckdb").read_bytes()
    assert_same(company(tmp_path, source, head))
    assert (tmp_path / "shop.duckdb").read_bytes() == before


def test_a_table_that_the_database_lacks_is_named(tmp_path: Path) -> None:
    head = duckdb_file(tmp_path)
    with pytest.raises(Exception, match="no such table: table 'sails' of the database"):
        company(tmp_path, 'table = "sails"', head)


@pytest.mark.parametrize("file", ["sales[1].csv", "sales*.csv", "it's.csv", "sales?.parquet"])
def test_a_file_name_is_not_a_pattern(file: str, tmp_path: Path) -> None:
    frame = transactions().assign(ordered_at=pd.to_datetime(transactions().ordered_at))
    frame.to_csv(tmp_path / file, index=False) if file.endswith("csv") else frame.to_parquet(tmp_path / file)
    (tmp_path / "sales1.csv").write_text("x\n")
    (tmp_path / "sales1.parquet").write_text("x\n")
    assert_same(company(tmp_path, f'file = "{file}"'))


def test_the_fingerprint_changes_with_the_rows_and_only_then(tmp_path: Path) -> None:
    first = company(tmp_path, 'table = "sales"', duckdb_file(tmp_path)).fingerprint()["transactions"]
    assert company(tmp_path, 'table = "sales"', '[database]\nurl = "duckdb://shop.duckdb"').fingerprint() == {
        "transactions": first
    }
    with duckdb.connect(str(tmp_path / "shop.duckdb")) as connection:
        connection.execute("UPDATE sales SET revenue = 21 WHERE revenue = 20")
    changed = company(tmp_path, 'table = "sales"', '[database]\nurl = "duckdb://shop.duckdb"').fingerprint()
    assert changed["transactions"] != first
    transactions().to_csv(tmp_path / "sales.csv", index=False)
    of_file = company(tmp_path, 'file = "sales.csv"').fingerprint()["transactions"]
    assert company(tmp_path, 'file = "sales.csv"').fingerprint()["transactions"] == of_file
    (tmp_path / "sales.csv").write_text((tmp_path / "sales.csv").read_text().replace("20.0", "21.0"))
    assert company(tmp_path, 'file = "sales.csv"').fingerprint()["transactions"] != of_file
