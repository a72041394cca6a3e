"""Means of groups: the interval takes skewness out, and is the usual one where there is none."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings, strategies as st
from scipy import stats

from crm_lib.statistics.skewed_means import group_means, skewed_interval, skewed_p_value


def _table(values):
    values = pd.Series(values, dtype=float)
    return group_means(values, pd.Series("all", index=values.index)).iloc[0]


def test_without_skewness_the_interval_is_students():
    values = [-3.0, -1.0, 0.0, 1.0, 3.0, 10.0, 4.0, -10.0, -4.0]
    row = _table(values)
    low, high = stats.t.interval(0.95, len(values) - 1, loc=np.mean(values), scale=stats.sem(values))
    assert (row["low"], row["high"]) == pytest.approx((low, high))


def test_ends_are_where_halls_transform_reaches_the_quantile():
    values = np.array([0.1, 0.2, 0.4, 0.5, 1.1, 2.0, 7.0])
    row = _table(values)
    error, k = stats.sem(values), stats.skew(values) / np.sqrt(values.size)
    quantile = stats.t.ppf(0.975, values.size - 1)
    for end, reached in ((row["low"], quantile), (row["high"], -quantile)):
        t = (values.mean() - end) / error
        assert t + k * t**2 / 3 + k**2 * t**3 / 27 + k / 6 == pytest.approx(reached)


@given(st.floats(-5, 5), st.floats(0.1, 3), st.floats(-0.6, 0.6))
@settings(max_examples=80, deadline=None)
def test_the_interval_holds_zero_just_when_the_p_value_is_large(value, error, k):
    low, high = skewed_interval(value, error, k)
    p = float(skewed_p_value(value, error, k))
    if abs(p - 0.05) > 1e-6 and abs(value) > 1e-6:
        # The transform is monotone, so that the interval holds zero when the test does not reject.
        assert bool(low <= 0 <= high) == (p > 0.05)


def test_one_customer_says_nothing_of_the_spread_and_equal_ones_leave_none():
    one, alike = _table([5.0]), _table([5.0] * 4)
    assert (one["low"], one["high"]) == (-np.inf, np.inf)
    assert (alike["low"], alike["high"]) == (5.0, 5.0)


def _coverage(draw, truth, n, samples, seed):
    drawn = draw(np.random.default_rng(seed), (samples, n))
    table = group_means(pd.Series(drawn.ravel()), pd.Series(np.repeat(np.arange(samples), n)))
    return float(((table["low"] <= truth) & (truth <= table["high"])).mean())


def test_the_interval_covers_means_of_skewed_amounts():
    exponential = _coverage(lambda rng, shape: rng.exponential(1, shape), 1.0, 30, 1500, 1)
    lognormal = _coverage(lambda rng, shape: rng.lognormal(0, 1, shape), np.exp(0.5), 50, 1500, 2)
    assert 0.93 <= exponential <= 0.97
    assert 0.915 <= lognormal <= 0.97


@pytest.mark.validate
@pytest.mark.parametrize(("n", "exponential", "lognormal"), [(10, 0.925, 0.895), (50, 0.94, 0.93), (500, 0.943, 0.938)])
def test_the_interval_covers_in_long_simulations(n, exponential, lognormal):
    assert _coverage(lambda rng, shape: rng.exponential(1, shape), 1.0, n, 20_000, 3) >= exponential
    assert _coverage(lambda rng, shape: rng.lognormal(0, 1, shape), np.exp(0.5), n, 20_000, 4) >= lognormal
