"""The scorecard: numbers by hand, lights that follow the interval, changes that are tested, targets checked."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd
import pytest

from crm_lib import figures
from crm_lib.company import Company
from crm_lib.errors import CompanyError, TooLittleData
from crm_lib.retention import scorecard
from tests.companies import transactions, write_company

DAY = dt.date(2026, 6, 30)


def _bought(name, first, last, back, money=10.0):
    """Return one purchase each of customers `first` to `last`, so many days before the day."""
    day = str(DAY - dt.timedelta(days=back))
    return [(f"{name}{n}", f"c{n:03}", day, money) for n in range(first, last)]


def _shop(folder, *, more="", **tables):
    # This quarter 150 of the 200 of the quarter before came back; a year ago 60 of 120 did.
    rows = [
        *_bought("a", 0, 150, 10, 12.0), *_bought("b", 0, 200, 100), *_bought("c", 0, 60, 375),
        *_bought("d", 0, 120, 465), *_bought("e", 0, 1, 800),
    ]  # fmt: skip
    return write_company(folder, {"transactions": transactions(rows), **tables}, as_of=str(DAY), more=more)


def test_measures_are_those_counted_by_hand(tmp_path):
    complaints = pd.DataFrame({
        "complaint_id": [f"b{n}" for n in range(40)], "customer_id": "c001",
        "opened_at": str(DAY - dt.timedelta(days=20)), "closed_at": str(DAY - dt.timedelta(days=5)),
        "satisfied": [n < 30 for n in range(40)],
    })  # fmt: skip
    targets = "[targets]\nkept = 0.6\nnet_value = 0.9\ncomplaints = 10\ncomplaints_settled = 0.9\n"
    found = scorecard(Company.open(_shop(tmp_path / "shop", complaints=complaints, more=targets)))
    now = found.frame["now"]
    assert found.before == dt.date(2025, 6, 30)
    assert now["kept"].value == 0.75
    assert found.frame["then"]["kept"].value == 0.5
    assert now["net_value"].value == pytest.approx(150 * 12 / 2000)
    assert now["customers"].value == 150
    assert now["value_per_customer"].value == pytest.approx(12.0)
    assert now["complaints"].value == pytest.approx(100 * 40 / 150)
    assert now["complaints_settled"].value == 0.75
    change = found.frame["change"]["kept"]
    assert (change.value, change.unit) == (pytest.approx(25.0), "points")
    assert change.low > 0
    assert found.frame["q_value"]["kept"] < 0.001
    light = found.frame["light"]
    assert light["kept"] == "met"
    assert light["net_value"] == "open"
    assert light["complaints"] == "missed"  # few are good
    assert light["complaints_settled"] == "missed"
    assert light["customers"] == ""
    assert "satisfaction" not in found.frame.index  # nobody was asked
    shown = figures.scorecard_table(found).to_html()
    assert "Targets: 1 met, 2 missed, 1 open" in shown
    assert "nan" not in shown


def test_every_measure_is_told_of_a_company_that_has_all_tables(simulated_shop):
    found = scorecard(simulated_shop)
    assert len(found.frame) >= 12
    assert (found.frame["q_value"].dropna() >= 0).all()


def test_no_change_is_told_as_real_more_often_than_stated(tmp_path):
    rng, alarms = np.random.default_rng(1), 0
    same = ["kept", "net_value", "customers", "value_per_customer", "orders_per_customer"]
    for trial in range(12):
        rows = []
        for quarter in range(7):
            day, who = str(DAY - dt.timedelta(days=91 * quarter + 20)), np.flatnonzero(rng.random(400) < 0.4)
            money = rng.lognormal(3, 0.5, who.size).round(2)
            rows += [(f"o{quarter}-{n}", f"c{n}", day, m) for n, m in zip(who, money, strict=True)]
        folder = write_company(tmp_path / str(trial), {"transactions": transactions(rows)}, as_of=str(DAY))
        alarms += bool((scorecard(Company.open(folder)).frame["q_value"][same] < 0.05).any())
    # Of 12 companies without a change at most one in twenty is told; four or more come once in 500 times.
    assert alarms <= 3


@pytest.mark.parametrize(
    ("target", "message"),
    [("kept_customers = 0.5", "company.toml.*no measure by 'kept_customers'.*the measures are"),
     ('kept = "high"', "company.toml.*kept must be a number"), ("kept = true", "must be a number")],
)  # fmt: skip
def test_a_wrong_target_is_refused_by_file_and_name(tmp_path, target, message):
    folder = _shop(tmp_path / "shop", more=f"[targets]\n{target}\n")
    with pytest.raises(CompanyError, match=message):
        scorecard(Company.open(folder))


def test_data_of_less_than_three_periods_are_too_little(tmp_path):
    rows = [*_bought("a", 0, 50, 10), *_bought("b", 0, 50, 100)]
    company = Company.open(write_company(tmp_path / "short", {"transactions": transactions(rows)}, as_of=str(DAY)))
    with pytest.raises(TooLittleData, match="273 days"):
        scorecard(company)
    # A year back is too far for a year of data: the period directly before is taken.
    rows += _bought("c", 0, 50, 300)
    company = Company.open(write_company(tmp_path / "year", {"transactions": transactions(rows)}, as_of=str(DAY)))
    assert scorecard(company).before == DAY - dt.timedelta(days=91)
