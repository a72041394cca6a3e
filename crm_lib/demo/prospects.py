"""Potential customers, and the pipeline of schools and libraries."""

from __future__ import annotations

import numpy as np
import pandas as pd

from crm_lib.demo.clock import DAYS, NEVER, START, Floats, dates
from crm_lib.demo.draws import Streams, draw, look_up, pick
from crm_lib.demo.gaps import text_where, whole
from crm_lib.demo.lives import Lives
from crm_lib.demo.names import FIRST, LAST
from crm_lib.demo.people import CHANNELS, People

KNOWN_SHARE = 0.35
"""Share of the customers who had been known as prospects."""
LOST_A_WON = 1.2
"""Prospects who never bought, a prospect who did."""
LOST_CHANNELS = {
    "search ads": 0.26,
    "social media": 0.34,
    "shop": 0.10,
    "referral": 0.04,
    "marketplace": 0.20,
    "reading groups": 0.06,
}
"""Channels of the prospects who never bought: those from social media seldom do, the referred often."""
STAGES = ("lead", "qualified", "proposal", "negotiation")
ADVANCING = (0.62, 0.68, 0.72, 0.66)
"""Chance of a deal to survive each stage."""
STAGE_DAYS = (9.0, 14.0, 21.0, 16.0)
SELLERS = (0.52, 0.20, 0.16, 0.12)
"""Share of the deals of each seller: much hangs on one."""


def prospect_table(streams: Streams, people: People) -> pd.DataFrame:
    """Draw the prospects: some became customers, with the same attributes and dates, others never bought.

    Parameters
    ----------
    streams : Streams
        The random streams.
    people : People
        The customers.

    Returns
    -------
    DataFrame
    """
    rng = streams("prospects")
    won = np.flatnonzero(rng.random(len(people)) < KNOWN_SHARE)
    seen = np.maximum(people.acquired[won] - 1 - rng.exponential(24.0, len(won)), 0.0)
    converted = pd.DataFrame(
        {
            "seen": np.minimum(seen, np.floor(people.acquired[won])),
            "acquisition_channel": people.channel[won],
            "region": people.region[won],
            "local_competition": people.competition[won],
            "customer_group": people.group[won],
            "birth_year": people.birth_year[won],
            "acquisition_cost": people.cost[won],
            "main_interest": people.profile[won],
            "customer_id": people.customer_id[won],
            "converted": people.acquired[won],
        }
    )
    n = round(LOST_A_WON * len(won))
    # What the lost are like is drawn from the customers, apart from the channel they came through.
    like = rng.integers(0, len(people), n)
    channel = draw(rng, LOST_CHANNELS, n)
    lost = pd.DataFrame(
        {
            "seen": rng.uniform(0, DAYS, n),
            "acquisition_channel": channel,
            "region": people.region[like],
            "local_competition": people.competition[like],
            "customer_group": people.group[like],
            "birth_year": people.birth_year[like],
            "acquisition_cost": look_up({name: row["cost"] for name, row in CHANNELS.items()}, channel)
            * rng.gamma(4.0, 0.25, n),
            "main_interest": people.profile[like],
            "customer_id": None,
            "converted": NEVER,
        }
    )
    both = pd.concat([converted, lost]).sort_values("seen", kind="stable", ignore_index=True)
    both.insert(0, "prospect_id", [f"Q{number:06d}" for number in range(1, len(both) + 1)])
    both.insert(1, "first_seen_at", dates(both["seen"]))
    both["converted_at"] = dates(both["converted"])
    both["acquisition_cost"] = both["acquisition_cost"].round(2)
    both["birth_year"] = whole(both["birth_year"])
    return both.drop(columns=["seen", "converted"])


def opportunity_table(streams: Streams, people: People, lives: Lives, prospects: pd.DataFrame) -> pd.DataFrame:
    """Draw the pipeline: deals with business prospects, won where they became customers, and with business customers.

    Parameters
    ----------
    streams : Streams
        The random streams.
    people : People
        The customers.
    lives : Lives
        Deals with customers begin while they are customers.
    prospects : DataFrame
        The table of prospects.

    Returns
    -------
    DataFrame
        One row a deal and stage.
    """
    rng, start = streams("opportunities"), pd.Timestamp(START)
    business = prospects[prospects["customer_group"] == "business"]
    begin = (business["first_seen_at"] - start).dt.days.to_numpy(dtype=float)
    end = (business["converted_at"] - start).dt.days.to_numpy(dtype=float)
    deals = [
        pd.DataFrame(
            {"prospect_id": business["prospect_id"].to_numpy(), "customer_id": None, "begin": begin, "end": end}
        )
    ]
    schools = np.flatnonzero(people.group == "business")
    who = np.repeat(schools, rng.poisson(1.2, len(schools)))
    day = np.floor(rng.uniform(np.floor(people.acquired[who]) + 1, DAYS))
    kept = lives.alive(who, day)
    deals.append(
        pd.DataFrame(
            {"prospect_id": None, "customer_id": people.customer_id[who[kept]], "begin": day[kept], "end": np.nan}
        )
    )
    all_deals = pd.concat(deals).sort_values("begin", kind="stable", ignore_index=True)
    return _through_stages(rng, all_deals)


def _through_stages(rng: np.random.Generator, deals: pd.DataFrame) -> pd.DataFrame:
    n, new = len(deals), deals["customer_id"].isna().to_numpy()
    begin, end = deals["begin"].to_numpy(), deals["end"].to_numpy()
    bought = np.isfinite(end)
    days: Floats = np.maximum(rng.gamma(1.5, 1 / 1.5, (n, len(STAGES))) * STAGE_DAYS, 1.0)
    survives = rng.random((n, len(STAGES))) < ADVANCING
    # A prospect who never bought lost every deal; one who did won it on the day of the first order.
    survives[new & ~bought, -1] = False
    survives[bought] = True
    length = np.where(bought, np.nan_to_num(end) - begin, 0.0)
    days[bought] *= (length / days.sum(axis=1))[bought, None]
    left = np.floor(begin[:, None] + np.cumsum(days, axis=1))
    left[bought, -1] = end[bought]
    entered = np.column_stack([begin, left[:, :-1]])
    amount = np.round(rng.lognormal(np.log(900.0), 0.7, n), -1)
    seller = pick(rng, np.tile(SELLERS, (n, 1)))
    names = np.array([f"{FIRST[i]} {LAST[-1 - i]}" for i in (13, 6, 29, 40)], dtype=object)
    reached = np.column_stack([np.ones(n, dtype=bool), np.cumprod(survives, axis=1)[:, :-1].astype(bool)])
    deal, stage = np.nonzero(reached & (entered < DAYS))
    gone = left[deal, stage] < DAYS
    after = np.where(survives[deal, stage], np.where(stage == len(STAGES) - 1, "won", "advanced"), "lost")
    return pd.DataFrame(
        {
            "opportunity_id": [f"D{number + 1:05d}" for number in deal],
            "customer_id": deals["customer_id"].to_numpy()[deal],
            "prospect_id": deals["prospect_id"].to_numpy()[deal],
            "stage": np.array(STAGES, dtype=object)[stage],
            "stage_number": stage + 1,
            "entered_at": dates(entered[deal, stage]),
            "left_at": dates(np.where(gone, left[deal, stage], NEVER)),
            "outcome": text_where(gone, after),
            "amount": amount[deal],
            "seller": names[seller[deal]],
        }
    )
