"""The market: benchmarks of four brands, and who changes from which brand to which."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from crm_lib.demo.clock import DAYS, START, dates
from crm_lib.demo.draws import Streams, pick
from crm_lib.demo.people import People
from crm_lib.demo.surveys import BRANDS

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


def competitor_table(streams: Streams, surveys: pd.DataFrame) -> pd.DataFrame:
    """Return the half-yearly benchmarks; satisfaction and value for money are those of the surveys.

    Parameters
    ----------
    streams : Streams
        The random streams.
    surveys : DataFrame
        The answers about all brands.

    Returns
    -------
    DataFrame
    """
    rng, rows = streams("competitors"), []
    half = ((surveys["responded_at"] - pd.Timestamp(START)).dt.days // 182).clip(0, len(HALF_YEARS) - 1)
    brand = surveys["brand"].fillna(OWN)
    by_brand = surveys.groupby([brand, half])
    for number, day in enumerate(HALF_YEARS):
        date = dates([float(day)])[0]
        for measure, (unit, better, kind, values) in MEASURES.items():
            for name, value in zip(ALL_BRANDS, values, strict=True):
                measured = float(f"{value * rng.lognormal(0, 0.03):.3g}")
                rows.append((name, name == OWN, measure, date, measured, unit, better, kind))
        for measure, column in (("Satisfaction", "satisfaction"), ("Value for money", "value_for_money")):
            means = by_brand[column].mean().to_dict()
            for name in ALL_BRANDS:
                if (name, number) in means:
                    mean = round(means[name, number], 2)
                    rows.append((name, name == OWN, measure, date, mean, "points", "higher", "output"))
    return pd.DataFrame(rows, columns=["brand", "own", "measure", "measured_at", "value", "unit", "better", "kind"])


def switching_table(streams: Streams, people: People, departures: pd.DataFrame) -> pd.DataFrame:
    """Return who changed brands: panel members, new customers asked where they bought before, and known leavers.

    Parameters
    ----------
    streams : Streams
        The random streams.
    people : People
        The customers, of whom one in ten is asked when won.
    departures : DataFrame
        Who is known to have left for a competitor named where to, one in two.

    Returns
    -------
    DataFrame
    """
    rng, brands = streams("switching"), np.array(ALL_BRANDS, dtype=object)
    parts = []
    for day in HALF_YEARS:
        before = rng.choice(4, PANEL, p=MEASURES["Market share"][3])
        after = pick(rng, SWITCHING[before])
        parts.append(
            pd.DataFrame(
                {
                    "customer_id": None,
                    "observed_at": dates(np.full(PANEL, float(day))),
                    "from_brand": brands[before],
                    "to_brand": brands[after],
                    "weight": rng.gamma(8.0, 1 / 8.0, PANEL).round(3),
                }
            )
        )
    who = np.flatnonzero((rng.random(len(people)) < 0.10) & (people.acquired < DAYS))
    share = np.array(MEASURES["Market share"][3][1:]) * SWITCHING[1:, 0]
    before = 1 + rng.choice(3, len(who), p=share / share.sum())
    parts.append(
        pd.DataFrame(
            {
                "customer_id": people.customer_id[who],
                "observed_at": dates(people.acquired[who]),
                "from_brand": brands[before],
                "to_brand": OWN,
                "weight": 1.0,
            }
        )
    )
    told = departures[(departures["cause"] == "competition").to_numpy() & (rng.random(len(departures)) < 0.5)]
    after = 1 + rng.choice(3, len(told), p=SWITCHING[0, 1:] / SWITCHING[0, 1:].sum())
    parts.append(
        pd.DataFrame(
            {
                "customer_id": told["customer_id"].to_numpy(),
                "observed_at": told["departed_at"].to_numpy(),
                "from_brand": OWN,
                "to_brand": brands[after],
                "weight": 1.0,
            }
        )
    )
    return pd.concat(parts).sort_values("observed_at", kind="stable", ignore_index=True)


def true_switching() -> pd.DataFrame:
    """Return the true switching probabilities in long form."""
    matrix = pd.DataFrame(SWITCHING, index=list(ALL_BRANDS), columns=list(ALL_BRANDS))
    long = (
        matrix.rename_axis("from_brand").reset_index().melt("from_brand", var_name="to_brand", value_name="probability")
    )
    return long.sort_values(["from_brand", "to_brand"], ignore_index=True)
