from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from crm_lib.clv import NBD
from crm_lib.clv.acquisition import _Grid, _new_customers, acquisition_value
from crm_lib.clv.channels_pay import finding_channels_pay
from crm_lib.clv.equity import NOT_KNOWN
from crm_lib.clv.gamma_gamma import GammaGamma
from crm_lib.clv.payback import payback_times
from crm_lib.clv.spending_limits import ALL, spending_limits
from crm_lib.clv.value import customer_value
from crm_lib.company import Company
from crm_lib.errors import MissingData, TooLittleData
from crm_lib.finding import Verdict
from tests.clv.shop import AS_OF, CHANNELS, shop_tables
from tests.companies import transactions, write_company

DRAWS = 200
RATE = 0.1
DELTA = np.log(1 + RATE) * 7 / 365.25
MARGIN = 0.4


def _open(folder, tables):
    return Company.open(write_company(folder, tables, how="parquet", as_of=AS_OF))


@pytest.fixture(scope="module")
def tables():
    """Return a shop that nobody leaves, without returns, so that the value of new customers is known in closed form."""
    tables, _ = shop_tables(1500, s=None, returned=0.0, seed=6)
    return tables


@pytest.fixture(scope="module")
def shop(tables, tmp_path_factory):
    return _open(tmp_path_factory.mktemp("data") / "shop", tables)


@pytest.fixture(scope="module")
def found(shop):
    return acquisition_value(shop, model=NBD(), annual_rate=RATE, serving=False, draws=DRAWS)


def _true_value():
    """First purchase and discounted later ones of NBD(1.2, 8) buyers who spend 50 × 4 / (6 - 1) on average."""
    return MARGIN * 40 * (1 + 1.2 / 8 / DELTA)


def test_value_of_a_new_customer_is_the_closed_form_of_the_true_parameters(found):
    frame = found.frame
    assert (frame["clv_low"] < _true_value()).all()
    assert (frame["clv_high"] > _true_value()).all()
    assert (frame["clv"] / _true_value() - 1).abs().max() < 0.3
    assert (frame["highest_bid"] == frame["clv"]).all()
    assert ((frame["clv_low"] < frame["clv"]) & (frame["clv"] < frame["clv_high"])).all()


def test_cost_is_the_channels_own_mean_and_the_ratio_that_of_both(found, tables):
    people = tables["customers"].groupby("acquisition_channel")
    np.testing.assert_allclose(found.frame["cost"], people["acquisition_cost"].mean(), rtol=1e-12)
    np.testing.assert_allclose(found.frame["customers"], people.size())
    np.testing.assert_allclose(found.frame["ratio"], found.frame["clv"] / found.frame["cost"])
    np.testing.assert_allclose(found.draws["ratio"], found.draws["clv"] / found.draws["cost"])
    error = people["acquisition_cost"].sem()
    assert (found.frame["cost_high"] - found.frame["cost_low"]).to_numpy() == pytest.approx(3.3 * error, rel=0.25)
    since = pd.Timestamp(AS_OF) - pd.Timedelta(days=365)
    won = tables["customers"]["acquired_at"] > since
    assert found.won_last_year.sum() == won.sum()


def test_small_channels_are_given_the_models_of_all(found):
    assert found.frame["pooled"].to_dict() == {"friends": True, "search": False, "shop": False}


def test_payback_is_the_time_at_which_the_mean_customer_has_covered_the_cost(tables, tmp_path, found):
    # The first purchase brings 16 on average: costs of 5 to 40 are covered at once or later, 10,000 never.
    assert (found.frame["payback_days"] >= 0).all()
    for cost, covered in ((200.0, True), (10_000.0, False)):
        dear = {**tables, "customers": tables["customers"].assign(acquisition_cost=cost)}
        frame = acquisition_value(
            _open(tmp_path / f"{cost}", dear), model=NBD(), annual_rate=RATE, serving=False, draws=DRAWS
        ).frame
        if covered:
            weeks = -np.log1p(-(cost - MARGIN * 40) * DELTA / (MARGIN * 40 * 1.2 / 8)) / DELTA
            assert (frame["payback_low"] < 7 * weeks).all()
            assert (frame["payback_high"] > 7 * weeks).all()
        else:
            assert np.isinf(frame["payback_days"]).all()
            assert (frame["ratio_high"] < 1).all()


def test_serving_lowers_the_value_by_the_cost_of_contacts(shop, found, tables):
    served = acquisition_value(shop, model=NBD(), annual_rate=RATE, draws=DRAWS)
    cost = (
        tables["interactions"]["cost"].sum()
        / tables["transactions"].groupby("customer_id")["ordered_at"].nunique().sum()
    )
    # With a customer's 1 + 1.2 / 8 / delta discounted purchases.
    expected = cost * (1 + 1.2 / 8 / DELTA)
    lost = found.frame["clv"] - served.frame["clv"]
    assert lost.loc["shop"] == pytest.approx(expected, rel=0.15)
    assert (lost > 0).all()


def test_unknown_channels_and_costs_are_named_not_guessed(tables, tmp_path):
    people = tables["customers"].copy()
    people.loc[:99, "acquisition_channel"] = None
    people.loc[people["acquisition_channel"] == "shop", "acquisition_cost"] = np.nan
    found = acquisition_value(_open(tmp_path / "gaps", {**tables, "customers": people}), model=NBD(), draws=DRAWS)
    assert found.frame.loc[NOT_KNOWN, "customers"] == 100
    row = found.frame.loc["shop"]
    assert row[["cost", "ratio", "payback_days"]].isna().all()
    assert row["clv"] > 0
    assert finding_channels_pay(found).estimate.n == found.frame.loc[["friends", "search"], "customers"].sum()


