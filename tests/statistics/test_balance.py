from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from crm_lib.statistics.balance import marginal_homogeneity, net_changes

# Unaided distance vision of 7,477 women, right eye by left eye: Stuart (1955), table 1. The statistic is that which
# the documentation of statsmodels (contingency tables) prints: homogeneity 11.957 on 3.
VISION = [[1520, 266, 124, 66], [234, 1512, 432, 78], [117, 362, 1772, 205], [36, 82, 179, 492]]

tables = st.integers(2, 5).flatmap(
    lambda size: st.lists(st.lists(st.integers(0, 30), min_size=size, max_size=size), min_size=size, max_size=size)
)


def test_published_eyes_of_7477_women():
    assert np.sum(VISION) == 7477
    homogeneity = marginal_homogeneity(VISION)
    assert (homogeneity.statistic, homogeneity.degrees) == (pytest.approx(11.957, abs=5e-4), 3)
    assert homogeneity.p_value == pytest.approx(0.008, abs=5e-4)


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 50), st.integers(0, 50), st.integers(0, 99), st.integers(0, 99))
def test_two_states_give_mcnemars_test(there, back, one, other):
    table = [[one, there], [back, other]]
    expected = (there - back) ** 2 / (there + back) if there + back else 0
    test = marginal_homogeneity(table)
    assert test.statistic == pytest.approx(expected)
    assert test.degrees == (there + back > 0)


@settings(deadline=None, max_examples=60)
@given(tables)
def test_turning_time_round_and_staying_where_one_is_change_nothing(rows):
    table = np.array(rows)
    stayed = table + 1000 * np.eye(len(table), dtype=int)
    first = marginal_homogeneity(table)
    assert marginal_homogeneity(table.T).statistic == pytest.approx(first.statistic, abs=1e-8)
    assert marginal_homogeneity(stayed).statistic == pytest.approx(first.statistic, abs=1e-8)
    assert first.statistic >= -1e-9
    assert 0 <= first.p_value <= 1


def test_false_alarms_are_as_many_as_they_say():
    rng = np.random.default_rng(3)
    rates = np.array([[0, 20, 6, 9], [12, 0, 25, 10], [8, 18, 0, 12], [15, 9, 7, 0]], dtype=float)
    rates = (rates + rates.T) / 2
    alarms = [marginal_homogeneity(rng.poisson(rates)).p_value < 0.05 for _ in range(800)]
    # 800 tables leave a standard error of 0.8 points.
    assert np.mean(alarms) == pytest.approx(0.05, abs=4 * 0.008)


def test_a_real_shift_is_found():
    table = np.array([[50, 60, 10], [20, 50, 60], [10, 20, 50]])
    assert marginal_homogeneity(table).p_value < 0.001
    first, _, last = net_changes(table)
    assert first.high < 0 < last.low


def test_net_changes_hold_all_at_once():
    rng = np.random.default_rng(4)
    rates = np.array([[0, 30, 6, 4], [12, 0, 25, 10], [8, 14, 0, 22], [2, 9, 7, 0]], dtype=float)
    truth = rates.sum(axis=0) - rates.sum(axis=1)
    hits = [
        all(one.low <= right <= one.high for one, right in zip(net_changes(rng.poisson(rates)), truth, strict=True))
        for _ in range(600)
    ]
    assert np.mean(hits) >= 0.95 - 4 * 0.009


@pytest.mark.parametrize("table", [[[1, 2]], [1, 2], [[1, -1], [0, 1]]])
def test_tables_that_are_no_moves_are_refused(table):
    with pytest.raises(ValueError, match="a table of moves is square"):
        marginal_homogeneity(table)


def test_nobody_moved():
    still = marginal_homogeneity(np.eye(3))
    assert (still.statistic, still.degrees, still.p_value) == (0, 0, 1)
    assert [change.is_exact for change in net_changes(np.eye(3))] == [True] * 3
