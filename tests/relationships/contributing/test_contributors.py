"""Contributing customers: counted from the tables, compared with others like them, and nobody counted twice."""

from __future__ import annotations

import dataclasses
import datetime as dt

import numpy as np
import pandas as pd
import pytest

from crm_lib.company import Company
from crm_lib.errors import MissingData, TooLittleData
from crm_lib.finding import Verdict
from crm_lib.relationships import contributions, contributors, finding_contributors, influence
from tests.companies import write_company

AS_OF = dt.date(2026, 6, 30)


def company_tables(customers=1500, effect=1.0, seed=1):
    """Return a company whose frequent buyers review more often; reviewers' later orders are `effect` times as large."""
    rng = np.random.default_rng(seed)
    names = np.array([f"c{number:04d}" for number in range(customers)])
    rate = rng.gamma(1.0, 6.0, customers)
    who = np.repeat(np.arange(customers), rng.poisson(rate) + 1)
    moment = pd.Timestamp("2025-01-01") + pd.to_timedelta(rng.integers(0, 545, len(who)), unit="D")
    reviewer = rng.random(customers) < 0.15
    revenue = rng.gamma(4.0, 10.0, len(who))
    later = moment > pd.Timestamp("2026-01-01")
    revenue[reviewer[who] & later] *= effect
    lines = pd.DataFrame(
        {"order_id": [f"o{n}" for n in range(len(who))], "customer_id": names[who], "ordered_at": moment,
         "revenue": revenue.round(2)}
    )  # fmt: skip
    written = reviewer[who] & (rng.random(len(who)) < 0.4)
    reviews = pd.DataFrame(
        {"customer_id": names[who[written]], "occurred_at": moment[written] + pd.Timedelta(days=2), "kind": "review"}
    )
    first = lines.groupby("customer_id")["ordered_at"].min().reindex(names)
    brought = rng.random(customers) < 0.2
    people = pd.DataFrame({"customer_id": names, "acquired_at": first.to_numpy()})
    people["referred_by"] = np.where(brought, names[rng.integers(0, customers, customers)], None)
    return {"transactions": lines, "interactions": reviews[reviews["occurred_at"] <= "2026-06-30"], "customers": people}


def opened(folder, tables):
    return Company.open(write_company(folder, tables, how="parquet", as_of="2026-06-30"))


@pytest.fixture(scope="module")
def tables():
    return company_tables()


@pytest.fixture(scope="module")
def shop(tables, tmp_path_factory):
    return opened(tmp_path_factory.mktemp("data") / "shop", tables)


def test_contributions_are_those_made_by_the_day(shop, tables):
    day = dt.date(2025, 9, 30)
    made = contributions(shop, until=day)
    reviews = tables["interactions"]
    counted = reviews[reviews["occurred_at"] < "2025-10-01"].groupby("customer_id").size()
    assert made.loc[made["reviews"] > 0, "reviews"].to_dict() == counted.to_dict()
    people = tables["customers"].set_index("customer_id")
    by = people[(people["acquired_at"] <= pd.Timestamp(day)) & people["referred_by"].notna()]
    # Nobody can be brought by somebody who came later.
    fits = by["referred_by"].map(people["acquired_at"]) <= by["acquired_at"]
    fits &= by["referred_by"] != by.index
    assert made["referrals"].sum() == fits.sum()
    with pytest.raises(ValueError, match="after 2026-06-30"):
        contributions(shop, until=dt.date(2026, 7, 1))


def test_kinds_of_contributions_are_the_callers_choice(shop):
    none = contributions(shop, review_kinds=("letter",), idea_kinds=("review",))
    assert none["reviews"].sum() == 0
    assert none["ideas"].sum() == contributions(shop)["reviews"].sum()


def test_who_buys_more_reviews_more_but_goes_on_like_others_of_the_same_history(shop):
    found = contributors(shop)
    reviewing = found.roles.loc["reviews"]
    assert reviewing["raw"] > 1.25  # reviewers are found among those who order often
    assert reviewing["ratio"].low < 1 < reviewing["ratio"].high
    assert not found.roles["holds"].any()
    assert finding_contributors(found, currency="GBP").verdict is not Verdict.SUPPORTED


def test_a_planted_difference_is_recovered(tmp_path):
    shop = opened(tmp_path / "better", company_tables(effect=1.6, seed=2))
    ratio = contributors(shop).roles.loc["reviews", "ratio"]
    assert ratio.low > 1
    assert ratio.low <= 1.6 <= ratio.high


