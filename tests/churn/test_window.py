"""Windows of inactivity, and who counts as gone."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd
import pytest

from crm_lib.churn import churned, finding_window, inactivity_window
from crm_lib.churn.inactivity import windows
from crm_lib.company import Company
from crm_lib.errors import TooLittleData
from crm_lib.finding import Verdict
from tests.companies import transactions, write_company

LAST = dt.date(2026, 6, 30)


def _bought(lives: dict[str, list[int]]) -> pd.DataFrame:
    """Return days of purchase from days before the last one."""
    rows = [(name, pd.Timestamp(LAST) - pd.Timedelta(days=ago)) for name, agos in lives.items() for ago in agos]
    return pd.DataFrame(rows, columns=["customer_id", "day"]).sort_values(["customer_id", "day"])


def test_shares_are_those_counted_by_hand():
    # 100 customers bought 400 days ago; 30 came back after 60 days, 10 after 200, the others never.
    lives = {f"c{n}": [400, 340] if n < 30 else [400, 200] if n < 40 else [400] for n in range(100)}
    found = windows(_bought(lives), LAST, 180)
    # Longer than 70 days: 70 first spells, and the 40 after second purchases; the 10 came back while all were watched.
    assert found.loc[70, "spells"] == 110
    assert found.loc[70, "came_back"] == pytest.approx(10 / 110)
    assert found.loc[14, "came_back"] == pytest.approx(30 / 140)


def _simulated(seed: int, customers: int = 300) -> pd.DataFrame:
    """Return days of purchase of customers of whom, after each, half come back at a constant rate and half never."""
    rng = np.random.default_rng(seed)
    lives = {}
    for number, ago in enumerate(rng.integers(1, 600, customers)):
        days = [int(ago)]
        while rng.random() < 0.5 and days[-1] > (gap := int(rng.exponential(100)) + 1):
            days.append(days[-1] - gap)
        lives[f"c{number}"] = days
    return _bought(lives)


def test_intervals_hold_the_truth_as_often_as_they_say():
    silent = lambda days: 0.5 + 0.5 * np.exp(-days / 100)  # noqa: E731
    true = 1 - silent(63 + 150) / silent(63)
    rows = [windows(_simulated(seed), LAST, 150).loc[63] for seed in range(150)]
    inside = np.mean([row["low"] <= true <= row["high"] for row in rows])
    assert 0.90 <= inside <= 0.99
    assert np.mean([row["came_back"] for row in rows]) == pytest.approx(true, abs=0.01)


def test_the_shortest_window_that_demonstrably_keeps_to_the_share_is_recommended(window):
    keeps = window.frame["high"] <= window.at_most
    assert window.kept
    assert window.days == window.frame.index[keeps][0]
    assert window.came_back.value == window.frame.loc[window.days, "came_back"]
    assert finding_window(window).verdict is Verdict.SUPPORTED
    assert len(window.frame) > 20


def test_rivals_call_as_many_customers_gone(window):
    assert len(set(window.rivals["customers"])) == 1
    assert set(window.gains) == {"p_alive", "against_rhythm"}


def test_most_of_the_gone_have_truly_left(churned, simulation):
    truth = simulation.truth["customers"].set_index("customer_id")
    gone = churned.frame["gone"]
    alive = truth["alive"].reindex(gone.index)
    assert alive[gone].mean() < 0.1
    assert alive[~gone].mean() > 0.75


def test_contracts_departures_and_silence_in_this_order(tmp_path):
    rows = [
        ("o1", "holds", "2025-01-10", 5.0), ("o2", "ended", "2025-01-10", 5.0), ("o3", "unpaid", "2025-01-10", 5.0),
        ("o4", "back", "2025-01-10", 5.0), ("o5", "back", "2026-06-20", 5.0), ("o6", "told", "2026-06-01", 5.0),
        ("o7", "quiet", "2025-01-10", 5.0), ("o8", "moved", "2025-01-10", 5.0),
    ]  # fmt: skip
    contracts = pd.DataFrame(
        [("m1", "holds", "2025-01-01", None, None), ("m2", "ended", "2025-01-01", "2025-03-01", "not renewed"),
         ("m3", "unpaid", "2025-01-01", "2025-03-01", "Payment failed"),
         ("m4", "back", "2025-01-01", "2025-03-01", None),
         ("m5", "moved", "2025-01-01", "2025-03-01", "Kicked out")],
        columns=["membership_id", "customer_id", "started_at", "ended_at", "end_reason"],
    )  # fmt: skip
    left = pd.DataFrame([("told", "2026-06-10", "rival shop")], columns=["customer_id", "departed_at", "cause"])
    folder = write_company(
        tmp_path / "shop", {"transactions": transactions(rows), "memberships": contracts, "departures": left},
        as_of="2026-06-30", more='[causes]\n"kicked out" = "given_up"\n"Rival shop" = "competition"',
    )  # fmt: skip
    shop = Company.open(folder)
    state = churned(shop, 100).frame["state"]
    assert state.to_dict() == {
        "back": "bought lately", "ended": "contract ended by the customer", "holds": "contract runs",
        "moved": "contract ended by the company", "quiet": "silent", "told": "departure known",
        "unpaid": "contract ended by the company",
    }  # fmt: skip
    assert shop.frame("departures", "cause")["cause"].tolist() == ["competition"]
    with pytest.raises(ValueError, match="at least one day"):
        churned(shop, 0)


def test_a_mapping_to_no_cause_is_refused(tmp_path):
    folder = write_company(tmp_path / "shop", {"transactions": transactions()}, more='[causes]\n"moved" = "holiday"')
    with pytest.raises(Exception, match="'moved' = 'holiday' names no cause of leaving"):
        Company.open(folder)


def test_a_young_company_is_told_so_and_a_share_is_a_share(tmp_path, simulated_shop):
    shop = Company.open(write_company(tmp_path / "few", {"transactions": transactions()}, as_of="2025-04-01"))
    with pytest.raises(TooLittleData, match="30 spells"):
        inactivity_window(shop)
    with pytest.raises(ValueError, match="at_most"):
        inactivity_window(simulated_shop, at_most=0.0)


def test_row_order_and_names_do_not_matter():
    rng = np.random.default_rng(3)
    lives = {f"c{n}": sorted(set(rng.integers(1, 700, rng.integers(1, 6))), reverse=True) for n in range(400)}
    once = windows(_bought(lives), LAST, 200)
    renamed = _bought({f"x{hash(name) % 10**9}-{name}": days for name, days in reversed(lives.items())})
    pd.testing.assert_frame_equal(windows(renamed, LAST, 200), once)
