"""What the models of customers without contract have in common: what a customer will still buy, with intervals."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Literal, overload

import numpy as np
import pandas as pd

from crm_lib.clv.discounting import continuous_rate
from crm_lib.clv.histories import Array, Histories, new_customers
from crm_lib.clv.intervals import (
    Interval,
    check_horizon,
    check_interval,
    draw_blocks,
    equal_tails,
    posterior_estimate,
    row_blocks,
)
from crm_lib.clv.purchase_process import ROW_DRAWS, PurchaseProcess
from crm_lib.estimate import Estimate

_EXACT_OUTCOMES = 20_000_000
"""Single outcomes (draws by customers) up to which a total is simulated customer by customer."""


@dataclasses.dataclass(kw_only=True, eq=False)
class PurchaseModel(PurchaseProcess):
    """A model of when customers without contract buy, and whether they still will.

    Its methods take a `summary`: a table with columns ``frequency``, ``recency`` and ``age`` in the model's unit of
    time, and those of covariates where the model has any; with a column ``customers``, each row stands for that many.
    Point values are those at the maximum of the likelihood, intervals come from the posterior draws.

    Parameters
    ----------
    unit : {"D", "W", "M", "Y"}
        Unit of time of recency, age and horizons.
    """

    @overload
    def probability_alive(  # numpydoc ignore=GL08
        self, summary: pd.DataFrame, *, interval: None = None, level: float = 0.9, draws: int = ROW_DRAWS
    ) -> pd.Series[float]: ...
    @overload
    def probability_alive(  # numpydoc ignore=GL08
        self, summary: pd.DataFrame, *, interval: Literal["mean"], level: float = 0.9, draws: int = ROW_DRAWS
    ) -> pd.DataFrame: ...
    def probability_alive(
        self,
        summary: pd.DataFrame,
        *,
        interval: Literal["mean"] | None = None,
        level: float = 0.9,
        draws: int = ROW_DRAWS,
    ) -> pd.Series[float] | pd.DataFrame:
        """Return the probability that each customer is still a customer.

        Parameters
        ----------
        summary : DataFrame (N rows)
            Purchase histories.
        interval : "mean" or None
            Whether to add the posterior interval of the probability. (The outcome is yes or no and has none.)
        level : float
            Coverage of the interval.
        draws : int
            Posterior draws that the interval rests on.

        Returns
        -------
        Series or DataFrame
            Probabilities with the index of `summary`; with an interval the columns ``value``, ``low``, ``high``.
        """
        histories = self._read(summary)
        return self._answer("probability_alive", histories, self._alive, None, interval, level, draws)

    @overload
    def expected_purchases(  # numpydoc ignore=GL08
        self, summary: pd.DataFrame, horizon: float, *, interval: None = None, level: float = 0.9,
        draws: int = ROW_DRAWS,
    ) -> pd.Series[float]: ...  # fmt: skip
    @overload
    def expected_purchases(  # numpydoc ignore=GL08
        self, summary: pd.DataFrame, horizon: float, *, interval: Interval, level: float = 0.9, draws: int = ROW_DRAWS
    ) -> pd.DataFrame: ...
    def expected_purchases(
        self,
        summary: pd.DataFrame,
        horizon: float,
        *,
        interval: Interval | None = None,
        level: float = 0.9,
        draws: int = ROW_DRAWS,
    ) -> pd.Series[float] | pd.DataFrame:
        """Return how many purchases each customer is expected to make in the time to come.

        Parameters
        ----------
        summary : DataFrame (N rows)
            Purchase histories.
        horizon : float
            Length of the time to come, in the model's unit.
        interval : {"mean", "outcome"} or None
            "mean" adds the posterior interval of the expectation, "outcome" that of the number itself, which also
            holds the chance of what a customer happens to do.
        level : float
            Coverage of the interval.
        draws : int
            Posterior draws that the interval rests on.

        Returns
        -------
        Series or DataFrame
            Expected numbers with the index of `summary`; with an interval the columns ``value``, ``low``, ``high``.

        Raises
        ------
        ValueError
            If the horizon is negative or not finite.
        """
        length = check_horizon(horizon)
        histories = self._read(summary)
        return self._answer(
            "expected_purchases",
            histories,
            lambda theta, some: self._expected(theta, some, length),
            lambda theta, some, rng: self._draw_purchases(theta, some, length, 0.0, rng),
            interval,
            level,
            draws,
        )

    @overload
    def discounted_expected_purchases(  # numpydoc ignore=GL08
        self, summary: pd.DataFrame, annual_rate: float, *, interval: None = None, level: float = 0.9,
        draws: int = ROW_DRAWS,
    ) -> pd.Series[float]: ...  # fmt: skip
    @overload
    def discounted_expected_purchases(  # numpydoc ignore=GL08
        self, summary: pd.DataFrame, annual_rate: float, *, interval: Interval, level: float = 0.9,
        draws: int = ROW_DRAWS,
    ) -> pd.DataFrame: ...  # fmt: skip
    def discounted_expected_purchases(
        self,
        summary: pd.DataFrame,
        annual_rate: float,
        *,
        interval: Interval | None = None,
        level: float = 0.9,
        draws: int = ROW_DRAWS,
    ) -> pd.Series[float] | pd.DataFrame:
        """Return the discounted number of all purchases that each customer is still expected to make.

        A purchase at time t from now counts for (1 + annual_rate)^(-t in years).

        Parameters
        ----------
        summary : DataFrame (N rows)
            Purchase histories.
        annual_rate : float
            Interest of a year, such as 0.1; positive.
        interval : {"mean", "outcome"} or None
            As for :meth:`expected_purchases`.
        level : float
            Coverage of the interval.
        draws : int
            Posterior draws that the interval rests on.

        Returns
        -------
        Series or DataFrame
            Discounted numbers with the index of `summary`; with an interval the columns ``value``, ``low``, ``high``.
        """
        rate = continuous_rate(annual_rate, self.unit)
        histories = self._read(summary)
        return self._answer(
            "discounted_expected_purchases",
            histories,
            lambda theta, some: self._discounted(theta, some, rate),
            lambda theta, some, rng: self._draw_purchases(theta, some, np.inf, rate, rng),
            interval,
            level,
            draws,
        )

    def expected_purchases_new(
        self, horizon: float | Array, *, interval: Interval | None = None, level: float = 0.9
    ) -> float | pd.Series[float] | pd.DataFrame | Estimate:
        """Return how many repeat purchases a customer who has just made the first one is expected to make.

        Covariates, where the model has any, are taken at 0.

        Parameters
        ----------
        horizon : float or array (K,)
            Time since the first purchase, in the model's unit.
        interval : {"mean", "outcome"} or None
            As for :meth:`expected_purchases`.
        level : float
            Coverage of the interval.

        Returns
        -------
        float, Estimate, Series or DataFrame
            A number for one horizon, an Estimate with an interval; for several horizons a Series or, with an interval,
            a DataFrame (``value``, ``low``, ``high``), indexed by horizon.
        """
        check_interval(interval)
        horizons = np.atleast_1d(np.asarray(horizon, dtype=float))
        for length in horizons:
            check_horizon(float(length))
        value = self._expected_new(self._fit_.theta[None, :], horizons)[0]
        if interval is None:
            return float(value[0]) if np.ndim(horizon) == 0 else pd.Series(value, index=horizons, name="value")
        theta = self._drawn.working
        if interval == "mean":
            sample = self._expected_new(theta, horizons)
        else:
            rng = self._generator("new")
            one = new_customers(covariates=np.zeros((1, len(self.covariate_names))))
            columns = [self._draw_purchases(theta, one, float(length), 0.0, rng) for length in horizons]
            sample = np.concatenate(columns, axis=1)
        low, high = equal_tails(sample, level, whole=interval == "outcome")
        if np.ndim(horizon) == 0:
            return self._number(value[0], low[0], high[0], self.customers_, level)
        return pd.DataFrame({"value": value, "low": low, "high": high}, index=horizons)

    def discounted_expected_purchases_new(
        self, annual_rate: float, *, interval: Literal["mean"] | None = None, level: float = 0.9
    ) -> float | Estimate:
        """Return the discounted number of all repeat purchases of a customer who has just made the first one.

        Parameters
        ----------
        annual_rate : float
            Interest of a year; positive.
        interval : "mean" or None
            Whether to give the posterior interval of the expectation.
        level : float
            Coverage of the interval.

        Returns
        -------
        float or Estimate
            The first purchase itself, which is certain, is not counted.
        """
        rate = continuous_rate(annual_rate, self.unit)
        if interval not in ("mean", None):
            raise ValueError(f"interval is 'mean' or None here, not {interval!r}")
        value = float(self._discounted_new(self._fit_.theta[None, :], rate)[0, 0])
        if interval is None:
            return value
        low, high = equal_tails(self._discounted_new(self._drawn.working, rate), level)
        return self._number(value, low[0], high[0], self.customers_, level)

    def scores(self, summary: pd.DataFrame, horizon: float, *, annual_rate: float | None = None) -> pd.DataFrame:
        """Return all point predictions at once, for which the histories are read and grouped only once.

        Parameters
        ----------
        summary : DataFrame (N rows)
            Purchase histories.
        horizon : float
            Length of the time to come, in the model's unit.
        annual_rate : float, optional
            Interest of a year; where given, discounted purchases to infinity are added.

        Returns
        -------
        DataFrame
            Columns ``probability_alive``, ``expected_purchases`` and, with a rate, ``discounted_expected_purchases``.
        """
        length = check_horizon(horizon)
        histories, theta = self._read(summary), self._fit_.theta[None, :]
        columns = {
            "probability_alive": self._alive(theta, histories)[0],
            "expected_purchases": self._expected(theta, histories, length)[0],
        }
        if annual_rate is not None:
            rate = continuous_rate(annual_rate, self.unit)
            columns["discounted_expected_purchases"] = self._discounted(theta, histories, rate)[0]
        return pd.DataFrame(
            {name: histories.per_row(column) for name, column in columns.items()}, index=histories.index, copy=False
        )

    def total_purchases(
        self, summary: pd.DataFrame, horizon: float, *, interval: Interval = "mean", level: float = 0.9
    ) -> Estimate:
        """Return how many purchases all customers together are expected to make in the time to come.

        Parameters
        ----------
        summary : DataFrame (N rows)
            Purchase histories.
        horizon : float
            Length of the time to come, in the model's unit.
        interval : {"mean", "outcome"}
            Whether the interval is for the expectation or for the number itself.
        level : float
            Coverage of the interval.

        Returns
        -------
        Estimate
            The total, rows weighted by ``customers`` where the summary has that column.

        Notes
        -----
        Outcomes of many customers are added as their mean and a normal deviate, whose variance is that of single
        outcomes simulated; of fewer customers every outcome is simulated.
        """
        check_interval(interval)
        length = check_horizon(horizon)
        histories = self._read(summary)
        value = float(self._expected(self._fit_.theta[None, :], histories, length)[0] @ histories.customers)
        theta = self._drawn.working
        if interval == "mean":
            sample = np.concatenate(
                [
                    self._expected(some, histories, length) @ histories.customers
                    for some in draw_blocks(theta, len(histories))
                ]
            )
        else:
            sample = self._total_outcomes(histories, length)
        low, high = equal_tails(sample[:, None], level)
        return self._number(value, low[0], high[0], round(histories.total), level)

    # Intervals

    def _answer(
        self,
        name: str,
        histories: Histories,
        expectation: Callable[[Array, Histories], Array],
        outcome: Callable[[Array, Histories, np.random.Generator], Array] | None,
        interval: Interval | None,
        level: float,
        draws: int,
    ) -> pd.Series[float] | pd.DataFrame:
        check_interval(interval)
        if interval == "outcome" and outcome is None:
            raise ValueError("a customer is alive or not: the outcome has no interval, only its probability has")
        value = expectation(self._fit_.theta[None, :], histories)[0]
        if interval is None:
            return pd.Series(histories.per_row(value), index=histories.index, name=name)
        theta = self._drawn.some(draws)
        rng = self._generator(name)
        low, high = np.empty(len(histories)), np.empty(len(histories))
        for rows in row_blocks(len(theta), len(histories)):
            some = histories.subset(rows)
            sample = outcome(theta, some, rng) if outcome and interval == "outcome" else expectation(theta, some)
            whole = interval == "outcome" and name == "expected_purchases"
            low[rows], high[rows] = equal_tails(sample, level, whole=whole)
        if interval == "mean":
            low, high = np.minimum(low, value), np.maximum(high, value)
        columns = {"value": value, "low": low, "high": high}
        return pd.DataFrame(
            {label: histories.per_row(column) for label, column in columns.items()}, index=histories.index
        )

    def _total_outcomes(self, histories: Histories, horizon: float) -> Array:
        theta = self._drawn.working
        rng = self._generator("total")
        weights = histories.customers
        each = (
            np.repeat(np.arange(len(histories)), weights.astype(int)) if (weights == np.floor(weights)).all() else None
        )
        if each is not None and len(each) * len(theta) <= _EXACT_OUTCOMES:
            customers = histories.subset(each)
            return np.concatenate(
                [
                    self._draw_purchases(s, customers, horizon, 0.0, rng).sum(axis=1)
                    for s in draw_blocks(theta, len(customers))
                ]
            )
        means, variance, seen = [], 0.0, 0
        for some in draw_blocks(theta, len(histories)):
            expected = self._expected(some, histories, horizon)
            means.append(expected @ weights)
            if seen < ROW_DRAWS:
                single = self._draw_purchases(some, histories, horizon, 0.0, rng)
                variance += float((((single - expected) ** 2) @ weights).sum())
                seen += len(some)
        total = np.concatenate(means)
        return np.asarray(total + np.sqrt(variance / seen) * rng.standard_normal(len(total)))

    def _number(self, value: float, low: float, high: float, n: int, level: float) -> Estimate:
        return posterior_estimate(value, low, high, n=n, method=self._drawn.method, level=level)
