"""What was known on a day: rows, the state of a complaint, answers on the own brand, and who is a member."""

from __future__ import annotations

import datetime as dt

import pandas as pd
import pytest

from crm_lib.company import Company
from crm_lib.customers import (
    facts,
    known_complaints,
    known_contracts,
    known_rows,
    last_day,
    members,
    own_answers,
    own_brand_answers,
    window_complaints,
)
from crm_lib.demo import simulate
from crm_lib.errors import MissingData
from tests.companies import transactions, write_company
from tests.segments.simulated import write_simulated

COMPLAINTS = [
    # customer, opened, closed, resolution, satisfied
    ("open", "2026-06-01 10:00", None, None, None),
    ("refund", "2026-05-01 10:00", "2026-05-03 23:30", "refund", True),
    ("sad", "2026-05-01 10:00", "2026-05-03 10:00", "voucher", False),
    ("silent", "2026-05-01 10:00", "2026-05-03 10:00", "apology", None),
    ("none", "2026-05-01 10:00", "2026-05-03 10:00", "None", None),
    ("rejected", "2026-05-01 10:00", "2026-05-03 10:00", " Rejected ", None),
    ("untold", "2026-05-01 10:00", "2026-05-03 10:00", None, None),
    ("old", "2024-05-01 10:00", None, None, None),
]
NAMES = [name for name, *_ in COMPLAINTS]
COLUMNS = ["customer_id", "opened_at", "closed_at", "resolution", "satisfied"]
STATES = {
    "open": "open", "refund": "settled", "sad": "settled", "silent": "settled", "none": "closed unsettled",
    "rejected": "closed unsettled", "untold": "closed unsettled", "old": "open",
}  # fmt: skip


def opened(folder, columns=COLUMNS, **tables):
    rows = [(f"o{number}", name, "2026-04-20", 9.0) for number, name in enumerate(NAMES)]
    complaints = pd.DataFrame(COMPLAINTS, columns=COLUMNS)[list(columns)]
    tables = {"transactions": transactions(rows), "complaints": complaints, **tables}
    return Company.open(write_company(folder, tables, how="parquet", name="We", as_of="2026-06-30"))


def states(company, **asked):
    return known_complaints(company, **asked).execute().set_index("customer_id")["state"].to_dict()


def test_a_complaint_is_open_closed_unsettled_or_settled(tmp_path):
    shop = opened(tmp_path / "shop")
    assert states(shop) == STATES
    assert states(shop, days=100) == {name: state for name, state in STATES.items() if name != "old"}
    settled = window_complaints(shop, days=1000).set_index("customer_id")["settled"]
    assert settled.to_dict() == {name: state == "settled" for name, state in STATES.items()}


def test_a_closing_after_the_day_is_not_known_on_it(tmp_path):
    shop = opened(tmp_path / "shop")
    before = known_complaints(shop, ending=dt.date(2026, 5, 2)).execute()
    assert set(before["state"]) == {"open"}
    assert "open" not in set(before["customer_id"])
    assert before[["closed_at", "resolution", "satisfied"]].isna().all(axis=None)
    # The whole last day counts.
    assert states(shop, ending=dt.date(2026, 5, 3))["refund"] == "settled"


def test_without_resolutions_closed_is_settled_and_without_closings_nothing_is_known(tmp_path):
    shop = opened(tmp_path / "plain", columns=["customer_id", "opened_at", "closed_at"])
    assert {name for name, state in states(shop).items() if state != "settled"} == {"open", "old"}
    shop = opened(tmp_path / "bare", columns=["customer_id", "opened_at"])
    assert known_complaints(shop).execute()["state"].isna().all()
    assert "settled" not in window_complaints(shop, days=100)
    assert "unresolved" not in facts(shop)


def test_complaints_not_settled_or_not_to_the_customers_satisfaction_are_unresolved(tmp_path):
    found = facts(opened(tmp_path / "shop"))["unresolved"]
    assert set(found.index[found]) == {"open", "sad", "none", "rejected", "untold"}


ANSWERS = [
    # customer, day, points, brand
    ("open", "2026-03-01", 9.0, None),
    ("open", "2026-03-02", 8.0, "Our House"),
    ("open", "2026-03-03", 1.0, "Rival"),
    ("open", "2026-03-04", 1.0, "We"),
    (None, "2026-03-05", 2.0, None),
    ("old", "2024-03-05", 3.0, None),
    ("refund", "2026-06-05", None, None),
]
BRANDS = [("Our House", True, "2025-01-01"), ("Rival", False, "2025-01-01"), ("Later House", True, "2026-05-01")]


def voices(folder, answers=ANSWERS, without=()):
    surveys = pd.DataFrame(answers, columns=["customer_id", "responded_at", "satisfaction", "brand"])
    brands = pd.DataFrame(BRANDS, columns=["brand", "own", "measured_at"]).assign(measure="m", value=1.0)
    tables = {"surveys": surveys.drop(columns=list(without)), "competitors": brands}
    return opened(folder, **tables)


