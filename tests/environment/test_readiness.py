"""Readiness: gaps with intervals that hold, an order whose dependence on weights is told, and agreement."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from crm_lib import environment, figures
from crm_lib.environment.readiness import _agreement, _among_the_first, _scores
from crm_lib.errors import CompanyError, MissingData
from crm_lib.finding import Verdict


def assessment(scores, *, weight=1.0, target=4.0, day="2025-03-01"):
    """Return a table of capabilities from scores by (area, item), one an assessor."""
    rows = [
        (area, item, f"a{number}", day, score, target, weight[item] if isinstance(weight, dict) else weight)
        for (area, item), each in scores.items() for number, score in enumerate(each)
    ]  # fmt: skip
    return pd.DataFrame(rows, columns=["area", "item", "assessor", "assessed_at", "score", "target", "weight"])


SCORES = {("culture", "Openness"): (4, 5, 4), ("people", "Skills"): (2, 1, 2), ("technology", "Record"): (3, 2, 3)}


@pytest.fixture
def ready(opened):
    return lambda frame: environment.readiness(opened(capabilities=frame))


def test_the_gap_that_weighs_most_comes_first_and_its_place_under_all_weights_is_told(ready):
    found = ready(assessment(SCORES, weight={"Openness": 1.0, "Skills": 1.0, "Record": 5.0}))
    assert found.items.index[0] == "Record"  # 1.33 points, but five times the weight of Skills with 2.33
    assert found.items["weight"].sum() == pytest.approx(1)
    assert found.items.loc["Skills", "gap"].value == pytest.approx(4 - 5 / 3)
    alike = ready(assessment(SCORES))
    assert alike.items.index.tolist() == ["Skills", "Record", "Openness"]
    # By hand: (3.33 + 0.67 + 1.67) of 9 points above the lowest score.
    assert alike.overall.value == pytest.approx((10 / 3 + 2 / 3 + 5 / 3) / 9)


def test_large_gaps_are_among_the_first_under_nearly_all_weights_and_equal_ones_as_often_as_each_other():
    assert _among_the_first(np.array([2.0, 1.0]), 1).tolist() == [1.0, 1.0]  # both are always among the first five
    many = _among_the_first(np.array([3.0] * 5 + [0.001] * 5), 1)
    assert many[:5].min() > 0.95
    assert _among_the_first(np.ones(10), 1) == pytest.approx(np.full(10, 0.5), abs=0.05)


def test_kendalls_w_is_the_published_one_and_knows_full_agreement():
    # Siegel & Castellan 1988, Nonparametric Statistics, 2nd ed., 9.6: three judges rank six applicants, W = 0.16.
    ranks = pd.DataFrame([[1, 6, 3, 2, 5, 4], [1, 5, 6, 4, 2, 3], [6, 3, 2, 5, 4, 1]])
    w, p_value = _agreement(ranks)
    assert w == pytest.approx(0.162, abs=0.001)
    assert p_value > 0.5
    assert _agreement(pd.DataFrame([[1, 2, 3, 4]] * 4))[0] == pytest.approx(1.0)
    assert np.isnan(_agreement(pd.DataFrame([[1, 2, 3]]))[0])
    assert np.isnan(_agreement(pd.DataFrame([[3, 3, 3]] * 4))[0])


def test_intervals_of_scores_hold_what_they_promise():
    rng, inside, runs = np.random.default_rng(2), 0.0, 200
    truth = np.linspace(2.5, 3.8, 12)
    for _ in range(runs):
        scores = pd.DataFrame(np.round(rng.normal(truth, 0.6, (4, 12))).clip(1, 5))
        # The mean of rounded scores is what many assessors would give.
        expected = [sum(k * _rounded(k, mean) for k in range(1, 6)) for mean in truth]
        inside += np.mean([one.low <= known <= one.high for one, known in zip(_scores(scores), expected, strict=True)])
    assert 0.93 < inside / runs < 0.975


def _rounded(k, mean):
    ends = (-np.inf if k == 1 else k - 0.5, np.inf if k == 5 else k + 0.5)
    return float(np.diff(stats.norm.cdf(ends, mean, 0.6))[0])


def test_the_last_assessment_counts_beside_the_one_before(ready):
    earlier = assessment({name: [score - 1 for score in each] for name, each in SCORES.items()}, day="2024-03-01")
    found = ready(pd.concat([earlier.assign(score=earlier["score"].clip(1)), assessment(SCORES)]))
    assert found.items.loc["Openness", "change"] == pytest.approx(1.0)
    assert found.assessors == 3
    with pytest.raises(MissingData):  # one after as_of is not looked at
        ready(assessment(SCORES, day="2025-12-01"))


def test_weights_that_are_all_zero_are_a_clear_error_and_missing_ones_count_alike(ready):
    with pytest.raises(CompanyError, match="'capabilities' of 1 Mar 2025: all weights are zero"):
        ready(assessment(SCORES, weight=0.0))
    assert not ready(assessment(SCORES).drop(columns="weight")).weighted
    with pytest.raises(MissingData, match="target"):
        ready(assessment(SCORES).drop(columns="target"))
    with pytest.raises(MissingData, match="table 'capabilities'"):
        ready(assessment(SCORES).head(0))


def test_one_assessor_tells_no_interval_and_no_agreement(ready):
    found = ready(assessment({name: each[:1] for name, each in SCORES.items()}).drop(columns="assessor"))
    assert np.isinf(found.overall.low)
    assert np.isnan(found.agreement)
    assert environment.finding_readiness(found).verdict is Verdict.UNDECIDED
    assert "Kendall" not in figures.readiness_chart(found).table.note


def test_the_demos_weak_technology_and_strong_culture_are_found(demo):
    found = environment.readiness(demo)
    gaps = found.areas["gap"]
    assert max(gaps.index, key=lambda area: gaps[area].value) == "technology"
    assert gaps["technology"].low > 0
    assert min(gaps.index, key=lambda area: gaps[area].value) == "culture"
    assert gaps["culture"].low <= 0


def test_items_of_one_name_unnamed_assessors_and_unanswered_items_are_kept_apart(ready):
    scores = {("culture", "Trust"): (4, 5, 4), ("people", "Trust"): (2, 1, 2), ("people", "Skills"): (3, 3, 3)}
    frame = assessment(scores)
    found = ready(frame.drop(columns="assessor"))
    assert set(found.items.index) == {"Trust (culture)", "Trust (people)", "Skills"}
    assert found.assessors == 3
    figures.readiness_chart(found)
    # Who scored one item of the two counts with that one: 2 of 3 points, and 1 and 2 of 6.
    both = assessment({("people", "Trust"): (1, 1), ("people", "Skills"): (2, 3)})
    one = assessment({("people", "Trust"): (3,)}).assign(assessor="who scored one item")
    some = ready(pd.concat([both, one]))
    assert some.overall.value == pytest.approx((2 / 3 + 1 / 6 + 2 / 6) / 3)
