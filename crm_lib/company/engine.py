"""The engine that holds a company's tables: DuckDB in this process, or the company's own database server."""

from __future__ import annotations

import os
import secrets
import tempfile
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, quote, urlencode, urlsplit, urlunsplit

import ibis
import pyarrow as pa

from crm_lib.company.settings import CompanySettings
from crm_lib.errors import CompanyError

DATABASE = "company_database"
"""Name under which a DuckDB file of the company is attached."""
SCHEMA = "crm"
"""Schema of the in-process database in which the rows of the company's files are kept."""
ROW = "_row"
"""Column with the number of a row in its source: line of the file (the header is line 1), else row; null on servers."""
NUMBER, MOMENT = "\x1fnumber ", "\x1fmoment "
"""Before the name of a column of a workbook: the column with those of its cells that are numbers, or dates, there."""


class Engine:
    """Connections of one company.

    Files, and databases in DuckDB files, opened read-only, are read by a DuckDB inside this process. A server computes
    what is asked of its tables; a company's files are loaded into temporary ones, so that all can be joined.
    """

    def __init__(self, settings: CompanySettings) -> None:
        self.duckdb: Any = ibis.duckdb.connect()
        # A moment becomes a time of the company wherever the computer stands; nothing is fetched from the network.
        zone = settings.company.timezone or "UTC"
        self.run(f"SET TimeZone = {literal(zone)}")
        if self.run("SELECT current_setting('enable_progress_bar')").fetchone()[0]:
            # In Jupyter without ipywidgets the bar is off, and DuckDB refuses even to be told so.
            self.run("SET enable_progress_bar = false")
        most, unit = self.run("SELECT current_setting('memory_limit')").fetchone()[0].split()
        self.run(f"SET memory_limit = '{float(most) / 6} {unit}'")  # several processes run at once
        self.run("SET allocator_background_threads = true")  # what a query took is given back
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
            self.server = connect(database.url, database.password_env, zone)

    @property
    def dialect(self) -> str:
        """Name of the engine's dialect of SQL."""
        return str((self.server or self.duckdb).name)

    def run(self, sql: str) -> Any:
        """Execute a statement in the in-process DuckDB and return its result."""
        return self.duckdb.con.execute(sql)

    def table(self, name: str) -> ibis.Table:
        """Return a table or view of the in-process schema."""
        table: ibis.Table = self.duckdb.table(name, database=("memory", SCHEMA))
        return table

    def named(self, name: str, select: str) -> ibis.Table:
        """Give SQL a name in the in-process schema."""
        self.run(f"CREATE OR REPLACE VIEW {SCHEMA}.{identifier(name)} AS {select}")
        return self.table(name)

    def view(self, name: str, *steps: Any, stored: bool = False) -> ibis.Table:
        """Give a query a name in the engine, and store its rows if told.

        Each of several steps is a query over the one before, which goes by the name ``step_1``, ``step_2`` … On a
        server the last step is all: a view there would keep others from changing the tables under it.
        """
        if self.server is not None:
            return steps[-1]
        # Not pretty: line breaks within names would be indented.
        *first, sql = (ibis.to_sql(step, dialect=self.dialect, pretty=False) for step in steps)
        if first:
            named = ", ".join(f"step_{place} AS ({step})" for place, step in enumerate(first, start=1))
            sql = f"WITH {named} {sql}"
        self.run(f"CREATE OR REPLACE {'TABLE' if stored else 'VIEW'} {SCHEMA}.{identifier(name)} AS {sql}")
        return self.table(name)

    def drop(self, view: str, table: str) -> None:
        """Drop a view and the table under it."""
        self.run(f"DROP VIEW {SCHEMA}.{identifier(view)}; DROP TABLE {SCHEMA}.{identifier(table)}")

    def define(self, name: str, select: str) -> None:
        """Give a query a name by which SQL can use it."""
        run, kind = (self.run, "") if self.server is None else (self.server.raw_sql, "TEMPORARY ")
        run(f"CREATE OR REPLACE {kind}VIEW {identifier(name)} AS {select}")

    def server_query(self, name: str, sql: str) -> ibis.Table:
        """Return the result of a query on the server, which runs it anew each time it is asked."""
        if self.dialect == "postgres":
            # Ibis's own way drops a view in a syntax that PostgreSQL does not take.
            self.define(f"crm_{name}", sql)
        table: ibis.Table = self.server.table(f"crm_{name}") if self.dialect == "postgres" else self.server.sql(sql)
        return table

    def answer(self, sql: str) -> str:
        """Return what the database answers to the query of ``keep_copy``."""
        try:
            rows = (
                self.server_query("copies", sql).to_pyarrow().to_pylist() if self.server else self.run(sql).fetchall()
            )
        except Exception as error:
            raise CompanyError(f"[database]: the query of keep_copy cannot be run: {first_line(error)}") from None
        return repr(rows)

    def server_load(self, name: str, rows: pa.Table) -> ibis.Table:
        """Load rows into a temporary table of the server and return it."""
        if self.dialect != "postgres":
            table: ibis.Table = self.server.create_table(name, rows, temp=True)
            return table
        # Ibis would insert the rows one by one.
        table = self.server.create_table(name, schema=rows.schema, temp=True, overwrite=True)
        with self.server.con.cursor() as cursor, cursor.copy(f"COPY {identifier(name)} FROM STDIN") as copy:
            for batch in rows.to_batches(max_chunksize=10_000):
                for row in zip(*(column.to_pylist() for column in batch.columns), strict=True):
                    copy.write_row(row)
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