def test_an_answer_on_the_own_brand_has_no_brand_or_one_marked_as_own(tmp_path):
    shop = voices(tmp_path / "shop")
    told = own_brand_answers(shop).execute()
    assert sorted(told["satisfaction"].dropna()) == [3.0, 8.0, 9.0]
    assert told["customer_id"].notna().all()
    assert sorted(own_answers(shop, days=365)["satisfaction"]) == [8.0, 9.0]
    assert len(own_brand_answers(shop, days=90).execute()) == 1
    # The name of the company itself is no sign; the last answer on a brand marked as own is.
    assert facts(shop).loc["open", "satisfaction"] == 8.0
    assert len(own_brand_answers(shop, ending=dt.date(2026, 3, 1)).execute()) == 2


def test_a_brand_that_became_known_as_own_later_was_not_known_before(tmp_path):
    shop = voices(tmp_path / "shop", answers=[("open", "2026-03-01", 9.0, "Later House")])
    assert len(own_brand_answers(shop).execute()) == 1
    assert own_brand_answers(shop, ending=dt.date(2026, 4, 1)).execute().empty


def test_without_brands_all_answers_are_on_the_own_one_and_without_customers_nobody_is_told(tmp_path):
    shop = voices(tmp_path / "plain", without=["brand"])
    assert len(own_brand_answers(shop).execute()) == 6
    with pytest.raises(MissingData, match="customer_id"):
        own_brand_answers(voices(tmp_path / "nobody", without=["customer_id"]))


CONTRACTS = [
    ("ended today", "2025-07-01", "2026-06-30"),
    ("ended yesterday", "2025-07-01", "2026-06-29"),
    ("running", "2026-01-01", None),
    ("begun today", "2026-06-30", None),
    ("came back", "2024-01-01", "2024-12-31"),
    ("came back", "2026-02-01", None),
    ("ends later", "2025-07-01", "2026-08-31"),
]
MEMBERS = [*dict.fromkeys(name for name, *_ in CONTRACTS), "never"]
TODAY = {"ended today", "running", "begun today", "came back", "ends later"}


def club(folder, columns=("customer_id", "started_at", "ended_at")):
    rows = [(f"o{number}", name, "2026-06-01", 9.0) for number, name in enumerate(MEMBERS)]
    contracts = pd.DataFrame(CONTRACTS, columns=["customer_id", "started_at", "ended_at"])[list(columns)]
    tables = {"transactions": transactions(rows), "memberships": contracts}
    return Company.open(write_company(folder, tables, as_of="2026-06-30"))


def test_the_last_day_of_a_contract_is_a_day_of_membership(tmp_path):
    shop = club(tmp_path / "shop")
    assert set(members(shop).execute()["customer_id"]) == TODAY
    yesterday = members(shop, ending=dt.date(2026, 6, 29)).execute()["customer_id"]
    assert set(yesterday) == TODAY - {"begun today"} | {"ended yesterday"}
    assert yesterday.is_unique
    found = facts(shop)
    assert set(found.index[found["member"]]) == TODAY
    assert set(found.index[~found["ever_member"]]) == {"never"}


def test_an_end_that_lies_later_is_not_known(tmp_path):
    then = known_contracts(club(tmp_path / "shop"), ending=dt.date(2024, 6, 30)).execute()
    assert then["customer_id"].tolist() == ["came back"]
    assert then["ended_at"].isna().all()
    assert then["running"].all()


@pytest.fixture(scope="module")
def simulated_shops(tmp_path_factory):
    folder = write_simulated(simulate(seed=8, customers=150), tmp_path_factory.mktemp("data") / "simulated")
    return Company.open(folder), Company.open(folder, as_of="2025-09-30")


@pytest.mark.parametrize("name", ["transactions", "memberships", "complaints", "assignments"])
def test_an_earlier_day_shows_what_the_company_opened_on_it_shows(simulated_shops, name):
    shop, opened_then = simulated_shops
    then = opened_then.frame(name)
    later = known_rows(shop, name, ending=opened_then.as_of).execute()
    keys = list(then.columns)
    assert 0 < len(then) < len(shop.frame(name))
    pd.testing.assert_frame_equal(
        later[keys].sort_values(keys, ignore_index=True), then.sort_values(keys, ignore_index=True)
    )


def test_no_day_after_the_opened_one_is_known(tmp_path):
    shop = club(tmp_path / "shop")
    assert last_day(shop) == shop.as_of
    with pytest.raises(ValueError, match="2026-07-01, after 2026-06-30"):
        known_rows(shop, "transactions", ending=dt.date(2026, 7, 1))
