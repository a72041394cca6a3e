from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from crm_lib.clv import ParetoNBD, PosteriorWarning, credibility, model as model_module
from crm_lib.clv.credibility import bootstrapped_means
from crm_lib.clv.posterior import pareto_smooth, sample_posterior

COVARIANCE = np.array([[1.0, 0.6, -0.2], [0.6, 0.5, 0.0], [-0.2, 0.0, 2.0]])
MODE = np.array([3.0, -1.0, 0.5])
AT_THE_MODE = "importance sampling from a multivariate t distribution at the mode, Pareto smoothed"


def _normal(theta):
    return stats.multivariate_normal(MODE, COVARIANCE).logpdf(theta)


def _unit(theta):
    return -0.5 * np.sum(theta**2, axis=1)


def _heavy(theta):
    """Independent t distributions with 3/2 degrees of freedom, whose variances are infinite."""
    return -1.25 * np.log1p(theta**2 / 1.5).sum(axis=1)


@pytest.mark.parametrize(
    ("count", "ratio", "shape", "largest", "twentieth"),
    [
        # arviz 0.23.4, psislw; see the test for the weights.
        (4000, 0.5, 0.343311474166888, 0.0033343728143699334, 0.0009887674444802059),
        (4000, 1.5, 0.5913176641265432, 0.02160176995882409, 0.002464365955904054),
        (1000, 0.2, 0.20785464423094657, 0.0029568046565427693, 0.0016149739093094487),
    ],
)
def test_smoothing_equals_that_of_arviz(count, ratio, shape, largest, twentieth):
    quantiles = -np.log1p(-(np.arange(count) + 0.5) / count)
    weights, found = pareto_smooth(ratio / (1 + ratio) * quantiles)
    # Ours and theirs choose the number of weights in the tail a little differently (rounded down or up).
    assert found == pytest.approx(shape, abs=0.01)
    assert weights[-1] == pytest.approx(largest, rel=0.02)
    assert weights[-20] == pytest.approx(twentieth, rel=0.02)
    assert (np.diff(weights) >= 0).all()


def test_equal_weights_stay_equal_and_one_that_carries_all_is_not_trusted():
    weights, shape = pareto_smooth(np.full(1000, -7.0))
    np.testing.assert_allclose(weights, 1e-3)
    assert shape < 0.5
    one_carries_all = np.full(1000, -800.0)
    one_carries_all[3] = 0.0
    assert pareto_smooth(one_carries_all)[1] > 0.7


@pytest.mark.parametrize("too_small", [1, 60])
def test_a_normal_density_is_reproduced_also_from_a_covariance_that_is_much_too_small(too_small):
    drawn = sample_posterior(_normal, MODE, COVARIANCE / too_small, draws=20_000, seed=4)
    assert (drawn.method == AT_THE_MODE) == (too_small == 1)
    error = 4 / np.sqrt(drawn.effective_sample_size)
    np.testing.assert_allclose((drawn.theta.mean(axis=0) - MODE) / np.sqrt(np.diag(COVARIANCE)), 0, atol=2 * error)
    np.testing.assert_allclose(np.cov(drawn.theta.T), COVARIANCE, atol=3 * error)
    for column, mean, variance in zip(drawn.theta.T, MODE, np.diag(COVARIANCE), strict=True):
        for probability in (0.05, 0.5, 0.95):
            share = np.mean(column < stats.norm(mean, np.sqrt(variance)).ppf(probability))
            assert share == pytest.approx(probability, abs=error)


def test_a_crooked_density_is_followed_and_said_so():
    def banana(theta):
        """x is standard normal, y normal around x² - 1 with sd 1/2."""
        x, y = theta.T
        return -0.5 * x**2 - 2 * (y - x**2 + 1) ** 2

    # Curvature at the mode (0, -1): second derivatives are -1 in x and -4 in y.
    drawn = sample_posterior(banana, np.array([0.0, -1.0]), np.diag([1.0, 0.25]), draws=20_000, seed=8)
    assert drawn.method != AT_THE_MODE
    x, y = drawn.theta.T
    assert x.mean() == pytest.approx(0, abs=0.1)
    assert x.std() == pytest.approx(1, abs=0.1)
    away = y - (x**2 - 1)
    assert away.mean() == pytest.approx(0, abs=0.04)
    assert away.std() == pytest.approx(0.5, abs=0.04)


def test_tails_that_are_too_heavy_in_many_dimensions_are_drawn_roughly_and_said_so():
    with pytest.warns(PosteriorWarning, match="its intervals are rough"):
        drawn = sample_posterior(_heavy, np.zeros(12), 0.6 * np.eye(12), draws=2000, seed=3)
    assert drawn.theta.shape == (2000, 12)
    assert drawn.effective_sample_size < 2000
    assert np.isfinite(drawn.theta).all()


def test_impossible_regions_get_no_draws():
    def half(theta):
        with np.errstate(invalid="ignore"):
            return np.where(theta[:, 0] > 0, _unit(theta), np.nan)

    drawn = sample_posterior(half, np.array([0.3]), np.eye(1), draws=8000, seed=2)
    assert (drawn.theta > 0).all()
    assert drawn.theta.mean() == pytest.approx(np.sqrt(2 / np.pi), abs=0.04)


def test_the_posterior_of_very_many_records_is_normal_and_near_that_of_draws(monkeypatch):
    rng, n = np.random.default_rng(1), 12_000
    rate, gone = rng.gamma(1.5, 0.1, n), rng.exponential(1 / rng.gamma(2, 0.01, n))
    age = rng.uniform(60, 100, n)
    lived = np.minimum(age, gone)
    bought = rng.poisson(rate * lived)
    last = np.where(bought > 0, lived * rng.random(n) ** (1 / np.maximum(bought, 1)), 0.0)
    model = ParetoNBD().fit(pd.DataFrame({"frequency": bought, "recency": last, "age": age}))
    drawn = model.posterior(seed=1)
    monkeypatch.setattr(model_module, "_MANY", 0)
    monkeypatch.setattr(model_module, "_NARROW", 1.0)
    normal = model.posterior(seed=1)
    assert (normal.method, drawn.method) == ("normal at the mode, for very many records", AT_THE_MODE)
    spread = drawn.working.std(axis=0)
    assert normal.working.mean(axis=0) == pytest.approx(drawn.working.mean(axis=0), abs=0.25 * spread.max())
    assert normal.working.std(axis=0) == pytest.approx(spread, rel=0.15)


def test_means_of_very_many_customers_are_normal_and_spread_as_the_bootstrap_says(monkeypatch):
    columns = np.random.default_rng(2).lognormal(0, 1, (20_000, 2)) @ np.array([[1.0, 0.5], [0.0, 1.0]])
    drawn = bootstrapped_means(columns, draws=2000, seed=1)
    monkeypatch.setattr(credibility, "_MANY", 0)
    normal = bootstrapped_means(columns, draws=2000, seed=1)
    np.testing.assert_allclose(normal.mean(axis=0), drawn.mean(axis=0), atol=0.1 * drawn.std(axis=0).min())
    np.testing.assert_allclose(np.cov(normal.T), np.cov(drawn.T), rtol=0.1)
