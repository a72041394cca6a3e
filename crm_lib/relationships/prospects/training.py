"""What past acquisitions teach about prospects: the same attributes, and what came of them."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import ibis
import pandas as pd

from crm_lib import language
from crm_lib.company import Company
from crm_lib.customers import exact_sum, is_purchase
from crm_lib.customers.known import known_rows, last_day
from crm_lib.customers.window import Value, value_of
from crm_lib.errors import MissingData, TooLittleData

AGE = "age"
CHANNEL = "acquisition_channel"
KNOWN_BEFORE = "known_before"
"""Whether a customer had been known as a prospect; all prospects are."""
_NO_ATTRIBUTES = {
    "prospect_id", "customer_id", "first_seen_at", "converted_at", "acquired_at", "name", "referred_by", "birth_year",
    "contact_allowed",
}  # fmt: skip
_FURTHER = ("customer_id", "contact_allowed")
_FEWEST_CUSTOMERS = 100
_FEWEST_CONVERSIONS = 30


@dataclass(frozen=True, kw_only=True, eq=False)
class ProspectTraining:
    """Past acquisitions and prospects with the attributes that both have, as :func:`prospect_training` made them.

    Parameters
    ----------
    customers : DataFrame
        Indexed by ``customer_id``: the attributes, ``started`` (day on which the customer was won), ``value`` (money in
        the days after it, that day included) and ``first_value`` (money of that day).
    prospects : DataFrame
        Indexed by ``prospect_id``: the attributes, ``seen`` (day), ``waited`` (days known, the first included, up to
        conversion or `as_of`), ``converted``, ``cost`` of winning (money, missing where not known), ``customer_id`` of
        those who converted (where the company keeps it) and ``contact_allowed`` (likewise).
    attributes : tuple of str
        Names of the attributes.
    value_kind : {"margin", "revenue"}
        What was added up.
    horizon_days : int
        Days over which value was added up.
    live_days : int
        Days known up to which a prospect counts as live.
    as_of : date
        Last day that counts.
    too_young, undated : int
        Customers left out, as their days are not over or nothing tells when they were won.
    """

    customers: pd.DataFrame
    prospects: pd.DataFrame
    attributes: tuple[str, ...]
    value_kind: Value
    horizon_days: int
    live_days: int
    as_of: dt.date
    too_young: int
    undated: int

    @property
    def open(self) -> pd.DataFrame:
        """The live prospects: those who have not bought yet and have not been known for too long."""
        return self.prospects[~self.prospects["converted"] & (self.prospects["waited"] <= self.live_days)]

    @property
    def stale(self) -> int:
        """Number of prospects who have not bought in all the days in which they were live."""
        return int((~self.prospects["converted"] & (self.prospects["waited"] > self.live_days)).sum())


def prospect_training(
    company: Company, *, horizon_days: int = 180, live_days: int = 90, ending: dt.date | None = None
) -> ProspectTraining:
    """Put together what past acquisitions teach about prospects, from what was known on a day.

    Attributes are the columns that ``customers`` and ``prospects`` have in common: acquisition channel, region, group,
    cost of winning, age (from the year of birth) and whatever columns of its own the company keeps in both. The outcome
    is what a customer brought in the `horizon_days` days from the day of acquisition on; who was won and never bought
    counts with 0, who was won too lately for the days to be over is left out.

    Parameters
    ----------
    company : Company
        The company; needs ``prospects`` with ``converted_at``, and ``customers``.
    horizon_days : int
        Days over which the value of a new customer is added up.
    live_days : int
        Days known up to which a prospect is live. All prospects are learned from, but who has not bought for long
        seldom does, and any order looks good that puts such prospects last.
    ending : date, optional
        Day on which all must have been known, by default the company's ``as_of``. Lines recorded later, and
        conversions that came later, are not used.

    Returns
    -------
    ProspectTraining
        Customers with their value, and prospects with what became of them.

    Raises
    ------
    MissingData
        If a table or ``converted_at`` is missing, or the two tables share no attribute.
    TooLittleData
        If fewer than 100 customers have had their days, or fewer than 30 prospects were won.
    ValueError
        If `horizon_days` or `live_days` is not positive, or `ending` lies after ``as_of``.

    Notes
    -----
    Attributes are taken as the tables have them today: a customer who has moved since is counted where the customer
    lives now.
    """
    if horizon_days < 1 or live_days < 1:
        raise ValueError(f"horizon_days ({horizon_days}) and live_days ({live_days}) must be at least 1")
    last = last_day(company, ending)
    rows = company.table("prospects", "converted_at")
    shared = [
        name
        for name in rows.columns
        if name not in _NO_ATTRIBUTES and company.has("prospects", name) and company.has("customers", name)
    ]
    aged = company.has("prospects", "birth_year") and company.has("customers", "birth_year")
    if not shared and not aged:
        raise MissingData("customers" if company.has("prospects", CHANNEL) else "prospects", (CHANNEL,))
    read = [*shared, *(["birth_year"] if aged else [])]
    prospects, won = _prospects(company, read, last)
    customers, undated = _customers(company, read, last, horizon_days)
    over = customers["started"] <= pd.Timestamp(last) - pd.Timedelta(days=horizon_days - 1)
    attributes = [*shared, *([AGE] if aged else [])]
    known = customers.index.isin(won)
    if known.any() and not known.all():
        customers[KNOWN_BEFORE] = pd.Series(known, index=customers.index).map({True: "yes", False: "no"})
        prospects[KNOWN_BEFORE] = "yes"
        attributes.append(KNOWN_BEFORE)
    kept = customers[over]
    further = [name for name in _FURTHER if name in prospects]
    _enough(len(kept), int(prospects["converted"].sum()), horizon_days, last)
    return ProspectTraining(
        customers=kept[[*attributes, "started", "value", "first_value"]],
        prospects=prospects[[*attributes, "seen", "waited", "converted", "cost", *further]],
        attributes=tuple(attributes),
        value_kind=value_of(company),
        horizon_days=horizon_days,
        live_days=live_days,
        as_of=last,
        too_young=int((~over).sum()),
        undated=undated,
    )


def _prospects(company: Company, read: list[str], last: dt.date) -> tuple[pd.DataFrame, pd.Index]:
    names = ["prospect_id", "first_seen_at", "converted_at", *read]
    extra = [name for name in ("acquisition_cost", *_FURTHER) if name not in read and company.has("prospects", name)]
    linked, cost = "customer_id" in extra, company.has("prospects", "acquisition_cost")
    frame = company.frame("prospects", *names, *extra).drop_duplicates("prospect_id").set_index("prospect_id")
    day = pd.Timestamp(last)
    frame = frame[pd.to_datetime(frame["first_seen_at"]).dt.normalize() <= day].sort_index()
    seen = pd.to_datetime(frame["first_seen_at"]).dt.normalize()
    bought = pd.to_datetime(frame["converted_at"]).dt.normalize()
    converted = bought <= day
    end = bought.where(converted, day)
    frame = frame.assign(
        seen=seen,
        converted=converted,
        waited=(end - seen).dt.days.clip(lower=0) + 1,
        cost=frame["acquisition_cost"].astype(float) if cost else float("nan"),
    )
    if linked:
        frame["customer_id"] = frame["customer_id"].where(converted)
    if "birth_year" in read:
        frame[AGE] = seen.dt.year - frame["birth_year"].astype(float)
    return frame, pd.Index(frame["customer_id"].dropna() if linked else [])


def _customers(company: Company, read: list[str], last: dt.date, horizon_days: int) -> tuple[pd.DataFrame, int]:
    """Return each customer's attributes, first day and value, computed where the data live, and how many have none."""
    value = value_of(company)
    lines = known_rows(company, "transactions", ending=last)
    lines = lines.select(
        "customer_id", day=lines.ordered_at.date(), value=lines[value].fill_null(0.0), bought=is_purchase(lines)
    )
    first = lines.group_by("customer_id").agg(first=lines.day.min(where=lines.bought))
    people = company.table("customers", *read)
    acquired = people.acquired_at.cast("date") if company.has("customers", "acquired_at") else ibis.null("date")
    people = (
        people.select("customer_id", *read, acquired=acquired).left_join(first, "customer_id").drop("customer_id_right")
    )
    # Some engines take the least of a date and nothing for nothing.
    started = ibis.coalesce(ibis.least(people["first"], people.acquired), people["first"], people.acquired)
    people = people.mutate(started=started).drop("acquired", "first")
    dated = people.select("customer_id", "started").drop_null("started")
    passed = lines.inner_join(dated, "customer_id")
    offset = passed.day.delta(passed.started, unit="day")
    passed = passed.filter((offset >= 0) & (offset < horizon_days))
    offset = passed.day.delta(passed.started, unit="day")
    sums = passed.group_by("customer_id").agg(
        value=exact_sum(passed.value), first_value=exact_sum(passed.value, offset == 0)
    )
    frame: pd.DataFrame = people.left_join(sums, "customer_id").drop("customer_id_right").execute()
    frame = frame.drop_duplicates("customer_id").set_index("customer_id").sort_index()
    started = pd.to_datetime(frame["started"])
    if "birth_year" in read:
        frame[AGE] = started.dt.year - frame["birth_year"].astype(float)
    amounts = frame[["value", "first_value"]].astype(float).fillna(0.0)
    frame = frame.drop(columns=["value", "first_value"]).assign(started=started, **amounts)
    # Who was won after the day is not known yet; who has no day at all cannot be followed.
    return frame[started <= pd.Timestamp(last)].copy(), int(started.isna().sum())


def _enough(customers: int, conversions: int, horizon_days: int, last: dt.date) -> None:
    if customers < _FEWEST_CUSTOMERS:
        message = language.text(
            "only {n} customers had been won {days} days before {day}; {fewest} are needed to learn what one is worth"
        ).format(n=language.number(customers, 0), days=horizon_days, day=language.date(last), fewest=_FEWEST_CUSTOMERS)
        raise TooLittleData(message, table="customers")
    if conversions < _FEWEST_CONVERSIONS:
        message = language.text(
            "only {n} prospects had become customers by {day}; {fewest} are needed to learn who does"
        ).format(n=language.number(conversions, 0), day=language.date(last), fewest=_FEWEST_CONVERSIONS)
        raise TooLittleData(message, table="prospects")
