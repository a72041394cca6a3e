"""The model to go on with is the recommended one, and the picture shows a customer of whom it is unclear."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from crm_lib.clv import BGNBD, NBD, ParetoNBD, purchases_of, recommended_model, telling_customer
from crm_lib.errors import MissingData, TooLittleData
from crm_lib.exhibit import Skipped, when_possible


def lacking() -> NBD:
    raise MissingData("transactions")


def test_without_a_comparison_pareto_nbd_is_taken() -> None:
    skipped = when_possible("a comparison", lacking)
    assert isinstance(skipped, Skipped)
    model = recommended_model(skipped, unit="M")
    assert isinstance(model, ParetoNBD)
    assert model.unit == "M"


def test_the_telling_customer_is_nearest_to_even_odds_among_those_with_a_rhythm() -> None:
    model = BGNBD().with_parameters(r=0.24, alpha=4.4, a=0.79, b=2.4)
    customers = model.simulate(np.full(500, 39.0), seed=3)[["frequency", "recency", "age"]]
    customers.index = pd.Index([f"c{number}" for number in range(500)])
    told = telling_customer(model, customers)
    rhythmic = customers[customers["frequency"].between(5, 40)]
    distance = (model.probability_alive(rhythmic) - 0.5).abs()
    assert distance[told] == distance.min()


def test_nobody_with_a_rhythm_is_said() -> None:
    model = BGNBD().with_parameters(r=0.24, alpha=4.4, a=0.79, b=2.4)
    customers = pd.DataFrame({"frequency": [0, 1], "recency": [0.0, 3.0], "age": [9.0, 9.0]})
    with pytest.raises(TooLittleData, match="5 to 40"):
        telling_customer(model, customers)


def test_purchases_are_those_of_the_customer() -> None:
    days = pd.to_datetime(["2025-01-01", "2025-02-01", "2025-03-01"])
    purchases = pd.DataFrame({"customer_id": ["a", "b", "a"], "day": days})
    assert list(purchases_of(purchases, "a")) == [days[0], days[2]]


def test_outcomes_of_blocks_are_independent_under_names_of_their_own() -> None:
    model = BGNBD().with_parameters(r=0.24, alpha=4.4, a=0.79, b=2.4)
    customers = model.simulate(np.full(300, 39.0), seed=3)[["frequency", "recency", "age"]]
    model = BGNBD().fit(customers)
    one, same, other = (
        model.drawn("purchases", customers, horizon=26.0, outcome=True, label=label, draws=100)
        for label in ("a", "a", "b")
    )
    assert np.array_equal(one, same)
    assert not np.array_equal(one, other)


def test_scores_are_the_predictions_one_by_one() -> None:
    model = BGNBD().with_parameters(r=0.24, alpha=4.4, a=0.79, b=2.4)
    customers = model.simulate(np.full(300, 39.0), seed=3)
    scores = model.scores(customers, 26.0, annual_rate=0.1)
    pd.testing.assert_series_equal(scores["probability_alive"], model.probability_alive(customers))
    pd.testing.assert_series_equal(scores["expected_purchases"], model.expected_purchases(customers, 26.0))
    one_by_one = model.discounted_expected_purchases(customers, 0.1)
    pd.testing.assert_series_equal(scores["discounted_expected_purchases"], one_by_one)
