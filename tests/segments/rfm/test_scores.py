from __future__ import annotations

import datetime as dt
import itertools

import pandas as pd
import pytest
from hypothesis import given, settings, strategies as st

from crm_lib.segments.rfm.rules import check_rules
from crm_lib.segments.rfm.segment_rules import SEGMENT_RULES, score_variables, segment_rules
from tests.segments.rfm.reference import apply_rules, rfm_scores

DAY = dt.date(2026, 6, 30)
SCORES = ["recency_score", "frequency_score", "monetary_score"]


def _summary(rows, names=None):
    frame = pd.DataFrame(rows, columns=["days", "orders", "revenue"], index=names)
    frame["last_purchase"] = pd.Timestamp(DAY) - pd.to_timedelta(frame["days"], unit="D")
    return frame


rows = st.lists(
    st.tuples(st.integers(0, 400), st.integers(1, 6), st.sampled_from([-3.0, 0.0, 9.5, 10.0, 80.0])),
    min_size=1,
    max_size=25,
)
levels = st.integers(3, 5)


@pytest.mark.parametrize("levels", [3, 4, 5])
def test_every_combination_of_scores_has_one_segment_and_every_segment_is_reached(levels):
    rules = segment_rules(levels)
    check_rules(rules, score_variables(levels))
    scores = pd.DataFrame(itertools.product(range(1, levels + 1), repeat=3), columns=SCORES)
    scores["weight"] = scores["frequency_score"] + scores["monetary_score"]
    found = apply_rules(scores, rules).astype(str)
    assert set(found) == {rule.name for rule in SEGMENT_RULES}
    bands = pd.DataFrame({"best": scores[SCORES].min(axis=1) == levels, "worst": scores[SCORES].max(axis=1) == 1})
    assert found[bands["best"]].tolist() == ["Champions"]
    assert found[bands["worst"]].tolist() == ["Dormant"]


def test_distinct_values_fall_into_equal_classes():
    result = rfm_scores(_summary([(day, day + 1, float(day)) for day in range(100)]), as_of=DAY)
    for score in SCORES:
        assert result.frame[score].value_counts().tolist() == [20] * 5
    assert result.cut_points["frequency"] == (20, 40, 60, 80)
    assert result.frame.loc[0, SCORES].tolist() == [5, 1, 1]


@settings(deadline=None, max_examples=60)
@given(rows, levels)
def test_more_is_never_scored_lower(rows, levels):
    frame = rfm_scores(_summary(rows), as_of=DAY, levels=levels).frame
    for measure, sign in (("recency", -1), ("frequency", 1), ("monetary", 1)):
        ordered = frame.assign(value=sign * frame[measure]).sort_values("value")
        assert ordered[f"{measure}_score"].is_monotonic_increasing
        assert ordered[f"{measure}_score"].between(1, levels).all()


def test_many_customers_with_one_order_stay_together_in_the_middle_of_their_ranks():
    # 60 of 100 have one order; the middle of them lies at 30 %, within the second fifth.
    orders = [1] * 60 + list(range(2, 42))
    result = rfm_scores(_summary([(1, count, 1.0) for count in orders]), as_of=DAY)
    assert result.frame["frequency_score"].head(60).unique().tolist() == [2]
    assert result.frame["frequency_score"].tail(40).value_counts().to_dict() == {4: 20, 5: 20}


@pytest.mark.parametrize(("levels", "middle"), [(3, 2), (4, 2), (5, 3)])
@pytest.mark.parametrize("customers", [1, 7])
def test_customers_who_are_all_alike_get_the_middle_score(levels, middle, customers):
    frame = rfm_scores(_summary([(9, 2, 5.0)] * customers), as_of=DAY, levels=levels).frame
    assert (frame[["frequency_score", "monetary_score"]] == middle).all(axis=None)
    assert frame["recency_score"].between(middle, middle + 1).all()
