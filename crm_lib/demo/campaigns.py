"""Campaigns: who is addressed, in which arm, and what it truly does to the purchase rate."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from crm_lib.demo.clock import WEEKS, Floats, Ints, day_of
from crm_lib.demo.draws import Streams, look_up
from crm_lib.demo.parameters import Uplift
from crm_lib.demo.people import Names, People


@dataclass(frozen=True, kw_only=True)
class Campaign:
    """One campaign; it starts on the first day of a week and its outcome counts for whole weeks."""

    campaign_id: str
    name: str
    start: str
    weeks: int
    goal: str
    channel: str
    fixed_cost: float
    arms: tuple[str, ...]
    share: float = 0.0
    """Share of the customers who may be contacted; 0 where the campaign chooses by history."""

    @property
    def day(self) -> int:
        """First day, counted from the start."""
        return day_of(self.start)

    @property
    def week(self) -> int:
        """Number of the week in which the campaign starts."""
        return self.day // 7


_ARMS = ("control", "email", "email_voucher")
CAMPAIGNS = (
    Campaign(campaign_id="K1", name="Spring reading", start="2024-03-02", weeks=6, goal="grow", channel="e-mail",
             fixed_cost=900.0, arms=_ARMS, share=0.80),
    Campaign(campaign_id="K2", name="Summer suitcase", start="2024-06-15", weeks=6, goal="grow", channel="e-mail",
             fixed_cost=750.0, arms=_ARMS, share=0.60),
    Campaign(campaign_id="K3", name="Christmas catalogue", start="2024-11-09", weeks=6, goal="grow", channel="e-mail",
             fixed_cost=2_400.0, arms=("control", "email"), share=0.70),
    Campaign(campaign_id="K4", name="Come back to us", start="2025-03-01", weeks=8, goal="win back", channel="e-mail",
             fixed_cost=600.0, arms=_ARMS),
    Campaign(campaign_id="K5", name="Best customers' evening", start="2025-06-07", weeks=6, goal="keep", channel="shop",
             fixed_cost=3_200.0, arms=("control", "invitation")),
    Campaign(campaign_id="K6", name="New term", start="2025-09-06", weeks=6, goal="grow", channel="e-mail",
             fixed_cost=850.0, arms=_ARMS, share=0.80),
    Campaign(campaign_id="K7", name="Spring reading 2026", start="2026-02-21", weeks=8, goal="grow", channel="e-mail",
             fixed_cost=950.0, arms=_ARMS, share=0.80),
)  # fmt: skip
RANDOMISED = tuple(campaign for campaign in CAMPAIGNS if campaign.share)
WIN_BACK = next(campaign for campaign in CAMPAIGNS if campaign.goal == "win back")
TARGETED = next(campaign for campaign in CAMPAIGNS if "invitation" in campaign.arms)


@dataclass(frozen=True, kw_only=True)
class Addressed:
    """The customers of one campaign: number, arm, and the effect each arm would have (n, arms)."""

    campaign: Campaign
    customer: Ints
    arm: Names
    effects: Floats

    @property
    def effect(self) -> Floats:
        """The effect of the arm that each customer is in."""
        return self.effects[np.arange(len(self.arm)), [self.campaign.arms.index(arm) for arm in self.arm]]


def address(streams: Streams, people: People, uplift: Uplift) -> list[Addressed]:
    """Draw the customers and arms of the randomised campaigns.

    Everybody won by then who may be contacted can be drawn: the company does not know who has silently left.

    Parameters
    ----------
    streams : Streams
        The random streams.
    people : People
        The customers.
    uplift : Uplift
        True effects.

    Returns
    -------
    list of Addressed
        One entry a campaign.
    """
    addressed = []
    for campaign in RANDOMISED:
        rng = streams(f"campaign {campaign.campaign_id}")
        drawn = rng.random(len(people)) < campaign.share
        arm = np.array(campaign.arms, dtype=object)[rng.integers(0, len(campaign.arms), len(people))]
        effects = _effects(rng, people, campaign, uplift)
        who = np.flatnonzero(drawn & (people.acquired < campaign.day) & people.contact_allowed)
        addressed.append(Addressed(campaign=campaign, customer=who, arm=arm[who], effects=effects[who]))
    return addressed


def campaign_factors(addressed: list[Addressed], n: int) -> Floats:
    """Return the factor of the campaigns on the purchase rate in each week, shape (n, WEEKS)."""
    factors = np.ones((n, WEEKS))
    for one in addressed:
        weeks = slice(one.campaign.week, one.campaign.week + one.campaign.weeks)
        factors[one.customer, weeks] *= (1 + one.effect)[:, None]
    return factors


def _effects(rng: np.random.Generator, people: People, campaign: Campaign, uplift: Uplift) -> Floats:
    by_arm = {"email": uplift.email, "email_voucher": uplift.email_voucher}
    noise = rng.normal(0, uplift.noise, len(people))
    columns = [
        np.zeros(len(people))
        if arm == "control"
        else np.where(people.left_alone, uplift.left_alone_effect, look_up(by_arm[arm], people.type)) + noise
        for arm in campaign.arms
    ]
    return np.maximum(np.column_stack(columns), -0.9)


def campaign_table() -> pd.DataFrame:
    """Return the table of campaigns."""
    return pd.DataFrame(
        {
            "campaign_id": [campaign.campaign_id for campaign in CAMPAIGNS],
            "campaign": [campaign.name for campaign in CAMPAIGNS],
            "started_at": pd.Series([np.datetime64(campaign.start, "s") for campaign in CAMPAIGNS]),
            "ended_at": pd.Series(
                [
                    np.datetime64(campaign.start, "s") + np.timedelta64(7 * campaign.weeks - 1, "D")
                    for campaign in CAMPAIGNS
                ]
            ),
            "channel": [campaign.channel for campaign in CAMPAIGNS],
            "goal": [campaign.goal for campaign in CAMPAIGNS],
            "fixed_cost": [campaign.fixed_cost for campaign in CAMPAIGNS],
        }
    )
