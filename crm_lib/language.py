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
import string
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from babel import Locale
from babel.dates import format_date as _babel_date
from babel.lists import format_list
from babel.numbers import format_currency, format_decimal, format_percent

_FOLDER = Path(__file__).parent / "locale"
VARIABLE = "CRM_LANGUAGE"
"""Environment variable that sets the language of a process."""
DEFAULT = "en_GB"
_FINEST = 12
"""Digits after the point beyond which nobody reads."""
_NOISE = 1e-9
"""Shares no further from none or all are these, after sums of many parts."""
_EXACT = decimal.Context(prec=400)
"""Wide enough for every float; Babel rounds in the context in force."""


class _Edition:
    """The language in use; English where nothing else is set."""

    locale: Locale = Locale.parse(DEFAULT)
    catalogue: gettext.NullTranslations = gettext.NullTranslations()


def set_language(language: str = "") -> None:
    """Choose the language of everything readers see, by a locale such as ``"en_GB"``; by default the environment's.

    Texts without a translation stay English; a locale that is not known is a ValueError.
    """
    language = (language or os.environ.get(VARIABLE) or DEFAULT).replace("-", "_")
    try:
        locale = Locale.parse(language)
    except Exception as error:
        raise ValueError(f"unknown language '{language}': give a locale such as 'en_GB' or 'zh_CN'") from error
    _Edition.locale = locale
    _Edition.catalogue = gettext.translation("crm", localedir=_FOLDER, languages=[language], fallback=True)


def language() -> str:
    """Return the language in use, as an HTML ``lang`` attribute has it (``en-GB``)."""
    return str(_Edition.locale).replace("_", "-")


def text(message: str) -> str:
    """Return `message` in the language in use.

    >>> text("Revenue")
    'Revenue'
    """
    return _Edition.catalogue.gettext(message)


def plural(one: str, many: str, n: int, **values: Any) -> str:
    """Return the form of the message that fits `n`, filled as :func:`say` does.

    >>> plural("{n} customer", "{n} customers", 2357)
    '2,357 customers'
    """
    message = _Edition.catalogue.ngettext(one, many, n)
    return _Sentence(str(values.get("currency", ""))).vformat(message, (), {"n": int(n), **values})


def number(value: float, decimals: int | None = None) -> str:
    """Write a number as people do.

    >>> number(12345.6), number(0.012345), number(9.9999), number(12345, -2)
    ('12,346', '0.0123', '10.0', '12,300')
    """
    if math.isnan(value):
        return "–"
    if math.isinf(value):
        return "∞" if value > 0 else "−∞"
    if decimals is None:
        # Three digits, counted after rounding.
        decimals = 0 if round(float(value), _FINEST).is_integer() else max(2 - int(f"{value:.2e}".partition("e")[2]), 0)
    decimals = min(decimals, _FINEST)
    with decimal.localcontext(_EXACT):
        return _minus(format_decimal(round(value, decimals), format=_pattern(decimals), locale=_Edition.locale))


def share(value: float, decimals: int = 0) -> str:
    """Write a share as a percentage; what would round to none or to all, and is neither, is written as a limit.

    >>> share(0.732), share(0.0004), share(0.9999), share(0.9999, 2)
    ('73%', '<1%', '>99%', '99.99%')
    """
    if not math.isfinite(value):
        return number(value)
    decimals = min(max(decimals, 0), _FINEST)
    rounded, mark = round(value, decimals + 2), "{share}"
    if rounded in (0, 1) and _NOISE < value < 1 - _NOISE:
        step = 10.0 ** -(decimals + 2)
        rounded, mark = (1 - step, ">{share}") if rounded else (step, "<{share}")
    with decimal.localcontext(_EXACT):
        written = format_percent(round(rounded, decimals + 2), format=_pattern(decimals) + "%", locale=_Edition.locale)
    return text(mark).format(share=_minus(written))


def money(value: float, currency: str, decimals: int | None = None) -> str:
    """Write an amount of money.

    >>> money(1234.5, "GBP"), money(12.5, "GBP")
    ('£1,234', '£12.50')
    """
    if not math.isfinite(value):
        return number(value)
    if decimals is None:
        decimals = 0 if abs(value) >= 99.995 or value == 0 else 2
    rounded, pattern = round(value, decimals), "¤" + _pattern(decimals)
    with decimal.localcontext(_EXACT):
        return _minus(format_currency(rounded, currency, format=pattern, locale=_Edition.locale, currency_digits=False))


