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


def table(columns: str, *rows: tuple[object, ...]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=columns.split())


def page_tables() -> dict[str, pd.DataFrame]:
    """Return a company of 200 customers and a few whose pages are looked at."""
    base, _ = shop_tables(200, seed=5)
    lines = base["transactions"]
    lines["ordered_at"] += pd.Timestamp(AS_OF) - lines["ordered_at"].max().normalize()
    steady = pd.date_range("2024-01-10 10:00", "2026-01-05 10:00", freq="14D")
    more = table(
        "customer_id order_id ordered_at revenue",
        *(("steady", f"s{number}", moment, 80.0) for number, moment in enumerate(steady)),
        ("once", "x1", "2026-06-20 12:00", 25.0),
        ("returner", "r1", "2026-06-01 12:00", -30.0),
        ("quote ' \" ; --", "q1", "2026-05-01 12:00", 40.0),
        ("李雷", "u1", "2026-05-02 12:00", 40.0),
        ("../../etc/passwd", "p1", "2026-05-03 12:00", 40.0),
    )
    more = more.assign(quantity=np.sign(more["revenue"]), cost=more["revenue"] / 2)
    more["ordered_at"] = pd.to_datetime(more["ordered_at"])
    return {
        "transactions": pd.concat([lines, more], ignore_index=True),
        "customers": table(
            "customer_id name acquired_at referred_by region contact_allowed favourite_author",
            ("steady", NAME, "2024-01-10", None, "North", False, "\x1b[31mEliot"),
            ("once", "Ann", "2026-06-20", None, "South", True, None),
            ("returner", "Ben", "2023-01-01", None, None, True, None),
            ("silent", "Cleo", "2026-01-01", None, "North", None, None),
            ("brought", "Dan", "2025-01-01", "steady", "[red]South[/red]", True, None),
        ),
        "complaints": table(
            "complaint_id customer_id opened_at closed_at topic severity resolution satisfied followed_up",
            ("k1", "steady", "2026-06-10 09:00", None, "billing", 4, None, None, None),
            ("k2", "steady", "2025-02-01 09:00", "2025-02-05 09:00", "late delivery", 2, "refund", True, True),
            ("k3", "once", "2026-06-21 09:00", "2026-06-25 09:00", "wrong item", 3, "none", False, False),
        ),
        "interactions": table(
            "interaction_id customer_id occurred_at channel kind resolved cost",
            ("i1", "once", "2026-06-22 09:00", "chat", "question", False, 2.5),
            ("i2", "steady", "2025-06-22 09:00", "shop", "review", True, 0.0),
        ),
        "memberships": table(
            "membership_id customer_id started_at ended_at plan price period_months",
            ("m1", "steady", "2024-07-20", pd.NaT, "annual", 30.0, 12),
        ),
        "surveys": table(
            "response_id customer_id responded_at satisfaction recommendation",
            ("a1", "once", "2026-06-24", 3.0, 2),
            ("a2", "steady", "2026-05-01", 9.0, 10),
        ),
    }


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
