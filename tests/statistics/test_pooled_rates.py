from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crm_lib.statistics.pooled_rates import closeness, pooled_rates


def _design(codes, categories):
    return np.column_stack([np.ones(len(codes)), np.eye(categories)[codes]]), np.array([-1] + [0] * categories)


@pytest.mark.parametrize("power", [1.0, 1.5, 2.0])
def test_without_categories_the_mean_is_the_mean(power):
    outcome = np.array([3.0, -1.0, 0.0, 10.0])
    model = pooled_rates(np.ones((4, 1)), outcome, np.array([-1]), power=power)
    # The sum of (y - m) m^(1-p) is 0 where m is the mean, whatever p.
    assert np.exp(model.coefficients[0]) == pytest.approx(3.0)


def test_rates_are_events_over_exposure():
    events, days = np.array([1.0, 0.0, 1.0, 1.0]), np.array([10.0, 40.0, 25.0, 25.0])
    model = pooled_rates(np.ones((4, 1)), events, np.array([-1]), offset=np.log(days), power=1.0, dispersion=1.0)
    assert np.exp(model.coefficients[0]) == pytest.approx(0.03)
    # The variance of the logarithm of a Poisson rate is 1 / events.
    assert model.covariance[0, 0] == pytest.approx(1 / 3)


def test_large_categories_keep_their_own_means():
    rng = np.random.default_rng(1)
    codes = rng.integers(0, 3, 60_000)
    truth = np.array([20.0, 50.0, 90.0])
    model = pooled_rates(*_with_groups(codes, rng.gamma(2.0, truth[codes] / 2)))
    design, _ = _design(np.arange(3), 3)
    assert np.exp(model.log_mean(design)) == pytest.approx(truth, rel=0.03)


def _with_groups(codes, outcome):
    design, groups = _design(codes, int(codes.max()) + 1)
    return design, outcome, groups


@settings(max_examples=25, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    rare=st.integers(1, 20),
    factor=st.floats(0.2, 5.0).filter(lambda value: abs(np.log(value)) > 0.3),
)
def test_a_rare_category_is_drawn_towards_the_others(seed, rare, factor):
    rng = np.random.default_rng(seed)
    codes = np.concatenate([np.arange(2000) % 4, np.full(rare, 4)])
    outcome = rng.gamma(1.0, 40.0, len(codes))
    # The rare ones have the same scatter about a mean that is set exactly.
    own = outcome[codes == 4].mean()
    outcome[codes == 4] *= 40.0 * factor / own
    model = pooled_rates(*_with_groups(codes, outcome))
    fitted = np.exp(model.log_mean(_design(np.array([4]), 5)[0]))[0]
    centre = np.exp(model.coefficients[0])
    low, high = sorted([centre, 40.0 * factor])
    assert low - 1e-6 <= fitted <= high + 1e-6


def test_order_of_rows_does_not_matter():
    rng = np.random.default_rng(5)
    codes, outcome = rng.integers(0, 4, 400), rng.gamma(0.5, 50.0, 400)
    turned = rng.permutation(400)
    one = pooled_rates(*_with_groups(codes, outcome))
    other = pooled_rates(*_with_groups(codes[turned], outcome[turned]))
    assert other.coefficients == pytest.approx(one.coefficients, abs=1e-6)
    assert other.covariance == pytest.approx(one.covariance, rel=1e-4, abs=1e-9)


def test_spread_of_effects_is_recovered():
    rng = np.random.default_rng(8)
    effects = rng.normal(0, 0.5, 40)
    codes = rng.integers(0, 40, 20_000)
    model = pooled_rates(*_with_groups(codes, rng.gamma(1.0, 30.0 * np.exp(effects[codes]))))
    # The standard deviation of 40 effects is known within 11 %.
    assert model.spread[0] == pytest.approx(effects.std(), rel=0.15)


def _coverage(runs, n=800):
    """Return how often intervals of the means of categories held the truth, over categories large and rare."""
    held = []
    for seed in range(runs):
        rng = np.random.default_rng(seed)
        effects = rng.normal(0, 0.3, 6)
        codes = rng.choice(6, n, p=[0.3, 0.25, 0.2, 0.15, 0.07, 0.03])
        mean = 30.0 * np.exp(effects)
        model = pooled_rates(*_with_groups(codes, rng.gamma(0.5, mean[codes] / 0.5)), power=2.0)
        design, _ = _design(np.arange(6), 6)
        off = model.log_mean(design) - np.log(mean)
        held.append(np.abs(off) <= 1.96 * np.sqrt(model.variance(design)))
    return np.mean(held, axis=0)


def test_intervals_cover_in_a_short_simulation():
    assert _coverage(60).mean() > 0.9


@pytest.mark.validate
def test_intervals_cover():
    covered = _coverage(1000)
    assert 0.92 <= covered.mean() <= 0.98
    assert covered.min() >= 0.88  # of the rarest there are 24


def test_closeness_is_best_at_the_mean():
    rng = np.random.default_rng(4)
    outcome = rng.gamma(0.5, 80.0, 50_000)
    grid = np.array([20.0, 30.0, 40.0, 50.0, 70.0])
    for power in (1.0, 1.5, 2.0):
        fits = [closeness(outcome, np.full(len(outcome), mean), power=power).mean() for mean in grid]
        assert grid[int(np.argmax(fits))] == 40.0
