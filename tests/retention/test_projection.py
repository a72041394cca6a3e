"""Projection: the published hold-out of Fader & Hardie (2007), sorting, lifetimes against simulation."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.special import betaln

from crm_lib.clv import BetaDiscreteWeibull, ShiftedBetaGeometric
from crm_lib.company import Company
from crm_lib.errors import MissingData, TooLittleData
from crm_lib.finding import Verdict
from crm_lib.retention import contract_projections, finding_sorting, project, purchase_projection
from tests.companies import transactions, write_company

# Fader & Hardie (2007), Journal of Interactive Marketing 21(1): survivors of 1,000 customers, years 0 to 12.
HIGH_END = [1000, 869, 743, 653, 593, 551, 517, 491, 468, 445, 427, 409, 394]
REGULAR = [1000, 631, 468, 382, 326, 289, 262, 241, 223, 207, 194, 183, 173]


def _published(survivors, **more):
    return project(pd.DataFrame({"period": range(13), "survivors": survivors}), fitted=7, **more)


@pytest.mark.parametrize(
    ("survivors", "alpha", "beta"), [(HIGH_END, 0.668, 3.806), (REGULAR, 0.704, 1.182)], ids=["high end", "regular"]
)
def test_the_published_hold_out_is_reproduced(survivors, alpha, beta):
    found = _published(survivors)
    np.testing.assert_allclose(found.frame["seen"], np.array(survivors) / 1000)
    # The model with the published parameters is the one fitted to the first seven renewals.
    times = np.arange(13)
    published = np.exp(betaln(alpha, beta + times) - betaln(alpha, beta))
    np.testing.assert_allclose(found.frame["sbg"], published, atol=5e-4)
    assert found.errors["sbg"] < 0.03
    assert found.errors["line"] > 5 * found.errors["sbg"]
    assert found.errors["exponential"] > 3 * found.errors["sbg"]


def test_errors_are_means_over_the_renewals_held_out():
    found = _published(REGULAR)
    for name in ("sbg", "line"):
        by_hand = (found.frame[name] - found.frame["seen"]).abs().loc[8:].mean()
        assert found.errors[name] == pytest.approx(by_hand)
    slope, level = np.polyfit(range(8), np.array(REGULAR[:8]) / 1000, 1)
    assert found.frame.loc[8, "line"] == pytest.approx(max(level + 8 * slope, 0))


def _simulated(model, n, seed):
    ages = np.random.default_rng(seed).integers(4, 14, n)
    return model.simulate(ages, seed=seed)[["duration", "ended"]]


def test_a_company_that_only_sorts_is_not_told_as_growing_more_loyal():
    law = ShiftedBetaGeometric().with_parameters(alpha=0.7, beta=1.5)
    found = [project(_simulated(law, 3000, seed)) for seed in range(25)]
    rises = [one.rates["seen"].iloc[-1] - one.rates["seen"].iloc[0] for one in found]
    assert min(rises) > 0.05
    # Of 25 at 2.5 %, three or more have a chance of 2.4 %.
    assert sum(finding_sorting(one).verdict is Verdict.SUPPORTED for one in found) <= 2


def test_customers_who_grow_more_loyal_are_found():
    law = BetaDiscreteWeibull().with_parameters(gamma=2.0, delta=4.0, c=0.5)
    found = project(_simulated(law, 20_000, 1))
    assert found.change.low < 0.5 < found.change.high
    assert finding_sorting(found).verdict is Verdict.SUPPORTED


def test_the_expected_lifetime_is_that_of_a_simulation():
    law = ShiftedBetaGeometric().with_parameters(alpha=0.9, beta=3.0)
    found = project(_simulated(law, 20_000, 2), period_days=365)
    lived = law.simulate(np.full(200_000, 9), seed=3)
    # Ten years hold ten periods: the one of winning, and nine renewals.
    years = 1 + np.where(lived["ended"], lived["duration"] - 1, 9).mean()
    assert found.lifetime.value == pytest.approx(years * 365 / 365.25, rel=0.02)
    assert found.lifetime.low < years * 365 / 365.25 < found.lifetime.high


def test_plans_of_the_simulated_company(simulated_shop):
    plans = contract_projections(simulated_shop)
    assert plans[0].name == "monthly"
    assert plans[0].errors["sbg"] < plans[0].errors["line"]
    # Planted: everybody's chance not to renew is constant.
    assert finding_sorting(plans[0]).verdict is not Verdict.SUPPORTED


def test_purchases_are_projected_by_quarters(lives):
    found = purchase_projection(lives)
    assert found.errors["sbg"] < min(found.errors["line"], found.errors["exponential"])
    assert found.rates["customers"].is_monotonic_decreasing


def test_few_renewals_are_too_little(tmp_path):
    with pytest.raises(TooLittleData, match="four periods"):
        project(pd.DataFrame({"duration": [1, 2, 3] * 50, "ended": [True, False, True] * 50}))
    bare = Company.open(write_company(tmp_path / "bare", {"transactions": transactions()}))
    with pytest.raises(MissingData, match="memberships"):
        contract_projections(bare)
