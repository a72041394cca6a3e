from __future__ import annotations

import itertools
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crm_lib.errors import MissingData, TooLittleData
from crm_lib.estimate import Estimate
from crm_lib.relationships import rank_prospects


class _Model:
    """Predictions that were set by hand."""

    value_kind = "margin"

    def __init__(self, gross, cost, **more):
        index = pd.Index([f"q{number}" for number in range(len(gross))], name="prospect_id")
        rows = pd.DataFrame({"cost": cost, "waited": 1.0, "gross": gross, **more}, index=index, dtype=None)
        self.training_ = SimpleNamespace(open=rows, live_days=90, stale=0)

    def predict(self, rows):
        gross = rows["gross"].astype(float)
        half = gross.abs() / 4
        net = gross - rows["cost"]
        return pd.DataFrame(
            {
                "chance": 0.5,
                "value": 2 * gross,
                "gross": gross,
                "gross_low": gross - half,
                "gross_high": gross + half,
                "cost": rows["cost"].astype(float),
                "expected": net,
                "low": net - half,
                "high": net + half,
                "alike": 100,
                "outside": False,
            }
        )

    def total(self, rows):
        value = float(rows["gross"].sum())
        return Estimate(value=value, low=value * 0.8, high=value * 1.2, n=len(rows), method="by hand")


_MONEY = st.integers(0, 40)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(_MONEY, st.integers(1, 15)), min_size=1, max_size=7), st.integers(0, 60))
def test_choice_fits_the_budget_and_falls_short_of_the_best_by_less_than_one_prospect(rows, budget):
    gross, cost = np.array(rows, dtype=float).T
    ranking = rank_prospects(_Model(gross, cost), currency="GBP", budget=budget)
    chosen = ranking.chosen
    assert chosen["cost"].sum() == pytest.approx(ranking.spent)
    assert ranking.spent <= budget + 1e-9
    assert (chosen["expected"] > 0).all()
    best = max(
        (gross - cost)[list(some)].sum()
        for size in range(len(rows) + 1)
        for some in itertools.combinations(range(len(rows)), size)
        if cost[list(some)].sum() <= budget
    )
    assert chosen["expected"].sum() <= best + 1e-9 <= ranking.bound + 2e-9
    assert best - chosen["expected"].sum() <= max((gross - cost).max(), 0.0)


@settings(max_examples=30, deadline=None)
@given(st.lists(_MONEY, min_size=1, max_size=9), st.integers(0, 9))
def test_with_equal_costs_the_choice_is_the_best(gross, number):
    ranking = rank_prospects(_Model(np.array(gross, float), 5.0), currency="GBP", budget=5.0 * number)
    best = sorted((value - 5.0 for value in gross if value > 5), reverse=True)[:number]
    assert ranking.chosen["expected"].sum() == pytest.approx(sum(best))
    assert ranking.bound == pytest.approx(sum(best))


def test_without_a_budget_whoever_is_worth_the_cost_is_chosen():
    ranking = rank_prospects(_Model([30.0, 4.0, 9.0], [10.0, 5.0, 3.0]), currency="GBP")
    assert ranking.chosen.index.tolist() == ["q0", "q2"]
    assert ranking.frame["reason"].to_dict() == {"q0": "chosen", "q2": "chosen", "q1": "loss"}
    assert ranking.frame["rank"].tolist() == [1, 2, 3]
    assert ranking.promised.value == pytest.approx(39 - 13)
    assert ranking.share_of_cost == pytest.approx(13 / 18)
    assert np.isnan(ranking.expected.value)  # nothing tells how such choices turned out


def test_who_may_not_be_contacted_or_has_no_known_cost_is_not_chosen():
    model = _Model([30.0, 30.0, 30.0], [1.0, np.nan, 1.0], contact_allowed=[True, True, False])
    ranking = rank_prospects(model, currency="GBP")
    assert ranking.frame["reason"].to_dict() == {"q0": "chosen", "q1": "no cost", "q2": "no contact"}
    given_cost = rank_prospects(model, currency="GBP", cost=2.0)
    assert given_cost.chosen.index.tolist() == ["q0", "q1"]


def test_what_costs_nothing_is_taken_first():
    ranking = rank_prospects(_Model([3.0, 30.0], [0.0, 10.0]), currency="GBP", budget=0.0)
    assert ranking.frame.index.tolist() == ["q0", "q1"]
    assert ranking.chosen.index.tolist() == ["q0"]


def test_the_total_is_corrected_by_how_such_choices_turned_out():
    seen = {}

    def kept_promise(*, share, level):
        seen["share"] = share
        return Estimate(value=0.8, low=0.5, high=1.1, n=200, method="by hand", level=level)

    ranking = rank_prospects(
        _Model([50.0, 20.0, 9.0], [10.0, 10.0, 10.0]),
        SimpleNamespace(kept_promise=kept_promise),
        currency="GBP",
        budget=20,
    )
    assert seen["share"] == pytest.approx(2 / 3)
    total = ranking.expected
    assert (total.value, total.low, total.high) == pytest.approx((0.8 * 70 - 20, 0.5 * 70 - 20, 1.1 * 70 - 20))


def test_what_is_missing_or_wrong_is_said():
    with pytest.raises(MissingData, match="acquisition_cost"):
        rank_prospects(_Model([1.0], [np.nan]), currency="GBP")
    with pytest.raises(TooLittleData, match="no prospect became known in the last 90 days"):
        rank_prospects(_Model([], []), currency="GBP")
    with pytest.raises(ValueError, match="must not be negative"):
        rank_prospects(_Model([1.0], [1.0]), currency="GBP", budget=-1)


def test_order_of_rows_does_not_matter():
    gross, cost = np.array([8.0, 8.0, 8.0, 4.0]), np.array([4.0, 4.0, 4.0, 2.0])
    model, turned = _Model(gross, cost), _Model(gross, cost)
    turned.training_.open = turned.training_.open.iloc[::-1]
    one, other = (rank_prospects(each, currency="GBP", budget=8) for each in (model, turned))
    pd.testing.assert_frame_equal(one.frame, other.frame)
