"""Which column of a source is which column of the schema."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from crm_lib.company.files import Unusable
from crm_lib.company.names import quoted_list, suggestion
from crm_lib.company.settings import TableSource
from crm_lib.company.sources import Raw
from crm_lib.contract import Column, ColumnType, TableContract


@dataclass(frozen=True, kw_only=True)
class Mapped:
    """The columns that are used, and those that are not.

    `theirs` and `columns` give name in the source and contract by name in the schema; `hidden` are columns whose values
    cannot be used, since the column that tells when they were known (given by its name) is missing.
    """

    theirs: Mapping[str, str]
    columns: Mapping[str, Column]
    ignored: tuple[str, ...]
    hidden: Mapping[str, str]


def map_columns(contract: TableContract, source: TableSource, raw: Raw) -> Mapped:
    """Return which column of a source is which of the contract.

    A column that ``company.toml`` maps is taken from there; others are found by their name in the schema, small and
    capital letters alike. Raises :class:`Unusable` if a required column, or one that is mapped, is not there.
    """
    present, table = raw.columns, raw.table
    folded = {name.strip().casefold(): name for name in reversed(present)}
    theirs: dict[str, str] = {}
    wrong = []
    for ours, named in source.columns.items():
        if named in present:
            theirs[ours] = named
        else:
            wrong.append(f"'{named}', which is to be '{ours}'{suggestion(named, present)}")
    if wrong:
        raise Unusable(
            "no such column", f"there is no column {', no column '.join(wrong)}; the columns are {quoted_list(present)}"
        )
    taken = set(theirs.values())
    for column in contract.columns:
        found = folded.get(column.name)
        if column.name not in theirs and found is not None and found not in taken:
            theirs[column.name] = found
    missing = [column.name for column in contract.columns if column.required and column.name not in theirs]
    if missing:
        example = missing[0]
        raise Unusable(
            "missing column",
            f"{quoted_list(missing)} {'is' if len(missing) == 1 else 'are'} required; "
            f"the columns are {quoted_list(present)}{suggestion(example, present)}; "
            f'if one goes by another name, map it: columns = {{ {example} = "…" }}',
        )
    rest = [name for name in present if name not in theirs.values()]
    columns = {column.name: column for column in contract.columns if column.name in theirs}
    if contract.open:
        for name in [name for name in theirs if name not in columns]:
            columns[name] = _attribute(name, table[theirs[name]])
        for name in rest:
            # A column that goes by the name of one that is mapped from elsewhere is not an attribute.
            known = {ours.casefold() for ours in theirs}
            if name.strip().casefold() not in known and not table[name].type().is_nested():
                columns[name] = _attribute(name, table[name])
                theirs[name] = name
        rest = [name for name in rest if name not in theirs]
    hidden = {
        name: column.known_at for name, column in columns.items() if column.known_at and column.known_at not in theirs
    }
    return Mapped(
        theirs={name: theirs[name] for name in columns if name not in hidden},
        columns=columns,
        ignored=tuple(rest),
        hidden=hidden,
    )


def _attribute(name: str, values: Any) -> Column:
    kind = values.type()
    tests: dict[ColumnType, bool] = {
        "boolean": kind.is_boolean(),
        "integer": kind.is_integer(),
        "number": kind.is_numeric(),
        "date": kind.is_date(),
        "time": kind.is_timestamp(),
    }
    found: ColumnType = next((name for name, holds in tests.items() if holds), "text")
    return Column(
        name=name, label=name.replace("_", " ").capitalize(), meaning="Attribute of the company's own.", type=found
    )
