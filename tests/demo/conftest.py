"""The demo company, simulated once for the tests about it."""

from __future__ import annotations

import pandas as pd
import pytest

from crm_lib.demo import Simulation, simulate


@pytest.fixture(scope="session")
def demo() -> Simulation:
    return simulate()


@pytest.fixture(scope="session")
def small() -> Simulation:
    return simulate(seed=5, customers=200)


@pytest.fixture(scope="session")
def lines(demo: Simulation) -> pd.DataFrame:
    return demo.tables["transactions"].drop_duplicates("line_id")


@pytest.fixture(scope="session")
def orders(lines: pd.DataFrame) -> pd.DataFrame:
    by = lines[lines["revenue"] > 0].groupby("order_id")
    first = {name: (name, "first") for name in ("customer_id", "ordered_at")}
    return by.agg(**first, revenue=("revenue", "sum"), cost=("cost", "sum"))
