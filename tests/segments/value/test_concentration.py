from __future__ import annotations

from unittest import mock

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from scipy import stats

from crm_lib.customers import Basis
from crm_lib.finding import Verdict
from crm_lib.segments import concentration, finding_80_20
from crm_lib.segments.value.concentration import concentration_curve, gini, top_share
from crm_lib.statistics import resampling

ALPHA = np.log(5) / np.log(4)
"""Exponent of the Pareto law under which a fifth brings four fifths."""


def _pareto_population(alpha, n):
    """Means of the n equal slices of a Pareto law, the largest first: the population in n exact pieces."""
    edges = np.arange(n + 1) / n
    return np.diff(edges ** (1 - 1 / alpha)) * n


def test_pareto_of_80_20_has_its_published_share_and_gini():
    # Top share p^(1 - 1/alpha) and Gini 1/(2 alpha - 1) of the Pareto law; .75647 is the number of the literature.
    population = _pareto_population(ALPHA, 1_000_000)
    assert top_share(population, 0.2) == pytest.approx(0.8, abs=1e-9)
    assert gini(population) == pytest.approx(0.75647, abs=1e-4)
    assert pytest.approx(0.75647, abs=5e-6) == 1 / (2 * ALPHA - 1)


def test_lognormal_quantiles_give_the_known_share_and_gini():
    sigma, n = 1.2, 400_000
    values = np.exp(sigma * stats.norm.ppf((np.arange(n) + 0.5) / n))
    assert gini(values) == pytest.approx(2 * stats.norm.cdf(sigma / np.sqrt(2)) - 1, abs=1e-3)
    assert top_share(values, 0.2) == pytest.approx(stats.norm.cdf(sigma - stats.norm.ppf(0.8)), abs=1e-3)


def test_customers_who_cost_money_lift_the_curve_above_one():
    curve = concentration_curve([6, 4, -2], [0, 1 / 3, 2 / 3, 1])
    assert curve["value"].tolist() == pytest.approx([0, 6 / 8, 10 / 8, 1])
    assert gini([10, 0, -2]) > 1 - 1 / 3  # beyond the largest Gini of three customers who bring something


def test_without_a_positive_total_nothing_is_estimable_and_the_verdict_is_open():
    measured = concentration([1.0, -3.0], seed=1)
    assert np.isnan(measured.top_share.value)
    finding = finding_80_20(measured)
    assert finding.verdict is Verdict.UNDECIDED


@pytest.mark.parametrize("values", [[5.0], [3.0, 3.0, 3.0]])
def test_one_customer_or_equal_customers_leave_the_share_open(values):
    measured = concentration(values)
    assert measured.top_share.value == pytest.approx(0.2)
    assert (measured.top_share.low, measured.top_share.high) == pytest.approx((0.2, 1.0))


@pytest.mark.parametrize(("values", "words"), [([], "at least one"), ([1, np.nan, 2], r"positions \[1\]")])
def test_unusable_values_are_named(values, words):
    with pytest.raises(ValueError, match=words):
        concentration(values)


amounts = st.lists(st.integers(-50, 1000), min_size=2, max_size=30).filter(lambda values: sum(values) > 0)


@settings(deadline=None, max_examples=30)
@given(amounts)
def test_curve_is_concave_above_the_diagonal_and_ends_at_one(values):
    curve = concentration_curve(values)
    steps = np.diff(curve["value"])
    assert curve["value"].iloc[-1] == pytest.approx(1)
    assert (curve["value"] >= curve["customers"] - 1e-9).all()
    assert (np.diff(steps) <= 1e-9).all()


@settings(deadline=None, max_examples=30)
@given(amounts)
def test_gini_equals_the_mean_difference_formula(values):
    x = np.array(values, dtype=float)
    pairs = np.abs(x[:, None] - x[None, :]).sum() / (2 * x.size**2 * x.mean())
    assert gini(values) == pytest.approx(pairs)


