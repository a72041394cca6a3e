"""Rates against each other: exact algebra, clusters, and coverage."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from crm_lib.statistics.rate_ratios import mean_difference, rate_ratio, share_inside


def test_one_event_a_customer_gives_the_ratio_of_risks_with_its_known_variance():
    # 12 of 40 against 15 of 150: the log of the ratio of risks has variance (1-p)/(np) a side, here with n-1.
    events = [1] * 12 + [0] * 28 + [1] * 15 + [0] * 135
    inside = [True] * 40 + [False] * 150
    ratio = rate_ratio(events, np.ones(190), inside)
    assert ratio.value == pytest.approx(3.0)
    parts = [(1 - 0.3) / (39 * 0.3), (1 - 0.1) / (149 * 0.1)]
    freedom = sum(parts) ** 2 / (parts[0] ** 2 / 11 + parts[1] ** 2 / 14)
    reach = stats.t.ppf(0.975, freedom) * math.sqrt(sum(parts))
    assert ratio.low == pytest.approx(3 * math.exp(-reach))
    assert ratio.high == pytest.approx(3 * math.exp(reach))


def test_a_customer_with_five_complaints_is_one_customer():
    inside = np.array([True] * 50 + [False] * 50)
    once = np.array([1.0] * 10 + [0.0] * 40 + [1.0] * 8 + [0.0] * 42)
    first, second = rate_ratio(once, np.ones(100), inside), rate_ratio(5 * once, np.ones(100), inside)
    assert (first.value, first.low, first.high) == pytest.approx((second.value, second.low, second.high))


def test_one_event_a_customer_gives_welchs_interval_of_a_difference():
    rng = np.random.default_rng(3)
    first, second = rng.normal(3, 1, 25), rng.normal(2, 4, 40)
    inside = np.array([True] * 25 + [False] * 40)
    found = mean_difference(np.concatenate([first, second]), np.ones(65), inside)
    welch = stats.ttest_ind(first, second, equal_var=False).confidence_interval()
    assert (found.low, found.high) == pytest.approx((welch.low, welch.high))


@pytest.mark.parametrize("events", [[0] * 40, [1] * 4 + [0] * 16 + [1] * 20])
def test_too_few_customers_with_an_event_give_no_estimate(events):
    inside = [True] * 20 + [False] * 20
    assert math.isnan(rate_ratio(events, np.ones(40), inside).value)
    assert math.isnan(share_inside(events, inside).value)


def test_impossible_numbers_are_refused():
    with pytest.raises(ValueError, match="not negative"):
        rate_ratio([1, -1], [1, 1], [True, False])
    with pytest.raises(ValueError, match="missing"):
        mean_difference([np.nan, 1], [1, 1], [True, False])


def _covered(samples, customers, share, rate, ratio, shape, seed):
    """Return how often the intervals cover, complaints gathered on few customers (gamma rates of that shape)."""
    rng = np.random.default_rng(seed)
    hits = {"ratio": [], "share": [], "difference": []}
    for _ in range(samples):
        inside = rng.random(customers) < share
        orders = np.where(inside, 1 + rng.poisson(20, customers), 1 + rng.poisson(3, customers))
        rates = rate * np.where(inside, ratio, 1) * orders * rng.gamma(shape, 1 / shape, customers)
        events = rng.poisson(rates)
        found = rate_ratio(events, orders, inside)
        if not math.isnan(found.value):
            hits["ratio"].append(found.low <= ratio <= found.high)
            truth = share * 21 * ratio / (share * 21 * ratio + (1 - share) * 4)
            part = share_inside(events, inside)
            hits["share"].append(part.low <= truth <= part.high)
        with_event = events > 0
        settled = rng.binomial(events, rng.beta(2, 1, customers))[with_event]
        difference = mean_difference(settled, events[with_event], inside[with_event])
        if not math.isnan(difference.value):
            hits["difference"].append(difference.low <= 0 <= difference.high)
    return {name: float(np.mean(each)) for name, each in hits.items()}


def test_intervals_cover_when_complaints_gather_on_few_customers():
    covered = _covered(600, 600, 0.15, 0.04, 1.5, 0.5, seed=4)
    assert all(0.92 <= share <= 0.985 for share in covered.values()), covered


@pytest.mark.validate
@pytest.mark.parametrize(
    ("customers", "share", "rate", "ratio", "shape"),
    [(300, 0.1, 0.02, 1, 1), (300, 0.1, 0.02, 2, 0.5), (2000, 0.1, 0.02, 1, 0.5), (5000, 0.05, 0.01, 1, 0.3)],
)
def test_intervals_cover_in_long_simulations(customers, share, rate, ratio, shape):
    covered = _covered(4000, customers, share, rate, ratio, shape, seed=5)
    assert 0.935 <= covered["ratio"] <= 0.985, covered
    assert 0.935 <= covered["share"] <= 0.985, covered
    assert covered["difference"] >= 0.91, covered
