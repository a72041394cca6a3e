"""What the models of customers without contract have in common: what a customer will still buy, with intervals."""

from __future__ import annotations

import dataclasses
from abc import abstractmethod
from collections.abc import Callable, Sequence
from typing import ClassVar, Literal, TypeAlias, overload

import numpy as np
import pandas as pd

from crm_lib.clv.discounting import continuous_rate, discounted_until
from crm_lib.clv.histories import Array, Histories, Units, new_customers, read_histories
from crm_lib.clv.intervals import check_horizon, draw_blocks
from crm_lib.clv.model import Model
from crm_lib.errors import MissingData

ROW_DRAWS = 400
"""Posterior draws that the interval of a single customer rests on."""
_MOST = 2**28
"""Numbers that an answer may hold: 2 GB."""
Quantity: TypeAlias = Literal["alive", "purchases", "discounted"]


@dataclasses.dataclass(kw_only=True, eq=False)
class PurchaseModel(Model[Histories]):
    """A model of when customers without contract buy, and whether they still will.

    Its methods take a `summary`: a table with columns ``frequency``, ``recency`` and ``age`` in the model's unit of
    time, and those of covariates where the model has any; with a column ``customers``, each row stands for that many.
    Point values are those at the maximum of the likelihood; intervals come from the posterior draws.

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
    def _discounted(self, theta: Array, histories: Histories, rate: float) -> Array: ...

    @abstractmethod
    def _draw_purchases(
        self, theta: Array, histories: Histories, horizon: float, rng: np.random.Generator
    ) -> Array: ...

    @abstractmethod
    def _simulate(
        self, theta: Array, age: Array, rng: np.random.Generator, covariates: Array, horizon: float
    ) -> pd.DataFrame: ...

    def _worth(self, theta: Array, histories: Histories, rate: float, horizon: float | None) -> Array:
        """Return the discounted number of purchases, up to a horizon or for ever."""
        if horizon is None:
            return self._discounted(theta, histories, rate)
        return discounted_until(lambda time: self._expected(theta, histories, time), rate, check_horizon(horizon))

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

    def probability_alive(self, summary: pd.DataFrame) -> pd.Series[float]:
        """Return the probability that each customer (N,) is still a customer; :meth:`drawn` gives its posterior."""
        histories = self._read(summary)
        value = self._alive(self._fit_.theta[None, :], histories)[0]
        return pd.Series(histories.per_row(value), index=histories.index, name="alive")

    @overload
    def expected_purchases(self, summary: pd.DataFrame, horizon: float) -> pd.Series[float]: ...  # numpydoc ignore=GL08
    @overload
    def expected_purchases(
        self, summary: pd.DataFrame, horizon: Sequence[float] | Array
    ) -> pd.DataFrame: ...  # numpydoc ignore=GL08
    def expected_purchases(
        self, summary: pd.DataFrame, horizon: float | Sequence[float] | Array
    ) -> pd.Series[float] | pd.DataFrame:
        """Return how many purchases each customer is expected to make in a time to come, in the model's unit.

        Parameters
        ----------
        summary : DataFrame (N rows)
            Purchase histories.
        horizon : float or sequence of float
            Length of the time to come, or several; finite and not negative.

        Returns
        -------
        Series or DataFrame
            Expected numbers with the index of `summary`, and a column for each of several horizons; :meth:`drawn` gives
            their posterior, and outcomes.
        """
        histories, theta = self._read(summary), self._fit_.theta[None, :]
        lengths = [check_horizon(each) for each in np.atleast_1d(np.asarray(horizon, dtype=float))]
        values = [histories.per_row(self._expected(theta, histories, each)[0]) for each in lengths]
        if np.ndim(horizon) == 0:
            return pd.Series(values[0], index=histories.index, name="purchases")
        return pd.DataFrame(np.column_stack(values), histories.index, pd.Index(lengths, name="horizon"))

    def discounted_expected_purchases(
        self, summary: pd.DataFrame, annual_rate: float, *, horizon: float | None = None
    ) -> pd.Series[float]:
        """Return the discounted number of purchases that each customer is still expected to make, up to a horizon.

        A purchase at time t from now counts for (1 + annual_rate)^(-t in years); the rate, such as 0.1, is positive.
        Without a horizon all purchases to come count.
        """
        histories, rate = self._read(summary), continuous_rate(annual_rate, self.unit)
        value = self._worth(self._fit_.theta[None, :], histories, rate, horizon)[0]
        return pd.Series(histories.per_row(value), index=histories.index, name="discounted")

    def expected_purchases_new(self, horizon: Array | float) -> pd.Series[float]:
        """Return how many repeat purchases a new customer makes by times (K,) since the first, covariates being 0."""
        horizons = np.array([check_horizon(float(length)) for length in np.atleast_1d(horizon)])
        return pd.Series(self._expected_new(self._fit_.theta[None, :], horizons)[0], index=horizons, name="purchases")

    def drawn(
        self,
        quantity: Quantity,
        summary: pd.DataFrame,
        *,
        horizon: float | None = None,
        annual_rate: float | None = None,
        outcome: bool = False,
        draws: int | Array = ROW_DRAWS,
    ) -> Array:
        """Return a quantity of each customer for each of the posterior draws (D, N), to compute further with.

        Working parameters (D, P), such as :meth:`working_draws` returns, may take the place of a number of draws.

        It is the probability of being "alive", "purchases" in the `horizon`, or "discounted" purchases at the
        `annual_rate`, up to the `horizon` if there is one. With `outcome`, numbers of purchases are simulated instead
        of their expectation, every row by itself: their sums over customers are draws of the total. Draws are the same,
        in the same order, whatever the quantity and the summary.
        """
        if quantity == "purchases" and horizon is None:
            raise ValueError("purchases need a horizon")
        if quantity == "discounted" and annual_rate is None:
            raise ValueError("discounted purchases need an annual_rate")
        if outcome and (quantity != "purchases" or "customers" in summary):
            raise ValueError("only purchases have outcomes, and a row that stands for one customer")
        count = draws if isinstance(draws, int) else len(draws)
        if count * len(summary) > _MOST:
            raise ValueError(
                f"{count} draws of {len(summary):,} customers are more than memory may hold ({_MOST:,} numbers): "
                "ask for some of the customers at a time, or for fewer draws"
            )
        histories = read_histories(summary, unit=self.unit, covariates=self.covariate_names, grouped=not outcome)
        compute = self._computing(quantity, horizon, annual_rate, outcome=outcome)
        theta = self.working_draws(draws) if isinstance(draws, int) else draws
        blocks = draw_blocks(theta, len(histories))
        return histories.per_row(np.concatenate([compute(some, histories) for some in blocks]))

    def _computing(
        self, quantity: Quantity, horizon: float | None, annual_rate: float | None, *, outcome: bool
    ) -> Callable[[Array, Histories], Array]:
        if quantity == "alive":
            return self._alive
        if quantity == "discounted":
            rate = continuous_rate(annual_rate or 0.0, self.unit)
            return lambda theta, some: self._worth(theta, some, rate, horizon)
        length = check_horizon(horizon or 0.0)
        if outcome:
            rng = self._generator(quantity)
            return lambda theta, some: self._draw_purchases(theta, some, length, rng)
        return lambda theta, some: self._expected(theta, some, length)

    def simulate(
        self, age: Array, *, seed: int, horizon: float = 0.0, covariates: pd.DataFrame | None = None
    ) -> pd.DataFrame:
        """Simulate the histories of customers (N,) of given age, who have the model's parameters and covariates.

        The table has the columns ``frequency``, ``recency``, ``age``, the covariates, and what nobody could observe:
        ``alive`` at the end of observation, and ``future``, the number of purchases in the horizon.
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
