"""Findings on core customers: whether their orders lead to more complaints, and whether these are settled as well."""

from __future__ import annotations

import math
from typing import Any

from crm_lib import language
from crm_lib.errors import TooLittleData
from crm_lib.estimate import Estimate
from crm_lib.finding import Criterion, Finding, Verdict
from crm_lib.segments.value.core_comparison import CoreComparison


def finding_core_complaints(found: CoreComparison, *, currency: str, at_most: float = 1.25) -> Finding:
    """Return the finding on whether core customers complain more often than their orders explain.

    Parameters
    ----------
    found : CoreComparison
        Core customers and the others.
    currency : str
        ISO code.
    at_most : float
        Complaints an order count as explained up to this many times those of the others.

    Returns
    -------
    Finding
        Supported when the whole interval of the ratio an order lies at or below `at_most`. At stake is the value of the
        core customers.

    Raises
    ------
    TooLittleData
        If the company knows no complaints, or too few for a ratio.
    """
    estimate = _estimate(found, "complaints", "by_order")
    row: dict[Any, Any] = found.frame.loc["complaints"].to_dict()
    places = {
        "core": language.number(found.core, 0),
        "share": language.share(found.core / found.customers),
        "times": language.number(at_most),
        "theirs": language.share(row["share"].value),
    }
    decisions = {
        Verdict.SUPPORTED: (
            "Per order they complain hardly more than others: mend what goes wrong for everybody, and settle theirs "
            "first: {theirs} of all complaints."
        ),
        Verdict.NOT_SUPPORTED: (
            "More goes wrong with core customers' orders, or they bear less: go through their complaints by topic "
            "before anything else is done for them."
        ),
        Verdict.UNDECIDED: "Settle core customers' complaints first; whether more goes wrong for them is open.",
    }
    return Finding(
        key="segments.core_complaints",
        claim=language.text(
            "An order of a core customer leads to at most {times} times the complaints of another customer's order."
        ).format(**places),
        source="Textbook 4.3.1, valuable customers first",
        estimate=estimate,
        criterion=Criterion(high=at_most),
        sentence=language.text(
            "{core} core customers ({share}) make {{of_complaints}} of all complaints: {{by_customer}} times the "
            "others' by customer, {{estimate}} times by order."
        ).format(**places),
        decisions={verdict: language.text(words).format(**places) for verdict, words in decisions.items()},
        more={"of_complaints": row["share"], "by_customer": row["by_customer"]},
        money_at_stake=Estimate.exact(found.core_value * 365 / found.days, n=found.core, unit=currency, method="sum"),
        money_note=language.text("what these customers bring in a year; how much of it complaints cost is not known"),
    )


def finding_core_settled(found: CoreComparison, *, currency: str, tolerance: float = 0.05) -> Finding:
    """Return the finding on whether core customers' complaints are settled at least as well as those of others.

    Parameters
    ----------
    found : CoreComparison
        Core customers and the others.
    currency : str
        ISO code.
    tolerance : float
        Share of complaints by which core customers may fall short and still count as served as well.

    Returns
    -------
    Finding
        Supported when the whole interval of the difference lies above minus `tolerance`. At stake is the value of the
        core customers with an unsettled complaint; nothing is stated where they are few.

    Raises
    ------
    TooLittleData
        If it is not known when complaints were closed, or there are too few.
    """
    if found.handling is None:
        raise TooLittleData(language.text("it is not known when complaints were closed"), table="complaints")
    rows: dict[Any, dict[Any, Any]] = found.handling.T.to_dict()
    row = rows["settled"]
    estimate: Estimate = row["difference"]
    if math.isnan(estimate.value):
        raise TooLittleData(_too_few(), table="complaints")
    places = {
        "days": language.number(found.settle_days, 0),
        "core": language.share(row["core"]),
        "others": language.share(row["others"]),
        "tolerance": language.share(tolerance),
        "waiting": language.number(found.waiting, 0),
    }
    decisions = {
        Verdict.SUPPORTED: (
            "Core customers' complaints are handled no worse than others'. To put them first, turn to the {waiting} "
            "core customers with an unsettled complaint now."
        ),
        Verdict.NOT_SUPPORTED: (
            "Core customers are served worse than others: give their complaints an owner and a deadline, and begin "
            "with the {waiting} who are waiting now."
        ),
        Verdict.UNDECIDED: (
            "Nothing shows that core customers are put first, nor that they are neglected: turn to the {waiting} core "
            "customers with an unsettled complaint, and look again."
        ),
    }
    stake = None
    if math.isfinite(found.value_waiting):
        stake = Estimate.exact(found.value_waiting * 365 / found.days, n=found.waiting, unit=currency, method="sum")
    return Finding(
        key="segments.core_settled",
        claim=language.text(
            "Complaints of core customers are settled within {days} days at least as often as those of others (within "
            "{tolerance})."
        ).format(**places),
        source="Textbook 4.3.1, valuable customers first",
        estimate=estimate,
        criterion=Criterion(low=-tolerance),
        sentence=language.text(
            "{core} of core customers' complaints were settled within {days} days, {others} of the others': a "
            "difference of {{estimate}}. In the time to the closing they differ by {{until}}."
        ).format(**places),
        decisions={verdict: language.text(words).format(**places) for verdict, words in decisions.items()},
        more={"until": rows["days"]["difference"]},
        money_at_stake=stake,
        money_note=""
        if stake is None
        else language.text("what core customers with an unsettled complaint bring in a year"),
    )


def _estimate(found: CoreComparison, measure: str, column: str) -> Estimate:
    estimate = found.frame.loc[measure, column] if measure in found.frame.index else None
    if not isinstance(estimate, Estimate) or math.isnan(estimate.value):
        raise TooLittleData(_too_few(), table="complaints")
    return estimate


def _too_few() -> str:
    return language.text("there are too few complaints of core customers, or of others, to compare them")
