"""What every model of customers without contract does, shown with the simplest of them."""

from __future__ import annotations

import copy
import dataclasses
import json
import warnings

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from crm_lib.clv import NBD, ConvergenceWarning, Model, Priors, PurchaseModel
from crm_lib.clv import purchase_model as purchase_module
from crm_lib.clv.posterior import Posterior
from crm_lib.errors import MissingData, TooLittleData

TRUTH = NBD().with_parameters(r=0.5, alpha=10.0)


@pytest.fixture(scope="module")
def customers():
    ages = np.random.default_rng(5).integers(140, 280, 900) / 7
    found = TRUTH.simulate(ages, seed=6, horizon=26.0)
    found["recency"] = (found["recency"] * 7).round().clip(lower=np.where(found["frequency"] > 0, 1, 0)) / 7
    return found.set_index(pd.Index([f"c{i}" for i in range(len(found))], name="customer_id"))


@pytest.fixture(scope="module")
def fitted(customers):
    model = NBD().fit(customers)
    model.posterior()
    return model


@pytest.fixture
def model(fitted):
    """A copy, as drawing a posterior changes the model."""
    return copy.copy(fitted)


# Estimates


def test_a_fit_tells_estimates_errors_and_criteria(model, customers):
    assert model.converged_
    assert model.customers_ == 900
    assert list(model.params_.index) == ["r", "alpha"]
    np.testing.assert_allclose(model.standard_errors_, np.sqrt(np.diag(model.covariance_)))
    assert model.log_likelihood_ == pytest.approx(model.log_likelihood(customers))
    assert model.aic_ == pytest.approx(4 - 2 * model.log_likelihood_)
    assert model.bic_ == pytest.approx(2 * np.log(900) - 2 * model.log_likelihood_)


def test_the_estimates_are_the_maximum(model, customers):
    values = model.params_.to_dict()
    for name in values:
        for factor in (0.98, 1.02):
            other = NBD().with_parameters(**values | {name: values[name] * factor})
            assert other.log_likelihood(customers) < model.log_likelihood_


def test_the_covariance_is_the_inverse_curvature_in_the_parameters_themselves(model, customers):
    names, at = ["r", "alpha"], model.params_.to_numpy()
    steps = 1e-3 * at

    def value(*away):
        return NBD().with_parameters(**dict(zip(names, at + np.array(away) * steps, strict=True))).log_likelihood(
            customers
        )  # fmt: skip

    here = value(0, 0)
    curve_r = (value(1, 0) + value(-1, 0) - 2 * here) / steps[0] ** 2
    curve_alpha = (value(0, 1) + value(0, -1) - 2 * here) / steps[1] ** 2
    mixed = (value(1, 1) - value(1, -1) - value(-1, 1) + value(-1, -1)) / (4 * steps[0] * steps[1])
    expected = np.linalg.inv(-np.array([[curve_r, mixed], [mixed, curve_alpha]]))
    np.testing.assert_allclose(model.covariance_, expected, rtol=1e-3)


def test_fitting_returns_the_model_and_forgets_earlier_draws(customers):
    model = NBD()
    assert model.fit(customers) is model
    first = model.posterior().draws
    model.fit(customers.head(300))
    assert not np.allclose(model.posterior().draws.mean(), first.mean(), rtol=1e-3)
    assert model.customers_ == 300


@pytest.mark.parametrize(
    "ask",
    [
        lambda model, _: model.params_,
        lambda model, _: model.standard_errors_,
        lambda model, _: model.log_likelihood_,
        lambda model, _: model.converged_,
        lambda model, _: model.summary(),
        lambda model, _: model.to_json(),
        lambda model, data: model.log_likelihood(data),
        lambda model, data: model.probability_alive(data),
        lambda model, data: model.expected_purchases(data, 9),
        lambda model, data: model.discounted_expected_purchases(data, 0.1),
        lambda model, _: model.expected_purchases_new(9),
        lambda model, data: model.total_purchases(data, 9),
        lambda model, data: model.drawn("alive", data),
        lambda model, _: model.simulate(np.array([9.0]), seed=1),
    ],
)
def test_a_model_that_is_not_fitted_says_so(ask, customers):
    with pytest.raises(ValueError, match=r"this NBD is not fitted: call fit\(...\) first"):
        ask(NBD(), customers)


