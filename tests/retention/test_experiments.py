"""Experiments: published bounds, power as designed, a draw that is even and repeats, looks that keep their promise."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from crm_lib.company import Company
from crm_lib.errors import TooLittleData
from crm_lib.finding import Verdict
from crm_lib.retention import (
    assign,
    day_by_day,
    design_experiment,
    false_alarm,
    finding_campaigns,
    group_effects,
    look_bounds,
    read_out,
)
from crm_lib.retention.arms import difference, ratio_difference, skewed_difference
from crm_lib.retention.design import _standardised
from crm_lib.retention.looks import day_band
from tests.companies import transactions, write_company

DAY = dt.date(2025, 6, 30)


def _rows(customers=400, *, seed=1):
    """Return a year and a half of purchases of customers who differ, and no other table."""
    rng = np.random.default_rng(seed)
    who = np.repeat(np.arange(customers), rng.poisson(rng.gamma(2, 4, customers)) + 1)
    days = rng.integers(0, 540, who.size)
    money = rng.lognormal(3, 1, who.size).round(2)
    return transactions([
        (f"o{n}", f"c{c:04}", str(DAY - dt.timedelta(days=int(d))), m)
        for n, (c, d, m) in enumerate(zip(who, days, money, strict=True))
    ])  # fmt: skip


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    folder = tmp_path_factory.mktemp("data") / "shop"
    return Company.open(write_company(folder, {"transactions": _rows()}, as_of=str(DAY)))


# Jennison & Turnbull (2000), Group Sequential Methods, tables 2.1 and 2.3: two-sided, alpha 0.05.
@pytest.mark.parametrize(
    ("looks", "pocock", "last"), [(2, 2.178, 1.977), (3, 2.289, 2.004), (5, 2.413, 2.040), (10, 2.555, 2.087)]
)
def test_bounds_are_the_published_ones(looks, pocock, last):
    assert look_bounds(looks, "Pocock")[0] == pytest.approx(pocock, abs=6e-4)
    bounds = look_bounds(looks, "O'Brien-Fleming")
    assert bounds[-1] == pytest.approx(last, abs=6e-4)
    assert bounds[0] == pytest.approx(last * np.sqrt(looks), abs=3e-3)


# Armitage, McPherson & Rowe (1969), table 2: repeated tests at the level of 5 %.
@pytest.mark.parametrize(
    ("looks", "chance"), [(1, 0.05), (2, 0.083), (5, 0.142), (10, 0.193), (50, 0.320), (100, 0.374)]
)
def test_peeking_raises_false_alarms_as_published(looks, chance):
    assert false_alarm([1.959964] * looks) == pytest.approx(chance, abs=6e-4)


def test_looks_of_customers_who_come_in_keep_the_level_and_peeking_does_not():
    rng, looks, each, trials = np.random.default_rng(2), 5, 200, 2000
    told = dict.fromkeys(["peeking", "Pocock", "O'Brien-Fleming"], 0)
    # Skewed money without any effect: the sum of normal arms would be no test.
    arms = rng.lognormal(0, 0.7, (2, trials, looks * each))
    n = each * np.arange(1, looks + 1)
    sums, squares = (np.cumsum(part, axis=2)[:, :, n - 1] for part in (arms, arms**2))
    spread = (squares - sums**2 / n) / (n - 1)
    z = np.abs(sums[0] - sums[1]) / n / np.sqrt(spread.sum(axis=0) / n)
    told["peeking"] = (z > 1.96).any(axis=1).mean()
    for rule in ("Pocock", "O'Brien-Fleming"):
        told[rule] = (z > look_bounds(looks, rule)).any(axis=1).mean()
    assert told["peeking"] > 0.115
    assert 0.035 < told["Pocock"] < 0.065
    assert 0.035 < told["O'Brien-Fleming"] < 0.065


def test_a_trial_of_the_designed_size_shows_the_effect_in_four_of_five_cases(shop):
    design = design_experiment(shop, effect=0.3)
    row, need = design.frame.loc[design.days], int(design.frame["for_value"][design.days])
    rng, seen, trials = np.random.default_rng(4), 0, 400
    # Money of the same share, mean and spread as the company's, told in part by the year before.
    size = row["mean"] / row["share"]
    shape = np.log(row["share"] * (row["spread"] ** 2 + row["mean"] ** 2) / row["mean"] ** 2) ** 0.5
    for _ in range(trials):
        bought = rng.random(2 * need) < row["share"]
        money = np.where(bought, size * rng.lognormal(-(shape**2) / 2, shape, 2 * need), 0.0)
        before = np.sqrt(row["explained"]) * money + np.sqrt(1 - row["explained"]) * rng.normal(
            0, row["spread"], 2 * need
        )
        arm = np.arange(2 * need) < need
        seen += difference(money + 0.3 * row["mean"] * arm, arm, before=before)[2] < 0.05
    assert 0.72 <= seen / trials <= 0.88
    assert design.curve()["power_value"].is_monotonic_increasing
    assert set(_standardised(row, 0.3)) == {"buyers", "value"}


def test_a_smaller_effect_needs_more_customers_and_what_there_are_show_a_larger_one(shop):
    small, large = (design_experiment(shop, effect=effect) for effect in (0.1, 0.2))
    assert small.frame["for_value"][small.days] == pytest.approx(4 * large.frame["for_value"][large.days], rel=0.01)
    assert small.detectable == pytest.approx(large.detectable, rel=0.01)
    with pytest.raises(ValueError, match="positive"):
        design_experiment(shop, effect=0.0)


def test_arms_are_even_in_each_fifth_and_the_draw_repeats_in_any_order(shop, tmp_path):
    drawn = assign(shop, campaign="n", arms=["control", "letter", "call"], days=42, seed=7)
    shuffled = Company.open(
        write_company(tmp_path / "shop", {"transactions": _rows().sample(frac=1, random_state=1)}, as_of=str(DAY))
    )
    pd.testing.assert_frame_equal(
        drawn, assign(shuffled, campaign="n", arms=["control", "letter", "call"], days=42, seed=7)
    )
    assert drawn["arm"].value_counts().agg(np.ptp) <= 1
    other = assign(shop, campaign="n", arms=["control", "letter", "call"], days=42, seed=8)
    assert (other["arm"] != drawn["arm"]).mean() > 0.5
    with pytest.raises(ValueError, match="control"):
        assign(shop, campaign="n", arms=["letter", "call"], days=42, seed=7)
    with pytest.raises(TooLittleData, match="customers who may be contacted"):
        assign(shop, campaign="n", arms=["control", *map(str, range(20))], days=42, seed=7)


def test_a_drawn_campaign_is_a_table_of_the_schema_and_is_read_out_when_it_is_over(shop, tmp_path):
    drawn = assign(shop, campaign="n", arms=["control", "letter"], days=42, seed=7)
    later = drawn.sample(frac=0.9, random_state=2)[["customer_id", "arm"]]
    bought = [
        (f"n{n}", row.customer_id, str(DAY + dt.timedelta(days=1 + n % 40)), 20.0 + 30.0 * (row.arm == "letter"))
        for n, row in enumerate(later.itertuples())
    ]
    people = pd.DataFrame({"customer_id": sorted(set(_rows()["customer_id"]))})
    people["region"] = np.where(np.arange(len(people)) % 2, "north", "south")
    people["contact_allowed"] = np.arange(len(people)) != 0
    tables = {"transactions": pd.concat([_rows(), transactions(bought)]), "assignments": drawn, "customers": people}
    folder = write_company(tmp_path / "later", tables, as_of=str(DAY + dt.timedelta(days=60)))
    after = Company.open(folder)
    found = read_out(after)
    value = found.frame.loc[("n", "letter"), "value"]
    assert value.low < 27 < value.high  # of ten customers nine bought 30 more
    assert finding_campaigns(found).verdict is Verdict.SUPPORTED
    groups = group_effects(after, found)
    assert (groups["q_value"] > 0.05).all()  # the letter works alike in both regions
    # Before it is over its customers are busy, and who refuses contact is never drawn.
    running = Company.open(folder, as_of=DAY + dt.timedelta(days=20))
    with pytest.raises(TooLittleData):
        assign(running, campaign="m", arms=["control", "letter"], days=10, seed=7)
    assert "c0000" not in set(assign(after, campaign="m", arms=["control", "letter"], days=10, seed=7)["customer_id"])


def test_one_group_that_alone_reacts_is_found_among_others_that_do_not(tmp_path):
    rng, n = np.random.default_rng(5), 3000
    people = pd.DataFrame({"customer_id": [f"c{i:04}" for i in range(n)], "region": rng.choice(list("abcdef"), n)})
    arm = np.where(rng.random(n) < 0.5, "letter", "control")
    money = rng.lognormal(3, 0.5, n) + 20 * ((arm == "letter") & (people["region"] == "c"))
    bought = [
        (f"o{i}", c, "2025-02-10", round(m, 2))
        for i, (c, m) in enumerate(zip(people["customer_id"], money, strict=True))
    ]
    drawn = people[["customer_id"]].assign(
        campaign_id="k", assigned_at="2025-02-01", arm=arm, randomised=True, outcome_from="2025-02-01",
        outcome_to="2025-03-01",
    )  # fmt: skip
    tables = {"transactions": transactions(bought), "customers": people, "assignments": drawn}
    company = Company.open(write_company(tmp_path / "k", tables, as_of="2025-03-31"))
    told = group_effects(company, read_out(company)).loc["k", "letter"]
    assert told["q_value"].idxmin() == ("region", "c")
    assert told["q_value"].min() < 1e-6
    # The others differ from the rest only as far as the rest holds the group that reacts.
    assert told["inside"]["region", "c"].low > 10


@pytest.mark.parametrize(
    ("small", "big", "more"),
    [(200, 2000, 1.0), (2000, 200, 1.0), (200, 2000, 1.5), (2000, 200, 1.5), (200, 2000, 0.5), (300, 300, 1.5)],
)
def test_money_of_few_buyers_is_covered_as_documented(small, big, more):
    rng, inside = np.random.default_rng(6), 0
    for _ in range(600):
        one, other = (
            np.where(rng.random(n) < 0.15, times * rng.lognormal(3, 1, n), 0.0)
            for n, times in ((small, more), (big, 1.0))
        )
        found, p = skewed_difference(one, other)
        inside += found.low <= (more - 1) * 0.15 * np.exp(3.5) <= found.high
        assert (p < 0.05) == (not found.low <= 0 <= found.high)
    assert inside / 600 >= 0.93


def test_the_interval_of_a_difference_has_the_unit_of_its_money_and_the_sign_of_its_arms():
    rng = np.random.default_rng(7)
    one, other = (np.where(rng.random(n) < 0.2, rng.lognormal(3, 1, n), 0.0) for n in (150, 1500))
    found, cents, turned = (
        skewed_difference(*arms)[0] for arms in ((one, other), (100 * one, 100 * other), (other, one))
    )
    assert (cents.low, cents.high) == pytest.approx((100 * found.low, 100 * found.high))
    assert (turned.low, turned.high) == pytest.approx((-found.high, -found.low))


def test_a_ratio_metric_is_covered_and_has_its_textbook_variance():
    rng, inside, trials = np.random.default_rng(8), 0, 400
    for _ in range(trials):
        arm = np.arange(1200) < 500
        orders = rng.poisson(rng.gamma(1, 1.5, 1200))
        money = orders * rng.lognormal(3, 0.4, 1200) * np.where(arm, 1.1, 1.0)
        found = ratio_difference(money, orders, arm)
        inside += found.low <= 0.1 * np.exp(3.08) <= found.high
    assert 0.92 <= inside / trials <= 0.98
    # Casella & Berger (2002), example 5.5.27: variance of a ratio of means, here summed over two arms.
    variance = 0.0
    for side in (arm, ~arm):
        cov, x, r = np.cov(money[side], orders[side]), orders[side].mean(), money[side].sum() / orders[side].sum()
        variance += (cov[0, 0] - 2 * r * cov[0, 1] + r**2 * cov[1, 1]) / x**2 / side.sum()
    assert (found.high - found.low) / 2 / 1.962 == pytest.approx(np.sqrt(variance), rel=2e-3)
    assert not np.isfinite(ratio_difference(money, np.where(arm, orders, 0), arm).low)


def test_days_of_a_campaign_keep_the_level_together_and_looking_at_each_does_not():
    rng, trials, days, told = np.random.default_rng(9), 200, 20, np.zeros(2)
    for trial in range(trials):
        # Some customers buy much on every day: days are alike.
        rate = rng.gamma(0.5, 0.2, 600)[:, None]
        money = rng.poisson(rate, (600, days)) * rng.lognormal(2, 0.5, (600, days))
        value, error, bound, alarm = day_band(sparse.csr_array(money[:300]), sparse.csr_array(money[300:]), seed=trial)
        z = np.abs(value / error)
        told += [(z > bound).any(), (z > 1.96).any()]
    assert 0.02 <= told[0] / trials <= 0.08
    assert told[1] / trials > 0.12
    assert told[1] / trials == pytest.approx(alarm, abs=0.07)


def test_the_last_day_of_a_daily_reading_is_the_plain_read_out(simulated_shop):
    found = read_out(simulated_shop)
    daily = day_by_day(simulated_shop, found)
    plain, last = found.frame["plain"][found.largest], daily.frame.iloc[-1]
    assert last["value"] - daily.cost == pytest.approx(plain.value)
    assert (last["alone_high"] - last["alone_low"]) == pytest.approx(plain.high - plain.low, rel=0.02)
    assert (daily.frame["high"] >= daily.frame["alone_high"]).all()
    assert 0.05 < daily.false_alarm < false_alarm([1.959964] * len(daily.frame))
