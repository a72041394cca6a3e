from __future__ import annotations

import itertools
import warnings

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crm_lib.clv.bg_nbd import BGNBD
from crm_lib.clv.mbg_nbd import MBGNBD
from crm_lib.clv.model import ConvergenceWarning, Model
from crm_lib.errors import MissingData
from tests.clv.cdnow import cdnow_summary

TRUTH = BGNBD().with_parameters(r=0.6, alpha=4.0, a=0.8, b=2.4)
_PROPERTY = settings(max_examples=25, deadline=None)
POSITIVE = st.floats(0.02, 50)
HISTORIES = st.lists(
    st.tuples(st.integers(0, 300), st.floats(0.01, 1), st.floats(2.0, 300)), min_size=1, max_size=8
).map(
    lambda rows: pd.DataFrame(
        [(x, share * age if x else 0.0, age) for x, share, age in rows], columns=["frequency", "recency", "age"]
    )
)


@pytest.fixture(scope="module")
def cdnow():
    return BGNBD().fit(cdnow_summary())


@pytest.fixture(scope="module")
def customers():
    ages = np.random.default_rng(1).integers(150, 300, 6000) / 7
    return TRUTH.simulate(ages, seed=2, horizon=40.0)


def test_cdnow_is_as_published(cdnow):
    # Fader, Hardie and Lee (2005), Marketing Science 24(2), table 2; standard errors re-run, see PUBLISHED_NUMBERS.md.
    published = {"r": (0.2426, 0.0126), "alpha": (4.4136, 0.378), "a": (0.7929, 0.186), "b": (2.4259, 0.705)}
    assert cdnow.converged_
    assert cdnow.log_likelihood_ == pytest.approx(-9582.429, abs=5e-4)
    for name, (estimate, error) in published.items():
        assert cdnow.params_[name] == pytest.approx(estimate, abs=5.1e-5)
        assert cdnow.standard_errors_[name] == pytest.approx(error, rel=0.005)


def test_the_cdnow_holdout_is_predicted_as_published(cdnow):
    customers = cdnow_summary()
    expected = cdnow.expected_purchases(customers, 39.0)
    error = expected - customers["holdout"]
    assert customers["holdout"].sum() == 1882
    assert expected.sum() == pytest.approx(1653.4, abs=0.05)
    assert error.abs().mean() == pytest.approx(0.7855, abs=5e-5)
    assert np.sqrt((error**2).mean()) == pytest.approx(1.608, abs=5e-4)
    assert np.corrcoef(expected, customers["holdout"])[0, 1] == pytest.approx(0.626, abs=5e-4)


def test_what_is_predicted_happens_in_a_simulation(customers):
    alive = TRUTH.probability_alive(customers)
    expected = TRUTH.expected_purchases(customers, 40.0)
    for group in (customers["frequency"] == 0, customers["frequency"].between(1, 3), customers["frequency"] > 3):
        for truth, mean in ((customers["alive"], alive), (customers["future"], expected)):
            error = (truth - mean)[group]
            assert error.mean() == pytest.approx(0, abs=4 * error.std() / np.sqrt(group.sum()))
    assert customers.loc[customers["frequency"] == 0, "alive"].all()
    assert (alive[customers["frequency"] == 0] == 1).all()


def test_expectations_for_new_customers_are_what_a_simulation_counts():
    for regularity in (1, 3):
        truth = BGNBD(regularity=regularity).with_parameters(r=0.9, alpha=4.0, a=0.8, b=2.4)
        counts = truth.simulate(np.full(20_000, 26.0), seed=3)["frequency"]
        expected = truth.expected_purchases_new(26.0)
        assert counts.mean() == pytest.approx(expected, abs=4 * counts.std() / np.sqrt(20_000))
        new = pd.DataFrame({"frequency": [0], "recency": [0.0], "age": [0.0]})
        assert truth.expected_purchases(new, 26.0).iloc[0] == pytest.approx(expected, rel=1e-12)


