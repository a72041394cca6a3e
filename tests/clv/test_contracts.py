from __future__ import annotations

import json
import warnings

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import integrate, optimize, stats
from scipy.special import betaln, hyp2f1

from crm_lib.clv.beta_discrete_weibull import BetaDiscreteWeibull
from crm_lib.clv.model import ConvergenceWarning, Model
from crm_lib.clv.shifted_beta_geometric import ShiftedBetaGeometric
from crm_lib.errors import TooLittleData
from tests.clv.published_tables import HIGH_END, REGULAR, cohort

MODELS = [ShiftedBetaGeometric, BetaDiscreteWeibull]
shape = st.floats(-2.5, 3).map(lambda log: float(np.exp(log)))
power = st.floats(-1, 0.8).map(lambda log: float(np.exp(log)))
some_counts = st.lists(st.integers(1, 60), min_size=3, max_size=9).map(lambda drops: np.cumsum(drops[::-1])[::-1])


def _sbg(alpha, beta):
    return ShiftedBetaGeometric().with_parameters(alpha=alpha, beta=beta)


def _bdw(gamma, delta, c):
    return BetaDiscreteWeibull().with_parameters(gamma=gamma, delta=delta, c=c)


@pytest.fixture(scope="module", params=MODELS)
def fitted(request):
    return request.param().fit(cohort(HIGH_END))


# Fader & Hardie (2007): estimates from seven years.
@pytest.mark.parametrize(
    ("survivors", "alpha", "beta", "log_likelihood"),
    [(HIGH_END, 0.668, 3.806, -1611.16), (REGULAR, 0.704, 1.182, -1680.27)],
)
def test_renewals_give_the_published_estimates(survivors, alpha, beta, log_likelihood):
    model = ShiftedBetaGeometric().fit(cohort(survivors))
    assert model.params_.round(3).to_dict() == {"alpha": alpha, "beta": beta}
    assert model.log_likelihood_ == pytest.approx(log_likelihood, abs=0.005)
    assert model.converged_
    assert model.customers_ == 1000


def test_residual_lifetimes_are_the_published_ones():
    # Fader & Hardie (2010), discount rate 10 %: value just before the renewal that ends the customer's n-th year.
    found = _sbg(3.80, 15.20).discounted_expected_residual_lifetime([1, 2, 3, 4, 5], 0.1)
    assert found.round(2).tolist() == [3.31, 3.45, 3.59, 3.72, 3.84]


@pytest.mark.parametrize("survivors", [HIGH_END, REGULAR])
def test_years_held_out_are_forecast(survivors):
    # Years 8–12 from 1–7, the hold-out of both papers.
    misses = []
    for model in MODELS:
        forecast = model().fit(cohort(survivors)).future_survivors(cohort(survivors), 5)
        assert forecast["ahead"].tolist() == [1, 2, 3, 4, 5]
        misses.append(np.abs(forecast["value"] / np.array(survivors[8:]) - 1).max())
    assert max(misses) < 0.04
    if survivors is HIGH_END:
        # Here retention falls before it rises, which only duration dependence can follow (Fader et al. 2018).
        assert misses[1] < misses[0]


def test_estimates_are_those_of_another_optimiser():
    # Nelder and Mead on the likelihood as the paper of 2018 writes it: products of P(T = t), and S at the end.
    counts = np.array(HIGH_END[:8])

    def minus(theta):
        gamma, delta, c = np.exp(theta)
        survival = np.exp(betaln(gamma, delta + np.arange(8.0) ** c) - betaln(gamma, delta))
        return -(np.diff(-counts) @ np.log(-np.diff(survival)) + counts[-1] * np.log(survival[-1]))

    best = optimize.minimize(
        minus, np.zeros(3), method="Nelder-Mead", options={"xatol": 1e-8, "fatol": 1e-10, "maxiter": 10_000}
    )
    model = BetaDiscreteWeibull().fit(cohort(HIGH_END))
    assert model.log_likelihood_ == pytest.approx(-best.fun, abs=1e-6)
    np.testing.assert_allclose(model.params_, np.exp(best.x), rtol=1e-3)