def test_the_posterior_needs_a_fit(customers):
    with pytest.raises(ValueError, match="this NBD is not fitted"):
        NBD().posterior()
    with pytest.raises(ValueError, match="the posterior needs the data"):
        TRUTH.expected_purchases(customers, 9, interval="mean")


# Parameters set by hand


def test_parameters_can_be_set_without_data():
    assert TRUTH.params_.to_dict() == pytest.approx({"r": 0.5, "alpha": 10.0})
    assert TRUTH.expected_purchases_new(20.0) == pytest.approx(1.0)
    assert TRUTH.standard_errors_.isna().all()
    assert np.isnan(TRUTH.log_likelihood_)


def test_setting_parameters_leaves_the_model_itself_as_it_was(model):
    before = model.params_.copy()
    other = model.with_parameters(r=9, alpha=9)
    assert other is not model
    pd.testing.assert_series_equal(model.params_, before)
    with pytest.raises(ValueError, match="needs the data"):
        other.posterior()


def test_settings_are_kept_when_parameters_are_set():
    assert NBD(unit="M").with_parameters(r=1, alpha=1).unit == "M"


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ({"r": 1.0}, "NBD has the parameters r, alpha; got r"),
        ({"r": 1.0, "alpha": 2.0, "s": 1.0}, "NBD has the parameters r, alpha; got r, alpha, s"),
        ({"r": 0.0, "alpha": 2.0}, "r, alpha must be positive and finite"),
        ({"r": 1.0, "alpha": -2.0}, "must be positive and finite"),
        ({"r": 1.0, "alpha": float("inf")}, "must be positive and finite"),
        ({"r": float("nan"), "alpha": 1.0}, "must be positive and finite"),
    ],
)
def test_parameters_that_cannot_be_are_refused(parameters, words):
    with pytest.raises(ValueError, match=words):
        NBD().with_parameters(**parameters)


# Equal histories


def test_grouped_ungrouped_and_weighted_tables_give_the_same(model, customers):
    keys = ["frequency", "recency", "age"]
    grouped = customers.groupby(keys).size().rename("customers").reset_index()
    assert len(grouped) < len(customers)
    other = NBD().fit(grouped)
    pd.testing.assert_series_equal(other.params_, model.params_, rtol=1e-9)
    pd.testing.assert_frame_equal(other.covariance_, model.covariance_, rtol=1e-6)
    assert other.log_likelihood_ == pytest.approx(model.log_likelihood_, rel=1e-12)
    assert other.customers_ == 900
    assert other.bic_ == pytest.approx(model.bic_)
    apart = model._read(customers)
    single = dataclasses.replace(
        apart,
        **{key: apart.per_row(getattr(apart, key)) for key in keys},
        customers=np.ones(900),
        covariates=np.empty((900, 0)),
        inverse=np.arange(900),
    )
    pd.testing.assert_series_equal(NBD()._fit(single).params_, model.params_, rtol=1e-9)
    assert model.total_purchases(grouped, 26).value == pytest.approx(model.total_purchases(customers, 26).value)
    assert model.total_purchases(grouped, 26).n == 900


def test_the_order_of_rows_changes_nothing_but_the_order(model, customers):
    shuffled = customers.sample(frac=1, random_state=3)
    pd.testing.assert_series_equal(NBD().fit(shuffled).params_, model.params_, rtol=1e-9)
    for ask in (
        lambda data: model.probability_alive(data),
        lambda data: model.expected_purchases(data, 9),
        lambda data: model.expected_purchases(data, 9, interval="mean"),
        lambda data: model.discounted_expected_purchases(data, 0.1),
    ):
        there, here = ask(shuffled), ask(customers)
        assert list(there.index) == list(shuffled.index)
        if isinstance(here, pd.Series):
            pd.testing.assert_series_equal(there.loc[here.index], here)
        else:
            pd.testing.assert_frame_equal(there.loc[here.index], here)


def test_results_carry_the_index_even_if_names_repeat(model, customers):
    twice = customers.head(3).set_index(pd.Index(["x", "x", "y"]))
    assert list(model.expected_purchases(twice, 9).index) == ["x", "x", "y"]
    assert list(model.expected_purchases(twice, 9, interval="outcome").index) == ["x", "x", "y"]


# Posterior


