from __future__ import annotations

import datetime as dt
import itertools
import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crm_lib import demo
from crm_lib.company import Company
from crm_lib.errors import TooLittleData
from crm_lib.relationships import (
    STAGES,
    StageParameters,
    fit_stages,
    life_cycle,
    simulate_stages,
    stage_agreement,
    stage_by_rule,
    stage_purchases,
    true_stages,
)
from crm_lib.relationships.stages.filter import filtered, log_likelihood
from crm_lib.relationships.stages.histories import histories
from crm_lib.relationships.stages.posterior import expected, smoothed
from tests.companies import write_company

DAY = dt.date(2026, 6, 30)
SMALL = StageParameters(
    rates=np.array([0.4, 1.7]),
    leaving=np.array([0.05, 0.5]),
    trial_rates=np.array([0.7, 0.3]),
    trial_leaving=np.array([0.2, 0.8]),
    relation_rates=np.array([0.4, 0.6]),
    relation_leaving=np.array([0.9, 0.1]),
    trial=0.35,
    factors={"exploration": 0.8, "build-up": 1.3, "decline": 0.4},
    to_build_up=0.3,
    to_stable=0.25,
    to_decline=0.1,
    out_of_decline=0.2,
    returning=0.05,
    discounted_trial=0.5,
    discounted_relation=0.1,
    season=np.array([1.2, 0.9, 1.1, 0.8]),
)


def bought(days, customer="a", **columns):
    """Return purchases on so many days before the last."""
    told = pd.Timestamp(DAY) - pd.to_timedelta(days, unit="D")
    return pd.DataFrame({"customer_id": customer, "day": told.astype("datetime64[s]"), **columns})


def paths(counts, part, lines, discounted):
    """Enumerate all classes and paths of states, with the joint probability of each and of the counts."""
    p = SMALL
    last = len(counts) - 1
    for kind, pace, leave in itertools.product(range(2), range(2), range(2)):
        shares = ((p.trial_rates, p.trial_leaving), (p.relation_rates, p.relation_leaving))[kind]
        share = (p.trial, 1 - p.trial)[kind] * shares[0][pace] * shares[1][leave]
        if kind == 0:
            share *= (p.discounted_trial / p.discounted_relation) ** discounted
            share *= ((1 - p.discounted_trial) / (1 - p.discounted_relation)) ** (lines - discounted)
        for path in itertools.product("TEBSDG", repeat=len(counts)):
            chance = share * (path[0] == "TE"[kind])
            for step, state in enumerate(path):
                exposure = p.season[last - step] * (part if step == 0 else 1)
                factor = {"T": 1, "E": 0.8, "B": 1.3, "S": 1, "D": 0.4, "G": 0}[state]
                mean = p.rates[pace] * factor * exposure
                chance *= math.exp(-mean) * mean ** counts[step] / math.factorial(counts[step])
                if not chance:
                    break
                if step:
                    chance *= move(path[step - 1], state, p.leaving[leave], part if step == 1 else 1)
            if chance:
                yield path, chance


def move(old, new, leaving, part):
    leave, build = 1 - (1 - leaving) ** part, 1 - 0.7**part
    stay = 1 - leave
    return {
        "TT": stay, "TG": leave, "EE": stay * (1 - build), "EB": stay * build, "EG": leave,
        "BB": stay * 0.9 * 0.75, "BS": stay * 0.9 * 0.25, "BD": stay * 0.1, "BG": leave,
        "SS": stay * 0.9, "SD": stay * 0.1, "SG": leave, "DD": 0.8, "DG": 0.2, "GG": 0.95, "GE": 0.05,
    }.get(old + new, 0.0)  # fmt: skip


# First purchase 98 days ago: half of the first of four periods is left.
TOLD = {
    "busy": ([98, 90, 60, 50, 40, 3, 1], [1, 1, 2, 2], 2, 1),
    "silent": ([98, 90], [1, 0, 0, 0], 1, 0),
    "back": ([98, 2], [0, 0, 0, 1], 1, 1),
}


