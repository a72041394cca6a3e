"""A prepared copy of each table from files: checked, cleaned and cut once, then read as Parquet by later processes."""

from __future__ import annotations

import datetime as dt
import glob
import hashlib
import os
import shutil
import weakref
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import ibis

from crm_lib import language
from crm_lib.company.engine import SCHEMA, Engine, literal
from crm_lib.company.files import Unusable
from crm_lib.company.reading import FUTURE, KINDS
from crm_lib.company.report import TableCheck
from crm_lib.company.settings import CompanySettings, Source
from crm_lib.company.sources import source_file
from crm_lib.company.store import Store, code_digest, digest
from crm_lib.writing import fcntl

_COPY = "\x00"
"""Stands in the SQL of views for the file; no text of a company's own can hold it."""


@dataclass(frozen=True, kw_only=True)
class Prepared:
    """A table's check, the day up to which it counts, its source's fingerprint, and its rows in files."""

    check: TableCheck
    day: dt.date
    fingerprint: str
    files: tuple[tuple[str, str], ...]
    """Name and SHA-256 of the file of the rows, and of that of the rejected rows where there are some."""
    only_on: dt.date | None
    """Rows that lie in the future today need not do so tomorrow."""
    views: tuple[str, ...] = ()
    """The SQL of the views that read the file, where it is the source's own."""


class Copies:
    """The prepared copies of one company's tables; none of a database, unless its settings wish it."""

    def __init__(self, engine: Engine, settings: CompanySettings, store: Store, today: dt.date) -> None:
        self._engine, self._settings, self._store, self._today = engine, settings, store, today
        file = settings.folder / settings.database.url.removeprefix("duckdb://")  # and beside it what is not in it yet
        self._database = [file, file.with_name(f"{file.name}.wal")] if settings.database.keep_copy is True else []

    def key(self, name: str, day: dt.date | None) -> str:
        """Return the name of a table's copy; empty where there can be none."""
        source = self._settings.tables[name]
        further = self._settings.sources.values() if source.sql else ()
        return f"{name}-{self._digest([source, *further], name, day)}" if self._store.folder else ""

    def content(self, day: dt.date | None) -> str:
        """Return a SHA-256 of all that results rest on: files, settings, the day, the library's code."""
        return self._digest([*self._settings.tables.values(), *self._settings.sources.values()], day)

    def _digest(self, sources: Iterable[Source], *parts: Any) -> str:
        files: list[str] = []
        for source in sources:
            with suppress(Unusable, OSError):  # what is wrong with a file, its reader says
                read = [source_file(self._settings, source)] if source.file else filter(Path.exists, self._database)
                files.append(digest([self._store.file_digest(file) for file in read]))
        query = self._settings.database.keep_copy
        state = self._engine.answer(query) if isinstance(query, str) and query else ""
        return digest(files, state, self._settings.model_dump_json(), parts, code_digest(), language.language())

    def read(self, key: str) -> tuple[Prepared, Any] | None:
        """Return what was kept under a key and the view of its rows, the rejected ones in the check."""
        found = self._store.read(key) if key else None
        if not isinstance(found, Prepared) or found.only_on not in (None, self._today):
            return None
        if found.check.last and found.check.last > self._today:  # the clock was set back
            return None
        with suppress(Exception):  # a copy that cannot be read is none
            if all(self._held(name) == content for name, content in found.files):
                if found.views:
                    return found, self._viewed(found.check.name, found.views, found.files[0][0])
                rows, *rejects = [self._view(name) for name, _ in found.files]
                return replace(found, check=replace(found.check, rejects=rejects[0] if rejects else None)), rows
        return None

    def keep(self, key: str, check: TableCheck, rows: Any, day: dt.date, fingerprint: str, *, as_it_is: bool) -> Any:
        """Keep a table; return the view of its copy, or the rows as they are where they cannot be kept.

        A Parquet file whose rows are taken as they are is copied byte by byte, which costs little.
        """
        if not key:
            return rows
        with suppress(Exception):  # a full disk, or a type that Parquet has not: then the company works without
            views = self._views(check.name) if as_it_is else ()
            if views:
                written = [self._written_by(lambda file: shutil.copyfile(self._file(check.name), file))]
                if hashlib.sha256(bytes.fromhex(written[0][1])).hexdigest() != fingerprint:
                    return rows
                view = self._viewed(check.name, views, written[0][0])
            else:
                written = [self._written(part) for part in (rows, check.rejects) if part is not None]
                view = self._view(written[0][0])
            if self._engine.server is None and view.schema() != rows.schema():
                return rows
            future = any(fault.kind == KINDS[FUTURE] for fault in check.faults)
            self._store.write(
                key,
                Prepared(
                    check=replace(check, rejects=None), day=day, fingerprint=fingerprint, files=tuple(written),
                    only_on=self._today if future else None, views=views,
                ),
            )  # fmt: skip
            return view
        # What was copied is here: tables of a server could not be joined with it.
        return rows if self._engine.server is None else self._engine.duckdb.create_table(check.name, rows.to_pyarrow())

    def _written(self, rows: Any) -> tuple[str, str]:
        if self._engine.server is not None:
            return self._written_by(rows.to_parquet)
        sql = ibis.to_sql(rows, dialect=self._engine.dialect, pretty=False)
        return self._written_by(lambda file: self._engine.run(f"COPY ({sql}) TO {literal(str(file))} (FORMAT parquet)"))

    def _written_by(self, write: Callable[[Path], Any]) -> tuple[str, str]:
        file = self._store.new_file()
        try:
            write(file)
            file.chmod(0o600)
        except Exception:
            file.unlink(missing_ok=True)  # half a file would keep a full disk full
            raise
        return file.name, self._held(file.name)

    def _file(self, name: str) -> Path:
        return source_file(self._settings, self._settings.tables[name])

    def _views(self, name: str) -> tuple[str, ...]:
        """Return the SQL of the views that read a table's Parquet file, innermost first; nothing if they do not."""
        if self._engine.server or not self._settings.tables[name].file or self._file(name).suffix.lower() != ".parquet":
            return ()
        found = dict(
            self._engine.run(f"SELECT view_name, sql FROM duckdb_views() WHERE schema_name = '{SCHEMA}'").fetchall()
        )
        views = [
            found[view].replace("CREATE", "CREATE OR REPLACE", 1) for view in (f"{name} file", f"{name} read", name)
        ]
        return tuple(view.replace(literal(glob.escape(str(self._file(name)))), _COPY) for view in views)

    def _viewed(self, name: str, views: Iterable[str], file: str) -> Any:
        for view in views:
            self._engine.run(view.replace(_COPY, literal(str(Path(self._store.folder or "", file)))))
        return self._engine.table(name)

    def _held(self, name: str) -> str:
        """Keep a file from being removed as long as the company is open, and return its SHA-256."""
        opened = Path(self._store.folder or "", name).open("rb")  # noqa: SIM115 - as long as this lives
        weakref.finalize(self, opened.close)
        with suppress(OSError, AttributeError):  # there are systems and network folders without locks
            fcntl.flock(opened, fcntl.LOCK_SH)
        os.utime(opened.name)
        return hashlib.file_digest(opened, "sha256").hexdigest()

    def _view(self, name: str) -> Any:
        file = str(Path(self._store.folder or "", name))
        return self._engine.named(f"copy {name}", f"SELECT * FROM read_parquet({literal(file)})")
