"""Orders: a Poisson process with each customer's own rate, seasons, stages and campaigns."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Self

import numpy as np

from crm_lib.demo.clock import DAYS, WEEKS, Bools, Floats, Ints
from crm_lib.demo.draws import Streams
from crm_lib.demo.people import People, hours

WEEKDAYS = (0.19, 0.14, 0.11, 0.12, 0.13, 0.14, 0.17)
"""Share of the orders on Saturday, Sunday, Monday … Friday: the company's weeks begin on Saturday."""


@dataclass(frozen=True, kw_only=True)
class Orders:
    """Orders of numbered customers at given days, in the order of time; one entry an order in both arrays."""

    customer: Ints
    day: Floats

    def __len__(self) -> int:
        return len(self.customer)

    def only(self, keep: Bools) -> Self:
        """Return the orders to keep."""
        return replace(self, customer=self.customer[keep], day=self.day[keep])

    def joined(self, customer: Ints, day: Floats) -> Self:
        """Return these orders and further ones, sorted by time."""
        customer, day = np.concatenate([self.customer, customer]), np.concatenate([self.day, day])
        ranks = np.lexsort((customer, day))
        return replace(self, customer=customer[ranks], day=day[ranks])

    def count(self, n: int, begin: float = 0.0, end: float = float(DAYS)) -> Ints:
        """Return how many orders each of `n` customers placed from `begin` to before `end`."""
        inside = (self.day >= begin) & (self.day < end)
        return np.bincount(self.customer[inside], minlength=n)

    def last(self, n: int, before: float) -> Floats:
        """Return the day of each customer's last order before a day; not-a-number for those without."""
        last = np.full(n, -np.inf)
        early = self.day < before
        np.maximum.at(last, self.customer[early], self.day[early])
        return np.where(np.isfinite(last), last, np.nan)


def make_orders(streams: Streams, people: People, factors: Floats) -> Orders:
    """Draw the orders there would be if no customer ever left.

    The first order makes a customer. Later ones come at ``rate * factor of the week``.

    Parameters
    ----------
    streams : Streams
        The random streams.
    people : People
        The customers.
    factors : ndarray of shape (n, WEEKS)
        Season, stage and campaigns, multiplied.

    Returns
    -------
    Orders
    """
    rng = streams("orders")
    counts = rng.poisson(people.rate[:, None] * factors).ravel()
    cell = np.repeat(np.arange(len(counts)), counts)
    customer, week = np.divmod(cell, WEEKS)
    day = 7.0 * week + rng.choice(7, len(cell), p=WEEKDAYS) + hours(rng, len(cell))
    later = (day > people.acquired[customer]) & (day < DAYS)
    first = Orders(customer=np.arange(len(people)), day=people.acquired)
    return first.joined(customer[later], day[later])
