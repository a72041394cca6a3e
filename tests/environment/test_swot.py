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
    stated, findings = {}, {}
    for place, (name, good, x, half) in enumerate(claims):
        key = f"h{place}"
        stated[key] = Hypothesis(key=key, claim="A claim of ours", c="company", measure=name, at_least=0, good=good)
        findings[key] = _finding(stated[key], Estimate(value=x, low=x - half, high=x + half, n=9, method="m"))
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
    assert [str(one) for one in board.frame["number"][1:3]] == ["3.0 [2.0, 4.0]", "−3.0 [−4.0, −2.0]"]
    assert board.open == 1


def share(value, half=0.02, n=100):
    return Estimate(value=value, low=value - half, high=min(value + half, 1.0), n=n, method="m", unit="share")


def parts(result):
    """Return the parts of what a result says, and how much it leaves open."""
    board = environment.swot(result, by_hand=["threat: x"])
    return board.frame.loc[board.frame["evidence"] != BY_HAND, ["part", "statement"]].to_numpy().tolist(), board.open


@pytest.mark.parametrize(
    ("own", "part"),
    [(share(0.97), ["weakness"]), (share(1.0), ["strength"]), (share(0.97, 0.03), ["strength"]),
     (share(1.0, 0.15), [])],
)  # fmt: skip
def test_below_the_frontier_is_a_weakness_and_on_it_a_strength_once_the_interval_says_so(own, part):
    found = object.__new__(environment.Frontier)
    vars(found).update(frame=pd.DataFrame({"peers": [""]}, index=["we"]), own=own, own_brand="we")
    said, open_ = parts(found)
    assert [each for each, _ in said] == part
    assert open_ == (not part)


def test_regions_of_hard_and_of_little_competition_are_told_against_all():
    frame = pd.DataFrame({"near": [share(0.6), share(0.3), share(0.1)], "price": [share(0.2)] * 3}, index=list("abc"))
    said, open_ = parts(environment.Competition(frame=frame, small=0))
    assert sorted(said) == [
        ["opportunity", "c: rivals near (all regions: 33%)"], ["threat", "a: rivals near (all regions: 33%)"],
    ]  # fmt: skip
    assert open_ == 2  # of three alike, two


@pytest.mark.parametrize(
    ("shares", "concentration", "part"),
    [((0.6, 0.3, 0.1), 0.46, ["opportunity"]), ((0.3, 0.6, 0.1), 0.46, ["threat"]), ((0.46, 0.44, 0.1), 0.42, []),
     ((0.2, 0.1, 0.1), 0.12, [])],
)  # fmt: skip
def test_in_a_concentrated_market_it_decides_who_leads(shares, concentration, part):
    found = object.__new__(environment.Switching)
    vars(found).update(net=pd.DataFrame({"net": []}), concentration=share(concentration), own="we",
                       shares=pd.DataFrame({"now": [share(x) for x in shares]}, ["we", "b", "c"]))  # fmt: skip
    said, open_ = parts(found)
    assert [each for each, _ in said] == part
    assert open_ == (not part)


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
    yes, no = "supported", "not supported"
    assert shown.frame["verdict"].tolist() == [yes, yes, no, yes, "undecided", yes]
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
