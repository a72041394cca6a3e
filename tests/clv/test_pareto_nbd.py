"""Expected values: a paper (CDNOW), the peer ``lifetimes``, numerical differences, simulated truth."""

from __future__ import annotations

import json
import warnings

import lifetimes
import numpy as np
import pandas as pd
import pytest

from crm_lib.clv.model import ConvergenceWarning
from crm_lib.clv.pareto_nbd import ParetoNBD
from crm_lib.errors import MissingData
from tests.clv.cdnow import WEEKS, cdnow_summary

PUBLISHED = {"r": 0.5533, "alpha": 10.578, "s": 0.6062, "beta": 11.669}
ERRORS = {"r": 0.0476, "alpha": 0.843, "s": 0.187, "beta": 6.21}


@pytest.fixture(scope="module")
def fitted():
    return ParetoNBD().fit(cdnow_summary())


def model(r=0.55, alpha=10.6, s=0.61, beta=11.7, unit="W"):
    return ParetoNBD(unit=unit).with_parameters(r=r, alpha=alpha, s=s, beta=beta)


def history(frequency, recency, age):
    return pd.DataFrame({"frequency": frequency, "recency": recency, "age": age}, dtype=float)


# Published results


def test_cdnow_estimates_are_the_published_ones(fitted):
    # Fader, Hardie & Lee (2005), Marketing Science 24(2), tables 2 and 3; time in days / 7.
    assert fitted.converged_
    assert fitted.params_.to_dict() == pytest.approx(PUBLISHED, rel=1e-4)
    assert fitted.standard_errors_.to_dict() == pytest.approx(ERRORS, rel=2e-3)
    assert fitted.log_likelihood_ == pytest.approx(-9594.976, abs=5e-4)


def test_cdnow_forecast_of_the_next_39_weeks_is_the_published_one(fitted):
    customers = cdnow_summary()
    expected, actual = fitted.expected_purchases(customers, WEEKS), customers["holdout"]
    assert expected.sum() == pytest.approx(1665.5, abs=0.05)
    assert abs(expected - actual).mean() == pytest.approx(0.7545, abs=5e-5)
    assert np.sqrt(((expected - actual) ** 2).mean()) == pytest.approx(1.603, abs=5e-4)
    assert np.corrcoef(expected, actual)[0, 1] == pytest.approx(0.630, abs=5e-4)


def test_agrees_with_lifetimes_at_the_same_parameters():
    peer = lifetimes.ParetoNBDFitter()
    peer.params_ = pd.Series(PUBLISHED)
    peer.predict = None
    ours = model(**PUBLISHED)
    customers = cdnow_summary().iloc[::7]
    columns = [customers[name].to_numpy(float) for name in ("frequency", "recency", "age")]
    # Its hypergeometric functions leave some eight digits.
    alive = peer.conditional_probability_alive(*columns)
    assert ours.probability_alive(customers).to_numpy() == pytest.approx(np.asarray(alive), rel=1e-6)
    expected = peer.conditional_expected_number_of_purchases_up_to_time(26.0, *columns)
    assert ours.expected_purchases(customers, 26.0).to_numpy() == pytest.approx(np.asarray(expected), rel=1e-6)
    new = peer.expected_number_of_purchases_up_to_time(26.0)
    assert ours.expected_purchases_new(26.0) == pytest.approx(float(new), rel=1e-9)


# Estimation


@pytest.mark.parametrize("which", [(), ("purchase",), ("dropout",), ("purchase", "dropout")])
def test_gradient_and_hessian_are_those_of_the_log_likelihood(which):
    rng = np.random.default_rng(4)
    drawn = model().simulate(rng.uniform(5, 40, 60), seed=4)
    customers = drawn.assign(x1=rng.normal(size=60), x2=rng.integers(0, 2, 60), customers=rng.integers(1, 4, 60))
    ours = ParetoNBD(
        purchase_covariates=("x1", "x2") if "purchase" in which else (),
        dropout_covariates=("x2",) if "dropout" in which else (),
    )
    histories = ours._read(customers)
    count = len(ours.parameter_names)
    theta = np.concatenate([np.log([0.7, 8.0, 0.5, 15.0]), [0.3, -0.4, 0.6][: count - 4]])
    value, gradient, hessian = ours._objective(theta, histories)
    assert value == pytest.approx(ours._log_likelihoods(theta[None, :], histories)[0], rel=1e-13)
    step = 1e-3 * np.eye(count)
    aside = [theta + k * each for k in (1, -1, 2, -2) for each in step]
    one, minus, two, minus_two = ours._log_likelihoods(np.array(aside), histories).reshape(4, count)
    numerical = (8 * (one - minus) - (two - minus_two)) / 12e-3
    assert gradient == pytest.approx(numerical, rel=1e-7, abs=1e-6)
    slopes = np.array([ours._objective(each, histories)[1] for each in aside]).reshape(4, count, count)
    numerical_hessian = (8 * (slopes[0] - slopes[1]) - (slopes[2] - slopes[3])) / 12e-3
    assert hessian == pytest.approx(numerical_hessian, rel=1e-6, abs=1e-6)


