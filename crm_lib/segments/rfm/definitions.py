"""Definitions that last: who is scored, the cut points and the rules of segments, in a file that people can read."""

from __future__ import annotations

import datetime as dt
import tomllib
import warnings
from dataclasses import dataclass, replace
from typing import Any, Self

from pydantic import ValidationError

from crm_lib.company import Company
from crm_lib.customers.known import LONGEST
from crm_lib.customers.window import Value, value_of
from crm_lib.errors import CompanyError
from crm_lib.language import say
from crm_lib.segments.rfm.definition_text import DefinitionText, Returns, fault, written
from crm_lib.segments.rfm.rules import Rule, check_rules
from crm_lib.segments.rfm.scores import BASES, MEASURES, Base, CutPoints, check_cut_points
from crm_lib.segments.rfm.segment_rules import score_variables, segment_rules
from crm_lib.segments.value.tiers import TIER_SHARES, By, check_tier_cut_points, check_tier_shares

FILE = "segments.toml"
"""Name of a company's definition file, beside its ``company.toml``."""
_OPTIONS: dict[str, tuple[str | None, ...]] = {
    "base": BASES, "returns": ("net", "gross"), "monetary": ("revenue", "margin"), "tier_by": ("value", "count"),
    "tier_value": ("revenue", "margin", None),
}  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class SegmentDefinitions:
    """Everything that decides in which segment and tier a customer is.

    Scheduled reports keep definitions with cut points (*frozen*), so that customers move and segments do not. Without
    cut points they are estimated from the data at hand; :func:`estimated` does it once and for all.

    Parameters
    ----------
    window_days : int
        Days over which orders and money are counted.
    base : {"buyers", "known"}
        Who is scored: those who bought in the window, or everybody who ever bought.
    returns : {"net", "gross"}
        Whether what was paid back is taken off the monetary value. A return is never an order.
    monetary : {"revenue", "margin"}
        What the monetary score adds up.
    levels : int
        Highest score, 3 to 5.
    rfm_cut_points : mapping of str to tuple of float, optional
        Cut points of "recency" (days), "frequency" (orders) and "monetary" (money).
    tier_value : {"revenue", "margin"}, optional
        What the tiers add up, net of returns; by default the margin where the company knows it.
    tier_by, tier_shares, tier_cut_points : optional
        As `by`, `shares` and `cut_points` of :func:`~crm_lib.segments.value_tiers`.
    rules : tuple of Rule
        The named segments, exclusive and exhaustive; where empty, the nine of :func:`~crm_lib.segments.segment_rules`.
    currency : str
        ISO code of the cut points in money.
    estimated_on : date, optional
        Day as of which the cut points were estimated.

    Examples
    --------
    >>> definitions = SegmentDefinitions(window_days=180, levels=3)
    >>> SegmentDefinitions.from_toml(definitions.to_toml()) == definitions
    True
    """

    window_days: int = 365
    base: Base = "buyers"
    returns: Returns = "net"
    monetary: Value = "revenue"
    levels: int = 5
    rfm_cut_points: CutPoints | None = None
    tier_value: Value | None = None
    tier_by: By = "value"
    tier_shares: tuple[float, ...] = ()
    tier_cut_points: tuple[float, ...] | None = None
    rules: tuple[Rule, ...] = ()
    currency: str = ""
    estimated_on: dt.date | None = None

    def __post_init__(self) -> None:
        if not 1 <= self.window_days <= LONGEST:
            raise ValueError(f"a window has at least one day and at most {LONGEST:,}, not {self.window_days}")
        if not 3 <= self.levels <= 5:
            raise ValueError(f"levels must be 3, 4 or 5, not {self.levels}")
        for name, options in _OPTIONS.items():
            if getattr(self, name) not in options:
                raise ValueError(f"{name} must be one of {', '.join(map(str, options))}, not {getattr(self, name)!r}")
        if self.rfm_cut_points is not None:
            check_cut_points(self.rfm_cut_points, self.levels)
        if self.tier_cut_points is not None:
            check_tier_cut_points(self.tier_cut_points)
        if not self.tier_shares:
            object.__setattr__(self, "tier_shares", TIER_SHARES[self.tier_by])
        check_tier_shares(self.tier_shares)
        if not self.rules:
            object.__setattr__(self, "rules", segment_rules(self.levels))
        check_rules(self.rules, score_variables(self.levels))

    @property
    def frozen(self) -> bool:
        """Whether all cut points are given."""
        return self.rfm_cut_points is not None and self.tier_cut_points is not None

    def known_on(self, day: dt.date) -> Self:
        """Return the definitions as they could be used on a day: without cut points that were estimated later."""
        return self if self.estimated_on is None or self.estimated_on <= day else self.free()

    def free(self) -> Self:
        """Return the definitions without cut points, so that they are estimated from the data at hand."""
        return replace(self, rfm_cut_points=None, tier_cut_points=None, currency="", estimated_on=None)

    @classmethod
    def from_toml(cls, content: str, *, where: str = FILE) -> Self:
        """Return the definitions that :meth:`to_toml`, or a person, wrote."""
        try:
            text = DefinitionText.model_validate(tomllib.loads(content))
            cuts = text.rfm.cut_points
            return cls(
                window_days=text.base.window_days,
                base=text.base.customers,
                returns=text.base.returns,
                monetary=text.rfm.monetary,
                levels=text.rfm.levels,
                rfm_cut_points={name: tuple(getattr(cuts, name)) for name in MEASURES} if cuts else None,
                tier_value=text.tiers.value,
                tier_by=text.tiers.by,
                tier_shares=tuple(text.tiers.shares),
                tier_cut_points=tuple(text.tiers.cut_points) or None,
                rules=text.rules,
                currency=text.frozen.currency,
                estimated_on=text.frozen.estimated_on,
            )
        except tomllib.TOMLDecodeError as error:
            raise CompanyError(f"{where} is not valid TOML: {error}") from None
        except ValidationError as error:
            raise CompanyError(f"{where}: {fault(error)}") from None
        except (ValueError, OverflowError) as error:
            raise CompanyError(f"{where}: {error}") from None

    def to_toml(self) -> str:
        """Return the definitions as TOML, from which :meth:`from_toml` makes equal ones."""
        base = {"window_days": self.window_days, "customers": self.base, "returns": self.returns, "ties": "together"}
        tiers = {"value": self.tier_value, "by": self.tier_by, "shares": list(self.tier_shares)}
        cuts = self.rfm_cut_points
        sections: dict[str, dict[str, Any]] = {
            "base": base,
            "rfm": {"monetary": self.monetary, "levels": self.levels},
            "rfm.cut_points": {name: list(cuts[name]) for name in MEASURES} if cuts else {},
            "tiers": {**tiers, "cut_points": list(self.tier_cut_points) if self.tier_cut_points else None},
            "frozen": {"currency": self.currency or None, "estimated_on": self.estimated_on},
        }
        return written(sections, self.rules)


