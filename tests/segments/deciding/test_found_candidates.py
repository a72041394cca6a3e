"""Lists of those whom the analyses name: who, what is at stake, and each one's own numbers as the reason."""

from __future__ import annotations

from types import SimpleNamespace

import pandas as pd
import pytest

from crm_lib.company import Company
from crm_lib.exhibit import Skipped
from crm_lib.relationships import RelationalKinds, switching_classes
from crm_lib.segments import (
    PURPOSES,
    SegmentDefinitions,
    TargetEvidence,
    segment_customers,
    target_evidence,
    target_lists,
)
from tests.companies import write_company

LINES = [
    ("o1", "anna", "2026-02-20", 400.0), ("o2", "ben", "2026-06-10", 300.0), ("o3", "cleo", "2026-06-29", 100.0),
]  # fmt: skip


@pytest.fixture
def shop(tmp_path):
    lines = pd.DataFrame(LINES, columns=["order_id", "customer_id", "ordered_at", "revenue"])
    return Company.open(write_company(tmp_path / "shop", {"transactions": lines}, as_of="2026-06-30"))


@pytest.fixture
def evidence():
    value = pd.Series({"anna": 400.0, "ben": 300.0, "cleo": 100.0})
    risk = pd.Series({"anna": 0.6, "ben": 0.1, "cleo": 0.9})
    kinds = pd.DataFrame(
        {
            "kind": ["losing value", "losing value", "growable"], "membership": 0.9, "value": value,
            "recent": [1.0, 0.0, 3.0], "expected": [6.13, 4.0, 3.0], "unchanged": [0.03, 0.001, 0.9],
            "gap": [0.0, 0.0, 250.0],
        },
        index=value.index,
    )  # fmt: skip
    warned = pd.DataFrame({"probability": [0.87, 0.9], "warned": True, "new": [True, False]}, index=["gone", "anna"])
    stages = pd.DataFrame({"purchases": [14, 3], "rate": [9.25, 1.0], "silent_days": [375, 2]}, index=warned.index)
    return TargetEvidence(
        risk=SimpleNamespace(horizon_days=91),
        switching=switching_classes(value, risk, contact_cost=15.0, risk_from=0.5),
        fading=SimpleNamespace(recent_days=182),
        kinds=RelationalKinds(frame=kinds, best_from=400.0, transactional=0),
        cycle=SimpleNamespace(frame=stages),
        warning=SimpleNamespace(frame=warned),
    )


def _lists(shop, evidence):
    found = target_lists(shop, segment_customers(shop, SegmentDefinitions()), evidence=evidence)
    return found, {each.name: each.frame for each in found.lists}


def test_each_is_listed_with_what_is_at_stake_and_the_own_numbers(shop, evidence):
    _, lists = _lists(shop, evidence)
    # Cleo's risk is high, but a contact that costs 15 and keeps a tenth pays from 150 on.
    assert lists["looking_around"][["value", "reason"]].T.to_dict("list") == {
        "anna": [240.0, "60% risk of buying nothing within 91 days; the last purchase 130 days ago"]
    }
    # Who was warned of and has brought nothing lately has nothing at stake, no segment and no tier.
    assert lists["newly_warned"][["value", "reason"]].T.to_dict("list") == {
        "gone": [
            0.0,
            "87% likely to be in decline or gone: 14 days of purchase so far, 9.2 a year when stable, the last "
            "375 days ago",
        ]
    }
    assert lists["newly_warned"][["segment", "tier"]].isna().all(axis=None)
    assert lists["losing_value"][["value", "reason"]].T.to_dict("list") == {
        "anna": [
            400.0,
            "1 day of purchase within 182 days, where the past lets expect 6.1; 3% likely that this is chance",
        ],
        "ben": [
            300.0,
            "no purchase within 182 days, where the past lets expect 4.0; less than 1% likely that this is chance",
        ],
    }
    assert lists["growable"][["value", "reason"]].T.to_dict("list") == {
        "cleo": [250.0, "£100 of revenue within 365 days; the best of similar customers bring £350 and more"]
    }


def test_the_lists_stand_in_the_order_of_urgency(shop, evidence):
    found, lists = _lists(shop, evidence)
    assert list(lists) == [name for name in PURPOSES if name in lists]
    first, also = lists["losing_value"].loc["anna", ["first_list", "also_on"]]
    assert not first
    assert also.split("; ")[0] == "looking_around"
    times = pd.concat(lists.values()).index.value_counts()
    assert found.overview().loc["all", ["customers", "several"]].tolist() == [len(times), (times > 1).sum()]


def test_what_was_left_out_is_said_with_its_reason(shop, evidence):
    part = TargetEvidence(
        risk=evidence.risk, switching=evidence.switching, fading=Skipped(what="x", why="too few customers"),
        kinds=Skipped(what="x", why="too few customers"),
    )  # fmt: skip
    found, lists = _lists(shop, part)
    assert "looking_around" in lists
    assert found.left_out["growable"] == found.left_out["losing_value"] == "too few customers"
    assert "newly_warned" in found.left_out


@pytest.mark.parametrize(("name", "below"), [("switching", "risk"), ("kinds", "fading"), ("warning", "cycle")])
def test_a_result_comes_with_the_one_it_rests_on(name, below, evidence):
    with pytest.raises(ValueError, match=f"'{name}' without '{below}'"):
        TargetEvidence(**{name: getattr(evidence, name)})


def test_results_that_are_there_are_taken_and_the_others_made(shop, evidence):
    value = pd.Series({"anna": 400.0})
    full = target_evidence(shop, value, known=evidence)
    assert full == evidence
    part = TargetEvidence(risk=evidence.risk, switching=evidence.switching)
    made = target_evidence(shop, value, known=part)
    assert made.switching is evidence.switching
    assert isinstance(made.fading, Skipped)
    assert isinstance(made.kinds, Skipped)
    assert made.kinds.why == made.fading.why
