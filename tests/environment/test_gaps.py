"""Benchmark gaps: intervals that hold all at once, the demo's leaders, and tables that do not say what is own."""

from __future__ import annotations

import dataclasses

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from crm_lib import environment, figures
from crm_lib.errors import MissingData, TooLittleData
from crm_lib.finding import Verdict
from tests.environment.answers import answers

ITEMS = ("product_quality", "service_quality", "image", "price_burden")
SAME = dict.fromkeys(ITEMS, 5.5)


def test_one_item_with_equal_spreads_is_dunnetts_test():
    rng = np.random.default_rng(3)
    survey = answers(rng, {None: {"image": 6.0}, "A": {"image": 5.0}, "B": {"image": 6.5}}, (40, 40, 40))
    for frame in (survey.frame, survey.rivals):
        frame["weight"] = 1.0
    found = environment.benchmark_gaps(survey)
    groups = [part["image"].to_numpy() for _, part in survey.rivals.groupby("brand")]
    peer = stats.dunnett(*groups, control=survey.frame["image"].to_numpy(), rng=1).confidence_interval()
    for place, brand in enumerate("AB"):
        gap = found.frame.loc[("image", brand), "gap"]
        assert (-gap.high, -gap.low) == pytest.approx((peer.low[place], peer.high[place]), abs=0.12)


def covered(runs, seed=5):
    """Return how often all gaps lay in their intervals, and in plain t-intervals one by one."""
    rng, all_in, plain_in = np.random.default_rng(seed), 0, 0
    truth = {None: SAME, **{brand: dict.fromkeys(ITEMS, 5.5 + 0.3 * place) for place, brand in enumerate("ABC")}}
    for run in range(runs):
        found = environment.benchmark_gaps(answers(rng, truth, (150, 40, 60, 80)), seed=run)
        assert len(found.frame) == 12
        inside, plain = True, True
        for (item, brand), row in found.frame.iterrows():
            gap = -0.3 * "ABC".index(brand) * (-1 if item == "price_burden" else 1)
            inside &= row["gap"].low <= gap <= row["gap"].high
            half = (row["gap"].high - row["gap"].low) / 2 / found.critical * stats.t.ppf(0.975, 39)
            plain &= abs(row["gap"].value - gap) <= half
        all_in, plain_in = all_in + inside, plain_in + plain
    return all_in / runs, plain_in / runs


def test_all_gaps_hold_at_once_where_one_by_one_intervals_do_not():
    together, plain = covered(40)
    assert together >= 0.875  # five or fewer of 40: 98 in 100 such samples, if 95 of 100 hold
    assert plain < together - 0.1


@pytest.mark.validate
def test_all_gaps_hold_at_once_in_many_surveys():
    together, _ = covered(800, seed=6)
    assert together == pytest.approx(0.95, abs=0.02)


def test_the_demos_leaders_are_found(demo, demo_answers):
    found = environment.benchmark_gaps(demo_answers, seed=1)
    gap = found.frame["gap"]
    # Planted: the alliance has the better service and people, Colossus the better value and the worse people.
    assert gap["personnel_quality", "Corner Books Alliance"].high < 0 < gap["personnel_quality", "Colossus Online"].low
    assert gap["value_for_money", "Colossus Online"].high < 0 < gap["value_for_money", "Corner Books Alliance"].low
    assert gap["price_burden", "Colossus Online"].high < 0
    assert found.importance.index[0] == "service_quality"
    said = environment.finding_leader(found)
    assert said.estimate.value < 0
    assert said.verdict is not Verdict.SUPPORTED
    assert "Corner Books Alliance" in said.text
    assert len(said.text.split()) <= 30
    chart = figures.benchmark_gaps_chart(found)
    assert "24 comparisons" in chart.alt
    best = environment.best_practice(demo)
    leaders = best.frame["leader"]
    assert leaders["Delivery time"] == leaders["Titles in stock"] == "Colossus Online"
    assert leaders["Complaints"] == "Corner Books Alliance"
    assert best.frame.loc["Delivery time", "led"] == 0
    assert len(figures.best_practice_table(best).frame) == 10


def test_a_lead_is_counted_whichever_side_is_better(opened):
    rows = [
        (brand, brand == "we", "Delivery", day, value, "lower")
        for day, values in (("2024-06-01", (2, 3)), ("2024-12-01", (2, 1)))
        for brand, value in zip(("we", "they"), values, strict=True)
    ]
    rows += [("we", True, "Odd", "2024-06-01", 1, None), ("they", False, "Odd", "2024-06-01", 2, None)]
    frame = pd.DataFrame(rows, columns=["brand", "own", "measure", "measured_at", "value", "better"])
    found = environment.best_practice(opened(competitors=frame))
    row = found.frame.loc["Delivery"]
    assert (row["leader"], row["behind"], row["led"], row["times"]) == ("they", 1.0, 1, 2)
    assert found.without_direction == ("Odd",)


@pytest.mark.parametrize(
    ("own", "error", "words"),
    [
        ((True, True), TooLittleData, "marks 2 brands as the own one"),
        ((False, False), TooLittleData, "marks 0 brands"),
        ((True,), TooLittleData, "own brand alone"),
        ((), MissingData, "table 'competitors'"),
        (None, MissingData, "column own"),
    ],
)
def test_a_table_without_one_own_brand_and_a_rival_is_refused_by_name(opened, own, error, words):
    brands = ["a", "b"][: 2 if own is None else len(own)]
    frame = pd.DataFrame({"brand": brands}).assign(measure="m", measured_at="2025-01-01", value=1.0, better="higher")
    if own is not None:
        frame["own"] = list(own)
    with pytest.raises(error, match=words):
        environment.best_practice(opened(competitors=frame))


def test_a_survey_without_rivals_or_common_items_says_so():
    rng = np.random.default_rng(1)
    with pytest.raises(TooLittleData, match="no answers on rivals"):
        environment.benchmark_gaps(answers(rng, {None: SAME}, (50,)))
    few = answers(rng, {None: SAME, "A": SAME}, (50, 5))
    with pytest.raises(TooLittleData, match="rival with 10 answers"):
        environment.benchmark_gaps(few)
    with pytest.raises(TooLittleData, match="matters most"):
        environment.finding_leader(environment.benchmark_gaps(answers(rng, {None: SAME, "A": SAME}, (50, 30))))


def test_who_rates_two_brands_is_no_two_persons():
    rng = np.random.default_rng(8)
    survey = answers(rng, {None: {"image": 6.0}, "A": {"image": 6.0}}, (60, 60), spread=0.1, shared=0.8)
    apart = environment.benchmark_gaps(survey).frame["gap"].iloc[0]
    same = survey.rivals.assign(
        image=survey.frame["image"].to_numpy() + rng.normal(0, 0.1, 60),
        respondent=survey.frame["respondent"].to_numpy(),
    )
    both = dataclasses.replace(survey, rivals=same)
    paired = environment.benchmark_gaps(both).frame["gap"].iloc[0]
    assert paired.high - paired.low < (apart.high - apart.low) / 2
