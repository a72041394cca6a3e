"""What a customer told has one meaning: which complaint is settled, and which answer is about the own brand."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd
import pytest

from crm_lib.company import Company
from crm_lib.errors import MissingData
from crm_lib.relationships.relations.silence_features import silence_features
from crm_lib.segments import (
    known_complaints,
    own_answers,
    own_brand_answers,
    portrait,
    variables_of,
    window_complaints,
)
from tests.companies import transactions, write_company

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
    assert "unresolved" not in silence_features(shop)


def test_the_risk_of_silence_knows_unsettled_complaints_and_dissatisfied_customers(tmp_path):
    found = silence_features(opened(tmp_path / "shop"))["unresolved"]
    assert set(found.index[found == 1]) == {"open", "sad", "none", "rejected", "untold"}


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
    assert len(own_brand_answers(shop, ending=dt.date(2026, 3, 1)).execute()) == 2


def test_everywhere_the_same_answers_count(tmp_path):
    shop = voices(tmp_path / "shop")
    assert variables_of(shop).loc["open", "satisfaction"] == 8.5
    # The name of the company itself is no sign; the last answer on a brand marked as own is.
    assert silence_features(shop).loc["open", "satisfaction"] == 8.0


def test_the_portrait_counts_answers_on_a_brand_marked_as_own(tmp_path):
    names = [f"c{number:02d}" for number in range(60)]
    rows = [(f"o{number}", name, "2026-06-01", 9.0) for number, name in enumerate(names)]
    surveys = pd.DataFrame({"customer_id": names, "responded_at": "2026-06-02", "brand": "Ours"})
    surveys["satisfaction"] = np.tile([6.0, 6.0, 8.0, 8.0], 15)
    rival = surveys.assign(brand="Rival", satisfaction=1.0)
    brands = pd.DataFrame({"brand": ["Ours"], "own": [True], "measured_at": "2026-01-01", "measure": "m", "value": 1.0})
    tables = {"transactions": transactions(rows), "surveys": pd.concat([surveys, rival]), "competitors": brands}
    shop = Company.open(write_company(tmp_path / "many", tables, how="parquet", as_of="2026-06-30"))
    frame = portrait(shop, pd.Series(np.arange(60) % 2 == 0, index=names), True).frame
    assert frame.loc[frame["aspect"] == "satisfaction", ["inside", "elsewhere"]].to_numpy().tolist() == [[7.0, 7.0]]


def test_a_brand_that_became_known_as_own_later_was_not_known_before(tmp_path):
    shop = voices(tmp_path / "shop", answers=[("open", "2026-03-01", 9.0, "Later House")])
    assert len(own_brand_answers(shop).execute()) == 1
    assert own_brand_answers(shop, ending=dt.date(2026, 4, 1)).execute().empty


def test_without_brands_all_answers_are_on_the_own_one_and_without_customers_nobody_is_told(tmp_path):
    shop = voices(tmp_path / "plain", without=["brand"])
    assert len(own_brand_answers(shop).execute()) == 6
    with pytest.raises(MissingData, match="customer_id"):
        own_brand_answers(voices(tmp_path / "nobody", without=["customer_id"]))
