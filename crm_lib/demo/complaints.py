"""Problems with orders, the complaints they lead to, and what becomes of these."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from crm_lib.demo.clock import DAYS, NEVER, WEEKS, Bools, Floats, Ints, moments
from crm_lib.demo.draws import Streams, draw, logistic
from crm_lib.demo.gaps import text_where, true_where
from crm_lib.demo.parameters import Parameters
from crm_lib.demo.people import Names, People
from crm_lib.demo.purchases import Orders
from crm_lib.demo.satisfaction import Opinions, quarter_of, region_number


@dataclass(frozen=True, kw_only=True)
class Problems:
    """Orders that went wrong; one entry a problem.

    Parameters
    ----------
    customer : ndarray of int
        Number of the customer.
    ordered : ndarray of float
        Day of the order, which with the customer names it.
    complained : ndarray of bool
        Whether the customer complained; otherwise the problem was swallowed.
    opened, closed : ndarray of float
        Days of the complaint; never closed is infinite.
    unresolved : ndarray of bool
        Whether there was no settlement: closed with none, or never closed.
    """

    customer: Ints
    ordered: Floats
    complained: Bools
    opened: Floats
    closed: Floats
    unresolved: Bools
    topic: Names
    severity: Ints
    resolution: Names
    satisfied: Bools
    followed_up: Bools

    def unresolved_weeks(self, n: int, weeks: int) -> Bools:
        """Return in which weeks an unresolved complaint weighs on each of `n` customers, shape (n, WEEKS)."""
        mask = np.zeros((n, WEEKS), dtype=bool)
        effective = self.complained & self.unresolved
        who = self.customer[effective]
        # From the week after the opening on: no week knows what happens later in it.
        first = np.ceil(self.opened[effective] / 7).astype(np.int64)
        for ahead in range(weeks):
            week = first + ahead
            inside = week < WEEKS
            mask[who[inside], week[inside]] = True
        return mask

    def only(self, keep: Bools | Ints) -> Problems:
        """Return the problems to keep, in the order in which they are named."""
        return Problems(**{name: values[keep] for name, values in vars(self).items()})


def make_problems(
    streams: Streams, people: People, orders: Orders, opinions: Opinions, parameters: Parameters
) -> Problems:
    """Draw which orders go wrong, who complains, and how it ends.

    Parameters
    ----------
    streams : Streams
        The random streams.
    people : People
        The customers.
    orders : Orders
        The orders.
    opinions : Opinions
        Perceived service makes problems rarer; the team's quality helps to settle them.
    parameters : Parameters
        Probabilities.

    Returns
    -------
    Problems
    """
    rng, chances = streams("problems"), parameters.complaining
    quarter = quarter_of(orders.day)
    service = opinions.items[orders.customer, quarter, list(parameters.satisfaction.weights).index("service_quality")]
    chance = np.minimum(chances.problem * np.exp(-chances.service * (service - 7)), 0.4)
    wrong = np.flatnonzero(rng.random(len(orders)) < chance)
    n, customer, ordered = len(wrong), orders.customer[wrong], orders.day[wrong]
    team = opinions.team_quality[region_number(people)[customer], quarter[wrong]]
    odds = np.log(chances.unresolved / (1 - chances.unresolved)) - chances.team * team
    unresolved = rng.random(n) < logistic(odds)
    opened = ordered + 0.2 + rng.gamma(1.5, 3.0, n)
    duration = rng.lognormal(1.4, 0.8, n) * np.where(unresolved, 2.5, 1.0) * np.exp(-0.4 * team)
    forgotten = unresolved & (rng.random(n) < 0.4)
    settlement = draw(rng, {"refund": 0.4, "replacement": 0.35, "voucher": 0.1, "apology": 0.15}, n)
    satisfied = rng.random(n) < np.where(unresolved, 0.03, 0.85)
    return Problems(
        customer=customer,
        ordered=ordered,
        complained=rng.random(n) < chances.told,
        opened=opened,
        closed=np.where(forgotten, NEVER, opened + duration),
        unresolved=unresolved,
        topic=draw(rng, chances.topics, n),
        severity=rng.binomial(4, np.where(unresolved, 0.5, 0.35)) + 1,
        resolution=np.where(unresolved, "none", settlement).astype(object),
        satisfied=satisfied,
        followed_up=~unresolved & (rng.random(n) < 0.35),
    )


def complaint_tables(problems: Problems, people: People) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the table of complaints, and the truth about all problems: complained of or not, settled or not."""
    told = problems.complained & (problems.opened < DAYS)
    ranks = np.lexsort((problems.opened, ~told))
    problems, told = problems.only(ranks), told[ranks]
    number = np.array([f"B{i:06d}" for i in range(1, len(told) + 1)], dtype=object)
    closed = (problems.closed < DAYS) & told
    complaints = pd.DataFrame(
        {
            "complaint_id": number,
            "customer_id": people.customer_id[problems.customer],
            "opened_at": moments(problems.opened),
            "closed_at": moments(np.where(closed, problems.closed, NEVER)),
            "topic": problems.topic,
            "severity": problems.severity,
            "resolution": text_where(closed, problems.resolution),
            "satisfied": true_where(closed, problems.satisfied),
            "followed_up": true_where(closed, problems.followed_up),
        }
    )
    truth = pd.DataFrame(
        {
            "complaint_id": text_where(told, number),
            "customer_id": people.customer_id[problems.customer],
            "ordered_at": moments(problems.ordered),
            "topic": problems.topic,
            "complained": told,
            "unresolved": np.where(told, problems.unresolved, True),
        }
    )
    return complaints[told].reset_index(drop=True), truth
