"""A table's source (file, package, database table, query) into the rows as they are."""

from __future__ import annotations

import hashlib
import importlib.util
import re
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import ibis

from crm_lib.company.engine import DATABASE, MOMENT, NUMBER, ROW, SCHEMA, Engine, first_line, identifier
from crm_lib.company.files import Unusable, load
from crm_lib.company.names import quoted_list, suggestion
from crm_lib.company.settings import CompanySettings, Source
from crm_lib.company.store import Store


@dataclass(frozen=True, kw_only=True)
class Raw:
    """The rows of a source as they are, with their numbers in the column :data:`ROW`.

    `texts`: whether the source knows no types, so that every column is text that is yet to be read. `stored`: whether
    the rows are a table in this process, rather than read anew by each query. `files` are those from which all rows
    come, `sql` is the query that made them, with those of the sources it uses.
    """

    origin: str
    table: ibis.Table
    place: Literal["line", "row"] = "row"
    texts: bool = False
    stored: bool = False
    files: tuple[Path, ...] = ()
    sql: str = ""

    @property
    def columns(self) -> list[str]:
        """The columns of the source itself."""
        return [name for name in self.table.columns if name != ROW and not name.startswith((NUMBER, MOMENT))]


class Sources:
    """Opens the sources of one company, each once."""

    def __init__(self, engine: Engine, settings: CompanySettings) -> None:
        self._engine = engine
        self._settings = settings
        self._inputs: dict[str, tuple[tuple[Path, ...], str]] = {}
        self._opening: list[str] = []
        self._circle: tuple[str, ...] = ()

    def open(self, name: str, source: Source) -> Raw:
        """Return the rows of the table `name`; raise :class:`Unusable` if they cannot be had."""
        if source.sql:
            return self._query(name, source)
        return self._table(name, source) if source.table else self._file(name, source)

    def _file(self, name: str, source: Source) -> Raw:
        path, target = source_file(self._settings, source), f"{name} file"
        header = load(self._engine, path, source, target)
        told: dict[str, Any] = {"origin": f"'{path.name}'", "texts": header > 0, "files": (path,)}
        if self._engine.server is not None:
            return Raw(table=_unnumbered(self._to_server(target, f"crm_{name} file")), **told)
        rows = Raw(table=self._engine.table(target), **told)
        if not header:
            return rows
        # The first row is on the line after the header, unless the file is otherwise. Rows of nothing are none.
        number = "*" if ROW in rows.table.columns else f"rowid + {header + 1} AS {ROW}, *"
        some = f"coalesce({', '.join(map(identifier, rows.columns))}) IS NOT NULL"
        select = f"SELECT {number} FROM {SCHEMA}.{identifier(target)} WHERE {some}"
        return Raw(table=self._engine.named(f"{name} raw", select), place="line", stored=True, **told)

    def _table(self, name: str, source: Source) -> Raw:
        *schema, table = source.table.split(".")
        origin = f"table '{source.table}' of the database"
        if self._engine.server is not None:
            try:
                rows = self._engine.server.table(table, database=".".join(schema) or None)
            except Exception as error:
                raise self._no_table(source, error) from None
            return Raw(origin=origin, table=_unnumbered(rows))
        path = ".".join(identifier(part) for part in (DATABASE, *(schema or ["main"]), table))
        for number in ("rowid + 1", "row_number() OVER ()"):  # views have no rowid
            try:
                select = f"SELECT {number} AS {ROW}, * FROM {path}"
                return Raw(origin=origin, table=self._engine.named(f"{name} raw", select))
            except Exception as error:
                reason = first_line(error)
        raise Unusable("no such table", f"{origin}: {reason}")

    def _no_table(self, source: Source, error: Exception) -> Unusable:
        hint = f": {first_line(error)}"
        with suppress(Exception):
            names = sorted(self._engine.server.list_tables())
            hint = f"{suggestion(source.table, names)}; it has {quoted_list(names[:20])}" if names else hint
        return Unusable("no such table", f"the database has no table '{source.table}'{hint}")

    def _query(self, name: str, source: Source) -> Raw:
        self._circle = ()
        files, inner = self._used(source.sql)
        sql = source.sql.strip().rstrip(";")
        told: dict[str, Any] = {"origin": "the result of the query", "sql": sql + inner}
        hint = ""
        try:
            if self._engine.server is not None:
                return Raw(table=_unnumbered(self._engine.server_query(f"{name} query", sql)), **told)
            hint = f" (sources it may use: {quoted_list(self._settings.sources)})"
            target = f"{SCHEMA}.{identifier(f'{name} file')}"
            self._engine.run(f"CREATE OR REPLACE TABLE {target} AS SELECT * FROM ({sql}\n)")
        except Exception as error:
            raise Unusable("query failed", f"the sql cannot be run: {first_line(error)}{hint}") from None
        rows = self._engine.named(f"{name} raw", f"SELECT rowid + 1 AS {ROW}, * FROM {target}")
        return Raw(table=rows, stored=True, files=() if self._settings.database.url else files, **told)

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
            if name not in self._inputs:
                self._inputs[name] = self._input(name, self._settings.sources[name])
            files += self._inputs[name][0]
            queries += self._inputs[name][1]
        return tuple(dict.fromkeys(files)), queries

    def _input(self, name: str, source: Source) -> tuple[tuple[Path, ...], str]:
        """Make a source visible to SQL under its name, and return its files and queries."""
        if source.file:
            path, target = source_file(self._settings, source), f"source {name}"
            load(self._engine, path, source, target)
            rows = _typed(self._engine.table(target))
            if self._engine.server is not None:
                self._engine.server_load(name, rows.to_pyarrow())
            else:
                self._engine.define(name, ibis.to_sql(rows, dialect="duckdb", pretty=False))
            return (path,), ""
        self._opening.append(name)
        try:
            files, inner = self._used(source.sql)
            self._input_view(name, source)
        finally:
            self._opening.pop()
        return files, f"\n{source.sql}{inner}" if source.sql else ""

    def _input_view(self, name: str, source: Source) -> None:
        parts = source.table.split(".")
        if self._engine.server is None and source.table:
            parts = [DATABASE, *(parts if len(parts) > 1 else ["main", *parts])]
        select = source.sql.strip().rstrip(";") or "SELECT * FROM " + ".".join(identifier(part) for part in parts)
        try:
            self._engine.define(name, select)
        except Exception as error:
            reason = first_line(error)
            if name in self._circle:
                circle = " needs ".join(f"[sources.{link}]" for link in self._circle)
                reason = f"{circle}: sources must not go round in a circle ({reason})"
            raise Unusable("query failed", f"[sources.{name}] cannot be opened: {reason}") from None

    def _to_server(self, name: str, target: str) -> ibis.Table:
        rows = self._engine.table(name)
        return self._engine.server_load(target, rows.select([c for c in rows.columns if c != ROW]).to_pyarrow())


