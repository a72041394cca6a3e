from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from crm_lib.company import Company
from crm_lib.errors import MissingData, TooLittleData
from crm_lib.segments import (
    behaviour,
    choose_clusters,
    customer_window,
    prepare_features,
    profile_clusters,
    profiles,
    variables_of,
)
from tests.companies import write_company


def _customers(rng, n=600, groups=3, numbers=20):
    index = pd.Index([f"c{number}" for number in range(n)], name="customer_id")
    group = pd.Series(rng.integers(1, groups + 1, n), index=index)
    variables = pd.DataFrame(rng.gamma(2, 1, (n, numbers)), index=index).add_prefix("x")
    variables["region"] = rng.choice(["North", "South", "Süd"], n)
    variables["member"] = rng.random(n) < 0.3
    return group, variables


def test_nothing_distinguishes_groups_that_differ_in_nothing():
    # Without any true difference a false discovery is any discovery at all: at most 5% of the tries may have one.
    tries, alarms = 40, 0
    for seed in range(tries):
        found = profiles(*_customers(np.random.default_rng(seed)))
        alarms += bool(found.frame["differs"].any())
        assert (len(found.alike) == 3) == (not found.frame["differs"].any())
    assert alarms / tries <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / tries)


def test_share_of_false_differences_is_held_where_there_are_true_ones():
    rates = []
    for seed in range(25):
        rng = np.random.default_rng(seed)
        group, variables = _customers(rng, groups=2, numbers=30)
        true = [f"x{number}" for number in range(6)]
        variables.loc[group == 1, true] += 0.6
        found = profiles(group, variables).differences()
        rates.append((~found["variable"].isin(true)).mean() if len(found) else 0.0)
        assert found["variable"].isin(true).sum() >= 10
    assert np.mean(rates) <= 0.05 + 3 * np.std(rates) / np.sqrt(25)


def test_intervals_of_the_differences_picked_out_cover():
    missed = picked = 0
    for seed in range(40):
        rng = np.random.default_rng(seed)
        n = 500
        group = pd.Series(np.where(np.arange(n) < 150, "a", "b"))
        true = rng.choice([0.0, 0.2, 0.4], 20)
        variables = pd.DataFrame(rng.normal(size=(n, 20)) + np.outer(group == "a", true)).add_prefix("x")
        found = profiles(group, variables).differences().query("group == 'a'")
        truth = true[found["variable"].str[1:].astype(int)]
        missed += int(((found["low"] > truth) | (found["high"] < truth)).sum())
        picked += len(found)
    # Only the largest were picked out; without widening far more than one in twenty would miss.
    assert picked > 100
    assert missed / picked <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / picked)


def test_true_difference_is_told_in_its_size_and_direction():
    rng = np.random.default_rng(2)
    group, variables = _customers(rng, n=3000)
    variables["spend"] = rng.normal(100, 20, 3000) + 16 * (group == 2)
    variables["plan"] = np.where(rng.random(3000) < np.where(group == 3, 0.5, 0.2), "gold", "basic")
    found = profiles(group, variables).frame.set_index(["group", "variable", "category"])
    # 0.8 standard deviations within groups; of odds 1 against 0.25 the logarithm is 1.386, times 0.5513.
    assert found.loc[(2, "spend", ""), "effect"] == pytest.approx(0.8, abs=0.12)
    assert found.loc[(1, "spend", ""), "effect"] < 0
    assert found.loc[(3, "plan", "gold"), "effect"] == pytest.approx(0.764, abs=0.12)
    assert found.loc[(3, "plan", "gold"), "inside"] == pytest.approx(0.5, abs=0.06)
    assert found.loc[(2, "spend", ""), "differs"]


def test_variables_that_made_the_groups_are_left_out():
    group, variables = _customers(np.random.default_rng(1))
    assert "x0" not in profiles(group, variables, used=["x0", "x1"]).frame["variable"].to_numpy()


def test_missing_values_are_left_out_and_counted():
    group, variables = _customers(np.random.default_rng(1))
    variables.loc[variables.index[:300], "x0"] = np.nan
    rows = profiles(group, variables).frame.query("variable == 'x0'")
    assert (rows["n_inside"] + rows["n_outside"]).eq(300).all()


