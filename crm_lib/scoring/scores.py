"""What is known of each customer, in one row."""

from __future__ import annotations

from typing import Any

import pandas as pd

from crm_lib import segments
from crm_lib.clv.forecasters import model_label
from crm_lib.clv.value import CustomerValue
from crm_lib.company import Company
from crm_lib.errors import MissingData

_RFM = ["recency_score", "frequency_score", "monetary_score", "segment"]
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
    frame = value.frame[_VALUE].copy()
    told: dict[str, Any] = {
        "as_of": pd.Timestamp(value.as_of),
        **{name: getattr(value, name) for name in ("currency", "basis", "annual_rate", "horizon_days", "level")},
        "model": model_label(value.future.model),
    }
    for place, (name, same) in enumerate(told.items()):
        frame.insert(place, name, same)
    try:
        segmented = segments.segment_customers(company, segments.definitions_of(company))
        rfm = segmented.rfm.frame[_RFM].join(segmented.tiers.frame["tier"])
    except MissingData:
        rfm = pd.DataFrame(columns=[*_RFM, "tier"], index=frame.index)
    scores = rfm[_RFM[:3]].astype("Int64")
    return frame.join(scores).join(rfm[["segment", "tier"]].astype("string"))