@settings(deadline=None, max_examples=60)
@given(shape, shape, some_counts)
def test_the_weibull_model_with_power_one_is_the_shifted_beta_geometric(alpha, beta, survivors):
    simple, general = _sbg(alpha, beta), _bdw(alpha, beta, 1.0)
    counts = cohort(tuple(survivors), len(survivors) - 1)
    assert general.log_likelihood(counts) == pytest.approx(simple.log_likelihood(counts), rel=1e-9)
    tenures = [1, 2, 9, 40]
    for ask in (
        lambda model: model.retention_rates(tenures),
        lambda model: model.survival(tenures),
        lambda model: model.expected_remaining(tenures, 12),
        lambda model: model.discounted_expected_residual_lifetime(tenures, 0.1, periods_per_year=4),
    ):
        np.testing.assert_allclose(ask(general), ask(simple), rtol=1e-8)


@pytest.mark.parametrize("model", [_sbg(0.7, 1.2), _bdw(0.4, 1.1, 1.6), _bdw(2.0, 3.0, 0.5)])
def test_survival_is_the_mean_over_customers(model):
    values = model.params_.tolist()
    c = values[2] if len(values) > 2 else 1.0
    for time in (1, 4, 20):
        mean, _ = integrate.quad(
            lambda p, t=time: (1 - p) ** (t**c) * stats.beta.pdf(p, *values[:2]), 0, 1, limit=500, epsabs=1e-12
        )
        assert model.survival(time) == pytest.approx(mean, rel=1e-6)


@settings(deadline=None, max_examples=60)
@given(shape, shape, power, st.integers(1, 200))
def test_survival_falls_and_is_the_product_of_retention_rates(gamma, delta, c, longest):
    times = np.arange(longest + 1)
    for model in (_sbg(gamma, delta), _bdw(gamma, delta, c)):
        survival = model.survival(times).to_numpy()
        rates = model.retention_rates(times[1:]).to_numpy()
        assert survival[0] == 1
        assert ((survival >= 0) & (survival <= 1)).all()
        assert (np.diff(survival) <= 0).all()
        assert ((rates >= 0) & (rates <= 1)).all()
        np.testing.assert_allclose(np.cumprod(rates), survival[1:], rtol=1e-7)


@settings(deadline=None, max_examples=60)
@given(shape, shape, st.floats(0.01, 0.5))
def test_who_stays_longer_is_worth_more_in_the_shifted_beta_geometric(alpha, beta, rate):
    model, tenures = _sbg(alpha, beta), np.arange(1, 60)
    assert (np.diff(model.retention_rates(tenures)) > 0).all()
    assert (np.diff(model.expected_remaining(tenures, 10)) > 0).all()
    residual = model.discounted_expected_residual_lifetime(tenures, rate)
    assert (np.diff(residual) > 0).all()
    assert (residual < (1 + rate) / rate).all()


@settings(deadline=None, max_examples=60)
@given(shape, shape, st.floats(0.02, 0.5), st.integers(1, 30))
def test_residual_lifetime_is_the_papers_closed_form(alpha, beta, rate, tenure):
    # Fader & Hardie (2010): r_n 2F1(1, β + n; α + β + n; 1/(1 + d)).
    closed = (beta + tenure - 1) / (alpha + beta + tenure - 1)
    closed *= hyp2f1(1, beta + tenure, alpha + beta + tenure, 1 / (1 + rate))
    found = _sbg(alpha, beta).discounted_expected_residual_lifetime(tenure, rate)
    assert found == pytest.approx(closed, rel=1e-8)


@settings(deadline=None, max_examples=40)
@given(shape, shape, power, st.floats(0.03, 0.4), st.integers(1, 12))
def test_residual_lifetime_is_the_plain_sum(gamma, delta, c, rate, tenure):
    model = _bdw(gamma, delta, c)
    ahead = np.arange(int(30 / np.log1p(rate)))
    survival = model.survival(np.concatenate([[tenure - 1], tenure + ahead])).to_numpy()
    plain = float(survival[1:] @ (1 + rate) ** -ahead.astype(float)) / survival[0]
    found = model.discounted_expected_residual_lifetime(tenure, rate)
    assert found == pytest.approx(plain, rel=1e-8)


