"""Every number the demo company is built from, named and explained: what an analysis should find is written here."""
# ruff: noqa: RUF009  (what is called makes a field)

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

Shares = Mapping[str, float]


def _by_name(**values: float) -> Any:
    """Return a field whose default is a number a name."""
    return field(default_factory=lambda: dict(values))


@dataclass(frozen=True, kw_only=True)
class Buying:
    """How often, how long and for how much customers buy (time unit: weeks).

    Purchase rates are gamma (shape `r`, rate `alpha`), basic dropout rates gamma (shape `s`, rate `beta`): the
    Pareto/NBD model of Schmittlein, Morrison & Colombo (1987), which seasons, stages and the effects on dropout bend a
    little. Order values are gamma (shape `p`) about a mean that differs between customers (shape `q`, scale `gamma`):
    the gamma-gamma model of Fader & Hardie, independent of the rates.
    """

    r: float = 0.55
    alpha: float = 2.3
    s: float = 0.60
    beta: float = 5.5
    p: float = 3.0
    q: float = 6.0
    gamma: float = 80.0
    months: tuple[float, ...] = (0.90, 0.88, 0.94, 0.94, 0.94, 0.92, 0.92, 0.94, 1.06, 1.02, 1.18, 1.46)
    """Season: rate in January … December against the average; the Christmas peak is modest."""


@dataclass(frozen=True, kw_only=True)
class Relationship:
    """Transactional and relational customers, and the stages of a relationship.

    The probability of being relational is `relational` at the median rates and grows by `rate_tilt` with the rank of
    the purchase rate, less `dropout_tilt` with the rank of the dropout rate. Transactional customers never leave the
    exploration stage and their rates do not change with it.
    """

    relational: float = 0.50
    rate_tilt: float = 0.50
    dropout_tilt: float = 0.35
    losing: float = 0.25
    exploration_weeks: float = 12.0
    build_up_weeks: float = 24.0
    decline_weeks: Shares = _by_name(relational_losing=26.0, other=260.0)
    """Mean weeks of stability before decline begins."""
    stage_rate: Shares = _by_name(exploration=0.85, build_up=1.15, stable=1.0, decline=0.45)
    stage_hazard: Shares = _by_name(exploration=1.0, build_up=0.9, stable=0.8, decline=2.0)
    discounted: Shares = _by_name(transactional=0.55, relational=0.15)
    """Share of order lines bought on discount."""
    contributors: Shares = _by_name(transactional=0.03, relational=0.12)
    """Share of customers who write reviews; such a customer reviews `reviewed` of the orders."""
    reviewed: float = 0.35


@dataclass(frozen=True, kw_only=True)
class Leaving:
    """Dropout: five competing causes, and what makes them more likely.

    The hazard of cause c is ``mu * share[c] * stage * effects``. Dissatisfaction raises *competition* and *own_fault*:
    their hazard is multiplied by ``spread ** (1 - 2 L)``, L being loyalty between 0 and 1, a logistic function of
    satisfaction with centre and width that depend on local competition: under low competition even the dissatisfied
    stay (false loyalty), under high competition only the delighted do.
    """

    share: Shares = _by_name(natural=0.20, competition=0.30, own_fault=0.25, given_up=0.10, other=0.15)
    spread: float = 2.4
    loyalty_centre: Shares = _by_name(low=3.5, medium=6.5, high=8.3)
    loyalty_width: Shares = _by_name(low=0.7, medium=1.0, high=0.55)
    competition_effect: Shares = _by_name(low=0.5, medium=1.0, high=1.6)
    unresolved_weeks: int = 13
    """For so many whole weeks, from the week after it was opened, an unresolved complaint has its effect."""
    unresolved_effect: Shares = _by_name(own_fault=6.0, competition=2.0)
    member_effect: Shares = _by_name(competition=0.5)
    given_up_effect: Shares = _by_name(transactional=1.6, relational=0.4)
    documented: float = 0.35
    """Share of departures that the company learns of; the others are silent."""


