"""Going back in time: the histories of an earlier day, and nothing later."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from crm_lib.clv.purchase_record import PurchaseRecord, as_date, as_day
from crm_lib.company import Company
from crm_lib.customers import UNIT_DAYS, customer_summary, purchase_days
from crm_lib.errors import MissingData, TooLittleData
from tests.companies import write_company


def lines(seed: int, *, recorded: bool) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    ordered = pd.Series(pd.Timestamp("2025-01-01") + pd.to_timedelta(rng.integers(0, 120 * 24, 900), unit="h"))
    frame = pd.DataFrame(
        {
            "order_id": np.arange(900).astype(str),
            "customer_id": np.minimum(rng.geometric(0.02, 900), 120).astype(str),
            "ordered_at": ordered,
            "revenue": rng.integers(-1000, 9000, 900) / 100,
        }
    )
    if recorded:
        late = pd.Series(pd.to_timedelta(np.where(rng.random(900) < 0.6, rng.integers(0, 40, 900), 0), unit="D"))
        frame["recorded_at"] = (ordered + late).where(rng.random(900) > 0.1)
    return frame


def days_of(*rows: tuple[object, str], **columns: list) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["customer_id", "day"]).assign(**columns)


@pytest.mark.parametrize("recorded", [False, True])
@pytest.mark.parametrize(("cut_off", "unit"), [("2025-01-01", "D"), ("2025-02-14", "W"), ("2025-04-20", "M")])
def test_the_summary_of_an_earlier_day_is_that_of_the_company_opened_on_that_day(
    tmp_path: Path, recorded: bool, cut_off: str, unit: str
) -> None:
    folder = write_company(tmp_path / "shop", {"transactions": lines(1, recorded=recorded)})
    record = PurchaseRecord.read(purchase_days(Company.open(folder, as_of="2025-05-31")))
    expected = customer_summary(Company.open(folder, as_of=cut_off), unit)
    ours = record.until(as_day(cut_off)).summary(unit)
    assert len(ours) > 0
    pd.testing.assert_frame_equal(
        ours, expected[list(ours.columns)], check_index_type=False, rtol=1e-12, atol=2e-9, check_dtype=False
    )


def test_what_is_recorded_after_a_day_is_not_known_on_it() -> None:
    record = PurchaseRecord.read(
        days_of(("ann", "2025-01-01"), ("ann", "2025-01-08"), recorded=["2025-01-01", "2025-01-20"])
    )
    assert record.until(as_day("2025-01-19")).summary("D").loc["ann", "frequency"] == 0
    assert record.until(as_day("2025-01-20")).summary("D").loc["ann", "frequency"] == 1


def test_nothing_later_is_left_in_the_record_of_an_earlier_day() -> None:
    rng = np.random.default_rng(2)
    frame = days_of(*((int(c), str(as_date(int(d)))) for c, d in rng.integers([0, 20000], [80, 20100], (400, 2))))
    known = PurchaseRecord.read(frame).until(20050)
    assert known.day.max() <= 20050
    assert known.recorded.max() <= 20050
    assert set(known.customers) == set(frame.loc[frame["day"] <= str(as_date(20050)), "customer_id"])


def test_going_back_twice_is_going_back_once() -> None:
    rng = np.random.default_rng(3)
    frame = days_of(*((int(c), str(as_date(int(d)))) for c, d in rng.integers([0, 20000], [80, 20100], (400, 2))))
    record = PurchaseRecord.read(frame)
    pd.testing.assert_frame_equal(record.until(20060).until(20030).summary(), record.until(20030).summary())


def test_purchases_of_a_period_exclude_its_eve_and_include_its_last_day() -> None:
    record = PurchaseRecord.read(
        days_of(*(("ann", f"2025-01-{day:02d}") for day in (1, 5, 9)), ("ann", "2025-01-05"), ("bob", "2025-01-09"))
    )
    counts = record.purchases(as_day("2025-01-01"), as_day("2025-01-05"), of=pd.Index(["nobody", "bob", "ann"]))
    assert counts.tolist() == [0, 0, 1]
    assert record.purchases(as_day("2024-12-31"), as_day("2025-01-09")).tolist() == [3, 1]


def test_moments_of_a_day_count_as_the_day() -> None:
    record = PurchaseRecord.read(days_of(("ann", "2025-01-01 23:30"), ("ann", "2025-01-02 00:10")))
    assert record.summary("D").loc["ann", ["frequency", "recency", "age"]].tolist() == [1, 1, 1]


@pytest.mark.parametrize("unit", sorted(UNIT_DAYS))
def test_logarithms_of_gaps_are_those_between_days_of_purchase(unit: str) -> None:
    record = PurchaseRecord.read(days_of(*(("ann", f"2025-01-{day:02d}") for day in (1, 3, 10)), ("bob", "2025-01-04")))
    expected = np.log(2 / UNIT_DAYS[unit]) + np.log(7 / UNIT_DAYS[unit])
    np.testing.assert_allclose(record.summary(unit)["log_gaps"], [expected, 0], atol=2e-9)


@pytest.mark.parametrize(
    ("frame", "error", "words"),
    [
        (pd.DataFrame({"customer_id": ["a"]}), MissingData, "day"),
        (days_of(), TooLittleData, "no purchases"),
        (days_of((None, "2025-01-01")), ValueError, "customer_id is missing in 1 rows"),
        (days_of(("a", None), ("a", "2025-01-01")), ValueError, "day is missing in 1 rows"),
        (days_of(("a", "soon")), ValueError, "must hold days"),
        (days_of(("a", "2025-01-01"), spend=[np.inf]), ValueError, "spend is missing"),
    ],
)
def test_rows_that_are_no_purchases_are_refused(frame: pd.DataFrame, error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        PurchaseRecord.read(frame)