def test_only_ways_of_contributing_that_somebody_took_are_named(shop):
    found = contributors(shop)
    none = found.frame.assign(reviews=0, referrals=0, ideas=0)
    names = {"reviews": "reviewed", "referrals": "recommended", "ideas": "helped to develop"}
    for roles, words in [
        (["reviews"], "had reviewed by"),
        (["reviews", "ideas"], "had reviewed or helped to develop by"),
        (list(names), "had reviewed, recommended or helped to develop by"),
    ]:
        some = dataclasses.replace(found, frame=none.assign(**dict.fromkeys(roles, 1)))
        assert words in finding_contributors(some, currency="GBP").text


def test_the_outcome_is_what_came_after_the_day(shop, tables):
    found = contributors(shop, outcome_days=100)
    assert found.day == dt.date(2026, 3, 22)
    after = tables["transactions"].query("ordered_at >= '2026-03-23'").groupby("customer_id")["revenue"].sum()
    pd.testing.assert_series_equal(
        found.frame["later"], after.reindex(found.frame.index).fillna(0.0), check_names=False
    )
    known = tables["transactions"].query("ordered_at < '2026-03-23'")["customer_id"]
    assert set(found.frame.index) == set(known)


def test_totals_count_everybody_once(shop, tables):
    value = tables["transactions"].groupby("customer_id")["revenue"].sum()
    found = influence(shop, value)
    frame = found.frame
    brought = frame.index[~frame["contributes"] & frame.index.isin(shop_referred(tables))]
    assert found.totals["all"] == pytest.approx(value.sum())
    assert found.totals["brought"] == pytest.approx(value[brought].sum())
    assert found.totals["together"] == pytest.approx(
        value[brought].sum() + value[frame.index[frame["contributes"]]].sum()
    )
    assert found.totals["together"] <= found.totals["all"]
    assert frame["credited"].sum() == pytest.approx(value.sum())
    with pytest.raises(ValueError, match="two values"):
        influence(shop, pd.concat([value, value]))


def shop_referred(tables):
    people = tables["customers"].set_index("customer_id")
    named = people[people["referred_by"].notna() & (people["referred_by"] != people.index)]
    return named.index[(named["referred_by"].map(people["acquired_at"]) <= named["acquired_at"]).to_numpy()]


def test_without_records_of_contributions_the_analysis_is_left_out(tables, tmp_path):
    bare = opened(tmp_path / "bare", {"transactions": tables["transactions"]})
    with pytest.raises(MissingData, match="referred_by"):
        contributors(bare)
    with pytest.raises(MissingData, match="customers"):
        influence(bare, pd.Series({"c0001": 1.0}))
    few = tables | {"interactions": tables["interactions"].head(3), "customers": tables["customers"][["customer_id"]]}
    with pytest.raises(TooLittleData, match="too few"):
        contributors(opened(tmp_path / "few", few))


def test_order_of_rows_and_names_do_not_matter(shop, tables, tmp_path):
    rng = np.random.default_rng(3)
    names = tables["customers"]["customer_id"]
    new = dict(zip(names, rng.permutation([f"名{number}" for number in range(len(names))]), strict=True))
    changed = {}
    for name, frame in tables.items():
        mixed = frame.iloc[rng.permutation(len(frame))]
        columns = [column for column in ("customer_id", "referred_by") if column in mixed]
        changed[name] = mixed.assign(**{column: mixed[column].map(new) for column in columns})
    again = contributors(opened(tmp_path / "renamed", changed))
    before = contributors(shop)
    assert [str(each) for each in again.roles["ratio"]] == [str(each) for each in before.roles["ratio"]]
    np.testing.assert_allclose(again.roles["raw"], before.roles["raw"])


@pytest.mark.validate
def test_on_the_demo_contributors_are_better_by_their_history_and_not_beyond_it():
    demo = Company.open("demo")
    found = contributors(demo, outcome_days=180)
    truth = (
        pd.read_parquet(demo.folder / "truth" / "customers.parquet").set_index("customer_id").reindex(found.frame.index)
    )
    # True contributors are known to review; nobody else does.
    assert truth["contributor"][found.frame["reviews"] > 0].all()
    left = pd.to_datetime(truth["left_at"])
    there = left.isna() | (left > pd.Timestamp(found.day))
    weeks = found.days / 7
    expected = np.where(
        there, truth["lambda"] * truth["order_margin"] * (1 - np.exp(-truth["mu"] * weeks)) / truth["mu"], 0.0
    )
    who = found.frame["contributes"]
    # What truth expects of contributors, over what it expects of all others.
    assert found.roles.loc["any", "raw"] == pytest.approx(expected[who].mean() / expected[~who].mean(), rel=0.25)
    # In the simulation contributing changes nothing: beside others of the same history there is no difference.
    assert found.roles.loc["any", "ratio"].low < 1 < found.roles.loc["any", "ratio"].high
