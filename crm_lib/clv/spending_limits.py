"""The most one may pay to win, to keep and to win back a customer."""

from __future__ import annotations

import numpy as np
import pandas as pd

from crm_lib.clv.acquisition import Acquisition
from crm_lib.clv.equity import group_labels
from crm_lib.clv.histories import Array
from crm_lib.clv.intervals import equal_tails
from crm_lib.clv.value import CustomerValue

ALL = "(all)"
"""Row of all channels together."""


def spending_limits(value: CustomerValue, acquisition: Acquisition, *, like_new: float = 1.0) -> pd.DataFrame:
    """Return the most one may pay for a customer, so that interest at the yearly rate is still earned.

    *To win* a customer one may pay what a new one is worth. *To keep* one, what is lost if they leave: the mean current
    value of those who are still customers, that is, the current value of all over the expected number still there. (For
    a single customer it is their current value over their probability of being alive.) *To win back* one who has left,
    what a returned customer is worth; little is known of these, and they are assumed to be worth `like_new` times a new
    one, the returning purchase standing for the first. Offers that may fail are worth that times their chance of
    success: it is not the price of an attempt, but of a success that would not have come by itself. Where a customer is
    worth less than nothing, nothing may be spent: no limit lies below 0.

    Parameters
    ----------
    value : CustomerValue
        Value of every customer.
    acquisition : Acquisition
        New customers by channel.
    like_new : float
        Worth of a returned customer as a multiple of a new one; an assumption.

    Returns
    -------
    DataFrame
        Indexed by channel, all together in the last row: ``customers``; ``win``, ``keep`` and ``win_back``, each with
        ``_low`` and ``_high``.

    Raises
    ------
    ValueError
        If `like_new` is negative, or the two were computed in different money.
    """
    if not like_new >= 0:
        raise ValueError(f"like_new must not be negative, not {like_new:g}")
    if (value.basis, value.annual_rate) != (acquisition.basis, acquisition.annual_rate):
        raise ValueError("value and acquisition must be computed with the same yearly rate and basis")
    labels = group_labels(acquisition.channels, value.frame.index, smallest_group=1)
    channels = [name for name in labels.cat.categories if name in acquisition.frame.index]
    codes = labels.cat.codes.to_numpy().astype(np.intp)
    count = len(labels.cat.categories)
    drawn = value.future.by_group(codes, count)
    places = [list(labels.cat.categories).index(name) for name in channels]
    current = value.frame["current"].groupby(labels, observed=False).sum().to_numpy()
    alive = value.frame["probability_alive"].groupby(labels, observed=False).sum().to_numpy()
    customers = acquisition.frame.loc[channels, "customers"].to_numpy(dtype=float)
    new = acquisition.frame.loc[channels, "clv"].to_numpy(dtype=float)
    new_draws = acquisition.draws["clv"][channels].to_numpy()
    share = customers / customers.sum()
    win = (np.append(new, new @ share), np.column_stack([new_draws, new_draws @ share]))
    keep = (
        _per(np.append(current[places], current.sum()), np.append(alive[places], alive.sum())),
        _per(_with_sum(drawn.current, places), _with_sum(drawn.alive, places)),
    )
    back = (like_new * win[0], like_new * win[1])
    table = pd.DataFrame({"customers": np.append(customers, customers.sum()).astype("int64")})
    for name, (point, sample) in {"win": win, "keep": keep, "win_back": back}.items():
        low, high = equal_tails(np.maximum(sample, 0.0), value.level)
        point = np.maximum(point, 0.0)
        table[name] = point
        table[f"{name}_low"], table[f"{name}_high"] = np.minimum(low, point), np.maximum(high, point)
    table.index = pd.Index([*channels, ALL], name="channel")
    return table


def _per(total: Array, number: Array) -> Array:
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(number > 0, total / np.where(number > 0, number, 1.0), np.nan)


def _with_sum(columns: Array, places: list[int]) -> Array:
    return np.column_stack([columns[:, places], columns.sum(axis=1)])
