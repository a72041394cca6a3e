from __future__ import annotations

import numpy as np
import pytest

from crm_lib.statistics.balance import net_changes


def test_a_real_shift_is_found():
    table = np.array([[50, 60, 10], [20, 50, 60], [10, 20, 50]])
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
        net_changes(table)


def test_nobody_moved():
    assert [change.is_exact for change in net_changes(np.eye(3))] == [True] * 3
