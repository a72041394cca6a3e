"""Timings of churn at full size: incidence, expected maximum profit, and the risk of a large simulated company.

python benchmarks/churn.py [--customers 1000000]
"""

from __future__ import annotations

import argparse
import datetime as dt
import resource
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from statsmodels.duration.survfunc import CumIncidenceRight

from crm_lib.churn import churn_risk, cumulative_incidence, expected_maximum_profit
from crm_lib.churn.reasons import CAUSES
from crm_lib.company import Company

LIMITS = {"incidence": 2.0, "profit": 1.0, "risk": 90.0, "memory": 6.0}
"""Seconds, and gigabytes of memory, for a million customers."""


def timed(name: str, call: Callable[[], Any]) -> float:
    begin, busy = time.perf_counter(), time.process_time()
    call()
    seconds, busy = time.perf_counter() - begin, time.process_time() - busy
    print(f"{name:<40} {seconds:8.2f} s, of the processors {busy:8.2f} s", flush=True)
    return seconds


def company(folder: Path, customers: int, seed: int = 1) -> Company:
    """Write transactions of customers who buy at rates of their own over two years, and of whom half leave."""
    rng = np.random.default_rng(seed)
    begin, rate = rng.integers(0, 600, customers), rng.gamma(0.8, 1 / 60, customers)
    life = np.where(rng.random(customers) < 0.5, rng.exponential(200, customers), np.inf)
    span = np.minimum(begin + life, 730) - begin
    number = rng.poisson(rate * span) + 1
    who = np.repeat(np.arange(customers), number)
    day = begin[who] + np.floor(rng.random(who.size) * span[who])
    frame = pd.DataFrame({
        "order_id": np.arange(who.size).astype(str), "customer_id": np.char.add("c", who.astype(str)),
        "ordered_at": pd.Timestamp("2024-07-01") + pd.to_timedelta(day, unit="D"),
        "revenue": rng.gamma(3, 15, who.size).round(2),
    })  # fmt: skip
    folder.mkdir()
    frame.to_parquet(folder / "transactions.parquet")
    settings = f'[company]\ncurrency = "EUR"\nas_of = {dt.date(2026, 6, 30)}\n'
    source = '[tables.transactions]\nfile = "transactions.parquet"\n'
    (folder / "company.toml").write_text(settings + source, encoding="utf-8")
    return Company.open(folder)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--customers", type=int, default=1_000_000)
    n = parser.parse_args().customers
    rng = np.random.default_rng(0)
    days, cause = rng.integers(0, 1100, n), rng.integers(0, 6, n)
    taken = {"incidence": timed("incidence by five causes, with bands",
                                lambda: cumulative_incidence(days, cause, causes=list(CAUSES)))}  # fmt: skip
    timed("the same by statsmodels, without", lambda: CumIncidenceRight(days, cause))
    left, score = rng.random(n) < 0.3, rng.random(n)
    taken["profit"] = timed(
        "expected maximum profit",
        lambda: expected_maximum_profit(left, score, value=200, contact_cost=1, offer_cost=10),
    )
    with tempfile.TemporaryDirectory() as name:
        shop = company(Path(name) / "large", n)
        taken["risk"] = timed("features, training and scores", lambda: churn_risk(shop))
    taken["memory"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    print(f"{'memory':<40} {taken['memory']:8.2f} GB")
    if n >= 1_000_000:
        for name, limit in LIMITS.items():
            assert taken[name] < limit, f"{name}: {taken[name]:.2f}, at most {limit:.2f} allowed"


if __name__ == "__main__":
    main()
