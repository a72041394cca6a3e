"""Contracts and how long they have lasted: cohorts counted at every renewal, or one row a contract."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from crm_lib.clv.discounting import MOST_PERIODS
from crm_lib.clv.histories import Array, numbers, refuse
from crm_lib.errors import MissingData, TooLittleData


@dataclass(frozen=True, kw_only=True, eq=False)
class Survivors:
    """How many contracts in ``total`` were up for renewal 1 … T (``at_risk``), and how many ended there (``losses``).

    Cohorts, censored contracts and contracts that came into sight late all enter in this form, and their likelihood is
    that of independent renewals: every model of contracts needs no more.
    """

    at_risk: Array
    losses: Array
    total: float

    def __len__(self) -> int:
        return len(self.at_risk)

    @property
    def renewals(self) -> Array:
        """Numbers 1 … T of the renewals."""
        return np.arange(1.0, len(self.at_risk) + 1)


def read_survivors(data: pd.DataFrame) -> Survivors:
    """Check a table of contracts and count who was up for each renewal.

    It holds either counts of cohorts with the columns ``period`` and ``survivors`` and, for several, ``cohort``: how
    many contracts were left after each period, period 0 being the start. A cohort whose first row is of a later period
    was not seen before; its contracts are taken as having lasted until then. Or one row a contract with the columns
    ``duration`` and ``ended``: for a contract that ended, the number of the period after which it was not renewed (1
    for the first); for one that had not ended when last seen, how many renewals it had made. There ``customers`` may
    tell the number of contracts that a row stands for.

    Examples
    --------
    >>> read_survivors(pd.DataFrame({"period": [0, 1, 2], "survivors": [100, 80, 70]})).losses.tolist()
    [20.0, 10.0]
    >>> rows = pd.DataFrame({"duration": [1, 2, 2], "ended": [True, True, False]})
    >>> read_survivors(rows).at_risk.tolist()
    [3.0, 2.0]
    """
    if {"period", "survivors"} <= set(data):
        found = _from_counts(data)
    elif {"duration", "ended"} <= set(data):
        found = _from_rows(data)
    else:
        for asked in (("period", "survivors"), ("duration", "ended")):
            if set(asked) & set(data):
                raise MissingData("contracts", tuple(name for name in asked if name not in data))
        raise MissingData("contracts", ("period and survivors", "or duration and ended"))
    if found.at_risk.sum() == 0:
        raise TooLittleData(
            "no contract was up for renewal yet: there must be counts of at least two periods, or a duration above 0",
            table="contracts",
        )
    return found


def _from_counts(data: pd.DataFrame) -> Survivors:
    _not_empty(data)
    period, survivors = _whole(data, "period"), _whole(data, "survivors")
    cohort = data["cohort"].to_numpy() if "cohort" in data else np.full(len(data), "all", dtype=object)
    _refuse(data, pd.isna(cohort), "column 'cohort' is missing")
    table = pd.DataFrame({"cohort": cohort, "period": period, "survivors": survivors}).sort_values(
        ["cohort", "period"], kind="stable"
    )
    before = table.groupby("cohort").shift()
    step = table["period"] - before["period"]
    _refuse_cohort(table, step == 0, "has two counts for period {period:g}: give each cohort a name of its own")
    _refuse_cohort(
        table, step > 1, "has no count for the period before {period:g}: survivors of every period are needed"
    )
    rising = table["survivors"] > before["survivors"]
    _refuse_cohort(
        table, rising, "has more survivors after period {period:g} than before: nobody can come back to life"
    )
    later = step.notna()
    longest = int(period.max())
    number = table["period"].to_numpy()[later]
    at_risk, after = before["survivors"].to_numpy()[later], table["survivors"].to_numpy()[later]
    return Survivors(
        at_risk=_count(number, at_risk, longest),
        losses=_count(number, at_risk - after, longest),
        total=float(table.groupby("cohort").head(1)["survivors"].sum()),
    )


def _from_rows(data: pd.DataFrame) -> Survivors:
    _not_empty(data)
    duration = _whole(data, "duration")
    weights = _whole(data, "customers") if "customers" in data else np.ones(len(data))
    ended = numbers(data, "ended", missing=True)
    _refuse(data, ~np.isin(ended, (0.0, 1.0)), "column 'ended' must be true or false")
    over = ended == 1
    _refuse(data, over & (duration == 0), "a contract ended with duration 0: those that end after one period have 1")
    longest = max(int(duration.max()), 1)
    return Survivors(
        # Up for renewal t is who has not dropped out of sight with fewer than t renewals.
        at_risk=float(weights.sum()) - np.cumsum(_count(duration + 1, weights, longest)),
        losses=_count(duration, weights * over, longest),
        total=float(weights.sum()),
    )


def _count(numbers: Array, weights: Array, longest: int) -> Array:
    """Return the sum of weights for each of the numbers 1 … longest."""
    return np.bincount(numbers.astype(int), weights=weights, minlength=longest + 1)[1 : longest + 1].astype(float)


def _not_empty(data: pd.DataFrame) -> None:
    if len(data) == 0:
        raise TooLittleData("the table of contracts is empty: a model needs at least one cohort", table="contracts")


def _whole(data: pd.DataFrame, name: str) -> Array:
    values = numbers(data, name, missing=True)
    _refuse(data, ~np.isfinite(values), f"column {name!r} is missing or infinite")
    _refuse(data, values < 0, f"column {name!r} is negative")
    if name in ("period", "duration"):
        _refuse(data, values > MOST_PERIODS, f"column {name!r} counts more than {MOST_PERIODS:,} periods")
    hint = ": give counts, not shares" if name == "survivors" else ""
    _refuse(data, values != np.floor(values), f"column {name!r} holds no whole numbers{hint}")
    return values


def _refuse(data: pd.DataFrame, broken: npt.NDArray[np.bool_], rule: str) -> None:
    refuse(data, broken, rule, "the contracts")


def _refuse_cohort(table: pd.DataFrame, broken: pd.Series[bool], rule: str) -> None:
    if broken.any():
        first = table[broken].iloc[0]
        raise ValueError(f"cohort {first['cohort']!r} {rule.format(period=first['period'])}")
