"""The tables of a company: each is opened, checked and cut when it is first asked for."""

from __future__ import annotations

import datetime as dt
import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import partial
from typing import Any

import ibis

from crm_lib.company.checks import Checked, check_table
from crm_lib.company.columns import Mapped, map_columns
from crm_lib.company.engine import Engine, first_line
from crm_lib.company.files import Unusable
from crm_lib.company.names import quoted_list
from crm_lib.company.oddities import customer_faults, transaction_faults
from crm_lib.company.prepared import Copies
from crm_lib.company.report import CheckReport, Fault, TableCheck
from crm_lib.company.rows import Reader, until
from crm_lib.company.settings import CompanySettings
from crm_lib.company.sources import Raw, Sources, fingerprint
from crm_lib.company.store import Store, digest
from crm_lib.contract import TableContract
from crm_lib.language import say, text
from crm_lib.schema import TABLES, TRANSACTIONS

_PATH = re.compile(r"(?<![^\s'\"(])(?:/|[A-Za-z]:[\\/])(?:[^\s'\"/\\]+[/\\])+")
"""Folders of an absolute path, up to the name of the file."""
WEEK = 7


class Tables:
    """The tables of one company; :attr:`checks` tells what was found in those asked for so far.

    Transactions are checked at once, since the day up to which the other tables count may be that of the last
    transaction; it is None where it could not be found. Faults, fatal ones among them, raise nothing.
    """

    def __init__(self, settings: CompanySettings, as_of: dt.date | None) -> None:
        self.settings = settings
        self.engine = Engine(settings)
        on_disk = bool(settings.database.keep_copy) or not settings.database.url
        self.store = Store(str(settings.folder.resolve()), on_disk=on_disk)
        self.checks: dict[str, TableCheck] = {}
        self.day = as_of or settings.company.as_of
        self._sources = Sources(self.engine, settings)
        # Dates come without a zone: what is today anywhere on earth is not in the future.
        self._today = dt.datetime.now(dt.UTC).date() + dt.timedelta(days=1)
        self.copies = Copies(self.engine, settings, self.store, self._today)
        self._usable: dict[str, Any] = {}
        self._raws: dict[str, Raw] = {}
        self._fingerprints: dict[str, str] = {}
        self._as_they_are: set[str] = set()
        # Who asks customers need not count their purchases, if the day of the survey is told.
        alone = "surveys" in settings.tables and self.day is not None
        if self.get(TRANSACTIONS.name) is None and TRANSACTIONS.name not in self.checks and not alone:
            detail = "company.toml has no section [tables.transactions]: a company cannot do without this table"
            self._fail(TRANSACTIONS, "no transactions", text(detail))

    def get(self, name: str) -> Any:
        """Return a table: cleaned, without rejected rows, cut; None if it cannot be used."""
        if name in self.settings.tables and name not in self.checks:
            self._prepare(TABLES[name])
        return self._usable.get(name)

    def check_all(self) -> CheckReport:
        """Check every table and return what was found."""
        for name in self.settings.tables:
            self.get(name)
        return self.report()

    def report(self) -> CheckReport:
        """Return what was found so far."""
        company = self.settings.company
        key = self.settings.folder.resolve().name
        return CheckReport(
            company=company.name or key, key=key, currency=company.currency, as_of=self.day,
            tables=tuple(self.checks[name] for name in TABLES if name in self.checks), connection=self.engine,
        )  # fmt: skip

    def fingerprint(self, name: str) -> str:
        """Return a SHA-256 that changes when the source of a table does."""
        if name not in self._fingerprints:
            self._fingerprints[name] = fingerprint(self._raws[name], self.engine, self.store)
        return self._fingerprints[name]

    def _prepare(self, contract: TableContract) -> None:
        """Read a table's copy, or check the table and keep one."""
        name = contract.name
        key = self.copies.key(name, self.day)
        copy = self.copies.read(key)
        if copy is not None:
            found, self._usable[name] = copy
            self.checks[name], self.day, self._fingerprints[name] = found.check, found.day, found.fingerprint
        else:
            day = self.day
            self._check(contract)
            print_of_source = self.fingerprint(name) if key and name in self._usable else ""
            if key and self.copies.key(name, day) != key:
                self._usable.pop(name, None)
                self._fail(contract, "changed", text("its file changed while it was read: open the company again"))
            elif name in self._usable and self.day is not None and key:
                self._usable[name] = self.copies.keep(
                    key, self.checks[name], self._usable[name], self.day, print_of_source,
                    as_it_is=name in self._as_they_are,
                )  # fmt: skip
        for other in self._usable if name == "customers" else {name} & set(self._usable):
            if "customers" in self._usable:
                self._note(self._customer_faults(other))
        if contract is TRANSACTIONS and name in self._usable and self.day is not None:
            self._note(self._silence(self._usable[name], self.day))

    def _customer_faults(self, other: str) -> tuple[Fault, ...]:
        keys = [self.copies.key(name, self.day) for name in (other, "customers")]
        place = f"customers-{digest(keys)}"
        found: tuple[Fault, ...] | None = self.store.read(place) if all(keys) else None
        if found is None:
            found = tuple(customer_faults(other, self._usable[other], self._usable["customers"]))
            if all(keys):
                self.store.write(place, found)
        return found

    def _check(self, contract: TableContract) -> None:
        """Open, check and cut one table; what is fatal to it leaves it out."""
        name, source = contract.name, self.settings.tables[contract.name]
        if name == "departures":
            words = tuple((word.strip().lower(), cause) for word, cause in self.settings.causes.items())
            columns = tuple(replace(one, also=words) if one.name == "cause" else one for one in contract.columns)
            contract = replace(contract, columns=columns)
        try:
            self._raws[name] = raw = self._sources.open(name, source)
            mapped = map_columns(contract, source, raw)
            reader = Reader(contract, source, raw, mapped, self.engine, self._today, self.day, self.settings.company)
            rows = reader.rows()
            self._raws[name] = rows.raw
            checked = check_table(rows, source)
        except Exception as error:
            # A damaged page of a Parquet file, a lost connection, a right that is missing: only the read shows it.
            origin = self._raws[name].origin if name in self._raws else ""
            kind, detail = "unreadable", f"{origin} {first_line(error)}".strip()
            if isinstance(error, Unusable):
                kind, detail = error.kind, str(error)
            self._fail(contract, kind, self._public(detail), origin)
            return
        self.checks[name] = replace(checked.check, faults=(*checked.check.faults, *_notes(contract, mapped, checked)))
        if self._too_few(contract, checked.check):
            return
        if contract is TRANSACTIONS and not self._set_day(checked.check):
            return
        if self.day is not None:
            self._cut(contract, checked, self.day)

    def _public(self, message: str) -> str:
        """Return a message without the paths of this computer: messages reach published pages, engines tell all."""
        for folder in (self.settings.folder, self.settings.folder.resolve()):
            if folder.is_absolute():
                message = message.replace(f"{folder}{os.sep}", "")
                message = message.replace(str(folder), f"data folder '{folder.resolve().name}'")
        return _PATH.sub("", message)

    def _too_few(self, contract: TableContract, check: TableCheck) -> bool:
        reasons = "; ".join(fault.message for fault in check.faults if fault.treatment == "row rejected")
        most = self.settings.company.max_rejected_share
        if not check.rows:
            self._fail(contract, "no rows", text("the table has columns but no rows"))
        elif not check.kept:
            self._fail(contract, "no usable rows", text("every row was rejected") + f": {reasons}")
        elif check.rejected > most * check.rows:
            detail = "{share:share} of the rows are rejected, more than max_rejected_share = {most} allows"
            detail = say(detail, share=check.rejected / check.rows, most=f"{most:g}")
            self._fail(contract, "too many rejected rows", f"{detail}: {reasons}")
        elif check.lost and not self.settings.company.allow_rejected:
            hint = text("mend them, or set allow_rejected = true in [company] of company.toml if that is right")
            self._fail(contract, "rejected rows", f"{check.lost}; {hint}: {reasons}")
        elif check.lost:
            fault = Fault(table=contract.name, kind="rejected rows", treatment="allowed", detail=check.lost)
            self._note([replace(fault, severity="serious")])
        return not self.checks[contract.name].available

    def _fail(self, contract: TableContract, kind: str, detail: str, origin: str = "") -> None:
        """Leave a table out; without transactions there is no company."""
        # Nothing in a table is like no table: nothing that anybody must mend.
        empty = kind in ("no rows", "empty file") and not contract.required
        fault = Fault(
            table=contract.name, kind=kind, severity="tolerable" if empty else "fatal", detail=detail,
            treatment="company not opened" if contract.required else "table not used",
        )  # fmt: skip
        unseen = TableCheck(name=contract.name, label=contract.label, origin=origin, available=False)
        check = self.checks.get(contract.name, unseen)
        self.checks[contract.name] = replace(check, available=False, kept=0, faults=(fault, *check.faults))

    def _set_day(self, check: TableCheck) -> bool:
        """Find the day up to which rows count; refuse one before the first transaction."""
        self.day = self.day or check.last
        if self.day is not None and check.first is not None and self.day < check.first:
            detail = "as_of is {day}, before the first transaction on {first}; the transactions end on {last}"
            detail = say(detail, day=str(self.day), first=str(check.first), last=str(check.last))
            self._fail(TRANSACTIONS, "as_of too early", detail)
        return self.day is not None and self.checks["transactions"].available

    def _cut(self, contract: TableContract, checked: Checked, day: dt.date) -> None:
        """Cut a table at the end of a day, and compare it with itself and with others."""
        name, rows, cut = contract.name, checked.rows, 0
        if any(last is not None and last > day for last in (checked.check.last, checked.recorded_last)):
            moments = (contract.happened_at, contract.recorded_at)
            rows = rows.filter(until(day, [rows[moment] for moment in moments if moment in rows.columns]))
            cut = checked.check.kept - int(rows.count().execute())
        kept = checked.check.kept - cut
        self.checks[name] = replace(self.checks[name], cut=cut, kept=kept)
        if not kept:
            self._fail(contract, "no rows", text("all rows are later than as_of, {day}").format(day=day.isoformat()))
            return
        rows = _known(contract, rows, day)
        if contract is TRANSACTIONS:
            rows = _with_margin(rows, self.settings.company.margin_rate)
        if checked.as_it_is and not cut:
            self._as_they_are.add(name)
        stored = self._raws[name].stored and checked.check.rejected > 0
        self._usable[name] = self.engine.view(name, rows, stored=stored)
        if contract is TRANSACTIONS:
            self._note(transaction_faults(self._usable[name], kept, checked.check.columns))

    def _silence(self, sales: Any, day: dt.date) -> Iterator[Fault]:
        """Tell if the last row of all tables lies more than three usual gaps between days of sale and a week back."""
        silent = (day - (self.checks["transactions"].last or day)).days
        if silent <= WEEK:
            return
        sold = sales.select(day=sales.ordered_at.date()).distinct()
        gaps = sold.select(gap=sold.day.delta(sold.day.lag().over(order_by=sold.day), unit="day")).gap
        most = WEEK + 3 * gaps.median().fill_null(0).execute()
        if silent > most:
            last = max(check.last for check in self.check_all().tables if check.last)
            if (silent := (day - last).days) > most:
                told = (
                    "the last row of all tables lies {days:count} days before as_of; if books end there: as_of {last}"
                )
                note = partial(Fault, table="transactions", kind="silence at the end", treatment="kept")
                yield note(severity="serious", detail=say(told, last=last.isoformat(), days=silent))

    def _note(self, faults: Iterable[Fault]) -> None:
        for fault in faults:
            check = self.checks[fault.table]
            self.checks[fault.table] = replace(check, faults=(*check.faults, fault))


