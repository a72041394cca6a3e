"""What companies' files look like is read as it is meant, or refused with the cause; a mechanism, not a case."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import pytest

from crm_lib.company import Company, check_company
from crm_lib.company.reading import IBIS_TYPES
from crm_lib.errors import CompanyError
from crm_lib.schema import TABLES
from tests.companies import write_workbook

HEADER = "order_id;customer_id;ordered_at;revenue\n"
LINES = "o1;a;2025-01-01;12\no2;b;2025-01-02;x\no3;a;2025-02-01;30\n"


def shop(folder: Path, content: str | bytes, settings: str = "", head: str = "", file: str = "sales.csv") -> Path:
    folder.mkdir(exist_ok=True)
    (folder / file).write_bytes(content if isinstance(content, bytes) else content.encode())
    source = f'[tables.transactions]\nfile = "{file}"\n'
    (folder / "company.toml").write_text(
        f'[company]\ncurrency = "EUR"\nallow_rejected = true\n{head}\n{source}{settings}', encoding="utf-8"
    )
    return folder


def amounts(folder: Path, written: list[str], settings: str = "") -> list[float | None]:
    """Return how amounts are read, None for what is rejected; three plain ones keep the table usable."""
    column = [*written, *["7"] * len(written)]
    rows = "".join(f'o{n};c;2025-01-01;"{amount}"\n' for n, amount in enumerate(column))
    frame = Company.open(shop(folder, HEADER + rows, settings)).frame("transactions").set_index("order_id").revenue
    return [frame.get(f"o{n}") for n in range(len(written))]


READ = {
    "points and comma": (["1.234,50", "-0,5", "1.234.567", "1.125"], [1234.5, -0.5, 1234567.0, 1125.0]),
    "commas and point": (["15,000.00", "1,125", "12.5"], [15000.0, 1125.0, 12.5]),
    "as in Switzerland": (["1'234.50", "1’234", "-12"], [1234.5, 1234.0, -12.0]),
    "as in France": (["1\u202f234,50", "1\xa0234", "1 234 567"], [1234.5, 1234.0, 1234567.0]),
    "as in India": (["12,34,567.00", "1,00,000"], [1234567.0, 100000.0]),
    "minus": (["(12.00)", "12.00-", "-12.00", "\u221212.00", "- 12.00"], [-12.0] * 5),
    "currency": (["€ 12,00", "-€ 1.200,50", "€-3,0", "(€ 4)", "5 €", "6,5€-"], [12.0, -1200.5, -3.0, -4.0, 5.0, -6.5]),
    "full width": (["１２", "１，２３４．５０", "－３"], [12.0, 1234.5, -3.0]),
    "as programs write": (["1e3", "1.5E-2", ".5", "12.", "+3"], [1000.0, 0.015, 0.5, 12.0, 3.0]),
    "blanks around": (["\ufeff1.5", "\u30002.5\xa0"], [1.5, 2.5]),
}
REJECTED = {
    "a lone comma": (["1,125"], "'1,125' may be a thousand or one and a fraction"),
    "a lone point": (["1.125"], "'1.125' may be a thousand or one and a fraction"),
    "both notations": (["12,50", "12.50", "1.125"], "others a decimal comma"),
    "two currencies": (["€ 12,50", "$ 3,00"], "several signs of currency, such as $ and €"),
    "not a minus": (["12,-", "12.-"], "numbers are read as 1234.5"),
    "not a number": (["1_000", "12 34", "1,2,3", "--1", "(-1)", "(1", "1)", "€", "12 pcs"], "numbers are read as"),
}


@pytest.mark.parametrize("kind", READ)
def test_a_notation_that_is_clear_in_the_whole_column_is_read_and_told(kind: str, tmp_path: Path) -> None:
    written, meant = READ[kind]
    assert amounts(tmp_path / "shop", written) == meant
    told = [fault for fault in check_company(tmp_path / "shop").faults if fault.kind == "numbers written otherwise"]
    assert len(told) == (kind not in ("as programs write", "blanks around"))
    assert all(f"the first is read as {meant[0]:.9g}" in fault.message for fault in told)


@pytest.mark.parametrize("kind", REJECTED)
def test_a_notation_that_is_not_clear_is_rejected_with_the_cause(kind: str, tmp_path: Path) -> None:
    written, cause = REJECTED[kind]
    read = dict(zip(written, amounts(tmp_path / "shop", written), strict=True))
    assert {amount for amount, value in read.items() if value is not None} <= {"12.50"}
    (fault,) = (fault for fault in check_company(tmp_path / "shop").faults if fault.kind == "not a number")
    assert cause in fault.message


@pytest.mark.parametrize(
    ("settings", "meant"), [('decimal = ","', 1.125), ('decimal = "."', 1125.0), ('thousands = ","', 1125.0)]
)
def test_what_the_settings_say_makes_a_notation_clear(settings: str, meant: float, tmp_path: Path) -> None:
    assert amounts(tmp_path / "shop", ["1,125"], settings) == [meant]


def test_cells_of_a_workbook_are_what_they_are_and_settings_act_on_texts(tmp_path: Path) -> None:
    rows = [
        ["order_id", "customer_id", "ordered_at", "revenue"],
        ["o1", 17850, pd.Timestamp("2025-01-01 10:30"), 1.125],
        ["o2", "A7", 45678, "1.234,50"],
        [],
        ["o3", 17850, "31.12.2024", 12.5],
        ["o4", 17850, 12, "x"],
    ]
    book = write_workbook(tmp_path / "book.xlsx", rows).read_bytes()
    folder = shop(tmp_path / "shop", book, 'decimal = ","\ndate_format = "%d.%m.%Y"', file="book.xlsx")
    company = Company.open(folder)
    read = company.frame("transactions").set_index("order_id")
    assert read.revenue.to_dict() == {"o1": 1.125, "o2": 1234.5, "o3": 12.5}
    assert read.customer_id.to_dict() == {"o1": "17850", "o2": "A7", "o3": "17850"}
    days = [pd.Timestamp("2025-01-01 10:30"), pd.Timestamp("2025-01-21"), pd.Timestamp("2024-12-31")]
    assert read.ordered_at.tolist() == days
    assert {fault.examples for fault in company.check_all().faults if fault.column == "ordered_at"} == {((6, "'12'"),)}
    sql = "sql = \"select order_id, customer_id, date '2025-01-01' as ordered_at, revenue from book\"\ndecimal = ','"
    head = '[sources.book]\nfile = "book.xlsx"\n'
    write_workbook(folder / "book.xlsx", [rows[0], ["o1", 1, 45678, 1.125]])
    (folder / "company.toml").write_text(f'[company]\ncurrency = "EUR"\n{head}[tables.transactions]\n{sql}')
    assert Company.open(folder).frame("transactions").revenue.tolist() == [1.125]


BLANKS = [" ", "\t", "\xa0", "\u3000", "\ufeff", "\u200b", "\u2009", "\u200e"]


@pytest.mark.parametrize("how", ["csv", "parquet"])
def test_blanks_that_nobody_sees_are_no_part_of_an_identifier(how: str, tmp_path: Path) -> None:
    names = [name for blank in BLANKS for name in (f"a{blank}", f"{blank}a", f"{blank}{blank}a b{blank}")]
    frame = pd.DataFrame({"order_id": range(len(names)), "customer_id": names})
    frame = frame.assign(ordered_at=pd.Timestamp("2025-01-01"), revenue=1.5)
    file = tmp_path / f"sales.{how}"
    frame.to_csv(file, index=False) if how == "csv" else frame.to_parquet(file)
    company = Company.open(shop(tmp_path / "shop", file.read_bytes(), file=file.name))
    assert set(company.frame("transactions").customer_id) == {"a", "a b"}


LAYOUTS = {
    "plain": (HEADER + LINES, ""),
    "a line that names the separator": ("sep=|\n" + (HEADER + LINES).replace(";", "|"), 'separator = ";"'),
    "titles and totals": ("Sales\nof; 2025\n\n" + HEADER + LINES + "\nTotal;42\n;;;\n",
                          "header_row = 4\nfooter_rows = 1"),
    "blank lines": (HEADER + LINES.replace("o2", "\n;;;\no2") + "\n\n", ""),
    "texts of several lines": (HEADER.replace("id", "id;product", 1) + LINES.replace("1;", '1;"x\n\ny";', 1)
                               .replace("o2;", "o2;;").replace("o3;", "o3;;"), ""),
    "mixed line ends": ((HEADER + LINES).replace("\n", "\r\n", 2), ""),
    "old line ends": ((HEADER + LINES).replace("\n", "\r"), ""),
    "UTF-16 with a mark": ((HEADER + LINES).encode("utf-16"), 'encoding = "cp1252"'),
    "UTF-8 with a mark": ((HEADER + LINES).encode("utf-8-sig"), 'encoding = "cp1252"'),
    "other capitals and blanks": ((HEADER + LINES).replace("order_id", "ORDER  ID").replace("rev", " Rev"), ""),
    "mapped by other capitals": ((HEADER + LINES).replace("revenue", "Gross A"), 'columns.revenue = "gross a "'),
    "an unused column twice": (HEADER.strip() + ";note;Note\n" + LINES.replace("\n", ";n;m\n"), ""),
    "a used one by its number": ("n;N;" + HEADER.replace("revenue", "r") + LINES.replace("o", "12;13;o"),
                                 'columns.revenue = "n (1)"'),
}  # fmt: skip


@pytest.mark.parametrize("layout", LAYOUTS)
def test_layouts_that_people_have_are_read_with_the_lines_of_the_file(layout: str, tmp_path: Path) -> None:
    content, settings = LAYOUTS[layout]
    company = Company.open(shop(tmp_path / "shop", content, settings))
    rows = company.frame("transactions")
    text = (
        content.decode("utf-16" if content[:1] == b"\xff" else "utf-8-sig") if isinstance(content, bytes) else content
    )
    if "number" in layout:
        assert rows.revenue.tolist() == [12.0, 12.0, 12.0]
        return
    assert rows[["order_id", "revenue"]].to_numpy().tolist() == [["o1", 12.0], ["o3", 30.0]]
    (fault,) = (fault for fault in company.check_all().faults if fault.kind == "not a number")
    assert fault.examples[0][0] == text.replace("\r\n", "\n").replace("\r", "\n")[: text.index("o2")].count("\n") + 1


REFUSED = {
    "a stray quotation mark": (HEADER + "\n" + 'o1;"BIG" a;2025-01-01;1\n', "", "line 3: Value with unterminated"),
    "a huge field": (HEADER + f"o1;{'x' * 3_000_000};2025-01-01;1\n", "", "line 2: Maximum line size of 2000000 bytes"),
    "a ragged line": (HEADER + '\no1;"a\nb";2025-01-01;1\no2;b;1;2;3\n', "", "line 5: 5 fields where the header has 4"),
    "no byte-order mark": ((HEADER + LINES).encode("utf-16-le"), "", 'set encoding = "utf-16-le"'),
    "a used column twice": (HEADER.replace("order_id", "revenue") + LINES, "", "'revenue (1)', 'revenue (2)'"),
    "two that may be meant": (HEADER.replace("order_id", "r") + LINES, 'columns.revenue = "R E"', "no column 'R E'"),
    "a header too far down": (HEADER + LINES, "header_row = 9", "no header line on line 9 or later"),
    "a title for a header": ("Sales;2025;;\n" + HEADER + LINES, "", "set header_row"),
    "columns to be made": (HEADER.replace("revenue", "pence") + LINES, "", "'Other layouts' in data/README.md"),
    "fill_down of a query": ("", 'sql = "select 1"\nfill_down = ["order_id"]', "exactly one of"),
}  # fmt: skip


@pytest.mark.parametrize("kind", REFUSED)
def test_what_cannot_be_read_is_refused_with_the_engines_reason_and_a_hint_that_follows_from_it(
    kind: str, tmp_path: Path
) -> None:
    content, settings, told = REFUSED[kind]
    with pytest.raises(CompanyError) as caught:
        Company.open(shop(tmp_path / "shop", content, settings))
    assert told in str(caught.value)
    assert ("separator" in str(caught.value)) == (kind == "a ragged line")


def test_lines_of_an_order_take_what_is_blank_from_its_first_line(tmp_path: Path) -> None:
    rows = "o1;a;2025-01-01;1\no1;;;2\no2;b;2025-01-02;3\no1;;;4\no3;;;5\no4;c;soon;6\no4;;;7\n"
    company = Company.open(shop(tmp_path / "shop", HEADER + rows, 'fill_down = ["customer_id", "ordered_at"]'))
    assert company.frame("transactions")[["customer_id", "revenue"]].to_numpy().tolist() == [
        ["a", 1.0], ["a", 2.0], ["b", 3.0], ["a", 4.0]
    ]  # fmt: skip
    rows = "o1;a;2025-01-01;1\n;;;2\no2;b;2025-01-02;3\n;;;4\n"
    settings = 'fill_down = ["customer_id", "ordered_at", "order_id"]'
    rows = Company.open(shop(tmp_path / "shop", HEADER + rows, settings)).frame("transactions")
    assert rows.order_id.tolist() == ["o1", "o1", "o2", "o2"]


VALUES: dict[str, tuple[Any, ...]] = {
    "text": ("a", 5, 1.5),
    "integer": (5, 5.0, "5"),
    "number": (5, 1.5, "2"),
    "money": (5, 1.5, "2"),
    "boolean": (True, 1, "yes"),
    "date": (dt.date(2025, 1, 1), pd.Timestamp("2025-01-01 10:00"), "2025-01-01"),
    "time": (dt.date(2025, 1, 1), pd.Timestamp("2025-01-01 10:00"), "2025-01-01 10:00"),
}


@pytest.mark.parametrize("variant", [0, 1, 2])
@pytest.mark.parametrize("how", ["csv", "parquet", "xlsx", "duckdb", "sql"])
def test_the_engine_returns_the_types_that_the_schema_promises(how: str, variant: int, tmp_path: Path) -> None:
    head = '[company]\ncurrency = "EUR"\n' + ('[database]\nurl = "duckdb://db.duckdb"\n' if how == "duckdb" else "")
    tables, toml = {name: TABLES[name] for name in ("transactions", "customers", "complaints", "memberships")}, head
    for name, contract in tables.items():
        row = {c.name: c.choices[0] if c.choices else VALUES[c.type][variant] for c in contract.columns}
        frame = pd.DataFrame([row])
        if how in ("parquet", "sql"):
            frame.to_parquet(tmp_path / f"{name}.parquet")
        elif how == "xlsx":
            write_workbook(tmp_path / f"{name}.xlsx", [list(row), list(row.values())])
        elif how == "csv":
            frame.to_csv(tmp_path / f"{name}.csv", index=False)
        else:
            with duckdb.connect(str(tmp_path / "db.duckdb")) as connection:
                connection.execute(f"CREATE TABLE {name} AS FROM frame")
        where = {"duckdb": f'table = "{name}"', "sql": f"sql = \"from '{tmp_path}/{name}.parquet'\""}
        toml += f"[tables.{name}]\n" + where.get(how, f'file = "{name}.{how}"') + "\n"
    (tmp_path / "company.toml").write_text(toml)
    company = Company.open(tmp_path)
    for name, contract in tables.items():
        schema = company.table(name).schema()
        promised = {column.name: IBIS_TYPES[column.type] for column in contract.columns}
        assert {c: str(t).removesuffix("(6)") for c, t in schema.items() if c in promised} == {
            c: promised[c] for c in schema if c in promised
        }
        assert len(promised) - len(set(schema) & set(promised)) <= 1  # margin is not asked of a table of no sales
