"""The demo company opens like any other: the check finds the planted dirt and nothing else."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from crm_lib.company import Company

SETTINGS = Path(__file__).parents[2] / "data" / "demo" / "company.toml"


@pytest.fixture(scope="module")
def opened(small, tmp_path_factory):
    folder = tmp_path_factory.mktemp("companies") / "demo"
    small.write(folder)
    shutil.copy(SETTINGS, folder)
    return Company.open(folder)


def test_the_check_finds_the_planted_dirt_and_nothing_else(opened, small):
    faults = {(fault.table, fault.column): fault.count for table in opened.check.tables for fault in table.faults}
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


def test_names_survive_the_way_through_the_file(opened, small):
    read = opened.frame("customers").set_index("customer_id")["name"]
    assert read.to_dict() == small.tables["customers"].set_index("customer_id")["name"].to_dict()
