"""The mathematics of the beta-geometric family, held against integrals over customers' own rates and chances."""

from __future__ import annotations

import dataclasses
import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from scipy.integrate import quad
from scipy.special import betainc, betaln, gammaln, hyp2f1

from crm_lib.clv import beta_geometric as kernel
from crm_lib.clv import beta_geometric_covariates as with_covariates
from crm_lib.clv import beta_geometric_likelihood as without_covariates
from crm_lib.clv.beta_geometric_draws import log_likelihoods
from crm_lib.clv.beta_geometric_future import purchases
from crm_lib.clv.beta_geometric_outcomes import outcomes, purchases_until_leaving
from crm_lib.clv.beta_geometric_scores import Cells
from crm_lib.clv.histories import new_customers
from crm_lib.clv.maximum import numerical_hessian
from crm_lib.clv.mixing_nodes import beta_nodes

R, ALPHA, A, B = 0.7, 5.0, 0.9, 2.3
STORIES = [(0, 0.0, 8.0), (1, 4.0, 12.0), (2, 10.0, 12.0), (5, 9.0, 30.0), (4, 12.0, 12.0)]
_PROPERTY = settings(max_examples=40, deadline=None)


def over_rates(function, shape, rate):
    """The mean of a function of λ ~ Gamma(shape, rate), by adaptive quadrature over log λ."""
    centre, wide = np.log(shape / rate), 1 / np.sqrt(shape)

    def density(log_rate):
        log = shape * (log_rate + np.log(rate)) - rate * np.exp(log_rate) - gammaln(shape)
        return np.exp(log) * function(np.exp(log_rate))

    top = np.log((shape + 9 * np.sqrt(shape) + 45) / rate)
    points = sorted({centre - 60, centre - 15, centre - 4 * wide, centre - wide, centre, centre + min(wide, 1), top})
    return sum(quad(density, *ends, epsabs=0, epsrel=1e-10, limit=200)[0] for ends in itertools.pairwise(points))


def over_chances(function, a, b):
    """The mean of a function of p ~ Beta(a, b), by adaptive quadrature over the logit; p beyond e^-60 by algebra."""
    centre, wide = np.log(a / b), np.sqrt((a + b) / (a * b))

    def density(logit):
        rest = np.logaddexp(0, logit)
        return np.exp(a * logit - (a + b) * rest - betaln(a, b)) * function(np.exp(logit - rest))

    inner = {centre + step * wide for step in (-20, -6, -2, 0, 2, 6, 20)} | {-30, -10, 10, 30}
    points = [-60, *sorted(point for point in inner if -60 < point < 60), 60]
    tails = function(np.exp(-60)) * np.exp(-60 * a) / a + function(1 - 1e-16) * np.exp(-60 * b) / b
    body = sum(quad(density, *ends, epsabs=1e-16, epsrel=1e-11, limit=200)[0] for ends in itertools.pairwise(points))
    return body + tails * np.exp(-betaln(a, b))


# Likelihood


@pytest.mark.parametrize("occasions", [0, 1])
@pytest.mark.parametrize("k", [1, 3])
def test_likelihood_and_probability_alive_are_integrals_over_the_customers(k, occasions):
    for x, t_x, age in STORIES:

        def until_last(rate, t_x=t_x, x=x):
            return rate ** (k * x) * np.exp(-rate * t_x) / np.exp(gammaln(k)) ** x

        def in_stage(rate, j, t_x=t_x, age=age):
            return until_last(rate) * stats.poisson.pmf(j, rate * (age - t_x))

        # Rates and chances are independent, so that each term is a product of two integrals.
        stages = np.array([over_rates(lambda rate, j=j: in_stage(rate, j), R, ALPHA) for j in range(k)])
        stages *= over_chances(lambda p, n=x + occasions: (1 - p) ** n, A, B)
        gone = 0.0
        if x + occasions:
            gone = over_rates(until_last, R, ALPHA)
            gone *= over_chances(lambda p, n=x + occasions: p * (1 - p) ** (n - 1), A, B)
        arguments = (R, ALPHA, A, B, x, t_x, age)
        found = kernel.log_likelihood(*arguments, regularity=k, occasions=occasions)
        assert found == pytest.approx(np.log(stages.sum() + gone), abs=1e-8)
        alive = kernel.probability_alive(*arguments, regularity=k, occasions=occasions)
        assert alive == pytest.approx(stages.sum() / (stages.sum() + gone), abs=1e-8)
        weights = kernel.stage_weights(R, ALPHA, x, t_x, age, regularity=k)
        assert weights / weights.sum() == pytest.approx(stages / stages.sum(), abs=1e-8)


