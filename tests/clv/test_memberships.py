"""Memberships: what was paid, what renewals are still to come, and who cannot be valued."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from crm_lib.clv import ShiftedBetaGeometric, membership_value
from crm_lib.clv.memberships import membership_periods
from crm_lib.company import Company
from crm_lib.errors import MissingData, TooLittleData
from tests.clv.test_contracts import residual_lifetimes
from tests.companies import transactions, write_company

AS_OF = pd.Timestamp("2026-06-30")


def _contracts(n, months, price, *, alpha, beta, seed, plan):
    """Contracts by the shifted beta-geometric model, begun in the six years before, all on the 10th of a month."""
    rng = np.random.default_rng(seed)
    lasts = rng.geometric(rng.beta(alpha, beta, n))
    ago = rng.integers(1, 72, n)
    start = [AS_OF.to_period("M").to_timestamp() + pd.DateOffset(days=9) - pd.DateOffset(months=int(k)) for k in ago]
    last = [
        begin + pd.DateOffset(months=int(min(k, 400) * months)) - pd.Timedelta(days=1)
        for begin, k in zip(start, lasts, strict=True)
    ]
    frame = pd.DataFrame({"started_at": start, "ended_at": last, "plan": plan, "price": price, "period_months": months})
    frame["ended_at"] = frame["ended_at"].where(frame["ended_at"] <= AS_OF)
    return frame


def _company(folder, contracts):
    contracts = contracts.reset_index(drop=True)
    if "customer_id" not in contracts:
        contracts["customer_id"] = [f"c{number}" for number in range(len(contracts))]
    contracts["membership_id"] = [f"m{number}" for number in range(len(contracts))]
    return Company.open(
        write_company(folder / "club", {"transactions": transactions(), "memberships": contracts}, as_of="2026-06-30")
    )


@pytest.fixture(scope="module")
def contracts():
    monthly = _contracts(900, 1, 3.0, alpha=0.9, beta=9.0, seed=1, plan="monthly")
    yearly = _contracts(700, 12, 29.0, alpha=0.8, beta=1.9, seed=2, plan="yearly")
    return pd.concat([monthly, yearly])


@pytest.fixture(scope="module")
def found(contracts, tmp_path_factory):
    return membership_value(_company(tmp_path_factory.mktemp("data"), contracts))


def test_fees_paid_are_carried_forward_and_an_end_on_the_day_of_renewal_is_no_renewal(tmp_path):
    own = pd.DataFrame(
        {
            "customer_id": ["anna", "anna", "ben", "cleo", "dora", "eve"],
            # Last day with it, running, first day without it, begun today, a short month's renewal day, the first day.
            "started_at": ["2026-01-31", "2025-03-15", "2025-04-10", "2026-06-30", "2026-01-31", "2026-03-01"],
            "ended_at": ["2026-03-29", None, "2025-06-10", None, "2026-02-28", "2026-03-01"],
            "plan": "some", "price": [3.0, 20.0, 10.0, 5.0, 3.0, 3.0], "period_months": [1, 12, 1, 12, 1, 1],
        }
    )  # fmt: skip
    periods, incomplete = membership_periods(_company(tmp_path, own), annual_rate=0.1)
    assert incomplete == 0
    assert periods["paid"].tolist() == [2, 2, 2, 1, 1, 1]

    def worth(*days):
        return sum(1.1 ** ((AS_OF - pd.Timestamp(day)).days / 365.25) for day in days)

    # Periods of a contract begun on the 31st begin on the last day of shorter months.
    expected = [
        worth("2025-03-15", "2026-03-15"), worth("2026-01-31", "2026-02-28"), worth("2025-04-10", "2025-05-10"),
        worth("2026-06-30"), worth("2026-01-31"), worth("2026-03-01"),
    ]  # fmt: skip
    assert sorted(periods["paid_carried"]) == pytest.approx(sorted(expected))


def test_current_value_is_the_expected_discounted_renewals_times_the_fee(found):
    """Summed to infinity by hand from survival of the plan's own model."""
    alive = found.frame[found.frame["running"] > 0]
    # A contract begun on 10 August 2025 is in its first period, due again 41 days after the valuation.
    wait = (pd.Timestamp("2026-08-10") - AS_OF).days / 365
    survival = np.concatenate([[1.0], np.asarray(found.models["yearly", 12].survival(np.arange(1, 400)))])
    by_hand = 29.0 * sum(survival[k] * 1.1 ** -(wait + k - 1) for k in range(1, 400))
    assert np.isclose(alive["current"], by_hand, rtol=2e-2).any()
    assert found.totals["current"].value == pytest.approx(found.frame["current"].sum())
    assert found.totals["historical"].value == pytest.approx(found.frame["historical"].sum())


def test_total_of_the_true_parameters_lies_within_the_interval(found, contracts):
    total = 0.0
    for (plan, months), (alpha, beta) in {("monthly", 1): (0.9, 9.0), ("yearly", 12): (0.8, 1.9)}.items():
        true = ShiftedBetaGeometric().with_parameters(alpha=alpha, beta=beta)
        own = found.contracts[(found.contracts["plan"] == plan) & ~found.contracts["ended"]]
        lifetime = residual_lifetimes(true, own["paid"], 0.1, periods_per_year=12 / months)
        total += float((lifetime * 1.1 ** (-own["until_renewal"] * months / 12) * own["price"]).sum())
        assert len(own) == contracts.loc[contracts["plan"] == plan, "ended_at"].isna().sum()
    assert found.totals["current"].low < total < found.totals["current"].high


def test_small_plans_are_given_the_model_of_their_period_and_incomplete_contracts_are_counted(contracts, tmp_path):
    rare = pd.DataFrame(
        {
            "started_at": ["2026-02-10"] * 3,
            "ended_at": None,
            "plan": "rare",
            "price": [4.0, 4.0, None],
            "period_months": 1,
        }
    )
    lonely = rare.assign(plan="lonely", price=[1.0, None, None], period_months=7)
    found = membership_value(_company(tmp_path, pd.concat([contracts, rare, lonely])))
    assert (found.incomplete, found.not_valued) == (3, 1)
    assert found.plans.loc[("rare", 1), "model"] == "(all plans)"
    assert found.plans.loc[("rare", 1), "current"] > 0
    assert found.frame["current"].isna().sum() == 1


def test_memberships_that_cannot_be_valued_are_told(tmp_path, contracts):
    bare = Company.open(write_company(tmp_path / "bare", {"transactions": transactions()}, as_of="2026-06-30"))
    with pytest.raises(MissingData, match="table 'memberships'"):
        membership_value(bare)
    with pytest.raises(MissingData, match="price"):
        membership_value(_company(tmp_path / "free", contracts.drop(columns="price")))
    with pytest.raises(TooLittleData, match="both price and period"):
        membership_value(
            _company(tmp_path / "empty", contracts.head(2).assign(price=[1.0, None], period_months=[None, 1]))
        )
    new = contracts.head(2).assign(started_at="2026-06-20", ended_at=None)
    with pytest.raises(TooLittleData, match="enough contracts"):
        membership_value(_company(tmp_path / "new", new))
