"""Which grouping of customers tells best what they bring next? Groups of an earlier day against what followed."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from crm_lib import language
from crm_lib.company import Company
from crm_lib.customers.window import customer_window, value_of
from crm_lib.errors import TooLittleData
from crm_lib.estimate import Estimate
from crm_lib.statistics.resampling import Floats, studentised

_FEWEST = 100


@dataclass(frozen=True, kw_only=True)
class PredictiveValue:
    """How well groupings of an earlier day tell what customers brought afterwards.

    Parameters
    ----------
    table : DataFrame
        Indexed by ``grouping``, the best first: ``groups`` (number of them), ``explained`` (share of the variance of
        later value that the group's mean tells of a customer who had no part in it), ``low`` and ``high``, and
        ``captured`` (share of the later value brought by the fifth of the customers with the best groups).
    losses : DataFrame
        One row a customer, one column a grouping: squared error of the prediction, over the variance of later value.
    value : Series
        What each customer brought afterwards (money).
    scored_on : date
        The earlier day.
    days : int
        Days that followed.
    value_kind : str
        "margin" or "revenue".
    resamples, seed : int
        The settings.
    """

    table: pd.DataFrame
    losses: pd.DataFrame
    value: pd.Series[float]
    scored_on: dt.date
    days: int
    value_kind: str
    resamples: int
    seed: int

    def difference(self, one: str, other: str) -> Estimate:
        """Return by how much more of the variance one grouping explains than another.

        Parameters
        ----------
        one, other : str
            Names of groupings.

        Returns
        -------
        Estimate
            Difference of the shares, with a studentised bootstrap interval over customers, paired: both groupings
            predict the same customers.

        Raises
        ------
        ValueError
            If a grouping is unknown.
        """
        unknown = [name for name in (one, other) if name not in self.losses]
        if unknown:
            raise ValueError(f"unknown groupings {unknown}; there are {', '.join(self.losses.columns)}")
        gain = np.asarray(self.losses[other] - self.losses[one], dtype=np.float64)
        later = np.asarray(self.value, dtype=np.float64)
        value, low, high = _share(gain, later, resamples=self.resamples, seed=self.seed)
        return Estimate(
            value=value, low=low, high=high, n=len(gain), unit="share", method="studentised bootstrap over customers"
        )


def predictive_value(
    company: Company,
    groupings: Mapping[str, pd.Series[Any]],
    *,
    outcome_days: int = 90,
    resamples: int = 999,
    seed: int = 0,
) -> PredictiveValue:
    """Measure how well groupings made on an earlier day tell what customers brought since.

    Parameters
    ----------
    company : Company
        The company.
    groupings : mapping of str to Series
        Groups of customers as of the earlier day, such as :func:`earlier_groupings` gives. Customers whom all of them
        have are compared.
    outcome_days : int
        Days between the earlier day and the company's ``as_of``.
    resamples : int
        Number of bootstrap resamples.
    seed : int
        Seed of the random numbers.

    Returns
    -------
    PredictiveValue
        The groupings, the best first.

    Raises
    ------
    TooLittleData
        If fewer than 100 customers are in all groupings, or their later value does not differ.
    ValueError
        If there is no grouping.

    Notes
    -----
    A customer's later value is predicted by the mean of all *others* of the same group (leave-one-out), and of somebody
    alone in a group by the mean of all others. The share explained is :math:`1 - \\sum (y_i - \\hat y_{-i})^2 /
    \\sum (y_i - \\bar y_{-i})^2`; a grouping that tells nothing has a share of about zero, or below it if it has many
    groups, so that many small groups gain nothing by their number.
    """
    scored_on = company.as_of - dt.timedelta(days=outcome_days)
    kind = value_of(company)
    after = customer_window(company, days=outcome_days)[kind]
    return compare_groupings(
        groupings, after, scored_on=scored_on, days=outcome_days, value_kind=kind, resamples=resamples, seed=seed
    )


def compare_groupings(
    groupings: Mapping[str, pd.Series[Any]],
    after: pd.Series[float],
    *,
    scored_on: dt.date,
    days: int,
    value_kind: str,
    resamples: int = 999,
    seed: int = 0,
) -> PredictiveValue:
    """Measure how well groupings tell a later value that is given.

    Parameters
    ----------
    groupings : mapping of str to Series
        Groups of customers as of the earlier day.
    after : Series
        Later value of each customer (money); who is missing brought nothing.
    scored_on : date
        The earlier day.
    days : int
        Days that followed.
    value_kind : str
        "margin" or "revenue".
    resamples : int
        Number of bootstrap resamples.
    seed : int
        Seed of the random numbers.

    Returns
    -------
    PredictiveValue
        As for :func:`predictive_value`.

    Raises
    ------
    TooLittleData
        If fewer than 100 customers are in all groupings, or their later value does not differ.
    ValueError
        If there is no grouping.
    """
    if not groupings:
        raise ValueError("give at least one grouping of customers")
    groups = pd.concat({name: group.dropna() for name, group in groupings.items()}, axis=1, join="inner").sort_index()
    value = after.reindex(groups.index).fillna(0.0).astype("float64")
    y = np.asarray(value, dtype=np.float64)
    if len(y) < _FEWEST or not np.ptp(y) > 0:
        message = language.text(
            "{count} customers were grouped on {day}; {fewest} are needed, who brought different amounts afterwards"
        )
        words = {"day": language.date(scored_on), "fewest": _FEWEST}
        raise TooLittleData(message.format(count=language.number(len(y), 0), **words))
    unit = float(((y - _others(y)) ** 2).mean())
    losses, rows = {}, {}
    for name in groups.columns:
        codes = pd.factorize(groups[name], sort=True)[0]
        sums = np.asarray(np.bincount(codes, weights=y), dtype=np.float64)
        sizes = np.asarray(np.bincount(codes), dtype=np.float64)
        alone = sizes[codes] == 1
        left = np.where(alone, _others(y), (sums[codes] - y) / np.maximum(sizes[codes] - 1, 1))
        losses[name] = (y - left) ** 2 / unit
        gain = (y - _others(y)) ** 2 / unit - losses[name]
        explained, low, high = _share(gain, y, resamples=resamples, seed=seed)
        rows[name] = {
            "groups": len(sizes), "explained": explained, "low": low, "high": high,
            "captured": _captured(sums, sizes),
        }  # fmt: skip
    table = pd.DataFrame.from_dict(rows, orient="index").rename_axis("grouping").astype({"groups": "int64"})
    return PredictiveValue(
        table=table.sort_values("explained", ascending=False, kind="stable"),
        losses=pd.DataFrame(losses, index=groups.index),
        value=value,
        scored_on=scored_on,
        days=days,
        value_kind=value_kind,
        resamples=resamples,
        seed=seed,
    )


def in_points(difference: Estimate) -> Estimate:
    """Return a difference of shares in percentage points.

    Parameters
    ----------
    difference : Estimate
        One share less another.

    Returns
    -------
    Estimate
        A hundred times as much.

    Examples
    --------
    >>> print(in_points(Estimate(value=0.48, low=0.42, high=0.52, n=197, method="Newcombe", unit="share")))
    48 [42, 52] percentage points
    """
    value, low, high = (100 * end for end in (difference.value, difference.low, difference.high))
    return replace(difference, value=value, low=low, high=high, unit="percentage points")


def _others(y: Floats) -> Floats:
    return np.asarray((y.sum() - y) / (y.size - 1), dtype=np.float64)


def _captured(sums: Floats, sizes: Floats, best: float = 0.2) -> float:
    """Return the share of value in the groups with the best means, up to a share of the customers."""
    order = np.argsort(-sums / sizes, kind="stable")
    people = np.concatenate([[0.0], sizes[order].cumsum()]) / sizes.sum()
    brought = (
        np.concatenate([[0.0], sums[order].cumsum()]) / sums.sum() if sums.sum() > 0 else np.full(len(people), np.nan)
    )
    return float(np.interp(best, people, brought))


def _share(gain: Floats, y: Floats, *, resamples: int, seed: int) -> tuple[float, float, float]:
    """Return the mean gain over the variance of value, with its interval: a ratio of means over customers."""

    def ratio(weights: Floats) -> tuple[Floats, Floats]:
        n = y.size
        mean = (weights @ y)[:, None] / n
        spread = (weights @ y**2)[:, None] / n - mean**2
        scale = y.var()
        top = (weights @ gain)[:, None] / n
        with np.errstate(divide="ignore", invalid="ignore"):
            share = np.where(spread > 0, top * scale / spread, np.nan)
            influence = (gain - top) * scale / spread - share * ((y - mean) ** 2 / spread - 1)
        return share, np.sqrt((weights * influence**2).sum(axis=1, keepdims=True)) / n

    value, low, high = studentised(ratio, y.size, resamples=resamples, seed=seed)
    return float(value[0]), float(low[0]), float(high[0])
