"""Contacts between the shop and its customers, before, during and after a purchase; reviews among them."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from crm_lib.demo.clock import DAYS, Floats, Ints, moments
from crm_lib.demo.complaints import Problems
from crm_lib.demo.draws import Streams, draw, logistic, look_up
from crm_lib.demo.gaps import text_where, true_where
from crm_lib.demo.lives import Lives
from crm_lib.demo.organisation import Staff
from crm_lib.demo.parameters import Parameters
from crm_lib.demo.people import Names, People
from crm_lib.demo.purchases import Orders
from crm_lib.demo.satisfaction import Opinions, quarter_of, region_number

KINDS: Mapping[str, tuple[str, float, float, float]] = {
    "question": ("before", 0.045, -2.0, 3.0),
    "advice": ("before", 0.050, -1.0, 1.5),
    "price enquiry": ("before", 0.020, -3.0, 3.0),
    "order help": ("during", 0.040, 0.0, 0.0),
    "delivery status": ("during", 0.050, 0.5, 3.0),
    "service question": ("after", 0.035, 3.0, 15.0),
    "thanks call": ("after", 0.015, 4.0, 6.0),
}
"""Phase of each kind of contact, number an order, and when it takes place: first day after the order, days of span."""
CHANNELS: Mapping[str, tuple[float, float, float]] = {
    "shop": (0.30, 7.0, 0.42),
    "telephone": (0.24, 8.0, 0.60),
    "e-mail": (0.22, 5.0, 0.45),
    "chat": (0.16, 6.0, 0.30),
    "web": (0.08, 1.0, 0.05),
}
"""Share of each channel, mean minutes, and cost a minute."""


def make_contacts(
    streams: Streams,
    people: People,
    orders: Orders,
    order_ids: Names,
    problems: Problems,
    opinions: Opinions,
    lives: Lives,
    staff: Staff,
    parameters: Parameters,
) -> pd.DataFrame:
    """Draw the table of interactions.

    Parameters
    ----------
    streams : Streams
        The random streams.
    people : People
        The customers.
    orders : Orders
        All orders, about which the contacts are.
    order_ids : ndarray of str
        Numbers of the orders.
    problems : Problems
        Complaints are contacts too.
    opinions : Opinions
        Better teams settle more matters in the first contact.
    lives : Lives
        There is no contact before a customer is won or after leaving.
    staff : Staff
        Who serves whom.
    parameters : Parameters
        How many orders are reviewed.

    Returns
    -------
    DataFrame
    """
    rng = streams("contacts")
    parts = [_about_orders(rng, orders, kind) for kind in KINDS]
    reviewed = (rng.random(len(orders)) < parameters.relationship.reviewed) & people.contributor[orders.customer]
    parts.append(
        _part(orders, np.flatnonzero(reviewed), 4.0 + rng.gamma(2.0, 4.0, int(reviewed.sum())), "review", "after")
    )
    parts.append(_complaints(orders, problems))
    contacts = pd.concat(parts, ignore_index=True)
    customer, day = contacts["customer"].to_numpy(), contacts["day"].to_numpy()
    # Contacts before the first order belong to nobody known yet: they are left out.
    inside = (day < DAYS) & lives.alive(customer, day)
    contacts = contacts[inside].sort_values("day", kind="stable", ignore_index=True)
    customer, day, n = contacts["customer"].to_numpy(), contacts["day"].to_numpy(), len(contacts)
    review = (contacts["kind"] == "review").to_numpy()
    channel = np.where(review, "web", draw(rng, {name: row[0] for name, row in CHANNELS.items()}, n)).astype(object)
    minutes = look_up({name: row[1] for name, row in CHANNELS.items()}, channel) * rng.gamma(2.0, 0.5, n)
    minutes *= np.where(contacts["kind"] == "complaint", 2.2, 1.0)
    cost = minutes * look_up({name: row[2] for name, row in CHANNELS.items()}, channel)
    team = opinions.team_quality[region_number(people)[customer], quarter_of(day)]
    resolved = rng.random(n) < logistic(1.4 + 1.2 * team - 1.6 * (contacts["kind"] == "complaint").to_numpy())
    return pd.DataFrame(
        {
            "interaction_id": [f"I{number:06d}" for number in range(1, n + 1)],
            "customer_id": people.customer_id[customer],
            "occurred_at": moments(day),
            "channel": channel,
            "phase": contacts["phase"],
            "kind": contacts["kind"],
            "minutes": minutes.round(1),
            "cost": np.where(review, 0.0, cost).round(2),
            "resolved": true_where(~review, resolved),
            "employee_id": text_where(~review, staff.serving(rng, region_number(people)[customer], day)),
            "order_id": order_ids[contacts["order"].to_numpy()],
        }
    )


def _part(orders: Orders, order: Ints, later: Floats, kind: str, phase: str) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "order": order,
            "customer": orders.customer[order],
            "day": orders.day[order] + later,
            "kind": kind,
            "phase": phase,
        }
    )


def _about_orders(rng: np.random.Generator, orders: Orders, kind: str) -> pd.DataFrame:
    phase, share, begin, span = KINDS[kind]
    order = np.flatnonzero(rng.random(len(orders)) < share)
    later = begin + span * rng.random(len(order))
    # Before means before: the earliest moments of the span still precede the order.
    return _part(orders, order, np.minimum(later, -0.02) if phase == "before" else later, kind, phase)


def _complaints(orders: Orders, problems: Problems) -> pd.DataFrame:
    told = problems.only(problems.complained)
    numbers = pd.Series(np.arange(len(orders)), index=pd.MultiIndex.from_arrays([orders.customer, orders.day]))
    order = numbers.reindex(pd.MultiIndex.from_arrays([told.customer, told.ordered])).to_numpy()
    return _part(orders, order.astype(np.int64), told.opened - told.ordered, "complaint", "after")
