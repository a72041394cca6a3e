"""What to decide for each segment, in one row: size, value, change, cost to serve, relationship, action."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from crm_lib import language
from crm_lib.customers.window import Value
from crm_lib.errors import TooLittleData
from crm_lib.segments.levels.grid import RELATIONSHIP_LEVELS
from crm_lib.segments.levels.levels import RelationshipLevels
from crm_lib.segments.rfm.segment_rules import SEGMENT_RULES
from crm_lib.segments.tables.profit_table import SMALL_GROUPS, SMALLEST_GROUP
from crm_lib.statistics.proportions import holm
from crm_lib.statistics.skewed_means import skewed_interval, skewed_p_value


@dataclass(frozen=True, kw_only=True)
class Decisions:
    """One row per segment, as :func:`decisions` made it.

    Parameters
    ----------
    frame : DataFrame
        Indexed by ``group``, most valuable first and pooled small groups last: ``customers``, ``customer_share``,
        ``value``, ``value_share``, ``margin_rate`` (missing where no margin is known); where an earlier window was
        given ``customers_change`` and ``value_change`` with ``…_low``, ``…_high`` and ``…_p`` (Holm over all of the
        table), and ``change`` (what of it is real); ``serving`` (cost to serve in the window) and ``level`` where
        known; ``action``.
    value_kind : str
        "margin" or "revenue".
    compared : bool
        Whether an earlier window was given.
    looks : int
        Number of tests that the p-values are corrected for.
    level : float
        Coverage of the intervals; one less it is the chance of even one false alarm.
    """

    frame: pd.DataFrame
    value_kind: Value
    compared: bool
    looks: int
    level: float


def decisions(
    groups: pd.Series[str],
    window: pd.DataFrame,
    *,
    groups_before: pd.Series[str] | None = None,
    window_before: pd.DataFrame | None = None,
    value_kind: Value = "margin",
    costs: pd.DataFrame | None = None,
    levels: RelationshipLevels | None = None,
    actions: Mapping[str, str] | None = None,
    smallest_group: int = SMALLEST_GROUP,
    level: float = 0.95,
) -> Decisions:
    """Bring together what is known of each segment, and mark the changes that chance does not explain.

    The segments of an earlier window are compared with those of this one, each with the members it had *then*. To
    follow today's members back would mislead: who is a champion today has grown by definition. Both windows should be
    cut by the same rule (the earlier scores with today's cut points).

    Parameters
    ----------
    groups : Series
        Segment of each customer of the window, indexed by ``customer_id``.
    window : DataFrame
        What :func:`~crm_lib.segments.customer_window` gave.
    groups_before, window_before : Series and DataFrame, optional
        The same of the window before, of the same length and cut by the same rule.
    value_kind : {"margin", "revenue"}
        Column of the windows that is the value.
    costs : DataFrame, optional
        What :func:`~crm_lib.segments.serving_costs` gave for the window.
    levels : RelationshipLevels, optional
        What :func:`~crm_lib.segments.relationship_levels` gave for the same groups.
    actions : mapping of str to str, optional
        What to do with each segment. By default that of :data:`~crm_lib.segments.SEGMENT_RULES`; groups that it does
        not name do what their relationship level asks for.
    smallest_group : int
        Groups with fewer customers, in either window, are pooled.
    level : float
        Nominal coverage of each interval.

    Returns
    -------
    Decisions
        One row per segment.

    Raises
    ------
    TooLittleData
        If no customer of the window has a segment.
    ValueError
        If a window lacks the column of the value, or only one of the two things of the earlier window is given.

    Notes
    -----
    Each customer adds :math:`d_i`, what it brings to the segment now less what it brought before. The number of
    customers is itself a matter of chance, as in a compound Poisson process, so that the variance of the change
    :math:`\\sum d_i` is :math:`\\sum d_i^2`; Hall's transformation takes the skewness out of the intervals (the
    differences under test are symmetric where nothing has changed). A customer who stays counts
    with the difference only, so that lasting differences between customers do not count as chance. How well the
    variance is known tell :math:`2 (\\sum d_i^2)^2 / (\\sum d_i^4 - (\\sum d_i^2)^2 / n)` degrees of freedom, *n* being
    the customers with a difference.

    References
    ----------
    Hall, P. (1992). On the removal of skewness by transformation. Journal of the Royal Statistical Society B 54(1).
    Satterthwaite, F. E. (1946). An Approximate Distribution of Estimates of Variance Components. Biometrics Bulletin 2.
    Holm, S. (1979). A simple sequentially rejective multiple test procedure. Scandinavian Journal of Statistics 6.
    """
    if (groups_before is None) != (window_before is None):
        raise ValueError("an earlier window needs both its groups and its values")
    for name, frame in {"window": window, "window_before": window_before}.items():
        if frame is not None and value_kind not in frame:
            raise ValueError(f"the {name} has no column '{value_kind}'; it has {', '.join(map(str, frame.columns))}")
    now = _members(groups, window)
    if now.empty:
        raise TooLittleData(language.text("no customer of the window has a segment"))
    before = now.iloc[:0] if groups_before is None or window_before is None else _members(groups_before, window_before)
    sizes = [part.groupby("group").size() for part in ((now, before) if len(before) else (now,))]
    small = {name for size in sizes for name, count in size.items() if count < smallest_group}
    # A segment that was not there in one of the windows is small in it.
    small |= set(sizes[0].index) ^ set(sizes[-1].index)
    now, before = (
        part.assign(group=part["group"].where(~part["group"].isin(small), SMALL_GROUPS)) for part in (now, before)
    )
    grouped = now.groupby("group")
    frame = grouped.agg(customers=(value_kind, "size"), value=(value_kind, "sum"))
    frame.insert(1, "customer_share", frame["customers"] / len(now))
    total = frame["value"].sum()
    frame["value_share"] = frame["value"] / total if total > 0 else np.nan
    revenue = grouped["revenue"].sum()
    frame["margin_rate"] = frame["value"] / revenue.where(revenue > 0) if value_kind == "margin" else np.nan
    looks = 0
    if groups_before is not None:
        changes = _changes(now, before, value_kind, frame.index, level=level)
        looks = 2 * len(changes)
        frame = frame.join(changes)
        frame["change"] = [_words(row, 1 - level) for row in frame.to_dict("records")]
    if costs is not None:
        frame["serving"] = costs["cost"].reindex(now.index).fillna(0.0).groupby(now["group"]).sum()
    if levels is not None:
        frame["level"] = levels.frame["level"].reindex(frame.index)
    frame["action"] = _actions(frame, actions)
    few = (frame.index == SMALL_GROUPS) & (frame["customers"] < smallest_group)
    frame.loc[few, [name for name in frame if pd.api.types.is_float_dtype(frame[name])]] = np.nan
    ordered = frame.assign(pooled=frame.index == SMALL_GROUPS)
    ordered = ordered.sort_values(["pooled", "value"], ascending=[True, False], kind="stable").drop(columns="pooled")
    return Decisions(
        frame=ordered.rename_axis("group"),
        value_kind=value_kind,
        compared=groups_before is not None,
        looks=looks,
        level=level,
    )


def _members(groups: pd.Series[str], window: pd.DataFrame) -> pd.DataFrame:
    names = [name for name in ("margin", "revenue") if name in window]
    return window[names].join(groups.dropna().astype(str).rename("group"), how="inner")


def _changes(
    now: pd.DataFrame, before: pd.DataFrame, value_kind: Value, names: pd.Index[str], *, level: float
) -> pd.DataFrame:
    """Return the change of customers and value of each group, with interval and corrected p-value."""
    rows = {}
    for measure in ("customers", "value"):
        signed = []
        for part, sign in ((now, 1.0), (before, -1.0)):
            amount = part[value_kind] if measure == "value" else pd.Series(1.0, index=part.index)
            signed.append(pd.DataFrame({"customer": part.index, "group": part["group"], "d": sign * amount}))
        each = pd.concat(signed).groupby(["group", "customer"])["d"].sum()
        by_group = each.groupby(level="group")
        change = by_group.sum().reindex(names)
        squares, cubes, fourth = ((each**power).groupby(level="group").sum().reindex(names) for power in (2, 3, 4))
        moved = (each != 0).groupby(level="group").sum().reindex(names)
        error = np.sqrt(squares)
        # A few large customers make the variance itself uncertain, as Satterthwaite's degrees of freedom tell.
        doubt = fourth - squares**2 / moved.where(moved > 0)
        free = (2 * squares**2 / doubt.where(doubt > 1e-9 * fourth)).fillna(np.inf)
        k = np.nan_to_num((cubes / squares.where(squares > 0) ** 1.5).to_numpy())
        low, high = skewed_interval(change, error, k, freedom=free)
        rows[f"{measure}_change"] = change
        rows[f"{measure}_change_low"] = pd.Series(low, index=names)
        rows[f"{measure}_change_high"] = pd.Series(high, index=names)
        # Without a real change now and before are alike, and their differences not skewed.
        p_values = skewed_p_value(change, error, np.zeros(len(names)), freedom=free)
        rows[f"{measure}_change_p"] = pd.Series(p_values, index=names)
    table = pd.DataFrame(rows)
    p_names = ["customers_change_p", "value_change_p"]
    table[p_names] = holm(table[p_names].to_numpy().ravel()).reshape(-1, 2)
    return table


def _words(row: Mapping[Hashable, Any], alpha: float) -> str:
    """Return what of the change is real, as a key of the texts."""
    words = []
    for measure, less in (("customers", "fewer"), ("value", "less")):
        if row[f"{measure}_change_p"] < alpha:
            words.append(f"{'more' if row[f'{measure}_change'] > 0 else less} {measure}")
    return ", ".join(words) or "no detectable change"


def _actions(frame: pd.DataFrame, actions: Mapping[str, str] | None) -> list[str]:
    by_segment = {rule.name: rule.action for rule in SEGMENT_RULES} if actions is None else actions
    by_level = {str(one.name): one.action for one in RELATIONSHIP_LEVELS}
    levels = frame["level"] if "level" in frame else pd.Series("", index=frame.index)
    return [
        by_segment.get(str(name)) or by_level.get(str(level), "")
        for name, level in zip(frame.index, levels, strict=True)
    ]
