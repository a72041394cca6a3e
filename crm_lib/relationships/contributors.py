"""Customers who review or recommend: what they bring beside others like them, and whom they brought."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pandas as pd

from crm_lib.company import Company
from crm_lib.customers import Value, customer_window, facts, value_of
from crm_lib.errors import MissingData, TooLittleData
from crm_lib.estimate import LEVEL, Estimate
from crm_lib.finding import Criterion, Finding
from crm_lib.language import say
from crm_lib.relationships.alike import nearest_others
from crm_lib.relationships.signs import QUARTER
from crm_lib.statistics.proportions import holm

ROLES: Final = {"any": "all who contribute", "reviews": "reviewing", "referrals": "recommending"}
"""The ways of contributing, and what a reader calls them."""
OUTCOME_DAYS: Final = 2 * QUARTER
"""Days over which customers who contributed before are followed up."""
_FEWEST = 10


@dataclass(frozen=True, kw_only=True, eq=False)
class Contributors:
    """Who contributed up to `day`, and what they brought in the :data:`OUTCOME_DAYS` that followed.

    `roles` by key of :data:`ROLES`: ``customers``, ``share`` (of all customers), ``later`` (mean value after the day),
    ``alike`` (the same of others with the same history), ``times_alike`` (Estimate of the first over the second),
    ``times_all`` (over all others, whatever their history) and ``holds`` (whether the ratio differs from 1 with all
    roles in mind).
    """

    roles: pd.DataFrame
    day: dt.date
    value_kind: Value
    currency: str


def contributors(company: Company) -> Contributors:
    """Compare what contributing customers went on to bring with others of the same history.

    Who buys often has more to review and more friends to tell. The fair question is whether contributors go on to bring
    more than customers who had bought as often, as lately and for as long. The answer is an association only.

    Parameters
    ----------
    company : Company
        The company; needs reviews (``interactions``) or ``referred_by``.

    Returns
    -------
    Contributors
        Roles with their ratio.

    Raises
    ------
    MissingData
        If the company records no contributions.
    TooLittleData
        If fewer than ten customers contributed, or did not.

    Notes
    -----
    Alike are the ten or more customers without contributions whose history is nearest in the logarithms of orders, of
    weeks since the last one and of months since the first. Over the roles p-values are corrected by Holm's procedure.
    """
    day = company.as_of - dt.timedelta(days=OUTCOME_DAYS)
    made = _contributions(company, day)
    known, kind = facts(company, day), value_of(company)
    history = pd.DataFrame(
        {
            "orders": np.log(known["orders_ever"]),
            "recency": np.log1p(known["recency"] / 7),
            "age": np.log1p(known["tenure"] / 30.4375),
        }
    )
    later = customer_window(company, days=OUTCOME_DAYS)[kind].reindex(history.index).fillna(0.0)
    makes = (made > 0).any(axis=1)
    if min(makes.sum(), (~makes).sum()) < _FEWEST:
        message = "needs {least} customers who had contributed by {day:date}, and as many who had not"
        raise TooLittleData(say(message, least=_FEWEST, day=day), table="interactions")
    alike = nearest_others(history[makes], history[~makes], later[~makes])
    others, rows, p_values = float(later[~makes].mean()), {}, []
    for role, members in {"any": makes, **{name: made[name] > 0 for name in made}}.items():
        if members.sum() >= _FEWEST:
            ratio, p_value = alike.ratio(later[members])
            p_values.append(p_value)
            mean = float(later[members].mean())
            rows[role] = {
                "customers": int(members.sum()), "share": float(members.mean()), "later": mean,
                "alike": float(alike.expected[members[makes]].mean()), "times_alike": ratio,
                "times_all": mean / others if others > 0 else np.nan,
            }  # fmt: skip
    roles = pd.DataFrame.from_dict(rows, orient="index").rename_axis("role")
    roles["holds"] = holm(np.array(p_values)) < 1 - LEVEL
    return Contributors(roles=roles, day=day, value_kind=kind, currency=company.currency)


def _contributions(company: Company, day: dt.date) -> pd.DataFrame:
    """Return how often each customer known on a day had reviewed, and how many customers each had brought."""
    known = facts(company, day)
    made = pd.DataFrame(index=known.index)
    if "reviews_ever" in known:
        made["reviews"] = known["reviews_ever"]
    # Without the days on which customers were won, an earlier day's referrals cannot be told from later ones.
    if company.has("customers", "referred_by") and (day == company.as_of or company.has("customers", "acquired_at")):
        brought = _referrals(company, day)
        made["referrals"] = brought.groupby(brought).size().reindex(made.index).fillna(0).astype("int64")
    if made.empty or not len(made.columns):
        raise MissingData("customers", ("referred_by",))
    return made


def _referrals(company: Company, day: dt.date) -> pd.Series[str]:
    """Return who brought each customer won by a day; oneself, unknown customers and later ones cannot have."""
    dated = company.has("customers", "acquired_at")
    names = ["customer_id", "referred_by", *(["acquired_at"] if dated else [])]
    rows = company.frame("customers", *names).drop_duplicates("customer_id").set_index("customer_id")
    by = rows["referred_by"]
    fine = by.isin(rows.index) & (by != rows.index.to_series())
    if dated:
        won = pd.to_datetime(rows["acquired_at"])
        fine &= ~(by.map(won) > won) & ((won <= pd.Timestamp(day)) | (day == company.as_of))
    return by[fine].astype(str)


@dataclass(frozen=True, kw_only=True, eq=False)
class Influence:
    """What hangs on contributing customers.

    `frame` by ``customer_id`` of customers who brought others, most valuable first: ``own`` (value of the last year),
    ``won`` (customers brought), ``won_value`` (what these bring) and ``together``. `totals` by group: ``customers``,
    ``value`` and ``value_share`` of contributors, of customers they brought who do not contribute themselves, of both
    together (nobody is counted twice) and of all.
    """

    frame: pd.DataFrame
    totals: pd.DataFrame
    value_kind: Value
    currency: str


def influence(company: Company) -> Influence:
    """Add up what contributing customers bring, themselves and by the customers whom they brought.

    Parameters
    ----------
    company : Company
        The company; needs ``referred_by``.

    Raises
    ------
    MissingData
        If the company does not record who brought whom.
    """
    if not company.has("customers", "referred_by"):
        raise MissingData("customers", ("referred_by",))
    kind = value_of(company)
    value = facts(company)[kind].astype(float)
    brought = _referrals(company, company.as_of)
    makes = (_contributions(company, company.as_of) > 0).any(axis=1).reindex(value.index, fill_value=False)
    came = pd.Series(value.index.isin(brought.index), index=value.index) & ~makes
    parts = {
        "contributors themselves": makes, "customers they brought": came, "both together": makes | came,
        "all customers": pd.Series(data=True, index=value.index),
    }  # fmt: skip
    totals = pd.DataFrame(
        {name: {"customers": int(who.sum()), "value": value[who].sum()} for name, who in parts.items()}
    ).T.rename_axis("group")
    totals["value_share"] = totals["value"] / value.sum() if value.sum() > 0 else np.nan
    of_won = value.reindex(brought.index).fillna(0.0).groupby(brought).agg(["size", "sum"])
    frame = of_won.set_axis(["won", "won_value"], axis=1).rename_axis("customer_id")
    frame.insert(0, "own", value.reindex(frame.index).fillna(0.0))
    frame["together"] = frame["own"] + frame["won_value"]
    return Influence(
        frame=frame.sort_values("together", ascending=False, kind="stable"), totals=totals, value_kind=kind,
        currency=company.currency,
    )  # fmt: skip


def finding_contributors(found: Contributors) -> Finding:
    """Return whether contributors go on to bring more than others of the same history: at stake is what they bring."""
    row: Any = found.roles.loc["any"]
    return Finding(
        key="segments.contributors",
        claim="Customers who review or recommend go on to bring more than others with the same history.",
        source="Textbook chapter 1: customers as producers",
        estimate=row["times_alike"],
        criterion=Criterion(low=1.0),
        sentence=(
            "The {n:count} contributors known on {day:date} brought {estimate} times the {kind:words} of customers "
            "with the same history over {days} days ({raw:number} times that of all others)."
        ),
        if_supported=(
            "Treat a contribution as the sign of a good customer: answer it, and count it when choosing whom to look "
            "after."
        ),
        if_not_supported=(
            "Do not choose customers for care because they contribute: their purchase history says as much."
        ),
        if_undecided=(
            "Answer every contribution, but do not expect contributors to buy more than their history suggests."
        ),
        values={
            "n": row["customers"], "day": found.day, "days": OUTCOME_DAYS, "raw": row["times_all"],
            "kind": found.value_kind,
        },
        currency=found.currency,
        money_at_stake=Estimate.exact(
            float(row["later"] * row["customers"]), n=int(row["customers"]), unit=found.currency, method="sum"
        ),
        money_note="{kind:words} that contributors brought in these {days} days",
    )  # fmt: skip
