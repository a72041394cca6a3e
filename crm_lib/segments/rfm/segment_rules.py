"""Which RFM scores make which segment: one rule table, exclusive and exhaustive."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from crm_lib.segments.rfm.rules import Interval, Rule, Variable

Band = Literal["low", "middle", "high"]


@dataclass(frozen=True)
class SegmentRule:
    """One named segment."""

    name: str
    recency: Band
    weight: Band
    action: str


SEGMENT_RULES: tuple[SegmentRule, ...] = (
    SegmentRule("Champions", "high", "high", "Keep them personally; ask for advice and referrals."),
    SegmentRule("Loyal", "middle", "high", "Keep contact regular; thank before the next purchase is due."),
    SegmentRule("Slipping away", "low", "high", "Call now: they were worth much and have fallen silent."),
    SegmentRule("Growing", "high", "middle", "Offer the next category; make the second step easy."),
    SegmentRule("Steady", "middle", "middle", "Serve well at ordinary cost; watch for change."),
    SegmentRule("Fading", "low", "middle", "Ask what is missing; one reminder with a reason to return."),
    SegmentRule("Light, recent", "high", "low", "Welcome them; learn what they need."),
    SegmentRule("Occasional", "middle", "low", "Serve through cheap channels."),
    SegmentRule("Dormant", "low", "low", "No spending beyond automatic messages."),
)
"""The segments, best first. Two bands name a rule, so the nine rules cover every combination of scores once."""


def score_variables(levels: int) -> dict[str, Variable]:
    """Return what rules of segments may ask for, with the values it can have."""
    score = Variable(choices=tuple(range(1, levels + 1)))
    scores = dict.fromkeys(("recency_score", "frequency_score", "monetary_score"), score)
    weight = Variable(choices=tuple(range(2, 2 * levels + 1)))
    return {**scores, "weight": weight, **dict.fromkeys(("recency", "frequency", "monetary"), Variable())}


def segment_rules(levels: int) -> tuple[Rule, ...]:
    """Return the nine segments as rules on the scores, best first.

    Examples
    --------
    >>> segment_rules(5)[0].when["weight"]
    Interval(above=7, up_to=inf)
    """
    recency, weight = _bands(levels - 1, first=1), _bands(2 * (levels - 1), first=2)
    return tuple(
        Rule(
            name=rule.name,
            when={"recency_score": recency[rule.recency], "weight": weight[rule.weight]},
            action=rule.action,
        )
        for rule in SEGMENT_RULES
    )


def _bands(most: int, *, first: int) -> dict[Band, Interval]:
    """Return the thirds of the range that begins at `first` and has `most` steps, as intervals."""
    low, middle = (most - 1) // 3 + first, 2 * most // 3 + first
    return {"low": Interval(up_to=low), "middle": Interval(above=low, up_to=middle), "high": Interval(above=middle)}
