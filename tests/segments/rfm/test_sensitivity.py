from __future__ import annotations

import pytest

from crm_lib.company import Company
from crm_lib.customers import customer_window
from crm_lib.errors import TooLittleData
from crm_lib.segments import SegmentDefinitions, rfm_sensitivity
from crm_lib.segments.rfm.sensitivity import NOT_SCORED
from tests.companies import transactions, write_company
from tests.segments.rfm.reference import rfm_scores


@pytest.fixture(scope="module")
def tried(shop):
    return rfm_sensitivity(shop)


def _segments(shop, **how):
    days = how.pop("days", 365)
    return rfm_scores(customer_window(shop, days=days), as_of=shop.as_of, **how).frame["segment"]


def test_every_other_rule_is_the_one_it_says(shop, tried):
    now = _segments(shop)
    assert tried.frame["rule in use"].to_dict() == now.to_dict()
    by_hand = {
        "window 90 days shorter": _segments(shop, days=275),
        "window 90 days longer": _segments(shop, days=455),
        "4 levels": _segments(shop, levels=4),
        "3 levels": _segments(shop, levels=3),
    }
    for name, segments in by_hand.items():
        assert tried.frame[name].to_dict() == segments.reindex(now.index).fillna(NOT_SCORED).to_dict()
    window = customer_window(shop, days=365)
    margin = rfm_scores(window.assign(revenue=window["margin"]), as_of=shop.as_of).frame["segment"]
    assert tried.frame["margin as money"].to_dict() == margin.to_dict()
    gross = rfm_scores(window.assign(revenue=window["revenue"] + window["returns"]), as_of=shop.as_of).frame["segment"]
    assert (tried.frame["returns not taken off"] == gross).mean() > 0.99  # sums of floats, which the engine has exact


def test_shares_are_counts_of_customers_elsewhere(tried):
    table, now = tried.table(), tried.frame["rule in use"]
    for name in tried.frame.columns[1:]:
        moved = sum(a != b for a, b in zip(now, tried.frame[name], strict=True))
        assert table.loc[name, "moved"] == moved
        assert table.loc[name, "moved_share"] == pytest.approx(moved / len(now))
        assert table.loc[name, "moved_far"] <= table.loc[name, "moved_share"]
    assert table.loc["any of these", "moved"] == (~tried.stable).sum()
    assert tried.by_segment()["stable"].sum() == tried.stable.sum()
    assert tried.by_segment()["customers"].sum() == len(now)


def test_what_the_data_cannot_tell_is_left_out_with_its_reason(bare_shop):
    tried = rfm_sensitivity(bare_shop, SegmentDefinitions(window_days=700))
    assert tried.left_out == {
        "window 90 days longer": "the data do not go back so far",
        "margin as money": "the company does not know its margin",
    }
    assert not set(tried.left_out) & set(tried.frame.columns)


def test_nobody_to_score_is_said(tmp_path):
    rows = [("o1", "a", "2024-06-20", 7.0)]
    company = Company.open(write_company(tmp_path / "old", {"transactions": transactions(rows)}, as_of="2026-06-30"))
    with pytest.raises(TooLittleData, match="nobody bought"):
        rfm_sensitivity(company)
