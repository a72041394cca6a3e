"""The data dictionary: what every table and column means, and how a company says where its tables are."""

from __future__ import annotations

from pathlib import Path

from crm_lib.contract import Column, TableContract
from crm_lib.schema import TABLES

_OPENING = """\
# Data dictionary

A company is a folder in here with a `company.toml`. It says what the company is called, in which currency it counts, and where each
of its tables is: in a file, in a database, in the result of a query, or in a Python package. Only `transactions` is required. Whatever
needs a table or a column that is not there is left out of the reports, which say so.

This file is derived from `crm_lib/schema.py` (`crm dictionary --write`); change it there.

## A company in five lines

    [company]
    name = "Corner Shop"
    currency = "EUR"

    [tables.transactions]
    file = "sales.csv"
    columns = { order_id = "Receipt", customer_id = "Card", ordered_at = "Date", revenue = "Amount" }

Save it as `data/corner_shop/company.toml` beside `sales.csv`, then `crm check corner_shop` tells what was found, and
`make report COMPANY=corner_shop` writes the reports.

## company.toml

`[company]`

| key | meaning |
|---|---|
| `name` | name that readers see; by default that of the folder |
| `currency` | ISO 4217 code of all amounts, such as `"GBP"`; required |
| `as_of` | last day that counts, such as `2026-06-30`; by default the day of the last transaction |
| `margin_rate` | margin as a share of revenue, for lines of which neither margin nor cost is known |
| `max_rejected_share` | a table of which a larger share of the rows is rejected is not used; by default 0.5 |
| `language` | locale of the reports, such as `"en_GB"` |

`[database]`, if there is one

| key | meaning |
|---|---|
| `url` | `"duckdb://file.duckdb"` (opened read-only), `"postgresql://user@host:5432/database"`, or another server that Ibis knows |
| `password_env` | name of the environment variable that holds the password; a password in the url is refused |

`[tables.NAME]`, one for each table below; and `[sources.NAME]`, inputs that `sql` may use by their name. Each says by exactly one of the first
three keys where the rows are.

| key | meaning |
|---|---|
| `file` | a CSV, Parquet or Excel file, relative to the company's folder; of a list, the first file that exists is taken |
| `table` | a table of the database, `"schema.table"` or `"table"` |
| `sql` | a query over the sources (also from one source to another) and the database, in the dialect of the database (DuckDB where there is none) |
| `package` | with `file`: the Python package that ships the file |
| `columns` | only for tables: `{ name in this dictionary = "name in the source" }`; columns of the same name need no entry |
| `encoding` | of a text file, such as `"cp1252"`; by default UTF-8 |
| `separator` | of a text file, such as `";"`; by default found from the header line |
| `decimal` | `"."` or `","` |
| `thousands` | what stands between groups of three digits; by default nothing, or `"."` with a decimal comma |
| `date_format` | such as `"%d/%m/%Y"`; by default ISO 8601, `2026-06-30` or `2026-06-30 14:05` |
| `sheet` | of a workbook; by default the first |

## segments.toml

How customers are put into segments and tiers may be laid down in a `segments.toml` beside `company.toml`: who is scored, over how many days,
with or without returns (`[base]`), the cut points of recency, frequency and monetary value (`[rfm.cut_points]`), those of the tiers (`[tiers]`),
their currency and day (`[frozen]`), and the named segments with their conditions and actions (`[[segments]]`). Every part may be left out.
`segments.estimated(segments.SegmentDefinitions(), company).to_toml()` writes one with the cut points of today, which then stay as they are.
Segments that overlap or leave somebody out are refused, with an example.

## How rows are read

- A row that lacks a required value, or holds one that cannot be read, is rejected, counted, and written aside by `crm check`.
- An optional value that cannot be read, lies outside its bounds or is not among its choices is dropped; the row stays.
- A second row with the same key is rejected, and so is an event in the future.
- Blanks around texts are cut off, and an empty text is a missing value. In columns that are not text, `nan`, `null`, `na`, `n/a`, `nat`
  and `none` are missing values too, in small or capital letters; in text files and workbooks also in the columns below whose names
  end in `_id`.
- A date or time before 1900-01-01 or after 9999-12-31, infinite ones included, is not a date.
- Numbers are written without `_`: `1_000` is not a number.
- An event is in the future if it is later than the day after today in UTC, so that no time zone's present is called the future.
- A line of `transactions` with negative `quantity` is a return. Where its `revenue` is positive, as some tills write it, `revenue` and
  `cost` of the line are taken as negative and its `margin` changes its sign; `crm check` says how many lines.
- Blank lines before the header of a text file are skipped.
- A time with an offset is read as UTC; a time without one is taken as it is.
- yes, true, y, t, 1 and no, false, n, f, 0 are answers, in small or capital letters.
- Rows whose event, or entry in the books, is later than `as_of` are cut; values that became known later are hidden.
- A column without a usable value counts as absent.
- Tables marked *open* keep further columns as attributes, under the company's own names.
"""


def dictionary() -> str:
    """Return the data dictionary, ``data/README.md``, as Markdown."""
    overview = ["## Tables", "", "| table | one row | required |", "|---|---|---|"]
    overview += [f"| [`{t.name}`](#{t.name}) | {_row(t)} | {'yes' if t.required else ''} |" for t in TABLES.values()]
    return "\n".join([_OPENING, *overview, "", *(line for table in TABLES.values() for line in _section(table))])


def write_dictionary(folder: str | Path) -> Path:
    """Write the data dictionary to ``README.md`` in `folder` and return the file.

    Parameters
    ----------
    folder : str or Path
        The data folder.
    """
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
