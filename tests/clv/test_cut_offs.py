"""The dates of forecasts: rolling back from the end, and never without enough history."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd
import pytest

from crm_lib.clv.cut_offs import cut_off_dates
from crm_lib.clv.purchase_record import PurchaseRecord, as_day
from crm_lib.errors import TooLittleData

BEGIN = dt.date(2025, 1, 1)


def record(customers: int = 40, days: int = 300) -> PurchaseRecord:
    every = pd.date_range(BEGIN, periods=days, freq="D")
    frame = pd.DataFrame({"customer_id": np.arange(days) % customers, "day": every})
    return PurchaseRecord.read(frame).until(as_day(BEGIN) + days)


def test_each_cut_off_lies_a_horizon_before_the_next() -> None:
    dates, left_out = cut_off_dates(record(), horizon_days=60, cut_offs=3)
    end = BEGIN + dt.timedelta(days=300)
    assert dates == [end - dt.timedelta(days=60 * number) for number in (3, 2, 1)]
    assert left_out == {}


def test_rolling_dates_without_history_are_left_out_with_the_reason() -> None:
    dates, left_out = cut_off_dates(record(), horizon_days=100, cut_offs=4)
    assert dates == [BEGIN + dt.timedelta(days=100), BEGIN + dt.timedelta(days=200)]
    assert list(left_out) == [BEGIN - dt.timedelta(days=100), BEGIN]
    assert "before the first purchase" in left_out[BEGIN - dt.timedelta(days=100)]
    assert "history of at least 50 days" in left_out[BEGIN]


def test_dates_that_were_asked_for_are_taken_in_order() -> None:
    dates, _ = cut_off_dates(record(), horizon_days=30, cut_offs=["2025-07-01", dt.date(2025, 5, 1), "2025-07-01"])
    assert dates == [dt.date(2025, 5, 1), dt.date(2025, 7, 1)]


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"horizon_days": 300, "cut_offs": 1}, TooLittleData, "history of at least 150 days"),
        ({"horizon_days": 400, "cut_offs": 1}, TooLittleData, "before the first purchase on 1 Jan 2025"),
        ({"horizon_days": 30, "cut_offs": ["2024-12-31"]}, TooLittleData, "before the first purchase"),
        ({"horizon_days": 30, "cut_offs": ["2025-10-20"]}, ValueError, "known for 8 days only"),
        ({"horizon_days": 0}, ValueError, "horizon_days must be at least 1"),
        ({"horizon_days": 30, "cut_offs": 0}, ValueError, "at least one cut-off"),
        ({"horizon_days": 30, "cut_offs": []}, ValueError, "at least one cut-off"),
    ],
)
def test_dates_from_which_nothing_can_be_judged_are_refused(options: dict, error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        cut_off_dates(record(), **options)


def test_a_handful_of_customers_is_too_few() -> None:
    with pytest.raises(TooLittleData, match="1; a comparison needs at least 10"):
        cut_off_dates(record(customers=1), horizon_days=30)
