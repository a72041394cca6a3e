"""5W1H: numbers are those of plain arithmetic, chance is not called a difference, small groups are not named."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from crm_lib.company import Company
from crm_lib.errors import TooLittleData
from crm_lib.segments import five_w_one_h
from crm_lib.segments.portraits.five_w_one_h import _ratios
from tests.companies import write_company
from tests.segments.conftest import shop_tables


@pytest.fixture(scope="module")
def groups(tables):
    """Return businesses and others, of those whom the table of customers knows."""
    people = tables["customers"].set_index("customer_id")
    return people["customer_group"]


@pytest.fixture(scope="module")
def profile(shop, groups):
    return five_w_one_h(shop, groups, "business")


def row(profile, aspect, value=""):
    found = profile.frame[(profile.frame["aspect"] == aspect) & (profile.frame["value"] == value)]
    assert len(found) == 1
    return found.iloc[0]


def in_window(tables):
    lines = tables["transactions"]
    return lines[lines["ordered_at"] > "2025-07-01"]


def test_a_share_of_spend_is_the_ratio_of_what_was_spent(profile, tables, groups):
    lines = in_window(tables)
    lines = lines[(lines["revenue"] > 0) & lines["category"].notna()]
    spent = lines.assign(group=lines["customer_id"].map(groups)).groupby(["group", "category"])["revenue"].sum()
    games = row(profile, "category: share of spend", "Games")
    assert games["segment"] == pytest.approx(spent["business", "Games"] / spent["business"].sum())
    assert games["elsewhere"] == pytest.approx(spent["household", "Games"] / spent["household"].sum())
    assert games["difference"].value == pytest.approx(games["segment"] - games["elsewhere"])


def test_orders_per_customer_count_those_who_did_not_buy_as_none(shop, tables, groups):
    lines = in_window(tables)
    orders = lines[lines["revenue"] > 0].groupby("customer_id")["order_id"].nunique()
    wide = row(five_w_one_h(shop, groups, "business"), "orders per customer")
    business = groups.index[groups == "business"]
    assert wide["segment"] == pytest.approx(orders.reindex(business).fillna(0).mean())


def test_a_region_of_few_customers_is_not_named(profile, tables, groups):
    regions = tables["customers"].set_index("customer_id").loc[groups.index, "region"].value_counts()
    assert regions["Island"] < 10  # the fixture makes it rare
    named = profile.frame.query("aspect == 'region'")["value"]
    assert set(named) == {"North", "South"}


def test_months_are_not_compared_as_a_segment_by_recency_would_have_its_season(profile):
    assert not profile.frame["aspect"].str.contains("month").any()
    assert profile.frame["aspect"].str.startswith("weekday").any()


def test_what_the_company_does_not_know_is_left_out(bare_shop, groups):
    profile = five_w_one_h(bare_shop, groups, "business")
    assert set(profile.questions) == {"what", "when", "how"}
    assert not profile.frame["aspect"].str.contains("category|channel|region|pieces").any()


def test_order_of_rows_and_names_of_customers_do_not_matter(tables, groups, profile, tmp_path):
    renamed = {number: f"顾客 {number[::-1]}" for number in groups.index}
    rng = np.random.default_rng(8)
    lines = tables["transactions"].iloc[rng.permutation(len(tables["transactions"]))]
    changed = {
        "transactions": lines.assign(customer_id=lines["customer_id"].map(lambda name: renamed.get(name, name))),
        "customers": tables["customers"].assign(customer_id=[renamed[n] for n in tables["customers"]["customer_id"]]),
    }
    shop = Company.open(write_company(tmp_path / "renamed", changed, how="parquet", as_of="2026-06-30"))
    again = five_w_one_h(shop, groups.rename(renamed), "business")
    pd.testing.assert_frame_equal(again.frame, profile.frame)


def test_segments_are_named_where_the_one_asked_for_is_not_there(shop, groups):
    with pytest.raises(ValueError, match="business, household"):
        five_w_one_h(shop, groups, "students")
    with pytest.raises(TooLittleData):
        five_w_one_h(shop, groups[groups == "business"], "business")
    with pytest.raises(ValueError, match="false_discoveries"):
        five_w_one_h(shop, groups, "business", false_discoveries=5)


def test_a_planted_difference_is_found_and_answers_its_question(tmp_path):
    tables = shop_tables(customers=400, seed=9)
    lines = tables["transactions"]
    night_owls = pd.Series(np.arange(400) % 4 == 0, index=[f"c{number:03d}" for number in range(400)])
    late = lines["customer_id"].map(night_owls).to_numpy() & (np.random.default_rng(1).random(len(lines)) < 0.3)
    lines["ordered_at"] = lines["ordered_at"].where(~late, lines["ordered_at"] + pd.Timedelta(hours=12))
    shop = Company.open(write_company(tmp_path / "owls", tables, how="parquet", as_of="2026-06-30"))
    profile = five_w_one_h(shop, night_owls, name="night owls")
    found = row(profile, "time of day: share of orders", "6 pm to midnight")
    assert found["question"] == "when"
    assert found["holds"]
    assert found["difference"].low <= 0.3 <= found["difference"].high
    assert found["elsewhere"] == 0
    assert profile.name == "night owls"


@pytest.mark.parametrize("lots", [3, pytest.param(60, marks=pytest.mark.validate)])
def test_where_nothing_differs_nothing_is_called_a_difference(shop, groups, lots):
    # Segments drawn by lot: all differences called real are false, and a rate of 5% allows any in one profile of 20.
    rng = np.random.default_rng(17)
    called = 0
    for _ in range(lots):
        lot = pd.Series(rng.random(len(groups)) < 0.4, index=groups.index)
        called += int(five_w_one_h(shop, lot).frame["holds"].any())
    assert called <= stats.binom.ppf(0.999, lots, 0.05)


def sums(y, x, inside):
    """Return sums as the engine would hand them over, of y and x over customers within and outside."""
    sides = [np.flatnonzero(inside), np.flatnonzero(~inside)]
    pair = pd.DataFrame(
        [{"y": y[who].sum(), "yy": (y[who] ** 2).sum(), "xy": (x[who] * y[who]).sum()} for who in sides],
        index=[True, False],
    )
    whole = pd.DataFrame(
        [{"holders": len(who), "y": x[who].sum(), "yy": (x[who] ** 2).sum()} for who in sides], index=[True, False]
    )
    return pair, whole


def test_intervals_of_ratios_cover_the_truth_where_customers_differ_greatly():
    rng = np.random.default_rng(5)
    inside = np.arange(500) < 120
    hits = 0
    for _ in range(1500):
        orders = 1 + rng.poisson(rng.gamma(0.6, 8.0, 500))
        own = rng.beta(2, 5, 500)  # each customer's own share: orders of a customer are not independent
        late = rng.binomial(orders, np.where(inside, own, own * 0.7))
        # The share of late orders in all orders: own shares do not depend on the number of orders.
        difference = _ratios(*sums(late.astype(float), orders.astype(float), inside), "share", 0.95)[2]
        hits += difference.low <= 2 / 7 * 0.3 <= difference.high
    # Of 1,500, 95% less five standard errors and a point for the skewness.
    assert 0.91 <= hits / 1500 <= 0.98
