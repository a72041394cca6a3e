"""What is asked of whoever forecasts purchases, and how a fitted model answers."""

from __future__ import annotations

import dataclasses
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, Protocol, TypeAlias

import numpy as np
from scipy import stats

from crm_lib.clv.histories import Array, Codes
from crm_lib.clv.model import ConvergenceWarning
from crm_lib.clv.purchase_model import PurchaseModel
from crm_lib.clv.purchase_record import PurchaseRecord
from crm_lib.customers import UNIT_DAYS
from crm_lib.estimate import Estimate

Kind: TypeAlias = Literal["baseline", "dropout", "learner"]
"""A rule that knows no leaving, a model in which customers leave, or a learner that knows neither."""


@dataclass(frozen=True, kw_only=True)
class Task:
    """What is to be forecast.

    Parameters
    ----------
    horizon_days : int
        Days after the record's ``as_of``.
    sample : array of int (n,)
        Places, among the record's customers, of those whose numbers of purchases are drawn.
    draws : int
        Draws of each number.
    level : float
        Coverage of the interval of the total.
    seed : int
        Seed of the random numbers.
    """

    horizon_days: int
    sample: Codes
    draws: int
    level: float
    seed: int


@dataclass(frozen=True, kw_only=True)
class Forecast:
    """How many purchases customers will make.

    Parameters
    ----------
    expected : array (N,)
        Mean number of each customer of the record.
    draws : array (D, n)
        Equally probable numbers of the customers in the task's sample.
    total : Estimate
        Number of all customers together, with the interval of the outcome.
    repeats_of_new : callable or None
        From times since the first purchase (days) to mean repeat purchases of a customer about whom nothing else is
        known; None where the forecaster has no idea of such.
    note : str
        What a reader should know, such as that a fit did not converge.
    """

    expected: Array
    draws: Array
    total: Estimate
    repeats_of_new: Callable[[Array], Array] | None = None
    note: str = ""


class Forecaster(Protocol):
    """Whoever can forecast purchases from what is known at the end of a day."""

    @property
    def name(self) -> str:
        """Name in tables."""

    @property
    def parameters(self) -> int:
        """Number of parameters learned from the data, by which the simpler of two is told."""

    @property
    def kind(self) -> Kind:
        """What kind of forecaster this is."""

    def forecast(self, known: PurchaseRecord, task: Task) -> Forecast:
        """Return the forecast.

        Parameters
        ----------
        known : PurchaseRecord
            All that is known.
        task : Task
            What is asked.
        """


@dataclass(frozen=True)
class ModelForecaster:
    """A model of purchases as a forecaster: fitted to the histories, asked for what follows.

    Parameters
    ----------
    model : PurchaseModel
        Settings of the model; it stays unfitted.
    """

    model: PurchaseModel

    @property
    def name(self) -> str:
        """Name of the class, with the settings that are not the usual ones."""
        return model_name(self.model)

    @property
    def parameters(self) -> int:
        """Number of the model's parameters."""
        return len(self.model.parameter_names)

    @property
    def kind(self) -> Kind:
        """Whether customers leave."""
        return "dropout" if self.model.leaves else "baseline"

    def forecast(self, known: PurchaseRecord, task: Task) -> Forecast:
        """Fit the model to what is known and return its forecast.

        Parameters
        ----------
        known : PurchaseRecord
            All that is known.
        task : Task
            What is asked.
        """
        model = dataclasses.replace(self.model)
        days = UNIT_DAYS[model.unit]
        horizon = task.horizon_days / days
        summary = known.summary(model.unit)
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always", ConvergenceWarning)
            model.fit(summary)
        for warning in caught:
            if not issubclass(warning.category, ConvergenceWarning):
                warnings.warn_explicit(warning.message, warning.category, warning.filename, warning.lineno)
        model.posterior(draws=max(task.draws, 100), seed=task.seed)
        asked = summary.iloc[task.sample]
        # Each customer has draws of its own, though others share the history: less of the scores is then chance.
        draws = model.drawn("purchases", asked, horizon=horizon, outcome=True, draws=task.draws)
        return Forecast(
            expected=np.asarray(model.expected_purchases(summary, horizon), dtype=float),
            draws=draws,
            total=model.total_purchases(summary, horizon, interval="outcome", level=task.level),
            repeats_of_new=lambda elapsed: _new(model, elapsed / days),
            note="" if model.converged_ else "did not converge",
        )


def model_name(model: PurchaseModel) -> str:
    """Return the class of a model with those settings that differ from the usual, such as ``BGNBD(regularity=2)``.

    Parameters
    ----------
    model : PurchaseModel
        The model. Its unit of time, which changes no forecast, is not named.
    """
    different = [
        f"{field.name}={getattr(model, field.name)!r}"
        for field in dataclasses.fields(model)
        if field.name != "unit" and field.init and getattr(model, field.name) != field.default
    ]
    name = type(model).__name__
    return f"{name}({', '.join(different)})" if different else name


def total_of_draws(expected: Array, variance: Array, task: Task, *, method: str) -> Estimate:
    """Return the total of independent counts with the interval of the outcome.

    Parameters
    ----------
    expected, variance : array (N,)
        Mean and variance of each count.
    task : Task
        Gives the level.
    method : str
        Where the variance comes from.

    Returns
    -------
    Estimate
        The interval is that of a negative binomial distribution with the mean and variance of the total; of a Poisson
        distribution where the variance does not exceed the mean.
    """
    mean, spread = float(expected.sum()), float(variance.sum())
    tail = (1 - task.level) / 2
    if mean <= 0:
        low, high = 0.0, 0.0
    elif spread > mean * (1 + 1e-9):
        shape = mean**2 / (spread - mean)
        low, high = stats.nbinom.ppf([tail, 1 - tail], shape, shape / (shape + mean))
    else:
        low, high = stats.poisson.ppf([tail, 1 - tail], mean)
    return Estimate(
        value=mean, low=min(float(low), mean), high=max(float(high), mean), n=len(expected), method=method,
        level=task.level,
    )  # fmt: skip


def _new(model: PurchaseModel, times: Array) -> Array:
    answer = model.expected_purchases_new(times)
    return np.atleast_1d(np.asarray(answer, dtype=float))