def test_gaps_enter_the_likelihood_of_regular_buyers_only():
    arguments = (R, ALPHA, A, B, 2, 10.0, 12.0)
    for k in (1, 2, 3):
        with_gaps = kernel.log_likelihood(*arguments, regularity=k, log_gaps=np.log(4.0) + np.log(6.0))
        assert with_gaps - kernel.log_likelihood(*arguments, regularity=k) == pytest.approx((k - 1) * np.log(24.0))


def histories(seed, covariates=0, log_gaps=3.0):
    """Histories with weights, some without repeats and some that end with the last purchase."""
    rng = np.random.default_rng(seed)
    x = rng.integers(0, 6, 60) * rng.integers(0, 4, 60)
    age = rng.integers(1, 60, 60) / 7
    last = np.where(x > 0, age * np.maximum(rng.random(60).round(1), 0.1), 0.0)
    weights = rng.integers(1, 5, 60).astype(float)
    return dataclasses.replace(
        new_customers(60, rng.standard_normal((60, covariates))),
        frequency=x.astype(float), recency=last, age=age, customers=weights, log_gaps=log_gaps,
    )  # fmt: skip


@pytest.mark.parametrize("occasions", [0, 1])
@pytest.mark.parametrize("k", [1, 2, 4])
def test_sums_over_customers_are_sums_of_the_likelihood(k, occasions):
    data, theta = histories(1), np.log([[R, ALPHA, A, B], [3.0, 0.1, 0.02, 40.0], [0.05, 900.0, 30.0, 0.2]])
    counts = without_covariates.count(data, regularity=k, occasions=occasions)
    design = with_covariates.designs(data.covariates, data.covariates)
    together = log_likelihoods(list(np.exp(theta.T)[:, :, None]), counts)
    for row, found in zip(theta, together, strict=True):
        each = kernel.log_likelihood(
            *np.exp(row), data.frequency, data.recency, data.age, regularity=k, occasions=occasions
        )
        expected = float(each @ data.customers) + (k - 1) * 3.0
        assert found == pytest.approx(expected, rel=1e-10)
        assert with_covariates.derivatives(row, counts, design)[0] == pytest.approx(expected, rel=1e-10)
        if k == 1:
            assert without_covariates.derivatives(row, counts)[0] == pytest.approx(expected, rel=1e-10)


@pytest.mark.parametrize("occasions", [0, 1])
@pytest.mark.parametrize(("k", "covariates"), [(1, 0), (2, 0), (3, 0), (1, 2), (2, 2)])
def test_gradients_and_hessians_are_what_differences_say(k, occasions, covariates):
    data = histories(2, covariates)
    counts = without_covariates.count(data, regularity=k, occasions=occasions)
    design = with_covariates.designs(data.covariates, data.covariates[:, :1] if covariates else data.covariates)
    rng = np.random.default_rng(3)
    for _ in range(3):
        theta = rng.standard_normal(len(design.purchase)) * 0.7 + 0.3
        theta[4:] /= 3

        def value(at):
            alpha, a = np.exp(at @ design.purchase), np.exp(at @ design.dropout)
            history = data.frequency, data.recency, data.age
            each = kernel.log_likelihood(
                np.exp(at[0]), alpha, a, np.exp(at[3]), *history, regularity=k, occasions=occasions
            )
            return float(each @ data.customers)

        def slope(at):
            steps = 1e-4 * np.eye(len(at))
            return np.array([(value(at + s) - value(at - s)) / 2e-4 for s in steps])

        functions = [lambda at: with_covariates.derivatives(at, counts, design)]
        if k == 1 and not covariates:
            functions.append(lambda at: without_covariates.derivatives(at, counts))
        for function in functions:
            _, gradient, hessian = function(theta)
            np.testing.assert_allclose(gradient, slope(theta), rtol=1e-5, atol=1e-4)
            differences = numerical_hessian(lambda at, f=function: f(at)[1], theta)
            np.testing.assert_allclose(hessian, differences, rtol=1e-5, atol=1e-4)


