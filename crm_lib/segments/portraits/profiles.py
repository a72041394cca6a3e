"""What distinguishes each group of customers, on variables that did not make the groups."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from crm_lib import language
from crm_lib.company import Company
from crm_lib.errors import TooLittleData
from crm_lib.segments.clusters.choice import Clusters
from crm_lib.segments.clusters.features import PreparedFeatures
from crm_lib.segments.tables.customer_variables import variables_of
from crm_lib.segments.tables.profit_table import SMALLEST_GROUP
from crm_lib.statistics.effect_sizes import as_standardised, hedges_g, log_odds
from crm_lib.statistics.proportions import benjamini_hochberg

_RISING = ("returned", "complaints", "contacts")
"""Variables that rise with the number of orders by themselves."""


@dataclass(frozen=True, kw_only=True)
class Profiles:
    """Differences between each group and the rest, as :func:`profiles` found them.

    Parameters
    ----------
    frame : DataFrame
        One row a comparison: ``group``, ``variable``, ``category`` ("" for numbers), ``inside`` and ``outside`` (mean
        or share of the group and of all others), ``n_inside`` and ``n_outside`` (customers of whom it is known),
        ``effect`` (standard deviations; of categories the log odds ratio on that scale), ``low`` and ``high``,
        ``p_value``, ``q_value`` (corrected) and ``differs``.
    groups : tuple
        The groups compared, in order.
    too_small : tuple
        Groups with too few customers to be described.
    rate : float
        Share of false differences accepted among those shown.
    level : float
        Coverage of the intervals, before it was widened for the differences picked out.
    """

    frame: pd.DataFrame
    groups: tuple[Any, ...]
    too_small: tuple[Any, ...]
    rate: float
    level: float

    @property
    def alike(self) -> tuple[Any, ...]:
        """Groups that nothing distinguishes from the rest: a result, not a gap."""
        differing = set(self.frame.loc[self.frame["differs"], "group"])
        return tuple(group for group in self.groups if group not in differing)

    @property
    def rising(self) -> tuple[str, ...]:
        """Variables compared that rise with the number of orders by themselves."""
        compared = set(self.frame["variable"])
        return tuple(name for name in _RISING if name in compared)

    def differences(self) -> pd.DataFrame:
        """Return the differences that passed, the largest of each group first.

        Returns
        -------
        DataFrame
            Rows of the frame, groups in order.
        """
        kept = self.frame[self.frame["differs"]]
        place = kept["group"].map({group: number for number, group in enumerate(self.groups)})
        order = kept.assign(place=place, size=kept["effect"].abs()).sort_values(
            ["place", "size"], ascending=[True, False]
        )
        return order.drop(columns=["place", "size"]).reset_index(drop=True)


def profiles(
    groups: pd.Series[Any],
    variables: pd.DataFrame,
    *,
    used: Collection[str] = (),
    rate: float = 0.05,
    level: float = 0.95,
    smallest_group: int = SMALLEST_GROUP,
) -> Profiles:
    """Compare each group with all other customers on every variable.

    That clusters differ in what they were made from proves nothing: any cut does that. Whether they differ in anything
    else is the question, and with many variables some will seem to by chance. All comparisons are therefore corrected
    together.

    Parameters
    ----------
    groups : Series
        Group of each customer, indexed by customer.
    variables : DataFrame
        Numbers, true-or-false values or texts, indexed by customer, such as
        :func:`~crm_lib.segments.variables_of` gives. Missing values are left out of their comparison.
    used : collection of str
        Variables that made the groups; they are not compared.
    rate : float
        Share of false differences accepted among those shown (Benjamini and Hochberg).
    level : float
        Coverage of the intervals.
    smallest_group : int
        Groups and categories known of fewer customers are not described.

    Returns
    -------
    Profiles
        The comparisons.

    Raises
    ------
    TooLittleData
        If no two groups are large enough, or no variable can be compared.

    Notes
    -----
    Numbers are compared by Hedges' g, categories one by one by the log odds ratio, carried to standard deviations.
    Intervals of differences that passed are widened to the level :math:`1 - (1 - \\text{level})\\,R/m` for :math:`R`
    passed of :math:`m`: among effects picked out for being large, ordinary intervals miss too often. They describe, and
    do not say what would change if a customer were moved from one group to another.

    References
    ----------
    Benjamini, Y. & Yekutieli, D. (2005). False discovery rate-adjusted multiple confidence intervals for selected
    parameters. Journal of the American Statistical Association 100, 71-81.
    """
    known = groups.dropna()
    sizes = known.value_counts()
    kept = sorted(sizes.index[sizes >= smallest_group], key=lambda name: (isinstance(name, str), name))
    small = tuple(sorted(sizes.index[sizes < smallest_group], key=str))
    if len(kept) < 1 or len(sizes) < 2:
        message = language.text("fewer than two groups of {fewest} customers, so there is nothing to compare")
        raise TooLittleData(message.format(fewest=smallest_group))
    shared = variables.reindex(known.index)
    rows = []
    for name in (str(column) for column in shared.columns if column not in used):
        rows += _compared(known, shared[name], name, kept, smallest_group)
    if not rows:
        raise TooLittleData(language.text("no further variable is known of enough customers to describe the groups by"))
    frame = pd.DataFrame(rows)
    frame["q_value"] = benjamini_hochberg(frame["p_value"].to_numpy())
    frame["differs"] = frame["q_value"] <= rate
    tested = int(frame["p_value"].notna().sum())
    miss = np.where(frame["differs"], (1 - level) * frame["differs"].sum() / max(tested, 1), 1 - level)
    reach = stats.norm.isf(miss / 2) * frame.pop("error")
    frame["low"], frame["high"] = frame["effect"] - reach, frame["effect"] + reach
    columns = ["group", "variable", "category", "inside", "outside", "n_inside", "n_outside", "effect", "low", "high",
               "p_value", "q_value", "differs"]  # fmt: skip
    return Profiles(frame=frame[columns], groups=tuple(kept), too_small=small, rate=rate, level=level)


def profile_clusters(
    clusters: Clusters, features: PreparedFeatures, company: Company, *, days: int = 365, rate: float = 0.05
) -> Profiles:
    """Compare each cluster with all other customers on what else the company knows of them.

    Parameters
    ----------
    clusters : Clusters
        The clusters.
    features : PreparedFeatures
        What they were made from; it is not compared.
    company : Company
        The company.
    days : int
        Days up to the company's ``as_of`` over which purchases, contacts and complaints are counted.
    rate : float
        Share of false differences accepted among those shown.

    Returns
    -------
    Profiles
        As of :func:`profiles`.

    Raises
    ------
    MissingData
        If the company knows nothing else of its customers.
    TooLittleData
        If no two clusters are large enough.
    """
    return profiles(clusters.labels, variables_of(company, days=days), used=features.names, rate=rate)


def _compared(
    groups: pd.Series[Any], column: pd.Series[Any], name: str, kept: list[Any], fewest: int
) -> list[dict[str, Any]]:
    """Return the comparisons of one variable."""
    present = column.notna()
    column, groups = column[present], groups[present]
    if pd.api.types.is_bool_dtype(column) or set(column.unique()) <= {True, False}:
        return _categories(groups, column.map({True: "", False: "no"}), name, kept, fewest, only=[""])
    if pd.api.types.is_numeric_dtype(column):
        return _numbers(groups, column.to_numpy(dtype=np.float64), name, kept, fewest)
    counts = column.value_counts()
    common = sorted(counts.index[counts >= fewest], key=str)
    return _categories(groups, column, name, kept, fewest, only=common)


def _numbers(
    groups: pd.Series[Any], values: np.ndarray, name: str, kept: list[Any], fewest: int
) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    for group in kept:
        within = (groups == group).to_numpy()
        inside, outside = values[within], values[~within]
        if min(inside.size, outside.size) < fewest or np.ptp(values) == 0:
            continue
        effect, error, p_value = hedges_g(inside, outside)
        row = _row(group, name, "", inside.mean(), outside.mean(), inside.size, outside.size)
        rows.append(row | {"effect": effect, "error": error, "p_value": p_value})
    return rows


def _categories(
    groups: pd.Series[Any],
    column: pd.Series[Any],
    name: str,
    kept: list[Any],
    fewest: int,
    *,
    only: list[Any],
) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    counts = pd.crosstab(groups, column)
    if counts.shape[1] < 2:
        return rows
    crossed, totals = counts.to_numpy(), counts.to_numpy().sum(axis=0)
    places = {category: number for number, category in enumerate(counts.columns)}
    for group in (group for group in kept if group in counts.index):
        own = crossed[counts.index.get_loc(group)]
        of_inside, of_outside = int(own.sum()), int(totals.sum() - own.sum())
        if min(of_inside, of_outside) < fewest:
            continue
        for category in (category for category in only if category in places):
            inside = int(own[places[category]])
            outside = int(totals[places[category]]) - inside
            ratio, error, p_value = log_odds(inside, of_inside, outside, of_outside)
            row = _row(group, name, str(category), inside / of_inside, outside / of_outside, of_inside, of_outside)
            effect = {"effect": as_standardised(ratio), "error": as_standardised(error)}
            rows.append(row | effect | {"p_value": p_value})
    return rows


def _row(
    group: Any, name: str, category: str, inside: float, outside: float, n_inside: int, n_outside: int
) -> dict[str, Any]:
    return {
        "group": group, "variable": name, "category": category, "inside": float(inside), "outside": float(outside),
        "n_inside": n_inside, "n_outside": n_outside,
    }  # fmt: skip
