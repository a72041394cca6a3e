"""The dates from which forecasts are made and judged."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from crm_lib import language
from crm_lib.clv.purchase_record import PurchaseRecord, as_date, as_day
from crm_lib.errors import TooLittleData

FEWEST_CUSTOMERS = 10
"""Customers known at a cut-off below which a comparison would say nothing."""


def cut_off_dates(
    record: PurchaseRecord, *, horizon_days: int, cut_offs: int | Sequence[dt.date | str] = 3
) -> tuple[list[dt.date], dict[dt.date, str]]:
    """Return the dates from which forecasts are made, and those left out with the reason.

    Parameters
    ----------
    record : PurchaseRecord
        All purchases up to the last day that counts.
    horizon_days : int
        Days that are forecast.
    cut_offs : int or sequence of date
        How many dates: the last lies `horizon_days` before the end, each other as far before the next, so that no two
        forecasts are judged by the same purchases. Or the dates themselves.

    Returns
    -------
    dates : list of date
        The dates in order.
    left_out : dict of date to str
        Rolling dates with too little history before them. (Of dates that were asked for none is left out.)

    Raises
    ------
    TooLittleData
        If no rolling date, or not every date asked for, has a history of half the horizon and ten customers.
    ValueError
        If `horizon_days` or `cut_offs` is not positive, or an outcome is not over by the last day that counts.
    """
    if horizon_days < 1:
        raise ValueError(f"horizon_days must be at least 1, not {horizon_days}")
    if isinstance(cut_offs, int):
        if cut_offs < 1:
            raise ValueError(f"at least one cut-off is needed, not {cut_offs}")
        rolling = sorted(record.as_of - number * horizon_days for number in range(1, cut_offs + 1))
        faults = {day: _too_little(record, day, horizon_days) for day in rolling}
        left_out = {as_date(day): fault for day, fault in faults.items() if fault}
        dates = [as_date(day) for day, fault in faults.items() if not fault]
        if not dates:
            raise TooLittleData(faults[rolling[-1]])
        return dates, left_out
    days = sorted({as_day(day) for day in cut_offs})
    if not days:
        raise ValueError("at least one cut-off is needed")
    for day in days:
        if day + horizon_days > record.as_of:
            raise ValueError(
                f"what follows {as_date(day)} is known for {max(record.as_of - day, 0)} days only, until "
                f"{as_date(record.as_of)}: choose an earlier cut-off or a shorter horizon than {horizon_days} days"
            )
        fault = _too_little(record, day, horizon_days)
        if fault:
            raise TooLittleData(fault)
    return [as_date(day) for day in days], {}


def _too_little(record: PurchaseRecord, cut_off: int, horizon_days: int) -> str:
    """Return why nothing can be forecast from a day, or an empty text."""
    places = {
        "day": language.date(as_date(cut_off)),
        "first": language.date(as_date(record.begin)),
        "days": language.number(horizon_days, 0),
        "needed": language.number(-(-horizon_days // 2), 0),
        "history": language.number(max(cut_off - record.begin, 0), 0),
    }
    if cut_off < record.begin:
        message = language.text(
            "the cut-off {day} lies before the first purchase on {first}: choose a later one, or a shorter horizon "
            "than {days} days"
        )
        return message.format(**places)
    if 2 * (cut_off - record.begin) < horizon_days:
        message = language.text(
            "a forecast of {days} days needs a history of at least {needed} days; up to {day} there are {history}: "
            "choose a shorter horizon"
        )
        return message.format(**places)
    known = len(record.until(cut_off))
    if known < FEWEST_CUSTOMERS:
        message = language.text("customers who had bought by {day}: {known}; a comparison needs at least {fewest}")
        return message.format(known=language.number(known, 0), fewest=language.number(FEWEST_CUSTOMERS, 0), **places)
    return ""
