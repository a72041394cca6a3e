"""A simulated company whose truth is known, and what the package finds in it, once for all tests of churn."""

from __future__ import annotations

import pytest

from crm_lib import churn
from tests.relationships.conftest import simulated_folder, simulated_shop, simulation  # noqa: F401 - fixtures


@pytest.fixture(scope="session")
def window(simulated_shop):  # noqa: F811
    return churn.inactivity_window(simulated_shop)


@pytest.fixture(scope="session")
def churned(simulated_shop, window):  # noqa: F811
    return churn.churned(simulated_shop, window)


@pytest.fixture(scope="session")
def risk(simulated_shop):  # noqa: F811
    return churn.churn_risk(simulated_shop)
