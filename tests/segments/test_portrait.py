"""5W1H: numbers are those of plain arithmetic, chance is not called a difference, small groups are not named."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from crm_lib.company import Company
from crm_lib.figures import portrait_table
from crm_lib.segments import portrait
from crm_lib.segments.portrait import _Aspect, _row
from tests.companies import write_company
from tests.segments.conftest import shop_tables


@pytest.fixture(scope="module")
def groups(tables):
    """Return businesses and others, of those whom the table of customers knows."""
    return tables["customers"].set_index("customer_id")["customer_group"]


@pytest.fixture(scope="module")
def business(shop, groups):
    return portrait(shop, groups, "business")


def row(found, aspect, value=""):
    rows = found.frame[(found.frame["aspect"] == aspect) & (found.frame["value"] == value)]
    assert len(rows) == 1
    return rows.iloc[0]


def test_a_share_of_spend_is_the_ratio_of_what_was_spent(business, tables, groups):
    lines = tables["transactions"]
    lines = lines[(lines["ordered_at"] > "2025-07-01") & (lines["revenue"] > 0)]
    spent = lines.assign(group=lines["customer_id"].map(groups))
    games = (
        spent[spent["category"] == "Games"].groupby("group")["revenue"].sum() / spent.groupby("group")["revenue"].sum()
    )
    found = row(business, "spend: share of spend", "Games")
    assert (found["inside"], found["elsewhere"]) == pytest.approx((games["business"], games["household"]))
    assert found["difference"].value == pytest.approx(games["business"] - games["household"])


def test_a_region_of_few_customers_is_not_named(business, tables, groups):
    regions = tables["customers"].set_index("customer_id").loc[groups.index, "region"].value_counts()
    assert regions["Island"] < 10  # the fixture makes it rare
    assert set(business.frame.query("aspect == 'region'")["value"]) == {"North", "South"}


def test_what_the_company_does_not_know_is_left_out(bare_shop, groups):
    found = portrait(bare_shop, groups, "business").frame
    assert set(found["question"].astype(str)) == {"what", "when", "how"}
    assert not found["aspect"].str.contains("region|orders via|pieces").any()


def test_a_planted_difference_is_found_and_answers_its_question(tmp_path):
    tables = shop_tables(customers=400, seed=9)
    lines = tables["transactions"]
    night_owls = pd.Series(np.arange(400) % 4 == 0, index=[f"c{number:03d}" for number in range(400)])
    late = lines["customer_id"].map(night_owls).to_numpy() & (np.random.default_rng(1).random(len(lines)) < 0.3)
    lines["ordered_at"] = lines["ordered_at"].where(~late, lines["ordered_at"] + pd.Timedelta(hours=12))
    shop = Company.open(write_company(tmp_path / "owls", tables, how="parquet", as_of="2026-06-30"))
    named = night_owls.map({True: "Night owls", False: "Others"})
    found = row(portrait(shop, named, "Night owls"), "orders at: share of orders", "6 pm to midnight")
    assert found["question"] == "when"
    assert found["holds"]
    assert found["difference"].low <= 0.3 <= found["difference"].high
    assert found["elsewhere"] == 0
    table = portrait_table(portrait(shop, named))
    assert {"Night owls", "Others"} == set(table.frame["group"])
    alone = portrait_table(portrait(shop, named, "Night owls"))
    assert alone.title.startswith("Night owls: 100 customers against")
    assert "Orders at: share of orders" in set(alone.frame["aspect"])
    assert alone.frame["aspect"].str.startswith("nothing that holds").any()


@pytest.mark.parametrize("lots", [8, pytest.param(100, marks=pytest.mark.validate)])
def test_where_nothing_differs_nothing_is_called_a_difference(shop, groups, lots):
    # Groups drawn by lot: all differences called real are false, and a rate of 5% allows any in one portrait of 20.
    rng = np.random.default_rng(17)
    drawn = (pd.Series(np.where(rng.random(len(groups)) < 0.4, "in", "out"), index=groups.index) for _ in range(lots))
    called = sum(int(portrait(shop, lot, "in").frame["holds"].any()) for lot in drawn)
    assert called <= stats.binom.ppf(0.999, lots, 0.05)


def test_intervals_of_ratios_cover_the_truth_where_customers_differ_greatly():
    rng = np.random.default_rng(5)
    inside = np.arange(500) < 120
    hits = 0
    for _ in range(1000):
        orders = 1.0 + rng.poisson(rng.gamma(0.6, 8.0, 500))
        own = rng.beta(2, 5, 500)  # each customer's own share: orders of a customer are not independent
        late = rng.binomial(orders.astype(int), np.where(inside, own, own * 0.7)).astype(float)
        # The share of late orders in all orders: own shares do not depend on the number of orders.
        difference = _row(_Aspect("when", "late", "", "share", late, orders), inside)[6]
        hits += difference.low <= 2 / 7 * 0.3 <= difference.high
    # Of 1,000, 95% less five standard errors and a point for the skewness.
    assert 0.905 <= hits / 1000 <= 0.985
