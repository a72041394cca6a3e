"""The company's own people and partners."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from crm_lib.demo.clock import DAYS, NEVER, Floats, Ints, dates, day_of
from crm_lib.demo.draws import Streams
from crm_lib.demo.names import FIRST, LAST
from crm_lib.demo.people import REGIONS, Names
from crm_lib.demo.satisfaction import Opinions, quarter_of

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


@dataclass(frozen=True, kw_only=True)
class Staff:
    """The employees of the regional teams; arrays of shape (regions, TEAM_SIZE)."""

    employee_id: Names
    hired: Floats
    left: Floats

    def serving(self, rng: np.random.Generator, region: Ints, day: Floats) -> Names:
        """Draw the employee of the region's team who served on each day; the first of a team never leaves."""
        member = rng.integers(0, TEAM_SIZE, len(day))
        there = (self.hired[region, member] <= day) & (day < self.left[region, member])
        return self.employee_id[region, np.where(there, member, 0)]


def make_staff(streams: Streams, opinions: Opinions) -> Staff:
    """Draw who was hired when and who left; weak teams lose people sooner."""
    rng, shape = streams("staff"), (len(REGIONS), TEAM_SIZE)
    hired = -rng.exponential(1_200.0, shape)
    hired[:, -2:] = rng.uniform(30, 800, (len(REGIONS), 2))
    quality = opinions.team_quality.mean(axis=1, keepdims=True)
    left = np.maximum(hired, 0) + rng.exponential(1.0, shape) * 2_600 * np.exp(0.8 * quality)
    left[:, 0], hired[:, 0] = NEVER, np.minimum(hired[:, 0], -1.0)
    left[left >= DAYS] = NEVER
    numbers = np.array([f"E{i:03d}" for i in range(1, hired.size + 1)], dtype=object).reshape(shape)
    return Staff(employee_id=numbers, hired=hired, left=left)


def employee_table(streams: Streams, staff: Staff, opinions: Opinions) -> pd.DataFrame:
    """Return the employee surveys: content and well-equipped teams are those that serve well."""
    rng, parts, teams = streams("employee surveys"), [], list(REGIONS)
    for day in (float(day_of(date)) for date in SURVEY_DAYS):
        region, member = np.nonzero((staff.hired <= day) & (day < staff.left))
        quality = opinions.team_quality[region, int(quarter_of(day))]
        n = len(region)
        parts.append(
            pd.DataFrame(
                {
                    "employee_id": staff.employee_id[region, member],
                    "surveyed_at": dates(np.full(n, day)),
                    "team": [teams[i] for i in region],
                    "hired_at": dates(staff.hired[region, member]),
                    "left_at": dates(staff.left[region, member]),
                    "satisfaction": np.round(6.8 + 1.6 * quality + rng.normal(0, 1.1, n)).clip(1, 10),
                    "enablement": np.round(6.6 + 1.3 * quality + rng.normal(0, 1.2, n)).clip(1, 10),
                }
            )
        )
    return pd.concat(parts, ignore_index=True)


def partner_table(streams: Streams) -> pd.DataFrame:
    """Return the yearly assessments of the partners."""
    rng, rows = streams("partners"), []
    for year in (2024, 2025, 2026):
        for number, (name, kind, volume, quality, reliability, dependence) in enumerate(PARTNERS, start=1):
            rows.append(
                (
                    f"S{number:02d}",
                    name,
                    kind,
                    pd.Timestamp(year, 6, 15),
                    round(volume * rng.lognormal(0.06 * (year - 2025), 0.05), -2),
                    round(float(np.clip(quality + rng.normal(0, 0.2), 1, 5)), 1),
                    round(float(np.clip(reliability + rng.normal(0, 0.015), 0, 1)), 3),
                    float(np.clip(dependence + rng.choice([-0.5, 0.0, 0.5]), 1, 5)),
                )
            )
    names = ["partner_id", "partner", "kind", "assessed_at", "volume", "quality", "reliability", "dependence"]
    return pd.DataFrame(rows, columns=names)


def capability_table(streams: Streams) -> pd.DataFrame:
    """Return the yearly self-assessment of four leaders: strong in culture, weak in technology."""
    rng, rows = streams("capabilities"), []
    assessors = [f"{FIRST[i]} {LAST[i]}" for i in (3, 11, 17, 25)]
    for year in (2024, 2025, 2026):
        for area, (level, growth, items) in CAPABILITIES.items():
            for place, item in enumerate(items):
                for assessor in assessors:
                    score = level + growth * (year - 2024) + 0.25 * (place - 1.5) + rng.normal(0, 0.5)
                    score = float(np.clip(np.round(score), 1, 5))
                    rows.append(
                        (
                            area,
                            item,
                            assessor,
                            pd.Timestamp(year, 6, 1),
                            score,
                            4.0 + (place == 0) * 0.5,
                            1.0 + place % 2,
                        )
                    )
    names = ["area", "item", "assessor", "assessed_at", "score", "target", "weight"]
    return pd.DataFrame(rows, columns=names)


CAPABILITIES: dict[str, tuple[float, float, tuple[str, ...]]] = {
    "culture": (3.9, 0.1, ("Customers before products", "Learning from mistakes", "Openness", "Shared goals")),
    "processes": (3.0, 0.3, ("Handling of complaints", "Delivery", "Data kept on the way", "Follow-up")),
    "organisation": (
        3.2,
        0.1,
        ("One owner for each customer", "Cooperation of channels", "Decisions near the customer", "Incentives"),
    ),
    "technology": (2.3, 0.4, ("One customer record", "Quality of data", "Analysis", "Automation")),
    "people": (3.6, 0.0, ("Knowledge of the range", "Service skills", "Skills with data", "Training")),
}
"""Mean score in 2024, yearly growth, and the items of each area."""
