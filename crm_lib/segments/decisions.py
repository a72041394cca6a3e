"""What to decide for each segment, in one row: size, value, change, cost to serve, relationship, action."""

from __future__ import annotations

import contextlib
import datetime as dt
from dataclasses import dataclass

import numpy as np
import pandas as pd

from crm_lib.company import Company
from crm_lib.customers.window import Basis
from crm_lib.errors import TooLittleData
from crm_lib.estimate import LEVEL
from crm_lib.language import say
from crm_lib.segments.profit import SMALL_GROUPS, SMALLEST_GROUP
from crm_lib.segments.relationship_levels import RELATIONSHIP_LEVELS, RelationshipLevels
from crm_lib.segments.rfm.in_engine import Segmented, segment_customers
from crm_lib.segments.rfm.movement import data_begin
from crm_lib.statistics.proportions import holm
from crm_lib.statistics.skewed_means import skewed_interval, skewed_p_value

_SLACK = 0.02
"""Share of a window that may pass before the first order without the window counting as cut short."""


@dataclass(frozen=True, kw_only=True)
class Decisions:
    """One row per segment, most valuable first and pooled small groups last.

    Where there is a window before, ``customers_change`` and ``value_change`` with ``…_low``, ``…_high`` and ``…_p``
    (Holm over all of the table), and ``change`` (what of it holds); ``serving`` (cost to serve a customer and year) and
    ``level`` where known. `compared` says whether the data reach back to the window before.
    """

    frame: pd.DataFrame
    basis: Basis
    compared: bool


def window_before(company: Company, *, days: int) -> dt.date:
    """Return the last day of the window before the last one.

    Where the first order known came after that window had begun, it is too little: everything would seem to grow.
    """
    ending, begin = company.as_of - dt.timedelta(days=days), data_begin(company)
    if begin is None or (begin - ending).days + days > 1 + _SLACK * days:
        raise TooLittleData(say("the window before is needed, and the data do not reach back so far"))
    return ending


def decisions(company: Company, segmented: Segmented, levels: RelationshipLevels | None = None) -> Decisions:
    """Bring together what is known of each RFM segment, changes against the window before included.

    The segments of the window before are those whom today's rule would have put there then: following today's members
    back would mislead, as who is a champion today has grown by definition.

    Parameters
    ----------
    company, segmented : Company, Segmented
        The company and its customers of the last window in segments.
    levels : RelationshipLevels, optional
        What :func:`~crm_lib.segments.relationship_levels` gave for them.
    """
    rule = segmented.definitions
    parts = [_members(segmented)]
    with contextlib.suppress(TooLittleData):
        ending = window_before(company, days=rule.window_days)
        parts.append(_members(segment_customers(company, rule, ending=ending)))
    sizes = [part["group"].value_counts() for part in parts]
    # A segment that was not there in one of the windows is small in it.
    large = [name for name in sizes[0].index if all(size.get(name, 0) >= SMALLEST_GROUP for size in sizes)]
    parts = [part.assign(group=part["group"].where(part["group"].isin(large), SMALL_GROUPS)) for part in parts]
    frame = parts[0].groupby("group").agg(customers=("value", "size"), value=("value", "sum"))
    total = frame["value"].sum()
    frame["value_share"] = frame["value"] / total if total > 0 else np.nan
    if len(parts) > 1:
        frame = frame.join(changes(*parts))
        frame["change"] = [_held(row) for row in frame.to_dict("records")]
    if levels is not None:
        frame[["serving", "level"]] = levels.frame[["serving", "level"]].reindex(frame.index)
    actions = {one.name: one.action for one in rule.rules}
    by_level = {one.name: one.action for one in RELATIONSHIP_LEVELS}
    asked = frame["level"].map(by_level) if levels is not None else pd.Series("", index=frame.index)
    frame["action"] = [actions.get(name) or asked.fillna("")[name] for name in frame.index]
    if SMALL_GROUPS in frame.index and frame["customers"][SMALL_GROUPS] < SMALLEST_GROUP:
        frame.loc[SMALL_GROUPS, frame.select_dtypes("float").columns] = np.nan
    order = np.lexsort((-frame["value"], frame.index == SMALL_GROUPS))
    frame = frame.iloc[order].rename_axis("segment")
    return Decisions(frame=frame, basis=segmented.basis, compared=len(parts) > 1)


def changes(now: pd.DataFrame, before: pd.DataFrame) -> pd.DataFrame:
    """Return the change of customers and value of each group, with interval and corrected p-value.

    Both frames hold ``group`` and ``value`` by customer. Each customer adds :math:`d_i`, what it brings to the group
    now less what it brought before. The number of customers is itself a matter of chance, as in a compound Poisson
    process, so that the variance of the change :math:`\\sum d_i` is :math:`\\sum d_i^2`, with :math:`2 (\\sum d_i^2)^2
    / (\\sum d_i^4 - (\\sum d_i^2)^2 / n)` degrees of freedom (Satterthwaite 1946), *n* having a difference; Hall's
    transformation (1992) takes the skewness out of the intervals, not out of the p-values: without a real change now
    and before are alike, and not skewed. Corrected are all p-values together (Holm 1979).
    """
    rows = {}
    both = pd.concat([now.assign(sign=1.0), before.assign(sign=-1.0)]).rename_axis("customer_id")
    for measure in ("customers", "value"):
        amount = both["sign"] * (both["value"] if measure == "value" else 1.0)
        each = amount.groupby([both["group"], "customer_id"]).sum()
        sums = {power: (each**power).groupby(level="group").sum() for power in (1, 2, 3, 4)}
        moved = (each != 0).groupby(level="group").sum()
        doubt = sums[4] - sums[2] ** 2 / moved.where(moved > 0)
        free = (2 * sums[2] ** 2 / doubt.where(doubt > 1e-9 * sums[4])).fillna(np.inf)
        skew = (sums[3] / sums[2].where(sums[2] > 0) ** 1.5).fillna(0.0)
        change, error = sums[1], np.sqrt(sums[2])
        low, high = skewed_interval(change, error, skew, freedom=free)
        rows[f"{measure}_change"] = change
        rows[f"{measure}_change_low"] = pd.Series(low, index=change.index)
        rows[f"{measure}_change_high"] = pd.Series(high, index=change.index)
        rows[f"{measure}_change_p"] = pd.Series(skewed_p_value(change, error, 0 * skew, freedom=free), change.index)
    table = pd.DataFrame(rows)
    names = ["customers_change_p", "value_change_p"]
    table[names] = holm(table[names].to_numpy().ravel()).reshape(-1, 2)
    return table


def _members(segmented: Segmented) -> pd.DataFrame:
    segment = segmented.rfm.frame["segment"].astype(str)
    return pd.DataFrame({"group": segment, "value": segmented.value.reindex(segment.index).fillna(0.0)})


def _held(row: dict[object, object]) -> tuple[str, ...]:
    """Return what of the change holds, as keys of the texts."""
    words = []
    for measure, less in (("customers", "fewer"), ("value", "less")):
        if float(str(row[f"{measure}_change_p"])) < 1 - LEVEL:
            words.append(f"{'more' if float(str(row[f'{measure}_change'])) > 0 else less} {measure}")
    return tuple(words)
