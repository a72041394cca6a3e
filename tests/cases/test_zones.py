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
from crm_lib.schema import TRANSACTIONS

# A shop in New York: its second order is of 5 February there, of the 6th in UTC; on 9 March its clocks skip an hour.
LOCAL = ["2025-01-05 10:11:12", "2025-02-05 22:30:00", "2025-03-09 01:30:00", "2025-03-09 03:10:00"]
MOMENTS = [f"{time} -0{hours}00" for time, hours in zip(LOCAL, (5, 5, 5, 4), strict=True)]
UTC = ["2025-01-05 15:11:12", "2025-02-06 03:30:00", "2025-03-09 06:30:00", "2025-03-09 07:10:00"]
SALES = pd.DataFrame({"order_id": list("1234"), "customer_id": list("aabb"), "ordered_at": MOMENTS, "revenue": 3.0})
TYPED = SALES.assign(ordered_at=pd.to_datetime(SALES.ordered_at, utc=True).dt.tz_convert("Asia/Tokyo"))
INSERT = [[order, who, moment.replace(" -", "-"), paid] for order, who, moment, paid in SALES.to_numpy().tolist()]
COLUMNS = "(order_id text, customer_id text, ordered_at {}, revenue float)"

FORMAT = 'file = "sales.csv"\ndate_format = "%Y-%m-%d %H:%M:%S %z"'
SOURCES = {"csv": 'file = "sales.csv"', "format": FORMAT, "xlsx": 'file = "sales.xlsx"'}
SOURCES |= {"parquet": 'file = "sales.parquet"', "table": 'table = "sales"', "sql": 'sql = "select * from sales"'}


def shop(folder: Path, source: str, zone: str = "", url: str = "duckdb://shop.duckdb") -> Company:
    database = "" if source.startswith("file") else f'[database]\nurl = "{url}"\n'
    head = f'[company]\ncurrency = "USD"\nmargin_rate = 0.3\ntimezone = "{zone}"\n{database}'
    folder.mkdir(exist_ok=True)
    (folder / "company.toml").write_text(f"{head}[tables.transactions]\n{source}\n")
    return Company.open(folder)


def times(company: Company) -> list[str]:
    """The times that are handed out; what is, and not only what Ibis believes, has the type of the schema."""
    table = company.table("transactions").order_by("order_id")
    given = table.to_pyarrow()
    for name in table.columns:
        promise, found = ibis.dtype(IBIS_TYPES[TRANSACTIONS.column(name).type]), ibis.Schema.from_pyarrow(given.schema)
        assert (type(found[name]), getattr(found[name], "timezone", None)) == (type(promise), None), name
        assert type(table[name].type()) is type(promise), name
    return [str(time)[:19] for time in given["ordered_at"].to_pylist()]


@pytest.mark.parametrize("how", SOURCES)
def test_days_are_those_of_the_company_and_without_its_zone_that_is_told(how: str, tmp_path: Path) -> None:
    SALES.to_csv(tmp_path / "sales.csv", index=False)
    SALES.to_excel(tmp_path / "sales.xlsx", index=False, engine="xlsxwriter")
    TYPED.to_parquet(tmp_path / "sales.parquet")
    with duckdb.connect(str(tmp_path / "shop.duckdb")) as con:
        con.execute(f"CREATE TABLE sales {COLUMNS.format('timestamptz')}")
        con.executemany("INSERT INTO sales VALUES (?, ?, ?::timestamptz, ?)", INSERT)
    assert times(shop(tmp_path, SOURCES[how], "America/New_York")) == LOCAL
    berlin = pd.to_datetime(UTC, utc=True).tz_convert("Europe/Berlin").strftime("%Y-%m-%d %H:%M:%S")
    assert times(shop(tmp_path, SOURCES[how], "Europe/Berlin")) == list(berlin)
    # A text says what the clock on the wall showed; an instant of a typed column does not.
    unset = shop(tmp_path, SOURCES[how])
    assert times(unset) == (LOCAL if how in ("csv", "format", "xlsx") else UTC)
    assert [(fault.kind, fault.count) for fault in unset.check.faults if fault.column == "ordered_at"] == [
        ("time zone", 4)
    ]


def test_a_server_gives_times_of_the_company(postgres_url: str, tmp_path: Path) -> None:
    server = ibis.connect(postgres_url)
    for kind, unset in (("timestamptz", UTC), ("text", LOCAL)):
        create = f"DROP SCHEMA IF EXISTS zones CASCADE; CREATE SCHEMA zones; CREATE TABLE zones.sales {COLUMNS}"
        with server.raw_sql(create.format(kind)) as cursor:
            cursor.executemany("INSERT INTO zones.sales VALUES (%s, %s, %s, %s)", INSERT)
        server.con.commit()
        assert times(shop(tmp_path, 'table = "zones.sales"', "America/New_York", postgres_url)) == LOCAL
        assert times(shop(tmp_path, 'table = "zones.sales"', "", postgres_url)) == unset
    server.disconnect()


def test_a_time_without_an_offset_stays_as_it_is_in_the_hour_that_clocks_skip_too(tmp_path: Path) -> None:
    written = ["2025-03-09 02:30", "2025-03-09T12:00:00Z", "2025-03-10 12:00:00 UTC", "2025-03-12 12:00:00.5+05:30"]
    SALES.assign(ordered_at=written).to_csv(tmp_path / "sales.csv", index=False)
    expected = ["2025-03-09 02:30:00", "2025-03-09 08:00:00", "2025-03-10 08:00:00", "2025-03-12 02:30:00"]
    assert times(shop(tmp_path, SOURCES["csv"], "America/New_York")) == expected


def test_commands_run_where_times_have_a_zone(crm: Any, tmp_path: Path) -> None:
    SALES.to_csv(tmp_path / "sales.csv", index=False)
    folder = str(shop(tmp_path, FORMAT).folder)
    code, told, _ = crm("customer", folder, "a")
    assert (code, "5 Feb 2025" in told) == (0, True)
    code, _, error = crm("targets", folder, "--to", str(tmp_path / "lists"), "--window-days", "60")
    assert code == 0 or "needs" in error
