"""What is bought: the range, who orders when, and what is in an order; the order lines with their dirt."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Self

import numpy as np
import pandas as pd

from crm_lib import schema
from crm_lib.demo.clock import DAYS, WEEKS, Bools, Floats, Ints, Names, moments
from crm_lib.demo.draws import Streams, draw, frame, hours, look_up, names, numbered, pick
from crm_lib.demo.lives import Lives
from crm_lib.demo.people import People

CATEGORIES: Mapping[str, tuple[str, str]] = {
    "Crime and thrillers": ("Fiction", "{}"),
    "Literary fiction": ("Fiction", "{}: A Novel"),
    "Science fiction and fantasy": ("Fiction", "Chronicles of {}"),
    "History and politics": ("Non-fiction", "{}: A History"),
    "Cookery and home": ("Non-fiction", "The {} Kitchen"),
    "Travel and nature": ("Non-fiction", "Walks through {}"),
    "Picture books": ("Children and learning", "Goodnight, {}"),
    "Young readers": ("Children and learning", "The Secret of {}"),
    "School and study": ("Children and learning", "Revision Guide: {}"),
    "Stationery": ("Gifts and stationery", "Notebook “{}”"),
    "Gifts and games": ("Gifts and stationery", "Puzzle “{}”"),
    "Cards and calendars": ("Gifts and stationery", "Calendar “{}”"),
}
"""Department of each category, and how its titles are formed."""
MARGINS: Mapping[str, float] = {
    "Fiction": 0.41, "Non-fiction": 0.42, "Children and learning": 0.38, "Gifts and stationery": 0.54,
}  # fmt: skip
"""Margin of each department as a share of the price before discount."""
TASTES: Mapping[str, tuple[float, ...]] = {
    "novels": (26, 26, 18, 8, 4, 4, 2, 2, 1, 4, 3, 2),
    "family": (6, 6, 5, 3, 10, 4, 22, 20, 10, 5, 7, 2),
    "study": (6, 9, 10, 16, 2, 4, 1, 3, 32, 13, 2, 2),
    "home and travel": (10, 8, 3, 16, 26, 24, 2, 2, 1, 3, 2, 3),
    "gifts": (8, 6, 4, 5, 9, 5, 8, 4, 1, 14, 20, 16),
}
"""How often a customer of each main interest buys from each category, of a hundred."""
PER_CATEGORY = 50
"""Titles in each category."""
FORMULA = "=cmd|' /C calc'!A1"
"""A title that a careless spreadsheet would run."""
_ADJECTIVES = "Quiet Silver Hidden Northern Borrowed Winter Paper Distant Golden Last Salt Crooked Amber Silent Fifth"
_NOUNS = "Harbour Garden Lantern Orchard River Island Letter Kingdom Staircase Meadow Tide Window Forest Road Sky"
WEEKDAYS = (0.19, 0.14, 0.11, 0.12, 0.13, 0.14, 0.17)
"""Share of the orders on Saturday, Sunday, Monday … Friday: the company's weeks begin on Saturday."""
CHANNELS = {"web": 0.42, "app": 0.24, "shop": 0.29, "telephone": 0.05}
DISCOUNTS = {"0.10": 0.5, "0.20": 0.35, "0.30": 0.15}
MOST_LINES = 15


