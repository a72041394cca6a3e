from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from crm_lib.errors import MissingData, TooLittleData
from crm_lib.finding import Verdict
from crm_lib.relationships import finding_subsidy, finding_transactional_value, value_by_kind


def sample(customers, seed, *, transactional=60.0, relational=150.0, by_kind=False):
    """Return probabilities, values, and who is relational.

    Value depends on orders, of which relational customers have more, or on the kind itself.
    """
    rng = np.random.default_rng(seed)
    kind = rng.random(customers) < 0.5
    many = rng.random(customers) < np.where(kind, 0.8, 0.2)
    odds = np.where(many, 0.8, 0.2)
    # A second sign of the kind that has nothing to do with value.
    sign = rng.random(customers) < np.where(kind, 0.9, 0.1)
    odds = np.where(sign, odds * 0.9 / (odds * 0.9 + (1 - odds) * 0.1), odds * 0.1 / (odds * 0.1 + (1 - odds) * 0.9))
    # With few and many orders worth a and b, the kinds have the means asked for.
    step = (relational - transactional) / 0.6
    few = transactional - 0.2 * step
    mean = np.where(kind, relational, transactional) if by_kind else np.where(many, few + step, few)
    value = mean + 40 * (rng.gamma(0.8, 1 / 0.8, customers) - 1)
    return pd.Series(odds), pd.Series(value), kind


def test_certain_customers_are_plain_means():
    chance = pd.Series([0.0] * 12 + [1.0] * 12)
    value = pd.Series([*range(12), *range(100, 112)], dtype=float)
    found = value_by_kind(chance, value, currency="GBP", resamples=99)
    assert found.transactional.value == pytest.approx(5.5)
    assert found.relational.value == pytest.approx(105.5)
    assert found.ratio.value == pytest.approx(5.5 / 105.5)
    assert found.share.value == pytest.approx(66 / (66 + 1266))


def test_weights_find_the_means_of_the_kinds():
    chance, value, kind = sample(100_000, seed=1)
    found = value_by_kind(chance, value, currency="GBP", resamples=19)
    assert found.ratio.value == pytest.approx(60 / 150, abs=0.01)
    assert found.ratio.value == pytest.approx(value[~kind].mean() / value[kind].mean(), abs=0.01)
    # Where the kind itself makes the difference it is understated, never overstated.
    chance, value, kind = sample(100_000, seed=1, by_kind=True)
    found = value_by_kind(chance, value, currency="GBP", resamples=19)
    assert 60 / 150 < found.ratio.value < 1


def test_verdicts_follow_the_interval():
    limited = value_by_kind(*sample(6000, seed=2, transactional=30.0)[:2], currency="GBP", resamples=199)
    settings = {"value": "margin", "currency": "GBP", "window_days": 365}
    assert finding_transactional_value(limited, **settings).verdict is Verdict.SUPPORTED
    assert finding_subsidy(limited, **settings).verdict is Verdict.NOT_SUPPORTED
    alike = value_by_kind(*sample(6000, seed=3, transactional=150.0)[:2], currency="GBP", resamples=199)
    assert finding_transactional_value(alike, **settings).verdict is Verdict.NOT_SUPPORTED
    costly = value_by_kind(*sample(6000, seed=4, transactional=-20.0)[:2], currency="GBP", resamples=199)
    finding = finding_subsidy(costly, **settings, after="serving")
    assert finding.verdict is Verdict.SUPPORTED
    assert "after the cost of serving" in finding.text
    with pytest.raises(MissingData, match="margin"):
        finding_subsidy(costly, **{**settings, "value": "revenue"})
    with pytest.raises(ValueError, match="after must be"):
        finding_subsidy(costly, **settings, after="all")


def test_too_few_of_a_kind_are_not_judged():
    with pytest.raises(TooLittleData, match="fewer than 10"):
        value_by_kind(pd.Series([0.01] * 50), pd.Series([5.0] * 50), currency="GBP")


@pytest.mark.validate
def test_intervals_hold():
    inside = {"ratio": [], "transactional": []}
    for seed in range(400):
        found = value_by_kind(*sample(600, seed=seed)[:2], currency="GBP", resamples=399)
        inside["ratio"].append(found.ratio.low <= 0.4 <= found.ratio.high)
        inside["transactional"].append(found.transactional.low <= 60 <= found.transactional.high)
    assert all(0.92 <= np.mean(held) <= 0.98 for held in inside.values())
