"""What else is known of each customer: attributes, tastes, channels, complaints, satisfaction, contacts."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Any

import ibis
import pandas as pd

from crm_lib import language
from crm_lib.company import Company
from crm_lib.customers import is_purchase
from crm_lib.customers.known import known_rows, last_day, members, own_brand_answers
from crm_lib.customers.window import window_lines
from crm_lib.errors import MissingData, TooLittleData

_NOT_ATTRIBUTES = ("customer_id", "name", "referred_by", "acquired_at", "birth_year", "acquisition_cost")
_MOST_CATEGORIES = 30
"""A text with more different values than this is a name or an address, not a property that customers share."""


def variables_of(
    company: Company, *, days: int = 365, ending: dt.date | None = None, categories: int = 8
) -> pd.DataFrame:
    """Return what is known of each customer beside recency, frequency and value.

    Parameters
    ----------
    company : Company
        The company; what it does not have is left out.
    days : int
        Days up to the last one over which purchases, contacts, complaints and answers are counted.
    ending : date, optional
        Last day that counts, by default the company's ``as_of``.
    categories : int
        Number of product categories (or departments) of which the share is told: those with most revenue.

    Returns
    -------
    DataFrame
        Indexed by ``customer_id``, customers with a purchase in the window: attributes of the table ``customers``
        (texts with few different values, and true-or-false values), ``age`` (years), ``years_known`` and
        ``recommended`` (whether another customer recommended the company); ``discount_share``; ``returned`` (whether
        anything was); ``buys_in: …`` and ``channel: …`` (share of what was spent); ``complaints`` and ``contacts``
        (number), ``satisfaction`` (mean of the answers on the own brand, 1 to 10) and ``member`` (whether a contract
        runs on the last day, which the last day of a contract is too).

    Raises
    ------
    MissingData
        If the company knows none of these.
    TooLittleData
        If nobody bought in the window.
    ValueError
        If the window is not possible.

    Notes
    -----
    Attributes of customers have no date: they are those of the company's ``as_of``.
    """
    last = last_day(company, ending)
    lines = window_lines(company, days=days, ending=last)
    bought = lines.filter(is_purchase(lines))
    buyers = _by_customer(bought.group_by("customer_id").agg(spent=bought.revenue.sum()))
    if buyers.empty:
        message = language.text("nobody bought in the {days} days up to {day}: choose a longer window")
        raise TooLittleData(message.format(days=days, day=language.date(last)))
    parts = [
        *_attributes(company, last),
        *_purchases(company, lines, bought),
        *_shares(company, bought, buyers["spent"], categories),
        *_events(company, buyers.index, days, last),
    ]
    if not parts:
        raise MissingData("customers")
    return pd.concat([part.reindex(buyers.index) for part in parts], axis=1)


def _by_customer(table: ibis.Table) -> pd.DataFrame:
    frame: pd.DataFrame = table.order_by("customer_id").execute()
    return frame.set_index("customer_id").sort_index()


def _attributes(company: Company, last: dt.date) -> Iterator[pd.DataFrame | pd.Series[Any]]:
    if not company.has("customers"):
        return
    frame = company.frame("customers").drop_duplicates("customer_id").set_index("customer_id").sort_index()
    for name in (column for column in frame.columns if column not in _NOT_ATTRIBUTES):
        column = frame[name]
        if pd.api.types.is_bool_dtype(column) or 1 < column.nunique() <= _MOST_CATEGORIES:
            number = pd.api.types.is_numeric_dtype(column) and not pd.api.types.is_bool_dtype(column)
            yield column if number else column.astype(object)
    if company.has("customers", "birth_year"):
        yield (last.year - frame["birth_year"]).astype("float64").rename("age")
    if company.has("customers", "acquired_at"):
        known = (pd.Timestamp(last) - pd.to_datetime(frame["acquired_at"])).dt.days / 365.25
        yield known.where(known >= 0).rename("years_known")
    if company.has("customers", "referred_by"):
        yield frame["referred_by"].notna().astype(object).rename("recommended")


def _purchases(company: Company, lines: ibis.Table, bought: ibis.Table) -> Iterator[pd.Series[Any]]:
    if company.has("transactions", "discount"):
        given = bought.group_by("customer_id").agg(off=bought.discount.sum(), paid=bought.revenue.sum())
        sums = _by_customer(given).astype("float64").fillna(0.0)
        full = sums["off"] + sums["paid"]
        yield (sums["off"] / full.where(full > 0)).rename("discount_share")
    back = _by_customer(lines.group_by("customer_id").agg(back=(~is_purchase(lines)).any()))["back"]
    if back.any():
        yield back.astype(object).rename("returned")


def _shares(company: Company, bought: ibis.Table, spent: pd.Series[float], most: int) -> Iterator[pd.DataFrame]:
    what = "category" if company.has("transactions", "category") else "department"
    if company.has("transactions", "category", "department"):
        many = bought.category.nunique().execute() > _MOST_CATEGORIES
        what = "department" if many else "category"
    for column, words in ((what, "buys_in: {name}"), ("channel", "channel: {name}")):
        if not company.has("transactions", column):
            continue
        sums = bought.group_by(["customer_id", column]).agg(amount=bought.revenue.sum()).execute()
        top = sums.groupby(column)["amount"].sum().sort_values(ascending=False, kind="stable").index[:most]
        if len(top) < 2:
            continue
        wide = sums[sums[column].isin(top)].pivot_table(index="customer_id", columns=column, values="amount", sort=True)
        wide = wide.reindex(index=spent.index, columns=top).fillna(0.0).astype("float64")
        wide.columns = pd.Index([words.format(name=name) for name in top])
        yield wide.div(spent.where(spent > 0), axis=0)


def _events(company: Company, buyers: pd.Index[Any], days: int, last: dt.date) -> Iterator[pd.Series[Any]]:
    for table, moment, name in (
        ("complaints", "opened_at", "complaints"), ("interactions", "occurred_at", "contacts"),
    ):  # fmt: skip
        if company.has(table):
            rows = known_rows(company, table, ending=last)
            rows = rows.filter(rows[moment].cast("date") > ibis.literal(last - dt.timedelta(days=days)))
            counts = _by_customer(rows.group_by("customer_id").agg(n=rows.count()))
            yield counts["n"].reindex(buyers).fillna(0).astype("float64").rename(name)
    if company.has("surveys", "customer_id", "satisfaction"):
        answers = own_brand_answers(company, days=days, ending=last)
        means = _by_customer(answers.group_by("customer_id").agg(satisfaction=answers.satisfaction.mean()))
        yield means["satisfaction"].astype("float64")
    if company.has("memberships"):
        held = buyers.isin(members(company, ending=last).execute()["customer_id"])
        yield pd.Series(held, index=buyers, name="member").astype(object)
