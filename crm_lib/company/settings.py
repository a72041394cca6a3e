"""``company.toml``: what a company says of itself, of where its tables are, and of how they are written."""

from __future__ import annotations

import codecs
import datetime as dt
import re
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self
from urllib.parse import parse_qs, urlsplit
from zoneinfo import available_timezones

from babel import Locale
from babel.numbers import is_currency
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from crm_lib.company.names import BLANKS, quoted_list, suggestion
from crm_lib.errors import CompanyError
from crm_lib.schema import TABLES

CAUSES = TABLES["departures"].column("cause").choices


def as_date(value: Any) -> Any:
    """Return a date from a date, a moment or an ISO text."""
    if isinstance(value, dt.date):
        return value.date() if isinstance(value, dt.datetime) else value
    try:
        return dt.date.fromisoformat(value)
    except (TypeError, ValueError):
        raise ValueError(f"must be a date such as 2026-06-30, not {value!r}") from None


def _currency(code: str) -> str:
    if not is_currency(code):
        raise ValueError(f"'{code}' is no ISO 4217 currency code; write one such as 'GBP', 'EUR', 'USD' or 'CNY'")
    return code


def _locale(code: str) -> str:
    try:
        return str(Locale.parse(code)) if code else ""
    except Exception:  # noqa: BLE001 - Babel raises several kinds for what is no locale
        raise ValueError(f"unknown language '{code}'; write a locale such as 'en_GB' or 'zh_CN'") from None


def _timezone(name: str) -> str:
    if name and name not in (known := available_timezones()):
        hint = suggestion(name, known) or "; write one such as 'Europe/Berlin', 'America/New_York' or 'UTC'"
        raise ValueError(f"unknown timezone '{name}'{hint}")
    return name


def _encoding(name: str) -> str:
    try:
        codecs.lookup(name)
    except LookupError:
        raise ValueError(
            f"unknown encoding '{name}'; common ones are 'utf-8', 'cp1252' (Windows, Western Europe), 'latin-1', "
            "'cp1251' (Cyrillic), 'gb18030' (Chinese), 'shift_jis' (Japanese), 'utf-16'"
        ) from None
    return name


def _url(url: str) -> str:
    parts = urlsplit(url)
    if parts.password or {"password", "pwd"} & {key.lower() for key in parse_qs(parts.query)}:
        raise ValueError(
            f"the url of {parts.scheme}://{parts.hostname or ''} holds a password; take it out, put it into an "
            'environment variable, and name that: password_env = "MY_COMPANY_PASSWORD"'
        )
    if url and "://" not in url:
        raise ValueError("url must be like 'postgresql://user@host:5432/database' or 'duckdb://file.duckdb'")
    return url


_NO_DATABASE = "names a table of a database, but there is no section [database] with its url"


class _Section(BaseModel):
    # The title of a field says what it must be, for messages.
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, hide_input_in_errors=True)


class Source(_Section):
    """Where rows are: exactly one of `file` (with or without `package`), `table`, `sql`; how they are written."""

    file: Annotated[
        tuple[Annotated[str, Field(min_length=1, pattern=r"\A[^\x00]+\z")], ...],
        BeforeValidator(lambda names: (names,) if isinstance(names, str) else names),
        Field(strict=False, title="a name in quotes, or a list of names of which the first that exists is taken"),
    ] = ()
    table: str = ""
    sql: str = ""
    package: str = ""
    encoding: Annotated[str, AfterValidator(_encoding)] = "utf-8"
    separator: Annotated[str, Field(max_length=1, title="one character such as ',', ';' or '\\t'")] = ""
    sheet: str = ""
    header_row: Annotated[int, Field(ge=1, title="the line of the file with the names of the columns")] = 0
    footer_rows: Annotated[int, Field(ge=1, title="a number of lines, 1 or more")] = 0
    _zone: str = ""

    @property
    def zone(self) -> str:
        """The company's time zone."""
        return self._zone

    @model_validator(mode="after")
    def _one_place(self) -> Self:
        if sum(map(bool, (self.file, self.table, self.sql))) != 1:
            raise ValueError("must say where the rows are by exactly one of 'file', 'table' and 'sql'")
        if self.package and not self.file:
            raise ValueError("names a package but no file in it: add 'file'")
        if self.package and any(Path(file).is_absolute() or ".." in Path(file).parts for file in self.file):
            raise ValueError(f"'file' must be a path inside the package '{self.package}'")
        return self


