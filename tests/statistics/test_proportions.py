from __future__ import annotations

import numpy as np
import pytest

from crm_lib.statistics.proportions import newcombe, wilson


def test_wilson_has_the_published_interval():
    # Newcombe (1998), Statistics in Medicine 17, table I, score method without correction: 81/263, 15/148, 0/20, 1/29.
    published = {
        (81, 263): (0.2553, 0.3662), (15, 148): (0.0624, 0.1605), (0, 20): (0, 0.1611), (1, 29): (0.0061, 0.1718)
    }  # fmt: skip
    for (count, total), ends in published.items():
        share = wilson(count, total)
        assert (share.low, share.high) == pytest.approx(ends, abs=5e-5)
    assert str(wilson(0, 0)) == "not estimable"


def test_newcombes_interval_is_the_published_one():
    # Newcombe (1998), Statistics in Medicine 17, 873-890, table II, method 10: (a) 56/70 - 48/80 and (h) 10/10 - 0/10.
    for first, second, ends in (((56, 70), (48, 80), (0.0524, 0.3339)), ((10, 10), (0, 10), (0.6075, 1.0))):
        difference = newcombe(wilson(*first), wilson(*second))
        assert (difference.low, difference.high) == pytest.approx(ends, abs=1e-4)


def test_intervals_of_a_difference_hold_as_often_as_stated():
    rng = np.random.default_rng(6)
    pairs = zip(rng.binomial(40, 0.1, 2000), rng.binomial(25, 0.3, 2000), strict=True)
    told = [newcombe(wilson(int(one), 40), wilson(int(two), 25)) for one, two in pairs]
    assert np.mean([one.low <= 0.1 - 0.3 <= one.high for one in told]) == pytest.approx(0.95, abs=0.02)