@dataclass(frozen=True, kw_only=True)
class Satisfaction:
    """Satisfaction is a weighted sum of perceived performance, plus a share of its distance to expectation."""

    weights: Shares = _by_name(
        product_quality=0.25, service_quality=0.35, personnel_quality=0.15, image=0.10, value_for_money=0.15
    )
    means: Shares = _by_name(
        product_quality=7.9, service_quality=7.3, personnel_quality=7.6, image=7.4, value_for_money=6.9
    )
    team_effect: Shares = _by_name(service_quality=1.0, personnel_quality=0.8)
    disconfirmation: float = 0.30
    expectation_mean: float = 7.4
    customer_sd: float = 1.1
    quarter_sd: float = 0.8
    persistence: float = 0.7
    complaint_drop: float = 1.2
    """Drop of the surveyed (not of the underlying) satisfaction in the weeks of an unresolved complaint."""
    answer_sd: float = 0.6
    survey_share: float = 0.20
    persons_told: Shares = _by_name(dissatisfied=9.0, neutral=2.0, satisfied=4.0)
    """Mean number of persons told: satisfaction below 5, between, from 8 on."""
    referral_pull: float = 0.6
    """A point of satisfaction multiplies the chance of being the one who referred a new customer by exp(this)."""


@dataclass(frozen=True, kw_only=True)
class Members:
    """Paid membership, and the coin that decides at the end of each period.

    The chance not to renew is Beta(a, b) among members: the shifted-beta-geometric model of Fader & Hardie (2007).
    Membership changes no purchase rate.
    """

    joining: Shares = _by_name(transactional=0.14, relational=0.55)
    joining_weeks: float = 10.0
    monthly_share: float = 0.60
    monthly: Shares = _by_name(a=0.9, b=9.0, price=2.99)
    annual: Shares = _by_name(a=0.8, b=1.9, price=29.0)
    payment_failed: float = 0.18
    """Share of the ends at renewal that nobody wanted: the payment failed."""


@dataclass(frozen=True, kw_only=True)
class Complaining:
    """Problems with orders and what becomes of them."""

    problem: float = 0.050
    """Probability of a problem with an order at service quality 7; a point less multiplies it by exp(`service`)."""
    service: float = 0.35
    told: float = 0.55
    """Share of problems that become a complaint; the others are swallowed."""
    unresolved: float = 0.27
    """Share of complaints left without a settlement by an average team; the odds fall with the team's quality."""
    team: float = 1.0
    topics: Shares = field(
        default_factory=lambda: {"late delivery": 0.34, "damaged item": 0.22, "wrong item": 0.16,
                                 "billing": 0.12, "staff": 0.07, "website": 0.09}
    )  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Uplift:
    """Effects of campaigns: the purchase rate in the outcome window is multiplied by 1 + effect.

    Each customer's effect is that of the kind of customer and arm, plus normal noise; customers who value being left
    alone (`left_alone_share`) answer every campaign with `left_alone_effect` instead.
    """

    email: Shares = _by_name(
        transactional=0.12, relational_profitable=0.04, relational_growable=0.30, relational_losing=0.15
    )
    email_voucher: Shares = _by_name(
        transactional=0.55, relational_profitable=0.10, relational_growable=0.45, relational_losing=0.35
    )
    noise: float = 0.08
    left_alone_share: float = 0.18
    left_alone_effect: float = -0.35
    voucher: float = 5.0
    redeemed: float = 0.7
    contact_cost: Shares = _by_name(control=0.0, email=0.05, email_voucher=0.08, invitation=3.5)
    targeted: float = 0.08
    """True effect of the one campaign that was not randomised but aimed at the best customers."""
    win_back: Shares = _by_name(natural=0.03, competition=0.16, own_fault=0.10, given_up=0.0, other=0.12)
    """Chance that a lost customer comes back, by cause, when written to; times `win_back_arm`."""
    win_back_arm: Shares = _by_name(control=0.2, email=1.0, email_voucher=1.8)


@dataclass(frozen=True, kw_only=True)
class Dirt:
    """What is wrong in the tables on purpose."""

    returned: float = 0.04
    """Share of order lines returned within 25 days, but for those after the last day or after the customer left."""
    duplicates: float = 0.003
    late: float = 0.01
    """Share of order lines entered 1 to 10 days late."""
    category_missing: float = 0.01
    region_missing: float = 0.015
    birth_year_missing: float = 0.12
    impossible_ratings: int = 6


@dataclass(frozen=True, kw_only=True)
class Parameters:
    """The population parameters and effect sizes of the demo company, by topic."""

    buying: Buying = field(default_factory=Buying)
    relationship: Relationship = field(default_factory=Relationship)
    leaving: Leaving = field(default_factory=Leaving)
    satisfaction: Satisfaction = field(default_factory=Satisfaction)
    members: Members = field(default_factory=Members)
    complaining: Complaining = field(default_factory=Complaining)
    uplift: Uplift = field(default_factory=Uplift)
    dirt: Dirt = field(default_factory=Dirt)
