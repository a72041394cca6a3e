"""The company's people and what they do for customers: problems, complaints and contacts; teams, skills, partners."""

from __future__ import annotations

from collections.abc import Mapping
from copy import copy

import numpy as np
import pandas as pd

from crm_lib.demo.clock import DAYS, NEVER, WEEKS, Bools, Floats, Ints, Names, dates, day_of, moments, quarter_of
from crm_lib.demo.draws import Streams, draw, frame, logistic, look_up, names, numbered, text_where, true_where
from crm_lib.demo.lives import Lives
from crm_lib.demo.opinions import Opinions
from crm_lib.demo.orders import Orders
from crm_lib.demo.people import FIRST, LAST, REGIONS, People

CONTACTS: Mapping[str, tuple[str, float, float, float]] = {
    "question": ("before", 0.045, -2.0, 3.0),
    "advice": ("before", 0.050, -1.0, 1.5),
    "price enquiry": ("before", 0.020, -3.0, 3.0),
    "order help": ("during", 0.040, 0.0, 0.0),
    "delivery status": ("during", 0.050, 0.5, 3.0),
    "service question": ("after", 0.035, 3.0, 15.0),
    "thanks call": ("after", 0.015, 4.0, 6.0),
}
"""Phase of each kind of contact, number an order, and when it takes place: first day after the order, days of span."""
CHANNELS: Mapping[str, tuple[float, float, float]] = {
    "shop": (0.30, 7.0, 0.42),
    "telephone": (0.24, 8.0, 0.60),
    "e-mail": (0.22, 5.0, 0.45),
    "chat": (0.16, 6.0, 0.30),
    "web": (0.08, 1.0, 0.05),
}
"""Share of each channel, mean minutes, and cost a minute."""
TEAM_SIZE = 7
SURVEY_DAYS = ("2023-11-15", "2024-05-15", "2024-11-15", "2025-05-15", "2025-11-15", "2026-05-15")
PARTNERS = (
    ("Northgate Wholesale Books", "supplier", 610_000, 4.2, 0.96, 4.0),
    ("Meridian Press Distribution", "supplier", 240_000, 3.9, 0.91, 3.0),
    ("Kraft & Söhne Paper", "supplier", 70_000, 4.5, 0.97, 2.0),
    ("Swift Parcel", "distributor", 95_000, 3.4, 0.86, 3.5),
    ("Green Wheel Couriers", "distributor", 38_000, 4.4, 0.95, 2.0),
    ("Marketplace platform", "distributor", 180_000, 3.1, 0.98, 4.5),
    ("Founders' trust", "owner", 0, 4.0, 0.99, 5.0),
    ("Staff council", "employee body", 0, 3.8, 0.93, 4.0),
    ("Library friends", "community", 12_000, 4.6, 0.90, 1.5),
)
"""Name, kind, yearly volume, quality, reliability and dependence of each partner."""
CAPABILITIES: Mapping[str, tuple[float, float, str]] = {
    "culture": (3.9, 0.1, "Customers before products, Learning from mistakes, Openness, Shared goals"),
    "processes": (3.0, 0.3, "Handling of complaints, Delivery, Data kept on the way, Follow-up"),
    "organisation": (3.2, 0.1, "One owner for each customer, Cooperation of channels, Decisions near the customer, "
                               "Incentives"),
    "technology": (2.3, 0.4, "One customer record, Quality of data, Analysis, Automation"),
    "people": (3.6, 0.0, "Knowledge of the range, Service skills, Skills with data, Training"),
}  # fmt: skip
"""Mean score in 2024, yearly growth, and the items of each area."""


