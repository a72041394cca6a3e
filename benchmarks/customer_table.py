"""How long the customer table of 20 million transactions takes: the library, hand-written SQL, and pandas.

Run it with ``make bench`` or ``python benchmarks/customer_table.py [FOLDER]``; see the README beside it. Every
measurement runs in a process of its own, the contestants take turns, and all results must be equal.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd

AS_OF = "2025-12-31"
SQL = Path(__file__).parent / "customer_table_sql"
DAYS = ["first_purchase", "last_purchase"]
LINES_PER_ORDER = 3.05
"""A little less than the mean of what is drawn, so that there are always enough lines."""


def make_company(place: Path, lines: int, customers: int) -> None:
    """Write a company of made-up transactions."""
    file = place / "transactions.parquet"
    place.mkdir(parents=True, exist_ok=True)
    settings = ["[company]", 'name = "Benchmark"', 'currency = "GBP"', f"as_of = {AS_OF}"]
    settings += ["[tables.transactions]", f'file = "{file.name}"']
    (place / "company.toml").write_text("\n".join(settings), encoding="utf-8")
    part = file.with_suffix(".part")
    with duckdb.connect(config={"temp_directory": str(place / "spill")}) as connection:
        connection.execute("CREATE MACRO drawn(i, o, l, n) AS (hash(i, o, l, n) % 1000003 + 0.5) / 1000003")
        connection.execute(f"SET VARIABLE lines = {lines}; SET VARIABLE customers = {customers}")
        more_orders = max(lines / customers / LINES_PER_ORDER - 0.4, 0.1)
        connection.execute(f"SET VARIABLE more_orders = {more_orders}")
        query = (SQL / "transactions.sql").read_text(encoding="utf-8")
        connection.execute(f"COPY ({query}) TO '{part}' (FORMAT parquet)")
    part.rename(file)


def by_sql(place: Path, name: str) -> Callable[[], pd.DataFrame]:
    """Prepare a query of the folder ``customer_table_sql``."""
    connection = duckdb.connect()
    connection.execute(f"CREATE VIEW transactions AS FROM '{place / 'transactions.parquet'}'")
    connection.execute(f"SET VARIABLE as_of = DATE '{AS_OF}'")
    query = (SQL / f"{name}.sql").read_text(encoding="utf-8")

    def run() -> pd.DataFrame:
        table = connection.sql(query).to_arrow_table()
        return table.to_pandas(date_as_object=False).set_index("customer_id")

    return run


def by_library(place: Path, _: str) -> Callable[[], pd.DataFrame]:
    """Open the company, nothing kept from earlier runs; the others need not wait until the library is loaded."""
    os.environ["CRM_CACHE"] = ""
    from crm_lib.company import Company
    from crm_lib.customers import customer_summary

    company = Company.open(place)
    return lambda: customer_summary(company)


def by_pandas(place: Path, _: str) -> Callable[[], pd.DataFrame]:
    """Prepare nothing."""

    def run() -> pd.DataFrame:
        lines = pd.read_parquet(place / "transactions.parquet")
        lines = lines.assign(day=lines.pop("ordered_at").dt.normalize(), margin=lines["revenue"] - lines.pop("cost"))
        bought = lines[(lines["revenue"] >= 0) & ~(lines["quantity"] < 0)]
        days = bought.groupby(["customer_id", "day"])["revenue"].sum().reset_index()
        days["gap"] = days.groupby("customer_id")["day"].diff().dt.days
        repeats, by_customer = days.dropna(subset=["gap"]).groupby("customer_id"), days.groupby("customer_id")
        table = by_customer["day"].agg(first_purchase="min", last_purchase="max", frequency="size")
        purchases, everything = bought.groupby("customer_id"), lines.groupby("customer_id")
        return table.assign(
            frequency=table["frequency"] - 1,
            recency=(table["last_purchase"] - table["first_purchase"]).dt.days / 7,
            age=(pd.Timestamp(AS_OF) - table["first_purchase"]).dt.days / 7,
            monetary_value=repeats["revenue"].mean(),
            orders=purchases["order_id"].nunique(),
            revenue=everything["revenue"].sum(),
            margin=everything["margin"].sum(),
            returns=purchases["revenue"].sum() - everything["revenue"].sum(),
            categories=purchases["category"].nunique(),
        )

    return run


CONTESTANTS = {
    "library": by_library, "windows": by_sql, "lists": by_sql, "plain": by_sql, "pandas": by_pandas
}  # fmt: skip
TITLES = {
    "library": "crm_lib customer_summary", "windows": "SQL by hand, windows", "lists": "SQL by hand, lists",
    "plain": "SQL, plain", "pandas": "pandas",
}  # fmt: skip
BY_HAND = ("windows", "lists", "plain")
ONCE = "pandas"
"""There for comparison only; it is slow, and runs once."""


def measure(place: Path, name: str) -> None:
    """Run one contestant in this process, keep its result, and print what it took."""
    started = time.perf_counter()
    run = CONTESTANTS[name](place, name)
    prepared, busy = time.perf_counter(), time.process_time()
    result = run()
    taken, busy = time.perf_counter() - prepared, time.process_time() - busy
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1024 if sys.platform != "darwin" else 1024**2)
    result.to_parquet(place / f"result_{name}.parquet")
    print(json.dumps({"before": prepared - started, "seconds": taken, "processor": busy, "megabytes": peak}))


def assert_equal_results(place: Path) -> None:
    """Fail where any contestant's table differs from the library's."""
    ours = pd.read_parquet(place / "result_library.parquet")
    for name in CONTESTANTS:
        other = pd.read_parquet(place / f"result_{name}.parquet")[ours.columns]
        pd.testing.assert_index_equal(ours.index, other.index)
        for column in ours:
            if column in DAYS:
                assert (ours[column] == other[column]).all(), f"{name} differs in {column}"
            else:
                np.testing.assert_allclose(
                    ours[column].astype(float), other[column].astype(float), rtol=1e-9, atol=2e-6,
                    err_msg=f"{name} differs in {column}",
                )  # fmt: skip


def main() -> None:
    """Make the company, let the contestants take turns, compare and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", nargs="?", type=Path, default=Path(tempfile.gettempdir()) / "crm-benchmark")
    parser.add_argument("--lines", type=int, default=20_000_000)
    parser.add_argument("--customers", type=int, default=1_000_000)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--only", choices=("make", *CONTESTANTS), help=argparse.SUPPRESS)
    options = parser.parse_args()
    place = options.folder / f"benchmark_{options.lines}_{options.customers}"
    if options.only == "make":
        make_company(place, options.lines, options.customers)
    elif options.only:
        measure(place, options.only)
    else:
        compete(place, options)


