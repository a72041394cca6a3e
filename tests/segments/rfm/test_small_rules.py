"""Tiers, rules and movement on companies with next to nothing: a result or a stated reason, never a crash."""

from __future__ import annotations

import pytest

from crm_lib import figures, segments
from crm_lib.company import Company
from crm_lib.exhibit import Skipped, when_possible
from tests.companies import transactions, write_company
from tests.segments.test_small_companies import CASES


@pytest.mark.parametrize("case", ["one customer", "no repeats", "hostile names", "more returned than bought"])
def test_every_step_gives_a_result_or_a_reason(case, tmp_path):
    lines = transactions(CASES[case])
    shop = Company.open(write_company(tmp_path / "small", {"transactions": lines}, as_of="2025-03-31"))
    window = segments.customer_window(shop, days=365)
    tiers = segments.value_tiers(window["revenue"])
    chart = figures.tiers_chart(tiers, currency="GBP", value="revenue", resamples=50)
    assert "<svg" in chart._repr_mimebundle_()[0]["image/svg+xml"]
    definitions = segments.definitions_of(shop)
    table = segments.rfm_table(shop, definitions).execute()
    assert sorted(table["customer_id"]) == sorted(window.index)
    assert table["segment"].notna().sum() == (window["orders"] > 0).sum()
    frozen = segments.estimated(definitions, shop)
    assert segments.SegmentDefinitions.from_toml(frozen.to_toml()) == frozen
    tried = segments.rfm_sensitivity(shop, definitions)
    assert figures.sensitivity_table(tried).to_html()
    assert figures.stable_segments_table(tried).to_html()
    moved = when_possible("movement", segments.movement, shop, definitions)
    assert isinstance(moved, Skipped)
    assert "the data begin on 10 Mar 2025" in moved.why or "the data begin on 1 Mar 2025" in moved.why
