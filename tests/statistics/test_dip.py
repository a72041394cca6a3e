from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from crm_lib.statistics.dip import dip, uniform_dips


def test_two_heaps_of_equal_size_have_the_largest_dip_there_is():
    # Any unimodal distribution function misses two atoms of 1/2 by at least 1/4.
    assert dip(np.repeat([0.0, 1.0], 50)) == pytest.approx(0.25)


def test_evenly_spaced_values_have_the_smallest():
    assert dip(np.arange(40.0)) == pytest.approx(1 / 80)


@given(st.lists(st.floats(-1e3, 1e3), min_size=4, max_size=60, unique=True), st.floats(0.1, 50), st.floats(-100, 100))
@settings(max_examples=60, deadline=None)
def test_order_mirror_shift_and_unit_do_not_matter(values, unit, shift):
    x = np.round(np.array(values), 3)
    plain = dip(x)
    assert 1 / (2 * x.size) - 1e-12 <= plain <= 0.25 + 1e-12
    assert dip(-x[::-1]) == pytest.approx(plain, abs=1e-9)
    assert dip(np.round(x, 3) * unit + shift) == pytest.approx(plain, abs=1e-6)


def test_two_separate_groups_dip_by_what_algebra_says():
    # A share w far away from the rest, both evenly spread: the closest unimodal function misses half of it.
    for share in (0.1, 0.3, 0.5):
        few = round(1000 * share)
        x = np.concatenate([np.linspace(0, 1, 1000 - few), np.linspace(1000, 1001, few)])
        assert dip(x) == pytest.approx(share / 2, abs=0.002)


def test_quantiles_of_uniform_samples_are_those_published():
    # Hartigan & Hartigan (1985), table 1: the 90% point for n = 100 is 0.0471 (quoted in R-help, 22 October 2004,
    # https://stat.ethz.ch/pipermail/r-help/2004-October/059557.html). The error of 3,000 samples is about 0.0003.
    assert np.quantile(uniform_dips(100, samples=3000, seed=2), 0.9) == pytest.approx(0.0471, abs=0.001)


def test_impossible_samples_are_refused():
    for values in (np.array([]), np.array([1.0, np.nan])):
        with pytest.raises(ValueError, match="finite"):
            dip(values)
