"""What customers who answered bought afterwards; loyalty as behaviour and attitude: true, latent, spurious or none."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pandas as pd

from crm_lib.company import Company
from crm_lib.customers import customer_window, facts, value_of
from crm_lib.estimate import Estimate
from crm_lib.satisfaction.answers import FEWEST, Survey, enough
from crm_lib.satisfaction.weighting import estimated
from crm_lib.statistics.skewed_means import group_means

INTENDS, DOES = "intends to stay", "bought again"
STAYS_FROM: Final = 7
"""Rating of the intention to buy again from which a customer means to stay."""
FOLLOWED_DAYS: Final = 182
"""Days after which is asked who bought again: half a year, so that the season matters less."""
ASKED_DAYS: Final = 365
"""Days up to then in which a customer's last answer counts."""
KINDS: Final = {
    "true": ("buys often and means to stay", "Thank them, and ask them to recommend you"),
    "spurious": ("buys often without meaning to stay", "Find out what dissatisfies before a rival opens"),
    "latent": ("means to stay but buys seldom", "Remove what keeps them from buying: range, channel, reminder"),
    "none": ("neither", "Serve by rule; no cost for keeping"),
}
"""Dick & Basu (1994), Journal of the Academy of Marketing Science 22, 99-113; what each is, and what to do."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Followed:
    """The last answer of each active customer up to `day`, and what followed.

    `frame` by answer, its items and, as known on the day: ``purchase_days`` and ``value`` (money) of the year before;
    ``stayed`` (1.0 for who bought in the following half-year, else 0.0) and ``later`` (value of those days, money).
    """

    frame: pd.DataFrame
    day: dt.date


def follow_answers(company: Company, survey: Survey) -> Followed:
    """Return what active customers who answered bought in the half-year after a day, by what was known on it."""
    day, kind = company.as_of - dt.timedelta(days=FOLLOWED_DAYS), value_of(company)
    known = facts(company, day)
    moment = pd.Timestamp(day)
    asked = survey.frame["responded_at"].between(moment - pd.Timedelta(days=ASKED_DAYS - 1), moment)
    rows = survey.frame[asked].drop_duplicates("respondent", keep="last")
    rows = rows[rows["customer_id"].isin(known.index[known["purchase_days"] > 0])]
    enough("needs {least} customers who had bought and answered half a year ago; there are {n}", n=len(rows))
    before = known.loc[rows["customer_id"]]
    after = customer_window(company, days=FOLLOWED_DAYS).reindex(before.index)
    more = {"value": before[kind], "purchase_days": before["purchase_days"],
            "stayed": after["orders"].fillna(0) > 0, "later": after[kind].fillna(0.0)}  # fmt: skip
    return Followed(frame=rows.assign(**{name: each.to_numpy(dtype=float) for name, each in more.items()}), day=day)


@dataclass(frozen=True, kw_only=True, eq=False)
class Loyalty:
    """What :func:`loyalty_kinds` found: `frame` by kind of loyalty, as of `day`.

    ``customers``, ``share`` (Estimate), ``value`` (mean of the year before, money), ``later`` (Estimate: mean of the
    half-year after), ``silent`` (Estimate: share that bought nothing in it) and ``action``; kinds with fewer than ten
    customers are left out. `often_from` are the purchase days from which a customer buys often.
    """

    frame: pd.DataFrame
    often_from: float
    day: dt.date
    currency: str


def loyalty_kinds(company: Company, survey: Survey) -> Loyalty:
    """Cross what customers do with what they feel, as known on an earlier day, and follow them up.

    A customer buys often with more purchase days in the year than the median of those asked, and means to stay with a
    rating of seven or more.

    Parameters
    ----------
    company : Company
        The company; needs ``transactions``.
    survey : Survey
        Its answers; they must name customers.
    """
    followed = follow_answers(company, survey)
    rows = survey.complete("loyalty", frame=followed.frame)
    median = float(rows["purchase_days"].median())
    often, means = rows["purchase_days"] > median, rows["loyalty"] >= STAYS_FROM
    kind = pd.Series(np.select([often & means, often, means], ["true", "spurious", "latent"], "none"), index=rows.index)
    later: Any = group_means(rows["later"], kind)
    table: dict[str, dict[str, Any]] = {}
    for name, (_, action) in KINDS.items():
        part = rows[kind == name]
        if len(part) >= FEWEST:
            mean, low, high = (float(later.loc[name, end]) for end in ("mean", "low", "high"))
            table[name] = {
                "customers": len(part), "share": estimated(rows, kind == name, kind="share"),
                "value": float(part["value"].mean()),
                "later": Estimate(value=mean, low=low, high=high, n=len(part), method="Hall", unit=company.currency),
                "silent": estimated(part, 1 - part["stayed"], kind="share"), "action": action,
            }  # fmt: skip
    frame = pd.DataFrame.from_dict(table, orient="index").rename_axis("kind")
    return Loyalty(frame=frame, often_from=median + 1, day=followed.day, currency=company.currency)
