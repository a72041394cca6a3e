"""Prospects: chances and values recovered, the procedure replayed, and a ranking that keeps to its budget."""

from __future__ import annotations

import dataclasses
import datetime as dt

import numpy as np
import pandas as pd
import pytest

from crm_lib.company import Company
from crm_lib.errors import MissingData, TooLittleData
from crm_lib.finding import Verdict
from crm_lib.relationships import (
    ProspectData,
    ProspectModel,
    finding_prospects,
    prospect_data,
    rank_prospects,
    replay_prospects,
)
from crm_lib.relationships.prospect_model import CONVERSION_DAYS
from crm_lib.relationships.prospect_replay import ratio_of_sums
from tests.companies import transactions, write_company

AS_OF = dt.date(2026, 6, 30)
CHANNELS = {"fair": (0.0, 0.4), "search": (0.5, 0.0), "social": (-0.8, -0.5), "letter": (0.3, -0.2)}
"""Effects on the logarithms of the rate of conversion and of the value."""
GROUPS = {"firm": 0.9, "family": 0.0, "student": -0.4}


def draw_people(rng, n, *, alike=False):
    """Return attributes and the true rate of conversion a day and value."""
    channel = rng.choice(list(CHANNELS), n, p=[0.3, 0.4, 0.27, 0.03])
    group = rng.choice(list(GROUPS), n, p=[0.15, 0.6, 0.25])
    effects = np.array([CHANNELS[name] for name in channel]) * (not alike)
    by_group = np.array([GROUPS[name] for name in group]) * (not alike)
    frame = pd.DataFrame({"acquisition_channel": channel, "customer_group": group, "size": rng.normal(50, 10, n)})
    return frame, 0.01 * np.exp(effects[:, 0]), 60 * np.exp(effects[:, 1] + by_group)


def simulated_data(seed, *, n=1500, alike=False):
    """Return past cases and, for the prospects, the true rate of conversion a day and value if won."""
    rng = np.random.default_rng(seed)
    won, _, value = draw_people(rng, n, alike=alike)
    begin = pd.Timestamp(AS_OF) - pd.Timedelta(days=900)
    won = won.assign(started=begin + pd.to_timedelta(np.sort(rng.integers(0, 700, n)), unit="D"))
    won = won.assign(value=rng.gamma(0.5, value / 0.5))
    known, rate, worth = draw_people(rng, n, alike=alike)
    age, day = rng.integers(1, 250, n), rng.exponential(1 / rate)
    known = known.assign(
        seen=pd.Timestamp(AS_OF) - pd.to_timedelta(age - 1, unit="D"), converted=day <= age,
        waited=np.where(day <= age, np.ceil(day), age), cost=rng.uniform(1, 20, n),
    )  # fmt: skip
    known.index = pd.Index([f"q{number:05d}" for number in range(n)], name="prospect_id")
    data = ProspectData(
        customers=won, prospects=known, attributes=("acquisition_channel", "customer_group", "size"), horizon_days=180,
        as_of=AS_OF, value_kind="margin", currency="GBP",
    )  # fmt: skip
    return data, pd.DataFrame({"rate": rate, "value": worth}, index=known.index)


def prospect_tables(seed=3, *, n=2600, alike=False):
    """Return the tables of a company: prospects over 900 days, those who were won, other customers and their orders."""
    rng = np.random.default_rng(seed)
    people, rate, value = draw_people(rng, n, alike=alike)
    seen, other = rng.integers(0, 900, n), rng.random(n) < 0.3
    delay = np.where(other, 0.0, np.ceil(rng.exponential(1 / (2 * rate))))
    day = seen + delay
    # Whoever would take longer than this never buys.
    won = (other | (delay <= 60)) & (day < 900)
    start, number = pd.Timestamp(AS_OF) - pd.Timedelta(days=899), np.arange(n)
    names = np.array([f"c{i:05d}" for i in number])
    people["acquisition_cost"] = np.round(rng.uniform(1, 20, n), 2)
    prospects = people.assign(
        prospect_id=[f"q{i:05d}" for i in number], first_seen_at=start + pd.to_timedelta(seen, unit="D"),
        customer_id=np.where(won, names, None),
        converted_at=(start + pd.to_timedelta(day, unit="D")).where(pd.Series(won)),
    )[~other]  # fmt: skip
    customers = people.assign(customer_id=names, acquired_at=start + pd.to_timedelta(day, unit="D"))[won]
    orders = 1 + rng.poisson(1.5, n)
    who = np.repeat(number[won], orders[won])
    late = np.where(np.append(True, who[1:] != who[:-1]), 0, rng.integers(1, 300, len(who)))
    when = day[who] + late
    lines = pd.DataFrame(
        {
            "order_id": [f"o{i}" for i in range(len(who))], "customer_id": names[who],
            "ordered_at": start + pd.to_timedelta(when, unit="D") + pd.Timedelta(hours=10),
            "revenue": np.round(rng.gamma(1.0, value[who]), 2), "cost": 0.0,
        }
    )[when < 900]  # fmt: skip
    return {"transactions": lines, "customers": customers, "prospects": prospects}