def _typed(table: ibis.Table) -> ibis.Table:
    """Return what SQL sees of a file: columns of a workbook that hold only numbers, or only dates, are such."""
    names = Raw(origin="", table=table).columns
    cells = {name: table[mark + name] for mark in (NUMBER, MOMENT) for name in names if mark + name in table.columns}
    texts = {name: (table[name].notnull() & cell.isnull()).sum() for name, cell in cells.items()}
    left = table.aggregate(**texts).to_pyarrow().to_pylist()[0] if texts else {}
    return table.select(**{name: table[name] if left.get(name, 1) else cells[name] for name in names})


def _unnumbered(table: ibis.Table) -> ibis.Table:
    # A server keeps no order of rows: they have no numbers.
    return table.mutate(**{ROW: ibis.null("int64")})


def _package_folder(package: str) -> Path:
    found = None
    with suppress(ImportError, ValueError):
        found = importlib.util.find_spec(package)
    if found is None or found.origin is None:
        told = f"the Python package '{package}' is not installed: pip install '{package.replace('_', '-')}'"
        raise Unusable("no such package", told)
    return Path(found.origin).parent


def source_file(settings: CompanySettings, source: Source) -> Path:
    """Return the file of a source, the first that exists of those named."""
    folder = _package_folder(source.package) if source.package else settings.folder
    for name in source.file:
        if (folder / name).is_file():
            return folder / name
    looked = " or ".join(f"'{name}'" for name in source.file)
    # The message reaches published pages, which need not tell where on the computer the folder is.
    place = f"data folder '{settings.folder.resolve().name}'"
    place = f"package '{source.package}'" if source.package else place
    raise Unusable("no such file", f"there is no {looked} in {place}")


def fingerprint(raw: Raw, engine: Engine, store: Store) -> str:
    """Return a SHA-256 that changes when the rows do.

    Rows from files are known by the files (and the query over them); rows of a database by their number and the sum of
    their hashes, which does not depend on their order.
    """
    digest = hashlib.sha256(raw.sql.encode())
    for file in raw.files:
        digest.update(bytes.fromhex(store.file_digest(file)))
    if not raw.files:
        digest.update(_content(raw.table.drop(ROW), engine).encode())
    return digest.hexdigest()


def _content(table: ibis.Table, engine: Engine) -> str:
    rows = ibis.to_sql(table, dialect=engine.dialect, pretty=False)
    if engine.dialect == "postgres":
        sql = f"SELECT count(*), sum(hashtextextended(t::text, 0)::numeric) FROM ({rows}) AS t"
        with engine.server.raw_sql(sql) as cursor:
            return str(cursor.fetchone())
    if engine.server is not None:
        engine.duckdb.con.register("fetched", table.to_pyarrow())
        rows = "FROM fetched"
    sql = f"SELECT count(*), sum(md5_number_lower(t::varchar)::hugeint) FROM ({rows}) AS t"
    return str(engine.run(sql).fetchone())
