"""Whom to contact, from a company's tables alone: the last window is scored and analysed, and lists are made of it."""

from __future__ import annotations

from crm_lib import segments
from crm_lib.company import Company


def company_lists(
    company: Company,
    *,
    segmented: segments.Segmented | None = None,
    evidence: segments.TargetEvidence | None = None,
    dissatisfied_below: float = 6.0,
    contact_cost: float = 3.5,
    saved_share: float = 0.1,
    risk_days: int = 91,
    false_alarm: float = 0.05,
    seed: int = 20260101,
) -> segments.TargetLists:
    """Return the target lists that a company's data allow.

    Parameters
    ----------
    company : Company
        The company.
    segmented : Segmented, optional
        Its customers in segments and tiers; by default by the company's own definitions, or the usual ones.
    evidence : TargetEvidence, optional
        Results of analyses that there are already; what is not given is computed.
    dissatisfied_below : float
        A last answer with a satisfaction below this is dissatisfied.
    contact_cost : float
        Cost of a personal contact (money).
    saved_share : float
        Part of those about to leave whom such a contact keeps: an assumption to be tested.
    risk_days : int
        Days ahead over which the risk of falling silent is told.
    false_alarm : float
        Share of the customers not in decline who may be warned of in a quarter.
    seed : int
        Seed of the random numbers behind the warning's threshold.

    Returns
    -------
    TargetLists
        The lists; what the company's data do not allow is left out and said.

    Raises
    ------
    TooLittleData
        If nobody bought anything in the window.
    ValueError
        If a setting is out of its range.
    """
    if segmented is None:
        segmented = segments.segment_customers(company, segments.definitions_of(company))
    found = segments.target_evidence(
        company,
        segmented.tiers.frame["value"],
        known=evidence,
        contact_cost=contact_cost,
        saved_share=saved_share,
        risk_days=risk_days,
        false_alarm=false_alarm,
        seed=seed,
    )
    return segments.target_lists(company, segmented, evidence=found, dissatisfied_below=dissatisfied_below)
