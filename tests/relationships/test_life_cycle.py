"""Stages by rules that anybody can check, and warnings with a set share of false alarms."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd
import pytest

from crm_lib.company import Company
from crm_lib.errors import TooLittleData
from crm_lib.finding import Verdict
from crm_lib.relationships import (
    STAGES,
    decline_warning,
    finding_decline,
    stages as judge,
    stages_beside_truth,
    warning_beside_truth,
)
from crm_lib.relationships.life_cycle import GONE_BELOW, _signs
from crm_lib.relationships.warning import FALSE_ALARM, RULES, _threshold
from tests.companies import transactions, write_company


def facts_of(**columns):
    """Return facts of five customers who bought regularly, with some columns changed."""
    frame = pd.DataFrame(
        {
            "purchase_days_ever": [1, 12, 12, 12, 12], "purchase_days": [1, 6, 6, 6, 6],
            "tenure": [20, 200, 800, 800, 800], "recency": [20, 10, 10, 10, 10],
        },
        index=list("abcde"),
    )  # fmt: skip
    return frame.assign(**columns)


def test_each_rule_puts_customers_into_its_stage():
    told = _signs(facts_of(purchase_days=[1, 6, 6, 1, 6]))
    assert told["stage"].tolist() == ["exploration", "build-up", "stable", "decline", "stable"]
    # Eleven purchase days in 445 days before the last year, one since.
    assert told.loc["d", "pace"] == pytest.approx(1 / (11 / 435 * 365))
    assert told["pace"].isna().tolist() == [True, True, False, False, False]


def test_who_buys_on_discount_much_more_than_is_usual_keeps_exploring():
    told = _signs(facts_of(lines_ever=[10, 20, 20, 20, 20], discounted_lines_ever=[0, 4, 4, 4, 15]))
    assert told["stage"].tolist()[-2:] == ["stable", "exploration"]
    alike = _signs(facts_of(lines_ever=20, discounted_lines_ever=15))
    assert alike["stage"].tolist()[-2:] == ["stable", "stable"]


def test_stages_are_those_of_what_was_known(simulated_folder, stages):
    assert stages.frame["stage"].cat.categories.tolist() == list(STAGES)
    assert ((stages.frame["p_alive"] < GONE_BELOW) == (stages.frame["stage"] == "gone")).all()
    # Opened a quarter earlier, the company itself hides all that came or became known later.
    earlier = judge(Company.open(simulated_folder, as_of=dt.date(2026, 3, 31)))
    pd.testing.assert_series_equal(earlier.frame["stage"], stages.earlier)
    assert stages.moves().to_numpy().sum() == len(stages.earlier)
    assert stages.table()["customers"].sum() == len(stages.frame)
    assert stages.table()["value_share"].sum() == pytest.approx(1)


def test_true_stages_are_recovered_better_than_by_silence_and_tenure(true_shop, stages):
    check = stages_beside_truth(stages, true_shop)
    ours, thumb, commonest = (check.loc[rule] for rule in check.index)
    assert ours["accuracy"].value >= 0.8
    assert ours["accuracy"].low > thumb["accuracy"].high
    assert ours["kappa"] > thumb["kappa"] + 0.05
    assert commonest["kappa"] == 0


def test_at_most_the_set_share_of_who_buys_again_is_warned_of():
    rng = np.random.default_rng(2)
    for n in (20, 137, 1000):
        sign, silent = pd.Series(rng.gamma(1, 50, n).round()), pd.Series(rng.random(n) < 0.4)
        assert (sign > _threshold(sign, silent))[~silent].mean() <= FALSE_ALARM


def test_the_warning_is_the_sign_that_told_best_and_keeps_its_promise_about(stages):
    warning = stages.warning
    assert warning.rule in RULES
    row = warning.rules.loc[warning.rule]
    assert row["auc"].value >= 0.9
    assert row["false_alarms"] == pytest.approx(FALSE_ALARM, abs=0.05)
    assert row["found"] > 0.6
    assert (warning.frame["newly_warned"] <= warning.frame["warned"]).all()
    told = stages.frame.loc[warning.frame.index, ["warned", "newly_warned"]]
    pd.testing.assert_frame_equal(told, warning.frame[["warned", "newly_warned"]])
    assert "{" not in warning.threshold_words
    finding = finding_decline(warning)
    assert finding.verdict is Verdict.SUPPORTED
    assert finding.money_at_stake.value == pytest.approx(warning.frame.query("newly_warned")["value"].sum())


def test_against_the_truth_all_signs_have_equal_false_alarms(true_shop, stages):
    found = warning_beside_truth(stages.warning, true_shop)
    assert found.index.tolist() == list(RULES)
    assert found.loc["p_alive", "found"].value > 0.2
    assert found["found_all"].min() > 0.5


def test_a_short_history_has_stages_and_no_warning(tmp_path):
    rng = np.random.default_rng(1)
    rows = [
        (f"o{n}", f"c{n % 60}", str(dt.date(2026, 5, 1) + dt.timedelta(int(rng.integers(60)))), 5.0) for n in range(200)
    ]
    shop = Company.open(write_company(tmp_path / "young", {"transactions": transactions(rows)}, as_of="2026-06-30"))
    told = judge(shop)
    assert not told.frame["warned"].any()
    with pytest.raises(TooLittleData):
        _ = told.warning
    with pytest.raises(TooLittleData):
        decline_warning(shop)
    with pytest.raises(TooLittleData, match="a quarter before"):
        told.moves()
