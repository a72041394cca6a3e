"""Two kinds of customers told apart by their habits, and what each brings."""

from __future__ import annotations

import dataclasses

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit
from sklearn.metrics import roc_auc_score

from crm_lib.company import Company
from crm_lib.errors import MissingData, TooLittleData
from crm_lib.finding import Verdict
from crm_lib.relationships import (
    check_kinds,
    customer_kinds,
    finding_subsidy,
    finding_transactional_value,
    value_by_kind,
)
from crm_lib.relationships.kinds import Kinds, two_kinds
from tests.companies import transactions, write_company


def habits(customers=3000, seed=5, *, kinds=2):
    """Return facts about customers and who is relational; with one kind, shares of discount vary by degrees."""
    rng = np.random.default_rng(seed)
    orders = 1 + rng.negative_binomial(0.7, 0.7 / 6.7, customers)
    lines = orders + rng.poisson(1.5 * orders)
    # The odds of being relational grow with the number of orders.
    relational = (rng.random(customers) < expit(0.2 + 0.4 * (np.log1p(orders) - 1.5))) & (kinds == 2)

    def often(shares, precision, occasions):
        return rng.binomial(occasions, rng.beta(shares * precision, (1 - shares) * precision))

    on_discount = np.where(relational, 0.15, 0.55) if kinds == 2 else np.full(customers, 0.35)
    frame = pd.DataFrame(
        {
            "orders_ever": orders, "lines_ever": lines, "tenure": rng.integers(1, 1000, customers),
            "discounted_lines_ever": often(on_discount, 20.0 if kinds == 2 else 4.0, lines),
            "other_channel_ever": often(np.where(relational, 0.25, 0.1), 8.0, orders - 1),
            "reviews_ever": often(np.where(relational, 0.05, 0.01), 0.6, orders),
            "ever_member": rng.random(customers) < np.where(relational, 0.4, 0.1),
        }
    )  # fmt: skip
    return frame, relational


def test_known_kinds_are_recovered():
    frame, relational = habits()
    probability, found, separation = two_kinds(frame)
    assert roc_auc_score(relational, probability) > 0.9
    assert found.loc["share", "relational"] == pytest.approx(relational.mean(), abs=0.05)
    assert found.loc["discounted_lines_ever"].tolist() == pytest.approx([0.55, 0.15], abs=0.03)
    assert found.loc["ever_member"].tolist() == pytest.approx([0.1, 0.4], abs=0.05)
    assert probability.mean() == pytest.approx(relational.mean(), abs=0.05)
    assert 0.5 <= separation <= 1


def test_what_a_company_does_not_record_is_left_out_and_rows_may_stand_in_any_order():
    frame, relational = habits()
    few = frame.drop(columns=["other_channel_ever", "reviews_ever", "ever_member"])
    probability, found, _ = two_kinds(few)
    assert found.index.tolist() == ["discounted_lines_ever", "share"]
    assert roc_auc_score(relational, probability) > 0.85
    mixed = two_kinds(few.sample(frac=1, random_state=2))[0]
    np.testing.assert_allclose(mixed.reindex(few.index), probability, atol=1e-6)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_one_kind_that_differs_by_degrees_is_not_taken_for_two(seed):
    with pytest.raises(TooLittleData, match="no two kinds"):
        two_kinds(habits(seed=seed, kinds=1)[0])


def test_kinds_of_the_simulated_company_agree_with_the_truth(true_shop, kinds):
    check = check_kinds(kinds, true_shop)
    mixture, thumb, alike = (check.loc[rule] for rule in check.index)
    assert mixture["auc"].value >= 0.94
    assert mixture["auc"].low > thumb["auc"].high
    assert mixture["accuracy"].low > thumb["accuracy"].high
    assert alike["auc"].value == 0.5


def test_value_by_kind_is_that_of_the_true_kinds(simulation, kinds):
    found = value_by_kind(kinds, seed=1)
    types = simulation.truth["customers"].set_index("customer_id")["type"]
    bought = kinds.frame[kinds.frame["value"] != 0]
    means = bought["value"].groupby(types.reindex(bought.index).eq("transactional")).mean()
    assert found.transactional.low <= means[True] <= found.transactional.high
    assert found.relational.low <= means[False] <= found.relational.high
    assert found.total == pytest.approx(found.share.value * bought["value"].sum())
    assert finding_transactional_value(found).estimate == found.ratio
    assert finding_subsidy(found).verdict is Verdict.NOT_SUPPORTED


def test_only_a_loss_is_a_subsidy_and_revenue_cannot_show_one(kinds):
    costly = kinds.frame.assign(value=np.where(kinds.frame["relational"] > 0.5, 100.0, -20.0))
    worse = dataclasses.replace(kinds, frame=costly)
    assert finding_subsidy(value_by_kind(worse)).verdict is Verdict.SUPPORTED
    with pytest.raises(MissingData, match="margin"):
        finding_subsidy(value_by_kind(dataclasses.replace(kinds, value_kind="revenue")))


def test_too_little_is_told(tmp_path):
    with pytest.raises(TooLittleData, match="there are 30"):
        two_kinds(habits(30)[0])
    frame, _ = habits()
    with pytest.raises(TooLittleData, match="of one sort"):
        two_kinds(frame.assign(discounted_lines_ever=0))
    shop = Company.open(write_company(tmp_path / "shop", {"transactions": transactions()}, as_of="2025-03-31"))
    with pytest.raises(MissingData, match="discount"):
        customer_kinds(shop)
    few = pd.DataFrame({"relational": [0.9] * 20, "value": 1.0, "discounted": 0.1})
    lonely = Kinds(frame=few, habits=pd.DataFrame(), separation=1.0, value_kind="margin", currency="GBP")
    with pytest.raises(TooLittleData, match="of each kind"):
        value_by_kind(lonely)
