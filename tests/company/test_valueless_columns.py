"""Columns without a single value, to which their source gives no type or a wrong one."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from crm_lib.company import Company
from crm_lib.schema import TABLES
from tests.companies import transactions

COMPLAINTS = {"complaint_id": ["c1", "c2"], "customer_id": ["anna", "ben"], "opened_at": ["2025-02-01", "2025-03-01"]}


def _company(folder: Path, complaints: pa.Table, how: str) -> Path:
    folder.mkdir()
    transactions().to_csv(folder / "transactions.csv", index=False)
    head, where = "", 'file = "complaints.parquet"'
    if how == "table":
        head, where = '[database]\nurl = "duckdb://shop.duckdb"\n', 'table = "complaints"'
        with duckdb.connect(str(folder / "shop.duckdb")) as database:
            database.register("frame", complaints)
            database.execute("CREATE TABLE complaints AS SELECT * FROM frame")
    else:
        pq.write_table(complaints, folder / "complaints.parquet")
    if how == "query":
        nothing = [field.name for field in complaints.schema if pa.types.is_null(field.type)]
        nulls = ", ".join(f"NULL AS {name}" for name in nothing)
        head = '[sources.kept]\nfile = "complaints.parquet"\n'
        where = f'sql = "SELECT * REPLACE ({nulls}) FROM kept"'  # noqa: S608 - names of this test
    (folder / "company.toml").write_text(
        f'[company]\ncurrency = "GBP"\n{head}'
        f'[tables.transactions]\nfile = "transactions.csv"\n[tables.complaints]\n{where}\n'
    )
    return folder


@pytest.mark.parametrize("how", ["query", "table"])
def test_optional_columns_without_values_or_type_count_as_absent(how: str, tmp_path: Path) -> None:
    optional = [column.name for column in TABLES["complaints"].columns if column.name not in COMPLAINTS]
    columns = {**COMPLAINTS, **dict.fromkeys(optional, pa.nulls(2))}
    check = Company.open(_company(tmp_path / "shop", pa.table(columns), how)).check_all().table("complaints")
    assert check.available
    assert check.kept == 2
    assert set(check.columns) == set(COMPLAINTS)
    told = {fault.column for fault in check.faults if fault.kind == "empty column"}
    assert told == set(optional)


@pytest.mark.parametrize("name", ["customer_id", "opened_at"])
def test_required_column_without_values_or_type_is_named(name: str, tmp_path: Path) -> None:
    columns = {**COMPLAINTS, name: pa.nulls(2)}
    check = Company.open(_company(tmp_path / "shop", pa.table(columns), "parquet")).check_all()
    assert not check.table("complaints").available
    assert f"every row was rejected: '{name}': missing value in 2 rows" in "\n".join(check.lines())


def test_wrong_type_with_one_value_is_an_error_still(tmp_path: Path) -> None:
    columns = {**COMPLAINTS, "closed_at": pa.array([None, 7], pa.int32())}
    check = Company.open(_company(tmp_path / "shop", pa.table(columns), "parquet")).check_all()
    assert not check.table("complaints").available
    assert "'closed_at' is of type int32 and cannot become 'closed_at'" in "\n".join(check.lines())