def compete(place: Path, options: argparse.Namespace) -> None:
    """Let the contestants take turns, compare their results and print what they took."""
    if not (place / "transactions.parquet").exists():
        child("make", options)
    found: dict[str, list[dict[str, float]]] = {name: [] for name in CONTESTANTS}
    for turn in range(options.repeats):
        for name in list(CONTESTANTS)[:: -1 if turn % 2 else 1]:
            if turn == 0 or name != ONCE:
                found[name].append(json.loads(child(name, options)))
    assert_equal_results(place)
    report(found)


def child(task: str, options: argparse.Namespace) -> str:
    """Do a task in a process of its own, as memory that this one once had would be counted with its children's."""
    command = [sys.executable, __file__, str(options.folder), "--only", task]
    command += ["--lines", str(options.lines), "--customers", str(options.customers)]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout.strip()


def report(found: dict[str, list[dict[str, float]]]) -> None:
    """Print medians, and the ratios to the best of the queries by hand."""
    medians = {
        name: {key: statistics.median(turn[key] for turn in turns) for key in turns[0]} for name, turns in found.items()
    }
    best = {key: min(medians[name][key] for name in BY_HAND) for key in ("seconds", "processor")}
    print(f"{'':26}{'seconds':>9}{'ratio':>7}{'processor':>11}{'ratio':>7}{'peak MB':>9}")
    for name, median in medians.items():
        seconds, processor = median["seconds"], median["processor"]
        print(
            f"{TITLES[name]:26}{seconds:9.1f}{seconds / best['seconds']:7.2f}"
            f"{processor:11.1f}{processor / best['processor']:7.2f}{median['megabytes']:9.0f}"
        )
    ours = medians["library"]
    reached = ours["seconds"] <= 1.2 * best["seconds"] and ours["megabytes"] < 3000
    print(f"Opening and checking the company took {ours['before']:.1f} seconds before that. All results are equal.")
    print(f"Target (at most 1.2 times the best query by hand, under 3 GB): {'reached' if reached else 'missed'}.")


if __name__ == "__main__":
    main()
