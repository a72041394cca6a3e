"""Every table of the demo company fits its contract and looks like a shop, apart from the dirt put in on purpose."""

from __future__ import annotations

import math
import shutil
from pathlib import Path

import pandas as pd
import pytest

from crm_lib.company import Company
from crm_lib.demo.opinions import IMPOSSIBLE
from crm_lib.schema import TABLES

SETTINGS = Path(__file__).parents[2] / "data" / "demo" / "company.toml"

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


def near(count: int, n: int, share: float) -> bool:
    """Whether a count is within four standard errors of what the share makes expect."""
    return abs(count - n * share) < 4 * math.sqrt(n * share * (1 - share)) + 1


def test_some_lines_are_entered_twice_under_one_number(demo):
    lines, dirt = demo.tables["transactions"], demo.parameters.dirt
    twice = lines.duplicated("line_id")
    assert (lines.duplicated() == twice).all()
    assert near(int(twice.sum()), len(lines), dirt.duplicates)


def test_some_lines_enter_the_books_days_late(demo):
    lines, dirt = demo.tables["transactions"].drop_duplicates("line_id"), demo.parameters.dirt
    delay = lines["recorded_at"] - lines["ordered_at"]
    late = delay > pd.Timedelta(0)
    assert (delay[~late] == pd.Timedelta(0)).all()
    assert delay[late].between(pd.Timedelta(days=1), pd.Timedelta(days=10)).all()
    assert near(int(late.sum()), len(lines), dirt.late)
    assert (lines["recorded_at"] >= "2026-07-01").any()


@pytest.mark.parametrize(
    ("table", "column", "share"),
    [
        ("transactions", "category", "category_missing"),
        ("customers", "region", "region_missing"),
    ],
)
def test_some_values_are_missing(demo, table, column, share):
    values = demo.tables[table][column]
    assert near(int(values.isna().sum()), len(values), getattr(demo.parameters.dirt, share))


def test_a_handful_of_ratings_are_impossible(demo, small):
    for company, number in ((demo, 6), (small, 6)):
        ratings = company.tables["surveys"]["value_for_money"].dropna()
        assert (~ratings.between(1, 10)).sum() == number
        assert set(ratings[~ratings.between(1, 10)]) == set(IMPOSSIBLE)


def test_names_are_those_of_real_people_and_one_that_is_not(demo, small):
    for company in (demo, small):
        names = company.tables["customers"]["name"]
        assert names.str.startswith("<script>").sum() == 1
        assert names.str.contains("'").any()
        assert names.str.contains("[éøłñ]").any()
    assert demo.tables["customers"]["name"].str.contains("[一-鿿]").any()


@pytest.fixture(scope="module")
def opened(small, tmp_path_factory):
    folder = tmp_path_factory.mktemp("companies") / "demo"
    small.write(folder)
    shutil.copy(SETTINGS, folder)
    return Company.open(folder)


def test_the_check_finds_the_planted_dirt_and_nothing_else(opened, small):
    faults = {(fault.table, fault.column): fault.count for table in opened.check_all().tables for fault in table.faults}
    twice = int(small.tables["transactions"].duplicated("line_id").sum())
    assert faults == {("transactions", "line_id"): twice, ("surveys", "value_for_money"): 6}


def test_all_tables_are_there_with_all_their_rows(opened, small):
    assert set(opened.tables) == set(small.tables)
    for name, table in small.tables.items():
        expected = (
            table.drop_duplicates("line_id").query("recorded_at < '2026-07-01'") if name == "transactions" else table
        )
        assert len(opened.frame(name)) == len(expected), name


def test_the_margin_follows_from_the_cost(opened):
    lines = opened.frame("transactions")
    assert opened.has("transactions", "margin")
    assert (lines["margin"] - (lines["revenue"] - lines["cost"])).abs().max() < 1e-9


@pytest.fixture(scope="module")
def lines(demo):
    lines = demo.tables["transactions"].drop_duplicates("line_id")
    return lines.assign(margin=lines["revenue"] - lines["cost"])


@pytest.fixture(scope="module")
def last_year(lines):
    return lines[lines["ordered_at"] >= "2025-07-01"]


def test_a_million_a_year_at_a_plausible_margin(last_year, lines):
    assert 0.8e6 < last_year["revenue"].sum() < 2e6
    assert 0.35 < last_year["margin"].sum() / last_year["revenue"].sum() < 0.42
    assert 100_000 < len(lines) < 250_000


def test_a_fifth_of_the_customers_bring_most_of_the_margin(last_year):
    margin = last_year.groupby("customer_id")["margin"].sum().sort_values(ascending=False)
    top = margin.head(round(len(margin) / 5)).sum() / margin.sum()
    assert 0.60 < top < 0.78


def test_a_modest_christmas_peak(lines):
    months = lines.groupby(lines["ordered_at"].dt.to_period("M"))["revenue"].sum()
    for year in (2024, 2025):
        peak = months[pd.Period(f"{year}-12")] / months[f"{year}-01" : f"{year}-12"].mean()
        assert 1.2 < peak < 1.8


def test_more_promoters_than_detractors(demo):
    surveys = demo.tables["surveys"]
    answers = surveys.loc[surveys["brand"].isna(), "recommendation"]
    assert 0.2 < (answers >= 9).mean() - (answers <= 6).mean() < 0.4


def test_letters_help_some_customers_and_harm_others(demo):
    effects = demo.truth["uplift"].query("arm == 'email_voucher'")
    gain = effects.loc[effects["usual_orders"] > 0, "profit"]
    assert 0.05 < (gain < 0).mean() < 0.7
    assert gain.mean() > 0
