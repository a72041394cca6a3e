"""What the figures and tables of value, channels and contracts say, held against papers and sums by hand."""

from __future__ import annotations

import datetime as dt
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from matplotlib.text import Text

from crm_lib import clv, figures
from crm_lib.clv import NBD, ContractModel, ShiftedBetaGeometric
from crm_lib.errors import TooLittleData
from tests.figures.clv_samples import HIGH_END, acquisition, high_end, shop


def title_of(chart):
    return chart.axes.get_figure(root=True).get_suptitle()


# Money


def values(amounts, **more):
    frame = pd.DataFrame({"current": amounts}, index=pd.Index([f"c{n}" for n in range(len(amounts))]))
    return SimpleNamespace(frame=frame, currency="GBP", as_of=dt.date(2026, 6, 30), level=0.9, **more)


def test_share_of_the_best_customers_by_hand():
    chart = figures.value_distribution_chart(values(np.arange(1.0, 101.0)))
    # The best 20 of 1 … 100 add up to 81 + … + 100 = 1810, of 5050.
    assert title_of(chart) == "20% of customers hold 36% of the value to come"
    frame = chart.table.frame
    assert frame["customers"].tolist() == [5] * 20
    assert frame["mean"].tolist() == [98.0 - 5 * place for place in range(20)]
    assert frame["share"].sum() == pytest.approx(1)


@pytest.mark.parametrize("amounts", [[5.0], [0.0, 0.0, 0.0], [3.0, -1.0, np.nan]])
def test_distribution_of_few_or_worthless_customers_is_drawn(amounts):
    chart = figures.value_distribution_chart(values(amounts))
    assert chart.to_svg()
    assert chart.table.frame["customers"].sum() == np.isfinite(amounts).sum()


def test_distribution_of_nobody_is_left_out():
    with pytest.raises(TooLittleData):
        figures.value_distribution_chart(values([]))
    with pytest.raises(ValueError, match="between 0 and 1"):
        figures.value_distribution_chart(values([1.0]), top_share=20)


def test_top_customers_are_in_order_and_escaped():
    valued = values([1.0, 9.0, 5.0])
    valued.frame.index = ["a", "<script>", "b"]
    table = figures.top_customers_table(valued, most=2)
    assert table.frame.index.tolist() == ["<script>", "b"]
    assert "&lt;script&gt;" in table.to_html()
    assert "<script>" not in table.to_html()


@pytest.fixture(scope="module")
def company(tmp_path_factory):
    return shop(tmp_path_factory.mktemp("data"))


def test_waterfall_adds_up_and_holds_its_sum(company):
    value = clv.customer_value(company, model=NBD(), draws=200)
    frame = figures.equity_waterfall(value).table.frame
    parts = frame.loc[["Earned so far", "Still to come", "Could be added"]]
    assert parts["value"].tolist() == pytest.approx(
        [value.frame["historical"].sum(), value.frame["current"].sum(), value.frame["potential"].sum()]
    )
    assert frame.loc["In all", "value"] == pytest.approx(parts["value"].sum())
    # Where the parts rise together, the interval of the sum is as wide as theirs together; it is never wider.
    widths = frame["high"] - frame["low"]
    assert 0 < widths["In all"] <= widths[["Still to come", "Could be added"]].sum() * 1.05
    by = figures.equity_table(clv.equity_by(value, clv.acquisition_cohorts(value)), currency="GBP", by="cohort")
    assert by.frame["current"].sum() == pytest.approx(frame.loc["Still to come", "value"])
    np.testing.assert_allclose(by.frame["mean"], by.frame["current"] / by.frame["customers"])
    assert by.label("group") == "Cohort"


def test_channels_are_judged_by_their_intervals():
    chart = figures.channel_value_chart(acquisition())
    assert title_of(chart) == "1 of 3 channels costs more than it brings; surely paying: 1"
    table = figures.acquisition_table(acquisition()).frame
    assert table["judgement"].to_dict() == {
        "Preis $1 $2": "pays", "広告": "undecided", "<b>ads</b>": "costs more than it brings", "direct": "–",
    }  # fmt: skip
    assert table["payback"].to_dict() == {
        "Preis $1 $2": "paid back by the first purchase",
        "広告": "paid back in 410 days [120, never]",
        "<b>ads</b>": "not paid back",
        "direct": "–",
    }
    assert table.loc["direct", "ratio_interval"] == "–"
    assert table.loc["広告", "value_interval"] == "[£25.00, £48.00]"


@pytest.mark.parametrize(
    ("low", "words"),
    [(40.0, "Customers of the one channel are worth"), (5.0, "0 of 1 channels surely pay; for the others it is open")],
)
def test_title_of_channels_follows_the_intervals(low, words):
    rows = {"shop": (400, 10.0, 50.0, low, 60.0, 5.0, 4.0, 6.0, 0.0, 0.0, 0.0)}
    assert title_of(figures.channel_value_chart(acquisition(rows))).startswith(words)


def test_channels_of_unknown_cost_are_left_out():
    rows = {"direct": (100, np.nan, 35.0, 25.0, 48.0, *[np.nan] * 6)}
    with pytest.raises(TooLittleData, match="known cost"):
        figures.channel_value_chart(acquisition(rows))


def test_dollar_signs_in_names_are_no_formulas():
    chart = figures.channel_value_chart(acquisition())
    chart.to_svg()
    assert not any(words.get_parse_math() for words in chart.axes.get_figure(root=True).findobj(Text))


# Contracts


def test_actual_curve_is_that_of_the_paper_and_the_model_comes_near():
    model = ShiftedBetaGeometric().fit(high_end(7))
    chart = figures.retention_chart(model, high_end(), seen=7)
    frame = chart.table.frame
    np.testing.assert_allclose(frame["actual"].dropna(), np.array(HIGH_END) / 1000)
    # Fader & Hardie (2007): alpha .668, beta 3.806; survival is the product of (beta + i) / (alpha + beta + i).
    rates = (3.806 + np.arange(12)) / (0.668 + 3.806 + np.arange(12))
    np.testing.assert_allclose(frame["Shifted beta-geometric"][1:13], np.cumprod(rates), atol=5e-4)
    assert title_of(chart) == "39% of contracts remain after 12 renewals; 38% were expected"


def test_actual_curve_of_censored_contracts_is_kaplan_and_meiers():
    rows = pd.DataFrame({"duration": [1, 1, 2, 2, 3], "ended": [True, False, True, False, True]})
    rows = rows.assign(customers=[4, 10, 3, 13, 2])
    model = ShiftedBetaGeometric().fit(high_end(7))
    frame = figures.retention_chart(model, rows).table.frame
    # Renewal 1: 4 of 32 end. Renewal 2: 3 of 18. For renewal 3 only two are up, which is too few to show.
    assert frame["actual"].dropna().tolist() == pytest.approx([1, 28 / 32, 28 / 32 * 15 / 18])


def test_retention_of_no_model_is_refused():
    none: list[ContractModel] = []
    with pytest.raises(ValueError, match="no model"):
        figures.retention_chart(none, high_end())


def test_plans_are_shown_with_their_model(company):
    members = clv.membership_value(company, draws=200)
    table = figures.membership_table(members)
    assert table.frame["current"].sum() == pytest.approx(members.totals["current"].value)
    assert table.frame["contracts"].sum() == 120
    assert str(members.totals["current"]) in table.note
    assert figures.plan_retention_chart(members, company).name == "retention_monthly"  # the plan with most contracts
    with pytest.raises(ValueError, match="these have: "):
        figures.plan_retention_chart(members, company, plan="silver")
