"""Decisions: changes are those of the segments, chance is not called change, small groups are pooled."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from crm_lib.company import Company
from crm_lib.errors import TooLittleData
from crm_lib.segments import (
    SEGMENT_RULES,
    Interval,
    Rule,
    SegmentDefinitions,
    customer_window,
    decisions,
    relationship_levels,
    rfm_decisions,
    rfm_scores,
    segment_customers,
    window_before,
)
from crm_lib.statistics import holm
from tests.companies import write_company
from tests.segments.conftest import shop_tables


def _window(groups, seed, *, mean=None, present=0.7):
    """Return a window of customers of fixed groups who come by chance and bring amounts of their own."""
    rng = np.random.default_rng(seed)
    means = groups.map(mean or {}).fillna(20.0).to_numpy(dtype=float)
    amounts = rng.gamma(0.8, means / 0.8)
    frame = pd.DataFrame({"margin": amounts, "revenue": 2 * amounts}, index=groups.index)
    return frame[rng.random(len(frame)) < present]


@pytest.fixture(scope="module")
def groups():
    index = pd.Index([f"c{number:04d}" for number in range(3000)], name="customer_id")
    return pd.Series(np.repeat(["a", "b", "c"], [500, 1000, 1500]), index=index)


def test_sums_and_changes_are_what_adding_up_gives(groups):
    now, before = _window(groups, 1), _window(groups, 2)
    made = decisions(groups, now, groups_before=groups, window_before=before)
    for name, row in made.frame.iterrows():
        members = groups.index[groups == name]
        a, b = now[now.index.isin(members)], before[before.index.isin(members)]
        assert row["customers"] == len(a)
        assert row["value"] == pytest.approx(a["margin"].sum())
        assert row["margin_rate"] == pytest.approx(0.5)
        assert row["customers_change"] == len(a) - len(b)
        assert row["value_change"] == pytest.approx(a["margin"].sum() - b["margin"].sum())
    assert made.frame["value_share"].sum() == pytest.approx(1)
    assert made.looks == 6


def test_members_are_those_of_their_own_time(groups):
    # Everybody brings the same, and half of a becomes b: a loses half its value though each member brings as much.
    window = pd.DataFrame({"margin": 10.0, "revenue": 20.0}, index=groups.index)
    later = groups.where(~((groups == "a") & (np.arange(3000) < 250)), "b")
    frame = decisions(later, window, groups_before=groups, window_before=window).frame
    assert frame["value_change"].to_dict() == {"a": -2500.0, "b": 2500.0, "c": 0.0}
    assert frame["change"].to_dict() == {
        "a": "fewer customers, less value",
        "b": "more customers, more value",
        "c": "no detectable change",
    }


def test_newcomers_alone_have_the_interval_of_a_poisson_count():
    # 40 new customers and none lost; Garwood's exact interval of the mean of a count of 40 is 28.6 to 54.5.
    old = pd.Series("x", index=[f"o{number}" for number in range(100)])
    new = pd.Series("x", index=[*old.index, *(f"n{number}" for number in range(40))])
    window = pd.DataFrame({"margin": 1.0, "revenue": 1.0}, index=new.index)
    row = decisions(new, window, groups_before=old, window_before=window.loc[old.index]).frame.loc["x"]
    assert row["customers_change"] == 40
    assert row["customers_change_low"] == pytest.approx(stats.chi2.ppf(0.025, 80) / 2, abs=0.5)
    assert row["customers_change_high"] == pytest.approx(stats.chi2.ppf(0.975, 82) / 2, abs=0.5)


def _simulate(groups, samples, seed, *, growth=1.0):
    """Return the share of samples with a false alarm, and how often the interval of a's value covers the truth."""
    false, covered = [], []
    for number in range(samples):
        now = _window(groups, (seed, number, 1), mean={"a": 100.0 * growth})
        before = _window(groups, (seed, number, 2), mean={"a": 100.0})
        frame = decisions(groups, now, groups_before=groups, window_before=before).frame
        unchanged = frame if growth == 1 else frame.drop(index="a")
        false.append((unchanged["change"] != "no detectable change").any())
        truth = (groups == "a").sum() * 0.7 * 100 * (growth - 1)
        covered.append(frame.loc["a", "value_change_low"] <= truth <= frame.loc["a", "value_change_high"])
    return float(np.mean(false)), float(np.mean(covered))


def test_chance_is_seldom_called_change_and_intervals_cover(groups):
    false, covered = _simulate(groups.iloc[::5], 50, 3)
    assert false <= 0.12
    assert covered >= 0.88


