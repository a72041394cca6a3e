"""Columns without a single value: the type that their source happens to give them tells nothing."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import ibis

from crm_lib.company.cleaning import IBIS_TYPES, read_column
from crm_lib.company.columns import Mapped
from crm_lib.company.files import Unusable
from crm_lib.company.source_settings import SourceSettings
from crm_lib.company.sources import Raw


def typed(raw: Raw, mapped: Mapped, source: SourceSettings, dialect: str) -> Raw:
    """Return rows in which columns without a value have the type that the contract asks for.

    A Parquet file may hold a column of the null type, a query ``NULL AS ended_at``; engines take both for numbers.
    Rows are only looked at where a column has a type that the contract's cannot be made of.

    Parameters
    ----------
    raw : Raw
        The rows as they are.
    mapped : Mapped
        Which column of the source is which column of the schema.
    source : SourceSettings
        How numbers and dates are written there.
    dialect : str
        The engine's dialect of SQL.
    """
    wrong: dict[str, Any] = {}
    if raw.texts:
        return raw
    for ours, theirs in mapped.theirs.items():
        column = mapped.columns[ours]
        try:
            read_column(raw.table[theirs], column, source, dialect)
        except Unusable:
            wrong[theirs] = ibis.null(IBIS_TYPES[column.type])
    if not wrong:
        return raw
    counts = raw.table.aggregate(**{name: raw.table[name].count() for name in wrong}).to_pyarrow().to_pylist()[0]
    empty = {name: nothing for name, nothing in wrong.items() if not counts[name]}
    return replace(raw, table=raw.table.mutate(**empty), numbered=raw.numbered.mutate(**empty)) if empty else raw
