"""What must hold for every model of customers without contract, whatever its parameters and the customers."""

from __future__ import annotations

import copy
import tracemalloc
import warnings
from dataclasses import replace
from functools import partial

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings, strategies as st
from scipy import stats
from scipy.integrate import quad
from scipy.special import gammaln

from crm_lib.clv import BGNBD, MBGNBD, NBD, ConvergenceWarning, ParetoNBD
from crm_lib.clv.intervals import equal_tails
from crm_lib.errors import MissingData

TYPICAL = {
    NBD: {"r": 0.4, "alpha": 12.0},
    ParetoNBD: {"r": 0.55, "alpha": 10.6, "s": 0.61, "beta": 11.7},
    BGNBD: {"r": 0.24, "alpha": 4.4, "a": 0.79, "b": 2.43},
    MBGNBD: {"r": 0.52, "alpha": 6.2, "a": 0.89, "b": 1.61},
}
every_model = pytest.mark.parametrize("kind", TYPICAL)
leaving_model = pytest.mark.parametrize("kind", [kind for kind in TYPICAL if kind.leaves])
shifts = st.lists(st.floats(-1.5, 1.5), min_size=4, max_size=4)
rows = st.lists(st.tuples(st.integers(0, 30), st.floats(0.05, 1.0), st.floats(0.5, 150.0)), min_size=1, max_size=5)


def _truth(kind, logs=(0, 0, 0, 0)):
    values = {name: value * np.exp(log) for (name, value), log in zip(TYPICAL[kind].items(), logs, strict=False)}
    return kind().with_parameters(**values)


def _summary(drawn):
    """Histories out of numbers of purchases, times of the last as shares, and ages."""
    frame = pd.DataFrame(drawn, columns=["frequency", "share", "age"])
    return frame.assign(recency=np.where(frame["frequency"] > 0, frame.pop("share") * frame["age"], 0.0))


def _customers(kind, count=2500, seed=1, horizon=26.0):
    """Simulated customers; their times rounded up to days, so that many histories are equal."""
    ages = np.random.default_rng(seed).integers(70, 280, count) / 7
    found = _truth(kind).simulate(ages, seed=seed, horizon=horizon)
    found["recency"] = np.minimum(np.ceil(found["recency"] * 7) / 7, found["age"])
    return found.set_index(pd.Index([f"c{i}" for i in range(count)], name="customer_id"))


@pytest.fixture(scope="module")
def customers():
    return _customers(BGNBD, 900)


@pytest.fixture(scope="module")
def fitted(customers):
    model = BGNBD().fit(customers)
    model.posterior()
    return model


@pytest.fixture
def model(fitted):
    """A copy, as drawing a posterior changes the model."""
    return copy.copy(fitted)


# Probabilities and expectations


@every_model
@settings(deadline=None, max_examples=10)
@given(logs=shifts, drawn=rows, horizon=st.integers(5, 400))
def test_probabilities_fall_with_silence_and_purchases_begin_at_0_rise_and_flatten(kind, logs, drawn, horizon):
    model, summary = _truth(kind, logs), _summary(drawn)
    silence = (0, 1, 3, 10, 40, 200)
    alive = np.array([model.probability_alive(summary.assign(age=summary["age"] + silent)) for silent in silence])
    assert ((alive >= 0) & (alive <= 1)).all()
    assert (np.diff(alive, axis=0) <= 1e-12).all()
    times = np.arange(6.0) * horizon
    path = np.array([model.expected_purchases(summary, time) for time in times])
    new = model.expected_purchases_new(times).to_numpy()
    assert not path[0].any()
    assert new[0] == 0
    for rising in (*path.T, new):
        slack = 1e-9 * rising[-1]
        assert (np.diff(rising) >= -slack).all()
        assert (np.diff(rising, n=2) <= slack).all()