def test_discounted_purchases_are_the_integral_of_the_discounted_growth(cdnow):
    customers = cdnow_summary().head(5)
    rate = np.log(1.1) * 7 / 365.25
    # ∫ e^(-δt) dN(t) by parts, on nodes of Gauss and Laguerre for the weight e^(-δt).
    nodes, weights = np.polynomial.laguerre.laggauss(60)
    by_parts = sum(
        weight * cdnow.expected_purchases(customers, node / rate) for node, weight in zip(nodes, weights, strict=True)
    )
    np.testing.assert_allclose(cdnow.discounted_expected_purchases(customers, 0.1), by_parts, rtol=1e-4)
    once = cdnow.discounted_expected_purchases_new(0.1)
    by_parts = sum(w * cdnow.expected_purchases_new(node / rate) for node, w in zip(nodes, weights, strict=True))
    assert once == pytest.approx(by_parts, rel=1e-3)


def test_draws_have_the_expected_means(cdnow):
    customers = cdnow_summary().iloc[[0, 3, 7, 100, 500]]
    histories = cdnow._read(customers)
    theta = np.tile(cdnow._fit_.theta, (30_000, 1))
    rng = np.random.default_rng(4)
    for regularity in (1, 2):
        model = BGNBD(regularity=regularity)
        for horizon, rate, mean in (
            (30.0, 0.0, model._expected(theta[:1], histories, 30.0)),
            (np.inf, 0.01, model._discounted(theta[:1], histories, 0.01)),
        ):
            sample = model._draw_purchases(theta, histories, horizon, rate, rng)
            error = sample.std(axis=0) / np.sqrt(len(sample))
            assert (np.abs(sample.mean(axis=0) - mean[0]) < 4 * error + 1e-6).all()


def test_simulated_customers_give_back_the_parameters(customers):
    model = BGNBD().fit(customers)
    away = (model.params_ - TRUTH.params_) / model.standard_errors_
    assert model.converged_
    assert (away.abs() < 4).all()
    assert (model.standard_errors_ / model.params_ < 0.3).all()


@pytest.mark.parametrize("model", [BGNBD, MBGNBD])
def test_the_likelihood_tells_how_regular_buyers_are(model):
    truth = model(regularity=3).with_parameters(r=1.5, alpha=3.0, a=0.8, b=3.0)
    customers = truth.simulate(np.full(1500, 40.0), seed=5, horizon=20.0)
    fits = {k: model(regularity=k).fit(customers) for k in (1, 2, 3, 4, 5)}
    assert all(fit.converged_ for fit in fits.values())
    assert max(fits, key=lambda k: fits[k].log_likelihood_) == 3
    away = (fits[3].params_ - truth.params_) / fits[3].standard_errors_
    assert (away.abs() < 4).all()
    for truths, mean in (
        (customers["alive"], truth.probability_alive(customers)),
        (customers["future"], truth.expected_purchases(customers, 20.0)),
    ):
        error = truths - mean
        assert error.mean() == pytest.approx(0, abs=4 * error.std() / np.sqrt(1500))


def test_regular_buyers_without_gaps_are_refused_with_the_column_that_is_needed():
    with pytest.raises(MissingData, match="log_gaps"):
        BGNBD(regularity=2).fit(cdnow_summary())


@pytest.mark.parametrize("regularity", [0, -1, 1.5, True])
def test_a_regularity_that_is_no_number_of_stages_is_refused(regularity):
    with pytest.raises(ValueError, match="regularity is a number of stages"):
        BGNBD(regularity=regularity)


# Covariates


