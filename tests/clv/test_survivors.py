from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings, strategies as st

from crm_lib.clv.survivors import read_survivors
from crm_lib.errors import MissingData, TooLittleData


def _counts(*survivors, first=0, **columns):
    return pd.DataFrame({"period": range(first, first + len(survivors)), "survivors": survivors} | columns)


@pytest.mark.parametrize(
    ("frame", "at_risk", "losses"),
    [
        (_counts(100, 80, 70, 70), [100, 80, 70], [20, 10, 0]),
        (pd.concat([_counts(100, 80, 70, cohort="a"), _counts(50, 45, cohort="b")])[::-1], [150, 80], [25, 10]),
        (_counts(60, 50, 45, first=3), [0, 0, 0, 60, 50], [0, 0, 0, 10, 5]),
        # The contracts seen for no renewal at all tell nothing.
        (
            pd.DataFrame({"duration": [1, 3, 3, 2, 0], "ended": [1, 1, 0, 0, 0], "customers": [10, 1, 5, 2, 7]}),
            [18, 8, 6],
            [10, 0, 1],
        ),
    ],
)
def test_counts_and_rows_become_contracts_at_risk_and_losses(frame, at_risk, losses):
    found = read_survivors(frame)
    assert found.at_risk.tolist() == at_risk
    assert found.losses.tolist() == losses


@settings(deadline=None, max_examples=100)
@given(st.lists(st.tuples(st.integers(0, 8), st.booleans()), min_size=1, max_size=40))
def test_at_risk_is_whoever_lives_to_see_the_renewal(rows):
    rows = [(length, bool(ended and length)) for length, ended in [*rows, (1, False)]]
    found = read_survivors(pd.DataFrame(rows, columns=["duration", "ended"]))
    for renewal, at_risk, losses in zip(found.renewals, found.at_risk, found.losses, strict=True):
        assert at_risk == sum(renewal <= duration for duration, _ in rows)
        assert losses == sum(ended and duration == renewal for duration, ended in rows)


@pytest.mark.parametrize(
    ("frame", "error", "words"),
    [
        (_counts(100, 80, 90), ValueError, "cohort 'all' has more survivors after period 2 than before"),
        (_counts(100, -1), ValueError, "'survivors' is negative in 1 of 2 rows"),
        (_counts(1.0, 0.869), ValueError, "give counts, not shares"),
        (_counts(100, np.nan), ValueError, "'survivors' is missing"),
        (_counts("100", "eighty"), ValueError, "must hold numbers"),
        (_counts(100, 80, period=[0, 2]), ValueError, "no count for the period before 2: survivors of every period"),
        (_counts(100, 80, period=[1, 1]), ValueError, "two counts for period 1"),
        (_counts(100, 80, period=[0, 1.5]), ValueError, "'period' holds no whole numbers"),
        (_counts(100, 80, cohort=["a", None]), ValueError, "'cohort' is missing"),
        (pd.DataFrame({"duration": [0], "ended": [True]}), ValueError, "ended with duration 0"),
        (pd.DataFrame({"duration": [-1], "ended": [True]}), ValueError, "'duration' is negative"),
        (pd.DataFrame({"duration": [1.5], "ended": [True]}), ValueError, "'duration' holds no whole numbers"),
        (pd.DataFrame({"duration": [10**12], "ended": [True]}), ValueError, "counts more than 10,000 periods"),
        (pd.DataFrame({"duration": [1], "ended": [2]}), ValueError, "must be true or false"),
        (pd.DataFrame({"period": [1]}), MissingData, "survivors"),
        (pd.DataFrame({"ended": [True]}), MissingData, "duration"),
        (pd.DataFrame({"year": [1]}), MissingData, "period and survivors"),
        (_counts(), TooLittleData, "empty"),
        (_counts(100), TooLittleData, "no contract was up for renewal yet"),
        (pd.DataFrame({"duration": [], "ended": []}), TooLittleData, "empty"),
        (pd.DataFrame({"duration": [0, 0], "ended": [False, False]}), TooLittleData, "no contract was up for renewal"),
    ],
)
def test_tables_that_cannot_be_are_refused(frame, error, words):
    with pytest.raises(error, match=words):
        read_survivors(frame)