def test_draws_are_reproducible_and_their_number_can_be_chosen(model):
    first = model.posterior(draws=500, seed=7)
    assert isinstance(first, Posterior)
    assert len(first) == 500
    pd.testing.assert_frame_equal(model.posterior(draws=500, seed=7).draws, first.draws)
    assert not model.posterior(draws=500, seed=8).draws.equals(first.draws)
    with pytest.raises(ValueError, match="at least 100 draws, not 50"):
        model.posterior(draws=50)


def test_the_same_model_gives_the_same_intervals_each_time(customers):
    tables = []
    for _ in range(2):
        fresh = NBD().fit(customers)
        tables.append(fresh.expected_purchases(customers, 26, interval="outcome"))
        tables.append(fresh.expected_purchases(customers, 26, interval="outcome"))
    for other in tables[1:]:
        pd.testing.assert_frame_equal(other, tables[0])


def test_the_posterior_is_the_likelihood_times_the_prior(customers):
    """Means and standard deviations against a two-dimensional sum over a fine grid."""
    few = customers.head(60)
    model = NBD().fit(few)
    prior = Priors(shape_sd=0.5, scale_sd=0.7)
    drawn = model.posterior(draws=20_000, priors=prior, seed=1)
    log_r, log_alpha = np.meshgrid(np.linspace(-3, 2.5, 241), np.linspace(0.5, 5.5, 241), indexing="ij")
    x, age = few["frequency"].to_numpy(), few["age"].to_numpy()
    r, alpha = np.exp(log_r)[..., None], np.exp(log_alpha)[..., None]
    density = stats.nbinom(r, alpha / (alpha + age)).logpmf(x).sum(axis=-1)
    density += stats.norm(0, 0.5).logpdf(log_r) + stats.norm(np.log(age.mean()), 0.7).logpdf(log_alpha)
    weights = np.exp(density - density.max())
    weights /= weights.sum()
    assert weights[[0, -1]].sum() + weights[:, [0, -1]].sum() < 1e-8
    for name, values in {"r": r[..., 0], "alpha": alpha[..., 0]}.items():
        mean = float((weights * values).sum())
        sd = float(np.sqrt((weights * (values - mean) ** 2).sum()))
        assert drawn.draws[name].mean() == pytest.approx(mean, abs=0.03 * sd)
        assert drawn.draws[name].std() == pytest.approx(sd, rel=0.03)


def test_priors_can_be_narrowed_and_left_out(customers):
    few = NBD().fit(customers.head(80))
    weak, none = few.posterior(), few.posterior(priors=None)
    narrow = few.posterior(priors=Priors(shape_sd=0.05))
    assert none.priors is None
    # The shape's narrow prior is centred on 1, its estimate is lower.
    assert few.params_["r"] < 0.7
    assert weak.draws["r"].mean() < 0.7
    assert narrow.draws["r"].mean() > 0.85
    assert narrow.draws["r"].std() < 0.06
    assert weak.draws["r"].mean() == pytest.approx(none.draws["r"].mean(), abs=0.2 * none.draws["r"].std())


def test_of_many_customers_the_posterior_is_normal_around_the_estimates():
    many = TRUTH.simulate(np.full(40_000, 30.0), seed=9)
    model = NBD().fit(many)
    drawn = model.posterior().summary()
    errors = model.standard_errors_
    assert ((drawn["mean"] - model.params_).abs() < 0.15 * errors).all()
    np.testing.assert_allclose(drawn["sd"], errors, rtol=0.08)
    np.testing.assert_allclose(drawn["high"] - drawn["low"], 2 * stats.norm.ppf(0.95) * errors, rtol=0.08)


@pytest.mark.parametrize(("unit", "days"), [("D", 1), ("M", 365.25 / 12), ("Y", 365.25)])
def test_a_change_of_unit_changes_nothing_but_the_unit(model, customers, unit, days):
    factor = 7 / days
    other = customers.assign(recency=customers["recency"] * factor, age=customers["age"] * factor)
    other.attrs["unit"] = unit
    converted = NBD(unit=unit).fit(other)
    assert converted.params_["r"] == pytest.approx(model.params_["r"], rel=1e-6)
    assert converted.params_["alpha"] == pytest.approx(model.params_["alpha"] * factor, rel=1e-6)
    # The density of times changes by the unit, once for every purchase.
    shift = customers["frequency"].sum() * np.log(factor)
    assert converted.log_likelihood_ == pytest.approx(model.log_likelihood_ - shift)
    intervals = [
        each.expected_purchases(data, horizon, interval="mean")
        for each, data, horizon in ((model, customers, 26.0), (converted, other, 26.0 * factor))
    ]
    pd.testing.assert_frame_equal(*intervals, rtol=1e-3)
    discounted = [
        each.discounted_expected_purchases(data, 0.1) for each, data in ((model, customers), (converted, other))
    ]
    pd.testing.assert_series_equal(*discounted, rtol=1e-6)


