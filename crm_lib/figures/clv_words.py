"""Words that the pictures of customer value share: names of models, lengths of time, counts of customers."""

from __future__ import annotations

from crm_lib import language
from crm_lib.customers import UNIT_DAYS

_LENGTHS = {
    "D": ("{n} day", "{n} days"),
    "W": ("{n} week", "{n} weeks"),
    "M": ("{n} month", "{n} months"),
    "Y": ("{n} year", "{n} years"),
}
_UNITS = {"D": "days", "W": "weeks", "M": "months", "Y": "years"}


def chance(probability: float) -> str:
    """Return a probability as a percentage that never claims certainty.

    Parameters
    ----------
    probability : float
        Between 0 and 1.

    Returns
    -------
    str
        Such as "41%", and ">99%" or "<1%" where rounding would say more than is known.

    Examples
    --------
    >>> chance(0.41), chance(0.998), chance(0.001)
    ('41%', '>99%', '<1%')
    """
    if 0.99 < probability < 1:
        return language.text(">{share}").format(share=language.share(0.99))
    if 0 < probability < 0.01:
        return language.text("<{share}").format(share=language.share(0.01))
    return language.share(probability)


def length(time: float, unit: str) -> str:
    """Return a length of time in whole units, or in days where it is short.

    Parameters
    ----------
    time : float
        The length.
    unit : {"D", "W", "M", "Y"}
        Its unit.

    Returns
    -------
    str
        Such as "39 weeks".

    Examples
    --------
    >>> length(38.9, "W"), length(1, "Y"), length(0.43, "W")
    ('39 weeks', '1 year', '3 days')
    """
    if time < 2 and abs(time - round(time)) > 0.02:
        return language.plural(*_LENGTHS["D"], round(time * UNIT_DAYS[unit]))
    return language.plural(*_LENGTHS[unit], round(time))


def units(unit: str) -> str:
    """Return the unit of time as a word.

    Parameters
    ----------
    unit : {"D", "W", "M", "Y"}
        The unit.

    Returns
    -------
    str
        Such as "weeks".
    """
    return language.text(_UNITS[unit])
