"""Days of purchase: what counts as one, in which order, and from when on it was known."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from crm_lib.company import Company
from crm_lib.customers import purchase_days
from tests.companies import write_company


def opened(folder: Path, lines: pd.DataFrame, as_of: str = "2025-03-31") -> Company:
    return Company.open(write_company(folder / "shop", {"transactions": lines}), as_of=as_of)


def lines_of(*rows: tuple[str, str, str, float], **columns: list) -> pd.DataFrame:
    frame = pd.DataFrame(rows, columns=["order_id", "customer_id", "ordered_at", "revenue"])
    return frame.assign(**columns)


def as_tuples(days: pd.DataFrame) -> list[tuple]:
    dates = {name: days[name].dt.strftime("%m-%d") for name in ("day", "recorded") if name in days}
    return list(days.assign(**dates).itertuples(index=False, name=None))


def test_orders_of_one_day_are_one_row_and_rows_are_in_order(tmp_path: Path) -> None:
    lines = lines_of(
        ("4", "zoe", "2025-02-02 10:00", 1),
        ("3", "Ann", "2025-02-01 10:00", 8),
        ("1", "ann", "2025-01-05 00:00", 10),
        ("2", "ann", "2025-01-05 23:59", 20),
        ("0", "ann", "2025-01-01 12:00", 0),
    )
    assert as_tuples(purchase_days(opened(tmp_path, lines))) == [
        ("Ann", "02-01", 8.0), ("ann", "01-01", 0.0), ("ann", "01-05", 30.0), ("zoe", "02-02", 1.0),
    ]  # fmt: skip


def test_a_return_is_no_purchase_and_lowers_no_spend(tmp_path: Path) -> None:
    lines = lines_of(
        ("1", "ann", "2025-01-01", 100), ("1", "ann", "2025-01-01", -40), ("2", "ann", "2025-01-09", -60),
        ("3", "bob", "2025-01-09", 5), quantity=[1, -1, -1, -1],
    )  # fmt: skip
    assert as_tuples(purchase_days(opened(tmp_path, lines))) == [("ann", "01-01", 100.0)]


def test_an_earlier_day_gives_what_the_company_opened_on_that_day_gives(tmp_path: Path) -> None:
    rng = np.random.default_rng(5)
    ordered = pd.Timestamp("2025-01-01") + pd.to_timedelta(rng.integers(0, 80 * 24, 500), unit="h")
    late = np.where(rng.random(500) < 0.5, rng.integers(0, 20, 500), 0)
    recorded = (ordered + pd.to_timedelta(late, unit="D")).to_series().reset_index(drop=True)
    lines = pd.DataFrame(
        {
            "order_id": np.arange(500).astype(str), "customer_id": rng.integers(0, 60, 500).astype(str),
            "ordered_at": ordered, "revenue": rng.integers(-100, 900, 500) / 10,
            "recorded_at": recorded.where(rng.random(500) > 0.1),
        }
    )  # fmt: skip
    whole = opened(tmp_path, lines)
    then = Company.open(tmp_path / "shop", as_of="2025-02-10")
    pd.testing.assert_frame_equal(purchase_days(whole, as_of=dt.date(2025, 2, 10)), purchase_days(then))
    assert len(purchase_days(then)) < len(purchase_days(whole))


def test_a_day_after_the_last_that_counts_is_refused(tmp_path: Path) -> None:
    company = opened(tmp_path, lines_of(("1", "ann", "2025-01-01", 10)))
    with pytest.raises(ValueError, match="after 2025-03-31"):
        purchase_days(company, as_of=dt.date(2025, 4, 1))
