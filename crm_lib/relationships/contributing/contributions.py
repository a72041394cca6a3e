"""Customers who contribute: reviews, recommendations, ideas, as the company's tables record them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence

import pandas as pd

from crm_lib.company import Company
from crm_lib.customers.known import REVIEWS, known_rows, last_day, of_kind
from crm_lib.errors import MissingData
from crm_lib.relationships.contributing.referral_tree import ReferralTree, referral_tree

ROLES: Mapping[str, str] = {"reviews": "reviewing", "referrals": "recommending", "ideas": "developing"}
"""Column of each kind of contribution, and what a reader calls who makes it."""
IDEAS = ("idea", "suggestion", "product test", "co-development", "beta test", "workshop")


def contributions(
    company: Company,
    *,
    review_kinds: Sequence[str] = REVIEWS,
    idea_kinds: Sequence[str] = IDEAS,
    until: dt.date | None = None,
) -> pd.DataFrame:
    """Return how often each contributing customer reviewed, brought customers, or took part in development.

    Parameters
    ----------
    company : Company
        The company.
    review_kinds, idea_kinds : sequence of str
        Values of ``interactions.kind`` that are reviews, and contributions to development.
    until : date, optional
        Last day that counts, by default the company's ``as_of``.

    Returns
    -------
    DataFrame
        Indexed by ``customer_id``, in its order; only customers who contributed. ``reviews`` and ``ideas`` where the
        company records the kind of contacts, ``referrals`` (customers brought) where it records who brought whom.

    Raises
    ------
    MissingData
        If the company records neither.
    ValueError
        If `until` lies after the company's ``as_of``.
    """
    last = last_day(company, until)
    counts: dict[str, pd.Series[int]] = {}
    if company.has("interactions", "kind"):
        contacts = known_rows(company, "interactions", ending=last)
        for name, kinds in (("reviews", review_kinds), ("ideas", idea_kinds)):
            told = contacts.filter(of_kind(contacts, kinds))
            each = told.group_by("customer_id").agg(n=told.count()).execute()
            counts[name] = each.set_index("customer_id")["n"]
    # Without the days on which customers were won, an earlier day's referrals cannot be told from later ones.
    datable = last == company.as_of or company.has("customers", "acquired_at")
    if company.has("customers", "referred_by") and (datable or not counts):
        won = referrals(company, until=last).frame["won"]
        counts["referrals"] = won[won > 0]
    if not counts:
        raise MissingData("customers", ("referred_by",))
    frame = pd.DataFrame(counts).fillna(0).astype("int64")
    return frame.rename_axis("customer_id").sort_index()


def referrals(company: Company, *, until: dt.date | None = None) -> ReferralTree:
    """Return who brought whom among the customers won up to a day.

    Parameters
    ----------
    company : Company
        The company.
    until : date, optional
        Last day that counts, by default the company's ``as_of``; it takes the days on which customers were won.

    Returns
    -------
    ReferralTree
        The tree.

    Raises
    ------
    MissingData
        If the company does not record who brought whom.
    """
    dated = company.has("customers", "acquired_at")
    if until is not None and until < company.as_of and not dated:
        raise MissingData("customers", ("acquired_at",))
    columns = ["customer_id", "referred_by", *(["acquired_at"] if dated else [])]
    frame = company.frame("customers", *columns).drop_duplicates("customer_id").set_index("customer_id").sort_index()
    if until is not None and dated:
        # A customer won on an unknown day may have been won later.
        frame = frame[pd.to_datetime(frame["acquired_at"]) <= pd.Timestamp(until)] if until < company.as_of else frame
    return referral_tree(frame["referred_by"], frame["acquired_at"] if dated else None)
