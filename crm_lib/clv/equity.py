"""Customer equity of groups: segments, channels, or the cohorts in which customers were won."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
import pandas as pd

from crm_lib.clv.intervals import equal_tails
from crm_lib.clv.potential import NOT_KNOWN
from crm_lib.clv.value import CustomerValue

SMALL_GROUPS = "(small groups)"
SMALLEST_GROUP = 10
"""Customers that a group must have to be shown by itself."""


def equity_by(value: CustomerValue, groups: pd.Series[str], *, smallest_group: int = SMALLEST_GROUP) -> pd.DataFrame:
    """Add up what customers are worth by group, with intervals.

    Parameters
    ----------
    value : CustomerValue
        Value of every customer.
    groups : Series
        Group of each customer, indexed by ``customer_id``; customers that it leaves out, or whose group is missing,
        count as ``"(not known)"``, and those it has in excess do not count.
    smallest_group : int
        Groups with fewer customers are pooled as ``"(small groups)"``: they say little, and name persons.

    Returns
    -------
    DataFrame
        Indexed by group in order, the pooled and the unknown last: ``customers``, ``historical``, ``current``,
        ``current_low``, ``current_high``, ``potential``, ``potential_low``, ``potential_high`` and ``share_of_equity``
        (of the current value of all). The groups add up to the totals.

    Raises
    ------
    ValueError
        If a customer is in two groups.
    """
    labels = group_labels(groups, value.frame.index, smallest_group=smallest_group)
    names = list(labels.cat.categories)
    codes = labels.cat.codes.to_numpy().astype(np.intp)
    drawn = value.future.by_group(codes, len(names))
    parts = ["historical", "current", "potential"]
    sums = value.frame[parts].groupby(labels, observed=False).sum()
    table = pd.DataFrame(
        {"customers": labels.value_counts(sort=False).astype("int64"), "historical": sums["historical"]}
    )
    for part in ("current", "potential"):
        low, high = equal_tails(getattr(drawn, part), value.level)
        table[part] = sums[part]
        table[f"{part}_low"], table[f"{part}_high"] = np.minimum(low, sums[part]), np.maximum(high, sums[part])
    total = value.totals["equity"].value
    table["share_of_equity"] = table["current"] / total if total > 0 else np.nan
    table.index = pd.Index(names, name=groups.name if groups.name is not None else "group")
    return table


def acquisition_cohorts(value: CustomerValue, *, per: Literal["year", "quarter"] = "year") -> pd.Series[str]:
    """Return the cohort in which each customer was won, for :func:`equity_by`.

    Parameters
    ----------
    value : CustomerValue
        Value of every customer.
    per : {"year", "quarter"}
        Length of a cohort.

    Returns
    -------
    Series
        The year ("2025") or quarter ("2025 Q3") of the first purchase, indexed by ``customer_id``.

    Raises
    ------
    ValueError
        If `per` is neither.
    """
    if per not in ("year", "quarter"):
        raise ValueError(f"per is 'year' or 'quarter', not {per!r}")
    first = value.summary["first_purchase"]
    names = first.dt.year.astype(str)
    if per == "quarter":
        names = names + " Q" + first.dt.quarter.astype(str)
    cohorts: pd.Series[str] = names.rename("cohort")
    return cohorts


def group_labels(groups: pd.Series[str], index: pd.Index, *, smallest_group: int) -> pd.Series[Any]:
    """Return the group of each customer, small ones pooled and missing ones named.

    Parameters
    ----------
    groups : Series
        Groups by customer.
    index : Index (N,)
        The customers wanted.
    smallest_group : int
        Fewest customers of a group.

    Returns
    -------
    Series of category (N,)
        Categories in order: the groups, then the pooled, then the unknown.

    Raises
    ------
    ValueError
        If a customer is in two groups.
    """
    if not groups.index.is_unique:
        twice = groups.index[groups.index.duplicated()][:3].tolist()
        raise ValueError(f"each customer must be in one group; given twice: {twice}")
    found = groups.reindex(index).astype(object)
    labels = found.where(found.notna(), NOT_KNOWN).map(str)
    sizes = labels.value_counts()
    small = sizes.index[(sizes < smallest_group) & (sizes.index != NOT_KNOWN)]
    if len(small) and len(sizes) > 1:
        labels = labels.where(~labels.isin(small), SMALL_GROUPS)
    last = [name for name in (SMALL_GROUPS, NOT_KNOWN) if (labels == name).any()]
    ordered = sorted(set(labels) - set(last)) + last
    return labels.astype(pd.CategoricalDtype(ordered))
