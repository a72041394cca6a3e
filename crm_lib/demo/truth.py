"""The truth about customers, their satisfaction and the channels, as tables."""

from __future__ import annotations

import numpy as np
import pandas as pd

from crm_lib.demo.clock import DAYS, NEVER, QUARTERS, Floats, dates
from crm_lib.demo.lives import Hazard, Lives
from crm_lib.demo.parameters import Leaving, Parameters
from crm_lib.demo.people import CHANNELS, People
from crm_lib.demo.satisfaction import Opinions, loyalty


def true_customers(
    people: People, lives: Lives, hazard: Hazard, factors: Floats, order_margin: Floats, parameters: Parameters
) -> pd.DataFrame:
    """Return what each customer really is.

    Parameters
    ----------
    people : People
        The customers.
    lives : Lives
        Their spans.
    hazard : Hazard
        Their hazard of leaving.
    factors : ndarray of shape (n, WEEKS)
        Factors of the purchase rate, campaigns included.
    order_margin : ndarray of shape (n,)
        Expected margin of an order.
    parameters : Parameters
        For the shape of the order values.

    Returns
    -------
    DataFrame
        ``lambda`` and ``mu`` a week; ``nu`` of the gamma-gamma model; `alive_weeks`, and `exposure_weeks`, the alive
        weeks times the factors, so that repeat orders are Poisson with mean ``lambda * exposure_weeks`` (but for the
        returning orders and the few extra ones of the evening); `cumulative_hazard` over the alive weeks.
    """
    weeks = lives.weeks()
    alive = weeks.sum(axis=1)
    return pd.DataFrame(
        {
            "customer_id": people.customer_id,
            "lambda": people.rate,
            "mu": people.dropout,
            "mean_order_value": people.order_value,
            "nu": parameters.buying.p / people.order_value,
            "order_margin": order_margin,
            "type": people.type,
            "main_interest": people.profile,
            "contributor": people.contributor,
            "left_alone": people.left_alone,
            "local_competition": people.competition,
            "acquisition_channel": people.channel,
            "acquired_at": dates(people.acquired),
            "left_at": dates(lives.left),
            "cause": lives.cause,
            "returned_at": dates(lives.returned),
            "left_again_at": dates(lives.left_again),
            "cause_again": lives.cause_again,
            "alive": lives.alive_at(float(DAYS)),
            "alive_weeks": alive,
            "exposure_weeks": (weeks * factors).sum(axis=1),
            "cumulative_hazard": (weeks * hazard.weekly).sum(axis=1),
        }
    )


def true_satisfaction(people: People, opinions: Opinions, lives: Lives, leaving: Leaving) -> pd.DataFrame:
    """Return satisfaction and loyalty (0 to 1) of each customer in each quarter in which they were one.

    Parameters
    ----------
    people : People
        The customers.
    opinions : Opinions
        What they think.
    lives : Lives
        Their spans.
    leaving : Leaving
        The loyalty curves.

    Returns
    -------
    DataFrame
    """
    first = np.arange(QUARTERS) * 91.0
    spans = ((lives.begun, lives.left), (lives.returned, np.minimum(lives.left_again, NEVER)))
    lived = np.zeros(opinions.satisfaction.shape, dtype=bool)
    for begin, end in spans:
        lived |= (begin[:, None] < first + 91) & (end[:, None] > first) & (begin[:, None] < end[:, None])
    who, quarter = np.nonzero(lived)
    attachment = loyalty(opinions.satisfaction, people.competition, leaving)
    return pd.DataFrame(
        {
            "customer_id": people.customer_id[who],
            "quarter": quarter,
            "begins_at": dates(first[quarter]),
            "satisfaction": opinions.satisfaction[who, quarter],
            "loyalty": attachment[who, quarter],
        }
    )


def true_channels(customers: pd.DataFrame) -> pd.DataFrame:
    """Return the mean cost of each acquisition channel and the true rates of the customers it won."""
    by_channel = customers.groupby("acquisition_channel")
    return pd.DataFrame(
        {
            "acquisition_channel": list(CHANNELS),
            "mean_cost": [row["cost"] for row in CHANNELS.values()],
            "customers": by_channel.size().reindex(list(CHANNELS), fill_value=0).to_numpy(),
            **{
                f"mean_{name}": by_channel[name].mean().reindex(list(CHANNELS)).to_numpy()
                for name in ("lambda", "mu", "order_margin")
            },
        }
    )
