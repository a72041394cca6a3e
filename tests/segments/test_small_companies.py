"""The whole chain on companies with next to nothing: a result or a stated reason, never a crash."""

from __future__ import annotations

import pytest

from crm_lib import figures, segments
from crm_lib.company import Company
from crm_lib.errors import MissingData
from crm_lib.finding import Verdict
from tests.companies import transactions, write_company

CASES = {
    "one customer": [("o1", "anna", "2025-03-10 10:00", 20.0)],
    "no repeats": [(f"o{number}", f"c{number}", "2025-03-10 10:00", 20.0) for number in range(6)],
    "all alike": [(f"o{number}", f"c{number % 4}", f"2025-03-{1 + number // 4:02d}", 7.0) for number in range(8)],
    "hostile names": [("o1", "<script>{x}</script>", "2025-03-10", 20.0), ("o2", "=cmd", "2025-03-12", 30.0)],
    "more returned than bought": [("o1", "anna", "2025-03-10", 20.0), ("o2", "anna", "2025-03-12", -30.0)],
}


@pytest.fixture(params=CASES)
def shop(request, tmp_path):
    lines = transactions(CASES[request.param]).assign(category="{<b>$x$</b>}")
    return Company.open(write_company(tmp_path / "small", {"transactions": lines}, as_of="2025-03-31"))


def test_every_step_gives_a_result_or_a_reason(shop):
    segmented = segments.segment_customers(shop)
    measured = segments.concentration(segmented.value, resamples=99, basis=segmented.basis)
    assert segments.finding_80_20(measured).verdict is Verdict.UNDECIDED
    charts = [figures.concentration_chart(measured), figures.tiers_chart(segmented)]
    charts.append(figures.profit_chart(segments.profit_table(shop, "category")))
    assert "<b>" not in charts[-1].to_dict()["table_html"]
    assert all("<svg" in chart._repr_mimebundle_()[0]["image/svg+xml"] for chart in charts)
    assert "<script" not in figures.segments_table(segmented).to_html()
    frozen = segments.estimated(segmented.definitions, shop)
    assert segments.SegmentDefinitions.from_toml(frozen.to_toml()) == frozen
    tried = segments.rfm_sensitivity(shop)
    assert figures.sensitivity_table(tried).to_html()
    assert figures.stable_segments_table(tried).to_html()
    for step, reason in {
        figures.rfm_map: "10 customers with the same scores",
        lambda _: segments.compare_core(shop, segmented): "at least 10 each",
        lambda _: segments.movement(shop): "the data begin on",
        lambda _: segments.follow_up(shop): "nobody bought",
    }.items():
        with pytest.raises(MissingData, match=reason):
            step(segmented)
