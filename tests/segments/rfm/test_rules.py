from __future__ import annotations

import itertools
import math
from contextlib import nullcontext

import pytest
from hypothesis import given, settings, strategies as st

from crm_lib.segments.rfm.rules import Interval, Rule, Variable, check_rules

VARIABLES = {
    "spend": Variable(),
    "score": Variable(choices=(1, 2, 3)),
    "group": Variable(choices=(1, 4)),
}
POINTS = {
    "spend": [-math.inf, -1.5, 0.0, 0.5, 1.0, 1.5, 2.0, 2.5, math.inf],
    "score": [1, 2, 3],
    "group": [1, 4],
}
bounds = st.sampled_from([-math.inf, 0.0, 1.0, 2.0, math.inf])
intervals = st.builds(
    lambda ends: Interval(above=min(ends), up_to=max(ends)),
    st.tuples(bounds, bounds).filter(lambda ends: ends[0] != ends[1]),
)
conditions = st.fixed_dictionaries(
    {},
    optional={
        "spend": intervals,
        "score": st.frozensets(st.sampled_from([1, 2, 3]), min_size=1),
        "group": st.frozensets(st.sampled_from([1, 4]), min_size=1),
    },
)


def _takes(condition, value):
    """By hand, value by value."""
    if isinstance(condition, frozenset):
        return value in condition
    return (value > condition.above or condition.above == -math.inf) and value <= condition.up_to


def _by_hand(rules, point):
    return [rule.name for rule in rules if all(_takes(part, point[name]) for name, part in rule.when.items())]


def _points():
    return [dict(zip(POINTS, values, strict=True)) for values in itertools.product(*POINTS.values())]


@settings(deadline=None, max_examples=100)
@given(st.lists(conditions, min_size=1, max_size=4), st.booleans())
def test_check_agrees_with_every_point_tried_by_hand(parts, with_rest):
    rules = [Rule(name=f"rule {number}", when=when) for number, when in enumerate(parts)]
    hits = [len(_by_hand(rules, point)) for point in _points()]
    fits = max(hits) <= 1 if with_rest else set(hits) == {1}
    if with_rest:
        rules.append(Rule(name="rest", otherwise=True))
    with nullcontext() if fits else pytest.raises(ValueError, match=r"take"):
        check_rules(rules, VARIABLES)


@pytest.mark.parametrize(
    ("rules", "words"),
    [
        ([], "there are no rules"),
        ([Rule(name="a"), Rule(name="a")], "names of rules must differ; 'a'"),
        ([Rule(name="a", otherwise=True), Rule(name="b", otherwise=True)], "only one rule can take all others"),
        ([Rule(name="a", when={"sped": Interval()})], "no variable 'sped'; there are 'spend', 'score', 'group'"),
        ([Rule(name="a", when={"group": frozenset({2})})], "group has no value 2; it has 1, 4"),
        ([Rule(name="a", when={"spend": frozenset({1})})], "spend can be any number; give an interval"),
        ([Rule(name="a", when={"score": Interval(above=3)})], "rule 'a' can take nobody"),
        ([Rule(name="a"), Rule(name="b")], "rules 'a', 'b' both take every customer"),
    ],
)
def test_rules_that_cannot_be_meant_are_named(rules, words):
    with pytest.raises(ValueError, match=words):
        check_rules(rules, VARIABLES)


def test_too_fine_a_grid_is_refused_before_it_fills_the_memory():
    cuts = {f"v{n}": Interval(above=n / 7) for n in range(30)}
    rules = [Rule(name="a", when=cuts), Rule(name="rest", otherwise=True)]
    with pytest.raises(ValueError, match=r"divide their variables into 1,073,741,824 cells"):
        check_rules(rules, {name: Variable() for name in cuts})
