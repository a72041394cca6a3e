"""A company whose tables are on a PostgreSQL server, as it is read and as it is refused."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import ibis
import pandas as pd
import pytest

from crm_lib import environment, segments
from crm_lib.company import Company, check_company
from crm_lib.company.engine import server_url, without
from crm_lib.company.report import write_rejected
from crm_lib.errors import CompanyError
from tests.companies import transactions, write_company


@pytest.fixture
def server(postgres_url: str) -> Iterator[Any]:
    connection = ibis.connect(postgres_url)
    with connection.raw_sql("DROP SCHEMA IF EXISTS shop CASCADE; CREATE SCHEMA shop"):
        pass
    yield connection
    with connection.raw_sql("DROP SCHEMA shop CASCADE"):
        pass
    connection.disconnect()


def fill(server: Any, name: str, frame: pd.DataFrame, **types: str) -> None:
    columns = ", ".join(f'"{column}" {types.get(column, "text")}' for column in frame.columns)
    with server.raw_sql(f'CREATE TABLE shop."{name}" ({columns})') as cursor:
        places = ", ".join(["%s"] * len(frame.columns))
        rows = frame.astype(object).where(frame.notna(), None).to_numpy().tolist()
        cursor.executemany(f'INSERT INTO shop."{name}" VALUES ({places})', rows)  # noqa: S608
    server.con.commit()


def shop(folder: Path, url: str, source: str, head: str = "") -> Path:
    folder.mkdir(exist_ok=True)
    text = f'[company]\ncurrency = "GBP"\nallow_rejected = true\n[database]\nurl = "{url}"\n{head}\n'
    text += f"[tables.transactions]\n{source}\n"
    (folder / "company.toml").write_text(text)
    return folder


TYPED = {"ordered_at": "timestamptz", "revenue": "numeric(10, 2)"}


def rows_of(company: Company) -> list[list[object]]:
    frame = company.frame("transactions").sort_values(["ordered_at", "revenue"])
    return frame[["order_id", "customer_id", "ordered_at", "revenue"]].to_numpy().tolist()


@pytest.mark.parametrize(
    ("source", "types"), [('table = "shop.sales"', TYPED), ('sql = "select * from shop.sales"', {})]
)
def test_a_server_gives_the_rows_that_a_file_gives(
    source: str, types: dict[str, str], server: Any, postgres_url: str, tmp_path: Path
) -> None:
    fill(server, "sales", transactions(), **types)
    company = Company.open(shop(tmp_path / "shop", postgres_url, source))
    of_file = Company.open(write_company(tmp_path / "file", {"transactions": transactions()}))
    assert rows_of(company) == rows_of(of_file)
    assert company.as_of == of_file.as_of
    assert company.table("transactions").get_backend().name == "postgres"


def test_faults_are_found_in_the_server_and_shown_by_their_values(
    server: Any, postgres_url: str, tmp_path: Path
) -> None:
    rows = transactions().astype(object).assign(line_id=["1", "2", "3", "4", "5", "6", "6", "8"], quantity="1")
    rows.loc[0, "revenue"] = "much"
    rows.loc[1, "ordered_at"] = "today"
    rows.loc[2, "customer_id"] = "  "
    rows.loc[3, "quantity"] = "few"
    fill(server, "sales", rows)
    company = Company.open(shop(tmp_path / "shop", postgres_url, 'table = "shop.sales"'))
    found = {fault.kind: fault for fault in company.check_all().faults if fault.treatment == "row rejected"}
    assert set(found) == {"not a number", "not a date", "missing value", "repeated key"}
    assert found["not a number"].examples == ((None, "'much'"),)
    assert found["not a date"].examples == ((None, "'today'"),)
    assert company.check_all().table("transactions").rejected == 4
    assert len(company.frame("transactions")) == 4
    aside = pd.read_csv(write_rejected(company.check, tmp_path / "aside")["transactions"], dtype=str)
    assert sorted(aside.reasons) == [
        "customer_id: missing value", "line_id: repeated key", "ordered_at: not a date", "revenue: not a number",
    ]  # fmt: skip


def test_rows_on_a_server_are_cut_at_as_of(server: Any, postgres_url: str, tmp_path: Path) -> None:
    fill(server, "sales", transactions(), **TYPED)
    folder = shop(tmp_path / "shop", postgres_url, 'table = "shop.sales"')
    company = Company.open(folder, as_of="2025-02-20")
    assert company.check_all().table("transactions").cut == 3
    assert len(company.frame("transactions")) == 5


def test_files_of_a_company_with_a_server_join_its_tables(server: Any, postgres_url: str, tmp_path: Path) -> None:
    fill(server, "sales", transactions(), **TYPED)
    folder = tmp_path / "shop"
    head = (
        '[sources.friends]\nfile = "friends.csv"\n[sources.orders]\ntable = "shop.sales"\n'
        '[tables.customers]\nfile = "people.csv"'
    )
    shop(folder, postgres_url, 'sql = "select orders.* from orders join friends using (customer_id)"', head)
    pd.DataFrame({"customer_id": ["anna", "ben"]}).to_csv(folder / "friends.csv", index=False)
    pd.DataFrame({"customer_id": ["anna", "ben"], "acquired_at": ["2025-01-01", ""]}).to_csv(
        folder / "people.csv", index=False
    )
    company = Company.open(folder)
    lines, people = company.table("transactions"), company.table("customers")
    joined = lines.join(people, "customer_id").execute()
    assert sorted(joined.customer_id) == ["anna"] * 4 + ["ben"] * 2


def test_the_fingerprint_of_a_server_table_changes_with_its_rows(
    server: Any, postgres_url: str, tmp_path: Path
) -> None:
    fill(server, "sales", transactions(), **TYPED)
    folder = shop(tmp_path / "shop", postgres_url, 'table = "shop.sales"')
    first = Company.open(folder).fingerprint()
    assert Company.open(folder).fingerprint() == first
    with server.raw_sql("UPDATE shop.sales SET revenue = revenue + 1 WHERE order_id = 'o5'"):
        pass
    server.con.commit()
    assert Company.open(folder).fingerprint() != first


@pytest.mark.parametrize(
    ("source", "kind", "told"),
    [
        ('table = "shop.sails"', "no such table", "'shop.sails'"),
        ('sql = "select nothing from shop.sales"', "query failed", "nothing"),
    ],
)
def test_a_source_that_the_server_cannot_give_is_told_in_its_words(
    source: str, kind: str, told: str, server: Any, postgres_url: str, tmp_path: Path
) -> None:
    fill(server, "sales", transactions(), **TYPED)
    (fault,) = check_company(shop(tmp_path / "shop", postgres_url, source)).fatal
    assert fault.kind == kind
    assert told in fault.message


def test_the_password_goes_into_the_url_quoted_and_never_into_a_message() -> None:
    assert server_url("postgresql://ann@db:5432/shop", "p@ss/w:rd") == (
        "postgresql://ann:p%40ss%2Fw%3Ard@db:5432/shop?connect_timeout=10"
    )
    assert server_url("postgresql://ann@/shop?host=/run/pg", "x").startswith(
        "postgresql://ann:x@/shop?host=%2Frun%2Fpg"
    )
    assert (
        without("cannot log in as ann with p@ss/w:rd or p%40ss%2Fw%3Ard", "p@ss/w:rd")
        == "cannot log in as ann with *** or ***"
    )


def test_no_error_shows_the_password(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHOP_PASSWORD", "s3cret/word")
    folder = shop(tmp_path / "shop", "postgresql://ann@127.0.0.1:1/shop", 'table = "sales"')
    settings = (folder / "company.toml").read_text().replace('/shop"\n', '/shop"\npassword_env = "SHOP_PASSWORD"\n')
    (folder / "company.toml").write_text(settings)
    with pytest.raises(CompanyError) as caught:
        Company.open(folder)
    assert "cannot reach postgresql://ann@127.0.0.1:1/shop" in str(caught.value)
    assert "s3cret" not in repr(caught.value)
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__


def test_nothing_that_a_company_shows_holds_the_password(
    server: Any, postgres_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SHOP_PASSWORD", "s3cret/word")
    fill(server, "sales", transactions(), **TYPED)
    # The server trusts its socket: it takes any password.
    url = postgres_url.replace("postgres:@", "postgres@") + '"\npassword_env = "SHOP_PASSWORD'
    company = Company.open(shop(tmp_path / "shop", url, 'table = "shop.sales"'))
    report = company.check_all()
    shown = [company, report, company.fingerprint(), report.to_frame(), *report.lines()]
    assert not any("s3cret" in repr(each) for each in shown)


@pytest.mark.parametrize("kind", ["timestamp", "timestamptz", "date", "text"])
def test_an_odd_date_on_a_server_costs_one_row(kind: str, server: Any, postgres_url: str, tmp_path: Path) -> None:
    rows = transactions()
    rows.loc[1:3, "ordered_at"] = ["infinity", "12025-01-05", "0044-03-15 BC"]
    fill(server, "sales", rows, ordered_at=kind)
    company = Company.open(shop(tmp_path / "shop", postgres_url, 'table = "shop.sales"'))
    (fault,) = (fault for fault in company.check.faults if fault.kind == "not a date")
    assert (fault.column, fault.treatment, fault.count) == ("ordered_at", "row rejected", 3)
    assert len(company.frame("transactions")) == 5
    assert "not a date" in write_rejected(company.check, tmp_path / "rejected")["transactions"].read_text()


def test_segments_and_readiness_are_those_of_the_same_rows_in_a_file(
    server: Any, postgres_url: str, tmp_path: Path
) -> None:
    sales = transactions().assign(channel="web")
    fill(server, "sales", sales, **TYPED)
    first = Company.open(shop(tmp_path / "shop", postgres_url, 'table = "shop.sales"'))
    second = Company.open(write_company(tmp_path / "file", {"transactions": sales}))
    of_server, of_file = (
        segments.segment_customers(each, segments.definitions_of(each)).rfm.frame for each in (first, second)
    )
    pd.testing.assert_frame_equal(of_server, of_file, check_dtype=False)
    tables = (environment.data_readiness(each).frame for each in (first, second))
    pd.testing.assert_frame_equal(*tables, check_dtype=False)
