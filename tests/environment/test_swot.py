"""The SWOT board is sorted by source and sign, and what nobody measured is marked."""

from __future__ import annotations

import datetime as dt

import pandas as pd
import pytest

from crm_lib import environment, figures
from crm_lib.environment.hypotheses import Hypothesis
from crm_lib.environment.register import Register, _finding
from crm_lib.environment.swot import BY_HAND
from crm_lib.errors import CrmError, MissingData, TooLittleData
from crm_lib.estimate import Estimate
from crm_lib.notebook import LeftOut


def register(*claims):
    """Return a register from (measure, good, value, half-width); each claim says that the measure is at least 0."""
    stated = {
        f"h{place}": Hypothesis(
            key=f"h{place}", claim="A claim of ours", c="company", measure=name, at_least=0, good=good
        )
        for place, (name, good, *_) in enumerate(claims)
    }
    findings = {
        f"h{place}": _finding(stated[f"h{place}"], Estimate(value=x, low=x - half, high=x + half, n=9, method="m"))
        for place, (*_, x, half) in enumerate(claims)
    }
    return Register(
        hypotheses=stated, findings=findings, left_out={}, p_values={}, level=0.95,
        earlier=pd.DataFrame({"key": [], "as_of": []}), company="Shop", as_of=dt.date(2026, 6, 30),
    )  # fmt: skip


CLAIMS = (
    ("core_satisfaction_lead", True, 3.0, 1.0),  # the company's own, good, holds
    ("core_satisfaction_lead", False, 3.0, 1.0),  # bad news, and it holds
    ("told_by_dissatisfied", False, -3.0, 1.0),  # the market's; the bad news does not hold
    ("told_by_dissatisfied", False, 3.0, 1.0),
    ("core_satisfaction_lead", True, 0.5, 1.0),  # undecided
    ("core_satisfaction_lead", None, 3.0, 1.0),  # neither good nor bad
)


def test_statements_are_sorted_by_source_and_sign_with_their_numbers():
    board = environment.swot(register(*CLAIMS))
    assert board.frame["part"].tolist() == ["strength", "weakness", "opportunity", "threat"]
    assert [str(one) for one in board.frame["number"]] == [
        "3.0 [2.0, 4.0]",
        "3.0 [2.0, 4.0]",
        "−3.0 [−4.0, −2.0]",
        "3.0 [2.0, 4.0]",
    ]
    assert board.open == 1


def test_what_is_entered_by_hand_is_marked_and_what_was_left_out_is_passed_over():
    board = environment.swot(LeftOut(MissingData("surveys")), by_hand=["Threat: a chain opens next door"])
    assert board.frame[["part", "statement", "evidence"]].to_numpy().tolist() == [
        ["threat", "a chain opens next door", BY_HAND]
    ]
    chart = figures.swot_board(board)
    assert "entered by hand" in chart.to_svg()
    assert "threats 1" in chart.alt


@pytest.mark.parametrize("line", ["a chain opens", "danger: a chain opens", "threat:", ":"])
def test_a_statement_by_hand_must_say_where_it_belongs(line):
    with pytest.raises(CrmError, match="must begin with one of strength, weakness, opportunity, threat"):
        environment.swot(by_hand=[line])


def test_nothing_to_sort_is_too_little_and_a_foreign_result_is_a_fault():
    with pytest.raises(TooLittleData, match="nothing was measured"):
        environment.swot(register(CLAIMS[4]))
    with pytest.raises(TypeError, match="not made of int"):
        environment.swot(3)


def test_the_register_table_tells_verdicts_and_reasons():
    found = register(*CLAIMS)
    shown = figures.register_table(found)
    assert shown.frame["verdict"].tolist() == [
        "supported",
        "supported",
        "not supported",
        "supported",
        "undecided",
        "supported",
    ]
    assert "earlier" not in shown.frame


def test_against_each_rival_the_largest_lead_and_the_largest_lag_are_told():
    gaps = {("image", "Rival"): 1.0, ("image", "Other"): 0.1, ("service_quality", "Rival"): -2.0,
            ("price_burden", "Rival"): 0.5}  # fmt: skip
    frame = pd.DataFrame({
        "gap": [Estimate(value=x, low=x - 0.3, high=x + 0.3, n=9, method="m") for x in gaps.values()],
    }, index=pd.MultiIndex.from_tuples(gaps, names=["item", "brand"]))  # fmt: skip
    found = environment.Gaps(
        frame=frame, importance=pd.Series(dtype=object), critical=2.0, answers=9, as_of=dt.date(2026, 6, 30)
    )
    board = environment.swot(found)
    assert board.frame[["part", "statement"]].to_numpy().tolist() == [
        ["strength", "Image, against Rival"], ["weakness", "Service quality, against Rival"],
    ]  # fmt: skip
    assert board.open == 1