@pytest.fixture(scope="module")
def data():
    return simulated_data(1)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write_company(tmp_path_factory.mktemp("p") / "shop", prospect_tables(), how="parquet", as_of="2026-06-30")


@pytest.fixture(scope="module")
def shop(folder):
    return Company.open(folder)


@pytest.fixture(scope="module")
def replay(shop):
    return replay_prospects(shop, prospect_data(shop), seed=4)


def test_chances_and_values_are_recovered(data):
    known, truth = data
    found = ProspectModel().fit(known).predict(known.live)
    true = truth.loc[found.index]
    chance = -np.expm1(-true["rate"] * CONVERSION_DAYS)
    assert found["chance"].corr(chance, method="spearman") > 0.85
    assert found["value"].corr(true["value"], method="spearman") > 0.9
    assert found["chance"].mean() == pytest.approx(chance.mean(), rel=0.1)
    assert found["value"].mean() == pytest.approx(true["value"].mean(), rel=0.12)
    assert (found["net"] + found["cost"]).tolist() == pytest.approx((found["chance"] * found["value"]).tolist())


def test_where_all_are_alike_differences_are_drawn_in():
    known, _ = simulated_data(2, alike=True)
    found = ProspectModel().fit(known).predict(known.live)
    assert found["value"].std() / found["value"].mean() < 0.2


@pytest.mark.parametrize("unit", [1e-6, 1e6])
def test_the_unit_of_money_does_not_matter(data, unit):
    known, _ = data
    scaled = dataclasses.replace(known, customers=known.customers.assign(value=known.customers["value"] * unit))
    usual, other = (ProspectModel().fit(each).predict(known.live) for each in (known, scaled))
    np.testing.assert_allclose(other["value"], usual["value"] * unit, rtol=1e-6)
    np.testing.assert_allclose(other["chance"], usual["chance"], rtol=1e-9)


def test_a_category_never_seen_counts_as_the_mean_and_is_marked(data):
    known, _ = data
    odd = known.live.head(3).assign(acquisition_channel=["fair", "moon", None], size=[50.0, np.nan, 50.0])
    found = ProspectModel().fit(known).predict(odd)
    assert found["alike"].iloc[0] > 100
    assert found["alike"].iloc[1:].tolist() == [0, 0]
    assert np.isfinite(found["net"]).all()


def test_only_what_was_known_on_the_day_is_learned_from(shop, folder):
    day = dt.date(2025, 9, 30)
    then, later = prospect_data(Company.open(folder, as_of=day)), prospect_data(shop, ending=day)
    pd.testing.assert_frame_equal(later.customers, then.customers)
    pd.testing.assert_frame_equal(later.prospects, then.prospects)
    assert later.prospects["converted"].sum() < prospect_data(shop).prospects["converted"].sum()


def test_the_replay_finds_the_best_prospects_and_the_total(replay):
    table = replay.table()
    assert table.loc["model", "lift"].low > 1.2
    assert table.loc["model", "lift"].value >= table.loc["newest", "lift"].value
    assert table.loc["chance", "lift"].value == 1
    kept = replay.kept(1.0)
    assert kept.low <= 1 <= kept.high
    groups = replay.groups()
    assert groups["prospects"].sum() == len(replay.frame)
    assert groups["told"].is_monotonic_increasing
    assert finding_prospects(replay).verdict in {Verdict.SUPPORTED, Verdict.UNDECIDED}


