"""The market: competitors, who changes brands, potential customers, and the pipeline of schools and libraries."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from crm_lib.demo.clock import DAYS, NEVER, START, Floats, dates
from crm_lib.demo.draws import Streams, draw, frame, names, numbered, pick, text_where, whole
from crm_lib.demo.lives import Lives
from crm_lib.demo.opinions import BRANDS
from crm_lib.demo.people import FIRST, LAST, People, acquisition_cost

OWN = "Lantern Books"
ALL_BRANDS = (OWN, *BRANDS)
MEASURES: Mapping[str, tuple[str, str, str, tuple[float, float, float, float]]] = {
    "Staff a million of revenue": ("persons", "lower", "input", (9.2, 3.1, 6.8, 12.5)),
    "Marketing cost": ("share of revenue", "lower", "input", (0.060, 0.085, 0.050, 0.025)),
    "Delivery time": ("days", "lower", "input", (2.6, 1.3, 3.2, 4.1)),
    "Titles in stock": ("thousand", "higher", "input", (38.0, 900.0, 120.0, 15.0)),
    "Price index": ("own = 100", "lower", "input", (100.0, 88.0, 101.0, 109.0)),
    "Complaints": ("a thousand orders", "lower", "output", (27.0, 34.0, 30.0, 14.0)),
    "Market share": ("share", "higher", "output", (0.08, 0.55, 0.27, 0.10)),
    "Revenue a customer": ("pounds a year", "higher", "output", (245.0, 210.0, 190.0, 260.0)),
}
"""Unit, better direction, kind and true value for the four brands, the own one first."""
SWITCHING = np.array(
    [
        [0.78, 0.11, 0.06, 0.05],
        [0.05, 0.86, 0.07, 0.02],
        [0.08, 0.17, 0.70, 0.05],
        [0.09, 0.08, 0.06, 0.77],
    ]
)
"""Chance that a panel member who bought brand i (row) buys brand j (column) half a year later, in the brands' order."""
PANEL = 240
HALF_YEARS = tuple(182 * half + 180 for half in range(6))
"""Days of the measurements: at the end of each half-year."""

KNOWN_SHARE = 0.35
"""Share of the customers who had been known as prospects."""
LOST_A_WON = 1.2
"""Prospects who never bought, a prospect who did."""
LOST_CHANNELS = {
    "search ads": 0.26, "social media": 0.34, "shop": 0.10, "referral": 0.04, "marketplace": 0.20,
    "reading groups": 0.06,
}  # fmt: skip
"""Channels of the prospects who never bought: those from social media seldom do, the referred often."""
STAGES = ("lead", "qualified", "proposal", "negotiation")
ADVANCING = (0.62, 0.68, 0.72, 0.66)
"""Chance of a deal to survive each stage."""
STAGE_DAYS = (9.0, 14.0, 21.0, 16.0)
SELLERS = (0.52, 0.20, 0.16, 0.12)
"""Share of the deals of each seller: much hangs on one."""


