"""The mathematics of the beta-geometric family, held against integrals over customers' own rates and chances."""

from __future__ import annotations

import itertools

import numpy as np
import pandas as pd
import pytest
from scipy.integrate import quad
from scipy.special import betaln, gammaln, hyp2f1

from crm_lib.clv import BGNBD, MBGNBD
from crm_lib.clv.beta_geometric_sums import Cells, purchases
from crm_lib.clv.special import beta_nodes, log_gamma_ratio, log_sums

R, ALPHA, A, B = 0.7, 5.0, 0.9, 2.3
STORIES = [(0, 0.0, 8.0), (1, 4.0, 12.0), (2, 10.0, 12.0), (5, 9.0, 30.0), (4, 12.0, 12.0)]


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


@pytest.mark.parametrize("model", [BGNBD, MBGNBD])
def test_likelihood_and_probability_alive_are_integrals_over_the_customers(model):
    truth = model().with_parameters(r=R, alpha=ALPHA, a=A, b=B)
    for x, t_x, age in STORIES:
        # Rates and chances are independent, so that each term is a product of two integrals.
        n = x + model.occasions
        stayed = over_rates(lambda rate, x=x, age=age: rate**x * np.exp(-rate * age), R, ALPHA)
        stayed *= over_chances(lambda p, n=n: (1 - p) ** n, A, B)
        gone = 0.0
        if n:
            gone = over_rates(lambda rate, x=x, t_x=t_x: rate**x * np.exp(-rate * t_x), R, ALPHA)
            gone *= over_chances(lambda p, n=n: p * (1 - p) ** (n - 1), A, B)
        one = pd.DataFrame({"frequency": [x], "recency": [t_x], "age": [age]})
        assert truth.log_likelihood(one) == pytest.approx(np.log(stayed + gone), abs=1e-8)
        assert truth.probability_alive(one).iloc[0] == pytest.approx(stayed / (stayed + gone), abs=1e-8)


SHAPES = [(0.24, 0.8, 2.4, 0.9), (2.3, 0.3, 0.1, 5.0), (800.2, 0.8, 803.0, 1.7), (0.05, 0.02, 0.5, 130.0)]
SHAPES += [(31.0, 30.0, 5.0, 1.0), (5.0, 300.0, 280.0, 12.0), (800.0, 1.0, 803.0, 520 / 300), (1.0, 1.5, 30.0, 130.0)]


@pytest.mark.parametrize("a", [None, 1.0, 1.0 + 1e-6])
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


@pytest.mark.parametrize(
    ("shape", "a", "b", "rate", "discount"),
    [
        (3.24, 0.8, 5.4, 20.0, 1e-6), (3.24, 1.0, 5.4, 20.0, 50.0), (0.24, 0.1, 0.3, 4.0, 0.05),
        (800.2, 0.8, 803.0, 304.0, 0.002),
    ],
)  # fmt: skip
def test_discounted_purchases_are_the_double_integral(shape, a, b, rate, discount):
    found = _cells([shape], [a], [b], [0], [rate]).lasting_value(discount)[0]
    expected = over_rates(lambda buying: over_chances(lambda p: 1 / (discount / buying + p), a, b), shape, rate)
    assert found == pytest.approx(expected, rel=1e-9)


def _cells(shape, a, b, family, rate):
    columns = {"shape": shape, "a": a, "b": b, "family": family, "rate": rate}
    return Cells(**{name: np.array(values) for name, values in columns.items()})


def test_cells_of_one_family_and_of_many_give_what_each_gives_alone():
    rng = np.random.default_rng(4)
    family = np.sort(np.concatenate([np.arange(700), rng.integers(0, 700, 1800)]))
    shape, a, b = rng.gamma(2, size=700) + 0.1, rng.gamma(1, size=700) + 0.1, rng.gamma(3, size=700)
    rate = rng.gamma(5, 5, 2500) + 1
    together = _cells(shape, a, b, family, rate)
    expected, lasting = together.purchases(20.0), together.lasting_value(0.01)
    for one in rng.integers(0, 2500, 12):
        own = family[one]
        alone = _cells(shape[[own]], a[[own]], b[[own]], [0], rate[[one]])
        assert expected[one] == pytest.approx(alone.purchases(20.0)[0], rel=1e-9)
        assert lasting[one] == pytest.approx(alone.lasting_value(0.01)[0], rel=1e-9)


def test_only_where_the_first_purchase_is_an_occasion_may_one_time_buyers_have_left():
    once = pd.DataFrame({"frequency": [0, 0, 0], "recency": [0.0] * 3, "age": [0.0, 10.0, 39.0]})
    parameters = {"r": R, "alpha": ALPHA, "a": A, "b": B}
    assert (BGNBD().with_parameters(**parameters).probability_alive(once) == 1).all()
    # At the beginning, the chance to have left is the mean of the beta distribution; it grows with silence.
    alive = MBGNBD().with_parameters(**parameters).probability_alive(once)
    assert alive[0] == pytest.approx(B / (A + B), rel=1e-12)
    assert alive[2] == pytest.approx(1 / (1 + A / B * ((ALPHA + 39) / ALPHA) ** R), rel=1e-12)


def test_many_purchases_cost_no_memory_and_lose_no_digits():
    busy = pd.DataFrame({"frequency": [50_000, 3, 0], "recency": [900.0, 30.0, 0.0], "age": [1000.0, 40.0, 40.0]})
    model = BGNBD().with_parameters(r=0.5, alpha=8.0, a=0.8, b=2.4)
    histories = model._read(busy)
    theta = model._fit_.theta + 0.01 * np.random.default_rng(1).standard_normal((4000, 4))
    together = model._log_likelihoods(theta, histories)
    for place in (0, 3999):
        # A product of 50,000 factors, as Γ(r + x) / Γ(r) is.
        assert together[place] == pytest.approx(model._objective(theta[place], histories)[0], rel=1e-12)
    r, alpha, a, b = np.exp(theta[0])
    x = np.arange(50_000)
    product = np.log(r + x).sum() + (np.log(b + x) - np.log(a + b + x)).sum()
    only = float(model._log_likelihoods(theta[:1], model._read(busy.iloc[[0]]))[0])
    gone = np.log(a / (b + 49_999)) + (r + 50_000) * np.log((alpha + 1000) / (alpha + 900))
    rest = r * np.log(alpha) - (r + 50_000) * np.log(alpha + 1000) + np.logaddexp(0, gone)
    assert only == pytest.approx(product + rest, rel=1e-12)


# Special functions


def test_gamma_ratios_lose_nothing_where_arguments_are_huge():
    # Γ(x + 1) / Γ(x) = x, and Γ(x + 3) / Γ(x) = x (x + 1) (x + 2).
    x = np.array([0.5, 99.0, 101.0, 1e4, 1e9, 1e30])
    np.testing.assert_allclose(log_gamma_ratio(x, 1.0), np.log(x), rtol=1e-12)
    np.testing.assert_allclose(log_gamma_ratio(x, 3.0), np.log(x) + np.log(x + 1) + np.log(x + 2), rtol=1e-12)


@pytest.mark.parametrize("spread", [1e-9, 0.3, 5.0])
def test_many_log_sums_equal_single_ones(spread):
    rng = np.random.default_rng(3)
    amounts, weights = rng.lognormal(3, 2, 50), rng.random((50, 2))
    scales = 2 + spread * rng.standard_normal(500)
    single = [np.log(np.exp(u) + amounts) @ weights for u in scales]
    np.testing.assert_allclose(log_sums(scales, amounts, weights), single, rtol=1e-12)
