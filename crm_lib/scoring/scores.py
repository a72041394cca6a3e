"""What is known of each customer, in one row."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from crm_lib import segments
from crm_lib.clv.forecasters import model_label
from crm_lib.clv.value import CustomerValue
from crm_lib.company import Company
from crm_lib.errors import MissingData

_SCORES, _NAMES = ["recency_score", "frequency_score", "monetary_score"], ["segment", "tier"]
_VALUE = [
    "historical", "current", "current_low", "current_high", "potential", "probability_alive", "expected_purchases",
    "value_per_purchase",
]  # fmt: skip


def customer_scores(company: Company, value: CustomerValue) -> pd.DataFrame:
    """Return one row per customer with value, chances and segment.

    Parameters
    ----------
    company : Company
        The company.
    value : CustomerValue
        What the customers are worth, from :func:`crm_lib.clv.customer_value`.

    Returns
    -------
    DataFrame
        Indexed by ``customer_id``. How the rest is to be read, the same in every row: ``as_of``, ``currency``,
        ``basis`` ("margin" or "revenue"), ``annual_rate`` of discounting, ``horizon_days`` of the expected purchases,
        ``level`` of the intervals, ``model`` of purchases. Then ``historical``, ``current``, ``current_low``,
        ``current_high``, ``potential``, ``probability_alive``, ``expected_purchases``, ``value_per_purchase``, and the
        RFM scores, segment and value tier by the company's definitions (``segments.toml``), which are missing for
        customers who did not buy in the window.
    """
    rfm = _segments(company, value.frame.index)
    frame = value.frame[_VALUE].copy()
    told: dict[str, Any] = {
        "as_of": pd.Timestamp(value.as_of),
        **{name: getattr(value, name) for name in ("currency", "basis", "annual_rate", "horizon_days", "level")},
        "model": model_label(value.future.model),
    }
    for place, (name, same) in enumerate(told.items()):
        frame.insert(place, name, same)
    frame[_SCORES] = rfm[_SCORES].astype("Int64")
    frame[_NAMES] = rfm[_NAMES].astype("string")
    return frame


def _segments(company: Company, customers: pd.Index[str]) -> pd.DataFrame:
    try:
        segmented = segments.segment_customers(company, segments.definitions_of(company))
    except MissingData:
        return pd.DataFrame(columns=[*_SCORES, *_NAMES], index=customers)
    found = _aligned(segmented.rfm.frame[[*_SCORES, "segment"]], customers)
    return found.assign(tier=_aligned(segmented.tiers.frame[["tier"]], customers)["tier"])


def _aligned(frame: pd.DataFrame, customers: pd.Index[str]) -> pd.DataFrame:
    """Return the rows of customers, missing ones included; pandas by itself would make an object of each name."""
    places = pc.index_in(pa.array(customers.array), value_set=pa.array(frame.index.array)).fill_null(-1)
    return frame.reset_index(drop=True).reindex(places.to_numpy()).set_axis(customers)
