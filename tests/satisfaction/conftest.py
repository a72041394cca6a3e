"""A simulated company whose truth is known, and its survey, made once for all tests of satisfaction."""

from __future__ import annotations

import pytest

from crm_lib import satisfaction
from crm_lib.company import Company
from crm_lib.demo import simulate
from tests.segments.simulated import write_simulated


@pytest.fixture(scope="session")
def shop(tmp_path_factory):
    return Company.open(
        write_simulated(simulate(seed=8, customers=2500), tmp_path_factory.mktemp("data") / "simulated")
    )


@pytest.fixture(scope="session")
def answers(shop):
    return satisfaction.survey(shop)
