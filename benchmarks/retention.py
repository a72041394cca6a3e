"""Timings of retention at full size: triangle and curve of many transactions, and a read-out of many customers.

python benchmarks/retention.py [--transactions 20000000] [--customers 1000000]
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import numpy as np

from crm_lib.company import Company
from crm_lib.retention import cohorts
from crm_lib.retention.arms import difference

LIMITS = {"triangle": 10.0, "read-out": 5.0}
"""Seconds for 20 million transactions, and for a million customers."""


def timed(name: str, call: Callable[[], Any]) -> None:
    begin = time.perf_counter()
    call()
    seconds = time.perf_counter() - begin
    print(f"{name:<12} {seconds:8.2f} s, at full size at most {LIMITS[name]:g} s")


def company(folder: Path, transactions: int) -> Company:
    """Write transactions over three years of customers who buy twenty times on average."""
    duckdb.sql(f"""
        copy (
            select i::varchar as order_id, 'c' || (hash(i) % {max(transactions // 20, 1)})::varchar as customer_id,
                   timestamp '2023-07-01' + interval 1 minute * (hash(i + 1) % 1576800)::int as ordered_at,
                   round(1 + (hash(i + 2) % 9000) / 100, 2)::double as revenue
            from range({transactions}) as t(i)
        ) to '{folder / "lines.parquet"}'
    """)  # noqa: S608 - numbers of one's own
    (folder / "company.toml").write_text(
        '[company]\ncurrency = "EUR"\nas_of = 2026-06-30\n\n[tables.transactions]\nfile = "lines.parquet"\n'
    )
    return Company.open(folder)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--transactions", type=int, default=20_000_000)
    parser.add_argument("--customers", type=int, default=1_000_000)
    told = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        shop = company(Path(folder), told.transactions)
        timed("triangle", lambda: cohorts(shop).curve())
    rng = np.random.default_rng(1)
    before = rng.lognormal(2, 1, told.customers)
    money = np.where(rng.random(told.customers) < 0.1, before, 0.0)
    arm = rng.random(told.customers) < 0.5
    timed("read-out", lambda: difference(money, arm, before=before))


if __name__ == "__main__":
    main()
