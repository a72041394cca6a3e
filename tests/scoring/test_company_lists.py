"""All lists from a company's tables alone, and what a company lacks."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pandas as pd
import pytest

from crm_lib.company import Company
from crm_lib.demo import simulate
from crm_lib.scoring import company_lists
from crm_lib.segments import (
    PURPOSES,
    SegmentDefinitions,
    TargetEvidence,
    TargetLists,
    contact_permission,
    definitions_of,
    segment_customers,
    target_evidence,
    target_lists,
)
from tests.companies import transactions, write_company
from tests.segments.simulated import write_simulated
from tests.segments.test_small_companies import CASES


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Company:
    return Company.open(write_simulated(simulate(seed=8, customers=1500), tmp_path_factory.mktemp("data") / "shop"))


@pytest.fixture(scope="module")
def evidence(shop: Company) -> TargetEvidence:
    return target_evidence(shop, segment_customers(shop, definitions_of(shop)).tiers.frame["value"])


@pytest.fixture(scope="module")
def lists(shop: Company) -> TargetLists:
    return company_lists(shop)


def test_a_company_with_all_tables_has_all_lists(lists: TargetLists) -> None:
    assert [each.name for each in lists.lists] == list(PURPOSES)
    assert not lists.left_out
    assert all(len(each.frame) for each in lists.lists)


def test_the_lists_hold_whom_the_analyses_name(shop: Company, evidence: TargetEvidence, lists: TargetLists) -> None:
    segmented = segment_customers(shop, definitions_of(shop))
    again = target_lists(shop, segmented, evidence=evidence)
    on = {each.name: pd.concat([each.frame, each.withheld]) for each in lists.lists}
    for one, other in zip(lists.lists, again.lists, strict=True):
        pd.testing.assert_frame_equal(one.frame, other.frame)
    sorted_, kinds, warned = evidence.switching.frame, evidence.kinds.frame, evidence.warning.frame  # type: ignore[union-attr]
    looking = sorted_[sorted_["class"] == "valuable and looking around"]
    assert set(on["looking_around"].index) == set(looking.index)
    assert on["looking_around"]["value"].sum() == pytest.approx(looking["at_risk"].sum())
    assert set(on["newly_warned"].index) == set(warned.index[warned["new"]])
    assert set(on["losing_value"].index) == set(kinds.index[kinds["kind"] == "losing value"])
    growable = kinds[kinds["kind"] == "growable"]
    assert on["growable"]["value"].sum() == pytest.approx(growable["gap"].sum())


def test_nobody_is_contacted_twice_or_without_permission(shop: Company, lists: TargetLists) -> None:
    agreed = contact_permission(shop)
    assert agreed is not None
    shown = pd.concat([each.frame for each in lists.lists])
    assert agreed[shown.index].all()
    assert not agreed[pd.concat([each.withheld for each in lists.lists]).index].any()
    first = shown[shown["first_list"]]
    assert not first.index.has_duplicates
    assert set(first.index) == set(shown.index)
    counts = lists.overview()
    assert counts.loc["all", "may_contact"] == shown.index.nunique()
    assert counts.loc["all", "several"] > 0


def test_a_dearer_contact_pays_for_fewer(shop: Company, evidence: TargetEvidence, lists: TargetLists) -> None:
    dear = company_lists(shop, evidence=dataclasses.replace(evidence, switching=None), contact_cost=30.0)
    names = [each.name for each in dear.lists]
    assert names == list(PURPOSES)
    assert dear.overview().loc["looking_around", "customers"] < lists.overview().loc["looking_around", "customers"]


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("base", ["buyers", "known"])
def test_a_company_with_next_to_nothing_gets_what_there_is(case: str, base: str, tmp_path: Path) -> None:
    small = Company.open(
        write_company(tmp_path / "small", {"transactions": transactions(CASES[case])}, as_of="2025-03-31")
    )
    definitions = SegmentDefinitions(base=base)  # type: ignore[arg-type]
    made = company_lists(small, segmented=segment_customers(small, definitions))
    assert {each.name for each in made.lists} == {"slipping_away", "growing"}
    assert set(made.left_out) == set(PURPOSES) - {"slipping_away", "growing"}
    assert all(made.left_out.values())


@pytest.mark.parametrize(
    "given", [{"contact_cost": -1.0}, {"saved_share": 0.0}, {"false_alarm": 1.0}, {"risk_days": 0}], ids=str
)
def test_settings_out_of_range_are_refused_before_anything_is_computed(shop: Company, given: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=next(iter(given))):
        company_lists(shop, **given)  # type: ignore[arg-type]