@pytest.mark.validate
@pytest.mark.parametrize("growth", [1.0, 1.5])
def test_chance_is_seldom_called_change_in_long_simulations(groups, growth):
    false, covered = _simulate(groups.iloc[::5], 2000, 4, growth=growth)
    assert false <= 0.055
    assert 0.935 <= covered <= 0.985


def test_real_growth_is_named(groups):
    now = _window(groups, 5, mean={"b": 40.0})
    made = decisions(groups, now, groups_before=groups, window_before=_window(groups, 6))
    assert made.frame["change"].to_dict() == {
        "b": "more value",
        "a": "no detectable change",
        "c": "no detectable change",
    }


def test_small_groups_and_those_of_one_window_only_are_pooled(groups):
    window = _window(groups, 7, present=1.0)
    named = groups.copy()
    named.iloc[:4] = "tiny"
    before = groups.copy()
    before.iloc[:30] = "vanished"
    frame = decisions(named, window, groups_before=before, window_before=window).frame
    assert list(frame.index)[-1] == "(small groups)"
    assert frame.loc["(small groups)", "customers"] == 4
    assert np.isnan(frame.loc["(small groups)", "value"])
    assert "vanished" not in frame.index


def test_actions_come_from_the_segment_then_from_the_level(groups):
    renamed = groups.replace({"a": "Champions"})
    window = _window(groups, 8)
    levels = relationship_levels(renamed.reindex(window.index), window["margin"], contact_cost=1.0)
    frame = decisions(renamed, window, levels=levels).frame
    assert frame.loc["Champions", "action"] == SEGMENT_RULES[0].action
    assert frame.loc["b", "action"].startswith(("Ask", "Write", "Sell", "Work"))
    assert frame.loc["b", "level"] == levels.frame.loc["b", "level"]
    own = decisions(renamed, window, levels=levels, actions={"b": "Wait."}).frame
    assert own.loc["b", "action"] == "Wait."


def test_wrong_arguments_are_refused(groups):
    window = _window(groups, 9)
    with pytest.raises(ValueError, match="both its groups and its values"):
        decisions(groups, window, groups_before=groups)
    with pytest.raises(ValueError, match="has no column 'margin'"):
        decisions(groups, window[["revenue"]])
    with pytest.raises(TooLittleData, match="no customer"):
        decisions(groups.iloc[:0], window)


def test_holm_by_hand():
    # Sorted .01 .02 .03 .04: times 4, 3, 2, 1 and never falling.
    assert holm(np.array([0.04, 0.01, 0.03, 0.02])).tolist() == pytest.approx([0.06, 0.04, 0.06, 0.06])


def test_the_window_before_is_cut_by_todays_rule(shop):
    window = customer_window(shop, days=365)
    segmented = segment_customers(shop, SegmentDefinitions())
    rfm = segmented.rfm
    made = rfm_decisions(shop, segmented, window)
    earlier = customer_window(shop, days=365, ending=dt.date(2025, 6, 30))
    by_hand = rfm_scores(earlier, as_of=dt.date(2025, 6, 30), cut_points=rfm.cut_points).frame["segment"]
    now = rfm.frame["segment"].value_counts()
    row = made.frame.loc["Champions"]
    assert row["customers_change"] == now["Champions"] - (by_hand == "Champions").sum()


@pytest.mark.parametrize("base", ["buyers", "known"])
def test_the_window_before_follows_the_companys_own_rules(shop, base):
    often = Rule(name="often", when={"monetary": Interval(above=60.0), "frequency": Interval(above=1)}, action="Thank.")
    rules = (often, Rule(name="others", otherwise=True, action="Ask."))
    segmented = segment_customers(shop, SegmentDefinitions(rules=rules, monetary="margin", base=base))
    window = customer_window(shop, days=365)
    frame = rfm_decisions(shop, segmented, window).frame
    earlier = customer_window(shop, days=365, ending=dt.date(2025, 6, 30))
    counts = [((each["margin"] > 60) & (each["orders"] > 1)).sum() for each in (window, earlier)]
    assert frame.loc["often", "customers"] == counts[0]
    assert frame.loc["often", "customers_change"] == counts[0] - counts[1]
    assert frame["action"].to_dict() == {"often": "Thank.", "others": "Ask."}


def test_a_window_that_the_data_cut_short_is_no_comparison(tmp_path):
    lines = shop_tables()["transactions"].query("ordered_at >= '2025-01-15'")
    company = Company.open(
        write_company(tmp_path / "young", {"transactions": lines}, how="parquet", as_of="2026-06-30")
    )
    assert window_before(company, days=365) is None
    assert window_before(company, days=260) is not None
    window = customer_window(company, days=365)
    made = rfm_decisions(company, segment_customers(company, SegmentDefinitions()), window)
    assert not made.compared
    assert "change" not in made.frame
