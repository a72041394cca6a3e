from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd
import pytest

from crm_lib.company import Company
from crm_lib.relationships import contributions
from crm_lib.relationships.relations.silence_features import silence_features
from crm_lib.segments import customer_behaviour
from tests.companies import transactions, write_company


def lines():
    rows = [
        # order, customer, moment, recorded, revenue, discount, category, channel
        ("o1", "anna", "2025-01-10", "2025-01-10", 20.0, 0.0, "Books", "web"),
        ("o1", "anna", "2025-01-10", "2025-01-10", 5.0, 1.0, "Cards", "web"),
        ("o2", "anna", "2025-01-20", "2025-01-20", 30.0, None, "Books", "shop"),
        ("o3", "anna", "2025-02-09", "2025-02-09", 30.0, 3.0, None, "web"),
        ("r3", "anna", "2025-02-12", "2025-02-12", -30.0, 0.0, "Games", "telephone"),
        ("o4", "zoë", "2025-03-01", "2025-03-20", 12.5, 2.0, "Books", "web"),
        ("o5", "zoë", "2025-03-02", "2025-03-02", 12.5, 2.0, "Books", "web"),
    ]
    columns = ["order_id", "customer_id", "ordered_at", "recorded_at", "revenue", "discount", "category", "channel"]
    return pd.DataFrame(rows, columns=columns)


@pytest.fixture
def shop(tmp_path):
    contacts = [
        ("anna", "2025-01-15", "Review", "o1"),
        ("anna", "2025-01-16", "review", "o1"),
        ("anna", "2025-03-05", "review", "o3"),
        ("anna", "2025-01-15", "question", None),
        ("zoë", "2025-03-25", "advice", None),
    ]
    tables = {
        "transactions": lines(),
        "interactions": pd.DataFrame(contacts, columns=["customer_id", "occurred_at", "kind", "order_id"]),
        "memberships": pd.DataFrame({"customer_id": ["zoë"], "started_at": ["2025-03-15"]}),
    }
    return Company.open(write_company(tmp_path / "shop", tables, as_of="2025-03-31"))


def test_counts_are_those_of_the_lines(shop):
    found = customer_behaviour(shop)
    assert found.index.tolist() == ["anna", "zoë"]
    anna = found.loc["anna"]
    expected = {
        "orders": 3, "purchase_days": 3, "lines": 4, "discounted_lines": 2, "categories": 2, "other_channel": 1,
        "reviews": 2, "contacts": 1, "ever_member": False, "tenure": 80, "silence": 50,
    }  # fmt: skip
    assert {name: anna[name] for name in expected} == expected
    # Gaps of 10 and 20 days: standard deviation sqrt(50), mean 15.
    assert anna["gap_variation"] == pytest.approx(np.sqrt(50) / 15)
    assert found.loc["zoë", ["orders", "ever_member", "contacts"]].tolist() == [2, True, 1]
    assert np.isnan(found.loc["zoë", "gap_variation"])


def test_a_review_is_the_same_wherever_reviews_are_counted(shop):
    # Written in capitals or not; two reviews of one order are two contributions and one reviewed order.
    assert contributions(shop)["reviews"].to_dict() == {"anna": 3}
    assert customer_behaviour(shop)["reviews"].to_dict() == {"anna": 2, "zoë": 0}
    assert silence_features(shop)["reviewer"].to_dict() == {"anna": 1.0, "zoë": 0.0}


def test_an_earlier_day_sees_only_what_was_known_then(shop):
    found = customer_behaviour(shop, ending=dt.date(2025, 3, 10))
    assert found.loc["zoë", ["orders", "ever_member", "contacts"]].tolist() == [1, False, 0]
    assert found.loc["anna", "silence"] == 29
    with pytest.raises(ValueError, match="after 2025-03-31"):
        customer_behaviour(shop, ending=dt.date(2025, 4, 1))


def test_what_a_company_does_not_record_is_no_column(tmp_path):
    shop = Company.open(write_company(tmp_path / "bare", {"transactions": transactions()}))
    absent = {"discounted_lines", "categories", "other_channel", "reviews", "contacts", "ever_member"}
    assert not absent & set(customer_behaviour(shop).columns)


def test_order_of_rows_does_not_matter(shop, tmp_path):
    mixed = write_company(
        tmp_path / "mixed", {"transactions": lines().sample(frac=1, random_state=3)}, as_of="2025-03-31"
    )
    found = customer_behaviour(Company.open(mixed))
    pd.testing.assert_frame_equal(found, customer_behaviour(shop)[found.columns])
