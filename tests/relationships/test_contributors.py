"""Contributing customers: compared with others like them, and nobody counted twice."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from crm_lib.company import Company
from crm_lib.errors import MissingData, TooLittleData
from crm_lib.finding import Verdict
from crm_lib.relationships import contributors, finding_contributors, influence
from crm_lib.relationships.alike import nearest_others
from tests.companies import transactions, write_company


def company_tables(customers=1500, effect=1.0, seed=1):
    """Return a company whose frequent buyers review more often; reviewers' later orders are `effect` times as large."""
    rng = np.random.default_rng(seed)
    names = np.array([f"c{number:04d}" for number in range(customers)])
    who = np.repeat(np.arange(customers), rng.poisson(rng.gamma(1.0, 6.0, customers)) + 1)
    moment = pd.Timestamp("2025-01-01") + pd.to_timedelta(rng.integers(0, 545, len(who)), unit="D")
    reviewer = rng.random(customers) < 0.15
    revenue = rng.gamma(4.0, 10.0, len(who))
    revenue[reviewer[who] & (moment > pd.Timestamp("2025-12-31"))] *= effect
    orders = [f"o{n}" for n in range(len(who))]
    lines = pd.DataFrame({"order_id": orders, "customer_id": names[who], "ordered_at": moment, "revenue": revenue})
    written = reviewer[who] & (rng.random(len(who)) < 0.4)
    reviews = pd.DataFrame(
        {"customer_id": names[who[written]], "occurred_at": moment[written] + pd.Timedelta(days=2), "kind": "review"}
    )
    first = lines.groupby("customer_id")["ordered_at"].min().reindex(names)
    brought = np.where(rng.random(customers) < 0.2, names[rng.integers(0, customers, customers)], None)
    people = pd.DataFrame({"customer_id": names, "acquired_at": first.to_numpy(), "referred_by": brought})
    return {"transactions": lines, "interactions": reviews[reviews["occurred_at"] <= "2026-06-30"], "customers": people}


def opened(folder, tables):
    return Company.open(write_company(folder, tables, how="parquet", as_of="2026-06-30"))


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    return opened(tmp_path_factory.mktemp("data") / "shop", company_tables())


def test_frequent_buyers_flatter_contributors_and_those_like_them_do_not(shop):
    found = contributors(shop)
    row = found.roles.loc["any"]
    assert row["times_all"] > 1.3
    assert row["times_alike"].low <= 1 <= row["times_alike"].high
    assert not found.roles["holds"].any()
    assert finding_contributors(found).verdict is Verdict.UNDECIDED


def test_a_true_effect_is_found(tmp_path):
    tables = company_tables(effect=1.8)
    tables.pop("customers")
    found = contributors(opened(tmp_path / "shop", tables))
    assert found.roles.index.tolist() == ["any", "reviews"]
    assert found.roles.loc["reviews", "holds"]
    assert finding_contributors(found).verdict is Verdict.SUPPORTED


def test_without_records_or_with_very_few_nothing_is_compared(tmp_path):
    plain = Company.open(write_company(tmp_path / "plain", {"transactions": transactions()}, as_of="2025-03-31"))
    with pytest.raises(MissingData, match="referred_by"):
        influence(plain)
    tables = company_tables(60)
    tables.pop("customers")
    with pytest.raises(TooLittleData, match="had contributed by"):
        contributors(opened(tmp_path / "few", {**tables, "interactions": tables["interactions"].head(3)}))


