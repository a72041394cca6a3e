"""The one table of facts: what was known of each customer on a day, from all tables of the company."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection
from typing import Any, Final

import ibis
import ibis.expr.types as ir
import pandas as pd

from crm_lib.company import Company, kept
from crm_lib.customers.known import (
    COMPLAINT_STATES,
    SETTLED,
    is_review,
    known_complaints,
    known_contracts,
    known_rows,
    own_brand_answers,
    window_bounds,
)
from crm_lib.customers.table import exact_sum, is_purchase
from crm_lib.errors import TooLittleData
from crm_lib.language import say

YEAR: Final = 365
RECENT_COMPLAINT: Final = 182
"""Days after which a complaint no longer makes a customer ``unresolved``."""
MOST_VALUES: Final = 30
"""A text with more different values than this is a name or an address, not a property that customers share."""
MOST_SHOWN: Final = 8
"""Categories, channels, kinds and topics that get a column of their own: the most frequent ones."""
WEEKDAYS: Final = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
DAY_PARTS: Final = ("midnight to 6 am", "6 am to noon", "noon to 6 pm", "6 pm to midnight")
ANSWERS: Final = (
    "expectation", "product_quality", "service_quality", "personnel_quality", "image", "value_for_money",
    "satisfaction", "loyalty", "recommendation", "price_burden", "time_burden", "energy_burden", "effort_burden",
)  # fmt: skip
PARTS: Final = {
    "orders": "transactions", "habits": "transactions", "contacts": "interactions", "complaints": "complaints",
    "answers": "surveys", "memberships": "memberships", "origin": "customers", "attributes": "customers",
}  # fmt: skip
"""What is told beside purchases, and the table that it comes from."""
_NOT_ATTRIBUTES = [
    "customer_id", "name", "referred_by", "acquired_at", "birth_year", "acquisition_cost", "acquisition_channel",
]  # fmt: skip


def facts(
    company: Company, ending: dt.date | None = None, days: int = YEAR, *, parts: Collection[str] = PARTS
) -> pd.DataFrame:
    """Return what was known of each customer on a day.

    Counts and sums stand beside the occasions on which they could have happened, so that shares can be pooled over
    groups: ``discounted_lines_ever`` beside ``lines_ever``. What the company does not know has no column; nothing is
    filled in. Purchases are what was bought, returns left out, unless said otherwise.

    Parameters
    ----------
    company : Company
        The company.
    ending : date, optional
        The day, by default the company's ``as_of``. Nothing that happened, was recorded or became known later is used.
    days : int
        Length of the window that ends on the day, that day included.
    parts : collection of str
        Which of :data:`PARTS` are told beside purchases: who needs few of them does not wait for the others.

    Returns
    -------
    DataFrame
        Indexed by ``customer_id``, in its order; one row per customer who bought until the day.

        *So far:* ``first_purchase``, ``last_purchase`` (days); ``tenure`` and ``recency`` (days from them to the
        day); ``purchase_days_ever``, ``orders_ever``, ``lines_ever``, ``spend_ever``; ``rhythm`` (mean days
        between purchase days, drawn towards that of all customers by the weight of one gap, so that everybody has one);
        ``discounted_lines_ever``; ``other_channel_ever`` (orders outside the most used channel).

        *In the window,* zero for those who bought nothing: ``purchase_days``, ``orders``, ``lines``, ``pieces``,
        ``spend`` (before returns), ``revenue`` (net of returns), ``margin`` (net, where known), ``returns`` (positive
        amount), ``discount`` (amount) and ``discounted_lines``. Further the families ``spend: Novels`` (by category, or
        by department where categories are many; the eight largest and ``spend: (others)``), ``orders via: web``,
        ``orders on: Monday`` and ``orders at: noon to 6 pm`` (where times are known).

        *Service:* ``contacts``, ``reviews`` and ``contacts: question`` … (by kind) in the window; ``reviews_ever``
        (orders reviewed, at most all); ``complaints``, ``complaints about: delivery`` … in the window, by their state
        on the day ``complaints: open``, ``complaints: closed unsettled``, ``complaints: settled``, and ``unresolved``
        (whether one of the last half-year is not settled, or not to the customer's satisfaction).

        *Further:* the last answer of the window on the own brand to each of :data:`ANSWERS`; ``member`` (on the day)
        and ``ever_member``; fixed when the customer was won, ``acquisition_channel``, ``age`` (years), ``referred``.

        *Attributes without a date:* ``region``, ``customer_group``, ``local_competition``, ``contact_allowed`` and the
        company's own ones. They are those of ``as_of``, so earlier days leave them out; ``attrs["undated"]`` names
        them, ``attrs["ending"]`` and ``attrs["days"]`` tell what was asked for.

    Raises
    ------
    TooLittleData
        If nobody bought until the day.
    ValueError
        If `ending` lies after ``as_of``, or `days` is not positive.
    """
    _, last = window_bounds(company, days=days, ending=ending)
    frame = _purchases(company, last, days)
    if frame.empty:
        raise TooLittleData(say("nobody bought until {day}", day=last))
    known = [name for name, table in PARTS.items() if name in parts and company.has(table, "customer_id")]
    told = {name: _part(company, name, last, days) for name in known}
    undated = told.pop("attributes", frame[[]])
    whole = pd.concat([frame, *told.values()], axis=1)
    # An own column of the company that is called like a fact does not take its place.
    own = [name for name in undated if name not in whole and last == company.as_of]
    whole = pd.concat([whole, undated[own]], axis=1)
    whole.attrs = {"ending": last, "days": days, "undated": tuple(own)}
    return whole


@kept
def _part(company: Company, name: str, last: dt.date, days: int) -> pd.DataFrame:
    makers = (_orders, _habits, _contacts, _complaints, _answers, _memberships, _origin, _attributes)
    make = dict(zip(PARTS, makers, strict=True))[name]
    return make(company, _purchases(company, last, days), last, days)


def _lines(company: Company, last: dt.date, days: int) -> ir.Table:
    """Return the lines known on the day."""
    lines = known_rows(company, "transactions", ending=last)
    day = lines.ordered_at.date()
    optional = ("margin", "quantity", "discount", "category", "department", "channel")
    columns = [name for name in optional if company.has("transactions", name)]
    inside = day > ibis.literal(last - dt.timedelta(days=days))
    told = {"day": day, "inside": inside, "bought": is_purchase(lines)}
    return lines.select("customer_id", "order_id", "ordered_at", "revenue", *columns, **told)


@kept
def _purchases(company: Company, last: dt.date, days: int) -> pd.DataFrame:
    """Return sums over each customer's lines, so far and in the window, of those who bought."""
    lines = _lines(company, last, days)
    now, bought = lines.bought & lines.inside, lines.bought
    measures: dict[str, Any] = {
        "first_purchase": lines.day.min(where=bought),
        "last_purchase": lines.day.max(where=bought),
        "purchase_days_ever": lines.day.nunique(where=bought),
        "lines_ever": bought.sum(),
        "spend_ever": exact_sum(lines.revenue, bought),
        "purchase_days": lines.day.nunique(where=now),
        "lines": now.sum(),
        "spend": exact_sum(lines.revenue, now),
        "revenue": exact_sum(lines.revenue, lines.inside),
        "returns": -exact_sum(lines.revenue, lines.inside & ~bought),
    }
    if "margin" in lines.columns:
        measures["margin"] = exact_sum(lines.margin, lines.inside)
    if "quantity" in lines.columns:
        measures["pieces"] = exact_sum(lines.quantity.fill_null(1.0), now)
    if "discount" in lines.columns:
        off = lines.discount.fill_null(0.0)
        measures["discount"] = exact_sum(off, now)
        measures["discounted_lines"] = (now & (off > 0)).sum()
        measures["discounted_lines_ever"] = (bought & (off > 0)).sum()
    frame = _by_customer(lines.group_by("customer_id").agg(**measures).drop_null("first_purchase"))
    money = frame.columns.intersection(["spend_ever", "spend", "revenue", "returns", "margin", "pieces", "discount"])
    # Adding 0 turns the -0.0 of customers without returns into 0.0.
    frame[money] = frame[money].astype("float64") + 0.0
    for name in ("first_purchase", "last_purchase"):
        frame[name] = pd.to_datetime(frame[name]).astype("datetime64[s]")
    frame = frame.astype({name: "int64" for name in frame.columns[2:] if name not in money})
    frame["tenure"] = (pd.Timestamp(last) - frame["first_purchase"]).dt.days
    frame["recency"] = (pd.Timestamp(last) - frame["last_purchase"]).dt.days
    gaps, total = frame["purchase_days_ever"] - 1, frame["tenure"] - frame["recency"]
    typical = total.sum() / gaps.sum() if gaps.sum() else max(float(frame["tenure"].max()), 1.0)
    frame["rhythm"] = (total + typical) / (gaps + 1)
    return frame


def _orders(company: Company, known: pd.DataFrame, last: dt.date, days: int) -> pd.DataFrame:
    """Return how many orders there were: apart, as different ones are dear to count."""
    lines = _lines(company, last, days)
    measures = {
        "orders_ever": lines.order_id.nunique(where=lines.bought),
        "orders": lines.order_id.nunique(where=lines.bought & lines.inside),
    }
    return _counts(lines.group_by("customer_id").agg(**measures), known.index)


def _habits(company: Company, known: pd.DataFrame, last: dt.date, days: int) -> pd.DataFrame:
    """Return what was bought when, where and of which kind; the engine keeps the lines, which are read three times."""
    lines = _lines(company, last, days).cache()
    bought = lines.filter(lines.bought)
    return pd.concat([make(bought, known.index) for make in (_times, _channels, _spend)], axis=1)


def _times(bought: ir.Table, customers: pd.Index[str]) -> pd.DataFrame:
    """Return how many orders of the window fell on each day of the week and, where times are known, part of the day."""
    now = bought.filter(bought.inside)
    orders = now.group_by(["customer_id", "order_id"]).agg(moment=now.ordered_at.min())
    weekday = orders.moment.day_of_week.index()
    measures = {f"orders on: {name}": (weekday == number).sum() for number, name in enumerate(WEEKDAYS)}
    if orders.moment.type().is_timestamp():
        # Days without a time are all at midnight: they tell nothing of the hour.
        hour = orders.moment.hour()
        timed = (hour + orders.moment.minute() + orders.moment.second()) > 0
        measures |= {f"orders at: {name}": (timed & (hour // 6 == part)).sum() for part, name in enumerate(DAY_PARTS)}
    return _counts(orders.group_by("customer_id").agg(**measures), customers)


def _channels(bought: ir.Table, customers: pd.Index[str]) -> pd.DataFrame:
    if "channel" not in bought.columns:
        return pd.DataFrame(index=customers)
    each = bought.drop_null("channel")
    measures = {"ever": each.order_id.nunique(), "now": each.order_id.nunique(where=each.inside)}
    orders: pd.DataFrame = each.group_by(["customer_id", "channel"]).agg(**measures).execute()
    ever = orders.groupby("customer_id")["ever"]
    sums = pd.DataFrame({"other_channel_ever": ever.sum() - ever.max()})
    return pd.concat([_filled(sums, customers), _family(orders, "channel", "now", "orders via", customers)], axis=1)


def _spend(bought: ir.Table, customers: pd.Index[str]) -> pd.DataFrame:
    now = bought.filter(bought.inside)
    for column in ("category", "department"):
        if column in bought.columns:
            spent: pd.DataFrame = now.group_by(["customer_id", column]).agg(spend=exact_sum(now.revenue)).execute()
            if "department" not in bought.columns or spent[column].nunique() <= MOST_VALUES:
                return _family(spent, column, "spend", "spend", customers)
    return pd.DataFrame(index=customers)


def _contacts(company: Company, known: pd.DataFrame, last: dt.date, days: int) -> pd.DataFrame:
    """Return the numbers of contacts by kind, and of reviews: orders, or contacts where the order is not told."""
    customers = known.index
    rows = known_rows(company, "interactions", ending=last)
    inside = rows.occurred_at.date() > ibis.literal(last - dt.timedelta(days=days))
    measures = {"contacts": inside.sum()}
    if not company.has("interactions", "kind"):
        return _counts(rows.group_by("customer_id").agg(**measures), customers)
    measures |= {"reviews": inside.sum(), "reviews_ever": rows.count()}
    if company.has("interactions", "order_id"):
        measures["reviews"] += rows.order_id.nunique(where=inside) - rows.order_id.count(where=inside)
        measures["reviews_ever"] += rows.order_id.nunique() - rows.order_id.count()
    keys = {"kind": rows.kind.lower(), "review": is_review(rows)}
    each: pd.DataFrame = rows.group_by("customer_id", **keys).agg(**measures).execute()
    of_reviews, others = each[each["review"].astype(bool)], each[~each["review"].astype(bool)]
    reviews = _filled(of_reviews.groupby("customer_id")[["reviews", "reviews_ever"]].sum(), customers)
    contacts = _filled(others.groupby("customer_id")[["contacts"]].sum(), customers)
    kinds = _family(others, "kind", "contacts", "contacts", customers)
    # Who reviews an order twice, or another's, has still no more chances to do so than orders.
    return pd.concat(
        [contacts, reviews.clip(upper=_part(company, "orders", last, days)["orders_ever"], axis=0), kinds], axis=1
    )


def _complaints(company: Company, known: pd.DataFrame, last: dt.date, days: int) -> pd.DataFrame:
    customers = known.index
    told = known_complaints(company, ending=last)
    columns = [name for name in ("topic", "satisfied") if company.has("complaints", name)]
    rows: pd.DataFrame = told.select("customer_id", "state", *columns, day=told.opened_at.date()).execute()
    age = (pd.Timestamp(last) - pd.to_datetime(rows["day"])).dt.days
    now = rows.assign(n=1)[age < days]
    parts = [_filled(now.groupby("customer_id").size().to_frame("complaints"), customers)]
    if company.has("complaints", "closed_at"):
        parts.append(_family(now, "state", "n", "complaints", customers, COMPLAINT_STATES))
        bad = rows["state"] != SETTLED
        if "satisfied" in rows:
            bad |= rows["satisfied"].astype("boolean").eq(other=False).fillna(value=False).astype(bool)
        unresolved = customers.isin(rows.loc[bad & (age < RECENT_COMPLAINT), "customer_id"])
        parts.append(pd.DataFrame({"unresolved": unresolved}, index=customers))
    if "topic" in rows:
        parts.append(_family(now, "topic", "n", "complaints about", customers))
    return pd.concat(parts, axis=1)


def _answers(company: Company, known: pd.DataFrame, last: dt.date, days: int) -> pd.DataFrame:
    items = [name for name in ANSWERS if company.has("surveys", name)]
    answers = own_brand_answers(company, ending=last, days=days)
    order = ["responded_at", *(["response_id"] if company.has("surveys", "response_id") else [])]
    frame: pd.DataFrame = answers.select("customer_id", *order, *items).execute()
    frame = frame.sort_values(order, kind="stable").groupby("customer_id")[items].last()
    return frame.astype("float64").reindex(known.index)


def _memberships(company: Company, known: pd.DataFrame, last: dt.date, _: int) -> pd.DataFrame:
    customers = known.index
    contracts = known_contracts(company, ending=last)
    held = _by_customer(contracts.group_by("customer_id").agg(member=contracts.running.any()))
    member = customers.isin(held.index[held["member"].astype(bool)])
    return pd.DataFrame({"member": member, "ever_member": customers.isin(held.index)}, index=customers)


def _origin(company: Company, known: pd.DataFrame, last: dt.date, _: int) -> pd.DataFrame:
    """Return what was fixed when the customer was won."""
    own, fixed = _own(company, known), pd.DataFrame(index=known.index)
    if "acquisition_channel" in own:
        fixed["acquisition_channel"] = own["acquisition_channel"].astype("str")
    if "birth_year" in own:
        fixed["age"] = (last.year - own["birth_year"]).astype("float64")
    if "referred_by" in own:
        fixed["referred"] = own["referred_by"].notna()
    return fixed


def _attributes(company: Company, known: pd.DataFrame, _last: dt.date, _days: int) -> pd.DataFrame:
    """Return attributes that are known as of today only."""
    own, undated = _own(company, known), {}
    for name in own.columns.difference(_NOT_ATTRIBUTES, sort=False):
        column = own[name]
        if 1 < column.nunique() <= MOST_VALUES or pd.api.types.is_numeric_dtype(column):
            undated[name] = column if pd.api.types.is_numeric_dtype(column) else column.astype("str")
    return pd.DataFrame(undated, index=known.index)


def _own(company: Company, known: pd.DataFrame) -> pd.DataFrame:
    return company.frame("customers").drop_duplicates("customer_id").set_index("customer_id").reindex(known.index)


def _by_customer(table: ir.Table) -> pd.DataFrame:
    frame: pd.DataFrame = table.execute()
    return frame.set_index("customer_id").sort_index()


def _counts(table: ir.Table, customers: pd.Index[str]) -> pd.DataFrame:
    return _filled(_by_customer(table), customers)


def _filled(counts: pd.DataFrame, customers: pd.Index[str]) -> pd.DataFrame:
    return counts.reindex(customers).fillna(0).astype("int64")


def _family(
    sums: pd.DataFrame, column: str, amount: str, prefix: str, customers: pd.Index[str], values: tuple[str, ...] = ()
) -> pd.DataFrame:
    """Return the sum of an amount by value of a column: a column each for the largest values, the rest together."""
    sums = sums.dropna(subset=[column])
    sizes = sums.groupby(column)[amount].sum().sort_index().sort_values(ascending=False, kind="stable")
    values = values or tuple(sizes.index[sizes > 0])
    shown = values if len(values) <= MOST_SHOWN + 1 else values[:MOST_SHOWN]
    named = sums[column].where(sums[column].isin(shown), "(others)")
    wide = sums.pivot_table(index="customer_id", columns=named, values=amount, aggfunc="sum")
    columns = [*shown, *(["(others)"] if len(shown) < len(values) else [])]
    wide = wide.reindex(index=customers, columns=columns).fillna(0).astype(sums[amount].dtype)
    return wide.set_axis([f"{prefix}: {name}" for name in columns], axis=1)
