"""What the Pareto/NBD foresees, against integration over what each customer might be, and against simulation."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import gammaln

from crm_lib.clv.pareto_nbd import ParetoNBD


def model(r=0.55, alpha=10.6, s=0.61, beta=11.7, unit="W"):
    return ParetoNBD(unit=unit).with_parameters(r=r, alpha=alpha, s=s, beta=beta)


def history(frequency, recency, age):
    return pd.DataFrame({"frequency": frequency, "recency": recency, "age": age}, dtype=float)


# Closed forms against integration


@pytest.mark.parametrize(("x", "recency", "age"), [(0, 0.0, 20.0), (3, 11.0, 20.0), (3, 20.0, 20.0), (25, 8.0, 9.0)])
def test_expectations_are_those_of_integration_over_rates(x, recency, age):
    values = {"r": 0.8, "alpha": 6.0, "s": 0.7, "beta": 9.0}
    r, alpha, s, beta = values.values()
    grid = np.linspace(-45.0, 6.0, 1200)
    buying, leaving = np.exp(grid)[:, None], np.exp(grid)[None, :]
    both = buying + leaving
    prior = buying**r * alpha**r * np.exp(-alpha * buying - gammaln(r))
    prior = prior * leaving**s * beta**s * np.exp(-beta * leaving - gammaln(s)) * buying**x
    alive = prior * np.exp(-both * age)
    total = (alive * buying / both + prior * leaving / both * np.exp(-both * recency)).sum()
    # P(history, alive) is λ^x e^-(λ+μ)T; P(history) adds those who left, μ/(λ+μ) (e^-(λ+μ)t_x - e^-(λ+μ)T).
    customers = history([x], [recency], [age])
    ours = model(**values)
    horizon, rate = 30.0, 0.15
    delta = np.log1p(rate) * 7 / 365.25
    by_hand = {
        "alive": alive.sum() / total,
        "expected": (alive * buying * -np.expm1(-leaving * horizon) / leaving).sum() / total,
        "discounted": (alive * buying / (leaving + delta)).sum() / total,
    }
    assert ours.probability_alive(customers).iloc[0] == pytest.approx(by_hand["alive"], rel=1e-8)
    assert ours.expected_purchases(customers, horizon).iloc[0] == pytest.approx(by_hand["expected"], rel=1e-8)
    assert ours.discounted_expected_purchases(customers, rate).iloc[0] == pytest.approx(by_hand["discounted"], rel=1e-8)


@pytest.mark.parametrize("s", [0.4, 1.0, 2.5])
def test_new_customers_are_customers_with_no_history(s):
    ours = model(s=s)
    fresh = history([0], [0.0], [0.0])
    for horizon in (0.0, 1.0, 80.0):
        expected = ours.expected_purchases(fresh, horizon).iloc[0]
        assert ours.expected_purchases_new(horizon) == pytest.approx(expected, rel=1e-13)
    discounted = ours.discounted_expected_purchases(fresh, 0.1).iloc[0]
    assert ours.discounted_expected_purchases_new(0.1) == pytest.approx(discounted, rel=1e-6)


# Properties

histories = st.tuples(st.integers(0, 40), st.floats(0.01, 1.0), st.floats(0.5, 200.0)).map(
    lambda drawn: history([drawn[0]], [drawn[1] * drawn[2] if drawn[0] else 0.0], [drawn[2]])
)
models = st.tuples(*[st.floats(-3.0, 3.0)] * 4).map(
    lambda logs: model(**dict(zip(("r", "alpha", "s", "beta"), np.exp(logs), strict=True)))
)


@settings(max_examples=40, deadline=None)
@given(ours=models, customers=histories, horizon=st.floats(0.1, 500.0))
def test_expected_purchases_begin_at_nothing_rise_and_level_off(ours, customers, horizon):
    assert 0 <= ours.probability_alive(customers).iloc[0] <= 1
    expected = np.array([ours.expected_purchases(customers, t).iloc[0] for t in np.linspace(0, horizon, 6)])
    new = ours.expected_purchases_new(np.linspace(0, horizon, 6)).to_numpy()
    for path in (expected, new):
        assert path[0] == 0
        assert (np.diff(path) >= -1e-12 * path[-1]).all()
        assert (np.diff(path, 2) <= 1e-12 * path[-1]).all()


@settings(max_examples=40, deadline=None)
@given(ours=models, customers=histories)
def test_discounted_purchases_shrink_with_the_rate(ours, customers):
    discounted = [ours.discounted_expected_purchases(customers, rate).iloc[0] for rate in (1e-6, 0.01, 0.1, 1.0)]
    assert np.isfinite(discounted).all()
    assert (np.diff(discounted) <= 0).all()
    # What is bought within a year counts for at least 1 / (1 + rate) of a purchase.
    year = 365.25 / 7
    assert discounted[2] >= ours.expected_purchases(customers, year).iloc[0] / 1.1 * (1 - 1e-12)


def test_discounted_purchases_without_interest_are_all_purchases():
    ours = model(s=2.5)
    customers = history([0, 3], [0.0, 15.0], [20.0, 20.0])
    forever = ours.expected_purchases(customers, 1e12)
    assert ours.discounted_expected_purchases(customers, 1e-9).to_numpy() == pytest.approx(forever.to_numpy(), rel=1e-6)


# Simulation


@pytest.fixture(scope="module")
def simulated():
    return model().simulate(np.repeat([20.0, 39.0], 60_000), seed=21, horizon=39.0)


def test_simulated_histories_are_histories(simulated):
    customers = simulated
    assert (customers["recency"] <= customers["age"]).all()
    assert ((customers["frequency"] == 0) == (customers["recency"] == 0)).all()
    assert (customers.loc[~customers["alive"], "future"] == 0).all()


def test_simulated_customers_behave_as_expected(simulated):
    ours = model()
    alive, expected = ours.probability_alive(simulated), ours.expected_purchases(simulated, 39.0)
    for age, bought in simulated.groupby("age")["frequency"]:
        error = bought.std() / np.sqrt(len(bought))
        assert bought.mean() == pytest.approx(ours.expected_purchases_new(age), abs=4 * error)
    # By frequency and by how long customers have been silent.
    silent = pd.cut(1 - simulated["recency"] / simulated["age"], [-0.1, 0.2, 0.6, 1.0], labels=False)
    for name, group in simulated.groupby([simulated["frequency"].clip(upper=4), silent]):
        chance = alive[group.index]
        spread = np.sqrt((chance * (1 - chance)).sum())
        assert abs(group["alive"].sum() - chance.sum()) < 4 * spread + 1e-9, name
        error = (group["future"] - expected[group.index]).std() / np.sqrt(len(group))
        assert abs((group["future"] - expected[group.index]).mean()) < 4 * error + 1e-9, name


@pytest.mark.parametrize("rate", [0.0, 0.01])
def test_drawn_outcomes_have_the_expected_mean(rate):
    ours = model(s=1.4)
    histories = ours._read(history([0, 2, 6, 6], [0.0, 20.0, 30.0, 15.0], [30.0] * 4))
    theta = np.tile(ours._fit_.theta, (30_000, 1))
    rng = np.random.default_rng(3)
    drawn = ours._draw_purchases(theta, histories, np.inf if rate else 26.0, rate, rng)
    expected = ours._discounted if rate else ours._expected
    wanted = expected(theta[:1], histories, rate or 26.0)[0]
    error = drawn.std(axis=0) / np.sqrt(len(drawn))
    assert (abs(drawn.mean(axis=0) - wanted) < 4 * error).all()
    never = (drawn == 0).mean(axis=0)
    assert (never >= 1 - ours._alive(theta[:1], histories)[0] - 0.02).all()