def date(value: dt.date) -> str:
    """Write a date.

    >>> date(dt.date(2026, 11, 22))
    '22 Nov 2026'
    """
    return _babel_date(value, format="medium", locale=_Edition.locale)


def short_money(value: float, currency: str) -> str:
    """Write an amount for a label or a headline, in thousands or millions where it is large.

    >>> short_money(1234567, "GBP"), short_money(-12345, "GBP"), short_money(950, "GBP")
    ('£1.2m', '−£12k', '£950')
    """
    # Limits lie where rounding would write "1,000k".
    for limit, unit, mark in ((999_500_000, 1e9, "{amount}bn"), (999_500, 1e6, "{amount}m"), (9_950, 1e3, "{amount}k")):
        if abs(value) >= limit and math.isfinite(value):
            scaled = value / unit
            return text(mark).format(amount=money(scaled, currency, 1 if abs(scaled) < 9.95 else 0))
    return money(value, currency, 0 if abs(value) >= 9.995 or value == 0 else 2)


def listed(words: Sequence[str]) -> str:
    """Write several words as a list in a sentence.

    >>> listed(["books", "games", "cards"])
    'books, games and cards'
    """
    return format_list(list(words), locale=_Edition.locale)


def say(message: str, **values: Any) -> str:
    """Return a sentence in the language in use, with raw values written into it as people write them.

    Parameters
    ----------
    message : str
        The English sentence with places such as ``{now:share}``. Forms: ``share``, ``number`` and ``money``, each with
        the digits after the point behind it (``share1``); ``short`` (short money), ``count``, ``date``,
        ``words`` (a word that is translated itself, or several). Without a form a value is written by its type.
    **values
        The values; ``currency`` is the ISO code of money.

    Examples
    --------
    >>> say("{seen:count} customers bring {now:share} of {all:short}.", seen=1234, now=0.72, all=2.5e6, currency="GBP")
    '1,234 customers bring 72% of £2.5m.'
    """
    return _Sentence(str(values.get("currency", ""))).vformat(text(message), (), values)


class _Sentence(string.Formatter):
    def __init__(self, currency: str) -> None:
        self._currency = currency

    def format_field(self, value: Any, format_spec: str) -> str:
        form = format_spec.rstrip("0123456789")
        digits = int(format_spec[len(form) :]) if form != format_spec else None
        if value is None or (isinstance(value, float) and math.isnan(value)):
            return "–"
        if form == "words":
            return listed([text(str(each)) for each in value]) if isinstance(value, (list, tuple)) else text(str(value))
        if form in ("money", "short") and not self._currency:
            raise ValueError("money needs a currency: say(…, currency=…)")
        if form == "money":
            return money(float(value), self._currency, digits)
        if form in _FORMS:
            return str(_FORMS[form](value, digits, self._currency))
        if format_spec:
            raise ValueError(f"unknown form '{format_spec}': give one of {', '.join(['money', 'words', *_FORMS])}")
        return _by_type(value)


_FORMS: Mapping[str, Any] = {
    "share": lambda value, digits, _: share(float(value), digits or 0),
    "number": lambda value, digits, _: number(float(value), digits),
    "count": lambda value, *_: number(float(value), 0),
    "short": lambda value, _, currency: short_money(float(value), currency),
    "date": lambda value, *_: date(value),
}


def _by_type(value: Any) -> str:
    value = value.item() if hasattr(value, "item") else value
    if isinstance(value, dt.date):
        return date(value)
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return number(float(value), 0 if isinstance(value, int) else None)
    return str(value)


def _pattern(decimals: int) -> str:
    return "#,##0" + ("." + "0" * decimals if decimals > 0 else "")


def _minus(written: str) -> str:
    """Write a true minus sign, and none before a zero."""
    if not written.startswith("-"):
        return written
    return written.replace("-", "−", 1) if any(sign.isdigit() and int(sign) for sign in written) else written[1:]


set_language()
