"""What the figures and tables of models and forecasts say, held against papers, a peer and sums by hand."""

from __future__ import annotations

import dataclasses
import datetime as dt

import lifetimes
import numpy as np
import pandas as pd
import pytest

from crm_lib import clv, figures
from crm_lib.clv import BGBB, BGNBD, NBD, ParetoNBD
from crm_lib.errors import TooLittleData
from tests.clv.cdnow import cdnow_purchases, cdnow_summary
from tests.figures.clv_samples import cdnow_comparison, pareto


def title_of(chart):
    return chart.axes.get_figure(root=True).get_suptitle()


# Tracking, calibration, comparison


def test_tracking_counts_the_repeat_purchases_of_the_holdout():
    chart = figures.tracking_chart(cdnow_comparison())
    frame = chart.table.frame
    after = frame[frame["time"] == "after the forecast"]
    assert len(after) == 39
    assert after["weekly_actual"].sum() == 1882  # Fader, Hardie & Lee (2005), and counted again in PUBLISHED_NUMBERS
    off = after["weekly_ParetoNBD"].sum() / 1882 - 1
    assert f"{abs(off):.0%} too {'many' if off > 0 else 'few'}" in title_of(chart)
    assert "1,882" in chart.alt
    summed = frame["weekly_NBD"].cumsum()
    np.testing.assert_allclose(frame["cumulative_NBD"], summed)


def test_tracking_draws_the_models_asked_for_and_names_those_there_are():
    chart = figures.tracking_chart(cdnow_comparison(), models=["NBD"], cut_off="1997-09-30")
    assert title_of(chart).startswith("NBD expected")
    with pytest.raises(ValueError, match=r"tracks no models \['BGNBD'\]; it tracks"):
        figures.tracking_chart(cdnow_comparison(), models=["BGNBD"])
    with pytest.raises(ValueError, match="it has 1997-09-30"):
        figures.tracking_chart(cdnow_comparison(), cut_off="1997-10-01")


def test_tracking_without_a_model_that_knows_new_customers_is_left_out():
    compared = clv.compare_models(
        cdnow_purchases(), as_of="1998-06-30", horizon_days=90, cut_offs=1, models=[], draws=100
    )
    with pytest.raises(TooLittleData, match="no model"):
        figures.tracking_chart(compared)
    assert sum("(recommended)" in name for name in figures.comparison_table(compared).frame.index) == 1


def test_calibration_counts_tenths_whose_prediction_lies_in_the_interval():
    chart = figures.calibration_chart(cdnow_comparison(), model="NBD")
    frame = chart.table.frame
    inside = int(frame["predicted"].between(frame["low"], frame["high"]).sum())
    assert f"in {inside} of {len(frame)} groups" in title_of(chart)
    assert frame["customers"].sum() == 2357
    assert (frame["actual"] * frame["customers"]).sum() == pytest.approx(1882)
    with pytest.raises(ValueError, match=r"knows no model 'XYZ'.*NBD"):
        figures.calibration_chart(cdnow_comparison(), model="XYZ")


def test_comparison_table_marks_the_recommended_and_writes_names_of_the_field():
    table = figures.comparison_table(cdnow_comparison())
    best = "Pareto/NBD (recommended)"
    assert table.frame.index.tolist()[0] == best
    assert "NBD" in table.frame.index
    # Published for this holdout: 1665.5 of 1,882 predicted, mean absolute error .7545.
    assert table.frame.loc[best, "bias"] == pytest.approx(1665.5 / 1882 - 1, abs=1e-4)
    assert table.write("mae", table.frame.loc[best, "mae"]) in ("0.754", "0.755")
    assert "Pareto/NBD has the lowest" in table.note
    assert "ParetoNBD" not in table.to_html()
    assert figures.remarks_table(cdnow_comparison()).note == "Nothing was left out."


# Expectation by past frequency


def test_conditional_expectation_groups_the_cdnow_customers_as_the_paper_does():
    chart = figures.conditional_expectation_chart(
        [ParetoNBD(), NBD()], cdnow_purchases(), cut_off="1997-09-30", horizon_days=273
    )
    frame = chart.table.frame
    # Group sizes: Fader, Hardie & Lee (2005), Marketing Science 24(2).
    assert frame["customers"].tolist() == [1411, 439, 214, 100, 62, 38, 29, 64]
    assert frame.index.tolist() == ["0", "1", "2", "3", "4", "5", "6", "7 or more"]
    summary = cdnow_summary()
    groups = summary.groupby(summary["frequency"].clip(upper=7))
    np.testing.assert_allclose(frame["actual"], groups["holdout"].mean())
    expected = pareto().expected_purchases(summary, 39).groupby(summary["frequency"].clip(upper=7)).mean()
    np.testing.assert_allclose(frame["Pareto/NBD"], expected, rtol=1e-6)
    inside = int(frame["Pareto/NBD"].between(frame["low"], frame["high"]).sum())
    assert f"in {inside} of 8 groups" in title_of(chart)


