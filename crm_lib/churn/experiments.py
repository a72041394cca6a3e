"""Campaigns with a randomised control group: who was in which arm, what it cost, and what came of it."""

from __future__ import annotations

from typing import Final

import pandas as pd

from crm_lib.company import Company
from crm_lib.errors import MissingData, TooLittleData
from crm_lib.language import say

CONTROLS: Final = frozenset({"control", "holdout", "hold-out", "no contact", "none"})
"""Names of the arm that nothing is done to, in small letters."""
WIN_BACK: Final = frozenset({"win back", "win-back", "winback"})
"""Goals of campaigns to the lost, in small letters."""
FEWEST = 50
"""Customers that an arm must have: with fewer, chance decides."""


def experiment(company: Company, *, win_back: bool) -> pd.DataFrame:
    """Return the customers of the company's randomised campaigns to win back, or of the others, whose windows are over.

    A row a customer and campaign: ``campaign_id``, ``customer_id``, ``assigned_at``, ``arm`` ("control", or the
    company's own), ``cost`` (money; 0 where not known), ``outcome_from``, ``outcome_to``. Campaigns without a control
    arm, and arms of fewer than 50 customers, say nothing and are left out; TooLittleData where no other remains.
    """
    needed = ("campaign_id", "customer_id", "assigned_at", "arm", "randomised", "outcome_from", "outcome_to")
    if not company.has("assignments", *needed):
        raise MissingData("assignments", needed)
    rows = company.frame("assignments", *needed, *(["cost"] if company.has("assignments", "cost") else []))
    lost: set[str] = set()
    if company.has("campaigns", "campaign_id", "goal"):
        told = company.frame("campaigns", "campaign_id", "goal")
        lost = set(told.loc[told["goal"].astype(str).str.strip().str.lower().isin(WIN_BACK), "campaign_id"])
    rows = rows[rows["campaign_id"].isin(lost) == win_back]
    rows = rows[rows["randomised"].astype("boolean").fillna(value=False).astype(bool)]
    days = ["assigned_at", "outcome_from", "outcome_to"]
    rows[days] = rows[days].apply(pd.to_datetime)
    rows = rows[rows["outcome_to"] <= pd.Timestamp(company.as_of)]
    named = rows["arm"].str.strip().str.lower()
    rows["arm"] = rows["arm"].where(~named.isin(CONTROLS), "control")
    rows = rows[rows.groupby(["campaign_id", "arm"])["customer_id"].transform("size") >= FEWEST]
    arms = rows.groupby("campaign_id")["arm"]
    rows = rows[arms.transform(lambda arm: arm.eq("control").any() and arm.ne("control").any()).astype(bool)]
    if rows.empty:
        message = "needs a campaign that drew by chance at least {n} customers for an offer and {n} for a control group"
        raise TooLittleData(say(message, n=FEWEST), table="assignments")
    rows["cost"] = rows["cost"].fillna(0.0).astype(float) if "cost" in rows else 0.0
    rows = rows.sort_values(["assigned_at", "campaign_id", "customer_id"], ignore_index=True)
    return rows[[*needed[:4], "cost", "outcome_from", "outcome_to"]]
