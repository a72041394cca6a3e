"""The rows of one table as they are read, in a view of the engine: beside what is written, what is meant and wrong."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import ibis

from crm_lib.company import notation, reading
from crm_lib.company.columns import Mapped
from crm_lib.company.engine import MOMENT, NUMBER, ROW, Engine
from crm_lib.company.files import Unusable
from crm_lib.company.notation import Notation
from crm_lib.company.reading import EARLY, FUTURE, KINDS, NUMERIC, Manner
from crm_lib.company.settings import About, TableSource
from crm_lib.company.sources import Raw
from crm_lib.contract import Column, TableContract

AGAIN = "_again"
"""Column that says whether a row repeats the key of an earlier one."""


@dataclass(frozen=True, kw_only=True)
class Rows:
    """The rows of one table, read.

    `table` holds the columns of the source, the value of each column of the schema, and for those in `faulty` what is
    wrong with it; later rows than those of `day` are checked, but have no say in how the others are read. `excluded`
    counts the rows of customers who are kept out of everything; `manners` tell how they are read.
    """

    contract: TableContract
    raw: Raw
    theirs: Mapping[str, str]
    columns: Mapping[str, Column]
    table: Any
    manners: Mapping[str, Manner]
    faulty: tuple[str, ...]
    dialect: str
    day: dt.date | None
    excluded: Mapping[str, int]

    def value(self, name: str, table: Any = None) -> Any:
        """What is meant by a column, in the view or in one made from it."""
        return (self.table if table is None else table)[f"= {name}"]

    def wrong(self, name: str, table: Any = None) -> Any:
        """What is wrong with a column of :attr:`faulty`: a place in :data:`KINDS`, null where all is well."""
        return (self.table if table is None else table)[f"! {name}"]

    def begins(self, name: str) -> list[str]:
        """The days before which that of a column must not lie."""
        return [begin for begin, end in self.contract.orders if end == name]

    def fatal(self, name: str) -> tuple[int, ...]:
        """What may be wrong with a column so that its row cannot be used, as places in :data:`KINDS`."""
        if self.columns[name].required:
            return tuple(range(len(KINDS)))
        return (FUTURE, EARLY) if name == self.contract.happened_at or self.begins(name) else ()

    def bad(self, table: Any = None) -> Any:
        """Which rows cannot be used; None where all can."""
        names = [name for name in self.faulty if self.fatal(name)]
        wrong = {name: self.wrong(name, table) for name in names}
        # What is wrong with a required column is fatal, whatever it is.
        tests = [
            cell.notnull() if self.columns[name].required else cell.isin(self.fatal(name)).fill_null(False)
            for name, cell in wrong.items()
        ]
        return ibis.or_(*tests) if tests else None

    def now(self) -> Any:
        """Which rows are not later than the day up to which rows count; None where all count."""
        moments = (self.contract.happened_at, self.contract.recorded_at)
        return until(self.day, [self.value(name) for name in moments if name in self.theirs])

    def turned(self, table: Any = None) -> Any:
        """Which lines are returns whose revenue has the sign of a sale; None where the table has none."""
        if self.contract.name != "transactions" or not {"quantity", "revenue"} <= set(self.theirs):
            return None
        return ((self.value("quantity", table) < 0) & (self.value("revenue", table) > 0)).fill_null(False)

    def keys(self) -> tuple[str, ...]:
        """The columns of the key; none where one of them is absent."""
        return self.contract.key if set(self.contract.key) <= set(self.theirs) else ()

    def flagged(self) -> Any:
        """The rows with a column more, :data:`AGAIN`: which repeat the key of an earlier row, not itself rejected."""
        bad, now = self.bad(), self.now()
        # A row that is later than the day has no say in which of the others is the first.
        table = self.table.mutate(
            _bad=ibis.literal(value=False) if bad is None else bad,
            _now=ibis.literal(value=True) if now is None else now,
        )
        keys = [f"= {name}" for name in self.keys()]
        # A server keeps no order of rows: there the order is that of all columns.
        order = [ROW] if self.dialect == "duckdb" else self.raw.columns
        place = ibis.row_number().over(group_by=[*keys, "_bad", "_now"], order_by=order)
        named = ibis.and_(*(table[key].notnull() for key in keys))
        return table.mutate(**{AGAIN: (place > 0) & named & ~table["_bad"]})

    def copies(self, table: Any) -> Any:
        """Which repeated rows of :meth:`flagged` say the same as the first of their key: who, when, and how much."""
        names = {"customer_id", self.contract.happened_at, "revenue", "price", "amount"} & set(self.theirs)
        first = ibis.window(group_by=[*(f"= {name}" for name in self.keys()), "_bad", "_now"], order_by=AGAIN)
        values = [self.value(name, table) for name in sorted(names)]
        return ibis.and_(*(value.identical_to(value.first(include_null=True).over(first)) for value in values))

    def kept(self, columns: tuple[str, ...], *, rejected: bool, repeated: bool, turned: bool) -> Any:
        """The usable rows as they are meant; nothing is asked of the engine that the check showed to be needless."""
        table = self.flagged() if repeated else self.table
        tests = [~self.bad(table)] if rejected else []
        tests += [~table[AGAIN]] if repeated else []
        table = table.filter(*tests) if tests else table
        if repeated and self.raw.stored:
            table = table.order_by(ROW)
        chosen = {name: self.value(name, table) for name in columns}
        for name in {"revenue", "cost", "margin"} & set(columns) if turned else ():
            # What was sold below cost has a negative margin, and its return a positive one.
            back = -chosen[name] if name == "margin" else -chosen[name].abs()
            chosen[name] = self.turned(table).ifelse(back, chosen[name])
        return table.select(**chosen)

    def rejects(self, *, repeated: bool) -> Any:
        """The rejected rows: number, reasons, and the columns as they are in the source."""
        table = self.flagged() if repeated else self.table
        reasons, bad = ibis.literal(""), self.bad(table)
        for name in self.faulty:
            if told := [(code, f"{name}: {KINDS[code]}; ") for code in self.fatal(name)]:
                reasons += self.wrong(name, table).cases(*told, else_="").fill_null("")
        if repeated:
            reasons += table[AGAIN].ifelse(f"{', '.join(self.contract.key)}: repeated key; ", "")
            bad = table[AGAIN] if bad is None else bad | table[AGAIN]
        columns = [as_written(table[name]) for name in self.raw.columns]
        return table.filter(bad).select(table[ROW].name("row"), reasons.re_replace("; $", "").name("reasons"), *columns)


def as_written(raw: Any) -> Any:
    """Return a column of a source in a form that can be shown: dates as text, as Python lacks some."""
    kind = raw.type()
    return raw.cast("string").name(raw.get_name()) if kind.is_date() or kind.is_timestamp() else raw


def until(day: dt.date | None, moments: list[Any]) -> Any:
    """Return which rows have no moment later than a day; None where there is no day, or no moment."""
    # The last day that a date can be has no next day.
    if day is None or day == dt.date.max or not moments:
        return None
    end = day + dt.timedelta(days=1)
    return ibis.and_(*(moment.isnull() | (moment < reading.start(end, moment)) for moment in moments))


def counted(table: Any, measures: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values of measures over a table; sums over no rows, which engines call null, are left out."""
    if not measures:
        return {}
    row = table.aggregate(**measures).to_pyarrow().to_pylist()[0]
    return {name: value for name, value in row.items() if value is not None}


