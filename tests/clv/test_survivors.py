from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings, strategies as st

from crm_lib.clv.survivors import read_survivors
from crm_lib.errors import MissingData, TooLittleData


def _counts(*survivors, first=0, **columns):
    return pd.DataFrame({"period": range(first, first + len(survivors)), "survivors": survivors} | columns)


def test_counts_become_contracts_at_risk_and_losses():
    found = read_survivors(_counts(100, 80, 70, 70))
    assert found.at_risk.tolist() == [100, 80, 70]
    assert found.losses.tolist() == [20, 10, 0]
    assert found.renewals.tolist() == [1, 2, 3]
    assert found.total == 100


def test_cohorts_of_different_length_add_up():
    both = pd.concat([_counts(100, 80, 70, cohort="2023"), _counts(50, 45, cohort="2024")])
    found = read_survivors(both.sample(frac=1, random_state=2))
    assert found.at_risk.tolist() == [150, 80]
    assert found.losses.tolist() == [25, 10]
    assert found.total == 150


def test_a_cohort_seen_late_counts_from_then_on():
    found = read_survivors(_counts(60, 50, 45, first=3))
    assert found.at_risk.tolist() == [0, 0, 0, 60, 50]
    assert found.losses.tolist() == [0, 0, 0, 10, 5]


def test_rows_tell_the_period_of_the_end_or_the_renewals_made():
    rows = pd.DataFrame(
        {
            "duration": [1, 3, 3, 2, 0],
            "ended": [True, True, False, False, False],
            "customers": [10, 1, 5, 2, 7],
        }
    )
    found = read_survivors(rows)
    # The contracts seen for no renewal at all tell nothing.
    assert found.at_risk.tolist() == [18, 8, 6]
    assert found.losses.tolist() == [10, 0, 1]


@settings(deadline=None, max_examples=100)
@given(st.lists(st.tuples(st.integers(0, 8), st.booleans()), min_size=1, max_size=40))
def test_at_risk_is_whoever_lives_to_see_the_renewal(rows):
    rows = [(length, bool(ended and length)) for length, ended in [*rows, (1, False)]]
    found = read_survivors(pd.DataFrame(rows, columns=["duration", "ended"]))
    for renewal, at_risk, losses in zip(found.renewals, found.at_risk, found.losses, strict=True):
        assert at_risk == sum(renewal <= duration for duration, _ in rows)
        assert losses == sum(ended and duration == renewal for duration, ended in rows)


@pytest.mark.parametrize(
    ("frame", "words"),
    [
        (_counts(100, 80, 90), "cohort 'all' has more survivors after period 2 than before"),
        (_counts(100, -1), "'survivors' is negative in 1 of 2 rows"),
        (_counts(1.0, 0.869), "give counts, not shares"),
        (_counts(100, np.nan), "'survivors' is missing"),
        (_counts("100", "eighty"), "must hold numbers"),
        (_counts(100, 80, period=[0, 2]), "no count for the period before 2: survivors of every period"),
        (_counts(100, 80, period=[1, 1]), "two counts for period 1"),
        (_counts(100, 80, period=[0, 1.5]), "'period' holds no whole numbers"),
        (_counts(100, 80, cohort=["a", None]), "'cohort' is missing"),
        (pd.DataFrame({"duration": [0], "ended": [True]}), "ended with duration 0"),
        (pd.DataFrame({"duration": [-1], "ended": [True]}), "'duration' is negative"),
        (pd.DataFrame({"duration": [1.5], "ended": [True]}), "'duration' holds no whole numbers"),
        (pd.DataFrame({"duration": [1], "ended": [2]}), "must be true or false"),
    ],
)
def test_tables_that_cannot_be_are_refused(frame, words):
    with pytest.raises(ValueError, match=words):
        read_survivors(frame)


@pytest.mark.parametrize(
    ("frame", "absent"),
    [
        (pd.DataFrame({"period": [1]}), "survivors"),
        (pd.DataFrame({"ended": [True]}), "duration"),
        (pd.DataFrame({"year": [1]}), "period and survivors"),
    ],
)
def test_absent_columns_are_named(frame, absent):
    with pytest.raises(MissingData, match=absent):
        read_survivors(frame)


@pytest.mark.parametrize(
    ("frame", "words"),
    [
        (_counts(), "empty"),
        (_counts(100), "no contract was up for renewal yet"),
        (_counts(0, 0), "no contract was up for renewal yet"),
        (pd.DataFrame({"duration": [], "ended": []}), "empty"),
        (pd.DataFrame({"duration": [0, 0], "ended": [False, False]}), "no contract was up for renewal yet"),
    ],
)
def test_too_little_is_said(frame, words):
    with pytest.raises(TooLittleData, match=words):
        read_survivors(frame)
