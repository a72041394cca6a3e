"""Expected values: adaptive quadrature, closed forms, differences, and Gauss's 2F1 where it is safe."""

from __future__ import annotations

import itertools

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.special import expit, gammaln, hyp2f1, hyperu

from crm_lib.clv.histories import Histories
from crm_lib.clv.pareto_integral import bracket_derivatives, log_odds_left, log_sum
from crm_lib.clv.pareto_pairs import history_pairs, total_log_bracket
from crm_lib.clv.pareto_stay import discounted_stay, expected_stay


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
    shape = np.array([r + x])
    odds = log_odds_left(shape, alpha, s, beta, np.array([recency]), np.array([age]))
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
@settings(max_examples=120, deadline=None)
@given(**parameters, **histories)
def test_bracket_agrees_with_adaptive_quadrature_over_a_wide_range(r, alpha, s, beta, x, share, age):
    recency = share * age if x > 0 else 0.0
    got = log_bracket(x, recency, age, r=r, alpha=alpha, s=s, beta=beta)
    wanted = integrated_log_bracket(x, recency, age, r=r, alpha=alpha, s=s, beta=beta)
    assert got == pytest.approx(wanted, rel=1e-12, abs=1e-12)


@pytest.mark.parametrize("alpha", [1e-3, 0.7, 40.0, 1e4])
@pytest.mark.parametrize("shape", [0.02, 1.0, 12.5, 2000.0])
@pytest.mark.parametrize("s", [0.01, 1.0, 50.0])
def test_equal_rates_have_a_closed_form(alpha, shape, s):
    # ∫ (α+y)^-(a+s+1) dy is elementary.
    recency, age = np.array([0.0, 3.0, 29.0]), np.array([30.0, 30.0, 30.0])
    got = log_odds_left(np.full(3, shape), alpha, s, alpha, recency, age)
    total = shape + s
    growth = total * np.log((alpha + age) / (alpha + recency))
    wanted = np.log(s / total) + growth + np.log(-np.expm1(-growth))
    assert got == pytest.approx(wanted, rel=1e-12, abs=1e-12)


@pytest.mark.parametrize(("alpha", "beta"), [(2.0, 5.0), (5.0, 2.0), (1e-3, 1e3), (1e3, 1e-3)])
def test_whole_shapes_have_a_closed_form(alpha, beta):
    # With a = s = 1, 1/((α+y)(β+y)²) is a sum of partial fractions.
    recency, age = 1.5, 20.0
    apart = beta - alpha

    def antiderivative(y):
        return np.log((alpha + y) / (beta + y)) / apart**2 + 1 / (apart * (beta + y))

    odds = (antiderivative(age) - antiderivative(recency)) * (alpha + age) * (beta + age)
    got = log_odds_left(np.ones(1), alpha, 1.0, beta, np.array([recency]), np.array([age]))
    assert got[0] == pytest.approx(np.log(odds), rel=1e-7)


def test_agrees_with_the_hypergeometric_form_of_the_likelihood():
    # Fader & Hardie (2005), A Note on Deriving the Pareto/NBD Model, equations 17 to 21.
    r, alpha, s, beta, x, recency, age = 0.55, 10.6, 0.61, 11.7, 2, 30.43, 38.86
    total, larger = r + s + x, max(alpha, beta)
    second = s + 1 if alpha >= beta else r + x

    def a0(y):
        z = abs(alpha - beta) / (larger + y)
        return hyp2f1(total, second, total + 1, z) / (larger + y) ** total

    bracket = (alpha + age) ** -(r + x) * (beta + age) ** -s + s / total * (a0(recency) - a0(age))
    scaled = np.log(bracket) + (r + x) * np.log(alpha) + s * np.log(beta)
    assert log_bracket(x, recency, age, r=r, alpha=alpha, s=s, beta=beta) == pytest.approx(scaled, rel=1e-12)


@settings(max_examples=60, deadline=None)
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

    here = at(working)
    assert here.value[0] == pytest.approx(log_bracket(x, recency, age, r=r, alpha=alpha, s=s, beta=beta), rel=1e-12)
    # Central differences, extrapolated to step 0 (Richardson), of value and of gradient.
    step = 2e-3
    for place in range(4):
        aside = step * np.eye(4)[place]
        ahead, behind, far_ahead, far_behind = (at(working + k * aside) for k in (1, -1, 2, -2))

        def difference(name, at_=(ahead, behind, far_ahead, far_behind)):
            one, minus, two, minus_two = (getattr(each, name) for each in at_)
            return (8 * (one - minus) - (two - minus_two)) / (12 * step)

        size = max(1.0, abs(here.value[0]))
        assert here.gradient[place, 0] == pytest.approx(difference("value")[0], rel=1e-6, abs=1e-8 * size)
        assert here.hessian[place, :, 0] == pytest.approx(difference("gradient")[:, 0], rel=1e-6, abs=1e-8 * size)


