"""Shops whose customers buy, leave and spend by known parameters."""

from __future__ import annotations

import numpy as np
import pandas as pd

CHANNELS = ("search", "shop", "friends")


def shop_tables(
    customers=400,
    *,
    seed=1,
    days=1092,
    r=1.2,
    alpha=8.0,
    s=0.8,
    beta=20.0,
    p=4.0,
    q=6.0,
    gamma=50.0,
    margin=0.4,
    returned=0.05,
):
    """Return transactions, customers and interactions, and the truth by customer, from 2023-07-01 on.

    Customers buy at gamma(`r`, `alpha`) rates a week until they leave at gamma(`s`, `beta`) rates (never, if `s` is
    None), spend by the gamma-gamma model, and return a share of what they bought the day after.
    """
    rng = np.random.default_rng(seed)
    rate = rng.gamma(r, 1 / alpha, customers)
    leaving = np.zeros(customers) if s is None else rng.gamma(s, 1 / beta, customers)
    spend = p / rng.gamma(q, 1 / gamma, customers)
    begin = rng.uniform(0, days * 0.7, customers)
    with np.errstate(divide="ignore"):
        life = np.where(leaving > 0, rng.exponential(1, customers) / leaving, np.inf) * 7
    active = np.minimum(life, days - begin)
    count = rng.poisson(rate * active / 7)
    who = np.concatenate([np.arange(customers), np.repeat(np.arange(customers), count)])
    day = np.concatenate([begin, np.repeat(begin, count) + rng.random(count.sum()) * np.repeat(active, count)])
    revenue = rng.gamma(p, spend[who] / p).round(2).clip(0.01)
    back = rng.random(len(who)) < returned
    lines = pd.DataFrame({"who": who, "day": np.floor(day), "revenue": revenue, "quantity": 1})
    returns = lines[back & (lines["day"] < days - 1)]
    returns = returns.assign(day=returns["day"] + 1, revenue=-returns["revenue"], quantity=-1)
    lines = pd.concat([lines, returns], ignore_index=True)
    names = np.array([f"c{number:04d}" for number in range(customers)])
    start = pd.Timestamp("2023-07-01")
    transactions = pd.DataFrame(
        {
            "order_id": [f"o{number}" for number in range(len(lines))],
            "customer_id": names[lines["who"]],
            "ordered_at": start + pd.to_timedelta(lines["day"], unit="D"),
            "category": rng.choice(["Books", "Cards", "Games"], len(lines)),
            "quantity": lines["quantity"],
            "revenue": lines["revenue"],
            "cost": (lines["revenue"] * (1 - margin)).round(4),
        }
    )
    contacted = rng.random(len(who)) < 0.2
    interactions = pd.DataFrame(
        {
            "interaction_id": [f"i{number}" for number in range(contacted.sum())],
            "customer_id": names[who[contacted]],
            "occurred_at": start + pd.to_timedelta(np.floor(day[contacted]), unit="D"),
            "cost": rng.gamma(4, 0.5, contacted.sum()).round(2),
        }
    )
    people = pd.DataFrame(
        {
            "customer_id": names,
            "acquired_at": start + pd.to_timedelta(np.floor(begin), unit="D"),
            "acquisition_channel": rng.choice(CHANNELS, customers, p=[0.5, 0.4, 0.1]),
            "acquisition_cost": rng.gamma(4, 5, customers).round(2),
            "region": rng.choice(["North", "South"], customers),
        }
    )
    alive = begin + life > days
    truth = pd.DataFrame({"rate": rate, "leaving": leaving, "spend": spend, "alive": alive}, index=names)
    tables = {"transactions": transactions, "customers": people, "interactions": interactions}
    return tables, truth


AS_OF = "2026-06-27"
"""Last day of a shop of 1092 days."""
