"""The customers: names, rates, kinds, where and how they were won."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from scipy.stats import rankdata

from crm_lib.demo.clock import DAYS, WEEKS, Bools, Floats, Names, dates, season
from crm_lib.demo.draws import Streams, draw, frame, hours, look_up, names, numbered, pick, whole
from crm_lib.demo.parameters import Parameters, Relationship

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


def _words(text: str) -> list[str]:
    return text.split()


FIRST = _words(
    "Olivia Amelia Isla Ava Freya Lily Florence Ivy Willow Rosie Noah Oliver George Arthur Muhammad Leo Harry Oscar "
    "Theodore Aisha Priya Siobhán Zoë Chloë José Łukasz Søren Björn Renée Małgorzata Nguyễn Ayşe Çağla Émile Ioana "
    "Kwame Adaeze Tomáš Niamh Dafydd Eilidh Hamish Rhiannon Yusuf Fatima Ingrid Mateo Giulia Anaïs Jürgen"
)
LAST = _words(
    "Smith Jones Taylor Brown Williams Wilson Davies Patel Khan Hussain Singh Begum Wright Walker Green Hall Clarke "
    "O'Neill O'Brien D'Souza Okafor Mensah Nowak Kowalska Müller Ångström García Fernández Lefèvre Đorđević Şahin "
    "Novák Horváth Ó'Súilleabháin MacLeod McKenzie Llewellyn Pritchard Featherstonehaugh Nakamura Tanaka Silva"
)
CHINESE = _words("王伟 李娜 张敏 刘洋 陈静 杨磊 赵婷 黄强 周芳 吴昊 徐丽 孙鹏 欧阳雪 司马清 诸葛明")
PLACES = _words("Ashby Kingsford Dunmere Harrowgate Penrhyn Strathallan Wexcombe Millbrook Oakhurst Thornbury")
KINDS = ("Primary School", "Academy", "Public Library", "College", "Nursery", "Reading Rooms", "Bookcafé")
SCRIPT = "<script>alert('Lantern')</script>"
"""Somebody's idea of a name: harmless only where every value is escaped."""