@pytest.mark.parametrize("name", TOLD)
def test_recursions_equal_enumeration_of_all_paths(name):
    days, counts, lines, discounted = TOLD[name]
    # One line on the first day and, in the first history, one more: two lines count as 2 / 1.1.
    on_days = [1] + [0] * (len(days) - 1)
    if lines == 2:
        on_days[1] = 1
    frame = bought(days, lines=on_days, discounted=[discounted] + [0] * (len(days) - 1))
    h = histories(frame, as_of=DAY, period_days=28)
    assert h.counts[0].tolist() == counts
    assert h.part[0] == 0.5
    worth = 1 + 0.1 * (lines - 1)
    every = list(paths(counts, 0.5, lines / worth, discounted / worth))
    total = sum(chance for _, chance in every)
    assert log_likelihood(h, SMALL)[0] == pytest.approx(np.log(total))
    stage = dict(zip("TEBSDG", (0, 0, 1, 2, 3, 4), strict=True))
    in_hindsight = np.zeros((4, 5))
    for path, chance in every:
        for step, state in enumerate(path):
            in_hindsight[step, stage[state]] += chance / total
    assert smoothed(h, SMALL)[0] == pytest.approx(in_hindsight)
    assert filtered(h, SMALL)[0, 0] == pytest.approx(in_hindsight[-1])
    found = expected(h, SMALL)
    gone = sum(chance * sum(a != "G" == b for a, b in itertools.pairwise(path)) for path, chance in every) / total
    assert found.moves[[2, 6, 9, 11], 0].sum() == pytest.approx(gone)


def test_earlier_filtered_stages_are_those_of_the_earlier_day():
    frame = bought([180, 150, 140, 90, 60, 20, 4])
    whole = filtered(histories(frame, as_of=DAY, period_days=28), SMALL, last=3)
    before = DAY - dt.timedelta(days=56)
    # The season belongs to the calendar, not to the day of the look.
    moved = StageParameters(**{**vars(SMALL), "season": SMALL.season[2:]})
    known = StageParameters(**{**vars(SMALL), "season": np.r_[SMALL.season, np.ones(3)]})
    earlier = StageParameters(**{**vars(SMALL), "season": np.r_[moved.season, np.ones(3)]})
    whole = filtered(histories(frame, as_of=DAY, period_days=28), known, last=3)
    cut = filtered(histories(frame, as_of=before, period_days=28), earlier)
    assert whole[0, 0] == pytest.approx(cut[0, 0])


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(0, 400), min_size=1, max_size=40), st.sampled_from([7, 14, 28, 91]))
def test_probabilities_sum_to_one_and_only_the_silent_can_be_gone(days, period):
    cycle = life_cycle(bought(days), as_of=DAY, period_days=period, parameters=SMALL)
    row = cycle.frame.iloc[0]
    chances = row[[f"p_{name}" for name in ("exploration", "build_up", "stable", "decline", "gone")]].astype(float)
    assert chances.sum() == pytest.approx(1)
    assert chances.min() >= 0
    if min(days) < period:
        assert chances["p_gone"] == 0
    assert row["silent_days"] == min(days)
    assert row["tenure_days"] == max(days)
    assert row["purchases"] == len(set(days))


@pytest.fixture(scope="module")
def simulated(tmp_path_factory):
    made = demo.simulate(seed=31, customers=2000)
    folder = write_company(
        tmp_path_factory.mktemp("data") / "small", {"transactions": made.tables["transactions"]}, how="parquet",
        as_of="2026-06-30",
    )  # fmt: skip
    company = Company.open(folder)
    return company, stage_purchases(company), made.truth["stages"]


@pytest.fixture(scope="module")
def cycle(simulated):
    return life_cycle(simulated[1], as_of=DAY, sample=700)


def test_stage_is_an_ordered_category_of_every_customer(simulated, cycle):
    assert cycle.frame["stage"].cat.categories.tolist() == ["exploration", "build-up", "stable", "decline", "gone"]
    assert cycle.frame["stage"].cat.ordered
    assert cycle.frame.index.is_unique
    assert set(cycle.frame.index) == set(simulated[1]["customer_id"])
    assert (cycle.frame["since"] <= pd.Timestamp(DAY)).all()


