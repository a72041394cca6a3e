"""A small company with everything the profit table knows, in amounts that binary fractions hold exactly."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from crm_lib.company import Company
from tests.companies import write_company


def shop_tables(customers=240, seed=4):
    """Return transactions of two years and customers; some categories, regions and customers are not known."""
    rng = np.random.default_rng(seed)
    rates = rng.gamma(1.2, 6.0, customers)
    who = np.repeat(np.arange(customers), rng.poisson(rates) + 1)
    n = who.size
    days = rng.integers(0, 730, n)
    revenue = rng.integers(4, 400, n) / 4
    back = rng.random(n) < 0.06
    lines = pd.DataFrame(
        {
            "order_id": [f"o{number}" for number in range(n)],
            "customer_id": [f"c{number:03d}" for number in who],
            "ordered_at": pd.Timestamp("2024-07-01") + pd.to_timedelta(days, unit="D") + pd.Timedelta(hours=9),
            "category": rng.choice(["Books", "Cards", "Games", None], n, p=[0.5, 0.3, 0.15, 0.05]),
            "channel": rng.choice(["shop", "web"], n),
            "quantity": np.where(back, -1, 1),
            "revenue": np.where(back, -revenue, revenue),
            "cost": np.where(back, -revenue / 2, revenue / 2),
        }
    )
    people = pd.DataFrame(
        {
            "customer_id": [f"c{number:03d}" for number in range(customers - 3)],
            "customer_group": rng.choice(["household", "business"], customers - 3, p=[0.8, 0.2]),
            "region": rng.choice(["North", "South", "Island", None], customers - 3, p=[0.5, 0.43, 0.02, 0.05]),
        }
    )
    return {"transactions": lines, "customers": people}


@pytest.fixture(scope="session")
def tables():
    return shop_tables()


@pytest.fixture(scope="session")
def shop(tables, tmp_path_factory):
    folder = write_company(tmp_path_factory.mktemp("data") / "shop", tables, how="parquet", as_of="2026-06-30")
    return Company.open(folder)


@pytest.fixture(scope="session")
def bare_shop(tables, tmp_path_factory):
    """Return a company that has what it cannot do without, and nothing else."""
    lines = tables["transactions"][["order_id", "customer_id", "ordered_at", "revenue"]]
    folder = write_company(tmp_path_factory.mktemp("data") / "bare", {"transactions": lines}, as_of="2026-06-30")
    return Company.open(folder)
