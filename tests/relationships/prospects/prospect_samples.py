"""Prospects and customers with known chances and values: in memory, and as a company's tables."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd

from crm_lib.relationships import ProspectTraining

AS_OF = dt.date(2026, 6, 30)
CHANNELS = {"fair": (0.0, 0.4), "search": (0.5, 0.0), "social": (-0.8, -0.5), "letter": (0.3, -0.2)}
"""Effects on the logarithms of the rate of conversion and of the value."""
GROUPS = {"firm": 0.9, "family": 0.0, "student": -0.4}
RATE = 0.01
VALUE = 60.0


def draw_people(rng, n, *, alike=False):
    """Return attributes and the true rate of conversion a day and value."""
    channel = rng.choice(list(CHANNELS), n, p=[0.3, 0.4, 0.27, 0.03])
    group = rng.choice(list(GROUPS), n, p=[0.15, 0.6, 0.25])
    effects = np.array([CHANNELS[name] for name in channel]) * (0.0 if alike else 1.0)
    by_group = np.array([GROUPS[name] for name in group]) * (0.0 if alike else 1.0)
    frame = pd.DataFrame({"acquisition_channel": channel, "customer_group": group, "size": rng.normal(50, 10, n)})
    return frame, RATE * np.exp(effects[:, 0]), VALUE * np.exp(effects[:, 1] + by_group)


def simulate_training(seed, *, customers=1500, prospects=1500, alike=False, shape=0.5):
    """Return past cases and, for the prospects, the true rate of conversion a day and value if won."""
    rng = np.random.default_rng(seed)
    won, _, value = draw_people(rng, customers, alike=alike)
    first = pd.Timestamp(AS_OF) - pd.Timedelta(days=900)
    started = first + pd.to_timedelta(np.sort(rng.integers(0, 700, customers)), unit="D")
    outcome = rng.gamma(shape, value / shape)
    won = won.assign(started=started, value=outcome, first_value=outcome / 2)
    won.index = pd.Index([f"c{number:05d}" for number in range(customers)], name="customer_id")
    known, rate, worth = draw_people(rng, prospects, alike=alike)
    age = rng.integers(1, 250, prospects)
    day = rng.exponential(1 / rate)
    converted = day <= age
    waited = np.where(converted, np.ceil(day), age)
    known = known.assign(
        seen=pd.Timestamp(AS_OF) - pd.to_timedelta(age - 1, unit="D"),
        waited=waited,
        converted=converted,
        cost=rng.uniform(1, 20, prospects),
    )
    known.index = pd.Index([f"q{number:05d}" for number in range(prospects)], name="prospect_id")
    training = ProspectTraining(
        customers=won,
        prospects=known,
        attributes=("acquisition_channel", "customer_group", "size"),
        value_kind="margin",
        horizon_days=180,
        live_days=400,
        as_of=AS_OF,
        too_young=0,
        undated=0,
    )
    truth = pd.DataFrame({"rate": rate, "value": worth}, index=known.index)
    return training, truth


def prospect_tables(seed=3, *, n=2600, alike=False):
    """Return the tables of a company: prospects over 900 days, those who were won, other customers and their orders."""
    rng = np.random.default_rng(seed)
    people, rate, value = draw_people(rng, n, alike=alike)
    seen = rng.integers(0, 900, n)
    other = rng.random(n) < 0.3
    delay = np.where(other, 0.0, np.ceil(rng.exponential(1 / (2 * rate))))
    day = seen + delay
    # Whoever would take longer than this never buys.
    won = (other | (delay <= 60)) & (day < 900)
    start = pd.Timestamp(AS_OF) - pd.Timedelta(days=899)
    number = np.arange(n)
    prospects = people.assign(
        prospect_id=[f"q{i:05d}" for i in number],
        first_seen_at=start + pd.to_timedelta(seen, unit="D"),
        customer_id=np.where(won, [f"c{i:05d}" for i in number], None),
        converted_at=(start + pd.to_timedelta(day, unit="D")).where(pd.Series(won)),
        acquisition_cost=np.round(rng.uniform(1, 20, n), 2),
        birth_year=rng.integers(1950, 2005, n),
    )[~other]
    customers = people.assign(
        customer_id=[f"c{i:05d}" for i in number],
        acquired_at=start + pd.to_timedelta(day, unit="D"),
        acquisition_cost=np.round(rng.uniform(1, 20, n), 2),
        birth_year=rng.integers(1950, 2005, n),
    )[won]
    orders = 1 + rng.poisson(1.5, n)
    who = np.repeat(number[won], orders[won])
    first = np.append(True, who[1:] != who[:-1])
    late = np.where(first, 0, rng.integers(1, 300, len(who)))
    when = day[who] + late
    lines = pd.DataFrame(
        {
            "order_id": [f"o{i}" for i in range(len(who))],
            "customer_id": [f"c{i:05d}" for i in who],
            "ordered_at": start + pd.to_timedelta(when, unit="D") + pd.Timedelta(hours=10),
            "revenue": np.round(rng.gamma(1.0, value[who]), 2),
            "cost": 0.0,
        }
    )[when < 900]
    return {"transactions": lines, "customers": customers, "prospects": prospects}