def test_nobody_has_left_who_bought_at_the_very_end():
    odds = log_odds_left(np.array([3.5, 0.5]), 10.0, 0.6, 12.0, np.array([39.0, 0.0]), np.array([39.0, 0.0]))
    assert odds.tolist() == [-np.inf, -np.inf]


@settings(max_examples=60, deadline=None)
@given(**parameters, x=frequencies, age=ages, scale=between(1e-2, 1e2))
def test_odds_fall_with_recency_grow_with_age_and_know_no_unit(r, alpha, s, beta, x, age, scale):
    shape = np.full(20, r + x)
    recency = np.linspace(0.0, age, 20)
    by_recency = log_odds_left(shape, alpha, s, beta, recency, np.full(20, age))
    assert (np.diff(by_recency[:-1]) <= 1e-9 * np.maximum(1, abs(by_recency[1:-1]))).all()
    later = age * np.linspace(0.01, 1, 20)
    by_age = log_odds_left(shape, alpha, s, beta, np.zeros(20), later)
    assert (np.diff(by_age) >= -1e-9 * np.maximum(1, abs(by_age[1:]))).all()
    other = log_odds_left(shape, scale * alpha, s, scale * beta, scale * recency, np.full(20, scale * age))
    assert other[:-1] == pytest.approx(by_recency[:-1], rel=1e-10, abs=1e-10)


def test_many_draws_and_histories_at_once_equal_one_at_a_time():
    rng = np.random.default_rng(1)
    alpha, beta = rng.gamma(2.0, 5.0, (50, 1)), rng.gamma(2.0, 5.0, (50, 1))
    shape = 0.5 + rng.poisson(3.0, 1500)
    age = rng.uniform(10, 40, 1500)
    recency = age * rng.random(1500)
    together = log_odds_left(shape, alpha, 0.7, beta, recency, age)
    for draw, which in [(0, 0), (17, 900), (49, 1499)]:
        alone = log_odds_left(shape[[which]], alpha[draw], 0.7, beta[draw], recency[[which]], age[[which]])
        assert together[draw, which] == pytest.approx(alone[0], rel=1e-13)
    wide = log_odds_left(np.tile(shape, 30), 8.0, 0.7, 9.0, np.tile(recency, 30), np.tile(age, 30))
    assert np.array_equal(wide[:1500], wide[-1500:])


def test_pairs_give_the_same_sum_as_histories():
    rng = np.random.default_rng(2)
    count = 6000
    frequency = rng.integers(0, 30, count).astype(float)
    age = rng.integers(1, 30, count).astype(float)
    recency = np.where(frequency > 0, rng.integers(1, age + 1), 0.0)
    r, alpha, s, beta = (np.exp(rng.uniform(np.log(0.01), np.log(100), (40, 1))) for _ in range(4))
    observed = _histories(frequency, recency, age, rng.integers(1, 5, count).astype(float))
    pairs = history_pairs(observed)
    assert pairs is not None
    assert len(pairs.at_age.time) < 900
    each = np.logaddexp(0, log_odds_left(r + frequency, alpha, s, beta, recency, age))
    assert total_log_bracket(pairs, r, alpha, s, beta) == pytest.approx(each @ observed.customers, rel=1e-11)


def test_pairs_are_left_alone_where_there_are_as_many_as_histories():
    rng = np.random.default_rng(3)
    assert history_pairs(_histories(np.ones(99), rng.random(99), 1 + rng.random(99), np.ones(99))) is None


def _histories(frequency, recency, age, customers):
    count = len(frequency)
    return Histories(
        frequency=frequency,
        recency=recency,
        age=age,
        customers=customers,
        covariates=np.empty((count, 0)),
        inverse=np.arange(count),
        index=pd.RangeIndex(count),
    )


def test_more_nodes_would_change_nothing(monkeypatch):
    rng = np.random.default_rng(6)
    count = 30_000

    def drawn(low, high):
        return np.exp(rng.uniform(np.log(low), np.log(high), count))

    age = drawn(0.1, 1000)
    shape = drawn(0.01, 50) + np.floor(drawn(0.5, 2000))
    arguments = (shape, drawn(1e-3, 1e4), drawn(0.01, 50), drawn(1e-3, 1e4), age * rng.random(count) ** 3, age)
    few = log_odds_left(*arguments)
    monkeypatch.setattr("crm_lib.clv.pareto_integral._NODES", (96,))
    # The logarithms themselves reach some thousands, which leaves twelve digits behind the point.
    assert few == pytest.approx(log_odds_left(*arguments), rel=1e-14, abs=5e-13)


