from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crm_lib.clv.potential import PotentialRule, reachable_spend


def _reach(frequency, spend, rule, attributes=None, categories=None):
    index = pd.RangeIndex(len(spend))
    summary = pd.DataFrame({"frequency": frequency}, index=index)
    if categories is not None:
        summary["categories"] = categories
    attributes = pd.DataFrame(attributes or {}, index=index)
    return reachable_spend(summary, pd.Series(spend, index=index, dtype=float), attributes, rule)


def test_gap_to_the_upper_quartile_is_closed_by_half():
    # The upper quartile of 10 … 50 is 40.
    more = _reach([1] * 5, [10, 20, 30, 40, 50], PotentialRule(smallest_group=1))
    assert more.tolist() == [15, 10, 5, 0, 0]


def test_only_alike_customers_are_compared():
    rule = PotentialRule(smallest_group=2)
    by_region = _reach([1] * 4, [10, 20, 100, 200], rule, {"region": ["N", "N", "S", "S"]})
    # Upper quartiles 17.5 and 175.
    assert by_region.tolist() == pytest.approx([3.75, 0, 37.5, 0])
    by_band = _reach([1, 1, 8, 15], [10, 20, 100, 200], rule)
    assert by_band.tolist() == pytest.approx([3.75, 0, 37.5, 0])


def test_small_groups_look_at_a_wider_circle():
    regions = ["N", "N", "N", "S", None]
    more = _reach([1] * 5, [10, 20, 30, 40, 50], PotentialRule(smallest_group=3), {"region": regions})
    # The North is large enough (25); South and unknown are compared with all (40).
    assert more.tolist() == pytest.approx([7.5, 2.5, 0, 0, 0])
    everyone = _reach([1, 2, 4, 8, 16], [10, 20, 30, 40, 50], PotentialRule(smallest_group=4))
    assert everyone.tolist() == [15, 10, 5, 0, 0]


def test_further_categories_bring_a_share_of_the_present_ones():
    rule = PotentialRule(smallest_group=1, closable=1.0, category_worth=0.5)
    # All spend 30; the upper quartile of 1, 2, 3, 3 categories is 3.
    more = _reach([1] * 4, [30] * 4, rule, categories=[1, 2, 3, 3])
    assert more.tolist() == pytest.approx([30 * 0.5 * 2 / 1, 30 * 0.5 * 1 / 2, 0, 0])
    none = _reach([1] * 4, [30] * 4, PotentialRule(smallest_group=1, category_worth=0), categories=[1, 2, 3, 3])
    assert none.tolist() == [0, 0, 0, 0]
    uncounted = _reach([1] * 4, [30] * 4, rule, categories=[0, 3, 3, 3])
    assert uncounted.iloc[0] == pytest.approx(30 * 0.5 * 2 / 1)


@settings(deadline=None, max_examples=40)
@given(st.lists(st.tuples(st.integers(0, 20), st.floats(1, 1000)), min_size=1, max_size=30), st.floats(0, 1))
def test_reach_is_never_negative_and_grows_with_the_share_that_can_be_closed(rows, closable):
    frequency, spend = zip(*rows, strict=True)
    half, some = (
        _reach(frequency, spend, PotentialRule(smallest_group=3, closable=share)) for share in (closable / 2, closable)
    )
    assert (half >= 0).all()
    np.testing.assert_allclose(2 * half, some, atol=1e-9)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"quantile": 1.5}, "quantile must lie between 0 and 1"),
        ({"closable": -0.1}, "closable must lie"),
        ({"category_worth": -1}, "must not be negative"),
        ({"smallest_group": 0}, "at least 1"),
    ],
)
def test_impossible_assumptions_are_refused(settings, words):
    with pytest.raises(ValueError, match=words):
        PotentialRule(**settings)


def test_rule_says_its_assumptions():
    text = PotentialRule(closable=0.4, quantile=0.8, category_worth=0.25).text
    assert all(number in text for number in ("40%", "80%", "25%", "an assumption, not an estimate"))