def test_the_summary_of_a_model_has_estimates_and_intervals(model):
    table = model.summary(level=0.5)
    assert list(table.columns) == ["estimate", "standard_error", "low", "high"]
    drawn = model.posterior().draws
    np.testing.assert_allclose(table["low"], drawn.quantile(0.25))
    np.testing.assert_allclose(table["high"], drawn.quantile(0.75))


# Intervals


def test_intervals_of_means_hold_the_value_and_those_of_outcomes_are_wider(model, customers):
    mean = model.expected_purchases(customers, 26, interval="mean")
    outcome = model.expected_purchases(customers, 26, interval="outcome")
    assert ((mean["low"] <= mean["value"]) & (mean["value"] <= mean["high"])).all()
    pd.testing.assert_series_equal(mean["value"], outcome["value"])
    assert (outcome["high"] - outcome["low"] > mean["high"] - mean["low"]).mean() > 0.9
    assert (outcome[["low", "high"]] == outcome[["low", "high"]].round()).all(axis=None)
    total_mean = model.total_purchases(customers, 26)
    total_outcome = model.total_purchases(customers, 26, interval="outcome")
    assert total_mean.value == total_outcome.value == pytest.approx(mean["value"].sum())
    assert total_outcome.high - total_outcome.low > total_mean.high - total_mean.low > 0


def test_higher_levels_give_wider_intervals(model, customers):
    narrow, wide = (
        model.expected_purchases(customers.head(40), 26, interval="mean", level=level) for level in (0.5, 0.95)
    )
    assert (wide["low"] < narrow["low"]).all()
    assert (wide["high"] > narrow["high"]).all()
    few, many = (model.expected_purchases_new(26, interval="mean", level=level) for level in (0.5, 0.95))
    assert many.low < few.low < few.high < many.high
    assert few.level == 0.5


def test_intervals_of_means_are_quantiles_over_the_draws(model, customers):
    model.posterior(draws=1000, seed=3)
    one = customers.head(1)
    draws = model.posterior(draws=1000, seed=3).draws
    by_hand = (draws["r"] + one["frequency"].iloc[0]) / (draws["alpha"] + one["age"].iloc[0]) * 26
    found = model.expected_purchases(one, 26, interval="mean", draws=1000)
    assert found["low"].iloc[0] == pytest.approx(by_hand.quantile(0.05))
    assert found["high"].iloc[0] == pytest.approx(by_hand.quantile(0.95))
    new = model.expected_purchases_new(26, interval="mean")
    assert (new.low, new.high) == pytest.approx(
        tuple((26 * draws["r"] / draws["alpha"]).quantile([0.05, 0.95]).to_numpy())
    )


def test_intervals_of_outcomes_are_those_of_the_predictive_distribution():
    # With 40,000 customers the parameters are known; what is left is negative binomial.
    many = TRUTH.simulate(np.full(40_000, 30.0), seed=9)
    model = NBD().fit(many)
    model.posterior(draws=20_000)
    asked = pd.DataFrame({"frequency": [0, 3, 12], "recency": [0.0, 20.0, 29.0], "age": 30.0})
    found = model.expected_purchases(asked, 52, interval="outcome", draws=20_000)
    r, alpha = model.params_
    predictive = stats.nbinom(r + asked["frequency"], (alpha + 30) / (alpha + 30 + 52))
    for column, probability in (("low", 0.05), ("high", 0.95)):
        exact = predictive.ppf(probability)
        # Where the distribution function passes the level only just, chance may turn it over by one.
        close = np.abs(predictive.cdf(exact) - probability) < 0.006
        close |= np.abs(predictive.cdf(exact - 1) - probability) < 0.006
        assert (np.abs(found[column] - exact) <= close).all()
    new = model.expected_purchases_new(52, interval="outcome")
    assert new.high == stats.nbinom(r, alpha / (alpha + 52)).ppf(0.95)
    assert new.low == 0


