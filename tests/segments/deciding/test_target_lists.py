"""Target lists: who is on them, why, in which order, and who must not be contacted."""

from __future__ import annotations

import pandas as pd
import pytest

from crm_lib.company import Company
from crm_lib.segments import (
    PURPOSES,
    SEGMENT_RULES,
    contact_permission,
    customer_window,
    rfm_scores,
    target_list,
    target_lists,
    window_before,
)
from tests.companies import write_company


def _tables():
    lines = [("o1", "anna", "2026-06-20", 50.0), ("o2", "ben", "2026-01-10", 80.0), ("o3", "cleo", "2026-06-01", 20.0)]
    lines += [("o4", "dora", "2025-02-01", 90.0), ("o5", "ben", "2024-06-01", 10.0), ("o6", "anna", "2025-03-01", 5.0)]
    complaints = [
        ("b1", "anna", "2026-06-01 10:00", None, "late", None),
        ("b2", "anna", "2026-05-01 10:00", "2026-05-02 10:00", "billing", "none"),
        ("b3", "ben", "2026-06-02 10:00", "2026-06-05 10:00", "staff", "refund"),
        ("b4", "cleo", "2026-06-21 10:00", None, None, None),
    ]
    answers = [("anna", "2026-03-01", 2.0, None), ("anna", "2026-06-02", 9.0, None), ("ben", "2026-04-01", 5.0, None)]
    answers += [("cleo", "2026-04-01", 1.0, "Rival")]
    return {
        "transactions": pd.DataFrame(lines, columns=["order_id", "customer_id", "ordered_at", "revenue"]),
        "complaints": pd.DataFrame(
            complaints, columns=["complaint_id", "customer_id", "opened_at", "closed_at", "topic", "resolution"]
        ),
        "surveys": pd.DataFrame(answers, columns=["customer_id", "responded_at", "satisfaction", "brand"]),
        "customers": pd.DataFrame(
            {"customer_id": ["anna", "ben", "cleo", "dora"], "contact_allowed": [True, False, True, None]}
        ),
    }


@pytest.fixture
def shop(tmp_path):
    return Company.open(write_company(tmp_path / "shop", _tables(), how="parquet", as_of="2026-06-30"))


def _lists(shop, **more):
    segment = pd.Series({"anna": "Growing", "ben": "Slipping away", "cleo": "Growing"})
    tier = pd.Series({"anna": "key", "ben": "key", "cleo": "small"})
    found = target_lists(shop, segment=segment, tier=tier, **more)
    return found, {each.name: each for each in found.lists}


def test_each_list_holds_whom_it_is_for_with_the_reason(shop):
    before = pd.Series({"dora": "major", "ben": "small", "anna": "key"})
    found, lists = _lists(shop, tier_before=before)
    assert list(lists) == list(PURPOSES)
    complaining = lists["open_complaints"].frame
    # Of two unsettled complaints the older one is told; cleo is not in the core.
    assert complaining["reason"].to_dict() == {"anna": "billing: closed unsettled"}
    assert lists["dissatisfied"].withheld["reason"].to_dict() == {"ben": "satisfaction 5 on 1 Apr 2026"}
    assert lists["dissatisfied"].frame.empty  # anna's last answer is a good one
    assert lists["slipping_away"].withheld["reason"].to_dict() == {"ben": "1 order, the last one 171 days ago"}
    former = lists["former_core"].withheld
    assert former["reason"].to_dict() == {
        "dora": "1 order, the last one 514 days ago; in the core until 30 Jun 2025, with the tier of that day"
    }
    assert former["value"].to_dict() == {"dora": 90.0}
    assert former["tier"].to_dict() == {"dora": "major"}
    growing = lists["growing"].frame
    assert growing["value"].to_dict() == {"anna": 50.0, "cleo": 20.0}
    assert list(growing.columns) == ["segment", "tier", "value", "reason"]
    assert found.permission_known


def test_whoever_did_not_agree_or_is_not_known_is_withheld(shop, tmp_path):
    assert contact_permission(shop).to_dict() == {"anna": True, "ben": False, "cleo": True, "dora": False}
    candidates = pd.DataFrame({"value": [1.0, 2.0], "reason": "r"}, index=["anna", "stranger"])
    nobody = pd.Series(dtype=object)
    made = target_list("growing", candidates, segment=nobody, tier=nobody, allowed=contact_permission(shop))
    assert list(made.frame.index) == ["anna"]
    assert list(made.withheld.index) == ["stranger"]
    tables = _tables()
    open_shop = Company.open(
        write_company(tmp_path / "open", {"transactions": tables["transactions"]}, how="parquet", as_of="2026-06-30")
    )
    found, lists = _lists(open_shop)
    assert not found.permission_known
    assert set(lists) == {"slipping_away", "growing"}
    assert set(found.left_out) == {"open_complaints", "dissatisfied", "former_core"}
    assert lists["slipping_away"].withheld.empty


def test_lists_are_sorted_by_value_whatever_the_order_of_rows():
    candidates = pd.DataFrame({"value": [1.0, 3.0, 3.0], "reason": "r"}, index=["z", "b", "a"])
    blank = pd.Series(dtype=object)
    first = target_list("growing", candidates, segment=blank, tier=blank, allowed=None).frame
    again = target_list("growing", candidates.iloc[::-1], segment=blank, tier=blank, allowed=None).frame
    assert list(first.index) == ["a", "b", "z"]
    pd.testing.assert_frame_equal(first, again)


def test_a_list_of_the_callers_own_needs_a_title_and_unlike_customers():
    candidates = pd.DataFrame({"value": [1.0], "reason": "r"}, index=["a"])
    blank = pd.Series(dtype=object)
    with pytest.raises(ValueError, match="needs a title; those known are open_complaints"):
        target_list("mine", candidates, segment=blank, tier=blank, allowed=None)
    assert target_list("mine", candidates, segment=blank, tier=blank, allowed=None, title="T").title == "T"
    with pytest.raises(ValueError, match="names customers twice: \\['a'\\]"):
        target_list("growing", pd.concat([candidates, candidates]), segment=blank, tier=blank, allowed=None)


def test_segments_of_the_lists_are_segments_of_the_rules(shop):
    assert {"Slipping away", "Growing"} <= {rule.name for rule in SEGMENT_RULES}
    assert PURPOSES["slipping_away"][0].startswith("Slipping away:")
    assert PURPOSES["growing"][0].startswith("Growing:")
    window = customer_window(shop, days=365)
    segment = rfm_scores(window, as_of=shop.as_of).frame["segment"]
    found = target_lists(shop, segment=segment, tier=pd.Series("key", index=window.index))
    assert {each.name for each in found.lists} >= {"open_complaints", "slipping_away"}


def test_nothing_after_the_last_day_is_used(tmp_path):
    folder = write_company(tmp_path / "shop", _tables(), how="parquet", as_of="2026-06-30")
    early = Company.open(folder, "2026-06-10")
    segment = pd.Series({"ben": "Slipping away", "cleo": "Growing"})
    found = target_lists(early, segment=segment, tier=pd.Series({"ben": "key", "cleo": "key"}))
    lists = {each.name: each for each in found.lists}
    assert lists["open_complaints"].frame.empty  # cleo complained later
    assert window_before(early, days=365) is not None
