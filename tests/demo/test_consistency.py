"""The tables of the demo company agree with each other and with the truth."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

LATER = pd.Timestamp(2100, 1, 1)


@pytest.fixture(scope="module")
def spans(demo):
    """When each customer was won, left, came back and left again; what did not happen lies far ahead."""
    truth = demo.truth["customers"].set_index("customer_id")
    return truth[["acquired_at", "left_at", "returned_at", "left_again_at"]].fillna(LATER)


def is_customer(spans, customer_id, when):
    own, day = spans.loc[customer_id], pd.to_datetime(when).dt.normalize().to_numpy()
    first = (own["acquired_at"].to_numpy() <= day) & (day <= own["left_at"].to_numpy())
    return first | ((own["returned_at"].to_numpy() <= day) & (day <= own["left_again_at"].to_numpy()))


@pytest.mark.parametrize(
    ("table", "when"),
    [
        ("transactions", "ordered_at"),
        ("interactions", "occurred_at"),
        ("complaints", "opened_at"),
        ("memberships", "started_at"),
        ("departures", "departed_at"),
    ],
)
def test_nothing_happens_before_a_customer_is_won_or_after_leaving(demo, spans, table, when):
    rows = demo.tables[table]
    assert is_customer(spans, rows["customer_id"], rows[when]).all()


def test_the_first_order_is_the_day_a_customer_was_won(demo, orders):
    first = orders.groupby("customer_id")["ordered_at"].min().dt.normalize()
    won = demo.tables["customers"].set_index("customer_id")["acquired_at"]
    assert (first.reindex(won.index) == won).all()


def test_returns_are_lines_bought_some_days_before(lines):
    returned, bought = lines[lines["revenue"] < 0], lines[lines["revenue"] > 0]
    assert (returned[["quantity", "cost"]] < 0).all(axis=None)
    keys = ["customer_id", "product_id", "revenue"]
    pairs = returned.assign(revenue=-returned["revenue"]).merge(bought, on=keys, suffixes=("", "_bought"))
    gap = (pairs["ordered_at"] - pairs["ordered_at_bought"]).dt.days
    matched = pairs[(gap >= 1) & (gap <= 24)]
    assert set(returned["line_id"]) == set(matched["line_id"])


def test_memberships_end_after_they_begin_and_outlive_a_leaver_by_a_period_at_most(demo, spans):
    members = demo.tables["memberships"]
    ended = members[members["ended_at"].notna()]
    assert (ended["ended_at"] > ended["started_at"]).all()
    assert (ended["end_reason"].notna()).all()
    assert members.loc[members["ended_at"].isna(), "end_reason"].isna().all()
    left = spans.loc[ended["customer_id"], "left_at"].to_numpy()
    by_leaving = (ended["end_reason"] == "customer left").to_numpy()
    over = (ended["ended_at"].to_numpy() - left)[by_leaving] / np.timedelta64(1, "D")
    assert over.min() >= -1
    assert (over <= 31 * ended["period_months"].to_numpy()[by_leaving]).all()
    running = members[members["ended_at"].isna()]
    gone = spans.loc[running["customer_id"], "left_at"].to_numpy()
    age = (pd.Timestamp(2026, 6, 30).to_numpy() - gone) / np.timedelta64(1, "D")
    assert (age <= 31 * running["period_months"].to_numpy()).all()


def test_complaints_close_after_they_open(demo):
    complaints = demo.tables["complaints"]
    closed = complaints["closed_at"].notna()
    assert (complaints["closed_at"] > complaints["opened_at"])[closed].all()
    outcome = complaints[["resolution", "satisfied", "followed_up"]]
    assert outcome[closed].notna().all(axis=None)
    assert outcome[~closed].isna().all(axis=None)


def test_contacts_are_about_orders_of_the_same_customer_in_their_phase(demo, orders):
    contacts = demo.tables["interactions"].merge(orders, on="order_id", suffixes=("", "_order"), validate="m:1")
    assert len(contacts) == len(demo.tables["interactions"])
    assert (contacts["customer_id"] == contacts["customer_id_order"]).all()
    gap = contacts["occurred_at"] - contacts["ordered_at"]
    assert (gap[contacts["phase"] == "before"] < pd.Timedelta(0)).all()
    assert (gap[contacts["phase"] == "after"] > pd.Timedelta(0)).all()
    assert set(contacts["phase"]) == {"before", "during", "after"}


def test_every_complaint_is_a_contact_at_its_moment(demo):
    complaints, contacts = demo.tables["complaints"], demo.tables["interactions"]
    moments = contacts.loc[contacts["kind"] == "complaint", ["customer_id", "occurred_at"]]
    both = complaints.merge(moments, left_on=["customer_id", "opened_at"], right_on=["customer_id", "occurred_at"])
    assert both["complaint_id"].nunique() == len(complaints) == len(moments)


def test_employees_serve_customers_while_employed(demo):
    staff = demo.tables["employees"].drop_duplicates("employee_id", keep="last")
    served = demo.tables["interactions"].merge(staff, on="employee_id")
    day = served["occurred_at"].dt.normalize()
    assert (day >= served["hired_at"]).all()
    assert (day <= served["left_at"].fillna(LATER)).all()


def test_campaigns_address_customers_won_by_then_who_may_be_contacted(demo):
    rows = demo.tables["assignments"].merge(demo.tables["customers"], on="customer_id")
    campaigns = demo.tables["campaigns"].set_index("campaign_id")
    assert (rows["acquired_at"] < rows["assigned_at"]).all()
    assert rows["contact_allowed"].all()
    assert (rows["assigned_at"].to_numpy() == campaigns.loc[rows["campaign_id"], "started_at"].to_numpy()).all()
    answered = rows.dropna(subset="responded_at")
    assert set(answered["arm"]) == {"email_voucher"}
    assert answered["responded_at"].between(answered["outcome_from"], answered["outcome_to"]).all()


def test_known_departures_are_true_ones(demo):
    truth = demo.truth["customers"]
    first = truth[["customer_id", "left_at", "cause"]].set_axis(["customer_id", "departed_at", "cause"], axis=1)
    again = truth[["customer_id", "left_again_at", "cause_again"]].set_axis(first.columns, axis=1)
    known = demo.tables["departures"]
    assert len(known.merge(pd.concat([first, again]).drop_duplicates())) == len(known)


def test_prospects_became_the_customers_they_name(demo):
    customers = demo.tables["customers"].set_index("customer_id")
    won = demo.tables["prospects"].dropna(subset="customer_id")
    own = customers.loc[won["customer_id"]]
    assert 0.2 < len(won) / len(demo.tables["prospects"]) < 0.8
    assert (won["converted_at"].to_numpy() == own["acquired_at"].to_numpy()).all()
    assert (won["first_seen_at"] <= won["converted_at"]).all()
    for name in ("acquisition_channel", "customer_group", "local_competition", "acquisition_cost"):
        assert (won[name].to_numpy() == own[name].to_numpy()).all(), name


def test_deals_go_through_their_stages_in_order(demo):
    deals = demo.tables["opportunities"].sort_values(["opportunity_id", "stage_number"])
    following = deals.groupby("opportunity_id").shift(-1)
    goes_on = following["stage_number"].notna()
    assert (deals["outcome"][goes_on] == "advanced").all()
    assert (deals["stage_number"] + 1 == following["stage_number"])[goes_on].all()
    assert (deals["left_at"] == following["entered_at"])[goes_on].all()
    assert (deals["left_at"].dropna() >= deals["entered_at"][deals["left_at"].notna()]).all()
    assert set(deals["outcome"].dropna()) == {"advanced", "won", "lost"}


def test_a_prospect_becomes_a_customer_when_the_deal_is_won(demo):
    deals = demo.tables["opportunities"].dropna(subset="prospect_id")
    prospects = demo.tables["prospects"].set_index("prospect_id")
    won = deals[deals["outcome"] == "won"]
    assert (won["left_at"].to_numpy() == prospects.loc[won["prospect_id"], "converted_at"].to_numpy()).all()
    assert set(won["prospect_id"]) == set(deals["prospect_id"]) & set(prospects.dropna(subset="customer_id").index)


def test_benchmarks_of_satisfaction_are_those_of_the_surveys(demo):
    surveys, benchmarks = demo.tables["surveys"], demo.tables["competitors"]
    half = ((surveys["responded_at"] - pd.Timestamp(2023, 7, 1)).dt.days // 182).clip(0, 5)
    mean = surveys.groupby([surveys["brand"].fillna("Lantern Books"), half])["satisfaction"].mean()
    rows = benchmarks[benchmarks["measure"] == "Satisfaction"].sort_values(["brand", "measured_at"])
    assert len(rows) == 24
    assert np.allclose(rows["value"].to_numpy(), mean.sort_index().to_numpy(), atol=0.005)


def test_who_referred_was_won_earlier_and_was_still_a_customer(demo, spans):
    referred = demo.tables["customers"].dropna(subset="referred_by")
    assert set(referred["acquisition_channel"]) == {"referral"}
    assert is_customer(spans, referred["referred_by"], referred["acquired_at"]).all()
    assert (spans.loc[referred["referred_by"], "acquired_at"].to_numpy() < referred["acquired_at"].to_numpy()).all()


def test_stages_follow_each_other_without_gap(demo):
    stages = demo.truth["stages"]
    following = stages.groupby("customer_id").shift(-1)
    has_next = following["begins_at"].notna()
    assert (stages["ends_at"] == following["begins_at"])[has_next].all()
    assert (stages.groupby("customer_id")["stage"].first() == "exploration").all()
    gone = demo.truth["customers"].dropna(subset="left_at")["customer_id"]
    assert set(stages.loc[stages["stage"] == "gone", "customer_id"]) == set(gone)
