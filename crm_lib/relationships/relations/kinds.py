"""The valuable relational customers by what to do about them: keep, grow, or find out why they are losing value."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from crm_lib import language
from crm_lib.company import Company
from crm_lib.customers import customer_attribute
from crm_lib.errors import TooLittleData
from crm_lib.estimate import Estimate
from crm_lib.relationships.relations.fading import Fading
from crm_lib.segments.profit import SMALLEST_GROUP
from crm_lib.statistics.resampling import Floats, Statistic, studentised


@dataclass(frozen=True)
class RelationalKind:
    """A kind of relational customers and what to do about them."""

    name: str
    action: str


RELATIONAL_KINDS = (
    RelationalKind("most profitable", "Keep: a person in charge, care before offers, and a warning when they buy less"),
    RelationalKind("growable", "Raise the share of what they buy here: show what similar customers buy besides"),
    RelationalKind("losing value", "Find out why, by asking; win back who is worth it, let go who is not"),
    RelationalKind("other relational", "Serve well by rule; look again when there is more to see"),
)
"""The kinds, in the order of the textbook, and those about whom nothing can be said yet."""


@dataclass(frozen=True, kw_only=True)
class RelationalKinds:
    """Kinds of the relational customers, as :func:`relational_kinds` found them.

    Parameters
    ----------
    frame : DataFrame
        Indexed as the value that came in, relational customers only: ``kind``, ``membership`` (probability of being
        relational), ``value`` (money), ``recent`` and ``expected`` purchases (missing for customers too new),
        ``unchanged`` (probability that the customer's rate is what it was) and ``gap`` (money that lies between the
        customer's value and what the best quarter of alike ones bring at least; 0 above).
    best_from : float
        Value from which a customer is among the most profitable.
    transactional : int
        Number of customers left out as transactional.
    level : float
        Nominal coverage of the intervals of :meth:`table`.
    """

    frame: pd.DataFrame
    best_from: float
    transactional: int
    level: float = 0.95

    def table(self, *, currency: str, resamples: int = 999, seed: int = 0) -> pd.DataFrame:
        """Return the kinds with size, value, evidence and action.

        Parameters
        ----------
        currency : str
            ISO code.
        resamples : int
            Number of bootstrap resamples.
        seed : int
            Seed of the random numbers.

        Returns
        -------
        DataFrame
            Indexed by ``kind``, in the order of the textbook: ``customers``, ``customer_share``, ``value``,
            ``value_share``, ``mean_value`` (Estimate, money a customer), ``change`` (Estimate, recent purchases over
            those that the past lets expect), ``gap`` (sum, of growable ones) and ``action``. Of kinds
            with few customers only the number is told.
        """
        rows = []
        for kind in RELATIONAL_KINDS:
            frame = self.frame[self.frame["kind"] == kind.name]
            enough = len(frame) >= SMALLEST_GROUP
            how = _How(level=self.level, resamples=resamples, seed=seed)
            judged = frame.dropna(subset=["expected"])
            rows.append(
                {
                    "kind": kind.name,
                    "customers": len(frame),
                    "value": frame["value"].sum() if enough else np.nan,
                    "mean_value": _mean(frame["value"], currency, how) if enough else None,
                    "change": _ratio(judged, how) if len(judged) >= SMALLEST_GROUP else None,
                    # Only where growing is what to do: for the others the gap says nothing.
                    "gap": frame["gap"].sum() if enough and kind.name == "growable" else np.nan,
                    "action": kind.action,
                }
            )
        table = pd.DataFrame(rows).set_index("kind")
        total = self.frame["value"].sum()
        table.insert(1, "customer_share", table["customers"] / max(len(self.frame), 1))
        table.insert(3, "value_share", table["value"] / total if total > 0 else np.nan)
        return table


def relational_kinds(
    membership: pd.Series[float],
    value: pd.Series[float],
    fading: Fading,
    *,
    alike: pd.Series[str] | None = None,
    relational_from: float = 0.5,
    best_share: float = 0.25,
    least_gap: float = 0.25,
) -> RelationalKinds:
    """Sort the relational customers into the three valuable kinds and the rest.

    The rules, in their order: *losing value* is who is called fading; *most profitable* whose value is among the best;
    *growable* who bought lately and whose value lies clearly below what the best quarter of alike customers bring at
    least; all others, among them customers too new to judge and those who bring nothing, are *other relational*.

    Parameters
    ----------
    membership : Series
        Probability of each customer to be relational.
    value : Series
        Value of each customer of the window (money). Customers without one are not sorted.
    fading : Fading
        Recent purchases against the past.
    alike : Series, optional
        Group of each customer, such as business or household: potential is what the best of the same group bring.
        Groups with fewer than ten relational customers, and customers without one, are compared with all.
    relational_from : float
        Probability from which a customer counts as relational.
    best_share : float
        Part of the relational customers with a positive value that counts as most profitable, and as the best of the
        alike ones.
    least_gap : float
        Growable is whose value lies below that of the best by at least this part of it.

    Returns
    -------
    RelationalKinds
        Kinds of the relational customers.

    Raises
    ------
    TooLittleData
        If fewer than ten relational customers bring anything.
    ValueError
        If a share does not lie between 0 and 1.
    """
    for name, share in {"best_share": best_share, "least_gap": least_gap, "relational_from": relational_from}.items():
        if not 0 < share < 1:
            raise ValueError(f"{name} must lie between 0 and 1, not {share}")
    chance = membership.reindex(value.index)
    relational = chance >= relational_from
    frame = pd.DataFrame({"membership": chance, "value": value.astype(float)})[relational]
    positive = frame["value"][frame["value"] > 0]
    if len(positive) < SMALLEST_GROUP:
        message = language.text("only {count} relational customers bring anything; {fewest} are needed")
        raise TooLittleData(message.format(count=language.number(len(positive), 0), fewest=SMALLEST_GROUP))
    # Customers too new to be judged have no row there.
    frame = frame.join(fading.frame[["recent", "expected", "unchanged", "fading"]])
    best_from = float(positive.quantile(1 - best_share))
    reach = _reach(positive, alike, 1 - best_share).reindex(frame.index).fillna(best_from)
    frame["gap"] = (reach - frame["value"]).clip(lower=0.0)
    brings = frame["value"] > 0
    frame["kind"] = np.select(
        [
            brings & frame["fading"].eq(True),
            frame["value"] >= best_from,
            brings & (frame["recent"] > 0) & (frame["gap"] >= least_gap * reach),
        ],
        ["losing value", "most profitable", "growable"],
        "other relational",
    )
    columns = ["kind", "membership", "value", "recent", "expected", "unchanged", "gap"]
    return RelationalKinds(frame=frame[columns], best_from=best_from, transactional=int((~relational).sum()))


def alike_customers(company: Company, column: str = "customer_group") -> pd.Series[str]:
    """Return the group of each customer whose best show what alike ones can reach.

    Parameters
    ----------
    company : Company
        The company.
    column : str
        Column of its table ``customers``.

    Returns
    -------
    Series
        Texts indexed by ``customer_id``; empty where the company has no such column, so that all are compared with
        all.
    """
    if not company.has("customers", column):
        return pd.Series(dtype=str, name=column)
    return customer_attribute(company, column)


def _reach(positive: pd.Series[float], alike: pd.Series[str] | None, quantile: float) -> pd.Series[float]:
    """Return for each customer what the best of the alike ones bring at least."""
    overall = pd.Series(float(positive.quantile(quantile)), index=positive.index)
    if alike is None or alike.empty:
        return overall
    group = alike.reindex(positive.index)
    by_group = positive.groupby(group)
    enough = by_group.transform("size") >= SMALLEST_GROUP
    return by_group.transform("quantile", q=quantile).where(enough, overall).fillna(overall)


@dataclass(frozen=True, kw_only=True)
class _How:
    level: float
    resamples: int
    seed: int


def _mean(values: pd.Series[float], unit: str, how: _How) -> Estimate:
    x = values.to_numpy(dtype=float)

    def statistic(weights: Floats) -> tuple[Floats, Floats]:
        mean = weights @ x / x.size
        return mean[:, None], np.sqrt((weights @ x**2 / x.size - mean**2).clip(min=0) / x.size)[:, None]

    return _bootstrapped(statistic, x.size, how, unit=unit)


def _ratio(frame: pd.DataFrame, how: _How) -> Estimate:
    """Return the recent purchases of a kind over those expected."""
    y, x = frame["recent"].to_numpy(dtype=float), frame["expected"].to_numpy(dtype=float)

    def statistic(weights: Floats) -> tuple[Floats, Floats]:
        total = weights @ x
        ratio = weights @ y / total
        spread = weights @ y**2 - 2 * ratio * (weights @ (x * y)) + ratio**2 * (weights @ x**2)
        return ratio[:, None], (np.sqrt(spread.clip(min=0)) / total)[:, None]

    return _bootstrapped(statistic, x.size, how, floor=0.0)


def _bootstrapped(statistic: Statistic, n: int, how: _How, *, unit: str = "", floor: float = -np.inf) -> Estimate:
    value, low, high = studentised(statistic, n, resamples=how.resamples, seed=how.seed)
    return Estimate(
        value=float(value[0]),
        low=max(float(low[0]), floor),
        high=float(high[0]),
        level=how.level,
        n=n,
        method="studentised bootstrap over customers",
        unit=unit,
    )