@every_model
@settings(deadline=None, max_examples=3)
@given(logs=shifts, drawn=rows, rate=st.floats(0.02, 2.0))
def test_discounted_purchases_are_the_integral_of_discounted_rates(kind, logs, drawn, rate):
    model, summary = _truth(kind, logs), _summary(drawn[:1])
    found = model.discounted_expected_purchases(summary, rate).iloc[0]
    continuous = np.log1p(rate) * 7 / 365.25

    def integrand(v):
        return model.expected_purchases(summary, v / continuous).iloc[0] * np.exp(-v)

    expected = sum(quad(integrand, *ends, epsabs=0, epsrel=1e-8)[0] for ends in ((0, 0.01), (0.01, 1), (1, 8), (8, 45)))
    assert found == pytest.approx(expected, rel=2e-6)
    assert model.discounted_expected_purchases(summary, 2 * rate).iloc[0] <= found
    until = [model.discounted_expected_purchases(summary, rate, horizon=v / continuous).iloc[0] for v in (1, 30)]
    wanted = quad(integrand, 0, 1, epsabs=0, epsrel=1e-8, points=[0.01])[0] + integrand(1.0)
    assert until == pytest.approx([wanted, found], rel=1e-3)


def test_nobody_leaves_the_nbd_whose_rates_and_counts_are_those_of_the_negative_binomial_distribution():
    r, alpha = TYPICAL[NBD].values()
    asked = pd.DataFrame({"frequency": [0, 1, 40], "recency": [0.0, 2.5, 38.0], "age": [10.0, 30.0, 39.0]})
    model, x, age = _truth(NBD), asked["frequency"], asked["age"]
    # The counts, and their times, which are uniform.
    density = stats.nbinom(r, alpha / (alpha + age)).logpmf(x) + gammaln(x + 1) - x * np.log(age)
    assert model.log_likelihood(asked) == pytest.approx(density.sum(), rel=1e-12)
    assert (model.probability_alive(asked) == 1).all()
    np.testing.assert_allclose(model.expected_purchases(asked, 7.0), 7 * (r + x) / (alpha + age))
    forever = (r + x) / (alpha + age) / (np.log(1.1) * 7 / 365.25)
    np.testing.assert_allclose(model.discounted_expected_purchases(asked, 0.1), forever)
    year = model.discounted_expected_purchases(asked, 0.1, horizon=365.25 / 7)
    np.testing.assert_allclose(year, forever * (1 - 1 / 1.1), rtol=1e-12)
    several = model.expected_purchases(asked, [0.0, 7.0, 21.0])
    assert several.columns.tolist() == [0.0, 7.0, 21.0]
    np.testing.assert_allclose(several, np.outer((r + x) / (alpha + age), [0, 7, 21]))


# Derivatives


@every_model
@settings(deadline=None, max_examples=8)
@given(logs=shifts, drawn=rows, weight=st.integers(1, 50))
def test_derivatives_are_those_of_the_likelihood(kind, logs, drawn, weight):
    model = _truth(kind, logs)
    _check_derivatives(model, model._read(_summary(drawn).assign(customers=weight)))


@leaving_model
@settings(deadline=None, max_examples=8)
@given(logs=shifts, drawn=rows, values=st.lists(st.floats(-1, 1), min_size=13, max_size=13))
def test_derivatives_by_coefficients_are_those_of_the_likelihood(kind, logs, drawn, values):
    blank = kind(purchase_covariates=("z",), dropout_covariates=("z", "w"))
    coefficients = dict(zip(blank.coefficient_names, values[:3], strict=True))
    model = blank.with_parameters(**_truth(kind, logs).params_, **coefficients)
    summary = _summary(drawn)
    summary = summary.assign(z=values[3 : 3 + len(summary)], w=values[8 : 8 + len(summary)])
    _check_derivatives(model, model._read(summary))


def _check_derivatives(model, data):
    theta = model._fit_.theta
    value, gradient, hessian = model._objective(theta, data)
    assert value == pytest.approx(model._log_likelihoods(theta[None, :], data)[0], rel=1e-9, abs=1e-9)
    step = 1e-4
    steps = step * np.eye(len(theta))
    up, down = (model._log_likelihoods(theta + sign * steps, data) for sign in (1, -1))
    size = abs(value) + data.total + float(data.customers @ data.frequency)
    np.testing.assert_allclose(gradient, (up - down) / (2 * step), rtol=1e-5, atol=1e-8 * size)
    slopes = [(model._objective(theta + s, data)[1] - model._objective(theta - s, data)[1]) / (2 * step) for s in steps]
    np.testing.assert_allclose(hessian, np.array(slopes), rtol=1e-4, atol=1e-6 * size)


# Customers who behave as the model says


