"""On an earlier day a table shows what the company itself would have shown on that day, and all that came before."""

from __future__ import annotations

import datetime as dt

import pandas as pd
import pytest

from crm_lib.company import Company
from crm_lib.customers.known import known_rows, last_day
from crm_lib.relationships import contributors
from crm_lib.segments import customer_behaviour
from tests.companies import transactions, write_company

DAY = dt.date(2025, 9, 30)


@pytest.mark.parametrize(
    "name", ["transactions", "memberships", "interactions", "complaints", "surveys", "competitors", "assignments"]
)
def test_an_earlier_day_shows_what_the_company_opened_on_it_shows(simulated, simulated_shop, name):
    then = Company.open(simulated[1], as_of=DAY).frame(name)
    later = known_rows(simulated_shop, name, ending=DAY).execute()
    keys = list(then.columns)
    assert 0 < len(then) < len(simulated_shop.frame(name))
    pd.testing.assert_frame_equal(
        later[keys].sort_values(keys, ignore_index=True), then.sort_values(keys, ignore_index=True)
    )


def test_no_day_after_the_opened_one_is_known(simulated_shop):
    assert last_day(simulated_shop) == simulated_shop.as_of
    with pytest.raises(ValueError, match="2026-07-01, after 2026-06-30"):
        known_rows(simulated_shop, "surveys", ending=dt.date(2026, 7, 1))


def test_all_time_has_no_beginning(tmp_path):
    # A window of a hundred years, or one from 1900 on counted exclusively, would lose the first purchases.
    rows = [("o0", "anna", "1900-01-01", 5.0), ("o1", "anna", "1920-05-05", 5.0), ("o2", "anna", "2025-01-05", 5.0)]
    shop = Company.open(write_company(tmp_path / "old", {"transactions": transactions(rows)}, as_of="2025-03-31"))
    assert customer_behaviour(shop).loc["anna", "orders"] == 3
    assert known_rows(shop, "transactions", ending=dt.date(1950, 1, 1)).count().execute() == 2


def test_the_history_of_contributors_has_no_beginning_either(tmp_path):
    names = [f"c{number:02d}" for number in range(40)]
    rows = [(f"o{n}", name, "1910-01-01" if n % 2 else "2025-01-01", 5.0) for n, name in enumerate(names)]
    rows += [(f"p{n}", name, "2026-05-01", 5.0 + n) for n, name in enumerate(names)]
    reviews = pd.DataFrame({"customer_id": names[:20], "occurred_at": "2025-02-01", "kind": "review"})
    tables = {"transactions": transactions(rows), "interactions": reviews}
    shop = Company.open(write_company(tmp_path / "old", tables, as_of="2026-06-30"))
    assert len(contributors(shop).frame) == 40