def test_conditional_expectation_needs_a_known_end_and_a_model():
    with pytest.raises(ValueError, match=r"known until 1998-06-30 only, and the horizon ends on 1998-07-30"):
        figures.conditional_expectation_chart(NBD(), cdnow_purchases(), cut_off="1998-06-01", horizon_days=59)
    with pytest.raises(ValueError, match="no model"):
        figures.conditional_expectation_chart([], cdnow_purchases(), cut_off="1997-09-30", horizon_days=90)
    with pytest.raises(TooLittleData, match="nobody had bought"):
        figures.conditional_expectation_chart(NBD(), cdnow_purchases(), cut_off="1996-09-30", horizon_days=90)


# Maps


def test_map_of_the_nbd_follows_the_closed_form():
    model = NBD().fit(cdnow_summary())
    chart = figures.frequency_recency_map(model, cdnow_summary(), horizon=39, age=38)
    frame = chart.table.frame
    r, alpha = model.params_
    age = np.where(frame["frequency"] > 0, 38, frame["silence"])
    np.testing.assert_allclose(frame["expected"], 39 * (r + frame["frequency"]) / (alpha + age), rtol=1e-9)
    assert (frame["alive"] == 1).all()
    assert "nobody leave" in title_of(chart)


def test_map_agrees_with_a_peer_and_counts_every_customer_once():
    summary = cdnow_summary()
    model = BGNBD().fit(summary)
    peer = lifetimes.BetaGeoFitter()
    peer.params_ = model.params_
    chart = figures.frequency_recency_map(model, summary, horizon=39)
    frame = chart.table.frame
    some = frame[(frame["frequency"] > 0)]
    age = summary["age"].max()
    theirs = peer.conditional_probability_alive(some["frequency"], age - some["silence"], age)
    np.testing.assert_allclose(some["alive"], theirs, rtol=1e-9)
    largest = frame["frequency"].max()
    assert frame["customers"].sum() == (summary["frequency"] <= largest).sum()
    beyond = (summary["frequency"] > largest).sum()
    assert 0 < beyond < 0.03 * (summary["frequency"] > 0).sum()
    assert f"{beyond} customers with more repeat purchases are left out" in chart.table.note


def test_map_counts_the_customers_of_a_grouped_summary():
    summary = cdnow_summary()
    grouped = summary.groupby(["frequency", "recency", "age"]).size().rename("customers").reset_index()
    one, other = (figures.frequency_recency_map(pareto(), rows, horizon=39) for rows in (summary, grouped))
    pd.testing.assert_frame_equal(one.table.frame, other.table.frame)
    assert one.alt == other.alt


def test_map_leaves_out_histories_that_opportunities_do_not_allow():
    donors = pd.DataFrame({"frequency": [0, 1, 2, 3, 6, 4], "recency": [0, 2, 5, 6, 6, 4], "age": 6})
    model = BGBB().with_parameters(alpha=1.2, beta=0.8, gamma=0.6, delta=2.5)
    frame = figures.frequency_recency_map(model, donors, horizon=5).table.frame
    repeat = frame[frame["frequency"] > 0]
    assert (repeat["frequency"] <= 6 - repeat["silence"]).all()
    assert frame["customers"].sum() == 6


def test_map_of_customers_who_bought_once_only_is_left_out():
    once = pd.DataFrame({"frequency": 0, "recency": 0.0, "age": [3.0, 5.0]})
    with pytest.raises(TooLittleData, match="second time"):
        figures.frequency_recency_map(pareto(), once, horizon=10)


# One customer


