from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings, strategies as st
from scipy import optimize
from scipy.special import betaln, hyp2f1

from crm_lib.clv import BetaDiscreteWeibull, ConvergenceWarning, ShiftedBetaGeometric
from crm_lib.clv.discounting import discounted_periods, log_survival, period_discount
from crm_lib.errors import TooLittleData

HIGH_END = (1000, 869, 743, 653, 593, 551, 517, 491, 468, 445, 427, 409, 394)
"""Survivors of 1,000 contracts, years 0–12, of the segment High End: Fader & Hardie (2007), table 1."""
REGULAR = (1000, 631, 468, 382, 326, 289, 262, 241, 223, 207, 194, 183, 173)
"""The same of the segment Regular."""


def cohort(survivors: tuple[int, ...], years: int = 7) -> pd.DataFrame:
    """The survivors of the first years as the contract models read them."""
    return pd.DataFrame({"period": range(years + 1), "survivors": survivors[: years + 1]})


def residual_lifetimes(model, tenures, rate, periods_per_year=1.0):
    discount, theta = period_discount(rate, periods_per_year), model._fit_.theta[None, :]
    return model._discounted(theta, np.asarray(tenures, dtype=float), discount)[0]


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


def test_residual_lifetimes_are_the_published_ones():
    # Fader & Hardie (2010), discount rate 10 %: value just before the renewal that ends the customer's n-th year.
    found = residual_lifetimes(_sbg(3.80, 15.20), [1, 2, 3, 4, 5], 0.1)
    assert found.round(2).tolist() == [3.31, 3.45, 3.59, 3.72, 3.84]


@pytest.mark.parametrize("survivors", [HIGH_END, REGULAR])
def test_years_held_out_are_forecast(survivors):
    # Years 8–12 from 1–7, the hold-out of both papers.
    misses = []
    for model in MODELS:
        survival = model().fit(cohort(survivors)).survival(np.arange(7, 13)).to_numpy()
        forecast = survivors[7] * survival[1:] / survival[0]
        misses.append(np.abs(forecast / np.array(survivors[8:]) - 1).max())
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


@settings(deadline=None, max_examples=40)
@given(shape, shape, some_counts)
def test_the_weibull_model_with_power_one_is_the_shifted_beta_geometric(alpha, beta, survivors):
    simple, general = _sbg(alpha, beta), _bdw(alpha, beta, 1.0)
    counts = cohort(tuple(survivors), len(survivors) - 1)
    assert general.log_likelihood(counts) == pytest.approx(simple.log_likelihood(counts), rel=1e-9)
    tenures = [1, 2, 9, 40]
    np.testing.assert_allclose(general.retention_rates(tenures), simple.retention_rates(tenures), rtol=1e-8)


@settings(deadline=None, max_examples=40)
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


@settings(deadline=None, max_examples=40)
@given(shape, shape, st.floats(0.02, 0.5), st.integers(1, 30))
def test_residual_lifetime_is_the_papers_closed_form(alpha, beta, rate, tenure):
    # Fader & Hardie (2010): r_n 2F1(1, β + n; α + β + n; 1/(1 + d)).
    closed = (beta + tenure - 1) / (alpha + beta + tenure - 1)
    closed *= hyp2f1(1, beta + tenure, alpha + beta + tenure, 1 / (1 + rate))
    found = residual_lifetimes(_sbg(alpha, beta), [tenure, tenure + 1], rate)
    assert found[0] == pytest.approx(closed, rel=1e-8)
    # Who stays longer is worth more where chances of leaving do not change.
    assert found[0] < found[1] < (1 + rate) / rate


@pytest.mark.parametrize("discount", [0.2, 0.9, 0.9992])
@pytest.mark.parametrize("power_", [0.4, 1.7, 4.0])
def test_discounted_periods_are_the_plain_sum_for_any_power_of_time(discount, power_):
    leave, stay = np.array([[0.3], [1.0], [6.0]]), np.array([[2.0], [0.5], [30.0]])
    tenures = np.array([1.0, 2.0, 7.0, 60.0])
    found = discounted_periods(lambda times: log_survival(leave, stay, times**power_), tenures, discount)
    terms = np.arange(int(40 / -np.log(discount)) + 1)
    for place, tenure in enumerate(tenures):
        curve = log_survival(leave, stay, (tenure - 1 + np.concatenate([[0.0], 1 + terms])) ** power_)
        plain = np.exp(curve[:, 1:] - curve[:, :1]) @ discount**terms
        np.testing.assert_allclose(found[:, place], plain, rtol=1e-8)


@settings(deadline=None, max_examples=30)
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
    for period, chance in model.survival([1, 2, 3, 4]).items():
        survived = (contracts["duration"] > period) | ((contracts["duration"] == period) & ~contracts["ended"])
        assert survived.mean() == pytest.approx(chance, abs=4 * np.sqrt(chance / size))
    running = contracts[~contracts["ended"]]
    assert (running["duration"] == 4).all()
    # Four renewals made: the contract is in its fifth period.
    survival = model.survival(np.arange(4, 11)).to_numpy()
    ahead = survival[1:].sum() / survival[0]
    error = running["future"].std() / np.sqrt(len(running))
    assert running["future"].mean() == pytest.approx(float(ahead), abs=4 * error)
    assert (contracts.loc[contracts["ended"], "future"] == 0).all()


def test_likelihoods_of_cohorts_add_up_and_one_seen_late_is_conditional():
    high, regular = cohort(HIGH_END).assign(cohort="high"), cohort(REGULAR, 4).assign(cohort="regular")
    for model in (_sbg(0.7, 2.0), _bdw(0.5, 1.5, 1.2)):
        together = model.log_likelihood(pd.concat([high, regular]))
        assert together == pytest.approx(model.log_likelihood(high) + model.log_likelihood(regular))
        late = model.log_likelihood(high[high["period"] >= 2])
        early = model.log_likelihood(high[high["period"] <= 2])
        assert late == pytest.approx(model.log_likelihood(high) - early)


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize(
    ("survivors", "words"),
    [
        ((1000, 1000, 1000, 1000), "nobody left"),
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
    told = found.survival([1, 3], interval=True)
    observed = np.array([survivors[1], survivors[3]]) / survivors[0]
    assert (np.abs(told["value"] - observed) < 0.06).all()
    assert told["low"].between(0, 1).all()


@pytest.mark.parametrize(
    ("model", "survivors", "words"),
    [
        (ShiftedBetaGeometric, (100, 80), "2 different renewals.* some up for 1"),
        (ShiftedBetaGeometric, (100, 0, 0), "2 different renewals.* some up for 1"),
        (BetaDiscreteWeibull, (100, 80, 70), "3 different renewals.* some up for 2"),
    ],
)
def test_too_few_renewals_are_refused(model, survivors, words):
    with pytest.raises(TooLittleData, match=words):
        model().fit(cohort(survivors, len(survivors) - 1))


@pytest.mark.parametrize(
    ("ask", "words"),
    [
        (lambda m: m.retention_rates(0), "1 in the first"),
        (lambda m: m.retention_rates([1, np.nan]), "nowhere missing"),
        (lambda m: m.retention_rates(1.5), "whole number"),
        (lambda m: m.survival(-1), "not negative"),
        (lambda m: m.retention_rates(10**12), "whole number, 10,000 at most"),
        (lambda m: m.simulate([2.5], seed=1), "must be a whole number"),
    ],
)
def test_what_cannot_be_asked_is_refused(fitted, ask, words):
    with pytest.raises(ValueError, match=words):
        ask(fitted)
