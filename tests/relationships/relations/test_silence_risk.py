from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd
import pytest

from crm_lib.company import Company
from crm_lib.demo import simulate
from crm_lib.errors import TooLittleData
from crm_lib.finding import Verdict
from crm_lib.relationships import finding_looking_around, silence_risk, switching_classes
from crm_lib.relationships.relations.silence_features import FEATURE_LABELS, silence_features
from crm_lib.segments import customer_window
from crm_lib.statistics.reliability import compared_auc
from tests.companies import transactions, write_company
from tests.segments.simulated import write_simulated


@pytest.fixture(scope="module")
def told(simulated_shop):
    return silence_risk(simulated_shop)


def test_nothing_past_the_day_is_seen(simulated, simulated_shop):
    # Opened as of the day, the company itself hides all that came, was recorded or became known later.
    day = dt.date(2025, 9, 30)
    later, then = silence_features(simulated_shop, ending=day), silence_features(Company.open(simulated[1], as_of=day))
    assert set(later) == set(FEATURE_LABELS)
    assert later["unresolved"].sum() > 10
    pd.testing.assert_frame_equal(later, then)
    with pytest.raises(ValueError, match="after 2026-06-30"):
        silence_features(simulated_shop, ending=dt.date(2026, 7, 1))


def test_features_are_what_they_say(tmp_path):
    rows = [(f"o{number}", "anna", day, 5.0) for number, day in enumerate(["2025-01-01", "2025-01-11", "2025-01-31"])]
    rows += [("p1", "ben", "2025-02-20", 9.0), ("q1", "cleo", "2024-02-01", 9.0)]
    complaints = pd.DataFrame(
        [("anna", "2025-02-01", "2025-03-20", True), ("ben", "2025-02-21", "2025-02-22", True)],
        columns=["customer_id", "opened_at", "closed_at", "satisfied"],
    )
    tables = {"transactions": transactions(rows), "complaints": complaints}
    shop = Company.open(write_company(tmp_path / "shop", tables, as_of="2025-03-31"))
    found = silence_features(shop, ending=dt.date(2025, 3, 2), active_days=200)
    assert found.index.tolist() == ["anna", "ben"]
    # All gaps: 30 days in two gaps. Anna's rhythm is (30 + 15) / 3, Ben's (0 + 15) / 1; both are 15 days.
    assert (np.exp(found["against_rhythm"]) * 16).tolist() == pytest.approx([31, 11])
    assert np.expm1(found["silence"]).tolist() == pytest.approx([30, 10])
    # Anna's complaint was open on that day, though it has been closed since.
    assert found["unresolved"].tolist() == [1.0, 0.0]
    assert silence_features(shop)["unresolved"].tolist() == [0.0, 0.0]


def test_what_has_no_date_is_no_feature(simulated, tmp_path):
    # Who lives among many rivals today may have lived elsewhere on the days that the risk is learnt from.
    tables = dict(simulated[0].tables)
    moved = {**tables, "customers": tables["customers"].assign(local_competition="high", region="elsewhere")}
    folders = (write_company(tmp_path / name, each, how="parquet", as_of="2026-06-30")
               for name, each in (("then", tables), ("now", moved)))  # fmt: skip
    then, now = (silence_features(Company.open(folder), ending=dt.date(2025, 9, 30)) for folder in folders)
    pd.testing.assert_frame_equal(then, now)


def test_active_days_are_those_of_a_window(tmp_path):
    lines = transactions([("o1", "in", "2025-03-22", 5.0), ("o2", "out", "2025-03-21", 5.0)])
    shop = Company.open(write_company(tmp_path / "shop", {"transactions": lines}, as_of="2025-03-31"))
    assert silence_features(shop, active_days=10).index.tolist() == ["in"]
    assert customer_window(shop, days=10).index.tolist() == ["in"]


def test_learnt_outcomes_were_over_on_the_day_of_the_test(told):
    assert told.tested_on == dt.date(2026, 3, 31)
    assert max(told.learnt_from) + dt.timedelta(days=told.horizon_days) <= told.tested_on


def test_risk_is_told_better_than_by_silence_alone_and_is_calibrated(told):
    assert told.auc.low > 0.88
    assert told.gain.low > 0.01
    # Of ten intervals of 95%, a calibrated risk misses more than three once in a thousand companies.
    assert told.reliability.inside >= 7
    assert told.reliability.told == pytest.approx(told.reliability.was, abs=0.03)
    assert told.reliability.brier < 0.6 * told.reliability.brier_constant
    assert told.risk.between(0, 1).all()


@pytest.mark.validate
def test_risk_is_calibrated_over_many_companies(tmp_path):
    inside = [
        silence_risk(
            Company.open(write_simulated(simulate(seed=seed, customers=2500), tmp_path / str(seed)))
        ).reliability.inside
        for seed in range(1, 7)
    ]
    # Of 60 intervals of 95%, a calibrated risk misses more than eight less than once in a hundred times.
    assert sum(inside) >= 52, inside


def test_silence_told_is_leaving_in_truth(simulated, told):
    truth = simulated[0].truth["customers"].set_index("customer_id").reindex(told.test.index)
    gone = (~truth["alive"]).to_numpy(dtype=float)
    area, _, gain = compared_auc(gone, told.test["risk"].to_numpy(), told.test["silence"].to_numpy())
    assert area.low > 0.8
    assert gain.low > 0


def test_classes_said_beforehand_differ_afterwards(simulated_shop, told):
    margin = customer_window(simulated_shop, days=365)["margin"]
    today = switching_classes(margin, told, contact_cost=3.5)
    finding = finding_looking_around(simulated_shop, today, told, at_least=1.5)
    assert finding.verdict is Verdict.SUPPORTED
    assert finding.money_at_stake.value > 0
    assert finding_looking_around(simulated_shop, today, told, at_least=50.0).verdict is Verdict.NOT_SUPPORTED


def test_short_histories_say_what_is_too_little(bare_shop, tmp_path):
    lines = transactions([("o1", "anna", "2025-03-01", 5.0), ("o2", "ben", "2025-03-05", 5.0)])
    shop = Company.open(write_company(tmp_path / "small", {"transactions": lines}, as_of="2025-03-31"))
    with pytest.raises(TooLittleData, match="purchases begin less than 91 days before"):
        silence_risk(shop)
    with pytest.raises(TooLittleData, match="nobody bought in the 2 days"):
        silence_risk(bare_shop, active_days=2)
    with pytest.raises(ValueError, match="at least 1"):
        silence_risk(bare_shop, horizon_days=0)
