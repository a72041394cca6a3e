"""Cohorts: triangles against a direct count in SQL, unfinished periods, contracts."""

from __future__ import annotations

import duckdb
import numpy as np
import pandas as pd
import pytest

from crm_lib.company import Company
from crm_lib.customers import customer_attribute
from crm_lib.errors import MissingData, TooLittleData
from crm_lib.retention import cohort_groups, cohorts
from tests.companies import transactions, write_company

DIRECT = """
with bought as (
    select customer_id, year(ordered_at) * 4 + quarter(ordered_at) - 1 as period, revenue,
           revenue >= 0 and coalesce(quantity, 0) >= 0 as purchase
    from lines
), first as (select customer_id, min(period) as cohort from bought where purchase group by customer_id)
select cohort, period - cohort as age, count(distinct case when purchase then customer_id end) as active,
       round(sum(revenue), 2) as revenue
from bought join first using (customer_id) where period >= cohort group by cohort, age order by cohort, age
"""


def test_triangles_are_those_of_a_direct_count(simulated_shop):
    found = cohorts(simulated_shop)
    lines = simulated_shop.frame("transactions", "customer_id", "ordered_at", "revenue", "quantity")
    direct = duckdb.sql(DIRECT).df()
    names = {c: f"{c // 4} Q{c % 4 + 1}" for c in direct["cohort"]}
    direct = direct.assign(cohort=direct["cohort"].map(names)).set_index(["cohort", "age"])
    assert found.period == "quarter"
    pd.testing.assert_series_equal(
        found.frame["active"].loc[direct.index], direct["active"], check_dtype=False, check_index=False
    )
    np.testing.assert_allclose(found.frame["revenue"].loc[direct.index], direct["revenue"], atol=0.006)
    # Cells without a purchase are there, and none.
    assert found.frame["active"].sum() == direct["active"].sum()
    assert found.sizes.sum() == len(set(lines.loc[lines["revenue"] >= 0, "customer_id"]))


def test_money_of_all_cells_is_all_the_money_to_the_cent(simulated_shop):
    found = cohorts(simulated_shop)
    lines = simulated_shop.frame("transactions", "customer_id", "revenue")
    bought = set(lines.loc[lines["revenue"] >= 0, "customer_id"])
    everything = lines.loc[lines["customer_id"].isin(bought), "revenue"].sum()
    assert found.frame["revenue"].sum() == pytest.approx(everything, abs=0.005)


ROWS = [
    ("o1", "anna", "2025-01-05", 10.0), ("o2", "ben", "2025-01-31 23:00", 20.0), ("o3", "anna", "2025-02-10", 5.0),
    ("o4", "cleo", "2025-02-01", 7.0), ("o5", "cleo", "2025-03-31", 8.0), ("o6", "anna", "2025-03-15", -4.0),
    ("o7", "dan", "2025-04-02", 9.0), ("o8", "ben", "2025-04-03", 6.0), ("o9", "eve", "2025-03-01", -3.0),
]  # fmt: skip


def _shop(folder, as_of, rows=ROWS, **tables):
    return Company.open(write_company(folder, {"transactions": transactions(rows), **tables}, as_of=as_of))


def test_a_period_that_is_not_over_is_shown_apart_and_in_no_average(tmp_path):
    open_, over = _shop(tmp_path / "a", "2025-04-10"), _shop(tmp_path / "b", "2025-04-30")
    found, whole = cohorts(open_), cohorts(over)
    assert found.triangle().loc["2025-01"].tolist()[:3] == [1.0, 0.5, 0.0]
    assert np.isnan(found.triangle().loc["2025-01"].get(3, np.nan))
    assert found.triangle(unfinished=True).loc["2025-01", 3] == 0.5
    assert whole.triangle().loc["2025-01", 3] == 0.5
    assert not whole.triangle(unfinished=True).notna().any(axis=None)
    # January, the first, may hold older customers; of the one won in February April is open.
    assert found.curve()["customers"].tolist() == [1, 1]
    assert found.curve()["active"].tolist() == [1, 1]
    assert whole.curve()["customers"].tolist() == [2, 1, 1]


def test_the_first_cohort_counts_in_averages_where_there_is_no_other(tmp_path):
    alone = cohorts(_shop(tmp_path / "a", "2025-04-30", [row for row in ROWS if row[1] in ("anna", "ben")]))
    assert alone.curve()["customers"].tolist() == [2, 2, 2, 2]
    assert alone.curve()["active"].tolist() == [2, 1, 0, 1]


