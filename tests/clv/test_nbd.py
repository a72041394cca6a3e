from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from scipy.integrate import quad
from scipy.special import gammaln

from crm_lib.clv import NBD, ConvergenceWarning

R, ALPHA = 0.4, 12.0
TRUTH = NBD().with_parameters(r=R, alpha=ALPHA)
CUSTOMERS = pd.DataFrame(
    {"frequency": [0, 1, 3, 40], "recency": [0.0, 2.5, 20.0, 38.0], "age": [10.0, 30.0, 38.5, 39.0]}
)


def test_the_likelihood_is_that_of_poisson_times_mixed_over_gamma_rates():
    for row in CUSTOMERS.itertuples():
        # λ^x exp(-λ T) mixed over λ; the singularity of the density at 0 is taken by the substitution λ = u^(1/R).
        def mixed(u, row=row):
            rate = u ** (1 / R)
            return rate**row.frequency * np.exp(-(row.age + ALPHA) * rate)

        constant = ALPHA**R / (R * np.exp(gammaln(R)))
        peak = ((R + row.frequency) / (ALPHA + row.age)) ** R
        ends = (0, peak), (peak, 4 * peak), (4 * peak, 60 * peak)
        expected = sum(quad(mixed, *between, epsabs=0, epsrel=1e-9, limit=400)[0] for between in ends)
        found = TRUTH.log_likelihood(CUSTOMERS.loc[[row.Index]])
        assert found == pytest.approx(np.log(constant * expected), rel=1e-7)


def test_the_likelihood_is_that_of_the_counts_and_of_their_uniform_times():
    x, age = CUSTOMERS["frequency"], CUSTOMERS["age"]
    counts = stats.nbinom(R, ALPHA / (ALPHA + age)).logpmf(x)
    times = gammaln(x + 1) - x * np.log(age)
    assert TRUTH.log_likelihood(CUSTOMERS) == pytest.approx(float((counts + times).sum()), rel=1e-12)


def test_nobody_leaves():
    assert (TRUTH.probability_alive(CUSTOMERS) == 1).all()
    assert not NBD.leaves


def test_expected_purchases_are_the_posterior_rate_times_the_time():
    expected = TRUTH.expected_purchases(CUSTOMERS, 7.0)
    assert expected.tolist() == pytest.approx([7 * (R + x) / (ALPHA + t) for x, _, t in CUSTOMERS.to_numpy()])
    assert TRUTH.expected_purchases_new(7.0) == pytest.approx(7 * R / ALPHA)


def test_discounted_purchases_are_a_perpetuity_of_the_rate():
    rate = np.log(1.1) * 7 / 365.25
    expected = [(R + x) / (ALPHA + t) / rate for x, _, t in CUSTOMERS.to_numpy()]
    assert TRUTH.discounted_expected_purchases(CUSTOMERS, 0.1).tolist() == pytest.approx(expected)
    assert TRUTH.discounted_expected_purchases_new(0.1) == pytest.approx(R / ALPHA / rate, rel=1e-6)


def test_simulated_counts_are_negative_binomial_and_their_times_uniform():
    customers = TRUTH.simulate(np.full(40_000, 26.0), seed=1, horizon=13.0)
    x = customers["frequency"]
    for k in range(6):
        probability = stats.nbinom(R, ALPHA / (ALPHA + 26)).pmf(k)
        assert np.mean(x == k) == pytest.approx(probability, abs=4 * np.sqrt(probability / 40_000))
    once = customers.loc[x == 1, "recency"] / 26
    assert stats.kstest(once, "uniform").pvalue > 1e-3
    three = customers.loc[x == 3, "recency"] / 26
    assert stats.kstest(three, stats.beta(3, 1).cdf).pvalue > 1e-3
    mean = TRUTH.expected_purchases(customers, 13.0)
    error = np.std(customers["future"] - mean) / 200
    assert customers["future"].mean() == pytest.approx(mean.mean(), abs=4 * error)


def test_simulated_customers_give_back_the_parameters():
    customers = TRUTH.simulate(np.random.default_rng(0).uniform(20, 40, 20_000), seed=2)
    model = NBD().fit(customers)
    assert model.converged_
    away = (model.params_ - [R, ALPHA]) / model.standard_errors_
    assert (away.abs() < 4).all()
    assert (model.standard_errors_ / model.params_ < 0.05).all()


def test_customers_who_all_buy_alike_leave_no_maximum():
    # Less spread than chance alone would give: the best shape is infinite.
    alike = pd.DataFrame({"frequency": [4, 4, 4, 5, 5, 4], "recency": 9.0, "age": 10.0})
    with pytest.warns(ConvergenceWarning, match="NBD: the likelihood has no maximum"):
        model = NBD().fit(alike)
    assert not model.converged_
    # Yet the rate is told well, and so is what is expected.
    assert model.expected_purchases_new(10.0) == pytest.approx(26 / 6, rel=0.01)
    assert model.expected_purchases(alike, 10.0, interval="mean")["value"].mean() == pytest.approx(26 / 6, rel=0.01)


def test_recency_does_not_matter_where_nobody_leaves():
    sooner = CUSTOMERS.assign(recency=CUSTOMERS["recency"] / 2)
    pd.testing.assert_series_equal(TRUTH.expected_purchases(sooner, 9), TRUTH.expected_purchases(CUSTOMERS, 9))
    assert TRUTH.log_likelihood(sooner) == TRUTH.log_likelihood(CUSTOMERS)
