"""The parts of the page: each a function from a customer to facts, tables and a note."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from crm_lib import language, schema
from crm_lib.customer_page.customer import Customer, known
from crm_lib.errors import TooLittleData
from crm_lib.estimate import Estimate
from crm_lib.exhibit import Kind, Table
from crm_lib.language import plural, say, text

_OWN: dict[Any, tuple[str, Kind]] = {"state": ("State", "text"), "kind": ("Kind", "text"), "lines": ("Lines", "count")}
"""Label and form of columns that are worked out here."""
MOST = 12
"""Rows of a table; older ones are counted."""
_KINDS: Mapping[str, Kind] = {
    "text": "text", "integer": "number", "number": "number", "money": "money", "boolean": "text", "date": "date",
    "time": "date",
}  # fmt: skip
_IDENTITY = (
    "name", "customer_group", "region", "local_competition", "acquired_at", "acquisition_channel", "referred_by",
    "contact_allowed",
)  # fmt: skip
_NOT_SHOWN = {"customer_id", "acquisition_cost", "birth_year"}
Facts = tuple[tuple[str, str], ...]


@dataclass(frozen=True, kw_only=True)
class Section:
    """One part of the page, facts being labels and values written for a reader; `left_out` says why it is empty."""

    key: str = ""
    title: str = ""
    facts: Facts = ()
    tables: tuple[Table, ...] = ()
    note: str = ""
    left_out: str = ""


def identity(customer: Customer) -> Section:
    """Who the customer is: the one place where a name is shown."""
    rows, contract = customer.rows("customers"), schema.CUSTOMERS
    facts = {contract.column("customer_id").label: customer.customer_id}
    for name in (*_IDENTITY, *sorted(set(map(str, rows)) - {*_IDENTITY, *_NOT_SHOWN})):
        own = name not in contract.column_names
        label = name.replace("_", " ").capitalize() if own else contract.column(name).label
        facts[label] = _written(known(rows, name))
    if (born := known(rows, "birth_year")) is not None:
        facts["Age"] = plural("about {n} year", "about {n} years", customer.as_of.year - int(born))
    if rows.empty:
        facts["Note"] = text("known from purchases only")
    return Section(facts=_facts(facts))


def worth(customer: Customer) -> Section:
    """What the customer is worth, and how likely still a customer."""
    row, everyone = customer.score(), customer.all_scores()
    currency = row["currency"]
    place = int((everyone["current"] > row["current"]).sum()) + 1
    current = Estimate(
        value=row["current"], low=row["current_low"], high=row["current_high"], n=len(everyone), unit=currency,
        level=row["level"], method="posterior draws",
    )  # fmt: skip
    facts = {
        "Historical value": say("{x:money}", x=row["historical"], currency=currency),
        "Current value": str(current),
        "Place by current value": say("{place:count} of {n:count}", place=place, n=len(everyone)),
        "Potential value": say("{x:money}", x=row["potential"], currency=currency),
        "Still a customer": say("{x:share}", x=row["probability_alive"]),
        say("Purchases expected in {days:count} days", days=row["horizon_days"]): say(
            "{x:number1}", x=row["expected_purchases"]
        ),
        "Value of a purchase to come": say("{x:money}", x=row["value_per_purchase"], currency=currency),
    }
    note = say(
        "Amounts are {basis:words}, discounted at {rate:share1} a year, by the model {model}; the interval has a "
        "coverage of {level:share}. Potential value is what similar customers bring more.",
        basis=row["basis"], rate=row["annual_rate"], model=row["model"], level=row["level"],
    )  # fmt: skip
    return Section(facts=_facts(facts), note=note)


def scores(customer: Customer) -> Section:
    """Segment, tier and the scores they rest on."""
    row = customer.score()
    if pd.isna(row["segment"]):
        raise TooLittleData(say("the customer bought nothing lately enough to be in a segment"))
    facts = {"Segment": text(row["segment"]), "Value tier": text(row["tier"])}
    for name, label in (("recency", "Recency"), ("frequency", "Frequency"), ("monetary", "Monetary value")):
        best = customer.all_scores()[f"{name}_score"].max()
        facts[label] = say("{score:count} of {best:count}", score=row[f"{name}_score"], best=best)
    facts["For this segment"] = text(row["action"])
    return Section(facts=_facts(facts), note=text("In the scores, more is better."))


def purchases(customer: Customer) -> Section:
    """What was bought and returned."""
    lines, company = customer.lines(), customer.company
    bought, back = lines[~lines["back"]], lines[lines["back"]]

    def money(amounts: pd.Series[float]) -> str:
        return say("{x:money}", x=float(amounts.sum()), currency=company.currency)

    facts = {"Orders": say("{n:count}", n=bought["order_id"].nunique())}
    if len(bought):
        last = bought["ordered_at"].max()
        days = customer.days_since(last)
        ago = plural("{n} day ago", "{n} days ago", days) if days else text("on the last day")
        facts["First order"] = _written(bought["ordered_at"].min())
        facts["Last order"] = f"{_written(last)} ({ago})"
    facts["Revenue, net of returns"] = money(lines["revenue"])
    if lines["margin"].notna().any():
        facts["Margin"] = money(lines["margin"])
    facts["Returned"] = money(-back["revenue"])
    for name, label in (("category", "Most bought"), ("channel", "Buys through")):
        if name in bought:
            most = bought.dropna(subset=name).groupby(name)["revenue"].sum().sort_values(ascending=False, kind="stable")
            facts[label] = ", ".join(map(str, most.index[:3]))
    by = lines.groupby(["order_id", "back"], sort=False)
    orders = by.agg(ordered_at=("ordered_at", "min"), lines=("revenue", "size"), revenue=("revenue", "sum"))
    for name in ("category", "channel"):
        if name in lines:
            orders[name] = by[name].agg(lambda values: ", ".join(sorted(set(values.dropna().astype(str)))))
    orders = orders.reset_index().sort_values(["ordered_at", "order_id"], ascending=False, kind="stable")
    orders["kind"] = [text("return") if each else text("purchase") for each in orders["back"]]
    columns = ("ordered_at", "order_id", "kind", "lines", "revenue", "category", "channel")
    table = _table(customer, "transactions", "Orders and returns", orders, columns)
    return Section(facts=_facts(facts), tables=(table,))


def complaints(customer: Customer) -> Section:
    """Complaints, the open and unsettled ones first; no state is told where closings are not recorded."""
    rows, facts = customer.rows("complaints"), {}
    facts["Complaints"] = say("{n:count}", n=len(rows))
    parts = {"Complaints": rows}
    if customer.company.has("complaints", "closed_at"):
        waiting = rows["state"] != "settled"
        facts["Open or unsettled"] = say("{n:count}", n=int(waiting.sum()))
        parts = {"Open or unsettled complaints": rows[waiting], "Settled complaints": rows[~waiting]}
    columns = (
        "complaint_id", "state", "opened_at", "topic", "severity", "closed_at", "resolution", "satisfied",
        "followed_up",
    )  # fmt: skip
    tables = tuple(_table(customer, "complaints", title, part, columns) for title, part in parts.items() if len(part))
    return Section(facts=_facts(facts), tables=tables)


def _contacts(customer: Customer, rows: pd.DataFrame) -> dict[str, str]:
    facts = {"Contacts": say("{n:count}", n=len(rows)), "Last contact": _written(known(rows, "occurred_at"))}
    if len(rows) and "channel" in rows:
        facts["Mostly by"] = _written(known(rows[["channel"]].mode(), "channel"))
    if "cost" in rows and rows["cost"].notna().any():
        facts["Cost of contacts"] = say("{x:money}", x=rows["cost"].sum(), currency=customer.company.currency)
    return facts


def _memberships(customer: Customer, rows: pd.DataFrame) -> dict[str, str]:
    running, due = bool(rows["running"].any()), renewal_day(rows, customer.as_of)
    counted = say("{n:count}", n=len(rows))
    return {"Memberships": counted, "Running": _written(running), "Renewal due": _written(due)}


def renewal_day(rows: pd.DataFrame, as_of: dt.date) -> dt.date | None:
    """Return the first day after `as_of` on which a contract without an end begins a new period, or None."""
    if "period_months" not in rows:
        return None
    going_on = rows[rows["period_months"].notna() & (rows["ended_at"].isna() if "ended_at" in rows else True)]
    days = []
    for start, months in zip(pd.to_datetime(going_on["started_at"]), going_on["period_months"], strict=True):
        passed = (as_of.year - start.year) * 12 + as_of.month - start.month
        # Counted from the first day each time: a contract of the 31st falls due on the 31st again where there is one.
        periods = max(passed // int(months), 1)
        ahead = (start + pd.DateOffset(months=int(months) * each) for each in (periods, periods + 1))
        days.append(next(day.date() for day in ahead if day.date() > as_of))
    return min(days, default=None)


def _campaigns(_: Customer, rows: pd.DataFrame) -> dict[str, str]:
    facts = {"Campaigns": say("{n:count}", n=len(rows))}
    if "responded_at" in rows:
        facts["Responses"] = say("{n:count}", n=int(rows["responded_at"].notna().sum()))
    return facts


def _answers(_: Customer, rows: pd.DataFrame) -> dict[str, str]:
    facts = {"Answers": say("{n:count}", n=len(rows))}
    for name in ("satisfaction", "recommendation"):
        if (points := known(rows, name)) is not None:
            label = f"{text(schema.SURVEYS.column(name).label)} ({_written(known(rows, 'responded_at'))})"
            facts[label] = say("{points:number} of 10", points=points)
    return facts


def _referrals(_: Customer, rows: pd.DataFrame) -> dict[str, str]:
    return {"Customers brought": say("{n:count}", n=len(rows))}


@dataclass(frozen=True)
class Listing:
    """A section of the facts and rows of one table of the company."""

    title: str
    table: str
    facts: Callable[[Customer, pd.DataFrame], dict[str, str]]
    columns: str
    about: str = "customer_id"
    """Column that holds the customer."""

    def __call__(self, customer: Customer) -> Section:
        """Return the section of a customer."""
        rows = customer.rows(self.table, self.about)
        tables = (_table(customer, self.table, self.title, rows, self.columns.split()),) if len(rows) else ()
        return Section(facts=_facts(self.facts(customer, rows)), tables=tables)


contacts = Listing("Contacts", "interactions", _contacts, "occurred_at channel phase kind resolved order_id")
memberships = Listing(
    "Membership", "memberships", _memberships, "membership_id plan started_at ended_at price period_months end_reason"
)
campaigns = Listing("Campaigns", "assignments", _campaigns, "campaign_id assigned_at arm offer responded_at")
answers = Listing(
    "What the customer told us", "surveys", _answers,
    "responded_at wave satisfaction loyalty recommendation service_quality product_quality value_for_money",
)  # fmt: skip
referrals = Listing("Recommendations", "customers", _referrals, "customer_id acquired_at region", about="referred_by")


def _table(customer: Customer, table: str, title: str, rows: pd.DataFrame, columns: Sequence[str]) -> Table:
    """Return rows as readers see them, with labels and forms of the schema, or those of :data:`_OWN`."""
    contract = schema.TABLES[table]
    shown = rows[[name for name in columns if name in rows and rows[name].notna().any()]].head(MOST)
    shown = shown.reset_index(drop=True).copy()
    own = {name: _OWN[name] for name in shown if name in _OWN and name not in contract.column_names}
    types: dict[Any, str] = {name: contract.column(name).type for name in map(str, shown) if name not in own}
    for name in shown:
        if name == "state" or types.get(name) == "boolean":
            shown[name] = [None if pd.isna(value) else _written(value) for value in shown[name]]
    note = say("The newest {shown:count} of {all:count}.", shown=MOST, all=len(rows)) if len(rows) > MOST else ""
    return Table(
        name=f"customer_{table}",
        title=title,
        frame=shown,
        kinds={name: own[name][1] if name in own else _KINDS[types[name]] for name in map(str, shown)},
        labels={name: own[name][0] if name in own else contract.column(name).label for name in map(str, shown)},
        currency=customer.company.currency,
        note=note,
        rows_shown=MOST,
    )


def _facts(facts: Mapping[str, str]) -> Facts:
    return tuple((text(label), written) for label, written in facts.items() if written)


def _written(value: Any) -> str:
    """Return a value in words, nothing where it is not known."""
    if value is None or pd.isna(value):
        return ""
    if hasattr(value, "isoformat"):
        return language.date(pd.Timestamp(value).date())
    if type(value).__name__ in ("bool", "bool_"):
        return text("yes") if value else text("no")
    return text(str(value)) if value else ""