def test_log_sum_is_that_of_numpy():
    first, second = np.array([0.0, -np.inf, 3.0, 1e5, -2.0]), np.array([0.0, 1.0, -np.inf, 1e5 + 1, 40.0])
    assert log_sum(first, second) == pytest.approx(np.logaddexp(first, second), rel=1e-15)


def test_likelihood_is_that_of_a_sum_over_what_each_customer_might_be():
    # Over purchase rate λ and dropout rate μ: λ^x [μ/(λ+μ) e^-(λ+μ)t_x + λ/(λ+μ) e^-(λ+μ)T], on a grid of logarithms.
    r, alpha, s, beta, x, recency, age = 0.8, 6.0, 0.7, 9.0, 3, 11.0, 20.0
    grid = np.linspace(-45.0, 6.0, 1200)
    buying, leaving = np.exp(grid)[:, None], np.exp(grid)[None, :]
    both = buying + leaving
    stays, left = buying / both * np.exp(-both * age), leaving / both * np.exp(-both * recency)
    prior = buying**r * alpha**r * np.exp(-alpha * buying - gammaln(r))
    prior = prior * leaving**s * beta**s * np.exp(-beta * leaving - gammaln(s))
    likelihood = (prior * buying**x * (stays + left)).sum() * (grid[1] - grid[0]) ** 2
    alive = (prior * buying**x * np.exp(-both * age)).sum() * (grid[1] - grid[0]) ** 2
    got = gammaln(r + x) - gammaln(r) - x * np.log(alpha)
    got += log_bracket(x, recency, age, r=r, alpha=alpha, s=s, beta=beta)
    assert got == pytest.approx(np.log(likelihood), rel=1e-10)
    odds = log_odds_left(np.array([r + x]), alpha, s, beta, np.array([recency]), np.array([age]))
    assert expit(-odds[0]) == pytest.approx(alive / likelihood, rel=1e-9)


# How long customers stay


@settings(max_examples=80, deadline=None)
@given(s=st.one_of(shapes, st.just(1.0), st.floats(-1e-9, 1e-9).map(lambda e: 1 + e)), after=rates, horizon=ages)
def test_expected_stay_is_the_integral_of_survival(s, after, horizon):
    # With t = after (e^q - 1), the integrand is after e^((1 - s) q).
    end = float(np.log1p(horizon / after))
    wanted = after * quad(lambda q: np.exp((1 - s) * q), 0, end, epsabs=0, epsrel=1e-12)[0]
    assert expected_stay(np.array(s), np.array(after), horizon) == pytest.approx(wanted, rel=1e-11)


@settings(max_examples=80, deadline=None)
@given(s=shapes, after=rates, horizon=ages)
def test_expected_stay_begins_at_nothing_and_rises_ever_more_slowly(s, after, horizon):
    stay = expected_stay(np.array(s), np.array(after), np.linspace(0, horizon, 30))
    assert stay[0] == 0
    assert (np.diff(stay) >= -1e-14 * stay[-1]).all()
    assert (np.diff(stay, 2) <= 1e-9 * stay[-1]).all()
    assert stay[-1] <= horizon * (1 + 1e-12)


@settings(max_examples=80, deadline=None)
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
    # Fader, Hardie & Lee (2005): Ψ(s, s; δ(β+T)) with δ^(s-1) (β+T)^s before it; by Kummer, after · U(1, 2 - s, z).
    wanted = rate ** (s - 1) * after**s * hyperu(s, s, rate * after)
    assert discounted_stay(np.array(s), np.array(after), rate) == pytest.approx(wanted, rel=1e-9)


@settings(max_examples=60, deadline=None)
@given(s=st.floats(1.5, 20.0), after=rates, horizon=ages, rate=between(1e-5, 1.0))
def test_discounting_takes_away_and_takes_nothing_at_rate_zero(s, after, horizon, rate):
    forever = after / (s - 1)
    assert discounted_stay(np.array(s), np.array(after), rate) < forever
    if s > 2:
        # The second moment bounds the loss: ∫ t S(t) dt = after² / ((s - 1)(s - 2)).
        small = 1e-9 / after
        loss = forever - discounted_stay(np.array(s), np.array(after), small)
        assert -1e-12 * forever <= loss <= small * after**2 / ((s - 1) * (s - 2)) + 1e-12 * forever
    assert expected_stay(np.array(s), np.array(after), horizon) <= forever * (1 + 1e-14)
