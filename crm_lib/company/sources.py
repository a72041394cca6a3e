"""A table's source (file, package, database table, query) into the rows as they are."""

from __future__ import annotations

import hashlib
import importlib.util
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import ibis

from crm_lib.company.engine import DATABASE, SCHEMA, Engine, first_line, identifier
from crm_lib.company.files import Unusable, load
from crm_lib.company.naming import quoted_list, suggestion
from crm_lib.company.settings import CompanySettings
from crm_lib.company.source_settings import SourceSettings

ROW = "_row"
"""Column with the number of the row in its source."""


@dataclass(frozen=True, kw_only=True)
class Raw:
    """The rows of a source as they are.

    Parameters
    ----------
    origin : str
        What messages call the source.
    table : ibis.Table
        The rows.
    numbered : ibis.Table
        The same, with :data:`ROW`: the line of the file (the header is line 1), else the row; null on a server.
    place : {"line", "row"}
        What the number counts.
    texts : bool
        Whether the source knows no types: every column is text that is yet to be read.
    stored : bool
        Whether the rows are a table in this process already, rather than read anew by each query.
    files : tuple of Path
        The files from which all rows come; empty where some come from a database.
    sql : str
        The query that made the rows, with those of the sources it uses; empty where none did.
    """

    origin: str
    table: ibis.Table
    numbered: ibis.Table
    place: Literal["line", "row"]
    texts: bool
    stored: bool
    files: tuple[Path, ...] = ()
    sql: str = ""


class Sources:
    """Opens the sources of one company, each once.

    Parameters
    ----------
    engine : Engine
        Where the rows are, or are brought to.
    settings : CompanySettings
        Where they come from.
    """

    def __init__(self, engine: Engine, settings: CompanySettings) -> None:
        self._engine = engine
        self._settings = settings
        self._inputs: dict[str, tuple[tuple[Path, ...], str]] = {}
        self._opening: list[str] = []
        self._circle: tuple[str, ...] = ()

    def open(self, source: SourceSettings) -> Raw:
        """Return the rows of a source.

        Raises
        ------
        Unusable
            If they cannot be had.
        """
        if source.sql:
            return self._query(source)
        return self._table(source) if source.table else self._file(source)

    def _file(self, source: SourceSettings) -> Raw:
        path = self._path(source)
        header = load(self._engine, path, source, source.name)
        texts = header > 0
        if self._engine.server is not None:
            return _server_rows(
                f"'{path.name}'", self._to_server(source.name, f"crm_{source.name}"), texts=texts, files=(path,)
            )
        name, numbered = identifier(source.name), identifier(source.name + " numbered")
        if texts:
            # The first row is on the line after the header.
            rows = f"SELECT rowid + {header + 1} AS {ROW}, * FROM {SCHEMA}.{name}"
        else:
            rows = f"SELECT row_number() OVER () AS {ROW}, * FROM {SCHEMA}.{name}"
        self._engine.run(f"CREATE VIEW {SCHEMA}.{numbered} AS {rows}")
        return Raw(
            origin=f"'{path.name}'",
            table=self._engine.table(source.name),
            numbered=self._engine.table(source.name + " numbered"),
            place="line" if texts else "row",
            texts=texts,
            stored=texts,
            files=(path,),
        )

    def _path(self, source: SourceSettings) -> Path:
        folder = _package_folder(source.package) if source.package else self._settings.folder
        for name in source.file:
            if (folder / name).is_file():
                return folder / name
        looked = " or ".join(f"'{name}'" for name in source.file)
        # The message reaches published pages, which need not tell where on the computer the folder is.
        place = (
            f"package '{source.package}'" if source.package else f"data folder '{self._settings.folder.resolve().name}'"
        )
        raise Unusable("no such file", f"there is no {looked} in {place}")

    def _table(self, source: SourceSettings) -> Raw:
        *schema, name = source.table.split(".")
        origin = f"table '{source.table}' of the database"
        if self._engine.server is not None:
            try:
                table = self._engine.server.table(name, database=".".join(schema) or None)
            except Exception as error:
                raise self._no_table(source, error) from None
            return _server_rows(origin, table)
        path = ".".join(identifier(part) for part in (DATABASE, *(schema or ["main"]), name))
        return self._in_process(source.name, f"SELECT * FROM {path}", origin)

    def _no_table(self, source: SourceSettings, error: Exception) -> Unusable:
        try:
            names = self._engine.server.list_tables()
        except Exception:
            names = []
        hint = (
            f"{suggestion(source.table, names)}; it has {quoted_list(sorted(names)[:20])}"
            if names
            else f": {first_line(error)}"
        )
        return Unusable("no such table", f"the database has no table '{source.table}'{hint}")

    def _in_process(self, name: str, select: str, origin: str) -> Raw:
        view, numbered = identifier(name), identifier(name + " numbered")
        try:
            self._engine.run(f"CREATE VIEW {SCHEMA}.{view} AS {select}")
        except Exception as error:
            raise Unusable("no such table", f"{origin}: {first_line(error)}") from None
        self._engine.run(
            f"CREATE VIEW {SCHEMA}.{numbered} AS SELECT row_number() OVER () AS {ROW}, * FROM {SCHEMA}.{view}"
        )
        table, rows = self._engine.table(name), self._engine.table(name + " numbered")
        return Raw(origin=origin, table=table, numbered=rows, place="row", texts=False, stored=False)

    def _query(self, source: SourceSettings) -> Raw:
        self._circle = ()
        files, inner = self._used(source.sql)
        sql = source.sql.strip().rstrip(";")
        whole = sql + inner
        origin = "the result of the query"
        if self._engine.server is not None:
            try:
                return _server_rows(origin, self._engine.server_query(source.name, sql), sql=whole)
            except Exception as error:
                raise Unusable("query failed", f"the sql cannot be run: {first_line(error)}") from None
        name, numbered = identifier(source.name), identifier(source.name + " numbered")
        try:
            self._engine.run(f"CREATE TABLE {SCHEMA}.{name} AS SELECT * FROM ({sql}\n)")
        except Exception as error:
            known = quoted_list(self._settings.sources)
            raise Unusable(
                "query failed", f"the sql cannot be run: {first_line(error)} (sources it may use: {known})"
            ) from None
        self._engine.run(f"CREATE VIEW {SCHEMA}.{numbered} AS SELECT rowid + 1 AS {ROW}, * FROM {SCHEMA}.{name}")
        return Raw(
            origin=origin,
            table=self._engine.table(source.name),
            numbered=self._engine.table(source.name + " numbered"),
            place="row",
            texts=False,
            stored=True,
            files=() if self._settings.database_url else files,
            sql=whole,
        )

    def _used(self, sql: str) -> tuple[tuple[Path, ...], str]:
        """Make the sources that a query names visible to it, and return their files and queries."""
        files: list[Path] = []
        queries = ""
        for name in self._settings.sources:
            if not re.search(rf"\b{re.escape(name)}\b", sql, re.IGNORECASE):
                continue
            if name in self._opening:
                # Perhaps a column or a table of the database of the same name; if not, the engine will not find it.
                self._circle = (*self._opening[self._opening.index(name) :], name)
                continue
            further, query = self._input(name)
            files += further
            queries += query
        return tuple(dict.fromkeys(files)), queries

    def _input(self, name: str) -> tuple[tuple[Path, ...], str]:
        """Make a source visible to SQL under its name, once, and return its files and queries."""
        if name in self._inputs:
            return self._inputs[name]
        source = self._settings.sources[name]
        files: tuple[Path, ...] = ()
        queries = ""
        if source.file:
            path = self._path(source)
            files = (path,)
            load(self._engine, path, source, f"source {name}")
            if self._engine.server is not None:
                self._to_server(f"source {name}", name)
            else:
                inner = identifier(f"source {name}")
                self._engine.run(f"CREATE VIEW {identifier(name)} AS SELECT * FROM {SCHEMA}.{inner}")
        else:
            self._opening.append(name)
            try:
                files, inner = self._used(source.sql)
                self._input_view(name, source)
            finally:
                self._opening.pop()
            queries = f"\n{source.sql}{inner}" if source.sql else ""
        self._inputs[name] = files, queries
        return self._inputs[name]

    def _input_view(self, name: str, source: SourceSettings) -> None:
        parts = source.table.split(".")
        if self._engine.server is None and source.table:
            parts = [DATABASE, *(parts if len(parts) > 1 else ["main", *parts])]
        select = source.sql.strip().rstrip(";") or "SELECT * FROM " + ".".join(identifier(part) for part in parts)
        try:
            if self._engine.server is not None:
                self._engine.server_run(f"CREATE TEMPORARY VIEW {identifier(name)} AS {select}")
            else:
                self._engine.run(f"CREATE VIEW {identifier(name)} AS {select}")
        except Exception as error:
            reason = first_line(error)
            if name in self._circle:
                circle = " needs ".join(f"[sources.{link}]" for link in self._circle)
                reason = f"{circle}: sources must not go round in a circle ({reason})"
            raise Unusable("query failed", f"[sources.{name}] cannot be opened: {reason}") from None

    def _to_server(self, name: str, target: str) -> ibis.Table:
        rows = self._engine.duckdb.table(name, database=("memory", SCHEMA)).to_pyarrow()
        return self._engine.server_load(target, rows)


