"""The Pareto/NBD against adaptive quadrature, closed forms and integration over what each customer might be."""

from __future__ import annotations

import itertools

import lifetimes
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings, strategies as st
from scipy.integrate import quad
from scipy.special import gammaln, hyperu

from crm_lib.clv import ParetoNBD
from crm_lib.clv.pareto_integral import bracket_derivatives, log_odds_left, log_sum
from crm_lib.clv.pareto_nbd import _Pairs, discounted_stay, expected_stay
from tests.clv.cdnow import cdnow_summary


def between(low, high):
    return st.floats(np.log(low), np.log(high)).map(lambda value: float(np.exp(value)))


ages = between(0.1, 1000.0)
rates = between(1e-3, 1e4)
shapes = between(0.01, 50.0)
frequencies = st.one_of(st.just(0), st.integers(0, 20), st.integers(0, 2000))
shares = st.one_of(st.sampled_from([0.0, 1e-6, 0.5, 1 - 1e-9]), st.floats(0.0, 1.0))
parameters = {"r": shapes, "alpha": rates, "s": shapes, "beta": rates}
histories = {"x": frequencies, "share": shares, "age": ages}


def log_bracket(x, recency, age, *, r, alpha, s, beta):
    """Logarithm of the bracket times α^(r+x) β^s."""
    odds = log_odds_left(np.array([r + x]), alpha, s, beta, np.array([recency]), np.array([age]))
    return float(log_sum(0.0, odds)[0] - (r + x) * np.log1p(age / alpha) - s * np.log1p(age / beta))


def integrated_log_bracket(x, recency, age, *, r, alpha, s, beta):
    """The same by adaptive quadrature in y itself, over pieces whose lengths double from the last purchase on."""

    def log_density(y):
        return -(r + x) * np.log1p(y / alpha) - s * np.log1p(y / beta) + np.log(s) - np.log(beta + y)

    highest = log_density(recency)
    edges = recency + (age - recency) * np.concatenate([[0.0], 2.0 ** np.arange(-45, 1)])
    integral = sum(
        quad(lambda y: np.exp(log_density(y) - highest), low, high, epsabs=0, epsrel=1e-13)[0]
        for low, high in itertools.pairwise(edges)
        if log_density(low) - highest > -60
    )
    staying = -(r + x) * np.log1p(age / alpha) - s * np.log1p(age / beta)
    return np.logaddexp(staying, highest + np.log(integral)) if integral > 0 else staying


@pytest.mark.filterwarnings("ignore::scipy.integrate.IntegrationWarning")
@settings(max_examples=60, deadline=None)
@given(**parameters, **histories)
def test_bracket_agrees_with_adaptive_quadrature_over_a_wide_range(r, alpha, s, beta, x, share, age):
    recency = share * age if x > 0 else 0.0
    got = log_bracket(x, recency, age, r=r, alpha=alpha, s=s, beta=beta)
    wanted = integrated_log_bracket(x, recency, age, r=r, alpha=alpha, s=s, beta=beta)
    assert got == pytest.approx(wanted, rel=1e-12, abs=1e-12)


@settings(max_examples=40, deadline=None)
@given(**parameters, **histories)
def test_derivatives_are_those_of_the_value(r, alpha, s, beta, x, share, age):
    recency = share * age if x > 0 else 0.0
    working = np.log([r, alpha, s, beta])

    def at(theta):
        r_, alpha_, s_, beta_ = np.exp(theta)
        return bracket_derivatives(
            np.array([float(x)]), np.array([recency]), np.array([age]),
            r=r_, alpha=np.array([alpha_]), s=s_, beta=np.array([beta_]),
        )  # fmt: skip

    value, gradient, hessian = at(working)
    assert value[0] == pytest.approx(log_bracket(x, recency, age, r=r, alpha=alpha, s=s, beta=beta), rel=1e-12)
    # Central differences, extrapolated to step 0 (Richardson), of value and of gradient.
    step = 2e-3
    size = max(1.0, abs(value[0]))
    for place in range(4):
        aside = step * np.eye(4)[place]
        points = [at(working + k * aside) for k in (1, -1, 2, -2)]
        for part, found in ((0, gradient[place, 0]), (1, hessian[place, :, 0])):
            one, minus, two, minus_two = (each[part][..., 0] for each in points)
            difference = (8 * (one - minus) - (two - minus_two)) / (12 * step)
            np.testing.assert_allclose(found, difference, rtol=1e-6, atol=1e-8 * size)


def test_pairs_give_the_same_sum_as_histories():
    rng = np.random.default_rng(2)
    count = 6000
    frequency = rng.integers(0, 30, count).astype(float)
    age = rng.integers(1, 30, count).astype(float)
    recency = np.where(frequency > 0, rng.integers(1, age + 1), 0.0)
    frame = pd.DataFrame({"frequency": frequency, "recency": recency, "age": age})
    observed = ParetoNBD()._read(frame)
    r, alpha, s, beta = (np.exp(rng.uniform(np.log(0.01), np.log(100), (40, 1))) for _ in range(4))
    pairs = _Pairs.of(observed)
    assert pairs is not None
    each = np.logaddexp(0, log_odds_left(r + observed.frequency, alpha, s, beta, observed.recency, observed.age))
    found = pairs.total_log_bracket(observed.customers, r, alpha, s, beta)
    assert found == pytest.approx(each @ observed.customers, rel=1e-11)
    # Where no two share a time, pairs would save nothing.
    frame = pd.DataFrame({"frequency": 1.0, "recency": rng.random(99), "age": 1 + rng.random(99)})
    assert _Pairs.of(ParetoNBD()._read(frame)) is None


