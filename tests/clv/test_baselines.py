"""The rules of thumb, by hand."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from crm_lib.clv.baselines import OwnMeanRate, SameAsLastPeriod
from crm_lib.clv.forecasts import Task, total_of_draws
from crm_lib.clv.purchase_record import PurchaseRecord, as_day


def record_of(*rows: tuple[str, str], as_of: str) -> PurchaseRecord:
    return PurchaseRecord.read(pd.DataFrame(rows, columns=["customer_id", "day"])).until(as_day(as_of))


def task(days: int, customers: int, draws: int = 400) -> Task:
    return Task(horizon_days=days, sample=np.arange(customers), draws=draws, level=0.9, seed=1)


JANUARY = record_of(
    ("ann", "2025-01-01"), ("ann", "2025-01-05"), ("ann", "2025-01-20"), ("ann", "2025-01-30"),
    ("bob", "2025-01-25"), ("bob", "2025-01-28"), ("eve", "2025-01-31"), as_of="2025-01-31",
)  # fmt: skip


def test_last_period_counts_purchases_after_the_first() -> None:
    assert SameAsLastPeriod().forecast(JANUARY, task(14, 3)).expected.tolist() == [2, 1, 0]


def test_a_history_shorter_than_the_period_is_carried_to_it() -> None:
    expected = SameAsLastPeriod().forecast(JANUARY, task(60, 3)).expected
    np.testing.assert_allclose(expected, [6, 2, 0])


def test_the_own_rate_is_repeats_over_age_and_who_came_today_is_like_all() -> None:
    expected = OwnMeanRate().forecast(JANUARY, task(10, 3)).expected
    np.testing.assert_allclose(expected, [10 * 3 / 30, 10 * 1 / 6, 10 * 4 / 36])


@pytest.mark.parametrize("rule", [SameAsLastPeriod(), OwnMeanRate()])
def test_draws_scatter_like_a_poisson_distribution_around_the_expectation(rule: object) -> None:
    forecast = rule.forecast(JANUARY, task(30, 3, draws=20_000))  # type: ignore[attr-defined]
    assert forecast.draws.shape == (20_000, 3)
    np.testing.assert_allclose(forecast.draws.mean(axis=0), forecast.expected, atol=0.06)
    np.testing.assert_allclose(forecast.draws.var(axis=0), forecast.expected, atol=0.15)
    low, high = np.quantile(forecast.draws.sum(axis=1), [0.05, 0.95])
    assert (forecast.total.low, forecast.total.high) == (low, high)


def test_everybody_on_the_first_day_gives_a_forecast_of_nothing() -> None:
    record = record_of(("ann", "2025-01-01"), ("bob", "2025-01-01"), as_of="2025-01-01")
    for rule in (SameAsLastPeriod(), OwnMeanRate()):
        forecast = rule.forecast(record, task(30, 2))
        assert forecast.expected.tolist() == [0, 0]
        assert (forecast.total.low, forecast.total.high) == (0, 0)


def test_the_interval_of_a_total_has_the_variance_of_its_parts() -> None:
    rng = np.random.default_rng(2)
    mean, shape = rng.gamma(1.0, 2.0, 300), 0.8
    sums = rng.negative_binomial(shape, shape / (shape + mean), (20_000, 300)).sum(axis=1)
    total = total_of_draws(mean, mean + mean**2 / shape, task(30, 300), method="test")
    np.testing.assert_allclose([total.low, total.high], np.quantile(sums, [0.05, 0.95]), rtol=0.01)
