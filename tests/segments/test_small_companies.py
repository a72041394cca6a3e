"""The whole chain on companies with next to nothing: a result or a stated reason, never a crash."""

from __future__ import annotations

import pytest

from crm_lib import figures, segments
from crm_lib.company import Company
from crm_lib.exhibit import Skipped, when_possible
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
    window = segments.customer_window(shop, days=365)
    measured = segments.concentration(window["revenue"], resamples=99)
    finding = segments.finding_80_20(measured, value="revenue", currency="GBP", window_days=365)
    assert finding.verdict is Verdict.UNDECIDED
    rfm = segments.rfm_scores(window, as_of=shop.as_of)
    charts = [
        figures.monthly_chart(shop),
        figures.concentration_chart(measured, value="revenue", as_of=shop.as_of),
        figures.rfm_map(rfm, window["revenue"], currency="GBP", value_label="revenue"),
        figures.profit_chart(segments.profit_table(shop, "category")),
    ]
    assert all("<svg" in chart._repr_mimebundle_()[0]["image/svg+xml"] for chart in charts)
    assert (
        "<script" not in figures.segments_table(rfm, window["revenue"], currency="GBP", value_label="revenue").to_html()
    )
    assert "<b>" not in charts[-1].to_dict()["table_html"]
    followed = when_possible("following up", segments.follow_up, shop)
    assert isinstance(followed, Skipped)
    table = when_possible("later value", figures.follow_up_table, followed, currency="GBP")
    assert isinstance(table, Skipped)
    assert table.why == followed.why
