"""Whom to contact, from a company's tables alone: the last window is scored, and the lists are made of it."""

from __future__ import annotations

from crm_lib import segments
from crm_lib.company import Company


def company_lists(
    company: Company,
    *,
    definitions: segments.SegmentDefinitions | None = None,
    dissatisfied_below: float = 6.0,
) -> segments.TargetLists:
    """Return the target lists that a company's data allow.

    Parameters
    ----------
    company : Company
        The company.
    definitions : SegmentDefinitions, optional
        Who is scored over which days, and how; by default the company's own, or the usual ones.
    dissatisfied_below : float
        A last answer with a satisfaction below this is dissatisfied.

    Returns
    -------
    TargetLists
        The lists; what the company lacks is left out and said.

    Raises
    ------
    TooLittleData
        If nobody bought anything in the window.
    """
    definitions = segments.definitions_of(company) if definitions is None else definitions
    now = segments.segment_customers(company, definitions)
    before = segments.window_before(company, days=definitions.window_days)
    # By today's borders, so that nobody has moved because a border did.
    tier_before = (
        None if before is None else segments.value_tiers(before[now.value_kind], cut_points=now.tiers.cut_points)
    )
    return segments.target_lists(
        company,
        segment=now.rfm.frame["segment"],
        tier=now.tiers.frame["tier"],
        tier_before=None if tier_before is None else tier_before.frame["tier"],
        days=definitions.window_days,
        dissatisfied_below=dissatisfied_below,
        segment_names=[rule.name for rule in now.rfm.rules],
    )
