from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd
import pytest

from crm_lib.company import Company
from crm_lib.errors import TooLittleData
from crm_lib.estimate import Estimate
from crm_lib.finding import Verdict
from crm_lib.segments import (
    compare_groupings,
    customer_window,
    earlier_groupings,
    finding_clusters_predict,
    predictive_value,
    value_tiers,
)
from crm_lib.segments.clusters.predictive_value import in_points
from tests.companies import write_company
from tests.segments.conftest import shop_tables

WHEN = {"scored_on": dt.date(2026, 4, 1), "days": 90, "value_kind": "margin"}


def _compare(groupings, after, **settings):
    return compare_groupings(groupings, after, **WHEN, **({"resamples": 199} | settings))


def test_share_explained_by_hand():
    # 120 customers: groups of 60 bring 0 or 2, and 8 or 10, half of them each.
    group = pd.Series(np.repeat(["low", "high"], 60))
    after = pd.Series(np.concatenate([np.repeat([0.0, 2.0], 30), np.repeat([8.0, 10.0], 30)]))
    table = _compare({"known": group}, after).table
    # Leaving one out stretches deviations by n / (n - 1): within groups of 60 they are 1, from the whole mean of 5 they
    # have the mean square (25 + 9 + 9 + 25) / 4.
    assert table.loc["known", "explained"] == pytest.approx(1 - (60 / 59) ** 2 / (17 * (120 / 119) ** 2))
    # The best fifth, 24 of the 60 best who bring 9 on average, of 600 in all.
    assert table.loc["known", "captured"] == pytest.approx(24 * 9 / 600)


def test_groups_made_by_chance_explain_nothing_however_many():
    rng = np.random.default_rng(1)
    after = pd.Series(rng.gamma(0.5, 40, 3000))
    table = _compare({"many": pd.Series(rng.integers(0, 200, 3000)), "few": pd.Series(rng.integers(0, 3, 3000))}, after)
    assert table.table["explained"].max() < 0.01
    assert (table.table["low"] <= 0).all()


@pytest.mark.parametrize("n", [400])
def test_interval_of_the_difference_covers(n):
    # Later value is the sum of two parts, each told by one grouping, and noise: the shares follow from the variances.
    rng = np.random.default_rng(11)
    one, other, noise = 1.0, 0.6, 2.0
    true = (one**2 - other**2) / (one**2 + other**2 + noise**2)
    covered, tries = 0, 80
    for seed in range(tries):
        first, second = rng.choice([-1.0, 1.0], n), rng.choice([-1.0, 1.0], n)
        after = pd.Series(10 + one * first + other * second + noise * (rng.gamma(1, 1, n) - 1))
        found = _compare({"a": pd.Series(first), "b": pd.Series(second)}, after, seed=seed)
        difference = found.difference("a", "b")
        covered += difference.low <= true <= difference.high
    assert covered / tries >= 0.95 - 3 * np.sqrt(0.95 * 0.05 / tries)


def test_better_grouping_is_found_better_and_no_better_one_is_not():
    rng = np.random.default_rng(3)
    worth = rng.gamma(1, 50, 2000)
    after = pd.Series(worth * rng.gamma(2, 0.5, 2000))
    good = pd.Series(pd.qcut(worth, 6, labels=False))
    chance = pd.Series(rng.integers(0, 6, 2000))
    ahead = finding_clusters_predict(_compare({"clusters": good, "RFM segments": chance}, after), currency="GBP")
    behind = finding_clusters_predict(_compare({"clusters": chance, "RFM segments": good}, after), currency="GBP")
    assert ahead.verdict is Verdict.SUPPORTED
    assert behind.verdict is Verdict.NOT_SUPPORTED
    assert "Keep RFM segments" in behind.decision
    assert ahead.money_at_stake.value == pytest.approx(behind.money_at_stake.value)
    assert "by RFM segments brought more" in behind.money_note