def connect(url: str, password_env: str = "", zone: str = "UTC") -> Any:
    """Return a connection (an Ibis backend) to the database at a URL without a password.

    `password_env` names the environment variable that holds the password; the password is in no error's message.
    """
    password = ""
    if password_env:
        password = os.environ.get(password_env, "")
        if not password:
            raise CompanyError(f"[database]: the environment variable {password_env}, with the password, is not set")
    scheme = urlsplit(url).scheme
    try:
        server = ibis.connect(server_url(url, password))
        if server.name in ("postgres", "pyspark"):
            server.raw_sql(f"SET TIME ZONE {literal(zone)}")
    except ImportError:
        extras = {"postgresql": "crm-lib[postgres]", "postgres": "crm-lib[postgres]", "pyspark": "crm-lib[spark]"}
        extra = extras.get(scheme, f"ibis-framework[{scheme}]")
        raise CompanyError(f"[database]: the driver for '{scheme}' is not installed: pip install '{extra}'") from None
    except Exception as error:
        # The driver's own error is not chained: it may hold the password.
        reason = without(first_line(error), password)
        java = "Spark needs a Java runtime (17 or later): install one, or set JAVA_HOME"
        hint = java if "JAVA" in reason else "check that the server runs and the url is right"
        raise CompanyError(f"[database]: cannot reach {url}: {reason}; {hint}") from None
    return server


def server_url(url: str, password: str = "") -> str:
    """Return the URL with the password in its place, and a limit on the time a dead PostgreSQL host may take."""
    parts = urlsplit(url)
    query = dict(parse_qsl(parts.query))
    if parts.scheme.startswith("postgres"):
        query.setdefault("connect_timeout", "10")
    user, at, host = parts.netloc.rpartition("@")
    if password:
        user, at = f"{user.rstrip(':')}:{quote(password, safe='')}", "@"
    return urlunsplit(parts._replace(netloc=f"{user}{at}{host}", query=urlencode(query)))


def without(message: str, password: str) -> str:
    """Return a message with the password, plain or quoted for a URL, blacked out."""
    for form in {password, quote(password, safe=""), quote(password)} - {""}:
        message = message.replace(form, "***")
    return message


def first_line(error: BaseException) -> str:
    """Return the first line of an error's message, which is what a user can act on."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[0] if lines else type(error).__name__


def literal(text: str) -> str:
    """Return a text as a literal of SQL."""
    return "'" + text.replace("'", "''") + "'"


def identifier(name: str) -> str:
    """Return a name as a quoted identifier of SQL."""
    return '"' + name.replace('"', '""') + '"'
