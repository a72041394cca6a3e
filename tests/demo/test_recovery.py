"""What was planted in the demo company can be found again by simple, direct methods.

Tolerances are four standard errors of what is counted: one in 16,000 samples would fail, and the seed is fixed.
"""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from crm_lib.demo import Parameters, simulate
from crm_lib.demo.campaigns import RANDOMISED
from crm_lib.demo.market import ALL_BRANDS, SWITCHING
from crm_lib.demo.parameters import Complaining, Members, Uplift


def within(observed: float, expected: float, error: float) -> bool:
    return abs(observed - expected) < 4 * error


def binomial_error(share: float, n: int) -> float:
    return math.sqrt(share * (1 - share) / n)


@pytest.fixture(scope="module")
def truth(demo):
    return demo.truth["customers"].set_index("customer_id")


@pytest.fixture(scope="module")
def troubled():
    """A company where much goes wrong, nobody is a member, and nobody is won back: many events to count."""
    return simulate(
        seed=11,
        customers=6000,
        parameters=Parameters(
            complaining=Complaining(problem=0.3, told=0.95, unresolved=0.6),
            members=Members(joining={"transactional": 0.0, "relational": 0.0}),
            uplift=Uplift(win_back_arm={"control": 0.0, "email": 0.0, "email_voucher": 0.0}),
        ),
    )


@pytest.fixture(scope="module")
def plain(demo, truth):
    """Customers whose repeat orders are all from the Poisson process: not invited to the evening, never come back."""
    invited = demo.tables["assignments"].query("arm == 'invitation'")["customer_id"]
    return truth.index[truth["returned_at"].isna() & ~truth.index.isin(invited)]


def test_purchase_rates_are_gamma(truth, demo):
    p = demo.parameters.buying
    assert stats.kstest(truth["lambda"], stats.gamma(p.r, scale=1 / p.alpha).cdf).pvalue > 1e-4
    assert stats.kstest(truth["mu"], stats.gamma(p.s, scale=1 / p.beta).cdf).pvalue > 1e-4


def test_repeat_orders_are_poisson_with_the_true_rates(orders, truth, plain):
    repeats = orders.groupby("customer_id").size().reindex(plain) - 1
    expected = (truth["lambda"] * truth["exposure_weeks"]).loc[plain]
    assert within(repeats.sum(), expected.sum(), math.sqrt(expected.sum()))
    frequent = expected > 5
    dispersion = ((repeats - expected) ** 2 / expected)[frequent]
    assert within(dispersion.mean(), 1.0, math.sqrt(2.2 / frequent.sum()))


def test_departures_come_at_the_true_hazard_in_every_local_competition(truth):
    left = truth["left_at"].notna().astype(int) + truth["left_again_at"].notna().astype(int)
    for _, group in truth.assign(left=left).groupby("local_competition"):
        expected = group["cumulative_hazard"].sum()
        assert within(group["left"].sum(), expected, math.sqrt(expected))


def test_an_unresolved_complaint_multiplies_the_hazard_of_leaving(troubled):
    """Departures by own fault for each natural one, under an unresolved complaint against the rest of the time."""
    weeks = pd.Timedelta(weeks=troubled.parameters.leaving.unresolved_weeks)
    problems, complaints = troubled.truth["problems"], troubled.tables["complaints"]
    bad = complaints[complaints["complaint_id"].isin(problems.loc[problems["unresolved"], "complaint_id"])]
    rows = troubled.truth["customers"].dropna(subset="left_at").merge(bad, on="customer_id", how="left")
    after = rows["left_at"] - rows["opened_at"]
    under = rows.assign(under=after.between(pd.Timedelta(days=6), weeks)).groupby("customer_id")["under"].any()
    causes = troubled.truth["customers"].set_index("customer_id")["cause"].reindex(under.index)
    count = pd.crosstab(under, causes)[["own_fault", "natural"]]
    ratio = count["own_fault"] / count["natural"]
    effect = np.log(troubled.parameters.leaving.unresolved_effect["own_fault"])
    assert count.loc[True, "natural"] > 20
    assert within(np.log(ratio[True] / ratio[False]), effect, math.sqrt((1 / count).to_numpy().sum()))


