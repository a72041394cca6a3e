from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score

from crm_lib.statistics.reliability import Reliability, compared_auc, reliability


def test_groups_hold_everybody_and_scores_are_those_of_a_peer():
    rng = np.random.default_rng(1)
    chance = pd.Series(rng.beta(0.5, 0.5, 4000))
    outcome = pd.Series(rng.random(4000) < chance)
    found = reliability(chance, outcome)
    assert isinstance(found, Reliability)
    assert found.frame["customers"].sum() == 4000
    assert found.inside >= 8
    # Probabilities that are too sure of themselves are seen as such.
    assert reliability(chance**4 / (chance**4 + (1 - chance) ** 4), outcome).inside <= 5


def test_equal_probabilities_stay_together():
    found = reliability(pd.Series([0.5] * 9 + [0.9]), pd.Series([1, 0] * 5))
    assert found.frame["customers"].tolist() in ([9, 1], [10])
    assert len(reliability(pd.Series([0.3, 0.3]), pd.Series([0, 1])).frame) == 1
    with pytest.raises(ValueError, match="no customer"):
        reliability(pd.Series([0.5], index=["a"]), pd.Series([1], index=["b"]))


def test_areas_are_those_of_a_peer_and_their_errors_those_of_resampling():
    rng = np.random.default_rng(2)
    y = (rng.random(400) < 0.3).astype(float)
    first, second = (y * 0.8 + rng.normal(size=400)).round(1), y * 0.5 + rng.normal(size=400)
    one, two, gain = compared_auc(y, first, second)
    assert one.value == pytest.approx(roc_auc_score(y, first))
    assert two.value == pytest.approx(roc_auc_score(y, second))
    assert gain.value == pytest.approx(one.value - two.value)
    rows = [rng.integers(0, 400, 400) for _ in range(300)]
    again = [roc_auc_score(y[row], first[row]) - roc_auc_score(y[row], second[row]) for row in rows]
    assert (gain.high - gain.low) / (2 * 1.96) == pytest.approx(np.std(again), rel=0.17)
    for alike in (np.ones(5), np.eye(5)[0]):  # one case has no spread to tell an interval from
        with pytest.raises(ValueError, match="two customers at least, and not to two others"):
            compared_auc(alike, first[:5], second[:5])


@pytest.mark.validate
def test_intervals_of_areas_hold():
    # With scores one standard deviation apart the area is Phi(1 / sqrt 2) = 0.7602; the second is worth nothing.
    rng = np.random.default_rng(3)
    inside = []
    for _ in range(1500):
        y = (rng.random(200) < 0.4).astype(float)
        one, two, gain = compared_auc(y, y + rng.normal(size=200), rng.normal(size=200))
        inside.append([one.low <= 0.76025 <= one.high, two.low <= 0.5 <= two.high, gain.low <= 0.26025 <= gain.high])
    assert (np.abs(np.mean(inside, axis=0) - 0.95) < 0.02).all()
