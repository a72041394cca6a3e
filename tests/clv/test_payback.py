from __future__ import annotations

import numpy as np
import pytest

from crm_lib.clv.payback import discounted_by, payback, payback_times


def test_steady_purchases_are_discounted_as_their_integral():
    times, rate = payback_times("W"), 0.002
    found = discounted_by(0.3 * times[None, :], times, rate)[0]
    np.testing.assert_allclose(found, 0.3 * -np.expm1(-rate * times) / rate, rtol=1e-12)


def test_falling_purchases_are_discounted_as_their_integral_within_the_grid():
    times, rate, leaving = payback_times("W"), 0.002, 0.05
    expected = -np.expm1(-leaving * times)[None, :] / leaving
    exact = -np.expm1(-(rate + leaving) * times) / (rate + leaving)
    np.testing.assert_allclose(discounted_by(expected, times, rate)[0], exact, rtol=2e-4)


def test_grid_spans_thirty_years_in_every_unit():
    assert payback_times("D")[-1] == pytest.approx(30 * 365.25)
    assert payback_times("Y")[-1] == pytest.approx(30)
    assert payback_times("W")[0] == 0


def test_payback_solves_for_the_time_at_which_the_cost_is_covered():
    times, rate = payback_times("W"), 0.002
    bought = discounted_by(0.1 * times[None, :], times, rate)
    # 4 + 5 × 0.1 (1 - exp(-rate t)) / rate = 24
    exact = -np.log1p(-(24 - 4) * rate / (5 * 0.1)) / rate
    assert payback(np.array([4.0]), np.array([5.0]), bought, np.array([24.0]), times)[0] == pytest.approx(
        exact, rel=1e-3
    )


def test_first_purchase_may_cover_the_cost_and_losses_never_do():
    times = payback_times("W")
    bought = np.repeat(times[None, :] * 0.1, 5, axis=0)
    first = np.array([10.0, 10.0, 1.0, -5.0, 1.0])
    later = np.array([1.0, -1.0, 0.0, -1.0, 1.0])
    cost = np.array([10.0, 9.0, 2.0, 0.0, np.nan])
    found = payback(first, later, bought, cost, times)
    assert found[:2].tolist() == [0.0, 0.0]
    assert np.isinf(found[2:4]).all()
    assert np.isnan(found[4])
