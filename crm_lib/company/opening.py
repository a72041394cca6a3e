"""From a company's settings to its checked tables, each cut at the day up to which rows count."""

from __future__ import annotations

import datetime as dt
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import ibis

from crm_lib import language
from crm_lib.company.checks import Checked, check_table
from crm_lib.company.columns import Mapped, map_columns
from crm_lib.company.engine import SCHEMA, Engine, first_line, identifier
from crm_lib.company.files import Unusable
from crm_lib.company.naming import quoted_list
from crm_lib.company.reader import TableReader, after
from crm_lib.company.relations import transaction_faults, unknown_customers
from crm_lib.company.report import CheckReport, Fault, TableCheck, Treatment
from crm_lib.company.settings import CompanySettings
from crm_lib.company.source_settings import SourceSettings
from crm_lib.company.sources import Raw, Sources
from crm_lib.company.valueless import typed
from crm_lib.contract import TableContract
from crm_lib.language import text
from crm_lib.schema import TABLES

_PATH = re.compile(r"(?<![^\s'\"(])(?:/|[A-Za-z]:[\\/])(?:[^\s'\"/\\]+[/\\])+")
"""Folders of an absolute path, up to the name of the file."""


@dataclass(kw_only=True)
class Opened:
    """A company whose tables were opened and checked.

    Parameters
    ----------
    settings : CompanySettings
        What the company says of itself.
    engine : Engine
        Where its tables are.
    report : CheckReport
        What the check found.
    tables : dict of str to ibis.Table
        The tables that can be used: cleaned, without rejected rows, cut.
    raws : dict of str to Raw
        The rows as they are.
    """

    settings: CompanySettings
    engine: Engine
    report: CheckReport
    tables: dict[str, Any] = field(default_factory=dict)
    raws: dict[str, Raw] = field(default_factory=dict)


def open_tables(settings: CompanySettings, as_of: dt.date | None) -> Opened:
    """Open, check and cut the tables of a company.

    Parameters
    ----------
    settings : CompanySettings
        Where they are.
    as_of : date or None
        Day up to which rows count, by default that of the settings, else the last day with a transaction.

    Returns
    -------
    Opened
        The tables; faults, fatal ones among them, are in its report.

    Raises
    ------
    CompanyError
        If the database cannot be reached.
    """
    engine = Engine(settings)
    opening = _Opening(settings, engine)
    transactions = TABLES["transactions"]
    # First, since the day up to which the other tables count may be that of the last transaction.
    if transactions.name in settings.tables:
        opening.check(transactions, settings.tables[transactions.name], as_of or settings.as_of)
    else:
        detail = text(
            "company.toml has no section [tables.transactions]; it is the one table that a company cannot do without"
        )
        opening.fail(transactions, "no transactions", detail, "")
    day = opening.day(as_of or settings.as_of)
    for contract in TABLES.values():
        if contract is not transactions and contract.name in settings.tables:
            opening.check(contract, settings.tables[contract.name], day)
    if day is not None:
        opening.cut(day)
    names = [name for name in TABLES if name in opening.checks]
    report = CheckReport(
        company=settings.name,
        key=settings.folder.resolve().name,
        currency=settings.currency,
        as_of=day,
        tables=tuple(opening.checks[name] for name in names),
        connection=engine,
    )
    return Opened(settings=settings, engine=engine, report=report, tables=opening.tables, raws=opening.raws)


