"""What groupings tell of later value: shares by hand, no reward for many groups, nothing seen too early."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd
import pytest

from crm_lib.company import Company
from crm_lib.customers.window import Basis
from crm_lib.errors import TooLittleData
from crm_lib.finding import Verdict
from crm_lib.segments import SegmentDefinitions, finding_clusters_predict, predictive_value
from crm_lib.segments.predictive import compare_groupings
from tests.companies import write_company
from tests.segments.conftest import shop_tables


def compare(groupings, after, seed=0):
    basis = Basis(kind="margin", currency="GBP", days=90)
    return compare_groupings(groupings, after, seed=seed, scored_on=dt.date(2026, 4, 1), basis=basis)


def test_share_explained_by_hand():
    # 120 customers: groups of 60 bring 0 or 2, and 8 or 10, half of them each.
    group = pd.Series(np.repeat(["low", "high"], 60))
    after = pd.Series(np.concatenate([np.repeat([0.0, 2.0], 30), np.repeat([8.0, 10.0], 30)]))
    table = compare({"known": group}, after).table
    # Leaving one out stretches deviations by n / (n - 1): within groups of 60 they are 1, from the whole mean of 5 they
    # have the mean square (25 + 9 + 9 + 25) / 4.
    assert table.loc["known", "explained"] == pytest.approx(1 - (60 / 59) ** 2 / (17 * (120 / 119) ** 2))
    # The best fifth, 24 of the 60 best who bring 9 on average, of 600 in all.
    assert table.loc["known", "captured"] == pytest.approx(24 * 9 / 600)


def test_interval_of_the_difference_covers():
    # Later value is the sum of two parts, each told by one grouping, and noise: the shares follow from the variances.
    rng = np.random.default_rng(11)
    one, other, noise = 1.0, 0.6, 2.0
    true = (one**2 - other**2) / (one**2 + other**2 + noise**2)
    covered, tries = 0, 40
    for seed in range(tries):
        first, second = rng.choice([-1.0, 1.0], 300), rng.choice([-1.0, 1.0], 300)
        after = pd.Series(10 + one * first + other * second + noise * (rng.gamma(1, 1, 300) - 1))
        difference = compare({"a": pd.Series(first), "b": pd.Series(second)}, after, seed).differences["a", "b"]
        covered += difference.low <= 100 * true <= difference.high
    assert covered / tries >= 0.95 - 3 * np.sqrt(0.95 * 0.05 / tries)


def test_verdict_and_decision_follow_the_better_grouping():
    rng = np.random.default_rng(3)
    worth = rng.gamma(1, 50, 2000)
    after = pd.Series(worth * rng.gamma(2, 0.5, 2000))
    fine, halves = (pd.Series(pd.qcut(worth, count, labels=False)) for count in (6, 2))
    chance = pd.Series(rng.integers(0, 6, 2000))
    ahead = finding_clusters_predict(compare({"clusters": fine, "RFM segments": chance, "value tiers": chance}, after))
    behind = finding_clusters_predict(compare({"clusters": chance, "RFM segments": fine, "value tiers": fine}, after))
    assert ahead.verdict is Verdict.SUPPORTED
    assert behind.verdict is Verdict.NOT_SUPPORTED
    assert "Set budgets by RFM segments" in behind.decision  # the tiers are as good, and not shown to be better
    assert ahead.money_at_stake.value == pytest.approx(behind.money_at_stake.value)
    third = finding_clusters_predict(compare({"clusters": chance, "RFM segments": halves, "value tiers": fine}, after))
    assert "Set budgets by value tiers" in third.decision


def test_too_little_is_said():
    group = pd.Series([1, 2] * 60)
    with pytest.raises(TooLittleData, match="at least 100 customers grouped on 1 Apr 2026"):
        compare({"a": group.iloc[:99]}, pd.Series(np.arange(99.0)))
    with pytest.raises(TooLittleData, match="120 customers grouped on 1 Apr 2026 all brought the same"):
        compare({"a": group}, pd.Series(1.0, index=group.index))


def test_groups_of_the_earlier_day_do_not_see_what_follows(tmp_path):
    tables = shop_tables(customers=400, seed=12)
    shop = Company.open(write_company(tmp_path / "all", tables, how="parquet", as_of="2026-06-30"))
    lines = tables["transactions"]
    later = lines["ordered_at"] >= "2026-04-02"
    changed = lines.assign(customer_id=lines["customer_id"].where(~later, lines["customer_id"].iloc[::-1].to_numpy()))
    other = write_company(tmp_path / "other", {**tables, "transactions": changed}, how="parquet", as_of="2026-06-30")
    now, then = (predictive_value(company, SegmentDefinitions(), seed=3) for company in (shop, Company.open(other)))
    assert now.table["groups"].to_dict() == then.table["groups"].to_dict()
    assert not now.value.equals(then.value)
    # Rates differ between customers for good: what they brought tells what they bring.
    assert now.table.loc["value tiers", "low"] > 0
