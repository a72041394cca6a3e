"""Kotler's grid: the published corners, uncertain levels, and whether the margin carries a level."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crm_lib.errors import TooLittleData
from crm_lib.finding import Verdict
from crm_lib.segments import KOTLER_GRID, RELATIONSHIP_LEVELS, finding_basic, relationship_levels
from crm_lib.segments.levels.grid import MARGINS, SIZES

ORDER = [one.name for one in RELATIONSHIP_LEVELS]


def _customers(**groups):
    """Return groups and values: name=(number, lowest value, highest value), evenly spread."""
    names = [name for name, (number, *_) in groups.items() for _ in range(number)]
    values = np.concatenate([np.linspace(low, high, number) for number, low, high in groups.values()])
    index = [f"c{number}" for number in range(len(names))]
    return pd.Series(names, index=index), pd.Series(values, index=index)


def test_the_corners_are_the_textbooks_and_every_step_is_one_level():
    assert KOTLER_GRID["few", "high"] == "partnership"
    assert KOTLER_GRID["many", "low"] == "basic"
    rank = {cell: ORDER.index(level) for cell, level in KOTLER_GRID.items()}
    for row in SIZES:
        assert [rank[row, band] - rank[row, "low"] for band in MARGINS] == [2, 1, 0]
    for band in MARGINS:
        assert [rank[row, band] - rank["many", band] for row in SIZES] == [0, 1, 2]


def test_groups_are_placed_by_number_and_margin():
    groups, value = _customers(top=(10, 900, 1100), middle=(100, 90, 110), mass=(500, 4, 6))
    found = relationship_levels(groups, value, size_cuts=(50, 300), margin_cuts=(50, 500), smallest_group=10)
    assert found.frame["level"].to_dict() == {"top": "partnership", "middle": "accountable", "mass": "basic"}
    assert found.frame["customers"].to_dict() == {"top": 10, "middle": 100, "mass": 500}
    assert found.settled.all()


def test_default_thresholds_are_shares_of_customers_and_multiples_of_the_mean():
    groups, value = _customers(a=(40, 30, 30), b=(160, 5, 5))
    found = relationship_levels(groups, value, days=73)
    assert found.size_cuts == pytest.approx((10, 40))
    mean = 5 * (40 * 30 + 160 * 5) / 200  # carried from 73 days to a year
    assert found.margin_cuts == pytest.approx((mean / 2, mean * 2))
    assert found.frame.loc["a", "margin"] == pytest.approx(150)
    assert found.frame["size"].to_dict() == {"a": "many", "b": "many"}


def test_where_the_interval_crosses_a_threshold_several_levels_are_possible():
    groups, value = _customers(wide=(12, 0, 210), narrow=(200, 99, 101))
    found = relationship_levels(groups, value, size_cuts=(20, 100), margin_cuts=(50, 100.2))
    assert found.frame.loc["wide", "possible"] == ("proactive", "partnership")
    assert found.frame.loc["wide", "level"] == "partnership"
    assert found.frame.loc["narrow", "possible"] == ("reactive",)
    assert found.settled.to_dict() == {"wide": False, "narrow": True}


def test_cost_to_serve_is_deducted_and_gives_the_price_of_a_contact():
    groups, value = _customers(few=(20, 100, 100), many=(180, 100, 100))
    costs = pd.DataFrame({"contacts": 4, "cost": 20.0}, index=groups.index[:20])
    found = relationship_levels(groups, value, costs=costs)
    assert found.frame["margin"].to_dict() == {"few": 80.0, "many": 100.0}
    assert found.frame["serving"].to_dict() == {"few": 20.0, "many": 0.0}
    assert found.contact_cost == 5.0
    assert found.cost_recorded
    assert not relationship_levels(groups, value, costs=costs, contact_cost=5.0).cost_recorded
    assert found.serving_known
    assert "2 contacts at the average recorded cost of £5.00 each" in finding_basic(found, currency="GBP").text
    half = relationship_levels(groups, value, days=73, contact_cost=5.0)
    assert "brought £500 a year by the last 73 days" in finding_basic(half, currency="GBP").text


@pytest.mark.parametrize(("price", "carried"), [(1.0, "yes"), (1000.0, "no"), (5.0, "open")])
def test_a_level_is_carried_when_the_interval_of_the_margin_says_so(price, carried):
    groups, value = _customers(one=(30, 0, 20))
    found = relationship_levels(groups, value, margin_cuts=(1, 5), contact_cost=price)
    assert found.frame["level"].tolist() == ["accountable"]  # all customers are many, and their margin is high
    assert found.frame["level_cost"].tolist() == [2 * price]
    assert found.frame["carried"].tolist() == [carried]


def test_revenue_places_but_carries_nothing():
    groups, value = _customers(one=(30, 10, 20))
    found = relationship_levels(groups, value, value_kind="revenue", contact_cost=1.0)
    assert found.frame["carried"].isna().all()
    with pytest.raises(TooLittleData, match="margin"):
        finding_basic(found, currency="GBP")


def test_small_groups_are_pooled_without_a_level_and_not_valued_while_few():
    groups, value = _customers(big=(50, 5, 6), tiny=(4, 1000, 2000), wee=(3, 0, 1))
    found = relationship_levels(groups, value)
    assert list(found.frame.index) == ["big", "(small groups)"]
    pooled = found.frame.loc["(small groups)"]
    assert pooled["customers"] == 7
    assert pooled[["level", "margin", "low", "high", "level_cost"]].isna().all()
    assert pooled["possible"] == ()


def test_an_own_grid_must_be_whole():
    groups, value = _customers(one=(30, 10, 20))
    own = {**KOTLER_GRID, ("many", "medium"): "basic"}
    assert relationship_levels(groups, value, grid=own).frame.loc["one", "level"] == "basic"
    with pytest.raises(ValueError, match=r"missing: .*'few', 'high'"):
        relationship_levels(groups, value, grid={cell: lev for cell, lev in KOTLER_GRID.items() if cell[0] != "few"})
    with pytest.raises(ValueError, match="unknown: friends"):
        relationship_levels(groups, value, grid={**KOTLER_GRID, ("few", "low"): "friends"})


def test_thresholds_out_of_order_and_no_customers_are_errors():
    groups, value = _customers(one=(30, 10, 20))
    with pytest.raises(ValueError, match="size_cuts must be two numbers in ascending order"):
        relationship_levels(groups, value, size_cuts=(30, 10))
    with pytest.raises(TooLittleData, match="no customers"):
        relationship_levels(groups.iloc[:0], value)
    with pytest.raises(TooLittleData, match="margin_cuts"):
        relationship_levels(groups, -value)
    assert relationship_levels(groups, -value, margin_cuts=(1, 2)).frame["band"].tolist() == ["low"]


@given(st.lists(st.tuples(st.sampled_from("abc"), st.floats(0.5, 1000)), min_size=40, max_size=80), st.randoms())
@settings(max_examples=12, deadline=None)
def test_the_unit_of_money_and_the_order_of_customers_do_not_matter(rows, random):
    groups = pd.Series([group for group, _ in rows])
    value = pd.Series([amount for _, amount in rows])
    first = relationship_levels(groups, value, smallest_group=1)
    places = list(groups.index)
    random.shuffle(places)
    second = relationship_levels(groups[places], 4 * value[places], smallest_group=1)
    for name in ("customers", "level", "possible"):
        assert second.frame[name].to_dict() == first.frame[name].to_dict()


def test_finding_on_basic_service_follows_the_margin_of_the_lowest_group():
    groups, value = _customers(good=(50, 100, 120), poor=(150, 1, 3))
    found = relationship_levels(groups, value, contact_cost=5.0)
    finding = finding_basic(found, currency="GBP")
    assert finding.verdict is Verdict.SUPPORTED  # two contacts cost 10, the margin is 2
    assert finding.estimate.value == pytest.approx(2 - 10)
    assert finding.money_at_stake.value == pytest.approx(150 * 10)
    # 150 customers between £1 and £3; the interval is the mean's, less £10.
    assert finding.text.startswith("A customer of the group poor brought £2.00 last year; 2 contacts at £5.00 each")
    ends = f"[−£{-finding.estimate.low:.2f}, −£{-finding.estimate.high:.2f}]"
    assert finding.text.endswith(f"would have left −£8.00 {ends}.")
    cheap = finding_basic(relationship_levels(groups, value, contact_cost=0.1), currency="GBP")
    assert cheap.verdict is Verdict.NOT_SUPPORTED
    assert "does not show that contacts pay" in cheap.decision
    assert "level of the grid (basic)" in cheap.decision
    with pytest.raises(TooLittleData, match="cost of a contact"):
        finding_basic(relationship_levels(groups, value), currency="GBP")


def test_braces_in_a_name_stay_as_they_are():
    groups, value = _customers(**{"{x} 李": (30, 1, 3)})
    finding = finding_basic(relationship_levels(groups, value, contact_cost=5.0), currency="GBP")
    assert "{x} 李" in finding.text
    assert "{x} 李" in finding.decision
