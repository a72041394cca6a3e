"""Every kind of fault gives a clear error or a documented treatment."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from crm_lib.company import Company, check_company
from crm_lib.errors import CompanyError
from tests.companies import transactions, write_company


def opened(folder: Path, **tables: pd.DataFrame) -> Company:
    """Open a company of the usual transactions, unless others are given, and other tables."""
    return Company.open(write_company(folder / "shop", {"transactions": transactions(), **tables}))


def opening(folder: Path) -> str:
    with pytest.raises(CompanyError) as caught:
        Company.open(folder)
    return str(caught.value)


def toml(folder: Path, content: str) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / "company.toml").write_text(content, encoding="utf-8")
    return folder


BASE = '[company]\ncurrency = "GBP"\n'
SALES = BASE + '[tables.transactions]\nfile = "sales.csv"\n'

ROWS = BASE + "[tables.transactions]\n"
URL = BASE + '[database]\nurl = "{}"\n'
HIDDEN = URL.format("postgresql://ann@db/shop") + 'password_env = "NO_SUCH_PASSWORD"\n'

# What is wrong with company.toml, and what the message must say: the fault, the place, what to do.
SETTINGS = {
    "no TOML": ("[company\n", "company.toml|not valid TOML|line 1"),
    "no currency": ('[company]\nname = "X"\n', 'currency is missing|currency = "GBP"'),
    "no such currency": ('[company]\ncurrency = "QQQ"\n', "'QQQ'|ISO 4217"),
    "unknown table": (BASE + '[tables.transaction]\nfile = "a"\n', "[tables.transaction]|'transactions'|'customers'"),
    "two sources at once": (SALES + 'sql = "select 1"\n', "[tables.transactions]|exactly one of 'file', 'table'"),
    "table without database": (ROWS + 'table = "t"\n', "no section [database]"),
    "file outside package": (ROWS + 'package = "json"\nfile = "../os.py"\n', "a path inside the package 'json'"),
    "unknown column": (SALES + 'columns = { revenu = "A" }\n', "no column 'revenu'|did you mean 'revenue'?"),
    "mapping clash": (
        SALES + 'columns = { revenue = "A", cost = "A" }\n',
        "'revenue' and 'cost' are both taken from 'A'",
    ),
    "password in url": (URL.format("postgresql://ann:geheim@db/shop"), "holds a password|password_env"),
    "password in query": (URL.format("postgresql://ann@db/shop?password=geheim"), "holds a password|password_env"),
    "url without scheme": (URL.format("localhost/shop"), "url must be like"),
    "no DuckDB file": (URL.format("duckdb://none.duckdb"), "no DuckDB file|none.duckdb"),
    "no such driver": (URL.format("mysql://ann@db/shop"), "driver for 'mysql'|pip install"),
    "password variable not set": (HIDDEN, "NO_SUCH_PASSWORD|not set"),
    "unreachable database": (URL.format("postgresql://a@127.0.0.1:1/b"), "cannot reach postgresql://a@127.0.0.1:1/b"),
    "no transactions": (BASE, "no section [tables.transactions]"),
    "no such file": (SALES, "transactions: no such file|'sales.csv'"),
    "no such package": (ROWS + 'package = "no_package"\nfile = "a.csv"\n', "pip install 'no-package'"),
    "broken sql": (ROWS + 'sql = "from nowhere"\n', "query failed|nowhere"),
}


@pytest.mark.parametrize("fault", SETTINGS)
def test_a_fault_of_the_settings_is_named_with_its_remedy(fault: str, tmp_path: Path) -> None:
    content, parts = SETTINGS[fault]
    message = opening(toml(tmp_path / "shop", content))
    assert all(part in message for part in parts.split("|")), message
    assert "geheim" not in message


ALL_WRONG = """
[compnay]
[company]
curency = "GBP"
as_of = "30 June"
margin_rate = "40%"
max_rejected_share = 5
language = "xx-yy-zz"
[tables.transactions]
file = "sales.csv"
seperator = ";"
decimal = "x"
separator = "||"
encoding = "klingon"
[tables.complaints]
decimal = ","
[tables.surveys]
sql = "select 1"
package = "p"
"""
TOLD = """
unknown key 'compnay' (did you mean 'company'?)
'curency' in [company] (did you mean 'currency'?)
currency is missing
as_of must be a date such as 2026-06-30, not '30 June'
margin_rate must be a number from -10 to 1, not '40%'
max_rejected_share must be a number from 0 to 1, not 5
unknown language 'xx-yy-zz'
'seperator' in [tables.transactions] (did you mean 'separator'?)
decimal must be '.' or ','
separator must be one character
unknown encoding 'klingon'
[tables.complaints] must say where the rows are
[tables.surveys] names a package but no file
"""


def test_all_faults_of_the_settings_are_told_at_once(tmp_path: Path) -> None:
    message = opening(toml(tmp_path / "shop", ALL_WRONG))
    assert [part for part in TOLD.strip().splitlines() if part not in message] == []


HEADER = "order_id,customer_id,ordered_at,revenue\n"
GOOD = "o1,anna,2025-01-10,20\no2,ben,2025-02-11,30\no3,anna,2025-03-12,10\n"

LINES = HEADER + GOOD

# A file that cannot be used, and what the message must say.
FILES = {
    "empty file": ("", "empty file|'sales.csv' has 0 bytes"),
    "blank file": ("\n\n", "empty file|no header line"),
    "header only": (HEADER, "no rows"),
    "wrong encoding": (LINES.replace("ben", "Zoë"), "wrong encoding|line 3|byte 6|'encoding'"),
    "missing column": (LINES.replace("revenue", "amount"), "missing column|'revenue' is required|'amount'"),
    "column twice": (LINES.replace("revenue", "order_id"), "column twice|'order_id'"),
    "ragged line": (LINES + "o4,anna,2025-01-10,20,30\n", "unreadable file|line 5|separator"),
    "unparsable dates": (LINES.replace("2025-0", "13/"), "not a date|line 2: '13/1-10'|date_format"),
    "text in amounts": (LINES.replace("0\n", "0 GBP\n"), "not a number|line 2: '20 GBP'"),
    "all in the future": (LINES.replace("2025", "2999"), "in the future|line 2: '2999-01-10'"),
    "no revenue": (LINES.replace(",20\n", ",\n").replace(",30\n", ",\n"), "67% of the rows|max_rejected_share"),
    "binary": ("\x00\xff\xfe\x01" * 10, "wrong encoding|byte 2"),
}


@pytest.mark.parametrize("fault", FILES)
def test_a_file_that_cannot_be_used_is_refused_with_the_place(fault: str, tmp_path: Path) -> None:
    content, parts = FILES[fault]
    (toml(tmp_path / "shop", SALES) / "sales.csv").write_bytes(content.encode("latin-1"))
    message = opening(tmp_path / "shop")
    assert all(part in message for part in parts.split("|")), message


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("sales.parquet", "unreadable file: 'sales.parquet' is not"),
        ("sales.xlsx", "unreadable file: 'sales.xlsx' is not"),
        ("sales.sav", "unknown kind of file|.parquet"),
    ],
)
def test_a_file_that_is_not_what_its_name_says_or_of_no_known_kind_is_refused(
    name: str, told: str, tmp_path: Path
) -> None:
    folder = toml(tmp_path / "shop", SALES.replace("sales.csv", name))
    (folder / name).write_text(LINES)
    message = opening(folder)
    assert all(part in message for part in told.split("|")), message


def test_all_fatal_faults_of_dates_and_amounts_are_listed_at_once(tmp_path: Path) -> None:
    rows = transactions().assign(ordered_at="soon", revenue="much")
    message = opening(write_company(tmp_path / "shop", {"transactions": rows}))
    assert "'ordered_at': not a date in 8 rows" in message
    assert "'revenue': not a number in 8 rows" in message


def test_a_mapping_to_a_column_that_is_not_there_suggests_the_nearest(tmp_path: Path) -> None:
    more = '[tables.transactions]\nfile = "transactions.csv"\ncolumns = { revenue = "Revenu" }'
    rows = transactions().rename(columns={"revenue": "Revenue GBP"})
    message = opening(write_company(tmp_path / "shop", {"transactions": rows}, more=more))
    assert "no column 'Revenu'" in message
    assert "did you mean 'Revenue GBP'?" in message


NAMES = {
    "../shop": "'..' is not allowed",
    "..": "'..' is not allowed",
    "a/../../shop": "'..' is not allowed",
    "a\\..\\shop": "'..' is not allowed",
    "": "must not be empty",
    "  ": "must not be empty",
    "shop\0": "NUL",
    ".hidden": "cannot name a company",
    "shop;rm": "cannot name a company",
    "<script>": "cannot name a company",
    "/no/such/folder": "there is no folder",
    "shopp": "did you mean 'shop'?",
}


@pytest.mark.parametrize("name", NAMES)
def test_no_name_leads_out_of_the_data_folder(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_company(tmp_path / "data" / "shop", {"transactions": transactions()})
    monkeypatch.setenv("CRM_DATA", str(tmp_path / "data"))
    with pytest.raises(CompanyError) as caught:
        Company.open(name)
    assert NAMES[name] in str(caught.value)


def test_a_company_is_found_by_name_from_a_folder_below(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_company(tmp_path / "data" / "läden", {"transactions": transactions()})
    (tmp_path / "notebooks").mkdir()
    monkeypatch.delenv("CRM_DATA", raising=False)
    monkeypatch.chdir(tmp_path / "notebooks")
    assert Company.open("läden").key == "läden"


def test_a_data_folder_that_is_not_there_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CRM_DATA", str(tmp_path / "none"))
    with pytest.raises(CompanyError, match="CRM_DATA names"):
        Company.open("shop")


def test_an_as_of_before_the_first_transaction_or_that_is_no_date_is_refused(tmp_path: Path) -> None:
    folder = write_company(tmp_path / "shop", {"transactions": transactions()})
    with pytest.raises(CompanyError, match=r"2025-01-10.*2025-03-31"):
        Company.open(folder, as_of="2024-12-31")
    for as_of in ("31.12.2025", "2025-02-30", "soon", 20250331):
        with pytest.raises(CompanyError, match=r"as_of must be a date such as 2026-06-30, not"):
            Company.open(folder, as_of=as_of)  # type: ignore[arg-type]


def test_rows_that_cannot_be_used_are_rejected_and_shown_with_their_lines(tmp_path: Path) -> None:
    rows = transactions()
    rows["revenue"] = rows["revenue"].astype(object)
    rows.loc[1, "revenue"] = "five"
    rows.loc[2, "ordered_at"] = "2025-02-30"
    rows.loc[3, "customer_id"] = None
    rows.loc[4, "ordered_at"] = f"{dt.datetime.now(dt.UTC).year + 2}-01-01"
    company = opened(tmp_path, transactions=rows)
    found = {fault.message.partition(":")[0] + ":" + fault.kind: fault for fault in company.check_all().faults}
    check = company.check_all().table("transactions")
    assert (check.rows, check.rejected, check.kept) == (8, 4, 4)
    assert found["'revenue':not a number"].examples == ((3, "'five'"),)
    assert found["'ordered_at':not a date"].examples == ((4, "'2025-02-30'"),)
    assert found["'customer_id':missing value"].examples == ((5, "empty"),)
    assert found["'ordered_at':in the future"].examples[0][0] == 6
    assert sorted(company.frame("transactions").revenue) == [-5.0, 7.5, 20.0, 45.0]


def test_values_that_are_not_needed_are_dropped_and_counted_but_the_row_stays(tmp_path: Path) -> None:
    surveys = pd.DataFrame(
        {
            "responded_at": "2025-02-01",
            "recommendation": [10, 11, 3, "many"],
            "satisfaction": [8, 9, -1, 10],
            "persons_told": [1, 2.5, 3, 4],
        }
    )
    company = opened(tmp_path, surveys=surveys)
    answers = company.frame("surveys")
    assert answers.recommendation.isna().tolist() == [False, True, False, True]
    assert answers.satisfaction.isna().tolist() == [False, False, True, False]
    assert answers.persons_told.isna().tolist() == [False, True, False, False]
    dropped = {(fault.column, fault.kind): fault.count for fault in company.check_all().table("surveys").faults}
    assert dropped[("recommendation", "out of bounds")] == 1
    assert dropped[("recommendation", "not a whole number")] == 1
    assert dropped[("satisfaction", "out of bounds")] == 1
    assert dropped[("persons_told", "not a whole number")] == 1
    assert {fault.treatment for fault in company.check_all().table("surveys").faults} == {"value dropped"}


def test_of_rows_with_the_same_key_the_first_is_kept(tmp_path: Path) -> None:
    rows = transactions().assign(line_id=["1", "2", "2", "4", "5", None, None, "2"])
    company = opened(tmp_path, transactions=rows)
    assert company.frame("transactions").revenue.tolist() == [20.0, 5.0, 30.0, 99.9, 7.5, -5.0]
    (fault,) = (f for f in company.check_all().faults if f.kind == "repeated key")
    assert (fault.count, fault.examples) == (2, ((4, "'2'"), (9, "'2'")))
    rows = transactions().head(3).assign(line_id=["1", "1", None])
    assert opened(tmp_path / "no key", transactions=rows).frame("transactions").revenue.tolist() == [20.0, 12.5]


def test_a_choice_is_matched_whatever_its_case_and_others_are_dropped(tmp_path: Path) -> None:
    customers = pd.DataFrame({"customer_id": ["anna", "ben", "cleo"], "local_competition": ["High", " low", "huge"]})
    company = opened(tmp_path, customers=customers)
    assert company.frame("customers").local_competition.fillna("-").tolist() == ["high", "low", "-"]
    (fault,) = company.check_all().table("customers").faults
    assert fault.kind == "not among the choices"
    assert "'low', 'medium', 'high'" in fault.message


@pytest.mark.parametrize(
    ("change", "kind", "severity"),
    [
        (lambda t: t.drop(columns="opened_at"), "missing column", "fatal"),
        (lambda t: t.assign(opened_at="soon"), "no usable rows", "fatal"),
        (lambda t: t.head(0), "no rows", "tolerable"),
    ],
)
def test_a_table_that_is_not_required_is_left_out_where_it_cannot_be_used(
    change: Callable[[pd.DataFrame], pd.DataFrame], kind: str, severity: str, tmp_path: Path
) -> None:
    complaints = pd.DataFrame({"customer_id": ["anna"], "opened_at": ["2025-02-01"], "topic": ["late"]})
    company = opened(tmp_path, complaints=change(complaints))
    assert not company.has("complaints")
    fault = company.check_all().table("complaints").faults[0]
    assert (fault.kind, fault.severity, fault.treatment) == (kind, severity, "table not used")
    assert not company.check_all().fatal


def test_what_is_odd_about_transactions_is_said_and_tolerated(tmp_path: Path) -> None:
    once = [("o1", "anna", "2025-01-10", 5.0), ("o1", "anna", "2025-01-10", 5.0)]
    company = opened(tmp_path / "one", transactions=transactions(once))
    kinds = {fault.kind for fault in company.check_all().faults}
    assert kinds == {"one customer", "no repeat purchases", "constant revenue", "identical lines"}
    several = [("o1", "anna", "2025-01-10", 0.0), ("o1", "ben", "2025-01-10", 5.0), ("o2", "ben", "2025-01-11", 5.0)]
    known = pd.DataFrame({"customer_id": ["ben"]})
    company = opened(tmp_path / "two", transactions=transactions(several), customers=known)
    found = {fault.kind: fault for fault in company.check_all().faults}
    assert set(found) == {"zero revenue", "shared orders", "unknown customers"}
    assert found["shared orders"].examples == ((None, "'o1'"),)
    assert found["unknown customers"].examples == ((None, "'anna'"),)


def test_columns_that_nobody_knows_and_empty_ones_are_left_out_and_listed(tmp_path: Path) -> None:
    rows = transactions().assign(till="3", channel=None)
    company = opened(tmp_path, transactions=rows)
    notes = {fault.kind: fault for fault in company.check_all().faults}
    assert notes["further columns"].message.endswith("'till'")
    assert notes["empty column"].column == "channel"
    assert not company.has("transactions", "channel")
    assert "till" not in company.table("transactions").columns


def test_markup_and_formulas_in_texts_are_data_like_any_other(tmp_path: Path) -> None:
    names = ["<script>alert(1)</script>", "=cmd|' /C calc'!A0", "O'Brien; DROP TABLE transactions --"]
    rows = transactions([(f"o{i}", name, f"2025-01-1{i}", 5.0) for i, name in enumerate(names)])
    company = opened(tmp_path, transactions=rows)
    assert company.frame("transactions").customer_id.tolist() == names


def test_the_check_reports_fatal_faults_instead_of_raising(tmp_path: Path) -> None:
    report = check_company(write_company(tmp_path / "shop", {"transactions": transactions().assign(revenue="?")}))
    assert [fault.kind for fault in report.fatal] == ["no usable rows"]
    assert report.table("transactions").rejected == 8
    assert any("not used" in line for line in report.lines())


def test_the_report_of_a_check_counts_rows_and_faults(tmp_path: Path) -> None:
    rows = transactions()
    rows.loc[0, "revenue"] = None
    report = check_company(write_company(tmp_path / "shop", {"transactions": rows}), as_of="2025-03-05")
    assert report.summary().loc["transactions", ["rows", "rejected", "cut", "kept"]].tolist() == [8, 1, 2, 5]
    faults = report.to_frame()
    assert faults[["column", "kind", "treatment", "count"]].to_numpy().tolist() == [
        ["revenue", "missing value", "row rejected", 1],
        ["", "rejected rows", "allowed", 0],
    ]
    assert report.lines()[2].endswith("the rejected rows hold 7% of the money in the table")
    assert "row rejected: 'revenue': missing value in 1 row (line 2: empty)" in "\n".join(report.lines())
