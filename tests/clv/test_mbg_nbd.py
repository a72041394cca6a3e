from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.special import psi

from crm_lib.clv.mbg_nbd import MBGNBD
from tests.clv.cdnow import cdnow_summary

TRUTH = MBGNBD().with_parameters(r=0.8, alpha=5.0, a=0.9, b=1.6)


@pytest.fixture(scope="module")
def cdnow():
    return MBGNBD().fit(cdnow_summary())


def test_cdnow_is_as_published(cdnow):
    # Batislam, Denizel and Filiztekin (2007) and Platzer and Reutterer (2016), re-run: see PUBLISHED_NUMBERS.md.
    assert cdnow.converged_
    assert cdnow.log_likelihood_ == pytest.approx(-9582.136, abs=5e-4)
    for name, digits in {"r": (0.5248, 5e-5), "alpha": (6.183, 5e-4), "a": (0.8914, 5e-5), "b": (1.614, 5e-4)}.items():
        assert cdnow.params_[name] == pytest.approx(digits[0], abs=digits[1])


def test_the_cdnow_holdout_is_predicted_as_published(cdnow):
    customers = cdnow_summary()
    expected = cdnow.expected_purchases(customers, 39.0)
    assert expected.sum() == pytest.approx(1576.7, abs=0.05)
    assert (expected - customers["holdout"]).abs().mean() == pytest.approx(0.7648, abs=5e-5)


def test_who_never_came_back_may_have_left_at_once(cdnow):
    once = pd.DataFrame({"frequency": [0, 0, 0], "recency": [0.0] * 3, "age": [0.0, 10.0, 39.0]})
    alive = cdnow.probability_alive(once)
    # At the beginning, the chance to have left is the mean of the beta distribution; it grows with silence.
    r, alpha, a, b = cdnow.params_
    assert alive[0] == pytest.approx(b / (a + b), rel=1e-12)
    assert alive[2] == pytest.approx(1 / (1 + a / b * ((alpha + 39) / alpha) ** r), rel=1e-12)
    assert alive[0] > alive[1] > alive[2]


def test_what_is_predicted_happens_in_a_simulation():
    customers = TRUTH.simulate(np.random.default_rng(1).integers(150, 300, 8000) / 7, seed=2, horizon=40.0)
    alive = TRUTH.probability_alive(customers)
    expected = TRUTH.expected_purchases(customers, 40.0)
    for group in (customers["frequency"] == 0, customers["frequency"].between(1, 3), customers["frequency"] > 3):
        for truth, mean in ((customers["alive"], alive), (customers["future"], expected)):
            error = (truth - mean)[group]
            assert error.mean() == pytest.approx(0, abs=4 * error.std() / np.sqrt(group.sum()))
    model = MBGNBD().fit(customers)
    away = (model.params_ - TRUTH.params_) / model.standard_errors_
    assert (away.abs() < 4).all()
    counts = customers["frequency"] + customers["future"]
    mean = np.mean([TRUTH.expected_purchases_new(age + 40.0) for age in np.unique(customers["age"])])
    assert counts.mean() == pytest.approx(mean, abs=5 * counts.std() / np.sqrt(8000))


def test_regular_simulated_customers_have_the_gaps_that_are_said():
    truth = MBGNBD(regularity=4).with_parameters(r=5000.0, alpha=2500.0, a=0.01, b=100.0)
    customers = truth.simulate(np.full(400, 400.0), seed=3)
    mean_log = customers["log_gaps"].sum() / customers["frequency"].sum()
    # All buy at a rate of about 2 stages a week: E log gap = ψ(4) - log 2.
    assert mean_log == pytest.approx(psi(4) - np.log(2), abs=0.015)
