"""Who forecasts purchases: fitted models, two rules of thumb, and gradient boosting."""

from __future__ import annotations

import dataclasses
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar, Literal, Protocol, TypeAlias

import numpy as np
import pandas as pd

from crm_lib.clv.histories import Array, Codes
from crm_lib.clv.model import ConvergenceWarning
from crm_lib.clv.purchase_model import PurchaseModel
from crm_lib.clv.purchase_record import PurchaseRecord
from crm_lib.customers import UNIT_DAYS
from crm_lib.errors import TooLittleData

Kind: TypeAlias = Literal["baseline", "dropout", "learner"]
"""A rule that knows no leaving, a model in which customers leave, or a learner that knows neither."""
_MOST_ROWS = 100_000
"""Customers learned from: trees of this size learn nothing more from further ones."""


@dataclass(frozen=True, kw_only=True)
class Task:
    """What is asked: purchases in `horizon_days`, with `draws` numbers of each customer at the places `sample`."""

    horizon_days: int
    sample: Codes
    draws: int
    seed: int


@dataclass(frozen=True, kw_only=True)
class Forecast:
    """How many purchases customers will make.

    Mean number of each customer (N,), equally probable numbers of the sample (D, n), mean repeat purchases by times
    since the first purchase in days (None where the forecaster knows no new customers), and what a reader should know.
    """

    expected: Array
    draws: Array
    repeats_of_new: Callable[[Array], Array] | None = None
    note: str = ""


class Forecaster(Protocol):
    """Whoever can forecast purchases; `parameters` tells the simpler of two."""

    @property
    def name(self) -> str:
        """Name in tables."""

    @property
    def parameters(self) -> int:
        """Number of parameters learned from the data."""

    @property
    def kind(self) -> Kind:
        """What kind of forecaster this is."""

    def forecast(self, known: PurchaseRecord, task: Task) -> Forecast:
        """Return the forecast from what is known at the end of a day."""


@dataclass(frozen=True)
class ModelForecaster:
    """A model of purchases, fitted to the histories; `model` gives its settings and stays unfitted."""

    model: PurchaseModel

    @property
    def name(self) -> str:
        """Name of the class."""
        return type(self.model).__name__

    @property
    def parameters(self) -> int:
        """Number of the model's parameters."""
        return len(self.model.parameter_names)

    @property
    def kind(self) -> Kind:
        """Whether customers leave."""
        return "dropout" if self.model.leaves else "baseline"

    def forecast(self, known: PurchaseRecord, task: Task) -> Forecast:
        """Fit the model and return what it expects, with draws under its posterior."""
        model = dataclasses.replace(self.model)
        days = UNIT_DAYS[model.unit]
        summary = known.summary(model.unit)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)  # told in the note
            model.fit(summary)
        model.posterior(draws=task.draws, seed=task.seed)
        horizon = task.horizon_days / days
        return Forecast(
            expected=np.asarray(model.expected_purchases(summary, horizon), dtype=float),
            draws=model.drawn("purchases", summary.iloc[task.sample], horizon=horizon, outcome=True, draws=task.draws),
            repeats_of_new=lambda elapsed: np.asarray(model.expected_purchases_new(elapsed / days), dtype=float),
            note="" if model.converged_ else "did not converge",
        )


@dataclass(frozen=True)
class SameAsLastPeriod:
    """Each customer buys as often again as in the period before, which is as long as the horizon.

    Where the history is shorter, all of it counts and is carried to the horizon in proportion. First purchases do not
    count: they make a customer and come but once. Numbers vary as in a Poisson distribution.
    """

    name: ClassVar[str] = "same as last period"
    parameters: ClassVar[int] = 0
    kind: ClassVar[Kind] = "baseline"

    def forecast(self, known: PurchaseRecord, task: Task) -> Forecast:
        """Return the forecast."""
        length = min(task.horizon_days, max(known.as_of - known.begin, 1))
        began = known.as_of - length
        again = known.purchases(began, known.as_of) - (known.first_day > began)
        return _scattered(again * (task.horizon_days / length), 0.0, task)


