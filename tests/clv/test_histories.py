from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings, strategies as st

from crm_lib.clv import NBD
from crm_lib.clv.histories import read_histories
from crm_lib.errors import MissingData, TooLittleData

GOOD = {"frequency": [0, 2, 1, 2], "recency": [0.0, 5.0, 3.0, 5.0], "age": [9.0, 8.0, 8.0, 8.0]}
ROWS = ["ann", "bob", "cem", "dee"]


def _summary(**changes):
    return pd.DataFrame(GOOD | changes, index=ROWS)


def _with(column, values):
    return _summary(**{column: values})


@pytest.mark.parametrize(
    ("column", "values", "words"),
    [
        ("frequency", [0, -2, 1, 2], "frequency is negative in 1 of 4 rows of the customer summary: bob"),
        ("frequency", [0, 1.5, 1, 2], "frequency is no whole number in 1 of 4 rows .*: bob"),
        ("frequency", [0, np.nan, 1, np.inf], "column 'frequency' is missing or infinite in 2 of 4 rows .*: bob, dee"),
        ("frequency", [0, 2, 0, 2], "no repeat purchases .frequency 0., yet recency is above 0 in 1 of 4 rows .*: cem"),
        ("recency", [0.0, 5.0, 0.0, 5.0], "repeat purchases .frequency > 0., yet recency is 0 in 1 of 4 rows .*: cem"),
        ("recency", [0.0, 5.0, -3.0, 5.0], "recency is negative in 1 of 4 rows .*: cem"),
        ("recency", [0.0, 5.0, 3.0, 8.1], "recency exceeds age.* in 1 of 4 rows .*: dee"),
        ("age", [-9.0, 8.0, 8.0, 8.0], "age is negative in 1 of 4 rows .*: ann"),
        ("customers", [3, 1, -1, 1], "the number of customers is negative in 1 of 4 rows .*: cem"),
        ("frequency", ["none", "2", "1", "2"], "column 'frequency' must hold numbers"),
    ],
)
def test_rows_that_are_no_histories_are_refused_by_rule_and_name(column, values, words):
    with pytest.raises(ValueError, match=words):
        read_histories(_with(column, values), unit="W")


def test_absent_columns_are_named_and_an_age_may_be_called_t():
    for column in ("frequency", "recency", "age"):
        with pytest.raises(MissingData, match=f"column {column} of table 'customer summary'"):
            read_histories(_summary().drop(columns=column), unit="W")
    with pytest.raises(MissingData, match="column income of table 'customer summary'"):
        read_histories(_summary(), unit="W", covariates=["income"])
    assert read_histories(_summary().rename(columns={"age": "T"}), unit="W").age.max() == 9


@pytest.mark.parametrize(
    ("unit", "frequency", "age", "words"),
    [
        ("Y", 2, 59.0, ""), ("Y", 2, 61.0, "61 years"), ("W", 2, 3100.0, ""), ("W", 2, 3200.0, "61 years"),
        ("W", 400, 2.0, "29 times a day"), ("M", 400, 2.0, ""),
    ],
)  # fmt: skip
def test_a_fit_suspects_another_unit_once(unit, frequency, age, words):
    summary = pd.DataFrame({"frequency": [frequency, 1, 0], "recency": [2.0, 1.0, 0.0], "age": [age, 2.0, 1.0]})
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        model = NBD(unit=unit).fit(summary)
        model.expected_purchases(summary, 1.0)
    found = [each for each in caught if "counted in another unit" in str(each.message)]
    assert len(found) == bool(words)
    assert all(words in str(each.message) and each.filename == __file__ for each in found)


def test_no_rows_and_no_customers_are_too_little():
    with pytest.raises(TooLittleData, match="is empty"):
        read_histories(_summary().iloc[:0], unit="W")
    with pytest.raises(TooLittleData, match="counts no customer"):
        read_histories(_with("customers", [0, 0, 0, 0]), unit="W")


def test_a_summary_that_tells_another_unit_is_refused():
    summary = _summary()
    summary.attrs["unit"] = "D"
    with pytest.raises(ValueError, match="counts time in 'D', the model in 'W': give the model unit='D'"):
        read_histories(summary, unit="W")
    assert len(read_histories(summary, unit="D")) == 3


def test_an_unknown_unit_is_refused_with_the_options():
    with pytest.raises(ValueError, match=r"unknown unit of time 'weeks': use 'D' .*'W' .*'M' .*'Y'"):
        read_histories(_summary(), unit="weeks")


def test_covariates_tell_equal_histories_apart():
    summary = _summary(income=[1.0, 2.0, 2.0, 3.0])
    assert len(read_histories(summary, unit="W")) == 3
    histories = read_histories(summary, unit="W", covariates=["income"])
    assert len(histories) == 4
    assert histories.covariates[histories.inverse, 0].tolist() == [1.0, 2.0, 2.0, 3.0]


rows = st.lists(
    st.tuples(st.integers(0, 3), st.integers(1, 4), st.integers(0, 3), st.integers(0, 3)), min_size=1, max_size=60
)


def _frame(drawn):
    frame = pd.DataFrame(drawn, columns=["frequency", "recency", "more", "customers"])
    frame["recency"] = np.where(frame["frequency"] > 0, frame["recency"] / 7, 0.0)
    frame["age"] = frame["recency"] + frame.pop("more") / 7
    frame["customers"] += 1
    return frame


@settings(deadline=None, max_examples=100)
@given(rows)
def test_every_row_finds_its_own_history(drawn):
    summary = _frame(drawn)
    histories = read_histories(summary, unit="W")
    assert len(histories) == len(summary.drop(columns="customers").drop_duplicates())
    for column in ("frequency", "recency", "age"):
        np.testing.assert_array_equal(histories.per_row(getattr(histories, column)), summary[column])
    counted = summary.groupby(["frequency", "recency", "age"])["customers"].transform("sum")
    np.testing.assert_array_equal(histories.per_row(histories.customers), counted)


def test_as_many_different_histories_as_rows_are_grouped_through_a_hash_table():
    # 80,000 different times twice over make 6.4e9 combinations, more than any table could hold.
    count = 80_000
    rng = np.random.default_rng(3)
    recency = rng.permutation(np.arange(1, count + 1)) / 1000
    age = 100 + rng.permutation(count) / 1000
    once = pd.DataFrame({"frequency": rng.integers(1, 50, count), "recency": recency, "age": age})
    histories = read_histories(pd.concat([once, once], ignore_index=True), unit="W")
    assert len(histories) == count
    assert (histories.customers == 2).all()
    np.testing.assert_array_equal(histories.per_row(histories.recency), np.tile(recency, 2))
    np.testing.assert_array_equal(histories.per_row(histories.age), np.tile(age, 2))
