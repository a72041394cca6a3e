"""Gradient boosting: what it learns from, what it finds, and what it cannot see."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from crm_lib.clv.boosting import TwoPartBoosting, customer_features
from crm_lib.clv.forecasts import Task
from crm_lib.clv.measures import bias, normalised_gini
from crm_lib.clv.probability_measures import log_scores, probability_transforms
from crm_lib.clv.purchase_record import PurchaseRecord, as_day
from crm_lib.errors import TooLittleData

BEGIN = as_day("2024-01-01")


def steady(customers: int, days: int, seed: int, shape: float = 0.8, mean: float = 12.0) -> pd.DataFrame:
    """Return customers who have been there from the first day and buy at rates of their own for ever."""
    rng = np.random.default_rng(seed)
    number = rng.poisson(rng.gamma(shape, mean / shape, customers))
    day = np.concatenate([np.full(customers, BEGIN), rng.integers(BEGIN + 1, BEGIN + days + 1, number.sum())])
    who = np.concatenate([np.arange(customers), np.repeat(np.arange(customers), number)])
    return pd.DataFrame({"customer_id": who, "day": day.astype("datetime64[D]")})


def task(known: PurchaseRecord, days: int, draws: int = 200) -> Task:
    return Task(horizon_days=days, sample=np.arange(len(known)), draws=draws, level=0.9, seed=1)


@pytest.fixture(scope="module")
def record() -> PurchaseRecord:
    return PurchaseRecord.read(steady(1500, 600, seed=3)).until(BEGIN + 600)


def test_steady_customers_are_forecast_with_little_bias_and_in_the_right_order(record: PurchaseRecord) -> None:
    known = record.until(BEGIN + 400)
    forecast = TwoPartBoosting().forecast(known, task(known, 200))
    actual = record.purchases(BEGIN + 400, BEGIN + 600)
    assert abs(bias(forecast.expected, actual)) < 0.08
    assert normalised_gini(forecast.expected, actual) > 0.7


def test_draws_have_the_mean_that_is_expected_and_cover_what_happens(record: PurchaseRecord) -> None:
    known = record.until(BEGIN + 400)
    forecast = TwoPartBoosting().forecast(known, task(known, 200, draws=500))
    actual = record.purchases(BEGIN + 400, BEGIN + 600)
    assert forecast.draws.mean() == pytest.approx(forecast.expected.mean(), rel=0.02)
    inside = np.abs(probability_transforms(forecast.draws, actual, seed=1) - 0.5) <= 0.45
    assert 0.84 < inside.mean() < 0.95
    nothing_known = np.tile(np.random.default_rng(4).choice(actual, (500, 1)), (1, len(actual)))
    assert log_scores(forecast.draws, actual).mean() < log_scores(nothing_known, actual).mean() - 0.1


def test_a_history_of_less_than_twice_the_horizon_is_carried_to_it(record: PurchaseRecord) -> None:
    known = record.until(BEGIN + 200)
    forecast = TwoPartBoosting().forecast(known, task(known, 300))
    assert abs(bias(forecast.expected, record.purchases(BEGIN + 200, BEGIN + 500))) < 0.12
    assert forecast.draws.mean() == pytest.approx(forecast.expected.mean(), rel=0.03)


def test_features_use_nothing_but_the_record_of_the_day(record: PurchaseRecord) -> None:
    then = customer_features(record.until(BEGIN + 300), 90)
    np.testing.assert_array_equal(then, customer_features(record.until(BEGIN + 450).until(BEGIN + 300), 90))


def test_features_of_a_customer_are_what_they_say() -> None:
    frame = pd.DataFrame(
        {"customer_id": ["ann"] * 3 + ["bob"], "day": ["2025-01-01", "2025-01-21", "2025-01-31", "2025-02-10"]}
    ).assign(spend=[10.0, 20.0, 60.0, 7.0])
    ann, bob = customer_features(PurchaseRecord.read(frame).until(as_day("2025-02-10")), 36)
    # age, silence, rate, share of age, silence over mean gap, last 9, 18, 36 days, mean and latest spend
    np.testing.assert_allclose(ann, [36, 10, 2 / 40, 3 / 4, 2 / 3, 0, 1, 2, 30, 60])
    np.testing.assert_allclose(bob[[0, 1, 5, 6, 7]], 0)
    assert np.isnan(bob[2:5]).all()
    np.testing.assert_allclose(bob[8:], 7)


def test_where_nobody_ever_came_back_hardly_anybody_is_expected_to() -> None:
    frame = pd.DataFrame({"customer_id": np.arange(50), "day": np.datetime64("2025-01-01") + np.arange(50)})
    known = PurchaseRecord.read(frame)
    forecast = TwoPartBoosting().forecast(known, task(known, 20))
    assert 0 < forecast.expected.max() < 0.1


def test_where_everybody_always_comes_back_everybody_is_expected_to() -> None:
    days = np.datetime64("2025-01-01") + 7 * np.arange(30)
    frame = pd.DataFrame({"customer_id": np.repeat(np.arange(40), 30), "day": np.tile(days, 40)})
    known = PurchaseRecord.read(frame)
    forecast = TwoPartBoosting().forecast(known, task(known, 70))
    np.testing.assert_allclose(forecast.expected, 10, rtol=0.1)


def test_a_history_of_a_day_is_too_little_to_learn_from() -> None:
    known = PurchaseRecord.read(pd.DataFrame({"customer_id": [1, 2], "day": ["2025-01-01"] * 2})).until(BEGIN + 367)
    with pytest.raises(TooLittleData, match="learn from"):
        TwoPartBoosting().forecast(known, task(known, 20))
