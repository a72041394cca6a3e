"""The customers: rates, kinds, where and how they were won."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from crm_lib.demo.clock import DAYS, WEEKS, Bools, Floats, dates, season
from crm_lib.demo.draws import Streams, draw, look_up, pick, rank
from crm_lib.demo.gaps import whole
from crm_lib.demo.names import full_names
from crm_lib.demo.parameters import Parameters

Names = NDArray[np.object_]

CHANNELS: Mapping[str, Mapping[str, float]] = {
    "search ads": {"share": 0.24, "cost": 9.0, "rate_tilt": 0.0, "dropout_tilt": 0.0},
    "social media": {"share": 0.17, "cost": 12.5, "rate_tilt": -0.9, "dropout_tilt": 0.8},
    "shop": {"share": 0.22, "cost": 4.0, "rate_tilt": 0.3, "dropout_tilt": -0.3},
    "referral": {"share": 0.14, "cost": 3.0, "rate_tilt": 0.8, "dropout_tilt": -1.0},
    "marketplace": {"share": 0.16, "cost": 7.0, "rate_tilt": -0.3, "dropout_tilt": 0.9},
    "reading groups": {"share": 0.07, "cost": 6.0, "rate_tilt": 0.9, "dropout_tilt": -0.5},
}
"""Share and mean cost of each acquisition channel, and how its customers' rates lean (log odds over the ranks)."""
REGIONS: Mapping[str, tuple[float, float, float, float]] = {
    "London": (0.27, 0.05, 0.25, 0.70),
    "South East": (0.20, 0.15, 0.50, 0.35),
    "Midlands": (0.17, 0.25, 0.50, 0.25),
    "North": (0.16, 0.30, 0.45, 0.25),
    "Scotland": (0.11, 0.50, 0.35, 0.15),
    "Wales and South West": (0.09, 0.60, 0.30, 0.10),
}
"""Share of each region, and within it the shares of low, medium and high local competition."""
GROUPS: Mapping[str, Mapping[str, float]] = {
    "household": {"share": 0.77, "value_tilt": 0.0, "rate_tilt": 0.0},
    "student": {"share": 0.16, "value_tilt": -2.0, "rate_tilt": 0.0},
    "business": {"share": 0.07, "value_tilt": 4.0, "rate_tilt": 2.0},
}
"""Share of each customer group, and how its order values and rates lean (log odds over the ranks)."""
PROFILES: Mapping[str, float] = {"novels": 0.32, "family": 0.24, "study": 0.16, "home and travel": 0.16, "gifts": 0.12}
NO_REFERRALS = 60
"""In the first days there is hardly anybody who could recommend the shop."""


@dataclass(frozen=True, kw_only=True)
class People:
    """One entry a customer in every array, in the order in which they were won."""

    customer_id: Names
    acquired: Floats
    rate: Floats
    dropout: Floats
    order_value: Floats
    type: Names
    profile: Names
    group: Names
    region: Names
    competition: Names
    channel: Names
    cost: Floats
    contributor: Bools
    left_alone: Bools
    contact_allowed: Bools
    birth_year: Floats
    name: Names

    def __len__(self) -> int:
        return len(self.customer_id)

    @property
    def relational(self) -> Bools:
        """Whether each customer is relational, of whatever kind."""
        return np.asarray(self.type != "transactional")

    @property
    def side(self) -> Names:
        """Transactional or relational."""
        return np.where(self.relational, "relational", "transactional").astype(object)

    def table(self) -> pd.DataFrame:
        """Return the table of customers; who referred whom is filled in later."""
        return pd.DataFrame(
            {
                "customer_id": self.customer_id,
                "name": self.name,
                "acquired_at": dates(self.acquired),
                "acquisition_channel": self.channel,
                "acquisition_cost": self.cost.round(2),
                "referred_by": None,
                "region": self.region,
                "local_competition": self.competition,
                "customer_group": self.group,
                "birth_year": whole(self.birth_year),
                "contact_allowed": self.contact_allowed,
                "main_interest": self.profile,
            }
        )


