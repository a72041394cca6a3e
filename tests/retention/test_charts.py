"""Every chart of retention is drawn whole, and every finding is short and filled."""

from __future__ import annotations

import pytest

from crm_lib import clv, figures, retention
from crm_lib.company import Company
from crm_lib.exhibit import Table
from tests.companies import transactions, write_company
from tests.figures.conftest import drawn


@pytest.fixture(scope="module")
def found(simulated_shop, lives, bridge):
    projection = retention.purchase_projection(lives)
    return {
        "cohorts": retention.cohorts(simulated_shop), "members": retention.cohorts(simulated_shop, contracts=True),
        "loyalty": retention.loyalty_change(simulated_shop, lives), "bridge": bridge, "projection": projection,
        "plan": retention.contract_projections(simulated_shop)[0], "campaigns": retention.read_out(simulated_shop),
        "costs": clv.retention_costs(simulated_shop),
        "daily": retention.day_by_day(simulated_shop, retention.read_out(simulated_shop)),
        "value": retention.retention_value(simulated_shop, lives, projection, annual_rate=0.1, programme_cost=2.0),
    }  # fmt: skip


@pytest.mark.parametrize(
    ("chart", "result", "words"),
    [
        ("cohort_chart", "cohorts", "of customers buy in the quarter after"),
        ("cohort_chart", "members", "still have one at the end of the next quarter"),
        ("cohort_curve_chart", "cohorts", "After 10 quarters"),
        ("loyalty_chart", "loyalty", "Half a year after winning"),
        ("projection_chart", "projection", "Told from 3 periods"),
        ("projection_chart", "plan", "a straight line by"),
        ("sorting_chart", "projection", "that needs no customer to change"),
        ("bridge_chart", "bridge", "came with new customers"),
        ("elasticity_chart", "value", "One per cent more retention adds"),
        ("campaigns_chart", "campaigns", "offers changed what customers bring"),
        ("day_by_day_chart", "daily", "be told from chance"),
        ("keeping_costs_chart", "costs", "channels keeping a customer for a year costs less"),
    ],
)
def test_every_chart_is_whole_and_says_what_it_shows(found, chart, result, words):
    _, fields = drawn(getattr(figures, chart)(found[result]))
    assert words in fields["alt"]


@pytest.mark.parametrize(
    ("table", "result"),
    [("loyalty_groups_table", "loyalty"), ("retention_rates_table", "bridge"), ("retention_value_table", "value")],
)
def test_tables_are_filled(found, table, result):
    shown = getattr(figures, table)(found[result])
    assert isinstance(shown, Table)
    assert len(shown.frame)
    assert "nan" not in shown.to_html()


@pytest.mark.parametrize(
    ("finding", "result"),
    [
        ("loyalty_change", "loyalty"), ("sorting", "plan"), ("net_retention", "bridge"), ("five_per_cent", "value"),
        ("campaigns", "campaigns"),
    ],
)  # fmt: skip
def test_findings_have_at_most_thirty_words(found, finding, result):
    told = getattr(retention, f"finding_{finding}")(found[result])
    assert len(told.text.split()) <= 30
    assert told.decision


def test_a_period_that_is_not_over_stands_on_grey_and_in_the_table(tmp_path):
    rows = [(f"{c}{m}", f"c{c}", f"2025-{m:02}-05", 10.0) for c in range(4) for m in range(1 + c % 2, 5)]
    shop = Company.open(write_company(tmp_path / "shop", {"transactions": transactions(rows)}, as_of="2025-04-20"))
    chart = figures.cohort_chart(retention.cohorts(shop))
    svg, fields = drawn(chart)
    assert "not over yet" in fields["table"]["note"]
    assert "#dfe3e8" in svg


def test_groups_of_cohorts_are_drawn_with_their_names(simulated_shop):
    for by, words in (("acquisition_channel", "social media: "), ("first_value", "Largest third: ")):
        chart = figures.cohort_groups_chart(retention.cohort_groups(simulated_shop, by), by)
        assert words in drawn(chart)[1]["alt"]
