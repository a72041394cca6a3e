"""What better retention earns: published formulas, the homogeneous limit, a simulation, units."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from crm_lib.clv import ShiftedBetaGeometric
from crm_lib.company import Company
from crm_lib.errors import TooLittleData
from crm_lib.finding import Verdict
from crm_lib.retention import economics, finding_five_per_cent, lives as lives_of, purchase_projection, retention_value
from crm_lib.retention.economics import _length, _nodes, _reached, _year, formula_elasticity, formula_value
from tests.companies import write_company

TERMS = {"annual_rate": 0.1, "programme_cost": 2.0}


@pytest.fixture(scope="module")
def projection(lives):
    return purchase_projection(lives)


@pytest.fixture(scope="module")
def found(simulated_shop, lives, projection):
    return retention_value(simulated_shop, lives, projection, **TERMS)


def test_published_elasticities():
    # Gupta, Lehmann & Stuart (2004): (1 + i) / (1 + i - r).
    assert formula_elasticity(0.9, 0.12) == pytest.approx(5.09, abs=0.005)
    assert formula_value(0.95, 0.1) / formula_value(0.9, 0.1) - 1 == pytest.approx(0.41, abs=0.005)
    step = 1e-6
    numeric = (formula_value(0.9 * (1 + step), 0.12) / formula_value(0.9, 0.12) - 1) / step
    assert numeric == pytest.approx(formula_elasticity(0.9, 0.12), rel=1e-4)


@pytest.mark.parametrize(("alpha", "beta"), [(0.7, 0.27), (0.668, 3.806), (3.8, 15.2)])
def test_the_length_of_a_relationship_is_the_discounted_sum_of_survival(alpha, beta):
    leaving, weights = _nodes(np.array([[alpha, beta]]))
    model, discount = ShiftedBetaGeometric().with_parameters(alpha=alpha, beta=beta), 1.1**-0.25
    times = np.arange(1500)
    direct = (model.survival(times).to_numpy() * discount**times).sum()
    assert _length(leaving, weights, discount)[0] == pytest.approx(direct, rel=1e-6)
    assert _year(leaving, weights, 4)[0] == pytest.approx(model.survival(4).iloc[0], rel=1e-9)


def test_where_customers_are_alike_the_textbook_is_right():
    # A beta law of almost no spread about a chance of leaving of .1 a year.
    leaving, weights = _nodes(np.array([[1e5, 9e5]]))
    part = _reached(lambda part: _year(part[:, None] * leaving, weights, 1), np.array([0.9 * 1.001]))
    # Without the margin of the first period, the length is the textbook's value.
    once, more = (_length(each * leaving, weights, 1 / 1.1)[0] - 1 for each in (1.0, part[0]))
    assert once == pytest.approx(formula_value(0.9, 0.1), rel=1e-4)
    assert (more / once - 1) / 0.001 == pytest.approx(formula_elasticity(0.9, 0.1), rel=0.01)


def test_where_customers_differ_the_textbook_promises_too_much(found):
    # Planted: customers differ widely, and most leave early.
    assert found.points.high < found.formula_points
    assert found.relative.high < found.formula_relative
    assert found.relative.value < found.points.value
    assert found.elasticities.loc["retention", "here"].value == pytest.approx(found.relative.value / 0.05, rel=0.1)


def test_the_gain_is_that_of_a_simulated_programme(found, projection):
    alpha, beta = projection.model.params_[["alpha", "beta"]]
    theta = np.random.default_rng(1).beta(alpha, beta, 400_000)
    discount = 1.1 ** (-projection.period_days / 365.25)
    parts = np.linspace(1, 0, 2001)
    stay = np.array([((1 - part * theta[:20_000]) ** 4).mean() for part in parts])
    part = parts[np.argmax(stay > found.year.value + 0.05)]
    gain = (1 / (1 - (1 - part * theta) * discount)).mean() / (1 / (1 - (1 - theta) * discount)).mean() - 1
    margin = found.elasticities.loc["margin", "here"].value  # gross over net of the cost of winning
    assert found.points.value == pytest.approx(gain * margin, rel=0.05)


def test_a_programme_breaks_even_where_its_gain_pays_its_cost(simulated_shop, lives, projection, found):
    free = retention_value(simulated_shop, lives, projection, annual_rate=0.1, programme_cost=0.0)
    assert free.break_even.value == pytest.approx(0.0, abs=1e-9)
    dear = retention_value(simulated_shop, lives, projection, annual_rate=0.1, programme_cost=1e6)
    assert np.isnan(dear.break_even.value)
    assert 0 < found.break_even.low <= found.break_even.value
    with pytest.raises(ValueError, match="must not be negative"):
        retention_value(simulated_shop, lives, projection, annual_rate=0.1, programme_cost=-1.0)


def test_no_unit_of_money_matters(simulated_shop, found, tmp_path):
    lines = simulated_shop.frame(
        "transactions", "order_id", "customer_id", "ordered_at", "revenue", "margin", "quantity"
    )
    people = simulated_shop.frame("customers", "customer_id", "acquisition_cost")
    lines[["revenue", "margin"]] *= 1000
    people["acquisition_cost"] *= 1000
    tables = {"transactions": lines, "customers": people}
    shop = Company.open(write_company(tmp_path / "x", tables, how="parquet", as_of=simulated_shop.as_of))
    lives = lives_of(shop, 120)
    again = retention_value(shop, lives, purchase_projection(lives), annual_rate=0.1, programme_cost=2000.0)
    assert again.points.value == pytest.approx(found.points.value, rel=1e-6)
    assert again.break_even.value == pytest.approx(found.break_even.value, rel=1e-6)
    assert again.profit.value == pytest.approx(1000 * found.profit.value, rel=1e-6)


def test_the_finding_holds_the_books_against_the_interval(found):
    few = replace(found.points, value=0.05, low=0.04, high=0.06)
    assert finding_five_per_cent(replace(found, points=few)).verdict is Verdict.NOT_SUPPORTED
    assert len(finding_five_per_cent(found).text.split()) <= 30


def test_a_first_year_that_nobody_was_seen_through_is_not_told(simulated_shop, lives, projection):
    short = replace(lives, frame=lives.frame.assign(seen=lives.frame["seen"].clip(upper=364)))
    with pytest.raises(TooLittleData, match="followed for a year"):
        retention_value(simulated_shop, short, projection, **TERMS)


def test_customers_who_cost_more_than_they_bring_have_no_percentage(simulated_shop, lives, projection, monkeypatch):
    monkeypatch.setattr(economics, "_cost", lambda _: (1e6, True, 10))
    with pytest.raises(TooLittleData, match="more than winning one costs"):
        retention_value(simulated_shop, lives, projection, **TERMS)
