"""The demo company, simulated once for the tests about it."""

from __future__ import annotations

import pytest

from crm_lib.demo import Simulation, simulate


@pytest.fixture(scope="session")
def demo() -> Simulation:
    return simulate()


@pytest.fixture(scope="session")
def small() -> Simulation:
    return simulate(seed=5, customers=200)
