"""Timings of the satisfaction analyses: a path model with 2,000 resamples, and twelve drivers of 10,000 answers.

python benchmarks/satisfaction.py
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable

import numpy as np
import pandas as pd

from crm_lib.satisfaction import Survey, key_drivers, path_model

LIMITS = {"path model, 250 x 24, 2,000 resamples": 1.0, "12 drivers x 10,000 answers": 0.5}
"""Seconds of processor time at most."""
ECSI = {"IMAG": 5, "CUEX": 3, "PERQ": 7, "PERV": 2, "CUSA": 3, "CUSCO": 1, "CUSL": 3}


def made(n: int, items: list[str]) -> Survey:
    """Return answers to items that go together, on a scale from 1 to 10."""
    rng = np.random.default_rng(0)
    mood = rng.normal(7, 1, n)
    frame = pd.DataFrame({item: np.clip(np.round(mood + rng.normal(0, 1.2, n)), 1, 10) for item in items})
    frame = frame.assign(respondent=np.arange(n), customer_id=None, weight=1.0, wave="1")
    day = pd.Timestamp("2026-06-30")
    return Survey(frame=frame, rivals=frame.iloc[:0], waves=("1",), left_out={}, as_of=day.date())


def seconds(run: Callable[[], object]) -> float:
    """Return the processor time of the fastest of three runs."""
    times = []
    for _ in range(3):
        start = time.process_time()
        run()
        times.append(time.process_time() - start)
    return min(times)


def main() -> int:
    """Time both and compare with the limits."""
    ecsi = made(250, [f"{name}{i + 1}" for name, size in ECSI.items() for i in range(size)])
    wide = made(10_000, ["satisfaction", *(f"driver_{i}" for i in range(12))])
    found = dict(zip(LIMITS, (seconds(lambda: path_model(ecsi)), seconds(lambda: key_drivers(wide))), strict=True))
    for name, limit in LIMITS.items():
        print(f"{name:42} {found[name]:6.2f} s, at most {limit} s")
    return int(any(found[name] > limit for name, limit in LIMITS.items()))


if __name__ == "__main__":
    sys.exit(main())