def test_time_until_the_renewal_is_discounted_once_and_months_are_twelfths():
    model = _sbg(0.7, 3.8)
    due = model.discounted_expected_residual_lifetime([1, 3], 0.1)
    later = model.discounted_expected_residual_lifetime([1, 3], 0.1, until_renewal=[1.0, 0.5])
    np.testing.assert_allclose(later, due / 1.1 ** np.array([1.0, 0.5]))
    monthly = model.discounted_expected_residual_lifetime(2, 1.1**12 - 1, periods_per_year=12)
    assert monthly == pytest.approx(model.discounted_expected_residual_lifetime(2, 0.1))


@settings(deadline=None, max_examples=50)
@given(shape, shape, power, some_counts)
def test_derivatives_are_those_of_the_likelihood(gamma, delta, c, survivors):
    counts = cohort(tuple(survivors), len(survivors) - 1)
    for model in (_sbg(gamma, delta), _bdw(gamma, delta, c)):
        data, theta = model._read(counts), np.log(model.params_.to_numpy())

        def likelihood(at, model=model, data=data):
            return float(model._log_likelihoods(at[None, :], data)[0])

        value, gradient, hessian = model._objective(theta, data)
        assert value == pytest.approx(likelihood(theta), rel=1e-10)
        scale = 1 + counts["survivors"].sum()
        np.testing.assert_allclose(gradient, optimize.approx_fprime(theta, likelihood, 1e-6), atol=2e-5 * scale)
        slopes = [
            (model._objective(theta + step, data)[1] - model._objective(theta - step, data)[1]) / 2e-4
            for step in np.eye(len(theta)) * 1e-4
        ]
        np.testing.assert_allclose(hessian, slopes, atol=1e-5 * scale)


@pytest.mark.parametrize("model", [_sbg(0.7, 1.2), _bdw(0.4, 1.1, 1.6)])
def test_simulated_contracts_do_what_the_formulas_expect(model):
    size = 200_000
    contracts = model.simulate(np.full(size, 4), seed=6, horizon=6)
    for period in range(1, 5):
        survived = (contracts["duration"] > period) | ((contracts["duration"] == period) & ~contracts["ended"])
        chance = model.survival(period)
        assert survived.mean() == pytest.approx(chance, abs=4 * np.sqrt(chance / size))
    running = contracts[~contracts["ended"]]
    assert (running["duration"] == 4).all()
    # Four renewals made: the contract is in its fifth period.
    error = running["future"].std() / np.sqrt(len(running))
    assert running["future"].mean() == pytest.approx(model.expected_remaining(5, 6), abs=4 * error)
    assert (contracts.loc[contracts["ended"], "future"] == 0).all()


@pytest.mark.parametrize("model", [_sbg(2.0, 5.0), _bdw(1.5, 6.0, 1.4), _bdw(3.0, 4.0, 0.6)])
def test_drawn_renewals_follow_the_conditional_survival_curve(model):
    theta = np.repeat(model._fit_.theta[None, :], 100_000, axis=0)
    drawn = model._draw_renewals(theta, np.array([1.0, 4.0, 12.0]), np.random.default_rng(8))
    for place, tenure in enumerate((1, 4, 12)):
        for ahead in (1, 2, 5):
            chance = model.survival(tenure - 1 + ahead) / model.survival(tenure - 1)
            assert (drawn[:, place] >= ahead).mean() == pytest.approx(chance, abs=4 * np.sqrt(chance / 100_000))


def test_rows_and_counts_tell_the_same():
    simulated = _sbg(0.7, 2.0).simulate(np.full(2000, 6), seed=2)
    survived = [
        int(((simulated["duration"] > t) | ((simulated["duration"] == t) & ~simulated["ended"])).sum())
        for t in range(7)
    ]
    for model in MODELS:
        rows, counts = model().fit(simulated), model().fit(cohort(tuple(survived), 6))
        np.testing.assert_allclose(rows.params_, counts.params_, rtol=1e-9)
        assert rows.log_likelihood_ == pytest.approx(counts.log_likelihood_)
        assert rows.bic_ == pytest.approx(counts.bic_)
        pd.testing.assert_frame_equal(
            rows.future_survivors(simulated, 3), counts.future_survivors(cohort(tuple(survived), 6), 3)
        )


