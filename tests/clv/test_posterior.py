from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from crm_lib.clv import Posterior, Priors
from crm_lib.clv.pareto_smoothing import generalised_pareto, pareto_smooth
from crm_lib.clv.posterior import sample_posterior
from crm_lib.clv.priors import NormalPrior, normal_prior

COVARIANCE = np.array([[1.0, 0.6, -0.2], [0.6, 0.5, 0.0], [-0.2, 0.0, 2.0]])
MODE = np.array([3.0, -1.0, 0.5])
AT_THE_MODE = "importance sampling from a multivariate t distribution at the mode, Pareto smoothed"


def _normal(theta):
    return stats.multivariate_normal(MODE, COVARIANCE).logpdf(theta)


def _banana(theta):
    """x is standard normal, y normal around x² - 1 with sd 1/2."""
    x, y = theta.T
    return -0.5 * x**2 - 2 * (y - x**2 + 1) ** 2


def _unit(theta):
    return -0.5 * np.sum(theta**2, axis=1)


@pytest.mark.parametrize("shape", [-0.4, 0.0, 0.3, 0.7, 1.2])
def test_the_shape_of_generalised_pareto_draws_is_found(shape):
    draws = np.sort(stats.genpareto(shape, scale=3.0).rvs(20_000, random_state=np.random.default_rng(5)))
    found, scale = generalised_pareto(draws)
    # The standard error of the best estimator is (1 + k) / sqrt(n) for k > -1/2: below 0.016 here.
    assert found == pytest.approx(shape, abs=0.05)
    assert scale == pytest.approx(3.0, rel=0.06)


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


@pytest.mark.parametrize("tail", [0.2, 0.5, 0.8])
def test_the_tail_of_importance_weights_is_measured(tail):
    # Weights exp(tail d) of exponential draws d with rate 1 + tail have a Pareto tail of shape tail / (1 + tail).
    rng = np.random.default_rng(11)
    draws = rng.exponential(1 / (1 + tail), (40, 10_000))
    shapes = [pareto_smooth(tail * some)[1] for some in draws]
    # 300 weights in the tail: the standard error of a shape is 0.08, that of the mean of 40 is 0.013.
    assert np.mean(shapes) == pytest.approx(tail / (1 + tail), abs=0.05)


def test_smoothing_keeps_the_order_of_the_weights():
    draws = np.random.default_rng(11).exponential(0.6, 4000)
    weights, _ = pareto_smooth(0.8 * draws)
    assert weights.sum() == pytest.approx(1)
    assert np.all(np.diff(weights[np.argsort(draws)]) >= 0)


def test_smoothed_weights_give_a_better_mean_than_raw_ones():
    rng = np.random.default_rng(2)
    errors = []
    for _ in range(200):
        draws = rng.exponential(1 / 1.9, 1000)
        raw = np.exp(0.9 * draws)
        smooth = pareto_smooth(0.9 * draws)[0]
        errors.append([raw @ draws / raw.sum() - 1, smooth @ draws - 1])
    raw_error, smooth_error = np.sqrt(np.mean(np.square(errors), axis=0))
    assert smooth_error < raw_error


def test_equal_weights_stay_equal():
    weights, shape = pareto_smooth(np.full(1000, -7.0))
    np.testing.assert_allclose(weights, 1e-3)
    assert shape < 0.5


def test_too_few_weights_cannot_be_trusted():
    assert pareto_smooth(np.zeros(20))[1] == np.inf
    one_carries_all = np.full(1000, -800.0)
    one_carries_all[3] = 0.0
    assert pareto_smooth(one_carries_all)[1] > 0.7


def test_a_normal_density_is_reproduced_to_its_quantiles():
    drawn = sample_posterior(_normal, MODE, COVARIANCE, draws=20_000, seed=4)
    assert drawn.method == AT_THE_MODE
    assert drawn.pareto_k < 0.2
    assert drawn.effective_sample_size > 10_000
    error = 4 / np.sqrt(drawn.effective_sample_size)
    np.testing.assert_allclose((drawn.theta.mean(axis=0) - MODE) / np.sqrt(np.diag(COVARIANCE)), 0, atol=error)
    np.testing.assert_allclose(np.cov(drawn.theta.T), COVARIANCE, atol=2 * error)
    for column, mean, variance in zip(drawn.theta.T, MODE, np.diag(COVARIANCE), strict=True):
        for probability in (0.05, 0.5, 0.95):
            share = np.mean(column < stats.norm(mean, np.sqrt(variance)).ppf(probability))
            assert share == pytest.approx(probability, abs=error / 2)


