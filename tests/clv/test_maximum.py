from __future__ import annotations

import numpy as np
import pytest
from scipy.special import gammaln, polygamma, psi

from crm_lib.clv.maximum import maximise, numerical_hessian

CENTRE = np.array([1.0, -2.0, 0.5])
CURVATURE = np.array([[3.0, 1.0, 0.2], [1.0, 2.0, -0.3], [0.2, -0.3, 1.0]])


def _parabola(theta):
    away = theta - CENTRE
    return -0.5 * away @ CURVATURE @ away + 7, -CURVATURE @ away, -CURVATURE


def _banana(theta):
    """Rosenbrock's valley upside down; its only maximum is 0 at (1, 1)."""
    x, y = theta
    value = -((1 - x) ** 2 + 100 * (y - x**2) ** 2)
    gradient = np.array([2 * (1 - x) + 400 * x * (y - x**2), -200 * (y - x**2)])
    hessian = np.array([[-2 + 400 * (y - 3 * x**2), 400 * x], [400 * x, -200.0]])
    return value, gradient, hessian


def _saddle(theta):
    """A saddle at the origin, maxima of 1/4 at (0, 1) and (0, -1)."""
    x, y = theta
    return (
        -(x**2) + y**2 / 2 - y**4 / 4,
        np.array([-2 * x, y - y**3]),
        np.array([[-2.0, 0.0], [0.0, 1 - 3 * y**2]]),
    )


def test_a_parabola_is_climbed_in_one_step():
    # From 1.5 away, as no step is longer than 2.
    reached = maximise(_parabola, [CENTRE + np.array([0.5, 1.5, -1.0])])
    assert reached.converged
    assert reached.steps == 1
    np.testing.assert_allclose(reached.theta, CENTRE, atol=1e-12)
    np.testing.assert_allclose(reached.hessian, -CURVATURE)
    assert reached.value == pytest.approx(7)


@pytest.mark.parametrize("start", [(-1.2, 1.0), (2.0, -2.0), (-4.0, 4.0), (0.0, 0.0)])
def test_a_crooked_valley_is_followed_to_its_end(start):
    reached = maximise(_banana, [np.array(start)])
    assert reached.converged
    np.testing.assert_allclose(reached.theta, [1, 1], atol=1e-4)
    assert abs(reached.value) < 1e-9


def test_a_saddle_is_left_unless_the_climb_begins_on_it():
    reached = maximise(_saddle, [np.array([0.3, 0.05])])
    assert reached.converged
    np.testing.assert_allclose(reached.theta, [0, 1], atol=1e-5)
    on_it = maximise(_saddle, [np.zeros(2)])
    assert not on_it.converged


def test_the_maximum_of_gamma_distributed_data_solves_its_equation():
    data = np.random.default_rng(1).gamma(2.5, 1 / 0.4, 500)
    n, mean, log_mean = len(data), data.mean(), np.log(data).mean()

    def objective(theta):
        shape, rate = np.exp(theta)
        value = n * (shape * theta[1] - gammaln(shape) + (shape - 1) * log_mean - rate * mean)
        gradient = n * np.array([shape * (theta[1] - psi(shape) + log_mean), shape - rate * mean])
        hessian = n * np.array([[-(shape**2) * polygamma(1, shape), shape], [shape, -rate * mean]])
        return value, gradient, hessian + np.diag([gradient[0], 0])

    reached = maximise(objective, [np.array([5.0, -6.0])])
    shape, rate = np.exp(reached.theta)
    assert reached.converged
    assert rate == pytest.approx(shape / mean, rel=1e-8)
    assert np.log(shape) - psi(shape) == pytest.approx(np.log(mean) - log_mean, rel=1e-6)


def test_a_function_that_rises_for_ever_does_not_converge():
    def slope(theta):
        return float(theta.sum()), np.ones(2), np.zeros((2, 2))

    reached = maximise(slope, [np.zeros(2)])
    assert not reached.converged
    assert reached.value > 10


def test_a_function_that_flattens_out_towards_infinity_does_not_converge():
    def ledge(theta):
        # Rises to 0 as theta grows, like a likelihood whose best parameter is infinite.
        e = np.exp(-theta[0])
        return -e * 1e9, np.array([e * 1e9]), np.array([[-e * 1e9]])

    assert not maximise(ledge, [np.zeros(1)]).converged


def test_other_starts_are_tried_only_where_the_first_fails():
    asked = []

    def objective(theta):
        asked.append(theta.copy())
        return _parabola(theta)

    far = CENTRE + 9
    maximise(objective, [CENTRE, far])
    assert len(asked) == 1
    impossible = np.full(3, 5.0)

    def partly(theta):
        return (-np.inf, np.full(3, np.nan), np.full((3, 3), np.nan)) if theta[0] > 4 else _parabola(theta)

    reached = maximise(partly, [impossible, CENTRE + np.array([0.5, 0, 0])])
    assert reached.converged
    np.testing.assert_allclose(reached.theta, CENTRE, atol=1e-12)


def test_of_climbs_that_all_fail_the_highest_is_told():
    def two_slopes(theta):
        # No maximum: to the right it rises for ever, to the left as well but from lower down.
        return float(abs(theta[0])), np.sign(theta), np.zeros((1, 1))

    reached = maximise(two_slopes, [np.array([-1.0]), np.array([0.5]), np.array([-15.9])])
    assert not reached.converged
    assert abs(reached.theta[0]) <= 16
    assert reached.value == max(maximise(two_slopes, [np.array([start])]).value for start in (-1.0, 0.5, -15.9))


def test_steps_into_the_impossible_are_shortened():
    def walled(theta):
        # The logarithm of a beta density with its maximum at 0.9, impossible beyond (0, 1).
        x = theta[0]
        if not 0 < x < 1:
            return np.nan, np.full(1, np.nan), np.full((1, 1), np.nan)
        return (
            9 * np.log(x) + np.log1p(-x),
            np.array([9 / x - 1 / (1 - x)]),
            np.array([[-9 / x**2 - 1 / (1 - x) ** 2]]),
        )

    reached = maximise(walled, [np.array([0.001]), np.array([0.999])])
    assert reached.converged
    assert reached.theta[0] == pytest.approx(0.9, abs=1e-6)


def test_no_finite_start_is_an_error():
    def nowhere(theta):
        return np.nan, np.zeros_like(theta), np.eye(len(theta))

    with pytest.raises(ValueError, match="not finite at any start"):
        maximise(nowhere, [np.zeros(2), np.ones(2)])


def test_the_noise_of_a_large_sum_does_not_hide_the_maximum():
    rng = np.random.default_rng(0)

    def noisy(theta):
        value, gradient, hessian = _parabola(theta)
        return 1e7 + value + 1e-8 * rng.standard_normal(), gradient, hessian

    reached = maximise(noisy, [CENTRE + 1.0])
    assert reached.converged
    np.testing.assert_allclose(reached.theta, CENTRE, atol=1e-3)


def test_the_numerical_hessian_is_that_of_the_function():
    at = np.array([0.7, -0.4])
    _, _, exact = _banana(at)
    found = numerical_hessian(lambda theta: _banana(theta)[1], at)
    np.testing.assert_allclose(found, exact, rtol=1e-6, atol=1e-5)
    assert (found == found.T).all()
