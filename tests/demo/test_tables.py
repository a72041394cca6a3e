"""Every table of the demo company fits its contract, apart from the dirt put in on purpose."""

from __future__ import annotations

import pandas as pd
import pytest

from crm_lib.schema import TABLES

DIRTY = {("surveys", "value_for_money")}
"""The column with impossible ratings."""
EMPTY_IN_DEMO = {("transactions", "margin"), ("transactions", "margin_rate"), ("prospects", "contact_allowed")}
"""The demo company states costs, from which the margin follows, and may write to all its prospects."""


@pytest.fixture(params=list(TABLES))
def pair(request, demo):
    return TABLES[request.param], demo.tables[request.param]


def test_all_tables_of_the_schema_are_there_and_none_besides(demo, small):
    assert list(demo.tables) == list(small.tables) == list(TABLES)
    assert all(len(table) > 0 for table in demo.tables.values())


def test_columns_are_those_of_the_contract(pair):
    contract, table = pair
    absent = {name for name in contract.column_names if (contract.name, name) not in EMPTY_IN_DEMO} - set(table)
    assert not absent
    assert contract.open or set(table) <= set(contract.column_names)


def test_required_values_are_there(pair):
    contract, table = pair
    for column in contract.columns:
        if column.required:
            assert table[column.name].notna().all(), column.name


def test_types_are_those_of_the_contract(pair):
    contract, table = pair
    for column in contract.columns:
        if column.name not in table:
            continue
        values = table[column.name].dropna()
        if column.type in {"date", "time"}:
            assert pd.api.types.is_datetime64_dtype(values), column.name
        if column.type == "date":
            assert (values == values.dt.normalize()).all(), column.name
        if column.type in {"number", "money"}:
            assert pd.api.types.is_numeric_dtype(values), column.name
        if column.type == "integer":
            assert pd.api.types.is_integer_dtype(values), column.name
        if column.type == "boolean":
            assert pd.api.types.is_bool_dtype(values), column.name


def test_values_lie_within_bounds_and_choices(pair):
    contract, table = pair
    for column in contract.columns:
        if column.name not in table or (contract.name, column.name) in DIRTY:
            continue
        values = table[column.name].dropna()
        if column.low is not None:
            assert (values >= column.low).all(), column.name
        if column.high is not None:
            assert (values <= column.high).all(), column.name
        if column.choices:
            assert set(values) <= set(column.choices), column.name


def test_keys_name_one_row(pair):
    contract, table = pair
    if contract.name == "transactions":
        table = table.drop_duplicates()
    if contract.key:
        assert not table.duplicated(list(contract.key)).any()


def test_no_event_lies_outside_the_three_years(pair):
    contract, table = pair
    when = table[contract.happened_at]
    assert when.min() >= pd.Timestamp(2023, 7, 1)
    assert when.max() < pd.Timestamp(2026, 7, 1)


@pytest.mark.parametrize("table", [name for name, contract in TABLES.items() if "customer_id" in contract.column_names])
def test_customers_named_are_customers(demo, table):
    named = demo.tables[table]["customer_id"].dropna()
    assert named.isin(demo.tables["customers"]["customer_id"]).all()