def _coverage(draw, truths, *, n, samples, resamples, seed=11):
    rng = np.random.default_rng(seed)
    hits = np.zeros(2)
    for number in range(samples):
        measured = concentration(draw(rng, n), resamples=resamples, seed=number)
        intervals = (measured.top_share, measured.gini)
        hits += [interval.low <= truth <= interval.high for interval, truth in zip(intervals, truths, strict=True)]
    return hits / samples


def _lognormal(sigma):
    truths = stats.norm.cdf(sigma - stats.norm.ppf(0.8)), 2 * stats.norm.cdf(sigma / np.sqrt(2)) - 1
    return (lambda rng, n: rng.lognormal(0, sigma, n)), truths


def _pareto(alpha):
    return (lambda rng, n: (1 - rng.random(n)) ** (-1 / alpha)), (0.2 ** (1 - 1 / alpha), 1 / (2 * alpha - 1))


@pytest.mark.parametrize("law", [_lognormal(1.0), _pareto(3.0)], ids=["lognormal", "pareto 3"])
def test_intervals_cover_the_truth_about_as_often_as_they_say(law):
    # 95 % nominal; 200 samples leave a standard error of 1.5 points, and four of them for chance and small samples.
    assert (_coverage(*law, n=400, samples=200, resamples=299) >= 0.95 - 4 * 0.0154).all()


def _without_grouping(values, **settings):
    with mock.patch.object(resampling, "LARGE", len(values) + 1):
        return concentration(values, **settings)


def test_grouping_the_middle_leaves_the_interval_as_it_is():
    draw, _ = _pareto(2.0)
    values = draw(np.random.default_rng(8), 10_500)
    ours, one_by_one = concentration(values, resamples=399), _without_grouping(values, resamples=399)
    for name in ("top_share", "gini"):
        a, b = getattr(ours, name), getattr(one_by_one, name)
        assert a.value == pytest.approx(b.value, rel=1e-12)
        # A quantile of 400 draws errs by a seventh of a standard error, and four of these make the interval.
        assert [a.low, a.high] == pytest.approx([b.low, b.high], abs=0.2 * (b.high - b.low))


@pytest.mark.validate
@pytest.mark.parametrize(
    ("law", "least"),
    [(_lognormal(1.0), 0.90), (_lognormal(1.5), 0.90), (_pareto(3.0), 0.90), (_pareto(2.0), 0.80)],
    ids=["lognormal 1", "lognormal 1.5", "pareto 3", "pareto 2"],
)
def test_coverage_by_a_large_simulation(law, least):
    # Misses at most twice the nominal 5 %, four times where the variance is infinite (Pareto 2).
    assert (_coverage(*law, n=1000, samples=600, resamples=399) >= least).all()


def _finding(values, **settings):
    basis = Basis(kind="revenue", currency="EUR", days=73)
    return finding_80_20(concentration(values, resamples=199, seed=3, basis=basis), **settings)


def test_verdict_on_80_20_follows_from_the_interval():
    rng = np.random.default_rng(5)
    even, steep = rng.normal(100, 5, 500), rng.lognormal(0, 3, 3000)
    assert _finding(even).verdict is Verdict.NOT_SUPPORTED
    assert "spread widely" in _finding(even).decision
    nearly = _finding(rng.lognormal(0, 1.366, 20_000))  # true share .70: below .75 and above three quarters of .80
    assert nearly.verdict is Verdict.NOT_SUPPORTED
    assert "Know the best 20% by name, and do not neglect" in nearly.decision
    assert _finding(steep).verdict is Verdict.NOT_SUPPORTED
    assert "Guard each of the largest" in _finding(steep).decision
    assert _finding(rng.lognormal(0, 1.68, 20_000)).verdict is Verdict.SUPPORTED  # true share .7999
    assert _finding(rng.lognormal(0, 1.68, 60)).verdict is Verdict.UNDECIDED


def test_money_at_stake_is_carried_to_a_year():
    finding = _finding([60.0, 10.0, 10.0, 10.0, 10.0])
    assert finding.money_at_stake.value == pytest.approx(60 * 365 / 73)
    assert finding.to_dict()["claim"] == "80% of the revenue comes from 20% of the customers."
