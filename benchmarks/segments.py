"""How long scores, segments and tiers of a million customers take, and the choice of clusters, beside peers.

Run it with ``python benchmarks/segments.py [FOLDER]``; see the README beside it. Five million transactions are written
to a Parquet file once. Opening the company, which reads and checks it, and reading it in pandas are timed apart; the
results must be equal, customer by customer. Clusters are chosen among all candidates with their stability; the peer is
one plain sweep of k-means and silhouette over the same numbers, which says nothing of stability.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
from customer_table import AS_OF, make_company
from sklearn.cluster import KMeans
from sklearn.metrics import silhouette_score

from crm_lib.company import Company
from crm_lib.customers import customer_window
from crm_lib.segments import (
    SegmentDefinitions,
    choose_clusters,
    concentration,
    estimated,
    rfm_table,
    tier_shares,
    value_tiers,
)

DAYS = 1096
"""All that is simulated, so that every customer is in the window."""

CLUSTERED = 100_000
NUMBERS = range(2, 9)
"""Numbers of clusters tried."""
_LOOKED_AT = 1500
"""Customers of whom either side computes the silhouette: its cost grows with their square."""


def read(file: Path) -> pd.DataFrame:
    """The columns that scores need."""
    return pd.read_parquet(file, columns=["customer_id", "order_id", "ordered_at", "quantity", "revenue", "cost"])


def by_hand(lines: pd.DataFrame) -> pd.DataFrame:
    """Scores and tiers as one writes them in pandas, ties kept together, without segments."""
    lines = lines.assign(margin=lines["revenue"] - lines["cost"])
    bought = lines[(lines["revenue"] >= 0) & ~(lines["quantity"] < 0)]
    purchases = bought.groupby("customer_id")
    table = pd.DataFrame({"last": purchases["ordered_at"].max(), "frequency": purchases["order_id"].nunique()})
    sums = lines.groupby("customer_id")[["revenue", "margin"]].sum().round(6)
    table = sums.join(table)
    table["recency"] = (pd.Timestamp(AS_OF) - table.pop("last").dt.normalize()).dt.days
    for name, column in (("recency", "recency"), ("frequency", "frequency"), ("monetary", "revenue")):
        # Who only returned something is not scored.
        values = table[column].where(table["frequency"].notna())
        # The middle of the ranks of equal customers, in fifths, as whole numbers.
        twice = values.rank(method="min") + values.rank(method="max") - 1
        above = np.ceil(twice * 5 / (2 * values.notna().sum())) - 1
        table[f"{name}_score"] = 5 - above if name == "recency" else above + 1
    gains = table["margin"].clip(lower=0)
    ordered = gains.sort_values(ascending=False, kind="stable")
    grouped = ordered.groupby(ordered, sort=False)
    total = grouped.sum()
    middle = (total.cumsum() - total / 2) / total.sum()
    codes = np.searchsorted([0.5, 0.8, 0.95], middle.to_numpy() - 1e-12)
    tier = table["margin"].map(pd.Series(np.array(["key", "major", "ordinary", "small"])[codes], index=middle.index))
    table["tier"] = tier.where(table["margin"] > 0, "small")
    return table


def timed(run: Callable[[], object], repeats: int) -> tuple[float, float, object]:
    """Return the median time on the clock and of the processors, and the last result."""
    clock, busy, result = [], [], None
    for _ in range(repeats):
        started, used = time.perf_counter(), time.process_time()
        result = run()
        clock.append(time.perf_counter() - started)
        busy.append(time.process_time() - used)
    return statistics.median(clock), statistics.median(busy), result


def told(what: str, clock: float, busy: float, limit: float | None = None) -> None:
    """Print one time, and whether it keeps its promise."""
    kept = "" if limit is None else f"  < {limit:g} s {'kept' if clock < limit else 'MISSED'}"
    print(f"{what:<66}{clock:>8.2f} s clock{busy:>8.2f} s processors{kept}")


def groups_of_customers(rows: int) -> pd.DataFrame:
    """Return five features of four round groups, whose centres are six standard deviations from one another."""
    rng = np.random.default_rng(3)
    centres = np.eye(4, 5) * 6 / np.sqrt(2)
    return pd.DataFrame(rng.normal(size=(rows, 5)) + centres[rng.integers(0, 4, rows)], columns=list("abcde"))


def sweep(features: pd.DataFrame) -> int:
    """Return the number of k-means clusters with the largest silhouette, as one finds it by hand."""
    values = features.to_numpy()

    def silhouette(k: int) -> float:
        labels = KMeans(k, n_init=5, random_state=0).fit(values).labels_
        return float(silhouette_score(values, labels, sample_size=_LOOKED_AT, random_state=0))

    return max(NUMBERS, key=silhouette)


def clusters(customers: int) -> None:
    """Time the choice of clusters and the plain sweep."""
    features = groups_of_customers(customers)
    clock, busy, chosen = timed(lambda: choose_clusters(features, k=NUMBERS), 1)
    told(f"choose_clusters: {customers:,} customers, with stability", clock, busy)
    hand, hand_busy, number = timed(lambda: sweep(features), 1)
    told("scikit-learn: one sweep of k-means and silhouette", hand, hand_busy)
    print(f"Clusters found, of 4: {chosen.k} with stability, {number} by silhouette.")


def main() -> None:
    """Make the company, time everything, compare."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", nargs="?", type=Path, default=Path(tempfile.gettempdir()) / "crm-benchmark")
    parser.add_argument("--lines", type=int, default=5_000_000)
    parser.add_argument("--customers", type=int, default=1_000_000)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--clustered", type=int, default=CLUSTERED)
    options = parser.parse_args()
    place = options.folder / f"benchmark_{options.lines}_{options.customers}"
    if not (place / "transactions.parquet").exists():
        make_company(place, options.lines, options.customers)
    opening, opening_busy, company = timed(lambda: Company.open(place), 1)
    told("opening the company: reading and checking", opening, opening_busy)
    free = SegmentDefinitions(window_days=DAYS)
    frozen = estimated(free, company)

    def engine(definitions: SegmentDefinitions) -> Callable[[], object]:
        return lambda: rfm_table(company, definitions).to_pyarrow()

    clock, busy, scored = timed(engine(free), options.repeats)
    told(f"engine: scores, segments, tiers of {scored.num_rows:,} customers", clock, busy, 3)
    told("engine: the same with frozen cut points", *timed(engine(frozen), options.repeats)[:2])
    read_clock, read_busy, lines = timed(lambda: read(place / "transactions.parquet"), 1)
    told("pandas: reading", read_clock, read_busy)
    hand, hand_busy, theirs = timed(lambda: by_hand(lines), 1)
    told("pandas by hand: scores and tiers", hand, hand_busy)
    print(f"{'ratio, theirs over ours':<66}{hand / clock:>8.1f} ×      {hand_busy / busy:>8.1f} ×")
    window_clock, window_busy, window = timed(lambda: customer_window(company, days=DAYS), 1)
    told("customer_window alone", window_clock, window_busy)
    tier_clock, tier_busy, tiers = timed(lambda: value_tiers(window["margin"]), options.repeats)
    told("value_tiers of the window, in memory", tier_clock, tier_busy)
    told("tier_shares: intervals from 999 resamples", *timed(lambda: tier_shares(tiers), 1)[:2])
    told("concentration: intervals from 999 resamples", *timed(lambda: concentration(window["margin"]), 1)[:2])
    ours = scored.to_pandas().set_index("customer_id").sort_index()
    theirs = theirs.sort_index()
    for name in ("recency_score", "frequency_score", "monetary_score", "tier"):
        same = (ours[name] == theirs[name]) | (ours[name].isna() & theirs[name].isna())
        # Sums of floats differ in their last digits, and with them a customer right at a cut point.
        assert same.mean() > 0.99999, f"{name} differs for {(~same).sum()} customers"
    print("Both agree, customer by customer.")
    clusters(options.clustered)


if __name__ == "__main__":
    main()
