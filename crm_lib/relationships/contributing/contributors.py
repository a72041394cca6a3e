"""What contributing customers are worth: to the company directly, beside others like them, and by whom they brought."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import pandas as pd

from crm_lib import language
from crm_lib.company import Company
from crm_lib.customers import is_purchase
from crm_lib.customers.known import REVIEWS, known_rows
from crm_lib.customers.window import Value, customer_window, value_of
from crm_lib.errors import TooLittleData
from crm_lib.estimate import Estimate
from crm_lib.finding import Criterion, Finding, Verdict
from crm_lib.relationships.contributing.alike import nearest_others
from crm_lib.relationships.contributing.contributions import IDEAS, ROLES, contributions
from crm_lib.segments.profit import SMALLEST_GROUP
from crm_lib.statistics.proportions import holm

ANY = "any"
"""Row of those who contribute in whatever way."""
_HISTORY = ["log_orders", "log_recency", "log_age"]


@dataclass(frozen=True, kw_only=True)
class Contributors:
    """Who contributed up to a day, and what they brought afterwards, as :func:`contributors` found it.

    Parameters
    ----------
    roles : DataFrame
        Indexed by role ("any", "reviews", "referrals", "ideas"): ``customers``, ``share`` (of all customers), ``later``
        (mean value after the day), ``alike`` (what others with the same history brought on average), ``ratio`` (an
        Estimate of the first over the second), ``raw`` (later value over that of all others, whatever their history),
        ``p_value`` and ``holds`` (whether the ratio differs from 1 with all roles in mind).
    frame : DataFrame
        Indexed by ``customer_id``, those known on the day: the counts of contributions, ``contributes``, ``later`` and
        ``alike`` (for those who contribute).
    day : date
        Last day of contributions and history.
    days : int
        Days after it.
    value_kind : {"margin", "revenue"}
        What was added up.
    """

    roles: pd.DataFrame
    frame: pd.DataFrame
    day: dt.date
    days: int
    value_kind: Value


def contributors(
    company: Company,
    *,
    outcome_days: int = 180,
    review_kinds: Sequence[str] = REVIEWS,
    idea_kinds: Sequence[str] = IDEAS,
    smallest_group: int = SMALLEST_GROUP,
    level: float = 0.95,
) -> Contributors:
    """Find who contributed up to an earlier day, and compare what they brought since with others of the same history.

    Who buys often has more to review and more people to tell. That contributors brought more in the past is therefore
    no news; the fair question is whether they go on to bring more than customers who had bought as often, as lately
    and for as long. The answer is an association: contributing need not be what makes the difference.

    Parameters
    ----------
    company : Company
        The company.
    outcome_days : int
        Days up to ``as_of`` over which later value is added up; contributions and history end before them.
    review_kinds, idea_kinds : sequence of str
        Values of ``interactions.kind``, as for :func:`contributions`.
    smallest_group : int
        A role with fewer customers is not valued.
    level : float
        Coverage of the intervals.

    Returns
    -------
    Contributors
        Roles with their ratio, and the customers behind them.

    Raises
    ------
    MissingData
        If the company records no contributions.
    TooLittleData
        If too few customers contributed, or nobody else is like them.

    Notes
    -----
    Alike are the ten or more customers without contributions whose history is nearest in the logarithms of the number
    of orders, of the weeks since the last one (plus 1) and of the months since the first (plus 1): bands of these
    would compare the best customers with lesser ones. The ratio and its interval are those of
    :meth:`crm_lib.relationships.contributing.alike.Alike.ratio`; over the roles the p-values are corrected by Holm's
    procedure.
    """
    day = company.as_of - dt.timedelta(days=outcome_days)
    made = contributions(company, review_kinds=review_kinds, idea_kinds=idea_kinds, until=day)
    kind = value_of(company)
    frame = _history(company, day)
    frame["later"] = customer_window(company, days=outcome_days)[kind].reindex(frame.index).fillna(0.0)
    frame = frame.join(made).fillna(dict.fromkeys(made.columns, 0)).astype(dict.fromkeys(made.columns, "int64"))
    frame["contributes"] = (frame[list(made.columns)] > 0).any(axis=1)
    if frame["contributes"].sum() < smallest_group or (~frame["contributes"]).sum() < smallest_group:
        message = language.text("{count} of {all} customers had contributed by {day}: too few to compare")
        count = language.number(int(frame["contributes"].sum()), 0)
        raise TooLittleData(
            message.format(count=count, all=language.number(len(frame), 0), day=language.date(day)),
            table="interactions",
        )
    makes = frame["contributes"]
    alike = nearest_others(frame.loc[makes, _HISTORY], frame.loc[~makes, _HISTORY], frame.loc[~makes, "later"])
    frame["alike"] = alike.expected.reindex(frame.index)
    others = float(frame.loc[~makes, "later"].mean())
    rows = {}
    for role in (ANY, *(name for name in ROLES if name in made)):
        members = makes if role == ANY else frame[role] > 0
        if members.sum() >= smallest_group:
            later = frame.loc[members, "later"]
            ratio, p_value = alike.ratio(later, level=level)
            rows[role] = {
                "customers": int(members.sum()),
                "share": float(members.mean()),
                "later": float(later.mean()),
                "alike": float(frame.loc[members, "alike"].mean()),
                "ratio": ratio,
                "raw": float(later.mean()) / others if others > 0 else np.nan,
                "p_value": p_value,
            }
    roles = pd.DataFrame.from_dict(rows, orient="index").rename_axis("role")
    roles["holds"] = holm(roles["p_value"].to_numpy(dtype=float)) < 1 - level
    keep = [*made.columns, "contributes", "later", "alike"]
    return Contributors(roles=roles, frame=frame[keep], day=day, days=outcome_days, value_kind=kind)


def finding_contributors(found: Contributors, *, currency: str) -> Finding:
    """Return the finding on whether contributing customers go on to bring more than others of the same history.

    Parameters
    ----------
    found : Contributors
        The comparison.
    currency : str
        ISO code.

    Returns
    -------
    Finding
        Supported when the whole interval of the ratio lies above 1. At stake is what contributors brought.
    """
    row = cast("pd.Series[Any]", found.roles.loc[ANY])
    brought = float(found.frame.loc[found.frame["contributes"], "later"].sum())
    places = {
        "count": language.number(int(row["customers"]), 0),
        "day": language.date(found.day),
        "days": language.number(found.days, 0),
        "value": language.text(found.value_kind),
        "raw": language.number(float(row["raw"])),
        "contributed": _contributed(found.frame),
    }
    return Finding(
        key="relationships.contributors",
        claim=language.text("Customers who contribute go on to bring more than others with the same purchase history."),
        source="Textbook chapter 1: customers as producers",
        estimate=row["ratio"],
        criterion=Criterion(low=1.0),
        sentence=language.text(
            "The {count} customers who had {contributed} by {day} brought {{estimate}} "
            "times the {value} of others with the same history in the {days} days after ({raw} times that of all "
            "others, whatever their history)."
        ).format(**places),
        decisions={
            Verdict.SUPPORTED: "Take a contribution for a sign of a good customer: answer it, and count it when "
            "customers are chosen for care. Whether asking for more of them raises value, only a trial can tell.",
            Verdict.NOT_SUPPORTED: "Do not choose customers for care because they contribute: their history says as "
            "much. Value contributions for what others read in them.",
            Verdict.UNDECIDED: "Answer every contribution, but do not plan on contributors buying more than their "
            "history tells: the data leave it open.",
        },
        money_at_stake=Estimate.exact(brought, n=int(row["customers"]), unit=currency, method="sum"),
        money_note=language.text("{value} that they brought in the {days} days").format(**places),
    )


_DONE = {"reviews": "reviewed", "referrals": "recommended", "ideas": "helped to develop"}


def _contributed(frame: pd.DataFrame) -> str:
    """Name the ways of contributing that somebody took."""
    words = [language.text(word) for role, word in _DONE.items() if role in frame and frame[role].any()]
    if len(words) == 1:
        return words[0]
    return language.text("{first} or {last}").format(first=", ".join(words[:-1]), last=words[-1])


def _history(company: Company, day: dt.date) -> pd.DataFrame:
    """Return orders, first and last day of every customer who had bought by a day, as known on it."""
    lines = known_rows(company, "transactions", ending=day)
    bought = lines.filter(is_purchase(lines))
    each = bought.group_by("customer_id").agg(
        orders=bought.order_id.nunique(), first=bought.ordered_at.min().date(), last=bought.ordered_at.max().date()
    )
    frame: pd.DataFrame = each.order_by("customer_id").execute().set_index("customer_id").sort_index()
    if frame.empty:
        message = language.text("nobody had bought by {day}").format(day=language.date(day))
        raise TooLittleData(message)
    days = {name: (pd.Timestamp(day) - pd.to_datetime(frame[name])).dt.days for name in ("first", "last")}
    frame["log_orders"] = np.log(frame["orders"].to_numpy(dtype=float))
    frame["log_recency"] = np.log1p(days["last"] / 7)
    frame["log_age"] = np.log1p(days["first"] / 30.4375)
    return frame
