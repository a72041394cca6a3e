"""Others like a customer: found by history alone, and intervals that cover where history decides what comes."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from crm_lib.relationships.contributing.alike import nearest_others


def test_others_of_equal_history_are_all_taken_in():
    others = pd.DataFrame({"x": [0.0] * 12 + [1.0] * 5})
    outcome = pd.Series(np.arange(17.0))
    alike = nearest_others(pd.DataFrame({"x": [0.1, 0.9]}), others, outcome, least=5)
    assert alike.neighbours.tolist() == [12, 5]
    assert alike.expected.tolist() == pytest.approx([np.arange(12).mean(), np.arange(12, 17).mean()])
    assert alike.variance.tolist() == pytest.approx([np.arange(12).var(ddof=1), np.arange(12, 17).var(ddof=1)])


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


def test_members_who_are_the_others_again_bring_as_much():
    rng = np.random.default_rng(6)
    others = pd.DataFrame({"x": rng.normal(size=200)})
    outcome = pd.Series(rng.gamma(2, 20, 200))
    alike = nearest_others(others, others, outcome, least=1)
    ratio, p_value = alike.ratio(outcome)
    assert ratio.value == pytest.approx(1)
    assert p_value == pytest.approx(1)


def coverage(runs, *, effect, seed):
    """Return how often the interval holds the truth: who bought often is taken as a member more often."""
    rng = np.random.default_rng(seed)
    hits = 0
    for _ in range(runs):
        history = rng.gamma(0.8, 6.0, 2500)
        chance = 0.02 + 0.15 * history / (history + 6)
        member = rng.random(2500) < chance
        spread = rng.lognormal(-0.5, 1.0, 2500)  # a few bring a multiple of what their history tells
        outcome = (5 + 4 * history) * spread * np.where(member, effect, 1.0)
        x = pd.DataFrame({"x": np.log1p(history)})
        y = pd.Series(outcome)
        ratio, _ = nearest_others(x[member], x[~member], y[~member]).ratio(y[member])
        hits += ratio.low <= effect <= ratio.high
    return hits / runs


@pytest.mark.parametrize("effect", [1.0, 1.4])
def test_intervals_cover_the_truth_where_many_more_members_buy_often(effect):
    # 200 runs: 95% less four standard errors and what skewness takes.
    assert coverage(200, effect=effect, seed=3) >= 0.88


@pytest.mark.validate
@pytest.mark.parametrize("effect", [0.7, 1.0, 1.4])
def test_intervals_cover_the_truth_in_many_simulations(effect):
    assert 0.92 <= coverage(3000, effect=effect, seed=11) <= 0.975


def test_without_enough_others_there_is_no_comparison():
    with pytest.raises(ValueError, match="fewer than the 10"):
        nearest_others(pd.DataFrame({"x": [1.0]}), pd.DataFrame({"x": [1.0] * 9}), pd.Series(np.ones(9)))