@pytest.fixture(scope="module")
def with_covariates():
    rng = np.random.default_rng(6)
    columns = pd.DataFrame({"x1": rng.integers(0, 2, 8000).astype(float), "x2": rng.integers(-1, 2, 8000) / 2})
    truth = BGNBD(purchase_covariates=("x1",), dropout_covariates=("x2", "x1")).with_parameters(
        r=0.8, alpha=4.0, a=0.8, b=2.4, purchase_x1=0.5, dropout_x2=-0.6, dropout_x1=0.3
    )
    return truth, truth.simulate(np.full(8000, 39.0), seed=7, horizon=26.0, covariates=columns)


def test_covariates_give_back_their_coefficients(with_covariates):
    truth, customers = with_covariates
    model = BGNBD(purchase_covariates=("x1",), dropout_covariates=("x2", "x1")).fit(customers)
    assert list(model.params_.index[4:]) == ["purchase_x1", "dropout_x2", "dropout_x1"]
    away = (model.params_ - truth.params_) / model.standard_errors_
    assert (away.abs() < 4).all()
    assert (model.standard_errors_.iloc[4:] < 0.25).all()


def test_covariates_change_the_parameters_of_their_customers(with_covariates):
    truth, customers = with_covariates
    one = customers[(customers["x1"] == 1) & (customers["x2"] == 0.5)].head(20)
    values = truth.params_
    alike = BGNBD().with_parameters(
        r=values["r"], alpha=values["alpha"] * np.exp(-0.5), a=values["a"] * np.exp(-0.6 * 0.5 + 0.3), b=values["b"]
    )
    np.testing.assert_allclose(truth.probability_alive(one), alike.probability_alive(one), rtol=1e-12)
    np.testing.assert_allclose(truth.expected_purchases(one, 26), alike.expected_purchases(one, 26), rtol=1e-9)
    discounted = truth.discounted_expected_purchases(one, 0.1)
    np.testing.assert_allclose(discounted, alike.discounted_expected_purchases(one, 0.1), rtol=1e-9)
    assert truth.log_likelihood(one) == pytest.approx(alike.log_likelihood(one), rel=1e-12)
    error = customers["future"] - truth.expected_purchases(customers, 26.0)
    for group in (customers["x1"] == 0, customers["x1"] == 1, customers["x2"] > 0):
        assert error[group].mean() == pytest.approx(0, abs=4 * error[group].std() / np.sqrt(group.sum()))


def test_posterior_draws_see_the_covariates(with_covariates):
    truth, customers = with_covariates
    histories = truth._read(customers.head(40))
    rng = np.random.default_rng(8)
    theta = truth._fit_.theta + 0.1 * rng.standard_normal((3, 7))
    together = truth._log_likelihoods(theta, histories)
    np.testing.assert_allclose(together, [truth._objective(one, histories)[0] for one in theta], rtol=1e-11)


def test_a_stored_model_comes_back_with_its_settings(with_covariates):
    truth, customers = with_covariates
    back = Model.from_json(truth.to_json())
    assert (back.purchase_covariates, back.dropout_covariates) == (("x1",), ("x2", "x1"))
    pd.testing.assert_series_equal(back.expected_purchases(customers, 5), truth.expected_purchases(customers, 5))


# Properties


@given(
    summary=HISTORIES, r=POSITIVE, alpha=POSITIVE, a=POSITIVE, b=POSITIVE, k=st.integers(1, 3),
    kind=st.sampled_from([BGNBD, MBGNBD]),
)  # fmt: skip
@_PROPERTY
def test_probabilities_are_probabilities_and_expectations_grow_with_the_horizon(summary, r, alpha, a, b, k, kind):
    model = kind(regularity=k).with_parameters(r=r, alpha=alpha, a=a, b=b)
    alive = model.probability_alive(summary)
    assert alive.between(0, 1).all()
    assert (model.expected_purchases(summary, 0.0) == 0).all()
    grows = [model.expected_purchases(summary, horizon) for horizon in (1.0, 2.0, 10.0, 520.0)]
    for earlier, later in itertools.pairwise(grows):
        assert np.isfinite(later).all()
        assert (later >= earlier * (1 - 1e-9) - 1e-9).all()
    # A customer who stays buys at most at the rate that a lifetime without leaving would bring.
    bound = 520.0 * (r + k * summary["frequency"] + k) / (alpha + summary["age"]) + 1
    assert (grows[-1] <= bound).all()
    little, much = (model.discounted_expected_purchases(summary, rate) for rate in (0.01, 0.5))
    assert (little >= much).all()