class People:
    """The customers, drawn: one entry each in every array, in the order in which they were won."""

    def __init__(self, streams: Streams, n: int, parameters: Parameters) -> None:
        rng, buying, relationship = streams("people"), parameters.buying, parameters.relationship
        self.streams, self.parameters = streams, parameters
        self.customer_id = numbered("C", n)
        self.rate = rng.gamma(buying.r, 1 / buying.alpha, n)
        self.dropout = rng.gamma(buying.s, 1 / buying.beta, n)
        # Order values are gamma(p, nu) with nu ~ gamma(q, gamma); their mean is p / nu.
        self.order_value = buying.p / rng.gamma(buying.q, 1 / buying.gamma, n)
        values = {"rate": self.rate, "dropout": self.dropout, "value": self.order_value}
        self._ranks = {name: (rankdata(each, "ordinal") - 0.5) / n - 0.5 for name, each in values.items()}
        # Winning customers grows slower as the market fills: a third fewer in the last year than in the first.
        weights = np.exp(-np.arange(DAYS) / 1_800) * np.repeat(season(buying.months), 7)[: WEEKS * 7][:DAYS]
        self.acquired = np.sort(rng.choice(DAYS, n, p=weights / weights.sum()) + hours(rng, n))
        self.type = self._types(rng, relationship)
        self.relational: Bools = self.type != "transactional"
        self.side = names(np.where(self.relational, "relational", "transactional"))
        self.group = names(list(GROUPS))[pick(rng, self._leaning(GROUPS))]
        shares = self._leaning(CHANNELS)
        shares[self.acquired < NO_REFERRALS, list(CHANNELS).index("referral")] = 0.0
        self.channel = names(list(CHANNELS))[pick(rng, shares)]
        self.region = draw(rng, {name: row[0] for name, row in REGIONS.items()}, n)
        # Its number is that of the team that serves it.
        self.region_number = look_up({name: i for i, name in enumerate(REGIONS)}, self.region).astype(np.int64)
        levels = np.array([REGIONS[name][1:] for name in self.region])
        self.competition = names(("low", "medium", "high"))[pick(rng, levels)]
        self.cost = acquisition_cost(rng, self.channel)
        student = self.group == "student"
        born = np.where(student, rng.integers(1998, 2008, n), rng.normal(1976, 14, n).clip(1930, 2006).round())
        self.birth_year = np.where(self.group == "business", np.nan, born)
        self.profile = names(np.where(student, "study", draw(rng, PROFILES, n)))
        self.contributor = rng.random(n) < look_up(relationship.contributors, self.side)
        self.left_alone = rng.random(n) < parameters.uplift.left_alone_share
        self.contact_allowed = rng.random(n) < 0.82
        self.name = _full_names(streams("names"), self.group)

    def __len__(self) -> int:
        return len(self.customer_id)

    def _leaning(self, rows: Mapping[str, Mapping[str, float]]) -> Floats:
        columns, tilted = [], {f"{name}_tilt": ranks for name, ranks in self._ranks.items()}
        for row in rows.values():
            lean = np.exp(sum(tilt * tilted[name] for name, tilt in row.items() if name in tilted))
            # Leaning changes who is in a group, hardly how many are.
            columns.append(row["share"] * lean / np.mean(lean))
        return np.column_stack(columns)

    def _types(self, rng: np.random.Generator, relationship: Relationship) -> Names:
        ranks, n = self._ranks, len(self)
        tilted = relationship.rate_tilt * ranks["rate"] - relationship.dropout_tilt * ranks["dropout"]
        relational = rng.random(n) < np.clip(relationship.relational + tilted, 0.02, 0.98)
        losing = rng.random(n) < relationship.losing
        profitable = rng.random(n) < 1 / (1 + np.exp(-6 * (ranks["rate"] + ranks["value"] - 0.15)))
        kind = np.where(profitable, "relational_profitable", "relational_growable")
        return names(np.where(relational, np.where(losing, "relational_losing", kind), "transactional"))


def acquisition_cost(rng: np.random.Generator, channel: Names) -> Floats:
    """Draw what it cost to win each customer through the channel."""
    return look_up({name: row["cost"] for name, row in CHANNELS.items()}, channel) * rng.gamma(4.0, 0.25, len(channel))


def customer_table(people: People, referred_by: Names) -> pd.DataFrame:
    """Return the table of customers, with some regions and years of birth missing."""
    rng, n, dirt = people.streams("dirt of customers"), len(people), people.parameters.dirt
    region = pd.Series(people.region).mask(rng.random(n) < dirt.region_missing)
    birth_year = whole(people.birth_year).mask(pd.Series(rng.random(n) < dirt.birth_year_missing))
    return frame(
        customer_id=people.customer_id,
        name=people.name,
        acquired_at=dates(people.acquired),
        acquisition_channel=people.channel,
        acquisition_cost=people.cost.round(2),
        referred_by=referred_by,
        region=region,
        local_competition=people.competition,
        customer_group=people.group,
        birth_year=birth_year,
        contact_allowed=people.contact_allowed,
        main_interest=people.profile,
    )


def _full_names(rng: np.random.Generator, group: Names) -> Names:
    """Draw a name for each customer by customer group; the fifth customer is called :data:`SCRIPT`."""
    n, options = len(group), (FIRST, LAST, CHINESE, PLACES, KINDS)
    drawn = [[choices[i] for i in rng.integers(0, len(choices), n)] for choices in options]
    first, last, chinese, place, kind = (names(words) for words in drawn)
    private = np.where(rng.random(n) < 0.02, chinese, first + " " + last)
    full = np.where(group == "business", place + " " + kind, private)
    full[4:5] = SCRIPT
    return full
