"""The engine that holds a company's tables: DuckDB in this process, or the company's own database server."""

from __future__ import annotations

import secrets
import tempfile
from pathlib import Path
from typing import Any

import ibis
import pyarrow as pa

from crm_lib.company.database import connect, first_line
from crm_lib.company.settings import CompanySettings
from crm_lib.errors import CompanyError

DATABASE = "company_database"
"""Name under which a DuckDB file of the company is attached."""
SCHEMA = "crm"
"""Schema of the in-process database in which the rows of the company's files are kept."""
ROW = "_row"
"""Column with the number of a row in its source: line of the file (the header is line 1), else row; null on servers."""


class Engine:
    """Connections of one company.

    Files, and databases in DuckDB files, are read by a DuckDB inside this process. Tables of a server stay there:
    what is asked of them is computed by the server. If a company has both, its files are loaded into temporary
    tables of the server, so that all its tables can be joined. A database in a file is opened read-only.
    """

    def __init__(self, settings: CompanySettings) -> None:
        self.duckdb: Any = ibis.duckdb.connect()
        # A timestamp with a zone is read as UTC wherever the computer stands; nothing is fetched from the network.
        self.run("SET TimeZone = 'UTC'")
        if self.run("SELECT current_setting('enable_progress_bar')").fetchone()[0]:
            # In Jupyter without ipywidgets the bar is off, and DuckDB refuses even to be told so.
            self.run("SET enable_progress_bar = false")
        self.run("SET autoinstall_known_extensions = false")
        # A folder of its own: two engines that spill into one folder would overwrite each other's files.
        spill = Path(tempfile.gettempdir()) / f"crm-duckdb-{secrets.token_hex(6)}"
        self.run(f"SET temp_directory = {literal(str(spill))}")
        self.run(f"CREATE SCHEMA {SCHEMA}")
        self.server: Any = None
        database = settings.database
        if database.url.startswith("duckdb:"):
            self._attach(settings.folder / database.url.removeprefix("duckdb://"))
        elif database.url:
            self.server = connect(database.url, database.password_env)

    @property
    def backend(self) -> Any:
        """The Ibis backend in which the company's tables are."""
        return self.server or self.duckdb

    @property
    def dialect(self) -> str:
        """Name of the engine's dialect of SQL."""
        return str(self.backend.name)

    def run(self, sql: str) -> Any:
        """Execute a statement in the in-process DuckDB and return its result."""
        return self.duckdb.con.execute(sql)

    def table(self, name: str) -> ibis.Table:
        """Return a table or view of the in-process schema."""
        table: ibis.Table = self.duckdb.table(name, database=("memory", SCHEMA))
        return table

    def view(self, name: str, *steps: Any, stored: bool = False) -> ibis.Table:
        """Give a query a name in the engine, and store its rows if told.

        Each of several steps is a query over the one before, which goes by the name ``step_1``, ``step_2`` …
        """
        *first, sql = (ibis.to_sql(step, dialect=self.dialect) for step in steps)
        if first:
            named = ", ".join(f"step_{place} AS ({step})" for place, step in enumerate(first, start=1))
            sql = f"WITH {named} {sql}"
        if self.server is not None:
            return self.server_query(name, sql)
        self.run(f"CREATE OR REPLACE {'TABLE' if stored else 'VIEW'} {SCHEMA}.{identifier(name)} AS {sql}")
        return self.table(name)

    def drop(self, view: str, table: str) -> None:
        """Drop a view and the table under it."""
        self.run(f"DROP VIEW {SCHEMA}.{identifier(view)}; DROP TABLE {SCHEMA}.{identifier(table)}")

    def server_run(self, sql: str) -> None:
        """Execute a statement on the server."""
        self.server.raw_sql(sql).close()

    def server_query(self, name: str, sql: str) -> ibis.Table:
        """Return the result of a query on the server, which runs it anew each time it is asked."""
        if self.dialect != "postgres":
            table: ibis.Table = self.server.sql(sql)
            return table
        # Ibis's own way drops a view in a syntax that PostgreSQL does not take.
        self.server_run(f"CREATE OR REPLACE TEMPORARY VIEW {identifier('crm_' + name)} AS {sql}")
        return self._temporary("crm_" + name)

    def server_load(self, name: str, rows: pa.Table) -> ibis.Table:
        """Load rows into a temporary table of the server and return it."""
        if self.dialect != "postgres":
            table: ibis.Table = self.server.create_table(name, rows, temp=True)
            return table
        types = (_postgres_type(column.type) for column in rows.schema)
        columns = ", ".join(
            f"{identifier(column)} {kind}" for column, kind in zip(rows.column_names, types, strict=True)
        )
        self.server_run(f"CREATE TEMPORARY TABLE {identifier(name)} ({columns})")
        with (
            self.server.con.cursor() as cursor,
            cursor.copy(f"COPY {identifier(name)} FROM STDIN") as copy,
        ):
            for batch in rows.to_batches(max_chunksize=10_000):
                for row in zip(*(column.to_pylist() for column in batch.columns), strict=True):
                    copy.write_row(row)
        return self._temporary(name)

    def _temporary(self, name: str) -> ibis.Table:
        table: ibis.Table = self.server.table(name)
        return table

    def close(self) -> None:
        """Close the connections."""
        for backend in (self.duckdb, self.server):
            if backend is not None:
                backend.disconnect()

    def _attach(self, file: Path) -> None:
        if not file.is_file():
            raise CompanyError(f"[database]: there is no DuckDB file '{file}'")
        try:
            self.run(f"ATTACH {literal(str(file))} AS {DATABASE} (READ_ONLY)")
        except Exception as error:
            raise CompanyError(f"[database]: cannot open the DuckDB file '{file}': {first_line(error)}") from None
        self.run(f"SET search_path = 'memory.main,{DATABASE}.main'")


def _postgres_type(kind: pa.DataType) -> str:
    if pa.types.is_boolean(kind):
        return "boolean"
    if pa.types.is_integer(kind):
        return "bigint"
    if pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        return "double precision"
    if pa.types.is_date(kind):
        return "date"
    if pa.types.is_timestamp(kind):
        return "timestamptz" if kind.tz else "timestamp"
    return "text"


def literal(text: str) -> str:
    """Return a text as a literal of SQL."""
    return "'" + text.replace("'", "''") + "'"


def identifier(name: str) -> str:
    """Return a name as a quoted identifier of SQL."""
    return '"' + name.replace('"', '""') + '"'
