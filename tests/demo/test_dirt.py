"""The dirt in the tables is of the documented kinds and amounts."""

from __future__ import annotations

import math

import pandas as pd
import pytest

from crm_lib.demo.dirt import IMPOSSIBLE


def near(count: int, n: int, share: float) -> bool:
    """Whether a count is within four standard errors of what the share makes expect."""
    return abs(count - n * share) < 4 * math.sqrt(n * share * (1 - share)) + 1


def test_some_lines_are_entered_twice_under_one_number(demo):
    lines, dirt = demo.tables["transactions"], demo.parameters.dirt
    twice = lines.duplicated("line_id")
    assert (lines.duplicated() == twice).all()
    assert near(int(twice.sum()), len(lines), dirt.duplicates)


def test_some_lines_enter_the_books_days_late(demo):
    lines, dirt = demo.tables["transactions"].drop_duplicates("line_id"), demo.parameters.dirt
    delay = lines["recorded_at"] - lines["ordered_at"]
    late = delay > pd.Timedelta(0)
    assert (delay[~late] == pd.Timedelta(0)).all()
    assert delay[late].between(pd.Timedelta(days=1), pd.Timedelta(days=10)).all()
    assert near(int(late.sum()), len(lines), dirt.late)
    assert (lines["recorded_at"] >= "2026-07-01").any()


@pytest.mark.parametrize(
    ("table", "column", "share"),
    [
        ("transactions", "category", "category_missing"),
        ("customers", "region", "region_missing"),
    ],
)
def test_some_values_are_missing(demo, table, column, share):
    values = demo.tables[table][column]
    assert near(int(values.isna().sum()), len(values), getattr(demo.parameters.dirt, share))


def test_some_lines_are_returned(demo):
    lines = demo.tables["transactions"].drop_duplicates("line_id")
    share = (lines["revenue"] < 0).sum() / (lines["revenue"] > 0).sum()
    # A few of the returns drawn fall after the departure or after the last day.
    assert 0.85 * demo.parameters.dirt.returned < share < demo.parameters.dirt.returned


def test_a_handful_of_ratings_are_impossible(demo, small):
    for company, number in ((demo, 6), (small, 6)):
        ratings = company.tables["surveys"]["value_for_money"].dropna()
        assert (~ratings.between(1, 10)).sum() == number
        assert set(ratings[~ratings.between(1, 10)]) == set(IMPOSSIBLE)


def test_names_are_those_of_real_people_and_one_that_is_not(demo, small):
    for company in (demo, small):
        names = company.tables["customers"]["name"]
        assert names.str.startswith("<script>").sum() == 1
        assert names.str.contains("'").any()
        assert names.str.contains("[éøłñ]").any()
    assert demo.tables["customers"]["name"].str.contains("[一-鿿]").any()


def test_one_product_is_called_like_a_formula(demo):
    products = demo.tables["transactions"]["product"]
    assert len(products[products.str.startswith("=")].unique()) == 1