def test_many_horizons_come_as_a_table(model):
    horizons = np.array([0.0, 13.0, 52.0])
    values = model.expected_purchases_new(horizons)
    assert list(values.index) == list(horizons)
    assert values.iloc[2] == pytest.approx(model.expected_purchases_new(52.0))
    for interval in ("mean", "outcome"):
        table = model.expected_purchases_new(horizons, interval=interval)
        assert list(table.columns) == ["value", "low", "high"]
        assert table.loc[0.0].tolist() == [0, 0, 0]
        assert table["high"].is_monotonic_increasing


def test_discounted_outcomes_scatter_around_their_mean(model, customers):
    some = customers.head(10)
    sample = model.drawn("discounted", some, annual_rate=0.15, outcome=True, draws=1000)
    mean = model.drawn("discounted", some, annual_rate=0.15, draws=1000)
    error = (sample - mean).std(axis=0) / np.sqrt(1000)
    assert (np.abs((sample - mean).mean(axis=0)) < 4 * error).all()
    table = model.discounted_expected_purchases(some, 0.15, interval="outcome")
    assert ((table["low"] <= table["value"]) & (table["value"] <= table["high"])).mean() > 0.9


def test_drawn_quantities_share_their_draws(model, customers):
    some = customers.head(5)
    a = model.drawn("purchases", some, horizon=26, draws=200)
    b = model.drawn("purchases", some, horizon=52, draws=200)
    assert a.shape == (200, 5)
    np.testing.assert_allclose(b, 2 * a)
    assert (model.drawn("alive", some, draws=200) == 1).all()
    rate = np.log(1.1) * 7 / 365.25
    np.testing.assert_allclose(model.drawn("discounted", some, annual_rate=0.1, draws=200), a / 26 / rate, rtol=1e-6)


def test_outcomes_of_alike_customers_are_drawn_apart(model):
    alike = pd.DataFrame({"frequency": [9, 9], "recency": 20.0, "age": 30.0})
    sample = model.drawn("purchases", alike, horizon=52, outcome=True)
    assert (sample[:, 0] != sample[:, 1]).mean() > 0.5


@pytest.mark.parametrize(
    ("quantity", "words"), [("purchases", "need a horizon"), ("discounted", "need an annual_rate")]
)
def test_drawn_quantities_say_what_they_need(model, customers, quantity, words):
    with pytest.raises(ValueError, match=words):
        model.drawn(quantity, customers)


@pytest.mark.parametrize("interval", ["mean", "outcome"])
def test_a_total_of_grouped_customers_equals_that_of_single_ones(model, customers, interval):
    keys = ["frequency", "recency", "age"]
    grouped = customers.groupby(keys).size().rename("customers").reset_index()
    one, other = (model.total_purchases(data, 26, interval=interval) for data in (customers, grouped))
    width = one.high - one.low
    assert other.low == pytest.approx(one.low, abs=0.1 * width)
    assert other.high == pytest.approx(one.high, abs=0.1 * width)


def test_totals_drawn_one_by_one_and_by_their_variance_agree(model, customers, monkeypatch):
    model.posterior(draws=10_000)
    exact = model.total_purchases(customers, 26, interval="outcome")
    monkeypatch.setattr(purchase_module, "_EXACT_OUTCOMES", 0)
    normal = model.total_purchases(customers, 26, interval="outcome")
    width = exact.high - exact.low
    assert normal.low == pytest.approx(exact.low, abs=0.05 * width)
    assert normal.high == pytest.approx(exact.high, abs=0.05 * width)
    assert normal != exact


def test_fractions_of_customers_have_totals_too(model, customers):
    half = customers.head(50).assign(customers=0.5)
    whole = model.total_purchases(customers.head(50), 26, interval="outcome")
    part = model.total_purchases(half, 26, interval="outcome")
    assert part.value == pytest.approx(whole.value / 2)
    assert part.low < part.value < part.high


def test_a_horizon_of_nothing_brings_nothing(model, customers):
    assert (model.expected_purchases(customers, 0) == 0).all()
    assert model.total_purchases(customers, 0).high == 0
    assert model.expected_purchases_new(0) == 0
    assert (model.expected_purchases(customers, 0, interval="outcome")["high"] == 0).all()


