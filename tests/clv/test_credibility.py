from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from crm_lib.clv.bootstrap import bootstrapped_means
from crm_lib.clv.credibility import Sums, credible_ratio


def _sums(y, g, customer, n):
    """Sums by customer of rows with numerator y and denominator g."""

    def add(values):
        return np.bincount(customer, weights=values, minlength=n).astype(float)

    return Sums(part=add(y), whole=add(g), part2=add(y * y), cross=add(y * g), whole2=add(g * g))


def _shops(n, seed, *, between=0.06, within=1.0):
    """Customers with true ratios about 0.4 and purchases that scatter about them."""
    rng = np.random.default_rng(seed)
    true = rng.normal(0.4, between, n)
    customer = np.repeat(np.arange(n), rng.geometric(0.15, n))
    g = rng.gamma(4, 10, len(customer))
    return true, _sums(rng.normal(true[customer] * g, within * np.sqrt(g)), g, customer, n)


def test_shrunken_ratios_are_nearer_to_the_truth_than_own_and_than_common_ones():
    true, sums = _shops(4000, 1)
    found = credible_ratio(sums, draws=200, seed=1)
    error = [np.sqrt(np.mean((ratio - true) ** 2)) for ratio in (found.expected, found.own, found.mean)]
    assert error[0] < min(error[1:])
    # What remains is the variance of true ratios times one less the credibility.
    left = np.mean(0.06**2 * (1 - 0.06**2 / (0.06**2 + 1 / sums.whole)))
    assert error[0] == pytest.approx(np.sqrt(left), rel=0.04)
    # The variance of what is expected and of the rest add up to that of the truth, if the credibility is right.
    residual = true - found.expected
    assert abs(np.corrcoef(found.expected, residual)[0, 1]) < 4 / np.sqrt(4000)


def test_credibility_is_that_of_the_variances_simulated_from():
    _, sums = _shops(20_000, 2)
    found = credible_ratio(sums, draws=100, seed=1)
    expected = 0.06**2 / (0.06**2 + 1 / sums.whole)
    np.testing.assert_allclose(found.credibility, expected, atol=0.04)


def test_customers_alike_are_given_the_common_ratio():
    _, sums = _shops(3000, 3, between=0.0)
    found = credible_ratio(sums, draws=100, seed=1)
    assert found.credibility.max() < 0.15
    assert found.mean == pytest.approx(0.4, abs=0.01)


def test_constant_ratio_is_found_exactly():
    g = np.array([10.0, 20.0, 5.0, 7.0])
    found = credible_ratio(_sums(0.3 * g, g, np.array([0, 0, 1, 2]), 3), draws=100, seed=1)
    np.testing.assert_allclose(found.expected, 0.3)
    np.testing.assert_allclose(found.drawn(slice(None)), 0.3)


def test_customers_without_denominator_have_the_common_ratio_and_negative_ones_are_kept():
    y, g = np.array([-4.0, -6.0, 5.0, 6.0, -3.0]), np.array([10.0, 10.0, 10.0, 12.0, 0.0])
    found = credible_ratio(_sums(y, g, np.array([0, 0, 1, 1, 2]), 3), draws=100, seed=1)
    assert found.expected[2] == pytest.approx(found.mean)
    assert found.expected[0] < 0 < found.expected[1]
    nothing = credible_ratio(_sums(y[4:], g[4:], np.array([0]), 1), draws=100, seed=1)
    assert nothing.expected.tolist() == [0.0]


def test_draws_of_the_mean_scatter_as_a_mean_does():
    _, sums = _shops(500, 4)
    found = credible_ratio(sums, draws=4000, seed=1)
    weights = 1 / (0.06**2 + 1 / sums.whole)
    error = np.sqrt(np.sum(weights**2 * (found.own - found.mean) ** 2)) / weights.sum()
    assert found.drawn_means.std() == pytest.approx(error, rel=0.1)
    assert found.drawn_means.mean() == pytest.approx(found.mean, abs=4 * error / np.sqrt(4000) + 1e-4)
    assert found.first(10).drawn(np.array([3, 5])).shape == (10, 2)


def test_bootstrapped_means_of_columns_move_together():
    rng = np.random.default_rng(5)
    x = rng.lognormal(0, 1, 400)
    means = bootstrapped_means(np.column_stack([x, 2 * x]), draws=3000, seed=6)
    np.testing.assert_allclose(means[:, 1], 2 * means[:, 0])
    assert means[:, 0].std() == pytest.approx(stats.sem(x, ddof=0), rel=0.1)
    assert means.shape == (3000, 2)
