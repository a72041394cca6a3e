from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import integrate, stats
from scipy.special import hyp2f1

from crm_lib.clv.beta_survival import expected_stay, log_gamma_ratio, log_survival
from crm_lib.clv.renewal_sums import discounted_periods, remaining_periods

shapes = st.floats(-4, 7).map(lambda log: float(np.exp(log)))
near_one = st.builds(lambda sign, power: 1 + sign * 10.0**power, st.sampled_from([-1, 1]), st.floats(-15, -1))


def _exact_stay(leave, stay, periods):
    """The sum in exact fractions, by the ratio of neighbouring terms."""
    leave, stay = Fraction(leave), Fraction(stay)
    term, total = Fraction(1), Fraction(0)
    for k in range(periods):
        term *= (stay + k) / (leave + stay + k)
        total += term
    return float(total)


@settings(deadline=None, max_examples=150)
@given(st.one_of(shapes, near_one, st.just(1.0)), shapes, st.integers(0, 60))
def test_expected_stay_is_the_exact_sum_also_at_and_around_the_singularity(leave, stay, periods):
    assert expected_stay(leave, stay, periods) == pytest.approx(_exact_stay(leave, stay, periods), rel=1e-9, abs=1e-15)


@pytest.mark.parametrize(("leave", "stay", "time"), [(0.7, 1.2, 5), (3.8, 15.2, 2.5), (0.1, 40.0, 300), (25.0, 2.0, 1)])
def test_survival_is_the_mean_over_customers_of_staying_each_period(leave, stay, time):
    mean, _ = integrate.quad(lambda p: (1 - p) ** time * stats.beta.pdf(p, leave, stay), 0, 1, epsabs=1e-13, limit=400)
    assert np.exp(log_survival(leave, stay, time)) == pytest.approx(mean, rel=1e-7)


def test_gamma_ratios_lose_nothing_where_arguments_are_huge():
    # Γ(x + 1) / Γ(x) = x, and Γ(x + 3) / Γ(x) = x (x + 1) (x + 2).
    x = np.array([0.5, 99.0, 101.0, 1e4, 1e9, 1e30])
    np.testing.assert_allclose(log_gamma_ratio(x, 1.0), np.log(x), rtol=1e-12)
    np.testing.assert_allclose(log_gamma_ratio(x, 3.0), np.log(x) + np.log(x + 1) + np.log(x + 2), rtol=1e-12)


@settings(deadline=None, max_examples=60)
@given(st.floats(-3, 3), st.floats(-3, 4), st.floats(0.3, 0.995), st.integers(1, 40))
def test_discounted_periods_are_the_hypergeometric_function(log_leave, log_stay, discount, tenure):
    # Fader & Hardie (2010): the residual lifetime of the sBG, r_n 2F1(1, β + n; α + β + n; z).
    leave, stay = np.exp([[log_leave]]), np.exp([[log_stay]])
    found = discounted_periods(lambda times: log_survival(leave, stay, times), np.array([float(tenure)]), discount)
    b = stay + tenure - 1
    closed = b / (leave + b) * hyp2f1(1, b + 1, leave + b + 1, discount)
    np.testing.assert_allclose(found, closed, rtol=1e-8)


@pytest.mark.parametrize("discount", [0.2, 0.9, 0.99, 0.9992])
@pytest.mark.parametrize("power", [0.4, 1.0, 1.7, 4.0])
def test_discounted_periods_are_the_plain_sum_for_any_power_of_time(discount, power):
    leave, stay = np.array([[0.3], [1.0], [6.0]]), np.array([[2.0], [0.5], [30.0]])
    tenures = np.array([1.0, 2.0, 7.0, 60.0])
    found = discounted_periods(lambda times: log_survival(leave, stay, times**power), tenures, discount)
    terms = np.arange(int(40 / -np.log(discount)) + 1)
    for place, tenure in enumerate(tenures):
        curve = log_survival(leave, stay, (tenure - 1 + np.concatenate([[0.0], 1 + terms])) ** power)
        plain = np.exp(curve[:, 1:] - curve[:, :1]) @ discount**terms
        np.testing.assert_allclose(found[:, place], plain, rtol=1e-8)


def test_remaining_periods_are_the_closed_sum():
    leave, stay, tenures = np.array([[0.5], [1.0], [4.0]]), np.array([[3.0], [1.0], [9.0]]), np.array([1.0, 3.0, 3.0])
    found = remaining_periods(lambda times: log_survival(leave, stay, times), tenures, 12)
    np.testing.assert_allclose(found, expected_stay(leave, stay + tenures - 1, 12), rtol=1e-12)
