"""What must hold for every model of customers without contract, whatever its parameters and the customers."""

from __future__ import annotations

import warnings
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import quad

from crm_lib.clv import NBD, ConvergenceWarning, Model, PurchaseModel
from crm_lib.clv.bg_nbd import BGNBD
from crm_lib.clv.bgbb import BGBB
from crm_lib.clv.mbg_nbd import MBGNBD
from crm_lib.clv.pareto_nbd import ParetoNBD


@dataclass(frozen=True)
class Case:
    """A model with settings, and parameters that are typical of it."""

    model: PurchaseModel
    typical: dict[str, float]

    @property
    def concave(self):
        """Whether buyers are irregular: regular ones who have just bought need some time until they buy again."""
        return getattr(self.model, "regularity", 1) == 1

    def with_parameters(self, logs=None):
        """The model with typical parameters, times the exponentials of `logs`."""
        logs = np.zeros(len(self.typical)) if logs is None else logs
        return self.model.with_parameters(
            **{name: value * np.exp(log) for (name, value), log in zip(self.typical.items(), logs, strict=False)}
        )


CASES = {
    "NBD": Case(NBD(), {"r": 0.4, "alpha": 12.0}),
    "Pareto/NBD": Case(ParetoNBD(), {"r": 0.55, "alpha": 10.6, "s": 0.61, "beta": 11.7}),
    "BG/NBD": Case(BGNBD(), {"r": 0.24, "alpha": 4.4, "a": 0.79, "b": 2.43}),
    "MBG/NBD": Case(MBGNBD(), {"r": 0.52, "alpha": 6.2, "a": 0.89, "b": 1.61}),
    "BG/CNBD-2": Case(BGNBD(regularity=2), {"r": 0.6, "alpha": 4.0, "a": 0.8, "b": 2.4}),
    "MBG/CNBD-3": Case(MBGNBD(regularity=3), {"r": 0.9, "alpha": 4.0, "a": 0.9, "b": 1.6}),
    "BG/BB": Case(BGBB(unit="W"), {"alpha": 1.2, "beta": 0.75, "gamma": 0.66, "delta": 2.8}),
}
LEAVING = [name for name in CASES if name != "NBD"]
every_model = pytest.mark.parametrize("name", CASES)

logs = st.lists(st.floats(-1.5, 1.5), min_size=4, max_size=4)
rows = st.lists(
    st.tuples(st.integers(0, 30), st.floats(0.05, 1.0), st.floats(0.0, 1.0), st.floats(0.5, 150.0)),
    min_size=1,
    max_size=5,
)


def _summary(case, drawn):
    """Histories out of numbers of purchases, times of the last as shares, steadiness and ages."""
    frame = pd.DataFrame(drawn, columns=["frequency", "share", "steadiness", "age"])
    bought = frame["frequency"] > 0
    if case.model.discrete:
        frame["age"] = frame["age"].round() + 1
        frame["frequency"] = np.minimum(frame["frequency"], frame["age"])
        last = (frame["share"] * frame["age"]).round()
        frame["recency"] = np.where(bought, np.maximum(last, frame["frequency"]), 0.0)
    else:
        frame["recency"] = np.where(bought, frame["share"] * frame["age"], 0.0)
        # Gaps are at most alike: x times the logarithm of their mean.
        even = frame["frequency"] * np.log(np.where(bought, frame["recency"] / np.maximum(frame["frequency"], 1), 1.0))
        frame["log_gaps"] = even - frame["steadiness"] * frame["frequency"]
    return frame.drop(columns=["share", "steadiness"])


def _customers(case, count=2500, seed=1, horizon=26.0):
    """Simulated customers; their times rounded up to days, so that many histories are equal."""
    ages = np.random.default_rng(seed).integers(70, 280, count) / 7
    if case.model.discrete:
        return case.with_parameters().simulate(np.floor(ages), seed=seed, horizon=np.floor(horizon))
    found = case.with_parameters().simulate(ages, seed=seed, horizon=horizon)
    if case.concave:
        found["recency"] = np.minimum(np.ceil(found["recency"] * 7) / 7, found["age"])
    return found


# Probabilities and expectations


@every_model
@settings(deadline=None, max_examples=15)
@given(logs=logs, drawn=rows)
def test_probabilities_lie_between_0_and_1_and_fall_with_silence(name, logs, drawn):
    model, summary = CASES[name].with_parameters(logs), _summary(CASES[name], drawn)
    path = np.array(
        [model.probability_alive(summary.assign(age=summary["age"] + silent)) for silent in (0, 1, 3, 10, 40, 200)]
    )
    assert ((path >= 0) & (path <= 1)).all()
    assert (np.diff(path, axis=0) <= 1e-12).all()


