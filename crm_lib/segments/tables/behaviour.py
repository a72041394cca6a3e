"""How customers behave towards the company: what tells those who look for a price from those who keep a relation."""

from __future__ import annotations

import datetime as dt
from typing import Any

import ibis
import ibis.expr.types as ir
import numpy as np
import pandas as pd

from crm_lib.company import Company
from crm_lib.customers import is_purchase
from crm_lib.customers.known import is_review, known_contracts, known_rows, last_day

_FEWEST_GAPS = 2
"""Gaps between purchases below which nothing can be said of their regularity."""
_COUNTS = ("orders", "purchase_days", "lines", "discounted_lines", "categories", "other_channel", "reviews", "contacts")


def customer_behaviour(company: Company, *, ending: dt.date | None = None) -> pd.DataFrame:
    """Return what each customer did so far, as counts and the occasions on which it could have happened.

    Only what the company knows becomes a column; nothing is filled in. Returns are left out: they are no choice of
    what to buy.

    Parameters
    ----------
    company : Company
        The company.
    ending : date, optional
        Last day that counts, by default the company's ``as_of``. Lines recorded later are left out.

    Returns
    -------
    DataFrame
        Indexed by ``customer_id``, in its order, one row per customer with a purchase:

        - ``orders``, ``purchase_days``: how many different ones;
        - ``first_purchase``, ``last_purchase``: days; ``tenure`` and ``silence``: days from them to the end;
        - ``gap_variation``: standard deviation of the gaps between purchase days over their mean, missing with fewer
          than two gaps (1 for purchases at random, 0 for a clockwork);
        - ``lines`` and, of them, ``discounted_lines`` (needs ``discount``; a line without one had none);
        - ``categories``: how many different ones (needs ``category``);
        - ``other_channel``: orders outside the customer's most used channel (needs ``channel``);
        - ``reviews``: orders (or contacts, where the order is not told) that the customer reviewed, and ``contacts``:
          contacts of all other kinds (need ``interactions`` with ``kind``);
        - ``ever_member``: whether the customer ever began a membership (needs ``memberships``).

    Raises
    ------
    ValueError
        If `ending` lies after ``as_of``.
    """
    last = last_day(company, ending)
    lines = known_rows(company, "transactions", ending=last)
    bought = lines.filter(is_purchase(lines)).mutate(day=lines.ordered_at.date())
    measures: dict[str, Any] = {
        "orders": bought.order_id.nunique(),
        "purchase_days": bought.day.nunique(),
        "first_purchase": bought.day.min(),
        "last_purchase": bought.day.max(),
        "lines": bought.count(),
    }
    if company.has("transactions", "discount"):
        measures["discounted_lines"] = (bought.discount.fill_null(0) > 0).sum()
    if company.has("transactions", "category"):
        measures["categories"] = bought.category.nunique()
    frame = _by_customer(bought.group_by("customer_id").agg(**measures))
    for name in ("first_purchase", "last_purchase"):
        frame[name] = pd.to_datetime(frame[name]).astype("datetime64[s]")
    frame["tenure"] = (pd.Timestamp(last) - frame["first_purchase"]).dt.days
    frame["silence"] = (pd.Timestamp(last) - frame["last_purchase"]).dt.days
    frame["gap_variation"] = _gap_variation(bought).reindex(frame.index)
    if company.has("transactions", "channel"):
        others = _outside_main_channel(bought).reindex(frame.index).fillna(0)
        # An order in two channels counts in both; the first order of all can be outside none.
        frame["other_channel"] = others.clip(upper=frame["orders"] - 1)
    if company.has("interactions", "kind", "customer_id"):
        contacts = _contacts(company, last).reindex(frame.index).fillna(0)
        frame[["reviews", "contacts"]] = contacts
        # Who reviews an order twice, or another's, has still no more chances to do so than orders.
        frame["reviews"] = frame["reviews"].clip(upper=frame["orders"])
    if company.has("memberships"):
        began = known_contracts(company, ending=last).select("customer_id").distinct().execute()
        frame["ever_member"] = frame.index.isin(began["customer_id"])
    return frame.astype({name: "int64" for name in _COUNTS if name in frame})


def _by_customer(table: ir.Table) -> pd.DataFrame:
    frame: pd.DataFrame = table.execute()
    return frame.set_index("customer_id").sort_index()


def _gap_variation(bought: ir.Table) -> pd.Series[float]:
    """Return the coefficient of variation of the gaps between purchase days, from their sums and squares."""
    days = bought.select("customer_id", "day").distinct()
    window = ibis.window(group_by=days.customer_id, order_by=days.day)
    spaced = days.mutate(gap=days.day.delta(days.day.lag().over(window), unit="day").cast("float64"))
    sums = spaced.group_by("customer_id").agg(
        gaps=spaced.gap.count(), total=spaced.gap.sum().fill_null(0.0), squares=(spaced.gap**2).sum().fill_null(0.0)
    )
    frame = _by_customer(sums)
    gaps = frame["gaps"].where(frame["gaps"] >= _FEWEST_GAPS)
    mean = frame["total"] / gaps
    variance = (frame["squares"] - gaps * mean**2).clip(lower=0) / (gaps - 1)
    return pd.Series(np.sqrt(variance) / mean, name="gap_variation")


def _outside_main_channel(bought: ir.Table) -> pd.Series[float]:
    """Return how many orders came through another channel than the customer's most used one."""
    known = bought.drop_null("channel")
    orders = known.group_by(["customer_id", "channel"]).agg(n=known.order_id.nunique())
    frame = _by_customer(orders.group_by("customer_id").agg(all=orders.n.sum(), most=orders.n.max()))
    return frame["all"] - frame["most"]


def _contacts(company: Company, last: dt.date) -> pd.DataFrame:
    """Return the numbers of reviews and of other contacts of each customer."""
    contacts = known_rows(company, "interactions", ending=last)
    review = is_review(contacts)
    reviews = review.sum()
    if company.has("interactions", "order_id"):
        told = contacts.order_id.count(where=review)
        reviews = contacts.order_id.nunique(where=review) + review.sum() - told
    return _by_customer(contacts.group_by("customer_id").agg(reviews=reviews, contacts=(~review).sum()))
