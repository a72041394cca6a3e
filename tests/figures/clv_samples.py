"""Small inputs of the figures of customer value: a comparison, a company with values, channels, contracts."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd

from crm_lib.clv import NBD, Acquisition, ParetoNBD, compare_models
from crm_lib.company import Company
from tests.clv.cdnow import cdnow_purchases, cdnow_summary
from tests.companies import write_company

# Survivors of 1,000 customers, High End segment: Fader & Hardie (2007), J. Interactive Marketing 21(1).
HIGH_END = [1000, 869, 743, 653, 593, 551, 517, 491, 468, 445, 427, 409, 394]


@cache
def pareto():
    return ParetoNBD().fit(cdnow_summary())


@cache
def cdnow_comparison():
    return compare_models(
        cdnow_purchases(), as_of="1998-06-30", horizon_days=273, cut_offs=1, models=[NBD(), ParetoNBD()], others=[],
        draws=100,
    )  # fmt: skip


def high_end(periods=12):
    return pd.DataFrame({"period": range(periods + 1), "survivors": HIGH_END[: periods + 1]})


def acquisition(rows=None):
    """Channels by hand: one that pays, one that loses, one that nobody can tell, one whose cost is unknown."""
    columns = [
        "customers", "cost", "clv", "clv_low", "clv_high", "ratio", "ratio_low", "ratio_high", "payback_days",
        "payback_low", "payback_high",
    ]  # fmt: skip
    rows = rows or {
        "Preis $1 $2": (400, 10.0, 50.0, 40.0, 60.0, 5.0, 4.0, 6.0, 0.0, 0.0, 0.0),
        "<b>ads</b>": (300, 80.0, 30.0, 20.0, 45.0, 0.4, 0.25, 0.6, np.inf, np.inf, np.inf),
        "広告": (200, 30.0, 35.0, 25.0, 48.0, 1.2, 0.8, 1.6, 410.0, 120.0, np.inf),
        "direct": (100, np.nan, 35.0, 25.0, 48.0, *[np.nan] * 6),
    }
    frame = pd.DataFrame.from_dict(rows, orient="index", columns=columns).rename_axis("channel")
    return Acquisition(
        frame=frame.assign(highest_bid=frame["clv"], pooled=False),
        draws={},
        channels=pd.Series(dtype=object),
        won_last_year=pd.Series(dtype="int64"),
        basis="margin",
        currency="GBP",
        annual_rate=0.1,
        level=0.9,
    )


def shop(folder: Path) -> Company:
    """A company of 400 customers with margins and two plans of membership; one customer has an odd name."""
    rng = np.random.default_rng(3)
    came = rng.integers(0, 300, 400)
    bought = rng.poisson(rng.gamma(0.8, 6.0, 400))
    who = np.concatenate([np.arange(400), np.repeat(np.arange(400), bought)])
    span = 600 - np.repeat(came, bought)
    day = np.concatenate([came, np.repeat(came, bought) + (rng.random(bought.sum()) * span).astype(int)])
    revenue = rng.gamma(4, 8, len(who)).round(2) + np.repeat(rng.gamma(3, 10, 400), np.bincount(who)).round(2)
    names = np.array([f"c{number}" for number in range(400)], dtype=object)
    names[7] = "<script>"
    lines = pd.DataFrame(
        {
            "order_id": np.arange(len(who)).astype(str),
            "customer_id": names[who],
            "ordered_at": pd.Timestamp("2024-01-01") + pd.to_timedelta(day, unit="D"),
            "revenue": revenue,
            "margin": (0.4 * revenue).round(2),
        }
    )
    begin = pd.Timestamp("2024-01-05") + pd.to_timedelta(rng.integers(0, 200, 120), unit="D")
    months = np.minimum(rng.geometric(rng.beta(1, 4, 120)), 40)
    ends = [
        first + pd.DateOffset(months=int(count)) - pd.Timedelta(days=1)
        for first, count in zip(begin, months, strict=True)
    ]
    contracts = pd.DataFrame(
        {
            "membership_id": np.arange(120).astype(str),
            "customer_id": names[:120],
            "started_at": begin,
            "ended_at": [end if end < pd.Timestamp("2025-09-01") else None for end in ends],
            "plan": np.where(np.arange(120) < 110, "monthly", "gold"),
            "price": 9.9,
            "period_months": 1,
        }
    )
    tables = {"transactions": lines, "memberships": contracts}
    return Company.open(write_company(folder / "values", tables, how="parquet", as_of="2025-09-01"))
