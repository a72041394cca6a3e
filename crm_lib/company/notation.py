"""How numbers are written in a column of texts: decimal mark, groups of three, signs of currency, minus."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import ibis

from crm_lib.company.names import BLANKS
from crm_lib.company.settings import TableSource
from crm_lib.language import say, text

CURRENCIES = "[$€£¥₹₩₽₺₴₫฿₪₦₱₡₲₵₸₼₾¢]"
_INNER = BLANKS.replace(" ", "")
_FROM = "０１２３４５６７８９．，（）＋－−–＄￡￥￦’‘＇" + _INNER
_TO = "0123456789.,()+---$£¥₩'''" + " " * len(_INNER)


@dataclass(frozen=True, kw_only=True)
class Notation:
    """Decimal mark, what may stand between groups, and what is not read, with the cause.

    `unclear`: ``1,125`` and ``1.125``, since nothing tells which mark is the decimal one; `mixed`: amounts with a sign
    of currency, since there are several.
    """

    decimal: str
    groups: str
    unclear: bool = False
    mixed: bool = False
    cause: str = ""

    def fits(self, plain: Any) -> Any:
        """Whether what :func:`_bare` leaves of a text is a number so written."""
        mark, *groups = (f"[{'' if mark not in '^]' else chr(92)}{mark}]" for mark in self.decimal + self.groups)
        whole = "|".join(["[0-9]+", *(f"[1-9][0-9]{{0,2}}({group}[0-9]{{3}})+" for group in groups)])
        if "," in self.groups:
            whole += "|[1-9][0-9]?(,[0-9]{2})+,[0-9]{3}"  # 12,34,567, as in India
        shape = f"(({whole})({mark}[0-9]+)?|{mark}[0-9]+)([eE][+-]?[0-9]+)?"
        # 12. is 12, but 12.- and 12,- are not -12.
        return plain.re_search(rf"^([+-]? ?({shape}|({whole}){mark})|{shape} ?-|\( ?{shape} ?\))$")

    def standard(self, written: Any) -> Any:
        """Return texts as SQL writes numbers, null where they are none."""
        plain = _bare(written)
        digits = plain.re_replace(r"^[-+( ]+|[-) ]+$", "")
        for mark in self.groups:
            digits = digits.replace(mark, "")
        usable = self.fits(plain)
        usable &= ~_either(plain) if self.unclear else True
        usable &= ~written.re_search(CURRENCIES) if self.mixed else True
        signed = plain.re_search(r"^[-(]|-$").ifelse("-", "") + digits.replace(self.decimal, ".")
        whole = written.re_search("^-?[0-9]+$")  # most are, and need no further look
        return whole.ifelse(written, usable.ifelse(signed, ibis.null("string")))


POINT, COMMA = Notation(decimal=".", groups=", '"), Notation(decimal=",", groups=". '")


def _bare(written: Any) -> Any:
    """Return texts with ASCII digits, marks and blanks, without one sign of currency before or behind."""
    plain = written.translate(_FROM, _TO).re_replace(rf"^([-+(]?) ?{CURRENCIES} ?", r"\1")
    return plain.re_replace(rf" ?{CURRENCIES} ?([-)]?)$", r"\1").strip()


def _either(plain: Any) -> Any:
    return POINT.fits(plain) & COMMA.fits(plain) & plain.re_search("[.,]")


def said(source: TableSource) -> Notation | None:
    """Return the notation that ``company.toml`` says; None where it leaves it open."""
    decimal = source.decimal or {".": ",", ",": "."}.get(source.thousands)
    usual = COMMA if decimal == "," else POINT
    return Notation(decimal=decimal, groups=source.thousands or usual.groups) if decimal else None


def close(written: Any, number: Any) -> Any:
    """Which texts need a close look: those that no cast reads, and 1.125, which may be 1125."""
    return written.notnull() & (number.isnull() | (written.right(4).left(1) == "."))


def evidence(written: Any, number: Any) -> dict[str, Any]:
    """Return what speaks for one notation or the other, for :func:`found`; `number` is what a cast reads."""
    few = close(written, number).ifelse(written, ibis.null("string"))
    plain = _bare(few)
    point, comma, sign = POINT.fits(plain), COMMA.fits(plain), few.re_extract(CURRENCIES, 0).nullif("")
    return {
        "odd": (written.notnull() & number.isnull()).sum(),
        "point": ((point & ~comma) | (few.isnull() & written.contains("."))).sum(),
        "comma": (comma & ~point).sum(),
        "unclear": _either(plain).ifelse(written, ibis.null("string")).min(),
        "low": sign.min(),
        "high": sign.max(),
    }


def found(counts: Mapping[str, Any], source: TableSource) -> Notation | None:
    """Return the notation of a whole column, None where it is that of SQL; the cause tells what is not read."""
    given, (point, comma) = said(source), (bool(counts.get(mark)) for mark in ("point", "comma"))
    low, high, unclear = (counts.get(what) for what in ("low", "high", "unclear"))
    one = given or (COMMA if comma and not point else POINT)
    both = given is None and point == comma
    if not counts.get("odd") and one.decimal == "." and not (both and unclear):
        return None
    cause = ""
    if low != high:
        cause = say("there are several signs of currency, such as {low} and {high}", low=low, high=high)
    elif both and point:
        cause = text("some numbers have a decimal point, others a decimal comma; set 'decimal'")
    elif both and unclear:
        cause = say("'{shown}' may be a thousand or one and a fraction; set 'decimal' or 'thousands'", shown=unclear)
    groups = source.thousands or (" '" if both else one.groups)
    return Notation(decimal=one.decimal, groups=groups, unclear=both, mixed=low != high, cause=cause)