@every_model
def test_simulated_customers_do_what_the_model_expects(kind):
    model = _truth(kind)
    age, horizon, count = 30.0, 20.0, 30_000
    customers = model.simulate(np.full(count, age), seed=3, horizon=horizon)
    pd.testing.assert_frame_equal(customers, model.simulate(np.full(count, age), seed=3, horizon=horizon))
    expected, alive = model.expected_purchases(customers, horizon), model.probability_alive(customers)
    new = model.expected_purchases_new(np.array([age, age + horizon]))
    bought = customers["frequency"]
    assert bought.mean() == pytest.approx(new[age], abs=4 * bought.std() / np.sqrt(count))
    # What is expected of those seen is, over all of them, what was to be expected of new ones.
    assert expected.mean() == pytest.approx(new[age + horizon] - new[age], abs=4 * expected.std() / np.sqrt(count))
    assert (customers.loc[~customers["alive"], "future"] == 0).all()
    for tenth in np.array_split(np.argsort(expected.to_numpy(), kind="stable"), 8):
        away = customers["future"].iloc[tenth] - expected.iloc[tenth]
        # Rare purchases scatter as Poisson numbers even where none happened.
        scatter = max(away.std(), np.sqrt(expected.iloc[tenth].mean()))
        assert abs(away.mean()) < 4.5 * scatter / np.sqrt(len(tenth)) + 1e-9
    for tenth in np.array_split(np.argsort(alive.to_numpy(), kind="stable"), 8):
        away = customers["alive"].iloc[tenth] - alive.iloc[tenth]
        assert abs(away.mean()) < 4.5 * np.sqrt((alive * (1 - alive)).iloc[tenth].mean() / len(tenth)) + 1e-9


# Covariates


@leaving_model
def test_covariates_give_back_their_coefficients_and_change_the_parameters_of_their_customers(kind):
    rng = np.random.default_rng(6)
    columns = pd.DataFrame({"x1": rng.integers(0, 2, 6000) * 100.0, "x2": rng.integers(-1, 2, 6000) / 2})
    shape = kind(purchase_covariates=("x1",), dropout_covariates=("x2", "x1"))
    base = TYPICAL[kind] | {"r": 0.9}
    truth = shape.with_parameters(**base, purchase_x1=0.005, dropout_x2=-0.6, dropout_x1=0.003)
    customers = truth.simulate(np.full(6000, 39.0), seed=7, horizon=26.0, covariates=columns)
    model = replace(shape).fit(customers)
    assert list(model.params_.index[4:]) == ["purchase_x1", "dropout_x2", "dropout_x1"]
    assert (((model.params_ - truth.params_) / model.standard_errors_).abs() < 4).all()
    error = customers["future"] - truth.expected_purchases(customers, 26.0)
    for group in (customers["x1"] == 0, customers["x1"] > 0, customers["x2"] > 0):
        assert error[group].mean() == pytest.approx(0, abs=4 * error[group].std() / np.sqrt(group.sum()))
    # Those of one kind are customers of a model without covariates, whose scale is another.
    one = customers[(customers["x1"] > 0) & (customers["x2"] == 0.5)].head(20)
    lasting = "a" if "a" in base else "beta"
    sign = 1 if lasting == "a" else -1
    own = base | {"alpha": base["alpha"] * np.exp(-0.5), lasting: base[lasting] * np.exp(sign * (-0.6 * 0.5 + 0.3))}
    alike = kind().with_parameters(**own)
    np.testing.assert_allclose(truth.probability_alive(one), alike.probability_alive(one), rtol=1e-9)
    np.testing.assert_allclose(truth.expected_purchases(one, 26), alike.expected_purchases(one, 26), rtol=1e-9)
    discounted = truth.discounted_expected_purchases(one, 0.1)
    np.testing.assert_allclose(discounted, alike.discounted_expected_purchases(one, 0.1), rtol=1e-9)


@leaving_model
@pytest.mark.parametrize("side", ["purchase", "dropout"])
def test_covariates_of_one_side_alone_have_the_likelihood_of_both_with_a_coefficient_of_0(kind, side):
    customers = _customers(kind, 300).assign(x=np.arange(300) % 3)
    one = kind(**{f"{side}_covariates": ("x",)}).fit(customers)
    both = kind(purchase_covariates=("x",), dropout_covariates=("x",))
    same = both.with_parameters(**{"purchase_x": 0.0, "dropout_x": 0.0} | one.params_.to_dict())
    assert one.log_likelihood_ == pytest.approx(same.log_likelihood(customers), rel=1e-12)
    assert len(one.posterior(draws=100)) == 100


