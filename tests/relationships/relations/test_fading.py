from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd
import pytest
from scipy.integrate import quad
from scipy.stats import gamma, poisson

from crm_lib.company import Company
from crm_lib.errors import TooLittleData
from crm_lib.relationships import fading_customers, judge_fading
from tests.companies import transactions, write_company

AS_OF = dt.date(2026, 6, 30)
DAYS = 182


def counts(customers, seed, *, changed=0.0, left=(0.0, 0.5), pace=0.8):
    """Return counts of customers with gamma rates, and who changed: to one of the parts `left` of the rate."""
    rng = np.random.default_rng(seed)
    rate = rng.gamma(0.8, 1 / 60, customers)
    days = rng.integers(30, 366, customers)
    fell = rng.random(customers) < changed
    part = np.where(fell, rng.choice(left, customers), 1.0)
    frame = pd.DataFrame(
        {"past": rng.poisson(rate * days), "past_days": days, "recent": rng.poisson(rate * pace * part * DAYS)},
        index=pd.Index([f"c{number}" for number in range(customers)], name="customer_id"),
    )
    return frame, fell


def false_shares(samples, **how):
    shares = []
    for seed in range(samples):
        frame, fell = counts(1500, seed, **how)
        called = judge_fading(frame, as_of=AS_OF, recent_days=DAYS).frame["fading"].to_numpy()
        shares.append((called & ~fell).sum() / max(called.sum(), 1))
    return np.array(shares)


def test_tail_is_the_poisson_tail_over_the_rates_that_the_past_leaves_open():
    frame, _ = counts(1500, seed=4, changed=0.3)
    found = judge_fading(frame, as_of=AS_OF, recent_days=DAYS)
    for name in found.frame.index[[0, 7, 33]]:
        row = found.frame.loc[name]
        rates = gamma(found.shape + row["past"], scale=1 / (found.rate + row["past_days"]))

        def tail(rate, recent=row["recent"], rates=rates):
            reach = rate * found.pace * DAYS
            return (poisson.cdf(recent, reach) - poisson.pmf(recent, reach) / 2) * rates.pdf(rate)

        top = rates.ppf(1 - 1e-12)
        assert row["tail"] == pytest.approx(quad(tail, 0, top, limit=400, points=[rates.mean()])[0], rel=1e-4)
        assert row["expected"] == pytest.approx(rates.mean() * found.pace * DAYS)


def test_population_and_pace_are_recovered():
    frame, _ = counts(20_000, seed=2)
    found = judge_fading(frame, as_of=AS_OF, recent_days=DAYS)
    assert found.shape == pytest.approx(0.8, rel=0.05)
    assert found.rate == pytest.approx(60, rel=0.06)
    assert found.pace == pytest.approx(0.8, rel=0.03)


def test_false_alarms_are_as_rare_as_stated():
    # The expected share is a mean over samples; 20 of them leave a standard error of about 0.02.
    assert false_shares(20, changed=0.3).mean() <= 0.14
    calls = [
        judge_fading(counts(1500, seed)[0], as_of=AS_OF, recent_days=DAYS).frame["fading"].sum() for seed in range(8)
    ]
    # Where nobody changed hardly anybody is called fading.
    assert np.mean(calls) < 2


def test_a_general_change_alarms_for_nobody():
    frame, _ = counts(3000, seed=5, pace=0.4)
    found = judge_fading(frame, as_of=AS_OF, recent_days=DAYS)
    assert found.pace == pytest.approx(0.4, rel=0.08)
    assert found.frame["fading"].mean() < 0.005


def test_order_does_not_matter_and_equal_customers_are_treated_alike():
    frame, _ = counts(1500, seed=6, changed=0.4)
    found = judge_fading(frame, as_of=AS_OF, recent_days=DAYS).frame
    mixed = judge_fading(frame.sample(frac=1, random_state=1), as_of=AS_OF, recent_days=DAYS).frame
    assert found["fading"].any()
    pd.testing.assert_frame_equal(found, mixed.reindex(found.index))
    alike = found.groupby(["past", "past_days", "recent"])["fading"]
    assert (alike.max() == alike.min()).all()
    assert found["unchanged"].isna().equals(frame["past"] < 2)


