"""Charts and tables of churn: every one is made of the simulated company, with words that fit its numbers."""

from __future__ import annotations

import pytest

from crm_lib import churn, figures, segments
from crm_lib.figures.chart import Chart
from tests.churn.conftest import churned, risk, window  # noqa: F401 - fixtures
from tests.relationships.conftest import simulated_folder, simulated_shop, simulation  # noqa: F401 - fixtures


@pytest.fixture(scope="module")
def made(simulated_shop, window, churned, risk):  # noqa: F811
    causes = churn.causes_of_leaving(simulated_shop, churned)
    path = churn.escalation(simulated_shop, churned)
    keep = churn.retention_list(risk, contact_cost=3.5, offer_cost=2.0)
    plan = churn.winback_plan(simulated_shop, churned)
    offers = churn.uplift(simulated_shop)
    shown = [
        figures.window_chart(window), figures.window_rules_table(window), figures.churned_table(churned),
        figures.incidence_chart(causes), figures.causes_chart(causes), figures.escalation_chart(path),
        figures.hazard_chart(path), figures.risk_models_table(risk), figures.risk_days_table(risk),
        figures.list_profit_chart(keep), figures.risk_by_cause_table(risk, causes),
        figures.value_at_risk_chart(risk, segments.segment_customers(simulated_shop)),
        figures.reasons_chart(keep, churn.risk_reasons(simulated_shop, risk, keep.frame.index)),
        figures.winback_chart(plan), figures.winback_audit_table(plan), figures.winback_trial_chart(plan.tried()),
        figures.uplift_chart(offers), figures.policies_table(offers),
    ]  # fmt: skip
    findings = [
        churn.finding_window(window), churn.finding_own_fault(causes), churn.finding_unanswered(path),
        churn.finding_list(keep), churn.finding_uplift(offers), churn.finding_winback(plan.tried(), plan),
        churn.finding_small(plan.tried()),
    ]  # fmt: skip
    return {(each.table.name if isinstance(each, Chart) else each.name): each for each in shown}, findings


def test_every_exhibit_has_a_name_of_its_own_and_no_unwritten_place(made):
    shown, _ = made
    assert len(shown) == 18
    for each in shown.values():
        words = f"{each.alt} {each.title} {each.table.note}" if isinstance(each, Chart) else each.note
        assert "{" not in words
        assert "nan" not in words.lower().split()


def test_findings_are_short_and_of_their_numbers(made):
    for finding in made[1]:
        assert len(finding.text.split()) <= 30, finding.text
        assert "{" not in finding.text + finding.decision


def test_headlines_say_what_the_numbers_are(made, window):  # noqa: F811
    shown, _ = made
    assert f"After {window.days} days of silence" in shown["window"].alt
    assert shown["incidence"].table.columns["days_known"].tolist() == [91, 182, 365, 730]
    parts = shown["value-at-risk"].table.frame["at_risk"].sum(), shown["risk-by-cause"].frame["at_risk"].sum()
    assert parts[0] == pytest.approx(parts[1])
    assert shown["churned"].title.endswith("customers are gone")
