"""Charts and tables of relationships as readers see them: words and numbers agree, nothing is lost or unescaped."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd

from crm_lib import figures
from crm_lib.estimate import Estimate
from crm_lib.relationships import STAGES, Contributors, DeclineWarning, Influence, Kinds, ProspectReplay, Stages
from crm_lib.relationships.prospect_ranking import ProspectRanking
from tests.figures.conftest import drawn

DAY = dt.date(2026, 6, 30)


def told(value: float, half: float = 0.1, **more: str) -> Estimate:
    return Estimate(value=value, low=value - half, high=value + half, n=100, method="test", **more)


def test_the_chart_of_contributors_says_both_ratios_and_draws_what_is_not_known() -> None:
    unknown = Estimate(value=np.nan, low=-np.inf, high=np.inf, n=3, method="test")
    roles = pd.DataFrame(
        {
            "customers": [120, 80], "share": [0.12, 0.08], "later": [44.0, 40.0], "alike": [40.0, 41.0],
            "times_alike": [told(1.1, 0.05), unknown], "times_all": [2.5, 2.2], "holds": [True, False],
        },
        index=pd.Index(["any", "reviews"], name="role"),
    )  # fmt: skip
    chart = figures.contributors_chart(Contributors(roles=roles, day=DAY, value_kind="margin", currency="GBP"))
    assert chart.alt.startswith("Contributors bring 2.5 times as much as others, 1.10 times as much as their like.")
    drawn(chart)
    assert "not estimable" in chart.table.to_html()
    assert "£44" in chart.table.to_html()


def test_names_of_customers_are_escaped_and_values_not_to_be_added_up() -> None:
    index = pd.Index(["<b>ann</b>"], name="customer_id")
    frame = pd.DataFrame({"own": [10.0], "won": [1], "won_value": [20.0], "together": [30.0]}, index=index)
    totals = pd.DataFrame(
        {"customers": [1, 3], "value": [10.0, 100.0], "value_share": [0.1, 1.0]},
        index=pd.Index(["contributors themselves", "all customers"], name="group"),
    )
    found = Influence(frame=frame, totals=totals, value_kind="margin", currency="GBP")
    most = figures.influencers_table(found)
    assert "&lt;b&gt;ann" in most.to_html()
    assert "do not add them up" in most.note
    assert "10.0%" in figures.influence_table(found).to_html()


def test_stages_are_drawn_in_order_with_what_to_do() -> None:
    stage = pd.Categorical(["stable", "gone", "gone"], categories=list(STAGES), ordered=True)
    frame = pd.DataFrame({"stage": stage, "value": [80.0, 15.0, 5.0]}, index=list("abc"))
    earlier = pd.Series(pd.Categorical(["stable", "stable", "gone"], list(STAGES), ordered=True), index=list("abc"))
    warning = DeclineWarning(
        frame=pd.DataFrame(
            {"warned": True, "newly_warned": [True, False], "p_alive": 0.3, "silence": 90.0, "against_rhythm": 3.0,
             "value": [5.0, 9.0]}, index=pd.Index(["a", "b"], name="customer_id"),
        ),
        rule="p_alive", threshold=0.6,
        rules=pd.DataFrame({"auc": [told(0.9, 0.02)], "false_alarms": 0.05, "found": 0.7},
                           index=pd.Index(["p_alive"], name="rule")),
        followed=pd.DataFrame(), tested_on=DAY, value_kind="margin", currency="GBP",
    )  # fmt: skip
    stages = Stages(frame=frame, earlier=earlier, as_of=DAY, value_kind="margin", currency="GBP", outcome=warning)
    chart = figures.stages_chart(stages)
    assert chart.alt.startswith("33% of customers are in a stable relationship and bring 80% of the margin.")
    assert "Keep the service level" in chart.table.to_html()
    assert figures.stage_moves_chart(stages).alt.startswith("1 customers left in the last quarter, 0 came back.")
    table = figures.warning_table(stages.warning)
    assert "P(alive) below 40%" in table.note
    assert figures.warned_table(warning).frame["customer_id"].tolist() == ["a"]


def test_kinds_are_told_in_words() -> None:
    p = pd.Series(np.linspace(0, 1, 50))
    kinds = Kinds(
        frame=pd.DataFrame({"relational": p, "value": 1.0, "discounted": 0.5}),
        habits=pd.DataFrame({"transactional": [0.55, 0.4], "relational": [0.15, 0.6]},
                            index=["discounted_lines_ever", "share"]),
        separation=0.7, value_kind="margin", currency="GBP",
    )  # fmt: skip
    html = figures.kinds_table(kinds).to_html()
    assert "Lines bought on discount" in html
    assert "55.0%" in html or "55%" in html
    assert "50% are relational on average" in figures.kinds_chart(kinds).alt


def test_what_prospects_were_told_and_brought_is_drawn_in_money() -> None:
    rng, n = np.random.default_rng(3), 200
    frame = pd.DataFrame(
        {
            "day": pd.Timestamp("2025-09-30"), "prospect_id": [f"q{i}" for i in range(n)], "cost": 2.0,
            "model": rng.gamma(1, 20, n), "channel": 1.0, "newest": -rng.integers(1, 90, n).astype(float),
        }
    )  # fmt: skip
    frame["actual"] = np.where(rng.random(n) < 0.3, frame["model"] * 3, 0.0)
    replay = ProspectReplay(
        frame=frame, values=frame[["model", "actual"]].set_axis(["told", "was"], axis=1), days=(dt.date(2025, 9, 30),),
        share=0.2, horizon_days=180, value_kind="margin", currency="GBP", seed=1,
    )  # fmt: skip
    chart = figures.prospect_calibration_chart(replay)
    assert "of the margin predicted for them" in chart.alt
    assert "£" in chart.table.to_html()
    rules = figures.prospect_rules_table(replay)
    assert "200 live prospects on 1 earlier days" in rules.note
    assert "the latest known first" in rules.to_html()


def test_the_ranking_says_what_it_costs_and_brings() -> None:
    frame = pd.DataFrame(
        {
            "rank": [1, 2], "chosen": [True, False], "reason": ["chosen", "loss"], "net": [8.0, -1.0],
            "gross": [10.0, 1.0], "cost": [2.0, 2.0], "chance": [0.5, 0.1], "value": [20.0, 10.0], "alike": [90, 40],
        },
        index=pd.Index(["<q1>", "q2"], name="prospect_id"),
    )  # fmt: skip
    principles = pd.DataFrame(
        {"measured": "x", "evidence": [told(2.0)], "kept_to": "yes"}, index=pd.Index(["p"], name="principle")
    )
    ranking = ProspectRanking(
        frame=frame, spent=2.0, expected=told(7.0, 1.0, unit="GBP"), principles=principles, currency="GBP"
    )
    chart = figures.prospect_ranking_chart(ranking)
    assert chart.alt.startswith("Winning 1 of 2 prospects for £2.00 should bring £7.00 net.")
    assert "costs more than it is expected to bring" in chart.table.to_html()
    assert "&lt;q1&gt;" in figures.prospects_table(ranking).to_html()
    assert "yes" in figures.principles_table(ranking).to_html()
