"""Weekly purchases beside expected ones: counted by hand, and the published error of CDNOW."""

from __future__ import annotations

import numpy as np
import pandas as pd

from crm_lib.clv.purchase_record import PurchaseRecord, as_day
from crm_lib.clv.tracking import weekly_tracking


def record_of(*rows: tuple[str, str]) -> PurchaseRecord:
    return PurchaseRecord.read(pd.DataFrame(rows, columns=["customer_id", "day"]))


def test_weeks_end_on_the_weekday_of_the_cut_off_and_count_repeat_purchases_of_the_known() -> None:
    record = record_of(
        ("ann", "2025-01-01"), ("ann", "2025-01-07"), ("ann", "2025-01-08"), ("bob", "2025-01-10"),
        ("ann", "2025-01-15"), ("bob", "2025-01-21"), ("new", "2025-01-15"), ("new", "2025-01-16"),
        ("ann", "2025-01-29"),
    )  # fmt: skip
    tracking = weekly_tracking(record.until(as_day("2025-01-14")), record, lambda days: 0 * days, horizon_days=17)
    assert tracking["ending"].astype(str).tolist() == ["2025-01-07", "2025-01-14", "2025-01-21", "2025-01-28"]
    assert tracking["actual"].tolist() == [1, 1, 2, 0]
    assert tracking["cumulative_actual"].tolist() == [1, 2, 4, 4]
    assert tracking["is_holdout"].tolist() == [False, False, True, True]


def test_expected_purchases_begin_with_each_customer() -> None:
    record = record_of(("ann", "2025-01-01"), ("bob", "2025-01-10"))
    tracking = weekly_tracking(record.until(as_day("2025-01-14")), record, lambda days: np.sqrt(days), horizon_days=14)
    # Days with us at the end of each week: ann 7, 14, 21, 28; bob 0, 5, 12, 19.
    expected = np.sqrt([7, 14, 21, 28]) + np.sqrt([0, 5, 12, 19])
    np.testing.assert_allclose(tracking["cumulative_expected"], expected)
    np.testing.assert_allclose(tracking["expected"], np.diff(expected, prepend=0))


def test_a_first_week_that_is_incomplete_keeps_the_sum_from_the_beginning() -> None:
    record = record_of(("ann", "2025-01-01"), ("ann", "2025-01-02"), ("ann", "2025-01-09"))
    tracking = weekly_tracking(record.until(as_day("2025-01-10")), record, lambda days: days, horizon_days=7)
    assert tracking["actual"].tolist() == [1, 1, 0]
    assert tracking["cumulative_expected"].tolist() == [3, 10, 17]


def test_a_horizon_of_less_than_a_week_has_no_week_to_judge() -> None:
    record = record_of(("ann", "2025-01-01"), ("ann", "2025-01-09"))
    tracking = weekly_tracking(record.until(as_day("2025-01-07")), record, lambda days: days, horizon_days=6)
    assert not tracking["is_holdout"].any()