@pytest.mark.filterwarnings("ignore::crm_lib.clv.model.ConvergenceWarning")
def test_missing_columns_and_too_little_data_are_said(tmp_path, shop):
    bare = _open(tmp_path / "bare", {"transactions": transactions()})
    with pytest.raises(MissingData, match="customers"):
        acquisition_value(bare, model=NBD())
    people = pd.DataFrame({"customer_id": ["anna"], "acquisition_channel": ["web"], "acquisition_cost": [3.0]})
    single = {"transactions": transactions([("o1", "anna", "2025-01-01", 9.0)]), "customers": people}
    with pytest.raises(TooLittleData, match="repeat purchase"):
        acquisition_value(_open(tmp_path / "one", single), model=NBD())
    with pytest.raises(ValueError, match="at least 100 draws"):
        acquisition_value(shop, model=NBD(), draws=5)


# Findings


@pytest.mark.parametrize(
    ("scale", "verdict", "words"),
    [
        (1.0, Verdict.SUPPORTED, "Every channel pays"),
        (120.0, Verdict.NOT_SUPPORTED, "Stop paying for customers through shop"),
        (66.0, Verdict.UNDECIDED, "no more money into shop"),
    ],
)
def test_finding_on_channels_is_about_the_worst_of_them(tables, tmp_path, scale, verdict, words):
    people = tables["customers"]
    dear = people["acquisition_cost"] * np.where(people["acquisition_channel"] == "shop", scale, 0.1)
    company = _open(tmp_path / "dear", {**tables, "customers": people.assign(acquisition_cost=dear)})
    found = acquisition_value(company, model=NBD(), serving=False, draws=DRAWS)
    finding = finding_channels_pay(found)
    assert finding.verdict is verdict
    assert words in finding.decision
    if scale > 1:
        assert "shop" in finding.text
    worst = found.frame["ratio"].idxmin()
    row = found.frame.loc[worst]
    assert finding.estimate.value == pytest.approx(row["ratio"])
    assert finding.estimate.low <= row["ratio_low"]
    stake = (row["clv"] - row["cost"]) * found.won_last_year[worst]
    assert finding.money_at_stake.value == pytest.approx(stake)


# Spending limits


def test_limits_to_win_keep_and_win_back(shop, found):
    value = customer_value(shop, model=NBD(), annual_rate=RATE, serving=False, draws=DRAWS)
    limits = spending_limits(value, found, like_new=0.5)
    assert list(limits.index) == ["friends", "search", "shop", ALL]
    np.testing.assert_allclose(limits["win"].drop(ALL), found.frame["clv"])
    np.testing.assert_allclose(limits["win_back"], limits["win"] / 2)
    # Nobody leaves in the NBD model: all are alive, and who leaves takes the mean current value along.
    by_channel = value.frame["current"].groupby(found.channels).mean()
    np.testing.assert_allclose(limits["keep"].drop(ALL), by_channel)
    assert limits.loc[ALL, "keep"] == pytest.approx(value.frame["current"].mean())
    weights = found.frame["customers"] / found.frame["customers"].sum()
    assert limits.loc[ALL, "win"] == pytest.approx(found.frame["clv"] @ weights)
    for name in ("win", "keep", "win_back"):
        assert ((limits[f"{name}_low"] <= limits[name]) & (limits[name] <= limits[f"{name}_high"])).all()
    with pytest.raises(ValueError, match="like_new must not be negative"):
        spending_limits(value, found, like_new=-1)
    other = customer_value(shop, model=NBD(), summary=value.summary, annual_rate=0.2, serving=False, draws=DRAWS)
    with pytest.raises(ValueError, match="same yearly rate"):
        spending_limits(other, found)


def test_nothing_may_be_spent_on_customers_worth_less_than_nothing(tables, tmp_path):
    lines = tables["transactions"].assign(cost=tables["transactions"]["revenue"] * 1.2)
    company = _open(tmp_path / "loss", {**tables, "transactions": lines})
    found = acquisition_value(company, model=NBD(), annual_rate=RATE, serving=False, draws=DRAWS)
    assert (found.frame["clv"] < 0).all()
    assert (found.frame["highest_bid"] == 0).all()
    value = customer_value(company, model=NBD(), annual_rate=RATE, serving=False, draws=DRAWS)
    limits = spending_limits(value, found).drop(columns="customers")
    assert (limits.to_numpy() == 0).all()


def test_channels_of_the_shop_are_all_there(found):
    assert set(found.frame.index) == set(CHANNELS)
    assert found.currency == "GBP"


@pytest.mark.validate
def test_interval_of_a_new_customers_value_holds_the_truth_nine_times_in_ten():
    buying, spending = NBD().with_parameters(r=1.2, alpha=8.0), GammaGamma().with_parameters(p=4, q=6, gamma=50)
    ages = np.random.default_rng(1).uniform(46, 156, 700)
    grid = _Grid(times=payback_times("W"), rate=DELTA, draws=400, seed=1)
    samples, held = 400, 0
    for seed in range(samples):
        data = buying.simulate(ages, seed=seed)
        spent = spending.simulate(data["frequency"], seed=seed + samples)
        sales = spent["next_spend"] + (spent["frequency"] * spent["monetary_value"]).fillna(0.0)
        data = data.assign(
            monetary_value=spent["monetary_value"], first_sale=spent["next_spend"], whole=sales, part=MARGIN * sales,
            serving=0.0, purchases=data["frequency"] + 1.0,
        )  # fmt: skip
        found = _new_customers(data, NBD().fit(data), GammaGamma().fit(data), grid)
        low, high = np.quantile((found.first + found.later * found.all_purchases)[1:], [0.05, 0.95])
        held += low <= _true_value() <= high
    assert 0.87 <= held / samples <= 0.93
