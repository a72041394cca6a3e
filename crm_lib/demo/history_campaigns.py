"""The two campaigns that choose by history: winning back the silent, and an evening for the best customers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from crm_lib.demo.campaigns import TARGETED, WIN_BACK, Addressed
from crm_lib.demo.clock import NEVER, WEEKS, Bools, Floats
from crm_lib.demo.draws import Streams, look_up
from crm_lib.demo.lives import Hazard, Lives
from crm_lib.demo.parameters import Uplift
from crm_lib.demo.people import People, hours
from crm_lib.demo.purchases import Orders

SILENT_DAYS = 182
"""Without an order for so long, a customer is asked to come back."""
INVITED_SHARE, COMPARED_SHARE = 0.10, 0.20
"""The best tenth is invited to the evening; the next tenth is the (not comparable) comparison."""


@dataclass(frozen=True, kw_only=True)
class WinBack:
    """The win-back campaign: who was addressed, who had left, and each one's chance to return by arm (n, arms)."""

    addressed: Addressed
    gone: Bools
    returned: Bools


def win_back(
    streams: Streams, people: People, orders: Orders, lives: Lives, hazard: Hazard, uplift: Uplift
) -> tuple[WinBack, Lives]:
    """Ask the silent to come back, and give a second life to those who do.

    Parameters
    ----------
    streams : Streams
        The random streams.
    people : People
        The customers.
    orders : Orders
        The orders of the first lives.
    lives : Lives
        The first lives.
    hazard : Hazard
        From it the second departures are drawn.
    uplift : Uplift
        Chances to return by cause and arm. The silent who never left cannot come back: the campaign does nothing.

    Returns
    -------
    WinBack
        The customers addressed.
    Lives
        The lives with second spans.
    """
    rng, n = streams("win back"), len(people)
    chance, arm_number = rng.random(n), rng.integers(0, len(WIN_BACK.arms), n)
    day = WIN_BACK.day + rng.integers(0, 7 * WIN_BACK.weeks - 7, n) + hours(rng, n)
    last = orders.last(n, WIN_BACK.day)
    addressed = (last < WIN_BACK.day - SILENT_DAYS) & people.contact_allowed
    gone = lives.left < WIN_BACK.day
    by_cause = np.where(gone, look_up(uplift.win_back, np.where(gone, lives.cause, "given_up")), 0.0)
    by_arm = np.array([uplift.win_back_arm[arm] for arm in WIN_BACK.arms])
    chances = by_cause[:, None] * by_arm
    comes = addressed & (chance < chances[np.arange(n), arm_number])
    returned = np.where(comes, day, NEVER)
    left_again, cause_again = hazard.draw(streams("second lives"), returned)
    who = np.flatnonzero(addressed)
    arm = np.array(WIN_BACK.arms, dtype=object)[arm_number[who]]
    campaign = Addressed(campaign=WIN_BACK, customer=who, arm=arm, effects=chances[who])
    return (
        WinBack(addressed=campaign, gone=gone[who], returned=comes[who]),
        lives.with_return(returned, left_again, cause_again),
    )


def evening(
    streams: Streams, people: People, orders: Orders, lives: Lives, factors: Floats, uplift: Uplift
) -> tuple[Addressed, Orders]:
    """Invite the best customers of the year before: not randomised, so a plain comparison misleads.

    Parameters
    ----------
    streams : Streams
        The random streams.
    people : People
        The customers.
    orders : Orders
        All orders so far.
    lives : Lives
        All lives.
    factors : ndarray of shape (n, WEEKS)
        Factors of the purchase rate, to which the evening adds.
    uplift : Uplift
        The small true effect.

    Returns
    -------
    Addressed
        The invited and the compared.
    Orders
        The orders, with the extra ones.
    """
    rng, n = streams("evening"), len(people)
    value = orders.count(n, TARGETED.day - 365, TARGETED.day) * people.order_value
    place = np.argsort(np.argsort(-value, kind="stable"))
    active = np.count_nonzero(value > 0)
    who = np.flatnonzero((place < active * COMPARED_SHARE) & people.contact_allowed)
    arm = np.where(place[who] < active * INVITED_SHARE, "invitation", "control").astype(object)
    effects = np.column_stack([np.zeros(len(who)), np.full(len(who), uplift.targeted)])
    addressed = Addressed(campaign=TARGETED, customer=who, arm=arm, effects=effects)
    weeks = slice(TARGETED.week, TARGETED.week + TARGETED.weeks)
    extra = np.zeros((n, WEEKS))
    extra[who, weeks] = people.rate[who, None] * factors[who, weeks] * addressed.effect[:, None]
    counts = rng.poisson(extra).ravel()
    customer, week = np.divmod(np.repeat(np.arange(counts.size), counts), WEEKS)
    day = 7.0 * week + rng.integers(0, 7, len(week)) + hours(rng, len(week))
    kept = lives.alive(customer, day)
    return addressed, orders.joined(customer[kept], day[kept])
