"""Why customers leave: the five causes, what a company calls them, and by whose will a contract ends."""

from __future__ import annotations

from typing import Any, Final

import pandas as pd

from crm_lib.company import Company
from crm_lib.customers import known_rows
from crm_lib.errors import MissingData

CAUSES: Final = {
    "natural": "None: part of the tolerable loss. Say goodbye well, and ask for a recommendation.",
    "competition": "Compare price and service with the rival's; match where the margin allows, and say so.",
    "own_fault": "Apologise, put it right, and remove the fault for everybody: quality and complaint handling.",
    "given_up": "None: the company let go of them. Check once a year whether the rule still fits.",
    "other": "Ask why, and record the answer; causes that recur get a remedy of their own.",
}
"""The causes of leaving, in the textbook's order, and the remedy for each."""
INVOLUNTARY_REASONS: Final = frozenset(
    {"payment failed", "non-payment", "not paid", "unpaid", "arrears", "fraud", "terminated by the company"}
)
"""Reasons, in small letters, for which not the customer ends a contract; a company's own are mapped to given_up."""
TOPIC_DAYS = 91
"""A complaint of so many days before stands for the cause where its topic is mapped to one and no other is told."""


def own_causes(company: Company) -> dict[str, str]:
    """Return the cause of each of the company's own words, in small letters: ``[causes]`` of its ``company.toml``."""
    return {words.strip().lower(): cause for words, cause in company.causes.items()}


def cause_of(words: Any, causes: dict[str, str]) -> str | None:
    """Return the cause that a reason stands for; None where nobody said."""
    if not isinstance(words, str):
        return None
    name = words.strip().lower()
    if name in INVOLUNTARY_REASONS and name not in causes:
        return "given_up"
    return causes.get(name)


def known_departures(company: Company) -> pd.DataFrame:
    """Return the departures the company learnt of: ``customer_id``, ``departed_at`` and ``cause`` (missing: not told).

    They come from the table of departures, else from contracts that ended. Where no cause is told, the topic of a
    complaint shortly before stands for one, if ``[causes]`` of ``company.toml`` maps it.
    """
    causes = own_causes(company)
    if company.has("departures", "customer_id", "departed_at"):
        rows: pd.DataFrame = known_rows(company, "departures").execute()
        rows = rows.reindex(columns=["customer_id", "departed_at", "cause"])
    elif company.has("memberships", "customer_id", "ended_at", "end_reason"):
        frame = company.frame("memberships", "customer_id", "ended_at", "end_reason").dropna(subset=["ended_at"])
        rows = frame.rename(columns={"ended_at": "departed_at"}).drop(columns="end_reason")
        rows["cause"] = [cause_of(reason, causes) for reason in frame["end_reason"]]
    else:
        raise MissingData("departures", ("customer_id", "departed_at"))
    rows["departed_at"] = pd.to_datetime(rows["departed_at"]).astype("datetime64[s]")
    rows["cause"] = rows["cause"].astype(object).where(rows["cause"].notna(), None)
    rows = rows.sort_values(["departed_at", "customer_id"], ignore_index=True)
    if causes and rows["cause"].isna().any() and company.has("complaints", "opened_at", "topic"):
        told = company.frame("complaints", "customer_id", "opened_at", "topic").dropna().sort_values("opened_at")
        told = told.assign(opened_at=pd.to_datetime(told["opened_at"]).astype("datetime64[s]"))
        near = pd.merge_asof(
            rows, told, left_on="departed_at", right_on="opened_at", by="customer_id",
            tolerance=pd.Timedelta(days=TOPIC_DAYS),
        )  # fmt: skip
        by_topic = near["topic"].map(lambda topic: cause_of(topic, causes))
        rows["cause"] = rows["cause"].where(rows["cause"].notna(), by_topic)
    return rows