@pytest.mark.parametrize("horizon", [-1, float("nan"), float("inf")])
def test_horizons_that_cannot_be_are_refused(model, customers, horizon):
    for ask in (
        lambda: model.expected_purchases(customers, horizon),
        lambda: model.expected_purchases_new(horizon),
        lambda: model.expected_purchases_new(np.array([1.0, horizon])),
        lambda: model.total_purchases(customers, horizon),
        lambda: model.simulate(np.array([9.0]), seed=1, horizon=horizon),
    ):
        with pytest.raises(ValueError, match="horizon must be a finite time that is not negative"):
            ask()


@pytest.mark.parametrize("rate", [0, -0.1, float("nan"), float("inf")])
def test_interest_must_be_positive(model, customers, rate):
    with pytest.raises(ValueError, match=r"annual_rate must be positive, such as 0\.1"):
        model.discounted_expected_purchases(customers, rate)
    with pytest.raises(ValueError, match="annual_rate must be positive"):
        model.discounted_expected_purchases_new(rate)


@pytest.mark.parametrize("level", [0, 1, -0.5, 90])
def test_levels_lie_between_0_and_1(model, customers, level):
    with pytest.raises(ValueError, match="level must lie between 0 and 1"):
        model.expected_purchases(customers, 9, interval="mean", level=level)
    with pytest.raises(ValueError, match="level must lie between 0 and 1"):
        model.total_purchases(customers, 9, level=level)
    with pytest.raises(ValueError, match="level must lie between 0 and 1"):
        model.summary(level=level)


def test_an_interval_of_another_kind_is_refused_with_the_options(model, customers):
    for interval in ("outcome", "both"):
        with pytest.raises(ValueError, match=f"interval is 'mean' or None here, not '{interval}'"):
            model.discounted_expected_purchases_new(0.1, interval=interval)
    for ask in (
        lambda: model.expected_purchases(customers, 9, interval="median"),
        lambda: model.expected_purchases_new(9, interval=True),
        lambda: model.discounted_expected_purchases(customers, 0.1, interval="both"),
        lambda: model.total_purchases(customers, 9, interval="both"),
    ):
        with pytest.raises(ValueError, match="interval is 'mean', 'outcome' or None"):
            ask()


def test_being_alive_has_no_outcome_interval(model, customers):
    with pytest.raises(ValueError, match="alive or not"):
        model.probability_alive(customers, interval="outcome")
    assert (model.probability_alive(customers, interval="mean") == 1).all(axis=None)


def test_predictions_check_the_customers_too(model, customers):
    with pytest.raises(MissingData, match="columns age of table 'customer summary'"):
        model.expected_purchases(customers.drop(columns="age"), 9)
    with pytest.raises(ValueError, match="recency exceeds age"):
        model.probability_alive(customers.assign(recency=999.0))
    in_days = customers.copy()
    in_days.attrs["unit"] = "D"
    with pytest.raises(ValueError, match="counts time in 'D', the model in 'W'"):
        model.expected_purchases(in_days, 9)
    with pytest.raises(ValueError, match="unknown unit of time 'week'"):
        NBD(unit="week").fit(customers)


# Too little to tell


def test_one_time_buyers_alone_do_not_tell_how_often_people_buy():
    once = pd.DataFrame({"frequency": 0, "recency": 0.0, "age": np.linspace(5, 40, 200)})
    with pytest.warns(ConvergenceWarning, match="too few customers or repeat purchases") as caught:
        model = NBD().fit(once)
    assert caught[0].filename == __file__
    assert not model.converged_
    assert model.standard_errors_.isna().all()
    # With priors, what is expected is small and finite.
    found = model.total_purchases(once, 40.0)
    assert 0 <= found.low <= found.high < 40
    with pytest.raises(TooLittleData, match="NBD has no posterior: likelihood and priors together have no maximum"):
        model.posterior(priors=None)


def test_fifty_customers_suffice(customers):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model = NBD().fit(customers.head(50))
    assert model.converged_
    assert model.expected_purchases_new(26, interval="mean").low > 0


# Storage


def test_a_stored_model_predicts_the_same(model, customers):
    model.posterior(draws=400, seed=2)
    back = Model.from_json(model.to_json())
    assert isinstance(back, NBD)
    assert back.unit == model.unit
    pd.testing.assert_series_equal(back.params_, model.params_)
    pd.testing.assert_frame_equal(back.covariance_, model.covariance_)
    assert back.log_likelihood_ == model.log_likelihood_
    assert back.bic_ == model.bic_
    assert back.converged_
    for ask in (
        lambda each: each.expected_purchases(customers, 26, interval="mean"),
        lambda each: each.expected_purchases(customers, 26, interval="outcome"),
        lambda each: each.summary(),
    ):
        pd.testing.assert_frame_equal(ask(back), ask(model))
    assert back.total_purchases(customers, 26) == model.total_purchases(customers, 26)
    assert back.to_json() == model.to_json()


