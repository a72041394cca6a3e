"""A simulated company with all its tables."""

from __future__ import annotations

import pytest

from crm_lib.company import Company
from crm_lib.demo import simulate
from tests.segments.simulated import write_simulated


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Company:
    return Company.open(write_simulated(simulate(seed=8, customers=1500), tmp_path_factory.mktemp("data") / "shop"))
