"""Target lists: who is on them, why, in which order, and who must not be contacted."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from crm_lib.company import Company
from crm_lib.errors import TooLittleData
from crm_lib.figures import target_list_table, target_summary_table
from crm_lib.segments import PURPOSES, SegmentDefinitions, segment_customers, target_lists
from crm_lib.segments.target_lists import contact_permission, growable, split_by_permission
from tests.companies import write_company

TIER = {"anna": "key", "ben": "key", "cleo": "small"}
RISK = pd.DataFrame({"risk": [0.4, 0.999], "at_risk": [20.0, 79.9]}, index=["anna", "ben"])


def tables():
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


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write_company(tmp_path_factory.mktemp("data") / "shop", tables(), how="parquet", as_of="2026-06-30")


@pytest.fixture(scope="module")
def shop(folder):
    return Company.open(folder)


def made(shop, tier=TIER, base="buyers", at_risk=None, win_back=None, **more):
    """Return lists of customers put into tiers as told; what they did is as it was."""
    found = segment_customers(shop, SegmentDefinitions(tier_cut_points=(100.0, 60.0, 10.0), base=base))
    tiers = pd.Series(tier).reindex(found.tiers.frame.index)
    segmented = replace(found, tiers=replace(found.tiers, frame=found.tiers.frame.assign(tier=tiers)))
    unknown = TooLittleData("too few")
    told = {name: unknown if frame is None else frame for name, frame in (("at_risk", at_risk), ("win_back", win_back))}
    lists = target_lists(shop, segmented, **told, **more)
    return lists, {each.name: each for each in lists.lists}


def test_each_list_holds_whom_it_is_for_with_the_reason(shop):
    found, lists = made(shop, at_risk=RISK, risk_days=91)
    assert list(lists) == ["open_complaints", "dissatisfied", "at_risk", "gone"]
    assert found.left_out.pop("win_back") == "too few"
    assert found.left_out == {"growable": "needs at least 10 customers who bring anything; there are 3"}
    # Of two unsettled complaints the older one is told; cleo is not in the core.
    assert lists["open_complaints"].frame["reason"].to_dict() == {"anna": "billing: closed unsettled"}
    assert lists["dissatisfied"].withheld["reason"].to_dict() == {"ben": "satisfaction 5 on 1 Apr 2026"}
    assert lists["dissatisfied"].frame.empty  # anna's last answer is a good one
    risky = pd.concat([lists["at_risk"].frame, lists["at_risk"].withheld])
    assert risky["reason"]["anna"] == "40% risk of buying nothing within 91 days; last purchase 10 days ago"
    assert risky["reason"]["ben"].startswith(">99% risk")
    assert risky["value"].to_dict() == {"anna": 20.0, "ben": 79.9}
    # Of the window before, ben and anna brought little, and bought since.
    gone = lists["gone"].withheld.loc["dora"]
    assert gone["reason"] == "1 order, the last one 514 days ago; in the core until 30 Jun 2025"
    assert gone[["value", "tier"]].tolist() == [90.0, "major"]
    assert list(lists["gone"].frame.columns) == ["segment", "tier", "value", "reason", "first_list", "also_on"]


def test_the_lost_worth_winning_back_come_with_the_gain_of_their_plan(shop):
    plan = pd.DataFrame({"gain": [7.5], "tier": "major", "reason": "why", "cost": 1.0}, index=["anna"])
    _, lists = made(shop, at_risk=RISK, win_back=plan)
    assert lists["win_back"].frame.loc["anna", ["tier", "value", "reason"]].tolist() == ["major", 7.5, "why"]
    assert list(lists)[-1] == "win_back"


def test_a_customer_on_several_lists_is_first_on_the_most_urgent(shop):
    found, lists = made(shop, at_risk=RISK)
    marks = {name: pd.concat([each.frame, each.withheld]) for name, each in lists.items()}
    assert marks["open_complaints"].loc["anna", ["first_list", "also_on"]].tolist() == [True, "at_risk"]
    assert marks["at_risk"].loc["anna", ["first_list", "also_on"]].tolist() == [False, "open_complaints"]
    assert marks["at_risk"].loc["ben", ["first_list", "also_on"]].tolist() == [False, "dissatisfied"]
    counts = found.overview()
    assert counts.loc["all"].tolist() == [3, 1, 2, 1, 2, 50.0]
    assert counts.loc["at_risk"].tolist() == [2, 1, 1, 0, 2, 20.0]


def test_whoever_did_not_agree_or_is_not_known_is_withheld(shop, tmp_path):
    agreed = contact_permission(shop)
    assert agreed.to_dict() == {"anna": True, "ben": False, "cleo": True, "dora": False}
    rows = pd.DataFrame({"value": [1.0, 2.0], "reason": "r"}, index=["anna", "stranger"])
    (one,) = split_by_permission({"growable": rows}, agreed)
    assert (list(one.frame.index), list(one.withheld.index)) == (["anna"], ["stranger"])
    alone = {"transactions": tables()["transactions"]}
    found, lists = made(Company.open(write_company(tmp_path / "open", alone, how="parquet", as_of="2026-06-30")))
    assert not found.permission_known
    assert set(lists) == {"gone"}
    assert set(found.left_out) == set(PURPOSES) - {"gone"}
    assert "complaints" in found.left_out["open_complaints"]
    assert lists["gone"].withheld.empty
    assert "make sure" in target_summary_table(found).note


def test_nothing_after_the_last_day_is_used(folder):
    early = Company.open(folder, "2026-06-10")
    _, lists = made(early, {"ben": "key", "cleo": "key"})
    assert lists["open_complaints"].frame.empty  # cleo complained later


def test_growable_are_regulars_who_bring_far_less_than_the_best_of_those_alike(tmp_path):
    # 40 customers with 8 orders: a quarter brings 100 an order, some 60, some 20; ten with one order bring 1.
    price = np.repeat([100.0, 60.0, 20.0, 20.0], 10)
    days = pd.date_range("2026-01-05", "2026-06-20", periods=8)
    rows = [(f"o{c}-{d}", f"c{c:02d}", day, price[c]) for c in range(40) for d, day in enumerate(days)]
    rows += [(f"s{c}", f"s{c}", days[-1], 1.0) for c in range(10)]
    rows = [row for row in rows if not (row[1] >= "c35" and row[1] < "d" and row[2] > pd.Timestamp("2026-03-01"))]
    lines = pd.DataFrame(rows, columns=["order_id", "customer_id", "ordered_at", "revenue"])
    for unit in (1.0, 17_000.0):
        folder = tmp_path / f"shop{unit:g}"
        told = {"transactions": lines.assign(revenue=lines["revenue"] * unit)}
        shop = Company.open(write_company(folder, told, how="parquet", as_of="2026-06-30"))
        found = growable(shop, segment_customers(shop, SegmentDefinitions()))
        assert sorted(found.index) == [f"c{c}" for c in range(20, 35)]  # those from 35 on are silent
        assert found["value"].unique().tolist() == [160 * unit]
        assert (found["gap"] == found["reach"] - found["value"]).all()


def test_tables_count_each_customer_once_and_escape(shop):
    found, _ = made(shop, at_risk=RISK)
    hostile = replace(found.lists[0], frame=found.lists[0].frame.assign(reason="<i>late</i>"))
    lists = replace(found, lists=(hostile, *found.lists[1:]), left_out={"growable": "no orders"})
    summary = target_summary_table(lists)
    assert summary.frame.iloc[-1][["list", "customers"]].tolist() == ["All customers, each once", 3]
    assert "no orders" in summary.note
    whole = target_list_table(lists)
    assert whole.columns["customer_id"].tolist() == ["anna", "anna"]
    assert whole.columns["first_list"].tolist() == ["yes", "no"]
    assert whole.columns["also_on"].tolist() == ["at risk", "open complaints"]
    assert "<i>" not in whole.to_html()
