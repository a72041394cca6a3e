"""Files into DuckDB: Parquet as it is, the others as text, so that values which cannot be read can be named."""

from __future__ import annotations

import codecs
import csv
import glob
import re
import tempfile
from collections.abc import Callable
from itertools import chain
from pathlib import Path

import pandas as pd
import pyarrow as pa

from crm_lib.company.engine import ROW, SCHEMA, Engine, first_line, identifier, literal
from crm_lib.company.names import quoted_list
from crm_lib.company.settings import Source

_SEPARATORS = ",;\t|"


class Unusable(Exception):
    """A table cannot be had at all: the kind of fault in short, and the whole story with what to do."""

    def __init__(self, kind: str, message: str) -> None:
        self.kind = kind
        super().__init__(message)


def load(engine: Engine, path: Path, source: Source, target: str) -> int:
    """Make a file a table or view called `target` in the engine's own schema; its ending tells its kind.

    Return the line of the header if every column is text that is yet to be read; 0 if the columns have types.
    """
    reader = _READERS.get(path.suffix.lower())
    if reader is None:
        raise Unusable("unknown kind of file", f"'{path.name}': files can be {', '.join(sorted(_READERS))}")
    if path.stat().st_size == 0:
        raise Unusable("empty file", f"'{path.name}' has 0 bytes")
    return reader(engine, path, source, f"{SCHEMA}.{identifier(target)}")


def _parquet(engine: Engine, path: Path, _: Source, target: str) -> int:
    try:
        rows = f"read_parquet({literal(glob.escape(str(path)))}, file_row_number = true)"
        columns = f"file_row_number + 1 AS {ROW}, * EXCLUDE (file_row_number)"
        engine.run(f"CREATE OR REPLACE VIEW {target} AS SELECT {columns} FROM {rows}")
    except Exception as error:
        raise Unusable("unreadable file", f"'{path.name}' is not Parquet: {first_line(error)}") from None
    return 0


def _csv(engine: Engine, path: Path, source: Source, target: str) -> int:
    with tempfile.TemporaryDirectory() as folder:
        readable = path
        if codecs.lookup(source.encoding).name not in ("utf-8", "utf-8-sig", "ascii"):
            readable = Path(folder) / "transcoded.csv"
            readable.write_text(_decoded(path, source.encoding), encoding="utf-8", newline="")
        header, separator, blank = _header(readable, path, source)
        columns = ", ".join(f"{literal(name)}: 'VARCHAR'" for name in header)
        try:
            engine.run(
                f"CREATE OR REPLACE TABLE {target} AS SELECT * FROM read_csv({literal(glob.escape(str(readable)))}, "
                f"auto_detect = false, header = true, skip = {blank}, delim = {literal(separator)}, "
                f"quote = '\"', escape = '\"', columns = {{{columns}}})"
            )
        except Exception as error:
            _decoded(path, source.encoding)
            raise _broken(path, separator, error) from None
    return blank + 1


def _broken(path: Path, separator: str, error: Exception) -> Unusable:
    line = re.search(r"CSV Error on Line: (\d+)", str(error))
    counts = re.search(r"Expected Number of Columns: (\d+) Found: (\d+)", str(error))
    where = f"'{path.name}', line {line[1]}" if line else f"'{path.name}'"
    what = f"{counts[2]} fields where the header has {counts[1]}" if counts else first_line(error)
    shown = {"\t": "a tab"}.get(separator, f"'{separator}'")
    hint = "set 'separator', or mend the line (a text with a separator or a line break in it needs quotes)"
    return Unusable("unreadable file", f"{where}: {what}; the separator is taken to be {shown}: {hint}")


def _header(readable: Path, path: Path, source: Source) -> tuple[list[str], str, int]:
    """Return the names of the columns, the separator, and how many blank lines come before the header."""
    try:
        with readable.open(encoding="utf-8-sig", newline="") as file:
            blank, first = next(((n, line) for n, line in enumerate(file) if line.strip()), (0, ""))
            if not first:
                raise Unusable("empty file", f"'{path.name}' has no header line")
            separator = source.separator or max(_SEPARATORS, key=first.count)
            names = [name.strip() for name in next(csv.reader(chain([first], file), delimiter=separator))]
    except UnicodeDecodeError:
        _decoded(path, source.encoding)
        raise
    names = [name or f"column_{place}" for place, name in enumerate(names, start=1)]
    folded = [name.casefold() for name in names]
    twice = [name for name in names if folded.count(name.casefold()) > 1]
    if twice:
        told = f"'{path.name}' has several columns called {quoted_list(dict.fromkeys(twice))}; rename them"
        raise Unusable("column twice", told)
    return names, separator, blank


def _decoded(path: Path, encoding: str) -> str:
    """Return a file's text (DuckDB itself reads encodings other than UTF-8 only with a download)."""
    content = path.read_bytes()
    try:
        return content.decode("utf-8-sig" if encoding == "utf-8" else encoding)
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise Unusable(
            "wrong encoding",
            f"'{path.name}' is not in {encoding}: byte {error.start + 1:,}, on line {line:,}, cannot be read as such; "
            "set 'encoding', for example encoding = \"cp1252\" for files of a Western European Windows",
        ) from None


def _excel(engine: Engine, path: Path, source: Source, target: str) -> int:
    try:
        book = pd.ExcelFile(path, engine="calamine")
    except Exception as error:
        raise Unusable("unreadable file", f"'{path.name}' is not a workbook: {first_line(error)}") from None
    with book:
        if source.sheet and source.sheet not in book.sheet_names:
            told = f"it has {quoted_list(map(str, book.sheet_names))}"
            raise Unusable("no such sheet", f"'{path.name}' has no sheet '{source.sheet}'; {told}")
        frame = pd.read_excel(book, sheet_name=source.sheet or 0, dtype=str, keep_default_na=False, na_values=[""])
    if not len(frame.columns):
        raise Unusable("empty file", f"the sheet of '{path.name}' has no header line")
    names = [str(name).strip() for name in frame.columns]
    rows = pa.Table.from_pandas(frame.set_axis(names, axis=1), preserve_index=False).cast(
        pa.schema([pa.field(name, pa.string()) for name in names])
    )
    engine.duckdb.con.register("workbook_rows", rows)
    engine.run(f"CREATE OR REPLACE TABLE {target} AS SELECT * FROM workbook_rows")
    engine.duckdb.con.unregister("workbook_rows")
    return 1


_READERS: dict[str, Callable[[Engine, Path, Source, str], int]] = {
    ".parquet": _parquet,
    **dict.fromkeys((".csv", ".tsv", ".txt"), _csv),
    **dict.fromkeys((".xlsx", ".xlsm", ".xlsb", ".xls", ".ods"), _excel),
}