@pytest.mark.parametrize("plan", ["monthly", "annual"])
def test_first_renewals_fail_at_the_mean_of_the_beta(demo, plan):
    coin = getattr(demo.parameters.members, plan)
    members = demo.tables["memberships"].query("plan == @plan")
    months = members["period_months"].iloc[0]
    first_end = members["started_at"] + pd.DateOffset(months=months) - pd.Timedelta(days=1)
    lasted = members["ended_at"].isna() | (members["ended_at"] > first_end + pd.Timedelta(days=4))
    decided = (first_end < "2026-06-24") & (lasted | (members["end_reason"] != "customer left"))
    lost = decided & ~lasted
    expected = coin["a"] / (coin["a"] + coin["b"])
    assert within(lost.sum() / decided.sum(), expected, binomial_error(expected, decided.sum()))


@pytest.fixture(scope="module")
def outcomes(demo, orders):
    """Orders in the outcome window beside the true expectations, a row a customer and campaign."""
    rows = demo.tables["assignments"].merge(demo.truth["uplift"], on=["campaign_id", "customer_id", "arm"])
    inside = rows[["campaign_id", "customer_id", "outcome_from", "outcome_to"]].merge(orders, on="customer_id")
    day = inside["ordered_at"].dt.normalize()
    inside = inside[day.between(inside["outcome_from"], inside["outcome_to"])]
    count = inside.groupby(["campaign_id", "customer_id"]).size().rename("orders")
    return rows.join(count, on=["campaign_id", "customer_id"]).fillna({"orders": 0})


@pytest.mark.parametrize("campaign", [campaign.campaign_id for campaign in RANDOMISED])
def test_randomised_arms_differ_by_the_true_uplift(demo, outcomes, campaign):
    rows = outcomes[outcomes["campaign_id"] == campaign]
    truth = demo.truth["uplift"].query("campaign_id == @campaign").groupby("arm")["extra_orders"].mean()
    control = rows.loc[rows["arm"] == "control", "orders"]
    assert rows["randomised"].all()
    for arm in set(rows["arm"]) - {"control"}:
        treated = rows.loc[rows["arm"] == arm, "orders"]
        error = math.sqrt(treated.var() / len(treated) + control.var() / len(control))
        assert within(treated.mean() - control.mean(), truth[arm], error)


def test_orders_in_the_window_are_those_expected_in_every_arm(outcomes):
    for _, rows in outcomes.groupby(["campaign_id", "arm"]):
        expected = rows["usual_orders"] + rows["extra_orders"]
        assert within(rows["orders"].sum(), expected.sum(), math.sqrt(expected.sum()) + 1)


def test_the_campaign_that_was_not_randomised_looks_far_better_than_it_is(outcomes, demo):
    rows = outcomes[outcomes["campaign_id"] == "K5"]
    invited, others = rows[rows["arm"] == "invitation"], rows[rows["arm"] == "control"]
    assert not rows["randomised"].any()
    seen = invited["orders"].mean() / others["orders"].mean() - 1
    assert seen > 3 * demo.parameters.uplift.targeted
    assert invited["extra_orders"].sum() == pytest.approx(
        demo.parameters.uplift.targeted * invited["usual_orders"].sum()
    )


def test_the_lost_come_back_at_the_true_chances(demo):
    asked = demo.truth["win_back"]
    for arm, rows in asked.groupby("arm"):
        chance = rows[f"chance_{arm}"]
        error = math.sqrt((chance * (1 - chance)).sum())
        assert within(rows["returned"].sum(), chance.sum(), error)
    assert not asked.loc[~asked["gone"], "returned"].any()


