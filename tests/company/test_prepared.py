"""The prepared copy of a company: read instead of the sources, made anew for whatever changed, never trusted."""

from __future__ import annotations

import datetime as dt
import os
import stat
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from crm_lib.company import Company, kept, tables, write_rejected
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
    written = write_rejected(Company.open(shop), tmp_path / "rejected")
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
