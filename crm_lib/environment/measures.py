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


@dataclass(frozen=True)
class Measure:
    """A measure: its `words`, the `unit` of thresholds, how it is computed, and whether it lies with the company."""

    words: str
    unit: str
    compute: Callable[[Workings], Estimate]
    own: bool = True


def _five_points(found: Workings) -> Estimate:
    lives = retention.lives(found.company, found.window.days)
    projection = retention.purchase_projection(lives, seed=found.seed)
    free = {"annual_rate": _ANNUAL_RATE, "programme_cost": 0.0}
    return retention.retention_value(found.company, lives, projection, seed=found.seed, **free).points


def _of_wave(name: str, item: str) -> Callable[[Workings], Estimate]:
    def compute(found: Workings) -> Estimate:
        wave: Any = satisfaction.measures(found.survey).now["now"]
        if name not in wave:
            raise MissingData("surveys", [item])
        estimate: Estimate = wave[name]
        return estimate

    return compute


def _settled(found: Workings) -> Estimate:
    found.company.table("complaints", "closed_at")
    estimate: Estimate = satisfaction.care(found.company).complaints["settled within 30 days"]
    return estimate


MEASURES: Final[Mapping[str, Measure]] = {
    "value_of_best_fifth": Measure(
        "Share of value that the best fifth of customers bring", "share",
        lambda f: segments.concentration(f.segmented.value, seed=f.seed, basis=f.segmented.basis).top_share),
    "keeping_over_winning": Measure(
        "Cost of keeping a customer for a year over that of winning one", "ratio",
        lambda f: clv.retention_costs(f.company, seed=f.seed).ratio),
    "own_fault_lead": Measure(
        "Departures by the company's own fault, less those by the largest other cause", "percentage points",
        lambda f: churn.finding_own_fault(churn.causes_of_leaving(f.company, f.churned, seed=f.seed)).estimate),
    "leaving_while_unsettled": Measure(
        "Rate of leaving while a complaint is not settled, over that after settlement", "times",
        lambda f: churn.escalation(f.company, f.churned).ratio),
    "told_by_dissatisfied": Measure(
        "Persons told by a dissatisfied customer, less those told by a satisfied one", "persons",
        lambda f: satisfaction.word_of_mouth(f.company, f.survey).more, own=False),
    "profit_of_five_points": Measure(
        "Rise of a new customer's profit if 5 more of 100 stayed the first year", "ratio", _five_points),
    "core_satisfaction_lead": Measure(
        "Satisfaction index of core customers, less that of the others", "points of 100",
        lambda f: satisfaction.finding_core_satisfaction(
            satisfaction.core_satisfaction(f.company, f.survey, f.segmented)).estimate),
    "quality_layer_lead": Measure(
        "Weight of product quality for staying, less that of the weightiest other layer", "difference of shares",
        lambda f: satisfaction.layers(f.company, f.survey, seed=f.seed).lead),
    "recovery_lead": Measure(
        "Satisfaction index after a well-settled complaint, less that without one", "points of 100",
        lambda f: satisfaction.recovery(f.company, f.survey).paradox),
    "delivered_value_lead": Measure(
        "Delivered value, less that of the best rival", "points of 10",
        lambda f: satisfaction.finding_delivered_value(satisfaction.delivered_value(f.survey, seed=f.seed)).estimate),
    "net_gain_from_rivals": Measure(
        "Buyers won from rivals less those lost to them, of all buyers", "difference of shares",
        lambda f: brand_switching(f.company, seed=f.seed).balance, own=False),
    "net_value_kept": Measure(
        "What last year's customers bring now, over what they brought then", "ratio", lambda f: f.bridge.net),
    "customers_kept": Measure(
        "Share of last year's customers who bought again", "share", lambda f: f.bridge.kept),
    "satisfaction_index": Measure(
        "Satisfaction index", "points of 100", _of_wave("satisfaction index", "satisfaction")),
    "net_promoter_score": Measure(
        "Net promoter score", "difference of shares", _of_wave("net promoter score", "recommendation")),
    "complaints_settled": Measure("Share of complaints settled within 30 days", "share", _settled),
    "prefer_the_personal": Measure(
        "Share of customers who prefer personal offers", "share",
        lambda f: prefer_the_personal(f.survey).iloc[0], own=False),
    "readiness": Measure(
        "Weighted readiness: where the company stands, over where it wants to be", "share",
        lambda f: readiness(f.company, seed=f.seed).overall),
}  # fmt: skip
"""Measures by the name that ``hypotheses.toml`` uses; thresholds are in their unit."""
