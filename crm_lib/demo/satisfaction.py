"""Satisfaction: what customers expect, perceive and feel, quarter by quarter, and how loyal that makes them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from crm_lib.demo.clock import QUARTER, QUARTERS, WEEKS, Floats, Ints
from crm_lib.demo.draws import Streams, logistic, look_up
from crm_lib.demo.parameters import Leaving, Satisfaction
from crm_lib.demo.people import REGIONS, People


@dataclass(frozen=True, kw_only=True)
class Opinions:
    """What each customer thinks, whether asked or not.

    Parameters
    ----------
    team_quality : ndarray of shape (regions, QUARTERS)
        Service of the regional teams, in points above or below the average.
    items : ndarray of shape (n, QUARTERS, 5)
        Perceived performance in the order of the parameters' weights.
    expectation : ndarray of shape (n,)
        Overall expectation.
    satisfaction : ndarray of shape (n, QUARTERS)
        Overall satisfaction, 1 to 10.
    """

    team_quality: Floats
    items: Floats
    expectation: Floats
    satisfaction: Floats

    def weekly(self) -> Floats:
        """Return the satisfaction in force in each week, shape (n, WEEKS)."""
        return np.repeat(self.satisfaction, QUARTER, axis=1)[:, :WEEKS]

    def at(self, customers: Ints, days: Floats) -> Floats:
        """Return the satisfaction of the customers with the given numbers on the given days."""
        return self.satisfaction[customers, quarter_of(days)]


def quarter_of(days: ArrayLike) -> Ints:
    """Return the number of the quarter of thirteen weeks in which each day lies."""
    return (np.asarray(days, dtype=float) // (7 * QUARTER)).astype(np.int64).clip(0, QUARTERS - 1)


def region_number(people: People) -> Ints:
    """Return the place of each customer's region in :data:`~crm_lib.demo.people.REGIONS`."""
    return look_up({name: float(i) for i, name in enumerate(REGIONS)}, people.region).astype(np.int64)


def make_opinions(streams: Streams, people: People, parameters: Satisfaction) -> Opinions:
    """Draw expectations and perceptions, and work out satisfaction.

    ``satisfaction = sum(weight * item) + disconfirmation * (sum(weight * item) - expectation)``, cut to 1 … 10.

    Parameters
    ----------
    streams : Streams
        The random streams.
    people : People
        The customers.
    parameters : Satisfaction
        Weights, means and spreads.

    Returns
    -------
    Opinions
    """
    n, names = len(people), list(parameters.weights)
    team = _team_quality(streams("teams"))
    rng = streams("opinions")
    shared = rng.normal(0, parameters.customer_sd, n)
    personal = 0.7 * shared[:, None] + 0.7 * rng.normal(0, parameters.customer_sd, (n, len(names)))
    wave = _autoregression(rng, n, len(names), parameters)
    items = np.array([parameters.means[name] for name in names]) + personal[:, None, :] + wave
    own_team = team[region_number(people)]
    for name, effect in parameters.team_effect.items():
        items[:, :, names.index(name)] += effect * own_team
    items = items.clip(1, 10)
    expectation = (parameters.expectation_mean + 0.35 * shared + rng.normal(0, 0.7, n)).clip(1, 10)
    perceived = items @ np.array(list(parameters.weights.values()))
    satisfaction = perceived + parameters.disconfirmation * (perceived - expectation[:, None])
    return Opinions(team_quality=team, items=items, expectation=expectation, satisfaction=satisfaction.clip(1, 10))


def loyalty(satisfaction: Floats, competition: ArrayLike, leaving: Leaving) -> Floats:
    """Return loyalty between 0 and 1: the share of attachment that satisfaction earns under local competition.

    Parameters
    ----------
    satisfaction : ndarray
        Points from 1 to 10; the first axis is the customer.
    competition : array_like of str of shape (n,)
        Low, medium or high.
    leaving : Leaving
        Centre and width of the curves.

    Returns
    -------
    ndarray of the shape of `satisfaction`
    """
    shape = (-1,) + (1,) * (satisfaction.ndim - 1)
    centre = look_up(leaving.loyalty_centre, competition).reshape(shape)
    width = look_up(leaving.loyalty_width, competition).reshape(shape)
    return logistic((satisfaction - centre) / width)


def _team_quality(rng: np.random.Generator) -> Floats:
    level = rng.normal(0, 0.45, len(REGIONS))
    trend = rng.normal(0, 0.03, len(REGIONS))
    noise = rng.normal(0, 0.12, (len(REGIONS), QUARTERS))
    return np.asarray(level[:, None] - level.mean() + trend[:, None] * np.arange(QUARTERS) + noise)


def _autoregression(rng: np.random.Generator, n: int, items: int, parameters: Satisfaction) -> Floats:
    shocks = rng.normal(0, parameters.quarter_sd, (n, QUARTERS, items))
    wave = np.empty_like(shocks)
    wave[:, 0] = shocks[:, 0]
    stay = parameters.persistence
    for quarter in range(1, QUARTERS):
        # Scaled so that the spread between customers is the same in every quarter.
        wave[:, quarter] = stay * wave[:, quarter - 1] + np.sqrt(1 - stay**2) * shocks[:, quarter]
    return wave
