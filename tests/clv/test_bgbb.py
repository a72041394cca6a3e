from __future__ import annotations

import itertools
from math import comb

import lifetimes
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import integrate, optimize
from scipy.special import gammaln, hyp2f1

from crm_lib.clv.bgbb import BGBB
from crm_lib.clv.model import ConvergenceWarning
from crm_lib.errors import MissingData, TooLittleData
from tests.clv.published_tables import donations

NAMES = ("alpha", "beta", "gamma", "delta")
PUBLISHED = dict(zip(NAMES, (1.2035, 0.7497, 0.6567, 2.7834), strict=True))
parameters = st.tuples(*[st.floats(-2.5, 2.5).map(lambda log: float(np.exp(log)))] * 4)
histories = st.integers(0, 12).flatmap(
    lambda n: st.integers(0, n).flatmap(
        lambda last: st.tuples(st.integers(1, last) if last else st.just(0), st.just(last), st.just(n))
    )
)


def _model(values, **settings_):
    return BGBB(**settings_).with_parameters(**dict(zip(NAMES, values, strict=True)))


def _frame(*rows):
    return pd.DataFrame(rows, columns=["frequency", "recency", "age"])


def _likelihood(model, *history):
    return float(np.exp(model.log_likelihood(_frame(history))))


@pytest.fixture(scope="module")
def fitted():
    return BGBB().fit(donations())


def test_donations_give_the_published_estimates(fitted):
    # Fader, Hardie & Shang (2010), table 3.
    assert fitted.params_.round(4).to_dict() == PUBLISHED
    assert fitted.log_likelihood_ == pytest.approx(-33225.58, abs=0.005)
    assert fitted.converged_


def test_donations_give_the_published_forecast_of_the_next_five_years(fitted):
    total = fitted.total_purchases(donations(), 5)
    assert total.value == pytest.approx(12_884, abs=0.5)
    assert total.n == 11_104
    assert total.low < total.value < total.high


def test_the_peer_agrees_on_likelihood_and_expectations(fitted):
    peer = lifetimes.BetaGeoBetaBinomFitter()
    peer.params_ = fitted.params_
    table = donations().sample(frac=1, random_state=1)
    x, last, n = (table[name].to_numpy() for name in ("frequency", "recency", "age"))
    each = peer._loglikelihood(tuple(fitted.params_), x, last, n)
    assert fitted.log_likelihood_ == pytest.approx(float(each @ table["customers"]), rel=1e-10)
    alive = peer.conditional_probability_alive(1, x, last, n)
    np.testing.assert_allclose(fitted.probability_alive(table), alive, rtol=1e-8)
    expected = peer.conditional_expected_number_of_purchases_up_to_time(5, x, last, n)
    np.testing.assert_allclose(fitted.expected_purchases(table, 5), expected, rtol=1e-8)
    alpha, beta, gamma, delta = fitted.params_
    # Equation 8 of the paper, at the estimates.
    later = np.exp(gammaln(gamma + delta) - gammaln(1 + delta) + gammaln(7 + delta) - gammaln(6 + gamma + delta))
    first = alpha / (alpha + beta) * delta / (gamma - 1)
    assert fitted.expected_purchases_new(6) == pytest.approx(first * (1 - later), rel=1e-10)


@settings(deadline=None, max_examples=60)
@given(parameters, st.integers(0, 9))
def test_probabilities_of_all_histories_add_up_to_one(values, n):
    # A history (x, last) is that of C(last - 1, x - 1) sequences of purchases, each with the model's likelihood.
    model = _model(values)
    pairs = [(0, 0)] + [(x, last) for last in range(1, n + 1) for x in range(1, last + 1)]
    ways = [comb(last - 1, x - 1) if x else 1 for x, last in pairs]
    total = sum(way * _likelihood(model, x, last, n) for way, (x, last) in zip(ways, pairs, strict=True))
    assert total == pytest.approx(1, rel=1e-10)