# Means over chances and rates

SHAPES = [(0.24, 0.8, 2.4, 0.9), (2.3, 0.3, 0.1, 5.0), (800.2, 0.8, 803.0, 1.7), (0.05, 0.02, 0.5, 130.0)]
SHAPES += [(31.0, 30.0, 5.0, 1.0), (5.0, 300.0, 280.0, 12.0), (800.0, 1.0, 803.0, 520 / 300), (1.0, 1.5, 30.0, 130.0)]


@pytest.mark.parametrize("a", [None, 1.0, 1.0 - 1e-9, 1.0 + 1e-6, 0.999])
@pytest.mark.parametrize(("shape", "usual", "b", "length"), SHAPES)
def test_expected_purchases_are_the_integral_also_where_the_closed_form_is_singular(shape, usual, b, length, a):
    a = usual if a is None else a
    nodes = beta_nodes(np.array(a), np.array(b), shape * length)
    found = purchases(nodes, np.array(shape), np.array(length))
    integral = over_chances(lambda p: -np.expm1(-shape * np.log1p(p * length)) / p, a, b)
    assert found == pytest.approx(integral, rel=3e-10)


def test_expected_purchases_are_the_closed_form_of_fader_hardie_and_lee():
    for x, age, horizon in [(0, 30.0, 39.0), (2, 38.9, 39.0), (12, 20.0, 3.0)]:
        nodes = beta_nodes(np.array(A), np.array(B + x), 40.0)
        found = purchases(nodes, np.array(R + x), np.array(horizon / (ALPHA + age)))
        ratio = (ALPHA + age) / (ALPHA + age + horizon)
        series = hyp2f1(R + x, B + x, A + B + x - 1, horizon / (ALPHA + age + horizon))
        # Equation 10 without its denominator, which is the probability of having left.
        assert found == pytest.approx((A + B + x - 1) / (A - 1) * (1 - ratio ** (R + x) * series), rel=1e-9)


@pytest.mark.parametrize("k", [2, 3, 4, 6])
@pytest.mark.parametrize(("shape", "a", "b", "length"), [s for s in SHAPES if s[3] < 100])
def test_expected_purchases_of_regular_buyers_are_the_sum_over_purchases(k, shape, a, b, length):
    most = 60_000
    number = np.arange(1, most + 1)
    stays = np.exp(betaln(a, b + number - 1) - betaln(a, b))
    for passed in (0, k - 1):
        # The m-th purchase comes with the stage mk - j, of a negative binomial number of stages.
        happens = betainc(number * k - passed, shape + passed, length / (1 + length))
        assert happens[-1] < 1e-12
        nodes = beta_nodes(np.array(a), np.array(b), (shape + passed) * length)
        found = purchases(nodes, np.array(shape + passed), np.array(length), regularity=k, passed=passed)
        assert found == pytest.approx(float(stays @ happens), rel=1e-9)


@pytest.mark.parametrize(
    ("shape", "a", "b", "rate", "discount", "k"),
    [
        (3.24, 0.8, 5.4, 20.0, 1e-6, 1), (3.24, 1.0, 5.4, 20.0, 50.0, 1), (0.24, 0.1, 0.3, 4.0, 0.05, 1),
        (800.2, 0.8, 803.0, 304.0, 0.002, 1), (2.5, 1.0, 1.5, 10.0, 0.002, 3),
    ],
)  # fmt: skip
def test_discounted_purchases_are_the_double_integral(shape, a, b, rate, discount, k):
    cells = Cells(
        shape=np.array([shape]), a=np.array([a]), b=np.array([b]), family=np.array([0]), rate=np.array([rate]),
        regularity=k,
    )  # fmt: skip
    found = cells.lasting_value(discount)[:, 0]
    for passed in {0, k - 1}:

        def of_rate(buying, passed=passed):
            stage = buying / (buying + discount)
            lost = -np.expm1(k * np.log(stage))
            return stage ** (k - passed) * over_chances(lambda p: 1 / (lost + p * stage**k), a, b)

        assert found[passed] == pytest.approx(over_rates(of_rate, shape + passed, rate), rel=1e-9)