def competitor_table(streams: Streams, surveys: pd.DataFrame) -> pd.DataFrame:
    """Return the half-yearly benchmarks; satisfaction and value for money are those of the surveys."""
    rng, rows = streams("competitors"), []
    half = ((surveys["responded_at"] - pd.Timestamp(START)).dt.days // 182).clip(0, len(HALF_YEARS) - 1)
    answers = surveys.groupby([surveys["brand"].fillna(OWN), half])[["satisfaction", "value_for_money"]].mean()
    for number, day in enumerate(HALF_YEARS):
        date = dates([float(day)])[0]
        for measure, (unit, better, kind, values) in MEASURES.items():
            for name, value in zip(ALL_BRANDS, values, strict=True):
                measured = float(f"{value * rng.lognormal(0, 0.03):.3g}")
                rows.append((name, name == OWN, measure, date, measured, unit, better, kind))
        for measure, column in (("Satisfaction", "satisfaction"), ("Value for money", "value_for_money")):
            for name in ALL_BRANDS:
                if (name, number) in answers.index:
                    mean = round(float(answers[column][name, number]), 2)
                    rows.append((name, name == OWN, measure, date, mean, "points", "higher", "output"))
    return pd.DataFrame(rows, columns=["brand", "own", "measure", "measured_at", "value", "unit", "better", "kind"])


def switching_table(people: People, departures: pd.DataFrame) -> pd.DataFrame:
    """Return who changed brands: panel members, one in ten new customers, and half of the known leavers to a rival."""
    rng, brands, parts = people.streams("switching"), names(ALL_BRANDS), []

    def moves(customer_id: object, observed_at: object, before: object, after: object, weight: object = 1.0) -> None:
        parts.append(
            frame(customer_id=customer_id, observed_at=observed_at, from_brand=before, to_brand=after, weight=weight)
        )

    for day in HALF_YEARS:
        before = rng.choice(4, PANEL, p=MEASURES["Market share"][3])
        after = pick(rng, SWITCHING[before])
        weight = rng.gamma(8.0, 1 / 8.0, PANEL).round(3)
        moves(None, dates(np.full(PANEL, float(day))), brands[before], brands[after], weight)
    who = np.flatnonzero(rng.random(len(people)) < 0.10)
    share = np.array(MEASURES["Market share"][3][1:]) * SWITCHING[1:, 0]
    before = 1 + rng.choice(3, len(who), p=share / share.sum())
    moves(people.customer_id[who], dates(people.acquired[who]), brands[before], OWN)
    told = departures[(departures["cause"] == "competition").to_numpy() & (rng.random(len(departures)) < 0.5)]
    after = 1 + rng.choice(3, len(told), p=SWITCHING[0, 1:] / SWITCHING[0, 1:].sum())
    moves(told["customer_id"].to_numpy(), told["departed_at"].to_numpy(), OWN, brands[after])
    return pd.concat(parts).sort_values("observed_at", kind="stable", ignore_index=True)


def true_switching() -> pd.DataFrame:
    """Return the true switching probabilities in long form."""
    matrix = pd.DataFrame(SWITCHING, index=list(ALL_BRANDS), columns=list(ALL_BRANDS)).rename_axis("from_brand")
    long = matrix.reset_index().melt("from_brand", var_name="to_brand", value_name="probability")
    return long.sort_values(["from_brand", "to_brand"], ignore_index=True)


def prospect_table(people: People) -> pd.DataFrame:
    """Draw the prospects: some became customers, with the same attributes and dates, others never bought."""
    rng = people.streams("prospects")
    won = np.flatnonzero(rng.random(len(people)) < KNOWN_SHARE)
    seen = np.maximum(people.acquired[won] - 1 - rng.exponential(24.0, len(won)), 0.0)
    seen = np.minimum(seen, np.floor(people.acquired[won]))
    n = round(LOST_A_WON * len(won))
    # What the lost are like is drawn from the customers, apart from the channel they came through.
    like = rng.integers(0, len(people), n)
    channel = draw(rng, LOST_CHANNELS, n)
    seen = np.concatenate([seen, rng.uniform(0, DAYS, n)])
    cost = np.concatenate([people.cost[won], acquisition_cost(rng, channel)])
    first = np.argsort(seen, kind="stable")
    who, n = np.concatenate([won, like])[first], len(first)
    bought = first < len(won)
    return frame(
        prospect_id=numbered("Q", n),
        first_seen_at=dates(seen[first]),
        acquisition_channel=np.concatenate([people.channel[won], channel])[first],
        region=people.region[who],
        local_competition=people.competition[who],
        customer_group=people.group[who],
        birth_year=whole(people.birth_year[who]),
        acquisition_cost=cost[first].round(2),
        main_interest=people.profile[who],
        customer_id=text_where(bought, people.customer_id[who]),
        converted_at=dates(np.where(bought, people.acquired[who], NEVER)),
    )


def opportunity_table(people: People, lives: Lives, prospects: pd.DataFrame) -> pd.DataFrame:
    """Draw the pipeline, one row a deal and stage: with business prospects, and with business customers."""
    rng, start = people.streams("opportunities"), pd.Timestamp(START)
    business = prospects[prospects["customer_group"] == "business"]
    begin = (business["first_seen_at"] - start).dt.days.to_numpy(dtype=float)
    end = (business["converted_at"] - start).dt.days.to_numpy(dtype=float)
    schools = np.flatnonzero(people.group == "business")
    who = np.repeat(schools, rng.poisson(1.2, len(schools)))
    day = np.floor(rng.uniform(np.floor(people.acquired[who]) + 1, DAYS))
    kept = lives.alive(who, day)
    deals = [
        frame(prospect_id=business["prospect_id"].to_numpy(), customer_id=None, begin=begin, end=end),
        frame(prospect_id=None, customer_id=people.customer_id[who[kept]], begin=day[kept], end=np.nan),
    ]
    both = pd.concat(deals).sort_values("begin", kind="stable", ignore_index=True)
    n, new = len(both), both["customer_id"].isna().to_numpy()
    begin, end = both["begin"].to_numpy(), both["end"].to_numpy()
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
    seller = names([f"{FIRST[i]} {LAST[-1 - i]}" for i in (13, 6, 29, 40)])[pick(rng, np.tile(SELLERS, (n, 1)))]
    reached = np.column_stack([np.ones(n, dtype=bool), np.cumprod(survives, axis=1)[:, :-1].astype(bool)])
    deal, stage = np.nonzero(reached & (entered < DAYS))
    gone = left[deal, stage] < DAYS
    after = np.where(survives[deal, stage], np.where(stage == len(STAGES) - 1, "won", "advanced"), "lost")
    return frame(
        opportunity_id=[f"D{number + 1:05d}" for number in deal],
        customer_id=both["customer_id"].to_numpy()[deal],
        prospect_id=both["prospect_id"].to_numpy()[deal],
        stage=names(STAGES)[stage],
        stage_number=stage + 1,
        entered_at=dates(entered[deal, stage]),
        left_at=dates(np.where(gone, left[deal, stage], NEVER)),
        outcome=text_where(gone, after),
        amount=amount[deal],
        seller=seller[deal],
    )
