"""The level of competition by market: where rivals are near, customers leave for them, and prices are compared."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any, Final

import ibis
import pandas as pd

from crm_lib.company import Company
from crm_lib.customers import known_rows
from crm_lib.errors import MissingData, TooLittleData
from crm_lib.estimate import LEVEL
from crm_lib.language import say
from crm_lib.statistics.proportions import wilson

_YEAR: Final = 365
_FEWEST: Final = 30
"""Customers below which a market is not named."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Competition:
    """How hard rivals compete for the customers of a year ago.

    `frame` by region, the hardest first: ``customers``, and the shares (Estimates, all regions in mind) ``near`` (live
    where competition is high), ``left`` (left for a rival within the year) and ``price`` (asked for prices before
    buying); only what the tables hold. `small` counts customers in regions too small to be named.
    """

    frame: pd.DataFrame
    small: int


def competition_levels(company: Company) -> Competition:
    """Return how hard competition is by region, for those who bought in the year before last.

    Parameters
    ----------
    company : Company
        The company; needs ``region`` of ``customers``, and one of ``local_competition``, ``departures`` with ``cause``
        and ``interactions`` with ``phase`` and ``kind`` (a kind that speaks of prices).

    Raises
    ------
    MissingData
        If none of the three is there.
    TooLittleData
        If no two regions have thirty customers.
    """
    known = company.has("customers", "local_competition")
    people = company.frame("customers", "customer_id", "region", *(["local_competition"] if known else []))
    start = company.as_of - dt.timedelta(days=_YEAR)
    before = known_rows(company, "transactions", ending=start, days=_YEAR).select("customer_id").distinct().execute()
    people = people[people["region"].notna() & people["customer_id"].isin(before["customer_id"])]
    signs: dict[str, Any] = {}
    if known:
        signs["near"] = people["local_competition"].eq("high").where(people["local_competition"].notna())
    if company.has("departures", "cause"):
        gone = company.frame("departures", "customer_id", "departed_at", "cause")
        earlier = pd.to_datetime(gone["departed_at"]) <= pd.Timestamp(start)
        people = people[~people["customer_id"].isin(gone.loc[earlier, "customer_id"])]
        to_rivals = gone.loc[~earlier & (gone["cause"] == "competition"), "customer_id"]
        signs["left"] = people["customer_id"].isin(to_rivals)
    if company.has("interactions", "kind", "phase"):
        asked = known_rows(company, "interactions", days=_YEAR).filter(
            (ibis._.phase == "before") & ibis._.kind.lower().contains("price")
        )
        signs["price"] = people["customer_id"].isin(asked.select("customer_id").distinct().execute()["customer_id"])
    if not signs:
        raise MissingData("customers", ["local_competition"])
    counts = people["region"].value_counts()
    named = counts.index[counts >= _FEWEST]
    if len(named) < 2:
        message = say("needs two regions with {least} customers who bought in the year before last", least=_FEWEST)
        raise TooLittleData(message, table="customers")
    level, rows = 1 - (1 - LEVEL) / len(named), {}
    for name in named:
        here = people.index[people["region"] == name]
        shares = {sign: values.reindex(here).dropna().astype(bool) for sign, values in signs.items()}
        rows[name] = {"customers": len(here),
                      **{sign: wilson(int(x.sum()), len(x), level=level) for sign, x in shares.items()}}  # fmt: skip
    frame = pd.DataFrame.from_dict(rows, orient="index").rename_axis("region")
    first: Any = frame[next(iter(signs))].map(lambda one: one.value)
    return Competition(frame=frame.loc[first.sort_values(ascending=False, kind="stable").index],
                       small=int(counts[~counts.index.isin(named)].sum()))  # fmt: skip