def test_draws_of_a_normal_density_are_scattered_as_independent_ones():
    # The mean of D draws varies by 1 / sqrt(effective sample size), and a little more as draws are whole.
    means, sizes = [], []
    for seed in range(150):
        drawn = sample_posterior(_unit, np.zeros(2), np.eye(2), draws=2000, seed=seed)
        means.append(drawn.theta.mean(axis=0))
        sizes.append(drawn.effective_sample_size)
    ratio = np.var(means) * np.mean(sizes)
    assert 0.8 < ratio < 1.6


def test_few_draws_are_worth_no_more_than_they_are():
    drawn = sample_posterior(_unit, np.zeros(2), np.eye(2), draws=300, seed=1)
    assert drawn.theta.shape == (300, 2)
    assert drawn.effective_sample_size == 300


def test_a_crooked_density_is_followed_and_said_so():
    # Curvature at the mode (0, -1): second derivatives are -1 in x and -4 in y.
    drawn = sample_posterior(_banana, np.array([0.0, -1.0]), np.diag([1.0, 0.25]), draws=20_000, seed=8)
    assert drawn.method != AT_THE_MODE
    x, y = drawn.theta.T
    assert x.mean() == pytest.approx(0, abs=0.1)
    assert x.std() == pytest.approx(1, abs=0.1)
    # Where y lies given x.
    away = y - (x**2 - 1)
    assert away.mean() == pytest.approx(0, abs=0.04)
    assert away.std() == pytest.approx(0.5, abs=0.04)
    assert np.mean(np.abs(x) < stats.norm.ppf(0.95)) == pytest.approx(0.9, abs=0.03)


def test_a_ridge_that_bends_is_followed_to_its_end():
    # Like a shape and a scale of which the data tell the ratio only: x is logistic, y lies close to log(1 + exp(x)).
    def ridge(theta):
        x, y = theta.T
        return stats.logistic(scale=0.7).logpdf(x) - 50 * (y - np.log1p(np.exp(x))) ** 2

    mode = np.array([0.0, np.log(2)])
    precision = np.array([[0.5 / 0.49 + 100 / 4, -100 / 2], [-100 / 2, 100]])
    shares, quantiles = [], stats.logistic(scale=0.7).ppf([0.05, 0.5, 0.95])
    for seed in range(10):
        drawn = sample_posterior(ridge, mode, np.linalg.inv(precision), draws=4000, seed=seed)
        shares.append(np.mean(drawn.theta[:, [0]] < quantiles, axis=0))
    np.testing.assert_allclose(np.mean(shares, axis=0), [0.05, 0.5, 0.95], atol=0.012)


def test_a_skewed_density_is_reproduced():
    # The logarithm of a gamma(2) variable: mode log 2, curvature 2.
    drawn = sample_posterior(
        lambda theta: (2 * theta - np.exp(theta))[:, 0], np.array([np.log(2)]), np.array([[0.5]]), draws=40_000, seed=1
    )
    sample = np.exp(drawn.theta[:, 0])
    assert sample.mean() == pytest.approx(2, abs=0.04)
    for probability in (0.05, 0.5, 0.95):
        assert np.mean(sample < stats.gamma(2).ppf(probability)) == pytest.approx(probability, abs=0.01)


def test_a_covariance_that_is_much_too_small_is_mended_and_said_so():
    drawn = sample_posterior(_normal, MODE, COVARIANCE / 60, draws=4000, seed=4)
    assert drawn.method != AT_THE_MODE
    np.testing.assert_allclose(np.sqrt(np.diag(np.cov(drawn.theta.T))), np.sqrt(np.diag(COVARIANCE)), rtol=0.15)
    np.testing.assert_allclose(drawn.theta.mean(axis=0), MODE, atol=0.2)


def _heavy(theta):
    """Independent t distributions with 3/2 degrees of freedom, whose variances are infinite."""
    return -1.25 * np.log1p(theta**2 / 1.5).sum(axis=1)


def test_tails_that_are_too_heavy_in_many_dimensions_are_left_to_a_sampler_and_said_so():
    drawn = sample_posterior(_heavy, np.zeros(6), 0.6 * np.eye(6), draws=2000, seed=3)
    assert drawn.method == "affine-invariant ensemble sampler (emcee), as importance sampling was unreliable"
    assert np.isnan(drawn.pareto_k)
    assert drawn.theta.shape == (2000, 6)
    assert 500 < drawn.effective_sample_size <= 2000
    for probability in (0.05, 0.5, 0.95):
        share = np.mean(drawn.theta < stats.t(1.5).ppf(probability))
        assert share == pytest.approx(probability, abs=0.02)