@pytest.mark.parametrize("cuts", [{}, {"decline_days": 60, "gone_days": 90}, {"decline_days": 45, "gone_days": 60}])
def test_stages_of_the_demo_are_recovered_better_than_chance_and_than_the_rule_of_thumb(simulated, cycle, cuts):
    truth = true_stages(simulated[2], day=DAY)
    table = stage_agreement(cycle.frame["stage"], truth, rule=stage_by_rule(cycle.frame, **cuts), resamples=499)
    for measure in ("accuracy", "kappa", "macro_f1"):
        assert table.loc["model less rule", measure].low > 0
        assert table.loc["model", measure].low > table.loc["commonest stage", measure].high
    assert table.loc["model", "kappa"].value > 0.5


@pytest.mark.validate
@pytest.mark.parametrize("seed", range(1, 7))
@pytest.mark.parametrize("day", [dt.date(2026, 6, 30), dt.date(2025, 9, 30)])
def test_stages_are_recovered_whatever_the_seed_and_the_day(seed, day, tmp_path):
    made = demo.simulate(seed=seed, customers=4000)
    company = Company.open(
        write_company(tmp_path / "c", {"transactions": made.tables["transactions"]}, how="parquet", as_of="2026-06-30")
    )
    cycle = life_cycle(company, as_of=day)
    truth = true_stages(made.truth["stages"], day=day)
    for cuts in ({}, {"decline_days": 60, "gone_days": 90}):
        table = stage_agreement(cycle.frame["stage"], truth, rule=stage_by_rule(cycle.frame, **cuts))
        assert table.loc["model less rule", "kappa"].low > 0
        assert table.loc["model less rule", "macro_f1"].low > 0


def test_what_became_known_later_changes_nothing(simulated):
    purchases = simulated[1]
    day = dt.date(2025, 6, 30)
    known = purchases[(purchases["day"] <= pd.Timestamp(day)) & (purchases["recorded"] <= pd.Timestamp(day))]
    assert len(known) < (purchases["day"] <= pd.Timestamp(day)).sum()
    pd.testing.assert_frame_equal(
        life_cycle(purchases, as_of=day, sample=120).frame, life_cycle(known, as_of=day, sample=120).frame
    )
    company_cut = stage_purchases(simulated[0], as_of=day)
    pd.testing.assert_frame_equal(company_cut, known.reset_index(drop=True))


def test_order_of_rows_and_names_of_customers_do_not_matter(simulated):
    purchases = simulated[1]
    ids = purchases["customer_id"].unique()
    names = dict(zip(ids, [f"客户-{number}" for number in np.random.default_rng(1).permutation(len(ids))], strict=True))
    other = purchases.assign(customer_id=purchases["customer_id"].map(names)).sample(frac=1, random_state=2)
    first = life_cycle(purchases, as_of=DAY, sample=120).frame
    second = life_cycle(other, as_of=DAY, sample=120).frame
    pd.testing.assert_frame_equal(first, second.loc[[names[name] for name in first.index]].set_axis(first.index))


def test_days_recorded_in_several_rows_count_once():
    twice = pd.concat([bought([50, 20], recorded=pd.Timestamp("2026-06-11")), bought([50, 20])], ignore_index=True)
    twice["recorded"] = twice["recorded"].fillna(twice["day"])
    h = histories(twice, as_of=DAY, period_days=28)
    assert h.counts.sum() == 1


def test_path_ends_with_the_stage_of_today(cycle):
    customer = cycle.frame["purchases"].idxmax()
    path = cycle.path(customer)
    own = cycle.frame.loc[customer]
    assert path[list(STAGES)].iloc[-1].to_numpy() == pytest.approx(own.iloc[1:6].to_numpy(dtype=float))
    assert path["purchases"].sum() + 1 == own["purchases"]
    in_hindsight = cycle.path(customer, hindsight=True)
    assert in_hindsight[list(STAGES)].iloc[-1].to_numpy() == pytest.approx(path[list(STAGES)].iloc[-1].to_numpy())
    assert in_hindsight[list(STAGES)].sum(axis=1).to_numpy() == pytest.approx(1)
    with pytest.raises(ValueError, match="no customer 'nobody'"):
        cycle.path("nobody")


