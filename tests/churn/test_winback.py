"""The win-back plan: chances against the truth, the budget, who is never won back."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from crm_lib.churn import churned as who_left, finding_small, finding_winback, winback_plan
from crm_lib.churn.winback import EFFORTS, NEVER, _effect, _Returning, winback_trial
from crm_lib.company import Company
from crm_lib.errors import TooLittleData
from crm_lib.finding import Verdict
from tests.companies import transactions, write_company


@pytest.fixture(scope="module")
def plan(simulated_shop, churned):
    return winback_plan(simulated_shop, churned)


def test_the_trial_recovers_who_returns_because_of_the_offer(plan, simulation):
    truth = simulation.truth["win_back"].set_index("customer_id")
    trial = plan.trial.frame
    true = truth.loc[trial["customer_id"]]
    for arm in ("control", "email", "email_voucher"):
        inside = (trial["arm"] == arm).to_numpy()
        came, chance = trial.loc[inside, "returned"], true.loc[inside, f"chance_{arm}"]
        # Some had never left: they come back beyond the planted chance.
        assert came.mean() == pytest.approx(chance.mean(), abs=0.06)
    assert plan.trial.offer == "email_voucher"


def test_chances_of_the_plan_follow_the_planted_causes(plan):
    chance = plan.frame.groupby("cause")["chance"].mean()
    # Planted: competition 16 %, natural 3 %, times 1.8 by the voucher less 0.2 for no offer.
    assert chance["competition"] > chance["natural"]
    assert "given_up" not in chance
    assert plan.frame["chance"].between(0, 0.6).all()


def test_chances_by_cause_are_nearer_to_the_truth_than_one_share_for_all(plan, simulation):
    truth = simulation.truth["win_back"].set_index("customer_id")
    known = plan.trial.frame.set_index("customer_id")
    true = truth.loc[known.index]
    errors = {"ours": [], "share": []}
    for half in (known.index[::2], known.index[1::2]):
        rest = known.drop(index=half)
        told = _Returning(known.loc[half]).told(rest, pd.Series(0.0, index=rest.index))
        came = known.loc[half].groupby("arm")["returned"].mean()
        gained = true.filter(like="chance_").sub(true["chance_control"], axis=0)
        planted = np.array([gained.loc[who, f"chance_{offer}"] for who, offer in told["offer"].items()])
        errors["ours"].extend((told["chance"].to_numpy() - planted) ** 2)
        errors["share"].extend((told["offer"].map(came).to_numpy() - came["control"] - planted) ** 2)
    assert stats.ttest_rel(errors["ours"], errors["share"], alternative="less").pvalue < 0.01


def test_the_plan_is_in_the_order_of_money_per_cost_and_keeps_to_the_budget(simulated_shop, churned, plan):
    ratio = (plan.frame["gain"] / plan.frame["cost"]).to_numpy()
    assert (np.diff(ratio) <= 1e-9).all()
    assert (plan.frame["gain"] > 0).all()
    spent = float(plan.frame["cost"].sum()) / 3
    small = winback_plan(simulated_shop, churned, budget=spent)
    assert small.frame["cost"].sum() <= spent
    assert small.frame.index.tolist() == plan.frame.index[: len(small.frame)].tolist()
    assert small.left_out["beyond the budget"] == len(plan.frame) - len(small.frame)
    assert winback_plan(simulated_shop, churned, budget=0.0).frame.empty
    assert plan.gain.low < plan.frame["gain"].sum() < plan.gain.high


def test_everybody_gone_is_in_the_plan_or_left_out_for_one_reason(plan, churned):
    assert len(plan.frame) + plan.left_out.sum() == churned.frame["gone"].sum()
    assert set(plan.frame["tier"]) <= {"key", "major", "ordinary"}
    assert (plan.frame["effort"] == plan.frame["tier"].map(EFFORTS)).all()
    calls = plan.frame.loc[plan.frame["tier"] == "key", "cost"]
    assert (calls >= 3.5).all()


def test_an_offer_that_changes_nothing_is_found_to_pay_no_more_often_than_stated(plan):
    rng, said, n = np.random.default_rng(4), 0, 600
    for _ in range(300):
        # Few return, and what they bring is skewed; the arms do not differ.
        profit = (rng.random(n) < 0.1) * rng.lognormal(3, 1, n)
        frame = pd.DataFrame({"arm": rng.permutation(["letter", "control"] * (n // 2)), "profit": profit})
        frame = frame.assign(returned=profit > 0)
        effects = {"all": _effect(frame, "letter", "GBP")}
        found = finding_winback(replace(plan.trial, frame=frame, offer="letter", effects=effects), plan)
        said += found.verdict is Verdict.SUPPORTED
    assert said / 300 <= 0.05


def test_findings_follow_the_campaign(plan):
    finding = finding_winback(plan.trial, plan)
    assert finding.estimate == plan.trial.effects["all"]
    assert finding.verdict is not Verdict.NOT_SUPPORTED
    assert finding_small(plan.tried()).verdict is not Verdict.SUPPORTED


def _lost(tmp_path, **columns):
    rows = [(f"o{n}", f"c{n}", "2025-01-10", amount) for n, amount in enumerate((100.0, 100.0, 100.0, 100.0, 100.0))]
    rows += [("o5", "c4", "2025-01-11", -100.0), ("o6", "new", "2026-06-20", 60.0)]
    customers = pd.DataFrame({"customer_id": [f"c{n}" for n in range(5)], **columns})
    tables = {"transactions": transactions(rows), "customers": customers}
    return Company.open(write_company(tmp_path / "lost", tables, as_of="2026-06-30"))


def test_the_four_kinds_are_never_won_back_and_without_a_campaign_chances_are_assumed(tmp_path):
    shop = _lost(tmp_path, hurt_staff=["no", "yes", "", "", ""], harms_reputation=["no", "", "True", "", ""])
    found = winback_plan(shop, who_left(shop, 100), contact_cost=1.0, offer_cost=2.0, assumed_return=0.1)
    assert found.left_out[NEVER["hurt_staff"]] == 1
    assert found.left_out[NEVER["harms_reputation"]] == 1
    assert found.left_out[NEVER["never_profitable"]] == 1
    assert sorted(found.frame.index) == ["c0", "c3"]
    row = found.frame.loc["c0"]
    assert row["second"] == 100.0
    extra = 1.0 if row["tier"] == "key" else 0.0
    assert row["cost"] == pytest.approx(1.0 + 0.1 * 2.0 + extra)
    assert row["gain"] == pytest.approx(0.1 * 100 - row["cost"])
    assert "an assumption" in row["reason"]
    assert found.gain.is_exact
    with pytest.raises(TooLittleData, match="no campaign to win back"):
        found.tried()


def test_bad_terms_and_nobody_gone_are_told(tmp_path, simulated_shop, churned):
    with pytest.raises(ValueError, match="must not be negative"):
        winback_plan(simulated_shop, churned, budget=-1.0)
    with pytest.raises(ValueError, match="between 0 and 1"):
        winback_plan(simulated_shop, churned, assumed_return=0.0)
    shop = _lost(tmp_path, name="x")
    with pytest.raises(TooLittleData, match="nobody is gone"):
        winback_plan(shop, who_left(shop, 4000))


def test_an_early_campaign_is_not_judged_before_its_year_is_over(simulated_folder):
    # The campaign began in March 2025: half a year later nothing can be said.
    with pytest.raises(TooLittleData, match="30 returns in campaigns to win back, a year ago or longer"):
        winback_trial(Company.open(simulated_folder, as_of="2025-10-01"))
