"""The measures of forecast distributions: exact where they can be, and kind to the truth."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from crm_lib.clv.probability_measures import log_scores, probability_transforms, ranked_probability_scores


@pytest.mark.parametrize("outcome", [0, 1, 7, 30])
def test_the_ranked_probability_score_is_the_sum_over_the_distribution_function(outcome: int) -> None:
    mean, draws = 6.0, stats.poisson.rvs(6.0, size=(200_000, 1), random_state=3).astype(float)
    k = np.arange(400)
    exact = float(np.sum((stats.poisson.cdf(k, mean) - (outcome <= k)) ** 2))
    assert ranked_probability_scores(draws, np.array([float(outcome)]))[0] == pytest.approx(exact, abs=0.02)


def test_a_forecast_of_one_number_scores_its_absolute_error() -> None:
    draws = np.full((50, 2), 3.0)
    np.testing.assert_allclose(ranked_probability_scores(draws, np.array([3.0, 5.0])), [0, 2])


def test_few_draws_are_neither_better_nor_worse_than_many() -> None:
    rng = np.random.default_rng(4)
    actual = rng.poisson(3, 40_000).astype(float)
    few, many = (
        ranked_probability_scores(rng.poisson(3, (count, 40_000)).astype(float), actual).mean() for count in (5, 60)
    )
    assert few == pytest.approx(many, abs=0.02)


@pytest.mark.parametrize("score", ["ranked", "log"])
@pytest.mark.parametrize("wrong", [{"n": 0.7}, {"n": 30.0}, {"mean": 1.2}, {"mean": 3.4}])
def test_the_truth_scores_better_than_a_wrong_distribution(score: str, wrong: dict) -> None:
    def draw(rng: np.random.Generator, size: tuple, n: float = 2.0, mean: float = 2.0) -> np.ndarray:
        return rng.negative_binomial(n, n / (n + mean), size).astype(float)

    rng = np.random.default_rng(5)
    actual = draw(rng, (4000,))
    truth, other = draw(rng, (200, 4000)), draw(rng, (200, 4000), **wrong)
    scores = {"ranked": ranked_probability_scores, "log": log_scores}[score]
    assert scores(truth, actual).mean() < scores(other, actual).mean() - 0.003


@pytest.mark.parametrize("mean", [0.3, 3.0, 80.0])
def test_the_log_score_comes_near_that_of_the_exact_probabilities(mean: float) -> None:
    rng = np.random.default_rng(6)
    n = 1.5
    actual = rng.negative_binomial(n, n / (n + mean), 6000).astype(float)
    exact = -stats.nbinom.logpmf(actual, n, n / (n + mean))
    ours = log_scores(rng.negative_binomial(n, n / (n + mean), (400, 6000)).astype(float), actual)
    assert ours.mean() == pytest.approx(exact.mean(), abs=0.03)


def test_log_scores_stay_finite_where_no_draw_came_near() -> None:
    draws = np.zeros((100, 3))
    assert np.isfinite(log_scores(draws, np.array([0.0, 1.0, 500.0]))).all()
    assert np.isfinite(log_scores(draws + 1000, np.array([0.0, 1.0, 500.0]))).all()


def test_the_probabilities_behind_the_log_score_sum_to_one() -> None:
    rng = np.random.default_rng(7)
    draws = np.repeat(rng.negative_binomial(0.8, 0.1, (400, 1)).astype(float), 1500, axis=1)
    assert np.exp(-log_scores(draws, np.arange(1500.0))).sum() == pytest.approx(1, abs=1e-6)


def test_transforms_of_right_forecasts_are_uniform_and_intervals_cover_what_they_say() -> None:
    rng = np.random.default_rng(8)
    mean = rng.gamma(0.5, 2.0, 30_000)
    actual = rng.poisson(mean).astype(float)
    transforms = probability_transforms(rng.poisson(mean, (99, 30_000)).astype(float), actual, seed=1)
    assert stats.kstest(transforms, "uniform").pvalue > 0.01
    too_sure = probability_transforms(np.repeat(mean.round()[None], 99, axis=0), actual, seed=1)
    assert stats.kstest(too_sure, "uniform").pvalue < 1e-6
