"""Scores leave as Parquet, CSV or a table, whole or not at all, and harmless to whoever opens them."""

from __future__ import annotations

import stat
from pathlib import Path

import duckdb
import ibis
import pandas as pd
import pytest
from pyarrow import parquet

from crm_lib.errors import CrmError
from crm_lib.scoring.targets import check_target, write_scores


@pytest.fixture
def scores() -> pd.DataFrame:
    """Three customers, one of whom has chosen a name that a spreadsheet would run."""
    index = pd.Index(["anna", '=HYPERLINK("http://bad.example")', "李雷"], name="customer_id")
    return pd.DataFrame({"value": [10.5, -2.0, 0.0], "segment": ["loyal", "@new", None]}, index=index)


def test_parquet_keeps_every_value_and_csv_nothing_that_a_spreadsheet_would_run(
    scores: pd.DataFrame, tmp_path: Path
) -> None:
    write_scores(scores, str(tmp_path / "scores.parquet"))
    back = pd.read_parquet(tmp_path / "scores.parquet").set_index("customer_id")
    pd.testing.assert_frame_equal(back, scores, check_dtype=False)
    write_scores(scores, str(tmp_path / "scores.csv"))
    back = pd.read_csv(tmp_path / "scores.csv")
    assert list(back["customer_id"]) == ["anna", '\'=HYPERLINK("http://bad.example")', "李雷"]
    assert list(back["segment"])[:2] == ["loyal", "'@new"]
    assert list(back["value"]) == [10.5, -2.0, 0.0]


def test_csv_holds_days_and_ten_digits_and_no_letter_that_starts_a_formula_in_any_width(tmp_path: Path) -> None:
    ids = pd.Index(["＝1+1", "＋44", "－x", "＠SUM", "\rx", "a\x00b"], name="customer_id")
    frame = pd.DataFrame({"as_of": pd.Timestamp("2026-06-30"), "value": 2 / 3}, index=ids)
    write_scores(frame, str(tmp_path / "scores.csv"))
    rows = (tmp_path / "scores.csv").read_bytes().decode().replace('"', "").split("\n")[1:-1]
    assert rows == [
        f"{name},2026-06-30,0.6666666667" for name in ("'＝1+1", "'＋44", "'－x", "'＠SUM", "'\rx", "a\ufffdb")
    ]


@pytest.mark.parametrize("ending", ["csv", "parquet", "duckdb"])
def test_scores_are_readable_by_their_owner_alone_and_a_full_disk_leaves_nothing(
    ending: str, scores: pd.DataFrame, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_scores(scores, str(tmp_path / f"first.{ending}"))
    assert stat.S_IMODE((tmp_path / f"first.{ending}").stat().st_mode) == 0o600

    def full(*_: object, **__: object) -> None:
        raise duckdb.IOException("no space left")

    monkeypatch.setattr(pd.DataFrame, "to_csv", full)
    monkeypatch.setattr(parquet, "write_table", full)
    monkeypatch.setattr(ibis.backends.duckdb.Backend, "create_table", full)
    with pytest.raises(CrmError, match="no space left"):
        write_scores(scores, str(tmp_path / f"second.{ending}"))
    assert [path.name for path in tmp_path.iterdir()] == [f"first.{ending}"]


def test_a_table_of_a_duckdb_file_is_replaced_unless_it_holds_something_else(
    scores: pd.DataFrame, tmp_path: Path
) -> None:
    target = tmp_path / "warehouse.duckdb"
    with duckdb.connect(str(target)) as database:
        database.execute("create table orders as select 1 as n")
    write_scores(scores, str(target), table="scores")
    write_scores(scores.iloc[:2], str(target), table="scores")
    with pytest.raises(CrmError, match="holds something else"):
        write_scores(scores, str(target), table="orders")
    with duckdb.connect(str(target)) as database:
        assert database.execute("select count(*) from scores").fetchone() == (2,)
        assert database.execute("select n from orders").fetchone() == (1,)


def test_a_table_of_a_server_is_replaced(scores: pd.DataFrame, postgres_url: str) -> None:
    psycopg = pytest.importorskip("psycopg")
    write_scores(scores, postgres_url, table="scores_of_customers")
    write_scores(scores, postgres_url, table="scores_of_customers")
    with psycopg.connect(postgres_url) as server:
        rows = server.execute("select customer_id, value from scores_of_customers order by value").fetchall()
    assert [value for _, value in rows] == [-2.0, 0.0, 10.5]


def test_a_file_that_cannot_be_replaced_stays_as_it_was(
    scores: pd.DataFrame, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "scores.csv"
    target.write_text("what was there before", encoding="utf-8")

    def full(*_: object) -> None:
        raise OSError("no space left on device")

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(CrmError, match=r"scores\.csv' cannot be written: no space left"):
        write_scores(scores, str(target))
    assert target.read_text(encoding="utf-8") == "what was there before"
    assert [file.name for file in tmp_path.iterdir()] == ["scores.csv"]


@pytest.mark.parametrize(
    ("target", "table", "message"),
    [
        ("scores.xlsx", "scores", "ends in .parquet, .csv, .duckdb"),
        ("nowhere/at/all/scores.csv", "scores", "no folder"),
        ("postgresql://ann:secret@host/shop", "scores", "holds a password"),
        ("postgresql://ann@host/shop?password=secret", "scores", "holds a password"),
        ("scores.duckdb", "scores; drop table orders", "cannot be the name of a table"),
    ],
)
def test_a_target_that_cannot_be_is_refused_before_anything_is_computed(
    target: str, table: str, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(CrmError, match=message) as refused:
        check_target(target, table)
    assert "secret" not in str(refused.value)
