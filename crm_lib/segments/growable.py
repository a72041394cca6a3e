"""Customers who could buy more: they come as often as others like them, and bring far less."""

from __future__ import annotations

import pandas as pd

from crm_lib.company import Company
from crm_lib.customers import customer_attribute
from crm_lib.errors import TooLittleData
from crm_lib.language import say
from crm_lib.segments.profit import SMALLEST_GROUP
from crm_lib.segments.rfm.in_engine import Segmented

BEST_SHARE = 0.25
"""Part of the alike customers who count as the best of them."""
AT_MOST = 0.5
"""Growable is who brings at most this part of what the best bring at least."""
LATELY = 91
"""Days within which the last purchase must lie: who is silent is to be won back first."""
_GROUP = "customer_group"


def growable(company: Company, segmented: Segmented) -> pd.DataFrame:
    """Return the active regular customers who bring far less than the best of those alike.

    Alike are customers with the same frequency score and, where the company records it, the same ``customer_group``:
    who comes as often and brings far less buys here only in part. Regular is whose score lies in the upper half.

    Parameters
    ----------
    company : Company
        The company.
    segmented : Segmented
        Its customers with scores and values.

    Returns
    -------
    DataFrame
        Indexed by ``customer_id``, the largest gap first: ``value``, ``reach`` (what the best quarter of the alike ones
        bring at least) and ``gap`` between the two (money).

    Raises
    ------
    TooLittleData
        If fewer than ten customers bring anything.
    """
    rfm = segmented.rfm
    frame = rfm.frame[["recency", "frequency_score"]].join(segmented.tiers.frame["value"])
    frame = frame[frame["value"] > 0]
    if len(frame) < SMALLEST_GROUP:
        words = "needs at least {fewest} customers who bring anything; there are {n}"
        raise TooLittleData(say(words, fewest=SMALLEST_GROUP, n=len(frame)))
    alike = [frame["frequency_score"]]
    if company.has("customers", _GROUP):
        alike.append(customer_attribute(company, _GROUP).reindex(frame.index).fillna(""))
    peers = frame.groupby(alike)["value"]
    reach = peers.transform("quantile", q=1 - BEST_SHARE).where(peers.transform("size") >= SMALLEST_GROUP)
    frame["reach"] = reach.fillna(frame.groupby("frequency_score")["value"].transform("quantile", q=1 - BEST_SHARE))
    frame["gap"] = frame["reach"] - frame["value"]
    active = (frame["recency"] < LATELY) & (frame["frequency_score"] >= (rfm.levels + 1) / 2)
    chosen = frame.loc[active & (frame["value"] <= AT_MOST * frame["reach"]), ["value", "reach", "gap"]]
    return chosen.sort_index().sort_values("gap", ascending=False, kind="stable")