def test_budgets_follow_the_grouping_that_tells_most():
    rng = np.random.default_rng(3)
    worth = rng.gamma(1, 50, 2000)
    after = pd.Series(worth * rng.gamma(2, 0.5, 2000))
    fine, halves = (pd.Series(pd.qcut(worth, count, labels=False)) for count in (6, 2))
    chance = pd.Series(rng.integers(0, 6, 2000))
    third = {"clusters": chance, "RFM segments": halves, "value tiers": fine}
    compared = _compare(third, after)
    told = finding_clusters_predict(compared, currency="GBP").decision
    most = compared.table.loc["value tiers", "explained"]
    assert f"value tiers tell most ({most:.1%}): set budgets by value tiers, use RFM segments for" in told
    # As good as the third, and not shown to be worse: the third is not set above it.
    as_good = _compare(third | {"RFM segments": fine}, after)
    assert "Keep RFM segments" in finding_clusters_predict(as_good, currency="GBP").decision


def test_differences_of_shares_are_told_in_percentage_points():
    difference = Estimate(value=-0.013, low=-0.029, high=0.001, n=3632, method="bootstrap", unit="share")
    assert str(in_points(difference)) == "−1.3 [−2.9, 0.1] percentage points"
    rng = np.random.default_rng(4)
    after = pd.Series(rng.gamma(1, 50, 300))
    groups = {name: pd.Series(rng.integers(0, 3, 300)) for name in ("clusters", "RFM segments")}
    compared = _compare(groups, after)
    found = finding_clusters_predict(compared, currency="GBP", at_least=0.02)
    assert found.criterion.low == 2.0
    assert found.estimate.value == pytest.approx(100 * compared.difference("clusters", "RFM segments").value)


def test_order_of_rows_and_names_of_customers_change_nothing():
    rng = np.random.default_rng(5)
    after, group = pd.Series(rng.gamma(1, 9, 300)), pd.Series(rng.integers(0, 3, 300))
    plain = _compare({"a": group}, after).table
    again = _compare({"a": group.sample(frac=1, random_state=1)}, after.sample(frac=1, random_state=2)).table
    assert again.equals(plain)


def test_customers_who_are_not_in_all_groupings_or_bring_nothing():
    rng = np.random.default_rng(6)
    group = pd.Series(rng.integers(0, 3, 300))
    found = _compare({"a": group, "b": group.iloc[:200]}, pd.Series(rng.gamma(1, 9, 150)))
    assert found.value.size == 200
    assert found.value.iloc[150:].eq(0).all()


def test_too_little_is_said():
    group = pd.Series([1, 2] * 60)
    with pytest.raises(TooLittleData, match="99 customers were grouped on 1 Apr 2026; 100 are needed"):
        _compare({"a": group.iloc[:99]}, pd.Series(np.arange(99.0)))
    with pytest.raises(TooLittleData, match="different amounts"):
        _compare({"a": group}, pd.Series(1.0, index=group.index))
    with pytest.raises(ValueError, match="at least one grouping"):
        _compare({}, pd.Series([1.0]))
    with pytest.raises(ValueError, match=r"unknown groupings \['b'\]; there are a"):
        _compare({"a": group}, pd.Series(np.arange(120.0))).difference("a", "b")


@pytest.fixture(scope="module")
def large_tables():
    return shop_tables(customers=500, seed=12)


def test_groups_of_the_earlier_day_do_not_see_what_follows(large_tables, tmp_path):
    shop = Company.open(write_company(tmp_path / "all", large_tables, how="parquet", as_of="2026-06-30"))
    lines = large_tables["transactions"]
    early = {**large_tables, "transactions": lines[lines["ordered_at"] < "2026-04-02"]}
    cut = Company.open(write_company(tmp_path / "cut", early, how="parquet", as_of="2026-06-30"))
    now, then = (earlier_groupings(company, seed=3) for company in (shop, cut))
    for name in ("clusters", "RFM segments", "value tiers"):
        assert now[name].to_dict() == then[name].to_dict()
    found = predictive_value(shop, now, resamples=99)
    later = customer_window(shop, days=90)["margin"].reindex(found.value.index).fillna(0)
    assert found.value.to_numpy() == pytest.approx(later.to_numpy())
    before = customer_window(shop, days=365, ending=shop.as_of - dt.timedelta(days=90))
    tiers = value_tiers(before["margin"]).frame["tier"].astype(str)
    assert now["value tiers"].to_dict() == tiers.reindex(now["value tiers"].index).to_dict()
    # Rates differ between customers for good: what they brought tells what they bring.
    assert found.table.loc["value tiers", "low"] > 0
