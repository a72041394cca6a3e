"""The benchmark's contestants, which are also peers: three queries and pandas must give the library's table."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_five_ways_to_the_customer_table_agree(tmp_path: Path) -> None:
    size = ["--lines", "20000", "--customers", "1500", "--repeats", "1"]
    command = [sys.executable, str(ROOT / "benchmarks" / "customer_table.py"), str(tmp_path), *size]
    answer = subprocess.run(command, check=True, capture_output=True, text=True)
    assert "All results are equal." in answer.stdout
