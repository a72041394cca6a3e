"""Relationship levels, decisions and target lists of companies with next to nothing: a result or a stated reason."""

from __future__ import annotations

import pandas as pd
import pytest

from crm_lib import figures, segments
from crm_lib.company import Company
from crm_lib.exhibit import Skipped, when_possible
from tests.companies import transactions, write_company
from tests.segments.test_small_companies import CASES


@pytest.fixture(params=CASES)
def shop(request, tmp_path):
    lines = transactions(CASES[request.param])
    return Company.open(write_company(tmp_path / "small", {"transactions": lines}, as_of="2025-03-31"))


def test_every_step_gives_a_result_or_a_reason(shop):
    window = segments.customer_window(shop, days=365)
    value = window["revenue"]
    rfm = segments.rfm_scores(window, as_of=shop.as_of)
    tier = pd.Series("key", index=window.index)
    core = when_possible("core", segments.compare_core, shop, tier=tier, value=value, orders=window["orders"])
    assert isinstance(core, Skipped)
    costs = segments.known_serving_costs(shop)
    assert costs is None
    placed = when_possible(
        "levels", segments.relationship_levels, rfm.frame["segment"], value, costs=costs, value_kind="revenue"
    )
    grid = when_possible("grid", figures.relationship_grid, placed, currency="GBP")
    assert isinstance(grid, Skipped)
    made = segments.rfm_decisions(shop, segments.segment_customers(shop, segments.SegmentDefinitions()), window)
    assert not made.compared
    # Nobody is valued in a group of fewer than ten.
    assert list(made.frame.index) == ["(small groups)"]
    assert made.frame["value"].isna().all()
    assert "(small groups)" in figures.decisions_table(made, currency="GBP").to_html()
    lists = segments.target_lists(shop, segments.segment_customers(shop, segments.SegmentDefinitions()))
    html = figures.target_list_table(lists, currency="GBP").to_html()
    assert "<script" not in html
    assert figures.target_summary_table(lists, currency="GBP").to_dict()["rows"]