@dataclass(frozen=True)
class Reader:
    """Reads the rows of one table; events later than `today` cannot have happened."""

    contract: TableContract
    source: TableSource
    raw: Raw
    mapped: Mapped
    engine: Engine
    today: dt.date
    day: dt.date | None
    about: About

    def rows(self) -> Rows:
        """Return the rows; raise :class:`Unusable` if the type of a column cannot become that of the contract."""
        name, names, columns = self.contract.name, self.mapped.theirs, dict(self.mapped.columns)
        raw = self._typed()
        now = self._now(raw)
        manners, found = self._look(raw, now) if raw.texts else self._tidy(raw), self._notations(raw, now)
        said = notation.said(self.source)
        for ours, manner in manners.items():
            manners[ours] = replace(manner, notation=found.get(ours, said if manner.number else None))
        steps: list[Any] = []

        def step(query: Any) -> Any:
            # Each step is a query over the one before: engines would repeat an expression as often as it is named.
            steps.append(query)
            return steps[-1] if self.engine.server else ibis.table(steps[-1].schema(), name=f"step_{len(steps)}")

        cells = {f"~ {ours}": reading.written(raw.table[theirs], manners[ours]) for ours, theirs in names.items()}
        table = step(raw.table.mutate(**cells))
        cells, safe = {}, {}
        for ours, theirs in names.items():
            if manners[ours].number:
                columns[ours] = replace(columns[ours], type="number")
            value = self._parsed(columns[ours], table[f"~ {ours}"], table, theirs, manners[ours])
            cells[f"= {ours}"], safe[ours] = value
        table = step(table.mutate(**cells))
        if self.source.fill_down and self.engine.server is not None:
            raise Unusable("no order of rows", "'fill_down' needs files, and the server keeps no order of their rows")
        # The number of the order comes first: other columns are filled within an order.
        for ours in sorted(set(self.source.fill_down) & set(names), key=lambda name: name != "order_id"):
            order = ["= order_id"] if ours != "order_id" and "= order_id" in table.columns else []
            above = ibis.window(group_by=order, order_by=ROW, preceding=None, following=0)
            table = step(table.mutate(place=table[f"~ {ours}"].count().over(above)))
            last = ibis.window(group_by=[*order, "place"], order_by=ROW)
            cells = {cell: table[cell].first(include_null=True).over(last) for cell in (f"~ {ours}", f"= {ours}")}
            table = step(table.mutate(**cells))
        cells = {}
        for ours in names:
            future = self.today + dt.timedelta(days=1) if ours == self.contract.happened_at else None
            value, wrong = reading.judged(
                table[f"~ {ours}"], table[f"= {ours}"], columns[ours], safe=safe[ours], tidy=manners[ours].tidy,
                future=future,
            )  # fmt: skip
            if self.about.fold_ids and (ours.endswith("_id") or ours == "referred_by"):
                value = reading.folded(value)
            cells |= {f"= {ours}": value} if wrong is None else {f"= {ours}": value, f"! {ours}": wrong}
        read = table.select(ROW, *raw.columns, **cells)
        table = step(read.order_by(ROW) if self.source.fill_down else read)
        early: dict[str, Any] = {}
        for begin, end in self.contract.orders:
            if {begin, end} <= set(names):
                wrong = early.get(f"! {end}", table[f"! {end}"] if f"! {end}" in cells else ibis.null("int8"))
                early[f"! {end}"] = reading.before(table[f"= {end}"], table[f"= {begin}"]).ifelse(EARLY, wrong)
        steps += [table.mutate(**early)] if early else []
        table = self.engine.view(f"{name} read", *steps, stored=raw.stored)
        if raw.stored:
            # What was read is in the new table too: nobody asks for it elsewhere.
            self.engine.drop(f"{name} raw", f"{name} file")
            raw = replace(raw, table=table.select(ROW, *raw.columns))
        table, excluded = self._without(table)
        return Rows(
            contract=self.contract, raw=raw, theirs=names, columns=columns, table=table, dialect=self.engine.dialect,
            manners=manners, day=self.day, excluded=excluded,
            faulty=tuple(ours for ours in names if f"! {ours}" in {**cells, **early}),
        )  # fmt: skip

    def _without(self, table: Any) -> tuple[Any, Mapping[str, int]]:
        """Return the rows without those of excluded customers, whose rows are counted."""
        names = self.about.excluded
        if not names or "customer_id" not in self.mapped.theirs:
            return table, {}
        out = table["= customer_id"].isin(names).fill_null(False)
        counts = table.filter(out).group_by(who=table["= customer_id"]).aggregate(rows=ibis._.count())
        found = {row["who"]: row["rows"] for row in counts.to_pyarrow().to_pylist()}
        return table.filter(~out), dict.fromkeys(names, 0) | found

    def _parsed(self, column: Column, text: Any, table: Any, theirs: str, manner: Manner) -> tuple[Any, bool]:
        cells = {kind: table[kind + theirs] for kind in (NUMBER, MOMENT) if kind + theirs in table.columns}
        return reading.parsed(text, table[theirs], column, self.source, self.engine.dialect, manner, cells)

    def _typed(self) -> Raw:
        """Return rows in which columns without a value have the type that the contract asks for.

        A Parquet file may hold a column of the null type, a query ``NULL AS ended_at``; engines take both for numbers.
        Rows are only looked at where a column has a type that the contract's cannot be made of.
        """
        raw, wrong = self.raw, {}
        for ours, theirs in self.mapped.theirs.items() if not raw.texts else ():
            column = self.mapped.columns[ours]
            try:
                self._parsed(column, raw.table[theirs], raw.table, theirs, Manner())
            except Unusable:
                wrong[theirs] = ibis.null(reading.IBIS_TYPES[column.type])
        counts = counted(raw.table, {name: raw.table[name].count() for name in wrong})
        empty = {name: nothing for name, nothing in wrong.items() if not counts[name]}
        return replace(raw, table=raw.table.mutate(**empty)) if empty else raw

    def _tidy(self, raw: Raw) -> dict[str, Manner]:
        """Find the columns of which a cast reads every value."""
        found = {
            ours: reading.untidy(raw.table[theirs], self.mapped.columns[ours], self.source, self.engine.dialect)
            for ours, theirs in self.mapped.theirs.items()
        }
        counts = counted(raw.table, {ours: rows.sum() for ours, rows in found.items() if rows is not None})
        return {ours: Manner(tidy=not counts.get(ours)) for ours in found}

    def _now(self, raw: Raw) -> Any:
        """Which rows of a source are not later than the day up to which rows count; None where all count."""
        columns, theirs, table = self.mapped.columns, self.mapped.theirs, raw.table
        names = [name for name in (self.contract.happened_at, self.contract.recorded_at) if name in theirs]
        read = [self._parsed(columns[n], table[theirs[n]], table, theirs[n], Manner()) for n in names]
        return until(self.day, [value for value, _ in read])

    def _notations(self, raw: Raw, now: Any) -> dict[str, Notation | None]:
        """Find how the numbers of each column of texts are written, where it is not as SQL writes."""
        table = raw.table if now is None else raw.table.filter(now)
        cells = {}
        for ours, theirs in self.mapped.theirs.items():
            column = self.mapped.columns[ours]
            if column.type in NUMERIC and table[theirs].type().is_string():
                text = reading.written(table[theirs], Manner())
                if NUMBER + theirs in table.columns:
                    text = table[NUMBER + theirs].isnull().ifelse(text, ibis.null("string"))
                cells[ours] = text, reading.number(text, column, self.engine.dialect)
        # One look at all columns spares the many that are written as SQL writes the patterns, which cost much.
        close = counted(table, {ours: notation.close(*cell).sum() for ours, cell in cells.items()})
        return {
            ours: notation.found(
                counted(table, notation.evidence(*cells[ours])) if close.get(ours) else {}, self.source
            )
            for ours in cells
        }

    def _look(self, raw: Raw, now: Any) -> dict[str, Manner]:
        """Find what spreadsheets and text files did to identifiers and to attributes of the company's own."""
        names, known, measures = self.mapped.theirs, self.contract.column_names, {}
        for ours, theirs in names.items():
            if ours in known and not ours.endswith("_id"):
                continue
            text = reading.written(raw.table[theirs], Manner())
            if ours in known:
                measures[f"worded {ours}"] = text.lower().isin(reading.MISSING).sum()
                text = reading.without_words(text)
            if ours.endswith("_id"):
                measures[f"whole {ours}"] = text.endswith(".0").sum(where=now)
            else:
                manner = Manner(notation=notation.said(self.source))
                column = replace(self.mapped.columns[ours], type="number")
                number, _ = self._parsed(column, text, raw.table, theirs, manner)
                # 01234 is a code, not a number.
                measures[f"number {ours}"] = (number.notnull() & ~text.re_search("^0[0-9]")).sum(where=now)
            measures[f"written {ours}"] = text.count(where=now)
        counts = counted(raw.table, measures)

        def all_are(what: str, ours: str) -> bool:
            return bool(0 < counts.get(f"{what} {ours}", 0) == counts[f"written {ours}"])

        return {
            ours: Manner(
                whole=all_are("whole", ours), number=all_are("number", ours), worded=counts.get(f"worded {ours}", 0) > 0
            )
            for ours in names
        }