def make_people(streams: Streams, n: int, parameters: Parameters) -> People:
    """Draw `n` customers.

    Parameters
    ----------
    streams : Streams
        The random streams.
    n : int
        Number of customers.
    parameters : Parameters
        Population parameters.

    Returns
    -------
    People
        The customers, in the order in which they were won.
    """
    rng, buying = streams("people"), parameters.buying
    rate = rng.gamma(buying.r, 1 / buying.alpha, n)
    dropout = rng.gamma(buying.s, 1 / buying.beta, n)
    # Order values are gamma(p, nu) with nu ~ gamma(q, gamma); their mean is p / nu.
    order_value = buying.p / rng.gamma(buying.q, 1 / buying.gamma, n)
    ranks = {"rate": rank(rate) - 0.5, "dropout": rank(dropout) - 0.5, "value": rank(order_value) - 0.5}
    acquired = _acquired(rng, n, buying.months)
    types = _types(rng, ranks, parameters)
    relational = types != "transactional"
    relationship = parameters.relationship
    group = _lean(rng, GROUPS, ranks)
    channel = _channels(rng, ranks, acquired)
    region = draw(rng, {name: shares[0] for name, shares in REGIONS.items()}, n)
    levels = np.array(["low", "medium", "high"], dtype=object)
    competition = levels[pick(rng, np.array([REGIONS[name][1:] for name in region]))]
    contributes = look_up(relationship.contributors, np.where(relational, "relational", "transactional"))
    cost = look_up({name: row["cost"] for name, row in CHANNELS.items()}, channel) * rng.gamma(4.0, 0.25, n)
    born = np.where(group == "student", rng.integers(1998, 2008, n), rng.normal(1976, 14, n).clip(1930, 2006).round())
    return People(
        customer_id=np.array([f"C{number:06d}" for number in range(1, n + 1)], dtype=object),
        acquired=acquired,
        rate=rate,
        dropout=dropout,
        order_value=order_value,
        type=types,
        profile=np.where(group == "student", "study", draw(rng, PROFILES, n)).astype(object),
        group=group,
        region=region,
        competition=competition,
        channel=channel,
        cost=cost,
        contributor=rng.random(n) < contributes,
        left_alone=rng.random(n) < parameters.uplift.left_alone_share,
        contact_allowed=rng.random(n) < 0.82,
        birth_year=np.where(group == "business", np.nan, born),
        name=full_names(streams("names"), group),
    )


def hours(rng: np.random.Generator, n: int) -> Floats:
    """Draw times of day, as a share of the day: between eight and ten in the evening, most in the afternoon."""
    return np.asarray(rng.triangular(8.0, 16.5, 22.0, n) / 24.0)


def _acquired(rng: np.random.Generator, n: int, months: tuple[float, ...]) -> Floats:
    day = np.arange(DAYS)
    # Winning customers grows slower as the market fills: a third fewer in the last year than in the first.
    weights = np.exp(-day / 1_800) * np.repeat(season(months), 7)[: WEEKS * 7][:DAYS]
    won = rng.choice(DAYS, n, p=weights / weights.sum()) + hours(rng, n)
    return np.sort(won)


def _types(rng: np.random.Generator, ranks: Mapping[str, Floats], parameters: Parameters) -> Names:
    relationship = parameters.relationship
    tilted = relationship.rate_tilt * ranks["rate"] - relationship.dropout_tilt * ranks["dropout"]
    relational = rng.random(len(tilted)) < np.clip(relationship.relational + tilted, 0.02, 0.98)
    losing = rng.random(len(tilted)) < relationship.losing
    worth = ranks["rate"] + ranks["value"]
    profitable = rng.random(len(tilted)) < 1 / (1 + np.exp(-6 * (worth - 0.15)))
    kind = np.where(losing, "relational_losing", np.where(profitable, "relational_profitable", "relational_growable"))
    return np.where(relational, kind, "transactional").astype(object)


def _lean(rng: np.random.Generator, rows: Mapping[str, Mapping[str, float]], ranks: Mapping[str, Floats]) -> Names:
    return np.array(list(rows), dtype=object)[pick(rng, _leaning(rows, ranks))]


def _leaning(rows: Mapping[str, Mapping[str, float]], ranks: Mapping[str, Floats]) -> Floats:
    columns: list[Any] = []
    for row in rows.values():
        odds = sum(tilt * ranks[name.removesuffix("_tilt")] for name, tilt in row.items() if name.endswith("_tilt"))
        lean = np.exp(odds)
        # Leaning changes who is in a group, hardly how many are.
        columns.append(row["share"] * lean / np.mean(lean))
    return np.column_stack(columns)


def _channels(rng: np.random.Generator, ranks: Mapping[str, Floats], acquired: Floats) -> Names:
    names = list(CHANNELS)
    weights = _leaning(CHANNELS, ranks)
    weights[acquired < NO_REFERRALS, names.index("referral")] = 0.0
    return np.array(names, dtype=object)[pick(rng, weights)]
