"""What is wrong in the tables on purpose, in small and documented amounts."""

from __future__ import annotations

import numpy as np
import pandas as pd

from crm_lib.demo.clock import moments
from crm_lib.demo.draws import Streams
from crm_lib.demo.parameters import Dirt
from crm_lib.demo.people import Names, People

IMPOSSIBLE = (11.0, 0.0, 99.0, 11.0, -1.0, 55.0)
"""Ratings that a scale from 1 to 10 does not have."""


def transaction_table(
    streams: Streams, people: People, lines: pd.DataFrame, returns: pd.DataFrame, order_ids: Names, dirt: Dirt
) -> pd.DataFrame:
    """Put orders and returns together and make them as untidy as real books are.

    A line entered twice keeps its number; a late one is in the books days after it happened.

    Parameters
    ----------
    streams : Streams
        The random streams.
    people : People
        The customers.
    lines, returns : DataFrame
        Order lines and returned lines.
    order_ids : ndarray of str
        Number of each order.
    dirt : Dirt
        Shares.

    Returns
    -------
    DataFrame
    """
    rng = streams("dirt of transactions")
    returns = returns.sort_values("day", kind="stable")
    lines = lines.assign(order_id=order_ids[lines["order"].to_numpy()])
    returns = returns.assign(order_id=[f"R{number:06d}" for number in range(1, len(returns) + 1)])
    both = pd.concat([lines, returns]).sort_values("day", kind="stable", ignore_index=True)
    both["line_id"] = [f"L{number:07d}" for number in range(1, len(both) + 1)]
    late = rng.random(len(both)) < dirt.late
    recorded = both["day"].to_numpy() + np.where(late, rng.uniform(1, 10, len(both)), 0.0)
    table = pd.DataFrame(
        {
            "order_id": both["order_id"],
            "line_id": both["line_id"],
            "customer_id": people.customer_id[both["customer"].to_numpy()],
            "ordered_at": moments(both["day"]),
            "recorded_at": moments(recorded),
            "product_id": both["product_id"],
            "product": both["product"],
            "category": both["category"].mask(rng.random(len(both)) < dirt.category_missing),
            "department": both["department"],
            "quantity": both["quantity"].astype("int64"),
            "revenue": both["revenue"],
            "cost": both["cost"],
            "discount": both["discount"],
            "channel": both["channel"],
        }
    )
    twice = np.flatnonzero(rng.random(len(table)) < dirt.duplicates)
    again = table.iloc[np.sort(np.concatenate([np.arange(len(table)), twice]))]
    return again.reset_index(drop=True)


def untidy_customers(streams: Streams, customers: pd.DataFrame, dirt: Dirt) -> pd.DataFrame:
    """Return the customers with some regions and years of birth missing."""
    rng = streams("dirt of customers")
    region = customers["region"].mask(rng.random(len(customers)) < dirt.region_missing)
    unknown = pd.Series(rng.random(len(customers)) < dirt.birth_year_missing)
    return customers.assign(region=region, birth_year=customers["birth_year"].mask(unknown))


def untidy_surveys(streams: Streams, surveys: pd.DataFrame, dirt: Dirt) -> pd.DataFrame:
    """Return the surveys with a handful of impossible ratings of the own brand's value for money."""
    rng = streams("dirt of surveys")
    own = np.flatnonzero(surveys["brand"].isna())
    wrong = rng.choice(own, min(dirt.impossible_ratings, len(own) // 10), replace=False)
    ratings = surveys["value_for_money"].to_numpy(copy=True)
    ratings[wrong] = np.resize(IMPOSSIBLE, len(wrong))
    return surveys.assign(value_for_money=ratings)
