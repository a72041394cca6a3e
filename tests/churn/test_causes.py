"""Causes of leaving: cumulative incidence, shares, value lost."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings, strategies as st
from scipy import stats
from statsmodels.duration.survfunc import CumIncidenceRight, SurvfuncRight

from crm_lib.churn import causes_of_leaving, churned, cumulative_incidence, finding_own_fault, known_departures
from crm_lib.churn.reasons import CAUSES
from crm_lib.company import Company
from crm_lib.errors import MissingData, TooLittleData
from crm_lib.finding import Verdict
from tests.companies import transactions, write_company

FIVE = list(CAUSES)


@pytest.fixture(scope="module")
def causes(simulated_shop, churned):
    return causes_of_leaving(simulated_shop, churned)


def _sample(seed: int, n: int) -> tuple[np.ndarray, np.ndarray]:
    """Return whole times with many ties, and causes 0 to 3, whose incidences are known."""
    rng = np.random.default_rng(seed)
    left, cut = rng.geometric(0.1, n), rng.integers(1, 25, n)
    cause = rng.choice([1, 2, 3], n, p=[0.5, 0.3, 0.2])
    # Who leaves on the day of the cut is seen to leave.
    return np.minimum(left, cut).astype(float), np.where(left <= cut, cause, 0)


def test_incidences_are_those_of_statsmodels_with_ties():
    time, cause = _sample(1, 500)
    found = cumulative_incidence(time, cause, causes=["a", "b", "c"])
    peer = CumIncidenceRight(time, cause)
    at = np.isin(peer.times, found.frame.index)
    for number, name in enumerate("abc"):
        np.testing.assert_allclose(found.frame[name], peer.cinc[number][at], atol=1e-12)
    survival = SurvfuncRight(time, (cause > 0).astype(int))
    np.testing.assert_allclose(found.frame["stayed"], survival.surv_prob, atol=1e-12)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000), st.floats(1e-3, 1e4))
def test_incidences_and_those_who_stay_sum_to_one_whatever_order_names_and_unit(seed, unit):
    time, cause = _sample(seed, 80)
    if not cause.any():
        return
    found = cumulative_incidence(time, cause, causes=["a", "b", "c"])
    np.testing.assert_allclose(found.frame.sum(axis=1), 1.0, atol=1e-12)
    mixed = np.random.default_rng(seed).permutation(80)
    other = cumulative_incidence(time[mixed] * unit, np.array([0, 3, 1, 2])[cause[mixed]], causes=["b", "c", "a"])
    np.testing.assert_allclose(other.frame[["a", "b", "c"]], found.frame[["a", "b", "c"]], atol=1e-12)


def _covered(runs: int) -> float:
    t = np.arange(1, 16)
    true = {"a": 0.5, "b": 0.3, "c": 0.2}
    inside = 0
    for seed in range(runs):
        found = cumulative_incidence(*_sample(seed, 400), causes=list(true), seed=seed)
        at = found.frame.index.isin(t)
        held = [
            (found.low[name][at] <= share * (1 - 0.9 ** found.frame.index[at]))
            & (share * (1 - 0.9 ** found.frame.index[at]) <= found.high[name][at])
            | found.low[name][at].isna()
            for name, share in true.items()
        ]
        inside += all(each.all() for each in held)
    return inside / runs


def test_bands_hold_all_causes_and_times_at_once_as_often_as_they_say():
    assert _covered(40) >= 0.85


@pytest.mark.validate
def test_bands_hold_in_a_long_simulation():
    assert 0.93 <= _covered(600) <= 0.985


def test_bad_times_and_causes_are_refused():
    with pytest.raises(ValueError, match="customer 1 is -2"):
        cumulative_incidence([1, -2], [1, 0], causes=["a"])
    with pytest.raises(ValueError, match="customer 0 is nan"):
        cumulative_incidence([np.nan, 2], [1, 0], causes=["a"])
    with pytest.raises(ValueError, match="from 1 to 1"):
        cumulative_incidence([1, 2], [2, 0], causes=["a"])
    with pytest.raises(TooLittleData, match="nobody is known to have left"):
        cumulative_incidence([1, 2], [0, 0], causes=["a"])
    everyone = cumulative_incidence([1, 2, 2], [1, 1, 1], causes=["a"])
    assert everyone.frame["stayed"].iloc[-1] == pytest.approx(0.0)


def test_the_causes_of_a_simulated_company_are_recovered(causes, simulation):
    truth = simulation.truth["customers"]
    true = pd.concat([truth["cause"], truth["cause_again"]]).dropna().value_counts()
    seen = causes.table["departures"]
    assert stats.chisquare(seen[FIVE], true[FIVE] / true.sum() * seen.sum()).pvalue > 0.01
    finding = finding_own_fault(causes)
    gap = (true["own_fault"] - true.drop("own_fault").max()) / true.sum()
    assert finding.estimate.low <= 100 * gap <= finding.estimate.high
    assert finding.verdict is not Verdict.SUPPORTED


def test_own_fault_is_found_where_it_is_largest(causes):
    counts = pd.Series({"natural": 50, "competition": 100, "own_fault": 200, "given_up": 10, "other": 20})
    table = causes.table.assign(departures=counts)
    finding = finding_own_fault(type(causes)(**{**vars(causes), "table": table}))
    assert finding.verdict is Verdict.SUPPORTED
    # Multinomial: (p1 + p2 - (p1 - p2)^2) / n, four comparisons.
    p1, p2, z = 200 / 380, 100 / 380, stats.norm.ppf(1 - 0.025 / 4)
    assert finding.estimate.low == pytest.approx(100 * (p1 - p2 - z * np.sqrt((p1 + p2 - (p1 - p2) ** 2) / 380)))


def test_equal_causes_make_no_finding_beyond_the_stated_rate(causes):
    rng, said = np.random.default_rng(5), 0
    for _ in range(400):
        counts = pd.Series(rng.multinomial(600, [0.1, 0.3, 0.3, 0.1, 0.2]), index=FIVE)
        found = finding_own_fault(type(causes)(**{**vars(causes), "table": causes.table.assign(departures=counts)}))
        said += found.verdict is Verdict.SUPPORTED
    assert said / 400 <= 0.05


def test_value_lost_is_that_of_the_year_before(tmp_path):
    rows = [("o1", "anna", "2024-03-01", 100.0), ("o2", "anna", "2025-06-02", 40.0), ("o3", "anna", "2026-05-01", 7.0)]
    rows += [(f"n{n}", f"c{n:02}", "2026-01-01", 1.0) for n in range(40)]
    left = pd.DataFrame(
        [("anna", "2026-05-31", "own_fault"), ("c00", "2025-12-31", "other")]
        + [(f"c{n:02}", "2026-05-31", "competition") for n in range(1, 40)],
        columns=["customer_id", "departed_at", "cause"],
    )
    shop = Company.open(
        write_company(tmp_path / "shop", {"transactions": transactions(rows), "departures": left}, as_of="2026-06-30")
    )
    found = causes_of_leaving(shop, churned(shop, 100))
    # The year before 31 May 2026 begins on 1 June 2025; the first purchase of anna lies before it.
    assert found.table.loc["own_fault", "value"] == pytest.approx(47.0)
    assert found.table.loc["competition", "value"] == pytest.approx(39.0)
    assert found.left_out == 1
    assert found.table["departures"].sum() == 40


def test_a_topic_stands_for_a_cause_that_nobody_told(tmp_path):
    left = pd.DataFrame(
        [("anna", "2025-03-20", None), ("ben", "2025-03-25", None)], columns=["customer_id", "departed_at", "cause"]
    )
    complaints = pd.DataFrame(
        [("b1", "anna", "2025-03-10", "Late delivery"), ("b2", "ben", "2024-03-01", "Late delivery")],
        columns=["complaint_id", "customer_id", "opened_at", "topic"],
    )
    tables = {"transactions": transactions(), "departures": left, "complaints": complaints}
    more = '[causes]\n"late delivery" = "own_fault"'
    shop = Company.open(write_company(tmp_path / "shop", tables, as_of="2025-04-01", more=more))
    assert known_departures(shop)["cause"].fillna("not told").tolist() == ["own_fault", "not told"]
    with pytest.raises(TooLittleData, match="30 departures with a cause; there are 1"):
        causes_of_leaving(shop, churned(shop, 100))


def test_contracts_tell_where_there_are_no_departures(tmp_path):
    contracts = pd.DataFrame(
        [("m1", "anna", "2025-01-01", "2025-03-01", "Moved away"), ("m2", "ben", "2025-01-01", None, None)],
        columns=["membership_id", "customer_id", "started_at", "ended_at", "end_reason"],
    )
    more = '[causes]\n"moved away" = "natural"'
    tables = {"transactions": transactions(), "memberships": contracts}
    shop = Company.open(write_company(tmp_path / "shop", tables, as_of="2025-04-01", more=more))
    assert known_departures(shop)[["customer_id", "cause"]].values.tolist() == [["anna", "natural"]]  # noqa: PD011
    bare = Company.open(write_company(tmp_path / "bare", {"transactions": transactions()}, as_of="2025-04-01"))
    with pytest.raises(MissingData, match="departed_at"):
        known_departures(bare)
