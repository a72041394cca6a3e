"""Two periods: the split to the cent, rates by hand, and intervals that cover."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings, strategies as st

from crm_lib.company import Company
from crm_lib.errors import TooLittleData
from crm_lib.finding import Verdict
from crm_lib.retention import bridge, finding_net_retention
from crm_lib.retention.bridge import CLASSES, ratio
from tests.companies import transactions, write_company


def test_changes_sum_to_the_difference_to_the_cent(bridge, simulated_shop):
    before, now = bridge.totals
    assert bridge.table["change"].sum() == pytest.approx(now - before, abs=0.005)
    assert bridge.table["customers"].sum() == len(bridge.frame)
    lines = simulated_shop.frame("transactions", "ordered_at", "margin")
    day = lines["ordered_at"].dt.normalize()
    end = pd.Timestamp(simulated_shop.as_of)
    direct = lines.loc[(day > end - pd.Timedelta(days=365)) & (day <= end), "margin"].sum()
    assert now == pytest.approx(direct, abs=0.005)
    assert bridge.gross.value <= min(bridge.net.value, 1.0)


def _rows() -> list[tuple[str, str, str, float]]:
    """Thirty customers who stay alike, and one of each other kind; the year before begins on 1 July 2023."""
    rows = [(f"{n}-{day}", f"c{n:02}", day, 10.0) for n in range(30) for day in ("2023-08-01", "2024-08-01")]
    rows += [
        ("a1", "won", "2025-01-01", 7.0), ("b1", "lost", "2024-01-01", 20.0), ("c1", "grown", "2024-06-30", 5.0),
        ("c2", "grown", "2024-07-01", 8.0), ("d1", "shrunk", "2024-01-01", 9.0), ("d2", "shrunk", "2025-06-30", 2.0),
        ("e1", "returned", "2023-01-01", 50.0), ("e2", "returned", "2025-01-01", 3.0),
        ("f1", "gone", "2023-01-01", 50.0), ("f2", "gone", "2024-09-01", -6.0),
    ]  # fmt: skip
    return rows


def _shop(folder, rows):
    tables = {"transactions": transactions(rows)}
    return Company.open(write_company(folder, tables, as_of="2025-06-30", margin_rate=1.0))


def test_every_customer_is_in_one_step_by_hand(tmp_path):
    found = bridge_of(tmp_path)
    became = found.frame["became"]
    for name in ("won", "lost", "grown", "shrunk", "returned"):
        assert became[name] == name
    assert became["gone"] == "returns only"
    assert found.table["change"].to_dict() == pytest.approx(
        {"lost": -20.0, "shrunk": -7.0, "kept": 0.0, "grown": 3.0, "returned": 3.0, "won": 7.0, "returns only": -6.0}
    )
    assert found.totals == pytest.approx((334.0, 314.0 + 17.0 - 6.0 - 11.0 + 3.0 + 3.0), abs=20)
    assert found.net.value == pytest.approx(310 / 334)
    assert found.gross.value == pytest.approx(307 / 334)
    assert found.kept.value == pytest.approx(32 / 33)
    assert found.returned.value == pytest.approx(1 / 2)
    assert finding_net_retention(found).verdict is not Verdict.SUPPORTED


def bridge_of(folder, rows=None):
    return bridge(_shop(folder / "shop", rows or _rows()))


def test_the_order_of_rows_changes_nothing(tmp_path):
    rows = _rows()
    mixed = [rows[i] for i in np.random.default_rng(2).permutation(len(rows))]
    pd.testing.assert_frame_equal(bridge_of(tmp_path / "a").table, bridge_of(tmp_path / "b", mixed).table)


def test_few_customers_are_too_little(tmp_path):
    with pytest.raises(TooLittleData, match="needs 30 customers who bought"):
        bridge_of(tmp_path, _rows()[-10:] + _rows()[:20])


def test_steps_are_named_once(bridge):
    assert set(bridge.table.index) <= set(CLASSES)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 1000), st.floats(1e-4, 1e6))
def test_the_ratio_knows_no_unit_of_money_and_no_order(seed, unit):
    rng = np.random.default_rng(seed)
    before = rng.lognormal(0, 1, 80)
    now = before * rng.lognormal(-0.2, 1, 80)
    once, mixed = ratio(now, before), rng.permutation(80)
    again = ratio(now[mixed] * unit, before[mixed] * unit)
    assert (again.value, again.low, again.high) == pytest.approx((once.value, once.low, once.high), rel=1e-9)


def _covered(runs: int, n: int = 2000) -> float:
    rng, inside = np.random.default_rng(7), 0
    truth = 0.3 * np.exp(0.5)
    for _ in range(runs):
        before = rng.lognormal(0, 1.2, n)
        now = np.where(rng.random(n) < 0.3, before * rng.lognormal(0, 1, n), 0.0)
        found = ratio(now, before)
        inside += found.low <= truth <= found.high
    return inside / runs


def test_the_interval_of_the_ratio_covers_skewed_money():
    assert 0.92 <= _covered(400) <= 0.98
