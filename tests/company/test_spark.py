"""The same expressions on Spark: customer table, window, segments and tiers of 200,000 lines equal DuckDB's."""

from __future__ import annotations

import shutil

import numpy as np
import pandas as pd
import pytest

from crm_lib import segments
from crm_lib.company import Company
from crm_lib.customers import customer_summary, customer_window

pytestmark = pytest.mark.validate
LINES = 200_000
SETTINGS = '[company]\ncurrency = "EUR"\nas_of = 2025-12-31\n'


@pytest.fixture(scope="module")
def both(tmp_path_factory):
    """Return one company, its lines in a file and behind a Spark session."""
    pytest.importorskip("pyspark", reason="needs crm-lib[spark]")
    if not shutil.which("java"):
        pytest.skip("Spark needs a Java runtime")
    rng, root = np.random.default_rng(1), tmp_path_factory.mktemp("spark")
    minutes = pd.to_timedelta(rng.integers(0, 365 * 1440, LINES), unit="min")
    lines = pd.DataFrame({
        "order_id": [f"o{n}" for n in rng.integers(0, LINES // 2, LINES)],
        "customer_id": [f"c{n}" for n in rng.integers(0, LINES // 10, LINES)],
        "ordered_at": (pd.Timestamp("2025-01-01") + minutes).astype("datetime64[us]"),
        "quantity": rng.choice([1.0, 2.0, -1.0], LINES, p=[0.6, 0.35, 0.05]),
        "revenue": rng.gamma(2, 20, LINES).round(2), "category": [f"k{n}" for n in rng.integers(0, 9, LINES)],
    })  # fmt: skip
    lines["cost"] = (0.6 * lines["revenue"]).round(2)
    file = root / "transactions.parquet"
    lines.to_parquet(file)
    query = f"SELECT * FROM parquet.`{file}`"  # noqa: S608
    sources = {
        "duckdb": f'[tables.transactions]\nfile = "{file}"\n',
        "spark": '[database]\nurl = "pyspark://?spark.sql.shuffle.partitions=4"\n'
        f'[tables.transactions]\nsql = "{query}"\n',
    }
    for name, source in sources.items():
        (root / name).mkdir()
        (root / name / "company.toml").write_text(SETTINGS + source, encoding="utf-8")
    return [Company.open(root / name) for name in sources]


@pytest.mark.parametrize(
    "result",
    [
        customer_summary, lambda company: customer_window(company, days=180),
        lambda company: segments.segment_customers(company).rfm.frame,
        lambda company: segments.segment_customers(company).tiers.frame,
    ],
    ids=["customer table", "window", "RFM", "tiers"],
)  # fmt: skip
def test_spark_tells_what_duckdb_tells(both, result):
    one, other = (result(company) for company in both)
    assert len(one) > 10_000
    pd.testing.assert_frame_equal(one, other, check_dtype=False, rtol=1e-9)
