"""Customers grouped in several ways as of an earlier day, so that what followed can judge the groupings."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pandas as pd

from crm_lib.company import Company
from crm_lib.customers.window import customer_window
from crm_lib.segments.clusters.choice import choose_clusters
from crm_lib.segments.clusters.features import behaviour, prepare_features
from crm_lib.segments.rfm.definitions import SegmentDefinitions
from crm_lib.segments.rfm.in_engine import segment_customers

CLUSTERS, RFM_SEGMENTS, TIERS = "clusters", "RFM segments", "value tiers"
_RESAMPLES = 10
"""Enough to choose clusters by; their verdicts are not asked for here."""


def earlier_groupings(
    company: Company, definitions: SegmentDefinitions | None = None, *, outcome_days: int = 90, seed: int = 0
) -> dict[str, pd.Series[Any]]:
    """Return clusters, RFM segments and value tiers as they would have been made on an earlier day.

    Parameters
    ----------
    company : Company
        The company.
    definitions : SegmentDefinitions, optional
        Of segments and tiers, and the window, by default the usual ones. Cut points that are not frozen, or were
        estimated after the earlier day, are those of that day.
    outcome_days : int
        Days between the earlier day and the company's ``as_of``.
    seed : int
        Seed of the random numbers.

    Returns
    -------
    dict of str to Series
        "clusters", "RFM segments" and "value tiers", each indexed by customer: those who bought in the window. Only
        what was known on the earlier day is used.

    Raises
    ------
    TooLittleData
        If too few customers bought in the earlier window.
    """
    definitions = SegmentDefinitions() if definitions is None else definitions
    scored_on = company.as_of - dt.timedelta(days=outcome_days)
    before = customer_window(company, days=definitions.window_days, ending=scored_on)
    features = prepare_features(behaviour(before, as_of=scored_on)).frame
    segmented = segment_customers(company, definitions.known_on(scored_on), ending=scored_on)
    return {
        CLUSTERS: choose_clusters(features, resamples=_RESAMPLES, seed=seed).labels,
        RFM_SEGMENTS: segmented.rfm.frame["segment"].reindex(features.index),
        TIERS: segmented.tiers.frame["tier"].astype(str).reindex(features.index),
    }
