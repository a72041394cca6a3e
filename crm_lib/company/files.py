"""Files into DuckDB: Parquet as it is, text as text, so that faults can be named, workbooks cell by cell."""

from __future__ import annotations

import codecs
import csv
import datetime as dt
import glob
import re
import tempfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path
from typing import Any

import pyarrow as pa
from python_calamine import CalamineWorkbook

from crm_lib.company.engine import MOMENT, NUMBER, ROW, SCHEMA, Engine, first_line, identifier, literal
from crm_lib.company.names import BLANKS, quoted_list
from crm_lib.company.settings import Source

_SEPARATORS = ",;\t|"
_MARKS = {
    codecs.BOM_UTF8: "utf-8-sig", codecs.BOM_UTF32_LE: "utf-32", codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16",
}  # fmt: skip
"""Byte-order marks and what they say of the encoding; that of UTF-32 begins as that of UTF-16 does."""
csv.field_size_limit(2_000_000)  # that of the engine


class Unusable(Exception):
    """A table cannot be had at all: the kind of fault in short, and the whole story with what to do."""

    def __init__(self, kind: str, message: str) -> None:
        self.kind = kind
        super().__init__(message)


def load(engine: Engine, path: Path, source: Source, target: str) -> int:
    """Make a file a table or view called `target` in the engine's own schema; its ending tells its kind.

    Return the line of the header if every column is text that is yet to be read; 0 if the columns have types. Where the
    rows are not on the lines after it one by one, the column :data:`ROW` says where they are.
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


@dataclass(frozen=True, kw_only=True)
class _Text:
    """A text file: where it can be read as UTF-8 with one kind of line ends, its columns, the lines of its header."""

    path: Path
    file: Path
    separator: str
    names: list[str]
    first: int
    last: int


def _csv(engine: Engine, path: Path, source: Source, target: str) -> int:
    with tempfile.TemporaryDirectory() as folder:
        file, encoding, lines = _uniform(path, source, Path(folder) / "copy.csv")
        try:
            text = _text(path, file, source)
        except (UnicodeDecodeError, csv.Error) as error:
            _decoded(path, encoding)
            raise Unusable("unreadable file", f"the header line of '{path.name}': {error}") from None
        columns = ", ".join(f"{literal(name)}: 'VARCHAR'" for name in text.names)
        try:
            engine.run(
                f"CREATE OR REPLACE TABLE {target} AS SELECT * FROM read_csv({literal(glob.escape(str(file)))}, "
                f"auto_detect = false, header = true, skip = {text.first - 1}, delim = {literal(text.separator)}, "
                f"quote = '\"', escape = '\"', columns = {{{columns}}})"
            )
        except Exception as error:
            _decoded(path, encoding)
            raise _broken(text, error) from None
        (rows,) = engine.run(f"SELECT count(*) FROM {target}").fetchone()
        if rows != lines - text.last:
            # Blank lines, or texts of several lines; to look for them is slow.
            numbers = [line for line, cells in _records(text) if cells or len(text.names) == 1]
            if len(numbers) == rows:
                engine.duckdb.con.register("numbers", pa.table({ROW: pa.array(numbers, pa.int64())}))
                engine.run(f"CREATE OR REPLACE TABLE {target} AS SELECT * FROM numbers POSITIONAL JOIN {target}")
                engine.duckdb.con.unregister("numbers")
    return text.last


def _uniform(path: Path, source: Source, copy: Path) -> tuple[Path, str, int]:
    """Return a file that the engine can read, a copy where need be, the encoding of the original, and its lines."""
    content = path.read_bytes()
    feeds, returns, pairs = map(content.count, (b"\n", b"\r", b"\r\n"))
    # What a file says of itself is nearer to it than what company.toml says.
    encoding = next((name for mark, name in _MARKS.items() if content.startswith(mark)), source.encoding)
    plain = codecs.lookup(encoding).name in ("utf-8", "utf-8-sig", "ascii")
    if plain and returns == pairs and pairs in (0, feeds) and not source.footer_rows:
        return path, encoding, feeds + (content[-1:] != b"\n")
    # The engine takes one kind of line ends a file, and reads other encodings only with a download.
    text = _decoded(path, encoding).removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    if source.footer_rows:
        text = text.rstrip(f"\n {_SEPARATORS}").rsplit("\n", source.footer_rows)[0]
    copy.write_text(text, encoding="utf-8", newline="")
    return copy, encoding, text.count("\n") + (text[-1:] != "\n")


def _text(path: Path, file: Path, source: Source) -> _Text:
    """Find the header: on the line that is said, or the first that is not blank."""
    separator = ""
    with file.open(encoding="utf-8-sig", newline="") as lines:
        for first, line in enumerate(lines, start=1):
            if first == 1 and (said := re.fullmatch(r'"?sep=(.)"?\s*', line, re.IGNORECASE)):
                separator = said[1]
            elif line.strip() and first >= source.header_row:
                break
        else:
            since = f" on line {source.header_row} or later" if source.header_row else ""
            raise Unusable("empty file", f"'{path.name}' has no header line{since}")
        if "\0" in line:
            told = f"'{path.name}' holds NUL bytes, as UTF-16 does: set encoding = \"utf-16-le\""
            raise Unusable("wrong encoding", told)
        # A separator in a quoted name is none.
        separator = separator or source.separator or max(_SEPARATORS, key=re.sub('"[^"]*"', "", line).count)
        reader = csv.reader(chain([line], lines), delimiter=separator)
        names = _unique(next(reader))
    last = first - 1 + reader.line_num
    return _Text(path=path, file=file, separator=separator, names=names, first=first, last=last)


def _unique(names: Iterable[str]) -> list[str]:
    """Return names without blanks around them; those of several columns of one name are ``name (1)``, ``name (2)``."""
    # A header in two lines is one name.
    lines = (" ".join(filter(None, (line.strip(BLANKS) for line in name.splitlines()))) for name in names)
    stripped = [name or f"column_{place}" for place, name in enumerate(lines, start=1)]
    folded = [ROW, *(name.casefold() for name in stripped)]
    return [
        f"{name} ({folded[:place].count(fold)})" if folded.count(fold) > 1 else name
        for place, (name, fold) in enumerate(zip(stripped, folded[1:], strict=True), start=2)
    ]


def _records(text: _Text, *, strict: bool = False) -> Iterator[tuple[int, list[str] | None]]:
    """Yield the line on which each record after the header begins, and its cells; None where they cannot be told."""
    with text.file.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.reader(islice(file, text.last, None), delimiter=text.separator, strict=strict)
        line = text.last + 1
        try:
            for cells in reader:
                yield line, cells
                line = text.last + reader.line_num + 1
        except csv.Error:
            yield line, None


def _broken(text: _Text, error: Exception) -> Unusable:
    """Return why the engine cannot read a file, on which line, and what can be done about it."""
    told = re.split("Possible (?:fixes|Solution)", str(error))[0]
    reason = [line.strip() for line in told.splitlines() if line.strip()][-1].rstrip(".")
    width = len(text.names)
    # The engine counts neither blank lines nor those within a text.
    records = _records(text, strict=True)
    line = next((line for line, cells in records if cells is None or (cells and len(cells) != width)), None)
    hint = ""
    if counts := re.search(r"Expected Number of Columns: (\d+) Found: (\d+)", reason):
        shown = {"\t": "a tab"}.get(text.separator, f"'{text.separator}'")
        reason = f"{counts[2]} fields where the header has {counts[1]}; the separator is taken to be {shown}"
        hint = ": set 'separator', or mend the line (a text with a separator or a line break in it needs quotes)"
        hint += "; if the names of the columns are further down, set 'header_row'" if width == 1 else ""
    elif "quote" in reason:
        hint = "; a quotation mark in a text is written twice, and a text that begins with one ends with one"
    elif "Maximum line size" in reason:
        hint = "; perhaps a quotation mark on the line lacks its partner"
    return Unusable("unreadable file", f"'{text.path.name}'{f', line {line}' if line else ''}: {reason}{hint}")


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
    """Read a workbook: texts of all cells, and beside them the numbers and the moments that the file has as such."""
    try:
        book = CalamineWorkbook.from_path(path)
    except Exception as error:
        raise Unusable("unreadable file", f"'{path.name}' is not a workbook: {first_line(error)}") from None
    with book:
        if source.sheet and source.sheet not in book.sheet_names:
            told = f"it has {quoted_list(book.sheet_names)}"
            raise Unusable("no such sheet", f"'{path.name}' has no sheet '{source.sheet}'; {told}")
        cells = book.get_sheet_by_name(source.sheet or book.sheet_names[0]).to_python(skip_empty_area=False)
    numbered = [(row, line) for row, line in enumerate(cells, start=1) if any(cell != "" for cell in line)]
    numbered = [(row, line) for row, line in numbered if row >= source.header_row]
    if not numbered:
        raise Unusable("empty file", f"the sheet of '{path.name}' has no header line")
    (header, names), *rows = numbered
    rows = rows[: len(rows) - source.footer_rows] if source.footer_rows else rows
    columns: dict[str, Any] = {ROW: pa.array([row for row, _ in rows], pa.int64())}
    for name, *values in zip(_unique(map(_shown, names)), *(line for _, line in rows), strict=True):
        columns[name] = pa.array([_shown(value) or None for value in values], pa.string())
        moments = [dt.datetime.combine(v, dt.time()) if type(v) is dt.date else v for v in values]
        for mark, kinds, kind in ((NUMBER, (int, float), pa.float64()), (MOMENT, (dt.datetime,), pa.timestamp("us"))):
            typed = pa.array([v if type(v) in kinds else None for v in moments], kind)
            columns |= {mark + name: typed} if typed.null_count < len(typed) else {}
    engine.duckdb.con.register("workbook_rows", pa.table(columns))
    engine.run(f"CREATE OR REPLACE TABLE {target} AS SELECT * FROM workbook_rows")
    engine.duckdb.con.unregister("workbook_rows")
    return header


def _shown(cell: Any) -> str:
    """Return a cell as a text: whole numbers without ``.0``, midnights as days."""
    if isinstance(cell, float) and cell.is_integer() and abs(cell) < 2**53:
        return str(int(cell))
    return cell.isoformat(" ") if isinstance(cell, dt.datetime) else str(cell)


_READERS: dict[str, Callable[[Engine, Path, Source, str], int]] = {
    ".parquet": _parquet,
    **dict.fromkeys((".csv", ".tsv", ".txt"), _csv),
    **dict.fromkeys((".xlsx", ".xlsm", ".xlsb", ".xls", ".ods"), _excel),
}