class TableSource(Source):
    """Where the rows of ``[tables.NAME]`` are, how texts are written, and the company's own name of each column."""

    decimal: Annotated[Literal["", ".", ","], Field(title="'.' or ','")] = ""
    thousands: Annotated[str, Field(max_length=1, title="one character other than the decimal mark")] = ""
    date_format: str = ""
    fill_down: Annotated[tuple[str, ...], Field(strict=False, title="a list of columns of this dictionary")] = ()

    columns: Annotated[
        dict[str, Annotated[str, Field(min_length=1)]],
        Field(title='like { revenue = "Amount" }, a name in quotes for each column'),
    ] = {}

    @model_validator(mode="after")
    def _each_once(self) -> Self:
        for theirs in self.columns.values():
            ours = [name for name, named in self.columns.items() if named == theirs]
            if len(ours) > 1:
                raise ValueError(f"columns '{ours[0]}' and '{ours[1]}' are both taken from '{theirs}'; keep one")
        if self.thousands and self.thousands == self.decimal:
            raise ValueError("thousands must be one character other than the decimal mark")
        if self.fill_down and not self.file:
            raise ValueError("'fill_down' is for files, whose rows have an order; fill the column in the query instead")
        return self


class About(_Section):
    """``[company]``: name, ISO 4217 code of all money, last day that counts, margin as a share of revenue …"""

    name: str = ""
    currency: Annotated[str, AfterValidator(_currency)]
    as_of: Annotated[dt.date | None, BeforeValidator(as_date)] = None
    margin_rate: Annotated[float | None, Field(ge=-10, le=1, title="a number from -10 to 1")] = None
    max_rejected_share: Annotated[float, Field(ge=0, le=1, title="a number from 0 to 1")] = 0.5
    language: Annotated[str, AfterValidator(_locale)] = ""
    timezone: Annotated[str, AfterValidator(_timezone)] = ""
    allow_rejected: Annotated[bool, Field(title="true or false")] = False
    fold_ids: Annotated[bool, Field(title="true or false")] = False
    exclude_customers: Annotated[
        tuple[str, ...], Field(strict=False, title='a list of identifiers in quotes, such as ["GUEST"]')
    ] = ()

    @property
    def excluded(self) -> tuple[str, ...]:
        """The excluded customers by their identifiers as they are read."""
        names = (
            re.sub(f"[{BLANKS}]", "", name.lower()) if self.fold_ids else name.strip(BLANKS)
            for name in self.exclude_customers
        )
        return tuple(dict.fromkeys(names))


class Database(_Section):
    """``[database]``: the company's database, and the environment variable that holds the password."""

    url: Annotated[str, AfterValidator(_url)] = ""
    password_env: str = ""
    keep_copy: Annotated[bool | str, Field(title="true or false, or for a server a query")] = False


class Reports(_Section):
    """``[reports]``: who may read them."""

    readable_by: Annotated[Literal["owner", "group", "all"], Field(title="'owner', 'group' or 'all'")] = "owner"


