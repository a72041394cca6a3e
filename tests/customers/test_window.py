from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd
import pytest

from crm_lib.company import Company
from crm_lib.customers import customer_window
from crm_lib.errors import TooLittleData
from tests.companies import write_company

ROWS = [
    ("o1", "a", "2026-01-01 10:00", 10.0, 1),
    ("o1", "a", "2026-01-01 10:00", 5.0, 1),
    ("o2", "a", "2026-06-30 23:59", 20.0, 1),
    ("o3", "b", "2026-06-01 08:00", 8.0, 1),
    ("o4", "b", "2026-06-05 08:00", -8.0, -1),
    ("o5", "c", "2026-06-10 08:00", -3.0, -1),
    ("o6", "d", "2025-01-01 08:00", 99.0, 1),
]


@pytest.fixture
def company(tmp_path):
    lines = pd.DataFrame(ROWS, columns=["order_id", "customer_id", "ordered_at", "revenue", "quantity"])
    return Company.open(write_company(tmp_path / "few", {"transactions": lines}, as_of="2026-06-30", margin_rate=0.5))


def test_window_counts_purchases_and_nets_returns(company):
    frame = customer_window(company, days=365)
    assert frame["orders"].to_dict() == {"a": 2, "b": 1, "c": 0}
    assert frame["revenue"].to_dict() == {"a": 35, "b": 0, "c": -3}
    assert frame["returns"].to_dict() == {"a": 0, "b": 8, "c": 3}
    assert frame["margin"].to_dict() == {"a": 17.5, "b": 0, "c": -1.5}
    assert frame["last_purchase"].dt.date.to_dict()["a"] == dt.date(2026, 6, 30)
    assert pd.isna(frame.loc["c", "last_purchase"])


@pytest.mark.parametrize(("days", "inside"), [(181, True), (180, False)])
def test_window_has_exactly_its_days(company, days, inside):
    # 30 June and the 180 days before it reach back to 1 January.
    assert customer_window(company, days=days).loc["a", "orders"] == 1 + inside


def test_new_means_first_purchase_ever_in_the_window(company):
    assert customer_window(company, days=40)["new"].to_dict() == {"a": False, "b": True, "c": False}


def test_earlier_ending_does_not_look_ahead(company):
    frame = customer_window(company, days=365, ending=dt.date(2026, 6, 4))
    assert frame["revenue"].to_dict() == {"a": 15, "b": 8}


def test_lines_that_entered_the_books_later_were_not_known(tmp_path):
    lines = pd.DataFrame(ROWS, columns=["order_id", "customer_id", "ordered_at", "revenue", "quantity"])
    lines["recorded_at"] = lines["ordered_at"].where(lines["order_id"] != "o3", "2026-06-20 08:00")
    company = Company.open(write_company(tmp_path / "late", {"transactions": lines}, as_of="2026-06-30"))
    assert "b" not in customer_window(company, days=365, ending=dt.date(2026, 6, 4)).index
    assert "b" in customer_window(company, days=365).index


def test_empty_window_says_so(company):
    with pytest.raises(TooLittleData, match="nobody bought in the 10 days up to"):
        customer_window(company, days=10, ending=dt.date(2026, 5, 1))


def test_window_after_the_opened_day_is_refused(company):
    with pytest.raises(ValueError, match="after 2026-06-30"):
        customer_window(company, days=10, ending=dt.date(2026, 7, 1))


def test_amounts_are_exact_sums_whatever_the_order_of_adding(tmp_path):
    # Enough lines that the engine adds in parallel; cents are not binary fractions, so order would show.
    rng = np.random.default_rng(1)
    cents = rng.integers(1, 100_000, 400_000)
    lines = pd.DataFrame(
        {
            "order_id": np.arange(cents.size).astype(str),
            "customer_id": rng.integers(0, 3, cents.size).astype(str),
            "ordered_at": pd.Timestamp("2026-06-01 12:00"),
            "revenue": cents / 100,
        }
    )
    folder = write_company(tmp_path / "many", {"transactions": lines}, how="parquet", as_of="2026-06-30")
    exact = pd.Series(cents).groupby(lines["customer_id"]).sum() / 100
    assert customer_window(Company.open(folder), days=365)["revenue"].to_dict() == exact.to_dict()
