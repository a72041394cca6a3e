"""Referrals as a tree: rings and impossible entries do no harm, and nobody's value is counted twice."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crm_lib.relationships import referral_tree


def series(mapping):
    return pd.Series(mapping, dtype=object)


def test_entries_that_cannot_be_are_left_out_and_counted():
    referred_by = series({"a": "b", "b": "c", "c": "a", "d": "a", "e": "e", "f": "nobody", "g": "h", "h": None})
    acquired = pd.Series(pd.Timestamp("2025-01-01"), index=referred_by.index)
    acquired["h"] = pd.Timestamp("2025-01-02")  # came a day after the customer said to be brought
    tree = referral_tree(referred_by, acquired)
    assert tree.left_out == {"unknown": 1, "themselves": 1, "impossible": 1, "circular": 3}
    assert tree.frame["referred_by"].dropna().to_dict() == {"d": "a"}
    assert tree.frame.loc["a", ["won", "chain", "depth"]].tolist() == [1, 1, 0]


def test_days_break_a_ring_where_they_tell_who_was_first():
    referred_by = series({"a": "c", "b": "a", "c": "b"})
    acquired = pd.to_datetime(pd.Series({"a": "2025-01-01", "b": "2025-02-01", "c": "2025-03-01"}))
    tree = referral_tree(referred_by, acquired)
    assert tree.frame["referred_by"].dropna().to_dict() == {"b": "a", "c": "b"}
    assert tree.frame["depth"].to_dict() == {"a": 0, "b": 1, "c": 2}


@st.composite
def companies(draw):
    n = draw(st.integers(1, 25))
    names = [f"客户-{number}" for number in range(n)]
    referrers = [draw(st.sampled_from([None, "unknown", *names])) for _ in names]
    values = draw(st.lists(st.integers(-50, 500), min_size=n, max_size=n))
    return series(dict(zip(names, referrers, strict=True))), pd.Series(values, index=names, dtype=float)


@settings(max_examples=40, deadline=None)
@given(companies(), st.floats(0, 1), st.randoms())
def test_sums_are_those_of_walking_the_tree(company, credit, random):
    referred_by, value = company
    tree = referral_tree(referred_by)
    up = tree.frame["referred_by"]

    def ancestors(name):
        found = []
        while isinstance(up[name], str):
            name = up[name]
            found.append(name)
        return found

    below = {name: [other for other in up.index if name in ancestors(other)] for name in up.index}
    assert tree.frame["depth"].to_dict() == {name: len(ancestors(name)) for name in up.index}
    assert tree.frame["chain"].to_dict() == {name: len(below[name]) for name in up.index}
    assert tree.sum_of_chain(value).to_dict() == {name: sum(value[below[name]]) for name in up.index}
    assert tree.sum_of_won(value).to_dict() == {name: value[(up == name).to_numpy()].sum() for name in up.index}
    # Nothing is counted twice, whatever is credited.
    assert tree.credited(value, credit=credit).sum() == pytest.approx(value.sum(), abs=1e-6)
    assert tree.credited(value, credit=0).to_dict() == value.to_dict()
    order = list(up.index)
    random.shuffle(order)
    pd.testing.assert_frame_equal(referral_tree(referred_by[order]).frame.loc[up.index], tree.frame)


def test_credit_adds_up_over_many_customers_and_a_long_chain():
    n = 30_000
    rng = np.random.default_rng(2)
    parent = np.where(rng.random(n) < 0.4, (rng.random(n) * np.arange(n)).astype(int), -1)
    parent[1:1001] = np.arange(1000)  # a chain of a thousand
    names = pd.Index(np.arange(n).astype(str))
    referred_by = pd.Series(names[np.maximum(parent, 0)], index=names).where(parent >= 0)
    tree = referral_tree(referred_by)
    total = tree.credited(pd.Series(1.0, index=names), credit=0.5).sum()
    assert tree.frame["depth"].max() >= 1000
    assert total == pytest.approx(n)


def test_a_share_of_more_than_all_is_refused():
    tree = referral_tree(series({"a": None}))
    with pytest.raises(ValueError, match="between 0 and 1"):
        tree.credited(pd.Series({"a": 1.0}), credit=1.5)