@every_model
@settings(deadline=None, max_examples=10)
@given(logs=logs, drawn=rows, horizon=st.integers(5, 400))
def test_expected_purchases_begin_at_0_rise_and_flatten(name, logs, drawn, horizon):
    case = CASES[name]
    model, summary = case.with_parameters(logs), _summary(case, drawn)
    times = np.arange(6.0) * horizon
    path = np.array([model.expected_purchases(summary, time) for time in times])
    new = model.expected_purchases_new(times).to_numpy()
    assert not path[0].any()
    assert new[0] == 0
    for rising in (*path.T, new):
        slack = 1e-9 * rising[-1]
        assert (np.diff(rising) >= -slack).all()
        if case.concave:
            assert (np.diff(rising, n=2) <= slack).all()


@every_model
@settings(deadline=None, max_examples=5)
@given(logs=logs, drawn=rows, rate=st.floats(0.02, 2.0))
def test_discounted_purchases_are_the_integral_of_discounted_rates(name, logs, drawn, rate):
    case = CASES[name]
    model, summary = case.with_parameters(logs), _summary(case, drawn[:1])
    found = model.discounted_expected_purchases(summary, rate).iloc[0]
    continuous = np.log1p(rate) * 7 / 365.25
    if case.model.discrete:
        # Purchases at opportunities 1, 2, … from now.
        ahead = np.arange(int(20 / continuous) + 1)
        few = np.unique(np.concatenate([ahead[:60], np.geomspace(60, ahead[-1], 240).astype(int)]))
        expected = np.array([model.expected_purchases(summary, float(time)).iloc[0] for time in few])
        # Between the opportunities looked at, what is bought lies between discounting by the first and by the last.
        steps = np.diff(expected)
        assert steps @ np.exp(-continuous * few[1:]) <= found * (1 + 1e-9)
        assert found <= (steps @ np.exp(-continuous * (few[:-1] + 1)) + 1e-8) * (1 + 1e-9)
        return

    def integrand(v):
        return model.expected_purchases(summary, v / continuous).iloc[0] * np.exp(-v)

    expected = sum(quad(integrand, *ends, epsabs=0, epsrel=1e-8)[0] for ends in ((0, 0.01), (0.01, 1), (1, 8), (8, 45)))
    assert found == pytest.approx(expected, rel=2e-6)


@pytest.mark.parametrize("name", LEAVING)
@settings(deadline=None, max_examples=10)
@given(drawn=rows, rates=st.lists(st.floats(0.01, 3.0), min_size=2, max_size=2))
def test_a_higher_rate_discounts_more_and_no_rate_not_at_all(name, drawn, rates):
    # Parameters with which customers leave so fast that all they will ever buy is finite.
    # Buying rates are not close to 0 either: those who hardly ever buy would do so only after a very long time.
    quick = {"r": 4.0, "s": 4.0, "a": 4.0, "gamma": 4.0}
    case = CASES[name]
    model = case.model.with_parameters(**{key: quick.get(key, value) for key, value in case.typical.items()})
    summary = _summary(case, drawn)
    less, more = (model.discounted_expected_purchases(summary, rate) for rate in sorted(rates))
    for_ever = model.expected_purchases(summary, 1e7 if case.model.discrete else 1e9)
    tiny = model.discounted_expected_purchases(summary, 1e-7)
    assert (more <= less * (1 + 1e-9)).all()
    assert (less <= for_ever * (1 + 1e-6)).all()
    np.testing.assert_allclose(tiny, for_ever, rtol=1e-3)


@every_model
@settings(deadline=None, max_examples=10)
@given(logs=logs)
def test_a_new_customer_is_one_without_a_history(name, logs):
    model = CASES[name].with_parameters(logs)
    new = pd.DataFrame({"frequency": [0], "recency": [0.0], "age": [0.0], "log_gaps": [0.0]})
    for horizon in (1.0, 26.0, 500.0):
        assert model.expected_purchases(new, horizon).iloc[0] == pytest.approx(
            model.expected_purchases_new(horizon), rel=1e-7
        )
    found = model.discounted_expected_purchases(new, 0.1).iloc[0]
    assert found == pytest.approx(model.discounted_expected_purchases_new(0.1), rel=1e-6)


# Derivatives