def test_covariates_must_be_named_and_present(customers):
    for names in ("region", ("x", "x")):
        with pytest.raises(ValueError, match="tuple of distinct column names"):
            ParetoNBD(purchase_covariates=names)
    with pytest.raises(MissingData, match="x1"):
        BGNBD(purchase_covariates=("x1",)).fit(customers)


# Sizes


@pytest.mark.parametrize("kind", [NBD, BGNBD])
def test_memory_grows_neither_with_the_number_of_ages_nor_with_that_of_customers(kind):
    ages = np.linspace(10, 40, 12_000)
    histories = pd.DataFrame({"frequency": 1, "recency": ages / 2, "age": ages, "customers": 10**12})
    model = _truth(kind)
    read, theta = model._read(histories), np.repeat(model._fit_.theta[None, :], 1000, axis=0)
    tracemalloc.start()
    found = model._log_likelihoods(theta, read)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert found == pytest.approx(1e12 * model.log_likelihood(histories.drop(columns="customers")))
    assert peak < 1000 * len(ages) * 8 / 2


@pytest.mark.filterwarnings("ignore:.*counted in another unit")
def test_a_customer_of_50_000_purchases_is_one_row_and_more_draws_than_memory_holds_are_refused():
    busy = pd.DataFrame({"frequency": [0, 50_000], "recency": [0.0, 99.0], "age": [99.0, 99.5]})
    model = BGNBD().fit(pd.concat([_customers(BGNBD, 300), busy]))
    tracemalloc.start()
    drawn = model.drawn("purchases", busy, horizon=9, outcome=True)
    worth = model.drawn("discounted", busy, annual_rate=0.1, draws=50)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert drawn.shape == (400, 2)
    assert np.isfinite(worth).all()
    assert peak < 3e8
    with pytest.raises(ValueError, match="more than memory may hold"):
        model.drawn("alive", busy.iloc[:1].reindex(range(10_000)), draws=10**6)


@every_model
def test_totals_of_lost_customers_are_whole_numbers_and_not_below_0(kind):
    lost = pd.DataFrame({"frequency": [2] * 6000, "recency": 1.0, "age": 900.0})
    model = kind().fit(_customers(kind, 600))
    totals = model.drawn("purchases", lost, horizon=4, outcome=True, draws=200).sum(axis=1)
    low, high = equal_tails(totals, whole=True)
    assert low == int(low) >= 0
    assert high == int(high) >= low
    expected = model.drawn("purchases", lost, horizon=4, draws=200).sum(axis=1)
    assert totals.mean() == pytest.approx(expected.mean(), abs=5 * (totals.std() + 1) / np.sqrt(200))
    with pytest.raises(ValueError, match="a row that stands for one customer"):
        model.drawn("purchases", lost.assign(customers=2), horizon=4, outcome=True)


# Fits


@every_model
def test_neither_grouping_nor_order_of_customers_changes_a_fit(kind):
    customers = _customers(kind)
    keys = ["frequency", "recency", "age"]
    grouped = customers.groupby(keys).size().rename("customers").reset_index().sample(frac=1, random_state=3)
    assert len(grouped) < 0.8 * len(customers)
    one, other = kind().fit(customers), kind().fit(grouped)
    assert one.converged_
    pd.testing.assert_series_equal(other.params_, one.params_, rtol=1e-9)
    np.testing.assert_allclose(other.standard_errors_, one.standard_errors_, rtol=1e-6)
    assert other.log_likelihood_ == pytest.approx(one.log_likelihood_, rel=1e-12)
    shuffled = customers.sample(frac=1, random_state=3)
    pd.testing.assert_series_equal(
        one.expected_purchases(shuffled, 9).loc[customers.index], one.expected_purchases(customers, 9)
    )