def test_returns_take_money_and_make_nobody_active_or_won(tmp_path):
    found = cohorts(_shop(tmp_path / "a", "2025-04-30"))
    assert found.frame.loc[("2025-01", 2), ["active", "revenue"]].tolist() == [0, -4.0]
    assert found.sizes.to_dict() == {"2025-01": 2, "2025-02": 1, "2025-04": 1}


def test_the_order_of_rows_changes_nothing(tmp_path):
    mixed = [ROWS[i] for i in np.random.default_rng(1).permutation(len(ROWS))]
    one, other = cohorts(_shop(tmp_path / "a", "2025-04-30")), cohorts(_shop(tmp_path / "b", "2025-04-30", mixed))
    pd.testing.assert_frame_equal(one.frame, other.frame)


def test_contracts_are_counted_at_the_end_of_each_period(tmp_path):
    contracts = pd.DataFrame(
        [
            ("m1", "anna", "2025-01-10", None),
            ("m2", "ben", "2025-01-20", "2025-02-28"),  # its last day is that of the month: it still ran
            ("m3", "cleo", "2025-02-05", "2025-02-27"),
            ("m4", "ben", "2025-04-01", None),  # came back: still of January
        ],
        columns=["membership_id", "customer_id", "started_at", "ended_at"],
    )
    found = cohorts(_shop(tmp_path / "a", "2025-04-30", memberships=contracts), contracts=True)
    assert found.triangle().loc["2025-01"].tolist() == [1.0, 1.0, 0.5, 1.0]
    assert found.triangle().loc["2025-02"].tolist()[:3] == [0.0, 0.0, 0.0]
    with pytest.raises(MissingData, match="memberships"):
        cohorts(_shop(tmp_path / "b", "2025-04-30"), contracts=True)


def test_less_than_two_periods_are_too_little(tmp_path):
    with pytest.raises(TooLittleData, match="two whole periods"):
        cohorts(_shop(tmp_path / "a", "2025-02-27", ROWS[:4]))


def test_years_stand_for_longer_data(tmp_path):
    rows = [(f"o{year}", "anna", f"{year}-05-01", 1.0) for year in range(2015, 2026)]
    found = cohorts(_shop(tmp_path / "a", "2025-12-31", rows))
    assert found.period == "year"
    assert found.triangle().loc["2015"].tolist() == [1.0] * 11


def test_a_cohort_of_one_and_a_cell_without_customers_are_counted_and_not_averaged_away(tmp_path):
    found = cohorts(_shop(tmp_path / "a", "2025-04-30"))
    # Cleo, alone of February, came back after a month and not again; nobody was won in March.
    assert found.sizes["2025-02"] == 1
    assert found.triangle().loc["2025-02"].tolist()[:3] == [1.0, 1.0, 0.0]
    assert found.frame.loc[("2025-02", 2), ["active", "revenue"]].tolist() == [0, 0.0]
    assert "2025-03" not in found.sizes
    assert found.curve().loc[1, ["low", "high"]].between(0, 1).all()


def test_groups_of_cohorts_are_those_of_their_customers_alone_and_add_up(simulated_shop):
    whole, groups = cohorts(simulated_shop), cohort_groups(simulated_shop, "first_value")
    assert list(groups) == ["1", "2", "3"]
    counted = sum(each.frame["active"] for each in groups.values())
    pd.testing.assert_series_equal(counted, whole.frame["active"], check_names=False)
    channel = customer_attribute(simulated_shop, "acquisition_channel")
    by_hand = cohort_groups(simulated_shop, channel)
    for name, each in cohort_groups(simulated_shop, "acquisition_channel").items():
        pd.testing.assert_frame_equal(each.frame, by_hand[name].frame)
    first = groups["1"].frame["revenue"].groupby("age").sum()[0] / groups["1"].sizes.sum()
    assert first > 2 * groups["3"].frame["revenue"].groupby("age").sum()[0] / groups["3"].sizes.sum()


def test_less_than_two_groups_or_an_unknown_attribute_are_told(tmp_path):
    shop = _shop(tmp_path / "a", "2025-04-30")
    with pytest.raises(TooLittleData, match="two groups of 50 customers"):
        cohort_groups(shop, "first_value")
    with pytest.raises(MissingData, match="customers"):
        cohort_groups(shop, "region")
