"""The demo company, opened once."""

from __future__ import annotations

import pytest

from crm_lib import satisfaction
from crm_lib.company import Company
from crm_lib.demo import simulate
from tests.companies import transactions, write_company
from tests.segments.simulated import write_simulated


@pytest.fixture(scope="session")
def simulation():
    """A simulated company, smaller than the demo company, with its truth."""
    return simulate(customers=2500)


@pytest.fixture(scope="session")
def demo(simulation, tmp_path_factory):
    """It, opened."""
    return Company.open(write_simulated(simulation, tmp_path_factory.mktemp("market") / "demo"))


@pytest.fixture(scope="session")
def demo_answers(demo):
    """Its survey."""
    return satisfaction.survey(demo)


@pytest.fixture
def opened(tmp_path_factory):
    """Return a function that opens a small shop with further tables."""
    return lambda as_of=None, **tables: Company.open(
        write_company(tmp_path_factory.mktemp("a") / "shop", {"transactions": transactions(), **tables}, as_of=as_of)
    )
