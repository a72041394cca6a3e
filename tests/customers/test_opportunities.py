"""Purchase opportunities: every customer's own clock, in whole units of time."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from crm_lib.company import Company
from crm_lib.customers import customer_summary, opportunity_summary
from tests.clv.shop import AS_OF, shop_tables
from tests.companies import transactions, write_company


def _company(folder, rows, as_of):
    return Company.open(write_company(folder / "small", {"transactions": transactions(rows)}, as_of=as_of))


def test_an_opportunity_is_a_unit_after_the_first_purchase_taken_once_however_often_bought(tmp_path):
    rows = [
        ("o1", "anna", "2026-01-01 10:00", 10.0),
        ("o2", "anna", "2026-01-08 10:00", 5.0),  # last day of week 1
        ("o3", "anna", "2026-01-09 10:00", 7.0),  # first day of week 2
        ("o4", "anna", "2026-01-10 10:00", 2.0),  # week 2 again
        ("o5", "anna", "2026-01-30 10:00", 9.0),  # in the week that is not over yet
        ("o6", "ben", "2026-01-31 10:00", 4.0),
        ("o7", "ben", "2026-01-31 18:00", -4.0),
    ]
    found = opportunity_summary(_company(tmp_path, rows, "2026-01-31"), "W")
    assert found.loc["anna", ["frequency", "recency", "age"]].tolist() == [2, 2, 4]
    assert found.loc["anna", "monetary_value"] == pytest.approx((5 + 7 + 2) / 2)
    assert found.loc["ben", ["frequency", "recency", "age"]].tolist() == [0, 0, 0]
    assert np.isnan(found.loc["ben", "monetary_value"])
    assert found.attrs["unit"] == "W"


@pytest.mark.parametrize("unit", ["W", "M", "Y"])
def test_it_agrees_with_counting_by_hand(tmp_path, unit):
    tables, _ = shop_tables(120, seed=3)
    company = Company.open(write_company(tmp_path / "shop", tables, how="parquet", as_of=AS_OF))
    length = {"W": 7.0, "M": 365.25 / 12, "Y": 365.25}[unit]
    bought = tables["transactions"].query("revenue > 0")
    found = opportunity_summary(company, unit)
    for customer, own in bought.groupby("customer_id"):
        days = (own["ordered_at"] - own["ordered_at"].min()).dt.days
        chances = int((pd.Timestamp(AS_OF) - own["ordered_at"].min()).days // length)
        numbers = np.ceil(days / length)
        inside = (numbers > 0) & (numbers <= chances)
        expected = [numbers[inside].nunique(), numbers[inside].max() if inside.any() else 0, chances]
        assert found.loc[customer, ["frequency", "recency", "age"]].tolist() == expected
        if inside.any():
            mean = own["revenue"][inside].sum() / expected[0]
            assert found.loc[customer, "monetary_value"] == pytest.approx(mean)


def test_days_as_opportunities_are_the_purchase_days_of_the_ordinary_summary(tmp_path):
    tables, _ = shop_tables(80, seed=8)
    company = Company.open(write_company(tmp_path / "shop", tables, how="parquet", as_of=AS_OF))
    same = ["frequency", "recency", "age", "monetary_value", "revenue", "first_purchase"]
    pd.testing.assert_frame_equal(opportunity_summary(company, "D")[same], customer_summary(company, "D")[same])
