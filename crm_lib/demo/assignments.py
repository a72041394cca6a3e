"""The table of assignments to campaigns, and the truth about their effects."""

from __future__ import annotations

import numpy as np
import pandas as pd

from crm_lib.demo.campaigns import RANDOMISED, WIN_BACK, Addressed
from crm_lib.demo.clock import NEVER, Bools, Floats, dates
from crm_lib.demo.draws import Streams, look_up
from crm_lib.demo.history_campaigns import WinBack
from crm_lib.demo.lives import Lives
from crm_lib.demo.parameters import Uplift
from crm_lib.demo.people import People
from crm_lib.demo.purchases import Orders

OFFERS = {"control": "none", "email": "letter", "email_voucher": "letter and voucher", "invitation": "evening"}


def assignment_table(
    streams: Streams, people: People, orders: Orders, addressed: list[Addressed], uplift: Uplift
) -> pd.DataFrame:
    """Return the table of assignments.

    The cost is that of the contact, plus the voucher where it was redeemed.

    Parameters
    ----------
    streams : Streams
        The random streams.
    people : People
        The customers.
    orders : Orders
        All orders: the first one in the window may redeem the voucher.
    addressed : list of Addressed
        One entry a campaign.
    uplift : Uplift
        Costs, and how often a voucher is redeemed.

    Returns
    -------
    DataFrame
    """
    parts = []
    for one in addressed:
        campaign, rng = one.campaign, streams(f"response {one.campaign.campaign_id}")
        end = campaign.day + 7 * campaign.weeks
        inside = (orders.day >= campaign.day) & (orders.day < end)
        first = np.full(len(people), NEVER)
        np.minimum.at(first, orders.customer[inside], orders.day[inside])
        redeems = (rng.random(len(people)) < uplift.redeemed)[one.customer] & (one.arm == "email_voucher")
        responded = np.where(redeems, first[one.customer], NEVER)
        cost = look_up(uplift.contact_cost, one.arm) + np.where(np.isfinite(responded), uplift.voucher, 0.0)
        days = np.full(len(one.customer), float(campaign.day))
        parts.append(
            pd.DataFrame(
                {
                    "campaign_id": campaign.campaign_id,
                    "customer_id": people.customer_id[one.customer],
                    "assigned_at": dates(days),
                    "arm": one.arm,
                    "randomised": campaign in RANDOMISED or campaign is WIN_BACK,
                    "offer": [OFFERS[arm] for arm in one.arm],
                    "cost": cost.round(2),
                    "outcome_from": dates(days),
                    "outcome_to": dates(days + 7 * campaign.weeks - 1),
                    "responded_at": dates(responded),
                }
            )
        )
    return pd.concat(parts, ignore_index=True)


def true_uplift(
    people: People,
    lives: Lives,
    usual_factors: Floats,
    addressed: list[Addressed],
    order_margin: Floats,
    uplift: Uplift,
) -> pd.DataFrame:
    """Return what each arm of each campaign on purchases truly does to each customer addressed.

    Parameters
    ----------
    people : People
        The customers.
    lives : Lives
        Who was still a customer: nobody who has left can be moved.
    usual_factors : ndarray of shape (n, WEEKS)
        Season and stage, without campaigns: no two campaigns run in the same weeks.
    addressed : list of Addressed
        One entry a campaign.
    order_margin : ndarray of shape (n,)
        Expected margin of an order of each customer.
    uplift : Uplift
        Costs.

    Returns
    -------
    DataFrame
        One row a campaign, customer and arm: `effect` on the rate, `usual_orders` expected in the window without any
        campaign, expected `extra_orders`, `extra_margin` (before cost), expected `cost` and `profit`.
    """
    parts = []
    exposed = lives.weeks()
    for one in addressed:
        if one.campaign is WIN_BACK:
            continue
        weeks = slice(one.campaign.week, one.campaign.week + one.campaign.weeks)
        usual = people.rate[one.customer] * (usual_factors[:, weeks] * exposed[:, weeks]).sum(axis=1)[one.customer]
        for number, arm in enumerate(one.campaign.arms):
            extra = usual * one.effects[:, number]
            bought = 1 - np.exp(-(usual + extra))
            cost = uplift.contact_cost[arm] + (
                uplift.voucher * uplift.redeemed * bought if arm == "email_voucher" else 0
            )
            margin = extra * order_margin[one.customer]
            parts.append(
                pd.DataFrame(
                    {
                        "campaign_id": one.campaign.campaign_id,
                        "customer_id": people.customer_id[one.customer],
                        "arm": arm,
                        "effect": one.effects[:, number],
                        "usual_orders": usual,
                        "extra_orders": extra,
                        "extra_margin": margin,
                        "cost": cost,
                        "profit": margin - cost,
                    }
                )
            )
    return pd.concat(parts, ignore_index=True)


def true_win_back(people: People, campaign: WinBack) -> pd.DataFrame:
    """Return who among the silent had really left, and the chance of each to come back under each arm."""
    arms = {f"chance_{arm}": campaign.addressed.effects[:, i] for i, arm in enumerate(WIN_BACK.arms)}
    return pd.DataFrame(
        {
            "customer_id": people.customer_id[campaign.addressed.customer],
            "arm": campaign.addressed.arm,
            "gone": campaign.gone,
            **arms,
            "returned": campaign.returned,
        }
    )


def departures(streams: Streams, people: People, lives: Lives, documented: float) -> pd.DataFrame:
    """Return the departures that the company learnt of, second ones included; the others are silent."""
    rng = streams("departures")
    known: list[Bools] = [rng.random(len(people)) < documented for _ in range(2)]
    spans = ((lives.left, lives.cause, known[0]), (lives.left_again, lives.cause_again, known[1]))
    parts = []
    for left, cause, told in spans:
        who = np.flatnonzero(told & np.isfinite(left))
        parts.append(
            pd.DataFrame({"customer_id": people.customer_id[who], "departed_at": dates(left[who]), "cause": cause[who]})
        )
    return pd.concat(parts).sort_values(["departed_at", "customer_id"], kind="stable", ignore_index=True)