class _Opening:
    """The tables while they are being opened."""

    def __init__(self, settings: CompanySettings, engine: Engine) -> None:
        self.settings = settings
        self.engine = engine
        self.sources = Sources(engine, settings)
        # Dates come without a zone: what is today anywhere on earth is not in the future.
        self.today = dt.datetime.now(dt.UTC).date() + dt.timedelta(days=1)
        self.raws: dict[str, Raw] = {}
        self.checked: dict[str, Checked] = {}
        self.checks: dict[str, TableCheck] = {}
        self.tables: dict[str, Any] = {}

    def check(self, contract: TableContract, source: SourceSettings, day: dt.date | None) -> None:
        """Check one table; what is fatal to it leaves it out."""
        origin = ""
        try:
            raw = self.sources.open(source)
            self.raws[contract.name], origin = raw, raw.origin
            mapped = map_columns(contract, source, raw.table)
            reader = TableReader(
                contract=contract, source=source, raw=typed(raw, mapped, source, self.engine.dialect), mapped=mapped,
                dialect=self.engine.dialect, today=self.today, day=day,
            )  # fmt: skip
            checked = check_table(reader)
        except Unusable as fault:
            self.fail(contract, fault.kind, self._public(str(fault)), origin)
            return
        except Exception as error:
            # A damaged page of a Parquet file, a lost connection, a right that is missing: only the read shows it.
            self.fail(contract, "unreadable", self._public(f"{origin} {first_line(error)}".strip()), origin)
            return
        notes = (*checked.check.faults, *_column_notes(contract, mapped, checked))
        checked = replace(checked, check=replace(checked.check, faults=notes))
        self.checked[contract.name] = checked
        self.checks[contract.name] = checked.check
        self._too_few(contract, checked.check)

    def _public(self, message: str) -> str:
        """Return a message without the paths of this computer: messages reach published pages, engines tell all."""
        for folder in (self.settings.folder, self.settings.folder.resolve()):
            if folder.is_absolute():
                message = message.replace(f"{folder}{os.sep}", "")
                message = message.replace(str(folder), f"data folder '{folder.resolve().name}'")
        return _PATH.sub("", message)

    def _too_few(self, contract: TableContract, check: TableCheck) -> None:
        reasons = "; ".join(fault.message for fault in check.faults if fault.treatment == "row rejected")
        if not check.rows:
            self.fail(contract, "no rows", text("the table has columns but no rows"), check.origin)
        elif not check.kept:
            self.fail(contract, "no usable rows", text("every row was rejected") + f": {reasons}", check.origin)
        elif check.rejected > self.settings.max_rejected_share * check.rows:
            detail = text("{share} of the rows are rejected, more than max_rejected_share = {most} allows").format(
                share=language.share(check.rejected / check.rows), most=f"{self.settings.max_rejected_share:g}"
            )
            self.fail(contract, "too many rejected rows", f"{detail}: {reasons}", check.origin)

    def fail(self, contract: TableContract, kind: str, detail: str, origin: str) -> None:
        """Leave a table out; without transactions there is no company."""
        # Nothing in a table is like no table: nothing that anybody must mend.
        empty = kind in ("no rows", "empty file") and not contract.required
        fault = Fault(
            table=contract.name,
            kind=kind,
            severity="tolerable" if empty else "fatal",
            treatment="company not opened" if contract.required else "table not used",
            detail=detail,
        )
        before = self.checks.get(contract.name)
        check = before or TableCheck(name=contract.name, label=contract.label, origin=origin, available=False)
        self.checks[contract.name] = replace(check, available=False, kept=0, faults=(fault, *check.faults))
        self.checked.pop(contract.name, None)

    def day(self, wanted: dt.date | None) -> dt.date | None:
        """Return the day up to which rows count; None if no transaction can be used."""
        if "transactions" not in self.checked:
            return wanted
        check = self.checked["transactions"].check
        if check.first is None or check.last is None:
            return wanted
        if wanted is not None and wanted < check.first:
            detail = text(
                "as_of is {day}, before the first transaction on {first}; the transactions end on {last}"
            ).format(day=wanted.isoformat(), first=check.first.isoformat(), last=check.last.isoformat())
            self.fail(TABLES["transactions"], "as_of too early", detail, check.origin)
        return wanted or check.last

    def cut(self, day: dt.date) -> None:
        """Cut every table at the end of a day, and compare the tables."""
        for name, checked in list(self.checked.items()):
            rows, cut = _cut(TABLES[name], checked, day)
            kept = checked.check.kept - cut
            self.checks[name] = replace(self.checks[name], cut=cut, kept=kept)
            if not kept:
                detail = text("all rows are later than as_of, {day}").format(day=day.isoformat())
                self.fail(TABLES[name], "no rows", detail, checked.check.origin)
                continue
            rows = _known(TABLES[name], rows, day)
            self.tables[name] = self._stored(name, self._with_margin(rows) if name == "transactions" else rows)
        if "transactions" in self.tables:
            columns = self.checks["transactions"].columns
            self._note(transaction_faults(self.tables["transactions"], self.checks["transactions"].kept, columns))
        self._note(unknown_customers(self.tables))

    def _note(self, faults: Iterator[Fault]) -> None:
        for fault in faults:
            check = self.checks[fault.table]
            self.checks[fault.table] = replace(check, faults=(*check.faults, fault))

    def _with_margin(self, rows: Any) -> Any:
        rate = self.settings.margin_rate
        known = []
        if "margin" in rows.columns:
            known.append(rows.margin)
        if "cost" in rows.columns:
            known.append(rows.revenue - rows.cost)
        if "margin_rate" in rows.columns:
            known.append(rows.revenue * rows.margin_rate)
        if rate is not None:
            known.append(rows.revenue * rate)
        if not known:
            return rows.mutate(margin=ibis.null("float64"))
        return rows.mutate(margin=known[0] if len(known) == 1 else ibis.coalesce(*known))

    def _stored(self, name: str, rows: Any) -> Any:
        """Keep the rows of a text file as they were read, so that no query reads the text again."""
        if not self.raws[name].stored or self.engine.server is not None:
            return rows
        target = f"{name} clean"
        self.engine.run(f"CREATE TABLE {SCHEMA}.{identifier(target)} AS {ibis.to_sql(rows, dialect='duckdb')}")
        return self.engine.table(target)


