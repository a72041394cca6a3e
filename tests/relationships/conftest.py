"""A simulated company whose truth is known, fitted once for all tests of relationships."""

from __future__ import annotations

import pytest

from crm_lib import churn, relationships
from crm_lib.company import Company
from crm_lib.demo import simulate
from crm_lib.relationships import life_cycle, warning
from tests.segments.simulated import write_simulated


@pytest.fixture(scope="session")
def simulation():
    return simulate(seed=8, customers=2500)


@pytest.fixture(scope="session")
def simulated_folder(simulation, tmp_path_factory):
    return write_simulated(simulation, tmp_path_factory.mktemp("data") / "simulated")


@pytest.fixture(scope="session")
def simulated_shop(simulated_folder):
    return Company.open(simulated_folder)


@pytest.fixture
def true_shop(simulation, simulated_shop, monkeypatch):
    """The simulated company with its truth, which its folder does not hold."""
    for module in (life_cycle, warning, relationships.kinds):
        monkeypatch.setattr(module, "simulated_truth", lambda _, table: simulation.truth[table])
    return simulated_shop


@pytest.fixture(scope="session")
def risk(simulated_shop):
    return churn.churn_risk(simulated_shop)


@pytest.fixture(scope="session")
def stages(simulated_shop):
    return relationships.stages(simulated_shop)


@pytest.fixture(scope="session")
def kinds(simulated_shop):
    return relationships.customer_kinds(simulated_shop)