def test_influence_counts_nobody_twice_and_leaves_out_what_cannot_be(tmp_path):
    people = pd.DataFrame(
        [
            ("ann", "2025-01-01", None), ("ben", "2025-02-01", "ann"), ("cleo", "2025-03-01", "ben"),
            ("dan", "2025-03-01", "ann"), ("eve", "2025-01-01", "cleo"), ("fay", "2025-01-01", "fay"),
            ("gus", "2025-01-01", "nobody"),
        ],
        columns=["customer_id", "acquired_at", "referred_by"],
    )  # fmt: skip
    rows = [(f"o{n}", name, "2026-01-01", 10.0 * 2**n) for n, name in enumerate(people["customer_id"])]
    found = influence(opened(tmp_path / "shop", {"transactions": transactions(rows), "customers": people}))
    # Eve was won before Cleo; Fay cannot bring herself, and nobody knows "nobody".
    assert found.frame.sort_index()["won"].to_dict() == {"ann": 2, "ben": 1}
    assert found.frame.loc["ann"].tolist() == [10.0, 2, 20.0 + 80.0, 110.0]
    parts = found.totals["value"]
    assert parts.tolist() == [10.0 + 20.0, 40.0 + 80.0, 150.0, 1270.0]
    assert found.totals["customers"].tolist() == [2, 2, 4, 7]
    assert found.totals["value_share"].iloc[-1] == 1


def test_others_of_equal_history_are_all_taken_in():
    others = pd.DataFrame({"x": [0.0] * 12 + [1.0] * 15})
    alike = nearest_others(pd.DataFrame({"x": [0.1, 0.9]}), others, pd.Series(np.arange(27.0)))
    assert (alike.weights > 0).sum(axis=1).tolist() == [12, 15]
    assert alike.expected.tolist() == pytest.approx([np.arange(12).mean(), np.arange(12, 27).mean()])
    assert alike.variance.tolist() == pytest.approx([np.arange(12).var(ddof=1), np.arange(12, 27).var(ddof=1)])
    with pytest.raises(ValueError, match="fewer than the 10"):
        nearest_others(others, others.head(9), pd.Series(np.ones(9)))


def test_the_order_of_rows_does_not_matter():
    rng = np.random.default_rng(4)
    others = pd.DataFrame({"x": rng.integers(0, 6, 300).astype(float), "z": rng.integers(0, 6, 300).astype(float)})
    outcome = pd.Series(rng.integers(0, 100, 300).astype(float))
    members = pd.DataFrame({"x": rng.normal(3, 1, 40), "z": rng.normal(3, 1, 40)})
    mixed = rng.permutation(300)
    first = nearest_others(members, others, outcome)
    again = nearest_others(members[::-1], others.iloc[mixed], outcome.iloc[mixed])
    pd.testing.assert_series_equal(first.expected, again.expected[::-1])
    y = pd.Series(rng.gamma(2, 20, 40))
    assert first.ratio(y)[0].high == pytest.approx(again.ratio(y)[0].high)


def coverage(runs, *, effect, seed):
    """Return how often the interval holds the truth: who bought often is taken as a member more often."""
    rng = np.random.default_rng(seed)
    hits = 0
    for _ in range(runs):
        history = rng.gamma(0.8, 6.0, 2500)
        member = rng.random(2500) < 0.02 + 0.15 * history / (history + 6)
        spread = rng.lognormal(-0.5, 1.0, 2500)  # a few bring a multiple of what their history tells
        outcome = (5 + 4 * history) * spread * np.where(member, effect, 1.0)
        x, y = pd.DataFrame({"x": np.log1p(history)}), pd.Series(outcome)
        ratio, _ = nearest_others(x[member], x[~member], y[~member]).ratio(y[member])
        hits += ratio.low <= effect <= ratio.high
    return hits / runs


@pytest.mark.parametrize("effect", [1.0, 1.4])
def test_intervals_cover_the_truth_where_many_more_members_buy_often(effect):
    # 100 runs: 95% less four standard errors and what skewness takes.
    assert coverage(100, effect=effect, seed=3) >= 0.86


@pytest.mark.validate
@pytest.mark.parametrize("effect", [0.7, 1.0, 1.4])
def test_intervals_cover_the_truth_in_many_simulations(effect):
    assert 0.92 <= coverage(3000, effect=effect, seed=11) <= 0.975
