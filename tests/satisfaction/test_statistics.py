"""Intervals hold, false alarms are as rare as stated, and rivals are beaten, in simulations with known truth."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from crm_lib.satisfaction.loyalty import LINE, _compared, monotone_curve
from crm_lib.satisfaction.weighting import (
    difference,
    effective_size,
    estimated,
    lmg,
    percentile,
    rake,
    resampled_moments,
)


def coverage(draw, truth, **how):
    rng = np.random.default_rng(5)
    inside = [found.low <= truth <= found.high for found in (estimated(*draw(rng), **how) for _ in range(600))]
    return np.mean(inside)


@pytest.mark.parametrize("n", [10, 30, 100])
def test_the_net_promoter_interval_covers_in_small_groups(n):
    def draw(rng):
        return pd.DataFrame({"weight": 1.0, "respondent": range(n)}), rng.choice([1, 0, -1], n, p=[0.5, 0.3, 0.2])

    assert 0.93 <= coverage(draw, 0.3, kind="balance") <= 0.985


@pytest.mark.parametrize(("kind", "truth"), [("mean", 0.0), ("share", 0.5)])
def test_weighted_and_clustered_intervals_cover_where_plain_ones_do_not(kind, truth):
    plain = []

    def draw(rng):
        who = np.repeat(np.arange(60), 4)
        y = np.repeat(rng.normal(0, 1, 60), 4) + rng.normal(0, 0.7, 240)
        y = y if kind == "mean" else (y > 0).astype(float)
        half = 1.96 * y.std(ddof=1) / np.sqrt(240)
        plain.append(abs(y.mean() - truth) <= half)
        return pd.DataFrame({"weight": rng.choice([0.5, 1.5], 240), "respondent": who}), y

    assert 0.92 <= coverage(draw, truth, kind=kind) <= 0.98
    assert np.mean(plain) < 0.85  # the obvious rival forgets that customers answer four times


def test_equal_weights_and_single_answers_have_no_design_effect():
    y = np.array([0.0, 1, 1, 0, 1, 1, 1, 0, 0, 1, 1])
    assert effective_size(y, np.ones(11), np.arange(11)) == pytest.approx(11)
    assert effective_size(y, np.ones(11), np.zeros(11, dtype=int)) == pytest.approx(11)  # never more than there are
    assert effective_size(np.ones(8), np.ones(8), np.arange(8) // 2) == pytest.approx(4)


def test_differences_are_false_alarms_as_rarely_as_stated():
    rng, alarms = np.random.default_rng(3), 0
    for _ in range(500):
        who = np.arange(120) % 80  # forty answered in both waves
        y = rng.normal(0, 1, 80)[who] + rng.normal(0, 0.5, 120)
        found, p_value = difference(pd.DataFrame({"weight": 1.0, "respondent": who}), y, np.arange(120) < 60)
        alarms += p_value < 0.05
        assert (p_value < 0.05) == (not found.low <= 0 <= found.high)
    assert 0.02 <= alarms / 500 <= 0.08


def test_raking_reaches_all_margins_at_once():
    rng = np.random.default_rng(1)
    groups = pd.DataFrame({"sex": rng.choice(["f", "m"], 300), "age": rng.choice(["old", "young"], 300, p=[0.8, 0.2])})
    margins = {"sex": pd.Series({"f": 30.0, "m": 70.0}), "age": pd.Series({"old": 50.0, "young": 50.0})}
    weights = rake(groups, margins, np.ones(300))
    for name, margin in margins.items():
        found = pd.Series(weights).groupby(groups[name]).sum() / weights.sum()
        assert found.tolist() == pytest.approx((margin / margin.sum()).tolist(), abs=1e-6)
    assert weights.mean() == pytest.approx(1)


def test_the_monotone_curve_never_falls_and_follows_a_rising_truth():
    rng = np.random.default_rng(2)
    x = rng.integers(1, 11, 2000).astype(float)
    truth = 1 + 9 / (1 + np.exp(-(x - 7) / 0.8))
    curve = monotone_curve(x, truth + rng.normal(0, 1, 2000), np.ones(2000))
    at = np.linspace(1, 10, 50)
    assert (np.diff(curve(at)) >= -1e-9).all()
    assert np.abs(curve(x) - truth).mean() < 0.35
    assert np.allclose(monotone_curve(x, -x, np.ones(2000))(at), -x.mean())
    assert np.allclose(monotone_curve(np.full(9, 7.0), np.arange(9.0), np.ones(9))(at), 4.0)


def answers(rng, n, bend):
    x = np.clip(np.round(rng.normal(7, 1.5, n)), 1, 10)
    y = x + bend * (x - 7) ** 2 + rng.normal(0, 1.5, n)
    return pd.DataFrame({"satisfaction": x, "loyalty": y, "weight": 1.0, "level": "all", "respondent": np.arange(n)})


def test_a_curve_is_found_where_there_is_one_and_hardly_ever_where_there_is_none():
    rng = np.random.default_rng(4)
    told = [_compared(answers(rng, 250, 0.0), "loyalty", 0) for _ in range(60)]
    alarms = [max(row["gain"].low for name, row in each.items() if name != LINE) > 0 for each in told]
    assert np.mean(alarms) <= 0.05
    bent = _compared(answers(rng, 600, 0.4), "loyalty", 0)
    assert bent["quadratic"]["gain"].low > 0
    assert bent["threshold"]["gain"].value < bent["quadratic"]["gain"].value


def ratings(rng, n, weights=(0.5, 0.3, 0.2)):
    x = 0.6 * rng.normal(size=(n, 1)) + 0.8 * rng.normal(size=(n, 3))
    y = x @ np.array(weights) + rng.normal(0, 0.5, n)
    return pd.DataFrame({**dict(zip("abc", x.T, strict=True)), "y": y, "weight": 1.0, "respondent": np.arange(n)})


def test_shares_of_drivers_are_covered_and_alike_drivers_rarely_told_apart():
    rng, groups = np.random.default_rng(6), [[0], [1], [2]]
    shares = lmg(resampled_moments(ratings(rng, 100_000), [*"abc", "y"], seed=0, resamples=1)[2][0], groups)
    truth, hits, alarms = shares / shares.sum(), np.zeros(3), 0
    for trial in range(80):
        stack = lmg(resampled_moments(ratings(rng, 200), [*"abc", "y"], seed=trial, resamples=199)[2], groups)
        stack /= stack.sum(axis=1, keepdims=True)
        told = [percentile(each, n=200) for each in stack.T]
        hits += [one.low <= true <= one.high for one, true in zip(told, truth, strict=True)]
        alike = lmg(
            resampled_moments(ratings(rng, 200, (0.3, 0.3, 0.3)), [*"abc", "y"], seed=trial, resamples=199)[2], groups
        )
        gap = percentile(alike[:, 0] - alike[:, 1], n=200)
        alarms += not gap.low <= 0 <= gap.high
    assert (hits / 80 >= 0.9).all()
    assert alarms / 80 <= 0.1
