from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd
import pytest

from crm_lib.company import Company
from crm_lib.customers import customer_window
from crm_lib.errors import TooLittleData
from crm_lib.finding import Verdict
from crm_lib.segments import SegmentDefinitions, estimated, finding_movement, fitting_windows, movement
from crm_lib.segments.rfm.movement import OUTSIDE
from tests.companies import write_company
from tests.segments.conftest import shop_tables
from tests.segments.rfm.reference import rfm_scores

EARLIER = dt.date(2025, 6, 30)


@pytest.fixture(scope="module")
def moved(shop):
    return movement(shop)


def test_both_days_are_scored_by_the_rule_of_the_earlier(shop, moved):
    assert (moved.earlier, moved.later) == (EARLIER, shop.as_of)
    before = rfm_scores(customer_window(shop, days=365, ending=EARLIER), as_of=EARLIER)
    after = rfm_scores(customer_window(shop, days=365), as_of=shop.as_of, cut_points=before.cut_points)
    inside = moved.frame[moved.frame["before"] != OUTSIDE]
    assert inside["before"].to_dict() == before.frame["segment"].to_dict()
    inside = moved.frame[moved.frame["after"] != OUTSIDE]
    assert inside["after"].to_dict() == after.frame["segment"].to_dict()


def test_matrix_table_and_flows_account_for_everybody_and_all_value(shop, moved):
    matrix, table, flows = moved.matrix(), moved.table(), moved.flows()
    assert matrix.to_numpy().sum() == len(moved.frame) == flows["customers"].sum()
    assert matrix.loc[OUTSIDE, OUTSIDE] == 0
    assert np.diag(matrix).sum() == flows.loc["stayed", "customers"]
    assert (table["after"] - table["before"]).tolist() == [change.value for change in table["net_change"]]
    went = table[["up", "down", "left"]].sum(axis=1) + table["stayed_share"] * table["before"]
    assert went.tolist() == pytest.approx(table["before"].tolist())
    assert flows["value_after"].sum() == pytest.approx(
        customer_window(shop, days=365).query("orders > 0")["margin"].sum()
    )
    assert flows["change"].sum() == pytest.approx(flows["value_after"].sum() - flows["value_before"].sum())


def test_ways_follow_the_order_of_the_rules(moved):
    places = {name: place for place, name in enumerate(moved.segments)}
    for before, after, way in moved.frame[["before", "after", "way"]].drop_duplicates().itertuples(index=False):
        if OUTSIDE in (before, after):
            assert way == ("came" if before == OUTSIDE else "left")
        else:
            step = places[after] - places[before]
            assert way == ("up" if step < 0 else "down" if step > 0 else "stayed")


def test_nothing_after_the_earlier_day_changes_where_customers_came_from(moved, tmp_path):
    lines = shop_tables()["transactions"]
    late = lines["ordered_at"] >= "2025-07-01"
    lines.loc[late, ["revenue", "cost"]] *= 3
    other = Company.open(write_company(tmp_path / "late", {"transactions": lines}, how="parquet", as_of="2026-06-30"))
    again = movement(other)
    assert again.definitions.rfm_cut_points == moved.definitions.rfm_cut_points
    known = moved.frame["before"][moved.frame["before"] != OUTSIDE]
    assert again.frame["before"][again.frame["before"] != OUTSIDE].to_dict() == known.to_dict()


def test_frozen_definitions_are_kept_and_not_used_before_their_day(shop):
    frozen = estimated(SegmentDefinitions(window_days=180), shop, ending=dt.date(2025, 12, 31))
    result = movement(shop, frozen)
    assert result.definitions == frozen
    assert result.earlier == dt.date(2026, 1, 1)
    before = dt.date(2025, 12, 1)
    anew = movement(shop, frozen, earlier=before).definitions
    assert anew == estimated(SegmentDefinitions(window_days=180), shop, ending=before)


def _steady(seed, tmp_path, fall=1.0):
    """A base where customers are replaced and buy at the same rate in both years, or at another in the second."""
    rng = np.random.default_rng(seed)
    first = rng.integers(0, 900, 7000)
    second = rng.integers(300, 1200, int(7000 * fall))
    who = np.concatenate([first, second])
    days = np.concatenate([rng.integers(1, 366, first.size), rng.integers(366, 731, second.size)])
    lines = pd.DataFrame(
        {
            "order_id": np.arange(who.size).astype(str),
            "customer_id": who.astype(str),
            "ordered_at": pd.Timestamp("2024-06-30") + pd.to_timedelta(days, unit="D"),
            "revenue": rng.gamma(4, 10, who.size).round(2),
        }
    )
    folder = write_company(tmp_path / f"steady{seed}", {"transactions": lines}, how="parquet", as_of="2026-06-30")
    return movement(Company.open(folder))


def test_a_steady_base_shows_no_movement_and_a_shrinking_one_does(tmp_path):
    steady = _steady(1, tmp_path)
    assert steady.net_up.low <= 0.5 <= steady.net_up.high
    finding = finding_movement(steady)
    assert finding.verdict is Verdict.UNDECIDED
    shrinking = _steady(2, tmp_path, fall=0.5)
    finding = finding_movement(shrinking)
    assert finding.verdict is Verdict.NOT_SUPPORTED
    lost = shrinking.frame[shrinking.frame["way"].isin(["down", "left"])]
    assert finding.money_at_stake.value == pytest.approx((lost["value_before"] - lost["value_after"]).sum())
    assert "moved down or left" in finding.text


def test_a_history_shorter_than_two_windows_is_no_movement(shop, tmp_path):
    with pytest.raises(TooLittleData, match="the data begin on 1 Jul 2024, too late for 400 days"):
        movement(shop, SegmentDefinitions(window_days=400))
    with pytest.raises(ValueError, match="days must be in order"):
        movement(shop, earlier=shop.as_of)
    lines = shop_tables(customers=20)["transactions"]
    few = Company.open(write_company(tmp_path / "few", {"transactions": lines}, as_of="2026-06-30"))
    with pytest.raises(TooLittleData, match=r"30 customers with a score on 30 Jun 2025; there are 1?[0-9]$"):
        movement(few)


def test_windows_that_the_data_do_not_hold_twice_are_shortened_to_those_they_do(shop):
    # The data begin on 1 July 2024 and end 729 days later.
    assert fitting_windows(shop, SegmentDefinitions(window_days=365)).window_days == 365
    frozen = estimated(SegmentDefinitions(window_days=400), shop)
    fitting = fitting_windows(shop, frozen)
    assert (fitting.window_days, fitting.frozen, fitting.rules) == (364, False, frozen.rules)
    moved = movement(shop, fitting)
    assert (moved.later - moved.earlier).days == 364
    short = fitting_windows(shop, SegmentDefinitions(window_days=3000))
    assert short.window_days == 364