def test_the_best_share_is_kept_day_by_day_and_ties_share_the_edge(replay):
    weights = replay.best("model", 0.2)
    by_day = weights.groupby(replay.frame["day"]).agg(["sum", "size"])
    np.testing.assert_allclose(by_day["sum"], 0.2 * by_day["size"])
    ties = dataclasses.replace(replay, frame=replay.frame.assign(model=1.0))
    np.testing.assert_allclose(ties.best("model", 0.2), 0.2)
    by_cost = replay.best("model", 0.3, by_cost=True) * replay.frame["cost"]
    spent = by_cost.groupby(replay.frame["day"]).sum() / replay.frame.groupby("day")["cost"].sum()
    np.testing.assert_allclose(spent, 0.3)


def test_a_ranking_keeps_to_its_budget_and_chooses_the_best_for_their_cost(shop, replay):
    model = ProspectModel().fit(prospect_data(shop))
    free, tight = rank_prospects(model, replay), rank_prospects(model, replay, budget=50.0)
    assert (free.chosen["net"] > 0).all()
    assert 0 < tight.spent <= 50.0
    assert set(tight.chosen.index) < set(free.chosen.index)
    ratio = free.frame["gross"] / free.frame["cost"]
    assert ratio.is_monotonic_decreasing
    assert free.frame["rank"].tolist() == list(range(1, len(free.frame) + 1))
    assert free.principles["kept_to"].isin(["yes", "no", "open"]).all()
    gross, kept = free.chosen["gross"].sum(), replay.kept(free.spent / free.frame["cost"].sum())
    assert free.expected.value == pytest.approx(gross * kept.value - free.spent)
    with pytest.raises(ValueError, match="budget"):
        rank_prospects(model, replay, budget=-1.0)


def test_who_may_not_be_asked_or_has_no_known_cost_is_not_chosen(data, replay):
    known, _ = data
    n = len(known.prospects)
    asked = known.prospects.assign(contact_allowed=np.resize([True, None, False], n))
    found = rank_prospects(ProspectModel().fit(dataclasses.replace(known, prospects=asked)), replay)
    assert asked.loc[found.chosen.index, "contact_allowed"].eq(True).all()
    assert (found.frame["reason"] == "no contact").sum() > n / 20
    unknown = dataclasses.replace(known, prospects=known.prospects.assign(cost=np.nan))
    with pytest.raises(MissingData, match="acquisition_cost"):
        rank_prospects(ProspectModel().fit(unknown), replay)
    stale = dataclasses.replace(known, prospects=known.prospects.assign(waited=500.0))
    with pytest.raises(TooLittleData, match="last 90 days"):
        rank_prospects(ProspectModel().fit(stale), replay)


def test_names_are_no_attributes_and_numbers_are(tmp_path, shop):
    tables = prospect_tables()
    for name in ("customers", "prospects"):
        tables[name]["street"] = [f"{number} High Street" for number in range(len(tables[name]))]
    known = prospect_data(Company.open(write_company(tmp_path / "shop", tables, how="parquet", as_of="2026-06-30")))
    assert known.attributes == prospect_data(shop).attributes
    assert "size" in known.attributes  # of which there are more different values than streets may have


def test_a_company_without_prospects_or_with_few_is_told_so(tmp_path, shop):
    plain = Company.open(write_company(tmp_path / "plain", {"transactions": transactions()}, as_of="2025-03-31"))
    with pytest.raises(MissingData, match="prospects"):
        prospect_data(plain)
    with pytest.raises(TooLittleData, match="needs 100 customers"):
        prospect_data(shop, ending=dt.date(2024, 4, 1))
    with pytest.raises(ValueError, match="horizon_days"):
        prospect_data(shop, horizon_days=0)
    unlinked = {name: frame.drop(columns="customer_id") if name == "prospects" else frame
                for name, frame in prospect_tables().items()}  # fmt: skip
    other = Company.open(write_company(tmp_path / "unlinked", unlinked, how="parquet", as_of="2026-06-30"))
    with pytest.raises(MissingData, match="customer_id"):
        replay_prospects(other, prospect_data(other))


def test_intervals_of_ratios_cover_the_truth():
    rng = np.random.default_rng(7)
    hits = 0
    for run in range(100):
        whole = rng.gamma(2, 1, 120)
        part = whole * 3 * rng.gamma(1.5, 1 / 1.5, 120)
        ratio = ratio_of_sums(np.column_stack([part, whole]), seed=run)
        hits += ratio.low <= 3 <= ratio.high
    assert hits / 100 >= 0.87  # 95 % less four standard errors
    same = ratio_of_sums(np.column_stack([2 * whole, whole]))
    assert same.value == pytest.approx(2)
    assert np.isnan(ratio_of_sums(np.zeros((4, 2))).value)