@every_model
@settings(deadline=None, max_examples=10)
@given(logs=logs, drawn=rows, weight=st.integers(1, 50))
def test_derivatives_are_those_of_the_likelihood(name, logs, drawn, weight):
    case = CASES[name]
    data = case.model._read(_summary(case, drawn).assign(customers=weight))
    _check_derivatives(case.with_parameters(logs), data)


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


@pytest.mark.parametrize("model", [ParetoNBD, BGNBD])
@settings(deadline=None, max_examples=10)
@given(logs=logs, drawn=rows, values=st.lists(st.floats(-1, 1), min_size=13, max_size=13))
def test_derivatives_by_coefficients_are_those_of_the_likelihood(model, logs, drawn, values):
    case = next(each for each in CASES.values() if type(each.model) is model)
    with_covariates = model(purchase_covariates=("z",), dropout_covariates=("z", "w"))
    names = with_covariates.parameter_names
    shapes = dict(zip(case.typical, np.exp(logs) * list(case.typical.values()), strict=True))
    coefficients = dict(zip(names[len(shapes) :], values[:3], strict=True))
    summary = _summary(case, drawn)
    summary = summary.assign(z=values[3 : 3 + len(summary)], w=values[8 : 8 + len(summary)])
    ready = with_covariates.with_parameters(**shapes, **coefficients)
    _check_derivatives(ready, ready._read(summary))


# Customers who behave as the model says


@every_model
def test_simulated_customers_do_what_the_model_expects(name):
    case = CASES[name]
    model = case.with_parameters()
    age, horizon, count = 30.0, 20.0, 30_000
    customers = model.simulate(np.full(count, age), seed=3, horizon=horizon)
    assert len(model._read(customers)) > 10
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


@every_model
def test_outcomes_scatter_around_the_expectation(name):
    model = CASES[name].with_parameters()
    asked = _summary(CASES[name], [(0, 0.5, 0.2, 30.0), (4, 0.9, 0.2, 30.0), (12, 0.5, 0.2, 40.0)])
    data = model._read(asked)
    theta = np.tile(model._fit_.theta, (20_000, 1))
    rng = np.random.default_rng(8)
    for drawn, expected in (
        (model._draw_purchases(theta, data, 26.0, 0.0, rng), model._expected(theta[:1], data, 26.0)),
        (model._draw_purchases(theta, data, np.inf, 0.01, rng), model._discounted(theta[:1], data, 0.01)),
    ):
        # What is rare scatters as Poisson numbers do even where it never happened.
        error = np.maximum(drawn.std(axis=0), np.sqrt(expected[0])) / np.sqrt(len(drawn))
        assert (np.abs(drawn.mean(axis=0) - expected[0]) < 4.5 * error).all()


# Fits


@every_model
def test_grouped_and_single_customers_give_the_same_fit(name):
    case = CASES[name]
    customers = _customers(case)
    data = case.model._read(customers)
    single = replace(
        data,
        **{key: data.per_row(getattr(data, key)) for key in ("frequency", "recency", "age")},
        customers=np.ones(len(customers)),
        covariates=np.empty((len(customers), 0)),
        inverse=np.arange(len(customers)),
    )
    if case.concave:
        assert len(data) < 0.8 * len(single)
    grouped, apart = (replace_model(case.model)._fit(each) for each in (data, single))
    assert grouped.converged_
    pd.testing.assert_series_equal(grouped.params_, apart.params_, rtol=1e-5)
    assert grouped.log_likelihood_ == pytest.approx(apart.log_likelihood_, rel=1e-10)
    pd.testing.assert_frame_equal(grouped.covariance_, apart.covariance_, rtol=1e-3)
    values, alone = (
        model._expected(model._fit_.theta[None, :], histories, 9.0)[0]
        for model, histories in ((grouped, data), (apart, single))
    )
    np.testing.assert_allclose(data.per_row(values), alone, rtol=1e-4)


def replace_model(model):
    """A fresh model of the same settings."""
    return replace(model)


