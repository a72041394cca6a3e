"""What is in an order: its value, its lines, their products, discounts, costs and returns."""

from __future__ import annotations

import numpy as np
import pandas as pd

from crm_lib.demo.catalogue import MARGINS, PER_CATEGORY, TASTES
from crm_lib.demo.clock import DAYS, Floats, Ints
from crm_lib.demo.draws import Streams, draw, look_up, pick
from crm_lib.demo.lives import Lives
from crm_lib.demo.parameters import Parameters
from crm_lib.demo.people import Names, People
from crm_lib.demo.purchases import Orders

CHANNELS = {"web": 0.42, "app": 0.24, "shop": 0.29, "telephone": 0.05}
DISCOUNTS = {"0.10": 0.5, "0.20": 0.35, "0.30": 0.15}
MOST_LINES = 15


def order_margins(people: People, parameters: Parameters) -> Floats:
    """Return the expected margin of an order of each customer: value times the share that taste and discounts leave."""
    departments = np.repeat(list(MARGINS.values()), 3)
    by_taste = {taste: float(np.dot(shares, departments) / sum(shares)) for taste, shares in TASTES.items()}
    discounted = look_up(parameters.relationship.discounted, people.side)
    gross = 1 - discounted + discounted * sum(share / (1 - float(cut)) for cut, share in DISCOUNTS.items())
    return people.order_value * (1 - (1 - look_up(by_taste, people.profile)) * gross)


def make_lines(
    streams: Streams, people: People, orders: Orders, products: pd.DataFrame, parameters: Parameters
) -> pd.DataFrame:
    """Draw the order lines.

    The value of an order is gamma about the customer's own mean and is shared out over its lines; each line takes a
    product of the wanted category whose price is near the share, so that paid prices scatter a little about the
    list price, as offers and editions make them do.

    Parameters
    ----------
    streams : Streams
        The random streams.
    people : People
        The customers.
    orders : Orders
        All orders, in the order of time.
    products : DataFrame
        The catalogue.
    parameters : Parameters
        Shape of the values, share of discounted lines.

    Returns
    -------
    DataFrame
        Line by line: numbers of order and customer, `day`, the product, `quantity`, `revenue`, `cost`, `discount`,
        `channel`.
    """
    rng, p = streams("lines"), parameters.buying.p
    value = rng.gamma(p, people.order_value[orders.customer] / p)
    lines = np.minimum(1 + rng.poisson(np.clip(value / 17 - 0.6, 0, None)), MOST_LINES)
    order = np.repeat(np.arange(len(orders)), lines)
    customer, n = orders.customer[order], int(lines.sum())
    part = rng.gamma(4.0, 1.0, n)
    revenue = value[order] * part / np.bincount(order, weights=part)[order]
    # A line of less than a penny would be a gift.
    revenue = np.maximum(revenue.round(2), 0.01)
    discounted = rng.random(n) < look_up(parameters.relationship.discounted, people.side)[customer]
    cut = np.where(discounted, draw(rng, DISCOUNTS, n).astype(float), 0.0)
    gross = revenue / (1 - cut)
    quantity = np.maximum(np.round(gross / rng.lognormal(np.log(16.0), 0.35, n)), 1)
    category = pick(rng, np.array(list(TASTES.values()))[_taste_number(people)[customer]])
    product = _nearest(rng, products, category, gross / quantity)
    margin = look_up(MARGINS, products["department"])[product]
    return pd.DataFrame(
        {
            "order": order,
            "customer": customer,
            "day": orders.day[order],
            "product_id": products["product_id"].to_numpy()[product],
            "product": products["product"].to_numpy()[product],
            "category": products["category"].to_numpy()[product],
            "department": products["department"].to_numpy()[product],
            "quantity": quantity,
            "revenue": revenue,
            "cost": (gross * (1 - margin)).round(2),
            "discount": (gross - revenue).round(2),
            "channel": _channels(streams("order channels"), people, orders)[order],
        }
    )


def make_returns(streams: Streams, lines: pd.DataFrame, lives: Lives, share: float) -> pd.DataFrame:
    """Draw the lines that are returned: the same lines with negative amounts, some days later, `order` being theirs."""
    rng = streams("returns")
    back = rng.random(len(lines)) < share
    later = 2.0 + rng.integers(0, 22, len(lines)) + (rng.random(len(lines)) - 0.5) * 0.3
    returned = lines[back].assign(day=lambda frame: frame["day"] + later[back], discount=0.0)
    returned[["quantity", "revenue", "cost"]] *= -1
    customer, day = returned["customer"].to_numpy(), returned["day"].to_numpy()
    return returned[(day < DAYS) & lives.alive(customer, day)]


def _taste_number(people: People) -> Ints:
    return look_up({taste: float(i) for i, taste in enumerate(TASTES)}, people.profile).astype(np.int64)


def _nearest(rng: np.random.Generator, products: pd.DataFrame, category: Ints, price: Floats) -> Ints:
    prices = products["price"].to_numpy().reshape(-1, PER_CATEGORY)
    place = np.empty(len(price), dtype=np.int64)
    for number, sorted_prices in enumerate(prices):
        inside = category == number
        place[inside] = np.searchsorted(sorted_prices, price[inside])
    # A neighbour on the shelf does as well; some titles are asked for more often than others.
    place = place + rng.binomial(6, 0.5, len(price)) - 3
    place = np.where(rng.random(len(price)) < 0.35, place // 5 * 5, place)
    return np.asarray(category * PER_CATEGORY + place.clip(0, PER_CATEGORY - 1))


def _channels(rng: np.random.Generator, people: People, orders: Orders) -> Names:
    main = draw(rng, CHANNELS, len(people))
    # Relational customers use the other channels more often.
    strays = rng.random(len(orders)) < np.where(people.relational, 0.35, 0.12)[orders.customer]
    return np.where(strays, draw(rng, CHANNELS, len(orders)), main[orders.customer]).astype(object)