class CompanySettings(_Section):
    """Everything in ``company.toml``, checked."""

    company: About
    database: Database = Database()
    reports: Reports = Reports()
    sources: dict[str, Source] = {}
    tables: dict[str, TableSource] = {}
    causes: dict[str, Any] = {}
    targets: dict[str, Any] = {}  # by measure of the scorecard, which checks them
    _folder: Path = Path()

    @property
    def folder(self) -> Path:
        """The company's folder."""
        return self._folder

    @model_validator(mode="after")
    def _together(self) -> Self:
        if faults := "\n".join(self._faults()):  # a line each
            raise ValueError(faults)
        return self

    def _faults(self) -> Iterator[str]:
        for words, cause in self.causes.items():
            if cause not in CAUSES:
                yield f"[causes]: '{words}' = {cause!r} names no cause of leaving; the causes are {quoted_list(CAUSES)}"
        if self.database.keep_copy and not self.database.url:
            yield "[database]: keep_copy needs the url of a database"
        elif self.database.keep_copy is True and not self.database.url.startswith("duckdb:"):
            told = "whose answer is another one when its tables are, such as 'SELECT max(changed_at) FROM orders'"
            yield f"[database]: keep_copy = true is for a DuckDB file; for a server give a query {told}"
        for name in self.sources:
            if not name.isidentifier():
                yield f"[sources.{name}]: a source's name must be letters, digits and '_' only, so that SQL can use it"
            if self.sources[name].table and not self.database.url:
                yield f"[sources.{name}] {_NO_DATABASE}"
        for name, source in self.tables.items():
            if source.table and not self.database.url:
                yield f"[tables.{name}] {_NO_DATABASE}"
            contract = TABLES.get(name)
            if contract is None:
                yield f"unknown table [tables.{name}]{suggestion(name, TABLES)}; the tables are {quoted_list(TABLES)}"
                continue
            known = contract.column_names
            for ours in (*source.columns, *source.fill_down) if not contract.open else ():
                if ours not in known:
                    hint = f"{suggestion(ours, known)}; it has {quoted_list(known)}"
                    yield f"[tables.{name}]: table '{name}' has no column '{ours}'{hint}"


def read_settings(folder: Path) -> CompanySettings:
    """Return the settings of the company in `folder`; all that is wrong with them is told at once."""
    file = folder / "company.toml"
    try:
        content = tomllib.loads(file.read_text(encoding="utf-8"))
    except UnicodeDecodeError as error:
        raise CompanyError(f"{file} is not UTF-8 (byte {error.start + 1}): save it in this encoding") from None
    except tomllib.TOMLDecodeError as error:
        raise CompanyError(f"{file} is not valid TOML: {error}") from None
    try:
        settings = CompanySettings.model_validate({"company": {}, **content})
    except ValidationError as error:
        faults = [line for each in error.errors() for line in _message(each, content).split("\n")]
        raise CompanyError(f"{file}: {faults[0]}" if len(faults) == 1 else "\n- ".join([f"{file}:", *faults])) from None
    settings._folder = folder
    for source in (*settings.sources.values(), *settings.tables.values()):
        source._zone = settings.company.timezone
    return settings


def _message(error: Mapping[str, Any], content: Mapping[str, Any]) -> str:
    """Say what is wrong, in which section, and what may stand there."""
    path = [str(part) for part in error["loc"]]
    depth = 2 if path[:1] in (["sources"], ["tables"]) else 1
    model: dict[str, Any] = {
        "company": About, "database": Database, "reports": Reports, "sources": Source, "tables": TableSource,
    }  # fmt: skip
    section, key = f"[{'.'.join(path[:depth])}]", path[depth] if len(path) > depth else ""
    kind, fields = error["type"], model[path[0]].model_fields if path[:1] and path[0] in model else {}
    if kind == "value_error":
        said = str(error["ctx"]["error"])
        if not path:
            return said
        joint = ": " if said[0] == "'" or not said.startswith(("must", "names")) else " "
        return f"{section} {key} {said}" if key and said.startswith("must") else f"{section}{joint}{said}"
    if kind == "extra_forbidden":
        options = list(fields) if key else list(model)
        place = f" in {section}" if key else ""
        return f"unknown key '{path[-1]}'{place}{suggestion(path[-1], options)}; the keys are {quoted_list(options)}"
    if not key:
        return f"{section} must be a section of its own: write {section} on a line of its own"
    if kind == "missing":
        return f'{section}: {key} is missing; write its ISO 4217 code, such as {key} = "GBP"'
    given: Any = content
    for part in path[: depth + 1]:
        given = given[part]
    return f"{section}: {key} must be {fields[key].title or 'a text in quotes'}, not {given!r}"
