"""How long 100 million transactions of 10 million customers take on one machine: from a Parquet file to a scored one.

python benchmarks/scale.py [--customers 10000000]
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa

AS_OF, DAYS = "2026-06-30", 1460
"""Customers came over four years, the first on the day before they began."""
TRUTH = {"r": 0.8, "alpha": 4.5, "a": 0.8, "b": 10.0}
"""BG/NBD parameters, in weeks: about ten purchases a customer, the first included; most have left."""
LIMITS = {"seconds": 180.0, "gigabytes": 8.0}
"""What 10 million customers may take on two cores."""
LINES = """
WITH bought AS (
    SELECT customer, unnest(range(purchases)) AS place, came, last, level FROM lives
), lines AS (
    SELECT *, (hash(customer, place, 1) % 1000003 + 0.5) / 1000003 AS u, (hash(customer, place, 2) % 1000003 + 0.5)
        / 1000003 AS v, (hash(customer, place, 3) % 1000003 + 0.5) / 1000003 AS w
    FROM bought
), priced AS (
    SELECT *, round(exp(level + 0.5 * sqrt(-2 * ln(u)) * cos(2 * pi() * v)), 2) AS revenue FROM lines
)
SELECT 'o' || customer || '-' || place AS order_id, 'c' || customer AS customer_id,
    TIMESTAMP '{end}' - to_minutes((1440 * (came - CASE place WHEN 0 THEN 0 WHEN 1 THEN last ELSE w * last END))
        ::BIGINT) AS ordered_at,
    revenue, round(revenue * (0.5 + 0.2 * w), 2) AS cost
FROM priced ORDER BY ordered_at
"""
"""Given the first purchase and the last, those between are uniform; money is lognormal about a customer's level."""


def make(place: Path, customers: int) -> None:
    """Write the company: lives by the model of purchases, a line a purchase."""
    from crm_lib.clv import BGNBD

    rng = np.random.default_rng(1)
    age = rng.uniform(0, DAYS, customers)
    lives = BGNBD().with_parameters(**TRUTH).simulate(age / 7, seed=1)
    table = pa.table({
        "customer": np.arange(customers), "purchases": lives["frequency"].to_numpy() + 1, "came": age,
        "last": lives["recency"].to_numpy() * 7, "level": rng.normal(3.5, 0.6, customers),
    })  # fmt: skip
    settings = f'[company]\ncurrency = "EUR"\nas_of = {AS_OF}\n[tables.transactions]\nfile = "transactions.parquet"\n'
    (place / "company.toml").write_text(settings, encoding="utf-8")
    limits = {"temp_directory": str(place / "spill"), "memory_limit": "5GB"}
    with duckdb.connect(config=limits) as engine:
        engine.register("lives", table)
        query = LINES.replace("{end}", f"{AS_OF} 23:59:00")
        engine.execute(f"COPY ({query}) TO '{place / 'transactions.parquet'}' (FORMAT parquet)")
        print(engine.read_parquet(str(place / "transactions.parquet")).count("*").fetchone()[0])


def score(place: Path) -> None:
    """Score the company as ``crm score --model bg-nbd`` does, nothing kept from earlier runs; print what it took."""
    steps: list[tuple[str, float, float, float]] = []
    last = [time.perf_counter(), 0.0]

    def done(step: str) -> None:
        used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
        now, busy = time.perf_counter(), sum(each.ru_utime + each.ru_stime for each in used)
        peak = sum(each.ru_maxrss for each in used) / (1e6 if sys.platform != "darwin" else 1e9)
        steps.append((step, now - last[0], busy - last[1], peak))
        print(f"{step:<44}{now - last[0]:>8.1f} s{busy - last[1]:>8.1f} s{peak:>8.2f} GB", file=sys.stderr, flush=True)
        last[:] = now, busy

    from crm_lib import clv
    from crm_lib.company import Company
    from crm_lib.customers import customer_summary
    from crm_lib.scoring import customer_scores, write_scores

    done("loading the library")
    company = Company.open(place)
    done("opening the company: reading and checking")
    customers = customer_summary(company)
    done("customer table")
    model = clv.BGNBD().fit(customers)
    model.posterior(draws=1000)
    del customers
    done("BG/NBD: fit and posterior")
    value = clv.customer_value(company, model=model)
    done("value with interval, chances, totals")
    scores = customer_scores(company, value)
    done("RFM, segments and tiers")
    write_scores(scores, str(place / "scores.parquet"))
    done("writing the scored file")
    print(json.dumps({"steps": steps, "rows": len(scores), "equity": str(value.totals["current"]),
                      "parameters": model.params_.round(3).to_dict()}))  # fmt: skip


def child(task: str, place: Path, customers: int) -> str:
    """Do a task in a process of its own, so that its memory is its own."""
    command = [sys.executable, __file__, "--only", task, "--folder", str(place), "--customers", str(customers)]
    environment = {**os.environ, "CRM_CACHE": str(place / "cache")}
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, env=environment).stdout


def main() -> None:
    """Make the company, score it, and hold what it took against the limits."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--customers", type=int, default=10_000_000)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--only", choices=("make", "score"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.only:
        make(options.folder, options.customers) if options.only == "make" else score(options.folder)
        return
    with tempfile.TemporaryDirectory(prefix="crm-scale-") as name:
        place = Path(name)
        lines = int(child("make", place, options.customers))
        print(f"{lines:,} transactions of {options.customers:,} customers; clock, processors, peak memory so far:")
        found = json.loads(child("score", place, options.customers).splitlines()[-1])
    taken = {"seconds": sum(step[1] for step in found["steps"]), "gigabytes": max(step[3] for step in found["steps"])}
    print(f"{'all':<44}{taken['seconds']:>8.1f} s{sum(step[2] for step in found['steps']):>8.1f} s")
    print(f"{found['rows']:,} customers scored, together worth {found['equity']}; {found['parameters']} for {TRUTH}")
    for name, limit in LIMITS.items() if options.customers >= 10_000_000 else ():
        print(f"{name}: {taken[name]:.1f}, at most {limit:g}: {'met' if taken[name] <= limit else 'MISSED'}")


if __name__ == "__main__":
    main()
