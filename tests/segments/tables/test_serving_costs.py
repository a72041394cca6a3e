"""Cost to serve: what contacts cost, told or reckoned from their minutes."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from crm_lib.company import Company
from crm_lib.errors import MissingData, TooLittleData
from crm_lib.segments import known_serving_costs, serving_costs
from tests.companies import transactions, write_company

CONTACTS = pd.DataFrame(
    [
        ("i1", "anna", "2025-03-01 09:00", 10.0, 5.0),
        ("i2", "anna", "2025-03-02 09:00", 6.0, 3.0),
        ("i3", "ben", "2025-03-05 09:00", 8.0, None),
        ("i4", "cleo", "2025-03-30 23:00", None, None),
        ("i5", "ben", "2024-03-31 09:00", 99.0, 99.0),
    ],
    columns=["interaction_id", "customer_id", "occurred_at", "minutes", "cost"],
)


def _shop(folder, contacts):
    tables = {"transactions": transactions(), "interactions": contacts}
    return Company.open(write_company(folder / "shop", tables, as_of="2025-03-31"))


def test_minutes_stand_in_where_a_cost_is_missing_and_the_average_where_both_are(tmp_path):
    costs = serving_costs(_shop(tmp_path, CONTACTS), days=365)
    # A minute costs (5 + 3) / (10 + 6) = 0.5; the contacts known cost 5, 3 and 4, on average 4.
    assert costs["cost"].to_dict() == {"anna": 8.0, "ben": 4.0, "cleo": 4.0}
    assert costs["contacts"].to_dict() == {"anna": 2, "ben": 1, "cleo": 1}
    assert np.isnan(costs.loc["cleo", "minutes"])


def test_a_given_price_of_a_minute_serves_a_company_that_knows_no_costs(tmp_path):
    shop = _shop(tmp_path, CONTACTS.drop(columns="cost"))
    with pytest.raises(MissingData, match="cost"):
        serving_costs(shop)
    assert known_serving_costs(shop) is None
    assert serving_costs(shop, minute_cost=2.0)["cost"].to_dict() == {"anna": 32.0, "ben": 16.0, "cleo": 16.0}


def test_contacts_outside_the_window_do_not_count(tmp_path):
    shop = _shop(tmp_path, CONTACTS)
    assert serving_costs(shop, days=366)["cost"].to_dict()["ben"] == pytest.approx(99 + 8 * 107 / 115)
    with pytest.raises(TooLittleData, match="no contacts in the last 1 days"):
        serving_costs(shop, days=1)


def test_a_company_without_contacts_says_so(tmp_path):
    shop = Company.open(write_company(tmp_path / "bare", {"transactions": transactions()}, as_of="2025-03-31"))
    with pytest.raises(MissingData, match="interactions"):
        serving_costs(shop)


@pytest.mark.parametrize(("given", "message"), [({"days": 0}, "at least one day"), ({"minute_cost": -1}, "less than")])
def test_wrong_arguments_are_refused(tmp_path, given, message):
    with pytest.raises(ValueError, match=message):
        serving_costs(_shop(tmp_path, CONTACTS), **given)
