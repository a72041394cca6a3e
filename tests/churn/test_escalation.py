"""From problem to departure: hazards with states as known at the week's beginning."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from crm_lib.churn import churned, escalation, finding_unanswered
from crm_lib.churn.escalation import CONTACT, FAILED, GOOD, NONE, UNANSWERED, _ratios
from crm_lib.company import Company
from crm_lib.demo import simulate
from crm_lib.demo.parameters import Leaving, Parameters
from crm_lib.errors import MissingData, TooLittleData
from crm_lib.finding import Verdict
from tests.companies import transactions, write_company
from tests.segments.simulated import write_simulated


@pytest.fixture(scope="module")
def found(simulated_shop, churned):
    return escalation(simulated_shop, churned)


def _cells(rng: np.random.Generator, ratio: float, customers: int = 1500) -> pd.DataFrame:
    """Return weeks and departures of customers of whom half have a week of each state, at a known ratio of hazards."""
    rows = []
    for customer in range(customers):
        for week in range(12):
            state = rng.choice([NONE, UNANSWERED, GOOD], p=[0.5, 0.25, 0.25])
            span = week // 6
            hazard = (0.02, 0.01)[span] * (ratio if state == UNANSWERED else 1.0)
            left = rng.random() < 1 - np.exp(-hazard)
            rows.append((customer, span, state, 1, int(left)))
            if left:
                break
    frame = pd.DataFrame(rows, columns=["customer_id", "span", "state", "weeks", "events"])
    return frame.groupby(["customer_id", "span", "state"], as_index=False).sum()


def test_a_known_ratio_of_hazards_is_recovered():
    each, against = _ratios(_cells(np.random.default_rng(1), 3.0, customers=4000))
    assert against.low < 3.0 < against.high
    assert each[UNANSWERED].low < 3.0 < each[UNANSWERED].high
    assert each[GOOD].low < 1.0 < each[GOOD].high


@pytest.mark.validate
def test_without_harm_none_is_found_beyond_the_stated_rate():
    rng = np.random.default_rng(2)
    found = [_ratios(_cells(rng, 1.0, customers=600))[1] for _ in range(200)]
    assert np.mean([one.low > 1 for one in found]) <= 0.05
    assert np.mean([one.low <= 1 <= one.high for one in found]) >= 0.91


def test_customers_leave_more_often_before_a_complaint_is_settled(found):
    # Planted: own fault six times, competition twice as likely while a complaint is unresolved.
    assert found.ratio.value > 1.0
    assert found.hazard.loc[UNANSWERED, "hazard"] > found.hazard.loc[NONE, "hazard"]
    # Contacts that leave a matter open do nothing in the simulated company.
    assert found.hazard.loc[CONTACT, "ratio"].low < 1.0
    assert found.after["not_settled"].iloc[0] > found.after["settled"].iloc[0]
    assert finding_unanswered(found).verdict is not Verdict.NOT_SUPPORTED


def test_each_step_of_the_path_is_part_of_the_one_before(found):
    cases = found.path["cases"].to_numpy()
    assert (np.diff(cases) < 0).all()
    assert found.path["share"].iloc[-1].value == pytest.approx(cases[-1] / cases[-2])
    assert found.left["bad"].value > found.left["good"].value


def test_weeks_and_departures_are_counted_by_hand(tmp_path):
    rows = [(f"o{n}-{day}", f"c{n:02}", day, 5.0) for n in range(40) for day in ("2025-01-01", "2025-06-30")]
    complaints = pd.DataFrame({
        "complaint_id": [f"b{n}" for n in range(40)], "customer_id": [f"c{n:02}" for n in range(40)],
        # The first half is settled within the week, the next ten get an answer that settles nothing, the others none.
        "opened_at": "2025-02-05", "resolution": ["refund" if n < 20 else "none" for n in range(40)],
        "closed_at": ["2025-02-07" if n < 30 else None for n in range(40)],
    })  # fmt: skip
    left = pd.DataFrame({
        "customer_id": [f"c{n:02}" for n in (*range(10), *range(20, 35))],
        "departed_at": ["2025-03-05"] * 25, "cause": "own_fault",
    })  # fmt: skip
    tables = {"transactions": transactions(rows), "complaints": complaints, "departures": left}
    shop = Company.open(write_company(tmp_path / "shop", tables, as_of="2025-06-30"))
    found = escalation(shop, churned(shop, 400))
    # Weeks from the first purchase: opened in week 5, departed in week 9, so that weeks 6 to 9 or 6 to 18 count.
    assert found.hazard.loc[GOOD, ["weeks", "departures"]].tolist() == [10 * 4 + 10 * 13, 10]
    assert found.hazard.loc[FAILED, ["weeks", "departures"]].tolist() == [10 * 4, 10]
    assert found.hazard.loc[UNANSWERED, ["weeks", "departures"]].tolist() == [5 * 4 + 5 * 13, 5]
    assert found.ratio.value == pytest.approx((15 / 125) / (10 / 170), rel=0.1)
    assert found.path["cases"].tolist() == [40, 40, 20, 15]


def test_a_company_without_closing_dates_or_with_few_departures_is_told_so(tmp_path, churned):
    shop = Company.open(write_company(tmp_path / "bare", {"transactions": transactions()}, as_of="2025-04-01"))
    with pytest.raises(MissingData, match="complaints"):
        escalation(shop, replace(churned, frame=churned.frame.iloc[:0]))


@pytest.mark.validate
def test_in_companies_without_harm_little_is_found(tmp_path):
    calm = Parameters(leaving=Leaving(unresolved_effect={"own_fault": 1.0, "competition": 1.0}))
    said = 0
    for seed in range(12):
        simulation = simulate(seed=seed, customers=2500, parameters=calm)
        shop = Company.open(write_simulated(simulation, tmp_path / f"calm{seed}"))
        try:
            said += finding_unanswered(escalation(shop, churned(shop, 133))).verdict is Verdict.SUPPORTED
        except TooLittleData:
            continue
    # Of 12 at 5 %, three or more have a chance of 2 %.
    assert said <= 2