def test_recovers_the_parameters_of_many_simulated_customers():
    truth = {"r": 0.8, "alpha": 8.0, "s": 0.8, "beta": 12.0}
    drawn = model(**truth).simulate(np.random.default_rng(0).uniform(30, 60, 20_000), seed=11)
    fit = ParetoNBD().fit(drawn)
    away = (fit.params_ - pd.Series(truth)) / fit.standard_errors_
    assert (away.abs() < 3.5).all(), away
    assert (fit.standard_errors_ / fit.params_ < 0.15).all()


def test_recovers_coefficients_of_covariates():
    rng = np.random.default_rng(5)
    count = 12_000
    covariates = pd.DataFrame({"x1": rng.normal(size=count), "x2": rng.integers(0, 2, count)})
    shape = ParetoNBD(purchase_covariates=("x1", "x2"), dropout_covariates=("x2",))
    truth = {"r": 0.8, "alpha": 8.0, "s": 0.8, "beta": 12.0}
    truth |= {"purchase_x1": 0.5, "purchase_x2": -0.3, "dropout_x2": 0.7}
    drawn = shape.with_parameters(**truth).simulate(np.full(count, 50.0), seed=6, horizon=50.0, covariates=covariates)
    fit = shape.fit(drawn)
    away = (fit.params_ - pd.Series(truth)) / fit.standard_errors_
    assert (away.abs() < 3.5).all(), away
    assert fit.params_["dropout_x2"] > 3 * fit.standard_errors_["dropout_x2"]
    for group, customers in drawn.groupby("x2"):
        expected, actual = fit.expected_purchases(customers, 50.0).sum(), customers["future"].sum()
        assert expected == pytest.approx(actual, rel=0.08), group
    # Draws of all seven; of fewer customers, as every customer's likelihood is another integral for each draw.
    assert len(shape.fit(drawn.iloc[:1000]).posterior(draws=100).draws.columns) == 7


def test_a_covariate_shifts_the_scale_of_its_rate():
    # α_i = α exp(-γ z), β_i = β exp(-κ z): at z = 2 the model is one without covariates and other scales.
    shape = ParetoNBD(purchase_covariates=("z",), dropout_covariates=("z",))
    with_covariate = shape.with_parameters(r=0.5, alpha=10.0, s=0.6, beta=12.0, purchase_z=0.3, dropout_z=-0.2)
    without = model(r=0.5, alpha=10.0 * np.exp(-0.6), s=0.6, beta=12.0 * np.exp(0.4))
    customers = history([0, 2, 5], [0.0, 10.0, 30.0], [20.0, 30.0, 31.0]).assign(z=2.0)
    for method, argument in [("expected_purchases", 20.0), ("discounted_expected_purchases", 0.1)]:
        ours = getattr(with_covariate, method)(customers, argument)
        assert ours.to_numpy() == pytest.approx(getattr(without, method)(customers, argument).to_numpy(), rel=1e-13)
    assert with_covariate.log_likelihood(customers) == pytest.approx(without.log_likelihood(customers), rel=1e-13)
    drawn = with_covariate.simulate(np.full(50, 30.0), seed=1, covariates=pd.DataFrame({"z": np.full(50, 2.0)}))
    same = without.simulate(np.full(50, 30.0), seed=1)
    pd.testing.assert_frame_equal(drawn[same.columns], same)


def test_many_customers_with_few_pairs_of_frequency_and_age_have_the_same_likelihood(monkeypatch):
    drawn = model(unit="D", alpha=40.0, beta=60.0).simulate(np.repeat([80.0, 90.0, 100.0], 4000), seed=8)
    days = drawn.assign(recency=np.ceil(drawn["recency"]))
    ours = ParetoNBD(unit="D")
    histories = ours._read(days)
    theta = np.log(np.random.default_rng(8).uniform(0.1, 100, (6, 4)))
    on_pairs = ours._log_likelihoods(theta, histories)
    monkeypatch.setattr("crm_lib.clv.pareto_nbd.history_pairs", lambda _: None)
    assert on_pairs == pytest.approx(ours._log_likelihoods(theta, histories), rel=1e-12)
    assert on_pairs[0] == pytest.approx(ours._objective(theta[0], histories)[0], rel=1e-12)


