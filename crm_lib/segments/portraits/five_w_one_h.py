"""Who, what, why, where, when and how: what sets the customers of one segment apart from all others."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import ibis
import ibis.expr.types as ir
import numpy as np
import pandas as pd
from scipy import stats

from crm_lib import language
from crm_lib.company import Company
from crm_lib.customers import exact_sum
from crm_lib.errors import TooLittleData
from crm_lib.estimate import Estimate
from crm_lib.segments.portraits.aspects import QUESTIONS, Aspect, aspects
from crm_lib.segments.tables.profit_table import SMALLEST_GROUP
from crm_lib.statistics.proportions import benjamini_hochberg, newcombe, wilson
from crm_lib.statistics.resampling import Floats

_COLUMNS = ("question", "aspect", "value", "unit", "segment", "elsewhere", "difference", "p_value", "holds")


@dataclass(frozen=True, kw_only=True)
class Profile5W1H:
    """A segment beside all other customers, as :func:`five_w_one_h` compared them.

    Parameters
    ----------
    frame : DataFrame
        One row a comparison, in the order of the questions: ``question``, ``aspect``, ``value`` (empty where the
        aspect is one number), ``unit`` ("share", "money" or "number"), ``segment`` and ``elsewhere`` (the share or
        mean in the segment and among all others), ``difference`` (an :class:`~crm_lib.estimate.Estimate`),
        ``p_value`` (as it was found) and ``holds`` (whether the difference is called real).
    name : str
        What a reader calls the segment.
    customers, others : int
        Number of customers in the segment and elsewhere.
    days : int
        Length of the window for what happens in time.
    false_discoveries : float
        Of the differences called real, the share that may be chance.
    """

    frame: pd.DataFrame
    name: str
    customers: int
    others: int
    days: int
    false_discoveries: float

    @property
    def questions(self) -> tuple[str, ...]:
        """The questions that the company's data can answer."""
        return tuple(question for question in QUESTIONS if (self.frame["question"] == question).any())


def five_w_one_h(
    company: Company,
    groups: pd.Series[Any],
    group: str | bool = True,
    *,
    name: str = "",
    days: int = 365,
    needs: Sequence[str] = ("main_interest",),
    most: int = 20,
    smallest_group: int = SMALLEST_GROUP,
    level: float = 0.95,
    false_discoveries: float = 0.05,
) -> Profile5W1H:
    """Compare the customers of a segment with all others on who, what, why, where, when and how.

    The company's engine adds up; of each comparison only a few sums come back. What the company does not know is
    left out. A profile describes: a difference says nothing of what made it.

    Parameters
    ----------
    company : Company
        The company.
    groups : Series (N,)
        The segment of each customer, or whether the customer is in it; indexed by ``customer_id``. Customers without
        an entry are not compared.
    group : str or bool
        The segment to describe.
    name : str
        What a reader calls it; by default as it is called in `groups`.
    days : int
        Length of the window that ends at ``as_of``, for purchases, contacts, complaints and answers.
    needs : sequence of str
        Columns of ``customers`` that tell what a customer is after; they answer "why".
    most : int
        Of each aspect with many values, such as products, those that most customers share are compared.
    smallest_group : int
        Values that fewer customers share are neither named nor compared.
    level : float
        Coverage of each interval by itself.
    false_discoveries : float
        Of the differences called real, the share that may be chance.

    Returns
    -------
    Profile5W1H
        The comparisons.

    Raises
    ------
    TooLittleData
        If the segment, or what is left beside it, has fewer than `smallest_group` customers.
    ValueError
        If there is no such segment, a customer has two entries, or a share lies outside 0 and 1.

    Notes
    -----
    Every comparison is of a ratio of sums over customers, :math:`r = \\sum y_i / \\sum x_i`: of customers by head
    (:math:`x_i = 1`), of spend, or of orders. Its variance is :math:`n / (n - 1) \\sum (y_i - r x_i)^2 / (\\sum
    x_i)^2`, customers being independent of one another and not their orders; differences have Welch's interval.
    Shares of customers have Newcombe's interval, which holds near 0 and 1 too. Over all comparisons the false discovery
    rate is controlled by the procedure of Benjamini and Hochberg.

    References
    ----------
    Benjamini, Y. & Hochberg, Y. (1995). Controlling the false discovery rate. Journal of the Royal Statistical
    Society B 57, 289-300.
    Newcombe, R. G. (1998). Interval estimation for the difference between independent proportions. Statistics in
    Medicine 17, 873-890, method 10.
    """
    for words, share in (("level", level), ("false_discoveries", false_discoveries)):
        if not 0 < share < 1:
            raise ValueError(f"{words} must lie between 0 and 1, not {share}")
    inside = _inside(groups, group)
    customers, others = int(inside.sum()), int((~inside).sum())
    if min(customers, others) < smallest_group:
        message = language.text("{customers} customers are in the segment and {others} are not: {fewest} are needed")
        counts = {"customers": customers, "others": others, "fewest": smallest_group}
        raise TooLittleData(message.format(**{key: language.number(count, 0) for key, count in counts.items()}))
    members = ibis.memtable(pd.DataFrame({"customer_id": inside.index.astype(str), "inside": inside.to_numpy()}))
    rows = [
        row
        for aspect in aspects(company, days=days, needs=needs)
        for row in _compared(aspect, members, most=most, smallest_group=smallest_group, level=level)
    ]
    frame = pd.DataFrame(rows, columns=list(_COLUMNS[:-1]))
    adjusted = benjamini_hochberg(frame["p_value"].to_numpy(dtype=float))
    clear = np.array([each.low > 0 or each.high < 0 for each in frame["difference"]], dtype=bool)
    frame["holds"] = (adjusted <= false_discoveries) & clear
    return Profile5W1H(
        frame=frame,
        name=name or str(group),
        customers=customers,
        others=others,
        days=days,
        false_discoveries=false_discoveries,
    )


