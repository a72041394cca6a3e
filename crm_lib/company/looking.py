"""A first look at a table: in which columns a cast is enough, and what spreadsheets and text files did to types."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from crm_lib.company.cleaning import MISSING, read_column, untidy, without_words
from crm_lib.company.reader import TableReader
from crm_lib.contract import Column


def look(reader: TableReader) -> TableReader:
    """Return a reader that knows in which columns it may do with less, or must do more.

    Parameters
    ----------
    reader : TableReader
        One that knows nothing of the rows yet.
    """
    table = reader.raw.table
    readings = reader.readings(table)
    moments = reader.moments(readings)
    latest = {f"latest {place}": moment.max() for place, moment in enumerate(moments)}
    measures = _of_texts(reader, None) if reader.raw.texts else _of_types(reader)
    counts = counted(table, {**measures, **latest})
    if all(counts.get(name) is None or _day(counts[name]) <= reader.day for name in latest if reader.day):
        # Nothing is later: nobody needs to ask again.
        reader = replace(reader, day=None)
    elif reader.raw.texts:
        counts = counted(table, _of_texts(reader, reader.now(readings)))
    names = reader.mapped.theirs
    if not reader.raw.texts:
        return replace(reader, tidy=frozenset(name for name in names if not counts.get(f"untidy {name}")))
    # What is text is read once and kept as it was read: there, nothing is gained by reading less.
    return replace(
        reader,
        whole=frozenset(n for n in names if 0 < counts.get(f"pointed {n}", 0) == counts[f"written {n}"]),
        numbers=frozenset(n for n in names if 0 < counts.get(f"numeric {n}", 0) == counts[f"written {n}"]),
        worded=frozenset(n for n in names if counts.get(f"worded {n}")),
    )


def _of_types(reader: TableReader) -> dict[str, Any]:
    measures = {}
    for name, theirs in reader.mapped.theirs.items():
        found = untidy(reader.raw.table[theirs], reader.mapped.columns[name], reader.source, reader.dialect)
        if found is not None:
            measures[f"untidy {name}"] = found.sum()
    return measures


def _of_texts(reader: TableReader, now: Any) -> dict[str, Any]:
    measures = {}
    for name, theirs in reader.mapped.theirs.items():
        raw, column = reader.raw.table[theirs].strip().nullif(""), reader.mapped.columns[name]
        if name.endswith("_id"):
            if name in reader.contract.column_names:
                measures[f"worded {name}"] = raw.lower().isin(MISSING).sum()
                raw = without_words(raw)
            measures[f"pointed {name}"] = raw.endswith(".0").sum(where=now)
        elif name not in reader.contract.column_names:
            measures[f"numeric {name}"] = _numeric(raw, column, reader).sum(where=now)
        else:
            continue
        measures[f"written {name}"] = raw.count(where=now)
    return measures


def _day(moment: dt.date) -> dt.date:
    return moment.date() if isinstance(moment, dt.datetime) else moment


def _numeric(raw: Any, column: Column, reader: TableReader) -> Any:
    number = read_column(raw.name(column.name), replace(column, type="number"), reader.source, reader.dialect).value
    # 01234 is a code, not a number.
    return number.notnull() & ~raw.re_search("^0[0-9]")


def counted(table: Any, measures: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values of measures over a table; sums over no rows, which engines call null, are left out.

    Parameters
    ----------
    table : ibis.Table
        The rows.
    measures : mapping of str to ibis.Value
        Aggregations by name; without any, no query is run.
    """
    if not measures:
        return {}
    row = table.aggregate(**measures).to_pyarrow().to_pylist()[0]
    return {name: value for name, value in row.items() if value is not None}