def make_catalogue(streams: Streams) -> pd.DataFrame:
    """Return the products, sorted by category and price: `product_id`, `product`, `category`, `department`, `price`."""
    rng, rows = streams("catalogue"), []
    pairs = [f"{adjective} {noun}" for adjective in _ADJECTIVES.split() for noun in _NOUNS.split()]
    for category, (department, pattern) in CATEGORIES.items():
        prices = np.sort(np.exp(rng.uniform(np.log(3.5), np.log(48.0), PER_CATEGORY)).round(1) - 0.01)
        chosen = rng.choice(len(pairs), PER_CATEGORY, replace=False)
        titles = [pattern.format(pairs[pair]) for pair in chosen]
        rows += [(title, category, department, price) for title, price in zip(titles, prices, strict=True)]
    products = pd.DataFrame(rows, columns=["product", "category", "department", "price"])
    products.insert(0, "product_id", [f"P{i + 1:04d}" for i in rng.permutation(len(products))])
    products.loc[list(CATEGORIES).index("Stationery") * PER_CATEGORY + PER_CATEGORY // 2, "product"] = FORMULA
    return products


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

    def within(self, begin: float, end: float) -> Self:
        """Return the orders from the day `begin` to before `end`."""
        return self.only((self.day >= begin) & (self.day < end))


def make_orders(people: People, factors: Floats) -> Orders:
    """Draw the orders if no customer ever left: the first, and then at the rate times the factor of each week."""
    rng = people.streams("orders")
    customer, week = poisson_weeks(rng, people.rate[:, None] * factors)
    day = 7.0 * week + rng.choice(7, len(week), p=WEEKDAYS) + hours(rng, len(week))
    later = (day > people.acquired[customer]) & (day < DAYS)
    return Orders(customer=np.arange(len(people)), day=people.acquired).joined(customer[later], day[later])


def poisson_weeks(rng: np.random.Generator, rates: Floats) -> tuple[Ints, Ints]:
    """Draw how many events each customer has each week, given their rates; return customer and week of each event."""
    counts = rng.poisson(rates).ravel()
    customer, week = np.divmod(np.repeat(np.arange(len(counts)), counts), WEEKS)
    return customer, week


def order_margins(people: People) -> Floats:
    """Return the expected margin of an order of each customer: value times the share that taste and discounts leave."""
    departments = np.repeat(list(MARGINS.values()), 3)
    by_taste = {taste: float(np.dot(shares, departments) / sum(shares)) for taste, shares in TASTES.items()}
    discounted = look_up(people.parameters.relationship.discounted, people.side)
    gross = 1 - discounted + discounted * sum(share / (1 - float(cut)) for cut, share in DISCOUNTS.items())
    return people.order_value * (1 - (1 - look_up(by_taste, people.profile)) * gross)


def make_lines(people: People, orders: Orders, products: pd.DataFrame) -> pd.DataFrame:
    """Draw order lines: a gamma value, shared over lines, whose products have a list price near the share."""
    rng, p = people.streams("lines"), people.parameters.buying.p
    value = rng.gamma(p, people.order_value[orders.customer] / p)
    lines = np.minimum(1 + rng.poisson(np.clip(value / 17 - 0.6, 0, None)), MOST_LINES)
    order = np.repeat(np.arange(len(orders)), lines)
    customer, n = orders.customer[order], int(lines.sum())
    part = rng.gamma(4.0, 1.0, n)
    revenue = value[order] * part / np.bincount(order, weights=part)[order]
    # A line of less than a penny would be a gift.
    revenue = np.maximum(revenue.round(2), 0.01)
    discounted = rng.random(n) < look_up(people.parameters.relationship.discounted, people.side)[customer]
    cut = np.where(discounted, draw(rng, DISCOUNTS, n).astype(float), 0.0)
    gross = revenue / (1 - cut)
    quantity = np.maximum(np.round(gross / rng.lognormal(np.log(16.0), 0.35, n)), 1)
    taste = look_up({taste: float(i) for i, taste in enumerate(TASTES)}, people.profile).astype(np.int64)
    category = pick(rng, np.array(list(TASTES.values()))[taste[customer]])
    product = products.iloc[_nearest(rng, products, category, gross / quantity)].reset_index(drop=True)
    rng = people.streams("order channels")
    main = draw(rng, CHANNELS, len(people))
    # Relational customers use the other channels more often.
    strays = rng.random(len(orders)) < np.where(people.relational, 0.35, 0.12)[orders.customer]
    channel = names(np.where(strays, draw(rng, CHANNELS, len(orders)), main[orders.customer]))
    return frame(
        order=order,
        customer=customer,
        day=orders.day[order],
        **product[["product_id", "product", "category", "department"]],
        quantity=quantity,
        revenue=revenue,
        cost=(gross * (1 - look_up(MARGINS, product["department"]))).round(2),
        discount=(gross - revenue).round(2),
        channel=channel[order],
    )


def make_returns(people: People, lines: pd.DataFrame, lives: Lives) -> pd.DataFrame:
    """Draw the lines that are returned: the same lines with negative amounts, some days later, `order` being theirs."""
    rng = people.streams("returns")
    back = rng.random(len(lines)) < people.parameters.dirt.returned
    later = 2.0 + rng.integers(0, 22, len(lines)) + (rng.random(len(lines)) - 0.5) * 0.3
    returned = lines[back].assign(day=lambda line: line["day"] + later[back], discount=0.0)
    returned[["quantity", "revenue", "cost"]] *= -1
    customer, day = returned["customer"].to_numpy(), returned["day"].to_numpy()
    return returned[(day < DAYS) & lives.alive(customer, day)].sort_values("day", kind="stable")


def transaction_table(people: People, lines: pd.DataFrame, returns: pd.DataFrame, order_ids: Names) -> pd.DataFrame:
    """Put orders and returns together, untidy as real books: some lines entered late, some twice under one number."""
    rng, dirt = people.streams("dirt of transactions"), people.parameters.dirt
    lines = lines.assign(order_id=order_ids[lines["order"].to_numpy()])
    returns = returns.assign(order_id=numbered("R", len(returns)))
    both = pd.concat([lines, returns]).sort_values("day", kind="stable", ignore_index=True)
    n, day = len(both), both["day"].to_numpy()
    late = rng.random(n) < dirt.late
    table = both.assign(
        line_id=numbered("L", n, digits=7),
        customer_id=people.customer_id[both["customer"].to_numpy()],
        ordered_at=moments(day),
        recorded_at=moments(day + np.where(late, rng.uniform(1, 10, n), 0.0)),
        category=both["category"].mask(rng.random(n) < dirt.category_missing),
        quantity=both["quantity"].astype("int64"),
    )[[name for name in schema.TRANSACTIONS.column_names if not name.startswith("margin")]]
    return table.loc[np.repeat(np.arange(n), np.where(rng.random(n) < dirt.duplicates, 2, 1))].reset_index(drop=True)


def _nearest(rng: np.random.Generator, products: pd.DataFrame, category: Ints, price: Floats) -> Ints:
    place = np.empty(len(price), dtype=np.int64)
    for number, prices in enumerate(products["price"].to_numpy().reshape(-1, PER_CATEGORY)):
        inside = category == number
        place[inside] = np.searchsorted(prices, price[inside])
    # A neighbour on the shelf does as well; some titles are asked for more often than others.
    place = place + rng.binomial(6, 0.5, len(price)) - 3
    place = np.where(rng.random(len(price)) < 0.35, place // 5 * 5, place)
    return np.asarray(category * PER_CATEGORY + place.clip(0, PER_CATEGORY - 1))