@pytest.mark.parametrize("away", [2.0, 3.0])
def test_another_hill_within_reach_of_the_draws_gets_its_half(away):
    # Two normal hills of equal height; the mode search found one, and knows nothing of the other.
    def hills(theta):
        return np.logaddexp(_unit(theta - away), _unit(theta + away))

    drawn = sample_posterior(hills, np.full(1, away), np.eye(1), draws=4000, seed=6)
    assert drawn.method != AT_THE_MODE
    assert np.mean(drawn.theta > 0) == pytest.approx(0.5, abs=0.06)


def test_impossible_regions_get_no_draws():
    def half(theta):
        with np.errstate(invalid="ignore"):
            return np.where(theta[:, 0] > 0, _unit(theta), np.nan)

    drawn = sample_posterior(half, np.array([0.3]), np.eye(1), draws=8000, seed=2)
    assert (drawn.theta > 0).all()
    assert drawn.theta.mean() == pytest.approx(np.sqrt(2 / np.pi), abs=0.04)


@pytest.mark.parametrize(("density", "size"), [(_unit, 2), (_heavy, 2), (_heavy, 6)])
def test_the_same_seed_gives_the_same_draws(density, size):
    first, again, other = (
        sample_posterior(density, np.zeros(size), np.eye(size), draws=500, seed=seed).theta for seed in (1, 1, 2)
    )
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


# Priors


def test_priors_are_normal_on_the_working_scale():
    prior = normal_prior(Priors(), ["r", "alpha", "age"], scales={"alpha": 20.0}, coefficients=["age"])
    theta = np.array([[0.3, 2.0, -1.0], [1.0, 4.0, 0.5]])
    expected = stats.norm([0, np.log(20), 0], [2, 3, 2]).logpdf(theta).sum(axis=1)
    found = prior.log_density(theta)
    assert found[0] - found[1] == pytest.approx(expected[0] - expected[1])
    gradient, hessian = prior.derivatives(theta[0])
    np.testing.assert_allclose(gradient, -(theta[0] - [0, np.log(20), 0]) / np.array([4, 9, 4]))
    np.testing.assert_allclose(hessian, -np.diag([1 / 4, 1 / 9, 1 / 4]))


def test_no_priors_say_nothing():
    prior = normal_prior(None, ["r", "alpha"], scales={"alpha": 20.0}, coefficients=[])
    assert isinstance(prior, NormalPrior)
    assert (prior.log_density(np.array([[0.0, 1.0], [30.0, -9.0]])) == 0).all()
    gradient, hessian = prior.derivatives(np.array([5.0, 5.0]))
    assert not gradient.any()
    assert not hessian.any()


@pytest.mark.parametrize("name", ["shape_sd", "scale_sd", "coefficient_sd"])
@pytest.mark.parametrize("value", [0.0, -1.0, float("nan")])
def test_priors_need_positive_standard_deviations(name, value):
    with pytest.raises(ValueError, match=f"{name} must be positive"):
        Priors(**{name: value})


# What users see


def _posterior(working):
    return Posterior(
        draws=pd.DataFrame(np.exp(working), columns=["r", "alpha"]),
        working=working,
        effective_sample_size=10.0,
        pareto_k=0.1,
        method="by hand",
        priors=None,
        seed=1,
    )


def test_the_summary_tells_moments_and_quantiles():
    working = np.log(np.column_stack([np.arange(1.0, 102.0), np.full(101, 5.0)]))
    table = _posterior(working).summary(level=0.8)
    assert table.loc["r"].tolist() == pytest.approx([51, np.std(np.arange(101), ddof=1), 51, 11, 91])
    assert table.loc["alpha"].tolist() == pytest.approx([5, 0, 5, 5, 5], abs=1e-9)


def test_some_draws_are_spread_over_all():
    posterior = _posterior(np.arange(200.0).reshape(100, 2) / 100)
    assert len(posterior) == 100
    assert posterior.some(100) is posterior.working
    assert posterior.some(1000) is posterior.working
    few = posterior.some(5)
    np.testing.assert_array_equal(few, posterior.working[[0, 25, 50, 74, 99]])
