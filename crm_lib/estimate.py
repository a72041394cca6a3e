"""A number that was estimated, with its interval."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any, Self

from crm_lib import language

LEVEL = 0.95
"""Nominal coverage of every interval, unless something else is said."""
_LARGE = 1000
"""From here on an exact amount of money is written with three significant digits."""


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """A number with its interval, printed as a person writes it.

    Parameters
    ----------
    value : float
        The point estimate.
    low, high : float
        Ends of the interval; infinite where it is open.
    level : float
        Nominal coverage of the interval, between 0 and 1.
    n : int
        Number of units (customers, answers …) the estimate rests on.
    method : str
        How the interval was made, for the reader who asks.
    unit : str
        ``""``, ``"share"`` (printed as a percentage), an ISO currency code (printed as money), or a word
        ("weeks") that is printed behind the interval.

    Examples
    --------
    >>> print(Estimate(value=31.2, low=26.9, high=35.4, n=120, method="Wald"))
    31 [27, 35]
    >>> print(Estimate(value=0.7312, low=0.7105, high=0.7498, n=2000, method="bootstrap", unit="share"))
    73.1% [71.1%, 75.0%]
    """

    value: float
    low: float
    high: float
    n: int
    method: str
    level: float = LEVEL
    unit: str = ""

    def __post_init__(self) -> None:
        if not 0 < self.level < 1:
            raise ValueError(f"level must lie between 0 and 1, not {self.level}")
        if self.low > self.high:
            raise ValueError(f"interval [{self.low}, {self.high}] is upside down")
        slack = 1e-9 * max(1.0, abs(self.value))
        if math.isfinite(self.value) and not self.low - slack <= self.value <= self.high + slack:
            raise ValueError(f"value {self.value} lies outside its interval [{self.low}, {self.high}]")

    @classmethod
    def exact(cls, value: float, *, n: int, unit: str = "", method: str = "count") -> Self:
        """Return a number that was counted, not estimated: it is printed without an interval."""
        return cls(value=value, low=value, high=value, n=n, method=method, unit=unit)

    @property
    def is_exact(self) -> bool:
        """Whether the interval is a point."""
        return self.low == self.high == self.value

    def __str__(self) -> str:
        if math.isnan(self.value):
            return language.text("not estimable")
        decimals = self._decimals()
        written = self._write(self.value, decimals)
        if not self.is_exact:
            written += f" [{self._write(self.low, decimals)}, {self._write(self.high, decimals)}]"
        return f"{written} {language.text(self.unit)}" if self._unit_is_word else written

    @property
    def _unit_is_word(self) -> bool:
        return bool(self.unit) and self.unit != "share" and not _is_currency(self.unit)

    def _write(self, value: float, decimals: int | None) -> str:
        if self.unit == "share":
            return language.share(value, 0 if decimals is None else decimals)
        if _is_currency(self.unit):
            return language.money(value, self.unit, decimals)
        return language.number(value, decimals)

    def _decimals(self) -> int | None:
        """Digits after the point: the interval's half-width keeps one significant digit, two where it begins with 1.

        This is the custom for stating uncertainties (Taylor 1997, An Introduction to Error Analysis, section 2.2). The
        number itself, where larger than the half-width, keeps at least two; money is never written beyond hundredths.
        """
        half = (self.high - self.low) / 2
        scale = 100.0 if self.unit == "share" else 1.0
        half, value = half * scale, abs(self.value) * scale
        if not math.isfinite(half) or half <= 0:
            if _is_currency(self.unit):
                # In a sentence nobody reads pennies behind thousands; tables hold the whole amount.
                return 2 - math.floor(math.log10(value)) if _LARGE <= value < math.inf else None
            short = half == 0 and self.unit != "share" and 0.001 <= value < 100
            return len(f"{value:.3g}".partition(".")[2]) if short else None  # 0.1, not 0.100
        leading, exponent = f"{half:e}".split("e")
        decimals = -int(exponent) + (1 if float(leading) < 2 else 0)
        if value > half:
            decimals = max(decimals, 1 - int(f"{value:.1e}".partition("e")[2]))  # digits are counted after rounding
        if _is_currency(self.unit) and decimals > 0:
            return 2  # £12.80, not £12.8
        return decimals

    def to_dict(self) -> dict[str, Any]:
        """Return the fields, and the printed form under ``text``, for JSON (infinite ends become null)."""
        fields = asdict(self)
        for name in ("value", "low", "high"):
            fields[name] = fields[name] if math.isfinite(fields[name]) else None
        return {**fields, "text": str(self)}


def _is_currency(unit: str) -> bool:
    return len(unit) == 3 and unit.isascii() and unit.isalpha() and unit.isupper()