def _server_rows(origin: str, table: ibis.Table, **more: Any) -> Raw:
    # A server keeps no order of rows: they have no numbers.
    numbered = table.mutate(**{ROW: ibis.null("int64")})
    return Raw(origin=origin, table=table, numbered=numbered, place="row", **{"texts": False, "stored": False, **more})


def _package_folder(package: str) -> Path:
    try:
        found = importlib.util.find_spec(package)
    except (ImportError, ValueError):
        found = None
    if found is None or found.origin is None:
        raise Unusable(
            "no such package",
            f"the Python package '{package}' is not installed: pip install '{package.replace('_', '-')}'",
        )
    return Path(found.origin).parent


def fingerprint(raw: Raw, engine: Engine) -> str:
    """Return a SHA-256 that changes when the rows do.

    Rows that come from files are known by the files (and the query over them); rows of a database by their number and
    the sum of their hashes, computed by the engine, which does not depend on their order.
    """
    digest = hashlib.sha256(raw.sql.encode())
    for file in raw.files:
        with file.open("rb") as content:
            digest.update(hashlib.file_digest(content, "sha256").digest())
    if not raw.files:
        digest.update(_content(raw.table, engine).encode())
    return digest.hexdigest()


def _content(table: ibis.Table, engine: Engine) -> str:
    rows = ibis.to_sql(table, dialect=engine.dialect)
    if engine.server is None:
        sql = f"SELECT count(*), sum(md5_number_lower(t::varchar)::hugeint) FROM ({rows}) AS t"
        return str(engine.run(sql).fetchone())
    if engine.dialect == "postgres":
        cursor = engine.server.raw_sql(
            f"SELECT count(*), sum(hashtextextended(t::text, 0)::numeric) FROM ({rows}) AS t"
        )
        with cursor:
            return str(cursor.fetchone())
    total = count = 0
    for batch in table.to_pyarrow_batches():
        for row in batch.to_pylist():
            total += int.from_bytes(hashlib.sha256(repr(row).encode()).digest()[:8], "big")
            count += 1
    return str((count, total))
