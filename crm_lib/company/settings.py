"""``company.toml``: what a company says of itself and of where its tables are."""

from __future__ import annotations

import datetime as dt
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from babel import Locale
from babel.numbers import is_currency

from crm_lib.company.naming import quoted_list, suggestion
from crm_lib.company.source_settings import SourceSettings, check_keys, read_source, read_text
from crm_lib.errors import CompanyError
from crm_lib.schema import TABLES


@dataclass(frozen=True, kw_only=True)
class CompanySettings:
    """Everything in ``company.toml``, checked.

    Parameters
    ----------
    folder : Path
        Folder of the company.
    name : str
        Name that readers see.
    currency : str
        ISO 4217 code.
    as_of : date or None
        Day on which the data were complete.
    margin_rate : float or None
        Margin as a share of revenue, for lines of which neither margin nor cost is known.
    max_rejected_share : float
        A table of which a larger share of rows is rejected is not used.
    language : str
        Locale of the reports, empty for the default.
    database_url, password_env : str
        The company's database, and the environment variable that holds the password.
    sources, tables : mapping of str to SourceSettings
        Inputs that SQL may use, and the tables of the schema.
    """

    folder: Path
    name: str
    currency: str
    as_of: dt.date | None = None
    margin_rate: float | None = None
    max_rejected_share: float = 0.5
    language: str = ""
    database_url: str = ""
    password_env: str = ""
    sources: Mapping[str, SourceSettings] = field(default_factory=dict)
    tables: Mapping[str, SourceSettings] = field(default_factory=dict)


SECTIONS = ("company", "database", "sources", "tables")
COMPANY_KEYS = ("name", "currency", "as_of", "margin_rate", "max_rejected_share", "language")
DATABASE_KEYS = ("url", "password_env")


def read_settings(folder: Path) -> CompanySettings:
    """Return the settings of the company in `folder`.

    Raises
    ------
    CompanyError
        If ``company.toml`` is missing, is no TOML, or says something that cannot be.
    """
    file = folder / "company.toml"
    try:
        content = tomllib.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise CompanyError(
            f"no company.toml in '{folder}'; the data dictionary, data/README.md, tells how to write one"
        ) from None
    except UnicodeDecodeError as error:
        raise CompanyError(f"{file} is not UTF-8 (byte {error.start + 1}): save it in this encoding") from None
    except tomllib.TOMLDecodeError as error:
        raise CompanyError(f"{file} is not valid TOML: {error}") from None
    try:
        return _settings(folder, content)
    except CompanyError as error:
        raise CompanyError(f"{file}: {error}") from None


def _settings(folder: Path, content: dict[str, Any]) -> CompanySettings:
    check_keys(content, SECTIONS, "")
    company = _section(content, "company")
    check_keys(company, COMPANY_KEYS, "[company]")
    database = _section(content, "database")
    check_keys(database, DATABASE_KEYS, "[database]")
    url = read_text(database, "url", "[database]")
    _no_password(url)
    return CompanySettings(
        folder=folder,
        name=read_text(company, "name", "[company]") or folder.resolve().name,
        currency=_currency(company),
        as_of=_date(company),
        margin_rate=_number(company, "margin_rate", -10, 1),
        max_rejected_share=_or(_number(company, "max_rejected_share", 0, 1), 0.5),
        language=_language(company),
        database_url=url,
        password_env=read_text(database, "password_env", "[database]"),
        sources={
            name: read_source(name, "sources", value, url) for name, value in _section(content, "sources").items()
        },
        tables={name: read_source(name, "tables", value, url) for name, value in _tables(content).items()},
    )


def _tables(content: dict[str, Any]) -> dict[str, Any]:
    tables = _section(content, "tables")
    for name in tables:
        if name not in TABLES:
            raise CompanyError(
                f"unknown table [tables.{name}]{suggestion(name, TABLES)}; the tables are {quoted_list(TABLES)}"
            )
    return tables


def _section(content: dict[str, Any], name: str) -> dict[str, Any]:
    section = content.get(name, {})
    if not isinstance(section, dict):
        raise CompanyError(f"'{name}' must be a section: write [{name}] on a line of its own")
    return section


def _number(section: dict[str, Any], key: str, low: float, high: float) -> float | None:
    value = section.get(key)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not low <= value <= high:
        raise CompanyError(f"[company]: {key} must be a number from {low:g} to {high:g}, not {value!r}")
    return float(value)


def _currency(company: dict[str, Any]) -> str:
    code = read_text(company, "currency", "[company]")
    if not code:
        raise CompanyError('[company]: currency is missing; write its ISO 4217 code, such as currency = "GBP"')
    if not is_currency(code):
        raise CompanyError(
            f"[company]: '{code}' is no ISO 4217 currency code; write one such as 'GBP', 'EUR', 'USD' or 'CNY'"
        )
    return code


def _date(company: dict[str, Any]) -> dt.date | None:
    value = company.get("as_of")
    return None if value is None else as_date(value, "[company] as_of")


def as_date(value: Any, where: str) -> dt.date:
    """Return a date from a date, a moment or an ISO text.

    Parameters
    ----------
    value : date, datetime or str
        The date.
    where : str
        What the message calls it.

    Raises
    ------
    CompanyError
        If it is none of them.

    Examples
    --------
    >>> as_date("2026-06-30", "as_of")
    datetime.date(2026, 6, 30)
    """
    if isinstance(value, dt.datetime):
        return value.date()
    if isinstance(value, dt.date):
        return value
    try:
        return dt.date.fromisoformat(value)
    except (TypeError, ValueError):
        raise CompanyError(f"{where} must be a date such as 2026-06-30, not {value!r}") from None


def _language(company: dict[str, Any]) -> str:
    code = read_text(company, "language", "[company]")
    try:
        return str(Locale.parse(code)) if code else ""
    except Exception:  # noqa: BLE001 - Babel raises several kinds for what is no locale
        raise CompanyError(f"[company]: unknown language '{code}'; write a locale such as 'en_GB' or 'zh_CN'") from None


def _no_password(url: str) -> None:
    if not url:
        return
    parts = urlsplit(url)
    if parts.password or {"password", "pwd"} & {key.lower() for key in parse_qs(parts.query)}:
        raise CompanyError(
            f"[database]: the url of {parts.scheme}://{parts.hostname or ''} holds a password; take it out, put it "
            'into an environment variable, and name that: password_env = "MY_COMPANY_PASSWORD"'
        )
    if not parts.scheme or "://" not in url:
        raise CompanyError(
            "[database]: url must be like 'postgresql://user@host:5432/database' or 'duckdb://file.duckdb'"
        )


def _or(value: float | None, default: float) -> float:
    return default if value is None else value
