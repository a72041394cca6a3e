"""Two periods beside each other: what customers won, grown, shrunk, kept, lost and returned changed, to the cent."""

from __future__ import annotations

import datetime as dt
import math
from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd

from crm_lib.company import Company
from crm_lib.customers import Value, customer_summary, customer_window, value_of
from crm_lib.errors import TooLittleData
from crm_lib.estimate import Estimate
from crm_lib.finding import Criterion, Finding
from crm_lib.language import say
from crm_lib.statistics.proportions import wilson
from crm_lib.statistics.skewed_means import skewed_interval

CLASSES: Final = ("lost", "shrunk", "kept", "grown", "returned", "won", "returns only")
"""What became of a customer between the two periods, in the order in which a bridge is walked."""
_YEAR = 365
_FEWEST = 30
"""Customers whom the earlier period must have: fewer give no rate."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Bridge:
    """What customers brought in two periods of `days` days, the later one ending on `as_of`.

    `frame` by ``customer_id``: ``before`` and ``now`` (money), and ``became``, one of :data:`CLASSES`. `table` by
    class: ``customers``, ``before``, ``now`` and ``change``; changes sum to the difference of the totals. `net` is the
    share of the earlier value that the same customers bring now, `gross` the same with nobody above what they brought
    then. `kept` is the share of the earlier customers who bought again, `returned` that of those silent before who came
    back.
    """

    frame: pd.DataFrame
    table: pd.DataFrame
    net: Estimate
    gross: Estimate
    kept: Estimate
    returned: Estimate
    days: int
    as_of: dt.date
    value_kind: Value
    currency: str

    @property
    def totals(self) -> tuple[float, float]:
        """Value of the earlier and of the later period."""
        return math.fsum(self.frame["before"]), math.fsum(self.frame["now"])


def bridge(company: Company) -> Bridge:
    """Split the change between the last two years, or halves of shorter data, by what became of customers.

    Who bought in both periods has grown, shrunk or kept; who bought in the earlier one only is lost. Who bought in the
    later one only was won in it, or has returned from before the earlier one. Values are margin where it is known,
    less returns.

    Parameters
    ----------
    company : Company
        The company.

    Returns
    -------
    Bridge
        The split, and the rates of retention.

    Raises
    ------
    TooLittleData
        If the earlier period has fewer than 30 customers, or brought nothing.
    """
    summary = customer_summary(company, "D")
    if summary.empty:
        raise TooLittleData(say("nobody has bought"))
    first = summary["first_purchase"].min().date()
    days = min(_YEAR, ((company.as_of - first).days + 1) // 2)
    if days < 1:
        raise TooLittleData(say("needs purchases on two days"))
    kind = value_of(company)
    begin = company.as_of - dt.timedelta(days=days)
    now, before = customer_window(company, days=days), customer_window(company, days=days, ending=begin)
    if (before["orders"] > 0).sum() < _FEWEST or not before[kind].sum() > 0:
        raise TooLittleData(
            say("needs {n} customers who bought, and value, in the {days:count} days up to {day:date}", n=_FEWEST,
                days=days, day=begin)
        )  # fmt: skip
    frame = pd.DataFrame({"before": before[kind], "now": now[kind]}).fillna(0.0).rename_axis("customer_id")
    was, still = ((each["orders"].reindex(frame.index) > 0).to_numpy() for each in (before, now))
    known = (summary["first_purchase"].reindex(frame.index) <= pd.Timestamp(begin)).to_numpy()
    change = frame["now"] - frame["before"]
    frame["became"] = np.select(
        [was & ~still, was & (change < 0), was & (change > 0), was, still & known, still],
        ["lost", "shrunk", "grown", "kept", "returned", "won"], "returns only",
    )  # fmt: skip
    silent = int((summary["first_purchase"] <= pd.Timestamp(begin)).sum() - was.sum())
    base = frame[was]
    return Bridge(
        frame=frame, table=_table(frame), days=days, as_of=company.as_of, value_kind=kind, currency=company.currency,
        net=ratio(base["now"].to_numpy(), base["before"].to_numpy()),
        gross=ratio(base[["now", "before"]].min(axis=1).to_numpy(), base["before"].to_numpy()),
        kept=wilson(int((was & still).sum()), int(was.sum())),
        returned=wilson(int((frame["became"] == "returned").sum()), silent),
    )  # fmt: skip


def ratio(later: np.ndarray, earlier: np.ndarray, *, unit: str = "share") -> Estimate:
    """Return the ratio of two sums over the same customers (delta method, Hall's correction for skewness).

    Of 2,000 customers with lognormal money (spread 1.2) a nominal 95 % covered in 94 %, of 300 in 89 %.
    """
    n, total = later.size, float(earlier.sum())
    value = float(later.sum()) / total
    residual = later - value * earlier
    squares = float((residual**2).sum())
    method = "ratio of sums, delta method with Hall's correction for skewness"
    if not squares > 0:
        return Estimate.exact(value, n=n, unit=unit, method=method)
    skew = float((residual**3).mean()) / (squares / n) ** 1.5 / np.sqrt(n)
    low, high = skewed_interval(value, np.sqrt(squares * n / (n - 1)) / abs(total), skew, freedom=n - 1)
    return Estimate(value=value, low=float(low), high=float(high), n=n, unit=unit, method=method)


def finding_net_retention(found: Bridge) -> Finding:
    """Return the finding on whether the customers of before bring as much now as then."""
    changes = found.table["change"]
    lost = float(changes.reindex(["lost", "shrunk"]).sum())
    won = float(changes.reindex(["won", "returned"]).sum())
    return Finding(
        key="retention.net_value",
        claim="Customers of the period before bring as much now as they did then.",
        source="Textbook, three paths to growth: win, grow, keep",
        estimate=found.net,
        criterion=Criterion(low=1.0),
        sentence="Customers of the {days:count} days before now bring {estimate} of what they brought; leaving and "
        "buying less cost {lost:short}.",
        if_supported="Growth stands without new customers: invest first in those you have.",
        if_not_supported="New and returning customers ({won:short}) must first refill what leaks: start with the "
        "largest leak in the bridge."
        if won > 0
        else "Nobody was won or came back to refill what leaks: start with the largest leak in the bridge.",
        if_undecided="Watch another period; the two periods differ by no more than chance.",
        values={"days": found.days, "lost": -lost, "won": won},
        currency=found.currency,
        money_at_stake=Estimate.exact(-lost, n=len(found.frame), unit=found.currency, method="sum"),
        money_note="of the period before, gone with customers lost and with those who buy less",
    )


def _table(frame: pd.DataFrame) -> pd.DataFrame:
    by = frame.groupby("became")
    table = pd.DataFrame({
        "customers": by.size(), "before": by["before"].agg(math.fsum), "now": by["now"].agg(math.fsum),
    })  # fmt: skip
    table = table.reindex([name for name in CLASSES if name in table.index]).rename_axis("became")
    return table.assign(change=table["now"] - table["before"])