class Problems:
    """Orders that went wrong, complained of or swallowed; unresolved ones are closed with no settlement, or never."""

    def __init__(self, people: People, orders: Orders, opinions: Opinions) -> None:
        rng, chances = people.streams("problems"), people.parameters.complaining
        item = list(people.parameters.satisfaction.weights).index("service_quality")
        quarter = quarter_of(orders.day)
        service = opinions.items[orders.customer, quarter, item]
        chance = np.minimum(chances.problem * np.exp(-chances.service * (service - 7)), 0.4)
        wrong = np.flatnonzero(rng.random(len(orders)) < chance)
        n = len(wrong)
        self.customer, self.ordered = orders.customer[wrong], orders.day[wrong]
        team = opinions.team_quality[people.region_number[self.customer], quarter[wrong]]
        odds = np.log(chances.unresolved / (1 - chances.unresolved)) - chances.team * team
        self.unresolved = rng.random(n) < logistic(odds)
        self.opened = self.ordered + 0.2 + rng.gamma(1.5, 3.0, n)
        duration = rng.lognormal(1.4, 0.8, n) * np.where(self.unresolved, 2.5, 1.0) * np.exp(-0.4 * team)
        forgotten = self.unresolved & (rng.random(n) < 0.4)
        self.closed = np.where(forgotten, NEVER, self.opened + duration)
        settlement = draw(rng, {"refund": 0.4, "replacement": 0.35, "voucher": 0.1, "apology": 0.15}, n)
        self.resolution = names(np.where(self.unresolved, "none", settlement))
        self.satisfied = rng.random(n) < np.where(self.unresolved, 0.03, 0.85)
        self.complained = rng.random(n) < chances.told
        self.topic = draw(rng, chances.topics, n)
        self.severity = rng.binomial(4, np.where(self.unresolved, 0.5, 0.35)) + 1
        self.followed_up = ~self.unresolved & (rng.random(n) < 0.35)

    def unresolved_weeks(self, people: People) -> Bools:
        """Return in which weeks an unresolved complaint weighs on each customer, shape (n, WEEKS)."""
        weeks = people.parameters.leaving.unresolved_weeks
        mask = np.zeros((len(people), WEEKS + weeks + 1), dtype=bool)
        effective = self.complained & self.unresolved
        # From the week after the opening on: no week knows what happens later in it.
        first = np.minimum(np.ceil(self.opened[effective] / 7).astype(np.int64), WEEKS)
        for ahead in range(weeks):
            mask[self.customer[effective], first + ahead] = True
        return mask[:, :WEEKS]

    def only(self, keep: Bools | Ints) -> Problems:
        """Return the problems to keep, in the order in which they are named."""
        kept = copy(self)
        vars(kept).update({name: values[keep] for name, values in vars(self).items()})
        return kept


def complaint_tables(problems: Problems, people: People) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the table of complaints, and the truth about all problems: complained of or not, settled or not."""
    told = problems.complained & (problems.opened < DAYS)
    ranks = np.lexsort((problems.opened, ~told))
    problems, told = problems.only(ranks), told[ranks]
    number, customer_id = numbered("B", len(told)), people.customer_id[problems.customer]
    closed = (problems.closed < DAYS) & told
    complaints = frame(
        complaint_id=number,
        customer_id=customer_id,
        opened_at=moments(problems.opened),
        closed_at=moments(np.where(closed, problems.closed, NEVER)),
        topic=problems.topic,
        severity=problems.severity,
        resolution=text_where(closed, problems.resolution),
        satisfied=true_where(closed, problems.satisfied),
        followed_up=true_where(closed, problems.followed_up),
    )
    truth = frame(
        complaint_id=text_where(told, number),
        customer_id=customer_id,
        ordered_at=moments(problems.ordered),
        topic=problems.topic,
        complained=told,
        unresolved=np.where(told, problems.unresolved, True),
    )
    return complaints[told].reset_index(drop=True), truth


class Staff:
    """The employees of the regional teams, arrays of shape (regions, TEAM_SIZE); weak teams lose people sooner."""

    def __init__(self, streams: Streams, opinions: Opinions) -> None:
        rng, shape = streams("staff"), (len(REGIONS), TEAM_SIZE)
        self.employee_id = numbered("E", shape[0] * shape[1], digits=3).reshape(shape)
        self.hired = -rng.exponential(1_200.0, shape)
        self.hired[:, -2:] = rng.uniform(30, 800, (len(REGIONS), 2))
        quality = opinions.team_quality.mean(axis=1, keepdims=True)
        self.left = np.maximum(self.hired, 0) + rng.exponential(1.0, shape) * 2_600 * np.exp(0.8 * quality)
        self.left[:, 0], self.hired[:, 0] = NEVER, np.minimum(self.hired[:, 0], -1.0)
        self.left[self.left >= DAYS] = NEVER

    def serving(self, rng: np.random.Generator, region: Ints, day: Floats) -> Names:
        """Draw the employee of the region's team who served on each day; the first of a team never leaves."""
        member = rng.integers(0, TEAM_SIZE, len(day))
        there = (self.hired[region, member] <= day) & (day < self.left[region, member])
        return self.employee_id[region, np.where(there, member, 0)]