def _inside(groups: pd.Series[Any], group: str | bool) -> pd.Series[bool]:
    if not groups.index.is_unique:
        raise ValueError("a customer has two entries in the groups: give one row a customer")
    known = groups.dropna()
    inside = (known == group).astype(bool)
    if not inside.any():
        options = ", ".join(sorted(map(str, known.unique()))) or "none"
        raise ValueError(f"no customer is in the segment {group!r}; the segments are: {options}")
    return inside.rename("inside")


def _compared(
    aspect: Aspect, members: ir.Table, *, most: int, smallest_group: int, level: float
) -> list[tuple[Any, ...]]:
    """Return a row for each value of the aspect that is worth a comparison."""
    if aspect.whole is None:
        whole = members.mutate(x=ibis.literal(1.0))
    else:
        whole = members.inner_join(aspect.whole, "customer_id")
    whole = whole.filter(whole.x > 0).select("customer_id", "inside", "x")
    both = aspect.parts.inner_join(whole, "customer_id").select("inside", "value", "y", "x")
    # One question to the engine for both: the sums over all who count stand beside those of no value.
    alone = whole.select("inside", value=ibis.null("string"), y=whole.x, x=whole.x)
    all_rows = both.mutate(value=both.value.cast("string")).union(alone)
    sums = all_rows.group_by(["value", "inside"]).agg(
        holders=(all_rows.y != 0).sum(), y=exact_sum(all_rows.y), yy=exact_sum(all_rows.y * all_rows.y),
        xy=exact_sum(all_rows.x * all_rows.y),
    )  # fmt: skip
    table: pd.DataFrame = sums.execute()
    of_all = table["value"].isna()
    sides = table[of_all].drop(columns="value").set_index("inside").reindex([True, False]).fillna(0.0)
    if (sides["holders"] < smallest_group).any():
        return []
    found = table[~of_all].set_index(["value", "inside"])
    values = pd.MultiIndex.from_product([sorted(found.index.unique("value")), [True, False]])
    found = found.reindex(values, fill_value=0.0).astype(float)
    holders = found["holders"].groupby(level=0).sum()
    holders = holders[holders >= smallest_group].sort_values(ascending=False, kind="stable").head(most)
    rows = []
    for value in sorted(holders.index):
        pair = found.loc[value]
        compared = (_heads if aspect.heads else _ratios)(pair, sides, aspect.unit, level)
        if compared is not None:
            rows.append((aspect.question, aspect.name, value, aspect.unit, *compared))
    return rows


def _ratios(pair: pd.DataFrame, sides: pd.DataFrame, unit: str, level: float) -> tuple[Any, ...] | None:
    n, x, xx = (sides[name].to_numpy(dtype=float) for name in ("holders", "y", "yy"))
    y, yy, xy = (pair[name].reindex([True, False]).to_numpy(dtype=float) for name in ("y", "yy", "xy"))
    ratio = y / x
    variance = n / (n - 1) * np.maximum(yy - 2 * ratio * xy + ratio**2 * xx, 0.0) / x**2
    error = float(np.sqrt(variance.sum()))
    if error <= 1e-12 * max(float(np.abs(ratio).max()), 1e-300):
        return None
    freedom = variance.sum() ** 2 / (variance**2 / (n - 1)).sum()
    difference = float(ratio[0] - ratio[1])
    reach = float(stats.t.ppf((1 + level) / 2, freedom)) * error
    p_value = float(2 * stats.t.sf(abs(difference) / error, freedom))
    interval = (difference - reach, difference + reach)
    return ratio[0], ratio[1], _estimate(difference, interval, n, unit, level, "Welch, ratio of sums"), p_value


def _heads(pair: pd.DataFrame, sides: pd.DataFrame, unit: str, level: float) -> tuple[Any, ...] | None:
    n = sides["holders"].to_numpy(dtype=float)
    k = pair["y"].reindex([True, False]).to_numpy(dtype=float)
    share, pooled = k / n, k.sum() / n.sum()
    error = float(np.sqrt(pooled * (1 - pooled) * (1 / n).sum()))
    if error == 0:
        return None
    difference = float(share[0] - share[1])
    told = newcombe(*(wilson(int(part), int(whole), level=level) for part, whole in zip(k, n, strict=True)))
    estimate = _estimate(difference, (told.low, told.high), n, unit, level, told.method)
    return share[0], share[1], estimate, float(2 * stats.norm.sf(abs(difference) / error))


def _estimate(value: float, interval: tuple[float, float], n: Floats, unit: str, level: float, method: str) -> Estimate:
    low, high = interval
    return Estimate(
        value=value,
        low=low,
        high=high,
        n=int(n.sum()),
        level=level,
        method=method,
        unit="share" if unit == "share" else "",
    )
