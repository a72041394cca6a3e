"""Kotler's grid and decisions: published corners, changes by arithmetic, chance not called change, small groups."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from crm_lib.company import Company
from crm_lib.customers import customer_window
from crm_lib.customers.window import Basis
from crm_lib.errors import TooLittleData
from crm_lib.finding import Verdict
from crm_lib.segments import (
    RELATIONSHIP_LEVELS,
    SegmentDefinitions,
    decisions,
    finding_basic,
    relationship_levels,
    segment_customers,
)
from crm_lib.segments.decisions import _held, changes, window_before
from crm_lib.segments.relationship_levels import BANDS, KOTLER_GRID, SIZES, place_groups
from tests.companies import write_company
from tests.segments.conftest import shop_tables
from tests.segments.rfm.reference import rfm_scores

ORDER = [one.name for one in RELATIONSHIP_LEVELS]


def customers(**groups):
    """Return groups and values: name=(number, lowest value, highest value), evenly spread."""
    names = [name for name, (number, *_) in groups.items() for _ in range(number)]
    values = np.concatenate([np.linspace(low, high, number) for number, low, high in groups.values()])
    index = [f"c{number}" for number in range(len(names))]
    return pd.Series(names, index=index), pd.Series(values, index=index)


def placed(groups, value, *, each=None, kind="margin", days=365):
    """Place groups of whom, where `each` is given, every customer has one contact of that cost."""
    costs = None if each is None else pd.DataFrame({"contacts": 1, "cost": each}, index=groups.index)
    return place_groups(groups, value, Basis(kind=kind, currency="GBP", days=days), costs)


def test_the_corners_are_the_textbooks_and_every_step_is_one_level():
    assert KOTLER_GRID["few", "high"] == "partnership"
    assert KOTLER_GRID["many", "low"] == "basic"
    rank = {cell: ORDER.index(level) for cell, level in KOTLER_GRID.items()}
    assert all([rank[size, band] - rank[size, "low"] for band in BANDS] == [0, 1, 2] for size in SIZES)
    assert all([rank[size, band] - rank["many", band] for size in SIZES] == [2, 1, 0] for band in BANDS)


def test_groups_are_placed_by_number_and_margin_against_shares_and_the_mean():
    found = placed(*customers(top=(20, 900, 1100), middle=(100, 90, 110), mass=(500, 4, 6)), days=73)
    mean = 5 * (20 * 1000 + 100 * 100 + 500 * 5) / 620  # carried from 73 days to a year
    assert found.margin_cuts == pytest.approx((mean / 2, mean * 2))
    assert found.size_cuts == pytest.approx((31, 124))
    assert found.frame["level"].to_dict() == {"top": "partnership", "middle": "accountable", "mass": "basic"}
    assert found.frame.loc["middle", "margin"] == pytest.approx(500)


def test_where_the_interval_crosses_a_threshold_several_levels_are_possible():
    frame = placed(*customers(wide=(10, 0, 420), narrow=(200, 99, 101))).frame
    assert frame.loc["wide", "possible"] == ("proactive", "partnership")
    assert frame.loc["narrow", "possible"] == ("reactive",)


def test_cost_to_serve_is_deducted_and_gives_the_price_of_a_contact():
    groups, value = customers(few=(20, 100, 100), many=(180, 100, 100))
    costs = pd.DataFrame({"contacts": 4, "cost": 20.0}, index=groups.index[:20])
    found = place_groups(groups, value, Basis(currency="GBP"), costs)
    assert found.frame["margin"].to_dict() == {"few": 80.0, "many": 100.0}
    assert found.frame["serving"].to_dict() == {"few": 20.0, "many": 0.0}
    assert found.contact_cost == 5.0
    assert "2 contacts at £5.00 each" in finding_basic(found).text


@pytest.mark.parametrize(("price", "carried"), [(4.0, "yes"), (6.0, "open"), (9.0, "no")])
def test_a_level_is_carried_when_the_interval_of_the_margin_says_so(price, carried):
    frame = placed(*customers(one=(30, 0, 20)), each=price).frame
    assert frame["level"].tolist() == ["reactive"]  # all customers are many, and their margin is the mean
    assert frame["level_cost"].tolist() == [0.5 * price]
    # The margin left is 10 less the price, give or take 2.3 (t with 29 degrees of freedom).
    assert frame["carried"].tolist() == [carried]


def test_small_groups_are_pooled_without_a_level_and_not_valued_while_few():
    frame = placed(*customers(big=(50, 5, 6), tiny=(4, 1000, 2000), wee=(3, 0, 1))).frame
    assert list(frame.index) == ["big", "(small groups)"]
    pooled = frame.loc["(small groups)"]
    assert pooled["customers"] == 7
    assert pooled[["level", "margin", "low", "high", "level_cost"]].isna().all()
    assert pooled["possible"] == ()
    with pytest.raises(TooLittleData, match="bring nothing"):
        placed(*customers(one=(30, -20, -10)))


def test_finding_on_basic_service_follows_the_margin_of_the_lowest_group():
    groups, value = customers(good=(50, 105, 125), poor=(150, 6, 8))
    finding = finding_basic(placed(groups, value, each=5.0))
    assert finding.verdict is Verdict.SUPPORTED  # after its contact, poor leaves 2, and two more contacts cost 10
    assert finding.estimate.value == pytest.approx(2 - 10)
    assert finding.money_at_stake.value == pytest.approx(150 * 10)
    assert "A customer in the group poor brings £2.00 a year" in finding.text
    cheap = finding_basic(placed(groups, value, each=0.1))
    assert cheap.verdict is Verdict.NOT_SUPPORTED
    assert "does not prove they pay" in cheap.decision
    odd = finding_basic(placed(*customers(**{"{x} 李": (30, 6, 8)}), each=5.0))
    assert "{x} 李" in odd.text + odd.decision
    with pytest.raises(TooLittleData, match="cost of a contact"):
        finding_basic(placed(groups, value))


def window(groups, seed, mean=None):
    """Return customers of fixed groups who come by chance (70 %) and bring amounts of their own."""
    rng = np.random.default_rng(seed)
    means = groups.map(mean or {}).fillna(20.0).to_numpy(dtype=float)
    frame = pd.DataFrame({"group": groups, "value": rng.gamma(0.8, means / 0.8)})
    return frame[rng.random(len(frame)) < 0.7]


@pytest.fixture(scope="module")
def groups():
    index = pd.Index([f"c{number:04d}" for number in range(3000)], name="customer_id")
    return pd.Series(np.repeat(["a", "b", "c"], [500, 1000, 1500]), index=index)


def held(frame):
    return {name: _held(row) for name, row in frame.to_dict("index").items()}


def test_changes_are_those_of_the_members_of_their_own_time(groups):
    # Everybody brings the same, and half of a becomes b: a loses half its value though each member brings as much.
    before = pd.DataFrame({"group": groups, "value": 10.0})
    later = groups.where(~((groups == "a") & (np.arange(3000) < 250)), "b")
    found = changes(before.assign(group=later), before)
    assert found["value_change"].to_dict() == {"a": -2500.0, "b": 2500.0, "c": 0.0}
    assert held(found) == {"a": ("fewer customers", "less value"), "b": ("more customers", "more value"), "c": ()}


def test_newcomers_alone_have_the_interval_of_a_poisson_count():
    # 40 new customers and none lost; Garwood's exact interval of the mean of a count of 40 is 28.6 to 54.5.
    new = pd.DataFrame({"group": "x", "value": 1.0}, index=[f"n{number}" for number in range(140)])
    row = changes(new, new.iloc[:100]).loc["x"]
    assert row["customers_change"] == 40
    assert row["customers_change_low"] == pytest.approx(stats.chi2.ppf(0.025, 80) / 2, abs=0.5)
    assert row["customers_change_high"] == pytest.approx(stats.chi2.ppf(0.975, 82) / 2, abs=0.5)


def simulate(groups, samples, seed, *, growth=1.0):
    """Return the share of samples with a false alarm, and how often the interval of a's value covers the truth."""
    false, covered = [], []
    for number in range(samples):
        now, before = (window(groups, (seed, number, k), {"a": 100.0 * g}) for k, g in ((1, growth), (2, 1.0)))
        frame = changes(now, before)
        unchanged = frame if growth == 1 else frame.drop(index="a")
        false.append(any(held(unchanged).values()))
        truth = (groups == "a").sum() * 0.7 * 100 * (growth - 1)
        covered.append(frame.loc["a", "value_change_low"] <= truth <= frame.loc["a", "value_change_high"])
    return float(np.mean(false)), float(np.mean(covered))


