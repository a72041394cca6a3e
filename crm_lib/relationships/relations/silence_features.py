"""What was known of each customer on a day that bears on falling silent afterwards."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd

from crm_lib import language
from crm_lib.company import Company
from crm_lib.customers import is_purchase, purchase_days
from crm_lib.customers.known import (
    SETTLED,
    is_review,
    known_complaints,
    known_rows,
    last_day,
    members,
    own_brand_answers,
)
from crm_lib.errors import TooLittleData

FEATURE_LABELS = {
    "silence": "days since the last purchase (log)",
    "silence_squared": "the same, squared",
    "against_rhythm": "silence against the customer's own rhythm (log)",
    "against_rhythm_squared": "the same, squared",
    "purchases": "purchase days (log)",
    "recent_purchases": "purchase days of the last year (log)",
    "tenure": "days since the first purchase (log)",
    "discounted": "share of lines on discount",
    "reviewer": "ever wrote a review",
    "member": "member now",
    "unresolved": "complaint of the last half-year not settled, or not to the customer's satisfaction",
    "satisfaction": "last answer on satisfaction",
}
"""The features, as a reader calls them."""
_COMPLAINT_DAYS = 182
_ANSWER_DAYS = 365
_YEAR = 365


def silence_features(
    company: Company, *, ending: dt.date | None = None, active_days: int = 365, days: pd.DataFrame | None = None
) -> pd.DataFrame:
    """Return what was known on a day of the customers who had bought in the year before.

    Parameters
    ----------
    company : Company
        The company.
    ending : date, optional
        The day, by default the company's ``as_of``. What happened, was recorded or became known later is not used.
    active_days : int
        Customers whose last purchase is less than so many days ago are in the table: those who bought in so many days
        up to the day, that day included.
    days : DataFrame, optional
        As :func:`crm_lib.customers.purchase_days` gives it for the company, so that several dates need only one look at
        the transactions.

    Returns
    -------
    DataFrame
        Indexed by ``customer_id``; columns of :data:`FEATURE_LABELS`, those whose tables or columns the company does
        not have left out. Missing where nothing is known of a customer.

    Raises
    ------
    TooLittleData
        If no customer bought in the days before.
    ValueError
        If `ending` lies after ``as_of``.

    Notes
    -----
    A customer's rhythm is the mean gap between purchase days, drawn towards that of all customers by the weight of one
    gap, so that customers with one purchase have one too.

    Attributes of customers, such as the local competition, are no features: they have no date, and what they were on an
    earlier day is not known. ``unresolved`` is left out where the company does not record when complaints are closed.
    """
    last = last_day(company, ending)
    end = pd.Timestamp(last)
    days = purchase_days(company) if days is None else days
    # A day counts from when its first line was in the books.
    days = days[days["recorded" if "recorded" in days else "day"] <= end].drop_duplicates(["customer_id", "day"])
    grouped = days.groupby("customer_id")["day"].agg(["min", "max", "size"])
    since, recency = (end - grouped["max"]).dt.days, (grouped["max"] - grouped["min"]).dt.days
    repeats = grouped["size"] - 1
    longest = float((end - grouped["min"]).dt.days.max())
    typical = recency.sum() / repeats.sum() if repeats.sum() else max(longest, 1.0)
    rhythm = (recency + typical) / (repeats + 1)
    recent = days[days["day"] > end - pd.Timedelta(days=_YEAR)].groupby("customer_id").size()
    silence, against = np.log1p(since), np.log((since + 1) / (rhythm + 1))
    frame = pd.DataFrame(
        {
            "silence": silence,
            "silence_squared": silence**2,
            "against_rhythm": against,
            "against_rhythm_squared": against**2,
            "purchases": np.log(grouped["size"]),
            "recent_purchases": np.log1p(recent.reindex(grouped.index).fillna(0)),
            "tenure": np.log1p((end - grouped["min"]).dt.days),
        }
    )
    frame = frame[since < active_days]
    if frame.empty:
        message = language.text("nobody bought in the {days} days up to {day}")
        raise TooLittleData(message.format(days=language.number(active_days, 0), day=language.date(last)))
    if company.has("transactions", "discount"):
        frame["discounted"] = _discounted(company, last).reindex(frame.index)
    if company.has("interactions", "kind", "customer_id"):
        frame["reviewer"] = frame.index.isin(_reviewers(company, last)).astype(float)
    if company.has("memberships"):
        held = members(company, ending=last).execute()
        frame["member"] = frame.index.isin(held["customer_id"]).astype(float)
    if company.has("complaints", "closed_at"):
        frame["unresolved"] = frame.index.isin(_unresolved(company, last)).astype(float)
    if company.has("surveys", "customer_id", "satisfaction"):
        frame["satisfaction"] = _satisfaction(company, last).reindex(frame.index)
    numbers: pd.DataFrame = frame.astype(float)
    return numbers


def _discounted(company: Company, last: dt.date) -> pd.Series[float]:
    """Return the share of lines on discount, drawn towards a half: of one line it would be 0 or 1."""
    lines = known_rows(company, "transactions", ending=last)
    bought = lines.filter(is_purchase(lines))
    counts = bought.group_by("customer_id").agg(
        discounted=(bought.discount.fill_null(0) > 0).sum(), lines=bought.count()
    )
    frame: pd.DataFrame = counts.execute().set_index("customer_id")
    return (frame["discounted"] + 1) / (frame["lines"] + 2)


def _reviewers(company: Company, last: dt.date) -> pd.Series[str]:
    contacts = known_rows(company, "interactions", ending=last)
    frame: pd.DataFrame = contacts.filter(is_review(contacts)).select("customer_id").distinct().execute()
    return frame["customer_id"]


def _unresolved(company: Company, last: dt.date) -> pd.Series[str]:
    """Return who had a complaint that was not settled on the day, or settled but not to the customer's satisfaction."""
    complaints = known_complaints(company, days=_COMPLAINT_DAYS, ending=last)
    bad = complaints.state != SETTLED
    if company.has("complaints", "satisfied"):
        bad |= (~complaints.satisfied).fill_null(False)
    frame: pd.DataFrame = complaints.filter(bad).select("customer_id").distinct().execute()
    return frame["customer_id"]


def _satisfaction(company: Company, last: dt.date) -> pd.Series[float]:
    """Return each customer's last answer about the own brand."""
    answers: pd.DataFrame = own_brand_answers(company, days=_ANSWER_DAYS, ending=last).execute()
    keys = [name for name in ("responded_at", "response_id") if name in answers]
    return answers.sort_values(keys).groupby("customer_id")["satisfaction"].last()
