"""How far in the future the value to come lies, as a table."""

from __future__ import annotations

import numpy as np
import pandas as pd

from crm_lib import language
from crm_lib.exhibit import Table


def horizon_table(frame: pd.DataFrame, *, currency: str) -> Table:
    """Return how much of the value to come arises within so many years.

    Parameters
    ----------
    frame : DataFrame
        What :func:`crm_lib.clv.value_by_horizon` gives.
    currency : str
        ISO code.

    Returns
    -------
    Table
        One row a number of years.
    """
    seen, beyond = language.text("as long as the data"), language.text("longer than the data")
    shown = frame[["value", "share"]].assign(basis=np.where(frame["observed"], seen, beyond))
    return Table(
        name="value_by_horizon",
        title="How soon the value to come arises",
        frame=shown,
        kinds={"years": "count", "value": "money", "share": "share", "basis": "text"},
        labels={"years": "Within years", "value": "Arises until then", "share": "Of all to come", "basis": "That is"},
        currency=currency,
        note=(
            "Over a time as long as the data the model was seen at work. What lies beyond rests on the assumption that "
            "customers go on buying and leaving as they did: where most of the value lies there, do not borrow on it."
        ),
    )
