"""Where scores go: a Parquet or CSV file, or a table of a database."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import ibis
import pandas as pd
import pyarrow as pa
from pyarrow import parquet

from crm_lib.company.engine import connect
from crm_lib.company.report import harmless
from crm_lib.errors import CrmError
from crm_lib.writing import replaced

_TABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,62}")
_FILES = (".parquet", ".csv", ".duckdb")


def check_target(target: str, table: str) -> None:
    """Raise an error unless scores can be written there, before anything is computed."""
    if not _TABLE.fullmatch(table):
        raise CrmError(f"{table!r} cannot be the name of a table: use letters, digits and underscores")
    if "://" in target:
        parts = urlsplit(target)
        if parts.password or "password" in parse_qs(parts.query.lower()):
            raise CrmError(
                "the URL holds a password: leave it out and name the variable that holds it (--password-env)"
            )
        return
    path = Path(target)
    if path.suffix.lower() not in _FILES:
        raise CrmError(
            f"scores go to a file that ends in {', '.join(_FILES)} or to a database's URL, not to {target!r}"
        )
    if not path.parent.is_dir():
        raise CrmError(f"there is no folder {str(path.parent)!r} to write {path.name!r} into")


def write_scores(frame: pd.DataFrame, target: str, *, table: str = "customer_scores", password_env: str = "") -> None:
    """Write scores whole: a file or table that was there before is replaced at once or stays as it was.

    Parameters
    ----------
    frame : DataFrame
        One row a customer, ``customer_id`` being the index.
    target : str
        A file ending in ``.parquet``, ``.csv`` (formulas made harmless) or ``.duckdb`` (a table in it), or the URL of a
        database such as ``postgresql://ann@host/shop``.
    table : str
        Name of the table in a database.
    password_env : str
        Environment variable with the database's password; empty for none.

    Raises
    ------
    CrmError
        If it cannot be written there, or if a table of that name has other columns and so is not one of scores.
    """
    check_target(target, table)
    rows, path = ibis.memtable(frame.reset_index()), Path(target)
    if "://" in target:
        _replace_table(connect(target, password_env), table, rows)
    elif path.suffix.lower() == ".duckdb" and path.exists():
        _replace_table(_open_duckdb(path), table, rows)
    else:
        with replaced(path) as aside:
            _write_file(aside, table, rows, frame)


def _write_file(path: Path, table: str, rows: ibis.Table, frame: pd.DataFrame) -> None:
    if path.suffix.lower() == ".duckdb":
        _replace_table(_open_duckdb(path), table, rows)
    elif path.suffix.lower() == ".csv":
        # Ten digits say all that is known, and a day needs no midnight.
        harmless(rows).to_pandas().to_csv(path, index=False, float_format="%.10g", date_format="%Y-%m-%d")
    else:
        parquet.write_table(pa.Table.from_pandas(frame.reset_index(), preserve_index=False), path)


def _open_duckdb(path: Path) -> Any:
    try:
        return ibis.duckdb.connect(path)
    except Exception as error:  # noqa: BLE001 — engines have errors of their own
        raise CrmError(f"{str(path)!r} cannot be opened as a DuckDB database: {error}") from None


def _replace_table(database: Any, table: str, rows: ibis.Table) -> None:
    try:
        if table in database.list_tables() and set(database.table(table).columns) != set(rows.columns):
            raise CrmError(
                f"the table {table!r} exists and holds something else than these scores: name another one (--table), "
                "or remove it first"
            )
        database.create_table(table, rows.to_pyarrow(), overwrite=True)
    except CrmError:
        raise
    except Exception as error:  # noqa: BLE001 — engines have errors of their own
        raise CrmError(f"the table {table!r} cannot be written: {error}") from None
    finally:
        database.disconnect()
