from __future__ import annotations

import numpy as np
import pytest

from crm_lib.clv.maximum import maximise
from crm_lib.errors import NumericalError

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
    slope, curve = np.array([-2 * x, y - y**3]), np.array([[-2.0, 0.0], [0.0, 1 - 3 * y**2]])
    return -(x**2) + y**2 / 2 - y**4 / 4, slope, curve


@pytest.mark.parametrize("start", [(-1.2, 1.0), (2.0, -2.0), (-4.0, 4.0), (0.0, 0.0)])
def test_a_crooked_valley_is_followed_to_its_end(start):
    reached = maximise(_banana, [np.array(start)])
    assert reached.converged
    np.testing.assert_allclose(reached.theta, [1, 1], atol=1e-4)


def test_a_saddle_is_left_unless_the_climb_begins_on_it():
    reached = maximise(_saddle, [np.array([0.3, 0.05])])
    assert reached.converged
    np.testing.assert_allclose(reached.theta, [0, 1], atol=1e-5)
    assert not maximise(_saddle, [np.zeros(2)]).converged


def test_a_function_that_rises_or_flattens_towards_infinity_does_not_converge():
    def ledge(theta):
        e = np.exp(-theta[0])
        return -e * 1e9, np.array([e * 1e9]), np.array([[-e * 1e9]])

    assert not maximise(lambda theta: (float(theta.sum()), np.ones(2), np.zeros((2, 2))), [np.zeros(2)]).converged
    assert not maximise(ledge, [np.zeros(1)]).converged


def test_other_starts_are_tried_only_where_the_first_fails():
    asked = []

    def partly(theta):
        asked.append(theta)
        return (-np.inf, np.full(3, np.nan), np.full((3, 3), np.nan)) if theta[0] > 4 else _parabola(theta)

    maximise(partly, [CENTRE, CENTRE + 2])
    assert len(asked) == 1
    reached = maximise(partly, [np.full(3, 5.0), CENTRE + np.array([0.5, 0, 0])])
    assert reached.converged
    np.testing.assert_allclose(reached.theta, CENTRE, atol=1e-12)
    with pytest.raises(NumericalError, match="finite at none of the starting values"):
        maximise(partly, [np.full(3, 5.0)])
