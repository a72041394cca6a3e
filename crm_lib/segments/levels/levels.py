"""Which level of relationship fits each segment, and whether the segment's margin carries it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import pandas as pd

from crm_lib import language
from crm_lib.customers.window import Value
from crm_lib.errors import TooLittleData
from crm_lib.segments.levels.grid import (
    KOTLER_GRID,
    MARGINS,
    RELATIONSHIP_LEVELS,
    SIZES,
    Level,
    Margin,
    Size,
    check_grid,
)
from crm_lib.segments.tables.profit_table import SMALL_GROUPS, SMALLEST_GROUP
from crm_lib.statistics.skewed_means import group_means

Band = TypeVar("Band", Size, Margin)
FEW_SHARE, MANY_SHARE = 0.05, 0.2
"""Shares of all customers that tell few, medium and many apart where no numbers are given."""
LOW_TIMES, HIGH_TIMES = 0.5, 2.0
"""Multiples of the mean margin of a customer that tell low, medium and high apart where no amounts are given."""


@dataclass(frozen=True, kw_only=True)
class RelationshipLevels:
    """What :func:`relationship_levels` found.

    Parameters
    ----------
    frame : DataFrame
        Indexed by ``group``, those who bring most a customer first and pooled small groups last: ``customers``,
        ``customer_share``, ``margin`` (a customer and year, after the cost to serve where that is known) with ``low``
        and ``high``, ``serving`` (cost to serve a customer and year; missing where not known), ``size``, ``band``,
        ``level``, ``possible`` (tuple of the levels that the interval of the margin leaves open, the least first),
        ``level_cost`` (what the contacts of the level cost a customer and year) and ``carried`` ("yes", "no" or "open":
        whether the margin exceeds that cost; missing where either is not known).
    size_cuts : tuple of float
        Customers from which a group is no longer few, and from which it is many.
    margin_cuts : tuple of float
        Margin a customer and year (money) from which it is no longer low, and from which it is high.
    grid : mapping
        The grid used.
    value_kind : str
        "margin", or "revenue" as a stand-in where no margin is known.
    serving_known : bool
        Whether the cost to serve was deducted.
    contacts : mapping of str to float
        Contacts a customer and year of each level.
    contact_cost : float
        Cost of one of them (money); missing where not known.
    cost_recorded : bool
        Whether that is the mean of the contacts recorded, not a number given.
    days : int
        Length of the window behind the margin.
    """

    frame: pd.DataFrame
    size_cuts: tuple[float, float]
    margin_cuts: tuple[float, float]
    grid: Mapping[tuple[Size, Margin], Level]
    value_kind: Value
    serving_known: bool
    contacts: Mapping[Level, float]
    contact_cost: float
    cost_recorded: bool
    days: int

    @property
    def each_cost(self) -> str:
        """What one contact costs, in words with a place for the amount, as a key of the texts."""
        return "at the average recorded cost of {cost} each" if self.cost_recorded else "at {cost} each"

    @property
    def settled(self) -> pd.Series[bool]:
        """Whether the interval of the margin leaves only one level."""
        return self.frame["possible"].map(len) == 1


def relationship_levels(
    groups: pd.Series[str],
    value: pd.Series[float],
    *,
    costs: pd.DataFrame | None = None,
    value_kind: Value = "margin",
    days: int = 365,
    size_cuts: tuple[float, float] | None = None,
    margin_cuts: tuple[float, float] | None = None,
    grid: Mapping[tuple[Size, Margin], Level] = KOTLER_GRID,
    contacts: Mapping[Level, float] | None = None,
    contact_cost: float | None = None,
    smallest_group: int = SMALLEST_GROUP,
    level: float = 0.95,
) -> RelationshipLevels:
    """Place groups of customers on Kotler's grid of their number and their margin.

    Parameters
    ----------
    groups : Series
        Group of each customer (segment, tier, customer group …), indexed by ``customer_id``. Customers without a group
        are left out.
    value : Series
        Margin of each customer in the window (money), before the cost to serve; customers not in it brought nothing.
    costs : DataFrame, optional
        What :func:`~crm_lib.segments.serving_costs` gave for the same window; it is deducted.
    value_kind : {"margin", "revenue"}
        What `value` is. Revenue may stand in for margin to place groups, but cannot tell whether it carries a cost.
    days : int
        Length of the window, from which money is carried to a year.
    size_cuts : tuple of float, optional
        Customers from which a group is no longer few, and from which it is many. By default 5 % and 20 % of all.
    margin_cuts : tuple of float, optional
        Margin a customer and year (money) from which it is no longer low, and from which it is high. By default half
        and twice the mean of all customers.
    grid : mapping of (size, margin) to level
        The grid.
    contacts : mapping of level to float, optional
        Contacts a customer and year that the company begins of itself; by default those of
        :data:`~crm_lib.segments.RELATIONSHIP_LEVELS`.
    contact_cost : float, optional
        Cost of such a contact (money); by default the mean of the contacts in `costs`.
    smallest_group : int
        Groups with fewer customers are pooled and have no level.
    level : float
        Nominal coverage of the intervals of the margin.

    Returns
    -------
    RelationshipLevels
        The groups with their levels.

    Raises
    ------
    TooLittleData
        If there are no customers, or their mean margin is not positive and no cuts are given.
    ValueError
        If cuts are not in order, or the grid is not complete.

    Notes
    -----
    The number of customers is counted. Their margin is an estimate, and where its interval crosses a cut, more than one
    level is possible. That a margin carries the cost of a level does not show that the contacts raise it: that takes a
    trial with a control group.

    Examples
    --------
    >>> groups = pd.Series(["best"] * 20 + ["rest"] * 480)
    >>> found = relationship_levels(groups, pd.Series([90.0, 110.0] * 10 + [4.0, 6.0] * 240))
    >>> found.frame["level"].to_dict()
    {'best': 'partnership', 'rest': 'reactive'}
    """
    check_grid(grid)
    groups = groups.dropna()
    if groups.empty:
        raise TooLittleData(language.text("there are no customers to place"))
    yearly = 365 / days
    worth = value.reindex(groups.index).fillna(0.0).astype(float) * yearly
    named = groups.astype(str)
    sizes = named.map(named.value_counts())
    named = named.where(sizes >= smallest_group, SMALL_GROUPS)
    frame = pd.DataFrame(index=sorted(named.unique()))
    cost_recorded = False
    if costs is not None:
        serving = costs["cost"].reindex(groups.index).fillna(0.0) * yearly
        worth = worth - serving
        frame["serving"] = serving.groupby(named).mean()
        if contact_cost is None and costs["contacts"].sum() > 0:
            contact_cost, cost_recorded = float(costs["cost"].sum() / costs["contacts"].sum()), True
    else:
        frame["serving"] = np.nan
    size_cuts = size_cuts or (FEW_SHARE * len(named), MANY_SHARE * len(named))
    margin_cuts = margin_cuts or _cuts(float(worth.mean()))
    for what, cuts in {"size_cuts": size_cuts, "margin_cuts": margin_cuts}.items():
        if not cuts[0] <= cuts[1]:
            raise ValueError(f"{what} must be two numbers in ascending order, not {cuts}")
    each = contacts or {one.name: one.contacts for one in RELATIONSHIP_LEVELS}
    frame = frame.join(group_means(worth, named).rename(columns={"mean": "margin"}))
    frame["customer_share"] = frame["customers"] / len(named)
    frame["size"] = _bands(frame["customers"], size_cuts, SIZES[::-1])
    frame["band"] = _bands(frame["margin"], margin_cuts, MARGINS[::-1])
    frame["level"] = [grid[cell] for cell in zip(frame["size"], frame["band"], strict=True)]
    lowest, highest = (_bands(frame[end], margin_cuts, MARGINS[::-1]) for end in ("low", "high"))
    frame["possible"] = [_possible(grid, *cell) for cell in zip(frame["size"], lowest, highest, strict=True)]
    price = np.nan if contact_cost is None else contact_cost
    frame["level_cost"] = frame["level"].map(each).astype(float) * price
    frame["carried"] = pd.Series(None, index=frame.index, dtype=object)
    if value_kind == "margin" and np.isfinite(price):
        frame["carried"] = np.select(
            [frame["low"] > frame["level_cost"], frame["high"] < frame["level_cost"]], ["yes", "no"], "open"
        )
    pooled = pd.Series(frame.index == SMALL_GROUPS, index=frame.index)
    for name in ("size", "band", "level", "carried"):
        frame[name] = frame[name].astype(object).where(~pooled, None)
    frame["level_cost"] = frame["level_cost"].where(~pooled)
    frame["possible"] = [() if small else names for small, names in zip(pooled, frame["possible"], strict=True)]
    few = pooled & (frame["customers"] < smallest_group)
    frame.loc[few, ["margin", "low", "high", "serving"]] = np.nan
    order = [
        "customers", "customer_share", "margin", "low", "high", "serving", "size", "band", "level", "possible",
        "level_cost", "carried",
    ]  # fmt: skip
    frame = frame[order].assign(pooled=pooled).sort_values(["pooled", "margin"], ascending=[True, False], kind="stable")
    return RelationshipLevels(
        frame=frame.drop(columns="pooled").rename_axis("group"),
        size_cuts=size_cuts,
        margin_cuts=margin_cuts,
        grid=grid,
        value_kind=value_kind,
        serving_known=costs is not None,
        contacts=each,
        contact_cost=price,
        cost_recorded=cost_recorded,
        days=days,
    )


def _cuts(mean: float) -> tuple[float, float]:
    if not mean > 0:
        message = language.text("customers bring nothing on average: give margin_cuts to place groups by their margin")
        raise TooLittleData(message)
    return LOW_TIMES * mean, HIGH_TIMES * mean


def _bands(numbers: pd.Series[float], cuts: tuple[float, float], names: Sequence[Band]) -> list[Band]:
    return [names[place] for place in np.searchsorted(np.asarray(cuts), numbers.to_numpy(dtype=float), side="right")]


def _possible(
    grid: Mapping[tuple[Size, Margin], Level], size: Size, lowest: Margin, highest: Margin
) -> tuple[Level, ...]:
    bands = MARGINS[MARGINS.index(highest) : MARGINS.index(lowest) + 1]
    order = [one.name for one in RELATIONSHIP_LEVELS]
    return tuple(sorted({grid[size, band] for band in bands}, key=order.index))