@pytest.mark.parametrize(("x", "last", "n"), [(0, 0, 4), (2, 3, 6), (3, 3, 3), (1, 5, 7)])
def test_likelihood_is_the_mean_over_customers(x, last, n):
    a, b, g, d = 1.7, 2.2, 1.4, 3.1

    def customer(leaving, buying):
        missed = buying**x * (1 - buying) ** (last - x)
        here = missed * (1 - buying) ** (n - last) * (1 - leaving) ** n
        gone = sum(missed * (1 - buying) ** i * leaving * (1 - leaving) ** (last + i) for i in range(n - last))
        weight = buying ** (a - 1) * (1 - buying) ** (b - 1) * leaving ** (g - 1) * (1 - leaving) ** (d - 1)
        return (here + gone) * weight

    def mass(leaving, buying):
        return buying ** (a - 1) * (1 - buying) ** (b - 1) * leaving ** (g - 1) * (1 - leaving) ** (d - 1)

    ratio = integrate.dblquad(customer, 0, 1, 0, 1)[0] / integrate.dblquad(mass, 0, 1, 0, 1)[0]
    assert _likelihood(_model((a, b, g, d)), x, last, n) == pytest.approx(ratio, rel=1e-6)


@settings(deadline=None, max_examples=40)
@given(parameters, st.lists(histories, min_size=1, max_size=6))
def test_derivatives_are_those_of_the_likelihood(values, rows):
    model = _model(values)
    data = model._read(_frame(*rows))
    theta = np.log(values)

    def likelihood(at):
        return float(model._log_likelihoods(at[None, :], data)[0])

    value, gradient, hessian = model._objective(theta, data)
    assert value == pytest.approx(likelihood(theta), rel=1e-12)
    np.testing.assert_allclose(gradient, optimize.approx_fprime(theta, likelihood, 1e-6), atol=2e-4, rtol=1e-4)
    step = 1e-3
    for one, other in itertools.product(np.eye(4) * step, repeat=2):
        crossed = likelihood(theta + one + other) - likelihood(theta + one - other)
        crossed -= likelihood(theta - one + other) - likelihood(theta - one - other)
        assert one @ hessian @ other == pytest.approx(crossed / 4, abs=2e-9)


@settings(deadline=None, max_examples=40)
@given(parameters, histories, st.integers(1, 4))
def test_expected_purchases_are_the_mean_over_all_possible_futures(values, history, horizon):
    # P(future | history) is the likelihood of both together over that of the history.
    model = _model(values)
    x, last, n = history
    mean = 0.0
    for future in itertools.product((0, 1), repeat=horizon):
        bought = sum(future)
        newest = n + max((k + 1 for k, one in enumerate(future) if one), default=0)
        mean += bought * _likelihood(model, x + bought, newest if bought else last, n + horizon)
    summary = _frame(history)
    expected = model.expected_purchases(summary, horizon).iloc[0]
    assert expected == pytest.approx(mean / _likelihood(model, *history), rel=1e-8)


@settings(deadline=None, max_examples=40)
@given(parameters, st.lists(histories, min_size=1, max_size=5))
def test_expected_purchases_begin_at_nothing_rise_and_flatten(values, rows):
    model, summary = _model(values), _frame(*rows)
    path = np.array([model.expected_purchases(summary, horizon) for horizon in range(8)])
    assert (path[0] == 0).all()
    steps = np.diff(path, axis=0)
    alive = model.probability_alive(summary)
    assert alive.between(0, 1).all()
    assert (steps >= 0).all()
    assert (steps[0] <= alive + 1e-12).all()
    assert (np.diff(steps, axis=0) <= 1e-9).all()


