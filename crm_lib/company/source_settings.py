"""One section of ``company.toml`` that says where the rows of a table are, and how they are written."""

from __future__ import annotations

import codecs
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from crm_lib.company.naming import quoted_list, suggestion
from crm_lib.errors import CompanyError
from crm_lib.schema import TABLES


@dataclass(frozen=True, kw_only=True)
class SourceSettings:
    """Where one table comes from: exactly one of `file` (with or without `package`), `table` and `sql`.

    Parameters
    ----------
    name : str
        Name of the table in the schema, or of the source that SQL may use.
    file : tuple of str
        File names; the first that exists is taken. Relative to the company's folder, or to the package.
    package : str
        Python package that ships the file.
    table : str
        Table of the company's database, with its schema where needed (``"shop.orders"``).
    sql : str
        Query over the company's sources and database.
    columns : mapping of str to str
        The company's own name of each column, by its name in the schema.
    encoding, separator, decimal, thousands, date_format, sheet : str
        How a text file or a workbook is written. An empty separator is found from the first line; an empty date
        format means ISO 8601; an empty sheet means the first.
    """

    name: str
    file: tuple[str, ...] = ()
    package: str = ""
    table: str = ""
    sql: str = ""
    columns: Mapping[str, str] = field(default_factory=dict)
    encoding: str = "utf-8"
    separator: str = ""
    decimal: str = "."
    thousands: str = ""
    date_format: str = ""
    sheet: str = ""


SOURCE_KEYS = tuple(f.name for f in fields(SourceSettings) if f.name not in ("name", "columns"))
TABLE_KEYS = (*SOURCE_KEYS, "columns")


def read_source(name: str, section: str, value: Any, url: str) -> SourceSettings:
    """Return where the rows of a table or source are.

    Parameters
    ----------
    name : str
        Name of the table or source.
    section : {"tables", "sources"}
        Which of the two it is.
    value : object
        What ``company.toml`` says of it.
    url : str
        The company's database, empty where there is none.

    Raises
    ------
    CompanyError
        If that cannot be.
    """
    where = f"[{section}.{name}]"
    if not isinstance(value, dict):
        raise CompanyError(f"{where} must be a section of its own, not the value {value!r}")
    if not name.isidentifier():
        raise CompanyError(f"{where}: a source's name must be letters, digits and '_' only, so that SQL can use it")
    check_keys(value, TABLE_KEYS if section == "tables" else SOURCE_KEYS, where)
    texts = {key: read_text(value, key, where) for key in SOURCE_KEYS if key != "file"}
    files = _files(value, where)
    if sum((bool(files), bool(texts["table"]), bool(texts["sql"]))) != 1:
        raise CompanyError(f"{where} must say where the rows are by exactly one of 'file', 'table' and 'sql'")
    if texts["package"] and not files:
        raise CompanyError(f"{where} names a package but no file in it: add 'file'")
    if texts["package"] and any(Path(file).is_absolute() or ".." in Path(file).parts for file in files):
        raise CompanyError(f"{where}: 'file' must be a path inside the package '{texts['package']}'")
    if texts["table"] and not url:
        raise CompanyError(f"{where} names a table of a database, but there is no section [database] with its url")
    return SourceSettings(
        name=name,
        file=files,
        columns=_columns(value, name, where),
        **{key: text for key, text in _checked_texts(texts, where).items() if text},
    )


def _checked_texts(texts: dict[str, str], where: str) -> dict[str, str]:
    if texts["encoding"]:
        try:
            codecs.lookup(texts["encoding"])
        except LookupError:
            raise CompanyError(
                f"{where}: unknown encoding '{texts['encoding']}'; common ones are 'utf-8', 'cp1252' (Windows, Western "
                "Europe), 'latin-1', 'cp1251' (Cyrillic), 'gb18030' (Chinese), 'shift_jis' (Japanese), 'utf-16'"
            ) from None
    if texts["decimal"] not in ("", ".", ","):
        raise CompanyError(f"{where}: decimal must be '.' or ',', not '{texts['decimal']}'")
    if len(texts["separator"]) > 1:
        raise CompanyError(
            f"{where}: separator must be one character such as ',', ';' or '\\t', not '{texts['separator']}'"
        )
    if len(texts["thousands"]) > 1 or (texts["thousands"] and texts["thousands"] == (texts["decimal"] or ".")):
        raise CompanyError(f"{where}: thousands must be one character other than the decimal mark")
    return texts


def _columns(value: dict[str, Any], table: str, where: str) -> dict[str, str]:
    columns = value.get("columns", {})
    if not isinstance(columns, dict) or not all(isinstance(theirs, str) and theirs for theirs in columns.values()):
        raise CompanyError(f'{where}: columns must be like {{ revenue = "Amount" }}, a name in quotes for each column')
    contract = TABLES.get(table)
    taken: dict[str, str] = {}
    for ours, theirs in columns.items():
        if contract and not contract.open and ours not in contract.column_names:
            hint = suggestion(ours, contract.column_names)
            raise CompanyError(
                f"{where}: table '{table}' has no column '{ours}'{hint}; it has {quoted_list(contract.column_names)}"
            )
        if theirs in taken:
            raise CompanyError(
                f"{where}: columns '{taken[theirs]}' and '{ours}' are both taken from '{theirs}'; keep one of them"
            )
        taken[theirs] = ours
    return dict(columns)


def _files(value: dict[str, Any], where: str) -> tuple[str, ...]:
    files = value.get("file", [])
    files = [files] if isinstance(files, str) else files
    if not isinstance(files, list) or not all(isinstance(file, str) and file and "\0" not in file for file in files):
        raise CompanyError(
            f"{where}: file must be a name in quotes, or a list of names of which the first that exists is taken"
        )
    return tuple(files)


def check_keys(section: Mapping[str, Any], options: tuple[str, ...], where: str) -> None:
    """Raise a :class:`CompanyError` that names a key which is not among the options."""
    for key in section:
        if key not in options:
            place = f" in {where}" if where else ""
            raise CompanyError(
                f"unknown key '{key}'{place}{suggestion(key, options)}; the keys are {quoted_list(options)}"
            )


def read_text(section: dict[str, Any], key: str, where: str) -> str:
    """Return a text of a section, empty where it is absent."""
    value = section.get(key, "")
    if not isinstance(value, str):
        raise CompanyError(f"{where}: {key} must be a text in quotes, not {value!r}")
    return value
