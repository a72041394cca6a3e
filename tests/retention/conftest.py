"""The simulated company of the tests of relationships, and what is left of its customers."""

from __future__ import annotations

import pytest

from crm_lib import retention
from tests.relationships.conftest import simulated_folder, simulated_shop, simulation  # noqa: F401 - fixtures


@pytest.fixture(scope="session")
def lives(simulated_shop):  # noqa: F811
    return retention.lives(simulated_shop, 120)


@pytest.fixture(scope="session")
def bridge(simulated_shop):  # noqa: F811
    return retention.bridge(simulated_shop)
