"""What the models of customers without contract have in common: what a customer will still buy, with intervals."""

from __future__ import annotations

import dataclasses
from abc import abstractmethod
from collections.abc import Callable
from typing import ClassVar, Literal, TypeAlias, overload

import numpy as np
import pandas as pd

from crm_lib.clv.discounting import continuous_rate, discounted_to_infinity
from crm_lib.clv.histories import Array, Histories, Units, new_customers, read_histories
from crm_lib.clv.intervals import Interval, check_horizon, check_interval, draw_blocks, equal_tails, row_blocks
from crm_lib.clv.model import Model
from crm_lib.errors import MissingData
from crm_lib.estimate import Estimate

ROW_DRAWS = 400
"""Posterior draws that the interval of a single customer rests on."""
_TOTAL_DRAWS = 1000
"""Posterior draws that the interval of a total rests on."""
Quantity: TypeAlias = Literal["alive", "purchases", "discounted"]
_EXACT_OUTCOMES = 2**22
"""Single outcomes (draws by customers) up to which a total is simulated customer by customer."""


@dataclasses.dataclass(kw_only=True, eq=False)
class PurchaseModel(Model[Histories]):
    """A model of when customers without contract buy, and whether they still will.

    Its methods take a `summary`: a table with columns ``frequency``, ``recency`` and ``age`` in the model's unit of
    time, and those of covariates where the model has any; with a column ``customers``, each row stands for that many.
    Point values are those at the maximum of the likelihood. With an interval, which comes from the posterior draws,
    the value of a "mean" is the posterior median.

    Parameters
    ----------
    unit : {"D", "W", "M", "Y"}
        Unit of time of recency, age and horizons.
    """

    leaves: ClassVar[bool] = True
    """Whether the model lets customers leave."""
    unit: str = "W"

    # What a subclass supplies, beside what Model asks for. Arrays: theta (D, P), results (D, H).

    @abstractmethod
    def _alive(self, theta: Array, histories: Histories) -> Array: ...

    @abstractmethod
    def _expected(self, theta: Array, histories: Histories, horizon: float) -> Array: ...

    @abstractmethod
    def _draw_purchases(
        self, theta: Array, histories: Histories, horizon: float, rng: np.random.Generator
    ) -> Array: ...

    @abstractmethod
    def _simulate(
        self, theta: Array, age: Array, rng: np.random.Generator, covariates: Array, horizon: float
    ) -> pd.DataFrame: ...

    def _discounted(self, theta: Array, histories: Histories, rate: float) -> Array:
        return discounted_to_infinity(lambda time: self._expected(theta, histories, time), rate)

    @property
    def covariate_names(self) -> tuple[str, ...]:
        """Columns of covariates that the model reads."""
        return ()

    def _read(self, data: pd.DataFrame) -> Histories:
        return read_histories(data, unit=self.unit, covariates=self.covariate_names)

    def _standardised(self, data: Histories) -> tuple[Histories, Units]:
        return data.standardised()

    def _check(self, data: Histories) -> None:
        data.check_unit(self.unit)

    def _newcomer(self) -> Histories:
        return new_customers(covariates=np.zeros((1, len(self.covariate_names))))

    def _expected_new(self, theta: Array, horizons: Array) -> Array:
        one = self._newcomer()
        return np.concatenate([self._expected(theta, one, float(horizon)) for horizon in horizons], axis=1)

    def _discounted_new(self, theta: Array, rate: float) -> Array:
        return self._discounted(theta, self._newcomer(), rate)

    # What users ask

    @overload
    def probability_alive(
        self, summary: pd.DataFrame, *, interval: None = None
    ) -> pd.Series[float]: ...  # numpydoc ignore=GL08
    @overload
    def probability_alive(
        self, summary: pd.DataFrame, *, interval: Literal["mean"]
    ) -> pd.DataFrame: ...  # numpydoc ignore=GL08
    def probability_alive(
        self, summary: pd.DataFrame, *, interval: Literal["mean"] | None = None
    ) -> pd.Series[float] | pd.DataFrame:
        """Return the probability that each customer is still a customer.

        Parameters
        ----------
        summary : DataFrame (N rows)
            Purchase histories.
        interval : "mean" or None
            Whether to add the posterior interval of the probability. (The outcome is yes or no and has none.)

        Returns
        -------
        Series or DataFrame
            Probabilities with the index of `summary`; with an interval the columns ``value``, ``low``, ``high``.
        """
        if interval not in ("mean", None):
            raise ValueError("a customer is alive or not: the outcome has no interval, only its probability has")
        return self._answer("alive", summary, None, interval)

    @overload
    def expected_purchases(  # numpydoc ignore=GL08
        self, summary: pd.DataFrame, horizon: float, *, interval: None = None
    ) -> pd.Series[float]: ...
    @overload
    def expected_purchases(  # numpydoc ignore=GL08
        self, summary: pd.DataFrame, horizon: Array, *, interval: None = None
    ) -> pd.DataFrame: ...
    @overload
    def expected_purchases(  # numpydoc ignore=GL08
        self, summary: pd.DataFrame, horizon: float, *, interval: Interval
    ) -> pd.DataFrame: ...
    def expected_purchases(
        self, summary: pd.DataFrame, horizon: Array | float, *, interval: Interval | None = None
    ) -> pd.Series[float] | pd.DataFrame:
        """Return how many purchases each customer is expected to make in the time to come.

        Parameters
        ----------
        summary : DataFrame (N rows)
            Purchase histories.
        horizon : float or array (K,)
            Length of the time to come, in the model's unit.
        interval : {"mean", "outcome"} or None
            "mean" adds the posterior interval of the expectation, "outcome" that of the number itself, which also
            holds the chance of what a customer happens to do.

        Returns
        -------
        Series or DataFrame
            Expected numbers with the index of `summary`; for several horizons a column each; with an interval the
            columns ``value``, ``low``, ``high``.

        Raises
        ------
        ValueError
            If a horizon is negative or not finite.
        """
        if np.ndim(horizon):
            if interval is not None:
                raise ValueError("intervals are told for one horizon at a time")
            return pd.DataFrame(
                {length: self.expected_purchases(summary, float(length)) for length in np.ravel(horizon)}
            )
        return self._answer("purchases", summary, float(horizon), interval)

    def discounted_expected_purchases(self, summary: pd.DataFrame, annual_rate: float) -> pd.Series[float]:
        """Return the discounted number of all purchases that each customer is still expected to make.

        A purchase at time t from now counts for (1 + annual_rate)^(-t in years).

        Parameters
        ----------
        summary : DataFrame (N rows)
            Purchase histories.
        annual_rate : float
            Interest of a year, such as 0.1; positive.

        Returns
        -------
        Series
            Discounted numbers with the index of `summary`; :meth:`drawn` gives their posterior.
        """
        histories, rate = self._read(summary), continuous_rate(annual_rate, self.unit)
        value = self._discounted(self._fit_.theta[None, :], histories, rate)[0]
        return pd.Series(histories.per_row(value), index=histories.index, name="discounted")

    def expected_purchases_new(self, horizon: Array | float) -> pd.Series[float]:
        """Return how many repeat purchases a new customer makes by times (K,) since the first, covariates being 0."""
        horizons = np.array([check_horizon(float(length)) for length in np.atleast_1d(horizon)])
        return pd.Series(self._expected_new(self._fit_.theta[None, :], horizons)[0], index=horizons, name="purchases")

    def total_purchases(self, summary: pd.DataFrame, horizon: float, *, interval: Interval = "mean") -> Estimate:
        """Return how many purchases all customers together are expected to make in a horizon.

        The interval is for the expectation or for the number itself. Of few customers every outcome is simulated.
        Outcomes of many are drawn as a gamma-Poisson number with the mean of the total and the variance of single
        outcomes that were simulated.
        """
        check_interval(interval)
        length, histories, theta = check_horizon(horizon), self._read(summary), self._drawn.some(_TOTAL_DRAWS)
        value = float(self._expected(self._fit_.theta[None, :], histories, length)[0] @ histories.customers)
        if interval == "outcome":
            sample = self._total_outcomes(histories, length)
            return self._number(sample, round(histories.total), value=value, whole=True)
        blocks = draw_blocks(theta, len(histories))
        sample = np.concatenate([self._expected(some, histories, length) @ histories.customers for some in blocks])
        return self._number(sample, round(histories.total))

    def drawn(
        self,
        quantity: Quantity,
        summary: pd.DataFrame,
        *,
        horizon: float | None = None,
        annual_rate: float | None = None,
        outcome: bool = False,
        draws: int = ROW_DRAWS,
    ) -> Array:
        """Return a quantity of each customer for each of the posterior draws, to compute further with.

        Parameters
        ----------
        quantity : {"alive", "purchases", "discounted"}
            Probability of being alive, purchases in the `horizon`, or discounted purchases at the `annual_rate`.
        summary : DataFrame (N rows)
            Purchase histories.
        horizon, annual_rate : float
            What the quantity needs.
        outcome : bool
            Whether to simulate purchases instead of their expectation; every row is drawn by itself.
        draws : int
            Number of posterior draws D.

        Returns
        -------
        array (D, N)
            The same draws, in the same order, whatever the quantity and the summary.
        """
        if quantity == "purchases" and horizon is None:
            raise ValueError("purchases need a horizon")
        if quantity == "discounted" and annual_rate is None:
            raise ValueError("discounted purchases need an annual_rate")
        if outcome and quantity != "purchases":
            raise ValueError("only purchases have outcomes")
        histories = read_histories(summary, unit=self.unit, covariates=self.covariate_names, grouped=not outcome)
        compute = self._computing(quantity, horizon, annual_rate, outcome=outcome)
        blocks = draw_blocks(self._drawn.some(draws), len(histories))
        return histories.per_row(np.concatenate([compute(some, histories) for some in blocks]))

    def simulate(
        self, age: Array, *, seed: int, horizon: float = 0.0, covariates: pd.DataFrame | None = None
    ) -> pd.DataFrame:
        """Simulate the histories of customers by the model's parameters.

        Parameters
        ----------
        age : array (N,)
            Time from each customer's first purchase to the end of observation, in the model's unit.
        seed : int
            Seed of the random numbers.
        horizon : float
            Further time in which what happens next is simulated.
        covariates : DataFrame (N rows), optional
            The model's covariates.

        Returns
        -------
        DataFrame
            ``frequency``, ``recency``, ``age``, the covariates, and what nobody could observe: ``alive`` at the end of
            observation, and ``future``, the number of purchases in the horizon.
        """
        ages = np.asarray(age, dtype=float)
        if ages.ndim != 1 or not (np.isfinite(ages) & (ages >= 0)).all():
            raise ValueError("age must be a list of finite times that are not negative")
        names = list(self.covariate_names)
        given = pd.DataFrame(index=range(len(ages))) if covariates is None else covariates
        if not set(names) <= set(given):
            raise MissingData("covariates", names)
        columns = given[names].to_numpy(dtype=float)
        frame = self._simulate(self._fit_.theta, ages, np.random.default_rng(seed), columns, check_horizon(horizon))
        frame[names] = columns
        frame.attrs["unit"] = self.unit
        return frame

    # Intervals

    def _computing(
        self, quantity: Quantity, horizon: float | None, annual_rate: float | None = None, *, outcome: bool = False
    ) -> Callable[[Array, Histories], Array]:
        if quantity == "alive":
            return self._alive
        if quantity == "discounted":
            rate = continuous_rate(annual_rate or 0.0, self.unit)
            return lambda theta, some: self._discounted(theta, some, rate)
        length = check_horizon(0.0 if horizon is None else horizon)
        if outcome:
            rng = self._generator(quantity)
            return lambda theta, some: self._draw_purchases(theta, some, length, rng)
        return lambda theta, some: self._expected(theta, some, length)

    def _answer(
        self, quantity: Quantity, summary: pd.DataFrame, horizon: float | None, interval: Interval | None
    ) -> pd.Series[float] | pd.DataFrame:
        check_interval(interval)
        histories, outcome = self._read(summary), interval == "outcome"
        value = self._computing(quantity, horizon)(self._fit_.theta[None, :], histories)[0]
        if interval is None:
            return pd.Series(histories.per_row(value), index=histories.index, name=quantity)
        compute = self._computing(quantity, horizon, outcome=outcome)
        theta = self._drawn.some(ROW_DRAWS)
        low, high = np.empty(len(histories)), np.empty(len(histories))
        for rows in row_blocks(len(theta), len(histories)):
            sample = compute(theta, histories.subset(rows))
            low[rows], high[rows] = equal_tails(sample, whole=outcome)
            if not outcome:
                value[rows] = np.median(sample, axis=0)
        columns = {"value": value, "low": low, "high": high}
        return pd.DataFrame({name: histories.per_row(each) for name, each in columns.items()}, index=histories.index)

    def _total_outcomes(self, histories: Histories, horizon: float) -> Array:
        theta, weights, rng = self._drawn.some(_TOTAL_DRAWS), histories.customers, self._generator("total")
        if histories.total * len(theta) <= _EXACT_OUTCOMES and (weights == np.floor(weights)).all():
            each = histories.subset(np.repeat(np.arange(len(histories)), weights.astype(int)))
            blocks = draw_blocks(theta, len(each))
            return np.concatenate([self._draw_purchases(s, each, horizon, rng).sum(axis=1) for s in blocks])
        means, variance, seen = [], 0.0, 0
        for some in draw_blocks(theta, len(histories)):
            expected = self._expected(some, histories, horizon)
            means.append(expected @ weights)
            if seen < ROW_DRAWS:
                single = self._draw_purchases(some, histories, horizon, rng)
                variance += float((((single - expected) ** 2) @ weights).sum())
                seen += len(some)
        mean = np.maximum(np.tile(np.concatenate(means), 4), 1e-300)
        # Variance beyond that of a Poisson number, which the rate of a gamma-Poisson number brings.
        excess = np.maximum(variance / seen - mean, 1e-9 * mean)
        return rng.poisson(np.minimum(rng.standard_gamma(mean**2 / excess) * excess / mean, 1e18)).astype(float)
