"""Customers as the 3C analysis looks at them: whom the company has, had and never had, channels, and the personal."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import ibis
import numpy as np
import pandas as pd

from crm_lib.churn import Churned
from crm_lib.churn.amounts import value_before
from crm_lib.company import Company
from crm_lib.customers import Value, facts, is_purchase, known_rows, value_of
from crm_lib.errors import TooLittleData
from crm_lib.estimate import Estimate
from crm_lib.language import say
from crm_lib.retention.bridge import ratio
from crm_lib.satisfaction.answers import Survey
from crm_lib.satisfaction.weighting import estimated
from crm_lib.segments import Segmented
from crm_lib.segments.value.core_comparison import CORE

PERSONAL: Final = "personal_offers"
"""The item of a survey that asks for the wish for personal offers."""
_FROM: Final = 6
"""Rating from which a customer prefers the personal: the upper half of the scale."""
_FEWEST: Final = 30
_YEAR: Final = 365


@dataclass(frozen=True, kw_only=True, eq=False)
class Circles:
    """Whom the company has, had, and never had.

    `frame` by ``circle``: ``customers`` and ``value`` (money of the year up to `as_of`; of those who left, of the year
    up to their last purchase; missing for who never bought).
    """

    frame: pd.DataFrame
    value_kind: Value
    currency: str
    gone_after: int


def circles(company: Company, segmented: Segmented, churned: Churned) -> Circles:
    """Count core customers, the others, those who left (worth a core customer or not), and prospects who never bought.

    Parameters
    ----------
    company : Company
        The company.
    segmented : Segmented
        Its customers in tiers.
    churned : Churned
        Who has left.
    """
    known, kind = facts(company), value_of(company)
    gone = churned.frame["gone"].reindex(known.index, fill_value=False)
    core = segmented.tiers.frame["tier"].isin(CORE).reindex(known.index, fill_value=False) & ~gone
    value = known[kind].astype(float)
    left = known[gone].reset_index()[["customer_id", "last_purchase"]]
    before = pd.Series(
        value_before(company, left, left["last_purchase"] + pd.Timedelta(days=1)).to_numpy(), index=left["customer_id"]
    )
    value = before.reindex(known.index).where(gone, value)
    # Worth a core customer: as much as the least of them brought.
    like_core = gone & (value >= value[core].min()) if core.any() else gone & False
    parts = {
        "core customers": core, "other customers": ~core & ~gone, "left, worth a core customer": like_core,
        "left, others": gone & ~like_core,
    }  # fmt: skip
    rows = {name: {"customers": int(part.sum()), "value": float(value[part].sum())} for name, part in parts.items()}
    if company.has("prospects", "converted_at"):
        never = company.frame("prospects", "converted_at")["converted_at"].isna()
        rows["prospects who never bought"] = {"customers": int(never.sum()), "value": np.nan}
    frame = pd.DataFrame.from_dict(rows, orient="index").rename_axis("circle")
    return Circles(frame=frame, value_kind=kind, currency=company.currency, gone_after=churned.days)


@dataclass(frozen=True, kw_only=True, eq=False)
class ChannelMoves:
    """Through which channel the next order came, in the last year.

    `matrix` by channel of an order: share of next orders through each channel (rows sum to 1); `orders` how many.
    `moved` is the share of next orders through another channel.
    """

    matrix: pd.DataFrame
    orders: pd.Series[int]
    moved: Estimate


def channel_moves(company: Company) -> ChannelMoves:
    """Count from which channel to which customers move from one order to the next, within the last year.

    Parameters
    ----------
    company : Company
        The company; needs ``channel`` of ``transactions``.

    Raises
    ------
    TooLittleData
        If fewer than 30 customers ordered twice, or all orders came through one channel.
    """
    company.table("transactions", "channel")
    lines = known_rows(company, "transactions", days=_YEAR)
    lines = lines.filter(is_purchase(lines)).drop_null("channel")
    orders = lines.group_by("customer_id", "order_id").agg(channel=lines.channel.min(), at=lines.ordered_at.min())
    in_turn = ibis.window(group_by="customer_id", order_by=["at", "order_id"])
    pairs = orders.mutate(after=orders.channel.lead().over(in_turn)).drop_null("after")
    counts: pd.DataFrame = pairs.group_by("customer_id", "channel", "after").agg(n=ibis._.count()).execute()
    if counts["customer_id"].nunique() < _FEWEST:
        raise TooLittleData(say("needs {n} customers who ordered twice within a year", n=_FEWEST))
    if len({*counts["channel"], *counts["after"]}) < 2:
        raise TooLittleData(say("all orders came through one channel"))
    other = counts["n"].where(counts["channel"] != counts["after"], 0)
    by = pd.DataFrame({"moved": other, "all": counts["n"]}).groupby(counts["customer_id"]).sum().astype(float)
    matrix = counts.pivot_table("n", "channel", "after", aggfunc="sum", fill_value=0)
    total = matrix.sum(axis=1)
    names = total.sort_values(ascending=False, kind="stable").index
    shares = matrix.div(total, axis=0).loc[names].reindex(columns=names, fill_value=0.0)
    moved = ratio(by["moved"].to_numpy(), by["all"].to_numpy())
    return ChannelMoves(matrix=shares, orders=total[names].astype(int), moved=moved)


def prefer_the_personal(survey: Survey, segmented: Segmented | None = None) -> pd.Series[Any]:
    """Return the share who would rather have personal offers: a rating of 6 or more, of 10.

    Parameters
    ----------
    survey : Survey
        The answers, with the item ``personal_offers``; the last one of each respondent in a year counts.
    segmented : Segmented, optional
        Customers in tiers, for the share of core customers and of the others.
    """
    rows = survey.complete(PERSONAL, frame=survey.latest())
    parts = {"all who answered": rows}
    if segmented is not None:
        tier = rows["customer_id"].map(segmented.tiers.frame["tier"])
        parts |= {"core customers": rows[tier.isin(CORE)], "other customers": rows[tier.notna() & ~tier.isin(CORE)]}
    found = {name: estimated(part, part[PERSONAL] >= _FROM, kind="share") for name, part in parts.items()}
    return pd.Series({name: one for name, one in found.items() if np.isfinite(one.value)}, dtype=object)