@pytest.mark.parametrize("name", [name for name in CASES if name != "BG/BB"])
def test_another_unit_changes_nothing_but_the_unit(name):
    case = CASES[name]
    customers = _customers(case, 1000)
    in_days = customers.assign(recency=customers["recency"] * 7, age=customers["age"] * 7)
    if "log_gaps" in in_days:
        in_days["log_gaps"] += in_days["frequency"] * np.log(7)
    in_days.attrs["unit"] = "D"
    weeks, days = case.model.fit(customers), replace(case.model, unit="D").fit(in_days)
    factors = [7.0 if parameter in case.model.scale_parameters else 1.0 for parameter in weeks.params_.index]
    pd.testing.assert_series_equal(days.params_, weeks.params_ * factors, rtol=1e-4)
    # The density of a time is a seventh per day of what it is per week, once for each purchase.
    shift = customers["frequency"].sum() * np.log(7)
    assert days.log_likelihood_ == pytest.approx(weeks.log_likelihood_ - shift, abs=1e-5)
    np.testing.assert_allclose(days.standard_errors_, weeks.standard_errors_ * factors, rtol=1e-2)
    for one, other in (
        (weeks.probability_alive(customers), days.probability_alive(in_days)),
        (weeks.expected_purchases(customers, 26), days.expected_purchases(in_days, 182)),
        (weeks.discounted_expected_purchases(customers, 0.1), days.discounted_expected_purchases(in_days, 0.1)),
    ):
        pd.testing.assert_series_equal(one, other, rtol=1e-3, check_names=False)
    if case.concave:
        for model in (weeks, days):
            model.posterior(draws=400)
        one, other = weeks.total_purchases(customers, 26), days.total_purchases(in_days, 182)
        assert other.low == pytest.approx(one.low, rel=0.02)
        assert other.high == pytest.approx(one.high, rel=0.02)


@every_model
def test_a_stored_model_comes_back_the_same(name):
    model = CASES[name].with_parameters()
    back = Model.from_json(model.to_json())
    assert type(back) is type(model)
    assert repr(back) == repr(model)
    customers = _customers(CASES[name], 50)
    pd.testing.assert_series_equal(back.expected_purchases(customers, 9), model.expected_purchases(customers, 9))


# Edges


@every_model
def test_busy_customers_of_long_standing_are_finite(name):
    case = CASES[name]
    busy = pd.DataFrame({"frequency": [300, 299, 0, 1] if case.model.discrete else [800, 800, 0, 1]})
    busy = busy.assign(recency=[300.0, 299.0, 0.0, 1.0], age=300.0, log_gaps=[-790.0, -795.0, 0.0, 0.0])
    if not case.model.discrete:
        busy["recency"] = [300.0, 2.0, 0.0, 1e-3]
    for values in ({}, {"a": 1.0, "s": 1.0, "gamma": 1.0}, {"a": 1e-3, "s": 1e-3, "gamma": 1e-3}, {"r": 1e-3}):
        model = case.model.with_parameters(**{key: values.get(key, value) for key, value in case.typical.items()})
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            assert np.isfinite(model.log_likelihood(busy))
            assert model.probability_alive(busy).between(0, 1).all()
            expected = model.expected_purchases(busy, 520)
            discounted = model.discounted_expected_purchases(busy, 0.1)
            value, gradient, hessian = model._objective(model._fit_.theta, model._read(busy))
        assert np.isfinite(expected).all()
        assert (expected >= 0).all()
        assert np.isfinite(discounted).all()
        assert np.isfinite(value)
        assert np.isfinite(gradient).all()
        assert np.isfinite(hessian).all()


@every_model
def test_one_time_buyers_alone_are_told_apart_from_an_answer(name):
    """With nobody who ever came back, no model can tell how often people buy; it says so and stays finite."""
    case = CASES[name]
    once = pd.DataFrame({"frequency": 0, "recency": 0.0, "age": np.arange(10.0, 40.0), "log_gaps": 0.0})
    with pytest.warns(ConvergenceWarning, match="no maximum"):
        model = replace(case.model).fit(once)
    assert not model.converged_
    assert model.standard_errors_.isna().all()
    model.posterior(draws=400)
    total = model.total_purchases(once, 26.0)
    assert 0 <= total.low <= total.high < 30 * 26
    assert model.probability_alive(once, interval="mean").to_numpy().min() >= 0


@every_model
@pytest.mark.parametrize("seed", range(3))
def test_fifty_customers_give_an_answer_or_a_clear_warning(name, seed):
    case = CASES[name]
    few = _customers(case, 50, seed=seed)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        model = replace(case.model).fit(few)
    assert [each.category for each in caught] == ([] if model.converged_ else [ConvergenceWarning])
    assert np.isfinite(model.log_likelihood_)
    model.posterior(draws=400)
    total = model.total_purchases(few, 26.0, interval="outcome")
    assert 0 <= total.low < total.high < np.inf
    assert model.probability_alive(few, interval="mean").to_numpy().max() <= 1
