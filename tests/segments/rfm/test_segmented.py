"""One set of definitions for reports, scores, lists and the page of a customer."""

from __future__ import annotations

import datetime as dt

import pandas as pd
import pytest

from crm_lib.customers import customer_window
from crm_lib.segments import SegmentDefinitions, segment_customers, value_tiers
from crm_lib.segments.rfm.rules import Interval, Rule
from tests.segments.rfm.reference import rfm_scores

HALVES = (
    Rule(name="often", when={"frequency": Interval(above=3)}, action="Thank."),
    Rule(name="seldom", otherwise=True, action="Ask."),
)


def test_it_says_what_scores_and_tiers_of_the_window_say(shop):
    found = segment_customers(shop, SegmentDefinitions())
    window = customer_window(shop, days=365)
    rfm = rfm_scores(window, as_of=shop.as_of)
    pd.testing.assert_frame_equal(found.rfm.frame, rfm.frame, check_dtype=False)
    assert found.rfm.cut_points == rfm.cut_points
    assert found.rfm.left_out == rfm.left_out
    tiers = value_tiers(window["margin"])
    assert found.tiers.frame["tier"].tolist() == tiers.frame["tier"].tolist()
    assert found.tiers.cut_points == tiers.cut_points
    assert found.value_kind == "margin"
    pd.testing.assert_frame_equal(found.tiers.table(), tiers.table())


def test_frozen_definitions_keep_their_rule_on_another_day(shop):
    frozen = segment_customers(shop, SegmentDefinitions()).definitions
    earlier = segment_customers(shop, frozen, ending=dt.date(2026, 3, 31))
    assert earlier.definitions == frozen
    assert earlier.rfm.as_of == dt.date(2026, 3, 31)
    window = customer_window(shop, days=365, ending=dt.date(2026, 3, 31))
    rfm = rfm_scores(window, as_of=dt.date(2026, 3, 31), cut_points=frozen.rfm_cut_points)
    assert earlier.rfm.frame["segment"].tolist() == rfm.frame["segment"].tolist()


@pytest.mark.parametrize("base", ["buyers", "known"])
def test_rules_base_and_money_are_those_of_the_definitions(shop, base):
    definitions = SegmentDefinitions(rules=HALVES, base=base, monetary="margin", returns="gross", window_days=200)
    found = segment_customers(shop, definitions)
    frame = found.rfm.frame
    assert (frame["segment"] == "often").equals(frame["frequency"] > 3)
    assert (frame["frequency"].min() == 0) == (base == "known")
    assert (found.rfm.base, found.rfm.window_days) == (base, 200)
    assert found.rfm.best == "often"  # where a company's own rules know no champions
    assert found.rfm.segment_table(found.tiers.frame["value"])["action"].tolist() == ["Thank.", "Ask."]