def test_parameters_of_the_own_model_are_recovered(cycle):
    made = simulate_stages(cycle.histories, cycle.parameters, customers=700, seed=5)
    again = fit_stages(made.histories, sample=700)
    # Wide limits of one simulation; coverage is measured under validate.
    assert again.trial == pytest.approx(cycle.parameters.trial, abs=0.2)
    assert again.discounted_trial == pytest.approx(cycle.parameters.discounted_trial, abs=0.1)
    assert again.discounted_relation == pytest.approx(cycle.parameters.discounted_relation, abs=0.1)
    assert again.factors["decline"] == pytest.approx(cycle.parameters.factors["decline"], abs=0.2)


def test_at_the_truth_no_parameter_is_pulled_either_way():
    # What expected counts say of a parameter is 0 on average where it is right, the part of a first period included.
    h = histories(
        pd.concat([bought([day, day - 1], customer=f"c{day}") for day in range(30, 400)]), as_of=DAY, period_days=28
    )
    p = StageParameters(**{**vars(SMALL), "season": np.ones(15)})
    found = expected(simulate_stages(h, p, customers=6000, seed=1).histories, p)
    stays, builds = found.explored
    stayed, left = found.left
    pulls = {
        "to_build_up": builds - p.to_build_up * (builds + stays),
        "leaving": (left - p.leaving[:, None] * (left + stayed)).sum(axis=0),
        "exploration": found.bought[1] - 0.8 * found.due[1],
        "rates": found.paced[0][1] - found.paced[1][1],
        "season": found.seasonal[3],
    }
    for name, pull in pulls.items():
        assert abs(pull.sum()) < 3 * np.sqrt((pull**2).sum()), name


def test_a_fit_ends_where_further_steps_change_nothing_that_the_data_can_tell(cycle):
    found = fit_stages(cycle.histories, sample=200)
    again = fit_stages(cycle.histories, sample=200, tolerance=1e-7, max_steps=1000)
    assert again.log_likelihood == pytest.approx(found.log_likelihood, abs=5e-3)
    assert again.season.mean() == pytest.approx(1)
    for name, told in again.intervals.items():
        # Where the fit stopped does not matter beside what the data cannot tell.
        reach = told.high - told.low
        assert told.value == pytest.approx(found.intervals[name].value, abs=0.2 * reach), name


def test_probabilities_are_calibrated_under_the_own_model(cycle):
    made = simulate_stages(cycle.histories, cycle.parameters, customers=8000, seed=6)
    h = made.histories
    chances = filtered(h, cycle.parameters)[:, 0]
    last = made.states[np.arange(len(h)), h.periods - 1]
    for stage, states in enumerate([(0, 1), (2,), (3,), (4,), (5,)]):
        true = np.isin(last, states)
        for low, high in ((0.0, 0.1), (0.1, 0.5), (0.5, 1.01)):
            group = (chances[:, stage] >= low) & (chances[:, stage] < high)
            if group.sum() > 50:
                mean = chances[group, stage]
                reach = 4 * np.sqrt((mean * (1 - mean)).sum()) / group.sum() + 1e-3
                assert true[group].mean() == pytest.approx(mean.mean(), abs=reach)


@pytest.mark.validate
def test_intervals_of_the_parameters_cover():
    purchases = pd.concat(
        [bought(np.r_[first, first - 1], customer=f"c{first}", lines=3, discounted=1) for first in range(30, 1000)]
    )
    h = histories(purchases, as_of=DAY, period_days=28)
    p = StageParameters(
        **{
            **vars(SMALL), "rates": np.array([0.5, 3.0]), "leaving": np.array([0.02, 0.3]), "season": np.ones(40),
            "to_build_up": 0.25, "to_stable": 25 / 150, "to_decline": 0.04, "out_of_decline": 10 / 60,
            "returning": 0.002,
            "factors": {"exploration": 0.9, "build-up": 1.1, "decline": 0.5},
        }
    )  # fmt: skip
    names = ("exploration", "build-up", "decline", "to_build_up", "to_decline", "trial")
    truth = {**p.factors, **{name: getattr(p, name) for name in names if name not in p.factors}}
    held = dict.fromkeys(names, 0)
    runs = 40
    for seed in range(runs):
        found = fit_stages(simulate_stages(h, p, customers=1500, seed=seed).histories, sample=1500).intervals
        for name in names:
            held[name] += found[name].low <= truth[name] <= found[name].high
    # 95% nominal; 40 runs, so that 33 or fewer would be rare if the coverage were 93%.
    assert min(held.values()) >= 33, held


