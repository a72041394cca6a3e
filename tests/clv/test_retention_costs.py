from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from crm_lib.clv.retention_costs import finding_keeping_costs, retention_costs
from crm_lib.company import Company
from crm_lib.errors import MissingData, TooLittleData
from crm_lib.finding import Verdict
from tests.companies import transactions, write_company

LINES = [
    ("o1", "old", "2024-06-01", 20.0),
    ("o2", "old", "2025-06-01", 20.0),
    ("o3", "gone", "2024-07-01", 20.0),
    ("o4", "loyal", "2024-08-01", 20.0),
    ("o5", "loyal", "2025-12-01", 20.0),
    ("o6", "new", "2025-09-01", 20.0),
    ("o7", "newer", "2025-10-01", 20.0),
]
PEOPLE = pd.DataFrame(
    {"customer_id": ["old", "gone", "loyal", "new", "newer"], "acquisition_cost": [99.0, 99.0, 99.0, 10.0, 30.0]}
)
CONTACTS = pd.DataFrame(
    {
        "interaction_id": ["i1", "i2", "i3", "i4"],
        "customer_id": ["old", "gone", "new", "loyal"],
        "occurred_at": ["2025-05-01", "2025-05-02", "2025-10-01", "2024-09-01"],
        "cost": [3.0, 2.0, 50.0, 70.0],
    }
)
CAMPAIGNS = pd.DataFrame(
    {
        "campaign_id": ["k1", "k2", "k3"],
        "started_at": ["2025-03-01", "2025-03-01", "2024-03-01"],
        "goal": ["keep", "win", "keep"],
        "fixed_cost": [4.0, 500.0, 900.0],
    }
)
ASSIGNMENTS = pd.DataFrame(
    {
        "campaign_id": ["k1", "k2", "k3"],
        "customer_id": ["loyal", "loyal", "loyal"],
        "assigned_at": ["2025-03-01", "2025-03-01", "2024-03-01"],
        "arm": ["email"] * 3,
        "cost": [1.0, 600.0, 700.0],
    }
)


def _company(folder, **tables):
    tables = {"transactions": transactions(LINES), "customers": PEOPLE, **tables}
    return Company.open(write_company(folder / "shop", tables, as_of="2025-12-31"))


def test_keeping_is_what_was_spent_on_earlier_customers_per_customer_kept(tmp_path):
    company = _company(tmp_path, interactions=CONTACTS, campaigns=CAMPAIGNS, assignments=ASSIGNMENTS)
    costs = retention_costs(company)
    # Contacts 3 + 2 of the year with earlier customers, 1 for the mail, 4 fixed; old and loyal bought again.
    assert costs.parts == {"contacts": 5.0, "campaigns": 1.0, "fixed": 4.0}
    assert costs.kept == 2
    assert costs.keeping.value == pytest.approx(10 / 2)
    assert costs.winning.value == pytest.approx((10 + 30) / 2)
    assert costs.ratio.value == pytest.approx(0.25)
    assert costs.ratio.low < 0.25 < costs.ratio.high
    assert costs.keeping.unit == "GBP"


def test_contacts_may_be_left_out(tmp_path):
    company = _company(tmp_path, interactions=CONTACTS, campaigns=CAMPAIGNS, assignments=ASSIGNMENTS)
    assert retention_costs(company, contacts=False).keeping.value == pytest.approx(5 / 2)


def test_what_is_missing_is_named(tmp_path):
    with pytest.raises(MissingData, match="cost of table 'interactions'"):
        retention_costs(_company(tmp_path / "a"))
    with pytest.raises(MissingData, match="cost of table 'assignments'"):
        retention_costs(_company(tmp_path / "b", interactions=CONTACTS), contacts=False)
    with pytest.raises(MissingData, match="acquisition_cost"):
        retention_costs(_company(tmp_path / "c", interactions=CONTACTS, customers=PEOPLE[["customer_id"]]))
    with pytest.raises(TooLittleData, match="in the 3 days up to 31 Dec 2025"):
        retention_costs(_company(tmp_path / "d", interactions=CONTACTS), days=3)
    with pytest.raises(ValueError, match="at least one day"):
        retention_costs(_company(tmp_path / "e", interactions=CONTACTS), days=0)


def _many(folder, cost, n=400):
    """A company of which half the customers are kept and half are new, winning costs 10 and a contact `cost`."""
    rng = np.random.default_rng(1)
    names = [f"c{number}" for number in range(n)]
    old = names[: n // 2]
    rows = [(f"a{name}", name, "2024-06-01", 20.0) for name in old]
    rows += [(f"b{name}", name, "2025-06-01", 20.0) for name in names]
    contacts = pd.DataFrame(
        {
            "interaction_id": old,
            "customer_id": old,
            "occurred_at": "2025-07-01",
            "cost": rng.gamma(4, cost / 4, len(old)).round(2),
        }
    )
    people = pd.DataFrame({"customer_id": names, "acquisition_cost": rng.gamma(4, 2.5, n).round(2)})
    tables = {"transactions": transactions(rows), "customers": people, "interactions": contacts}
    return Company.open(write_company(folder / "many", tables, as_of="2025-12-31"))


@pytest.mark.parametrize(
    ("cost", "verdict", "words"),
    [
        (1.5, Verdict.SUPPORTED, "keeping customers first"),
        (5.0, Verdict.NOT_SUPPORTED, "Keeping is dearer"),
        (0.3, Verdict.NOT_SUPPORTED, "Keeping is cheaper"),
        (2.0, Verdict.UNDECIDED, "Do not plan on the exact ratio"),
    ],
)
def test_finding_holds_between_a_tenth_and_a_fifth(tmp_path, cost, verdict, words):
    company = _many(tmp_path, cost)
    costs = retention_costs(company)
    finding = finding_keeping_costs(costs, currency="GBP")
    assert finding.verdict is verdict
    assert words in finding.decision
    assert all(str(number) in finding.text for number in (costs.keeping, costs.winning, costs.ratio))
    assert finding.money_at_stake.value == pytest.approx(sum(costs.parts.values()))


def test_interval_is_that_of_a_ratio_of_means(tmp_path):
    company = _many(tmp_path, 1.5)
    contacts, people = company.frame("interactions"), company.frame("customers")
    won = people["acquisition_cost"][~people["customer_id"].isin(contacts["customer_id"])]
    squares = [(part.sem() / part.mean()) ** 2 for part in (contacts["cost"], won)]
    ratio = retention_costs(company).ratio
    assert (ratio.high - ratio.low) / 2 / 1.645 == pytest.approx(ratio.value * np.sqrt(sum(squares)), rel=0.1)
