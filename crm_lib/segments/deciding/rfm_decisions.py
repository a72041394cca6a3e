"""The RFM segments' decisions, against the window before where the data reach back so far."""

from __future__ import annotations

import datetime as dt

import pandas as pd

from crm_lib.company import Company
from crm_lib.customers.window import customer_window
from crm_lib.errors import TooLittleData
from crm_lib.segments.deciding.decisions import Decisions, decisions
from crm_lib.segments.levels.levels import RelationshipLevels
from crm_lib.segments.rfm.in_engine import Segmented, segment_customers

_SLACK = 0.02
"""Share of a window that may pass before the first order without the window counting as cut short."""


def window_before(company: Company, *, days: int = 365) -> pd.DataFrame | None:
    """Return the customers of the window before the last one, or None where the data do not reach back so far.

    Parameters
    ----------
    company : Company
        The company.
    days : int
        Length of each window.

    Returns
    -------
    DataFrame or None
        As of :func:`~crm_lib.segments.customer_window`, with what was known on its last day. None where the first
        order known came after the window had begun: a window cut short would make everything seem to grow.
    """
    ending = company.as_of - dt.timedelta(days=days)
    lines = company.table("transactions")
    first = pd.Timestamp(lines.ordered_at.min().execute())
    begins = pd.Timestamp(ending) - pd.Timedelta(days=days)
    if first > begins + pd.Timedelta(days=1 + _SLACK * days):
        return None
    try:
        return customer_window(company, days=days, ending=ending)
    except TooLittleData:
        return None


def rfm_decisions(
    company: Company,
    segmented: Segmented,
    window: pd.DataFrame,
    *,
    costs: pd.DataFrame | None = None,
    levels: RelationshipLevels | None = None,
    level: float = 0.95,
) -> Decisions:
    """Bring together what is known of each RFM segment, changes against the window before included.

    Parameters
    ----------
    company : Company
        The company.
    segmented : Segmented
        The customers of the last window, as :func:`~crm_lib.segments.segment_customers` put them.
    window : DataFrame
        What they did in it.
    costs : DataFrame, optional
        What :func:`~crm_lib.segments.serving_costs` gave for the window.
    levels : RelationshipLevels, optional
        Levels of the segments.
    level : float
        Nominal coverage of each interval.

    Returns
    -------
    Decisions
        One row per segment; without changes where the data do not reach back so far. The window before is scored by
        today's definitions and cut points, so that a change is one of customers and not of the rule.
    """
    rule = segmented.definitions
    earlier = window_before(company, days=rule.window_days)
    groups = None
    if earlier is not None:
        ending = company.as_of - dt.timedelta(days=rule.window_days)
        try:
            groups = segment_customers(company, rule, ending=ending).rfm.frame["segment"]
        except TooLittleData:
            earlier = None
    return decisions(
        segmented.rfm.frame["segment"],
        window,
        groups_before=groups,
        window_before=earlier,
        value_kind=segmented.value_kind,
        actions={one.name: one.action for one in rule.rules},
        costs=costs,
        levels=levels,
        level=level,
    )
