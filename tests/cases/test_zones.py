"""Moments with a zone become times of the company at the door, whatever holds them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import duckdb
import ibis
import pandas as pd
import pytest

from crm_lib.company import Company
from crm_lib.company.reading import IBIS_TYPES
from crm_lib.schema import TABLES

# A shop in New York: the second order is of its 5 February, and of the 6th in UTC; on 9 March its clocks skip an hour.
MOMENTS = [
    "2025-01-05 10:11:12 -0500",
    "2025-02-05 22:30:00 -0500",
    "2025-03-09 01:30:00 -0500",
    "2025-03-09 03:10:00 -0400",
]
LOCAL = [moment[:19] for moment in MOMENTS]
UTC = ["2025-01-05 15:11:12", "2025-02-06 03:30:00", "2025-03-09 06:30:00", "2025-03-09 07:10:00"]
NEW_YORK, BERLIN = 'timezone = "America/New_York"\n', 'timezone = "Europe/Berlin"\n'
SALES = pd.DataFrame(
    {
        "order_id": ["o1", "o2", "o3", "o4"],
        "customer_id": ["a", "a", "b", "b"],
        "ordered_at": MOMENTS,
        "revenue": [3, 1, 2, 4],
    }
)


def shop(folder: Path, how: str, zone: str, url: str = "") -> Company:
    """Open a company whose moments are texts, or instants of Parquet, DuckDB, a query, or PostgreSQL."""
    folder.mkdir()
    typed = SALES.assign(ordered_at=pd.to_datetime(SALES.ordered_at, utc=True))
    where, head = f'file = "sales.{how}"', ""
    if how == "csv":
        SALES.to_csv(folder / "sales.csv", index=False)
    elif how == "format":
        SALES.to_csv(folder / "sales.csv", index=False)
        where = 'file = "sales.csv"\ndate_format = "%Y-%m-%d %H:%M:%S %z"'
    elif how == "xlsx":
        SALES.to_excel(folder / "sales.xlsx", index=False, engine="xlsxwriter")
    elif how == "parquet":
        typed.assign(ordered_at=typed.ordered_at.dt.tz_convert("Asia/Tokyo")).to_parquet(folder / "sales.parquet")
    elif how in ("table", "sql"):
        with duckdb.connect(str(folder / "shop.duckdb")) as con:
            con.execute(
                "CREATE TABLE sales (order_id VARCHAR, customer_id VARCHAR, ordered_at TIMESTAMPTZ, revenue DOUBLE)"
            )
            con.executemany("INSERT INTO sales VALUES (?, ?, ?::TIMESTAMPTZ, ?)", rows())
        head, where = '[database]\nurl = "duckdb://shop.duckdb"\n', 'table = "sales"'
        where = 'sql = "select * from sales"' if how == "sql" else where
    else:
        head, where = f'[database]\nurl = "{url}"\n', 'table = "zones.sales"'
    content = f'[company]\ncurrency = "USD"\nmargin_rate = 0.3\n{zone}{head}[tables.transactions]\n{where}\n'
    (folder / "company.toml").write_text(content)
    return Company.open(folder)


def rows() -> list[list[Any]]:
    return [
        [order, who, moment.replace(" -0", "-0"), float(paid)] for order, who, moment, paid in SALES.to_numpy().tolist()
    ]


def times(company: Company) -> list[str]:
    promised_types(company)
    return company.frame("transactions").sort_values("order_id").ordered_at.astype("datetime64[s]").astype(str).tolist()


def promised_types(company: Company) -> None:
    """What is handed out, and not only what Ibis believes, has the type of the schema."""
    for name in company.tables:
        table = company.table(name)
        arrow = table.to_pyarrow().schema
        for column in TABLES[name].columns:
            if column.name in table.columns:
                promise = ibis.dtype(IBIS_TYPES[column.type])
                found = ibis.Schema.from_pyarrow(arrow)[column.name]
                assert (type(found), getattr(found, "timezone", None)) == (type(promise), None), (name, column.name)
                assert type(table[column.name].type()) is type(promise), (name, column.name)


@pytest.mark.parametrize("how", ["csv", "format", "xlsx", "parquet", "table", "sql"])
def test_days_are_those_of_the_company_and_without_its_zone_told(how: str, tmp_path: Path) -> None:
    assert times(shop(tmp_path / "ny", how, NEW_YORK)) == LOCAL
    berlin = pd.Series(pd.to_datetime(UTC, utc=True).tz_convert("Europe/Berlin").strftime("%Y-%m-%d %H:%M:%S"))
    assert times(shop(tmp_path / "berlin", how, BERLIN)) == berlin.tolist()
    unset = shop(tmp_path / "unset", how, "")
    # A text says what the clock on the wall showed; an instant of a typed column does not.
    assert times(unset) == (LOCAL if how in ("csv", "format", "xlsx") else UTC)
    assert [(fault.kind, fault.count) for fault in unset.check.faults if fault.column == "ordered_at"] == [
        ("time zone", 4)
    ]


def test_a_server_gives_times_of_the_company(postgres_url: str, tmp_path: Path) -> None:
    server = ibis.connect(postgres_url)
    create = "DROP SCHEMA IF EXISTS zones CASCADE; CREATE SCHEMA zones; CREATE TABLE zones.sales "
    create += "(order_id text, customer_id text, ordered_at {}, revenue float)"
    for kind, unset in (("timestamptz", UTC), ("text", LOCAL)):
        with server.raw_sql(create.format(kind)) as cursor:
            cursor.executemany("INSERT INTO zones.sales VALUES (%s, %s, %s, %s)", rows())
        server.con.commit()
        assert times(shop(tmp_path / kind, "server", NEW_YORK, postgres_url)) == LOCAL
        assert times(shop(tmp_path / f"{kind}-unset", "server", "", postgres_url)) == unset
    server.disconnect()


def test_a_time_without_an_offset_stays_as_it_is_in_the_hour_that_clocks_skip_too(tmp_path: Path) -> None:
    (tmp_path / "sales.csv").write_text(
        "order_id,customer_id,ordered_at,revenue\no1,a,2025-03-09 02:30,1\no2,a,2025-03-09T12:00:00Z,2\n"
        "o3,a,2025-03-10,3\no4,a,2025-03-11 12:00:00 UTC,4\no5,a,2025-03-12 12:00:00.5+05:30,5\n"
    )
    text = f'[company]\ncurrency = "USD"\n{NEW_YORK}[tables.transactions]\nfile = "sales.csv"\n'
    (tmp_path / "company.toml").write_text(text)
    company = Company.open(tmp_path)
    expected = [
        "2025-03-09 02:30:00",
        "2025-03-09 08:00:00",
        "2025-03-10 00:00:00",
        "2025-03-11 08:00:00",
        "2025-03-12 02:30:00",
    ]
    assert times(company) == expected


def test_commands_run_where_times_have_a_zone(crm: Any, tmp_path: Path) -> None:
    folder = str(shop(tmp_path / "shop", "format", "").folder)
    code, told, _ = crm("customer", folder, "a")
    assert (code, "5 Feb 2025" in told) == (0, True)
    code, _, error = crm("targets", folder, "--to", str(tmp_path / "lists"), "--window-days", "60")
    assert code == 0 or "needs" in error
