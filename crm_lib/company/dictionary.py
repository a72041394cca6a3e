"""The data dictionary: what every table and column means, and how a company says where its tables are."""

from __future__ import annotations

from pathlib import Path

from crm_lib.contract import Column, TableContract
from crm_lib.schema import TABLES

_OPENING = Path(__file__).with_suffix(".md")
"""What stands before the tables."""


def dictionary() -> str:
    """Return the data dictionary, ``data/README.md``, as Markdown."""
    overview = ["## Tables", "", "| table | one row | required |", "|---|---|---|"]
    overview += [f"| [`{t.name}`](#{t.name}) | {_row(t)} | {'yes' if t.required else ''} |" for t in TABLES.values()]
    opening = _OPENING.read_text(encoding="utf-8")
    return "\n".join([opening, *overview, "", *(line for table in TABLES.values() for line in _section(table))])


def write_dictionary(folder: str | Path) -> Path:
    """Write the data dictionary to ``README.md`` in `folder` and return the file."""
    file = Path(folder) / "README.md"
    file.write_text(dictionary(), encoding="utf-8")
    return file


def _row(table: TableContract) -> str:
    return table.meaning.partition(". ")[0].removeprefix("One row ").rstrip(".")


def _section(table: TableContract) -> list[str]:
    notes = []
    if table.key and len(table.key) == 1:
        notes.append(f"Key: `{table.key[0]}`.")
    elif table.key:
        notes.append(f"Key: {', '.join(f'`{name}`' for name in table.key)} together.")
    if table.happened_at:
        notes.append(f"Cut at `as_of` by `{table.happened_at}`.")
    if table.recorded_at:
        notes.append(f"Rows entered after `as_of`, by `{table.recorded_at}`, are cut too.")
    if table.open:
        notes.append("Open: further columns are kept.")
    lines = [f"## {table.name}", "", table.meaning, *([" ".join(notes)] if notes else []), ""]
    lines += ["| column | label | type | unit | constraint | meaning |", "|---|---|---|---|---|---|"]
    return [*lines, *(_line(column) for column in table.columns), ""]


def _line(column: Column) -> str:
    rules = ["required"] if column.required else []
    if column.constraint:
        rules.append(column.constraint.replace(" | ", ", "))
    if column.known_at:
        rules.append(f"known from `{column.known_at}`")
    return (
        f"| `{column.name}` | {column.label} | {column.type} | {column.unit} | {'; '.join(rules)} | {column.meaning} |"
    )
