"""The measures of point forecasts against hand calculation, definitions and peers."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from sklearn.metrics import mean_absolute_error, roc_auc_score, root_mean_squared_error

from crm_lib.clv import measures

_NUMBERS = st.lists(st.tuples(st.integers(0, 4), st.integers(0, 3)), min_size=2, max_size=40)
_QUICK = settings(deadline=None, max_examples=40)


def test_errors_are_those_of_scikit_learn() -> None:
    rng = np.random.default_rng(1)
    predicted, actual = rng.gamma(1, 2, 300), rng.poisson(2, 300).astype(float)
    assert measures.mean_absolute_error(predicted, actual) == pytest.approx(mean_absolute_error(actual, predicted))
    assert measures.root_mean_squared_error(predicted, actual) == pytest.approx(
        root_mean_squared_error(actual, predicted)
    )
    assert measures.rank_correlation(predicted, actual) == pytest.approx(stats.spearmanr(predicted, actual)[0])


def test_bias_is_that_of_the_total() -> None:
    assert measures.bias(np.array([2.0, 1.0]), np.array([4.0, 0.0])) == pytest.approx(-0.25)


def test_where_nobody_bought_there_is_no_bias_and_no_order() -> None:
    predicted, actual = np.array([1.0, 2.0]), np.zeros(2)
    for measure in (measures.bias, measures.correlation, measures.rank_correlation, measures.normalised_gini):
        assert np.isnan(measure(predicted, actual))


def test_a_single_customer_has_errors_but_no_order() -> None:
    one, two = np.array([1.0]), np.array([2.0])
    assert measures.mean_absolute_error(one, two) == 1
    assert np.isnan(measures.normalised_gini(one, two))
    assert len(measures.calibration_by_decile(one, two)) == 1


@given(rows=_NUMBERS)
@_QUICK
def test_of_two_outcomes_the_normalised_gini_is_that_of_the_roc_curve(rows: list[tuple[int, int]]) -> None:
    predicted, actual = (np.array(column, dtype=float) for column in zip(*rows, strict=True))
    bought = (actual > 0).astype(float)
    if 0 < bought.sum() < len(bought):
        assert measures.normalised_gini(predicted, bought) == pytest.approx(2 * roc_auc_score(bought, predicted) - 1)


def test_the_normalised_gini_is_the_area_between_lorenz_curves() -> None:
    rng = np.random.default_rng(2)
    predicted, actual = rng.random(500), rng.poisson(rng.gamma(0.5, 4.0, 500)).astype(float) + rng.random(500)

    def area(order: np.ndarray) -> float:
        curve = np.concatenate([[0], np.cumsum(actual[order])]) / actual.sum()
        return 0.5 - float(np.trapezoid(curve, dx=1 / len(actual)))

    expected = area(np.argsort(predicted)) / area(np.argsort(actual))
    assert measures.normalised_gini(predicted, actual) == pytest.approx(expected, rel=1e-9)


@given(rows=_NUMBERS, order=st.randoms(use_true_random=False))
@_QUICK
def test_the_order_of_rows_does_not_matter_even_with_ties(rows: list[tuple[int, int]], order: object) -> None:
    predicted, actual = (np.array(column, dtype=float) for column in zip(*rows, strict=True))
    places = list(range(len(rows)))
    order.shuffle(places)  # type: ignore[attr-defined]
    for measure in (measures.rank_correlation, measures.normalised_gini):
        np.testing.assert_allclose(measure(predicted, actual), measure(predicted[places], actual[places]), atol=1e-12)
    pd.testing.assert_frame_equal(
        measures.calibration_by_decile(predicted, actual),
        measures.calibration_by_decile(predicted[places], actual[places]),
    )


def test_tracking_error_is_the_mean_of_percentages_over_weeks_with_purchases() -> None:
    assert measures.tracking_error(np.array([8.0, 5.0, 1.0]), np.array([10.0, 4.0, 0.0])) == pytest.approx(0.225)
    assert np.isnan(measures.tracking_error(np.ones(2), np.zeros(2)))


def test_deciles_are_tenths_in_the_order_of_predictions() -> None:
    predicted = np.arange(100.0)[::-1]
    table = measures.calibration_by_decile(predicted, predicted * 2)
    assert table["customers"].tolist() == [10] * 10
    np.testing.assert_allclose(table["predicted"], np.arange(10) * 10 + 4.5)
    np.testing.assert_allclose(table["actual"], table["predicted"] * 2)


def test_customers_of_equal_prediction_stay_together() -> None:
    table = measures.calibration_by_decile(np.array([0.0] * 70 + [1.0] * 30), np.ones(100))
    assert sorted(table["customers"]) == [30, 70]


@pytest.mark.parametrize("events", [0, 1, 10, 60])
def test_without_overdispersion_the_ends_are_poisson_means_that_just_allow_the_total(events: int) -> None:
    """The definition of Garwood's interval: at either end the total seen, or one further out, has a chance of 5 %."""
    # At most one purchase each: the variance lies below the mean.
    actual = np.repeat([1.0, 0.0], [events, 200 - events])
    low, high = measures.calibration_by_decile(np.ones(200), actual, level=0.9)[["low", "high"]].to_numpy()[0] * 200
    assert stats.poisson.cdf(events, high) == pytest.approx(0.05)
    assert low == 0 if events == 0 else stats.poisson.sf(events - 1, low) == pytest.approx(0.05)


@pytest.mark.parametrize(("shape", "mean"), [(0.4, 0.3), (1.0, 3.0), (3.0, 40.0)])
def test_intervals_of_deciles_cover_the_true_mean(shape: float, mean: float) -> None:
    rng = np.random.default_rng(9)
    tenths = np.repeat(np.arange(10.0), 200)
    tables = [
        measures.calibration_by_decile(tenths, rng.negative_binomial(shape, shape / (shape + mean), 2000).astype(float))
        for _ in range(60)
    ]
    rows = pd.concat(tables)
    assert 0.86 <= ((rows["low"] <= mean) & (mean <= rows["high"])).mean() <= 0.95