@pytest.mark.parametrize("gamma", [1 - 1e-3, 1 - 1e-9, 1.0, 1 + 1e-12, 1 + 1e-5])
def test_nothing_breaks_where_the_papers_formula_is_zero_over_zero(gamma):
    values, history = (1.2, 0.8, gamma, 2.5), (2, 3, 6)
    nearby = [_model((1.2, 0.8, at, 2.5)).expected_purchases(_frame(history), 40).iloc[0] for at in (0.98, 1.02)]
    found = _model(values).expected_purchases(_frame(history), 40).iloc[0]
    assert min(nearby) < found < max(nearby)
    assert found == pytest.approx(np.mean(nearby), rel=2e-3)


@pytest.mark.parametrize("values", [(1.2, 0.75, 0.66, 2.8), (0.5, 3.0, 2.0, 9.0), (4.0, 1.0, 1.0, 0.7)])
def test_discounted_purchases_are_the_papers_closed_form(values):
    # Fader, Hardie & Shang (2010), DERT: the next opportunity is discounted once.
    a, b, g, d = values
    x, last, n = 2, 3, 6
    model, summary = _model(values), _frame((x, last, n))
    stayed = model.probability_alive(summary).iloc[0]
    closed = stayed * (a + x) / (a + b + n) * hyp2f1(1, d + n + 1, g + d + n + 1, 1 / 1.1) / 1.1
    assert model.discounted_expected_purchases(summary, 0.1).iloc[0] == pytest.approx(closed, rel=1e-9)
    new = a / (a + b) * d / (g + d) / 1.1 * hyp2f1(1, d + 1, g + d + 1, 1 / 1.1)
    assert model.discounted_expected_purchases_new(0.1) == pytest.approx(new, rel=1e-9)


def test_discounting_lowers_the_total_and_vanishes_with_the_rate():
    model, summary = _model((1.2, 0.8, 3.0, 2.5)), _frame((2, 3, 6), (0, 0, 6), (6, 6, 6))
    forever = model.expected_purchases(summary, 10_000_000)
    previous = np.zeros(3)
    for rate in (0.5, 0.1, 0.01, 1e-5):
        discounted = model.discounted_expected_purchases(summary, rate)
        assert (previous < discounted).all()
        assert (discounted < forever).all()
        previous = discounted.to_numpy()
    np.testing.assert_allclose(previous, forever, rtol=1e-3)


@pytest.fixture(scope="module")
def simulated():
    truth = _model((1.5, 1.0, 0.8, 3.0))
    return truth, truth.simulate(np.repeat([4, 6], 150_000), seed=3, horizon=5)


def test_simulated_customers_do_what_the_formulas_expect(simulated):
    truth, customers = simulated
    groups = customers.groupby(["frequency", "recency", "age"], as_index=False).agg(
        customers=("alive", "size"), alive=("alive", "mean"), future=("future", "mean"), sd=("future", "std")
    )
    groups = groups[groups["customers"] > 400]
    chance = truth.probability_alive(groups)
    error = np.sqrt(chance * (1 - chance) / groups["customers"])
    assert (np.abs(groups["alive"] - chance) <= 4 * error + 1e-12).all()
    expected = truth.expected_purchases(groups, 5)
    assert (np.abs(groups["future"] - expected) <= 4 * groups["sd"] / np.sqrt(groups["customers"])).all()
    first = customers[customers["age"] == 6]
    assert first["frequency"].mean() == pytest.approx(truth.expected_purchases_new(6), rel=0.01)


def test_simulated_histories_occur_as_often_as_their_likelihood_says(simulated):
    truth, customers = simulated
    some = customers[customers["age"] == 4]
    for (x, last), count in some.groupby(["frequency", "recency"]).size().items():
        ways = comb(int(last) - 1, int(x) - 1) if x else 1
        chance = ways * _likelihood(truth, x, last, 4)
        assert count / len(some) == pytest.approx(chance, abs=4 * np.sqrt(chance / len(some)))


