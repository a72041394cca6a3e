from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm_lib.relationships.prospects.measures import (
    calibration_groups,
    calibration_slope,
    rank_correlation,
    ratio_of_sums,
    top_weights,
)


@given(
    st.lists(st.tuples(st.integers(0, 5), st.floats(0.1, 9.0)), min_size=1, max_size=30),
    st.floats(0.0, 1.0),
)
def test_top_weights_spend_the_share_and_treat_equals_equally(rows, share):
    score, size = np.array([row[0] for row in rows], float), np.array([row[1] for row in rows])
    weights = top_weights(score, share, size=size)
    assert weights @ size == pytest.approx(share * size.sum(), abs=1e-9)
    for value in set(score):
        assert np.ptp(weights[score == value]) < 1e-12
    order = np.argsort(-score, kind="stable")
    assert (np.diff(weights[order]) <= 1e-12).all()


def test_ratio_and_difference_are_those_of_the_sums():
    part, whole = np.array([1.0, 2.0, 6.0]), np.array([2.0, 2.0, 5.0])
    assert ratio_of_sums(part, whole).value == pytest.approx(1.0)
    assert ratio_of_sums(part, whole, less=(part[::-1], np.ones(3))).value == pytest.approx(1.0 - 3.0)


def test_where_nothing_varies_the_interval_is_open_up_to_what_is_possible():
    estimate = ratio_of_sums(np.array([1.0, 2.0, 3.0]), np.array([0.2, 0.4, 0.6]), highest=5.0)
    assert (estimate.value, estimate.low, estimate.high) == (pytest.approx(5.0), 0.0, 5.0)
    assert np.isnan(ratio_of_sums(np.ones(3), np.zeros(3)).value)


def _ratio_coverage(runs, n=300):
    held = 0
    for seed in range(runs):
        rng = np.random.default_rng(seed)
        # Four in five bring nothing; the others, gamma with mean 50. Predictions are right on average, times 1.25.
        chance = rng.uniform(0.05, 0.35, n)
        came = np.where(rng.random(n) < chance, rng.gamma(1.0, 50.0, n), 0.0)
        estimate = ratio_of_sums(came, chance * 50.0 * 1.25, resamples=399, seed=seed)
        held += estimate.low <= 0.8 <= estimate.high
    return held / runs


def test_interval_of_a_ratio_covers_in_a_short_simulation():
    assert _ratio_coverage(60) >= 0.88


@pytest.mark.validate
def test_interval_of_a_ratio_covers():
    assert 0.93 <= _ratio_coverage(1000) <= 0.97


def test_slope_is_one_where_predictions_are_right_and_its_interval_covers():
    held = 0
    for seed in range(200):
        rng = np.random.default_rng(seed)
        predicted = rng.gamma(3.0, 20.0, 400)
        slope = calibration_slope(predicted, rng.gamma(1.0, predicted))
        held += slope.low <= 1 <= slope.high
    assert 0.9 <= held / 200 <= 0.99
    exact = calibration_slope(np.array([1.0, 2.0, 4.0]), np.array([7.0, 9.0, 13.0]))
    assert exact.value == pytest.approx(2.0)


def test_rank_correlation_of_an_order_kept_or_turned():
    values = np.arange(20.0)
    assert rank_correlation(values, values**3).value == pytest.approx(1.0)
    assert rank_correlation(values, -values).value == pytest.approx(-1.0)
    assert np.isnan(rank_correlation(np.ones(20), values).value)


def test_groups_have_the_means_of_their_cases_and_equal_predictions_stay_together():
    table = calibration_groups(np.array([1.0, 1.0, 1.0, 4.0]), np.array([0.0, 3.0, 6.0, 8.0]), groups=2)
    assert table["cases"].tolist() == [3, 1]
    assert table["actual"].tolist() == [3.0, 8.0]
    assert (table["predicted"] * table["cases"]).sum() == pytest.approx(7.0)
