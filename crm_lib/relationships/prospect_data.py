"""What past acquisitions teach about prospects: the attributes that both have, and what came of them."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Final

import ibis
import pandas as pd

from crm_lib.company import Company
from crm_lib.customers import Value, exact_sum, is_purchase, known_rows, last_day, value_of
from crm_lib.customers.facts import MOST_VALUES
from crm_lib.errors import MissingData, TooLittleData
from crm_lib.language import say

AGE, CHANNEL, KNOWN_BEFORE = "age", "acquisition_channel", "known_before"
LIVE_DAYS: Final = 90
"""Days known up to which a prospect is live: who has not bought for longer seldom does."""
_NO_ATTRIBUTES = {
    "prospect_id", "customer_id", "first_seen_at", "converted_at", "acquired_at", "name", "referred_by", "birth_year",
    "contact_allowed",
}  # fmt: skip
_FURTHER = ("customer_id", "contact_allowed")
_FEWEST_CUSTOMERS, _FEWEST_CONVERSIONS = 100, 30


@dataclass(frozen=True, kw_only=True, eq=False)
class ProspectData:
    """Past acquisitions and prospects, with the attributes that both have, as known on `as_of`.

    `customers` by ``customer_id``: the attributes, ``started`` (day on which the customer was won) and ``value`` (money
    of the `horizon_days` from then on). `prospects` by ``prospect_id``: the attributes, ``seen`` (day), ``waited``
    (days known, the first included, up to conversion or `as_of`), ``converted``, ``cost`` of winning (money), and
    ``customer_id`` and ``contact_allowed`` where the company keeps them.
    """

    customers: pd.DataFrame
    prospects: pd.DataFrame
    attributes: tuple[str, ...]
    horizon_days: int
    as_of: dt.date
    value_kind: Value
    currency: str

    @property
    def live(self) -> pd.DataFrame:
        """The prospects who have not bought yet and have not been known for too long."""
        return self.prospects[~self.prospects["converted"] & (self.prospects["waited"] <= LIVE_DAYS)]


def prospect_data(company: Company, *, horizon_days: int = 180, ending: dt.date | None = None) -> ProspectData:
    """Put together what past acquisitions teach about prospects, from what was known on a day.

    Parameters
    ----------
    company : Company
        The company; needs ``prospects`` with ``converted_at``, and ``customers``.
    horizon_days : int
        Days over which the value of a new customer is added up. Who never bought counts with 0, who was won too lately
        for the days to be over is left out.
    ending : date, optional
        Day on which all must have been known, by default the company's ``as_of``.

    Returns
    -------
    ProspectData
        Customers with their value, and prospects with what became of them.

    Raises
    ------
    MissingData
        If a table or ``converted_at`` is missing, or the two tables share no attribute.
    TooLittleData
        If fewer than 100 customers have had their days, or fewer than 30 prospects were won.

    Notes
    -----
    Attributes are taken as the tables have them today.
    """
    if horizon_days < 1:
        raise ValueError(f"horizon_days must be at least 1, not {horizon_days}")
    last = last_day(company, ending)
    rows = company.table("prospects", "converted_at")
    shared = [
        name
        for name in rows.columns
        if name not in _NO_ATTRIBUTES and company.has("prospects", name) and company.has("customers", name)
    ]
    aged = company.has("prospects", "birth_year") and company.has("customers", "birth_year")
    read = [*shared, *(["birth_year"] if aged else [])]
    prospects, customers = _prospects(company, read, last), _customers(company, read, last, horizon_days)
    attributes = [name for name in shared if name == CHANNEL or _is_property(customers[name])]
    attributes += [AGE] if aged else []
    if not attributes:
        raise MissingData("customers" if company.has("prospects", CHANNEL) else "prospects", (CHANNEL,))
    won = prospects.get("customer_id", pd.Series(dtype=object)).dropna()
    known = customers.index.isin(won)
    if known.any() and not known.all():
        customers[KNOWN_BEFORE] = pd.Series(known, index=customers.index).map({True: "yes", False: "no"})
        prospects[KNOWN_BEFORE] = "yes"
        attributes.append(KNOWN_BEFORE)
    customers = customers[customers["started"] <= pd.Timestamp(last) - pd.Timedelta(days=horizon_days - 1)]
    won_ago = "needs {least} customers won {days} days before {day:date}; there are {n:count}"
    won_by = "needs {least} prospects won by {day:date}; there are {n:count}"
    counts = {won_ago: (len(customers), _FEWEST_CUSTOMERS), won_by: (prospects["converted"].sum(), _FEWEST_CONVERSIONS)}
    for message, (n, least) in counts.items():
        if n < least:
            raise TooLittleData(say(message, least=least, n=n, days=horizon_days, day=last), table="prospects")
    further = [name for name in _FURTHER if name in prospects]
    return ProspectData(
        customers=customers[[*attributes, "started", "value"]],
        prospects=prospects[[*attributes, "seen", "waited", "converted", "cost", *further]],
        attributes=tuple(attributes), horizon_days=horizon_days, as_of=last, value_kind=value_of(company),
        currency=company.currency,
    )  # fmt: skip


def _is_property(column: pd.Series) -> bool:
    """Return whether customers can share a value of the column; names and addresses are their own."""
    return pd.api.types.is_numeric_dtype(column) or column.nunique() <= MOST_VALUES


def _prospects(company: Company, read: list[str], last: dt.date) -> pd.DataFrame:
    extra = [name for name in ("acquisition_cost", *_FURTHER) if name not in read and company.has("prospects", name)]
    frame = company.frame("prospects", "prospect_id", "first_seen_at", "converted_at", *read, *extra)
    frame = frame.drop_duplicates("prospect_id").set_index("prospect_id").sort_index()
    seen, bought = (pd.to_datetime(frame[name]).dt.normalize() for name in ("first_seen_at", "converted_at"))
    day = pd.Timestamp(last)
    converted = bought <= day
    frame["seen"], frame["converted"] = seen, converted
    frame["waited"] = (bought.where(converted, day) - seen).dt.days.clip(lower=0) + 1
    frame["cost"] = frame["acquisition_cost"].astype(float) if "acquisition_cost" in frame else float("nan")
    if "customer_id" in frame:
        frame["customer_id"] = frame["customer_id"].where(converted)
    if "birth_year" in read:
        frame[AGE] = seen.dt.year - frame["birth_year"].astype(float)
    return frame[seen <= day].copy()


def _customers(company: Company, read: list[str], last: dt.date, horizon_days: int) -> pd.DataFrame:
    """Return attributes, first day and value of customers won by a day, computed where the data live."""
    lines = known_rows(company, "transactions", ending=last)
    lines = lines.select(
        "customer_id", day=lines.ordered_at.date(), value=lines[value_of(company)].fill_null(0.0),
        bought=is_purchase(lines),
    )  # fmt: skip
    first = lines.group_by("customer_id").agg(first=lines.day.min(where=lines.bought))
    people = company.table("customers", *read)
    acquired = people.acquired_at.cast("date") if company.has("customers", "acquired_at") else ibis.null("date")
    people = people.select("customer_id", *read, acquired=acquired).left_join(first, "customer_id")
    # Some engines take the least of a date and nothing for nothing.
    started = ibis.coalesce(ibis.least(people["first"], people.acquired), people["first"], people.acquired)
    people = people.mutate(started=started).drop("acquired", "first", "customer_id_right")
    passed = lines.inner_join(people.select("customer_id", "started").drop_null("started"), "customer_id")
    offset = passed.day.delta(passed.started, unit="day")
    passed = passed.filter((offset >= 0) & (offset < horizon_days))
    sums = passed.group_by("customer_id").agg(value=exact_sum(passed.value))
    frame: pd.DataFrame = people.left_join(sums, "customer_id").drop("customer_id_right").execute()
    frame = frame.drop_duplicates("customer_id").set_index("customer_id").sort_index()
    frame["started"] = pd.to_datetime(frame["started"])
    frame["value"] = frame["value"].astype(float).fillna(0.0)
    if "birth_year" in read:
        frame[AGE] = frame["started"].dt.year - frame["birth_year"].astype(float)
    return frame[frame["started"] <= pd.Timestamp(last)].copy()
