"""How far in the future the value to come lies: the further, the more it rests on the model alone."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from crm_lib.clv.value import CustomerValue
from crm_lib.customers import UNIT_DAYS
from crm_lib.errors import TooLittleData

_STEPS = 12
"""Parts of a year; purchases of a part are discounted to its middle."""


def value_by_horizon(value: CustomerValue, *, years: Sequence[int] = (1, 2, 3, 5, 10)) -> pd.DataFrame:
    """Return how much of the current value is expected within so many years.

    Parameters
    ----------
    value : CustomerValue
        Value of every customer.
    years : sequence of int
        Years to come, in ascending order.

    Returns
    -------
    DataFrame
        Indexed by ``years``: ``value``, the part of the current value that arises until then, in money; its ``share``;
        and ``observed``, whether the data cover as long a time, so that the model was seen to hold over it.

    Raises
    ------
    TooLittleData
        If the model counts purchase opportunities, or there is no value to come.
    """
    model, customers = value.future.model, value.summary
    total = float(value.frame["current"].sum())
    if model.discrete or not total > 0:
        raise TooLittleData("value by year needs a model in continuous time, and value to come")
    length = UNIT_DAYS["Y"] / UNIT_DAYS[model.unit]
    ends = np.arange(1, _STEPS * max(years) + 1) / _STEPS
    worth = value.frame["value_per_purchase"].to_numpy()
    until = np.array([float(model.expected_purchases(customers, end * length).to_numpy() @ worth) for end in ends])
    parts = np.diff(until, prepend=0.0) * (1 + value.annual_rate) ** -(ends - 0.5 / _STEPS)
    arisen = np.cumsum(parts)[[_STEPS * year - 1 for year in years]]
    oldest = float(customers["age"].max()) / length
    frame = pd.DataFrame({"value": arisen, "share": arisen / total}, index=pd.Index(years, name="years"))
    frame["observed"] = frame.index <= oldest
    return frame
