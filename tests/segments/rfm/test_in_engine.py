from __future__ import annotations

import dataclasses
import datetime as dt

import numpy as np
import pandas as pd
import pytest

from crm_lib.company import Company
from crm_lib.customers import customer_window
from crm_lib.errors import MissingData, TooLittleData
from crm_lib.segments import SegmentDefinitions, estimated, rfm_table, value_tiers
from crm_lib.segments.rfm.rules import Interval, Rule
from tests.companies import transactions, write_company
from tests.segments.rfm.reference import rfm_scores

SCORES = ["recency", "frequency", "monetary", "recency_score", "frequency_score", "monetary_score"]


def _frame(table):
    return table.execute().set_index("customer_id").sort_index()


def _same(company, definitions, ending=None):
    """Compare with the scores of pandas, customer by customer."""
    last = ending or company.as_of
    window = customer_window(company, days=definitions.window_days, ending=ending)
    scored = rfm_scores(window, as_of=last, levels=definitions.levels, cut_points=definitions.rfm_cut_points,
                        rules=definitions.rules)  # fmt: skip
    value = window["margin" if "margin" in window else "revenue"]
    how = {"cut_points": definitions.tier_cut_points} if definitions.frozen else {"by": definitions.tier_by}
    tiers = value_tiers(value, **how)
    ours = _frame(rfm_table(company, definitions, ending=ending))
    assert ours.index.tolist() == window.index.tolist()
    assert ours["tier"].tolist() == tiers.frame["tier"].tolist()
    assert ours["value"].tolist() == value.tolist()
    have = ours.loc[scored.frame.index]
    for name in SCORES:
        assert have[name].tolist() == scored.frame[name].tolist()
    assert have["segment"].tolist() == scored.frame["segment"].tolist()
    assert ours.drop(index=scored.frame.index)[[*SCORES, "segment"]].isna().all(axis=None)
    return scored, tiers


@pytest.mark.parametrize("levels", [3, 4, 5])
@pytest.mark.parametrize("by", ["value", "count"])
def test_engine_and_pandas_agree_on_every_customer(shop, levels, by):
    _same(shop, SegmentDefinitions(levels=levels, tier_by=by))


def test_engine_and_pandas_agree_where_nearly_all_are_tied(tmp_path):
    rng = np.random.default_rng(6)
    n = 4000
    back = rng.random(n) < 0.2
    lines = pd.DataFrame(
        {
            "order_id": rng.integers(0, 3000, n).astype(str),
            "customer_id": rng.integers(0, 900, n).astype(str),
            "ordered_at": pd.Timestamp("2026-01-01") + pd.to_timedelta(rng.integers(0, 9, n) * 20, unit="D"),
            "revenue": np.where(back, -0.1, rng.choice([0.1, 0.2, 0.7], n)),
        }
    )
    company = Company.open(write_company(tmp_path / "ties", {"transactions": lines}, how="parquet", as_of="2026-06-30"))
    for by in ("value", "count"):
        scored, tiers = _same(company, SegmentDefinitions(tier_by=by))
        assert scored.frame["monetary"].nunique() < 60  # sums of tenths that floats would tell apart
        pairs = pd.concat([scored.frame, tiers.frame["tier"]], axis=1)[["monetary", "tier", "monetary_score"]].dropna()
        assert not pairs.drop_duplicates().duplicated("monetary").any()
    other = lines.sample(frac=1, random_state=1).assign(customer_id=lambda frame: "ß" + frame["customer_id"])
    renamed = Company.open(
        write_company(tmp_path / "other", {"transactions": other}, how="parquet", as_of="2026-06-30")
    )
    first, second = (_frame(rfm_table(which)) for which in (company, renamed))
    pd.testing.assert_frame_equal(first, second.rename(index=lambda name: name[1:]).sort_index())


def test_own_rules_are_applied_as_pandas_applies_them(shop):
    rules = (
        Rule(name="best", when={"recency_score": frozenset({4, 5}), "weight": Interval(above=7)}),
        Rule(name="once", when={"frequency": Interval(up_to=1), "weight": Interval(up_to=7)}),
        Rule(name="Other", otherwise=True),
    )
    _same(shop, SegmentDefinitions(rules=rules))


def test_frozen_definitions_keep_their_cut_points_at_another_day(shop):
    earlier = dt.date(2025, 12, 31)
    frozen = estimated(SegmentDefinitions(window_days=180), shop, ending=earlier)
    assert frozen.frozen
    assert (frozen.currency, frozen.estimated_on, frozen.tier_value) == ("GBP", earlier, "margin")
    _same(shop, frozen, ending=earlier)
    _same(shop, frozen)
    window = customer_window(shop, days=180, ending=earlier)
    assert frozen.rfm_cut_points == rfm_scores(window, as_of=earlier).cut_points
    assert frozen.tier_cut_points == value_tiers(window["margin"]).cut_points
    assert SegmentDefinitions.from_toml(frozen.to_toml()) == frozen
    anew = estimated(frozen, shop)
    assert anew.rfm_cut_points == rfm_scores(customer_window(shop, days=180), as_of=shop.as_of).cut_points


ROWS = [
    ("o1", "gone", "2024-01-01", 50.0),
    ("o2", "new", "2026-06-01", 8.0),
    ("o3", "new", "2026-06-05", -3.0),
    ("o4", "back", "2026-06-05", -3.0),
    ("o5", "new", "2026-06-07", 2.0),
]


@pytest.fixture
def few(tmp_path):
    folder = write_company(tmp_path / "few", {"transactions": transactions(ROWS)}, as_of="2026-06-30", margin_rate=0.5)
    return Company.open(folder)


def test_base_and_returns_do_what_they_say(few):
    net = _frame(rfm_table(few, SegmentDefinitions(levels=3)))
    assert net.index.tolist() == ["back", "new"]
    assert net.loc["new", ["recency", "frequency", "monetary", "value"]].tolist() == [23, 2, 7.0, 3.5]
    assert net.loc["back", ["value", "tier"]].tolist() == [-1.5, "small"]
    assert pd.isna(net.loc["back", "segment"])
    gross = _frame(rfm_table(few, SegmentDefinitions(levels=3, returns="gross", monetary="margin")))
    assert gross.loc["new", ["monetary", "value"]].tolist() == [5.0, 3.5]
    known = _frame(rfm_table(few, SegmentDefinitions(levels=3, base="known")))
    assert known.index.tolist() == ["back", "gone", "new"]
    assert known.loc["gone", ["frequency", "monetary", "value", "tier"]].tolist() == [0, 0.0, 0.0, "small"]
    assert known["segment"].notna().tolist() == [False, True, True]


def test_nobody_to_score_and_no_margin_are_said(few, bare_shop):
    with pytest.raises(TooLittleData, match="nobody bought anything in the 5 days of the window"):
        rfm_table(few, SegmentDefinitions(window_days=5))
    with pytest.raises(MissingData, match="margin"):
        rfm_table(bare_shop, dataclasses.replace(SegmentDefinitions(), tier_value="margin"))
    assert set(_frame(rfm_table(bare_shop))["tier"]) <= {"key", "major", "ordinary", "small"}
