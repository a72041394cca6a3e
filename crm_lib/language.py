"""The words and the number forms that readers see, in one language at a time.

Every text a reader sees goes through :func:`text`, so that another edition needs a catalogue
(``crm_lib/locale/<language>/LC_MESSAGES/crm.mo``) and no change of code. Numbers, money and dates are written by
`Babel <https://babel.pocoo.org>`_ in the manner of the language.

The environment variable ``CRM_LANGUAGE`` sets the language of a process from outside; reports hand the language of the
company to their notebooks in this way.
"""

from __future__ import annotations

import datetime as dt
import decimal
import gettext
import math
import os
from pathlib import Path

from babel import Locale
from babel.dates import format_date as _babel_date
from babel.numbers import format_currency, format_decimal, format_percent

_FOLDER = Path(__file__).parent / "locale"
VARIABLE = "CRM_LANGUAGE"
"""Environment variable that sets the language of a process."""
DEFAULT = "en_GB"
_FINEST = 12
"""Digits after the point beyond which nobody reads."""
_EXACT = decimal.Context(prec=400)
"""Wide enough for every float; Babel rounds in the context in force."""


class _Edition:
    """The language in use; English where nothing else is set."""

    locale: Locale = Locale.parse(DEFAULT)
    catalogue: gettext.NullTranslations = gettext.NullTranslations()


def set_language(language: str) -> None:
    """Choose the language of everything readers see.

    Parameters
    ----------
    language : str
        A locale such as ``"en_GB"`` or ``"zh_CN"``. Texts without a translation stay English.

    Raises
    ------
    ValueError
        If the locale is not known.
    """
    try:
        locale = Locale.parse(language)
    except Exception as error:
        raise ValueError(f"unknown language '{language}': give a locale such as 'en_GB' or 'zh_CN'") from error
    _Edition.locale = locale
    _Edition.catalogue = gettext.translation("crm", localedir=_FOLDER, languages=[language], fallback=True)


def outside() -> str:
    """Return the language that the environment asks for, else the default."""
    return os.environ.get(VARIABLE) or DEFAULT


def code() -> str:
    """Return the language in use as a locale, such as ``en_GB``."""
    return str(_Edition.locale)


def language() -> str:
    """Return the language in use, as an HTML ``lang`` attribute has it (``en-GB``)."""
    return str(_Edition.locale).replace("_", "-")


def text(message: str) -> str:
    """Return `message` in the language in use.

    Parameters
    ----------
    message : str
        The English text, which is also the key of its translation.

    Examples
    --------
    >>> text("Revenue")
    'Revenue'
    """
    return _Edition.catalogue.gettext(message)


def plural(one: str, many: str, n: int) -> str:
    """Return the form of the message that fits `n`, with ``{n}`` filled in.

    Parameters
    ----------
    one, many : str
        The English texts for one and for many.
    n : int
        How many.

    Examples
    --------
    >>> plural("{n} customer", "{n} customers", 2357)
    '2,357 customers'
    """
    return _Edition.catalogue.ngettext(one, many, n).format(n=number(n, 0))


def number(value: float, decimals: int | None = None) -> str:
    """Write a number as people do.

    Parameters
    ----------
    value : float
        The number; missing is written as a dash.
    decimals : int, optional
        Digits after the point; negative rounds to tens, hundreds … By default three significant digits
        below 1000, whole numbers from there on.

    Examples
    --------
    >>> number(12345.6), number(0.012345), number(12345, -2)
    ('12,346', '0.0123', '12,300')
    """
    if math.isnan(value):
        return "–"
    if math.isinf(value):
        return "∞" if value > 0 else "−∞"
    if decimals is None:
        size = abs(value)
        decimals = 0 if size >= 100 or float(value).is_integer() else 2 - math.floor(math.log10(size))
    decimals = min(decimals, _FINEST)
    with decimal.localcontext(_EXACT):
        return _minus(format_decimal(round(value, decimals), format=_pattern(decimals), locale=_Edition.locale))


def share(value: float, decimals: int = 0) -> str:
    """Write a share as a percentage.

    Parameters
    ----------
    value : float
        The share, 1 being the whole.
    decimals : int
        Digits after the point of the percentage.

    Examples
    --------
    >>> share(0.732)
    '73%'
    """
    if not math.isfinite(value):
        return number(value)
    decimals = min(max(decimals, 0), _FINEST)
    with decimal.localcontext(_EXACT):
        rounded = round(value, decimals + 2)
        return _minus(format_percent(rounded, format=_pattern(decimals) + "%", locale=_Edition.locale))


def money(value: float, currency: str, decimals: int | None = None) -> str:
    """Write an amount of money.

    Parameters
    ----------
    value : float
        The amount.
    currency : str
        ISO code such as ``"GBP"``.
    decimals : int, optional
        Digits after the point; negative rounds. By default whole units from 100 on, else two digits.

    Examples
    --------
    >>> money(1234.5, "GBP"), money(12.5, "GBP")
    ('£1,234', '£12.50')
    """
    if not math.isfinite(value):
        return number(value)
    if decimals is None:
        decimals = 0 if abs(value) >= 100 else 2
    rounded, pattern = round(value, decimals), "¤" + _pattern(decimals)
    with decimal.localcontext(_EXACT):
        return _minus(format_currency(rounded, currency, format=pattern, locale=_Edition.locale, currency_digits=False))


def date(value: dt.date) -> str:
    """Write a date.

    Parameters
    ----------
    value : date
        The day.

    Examples
    --------
    >>> date(dt.date(2026, 11, 22))
    '22 Nov 2026'
    """
    return _babel_date(value, format="medium", locale=_Edition.locale)


def _pattern(decimals: int) -> str:
    return "#,##0" + ("." + "0" * decimals if decimals > 0 else "")


def _minus(written: str) -> str:
    return written.replace("-", "−", 1) if written.startswith("-") else written


set_language(outside())