def test_grouped_customers_give_the_same_fit():
    customers = cdnow_summary().iloc[:600].round({"recency": 0, "age": 0})
    customers.loc[(customers["frequency"] > 0) & (customers["recency"] == 0), "recency"] = 1.0
    grouped = customers.groupby(["frequency", "recency", "age"]).size().rename("customers").reset_index()
    assert len(grouped) < len(customers)
    one, other = ParetoNBD().fit(customers), ParetoNBD().fit(grouped)
    assert one.log_likelihood_ == pytest.approx(other.log_likelihood_, rel=1e-12)
    assert one.params_.to_numpy() == pytest.approx(other.params_.to_numpy(), rel=1e-6)


def test_another_unit_changes_nothing_but_the_unit(fitted):
    customers = cdnow_summary()
    days = customers.assign(recency=customers["recency"] * 7, age=customers["age"] * 7)
    other = ParetoNBD(unit="D").fit(days)
    ratio = other.params_ / fitted.params_
    assert ratio.to_numpy() == pytest.approx([1, 7, 1, 7], rel=1e-5)
    # The density of each purchase time is one per unit of time.
    purchases = customers["frequency"].sum()
    assert other.log_likelihood_ == pytest.approx(fitted.log_likelihood_ - purchases * np.log(7), abs=1e-6)
    some = slice(0, 50)
    for method, weeks, in_days in [
        ("expected_purchases", 39.0, 273.0),
        ("discounted_expected_purchases", 0.1, 0.1),
    ]:
        ours = getattr(fitted, method)(customers.iloc[some], weeks)
        assert getattr(other, method)(days.iloc[some], in_days).to_numpy() == pytest.approx(ours.to_numpy(), rel=1e-4)


# Hard cases


def test_busy_customers_of_long_standing_are_finite_and_right():
    # Without dropout the NBD answers; s/β → 0 takes dropout away.
    busy = history([800, 800, 800, 0], [300.0, 299.0, 100.0, 0.0], [300.0] * 4)
    for s in (0.6, 1.0, 1.0 + 1e-12):
        ours = model(s=s)
        alive, expected = ours.probability_alive(busy), ours.expected_purchases(busy, 520.0)
        discounted = ours.discounted_expected_purchases(busy, 0.1)
        assert np.isfinite([alive, expected, discounted]).all()
        assert alive[0] == 1
        assert alive[2] < 1e-100
        assert np.isfinite(ours.log_likelihood(busy))
    loyal = model(s=1e-9, beta=1e6).expected_purchases(busy, 520.0)
    assert loyal.iloc[:2].to_numpy() == pytest.approx([(0.55 + 800) / (10.6 + 300) * 520] * 2, rel=1e-8)


@pytest.mark.parametrize("seed", range(6))
def test_fifty_customers_are_enough_for_an_answer_or_a_clear_warning(seed):
    drawn = model().simulate(np.random.default_rng(seed).uniform(20, 39, 50), seed=seed)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        ours = ParetoNBD().fit(drawn)
    warned = any(issubclass(each.category, ConvergenceWarning) for each in caught)
    assert ours.converged_ != warned
    assert ours.converged_ == np.isfinite(ours.standard_errors_).all()
    # The highest point is at least as high as the truth.
    assert ours.log_likelihood_ > model().log_likelihood(drawn)
    interval = ours.expected_purchases(drawn, 39.0, interval="mean", draws=200)
    assert np.isfinite(interval.to_numpy()).all()
    assert (interval["low"] <= interval["high"]).all()


def test_one_time_buyers_alone_tell_nothing_and_the_fit_says_so():
    drawn = history([0] * 400, [0.0] * 400, np.repeat(np.arange(1.0, 41.0), 10))
    ours = ParetoNBD()
    with pytest.warns(ConvergenceWarning, match="no maximum"):
        ours.fit(drawn)
    assert not ours.converged_
    assert ours.standard_errors_.isna().all()
    assert ours.expected_purchases(drawn, 10.0).sum() < 1
    assert np.isfinite(ours.posterior(draws=400).draws.to_numpy()).all()


def test_covariates_must_be_named_and_present():
    with pytest.raises(ValueError, match="tuple of distinct column names"):
        ParetoNBD(purchase_covariates="region")
    with pytest.raises(ValueError, match="tuple of distinct column names"):
        ParetoNBD(dropout_covariates=("x", "x"))
    with pytest.raises(MissingData, match="x1"):
        ParetoNBD(purchase_covariates=("x1",)).fit(history([0], [0.0], [3.0]))


def test_comes_back_from_json_with_its_covariates():
    shape = ParetoNBD(unit="M", purchase_covariates=("z",))
    ours = shape.with_parameters(r=0.5, alpha=3.0, s=0.6, beta=4.0, purchase_z=0.3)
    stored = ours.to_json()
    assert json.loads(stored)["parameters"]["purchase_z"] == pytest.approx(0.3)
    back = ParetoNBD.from_json(stored)
    assert back.purchase_covariates == ("z",)
    customers = history([2], [3.0], [9.0]).assign(z=1.0)
    assert back.expected_purchases(customers, 12.0).equals(ours.expected_purchases(customers, 12.0))
