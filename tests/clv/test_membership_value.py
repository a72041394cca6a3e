from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from crm_lib.clv.membership_periods import membership_periods
from crm_lib.clv.membership_value import membership_value
from crm_lib.clv.shifted_beta_geometric import ShiftedBetaGeometric
from crm_lib.company import Company
from crm_lib.errors import MissingData, TooLittleData
from tests.companies import transactions, write_company

AS_OF = pd.Timestamp("2026-06-30")


def _contracts(n, months, price, *, alpha, beta, seed, plan):
    """Contracts by the shifted beta-geometric model, begun in the six years before, all on the 10th of a month."""
    rng = np.random.default_rng(seed)
    leaving = rng.beta(alpha, beta, n)
    lasts = rng.geometric(leaving)
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
    return membership_value(_company(tmp_path_factory.mktemp("data"), contracts), draws=400)


def test_fees_paid_are_carried_forward_from_the_first_day_of_each_period(tmp_path, contracts):
    own = pd.DataFrame(
        {
            "customer_id": ["anna", "anna", "ben", "cleo"],
            "started_at": ["2026-01-31", "2025-03-15", "2024-07-01", "2026-06-30"],
            "ended_at": ["2026-03-29", None, "2025-06-30", None],
            "plan": "monthly",
            "price": [3.0, 20.0, 10.0, 5.0],
            "period_months": [1, 12, 12, 12],
        }
    )
    others = contracts.assign(customer_id=[f"c{number}" for number in range(len(contracts))])
    both = pd.concat([own, others])
    frame = membership_value(_company(tmp_path, both), margin=0.5, annual_rate=0.1, draws=100).frame

    def worth(amount, day):
        return 0.5 * amount * 1.1 ** ((AS_OF - pd.Timestamp(day)).days / 365.25)

    # Periods of a contract begun on the 31st begin on the last day of shorter months; 29 March is within the second.
    anna = worth(3, "2026-01-31") + worth(3, "2026-02-28") + worth(20, "2025-03-15") + worth(20, "2026-03-15")
    assert frame.loc["anna", "historical"] == pytest.approx(anna)
    assert frame.loc["ben", "historical"] == pytest.approx(worth(10, "2024-07-01"))
    assert frame.loc["cleo", "historical"] == pytest.approx(0.5 * 5)
    assert frame.loc["anna", ["contracts", "running"]].tolist() == [2, 1]
    assert frame.loc["ben", "current"] == 0


def test_an_end_on_the_day_of_renewal_is_no_renewal(tmp_path, contracts):
    own = pd.DataFrame(
        {
            "customer_id": ["anna", "ben", "cleo", "dora", "eve"],
            "started_at": ["2026-01-10", "2026-01-10", "2026-01-31", "2026-03-01", "2026-03-01"],
            # Last day with it, first day without it, a short month's renewal day, the first day, one day after renewal.
            "ended_at": ["2026-03-09", "2026-03-10", "2026-02-28", "2026-03-01", "2026-04-02"],
            "plan": "monthly",
            "price": 3.0,
            "period_months": 1,
        }
    )
    others = contracts[contracts["plan"] == "monthly"].head(60).reset_index(drop=True)
    others["customer_id"] = [f"other{number}" for number in range(60)]
    company = _company(tmp_path, pd.concat([own, others]))
    periods = membership_periods(company, annual_rate=0.1)[0].set_index("customer_id")["paid"]
    assert periods[["anna", "ben", "cleo", "dora", "eve"]].tolist() == [2, 2, 1, 1, 2]


def test_current_value_is_the_expected_discounted_renewals_times_the_fee(found):
    """Summed to infinity by hand from survival of the plan's own model."""
    alive = found.frame[found.frame["running"] > 0]
    yearly = found.models["yearly", 12]
    # A contract begun on 10 August 2025 is in its first period, due again 41 days after the valuation.
    wait = (pd.Timestamp("2026-08-10") - AS_OF).days / 365
    survival = np.concatenate([[1.0], np.asarray(yearly.survival(np.arange(1, 400)))])
    by_hand = 29.0 * sum(survival[k] * 1.1 ** -(wait + k - 1) for k in range(1, 400))
    assert np.isclose(alive["current"], by_hand, rtol=1e-4).any()
    assert ((alive["current_low"] <= alive["current"]) & (alive["current"] <= alive["current_high"])).all()
    assert found.totals["current"].value == pytest.approx(found.frame["current"].sum())
    assert found.totals["historical"].value == pytest.approx(found.frame["historical"].sum())


def test_total_of_the_true_parameters_lies_within_the_interval(found, contracts):
    truth = {"monthly": (0.9, 9.0), "yearly": (0.8, 1.9)}
    total = 0.0
    for (plan, months), model in found.models.items():
        alpha, beta = truth[plan]
        true = ShiftedBetaGeometric().with_parameters(alpha=alpha, beta=beta)
        running = contracts[(contracts["plan"] == plan) & contracts["ended_at"].isna()]
        # All begin on the 10th, so that the months since tell the period, and the next 10th the wait.
        passed = (AS_OF.year - running["started_at"].dt.year) * 12 + AS_OF.month - running["started_at"].dt.month
        tenure = passed // months + 1
        due = [s + pd.DateOffset(months=int(k * months)) for s, k in zip(running["started_at"], tenure, strict=True)]
        before = [
            s + pd.DateOffset(months=int((k - 1) * months)) for s, k in zip(running["started_at"], tenure, strict=True)
        ]
        wait = [(d - AS_OF).days / (d - b).days for d, b in zip(due, before, strict=True)]
        lifetime = true.discounted_expected_residual_lifetime(
            tenure, 0.1, periods_per_year=12 / months, until_renewal=np.array(wait)
        )
        total += float((lifetime * running["price"]).sum())
        assert model.converged_
    assert found.totals["current"].low < total < found.totals["current"].high


def test_plans_add_up_and_tell_their_retention(found):
    plans = found.plans
    assert plans["contracts"].sum() == 1600
    assert plans["current"].sum() == pytest.approx(found.totals["current"].value)
    assert plans["model"].tolist() == ["monthly", "yearly"]
    assert plans["retention"].between(0, 1).all()
    assert plans.loc[("monthly", 1), "retention"] > plans.loc[("yearly", 12), "retention"]
    for words in ("100%", "GBP", "30 Jun 2026", "10.0%"):
        assert words in found.convention


def test_margin_scales_all_values(contracts, found, tmp_path):
    half = membership_value(_company(tmp_path, contracts), margin=0.5, draws=400)
    np.testing.assert_allclose(half.frame["current_high"], found.frame["current_high"] / 2)
    np.testing.assert_allclose(half.frame["historical"], found.frame["historical"] / 2)


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
    both = pd.concat([contracts, rare, lonely])
    found = membership_value(_company(tmp_path, both), draws=400)
    assert found.incomplete == 3
    assert found.plans.loc[("rare", 1), "model"] == "(all plans)"
    assert found.plans.loc[("rare", 1), "current"] > 0
    assert (found.not_valued, found.plans.loc[("lonely", 7), "model"]) == (1, "")
    assert found.frame["current"].isna().sum() == 1


def test_what_cannot_be_valued_is_said(tmp_path, contracts):
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
    with pytest.raises(TooLittleData, match="no plan has enough contracts"):
        membership_value(_company(tmp_path / "new", new))
    with pytest.raises(ValueError, match="margin is a share"):
        membership_value(bare, margin=40)
    with pytest.raises(ValueError, match="at least 100 draws"):
        membership_value(bare, draws=3)
