"""A summary that is not of this company, this day or this unit is refused before anything is valued by it."""

from __future__ import annotations

import pandas as pd
import pytest

from crm_lib.clv import BGBB, BGNBD, NBD, GammaGamma, customer_value
from crm_lib.company import Company
from crm_lib.customers import customer_summary, grouped_summary
from tests.clv.shop import AS_OF, shop_tables
from tests.companies import transactions, write_company

DRAWS = 100


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    tables, _ = shop_tables(300, seed=6)
    return Company.open(write_company(tmp_path_factory.mktemp("data") / "shop", tables, how="parquet", as_of=AS_OF))


@pytest.fixture(scope="module")
def summary(shop):
    return customer_summary(shop, "W")


def _refused(shop, summary, match):
    with pytest.raises(ValueError, match=match):
        customer_value(shop, model=BGNBD(), summary=summary, draws=DRAWS)


def test_rows_without_the_customers_names_are_refused(shop, summary):
    _refused(shop, summary.reset_index(drop=True), r"300 of the 300 rows .* index must be customer_id")


def test_rows_that_stand_for_several_customers_are_refused(shop):
    _refused(shop, grouped_summary(shop, "W"), "column 'customers'")


def test_a_customer_twice_is_refused(shop, summary):
    _refused(shop, summary.iloc[[0, 0, 1]], "several rows of customers")


def test_the_summary_of_another_day_is_refused(shop):
    earlier = Company.open(shop.folder, as_of="2026-03-31")
    _refused(shop, customer_summary(earlier, "W"), r"age differs .* as of 2026-06-27|frequency differs")


def test_another_unit_of_time_is_refused_though_nobody_told_it(shop):
    days = pd.DataFrame(customer_summary(shop, "D"))
    days.attrs = {}
    _refused(shop, days, r"recency differs .* unit of time 'W'")


def test_some_customers_have_the_value_that_they_have_among_all(shop, summary):
    model = BGNBD().fit(summary)
    spend = GammaGamma().fit(summary)
    everybody = customer_value(shop, model=model, spend=spend, summary=summary, draws=DRAWS)
    some = customer_value(shop, model=model, spend=spend, summary=summary.iloc[40:20:-1], draws=DRAWS)
    pd.testing.assert_series_equal(some.frame["historical"], everybody.frame["historical"].iloc[40:20:-1])
    pd.testing.assert_series_equal(
        some.frame["expected_purchases"], everybody.frame["expected_purchases"].iloc[40:20:-1]
    )


def test_customers_who_buy_at_opportunities_are_valued_without_a_summary(shop):
    value = customer_value(shop, model=BGBB(unit="M"), draws=DRAWS)
    weekly = customer_value(shop, model=BGNBD(), draws=DRAWS)
    # Two views of the same customers: months with a purchase times what is bought in one, and purchases times theirs.
    assert value.totals["current"].value == pytest.approx(weekly.totals["current"].value, rel=0.35)
    assert (value.frame["current_low"] <= value.frame["current_high"]).all()


def test_returns_do_not_lower_what_first_purchases_are_worth(tmp_path):
    rows = [(f"o{i}", f"c{i}", f"2025-{1 + i % 12:02d}-15", 10.0 + i) for i in range(20)]
    rows.append(("back", "c3", "2025-12-24", -4.0))
    company = Company.open(write_company(tmp_path / "small", {"transactions": transactions(rows)}, as_of="2026-01-01"))
    with pytest.warns(UserWarning, match="Spend cannot be modelled"):
        value = customer_value(company, model=NBD(), draws=DRAWS)
    # Mean of 10 ... 29; what is kept of it is for the margin rate to say.
    assert value.future.spend.value == pytest.approx(19.5)
    assert value.frame["value_per_purchase"].max() < 19.5 + 1e-9
