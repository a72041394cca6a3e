"""The value of customers, groups, years and models: what it is made of, its intervals, and hard companies."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from crm_lib import demo
from crm_lib.clv import (
    BGNBD,
    NBD,
    GammaGamma,
    ParetoNBD,
    acquisition_value,
    beside_truth,
    customer_value,
    equity_by,
    future_value,
    require_long_history,
    value_by_model,
    value_by_year,
)
from crm_lib.clv.credibility import CredibleRatio
from crm_lib.clv.equity import SMALL_GROUPS
from crm_lib.clv.future_value import FutureValue
from crm_lib.clv.potential import NOT_KNOWN
from crm_lib.clv.truth import true_value
from crm_lib.company import Company
from crm_lib.customers import customer_summary
from crm_lib.errors import TooLittleData
from tests.clv.shop import AS_OF, shop_tables
from tests.companies import transactions, write_company

DRAWS = 100
PARTS = ["historical", "current", "potential"]


def _open(folder, tables, as_of=AS_OF):
    return Company.open(write_company(folder, tables, how="parquet", as_of=as_of))


@pytest.fixture(scope="module")
def tables():
    return shop_tables()[0]


@pytest.fixture(scope="module")
def shop(tables, tmp_path_factory):
    return _open(tmp_path_factory.mktemp("data") / "shop", tables)


@pytest.fixture(scope="module")
def young(tmp_path_factory):
    """A shop of forty days."""
    return _open(tmp_path_factory.mktemp("young") / "shop", shop_tables(days=40)[0], as_of="2023-08-09")


@pytest.fixture(scope="module")
def value(shop):
    return customer_value(shop, model=ParetoNBD(), draws=DRAWS)


def test_current_value_is_the_mean_of_discounted_purchases_times_what_a_purchase_brings(value):
    future, summary = value.future, value.future.summary
    purchases = future.model.drawn("discounted", summary, annual_rate=0.1, draws=DRAWS)
    spend = future.spend.drawn_spend(summary, draws=DRAWS)[future.order]
    rate, cost = (each.drawn(slice(None), each.drawn_means) for each in (future.margin_rate, future.cost))
    sample = purchases * (spend * rate - cost)
    frame, total = value.frame, value.totals["current"]
    np.testing.assert_allclose(frame["current"], sample.mean(axis=0))
    low, high = np.quantile(sample, [0.025, 0.975], axis=0)
    np.testing.assert_allclose(frame["current_low"], np.minimum(low, frame["current"]))
    np.testing.assert_allclose(frame["current_high"], np.maximum(high, frame["current"]))
    sums = np.quantile(sample.sum(axis=1), [0.025, 0.975])
    np.testing.assert_allclose([total.value, total.low, total.high], [sample.sum(axis=1).mean(), *sums])
    assert total.low < total.value < total.high
    np.testing.assert_allclose(frame["expected_purchases"], future.model.expected_purchases(summary, 365 / 7))


def test_values_of_many_customers_are_those_of_draws(shop, monkeypatch):
    drawn = customer_value(shop, model=BGNBD(), draws=1000)
    monkeypatch.setattr(future_value, "_MANY", 0)
    monkeypatch.setattr(future_value, "_SHORT", 1.0)
    found = customer_value(shop, model=BGNBD(), draws=1000)
    away = (found.frame - drawn.frame)[["current", "current_low", "current_high"]].abs()
    assert (away.div(drawn.frame["current_high"] - drawn.frame["current_low"], axis=0).mean() < 0.08).all()
    one, other = drawn.totals["current"], found.totals["current"]
    near = 0.1 * (one.high - one.low)
    assert [other.low, other.value, other.high] == pytest.approx([one.low, one.value, one.high], abs=near)


def test_margin_rate_and_cost_are_those_of_the_tables(shop, value):
    lines = shop.frame("transactions")
    rate = (lines["revenue"] - lines["cost"]).sum() / lines.loc[lines["revenue"] > 0, "revenue"].sum()
    cost = shop.frame("interactions")["cost"].sum() / (value.future.summary["frequency"] + 1).sum()
    assert value.future.margin_rate.mean == pytest.approx(rate, rel=0.02)
    assert value.future.cost.mean == pytest.approx(cost, rel=0.1)
    # Some return more than others: their own rates are believed in part, and no rate is above that of a sale kept.
    assert value.future.margin_rate.expected.max() <= 0.4 + 1e-9
    assert (value.basis, value.serving) == ("margin", True)
    assert "deducted" in value.convention


def test_neither_blocks_of_rows_nor_the_models_unit_of_time_change_anything(shop, value, monkeypatch):
    monkeypatch.setattr(future_value, "_CELLS", 13 * DRAWS)
    monkeypatch.setattr(future_value, "_KEPT", 0)
    again = customer_value(shop, model=value.future.model, spend=value.future.spend, draws=DRAWS)
    pd.testing.assert_frame_equal(again.frame, value.frame, rtol=1e-9)
    days = customer_value(shop, model=ParetoNBD(unit="D"), draws=DRAWS)
    np.testing.assert_allclose(days.frame[PARTS], value.frame[PARTS], rtol=2e-3)


def test_money_in_another_unit_changes_nothing_but_the_unit(tables, tmp_path, value):
    lines, contacts = tables["transactions"], tables["interactions"]
    for factor in (1e-6, 3e5, 1e9):
        changed = {
            **tables,
            "transactions": lines.assign(revenue=lines["revenue"] * factor, cost=lines["cost"] * factor),
            "interactions": contacts.assign(cost=contacts["cost"] * factor),
        }
        found = customer_value(_open(tmp_path / f"{factor}", changed), model=ParetoNBD(), draws=DRAWS)
        np.testing.assert_allclose(found.frame[PARTS] / factor, value.frame[PARTS], rtol=1e-9, atol=1e-9)


def test_everybody_bought_once_and_one_price_are_valued_with_the_mean(tmp_path):
    once = [(f"o{n}", f"c{n}", f"2025-{1 + n % 11:02d}-15", 10.0 + n) for n in range(40)]
    constant = [(f"o{n}", f"c{n % 13}", f"2025-{1 + n % 11:02d}-{1 + n % 27:02d}", 20.0) for n in range(60)]
    for name, rows in (("once", once), ("constant", constant)):
        company = _open(tmp_path / name, {"transactions": transactions(rows)}, as_of="2026-01-31")
        with pytest.warns(UserWarning, match="everybody is given the mean"):
            found = customer_value(company, model=NBD(), draws=DRAWS)
        total = found.totals["current"]
        assert total.low <= total.value <= total.high
        assert np.isfinite(found.frame.to_numpy()).all()
        mean = np.mean([row[3] for row in rows])
        assert found.frame["value_per_purchase"].iloc[0] == pytest.approx(mean, rel=0.2)
        assert "not profit" in found.convention


def test_a_short_history_values_ten_times_its_length_and_says_so_first(young, shop):
    with pytest.warns(UserWarning, match="Not counted is what customers bring after 12 Sept 2024"):
        found = customer_value(young, model=NBD(), draws=DRAWS)
    summary, worth = found.future.summary, found.frame["value_per_purchase"]
    rate = found.future.model.expected_purchases(summary, 400 / 7) / 400
    # Nobody leaves: purchases of 400 days, evenly spread, are worth so much today.
    point = (rate * worth).sum() * (1 - 1.1 ** (-400 / 365.25)) / (np.log(1.1) / 365.25)
    assert found.totals["current"].value == pytest.approx(point, rel=0.1)
    assert (found.ahead, found.horizon_days) == (400, 365)
    assert "after 12 Sept 2024, as purchases are known for 40 days only" in found.convention
    assert value_by_year(found).index.tolist() == [1]
    with pytest.raises(TooLittleData, match="what customers bring after 12 Sept 2024"):
        require_long_history(customer_summary(young), young.as_of)
    require_long_history(customer_summary(shop), shop.as_of)
    assert customer_value(shop, model=NBD(), draws=DRAWS).ahead is None
    channels = acquisition_value(young, model=NBD()).draws["clv"].to_numpy()
    assert channels.max() < found.frame["current"].max() * 40


def test_a_mean_that_few_draws_carry_out_of_the_interval_gives_way_to_the_median():
    sample = np.append(np.arange(1.0, 1000.0), 1e9)[:, None]
    (value,), (low,), (high,) = future_value.mean_and_ends(sample)
    assert low < value < high
    assert value == np.median(sample)


def test_what_cannot_be_valued_is_said(tmp_path, shop):
    returns = transactions([("o1", "anna", "2025-01-01", -5.0)])
    with pytest.raises(TooLittleData, match="nobody has bought"):
        customer_value(_open(tmp_path / "returns", {"transactions": returns}), model=NBD())
    with pytest.raises(ValueError, match="annual_rate must be positive"):
        customer_value(shop, model=NBD(), annual_rate=0, draws=DRAWS)
    with pytest.raises(ValueError, match="at least 100 draws"):
        customer_value(shop, model=NBD(), draws=5)


# Groups, years, models


def test_groups_add_up_to_the_totals_and_small_and_unknown_ones_come_last(value):
    names = np.array(["big", "middle", "tiny"])[
        np.random.default_rng(1).choice(3, len(value.frame), p=[0.6, 0.39, 0.01])
    ]
    groups = pd.Series(names, index=value.frame.index).iloc[20:]
    table = equity_by(value, groups)
    assert table.index.tolist() == ["big", "middle", SMALL_GROUPS, NOT_KNOWN]
    for part in PARTS:
        assert table[part].sum() == pytest.approx(value.totals[part].value)
    assert table["customers"].sum() == len(value.frame)
    assert table["value_share"].sum() == pytest.approx(1)
    assert table["current"].between(table["current_low"], table["current_high"]).all()
    with pytest.raises(ValueError, match="given twice"):
        equity_by(value, pd.concat([groups, groups]))


def test_without_leaving_each_year_brings_what_interest_leaves_of_it(shop):
    # Nobody leaves and purchases come at constant rates: the share until year n is 1 - (1 + i)^-n.
    frame = value_by_year(customer_value(shop, model=NBD(), draws=DRAWS))
    assert frame["share"].to_numpy() == pytest.approx(1 - 1.1 ** -np.array([1.0, 2.0, 3.0, 5.0, 10.0]), abs=1e-4)
    assert list(frame["observed"]) == [True, True, False, False, False]


def test_each_models_value_is_what_the_model_alone_would_say(shop, value):
    found = value_by_model(value)
    assert found.index.tolist() == ["Pareto/NBD", "BG/NBD", "MBG/NBD"]
    total = value.totals["current"]
    assert found.loc["Pareto/NBD"].tolist()[:3] == pytest.approx([total.value, total.low, total.high])
    alone = customer_value(shop, model=BGNBD(), spend=value.future.spend, draws=DRAWS)
    assert found.loc["BG/NBD", "current"] == pytest.approx(alone.totals["current"].value, rel=0.03)
    assert found.loc["BG/NBD", "expected_purchases"] == pytest.approx(alone.frame["expected_purchases"].sum())


# Truth


def test_the_true_value_is_that_of_a_constant_rate_discounted():
    truth = pd.DataFrame(
        {
            "customer_id": ["a", "b"], "lambda": [0.2, 0.2], "exposure_weeks": 50.0, "alive_weeks": 50.0,
            "cumulative_hazard": [0.5, 0.5], "order_margin": [10.0, 10.0], "alive": [True, False],
        }
    )  # fmt: skip
    exact = 0.96 * 10 * 0.2 / (0.01 + np.log(1.1) * 7 / 365.25)
    assert true_value(truth, annual_rate=0.1).tolist() == pytest.approx([exact, 0.0])


def test_truth_is_that_of_a_simulated_company_on_its_last_day(shop, value, monkeypatch):
    with pytest.raises(TooLittleData, match="simulated company only"):
        beside_truth(shop, value)
    people = pd.DataFrame({"customer_id": ["c0001"], "left_at": [pd.Timestamp("2027-01-01")]})
    monkeypatch.setattr(demo, "truth", lambda _: {"customers": people})
    with pytest.raises(TooLittleData, match="last day of the simulation only"):
        beside_truth(shop, value)


def test_total_value_of_a_simulated_shop_is_near_the_truth(tmp_path):
    tables, truth = shop_tables(1500, seed=5, returned=0.0)
    del tables["interactions"]
    found = customer_value(_open(tmp_path / "known", tables), model=ParetoNBD(), draws=DRAWS)
    delta = np.log(1.1) * 7 / 365.25
    true = float((0.4 * truth["spend"] * truth["rate"] / (truth["leaving"] + delta))[truth["alive"]].sum())
    total = found.totals["current"]
    # A heavy tail of rates that are never seen to be small: the truth scatters more than what is expected of it.
    assert total.value == pytest.approx(true, rel=0.25)
    assert found.frame["probability_alive"].sum() == pytest.approx(truth["alive"].sum(), rel=0.1)
    assert found.frame["current"].corr(truth["alive"] * truth["spend"] * truth["rate"]) > 0.5


@pytest.mark.validate
def test_interval_of_the_total_holds_what_is_expected_nineteen_times_in_twenty():
    buying, spending = (
        ParetoNBD().with_parameters(r=1.2, alpha=8, s=0.8, beta=20),
        GammaGamma().with_parameters(p=4, q=6, gamma=50),
    )
    ages = np.random.default_rng(1).uniform(46, 156, 500)
    nothing = CredibleRatio.nothing(500, 400)
    margin = CredibleRatio(mean=0.4, drawn_means=np.full(400, 0.4), own=np.zeros(500), credibility=np.zeros(500))
    samples, held = 100, 0
    for seed in range(samples):
        data = buying.simulate(ages, seed=seed)
        data["monetary_value"] = spending.simulate(data["frequency"], seed=seed + samples)["monetary_value"]
        model, spend = ParetoNBD().fit(data), GammaGamma().fit(data)
        model.posterior(draws=400, seed=seed)
        spend.posterior(draws=400, seed=seed)
        future = FutureValue(
            model=model, spend=spend, summary=data, margin_rate=margin, cost=nothing, reachable=np.zeros(500),
            annual_rate=0.1, horizon=None, order=np.random.default_rng(seed).permutation(400),
        )  # fmt: skip
        low, high = np.quantile(future.total().current, [0.025, 0.975])
        true = (buying.discounted_expected_purchases(data, 0.1) * spending.expected_spend(data) * 0.4).sum()
        held += low <= true <= high
    assert held / samples >= 0.89
