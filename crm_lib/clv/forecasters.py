"""Who forecasts purchases: fitted models, two rules of thumb, gradient boosting; and which of them to use."""

from __future__ import annotations

import dataclasses
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, Protocol, TypeAlias

import numpy as np
import pandas as pd

from crm_lib import language
from crm_lib.clv.histories import Array, Codes
from crm_lib.clv.model import ConvergenceWarning
from crm_lib.clv.purchase_model import PurchaseModel
from crm_lib.customers import UNIT_DAYS, PurchaseRecord
from crm_lib.errors import TooLittleData
from crm_lib.estimate import LEVEL, Estimate
from crm_lib.language import say

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


_RESAMPLES = 999
_CELLS = 2**22
"""Weights held in memory at a time."""


@dataclass(frozen=True, kw_only=True)
class Contest:
    """Mean losses (M,) of several forecasters, the same with customers drawn with replacement (B, M), and RMSE (M,)."""

    forecasters: Sequence[Forecaster]
    means: Array
    resampled: Array
    errors: Sequence[float]
    customers: int

    def choose(self, among: Sequence[int]) -> int:
        """Return the place of the simplest of some that is not demonstrably worse than the best of them."""
        best = min(among, key=lambda place: float(self.means[place]))
        behind = self.resampled - self.resampled[:, [best]]
        as_good = [place for place in among if place == best or np.quantile(behind[:, place], (1 - LEVEL) / 2) <= 0]
        return min(as_good, key=lambda place: (self.forecasters[place].parameters, self.errors[place]))

    def reason(self, winner: Forecaster) -> str:
        """Return why a forecaster was chosen, in words."""
        best = self.forecasters[int(np.argmin(self.means))]
        words = "{winner} has the lowest forecast error, and nothing simpler comes as near to it as chance allows."
        if winner is not best:
            words = "{winner} is the simplest that is not demonstrably worse than {best}, which has the lowest error."
        also = {
            "baseline": "A baseline wins: models in which customers leave do not forecast better here. Values use the "
            "best of them all the same, as in the long run somebody must leave.",
            "learner": "It forecasts one period only; values use the best model in which customers leave.",
        }.get(winner.kind, "")
        told = say(words, winner=model_label(winner.name), best=model_label(best.name))
        return f"{told} {say(also)}" if also else told

    def advantage(self) -> Estimate | None:
        """Return by what share the best model in which customers leave lowers the loss of the best baseline.

        The best of either kind is picked anew in each resample.
        """
        kinds = np.array([who.kind for who in self.forecasters])
        leaving, baseline = kinds == "dropout", kinds == "baseline"
        if not leaving.any() or not baseline.any():
            return None
        points = np.vstack([self.means, self.resampled])
        reference = points[:, baseline].min(axis=1)
        gain = np.where(
            reference > 0, 1 - points[:, leaving].min(axis=1) / np.where(reference > 0, reference, 1.0), 0.0
        )
        low, high = np.quantile(gain[1:], [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
        value = float(gain[0])
        return Estimate(
            value=value, low=min(float(low), value), high=max(float(high), value), n=self.customers,
            method="bootstrap over customers", unit="share",
        )  # fmt: skip


def hold_contest(
    forecasters: Sequence[Forecaster], losses: Sequence[tuple[Codes, list[Array]]], errors: Sequence[float], seed: int
) -> Contest:
    """Return the contest, given for each cut-off the customers' numbers and the losses of all forecasters.

    A customer is drawn with the losses of all forecasters at all cut-offs.
    """
    everybody, codes = np.unique(np.concatenate([who for who, _ in losses]), return_inverse=True)
    parts = np.split(codes, np.cumsum([len(who) for who, _ in losses])[:-1])
    rng = np.random.default_rng(seed)
    count = len(everybody)
    size = max(1, min(_RESAMPLES, _CELLS // count))
    columns = [np.column_stack(loss) for _, loss in losses]
    resampled = []
    for begin in range(0, _RESAMPLES, size):
        drawn = rng.multinomial(count, np.full(count, 1 / count), size=min(size, _RESAMPLES - begin)).astype(float)
        means = []
        for part, loss in zip(parts, columns, strict=True):
            weights = drawn[:, part]
            total = weights.sum(axis=1, keepdims=True)
            # A resample may hold nobody of an early cut-off, which then says nothing new.
            means.append(np.where(total > 0, weights @ loss / np.maximum(total, 1.0), loss.mean(axis=0)))
        resampled.append(np.mean(means, axis=0))
    means = np.mean([loss.mean(axis=0) for loss in columns], axis=0)
    return Contest(
        forecasters=forecasters, means=means, resampled=np.concatenate(resampled), errors=errors, customers=count
    )


_MODELS = {
    "ParetoNBD": "Pareto/NBD",
    "BGNBD": "BG/NBD",
    "MBGNBD": "MBG/NBD",
    "GammaGamma": "Gamma-Gamma",
    "ShiftedBetaGeometric": "Shifted beta-geometric",
    "BetaDiscreteWeibull": "Beta-discrete-Weibull",
}


def model_label(model: Any) -> str:
    """Return the name of a model, or of its class, as the field writes it.

    >>> model_label("ParetoNBD"), model_label("own mean rate")
    ('Pareto/NBD', 'Own mean rate')
    """
    name = model if isinstance(model, str) else type(model).__name__
    words = language.text(_MODELS.get(name, name))
    return words[:1].upper() + words[1:]
