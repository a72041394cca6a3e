"""Target lists: who is on them, why, in which order, and who must not be contacted."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd
import pytest

from crm_lib.company import Company
from crm_lib.segments import (
    PURPOSES,
    SEGMENT_RULES,
    SegmentDefinitions,
    contact_permission,
    segment_customers,
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


def _segmented(shop, segment, tier, **definitions):
    """Put the customers of the window into segments and tiers as told; what they did is as it was."""
    used = SegmentDefinitions(tier_cut_points=(100.0, 60.0, 10.0), **definitions)
    made = segment_customers(shop, used)
    names = pd.Series(segment).reindex(made.rfm.frame.index)
    tiers = pd.Series(tier).reindex(made.tiers.frame.index)
    return replace(
        made,
        rfm=replace(made.rfm, frame=made.rfm.frame.assign(segment=names)),
        tiers=replace(made.tiers, frame=made.tiers.frame.assign(tier=tiers)),
    )


SEGMENT = {"anna": "Growing", "ben": "Slipping away", "cleo": "Growing"}
TIER = {"anna": "key", "ben": "key", "cleo": "small"}


def _lists(shop, segment=SEGMENT, tier=TIER, **more):
    found = target_lists(shop, _segmented(shop, segment, tier), **more)
    return found, {each.name: each for each in found.lists}


def test_each_list_holds_whom_it_is_for_with_the_reason(shop):
    found, lists = _lists(shop)
    assert list(lists) == ["open_complaints", "dissatisfied", "slipping_away", "former_core", "growing"]
    assert set(found.left_out) == set(PURPOSES) - set(lists)
    complaining = lists["open_complaints"].frame
    # Of two unsettled complaints the older one is told; cleo is not in the core.
    assert complaining["reason"].to_dict() == {"anna": "billing: closed unsettled"}
    assert lists["dissatisfied"].withheld["reason"].to_dict() == {"ben": "satisfaction 5 on 1 Apr 2026"}
    assert lists["dissatisfied"].frame.empty  # anna's last answer is a good one
    assert lists["slipping_away"].withheld["reason"].to_dict() == {"ben": "1 order, the last one 171 days ago"}
    # Of the window before, ben and anna brought little, and bought since.
    former = lists["former_core"].withheld
    assert former["reason"].to_dict() == {
        "dora": "1 order, the last one 514 days ago; in the core until 30 Jun 2025, with the tier of that day"
    }
    assert former["value"].to_dict() == {"dora": 90.0}
    assert former["tier"].to_dict() == {"dora": "major"}
    growing = lists["growing"].frame
    assert growing["value"].to_dict() == {"anna": 50.0, "cleo": 20.0}
    assert list(growing.columns) == ["segment", "tier", "value", "reason", "first_list", "also_on"]
    assert found.permission_known


def test_a_customer_on_several_lists_is_first_on_the_most_urgent(shop):
    found, lists = _lists(shop)
    marks = {
        name: {**each.frame[["first_list", "also_on"]].T.to_dict("list"), **each.withheld[["first_list", "also_on"]].T}
        for name, each in lists.items()
    }
    assert marks["open_complaints"]["anna"] == [True, "growing"]
    assert marks["growing"]["anna"] == [False, "open_complaints"]
    assert marks["growing"]["cleo"] == [True, ""]
    assert list(marks["dissatisfied"]["ben"]) == [True, "slipping_away"]
    assert list(marks["slipping_away"]["ben"]) == [False, "dissatisfied"]
    counts = found.overview()
    assert counts.loc["all"].tolist() == [4, 2, 2, 2, 2, 70.0]
    assert counts["first"].iloc[:-1].sum() == counts.loc["all", "may_contact"]
    # Without the most urgent list the next is the first.
    fewer = replace(found, lists=found.lists[1:])
    assert {each.name: each for each in fewer.lists}["growing"].frame["first_list"].all()
    with pytest.raises(ValueError, match="names of their own"):
        replace(found, lists=(found.lists[0], found.lists[0]))


def test_under_the_base_of_all_known_those_who_stayed_away_are_listed(shop):
    segmented = _segmented(shop, {**SEGMENT, "dora": "Slipping away"}, TIER, base="known")
    lists = {each.name: each for each in target_lists(shop, segmented).lists}
    silent = lists["slipping_away"].withheld
    assert silent["reason"]["dora"] == "no order in 365 days, the last one 514 days ago"
    assert silent["value"]["dora"] == 0.0
    former = lists["former_core"].withheld
    assert former.loc["dora", ["tier", "value", "also_on"]].tolist() == ["major", 90.0, "slipping_away"]
    assert len(lists["growing"].frame) == 2
    buyers = {each.name: each for each in target_lists(shop, _segmented(shop, SEGMENT, TIER)).lists}
    assert "dora" not in buyers["slipping_away"].withheld.index


def test_a_list_of_a_segment_that_the_rules_do_not_know_is_left_out(shop):
    segmented = _segmented(shop, SEGMENT, TIER)
    rules = tuple(rule for rule in segmented.rfm.rules if rule.name != "Growing")
    found = target_lists(shop, replace(segmented, rfm=replace(segmented.rfm, rules=rules)))
    assert found.left_out["growing"] == "the company's own rules know no segment 'Growing'"


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
    assert set(lists) == {"slipping_away", "former_core", "growing"}
    assert set(found.left_out) == set(PURPOSES) - set(lists)
    assert "complaints" in found.left_out["open_complaints"]
    assert "the analysis was not made" in found.left_out["growable"]
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
    found = target_lists(shop, segment_customers(shop, SegmentDefinitions()))
    assert {each.name for each in found.lists} >= {"open_complaints", "slipping_away"}


def test_nothing_after_the_last_day_is_used(tmp_path):
    folder = write_company(tmp_path / "shop", _tables(), how="parquet", as_of="2026-06-30")
    early = Company.open(folder, "2026-06-10")
    _, lists = _lists(early, {"ben": "Slipping away", "cleo": "Growing"}, {"ben": "key", "cleo": "key"})
    assert lists["open_complaints"].frame.empty  # cleo complained later
    assert window_before(early, days=365) is not None
