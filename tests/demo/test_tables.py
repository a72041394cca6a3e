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


def test_no_event_lies_outside_the_three_years(pair):
    contract, table = pair
    when = table[contract.happened_at]
    assert when.min() >= pd.Timestamp(2023, 7, 1)
    assert when.max() < pd.Timestamp(2026, 7, 1)


@pytest.mark.parametrize("table", [name for name, contract in TABLES.items() if "customer_id" in contract.column_names])
def test_customers_named_are_customers(demo, table):
    named = demo.tables[table]["customer_id"].dropna()
    assert named.isin(demo.tables["customers"]["customer_id"]).all()


def near(mask: pd.Series[bool], share: float) -> bool:
    """Whether as many are true as the share makes expect, within four standard errors."""
    return abs(mask.mean() - share) < 4 * math.sqrt(share * (1 - share) / len(mask)) + 1 / len(mask)


def test_the_dirt_is_as_frequent_as_was_said(demo, lines):
    dirt, twice = demo.parameters.dirt, demo.tables["transactions"].duplicated("line_id")
    assert (demo.tables["transactions"].duplicated() == twice).all()
    assert near(twice, dirt.duplicates)
    assert near(demo.tables["transactions"]["category"].isna(), dirt.category_missing)
    assert near(demo.tables["customers"]["region"].isna(), dirt.region_missing)
    delay = lines["recorded_at"] - lines["ordered_at"]
    late = delay > pd.Timedelta(0)
    assert (delay[~late] == pd.Timedelta(0)).all()
    assert delay[late].between(pd.Timedelta(days=1), pd.Timedelta(days=10)).all()
    assert near(late, dirt.late)
    assert (lines["recorded_at"] >= "2026-07-01").any()


def test_a_handful_of_ratings_are_impossible(demo, small):
    for company in (demo, small):
        ratings = company.tables["surveys"]["value_for_money"].dropna()
        assert sorted(ratings[~ratings.between(1, 10)]) == sorted(IMPOSSIBLE)


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


def test_it_looks_like_a_shop(demo, lines):
    """A million a year at a plausible margin, most of it from a fifth of the customers; a modest Christmas peak."""
    year = lines[lines["ordered_at"] >= "2025-07-01"]
    margin = (year["revenue"] - year["cost"]).groupby(year["customer_id"]).sum().sort_values(ascending=False)
    assert 0.8e6 < year["revenue"].sum() < 2e6
    assert 0.35 < margin.sum() / year["revenue"].sum() < 0.42
    assert 0.60 < margin.head(round(len(margin) / 5)).sum() / margin.sum() < 0.78
    assert 100_000 < len(lines) < 250_000
    months = lines.groupby(lines["ordered_at"].dt.to_period("M"))["revenue"].sum()
    for one in ("2024", "2025"):
        assert 1.2 < months[f"{one}-12"] / months[f"{one}-01" : f"{one}-12"].mean() < 1.8
    answers = demo.tables["surveys"].query("brand.isna()")["recommendation"]
    assert 0.2 < (answers >= 9).mean() - (answers <= 6).mean() < 0.4


def test_letters_help_some_customers_and_harm_others(demo):
    gain = demo.truth["uplift"].query("arm == 'email_voucher' and usual_orders > 0")["profit"]
    assert 0.05 < (gain < 0).mean() < 0.7
    assert gain.mean() > 0