def test_small_groups_and_categories_are_not_described():
    group, variables = _customers(np.random.default_rng(1))
    group.iloc[:9] = 7
    variables.loc[variables.index[20:25], "region"] = "Isle of one"
    found = profiles(group, variables)
    assert found.too_small == (7,)
    assert 7 not in found.frame["group"].to_numpy()
    assert "Isle of one" not in found.frame["category"].to_numpy()


def test_order_of_rows_and_names_of_customers_change_nothing():
    group, variables = _customers(np.random.default_rng(4))
    plain = profiles(group, variables).frame
    again = profiles(group.sample(frac=1, random_state=2), variables.sample(frac=1, random_state=3)).frame
    pd.testing.assert_frame_equal(again, plain)


def test_one_group_or_no_variable_is_too_little():
    group, variables = _customers(np.random.default_rng(1))
    with pytest.raises(TooLittleData, match="two groups"):
        profiles(group * 0, variables)
    with pytest.raises(TooLittleData, match="no further variable"):
        profiles(group, variables[["x0"]], used=["x0"])


def test_variables_are_those_of_the_window(shop, tables):
    known = variables_of(shop, days=365)
    lines = tables["transactions"]
    lines = lines[lines["ordered_at"].dt.normalize() > pd.Timestamp("2025-06-30")]
    bought = lines[lines["revenue"] >= 0]
    assert sorted(known.index) == sorted(bought["customer_id"].unique())
    spent = bought.groupby("customer_id")["revenue"].sum()
    books = bought[bought["category"] == "Books"].groupby("customer_id")["revenue"].sum()
    expected = (books.reindex(known.index).fillna(0) / spent.reindex(known.index)).to_numpy()
    assert known["buys_in: Books"].to_numpy() == pytest.approx(expected)
    back = lines.groupby("customer_id")["revenue"].min().lt(0).reindex(known.index)
    assert (known["returned"].astype(bool) == back).all()
    regions = tables["customers"].set_index("customer_id")["region"].reindex(known.index)
    assert known["region"].dropna().to_dict() == regions.dropna().to_dict()


def test_clusters_are_described_by_what_did_not_make_them(shop):
    features = prepare_features(behaviour(customer_window(shop, days=365), as_of=shop.as_of))
    clusters = choose_clusters(features, k=[2, 3], methods=["k-means"], resamples=2)
    found = profile_clusters(clusters, features, shop)
    assert set(found.groups) <= set(clusters.per_cluster.index)
    assert {"region", "customer_group", "channel: web"} <= set(found.frame["variable"])
    assert not set(features.names) & set(found.frame["variable"])
    assert found.rising == ("returned",)


def test_later_events_do_not_show_on_an_earlier_day(tables, tmp_path):
    complaints = pd.DataFrame(
        {"complaint_id": ["k1", "k2"], "customer_id": ["c001", "c001"], "opened_at": ["2025-12-01", "2026-05-20"]}
    )
    answers = pd.DataFrame(
        {
            "response_id": ["r1", "r2", "r3"], "customer_id": ["c001"] * 3, "satisfaction": [8, 2, 1],
            "responded_at": ["2025-11-01", "2026-05-01", "2025-11-02"], "brand": [None, None, "Rival"],
        }
    )  # fmt: skip
    folder = write_company(
        tmp_path / "events", {**tables, "complaints": complaints, "surveys": answers}, as_of="2026-06-30"
    )
    shop = Company.open(folder)
    before = variables_of(shop, ending=pd.Timestamp("2026-04-01").date())
    assert before.loc["c001", ["complaints", "satisfaction"]].tolist() == [1, 8]
    assert variables_of(shop).loc["c001", ["complaints", "satisfaction"]].tolist() == [2, 5]
    window = customer_window(shop, days=365, ending=pd.Timestamp("2026-04-01").date())
    assert set(before.index) == set(window.index[window["orders"] > 0])


def test_company_that_knows_nothing_else_says_so(tmp_path, tables):
    lines = tables["transactions"][["order_id", "customer_id", "ordered_at", "revenue"]]
    lines = lines[lines["revenue"] > 0]
    bare = Company.open(write_company(tmp_path / "bare", {"transactions": lines}, as_of="2026-06-30"))
    with pytest.raises(MissingData):
        variables_of(bare)