@pytest.mark.filterwarnings("ignore:.*counted in another unit")
@pytest.mark.parametrize("factor", [1e-6, 7.0, 1e9])
@pytest.mark.parametrize("covariates", [(), ("alive",)])
@every_model
def test_no_unit_of_time_matters(kind, factor, covariates):
    if covariates and not kind.leaves:
        pytest.skip("a model without covariates")
    kind = partial(kind, purchase_covariates=covariates) if covariates else kind
    customers = _customers(getattr(kind, "func", kind), 1000)
    other = customers.assign(recency=customers["recency"] * factor, age=customers["age"] * factor)
    ours, theirs = kind().fit(customers), kind().fit(other)
    factors = [factor if name in ours.scale_parameters else 1.0 for name in ours.params_.index]
    pd.testing.assert_series_equal(theirs.params_, ours.params_ * factors, rtol=1e-9)
    pd.testing.assert_series_equal(theirs.standard_errors_, ours.standard_errors_ * factors, rtol=1e-9)
    # The density of a time changes by the unit, once for each purchase.
    shift = customers["frequency"].sum() * np.log(factor)
    assert theirs.log_likelihood_ == pytest.approx(ours.log_likelihood_ - shift, rel=1e-9)
    for one, same in (
        (ours.probability_alive(customers), theirs.probability_alive(other)),
        (ours.expected_purchases(customers, 26), theirs.expected_purchases(other, 26 * factor)),
    ):
        pd.testing.assert_series_equal(one, same, rtol=1e-9, check_names=False)
    draws = [each.posterior(draws=400).draws for each in (ours, theirs)]
    np.testing.assert_allclose(draws[1], draws[0] * factors, rtol=1e-9)


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ({"r": 1.0}, "NBD has the parameters r, alpha; got r"),
        ({"r": 1.0, "alpha": 2.0, "s": 1.0}, "NBD has the parameters r, alpha; got r, alpha, s"),
        ({"r": 0.0, "alpha": 2.0}, "r, alpha must be positive and finite"),
        ({"r": float("nan"), "alpha": 1.0}, "must be positive and finite"),
    ],
)
def test_parameters_that_cannot_be_are_refused(parameters, words):
    with pytest.raises(ValueError, match=words):
        NBD().with_parameters(**parameters)


def test_parameters_set_by_hand_predict_but_have_no_posterior(model, customers):
    other = model.with_parameters(**TYPICAL[BGNBD])
    assert other is not model
    assert other.params_.to_dict() == pytest.approx(TYPICAL[BGNBD])
    assert other.standard_errors_.isna().all()
    with pytest.raises(ValueError, match="the posterior needs the data"):
        other.drawn("alive", customers)
    with pytest.raises(ValueError, match=r"this NBD is not fitted: call fit\(...\) first"):
        NBD().expected_purchases(customers, 9)


# Posterior and intervals


def test_the_posterior_is_the_likelihood_times_weak_priors():
    """Means and standard deviations against a two-dimensional sum over a fine grid."""
    few = _customers(NBD, 40)
    drawn = NBD().fit(few).posterior(draws=20_000, seed=1)
    log_r, log_alpha = np.meshgrid(np.linspace(-4, 5, 301), np.linspace(-1, 8, 301), indexing="ij")
    x, age = few["frequency"].to_numpy(), few["age"].to_numpy()
    r, alpha = np.exp(log_r)[..., None], np.exp(log_alpha)[..., None]
    density = stats.nbinom(r, alpha / (alpha + age)).logpmf(x).sum(axis=-1)
    density += stats.norm(0, 2).logpdf(log_r) + stats.norm(np.log(age.mean()), 3).logpdf(log_alpha)
    weights = np.exp(density - density.max())
    weights /= weights.sum()
    for name, values in {"r": log_r, "alpha": log_alpha}.items():
        mean = float((weights * values).sum())
        sd = float(np.sqrt((weights * (values - mean) ** 2).sum()))
        sample = np.log(drawn.draws[name])
        assert sample.mean() == pytest.approx(mean, abs=0.04 * sd)
        assert sample.std() == pytest.approx(sd, rel=0.05)


def test_draws_and_intervals_are_reproducible(model, customers):
    first = model.posterior(draws=500, seed=7)
    assert len(first) == 500
    outcome = model.drawn("purchases", customers, horizon=26, outcome=True)
    pd.testing.assert_frame_equal(model.posterior(draws=500, seed=7).draws, first.draws)
    np.testing.assert_array_equal(model.drawn("purchases", customers, horizon=26, outcome=True), outcome)
    assert not model.posterior(draws=500, seed=8).draws.equals(first.draws)
    with pytest.raises(ValueError, match="at least 100 draws, not 50"):
        model.posterior(draws=50)
    assert list(model.summary().columns) == ["estimate", "standard_error", "low", "high"]
    assert len(model.fit(customers.head(300)).posterior()) == 4000


