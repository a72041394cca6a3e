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


def test_the_interval_is_longer_on_the_side_of_the_large_customers():
    row = _table([1.0] * 30 + [2.0] * 10 + [60.0])
    assert row["high"] - row["mean"] > 1.5 * (row["mean"] - row["low"])


@given(
    st.lists(st.floats(-100, 100), min_size=3, max_size=30),
    st.floats(0.1, 10),
    st.floats(-100, 100),
    st.randoms(use_true_random=False),
)
@settings(max_examples=25, deadline=None)
def test_units_and_the_order_of_customers_do_not_matter(values, times, plus, random):
    first = _table(values)
    shuffled = random.sample(values, len(values))
    second = _table(np.array(shuffled) * times + plus)
    if np.ptp(values) < 1e-3:
        return
    for name in ("mean", "low", "high"):
        assert second[name] == pytest.approx(first[name] * times + plus, rel=1e-6, abs=1e-5)


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


def test_customers_without_group_or_value_are_left_out():
    values = pd.Series([1.0, 2.0, np.nan, 4.0], index=list("abcd"))
    table = group_means(values, pd.Series(["x", "x", "x"], index=list("abc")))
    assert table.loc["x", ["customers", "mean"]].tolist() == [2, 1.5]


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
