"""Campaigns: who is addressed, in which arm, what it truly does to the purchase rate, and who comes back."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from crm_lib.demo.clock import NEVER, WEEKS, Floats, Ints, Names, dates, day_of
from crm_lib.demo.draws import frame, hours, look_up, names
from crm_lib.demo.lives import Hazard, Lives
from crm_lib.demo.orders import Orders, poisson_weeks
from crm_lib.demo.people import People

SILENT_DAYS = 182
"""Without an order for so long, a customer is asked to come back."""
INVITED_SHARE, COMPARED_SHARE = 0.10, 0.20
"""The best tenth is invited to the evening; the next tenth is the (not comparable) comparison."""
OFFERS = {"control": "none", "email": "letter", "email_voucher": "letter and voucher", "invitation": "evening"}


@dataclass(frozen=True)
class Campaign:
    """One campaign; it starts on the first day of a week and its outcome counts for whole weeks."""

    campaign_id: str
    name: str
    day: int
    """First day, counted from the start."""
    weeks: int
    goal: str
    channel: str
    fixed_cost: float
    arms: tuple[str, ...]
    share: float = 0.0
    """Share of the customers who may be contacted; 0 where the campaign chooses by history."""

    @property
    def end(self) -> int:
        """Day after the last one."""
        return self.day + 7 * self.weeks

    @property
    def in_weeks(self) -> slice:
        """The weeks in which it has its effect."""
        return slice(self.day // 7, self.end // 7)


_ARMS = ("control", "email", "email_voucher")
CAMPAIGNS = (
    Campaign("K1", "Spring reading", day_of("2024-03-02"), 6, "grow", "e-mail", 900.0, _ARMS, share=0.80),
    Campaign("K2", "Summer suitcase", day_of("2024-06-15"), 6, "grow", "e-mail", 750.0, _ARMS, share=0.60),
    Campaign("K3", "Christmas catalogue", day_of("2024-11-09"), 6, "grow", "e-mail", 2_400.0, _ARMS[:2], share=0.70),
    Campaign("K4", "Come back to us", day_of("2025-03-01"), 8, "win back", "e-mail", 600.0, _ARMS),
    Campaign(
        "K5", "Best customers' evening", day_of("2025-06-07"), 6, "keep", "shop", 3_200.0, (_ARMS[0], "invitation")
    ),
    Campaign("K6", "New term", day_of("2025-09-06"), 6, "grow", "e-mail", 850.0, _ARMS, share=0.80),
    Campaign("K7", "Spring reading 2026", day_of("2026-02-21"), 8, "grow", "e-mail", 950.0, _ARMS, share=0.80),
)
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


def campaign_table() -> pd.DataFrame:
    """Return the table of campaigns."""
    rows = [(c.campaign_id, c.name, c.day, c.end - 1, c.channel, c.goal, c.fixed_cost) for c in CAMPAIGNS]
    columns = ["campaign_id", "campaign", "started_at", "ended_at", "channel", "goal", "fixed_cost"]
    table = pd.DataFrame(rows, columns=columns)
    return table.assign(**{name: dates(table[name]) for name in ("started_at", "ended_at")})


def address(people: People) -> list[Addressed]:
    """Draw customers, who may have silently left by then, and arms of the randomised campaigns."""
    addressed, n, uplift = [], len(people), people.parameters.uplift
    for campaign in RANDOMISED:
        rng = people.streams(f"campaign {campaign.campaign_id}")
        drawn = rng.random(n) < campaign.share
        arm = names(campaign.arms)[rng.integers(0, len(campaign.arms), n)]
        noise = rng.normal(0, uplift.noise, n)
        columns = [
            np.where(people.left_alone, uplift.left_alone_effect, look_up(getattr(uplift, arm), people.type)) + noise
            for arm in campaign.arms[1:]
        ]
        effects = np.maximum(np.column_stack([np.zeros(n), *columns]), -0.9)
        who = np.flatnonzero(drawn & (people.acquired < campaign.day) & people.contact_allowed)
        addressed.append(Addressed(campaign=campaign, customer=who, arm=arm[who], effects=effects[who]))
    return addressed


def campaign_factors(addressed: list[Addressed], n: int) -> Floats:
    """Return the factor of the campaigns on the purchase rate in each week, shape (n, WEEKS)."""
    factors = np.ones((n, WEEKS))
    for one in addressed:
        factors[one.customer, one.campaign.in_weeks] *= (1 + one.effect)[:, None]
    return factors


def win_back(people: People, orders: Orders, lives: Lives, hazard: Hazard) -> tuple[Addressed, Lives]:
    """Ask the silent to come back: some of those who had left do; the effects are the chances, by cause and arm."""
    rng, n, uplift = people.streams("win back"), len(people), people.parameters.uplift
    chance, arm_number = rng.random(n), rng.integers(0, len(WIN_BACK.arms), n)
    day = WIN_BACK.day + rng.integers(0, 7 * WIN_BACK.weeks - 7, n) + hours(rng, n)
    before = orders.within(-np.inf, WIN_BACK.day)
    last = np.full(n, NEVER)
    # Orders are in the order of time: the last one of each customer stays.
    last[before.customer] = before.day
    addressed = (last < WIN_BACK.day - SILENT_DAYS) & people.contact_allowed
    gone = lives.left < WIN_BACK.day
    by_cause = np.where(gone, look_up(uplift.win_back, np.where(gone, lives.cause, "given_up")), 0.0)
    chances = by_cause[:, None] * np.array([uplift.win_back_arm[arm] for arm in WIN_BACK.arms])
    comes = addressed & (chance < chances[np.arange(n), arm_number])
    returned = np.where(comes, day, NEVER)
    left_again, cause_again = hazard.draw(people.streams("second lives"), returned)
    who = np.flatnonzero(addressed)
    arm = names(WIN_BACK.arms)[arm_number[who]]
    asked = Addressed(campaign=WIN_BACK, customer=who, arm=arm, effects=chances[who])
    return asked, replace(lives, returned=returned, left_again=left_again, cause_again=cause_again)


def evening(people: People, orders: Orders, lives: Lives, factors: Floats) -> tuple[Addressed, Orders]:
    """Invite the best customers, not at random, so that a plain comparison misleads; return who, and all orders."""
    rng, n, targeted = people.streams("evening"), len(people), people.parameters.uplift.targeted
    year = orders.within(TARGETED.day - 365, TARGETED.day)
    value = np.bincount(year.customer, minlength=n) * people.order_value
    place = np.argsort(np.argsort(-value, kind="stable"))
    active = np.count_nonzero(value > 0)
    who = np.flatnonzero((place < active * COMPARED_SHARE) & people.contact_allowed)
    arm = names(np.where(place[who] < active * INVITED_SHARE, "invitation", "control"))
    effects = np.column_stack([np.zeros(len(who)), np.full(len(who), targeted)])
    addressed = Addressed(campaign=TARGETED, customer=who, arm=arm, effects=effects)
    weeks, extra = TARGETED.in_weeks, np.zeros((n, WEEKS))
    extra[who, weeks] = people.rate[who, None] * factors[who, weeks] * addressed.effect[:, None]
    customer, week = poisson_weeks(rng, extra)
    day = 7.0 * week + rng.integers(0, 7, len(week)) + hours(rng, len(week))
    kept = lives.alive(customer, day)
    return addressed, orders.joined(customer[kept], day[kept])


def assignment_table(people: People, orders: Orders, addressed: list[Addressed]) -> pd.DataFrame:
    """Return the table of assignments; the cost is that of the contact, plus the voucher where it was redeemed."""
    parts, n, uplift = [], len(people), people.parameters.uplift
    for one in addressed:
        campaign, rng = one.campaign, people.streams(f"response {one.campaign.campaign_id}")
        inside, first = orders.within(campaign.day, campaign.end), np.full(n, NEVER)
        # The first order in the window may redeem the voucher.
        np.minimum.at(first, inside.customer, inside.day)
        redeems = (rng.random(n) < uplift.redeemed)[one.customer] & (one.arm == "email_voucher")
        responded = np.where(redeems, first[one.customer], NEVER)
        begin, last = dates([campaign.day, campaign.end - 1])
        parts.append(
            frame(
                campaign_id=campaign.campaign_id,
                customer_id=people.customer_id[one.customer],
                assigned_at=begin,
                arm=one.arm,
                randomised=campaign is not TARGETED,
                offer=[OFFERS[arm] for arm in one.arm],
                cost=(look_up(uplift.contact_cost, one.arm) + uplift.voucher * np.isfinite(responded)).round(2),
                outcome_from=begin,
                outcome_to=last,
                responded_at=dates(responded),
            )
        )
    return pd.concat(parts, ignore_index=True)


def true_uplift(
    people: People, lives: Lives, usual: Floats, addressed: list[Addressed], order_margin: Floats
) -> pd.DataFrame:
    """Return what each arm of each campaign truly does to the rate, and to expected orders, margin before cost, profit.

    `usual`, shape (n, WEEKS), is the factor of season and stage, without campaigns: no two run in the same weeks.
    """
    parts, exposed, uplift = [], lives.weeks(), people.parameters.uplift
    for one in (one for one in addressed if one.campaign is not WIN_BACK):
        who, weeks = one.customer, one.campaign.in_weeks
        orders = people.rate[who] * (usual[:, weeks] * exposed[:, weeks]).sum(axis=1)[who]
        for arm, effect in zip(one.campaign.arms, one.effects.T, strict=True):
            extra = orders * effect
            voucher = uplift.voucher * uplift.redeemed if arm == "email_voucher" else 0.0
            cost = uplift.contact_cost[arm] + voucher * (1 - np.exp(-(orders + extra)))
            margin = extra * order_margin[who]
            parts.append(
                frame(
                    campaign_id=one.campaign.campaign_id,
                    customer_id=people.customer_id[who],
                    arm=arm,
                    effect=effect,
                    usual_orders=orders,
                    extra_orders=extra,
                    extra_margin=margin,
                    cost=cost,
                    profit=margin - cost,
                )
            )
    return pd.concat(parts, ignore_index=True)


def true_win_back(people: People, lives: Lives, asked: Addressed) -> pd.DataFrame:
    """Return who among the silent had really left, and the chance of each to come back under each arm."""
    chances = {f"chance_{arm}": asked.effects[:, i] for i, arm in enumerate(WIN_BACK.arms)}
    return frame(
        customer_id=people.customer_id[asked.customer],
        arm=asked.arm,
        gone=lives.left[asked.customer] < WIN_BACK.day,
        **chances,
        returned=np.isfinite(lives.returned[asked.customer]),
    )
