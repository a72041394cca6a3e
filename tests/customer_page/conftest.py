"""A small company that knows everything of its customers, and customers of all kinds in it."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from crm_lib.clv import BGNBD, CustomerValue, customer_value
from crm_lib.company import Company
from crm_lib.scoring.scores import customer_scores
from tests.clv.shop import shop_tables
from tests.companies import write_company

AS_OF = dt.date(2026, 6, 30)
NAME = "<script>alert('x')</script> O'Brien & 王"


def page_tables() -> dict[str, pd.DataFrame]:
    """Return a company of 200 customers and a few whose pages are looked at."""
    base, _ = shop_tables(200, seed=5)
    lines = base["transactions"]
    shift = pd.Timestamp(AS_OF) - pd.to_datetime(lines["ordered_at"]).max().normalize()
    lines = lines.assign(ordered_at=pd.to_datetime(lines["ordered_at"]) + shift)
    steady = pd.date_range("2024-01-10 10:00", "2026-01-05 10:00", freq="14D")
    rows = [
        *(("steady", f"s{number}", moment, 80.0) for number, moment in enumerate(steady)),
        ("once", "x1", "2026-06-20 12:00", 25.0),
        ("returner", "r1", "2026-06-01 12:00", -30.0),
        ("quote ' \" ; --", "q1", "2026-05-01 12:00", 40.0),
        ("李雷", "u1", "2026-05-02 12:00", 40.0),
        ("../../etc/passwd", "p1", "2026-05-03 12:00", 40.0),
    ]
    more = pd.DataFrame(rows, columns=["customer_id", "order_id", "ordered_at", "revenue"])
    more["ordered_at"] = pd.to_datetime(more["ordered_at"])
    for name in lines.columns.difference(more.columns):
        more[name] = np.where(more["revenue"] < 0, -1, 1) if name == "quantity" else None
        if name in ("cost", "margin"):
            more[name] = more["revenue"] / 2
    transactions = pd.concat([lines, more[lines.columns]], ignore_index=True)
    if "line_id" in transactions:
        transactions["line_id"] = [f"l{number}" for number in range(len(transactions))]
    customers = pd.DataFrame(
        {
            "customer_id": ["steady", "once", "returner", "silent", "brought"],
            "name": [NAME, "Ann", "Ben", "Cleo", "Dan"],
            "acquired_at": ["2024-01-10", "2026-06-20", "2023-01-01", "2026-01-01", "2025-01-01"],
            "referred_by": [None, None, None, None, "steady"],
            "region": ["North", "South", None, "North", "[red]South[/red]"],
            "contact_allowed": [False, True, True, None, True],
            "favourite_author": ["\x1b[31mEliot", None, None, None, None],
        }
    )
    complaints = pd.DataFrame(
        {
            "complaint_id": ["k1", "k2", "k3"],
            "customer_id": ["steady", "steady", "once"],
            "opened_at": pd.to_datetime(["2026-06-10 09:00", "2025-02-01 09:00", "2026-06-21 09:00"]),
            "closed_at": pd.to_datetime([None, "2025-02-05 09:00", "2026-06-25 09:00"]),
            "topic": ["billing", "late delivery", "wrong item"],
            "severity": [4, 2, 3],
            "resolution": [None, "refund", "none"],
            "satisfied": [None, True, False],
            "followed_up": [None, True, False],
        }
    )
    interactions = pd.DataFrame(
        {
            "interaction_id": ["i1", "i2"],
            "customer_id": ["once", "steady"],
            "occurred_at": pd.to_datetime(["2026-06-22 09:00", "2025-06-22 09:00"]),
            "channel": ["chat", "shop"],
            "kind": ["question", "review"],
            "resolved": [False, True],
            "cost": [2.5, 0.0],
        }
    )
    memberships = pd.DataFrame(
        {
            "membership_id": ["m1"], "customer_id": ["steady"], "started_at": ["2024-07-20"],
            "ended_at": pd.to_datetime([None]), "plan": ["annual"], "price": [30.0], "period_months": [12],
        }
    )  # fmt: skip
    surveys = pd.DataFrame(
        {
            "response_id": ["a1", "a2"],
            "customer_id": ["once", "steady"],
            "responded_at": ["2026-06-24", "2026-05-01"],
            "satisfaction": [3.0, 9.0],
            "recommendation": [2, 10],
        }
    )
    return {
        "transactions": transactions, "customers": customers, "complaints": complaints, "interactions": interactions,
        "memberships": memberships, "surveys": surveys,
    }  # fmt: skip


@pytest.fixture(scope="session")
def page_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_company(tmp_path_factory.mktemp("pages") / "shop", page_tables(), how="parquet", as_of=AS_OF)


@pytest.fixture(scope="session")
def page_shop(page_folder: Path) -> Company:
    return Company.open(page_folder)


@pytest.fixture(scope="session")
def page_value(page_shop: Company) -> CustomerValue:
    return customer_value(page_shop, model=BGNBD(), spend=None, draws=100)


@pytest.fixture(scope="session")
def page_scores(page_shop: Company, page_value: CustomerValue) -> pd.DataFrame:
    return customer_scores(page_shop, page_value).assign(action="Treat well.")