def test_intervals_of_outcomes_are_those_of_the_predictive_distribution():
    # With 40,000 customers the parameters are known; what is left is negative binomial.
    model = NBD().fit(_truth(NBD).simulate(np.full(40_000, 30.0), seed=9))
    asked = pd.DataFrame({"frequency": [0, 3, 12], "recency": [0.0, 20.0, 29.0], "age": 30.0})
    sample = model.drawn("purchases", asked, horizon=52, outcome=True, draws=4000)
    r, alpha = model.params_
    for place, x in enumerate(asked["frequency"]):
        predictive = stats.nbinom(r + x, (alpha + 30) / (alpha + 30 + 52))
        for number in (0, 1, 4, 9):
            assert np.mean(sample[:, place] <= number) == pytest.approx(predictive.cdf(number), abs=0.035)


def test_what_cannot_be_asked_is_refused_with_the_options(model, customers):
    for horizon in (-1, float("nan"), float("inf")):
        for ask in (
            lambda time: model.expected_purchases(customers, time),
            model.expected_purchases_new,
            lambda time: model.simulate(np.array([9.0]), seed=1, horizon=time),
        ):
            with pytest.raises(ValueError, match="horizon must be a finite time that is not negative"):
                ask(horizon)
    for quantity, words in (("purchases", "need a horizon"), ("discounted", "need an annual_rate")):
        with pytest.raises(ValueError, match=words):
            model.drawn(quantity, customers)
    for rate in (0, -0.1, float("nan"), float("inf")):
        with pytest.raises(ValueError, match=r"annual_rate must be positive, such as 0\.1"):
            model.discounted_expected_purchases(customers, rate)
    for age in ([[1.0]], [-1.0], [float("nan")]):
        with pytest.raises(ValueError, match="age must be a list of finite times"):
            model.simulate(np.array(age), seed=1)


# Edges


@every_model
def test_busy_customers_of_long_standing_are_finite(kind):
    busy = pd.DataFrame({"frequency": [800, 800, 0, 1], "recency": [300.0, 2.0, 0.0, 1e-3], "age": 300.0})
    for values in ({}, {"a": 1.0, "s": 1.0}, {"a": 1e-3, "s": 1e-3}, {"r": 1e-3}):
        model = kind().with_parameters(**{key: values.get(key, value) for key, value in TYPICAL[kind].items()})
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            assert np.isfinite(model.log_likelihood(busy))
            assert model.probability_alive(busy).between(0, 1).all()
            expected = model.expected_purchases(busy, 520)
            assert np.isfinite(model.discounted_expected_purchases(busy, 0.1)).all()
            derivatives = model._objective(model._fit_.theta, model._read(busy))
        assert np.isfinite(expected).all()
        assert (expected >= 0).all()
        assert all(np.isfinite(each).all() for each in derivatives)


@every_model
def test_one_time_buyers_alone_are_told_apart_from_an_answer(kind):
    """With nobody who ever came back, no model can tell how often people buy; it says so and stays finite."""
    once = pd.DataFrame({"frequency": 0, "recency": 0.0, "age": np.arange(10.0, 40.0)})
    with pytest.warns(ConvergenceWarning, match="too few customers or repeat purchases") as caught:
        model = kind().fit(once)
    assert caught[0].filename == __file__
    assert not model.converged_
    assert model.standard_errors_.isna().all()
    total = model.drawn("purchases", once, horizon=26.0).sum(axis=1)
    assert 0 <= total.min() <= np.quantile(total, 0.975) < 30 * 26
    assert model.drawn("alive", once).min() >= 0
    told = model.summary()
    assert told["estimate"].between(told["low"], told["high"]).all()


@leaving_model
@pytest.mark.filterwarnings("ignore:.*has no maximum", "ignore:.*counted in another unit")
def test_no_unit_matters_where_the_likelihood_has_no_maximum_either(kind):
    """Everybody buys at one rate and nobody leaves: a ridge, whose end is an accident of rounding."""
    few = NBD().with_parameters(r=1e6, alpha=5e6).simulate(np.linspace(5.0, 60.0, 40), seed=3)
    ours = kind().fit(few)
    theirs = kind().fit(few.assign(recency=few["recency"] * 3e-6, age=few["age"] * 3e-6))
    assert not ours.converged_
    factors = [3e-6 if name in kind.scale_parameters else 1.0 for name in ours.params_.index]
    np.testing.assert_allclose(theirs.params_, ours.params_ * factors, rtol=1e-9)
    np.testing.assert_allclose(theirs.posterior(draws=200).draws, ours.posterior(draws=200).draws * factors, rtol=1e-9)