@dataclass(frozen=True)
class OwnMeanRate:
    """Each customer goes on buying at the mean rate since the first purchase (Wübben & von Wangenheim 2008).

    Who came on the last day has no rate yet, and is given that of all customers together. Numbers vary as in a Poisson
    distribution.
    """

    name: ClassVar[str] = "own mean rate"
    parameters: ClassVar[int] = 0
    kind: ClassVar[Kind] = "baseline"

    def forecast(self, known: PurchaseRecord, task: Task) -> Forecast:
        """Return the forecast."""
        frequency = known.purchases(known.begin - 1, known.as_of) - 1
        age = (known.as_of - known.first_day).astype(float)
        common = frequency.sum() / max(float(age.sum()), 1.0)
        rate = np.where(age > 0, frequency / np.maximum(age, 1.0), common)
        return _scattered(rate * task.horizon_days, 0.0, task)


@dataclass(frozen=True)
class Boosting:
    """Gradient-boosted trees that learn from the window before: features at its beginning, purchases in it.

    The window ends with what is known and is as long as the horizon; where the history does not reach back twice the
    horizon it is half the history, and forecasts are carried to the horizon in proportion. Numbers vary as in a
    negative binomial distribution whose dispersion comes from a fifth of the customers that was not learned from. The
    settings are fixed beforehand: nothing is tuned on what is forecast.
    """

    name: ClassVar[str] = "gradient boosting"
    parameters: ClassVar[int] = 1000
    """More than any model has: trees are never the simpler choice."""
    kind: ClassVar[Kind] = "learner"

    def forecast(self, known: PurchaseRecord, task: Task) -> Forecast:
        """Learn from the window before and return the forecast."""
        from sklearn.ensemble import HistGradientBoostingRegressor
        from threadpoolctl import threadpool_limits

        window = min(task.horizon_days, (known.as_of - known.begin) // 2)
        before = known.until(known.as_of - window)
        if window < 1 or len(before) < 2:
            raise TooLittleData("gradient boosting needs customers in an earlier window to learn from")
        bought = known.purchases(before.as_of, known.as_of, of=before.customers)
        order = np.random.default_rng(task.seed).permutation(len(before))[:_MOST_ROWS]
        checked, learned = np.split(order, [len(order) // 5])
        if not bought[learned].any():
            return _scattered(np.zeros(len(known)), 0.0, task)
        features = customer_features(before, window)
        trees = HistGradientBoostingRegressor(
            loss="poisson", max_iter=100, learning_rate=0.05, max_leaf_nodes=15, l2_regularization=1.0,
            early_stopping=False, random_state=task.seed,
        )  # fmt: skip
        # Threads that wait for each other on a busy machine cost more than they save.
        with threadpool_limits(limits=1, user_api="openmp"):
            trees.fit(features[learned], bought[learned])
            told, now = trees.predict(features[checked]), trees.predict(customer_features(known, window))
        excess = float(((bought[checked] - told) ** 2 - told).sum())
        dispersion = max(excess, 0.0) / max(float((told**2).sum()), 1e-12)
        return _scattered(now * (task.horizon_days / window), dispersion, task)


def customer_features(known: PurchaseRecord, window: int) -> Array:
    """Return what trees learn from, one row a customer; missing where a customer has none.

    Trees learn at one date and are applied at a later one, when everybody is older. What grows with age by itself, such
    as the number of purchases ever made, would then mean something else than what was learned; so features are rates
    and ratios, or do not reach back beyond the window.
    """
    summary = known.summary("D")
    frequency, age, recency = (summary[name].to_numpy(dtype=float) for name in ("frequency", "age", "recency"))
    silent = age - recency
    columns = [np.minimum(age, window), np.minimum(silent, window)]
    with np.errstate(divide="ignore", invalid="ignore"):
        columns += [frequency / age, recency / age, silent * frequency / recency]
    for length in (window // 4, window // 2, window):
        eve = known.as_of - length
        columns.append(known.purchases(eve, known.as_of) - (known.first_day > eve))
    if known.spend is not None:
        total = np.bincount(known.codes, weights=known.spend, minlength=len(known))
        columns += [total / (frequency + 1), known.spend[np.append(np.flatnonzero(np.diff(known.codes)), -1)]]
    return pd.DataFrame(np.column_stack(columns)).replace([np.inf, -np.inf], np.nan).to_numpy()


def _scattered(expected: Array, dispersion: float, task: Task) -> Forecast:
    """Return a forecast whose numbers have variance m + d m² about their mean m."""
    rng = np.random.default_rng(task.seed)
    mean, shape = expected[task.sample], (task.draws, len(task.sample))
    if dispersion > 0:
        mean = rng.gamma(1 / dispersion, dispersion, shape) * mean
    return Forecast(expected=expected, draws=rng.poisson(mean, shape).astype(float))
