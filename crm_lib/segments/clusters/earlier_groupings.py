"""Customers grouped in several ways as of an earlier day, so that what followed can judge the groupings."""

from __future__ import annotations

import datetime as dt
from typing import Any

import numpy as np
import pandas as pd

from crm_lib.company import Company
from crm_lib.segments.clusters.choice import choose_clusters
from crm_lib.segments.clusters.features import behaviour, prepare_features
from crm_lib.segments.rfm.scores import rfm_scores
from crm_lib.segments.tables.window import customer_window, value_of

CLUSTERS, RFM_SEGMENTS, BANDS = "clusters", "RFM segments", "value bands"
_BANDS = {"top 5%": 0.05, "next 15%": 0.2, "next 30%": 0.5, "lower half": 1.0}
_RESAMPLES = 10
"""Enough to choose clusters by; their verdicts are not asked for here."""


def earlier_groupings(
    company: Company, *, window_days: int = 365, outcome_days: int = 90, seed: int = 0
) -> dict[str, pd.Series[Any]]:
    """Return clusters, RFM segments and value bands as they would have been made on an earlier day.

    Parameters
    ----------
    company : Company
        The company.
    window_days : int
        Days of history used.
    outcome_days : int
        Days between the earlier day and the company's ``as_of``.
    seed : int
        Seed of the random numbers.

    Returns
    -------
    dict of str to Series
        "clusters", "RFM segments" and "value bands" (the top 5%, the next 15%, the next 30% and the rest by value in
        the window), each indexed by customer. Only what was known on the earlier day is used.

    Raises
    ------
    TooLittleData
        If too few customers bought in the earlier window.
    """
    scored_on = company.as_of - dt.timedelta(days=outcome_days)
    before = customer_window(company, days=window_days, ending=scored_on)
    features = prepare_features(behaviour(before, as_of=scored_on)).frame
    buyers = before.loc[features.index]
    return {
        CLUSTERS: choose_clusters(features, resamples=_RESAMPLES, seed=seed).labels,
        RFM_SEGMENTS: rfm_scores(buyers, as_of=scored_on).frame["segment"],
        BANDS: _bands(buyers[value_of(company)]),
    }


def _bands(value: pd.Series[float]) -> pd.Series[str]:
    """Return the band of each customer by value; equal customers share a band, that of the first of them."""
    place = value.rank(method="min", ascending=False) / len(value)
    names = np.array(list(_BANDS))
    found = names[np.searchsorted(np.array(list(_BANDS.values())), place.to_numpy(), side="left")]
    return pd.Series(found, index=value.index, name="band", dtype=object)
