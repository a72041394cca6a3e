"""The measures that a hypothesis may name: each is computed from the company's tables by the package it belongs to."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

from crm_lib import churn, clv, retention, satisfaction, segments
from crm_lib.clv.model import SEED
from crm_lib.company import Company
from crm_lib.environment.customers import prefer_the_personal
from crm_lib.environment.readiness import readiness
from crm_lib.environment.switching import brand_switching
from crm_lib.errors import MissingData
from crm_lib.estimate import Estimate
from crm_lib.satisfaction.answers import Survey
from crm_lib.segments import Segmented

_COMES_BACK = 0.2
"""Share of those called gone who may come back, as notebook 10 has it."""
_ANNUAL_RATE = 0.1


PERCENT: Final = ("share", "ratio", "difference of shares")
"""Units that are written as percentages; thresholds are plain numbers, 0.8 for 80%."""


class Workings:
    """What several measures of one company rest on, computed once and when it is first asked for."""

    def __init__(self, company: Company, seed: int = SEED) -> None:
        self.company = company
        self.seed = seed

    @cached_property
    def segmented(self) -> Segmented:
        """Customers in segments and tiers."""
        return segments.segment_customers(self.company, segments.definitions_of(self.company))

    @cached_property
    def survey(self) -> Survey:
        """The survey's answers."""
        return satisfaction.survey(self.company)

    @cached_property
    def last_wave(self) -> Any:
        """The measures of the last wave, by name."""
        return satisfaction.measures(self.survey).now["now"]

    @cached_property
    def churned(self) -> churn.Churned:
        """Who has left."""
        return churn.churned(self.company, self.window)

    @cached_property
    def window(self) -> churn.InactivityWindow:
        """After how many days of silence a customer is gone."""
        return churn.inactivity_window(self.company, at_most=_COMES_BACK)

    @cached_property
    def bridge(self) -> retention.Bridge:
        """The last two years beside each other."""
        return retention.bridge(self.company)


@dataclass(frozen=True, kw_only=True)
class Measure:
    """A measure: its `words`, the `unit` of thresholds, how it is computed, and whether it lies with the company."""

    words: str
    compute: Callable[[Workings], Estimate]
    unit: str
    own: bool = True


def _best_fifth(found: Workings) -> Estimate:
    return segments.concentration(found.segmented.value, seed=found.seed, basis=found.segmented.basis).top_share


def _own_fault(found: Workings) -> Estimate:
    causes = churn.causes_of_leaving(found.company, found.churned, seed=found.seed)
    return churn.finding_own_fault(causes).estimate


def _five_points(found: Workings) -> Estimate:
    lives = retention.lives(found.company, found.window.days)
    projection = retention.purchase_projection(lives, seed=found.seed)
    free = {"annual_rate": _ANNUAL_RATE, "programme_cost": 0.0}
    return retention.retention_value(found.company, lives, projection, seed=found.seed, **free).points


def _core_gap(found: Workings) -> Estimate:
    core = satisfaction.core_satisfaction(found.company, found.survey, found.segmented)
    return satisfaction.finding_core_satisfaction(core).estimate


def _delivered(found: Workings) -> Estimate:
    return satisfaction.finding_delivered_value(satisfaction.delivered_value(found.survey, seed=found.seed)).estimate


def _of_wave(name: str, item: str) -> Callable[[Workings], Estimate]:
    def compute(found: Workings) -> Estimate:
        if name not in found.last_wave:
            raise MissingData("surveys", [item])
        estimate: Estimate = found.last_wave[name]
        return estimate

    return compute


def _settled(found: Workings) -> Estimate:
    found.company.table("complaints", "closed_at")
    estimate: Estimate = satisfaction.care(found.company).complaints["settled within 30 days"]
    return estimate


MEASURES: Final[Mapping[str, Measure]] = {
    "value_of_best_fifth": Measure(
        words="Share of value that the best fifth of customers bring", unit="share", compute=_best_fifth,
    ),
    "keeping_over_winning": Measure(
        words="Cost of keeping a customer for a year over that of winning one", unit="ratio",
        compute=lambda found: clv.retention_costs(found.company, seed=found.seed).ratio,
    ),
    "own_fault_lead": Measure(
        words="Departures by the company's own fault, less those by the largest other cause", compute=_own_fault,
        unit="percentage points",
    ),
    "leaving_while_unsettled": Measure(
        words="Rate of leaving while a complaint is not settled, over that after settlement", unit="times",
        compute=lambda found: churn.escalation(found.company, found.churned).ratio,
    ),
    "told_by_dissatisfied": Measure(
        words="Persons told by a dissatisfied customer, less those told by a satisfied one", unit="persons",
        own=False,
        compute=lambda found: satisfaction.word_of_mouth(found.company, found.survey).more,
    ),
    "profit_of_five_points": Measure(
        words="Rise of a new customer's profit if 5 more of 100 stayed the first year", unit="ratio",
        compute=_five_points,
    ),
    "core_satisfaction_lead": Measure(
        words="Satisfaction index of core customers, less that of the others", unit="points of 100", compute=_core_gap,
    ),
    "quality_layer_lead": Measure(
        words="Weight of product quality for staying, less that of the weightiest other layer",
        unit="difference of shares",
        compute=lambda found: satisfaction.layers(found.company, found.survey, seed=found.seed).lead,
    ),
    "recovery_lead": Measure(
        words="Satisfaction index after a well-settled complaint, less that without one", unit="points of 100",
        compute=lambda found: satisfaction.recovery(found.company, found.survey).paradox,
    ),
    "delivered_value_lead": Measure(
        words="Delivered value, less that of the best rival", unit="points of 10", compute=_delivered,
    ),
    "net_gain_from_rivals": Measure(
        words="Buyers won from rivals less those lost to them, of all buyers", unit="difference of shares", own=False,
        compute=lambda found: brand_switching(found.company, seed=found.seed).balance,
    ),
    "net_value_kept": Measure(
        words="What last year's customers bring now, over what they brought then", unit="ratio",
        compute=lambda found: found.bridge.net,
    ),
    "customers_kept": Measure(
        words="Share of last year's customers who bought again", unit="share",
        compute=lambda found: found.bridge.kept,
    ),
    "satisfaction_index": Measure(
        words="Satisfaction index", unit="points of 100", compute=_of_wave("satisfaction index", "satisfaction"),
    ),
    "net_promoter_score": Measure(
        words="Net promoter score", unit="difference of shares",
        compute=_of_wave("net promoter score", "recommendation"),
    ),
    "complaints_settled": Measure(
        words="Share of complaints settled within 30 days", unit="share", compute=_settled,
    ),
    "prefer_the_personal": Measure(
        words="Share of customers who prefer personal offers", unit="share",
        own=False,
        compute=lambda found: prefer_the_personal(found.survey).iloc[0],
    ),
    "readiness": Measure(
        words="Weighted readiness: where the company stands, over where it wants to be", unit="share",
        compute=lambda found: readiness(found.company, seed=found.seed).overall,
    ),
}  # fmt: skip
"""Measures by the name that ``hypotheses.toml`` uses; thresholds are in their unit."""