def contact_table(
    people: People, orders: Orders, order_ids: Names, problems: Problems, opinions: Opinions, lives: Lives, staff: Staff
) -> pd.DataFrame:
    """Draw the contacts before, during and after a purchase, complaints and reviews among them."""
    rng = people.streams("contacts")

    def about(order: Ints, later: Floats, kind: str, phase: str) -> pd.DataFrame:
        return frame(
            order=order, customer=orders.customer[order], day=orders.day[order] + later, kind=kind, phase=phase
        )

    parts = []
    for kind, (phase, share, begin, span) in CONTACTS.items():
        order = np.flatnonzero(rng.random(len(orders)) < share)
        later = begin + span * rng.random(len(order))
        # Before means before: the earliest moments of the span still precede the order.
        parts.append(about(order, np.minimum(later, -0.02) if phase == "before" else later, kind, phase))
    reviews = (rng.random(len(orders)) < people.parameters.relationship.reviewed) & people.contributor[orders.customer]
    order = np.flatnonzero(reviews)
    parts.append(about(order, 4.0 + rng.gamma(2.0, 4.0, len(order)), "review", "after"))
    told = problems.only(problems.complained)
    places = pd.Series(np.arange(len(orders)), index=pd.MultiIndex.from_arrays([orders.customer, orders.day]))
    order = places.reindex(pd.MultiIndex.from_arrays([told.customer, told.ordered])).to_numpy().astype(np.int64)
    parts.append(about(order, told.opened - told.ordered, "complaint", "after"))

    contacts = pd.concat(parts, ignore_index=True)
    inside = (contacts["day"] < DAYS) & lives.alive(contacts["customer"].to_numpy(), contacts["day"].to_numpy())
    contacts = contacts[inside].sort_values("day", kind="stable", ignore_index=True)
    customer, day, n = contacts["customer"].to_numpy(), contacts["day"].to_numpy(), len(contacts)
    review, complaint = ((contacts["kind"] == kind).to_numpy() for kind in ("review", "complaint"))
    channel = names(np.where(review, "web", draw(rng, {name: row[0] for name, row in CHANNELS.items()}, n)))
    minutes = look_up({name: row[1] for name, row in CHANNELS.items()}, channel) * rng.gamma(2.0, 0.5, n)
    minutes *= np.where(complaint, 2.2, 1.0)
    cost = minutes * look_up({name: row[2] for name, row in CHANNELS.items()}, channel)
    region = people.region_number[customer]
    team = opinions.team_quality[region, quarter_of(day)]
    resolved = rng.random(n) < logistic(1.4 + 1.2 * team - 1.6 * complaint)
    return frame(
        interaction_id=numbered("I", n),
        customer_id=people.customer_id[customer],
        occurred_at=moments(day),
        channel=channel,
        phase=contacts["phase"],
        kind=contacts["kind"],
        minutes=minutes.round(1),
        cost=np.where(review, 0.0, cost).round(2),
        resolved=true_where(~review, resolved),
        employee_id=text_where(~review, staff.serving(rng, region, day)),
        order_id=order_ids[contacts["order"].to_numpy()],
    )


def employee_table(streams: Streams, staff: Staff, opinions: Opinions) -> pd.DataFrame:
    """Return the employee surveys: content and well-equipped teams are those that serve well."""
    rng, parts = streams("employee surveys"), []
    for day in (float(day_of(date)) for date in SURVEY_DAYS):
        region, member = np.nonzero((staff.hired <= day) & (day < staff.left))
        quality, n = opinions.team_quality[region, int(quarter_of(day))], len(region)
        parts.append(
            frame(
                employee_id=staff.employee_id[region, member],
                surveyed_at=dates(np.full(n, day)),
                team=[list(REGIONS)[i] for i in region],
                hired_at=dates(staff.hired[region, member]),
                left_at=dates(staff.left[region, member]),
                satisfaction=np.round(6.8 + 1.6 * quality + rng.normal(0, 1.1, n)).clip(1, 10),
                enablement=np.round(6.6 + 1.3 * quality + rng.normal(0, 1.2, n)).clip(1, 10),
            )
        )
    return pd.concat(parts, ignore_index=True)


def partner_table(streams: Streams) -> pd.DataFrame:
    """Return the yearly assessments of the partners."""
    rng, rows = streams("partners"), []
    for year in (2024, 2025, 2026):
        for number, (name, kind, volume, quality, reliability, dependence) in enumerate(PARTNERS, start=1):
            assessed = (
                round(volume * rng.lognormal(0.06 * (year - 2025), 0.05), -2),
                round(float(np.clip(quality + rng.normal(0, 0.2), 1, 5)), 1),
                round(float(np.clip(reliability + rng.normal(0, 0.015), 0, 1)), 3),
                float(np.clip(dependence + rng.choice([-0.5, 0.0, 0.5]), 1, 5)),
            )
            rows.append((f"S{number:02d}", name, kind, pd.Timestamp(year, 6, 15), *assessed))
    columns = ["partner_id", "partner", "kind", "assessed_at", "volume", "quality", "reliability", "dependence"]
    return pd.DataFrame(rows, columns=columns)


def capability_table(streams: Streams) -> pd.DataFrame:
    """Return the yearly self-assessment of four leaders: strong in culture, weak in technology."""
    rng, rows = streams("capabilities"), []
    for year in (2024, 2025, 2026):
        for area, (level, growth, items) in CAPABILITIES.items():
            for place, item in enumerate(items.split(", ")):
                for i in (3, 11, 17, 25):
                    score = level + growth * (year - 2024) + 0.25 * (place - 1.5) + rng.normal(0, 0.5)
                    score = float(np.clip(np.round(score), 1, 5))
                    target, weight = (4.5 if place == 0 else 4.0), 1.0 + place % 2
                    leader = f"{FIRST[i]} {LAST[i]}"
                    rows.append((area, item, leader, pd.Timestamp(year, 6, 1), score, target, weight))
    return pd.DataFrame(rows, columns=["area", "item", "assessor", "assessed_at", "score", "target", "weight"])