def test_chance_is_seldom_called_change_and_intervals_cover(groups):
    false, covered = simulate(groups.iloc[::5], 40, 3)
    assert false <= 0.13
    assert covered >= 0.88


@pytest.mark.validate
@pytest.mark.parametrize("growth", [1.0, 1.5])
def test_chance_is_seldom_called_change_in_long_simulations(groups, growth):
    false, covered = simulate(groups.iloc[::5], 1500, 4, growth=growth)
    assert false <= 0.055
    assert 0.935 <= covered <= 0.985


def test_real_growth_is_named(groups):
    assert held(changes(window(groups, 5, {"b": 40.0}), window(groups, 6))) == {"a": (), "b": ("more value",), "c": ()}


def test_the_window_before_is_cut_by_todays_rule_and_levels_stand_beside(shop):
    segmented = segment_customers(shop, SegmentDefinitions())
    levels = relationship_levels(shop, segmented)
    made = decisions(shop, segmented, levels)
    earlier = customer_window(shop, days=365, ending=dt.date(2025, 6, 30))
    by_hand = rfm_scores(earlier, as_of=dt.date(2025, 6, 30), cut_points=segmented.rfm.cut_points).frame["segment"]
    now = segmented.rfm.frame["segment"].value_counts()
    assert made.frame.loc["Champions", "customers_change"] == now["Champions"] - (by_hand == "Champions").sum()
    assert made.frame.loc["Champions", "level"] == levels.frame.loc["Champions", "level"]
    assert made.frame["value"].iloc[:-1].is_monotonic_decreasing


def test_a_window_that_the_data_cut_short_is_no_comparison(tmp_path):
    lines = shop_tables()["transactions"].query("ordered_at >= '2025-01-15'")
    company = Company.open(
        write_company(tmp_path / "young", {"transactions": lines}, how="parquet", as_of="2026-06-30")
    )
    with pytest.raises(TooLittleData, match="do not reach back so far"):
        window_before(company, days=365)
    assert window_before(company, days=260) == dt.date(2025, 10, 13)
    made = decisions(company, segment_customers(company, SegmentDefinitions()))
    assert not made.compared
    assert "change" not in made.frame
