"""The prepared copy of a company: read instead of the sources, made anew for whatever changed, never trusted."""

from __future__ import annotations

import datetime as dt
import os
import shutil
import stat
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import duckdb
import ibis
import numpy as np
import pandas as pd
import pytest

from crm_lib.company import Company, kept, prepared, tables
from crm_lib.company.report import write_rejected
from crm_lib.errors import CompanyError, CrmError
from tests.companies import transactions, write_company

SOON = dt.datetime.now(dt.UTC).date() + dt.timedelta(days=10)


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("CRM_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def shop(cache: Path, tmp_path: Path) -> Path:
    assert not cache.exists()
    lines = [*transactions().itertuples(index=False, name=None), ("o8", "dora", f"{SOON} 10:00", 9.0)]
    lines.append(("o9", "ben", "2025-03-31 10:00", "?"))
    people = pd.DataFrame({"customer_id": ["anna", "ben"], "region": ["north", "south"]})
    frame = pd.DataFrame(lines, columns=["order_id", "customer_id", "ordered_at", "revenue"])
    return write_company(tmp_path / "shop", {"transactions": frame, "customers": people}, as_of=dt.date(2025, 3, 31))


def seen(folder: Path) -> tuple[object, ...]:
    company = Company.open(folder)
    frames = [company.frame(name).to_csv() for name in company.tables]
    return company.check_all().lines(), frames, company.fingerprint(), company.content


def checked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return the list to which the names of tables are added that are read from their sources."""
    names: list[str] = []
    check = tables.check_table

    def check_and_tell(rows: tables.Any, source: tables.Any) -> tables.Checked:
        names.append(rows.contract.name)
        return check(rows, source)

    monkeypatch.setattr(tables, "check_table", check_and_tell)
    return names


def test_the_copy_is_read_instead_of_the_sources_and_tells_the_same(
    shop: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    first = seen(shop)
    read = checked(monkeypatch)
    assert seen(shop) == first
    assert not read
    written = write_rejected(Company.open(shop).check, tmp_path / "rejected")
    assert written["transactions"].read_text(encoding="utf-8").count("\n") == 3


@pytest.mark.parametrize("change", ["file", "settings", "day"])
def test_a_copy_of_what_was_is_left_aside(shop: Path, change: str, monkeypatch: pytest.MonkeyPatch) -> None:
    seen(shop)
    read = checked(monkeypatch)
    if change == "file":
        file = shop / "transactions.csv"
        file.write_text(file.read_text(encoding="utf-8").replace("99.9", "11.1"), encoding="utf-8")
        os.utime(file, (0, 0))
        assert Company.open(shop).frame("transactions")["revenue"].max() == 45
    elif change == "settings":
        settings = shop / "company.toml"
        settings.write_text(settings.read_text(encoding="utf-8").replace("GBP", "EUR"), encoding="utf-8")
        assert Company.open(shop).currency == "EUR"
    else:
        assert Company.open(shop, as_of="2025-02-01").frame("transactions")["revenue"].max() == 30
    assert read == ["transactions"]


def test_what_lies_in_the_future_is_looked_at_again_on_another_day(shop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert Company.open(shop, as_of=SOON).frame("transactions")["revenue"].sum() == pytest.approx(214.9)

    class Later(dt.datetime):
        @classmethod
        def now(cls, tz: dt.tzinfo | None = None) -> Later:
            return cls(SOON.year, SOON.month, SOON.day, tzinfo=tz)

    monkeypatch.setattr(tables.dt, "datetime", Later)
    assert Company.open(shop, as_of=SOON).frame("transactions")["revenue"].sum() == pytest.approx(223.9)


def test_damaged_entries_are_made_anew(shop: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = seen(shop)
    read = checked(monkeypatch)
    for file in [file for file in cache.rglob("*") if file.is_file()]:
        content = bytearray(file.read_bytes())
        content[len(content) // 2] ^= 0xFF
        file.write_bytes(content)
    assert seen(shop) == first
    assert sorted(read) == ["customers", "transactions"]
    for file in [file for file in cache.rglob("*") if file.is_file()]:
        file.unlink()
    assert seen(shop) == first


def test_only_the_user_can_read_what_is_kept_and_nothing_is_where_that_is_wished(
    shop: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen(shop)
    (folder,) = cache.iterdir()
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {stat.S_IMODE(file.stat().st_mode) for file in folder.iterdir()} == {0o600}
    monkeypatch.setenv("CRM_CACHE", "")
    read = checked(monkeypatch)
    seen(shop)
    assert sorted(read) == ["customers", "transactions"]


def test_a_result_is_computed_again_only_for_other_data_or_arguments(shop: Path) -> None:
    calls = []

    @kept
    def total(company: Company, least: int, *, more: float = 0.0) -> pd.Series[float]:
        calls.append(least)
        revenue = company.frame("transactions")["revenue"]
        return revenue[revenue >= least] + more

    first = total(Company.open(shop), 10)
    first.iloc[0] = -1
    assert total(Company.open(shop), 10).min() == 12.5
    assert calls == [10]
    assert total(Company.open(shop), 10, more=1.0).min() == 13.5
    assert total(Company.open(shop, as_of="2025-01-10"), 10).sum() == 20
    assert calls == [10, 10, 10]


def test_a_folder_that_cannot_be_written_hinders_nothing(
    shop: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = seen(shop)
    (tmp_path / "file").write_text("", encoding="utf-8")
    monkeypatch.setenv("CRM_CACHE", str(tmp_path / "file" / "cache"))
    assert seen(shop) == first


def test_the_command_removes_what_is_kept(shop: Path, cache: Path, crm: Callable[..., tuple[int, str, str]]) -> None:
    seen(shop)
    assert crm("clean")[0] == 0
    assert not cache.exists()


def test_what_was_used_longest_ago_goes_first_and_nothing_that_is_in_use(
    shop: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened, first = Company.open(shop), seen(shop)
    (old := cache / "of another company" / "old").parent.mkdir()
    for days, file in ((2, old), (1, old.with_name("new"))):
        file.write_bytes(bytes(10_000_000))
        os.utime(file, (moment := time.time() - days * 86_400, moment))
    monkeypatch.setenv("CRM_CACHE_GB", "0.0101")
    assert seen(shop) == first
    assert [file.name for file in old.parent.iterdir()] == ["new"]
    monkeypatch.setenv("CRM_CACHE_GB", "0")
    assert seen(shop) == first
    assert not list(old.parent.iterdir())
    assert opened.frame("transactions")["revenue"].sum() == pytest.approx(214.9)  # what it reads was not removed
    monkeypatch.setenv("CRM_CACHE_GB", "much")
    with pytest.raises(CrmError, match="CRM_CACHE_GB must be a number"):
        Company.open(shop)


def test_entries_cut_in_half_and_those_of_another_version_are_made_anew(
    shop: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = seen(shop)
    read = checked(monkeypatch)
    for file in [file for file in cache.rglob("*") if file.is_file()]:
        os.truncate(file, file.stat().st_size // 2)
    assert seen(shop) == first
    monkeypatch.setattr(prepared, "code_digest", lambda: "another version")
    assert seen(shop)[:3] == first[:3]
    assert sorted(read) == ["customers", "customers", "transactions", "transactions"]


def test_a_source_that_changes_while_it_is_read_is_an_error(shop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    check, name = tables.check_table, "transactions"

    def check_and_change(rows: tables.Any, source: tables.Any) -> tables.Checked:
        with (shop / f"{rows.contract.name}.csv").open("a") as file:
            file.write("o99,zoe,2025-03-31 10:00,7\n" if rows.contract.name == name else "")
        return check(rows, source)

    monkeypatch.setattr(tables, "check_table", check_and_change)
    with pytest.raises(CompanyError, match="changed while it was read: open the company again"):
        Company.open(shop)
    monkeypatch.setattr(tables, "check_table", check)
    assert Company.open(shop).frame("transactions")["revenue"].sum() == pytest.approx(221.9)


def test_a_clean_parquet_file_is_copied_as_it_is_and_an_open_company_keeps_to_it(
    cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = transactions().assign(ordered_at=lambda frame: pd.to_datetime(frame["ordered_at"]))
    shop = write_company(tmp_path / "anna's [1]" / "shop", {"transactions": lines}, how="parquet")
    first = seen(shop)
    assert (shop / "transactions.parquet").read_bytes() in [
        file.read_bytes() for file in cache.rglob("*") if file.is_file()
    ]
    read = checked(monkeypatch)
    assert seen(shop) == first
    assert not read
    company = Company.open(shop)
    lines.assign(revenue=1.0).to_parquet(shop / "transactions.parquet")
    assert company.frame("transactions")["revenue"].sum() == pytest.approx(lines["revenue"].sum())
    assert Company.open(shop).frame("transactions")["revenue"].sum() == len(lines)
    lines.assign(order_id=" " + lines["order_id"]).to_parquet(shop / "transactions.parquet")  # not clean
    assert Company.open(shop).frame("transactions")["order_id"].tolist() == lines["order_id"].tolist()


def test_a_clock_set_back_changes_no_answer(shop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither is a copy read that holds what has not happened yet, nor a changed file taken for the old one."""

    class Earlier(dt.datetime):
        @classmethod
        def now(cls, tz: dt.tzinfo | None = None) -> Earlier:
            return cls(2025, 3, 8, tzinfo=tz)

    past = write_company(shop.parent / "past", {"transactions": transactions()})
    assert Company.open(past).check.table("transactions").rejected == 0
    with monkeypatch.context() as patch:
        patch.setattr(tables.dt, "datetime", Earlier)
        assert Company.open(past).check.table("transactions").rejected == 1
    file, moment = shop / "transactions.csv", 1_700_000_000
    os.utime(file, (moment, moment))
    Company.open(shop)
    file.write_text(file.read_text(encoding="utf-8").replace("99.9", "11.1"), encoding="utf-8")
    os.utime(file, (moment, moment))  # as if it had been written at the same moment, or copied with its time
    assert Company.open(shop).frame("transactions")["revenue"].max() == 45


def test_a_database_is_copied_only_where_that_is_wished_and_its_changes_are_seen(
    tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def change(sql: str) -> None:
        with duckdb.connect(str(tmp_path / "sales.duckdb")) as connection:
            connection.register("given", transactions())
            connection.execute(sql)

    def highest(more: str, url: str = "duckdb://sales.duckdb") -> float:
        text = f'[company]\ncurrency = "GBP"\n[tables.transactions]\ntable = "sales"\n[database]\nurl = "{url}"\n{more}'
        (tmp_path / "company.toml").write_text(text, encoding="utf-8")
        return float(Company.open(tmp_path).frame("transactions")["revenue"].max())

    read = checked(monkeypatch)
    change("CREATE TABLE sales AS SELECT * FROM given")
    assert highest("") == highest("") == 99.9
    assert not cache.exists()
    assert highest("keep_copy = true") == highest("keep_copy = true") == 99.9
    assert len(read) == 3
    change("UPDATE sales SET revenue = 11 WHERE revenue > 90")
    assert highest("keep_copy = true") == 45
    with pytest.raises(CompanyError, match="keep_copy = true is for a DuckDB file; for a server give a query"):
        highest("keep_copy = true", "postgresql://user@host/shop")
    with pytest.raises(CompanyError, match="the query of keep_copy cannot be run: Catalog Error"):
        highest("keep_copy = 'SELECT max(day) FROM nothing'")


@pytest.mark.usefixtures("cache")
def test_tables_of_a_server_are_copied_by_a_query_that_tells_when_they_are_others(
    postgres_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def joined(company: Company) -> int:
        tables = company.table("transactions").inner_join(company.table("customers"), "customer_id")
        return int(tables.count().execute())

    connection = ibis.connect(postgres_url)
    connection.create_table("kept_sales", transactions())
    connection.create_table("kept_day", pd.DataFrame({"day": [1]}))
    query = "SELECT max(day) FROM kept_day"
    settings = f'[database]\nurl = "{postgres_url}"\nkeep_copy = "{query}"\n'
    people = pd.DataFrame({"customer_id": ["anna", "ben"], "region": ["north", None]})
    shop = write_company(
        tmp_path / "shop", {"customers": people}, more=f'{settings}[tables.transactions]\ntable = "kept_sales"'
    )
    server = seen(shop)
    read = checked(monkeypatch)
    assert seen(shop) == server
    assert not read
    assert joined(Company.open(shop)) > 0
    connection.raw_sql("UPDATE kept_sales SET revenue = 1")
    assert seen(shop)[1] == server[1]  # the query says that nothing has changed
    connection.raw_sql("UPDATE kept_day SET day = 2")
    assert Company.open(shop).frame("transactions")["revenue"].unique().tolist() == [1]
    monkeypatch.setattr(prepared.Copies, "_written", lambda *_: 1 / 0)  # as a full disk does
    connection.raw_sql("UPDATE kept_day SET day = 3")
    assert joined(Company.open(shop)) > 0


PREPARE = """
import sys
from crm_lib.company import Company, kept

@kept
def total(company):
    return company.frame("transactions")["revenue"].sum()

print("ready", flush=True)
sys.stdin.readline()
company = Company.open(sys.argv[1])
print(repr(float(total(company))), len(company.frame("customers")), company.check.table("transactions").rejected)
"""


def prepare(shop: Path, cache: Path | str, *around: str) -> subprocess.Popen[str]:
    """Start a process that opens a company once it is told to."""
    return subprocess.Popen(
        [*around, sys.executable, "-c", PREPARE, str(shop)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        env={**os.environ, "CRM_CACHE": str(cache), "PYTHONPATH": str(Path(__file__).parents[2])},
    )  # fmt: skip


def told(process: subprocess.Popen[str]) -> str:
    out, _ = process.communicate("now\n", timeout=300)
    assert process.returncode == 0
    return out.splitlines()[-1]


@pytest.fixture
def large(tmp_path: Path) -> Path:
    """Return a company whose copy takes more than a megabyte, and a while to make."""
    rng = np.random.default_rng(7)
    size = 200_000
    rows = {
        "order_id": [f"o{number}" for number in range(size)], "customer_id": rng.integers(0, 9_000, size).astype(str),
        "ordered_at": "2025-01-31 10:00", "revenue": rng.gamma(2, 20, size).round(2),
    }  # fmt: skip
    people = pd.DataFrame({"customer_id": [str(number) for number in range(9_000)], "region": "north"})
    return write_company(tmp_path / "large", {"transactions": pd.DataFrame(rows), "customers": people})


def test_two_processes_that_prepare_at_once_tell_the_same(large: Path, tmp_path: Path) -> None:
    both = [prepare(large, tmp_path / "cache") for _ in range(2)]
    for process in both:
        assert process.stdout.readline() == "ready\n"
    for process in both:
        process.stdin.write("now\n")
        process.stdin.flush()
    first, second = (told(process) for process in both)
    assert first == second == told(prepare(large, tmp_path / "cache")) == told(prepare(large, ""))


def test_a_full_disk_hinders_nothing(large: Path, tmp_path: Path) -> None:
    (cache := tmp_path / "full").mkdir()
    mount = ["unshare", "-rm", "sh", "-c", 'mount -t tmpfs -o size=1m full "$0" && exec "$@"', str(cache)]
    if shutil.which("unshare") is None or subprocess.run([*mount, "true"], capture_output=True, check=False).returncode:
        pytest.skip("a disk of one megabyte can be mounted by nobody here")
    assert told(prepare(large, cache, *mount)) == told(prepare(large, tmp_path / "cache"))


@pytest.mark.validate
def test_killed_at_any_moment_the_next_process_has_the_right_numbers(large: Path, tmp_path: Path) -> None:
    right, rng, killed = told(prepare(large, tmp_path / "other")), np.random.default_rng(), 0
    process = prepare(large, tmp_path / "cache")
    process.stdout.readline()
    began = time.monotonic()
    assert told(process) == right
    longest = time.monotonic() - began
    for attempt in range(20):
        process = prepare(large, cache := tmp_path / f"cache {attempt // 4}")  # made, half made, and in use
        process.stdout.readline()
        process.stdin.write("now\n")
        process.stdin.flush()
        time.sleep(rng.uniform(0, longest))
        killed += process.poll() is None
        process.kill()
        process.communicate()
        assert told(prepare(large, cache)) == right
    assert killed > 5