def test_too_little_and_wrong_settings_are_told():
    frame, _ = counts(100, seed=1)
    with pytest.raises(TooLittleData, match="at least 30 customers"):
        judge_fading(frame.head(10), as_of=AS_OF, recent_days=DAYS)
    with pytest.raises(TooLittleData, match="bought lately"):
        judge_fading(frame.assign(recent=0), as_of=AS_OF, recent_days=DAYS)
    with pytest.raises(ValueError, match="false_share"):
        judge_fading(frame, as_of=AS_OF, recent_days=DAYS, false_share=1.0)


def test_a_company_younger_than_the_recent_days_is_told(tmp_path):
    lines = transactions([("o1", "anna", "2026-06-10 10:00", 20.0), ("o2", "anna", "2026-06-12 10:00", 5.0)])
    young = Company.open(write_company(tmp_path / "young", {"transactions": lines}, as_of=AS_OF))
    with pytest.raises(TooLittleData, match="at least 30 customers"):
        fading_customers(young)


def test_counts_are_of_days_after_the_first_purchase(tmp_path):
    days = ["2024-01-05", "2025-05-01", "2025-05-02", "2025-12-30", "2025-12-31", "2026-06-30"]
    rows = [(f"o{number}", "anna", day, 5.0) for number, day in enumerate(days)]
    rows += [("p1", "anna", "2025-05-02", 7.0), ("r1", "anna", "2026-02-02", -5.0), ("n1", "new", "2026-01-01", 5.0)]
    for number in range(40):
        rows += [(f"x{number}-{day}", f"x{number}", f"2025-{day}", 5.0) for day in ("03-01", "06-01", "09-01")]
        rows += [(f"y{number}", f"x{number}", "2026-03-01", 5.0)]
    shop = Company.open(write_company(tmp_path / "shop", {"transactions": transactions(rows)}, as_of="2026-06-30"))
    found = fading_customers(shop, recent_days=182, past_days=365).frame
    # The recent days begin on 31 December: the 30th is the last of the past, which reaches a year back.
    assert found.loc["anna", ["past", "past_days", "recent"]].tolist() == [3, 365, 2]
    assert found.loc["x1", ["past", "past_days", "recent"]].tolist() == [2, 304, 1]
    assert "new" not in found.index
    with pytest.raises(ValueError, match="at least 1"):
        fading_customers(shop, recent_days=0)


def test_who_truly_declined_or_left_is_found_in_the_simulated_company(simulated, simulated_shop):
    found = fading_customers(simulated_shop).frame
    stages = simulated[0].truth["stages"]
    now = stages[stages["begins_at"] <= pd.Timestamp(AS_OF)].groupby("customer_id")["stage"].last()
    judged = found[found["unchanged"].notna()]
    fell = now.reindex(judged.index).isin(["decline", "gone"])
    called = judged["fading"]
    # At most a tenth of false alarms is promised; the binomial error of the share is added.
    assert (~fell[called]).mean() <= 0.1 + 2 * np.sqrt(0.1 * 0.9 / called.sum())
    assert called[fell].mean() > 0.25
    rule = judged["recent"] < 0.5 * judged["past"] / judged["past_days"] * DAYS
    assert fell[called].mean() > fell[rule].mean() > fell.mean()


@pytest.mark.validate
@pytest.mark.parametrize(
    ("changed", "left"), [(0.2, (0.0, 0.5)), (0.2, (0.0, 0.3)), (0.4, (0.0, 0.7)), (0.5, (0.0,)), (0.3, (0.5,))]
)
def test_false_alarms_are_as_rare_as_stated_over_many_samples(changed, left):
    shares = false_shares(300, changed=changed, left=left)
    assert shares.mean() <= 0.1 + 2.5 * shares.std() / np.sqrt(300)