def test_history_judges_each_day_by_what_was_known_then():
    days = [dt.date(2025, 3, 1), dt.date(2025, 1, 1), dt.date(2025, 3, 1), dt.date(2025, 6, 1)]
    chart = figures.customer_history_chart(pareto(), days, as_of=dt.date(2025, 5, 1), level=0.8)
    frame = chart.table.frame
    assert [day.date() for day in frame["day"]] == [
        dt.date(2025, 1, 1), dt.date(2025, 2, 28), dt.date(2025, 3, 1), dt.date(2025, 5, 1),
    ]  # fmt: skip
    assert frame["event"].tolist() == ["purchase", "before the next purchase", "purchase", "end"]
    peer = lifetimes.ParetoNBDFitter()
    peer.params_ = pareto().params_
    known = [(0, 0, 0), (0, 0, 58), (1, 59, 59), (1, 59, 120)]
    theirs = [float(np.squeeze(peer.conditional_probability_alive(x, last / 7, age / 7))) for x, last, age in known]
    np.testing.assert_allclose(frame["value"], theirs, rtol=1e-6)
    assert ((frame["low"] <= frame["value"]) & (frame["value"] <= frame["high"])).all()
    assert "9 weeks after the last purchase" in title_of(chart)
    assert f"{theirs[-1]:.0%}" in title_of(chart)


def test_history_without_a_purchase_or_of_a_model_without_days_is_refused():
    with pytest.raises(TooLittleData, match="no purchase up to 2024-01-01"):
        figures.customer_history_chart(pareto(), [dt.date(2025, 3, 1)], as_of=dt.date(2024, 1, 1))
    model = BGBB().with_parameters(alpha=1.2, beta=0.8, gamma=0.6, delta=2.5)
    with pytest.raises(ValueError, match="continuous time"):
        figures.customer_history_chart(model, [dt.date(2025, 3, 1)], as_of=dt.date(2025, 4, 1))


# Estimates against the truth


def test_truth_of_equal_numbers_lies_on_the_diagonal():
    amounts = np.linspace(1, 2, 200)
    frame = pd.DataFrame({"estimate": amounts, "truth": amounts})
    chart = figures.truth_chart(frame, what="value", kind="money", currency="GBP", bins=4)
    groups = chart.table.frame
    np.testing.assert_allclose(groups["estimate"], groups["truth"])
    assert groups["customers"].tolist() == [50] * 4
    assert title_of(chart) == "Value: on average £1.50, in truth £1.50"
    assert "rank correlation is 1" in chart.alt


def test_truth_of_yes_and_no_has_wilsons_interval():
    # 8 of 10: [0.4902, 0.9433], Brown, Cai & DasGupta (2001), by their formula (4).
    frame = pd.DataFrame({"estimate": 0.75, "truth": [True] * 8 + [False] * 2})
    groups = figures.truth_chart(frame, what="chance", kind="share").table.frame
    assert groups[["low", "high"]].iloc[0].tolist() == pytest.approx([0.4902, 0.9433], abs=5e-5)
    with pytest.raises(TooLittleData, match="only 5 customers"):
        figures.truth_chart(frame.head(5), what="chance", kind="share")
    with pytest.raises(ValueError, match="needs a currency"):
        figures.truth_chart(frame, what="chance", kind="money")


# Models


def test_model_table_has_parameters_and_fit_of_each_model():
    nbd = NBD().fit(cdnow_summary())
    frame = figures.model_table([pareto(), nbd]).frame.set_index(["model", "parameter"])
    # Published: Pareto/NBD r .5533, log-likelihood -9594.976, NBD -9763.658; AIC = 2k - 2 log L.
    assert frame.loc[("Pareto/NBD", "r"), "estimate"] == pytest.approx(0.5533, abs=5e-5)
    assert frame.loc[("Pareto/NBD", "log-likelihood"), "estimate"] == pytest.approx(-9594.976, abs=1e-3)
    assert frame.loc[("NBD", "AIC"), "estimate"] == pytest.approx(2 * 2 + 2 * 9763.658, abs=2e-3)
    assert frame.loc[("NBD", "BIC"), "estimate"] == pytest.approx(2 * np.log(2357) + 2 * 9763.658, abs=2e-3)
    assert np.isnan(frame.loc[("NBD", "AIC"), "standard_error"])
    names = figures.model_table([nbd, nbd]).frame["model"].unique().tolist()
    assert names == ["NBD (1)", "NBD (2)"]
    assert figures.model_table({"last year": nbd}).frame["model"].unique().tolist() == ["Last year"]


@pytest.mark.parametrize(
    ("pareto_k", "judgement"),
    [(0.2, "good"), (0.6, "usable"), (0.9, "not to be relied upon"), (np.nan, "drawn by a sampler")],
)
def test_posterior_table_judges_the_draws(pareto_k, judgement):
    drawn = dataclasses.replace(NBD().fit(cdnow_summary()).posterior(draws=200), pareto_k=pareto_k)
    table = figures.posterior_table({"ParetoNBD": drawn})
    assert table.frame.loc[0, ["model", "draws", "judgement"]].tolist() == ["Pareto/NBD", 200, judgement]