def _cut(contract: TableContract, checked: Checked, day: dt.date) -> tuple[Any, int]:
    """Return the rows up to the end of a day, by event and by entry in the books, and how many are later."""
    rows, tests = checked.rows, []
    if checked.check.last is not None and checked.check.last > day:
        happened = rows[contract.happened_at]
        tests.append(happened.isnull() | (happened < after(day, happened)))
    if checked.recorded_last is not None and checked.recorded_last > day:
        recorded = rows[contract.recorded_at]
        tests.append(recorded.isnull() | (recorded < after(day, recorded)))
    if not tests:
        return rows, 0
    rows = rows.filter(*tests)
    return rows, checked.check.kept - int(rows.count().execute())


def _known(contract: TableContract, rows: Any, day: dt.date) -> Any:
    """Hide the values that were not known on a day."""
    shown = {}
    for column in contract.columns:
        if column.known_at and column.name in rows.columns:
            since = rows[column.known_at]
            value = rows[column.name]
            shown[column.name] = (since < after(day, since)).ifelse(value, ibis.null(value.type()))
    return rows.mutate(**shown) if shown else rows


def _column_notes(contract: TableContract, mapped: Mapped, checked: Checked) -> Iterator[Fault]:
    def note(kind: str, treatment: Treatment, detail: str, column: str = "", count: int = 0) -> Fault:
        return Fault(
            table=contract.name, kind=kind, severity="tolerable", treatment=treatment, column=column, count=count,
            detail=detail,
        )  # fmt: skip

    for name in mapped.theirs:
        if checked.check.rows and name not in checked.check.columns:
            detail = text("it holds no usable value and is treated as absent")
            yield note("empty column", "column ignored", detail, name)
    for name, since in mapped.hidden.items():
        detail = text("without '{since}' nobody knows when its values were known: they are not used").format(
            since=since
        )
        yield note("unknown date", "values hidden", detail, name)
    if mapped.ignored:
        detail = text("the schema does not know {names}").format(names=quoted_list(mapped.ignored))
        yield note("further columns", "column ignored", detail, count=len(mapped.ignored))
