"""What a model of purchases must supply, and how it is read, drawn from and simulated."""

from __future__ import annotations

import dataclasses
import zlib
from abc import abstractmethod
from typing import ClassVar, Literal

import numpy as np
import pandas as pd

from crm_lib.clv.discounting import continuous_rate, discounted_to_infinity
from crm_lib.clv.histories import Array, Histories, read_histories
from crm_lib.clv.intervals import check_horizon, draw_blocks
from crm_lib.clv.model import Model
from crm_lib.errors import MissingData

ROW_DRAWS = 400
"""Posterior draws that the interval of a single customer rests on, where nothing else is asked for."""


@dataclasses.dataclass(kw_only=True, eq=False)
class PurchaseProcess(Model[Histories]):
    """How customers buy and leave, as far as computations need it; users meet :class:`PurchaseModel`.

    Parameters
    ----------
    unit : {"D", "W", "M", "Y"}
        Unit of time of recency, age and horizons.
    """

    discrete: ClassVar[bool] = False
    """Whether time is counted in purchase opportunities."""
    leaves: ClassVar[bool] = True
    """Whether the model lets customers leave."""
    unit: str = "W"

    # What a subclass supplies, beside what Model asks for. Arrays: theta (D, P), results (D, H).

    @abstractmethod
    def _alive(self, theta: Array, histories: Histories) -> Array: ...

    @abstractmethod
    def _expected(self, theta: Array, histories: Histories, horizon: float) -> Array: ...

    @abstractmethod
    def _expected_new(self, theta: Array, horizons: Array) -> Array: ...

    @abstractmethod
    def _draw_purchases(
        self, theta: Array, histories: Histories, horizon: float, rate: float, rng: np.random.Generator
    ) -> Array: ...

    @abstractmethod
    def _simulate(
        self, theta: Array, age: Array, rng: np.random.Generator, covariates: Array, horizon: float
    ) -> pd.DataFrame: ...

    def _discounted(self, theta: Array, histories: Histories, rate: float) -> Array:
        return discounted_to_infinity(lambda time: self._expected(theta, histories, time), rate)

    def _discounted_new(self, theta: Array, rate: float) -> Array:
        return discounted_to_infinity(lambda time: self._expected_new(theta, np.array([time])), rate)

    @property
    def covariate_names(self) -> tuple[str, ...]:
        """Columns of covariates that the model reads."""
        return ()

    def _read(self, data: pd.DataFrame) -> Histories:
        return read_histories(data, unit=self.unit, covariates=self.covariate_names, discrete=self.discrete)

    def _typical_scale(self, data: Histories) -> dict[str, float]:
        age = float(data.age @ data.customers) / data.total
        return dict.fromkeys(self.scale_parameters, age if age > 0 else 1.0)

    def drawn(
        self,
        quantity: Literal["alive", "purchases", "discounted"],
        summary: pd.DataFrame,
        *,
        horizon: float | None = None,
        annual_rate: float | None = None,
        outcome: bool = False,
        label: str = "",
        draws: int = ROW_DRAWS,
    ) -> Array:
        """Return a quantity of each customer for each of the posterior draws, for whoever computes further with it.

        Parameters
        ----------
        quantity : {"alive", "purchases", "discounted"}
            Probability of being alive, purchases in the `horizon`, or discounted purchases at the `annual_rate`.
        summary : DataFrame (N rows)
            Purchase histories.
        horizon, annual_rate : float
            What the quantity needs.
        outcome : bool
            Whether to simulate what happens instead of its expectation; every row is drawn by itself.
        label : str
            Name of the block, for who computes outcomes block by block: blocks of equal names share their chance.
        draws : int
            Number of posterior draws D.

        Returns
        -------
        array (D, N)
            The same draws, in the same order, whatever the quantity and the summary.

        Raises
        ------
        ValueError
            If `horizon` or `annual_rate` is absent where it is needed.
        """
        theta = self._drawn.some(draws)
        if quantity == "alive":
            histories = self._read(summary)
            return histories.per_row(self._alive(theta, histories))
        length, rate = np.inf, 0.0
        if quantity == "purchases":
            if horizon is None:
                raise ValueError("purchases need a horizon")
            length = check_horizon(horizon)
        elif annual_rate is None:
            raise ValueError("discounted purchases need an annual_rate")
        else:
            rate = continuous_rate(annual_rate, self.unit)
        if outcome:
            rows = read_histories(
                summary, unit=self.unit, covariates=self.covariate_names, discrete=self.discrete, grouped=False
            )
            rng = self._generator(f"{quantity}{label}")
            return np.concatenate(
                [self._draw_purchases(some, rows, length, rate, rng) for some in draw_blocks(theta, len(rows))]
            )
        histories = self._read(summary)
        compute = self._expected if quantity == "purchases" else self._discounted
        argument = length if quantity == "purchases" else rate
        return histories.per_row(
            np.concatenate([compute(some, histories, argument) for some in draw_blocks(theta, len(histories))])
        )

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

        Raises
        ------
        MissingData
            If a covariate is absent.
        """
        ages = np.asarray(age, dtype=float)
        if ages.ndim != 1 or not (np.isfinite(ages) & (ages >= 0)).all():
            raise ValueError("age must be a list of finite times that are not negative")
        names = list(self.covariate_names)
        given = np.empty((len(ages), 0))
        if names:
            if covariates is None or not set(names) <= set(covariates):
                raise MissingData("covariates", names)
            given = covariates[names].to_numpy(dtype=float)
        rng = np.random.default_rng(seed)
        frame = self._simulate(self._fit_.theta, ages, rng, given, check_horizon(horizon))
        for place, name in enumerate(names):
            frame[name] = given[:, place]
        frame.attrs["unit"] = self.unit
        return frame

    def _generator(self, purpose: str) -> np.random.Generator:
        return np.random.default_rng([self._drawn.seed, zlib.crc32(purpose.encode())])
