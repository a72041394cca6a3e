"""Which column of a source is which column of the schema."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from crm_lib.company.files import Unusable
from crm_lib.company.names import BLANKS, quoted_list, suggestion
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
    alike: dict[str, list[str]] = {}
    for name in present:
        for key in {_folded(name), _folded(re.sub(r" \(\d+\)$", "", name))}:  # the second of one name is "name (2)"
            alike.setdefault(key, []).append(name)

    def one(named: str) -> str | None:
        near = [named] if named in present else alike.get(_folded(named), [])
        near = [name for name in near if _folded(name) == _folded(named)] or near
        if len(near) > 1:
            told = f"{raw.origin} has several columns that '{named}' can mean: {quoted_list(near)}; map the right one"
            raise Unusable("column twice", told)
        return near[0] if near else None

    theirs = {ours: found for ours, named in source.columns.items() if (found := one(named)) is not None}
    wrong = [
        f"'{named}', which is to be '{ours}'{suggestion(named, present)}"
        for ours, named in source.columns.items()
        if ours not in theirs
    ]
    if wrong:
        told = f"there is no column {', no column '.join(wrong)}; the columns are {quoted_list(present)}"
        raise Unusable("no such column", told)
    taken = set(theirs.values())
    for column in contract.columns:
        found = one(column.name) if column.name not in theirs else None
        if found is not None and found not in taken:
            theirs[column.name] = found
    missing = [column.name for column in contract.columns if column.required and column.name not in theirs]
    if missing:
        example = missing[0]
        told = f"{quoted_list(missing)} {'is' if len(missing) == 1 else 'are'} required; the columns are "
        told += f"{quoted_list(present)}{suggestion(example, present)}; if one goes by another name, map it: "
        told += f'columns = {{ {example} = "…" }}; if the names stand on another line, set header_row; if it must be '
        raise Unusable("missing column", told + "made of other columns, see 'Other layouts' in data/README.md")
    rest = [name for name in present if name not in theirs.values()]
    columns = {column.name: column for column in contract.columns if column.name in theirs}
    if contract.open:
        # A column that goes by the name of one that is mapped from elsewhere is not an attribute.
        known = {_folded(ours) for ours in theirs}
        own = [name for name in rest if _folded(name) not in known and not table[name].type().is_nested()]
        theirs |= {name: name for name in own}
        columns |= {name: _attribute(name, table[theirs[name]]) for name in theirs if name not in columns}
        rest = [name for name in rest if name not in theirs]
    hidden = {
        name: column.known_at for name, column in columns.items() if column.known_at and column.known_at not in theirs
    }
    used = {name: theirs[name] for name in columns if name not in hidden}
    return Mapped(theirs=used, columns=columns, ignored=tuple(rest), hidden=hidden)


def _folded(name: str) -> str:
    """Return a name without capitals, blanks and ``_``."""
    return "".join(character for character in name.casefold() if character not in f"{BLANKS}_")


def _attribute(name: str, values: Any) -> Column:
    kind = values.type()
    found: ColumnType = "text"
    if kind.is_boolean() or kind.is_date():
        found = "boolean" if kind.is_boolean() else "date"
    elif kind.is_numeric():
        found = "integer" if kind.is_integer() else "number"
    elif kind.is_timestamp():
        found = "time"
    label = name.replace("_", " ").capitalize()
    return Column(name=name, label=label, meaning="Attribute of the company's own.", type=found)