def test_order_values_are_gamma_gamma_and_independent_of_the_rates(orders, truth, demo):
    p = demo.parameters.buying
    mean = truth["mean_order_value"].reindex(orders["customer_id"]).to_numpy()
    assert within(orders["revenue"].sum(), mean.sum(), math.sqrt((mean**2 / p.p).sum()))
    relative = orders["revenue"].to_numpy() / mean
    # The relative variance of a gamma variable is 1 / p, that of its estimate (2 + 6 / p) / (n p^2).
    assert within(relative.var(), 1 / p.p, math.sqrt((2 + 6 / p.p) / len(relative)) / p.p)
    assert stats.kstest(truth["nu"], stats.gamma(p.q, scale=1 / p.gamma).cdf).pvalue > 1e-4
    assert abs(stats.spearmanr(truth["lambda"], truth["mean_order_value"]).statistic) < 4 / math.sqrt(len(truth))


def test_transactional_customers_buy_on_discount(demo, truth):
    lines = demo.tables["transactions"].query("revenue > 1")
    relational = truth["type"].reindex(lines["customer_id"]).to_numpy() != "transactional"
    for side, mask in (("relational", relational), ("transactional", ~relational)):
        share = demo.parameters.relationship.discounted[side]
        discounted = (lines["discount"].to_numpy() > 0)[mask]
        assert within(discounted.mean(), share, binomial_error(share, mask.sum()))


def test_margins_of_orders_are_those_expected(orders, truth):
    margin = orders["revenue"] - orders["cost"]
    expected = truth["order_margin"].reindex(orders["customer_id"])
    assert within(margin.mean(), expected.mean(), margin.std() / math.sqrt(len(margin)))


def test_surveyed_satisfaction_is_the_weighted_sum_that_was_planted(demo):
    settings, surveys = demo.parameters.satisfaction, demo.tables["surveys"]
    own = surveys[surveys["brand"].isna() & ~surveys["customer_id"].isin(demo.tables["complaints"]["customer_id"])]
    own = own[own["value_for_money"].between(1, 10)]
    perceived = sum(weight * own[name].mean() for name, weight in settings.weights.items())
    expected = perceived + settings.disconfirmation * (perceived - own["expectation"].mean())
    # Scales end at 1 and 10: cutting moves the means a little.
    assert own["satisfaction"].mean() == pytest.approx(expected, abs=0.1)


def test_the_satisfied_refer(demo):
    customers = demo.tables["customers"].dropna(subset="referred_by")
    quarter = (customers["acquired_at"] - pd.Timestamp(2023, 7, 1)).dt.days // 91
    everyone = demo.truth["satisfaction"]
    referrers = pd.DataFrame({"customer_id": customers["referred_by"], "quarter": quarter}).merge(everyone)
    gap = referrers["satisfaction"].mean() - everyone["satisfaction"].mean()
    # Weighting a normal variable by exp(pull * x) moves its mean by pull * variance.
    expected = demo.parameters.satisfaction.referral_pull * everyone["satisfaction"].var()
    assert gap == pytest.approx(expected, rel=0.25)


def test_departures_are_documented_at_the_stated_share(demo, truth):
    n = truth["left_at"].notna().sum() + truth["left_again_at"].notna().sum()
    share = demo.parameters.leaving.documented
    assert within(len(demo.tables["departures"]) / n, share, binomial_error(share, n))


def test_the_panel_switches_as_planted(demo):
    panel = demo.tables["switching"].query("customer_id.isna()")
    for row, brand in enumerate(ALL_BRANDS):
        now = panel.loc[panel["from_brand"] == brand, "to_brand"].value_counts()
        for column, other in enumerate(ALL_BRANDS):
            share = SWITCHING[row, column]
            assert within(now.get(other, 0) / now.sum(), share, binomial_error(share, int(now.sum())))
