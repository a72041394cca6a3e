from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd
import pytest

from crm_lib.company import Company
from crm_lib.customers import customer_summary, facts
from crm_lib.demo import simulate
from tests.companies import transactions, write_company
from tests.segments.simulated import write_simulated

ENDING = dt.date(2025, 3, 10)


def lines():
    rows = [
        # order, customer, moment, recorded, revenue, discount, category, channel
        ("o1", "anna", "2025-01-10 13:00", "2025-01-10", 20.0, 0.0, "Books", "web"),
        ("o1", "anna", "2025-01-10 13:00", "2025-01-10", 5.0, 1.0, "Cards", "web"),
        ("o2", "anna", "2025-01-20 09:00", "2025-01-20", 30.0, None, "Books", "shop"),
        ("o3", "anna", "2025-02-09 20:00", "2025-02-09", 30.0, 3.0, None, "web"),
        ("r3", "anna", "2025-02-12 13:00", "2025-02-12", -30.0, 0.0, "Games", "telephone"),
        ("o4", "zoë", "2025-03-01 00:00", "2025-03-20", 12.5, 2.0, "Books", "web"),
        ("o5", "zoë", "2025-03-02 13:00", "2025-03-02", 12.5, 2.0, "Books", "web"),
    ]
    columns = ["order_id", "customer_id", "ordered_at", "recorded_at", "revenue", "discount", "category", "channel"]
    frame = pd.DataFrame(rows, columns=columns)
    return frame.assign(
        ordered_at=pd.to_datetime(frame["ordered_at"]), recorded_at=pd.to_datetime(frame["recorded_at"])
    )


def tables(**more):
    contacts = [
        ("anna", "2025-01-15", "Review", "o1"),
        ("anna", "2025-01-16", "review", "o1"),
        ("anna", "2025-03-05", "review", "o3"),
        ("anna", "2025-01-15", "question", None),
        ("zoë", "2025-03-25", "advice", None),
    ]
    complaints = [
        ("anna", "2025-01-20", "2025-03-20", "refund", True, "delivery"),
        ("anna", "2025-03-01", "2025-03-05", "none", None, "delivery"),
        ("zoë", "2024-07-01", None, None, None, "billing"),
    ]
    names = ["customer_id", "opened_at", "closed_at", "resolution", "satisfied", "topic"]
    surveys = [("anna", "2025-01-15", 4.0), ("anna", "2025-03-01", 8.0), ("zoë", "2025-03-25", 3.0)]
    return {
        "transactions": lines(),
        "interactions": pd.DataFrame(contacts, columns=["customer_id", "occurred_at", "kind", "order_id"]),
        "memberships": pd.DataFrame({"customer_id": ["zoë", "bob"], "started_at": ["2025-03-15", "2024-01-01"]}),
        "complaints": pd.DataFrame(complaints, columns=names),
        "surveys": pd.DataFrame(surveys, columns=["customer_id", "responded_at", "satisfaction"]),
        "customers": pd.DataFrame(
            {"customer_id": ["anna", "zoë"], "birth_year": [1980, None], "region": ["N", "S"], "orders": [7, 8]}
        ),
        **more,
    }


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    return Company.open(write_company(tmp_path_factory.mktemp("data") / "shop", tables(), as_of="2025-03-31"))


def test_facts_are_those_of_the_rows(shop):
    found = facts(shop, days=60)
    assert found.index.tolist() == ["anna", "zoë"]
    anna, expected = found.loc["anna"], {
        "orders_ever": 3, "purchase_days_ever": 3, "lines_ever": 4, "discounted_lines_ever": 2,
        "other_channel_ever": 1, "spend_ever": 85.0, "tenure": 80, "recency": 50,
        "orders": 1, "purchase_days": 1, "lines": 1, "spend": 30.0, "revenue": 0.0, "returns": 30.0,
        "discount": 3.0, "discounted_lines": 1, "orders via: web": 1,
        "orders on: Sunday": 1, "orders at: 6 pm to midnight": 1, "reviews_ever": 2, "reviews": 1,
        "contacts": 0, "complaints": 1, "complaints: closed unsettled": 1,
        "complaints: settled": 0, "complaints about: delivery": 1, "unresolved": True, "satisfaction": 8.0,
        "member": False, "ever_member": False, "age": 45.0,
    }  # fmt: skip
    assert {name: anna[name] for name in expected} == pytest.approx(expected)
    assert anna["region"] == "N"
    # All have 3 gaps of 31 days together.
    assert found["rhythm"].to_dict() == pytest.approx({"anna": (30 + 31 / 3) / 3, "zoë": (1 + 31 / 3) / 2})
    assert found.loc["zoë", ["orders", "ever_member", "contacts", "unresolved"]].tolist() == [2, True, 1, False]
    assert np.isnan(found.loc["zoë", "age"])


def test_an_earlier_day_is_what_the_company_knew_on_it(shop):
    then = facts(shop, ENDING)
    assert then.loc["zoë", ["orders", "ever_member", "contacts"]].tolist() == [1, False, 0]
    assert then.loc["anna", ["recency", "complaints: open", "complaints: settled"]].tolist() == [29, 1, 0]
    assert then.attrs["undated"] == ()
    opened = facts(Company.open(shop.folder, as_of=ENDING))
    assert opened.attrs["undated"] == ("region",)
    pd.testing.assert_frame_equal(then, opened.drop(columns="region"))
    with pytest.raises(ValueError, match="after 2025-03-31"):
        facts(shop, dt.date(2025, 4, 1))


def test_numbers_of_many_values_are_attributes_and_names_are_not(tmp_path):
    ids = [f"c{number:02d}" for number in range(40)]
    people = {"customer_id": ids, "income": np.arange(40.0), "street": ids, "colour": ["red", "blue"] * 20}
    tables = {"transactions": transactions([(each, each, "2025-03-10", 5.0) for each in ids])}
    shop = Company.open(write_company(tmp_path / "shop", {**tables, "customers": pd.DataFrame(people)}))
    assert facts(shop).attrs["undated"] == ("income", "colour")


def test_a_simulated_company_has_no_facts_from_later_days(tmp_path):
    folder = write_simulated(simulate(seed=8, customers=120), tmp_path / "simulated")
    early = Company.open(folder, as_of="2025-12-12")
    then, opened = facts(Company.open(folder), early.as_of), facts(early)
    pd.testing.assert_frame_equal(then, opened.drop(columns=list(opened.attrs["undated"])))
    summary = customer_summary(early, "D")
    assert then.index.equals(summary.index)
    assert then["orders_ever"].tolist() == summary["orders"].tolist()
    assert (then["tenure"] - then["recency"]).tolist() == summary["recency"].tolist()


def test_small_families_are_pooled(tmp_path):
    many = lines().assign(category=[f"c{number}" for number in range(7)])
    many = pd.concat([many.assign(order_id=f"x{n}", category=f"{n}-" + many["category"]) for n in range(3)])
    shop = Company.open(write_company(tmp_path / "many", {"transactions": many}, as_of="2025-03-31"))
    found = facts(shop).filter(like="spend: ")
    assert found.shape == (2, 9)
    assert found.sum(axis=1).to_dict() == facts(shop)["spend"].to_dict()
