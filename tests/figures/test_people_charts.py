"""Profiles and contributing customers as readers see them: words and numbers agree, and nothing overlaps."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd
import pytest

from crm_lib import figures
from crm_lib.estimate import Estimate
from crm_lib.relationships import Contributors, Influence


def ratio(value: float, half: float) -> Estimate:
    return Estimate(value=value, low=value - half, high=value + half, n=100, method="test")


@pytest.fixture
def found() -> Contributors:
    roles = pd.DataFrame(
        {
            "customers": [120, 80, 45], "share": [0.12, 0.08, 0.045], "later": [44.0, 40.0, 50.0],
            "alike": [40.0, 41.0, 40.0], "ratio": [ratio(1.1, 0.05), ratio(0.98, 0.2), ratio(1.25, 0.4)],
            "raw": [2.5, 2.2, 3.0], "p_value": [0.001, 0.8, 0.2], "holds": [True, False, False],
        },
        index=pd.Index(["any", "reviews", "referrals"], name="role"),
    )  # fmt: skip
    frame = pd.DataFrame({"contributes": [True], "later": [44.0], "alike": [40.0]}, index=["c1"])
    return Contributors(roles=roles, frame=frame, day=dt.date(2026, 1, 1), days=180, value_kind="margin")


def test_the_chart_of_contributors_says_both_ratios(found: Contributors) -> None:
    chart = figures.contributors_chart(found, currency="GBP")
    figure = chart.axes.get_figure(root=True)
    assert figure is not None
    title = " ".join(figure.get_suptitle().split())
    assert title == "Contributors bring 2.5 times as much as others, 1.10 times as much as others like them"
    assert "1.10 [1.05, 1.15] times the margin" in chart.alt
    figure.canvas.draw()
    low, high = chart.axes.get_xlim()
    assert low <= 0
    assert high > 3.0
    legend = chart.axes.get_legend().get_window_extent()
    assert not any(legend.overlaps(label.get_window_extent()) for label in chart.axes.get_yticklabels())


def test_a_role_without_an_interval_is_drawn_all_the_same(found: Contributors) -> None:
    unknown = Estimate(value=np.nan, low=-np.inf, high=np.inf, n=3, method="test")
    roles = found.roles.assign(ratio=[ratio(1.1, 0.05), unknown, ratio(1.25, 0.4)])
    odd = Contributors(roles=roles, frame=found.frame, day=found.day, days=found.days, value_kind="revenue")
    chart = figures.contributors_chart(odd, currency="GBP")
    assert chart.to_svg().startswith("<?xml")
    assert "not estimable" in chart.table.to_html()


def test_the_parts_of_influence_add_up_before_the_reader() -> None:
    frame = pd.DataFrame(
        {
            "reviews": [2, 0, 0], "ideas": [0, 0, 0], "own": [10.0, 20.0, 70.0], "won": [1, 0, 0], "chain": [1, 0, 0],
            "won_value": [20.0, 0.0, 0.0], "chain_value": [20.0, 0.0, 0.0],
        },
        index=pd.Index(["<b>ann</b>", "ben", "cleo"], name="customer_id"),
    )  # fmt: skip
    found = Influence(
        frame=frame,
        totals={"all": 100.0, "own": 10.0, "brought": 20.0, "together": 30.0, "credited": 20.0},
        customers={"all": 3, "own": 1, "brought": 1},
        left_out={"unknown": 1, "circular": 3},
        credit=0.5,
    )
    table = figures.influence_table(found, currency="GBP")
    assert table.frame["share"].tolist() == pytest.approx([0.1, 0.2, 0.3, 1.0])
    assert table.frame["customers"].tolist() == [1, 1, 2, 3]
    assert "4 recommendations could not be" in table.note
    assert "£20.00, or 20% of all" in table.note
    most = figures.influencers_table(found, allowed=None, currency="GBP")
    assert "do not add them up" in most.note
    assert list(most.frame.columns) == ["reviews", "own", "won", "won_value", "chain", "chain_value"]
    assert "&lt;b&gt;ann" in most.to_html()
    assert "make sure before anybody is" in most.note
    refused = figures.influencers_table(found, allowed=pd.Series({"ben": True}), currency="GBP")
    assert refused.frame["may_contact"].tolist() == ["no"]
    assert refused.label("may_contact") == "May be contacted"
