"""The data dictionary: what every table and column means, and how a company says where its tables are."""

from __future__ import annotations

from pathlib import Path

from crm_lib.contract import Column, TableContract
from crm_lib.schema import TABLES
from crm_lib.writing import replaced


def dictionary() -> str:
    """Return the data dictionary, ``data/README.md``, as Markdown."""
    overview = ["## Tables", "", "| table | one row | required |", "|---|---|---|"]
    overview += [f"| [`{t.name}`](#{t.name}) | {_row(t)} | {'yes' if t.required else ''} |" for t in TABLES.values()]
    opening = Path(__file__).with_suffix(".md").read_text(encoding="utf-8")
    return "\n".join([opening, *overview, "", *(line for table in TABLES.values() for line in _section(table))])


def write_dictionary(folder: str | Path) -> Path:
    """Write the data dictionary to ``README.md`` in `folder` and return the file."""
    file = Path(folder) / "README.md"
    with replaced(file, private=False) as aside:
        aside.write_text(dictionary(), encoding="utf-8")
    return file


def _row(table: TableContract) -> str:
    return table.meaning.partition(". ")[0].removeprefix("One row ").rstrip(".")


def _section(table: TableContract) -> list[str]:
    key = ", ".join(f"`{name}`" for name in table.key)
    notes = [f"Key: {key}{' together' if len(table.key) > 1 else ''}."] if key else []
    notes += [f"Cut at `as_of` by `{table.happened_at}`."] if table.happened_at else []
    notes += [f"Rows entered after `as_of`, by `{table.recorded_at}`, are cut too."] if table.recorded_at else []
    notes += [f"`{end}` is not before `{start}`." for start, end in table.orders]
    notes += ["Open: further columns are kept."] if table.open else []
    lines = [f"## {table.name}", "", table.meaning, *([" ".join(notes)] if notes else []), ""]
    lines += ["| column | label | type | unit | constraint | meaning |", "|---|---|---|---|---|---|"]
    return [*lines, *(_line(column) for column in table.columns), ""]


def _line(column: Column) -> str:
    rules = ["required"] if column.required else []
    rules += [column.constraint.replace(" | ", ", ")] if column.constraint else []
    rules += [f"known from `{column.known_at}`"] if column.known_at else []
    cells = (f"`{column.name}`", column.label, column.type, column.unit, "; ".join(rules), column.meaning)
    return f"| {' | '.join(cells)} |"
