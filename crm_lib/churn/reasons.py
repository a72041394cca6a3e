"""Why customers leave: the five causes, what a company calls them, and by whose will a contract ends."""

from __future__ import annotations

from typing import Any, Final

import pandas as pd

from crm_lib.company import Company

CAUSES: Final = {
    "natural": "None: part of the tolerable loss. Say goodbye well, and ask for a recommendation.",
    "competition": "Compare price and service with the rival's; match where the margin allows, and say so.",
    "own_fault": "Apologise, put it right, and remove the fault for everybody: quality and complaint handling.",
    "given_up": "None: the company let go of them. Check once a year whether the rule still fits.",
    "other": "Ask why, and record the answer; causes that recur get a remedy of their own.",
}
"""The causes of leaving, in the textbook's order, and the remedy for each."""
VOLUNTARY, INVOLUNTARY = "voluntary", "involuntary"
INVOLUNTARY_REASONS: Final = frozenset(
    {"payment failed", "non-payment", "not paid", "unpaid", "arrears", "fraud", "terminated by the company"}
)
"""Reasons, in small letters, for which not the customer ends a contract; a company's own are mapped to given_up."""


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


def will_of(reason: Any, causes: dict[str, str]) -> str:
    """Return by whose will a contract ended; empty where no reason is told."""
    if not isinstance(reason, str) or pd.isna(reason):
        return ""
    return INVOLUNTARY if cause_of(reason, causes) == "given_up" else VOLUNTARY
