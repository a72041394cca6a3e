"""Who is a member on a day: from the first to the last day of a contract, wherever it is asked."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd
import pytest

from crm_lib.company import Company
from crm_lib.customers.known import members
from crm_lib.relationships.relations.silence_features import silence_features
from crm_lib.segments import customer_behaviour, known_contracts, portrait, variables_of
from tests.companies import transactions, write_company

AS_OF = dt.date(2026, 6, 30)
CONTRACTS = [
    ("ended today", "2025-07-01", "2026-06-30"),
    ("ended yesterday", "2025-07-01", "2026-06-29"),
    ("running", "2026-01-01", None),
    ("begun today", "2026-06-30", None),
    ("came back", "2024-01-01", "2024-12-31"),
    ("came back", "2026-02-01", None),
    ("ends later", "2025-07-01", "2026-08-31"),
]
NAMES = [*dict.fromkeys(name for name, *_ in CONTRACTS), "never"]
TODAY = {"ended today", "running", "begun today", "came back", "ends later"}


def opened(folder, columns=("customer_id", "started_at", "ended_at")):
    rows = [(f"o{number}", name, "2026-06-01", 9.0) for number, name in enumerate(NAMES)]
    contracts = pd.DataFrame(CONTRACTS, columns=["customer_id", "started_at", "ended_at"])[list(columns)]
    tables = {"transactions": transactions(rows), "memberships": contracts}
    return Company.open(write_company(folder, tables, as_of=AS_OF))


@pytest.fixture
def shop(tmp_path):
    return opened(tmp_path / "shop")


def test_the_last_day_of_a_contract_is_a_day_of_membership(shop):
    assert set(members(shop).execute()["customer_id"]) == TODAY
    yesterday = members(shop, ending=dt.date(2026, 6, 29)).execute()["customer_id"]
    assert set(yesterday) == TODAY - {"begun today"} | {"ended yesterday"}
    assert yesterday.is_unique


def test_everywhere_the_same_customers_are_members(shop):
    variables, features = variables_of(shop)["member"], silence_features(shop)["member"]
    assert set(variables.index[variables.astype(bool)]) == TODAY
    assert set(features.index[features == 1]) == TODAY
    ever = customer_behaviour(shop)["ever_member"]
    assert set(ever.index[~ever]) == {"never"}


def test_the_portrait_counts_the_same_members(tmp_path):
    names = [f"c{number:02d}" for number in range(60)]
    contracts = pd.DataFrame({"customer_id": names[:30], "started_at": "2025-07-01", "ended_at": "2026-06-30"})
    rows = [(f"o{number}", name, "2026-06-01", 9.0) for number, name in enumerate(names)]
    tables = {"transactions": transactions(rows), "memberships": contracts}
    shop = Company.open(write_company(tmp_path / "many", tables, as_of=AS_OF))
    frame = portrait(shop, pd.Series(np.arange(60) % 2 == 0, index=names), True).frame
    assert frame.loc[frame["aspect"] == "member", ["inside", "elsewhere"]].to_numpy().tolist() == [[0.5, 0.5]]


def test_an_end_that_lies_later_is_not_known(shop):
    then = known_contracts(shop, ending=dt.date(2024, 6, 30)).execute()
    assert then["customer_id"].tolist() == ["came back"]
    assert then["ended_at"].isna().all()
    assert then["running"].all()


def test_where_ends_are_not_recorded_all_contracts_run(tmp_path):
    shop = opened(tmp_path / "endless", columns=("customer_id", "started_at"))
    assert set(members(shop).execute()["customer_id"]) == set(NAMES) - {"never"}
