"""The one risk of leaving: its test, its rivals, reasons and drift, and that nothing looks ahead."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd
import pytest

from crm_lib.churn import churn_risk, risk_reasons
from crm_lib.churn.risk import MODELS, SIGNS, risk_features, stability
from crm_lib.company import Company
from crm_lib.customers import purchase_days
from crm_lib.errors import TooLittleData
from tests.companies import transactions, write_company

DAY = dt.date(2025, 9, 30)


def test_the_risk_tells_better_than_days_of_silence_and_is_calibrated(risk):
    assert risk.gain.low > 0
    assert risk.auc.value > 0.85
    assert risk.reliability.told == pytest.approx(risk.reliability.was, abs=0.05)
    assert risk.frame["risk"].between(0, 1).all()
    assert risk.test["silent"].mean() == pytest.approx(risk.reliability.was)


def test_the_simplest_model_that_is_not_worse_is_taken(risk):
    assert list(risk.rivals.index) == list(MODELS)
    simpler = list(MODELS)[: list(MODELS).index(risk.model)]
    assert all(risk.rivals.loc[name, "behind"].low > 0 for name in simpler)
    assert risk.rivals.loc[risk.model, "behind"].low <= 0
    assert risk.rivals.loc[risk.model, "auc"].value == pytest.approx(risk.auc.value)
    assert risk.chosen_on < risk.tested_on
    assert list(risk.rolling.index) == [risk.chosen_on, risk.tested_on]


def _ahead(features, folder) -> list[str]:
    """Return the features of a day that change when the company is opened as of that day."""
    late, then = features(Company.open(folder), DAY), features(Company.open(folder, as_of=DAY), DAY)
    assert late.index.equals(then.index)
    return [name for name in late if not late[name].equals(then[name])]


def test_nothing_past_the_day_is_used_and_a_planted_leak_is_caught(simulated_folder):
    assert _ahead(risk_features, simulated_folder) == []

    def leaking(company: Company, day: dt.date) -> pd.DataFrame:
        bought = purchase_days(company)
        later = bought.loc[bought["day"] > pd.Timestamp(day), "customer_id"].value_counts()
        signs = risk_features(company, day)
        return signs.assign(next_quarter=later.reindex(signs.index).fillna(0.0))

    assert _ahead(leaking, simulated_folder) == ["next_quarter"]


def test_the_order_of_rows_and_the_names_of_customers_do_not_matter(simulated_folder, risk, tmp_path):
    sold = Company.open(simulated_folder).frame("transactions")
    sold = sold[["order_id", "customer_id", "ordered_at", "revenue"]]
    names = sorted(sold["customer_id"].unique())
    others = dict(zip(names, np.random.default_rng(1).permutation([f"x{n}" for n in range(len(names))]), strict=True))
    mixed = sold.assign(customer_id=sold["customer_id"].map(others)).sample(frac=1.0, random_state=2)
    risks = []
    for name, frame in (("once", sold), ("again", mixed)):
        folder = write_company(tmp_path / name, {"transactions": frame}, as_of=str(risk.tested_on))
        risks.append(churn_risk(Company.open(folder)).frame["risk"])
    assert len(risks[0]) > 500
    pd.testing.assert_series_equal(
        risks[0].rename(index=others).sort_index(), risks[1].sort_index(), rtol=1e-5, check_names=False
    )


def test_an_earlier_report_is_what_it_would_have_been(simulated_folder, risk):
    then = churn_risk(Company.open(simulated_folder, as_of=risk.tested_on))
    pd.testing.assert_series_equal(then.frame["risk"], risk.test["risk"], rtol=1e-6)


@pytest.mark.validate
@pytest.mark.parametrize("name", ["complete_journey", "cdnow"])
def test_the_risk_is_no_worse_than_days_of_silence_on_real_customers_too(name):
    found = churn_risk(Company.open(name))
    assert found.auc.value > found.auc_recency.value
    assert found.rivals["auc"].map(lambda each: each.value).max() <= found.auc.high
    assert found.gain.high > 0
    if name == "complete_journey":
        assert found.gain.low > 0


def test_reasons_are_the_customers_own(simulated_shop, risk):
    worst = risk.frame.sort_values("risk", ascending=False).index[:20]
    told = risk_reasons(simulated_shop, risk, worst)
    assert told.index.equals(worst)
    assert set(told["first"]) <= {words for words, _ in SIGNS.values()}
    silent = told["first"].eq("silent for long")
    days = risk.frame.loc[worst[silent], "silence"].astype(int)
    assert silent.sum() > 10
    assert all(str(n) in reason for n, reason in zip(days, told.loc[silent, "reason"], strict=True))
    assert risk_reasons(simulated_shop, risk, worst[:0]).empty


def test_stability_is_zero_for_equal_samples_and_that_of_the_formula_for_others(risk):
    sample = pd.Series(np.arange(1000.0))
    assert stability(sample, sample) == pytest.approx(0.0)
    assert stability(sample, sample + 100) > 0.25
    # All of two halves against 3 : 1, each count with half a customer more.
    half, tilted = pd.Series([0.0, 1.0] * 500), pd.Series([0.0] * 750 + [1.0] * 250)
    p, q = np.array([500.5, 500.5, 0.5]), np.array([750.5, 250.5, 0.5])
    p, q = p / p.sum(), q / q.sum()
    assert stability(half, tilted) == pytest.approx(((q - p) * np.log(q / p)).sum(), abs=2e-3)
    assert not risk.drift()["shifted"].all()


def test_a_young_company_and_one_that_never_loses_anybody_are_told_so(tmp_path):
    rows = [(f"o{n}", f"c{n % 40}", str(dt.date(2026, 4, 1) + dt.timedelta(n % 90)), 5.0) for n in range(300)]
    shop = Company.open(write_company(tmp_path / "young", {"transactions": transactions(rows)}, as_of="2026-06-30"))
    with pytest.raises(TooLittleData, match="needs purchases from 91 days before"):
        churn_risk(shop)
    rows = [(f"o{n}", f"c{n % 40}", str(dt.date(2025, 1, 1) + dt.timedelta(n // 40 * 7)), 5.0) for n in range(3100)]
    steady = Company.open(write_company(tmp_path / "steady", {"transactions": transactions(rows)}, as_of="2026-06-30"))
    with pytest.raises(TooLittleData, match="there are 0"):
        churn_risk(steady)
    with pytest.raises(ValueError, match="horizon_days"):
        churn_risk(steady, horizon_days=0)
