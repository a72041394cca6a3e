"""Data readiness: what is empty, not joined, rejected, short or silent is counted as it is."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd
import pytest

from crm_lib import environment, figures
from crm_lib.company import Company
from crm_lib.finding import Verdict
from tests.companies import write_company

DAYS = pd.date_range("2023-01-01", "2024-12-31", freq="2D")


@pytest.fixture
def measured(tmp_path):
    """Return a function that measures a shop of 366 orders, whose other tables are given."""

    def made(**tables):
        orders = pd.DataFrame({
            "order_id": [f"o{i}" for i in range(len(DAYS))], "customer_id": [f"c{i % 40}" for i in range(len(DAYS))],
            "ordered_at": DAYS, "revenue": 10.0,
        })  # fmt: skip
        folder = write_company(tmp_path / "shop", {"transactions": orders, **tables}, as_of=dt.date(2024, 12, 31))
        return environment.data_readiness(Company.open(folder))

    return made


def complaints(**more):
    frame = pd.DataFrame({"customer_id": [f"c{i}" for i in range(40)], "opened_at": DAYS[300:340], "topic": "late"})
    return frame.assign(**more)


def test_a_clean_table_has_nothing_to_mend_and_what_is_not_kept_is_named(measured):
    found = measured(complaints=complaints())
    row = found.frame.loc["complaints"]
    assert row[["rows", "rejected", "complete", "joined", "emptiest"]].tolist() == [40, 0.0, 1.0, 1.0, ""]
    assert found.frame.loc["transactions", "years"] == pytest.approx(2.0, abs=0.01)
    assert found.frame.loc["transactions", ["age", "longest_gap"]].tolist() == [0.0, 2.0]
    assert "surveys" in found.absent
    assert environment.finding_data_readiness(found).verdict is Verdict.NOT_SUPPORTED  # complaints have stopped


@pytest.mark.parametrize(
    ("changes", "column", "value", "told"),
    [
        ({"topic": ["late"] * 10 + [None] * 30}, "complete", (1 + 1 + 0.25) / 3, "Record topic always"),
        ({"customer_id": [f"{name}{i}" for i in range(20) for name in "cx"]}, "joined", 0.5, "50% of the cust"),
        ({"opened_at": ["2023-01-01"] * 36 + ["never"] * 4}, "rejected", 0.1, "10.0% of the rows are rejected"),
        ({"opened_at": DAYS[:40]}, "age", 652.0, "nothing for 652 days"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_measured_and_told(measured, changes, column, value, told):
    row = measured(complaints=complaints(**changes)).frame.loc["complaints"]
    assert row[column] == pytest.approx(value)
    assert told in row["mend"]


def test_columns_that_may_be_empty_do_not_count(measured):
    closed = complaints(closed_at=[None] * 39 + ["2024-12-30"], satisfied=[None] * 39 + [True])
    assert measured(complaints=closed).frame.loc["complaints", "complete"] == 1.0
    answers = pd.DataFrame({
        "responded_at": DAYS[:60], "customer_id": [f"c{i}" for i in range(30)] + [None] * 30,
        "brand": [None] * 30 + ["Rival"] * 30, "satisfaction": 7, "loyalty": [8.0] * 30 + [np.nan] * 30,
    })  # fmt: skip
    row = measured(surveys=answers).frame.loc["surveys"]
    assert row[["complete", "joined"]].tolist() == [1.0, 1.0]


def test_the_table_and_the_finding_tell_it(measured):
    found = measured(complaints=complaints(topic=["late"] * 10 + [None] * 30))
    shown = figures.data_readiness_table(found)
    assert "Record topic always" in shown.to_html()
    assert "Not kept: Customers; Memberships" in shown.note
    finding = environment.finding_data_readiness(found)
    assert finding.text.startswith("Tables that are complete, joined and up to date: 1 of 2")
    assert "Begin with Complaints" in finding.decision
    assert len(finding.text.split()) <= 30
