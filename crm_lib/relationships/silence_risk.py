"""The risk of buying nothing, as it is told and tested; `crm_lib.churn` estimates it."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import pandas as pd

from crm_lib.customers import Value
from crm_lib.estimate import Estimate
from crm_lib.statistics.reliability import Reliability


@dataclass(frozen=True, kw_only=True, eq=False)
class SilenceRisk:
    """Risk of falling silent, and how well it was told on `tested_on`; what it had learnt from was over by then.

    `frame` by ``customer_id``, who bought in the last year: ``risk`` of buying nothing in the `horizon_days` to come,
    ``silence`` (days since the last purchase) and ``value`` (money of the last year); `test` as told on that day, with
    ``silent`` (whether nothing was bought since). `auc` is how often a customer who fell silent had a higher risk than
    one who did not, `auc_recency` the same by days of silence alone, `gain` the difference.
    """

    frame: pd.DataFrame
    test: pd.DataFrame
    tested_on: dt.date
    horizon_days: int
    reliability: Reliability
    auc: Estimate
    auc_recency: Estimate
    gain: Estimate
    value_kind: Value
    currency: str