@pytest.mark.parametrize(("x", "recency", "age"), [(0, 0.0, 20.0), (3, 11.0, 20.0), (3, 20.0, 20.0), (25, 8.0, 9.0)])
def test_likelihood_and_expectations_are_those_of_integration_over_rates(x, recency, age):
    # Over purchase rate λ and dropout rate μ: λ^x [μ/(λ+μ) e^-(λ+μ)t_x + λ/(λ+μ) e^-(λ+μ)T], on a grid of logarithms.
    values = {"r": 0.8, "alpha": 6.0, "s": 0.7, "beta": 9.0}
    r, alpha, s, beta = values.values()
    grid = np.linspace(-45.0, 6.0, 1200)
    buying, leaving = np.exp(grid)[:, None], np.exp(grid)[None, :]
    both = buying + leaving
    prior = buying**r * alpha**r * np.exp(-alpha * buying - gammaln(r))
    prior = prior * leaving**s * beta**s * np.exp(-beta * leaving - gammaln(s)) * buying**x
    alive = prior * np.exp(-both * age)
    total = (alive * buying / both + prior * leaving / both * np.exp(-both * recency)).sum()
    customers = pd.DataFrame({"frequency": [x], "recency": [recency], "age": [age]})
    ours = ParetoNBD().with_parameters(**values)
    horizon, rate = 30.0, 0.15
    delta = np.log1p(rate) * 7 / 365.25
    expected = (alive * buying * -np.expm1(-leaving * horizon) / leaving).sum() / total
    discounted = (alive * buying / (leaving + delta)).sum() / total
    assert ours.log_likelihood(customers) == pytest.approx(np.log(total * (grid[1] - grid[0]) ** 2), rel=1e-9)
    assert ours.probability_alive(customers).iloc[0] == pytest.approx(alive.sum() / total, rel=1e-8)
    assert ours.expected_purchases(customers, horizon).iloc[0] == pytest.approx(expected, rel=1e-8)
    assert ours.discounted_expected_purchases(customers, rate).iloc[0] == pytest.approx(discounted, rel=1e-8)


def test_predictions_for_cdnow_are_those_of_lifetimes():
    ours = ParetoNBD().with_parameters(r=0.5533, alpha=10.578, s=0.6062, beta=11.669)
    peer = lifetimes.ParetoNBDFitter()
    peer.params_ = ours.params_
    some = cdnow_summary().head(200)
    history = some["frequency"], some["recency"], some["age"]
    theirs = peer.conditional_expected_number_of_purchases_up_to_time(39.0, *history)
    np.testing.assert_allclose(ours.expected_purchases(some, 39.0), theirs, rtol=1e-4)
    np.testing.assert_allclose(ours.probability_alive(some), peer.conditional_probability_alive(*history), rtol=1e-4)


# How long customers stay


@settings(max_examples=50, deadline=None)
@given(s=st.one_of(shapes, st.just(1.0), st.floats(-1e-9, 1e-9).map(lambda e: 1 + e)), after=rates, horizon=ages)
def test_expected_stay_is_the_integral_of_survival(s, after, horizon):
    # With t = after (e^q - 1), the integrand is after e^((1 - s) q).
    end = float(np.log1p(horizon / after))
    wanted = after * quad(lambda q: np.exp((1 - s) * q), 0, end, epsabs=0, epsrel=1e-12)[0]
    assert expected_stay(np.array(s), np.array(after), horizon) == pytest.approx(wanted, rel=1e-11)


@settings(max_examples=50, deadline=None)
@given(s=st.one_of(shapes, st.sampled_from([1.0, 2.0, 3.0])), after=rates, rate=between(1e-6, 1.0))
def test_discounted_stay_is_the_integral_of_discounted_survival(s, after, rate):
    z = rate * after
    edges = np.concatenate([[0.0], np.log1p(2.0 ** np.arange(-12, 7) / z)])
    wanted = sum(
        quad(lambda q: np.exp((1 - s) * q - z * np.expm1(q)), low, high, epsabs=0, epsrel=1e-12)[0]
        for low, high in itertools.pairwise(edges)
    )
    assert discounted_stay(np.array(s), np.array(after), rate) == pytest.approx(after * wanted, rel=1e-11)


@pytest.mark.parametrize(("s", "after", "rate"), [(0.606, 50.7, 0.0027), (0.3, 12.0, 0.02), (1.7, 9.0, 0.1)])
def test_discounted_stay_is_the_published_confluent_function(s, after, rate):
    # Fader, Hardie & Lee (2005): Ψ(s, s; δ(β+T)) with δ^(s-1) (β+T)^s before it.
    wanted = rate ** (s - 1) * after**s * hyperu(s, s, rate * after)
    assert discounted_stay(np.array(s), np.array(after), rate) == pytest.approx(wanted, rel=1e-9)
