"""A claim tested on the company's data: evidence, verdict, decision and money at stake."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from html import escape
from typing import Any

from crm_lib import language
from crm_lib.estimate import Estimate

MIME = "application/vnd.crm-lib.finding+json"
"""Under this type a finding travels in the outputs of an executed notebook."""


class Verdict(StrEnum):
    """What the interval says of the claim."""

    SUPPORTED = "supported"
    NOT_SUPPORTED = "not supported"
    UNDECIDED = "undecided"


@dataclass(frozen=True, kw_only=True)
class Criterion:
    """The range in which the true value lies if the claim holds (ends included).

    Examples
    --------
    >>> holds = Criterion(low=0.75, high=0.85)
    >>> holds.verdict(Estimate(value=0.8, low=0.78, high=0.82, n=900, method="bootstrap"))
    <Verdict.SUPPORTED: 'supported'>
    >>> holds.verdict(Estimate(value=0.8, low=0.72, high=0.88, n=90, method="bootstrap"))
    <Verdict.UNDECIDED: 'undecided'>
    """

    low: float = -math.inf
    high: float = math.inf

    def __post_init__(self) -> None:
        if not self.low <= self.high or (math.isinf(self.low) and math.isinf(self.high)):
            raise ValueError(f"a criterion needs a low end, a high end or both; got [{self.low}, {self.high}]")

    def verdict(self, estimate: Estimate) -> Verdict:
        """Return *supported* if the whole interval lies within, *not supported* if all of it lies outside."""
        if math.isnan(estimate.value):
            return Verdict.UNDECIDED
        if self.low <= estimate.low and estimate.high <= self.high:
            return Verdict.SUPPORTED
        if estimate.high < self.low or estimate.low > self.high:
            return Verdict.NOT_SUPPORTED
        return Verdict.UNDECIDED


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One claim and what the data say of it.

    Texts are filled from the estimates and chosen by the verdict, so the prose cannot contradict the data.

    Parameters
    ----------
    key : str
        Stable name, such as ``"segments.concentration"``, by which runs are compared.
    claim : str
        The claim, as a sentence. This, the sentence, the decisions and the note on money are filled by
        :func:`crm_lib.language.say` from `values`, ``{estimate}`` and the currency.
    source : str
        Where the claim comes from (chapter of the textbook, or "hypothesis of the company").
    estimate : Estimate
        The evidence that decides.
    criterion : Criterion
        When the claim holds.
    sentence : str
        What was found, in at most 30 words.
    if_supported, if_not_supported, if_undecided : str
        What to do under each verdict.
    values : mapping of str to object
        What fills the texts; the estimates among it travel as further evidence.
    currency : str
        ISO code of the money in the texts.
    money_at_stake : Estimate or None
        What the decision is worth, in money.
    money_note : str
        How the money was counted.
    """

    key: str
    claim: str
    source: str
    estimate: Estimate
    criterion: Criterion
    sentence: str
    if_supported: str
    if_not_supported: str
    if_undecided: str
    values: Mapping[str, Any] = field(default_factory=dict)
    currency: str = ""
    money_at_stake: Estimate | None = None
    money_note: str = ""

    @property
    def verdict(self) -> Verdict:
        """The verdict, derived from the interval and the criterion."""
        return self.criterion.verdict(self.estimate)

    @property
    def text(self) -> str:
        """The sentence, filled with the numbers."""
        return self._filled(self.sentence)

    @property
    def decision(self) -> str:
        """The decision that the verdict leads to."""
        told = {
            Verdict.SUPPORTED: self.if_supported,
            Verdict.NOT_SUPPORTED: self.if_not_supported,
            Verdict.UNDECIDED: self.if_undecided,
        }
        return self._filled(told[self.verdict])

    def _filled(self, template: str) -> str:
        values = {"currency": self.currency, **self.values, "estimate": self.estimate}
        return language.say(template, **values)

    def to_dict(self) -> dict[str, Any]:
        """Return the finding as plain values for JSON, texts filled in."""
        return {
            "key": self.key,
            "claim": self._filled(self.claim),
            "source": language.text(self.source),
            "verdict": self.verdict.value,
            "text": self.text,
            "decision": self.decision,
            "estimate": self.estimate.to_dict(),
            "more": {name: each.to_dict() for name, each in self.values.items() if isinstance(each, Estimate)},
            "criterion": {
                "low": self.criterion.low if math.isfinite(self.criterion.low) else None,
                "high": self.criterion.high if math.isfinite(self.criterion.high) else None,
            },
            "money_at_stake": self.money_at_stake.to_dict() if self.money_at_stake else None,
            "money_note": self._filled(self.money_note) if self.money_note else "",
        }

    def _repr_mimebundle_(self, **_: Any) -> dict[str, Any]:
        fields = self.to_dict()
        return {MIME: fields, "text/html": callout(fields), "text/plain": f"{fields['verdict']}: {fields['text']}"}


_MARKS = {"supported": "✔", "not supported": "✘", "undecided": "?"}
_COLOURS = {"supported": "#1b6e53", "not supported": "#a3441c", "undecided": "#5b5f66"}


def callout(fields: Mapping[str, Any]) -> str:
    """Return the HTML box that shows a finding, styled by itself so that JupyterLab shows it as the report does."""
    colour = _COLOURS[fields["verdict"]]
    stake = fields["money_at_stake"]
    lines = [
        f'<p style="margin:0 0 .3em"><strong style="color:{colour}">{_MARKS[fields["verdict"]]} '
        f"{escape(language.text(fields['verdict']))}</strong> · {escape(fields['claim'])}</p>",
        f'<p style="margin:0 0 .3em;font-size:1.1em">{escape(fields["text"])}</p>',
        f'<p style="margin:0"><strong>{escape(language.text("What to do:"))}</strong> {escape(fields["decision"])}</p>',
    ]
    if stake:
        note = f" ({escape(fields['money_note'])})" if fields["money_note"] else ""
        label = escape(language.text("Money at stake:"))
        lines.append(f'<p style="margin:.3em 0 0"><strong>{label}</strong> {escape(stake["text"])}{note}</p>')
    style = f"border-left:5px solid {colour};padding:.6em 1em;margin:.8em 0;background:rgba(127,127,127,.08)"
    return f'<aside class="finding" style="{style}">{"".join(lines)}</aside>'