@given(summary=HISTORIES, r=POSITIVE, alpha=POSITIVE, a=POSITIVE, b=POSITIVE, k=st.integers(1, 3))
@_PROPERTY
def test_the_unit_of_time_changes_nothing_but_the_unit(summary, r, alpha, a, b, k):
    weeks = BGNBD(unit="W", regularity=k).with_parameters(r=r, alpha=alpha, a=a, b=b)
    days = BGNBD(unit="D", regularity=k).with_parameters(r=r, alpha=alpha * 7, a=a, b=b)
    summary = summary.assign(log_gaps=summary["frequency"] * 0.3)
    purchases = summary["frequency"].sum()
    in_days = summary.assign(recency=summary["recency"] * 7, age=summary["age"] * 7)
    in_days["log_gaps"] += summary["frequency"] * np.log(7)
    np.testing.assert_allclose(weeks.probability_alive(summary), days.probability_alive(in_days), rtol=1e-9, atol=1e-14)
    np.testing.assert_allclose(
        weeks.expected_purchases(summary, 10.0), days.expected_purchases(in_days, 70.0), rtol=1e-8, atol=1e-9
    )
    np.testing.assert_allclose(
        weeks.discounted_expected_purchases(summary, 0.1), days.discounted_expected_purchases(in_days, 0.1), rtol=1e-8
    )
    # A density in time: x purchase times, each 1/7 as dense by the day.
    assert weeks.log_likelihood(summary) == pytest.approx(
        days.log_likelihood(in_days) + purchases * np.log(7), rel=1e-9, abs=1e-7
    )


def test_grouped_customers_count_as_many(cdnow):
    summary = cdnow_summary()
    grouped = summary.groupby(["frequency", "recency", "age"]).size().rename("customers").reset_index()
    model = BGNBD().fit(grouped)
    pd.testing.assert_series_equal(model.params_, cdnow.params_, rtol=1e-7)
    assert model.log_likelihood_ == pytest.approx(cdnow.log_likelihood_, rel=1e-12)


def test_customers_with_a_long_history_and_a_long_future_are_no_trouble():
    heavy = pd.DataFrame({"frequency": [800, 0], "recency": [299.0, 0.0], "age": [300.0, 300.0]})
    for a in (1.0, 1.0 - 1e-12, 0.8, 1.2):
        model = BGNBD().with_parameters(r=0.24, alpha=4.4, a=a, b=2.4)
        expected = model.expected_purchases(heavy, 520.0)
        assert expected.between(1e-3, 520 * 801 / 304).all()
        assert np.isfinite(model.discounted_expected_purchases(heavy, 0.1)).all()


@pytest.mark.parametrize("seed", range(4))
def test_few_customers_are_fitted_or_said_to_be_too_few(seed):
    customers = TRUTH.simulate(np.full(50, 30.0), seed=seed)
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always", ConvergenceWarning)
        model = BGNBD().fit(customers)
    assert np.isfinite(model.params_).all()
    assert model.converged_ == (not said) == bool(np.isfinite(model.standard_errors_).all())
    assert model.posterior(draws=500).draws.gt(0).all(axis=None)


def test_one_time_buyers_alone_leave_no_maximum_but_a_posterior():
    once = pd.DataFrame({"frequency": [0] * 30, "recency": [0.0] * 30, "age": [20.0] * 30})
    with pytest.warns(ConvergenceWarning):
        model = BGNBD().fit(once)
    assert not model.converged_
    assert model.posterior(draws=500).draws.gt(0).all(axis=None)