def test_likelihoods_of_cohorts_add_up_and_one_seen_late_is_conditional():
    high, regular = cohort(HIGH_END).assign(cohort="high"), cohort(REGULAR, 4).assign(cohort="regular")
    for model in (_sbg(0.7, 2.0), _bdw(0.5, 1.5, 1.2)):
        together = model.log_likelihood(pd.concat([high, regular]))
        assert together == pytest.approx(model.log_likelihood(high) + model.log_likelihood(regular))
        late = model.log_likelihood(high[high["period"] >= 2])
        early = model.log_likelihood(high[high["period"] <= 2])
        assert late == pytest.approx(model.log_likelihood(high) - early)


def test_forecasts_of_cohorts_add_up():
    both = pd.concat([cohort(HIGH_END).assign(cohort="high"), cohort(REGULAR, 4).assign(cohort="regular")])
    model = ShiftedBetaGeometric().fit(both)
    each = model.future_survivors(both, 3, interval="mean")
    assert each["cohort"].tolist() == ["high"] * 3 + ["regular"] * 3
    expected = [491 * model.survival(7 + k) / model.survival(7) for k in (1, 2, 3)]
    expected += [326 * model.survival(4 + k) / model.survival(4) for k in (1, 2, 3)]
    np.testing.assert_allclose(each["value"], expected, rtol=1e-10)
    together = model.future_survivors(both, 3, by_cohort=False)
    np.testing.assert_allclose(together["value"], each.groupby("ahead")["value"].sum())
    assert list(together) == ["ahead", "value"]
    assert model.future_survivors(both, 0).empty


def test_outcomes_are_less_certain_than_means(fitted):
    table = cohort(HIGH_END)
    for ask in (
        lambda interval: fitted.future_survivors(table, 5, interval=interval),
        lambda interval: fitted.expected_remaining([1, 4], 5, interval=interval),
        lambda interval: fitted.discounted_expected_residual_lifetime([1, 4], 0.1, interval=interval),
        lambda interval: fitted.survival([1, 4], interval=interval, customers=100),
        lambda interval: fitted.retention_rates([1, 4], interval=interval, customers=100),
    ):
        mean, outcome = ask("mean"), ask("outcome")
        assert (mean["low"] < mean["value"]).all()
        assert (mean["value"] < mean["high"]).all()
        assert (outcome["high"] - outcome["low"] > mean["high"] - mean["low"]).all()


def test_what_is_drawn_has_the_expectation_of_what_is_told(fitted):
    tenures = np.array([3.0, 1.0, 3.0])
    for quantity, arguments in (("remaining", {"horizon": 4}), ("discounted", {"annual_rate": 0.1})):
        means = fitted.drawn(quantity, tenures, draws=1000, **arguments)
        assert means.shape == (1000, 3)
        np.testing.assert_array_equal(means[:, 0], means[:, 2])
        outcomes = fitted.drawn(quantity, np.repeat(tenures, 60), draws=1000, outcome=True, **arguments)
        averaged = outcomes.reshape(1000, 3, 60).mean(axis=(0, 2))
        np.testing.assert_allclose(averaged, means.mean(axis=0), rtol=0.02)


def test_one_number_is_told_as_one_and_many_keep_their_index(fitted):
    assert isinstance(fitted.survival(3), float)
    estimate = fitted.discounted_expected_residual_lifetime(3, 0.1, interval="mean")
    assert estimate.low < estimate.value < estimate.high
    assert estimate.n == 1000
    members = pd.Series([4, 1, 4], index=["a", "b", "c"])
    told = fitted.discounted_expected_residual_lifetime(members, 0.1, interval="mean")
    assert told.index.tolist() == ["a", "b", "c"]
    pd.testing.assert_series_equal(told.loc["a"], told.loc["c"], check_names=False)
    assert fitted.retention_rates([2, 5]).index.tolist() == [2, 5]