def test_cells_of_one_family_and_of_many_give_what_each_gives_alone():
    rng = np.random.default_rng(4)
    family = np.sort(np.concatenate([np.arange(700), rng.integers(0, 700, 1800)]))
    parameters = {"shape": rng.gamma(2, size=700) + 0.1, "a": rng.gamma(1, size=700) + 0.1, "b": rng.gamma(3, size=700)}
    rate = rng.gamma(5, 5, 2500) + 1
    cells = Cells(**parameters, family=family, rate=rate, regularity=1)
    expected, lasting = cells.purchases(20.0)[0], cells.lasting_value(0.01)[0]
    for one in rng.integers(0, 2500, 12):
        own = {name: values[family[[one]]] for name, values in parameters.items()}
        alone = Cells(**own, family=np.array([0]), rate=rate[[one]], regularity=1)
        assert expected[one] == pytest.approx(alone.purchases(20.0)[0, 0], rel=1e-9)
        assert lasting[one] == pytest.approx(alone.lasting_value(0.01)[0, 0], rel=1e-9)


@given(
    shape=st.floats(0.05, 900), a=st.floats(0.01, 100), b=st.floats(0.05, 900), rate=st.floats(0.1, 300),
    k=st.integers(1, 4),
)  # fmt: skip
@_PROPERTY
def test_expected_purchases_start_at_zero_rise_ever_slower_and_exceed_the_discounted_ones(shape, a, b, rate, k):
    cells = Cells(
        shape=np.array([shape]), a=np.array([a]), b=np.array([b]), family=np.zeros(6, dtype=int),
        rate=np.full(6, rate), regularity=k,
    )  # fmt: skip
    horizon = np.array([0.0, 1e-3, 1.0, 10.0, 100.0, 1000.0])
    found = cells.purchases(horizon)
    assert np.isfinite(found).all()
    assert (found[:, 0] == 0).all()
    # Between roots of small chances to stay a few digits cancel.
    noise = 1e-9 * found + (1e-8 if k > 1 else 0)
    assert (np.diff(found) >= -noise[:, 1:]).all()
    assert (found[:, 2] > 0).all()
    rise = np.diff(found) / np.diff(horizon)
    if k == 1:
        # Purchases of regular buyers are least likely just after the last one, so that theirs first rise faster.
        assert (np.diff(rise) <= 1e-9 * rise[:, 1:]).all()
    assert (np.diff(found, axis=0) >= -noise[1:]).all()
    lasting = cells.lasting_value(1e-4)[:, 0]
    assert (lasting > cells.lasting_value(1e-3)[:, 0]).all()


# Outcomes


@pytest.mark.parametrize(("k", "passed"), [(1, 0), (2, 1), (3, 0)])
def test_outcomes_have_the_expected_means(k, passed):
    size, shape, rate, rng = 150_000, 2.5, 9.0, np.random.default_rng(5)
    cells = Cells(
        shape=np.array([shape - passed]), a=np.array([A]), b=np.array([B]), family=np.array([0]),
        rate=np.array([rate]), regularity=k,
    )  # fmt: skip
    buying, chance = rng.gamma(shape, 1 / rate, size), rng.beta(A, B, size)
    stages = np.full(size, passed)
    counts = outcomes(buying, chance, stages, 26.0, 0.0, k, rng)
    sums = outcomes(buying, chance, stages, np.inf, 0.02, k, rng)
    for sample, mean in ((counts, cells.purchases(26.0)), (sums, cells.lasting_value(0.02))):
        assert sample.mean() == pytest.approx(mean[passed, 0], abs=4 * sample.std() / np.sqrt(size))
    short = outcomes(buying, chance, stages, 3.0, 1e-9, k, rng)
    few = outcomes(buying, chance, stages, 3.0, 0.0, k, rng)
    for number in (0, 1, 2):
        share = np.mean(few == number)
        assert np.mean(short.round(4) == number) == pytest.approx(share, abs=5 * np.sqrt(share / size))


def test_leaving_is_geometric_and_no_chance_is_too_small():
    rng = np.random.default_rng(6)
    at = purchases_until_leaving(np.full(50_000, 0.3), rng)
    for number in (1, 2, 5):
        probability = stats.geom(0.3).pmf(number)
        assert np.mean(at == number) == pytest.approx(probability, abs=4 * np.sqrt(probability / 50_000))
    assert purchases_until_leaving(np.array([0.0, 1.0]), rng).tolist() == [np.inf, 1.0]
