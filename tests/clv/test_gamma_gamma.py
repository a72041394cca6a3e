from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import integrate, stats

from crm_lib.clv.gamma_gamma import GammaGamma, HeavyTailWarning
from crm_lib.errors import MissingData, TooLittleData
from tests.clv.cdnow import cdnow_summary

TRUTH = {"p": 6.25, "q": 3.74, "gamma": 15.45}


@pytest.fixture(scope="module")
def cdnow():
    return GammaGamma().fit(cdnow_summary())


def _joint(rate, x, z, p, q, gamma):
    """Density of a mean z of x purchases and of the customer's rate."""
    return stats.gamma.pdf(z, p * x, scale=1 / (rate * x)) * stats.gamma.pdf(rate, q, scale=1 / gamma)


@pytest.mark.parametrize(("x", "z"), [(1, 20.0), (7, 55.0)])
def test_likelihood_and_expectation_are_integrals_over_the_rate(x, z):
    p, q, gamma = 2.1, 3.3, 40.0
    model = GammaGamma().with_parameters(p=p, q=q, gamma=gamma)
    grid = {"args": (x, z, p, q, gamma), "epsabs": 0, "epsrel": 1e-11, "limit": 200}
    density = integrate.quad(_joint, 0, 5, points=[0.05, 0.2], **grid)[0]
    others = pd.DataFrame({"frequency": [x, 3], "monetary_value": [z, 30.0]})
    only_other = integrate.quad(_joint, 0, 5, points=[0.05, 0.2], **{**grid, "args": (3, 30.0, p, q, gamma)})[0]
    assert model.log_likelihood(others) == pytest.approx(np.log(density) + np.log(only_other), rel=1e-9)
    mean = integrate.quad(lambda r, *a: p / r * _joint(r, *a), 1e-9, 5, points=[0.05, 0.2], **grid)[0] / density
    assert model.expected_spend(others).iloc[0] == pytest.approx(mean, rel=1e-8)


def test_derivatives_are_the_numerical_ones():
    model = GammaGamma()
    data = model._read(cdnow_summary())
    at, step = np.log([2.0, 3.0, 20.0]), 1e-5
    value, gradient, hessian = model._objective(at, data)
    moves = [(model._objective(at + d, data), model._objective(at - d, data)) for d in step * np.eye(3)]
    np.testing.assert_allclose(gradient, [(up[0] - down[0]) / (2 * step) for up, down in moves], rtol=1e-6)
    np.testing.assert_allclose(hessian, [(up[1] - down[1]) / (2 * step) for up, down in moves], rtol=1e-6)
    assert value == pytest.approx(model._log_likelihoods(at[None, :], data)[0], rel=1e-13)


def test_grouped_rows_count_as_often_as_they_stand_for():
    data = GammaGamma().with_parameters(**TRUTH).simulate(np.full(300, 2), seed=2).round({"monetary_value": -1})
    data = data[data["monetary_value"] > 0]
    grouped = data.groupby(["frequency", "monetary_value"]).size().rename("customers").reset_index()
    assert len(grouped) < len(data) / 2
    one, other = GammaGamma().fit(data), GammaGamma().fit(grouped)
    np.testing.assert_allclose(one.params_, other.params_, rtol=1e-6)


def test_customers_without_usable_repeats_are_left_out_and_expected_to_spend_the_mean(cdnow):
    odd = pd.DataFrame({"frequency": [0, 0, 2, 3], "monetary_value": [np.nan, 50.0, 0.0, -4.0]})
    both = GammaGamma().fit(pd.concat([cdnow_summary(), odd]))
    np.testing.assert_allclose(both.params_, cdnow.params_, rtol=1e-8)
    np.testing.assert_allclose(both.expected_spend(odd), both.mean_spend(), rtol=1e-12)


def test_infinite_mean_is_warned_of_and_the_median_stands_in():
    truth = GammaGamma().with_parameters(p=2, q=0.8, gamma=10)
    data = truth.simulate(np.full(4000, 3), seed=6)
    with pytest.warns(HeavyTailWarning, match=r"q = 0\.\d+ is not above 1"):
        model = GammaGamma().fit(data)
    assert model.mean_spend() == np.inf
    new = pd.DataFrame({"frequency": [0], "monetary_value": [np.nan]})
    median = float(truth.expected_spend(new).iloc[0])
    below = (truth.simulate(np.zeros(40_000), seed=7)["mean_spend"] < median).mean()
    assert abs(below - 0.5) < 4 * 0.5 / np.sqrt(40_000)
    assert np.isfinite(model.drawn_spend(new)).all()


BAD = {
    "no table": ({"frequency": [1]}, MissingData, "monetary_value"),
    "empty": ({"frequency": [], "monetary_value": []}, TooLittleData, "empty"),
    "negative": ({"frequency": [-1, 2], "monetary_value": [3.0, 4.0]}, ValueError, "negative in 1 of 2 rows"),
    "half a purchase": ({"frequency": [0.5, 2], "monetary_value": [3.0, 4.0]}, ValueError, "whole number"),
    "no amount": ({"frequency": [1, 2], "monetary_value": [np.nan, 4.0]}, ValueError, "no finite monetary_value"),
    "text": ({"frequency": [1, 2], "monetary_value": ["a", "b"]}, ValueError, "must hold numbers"),
    "no repeats": ({"frequency": [0, 0], "monetary_value": [np.nan] * 2}, TooLittleData, "no customer has a repeat"),
    "gifts": ({"frequency": [1, 2], "monetary_value": [0.0, 0.0]}, TooLittleData, "positive value"),
    "constant": ({"frequency": [1, 2, 5], "monetary_value": [20.0] * 3}, TooLittleData, "spend 20 each time"),
    "one customer": ({"frequency": [5], "monetary_value": [20.0]}, TooLittleData, "all 1 customers"),
}


@pytest.mark.parametrize("case", BAD)
def test_unusable_tables_are_refused_with_a_reason(case):
    columns, error, words = BAD[case]
    with pytest.raises(error, match=words):
        GammaGamma().fit(pd.DataFrame(columns))


@pytest.mark.parametrize("factor", [1e-6, 300_000.0, 1e9])
def test_no_unit_of_money_matters(cdnow, factor):
    data = cdnow_summary()
    other = GammaGamma().fit(data.assign(monetary_value=data["monetary_value"] * factor))
    np.testing.assert_allclose(other.params_, cdnow.params_ * [1, 1, factor], rtol=1e-9)
    np.testing.assert_allclose(other.standard_errors_, cdnow.standard_errors_ * [1, 1, factor], rtol=1e-7)
    assert other.log_likelihood_ == pytest.approx(cdnow.log_likelihood_ - 946 * np.log(factor), rel=1e-9)
    draws = [model.posterior(draws=1000, seed=1).draws for model in (cdnow, other)]
    np.testing.assert_allclose(draws[1], draws[0] * [1, 1, factor], rtol=1e-7)