def test_the_same_seed_gives_the_same(fitted):
    table = cohort(HIGH_END)
    first = fitted.future_survivors(table, 4, interval="outcome")
    pd.testing.assert_frame_equal(first, fitted.future_survivors(table, 4, interval="outcome"))


def test_a_stored_model_tells_the_same(fitted):
    fitted.summary()
    again = Model.from_json(json.dumps(json.loads(fitted.to_json())))
    assert type(again) is type(fitted)
    ask = {"annual_rate": 0.1, "interval": "mean"}
    pd.testing.assert_frame_equal(
        again.discounted_expected_residual_lifetime([1, 2], **ask),
        fitted.discounted_expected_residual_lifetime([1, 2], **ask),
    )


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize(
    ("survivors", "words"),
    [
        ((1000, 1000, 1000, 1000), "Nobody left"),
        ((1000, 800, 640, 512), "one rate for all"),
        ((50_000, 40_000, 32_000, 25_600, 20_480), "one rate for all"),
        ((1000, 800, 600, 400), "one rate for all"),
    ],
)
def test_a_likelihood_without_maximum_is_said_with_its_reason(model, survivors, words):
    with pytest.warns(ConvergenceWarning, match=words) as said:
        found = model().fit(cohort(survivors, len(survivors) - 1))
    assert len(said) == 1
    assert not found.converged_
    assert found.standard_errors_.isna().all()
    # The posterior still tells how many stay, as well as the model can: in the sBG rates cannot fall.
    told = found.survival([1, 3], interval="mean")
    observed = np.array([survivors[1], survivors[3]]) / survivors[0]
    assert (np.abs(told["value"] - observed) < 0.06).all()
    assert told["low"].between(0, 1).all()


@pytest.mark.parametrize(
    ("model", "survivors", "words"),
    [
        (ShiftedBetaGeometric, (100, 80), "2 parameters .* some up for 1"),
        (ShiftedBetaGeometric, (100, 0, 0), "Everybody left at the first renewal"),
        (BetaDiscreteWeibull, (100, 80, 70), "3 parameters .* some up for 2"),
    ],
)
def test_too_few_renewals_are_refused(model, survivors, words):
    with pytest.raises(TooLittleData, match=words):
        model().fit(cohort(survivors, len(survivors) - 1))


def test_a_few_contracts_are_enough_for_a_posterior():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        for model in MODELS:
            told = model().fit(cohort((10, 9, 8, 8, 7), 4)).survival([4, 8], interval="mean")
            assert (told["high"] - told["low"] > 0.3).all()
            assert told["low"].iloc[0] < 0.7 < told["high"].iloc[0]


@pytest.mark.parametrize(
    ("ask", "words"),
    [
        (lambda m: m.expected_remaining(0, 3), "1 in the first"),
        (lambda m: m.expected_remaining([1, np.nan], 3), "nowhere missing"),
        (lambda m: m.expected_remaining(1.5, 3), "whole number"),
        (lambda m: m.expected_remaining(1, 2.5), "horizon counts renewals"),
        (lambda m: m.survival(-1), "not negative"),
        (lambda m: m.survival(1, interval="both"), "'mean', 'outcome' or None"),
        (lambda m: m.survival(1, interval="outcome"), "give customers"),
        (lambda m: m.discounted_expected_residual_lifetime(1, 0.0), "annual_rate must be positive"),
        (lambda m: m.discounted_expected_residual_lifetime(1, 0.1, periods_per_year=0), "such as 12"),
        (lambda m: m.discounted_expected_residual_lifetime(1, 0.1, until_renewal=2), "share of a period"),
        (lambda m: m.discounted_expected_residual_lifetime([1, 2], 0.1, until_renewal=[0, 0, 1]), "one for each"),
        (lambda m: m.drawn("remaining", 1), "need a horizon"),
        (lambda m: m.drawn("discounted", 1), "need an annual_rate"),
        (lambda m: m.simulate([2.5], seed=1), "whole numbers of periods"),
    ],
)
def test_what_cannot_be_asked_is_refused(fitted, ask, words):
    with pytest.raises(ValueError, match=words):
        ask(fitted)
