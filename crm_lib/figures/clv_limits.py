"""The most one may spend on a customer, as a table."""

from __future__ import annotations

import pandas as pd

from crm_lib import language
from crm_lib.estimate import Estimate
from crm_lib.exhibit import Table

_WHAT = {"win": "To win one", "keep": "To keep one", "win_back": "To win one back"}


def spending_limits_table(limits: pd.DataFrame, *, currency: str) -> Table:
    """Return the most one may spend to win, keep or win back a customer, by channel.

    Parameters
    ----------
    limits : DataFrame
        What :func:`crm_lib.clv.spending_limits` gives.
    currency : str
        ISO code.

    Returns
    -------
    Table
        One row a channel, all together in the last.
    """
    frame = pd.DataFrame({"customers": limits["customers"]})
    for name in _WHAT:
        frame[name] = [
            _written(*row, currency)
            for row in zip(limits[name], limits[f"{name}_low"], limits[f"{name}_high"], strict=True)
        ]
    frame.index = pd.Index([str(name) for name in limits.index], name="channel")
    return Table(
        name="spending_limits",
        title="The most one may spend on a customer",
        frame=frame,
        kinds={"channel": "text", "customers": "count", **dict.fromkeys(_WHAT, "text")},
        labels=_WHAT,
        note=(
            "Each is the price of a success that would not have come by itself, not of an attempt. A customer who "
            "comes back is taken to be worth what a new one is."
        ),
        rows_shown=30,
    )


def _written(value: float, low: float, high: float, currency: str) -> str:
    if value != value:  # NaN: nobody of the channel is left
        return language.text("not known")
    return str(Estimate(value=value, low=low, high=high, n=0, method="posterior", unit=currency))