def _with_margin(rows: Any, rate: float | None) -> Any:
    known = [rows.margin] if "margin" in rows.columns else []
    known += [rows.revenue - rows.cost] if "cost" in rows.columns else []
    known += [rows.revenue * rows.margin_rate] if "margin_rate" in rows.columns else []
    known += [rows.revenue * rate] if rate is not None else []
    margin = known[0] if len(known) == 1 else ibis.coalesce(*known) if known else ibis.null("float64")
    return rows.mutate(margin=margin)


def _known(contract: TableContract, rows: Any, day: dt.date) -> Any:
    """Hide the values that were not known on a day."""
    shown = {
        column.name: (until(day, [rows[column.known_at]]) & rows[column.known_at].notnull()).ifelse(
            rows[column.name], ibis.null(rows[column.name].type())
        )
        for column in contract.columns
        if column.known_at and column.name in rows.columns and day < dt.date.max
    }
    return rows.mutate(**shown) if shown else rows


def _notes(contract: TableContract, mapped: Mapped, checked: Checked) -> Iterator[Fault]:
    note = partial(Fault, table=contract.name)
    for name in mapped.theirs:
        if checked.check.rows and name not in checked.check.columns:
            detail = text("it holds no usable value and is treated as absent")
            yield note(kind="empty column", treatment="column ignored", detail=detail, column=name)
    for name, since in mapped.hidden.items():
        detail = say("without '{since}' nobody knows when its values were known: they are not used", since=since)
        yield note(kind="unknown date", treatment="values hidden", detail=detail, column=name)
    if mapped.ignored:
        detail = say("the schema does not know {names}", names=quoted_list(mapped.ignored))
        yield note(kind="further columns", treatment="column ignored", detail=detail, count=len(mapped.ignored))