def test_without_discounts_nobody_is_taken_to_stay_in_exploration(simulated):
    plain = simulated[1].drop(columns=["lines", "discounted"])
    cycle = life_cycle(plain, as_of=DAY, sample=120)
    assert cycle.parameters.trial == 0
    assert "trial" not in cycle.parameters.intervals
    kept = life_cycle(plain, as_of=DAY, sample=120, fixed={"trial": 0.3, "decline": 0.4})
    assert (kept.parameters.trial, kept.parameters.factors["decline"]) == (0.3, 0.4)
    for fixed in ({"returning": 0.0}, {"to_build_up": 1.0}):
        held = life_cycle(plain, as_of=DAY, sample=120, fixed=fixed).parameters
        assert {name: getattr(held, name) for name in fixed} == fixed
        assert set(held.intervals).isdisjoint(fixed)


def test_too_little_and_wrong_arguments_say_so(simulated):
    purchases = simulated[1]
    few = purchases[purchases["customer_id"].isin(purchases["customer_id"].unique()[:20])]
    with pytest.raises(TooLittleData, match="50 customers"):
        life_cycle(few, as_of=DAY)
    once = purchases.drop_duplicates("customer_id")
    with pytest.raises(TooLittleData, match="50 repeat purchases"):
        life_cycle(once, as_of=DAY)
    with pytest.raises(TooLittleData, match="nobody had bought"):
        life_cycle(purchases, as_of=dt.date(2020, 1, 1))
    with pytest.raises(ValueError, match="period_days must be at least 7"):
        life_cycle(purchases, as_of=DAY, period_days=3)
    with pytest.raises(ValueError, match="no parameter to fix is called"):
        life_cycle(purchases, as_of=DAY, fixed={"speed": 1.0})
    with pytest.raises(ValueError, match="after 2026-06-30"):
        life_cycle(simulated[0], as_of=dt.date(2026, 7, 1))
    with pytest.raises(ValueError, match="lack the columns"):
        life_cycle(purchases.drop(columns="day"), as_of=DAY)


def test_rates_of_all_customers_alike_is_no_trouble():
    # Everyone buys every ten days: no class of rates but one has customers.
    frame = pd.concat([bought(np.arange(5, 300, 10), customer=f"c{number}") for number in range(60)])
    assert (life_cycle(frame, as_of=DAY).frame["stage"] != "gone").all()


def test_kappa_is_the_published_one():
    # Cohen's kappa of the 50 proposals that two readers judged 20 yes/yes, 5 yes/no, 10 no/yes, 15 no/no is 0.4.
    cells = {("stable", "stable"): 20, ("stable", "gone"): 5, ("gone", "stable"): 10, ("gone", "gone"): 15}
    pairs = [pair for pair, times in cells.items() for _ in range(times)]
    truth, judged = (pd.Series(pd.Categorical(side, categories=STAGES)) for side in zip(*pairs, strict=True))
    table = stage_agreement(judged, truth)
    assert table.loc["model", "kappa"].value == pytest.approx(0.4)
    assert table.loc["model", "accuracy"].value == pytest.approx(0.7)
    assert table.loc["model", "balanced_accuracy"].value == pytest.approx((20 / 25 + 15 / 25) / 2)
    assert table.loc["model", "macro_f1"].value == pytest.approx((2 * 20 / 55 + 2 * 15 / 45) / 2)
    assert table.loc["commonest stage", "kappa"].value == 0
