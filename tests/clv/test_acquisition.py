"""New customers by channel: value, cost, payback, limits of spending, and what keeping costs."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from crm_lib.clv import (
    NBD,
    acquisition_value,
    customer_value,
    finding_channels_pay,
    finding_keeping_costs,
    retention_costs,
    spending_limits,
)
from crm_lib.clv.acquisition import payback
from crm_lib.clv.equity import ALL
from crm_lib.clv.potential import NOT_KNOWN
from crm_lib.company import Company
from crm_lib.errors import MissingData, TooLittleData
from crm_lib.finding import Verdict
from tests.clv.shop import AS_OF, CHANNELS, shop_tables
from tests.companies import transactions, write_company

RATE = 0.1
DELTA = np.log(1 + RATE) * 7 / 365.25
MARGIN = 0.4
TRUE_VALUE = MARGIN * 40 * (1 + 1.2 / 8 / DELTA)
"""First purchase and discounted later ones of NBD(1.2, 8) buyers who spend 50 × 4 / (6 - 1) on average."""


def _open(folder, tables, as_of=AS_OF):
    return Company.open(write_company(folder, tables, how="parquet", as_of=as_of))


@pytest.fixture(scope="module")
def tables():
    """Return a shop that nobody leaves, without returns and contacts: values of new customers have a closed form."""
    tables, _ = shop_tables(1500, s=None, returned=0.0, seed=6)
    contacts = tables.pop("interactions")
    return {**tables, "_contacts": contacts}


@pytest.fixture(scope="module")
def shop(tables, tmp_path_factory):
    return _open(tmp_path_factory.mktemp("data") / "shop", _without(tables))


@pytest.fixture(scope="module")
def found(shop):
    return acquisition_value(shop, model=NBD(), annual_rate=RATE)


def _without(tables, **more):
    return {**{name: table for name, table in tables.items() if name != "_contacts"}, **more}


def test_value_of_a_new_customer_is_the_closed_form_of_the_true_parameters(found):
    frame = found.frame
    assert set(frame.index) == set(CHANNELS)
    assert frame["clv_low"].lt(TRUE_VALUE).all()
    assert frame["clv_high"].gt(TRUE_VALUE).all()
    assert (frame["clv"] / TRUE_VALUE - 1).abs().max() < 0.3
    assert (frame["highest_bid"] == frame["clv"]).all()
    assert frame["pooled"].to_dict() == {"friends": True, "search": False, "shop": False}


def test_cost_is_the_channels_own_mean_and_the_ratio_that_of_both(found, tables):
    people = tables["customers"].groupby("acquisition_channel")
    np.testing.assert_allclose(found.frame["acquisition_cost"], people["acquisition_cost"].mean(), rtol=1e-12)
    np.testing.assert_allclose(found.frame["customers"], people.size())
    np.testing.assert_allclose(found.frame["ratio"], found.frame["clv"] / found.frame["acquisition_cost"])
    width = found.frame["acquisition_cost_high"] - found.frame["acquisition_cost_low"]
    assert width.to_numpy() == pytest.approx(2 * 1.96 * people["acquisition_cost"].sem(), rel=0.25)
    since = pd.Timestamp(AS_OF) - pd.Timedelta(days=365)
    assert found.won_last_year.sum() == (tables["customers"]["acquired_at"] > since).sum()


@pytest.mark.parametrize("cost", [200.0, 10_000.0])
def test_payback_is_the_time_at_which_the_mean_customer_has_covered_the_cost(tables, tmp_path, cost):
    dear = _without(tables, customers=tables["customers"].assign(acquisition_cost=cost))
    frame = acquisition_value(_open(tmp_path / "dear", dear), model=NBD(), annual_rate=RATE).frame
    if cost < TRUE_VALUE:
        days = -np.log1p(-(cost - MARGIN * 40) * DELTA / (MARGIN * 40 * 1.2 / 8)) / DELTA * 7
        assert (frame["payback_days_low"] < days).all()
        assert (frame["payback_days_high"] > days).all()
    else:
        assert np.isinf(frame["payback_days"]).all()
        assert (frame["ratio_high"] < 1).all()


def test_serving_lowers_the_value_by_the_cost_of_contacts(tables, tmp_path, found):
    company = _open(tmp_path / "served", _without(tables, interactions=tables["_contacts"]))
    served = acquisition_value(company, model=NBD(), annual_rate=RATE)
    visits = tables["transactions"].groupby("customer_id")["ordered_at"].nunique().sum()
    # With a customer's 1 + 1.2 / 8 / delta discounted purchases.
    expected = tables["_contacts"]["cost"].sum() / visits * (1 + 1.2 / 8 / DELTA)
    assert found.frame["clv"]["shop"] - served.frame["clv"]["shop"] == pytest.approx(expected, rel=0.15)


def test_unknown_channels_and_costs_are_named_not_guessed(tables, tmp_path):
    people = tables["customers"].copy()
    people.loc[:99, "acquisition_channel"] = None
    people.loc[people["acquisition_channel"] == "shop", "acquisition_cost"] = np.nan
    found = acquisition_value(_open(tmp_path / "gaps", _without(tables, customers=people)), model=NBD())
    assert found.frame.loc[NOT_KNOWN, "customers"] == 100
    assert found.frame.loc["shop", ["acquisition_cost", "ratio", "payback_days"]].isna().all()
    assert finding_channels_pay(found).estimate.n == found.frame.loc[["friends", "search"], "customers"].sum()


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_missing_columns_and_too_little_data_are_said(tmp_path):
    with pytest.raises(MissingData, match="customers"):
        acquisition_value(_open(tmp_path / "bare", {"transactions": transactions()}), model=NBD())
    people = pd.DataFrame({"customer_id": ["anna"], "acquisition_channel": ["web"], "acquisition_cost": [3.0]})
    single = {"transactions": transactions([("o1", "anna", "2025-01-01", 9.0)]), "customers": people}
    with pytest.raises(TooLittleData, match="repeat purchase"):
        acquisition_value(_open(tmp_path / "one", single), model=NBD())


@pytest.mark.parametrize(
    ("scale", "verdict", "words"),
    [
        (1.0, Verdict.SUPPORTED, "Every channel pays"),
        (120.0, Verdict.NOT_SUPPORTED, "customers from shop"),
        (66.0, Verdict.UNDECIDED, "no more money into shop"),
    ],
)
def test_finding_on_channels_is_about_the_worst_of_them(tables, tmp_path, scale, verdict, words):
    people = tables["customers"]
    dear = people["acquisition_cost"] * np.where(people["acquisition_channel"] == "shop", scale, 0.1)
    company = _open(tmp_path / "dear", _without(tables, customers=people.assign(acquisition_cost=dear)))
    found = acquisition_value(company, model=NBD())
    finding = finding_channels_pay(found)
    assert finding.verdict is verdict
    assert words in finding.decision
    worst = found.frame["ratio"].idxmin()
    row = found.frame.loc[worst]
    assert finding.estimate.value == pytest.approx(row["ratio"])
    assert finding.estimate.low <= row["ratio_low"]
    stake = (row["clv"] - row["acquisition_cost"]) * found.won_last_year[worst]
    # The mean of draws of the cost scatters about the mean of the costs.
    spent = row["acquisition_cost"] * found.won_last_year[worst]
    assert finding.money_at_stake.value == pytest.approx(stake, abs=0.01 * spent)


def test_limits_are_values_of_new_and_of_present_customers_and_never_below_nothing(shop, found, tables, tmp_path):
    value = customer_value(shop, model=NBD(), annual_rate=RATE, draws=100)
    limits = spending_limits(value, found)
    assert list(limits.index) == ["friends", "search", "shop", ALL]
    np.testing.assert_allclose(limits["win"].drop(ALL), found.frame["clv"])
    # Nobody leaves in the NBD model: all are alive, and who leaves takes the mean current value along.
    np.testing.assert_allclose(limits["keep"].drop(ALL), value.frame["current"].groupby(found.channels).mean())
    assert limits.loc[ALL, "keep"] == pytest.approx(value.frame["current"].mean())
    weights = found.frame["customers"] / found.frame["customers"].sum()
    assert limits.loc[ALL, "win"] == pytest.approx(found.frame["clv"] @ weights)
    with pytest.raises(ValueError, match="same yearly rate"):
        spending_limits(customer_value(shop, model=NBD(), annual_rate=0.2, draws=100), found)
    lines = tables["transactions"].assign(cost=tables["transactions"]["revenue"] * 1.2)
    losing = _open(tmp_path / "loss", _without(tables, transactions=lines))
    lost = acquisition_value(losing, model=NBD(), annual_rate=RATE)
    assert (lost.frame["clv"] < 0).all()
    assert (lost.frame["highest_bid"] == 0).all()
    value = customer_value(losing, model=NBD(), annual_rate=RATE, draws=100)
    assert (spending_limits(value, lost).drop(columns="customers").to_numpy() == 0).all()


# Payback

TIMES = 30 * 365.25 / 7 * np.linspace(0, 1, 300) ** 2


def test_the_first_purchase_may_cover_the_cost_and_losses_never_do():
    bought = np.repeat(TIMES[None, :] * 0.1, 5, axis=0)
    first, later = np.array([10.0, 10.0, 1.0, -5.0, 1.0]), np.array([1.0, -1.0, 0.0, -1.0, 1.0])
    found = payback(first, later, bought, np.array([10.0, 9.0, 2.0, 0.0, np.nan]), TIMES)
    np.testing.assert_array_equal(found, [0.0, 0.0, np.inf, np.inf, np.nan])
    assert payback(first[:1], later[:1], bought[:1], np.array([14.0]), TIMES)[0] == pytest.approx(40)


# What keeping costs

LINES = [
    ("o1", "old", "2024-06-01", 20.0), ("o2", "old", "2025-06-01", 20.0), ("o3", "gone", "2024-07-01", 20.0),
    ("o4", "loyal", "2024-08-01", 20.0), ("o5", "loyal", "2025-12-01", 20.0), ("o6", "new", "2025-09-01", 20.0),
    ("o7", "newer", "2025-10-01", 20.0),
]  # fmt: skip
PEOPLE = pd.DataFrame(
    {"customer_id": ["old", "gone", "loyal", "new", "newer"], "acquisition_cost": [99.0, 99.0, 99.0, 10.0, 30.0]}
)
CONTACTS = pd.DataFrame(
    {
        "interaction_id": ["i1", "i2", "i3", "i4"], "customer_id": ["old", "gone", "new", "loyal"],
        "occurred_at": ["2025-05-01", "2025-05-02", "2025-10-01", "2024-09-01"], "cost": [3.0, 2.0, 50.0, 70.0],
    }
)  # fmt: skip
CAMPAIGNS = pd.DataFrame(
    {
        "campaign_id": ["k1", "k2", "k3"], "started_at": ["2025-03-01", "2025-03-01", "2024-03-01"],
        "goal": ["keep", "win", "keep"], "fixed_cost": [4.0, 500.0, 900.0],
    }
)  # fmt: skip
ASSIGNMENTS = pd.DataFrame(
    {
        "campaign_id": ["k1", "k2", "k3"], "customer_id": ["loyal"] * 3, "arm": ["email"] * 3,
        "assigned_at": ["2025-03-01", "2025-03-01", "2024-03-01"], "cost": [1.0, 600.0, 700.0],
    }
)  # fmt: skip


def _keeping(folder, **tables):
    tables = {"transactions": transactions(LINES), "customers": PEOPLE, **tables}
    return Company.open(write_company(folder / "shop", tables, as_of="2025-12-31"))


def test_keeping_is_what_was_spent_on_earlier_customers_per_customer_kept(tmp_path):
    costs = retention_costs(_keeping(tmp_path, interactions=CONTACTS, campaigns=CAMPAIGNS, assignments=ASSIGNMENTS))
    # Contacts 3 + 2 of the year with earlier customers, 1 for the mail, 4 fixed; old and loyal bought again.
    assert costs.parts == {"contacts": 5.0, "campaigns": 1.0, "fixed": 4.0}
    assert (costs.keeping.value, costs.winning.value) == pytest.approx((10 / 2, (10 + 30) / 2))
    assert costs.ratio.low < costs.ratio.value < costs.ratio.high
    assert costs.ratio.value == pytest.approx(0.25)


def test_costs_by_channel_are_those_of_its_customers_alone(tmp_path):
    people = pd.DataFrame({"customer_id": [f"{c}{k}{n}" for c in "xy" for k in ("old", "new") for n in range(50)]})
    people["acquisition_channel"] = people["customer_id"].str[0]
    people["acquisition_cost"] = np.where(people["acquisition_channel"] == "x", 10.0, 2.0)
    old = people["customer_id"].str[1:4] == "old"
    lines = [(f"o{day}{c}", c, day, 5.0) for c in people["customer_id"] for day in ("2024-02-01", "2025-06-01")
             if day > "2025" or c[1:4] == "old"]  # fmt: skip
    contacts = people[old][["customer_id"]].assign(
        interaction_id=lambda rows: rows["customer_id"], occurred_at="2025-05-01",
        cost=np.where(people.loc[old, "acquisition_channel"] == "x", 3.0, 1.0),
    )  # fmt: skip
    found = retention_costs(
        _keeping(tmp_path, transactions=transactions(lines), interactions=contacts, customers=people)
    )
    told = found.channels.map(lambda each: each.value)
    assert told.loc["x"].tolist() == pytest.approx([3.0, 10.0, 0.3])
    assert told.loc["y"].tolist() == pytest.approx([1.0, 2.0, 0.5])
    assert (found.keeping.value, found.winning.value) == pytest.approx((2.0, 6.0))


def test_what_is_missing_to_compare_costs_is_named(tmp_path):
    with pytest.raises(MissingData, match="cost of table 'interactions'"):
        retention_costs(_keeping(tmp_path / "a"))
    with pytest.raises(MissingData, match="acquisition_cost"):
        retention_costs(_keeping(tmp_path / "b", interactions=CONTACTS, customers=PEOPLE[["customer_id"]]))
    with pytest.raises(TooLittleData, match="in the year up to 31 Dec 2025"):
        retention_costs(_keeping(tmp_path / "c", interactions=CONTACTS, customers=PEOPLE.head(3)))


@pytest.mark.parametrize(
    ("cost", "verdict", "words"),
    [
        (1.5, Verdict.SUPPORTED, "keeping customers first"),
        (5.0, Verdict.NOT_SUPPORTED, "Keeping costs more"),
        (0.3, Verdict.NOT_SUPPORTED, "Keeping costs less"),
        (2.0, Verdict.UNDECIDED, "Do not plan on the exact ratio"),
    ],
)
def test_finding_on_keeping_holds_between_a_tenth_and_a_fifth(tmp_path, cost, verdict, words):
    """Half of the customers are kept and half are new; winning costs 10 and a contact `cost`."""
    rng = np.random.default_rng(1)
    names = [f"c{number}" for number in range(400)]
    old = names[:200]
    rows = [(f"a{name}", name, "2024-06-01", 20.0) for name in old]
    rows += [(f"b{name}", name, "2025-06-01", 20.0) for name in names]
    contacts = pd.DataFrame({"interaction_id": old, "customer_id": old, "occurred_at": "2025-07-01"})
    contacts["cost"] = rng.gamma(4, cost / 4, len(old)).round(2)
    people = pd.DataFrame({"customer_id": names, "acquisition_cost": rng.gamma(4, 2.5, 400).round(2)})
    costs = retention_costs(
        _keeping(tmp_path, transactions=transactions(rows), customers=people, interactions=contacts)
    )
    squares = [(part.sem() / part.mean()) ** 2 for part in (contacts["cost"], people["acquisition_cost"][200:])]
    half = (costs.ratio.high - costs.ratio.low) / 2
    assert half / 1.96 == pytest.approx(costs.ratio.value * np.sqrt(sum(squares)), rel=0.1)
    finding = finding_keeping_costs(costs)
    assert finding.verdict is verdict
    assert words in finding.decision
    assert finding.money_at_stake.value == pytest.approx(sum(costs.parts.values()))
