"""The most one may pay to win, to keep and to win back a customer."""

from __future__ import annotations

import numpy as np
import pandas as pd

from crm_lib.clv.acquisition import Acquisition
from crm_lib.clv.equity import group_labels
from crm_lib.clv.future_value import mean_and_ends
from crm_lib.clv.histories import Array
from crm_lib.clv.value import CustomerValue

ALL = "(all)"
"""Row of all channels together."""


def spending_limits(value: CustomerValue, acquisition: Acquisition) -> pd.DataFrame:
    """Return the most one may pay for a customer, so that interest at the yearly rate is still earned.

    *To win* a customer one may pay what a new one is worth. *To keep* one, what is lost if they leave: the mean current
    value of those who are still customers. *To win back* one who has left, what a returned customer is worth; little is
    known of these, and they are assumed to be worth what a new one is. It is not the price of an attempt, but of a
    success that would not have come by itself. No limit lies below 0.

    Parameters
    ----------
    value : CustomerValue
        Value of every customer.
    acquisition : Acquisition
        New customers by channel.

    Returns
    -------
    DataFrame
        Indexed by channel, all together in the last row: ``customers``; ``win`` (also to win back) and ``keep``, each
        with ``_low`` and ``_high``.

    Raises
    ------
    ValueError
        If the two were computed in different money.
    """
    if (value.basis, value.annual_rate) != (acquisition.basis, acquisition.annual_rate):
        raise ValueError("value and acquisition must be computed with the same yearly rate and basis")
    labels = group_labels(acquisition.channels, value.frame.index, smallest_group=1)
    names = list(labels.cat.categories)
    channels = [name for name in names if name in acquisition.frame.index]
    places = [names.index(name) for name in channels]
    drawn = value.future.by_group(labels.cat.codes.to_numpy().astype(np.intp), len(names))
    customers = acquisition.frame.loc[channels, "customers"].to_numpy(dtype=float)
    new = acquisition.draws["clv"][channels].to_numpy()
    limits = {
        "win": np.column_stack([new, new @ (customers / customers.sum())]),
        "keep": _with_sum(drawn.current, places) / np.maximum(_with_sum(drawn.alive, places), 1e-12),
    }
    table = pd.DataFrame(
        {"customers": np.append(customers, customers.sum()).astype("int64")}, pd.Index([*channels, ALL], name="channel")
    )
    for name, sample in limits.items():
        table[name], table[f"{name}_low"], table[f"{name}_high"] = mean_and_ends(np.maximum(sample, 0.0))
    table.attrs["currency"] = value.currency
    return table


def _with_sum(columns: Array, places: list[int]) -> Array:
    return np.column_stack([columns[:, places], columns.sum(axis=1)])
