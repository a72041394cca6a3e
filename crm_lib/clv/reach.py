"""How far ahead value is told: who has seen three days of sales does not know who stays for ten years."""

from __future__ import annotations

import datetime as dt

import pandas as pd

from crm_lib.customers import UNIT_DAYS
from crm_lib.errors import TooLittleData
from crm_lib.language import say

_LONG_ENOUGH = 365
"""Days of purchases from which on all that is to come has a value, as beyond it models may be judged by a year."""
_TIMES = 10
"""From fewer days on, value is given for so many times their number."""


def days_ahead(summary: pd.DataFrame, unit: str) -> int | None:
    """Return for how many days to come purchases may be given a value; None where that is for ever."""
    if summary.empty:
        raise TooLittleData(say("nobody has bought anything"))
    seen = round(float(summary["age"].max()) * UNIT_DAYS[unit]) + 1
    return None if seen >= _LONG_ENOUGH else _TIMES * seen


def not_counted(ahead: int, as_of: dt.date) -> str:
    """Return what has no value and why, in words for a reader."""
    words = "what customers bring after {until:date}, as purchases are known for {n:count} days only"
    return say(words, until=as_of + dt.timedelta(days=ahead), n=ahead // _TIMES)


def require_long_history(summary: pd.DataFrame, as_of: dt.date) -> None:
    """Raise the error that tells a reader, before anything else, that value is given for a time only.

    Parameters
    ----------
    summary : DataFrame
        Customers, as :func:`crm_lib.customers.customer_summary` gives them.
    as_of : date
        Last day on which purchases are known.

    Raises
    ------
    TooLittleData
        If purchases are known for less than a year.
    """
    if (ahead := days_ahead(summary, summary.attrs["unit"])) is not None:
        raise TooLittleData(not_counted(ahead, as_of))