def definitions_of(
    company: Company, *, window_days: int = 365, levels: int = 5, anew: bool = False
) -> SegmentDefinitions:
    """Return the definitions in a company's ``segments.toml``, or those used where there is none.

    Parameters
    ----------
    company : Company
        The company.
    window_days, levels : int
        Days and highest score where there is no file; a file has its own.
    anew : bool
        Whether to leave out the cut points of the file, so that they are estimated from the data at hand.

    Returns
    -------
    SegmentDefinitions
        Without the file: the nine segments, tiers by value, nothing frozen.

    Raises
    ------
    CompanyError
        If the file cannot be read, or its cut points are in another currency than the company's.

    Warns
    -----
    UserWarning
        If the cut points were estimated after the day as of which the company was opened: they would look ahead, and
        are left aside.
    """
    file = company.folder / FILE
    if not file.is_file():
        return SegmentDefinitions(window_days=window_days, levels=levels)
    try:
        content = file.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise CompanyError(f"{file} is not UTF-8 (byte {error.start + 1}): save it in this encoding") from None
    definitions = SegmentDefinitions.from_toml(content, where=str(file))
    if anew:
        return definitions.free()
    if definitions.currency not in ("", company.currency):
        raise CompanyError(
            f"{file}: [frozen] currency is {definitions.currency}, but the company counts in {company.currency}"
        )
    if definitions.estimated_on is not None and definitions.estimated_on > company.as_of:
        message = say(
            "The frozen cut points are of {later}; for {day} they are estimated anew, so that nothing looks ahead.",
            later=definitions.estimated_on,
            day=company.as_of,
        )
        warnings.warn(message, UserWarning, stacklevel=2)
        return definitions.free()
    return definitions


def tier_value_of(definitions: SegmentDefinitions, company: Company) -> Value:
    """Return what the tiers of a company add up."""
    return definitions.tier_value or value_of(company)
