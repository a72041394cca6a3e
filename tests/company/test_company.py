"""What a company gives to those who analyse it."""

from __future__ import annotations

import datetime as dt
import math
from pathlib import Path

import pandas as pd
import pytest

from crm_lib.company import Company
from crm_lib.company.dictionary import dictionary
from crm_lib.company.report import write_rejected
from crm_lib.errors import MissingData
from crm_lib.schema import TABLES
from tests.companies import transactions, write_company


def test_as_of_is_an_argument_else_a_setting_else_the_last_transaction(tmp_path: Path) -> None:
    folder = write_company(tmp_path / "a", {"transactions": transactions()})
    assert Company.open(folder).as_of == dt.date(2025, 3, 31)
    folder = write_company(tmp_path / "b", {"transactions": transactions()}, as_of=dt.date(2025, 2, 1))
    assert Company.open(folder).as_of == dt.date(2025, 2, 1)
    for as_of in ("2025-03-05", dt.datetime(2025, 3, 5, 12)):  # noqa: DTZ001
        company = Company.open(folder, as_of=as_of)
        assert (company.as_of, len(company.frame("transactions"))) == (dt.date(2025, 3, 5), 6)


def test_what_is_missing_is_said_with_table_and_columns(tmp_path: Path) -> None:
    company = Company.open(write_company(tmp_path / "shop", {"transactions": transactions()}))
    assert company.has("transactions", "revenue")
    assert not company.has("transactions", "revenue", "channel")
    assert not company.has("customers")
    with pytest.raises(MissingData) as caught:
        company.table("transactions", "revenue", "channel", "discount")
    assert (caught.value.table, caught.value.columns) == ("transactions", ("channel", "discount"))
    with pytest.raises(MissingData, match="needs table 'customers'"):
        company.frame("customers")
    with pytest.raises(ValueError, match="no table 'client'"):
        company.table("client")


@pytest.mark.parametrize(
    ("columns", "rate", "expected"),
    [
        ({"margin": [3.0], "cost": [9.0]}, 0.5, 3.0),
        ({"cost": [9.0], "margin_rate": [0.1]}, 0.5, 11.0),
        ({"margin_rate": [0.1]}, 0.5, 2.0),
        ({}, 0.5, 10.0),
        ({"margin": [None], "cost": [9.0]}, None, 11.0),
    ],
)
def test_margin_is_taken_from_the_best_that_is_known(
    columns: dict[str, list[float]], rate: float | None, expected: float, tmp_path: Path
) -> None:
    rows = transactions([("o1", "anna", "2025-01-10", 20.0)]).assign(**columns)
    company = Company.open(write_company(tmp_path / "shop", {"transactions": rows}, margin_rate=rate))
    assert company.has("transactions", "margin")
    assert company.frame("transactions").margin.tolist() == [pytest.approx(expected)]


def test_where_nothing_tells_the_margin_it_is_null_and_nobody_has_it(tmp_path: Path) -> None:
    company = Company.open(write_company(tmp_path / "shop", {"transactions": transactions()}))
    assert not company.has("transactions", "margin")
    assert all(math.isnan(margin) for margin in company.frame("transactions").margin)
    with pytest.raises(MissingData, match="column margin of table 'transactions'"):
        company.table("transactions", "margin")


def test_types_are_those_of_the_schema_whatever_is_written(tmp_path: Path) -> None:
    complaints = pd.DataFrame(
        {
            "customer_id": ["anna", "ben", "cleo"],
            "opened_at": ["2025-01-10 10:00", "2025-02-01", "2025-02-03T08:00:00Z"],
            "closed_at": ["2025-01-11", "", "n/a"],
            "severity": ["3", "5.0", ""],
            "satisfied": ["Yes", "", "0"],
        }
    )
    memberships = pd.DataFrame({"customer_id": ["anna"], "started_at": ["2025-01-10 10:00"], "price": ["9"]})
    tables = {"transactions": transactions(), "complaints": complaints, "memberships": memberships}
    company = Company.open(write_company(tmp_path / "shop", tables))
    schema = {name: str(type_) for name, type_ in company.table("complaints").schema().items()}
    assert schema["severity"] == "int64"
    assert schema["satisfied"] == "boolean"
    assert schema["opened_at"].startswith("timestamp")
    assert str(company.table("memberships").started_at.type()) == "date"
    assert company.frame("complaints").severity.fillna(-1).tolist() == [3, 5, -1]
    assert company.frame("complaints").satisfied.tolist()[0] is True
    assert [fault.kind for fault in company.check_all().table("complaints").faults] == ["time zone"]


def test_attributes_are_kept_and_numbers_among_them_are_numbers(tmp_path: Path) -> None:
    customers = pd.DataFrame({"customer_id": ["anna", "ben"], "loyalty points": ["10", "2.5"], "tier": ["a", ""]})
    customers["postcode"] = ["01234", "99999"]
    tables = {"transactions": transactions(), "customers": customers}
    company = Company.open(write_company(tmp_path / "shop", tables))
    frame = company.frame("customers")
    assert frame["loyalty points"].tolist() == [10.0, 2.5]
    assert frame["postcode"].tolist() == ["01234", "99999"]
    assert company.has("customers", "tier")


def test_a_value_whose_day_of_knowledge_is_not_recorded_is_hidden(tmp_path: Path) -> None:
    complaints = pd.DataFrame({"customer_id": ["anna"], "opened_at": ["2025-01-10"], "satisfied": ["yes"]})
    tables = {"transactions": transactions(), "complaints": complaints}
    company = Company.open(write_company(tmp_path / "shop", tables))
    assert not company.has("complaints", "satisfied")
    (fault,) = company.check_all().table("complaints").faults
    assert (fault.kind, fault.treatment) == ("unknown date", "values hidden")


def test_rejected_rows_are_written_aside_with_line_and_reasons_and_no_formulas(tmp_path: Path) -> None:
    rows = transactions().astype({"revenue": object}).assign(line_id=[str(i) for i in range(7)] + ["0"])
    rows.loc[1, ["revenue", "customer_id"]] = ["=1+1", "-12.5"]
    rows.loc[2, ["revenue", "customer_id"]] = ["@SUM(A1)", None]
    company = Company.open(write_company(tmp_path / "shop", {"transactions": rows}))
    written = write_rejected(company.check, tmp_path / "aside")
    assert list(written) == ["transactions"]
    aside = pd.read_csv(written["transactions"], dtype=str).sort_values("row", key=lambda row: row.astype(int))
    assert list(aside.columns) == ["row", "reasons", *rows.columns]
    assert aside.row.tolist() == ["3", "4", "9"]
    assert aside.reasons.tolist() == [
        "revenue: not a number",
        "customer_id: missing value; revenue: not a number",
        "line_id: repeated key",
    ]
    assert aside.revenue.tolist() == ["'=1+1", "'@SUM(A1)", "45.0"]
    assert aside.customer_id.tolist()[0] == "-12.5"
    # A check without rejected rows removes those of an earlier one.
    company = Company.open(write_company(tmp_path / "good", {"transactions": transactions()}))
    assert write_rejected(company.check, tmp_path / "aside") == {}
    assert not written["transactions"].exists()


def test_the_data_dictionary_is_derived_from_the_schema() -> None:
    written = dictionary()
    assert (Path(__file__).parents[2] / "data" / "README.md").read_text(encoding="utf-8") == written
    for table in TABLES.values():
        assert f"## {table.name}\n" in written
        assert all(f"| `{column.name}` | {column.label} | {column.type} |" in written for column in table.columns)
