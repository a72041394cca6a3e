"""Signs that a relationship is ending, as facts of a day tell them, and what followed that day."""

from __future__ import annotations

import datetime as dt
import warnings
from typing import Final

import pandas as pd

from crm_lib.clv import MBGNBD, ConvergenceWarning

QUARTER: Final = 91
"""Days of a quarter: warnings are followed up, and stages compared, over so many."""


def p_alive(known: pd.DataFrame) -> pd.Series[float]:
    """Return the probability that each customer of the facts is still one, by the MBG/NBD model of all of them."""
    summary = pd.DataFrame(
        {
            "frequency": known["purchase_days_ever"] - 1,
            "recency": (known["tenure"] - known["recency"]) / 7,
            "age": known["tenure"] / 7,
        }
    )
    with warnings.catch_warnings():
        # Where nobody seems to leave, the parameters of leaving are open, and P(alive) is 1 all the same.
        warnings.simplefilter("ignore", ConvergenceWarning)
        return MBGNBD(unit="W").fit(summary).probability_alive(summary).rename("p_alive")


def bought_nothing(bought: pd.DataFrame, customers: pd.Index, day: dt.date, days: int) -> pd.Series[bool]:
    """Return which customers bought nothing in the days after a day, from the days of purchase of all."""
    begin = pd.Timestamp(day)
    after = bought[(bought["day"] > begin) & (bought["day"] <= begin + pd.Timedelta(days=days))]
    places = pd.Index(after["customer_id"].unique()).get_indexer(customers)  # isin is slow for texts
    return pd.Series(places < 0, index=customers, name="silent")