def test_priors_and_settings_are_stored(customers):
    model = NBD(unit="M").fit(pd.DataFrame(customers.to_dict("list")))
    model.posterior(draws=100, priors=Priors(shape_sd=0.7), seed=3)
    content = json.loads(model.to_json())
    assert content["settings"] == {"unit": "M"}
    back = NBD.from_json(model.to_json())
    assert back._posterior.priors == Priors(shape_sd=0.7)
    assert back._posterior.seed == 3
    model.posterior(draws=100, priors=None)
    assert NBD.from_json(model.to_json())._posterior.priors is None


def test_a_stored_model_holds_no_customers_data(customers):
    model = NBD().fit(customers)
    plain = model.to_json()
    assert len(plain) < 1000
    assert not any(name in plain for name in ("c1", "frequency", "recency"))
    back = NBD.from_json(plain)
    with pytest.raises(ValueError, match="a stored model keeps only its draws"):
        back.posterior()
    with pytest.raises(ValueError, match="a stored model keeps only its draws"):
        back.expected_purchases(customers, 9, interval="mean")


def test_a_model_without_a_maximum_is_stored_as_such():
    once = pd.DataFrame({"frequency": 0, "recency": 0.0, "age": [5.0, 7.0]})
    with pytest.warns(ConvergenceWarning):
        model = NBD().fit(once)
    back = Model.from_json(model.to_json())
    assert not back.converged_
    assert back.standard_errors_.isna().all()
    by_hand = Model.from_json(TRUTH.to_json())
    assert by_hand.params_.equals(TRUTH.params_)
    assert np.isnan(by_hand.log_likelihood_)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "not JSON",
        "[]",
        "3",
        "{}",
        '{"model": "Unheard"}',
        '{"model": "PurchaseModel", "settings": {}}',
        '{"model": "NBD", "settings": {"unknown": 1}}',
        '{"model": "NBD", "settings": {}, "working": ["a", "b"]}',
        '{"model": ["NBD"]}',
    ],
)
def test_what_is_no_stored_model_is_refused(text):
    with pytest.raises(ValueError, match="this is no stored model: expected what to_json wrote"):
        Model.from_json(text)


@pytest.mark.parametrize("spoil", [lambda drawn: drawn.pop("working"), lambda drawn: drawn.update(working=[["x"]])])
def test_draws_that_are_spoilt_are_refused(model, spoil):
    model.posterior(draws=100)
    content = json.loads(model.to_json())
    spoil(content["posterior"])
    with pytest.raises(ValueError, match="this is no stored model"):
        Model.from_json(json.dumps(content))


def test_a_stored_model_of_another_class_is_refused(model):
    @dataclasses.dataclass(kw_only=True, eq=False)
    class Other(NBD):
        pass

    assert isinstance(PurchaseModel.from_json(model.to_json()), NBD)
    with pytest.raises(ValueError, match="the stored model is a NBD, not a Other"):
        Other.from_json(model.to_json())
    Model._models.pop("Other")


# Simulation


def test_simulated_histories_can_be_fitted_and_are_reproducible():
    ages = np.array([10.0, 20.0, 0.0])
    first = TRUTH.simulate(ages, seed=4, horizon=5.0)
    pd.testing.assert_frame_equal(first, TRUTH.simulate(ages, seed=4, horizon=5.0))
    assert {"frequency", "recency", "age", "alive", "future"} <= set(first)
    assert first.attrs["unit"] == "W"
    assert first["age"].tolist() == ages.tolist()
    assert first.loc[2, ["frequency", "recency"]].tolist() == [0, 0]
    assert not TRUTH.simulate(np.full(99, 30.0), seed=4).equals(TRUTH.simulate(np.full(99, 30.0), seed=5))


@pytest.mark.parametrize("age", [[[1.0]], [-1.0], [float("nan")], [float("inf")]])
def test_ages_that_cannot_be_are_refused(age):
    with pytest.raises(ValueError, match="age must be a list of finite times"):
        TRUTH.simulate(np.array(age), seed=1)