def test_drawn_outcomes_have_the_expected_mean(fitted):
    fitted.posterior(draws=4000)
    summary = donations()[["frequency", "recency", "age"]].iloc[[0, 6, 14, 21]]
    repeated = pd.concat([summary] * 50)
    for quantity, arguments in (("purchases", {"horizon": 5}), ("discounted", {"annual_rate": 0.15})):
        mean = fitted.drawn(quantity, summary, draws=1000, **arguments).mean(axis=0)
        outcomes = fitted.drawn(quantity, repeated, draws=1000, outcome=True, **arguments)
        averaged = outcomes.reshape(1000, 50, 4).mean(axis=(0, 1))
        np.testing.assert_allclose(averaged, mean, rtol=0.02, atol=0.006)


def test_daily_opportunities_are_discounted_in_bundles_without_bias():
    # 0.05 / (ln 1.1 / 365.25) days are drawn together; their mean factor keeps the expectation.
    daily = _model((2.0, 60.0, 0.9, 300.0), unit="D")
    theta = np.repeat(daily._fit_.theta[None, :], 40_000, axis=0)
    one = daily._read(_frame((3, 90, 100)))
    drawn = daily._draw_purchases(theta, one, np.inf, float(np.log(1.1) / 365.25), np.random.default_rng(4))
    expected = daily.discounted_expected_purchases(_frame((3, 90, 100)), 0.1).iloc[0]
    assert drawn.mean() == pytest.approx(expected, abs=4 * drawn.std() / 200)


def test_equal_histories_may_be_grouped_or_not():
    customers = _model((1.2, 0.8, 0.6, 2.5)).simulate(np.full(3000, 5), seed=5)
    counts = customers.groupby(["frequency", "recency", "age"], as_index=False).agg(customers=("alive", "size"))
    each, grouped = BGBB().fit(customers), BGBB().fit(counts)
    np.testing.assert_allclose(each.params_, grouped.params_, rtol=1e-6)
    assert each.log_likelihood_ == pytest.approx(grouped.log_likelihood_, rel=1e-12)


def test_long_histories_stay_finite():
    model, summary = _model((0.3, 5.0, 1.0, 400.0), unit="W"), _frame((300, 519, 520), (0, 0, 520), (520, 520, 520))
    assert np.isfinite(model.log_likelihood(summary))
    assert model.probability_alive(summary).between(0, 1).all()
    assert np.isfinite(model.expected_purchases(summary, 520)).all()
    assert (model.expected_purchases(summary, 520) <= 520).all()
    assert np.isfinite(model.discounted_expected_purchases(summary, 0.1)).all()


def test_nobody_ever_bought_again_is_said():
    with pytest.warns(ConvergenceWarning, match="no maximum"):
        model = BGBB().fit(_frame(*[(0, 0, 6)] * 50))
    assert not model.converged_


def test_stored_model_predicts_the_same(fitted):
    again = BGBB.from_json(fitted.to_json())
    pd.testing.assert_series_equal(again.expected_purchases(donations(), 5), fitted.expected_purchases(donations(), 5))
    assert again.unit == "Y"


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ((2, 1, 6), "more repeat purchases than opportunities"),
        ((1, 1.5, 6), "whole numbers of opportunities"),
        ((1, 2, 6.5), "whole numbers of opportunities"),
        ((1, 7, 6), "recency exceeds age"),
        ((1, 0, 6), "yet recency is 0"),
        ((np.nan, 1, 6), "missing or infinite"),
    ],
)
def test_histories_that_cannot_be_are_refused(row, words):
    with pytest.raises(ValueError, match=words):
        BGBB().fit(_frame((1, 1, 6), row))


def test_what_is_absent_or_not_whole_is_named(fitted):
    with pytest.raises(MissingData, match="recency"):
        BGBB().fit(donations().drop(columns="recency"))
    with pytest.raises(TooLittleData, match="empty"):
        BGBB().fit(donations().iloc[:0])
    with pytest.raises(ValueError, match="horizon counts purchase opportunities"):
        fitted.expected_purchases(donations(), 2.5)
    with pytest.raises(ValueError, match="age counts purchase opportunities"):
        fitted.simulate(np.array([2.5]), seed=1)
