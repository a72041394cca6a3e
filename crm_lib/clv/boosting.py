"""Gradient boosting in two parts: whether a customer buys, and how often if so."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import pandas as pd
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.model_selection import KFold, cross_val_predict
from threadpoolctl import threadpool_limits

from crm_lib import language
from crm_lib.clv.forecasts import Forecast, Kind, Task, total_of_draws
from crm_lib.clv.histories import Array
from crm_lib.clv.purchase_record import PurchaseRecord
from crm_lib.errors import TooLittleData

_MOST_ROWS = 200_000
"""Customers learned from: trees of this size learn nothing more from further ones."""
_MANY_ROWS = 50_000
"""Customers from which on several processors are used."""


@dataclass(frozen=True, kw_only=True)
class TwoPartBoosting:
    """Gradient-boosted trees on the table of customers: probability of buying × number given buying.

    The trees learn from an earlier window: what customers looked like at its beginning, and how often they bought in
    it. They are then applied to what customers look like now. The window ends with what is known, so that the trees see
    nothing later. It is as long as the horizon; where the history does not reach back twice the horizon it is half the
    history, and forecasts are carried to the horizon in proportion.

    Parameters
    ----------
    trees : int
        Number of trees of each part.
    learning_rate : float
        Share of each tree's correction that is taken over.
    leaves : int
        Most leaves of a tree.
    smallest_leaf : int
        Fewest customers in a leaf.

    Notes
    -----
    Features: age and time since the last purchase up to the length of a window, repeat purchases over age, recency over
    age, time since the last purchase in mean gaps, repeat purchases in the last quarter, half and whole of a window,
    and mean and latest spend where known. The number given buying, less one, has a negative binomial distribution whose
    dispersion comes from cross-validated residuals. The settings are fixed beforehand:
    nothing is tuned on what is forecast.

    References
    ----------
    Ke, G. et al. (2017). LightGBM: A Highly Efficient Gradient Boosting Decision Tree. NeurIPS 30.
    Mullahy, J. (1986). Specification and Testing of Some Modified Count Data Models. Journal of Econometrics 33(3),
    341–365.
    """

    trees: int = 100
    learning_rate: float = 0.05
    leaves: int = 15
    smallest_leaf: int = 20

    name: ClassVar[str] = "gradient boosting"
    parameters: ClassVar[int] = 1000
    """More than any model has: trees are never the simpler choice."""
    kind: ClassVar[Kind] = "learner"

    def forecast(self, known: PurchaseRecord, task: Task) -> Forecast:
        """Learn from the window before and return the forecast.

        Parameters
        ----------
        known : PurchaseRecord
            All that is known.
        task : Task
            What is asked.

        Raises
        ------
        TooLittleData
            If there is no customer to learn from at the beginning of the window.
        """
        window = min(task.horizon_days, (known.as_of - known.begin) // 2)
        before = known.until(known.as_of - window)
        if window < 1 or len(before) == 0:
            raise TooLittleData(
                language.text("gradient boosting needs customers in an earlier window to learn from; there are none")
            )
        rng = np.random.default_rng(task.seed)
        seen = customer_features(before, window)
        bought = known.purchases(before.as_of, known.as_of, of=before.customers)
        if len(seen) > _MOST_ROWS:
            some = np.sort(rng.choice(len(seen), _MOST_ROWS, replace=False))
            seen, bought = seen[some], bought[some]
        now = customer_features(known, window)
        # Threads that wait for each other on a busy machine cost more than they save, by far, until tables are large.
        with threadpool_limits(limits=None if len(seen) > _MANY_ROWS else 1, user_api="openmp"):
            buys, more, dispersion = self._learn(seen, bought, now, task.seed)
        expected = buys * (1 + more) * (task.horizon_days / window)
        chance = -np.expm1(task.horizon_days / window * np.log1p(-np.minimum(buys, 1 - 1e-9)))
        further = np.maximum(expected / np.maximum(chance, 1e-12) - 1, 0.0)
        spread = chance * (further + dispersion * further**2) + chance * (1 - chance) * (1 + further) ** 2
        shape = (task.draws, len(task.sample))
        count = 1.0 + _negative_binomial(further[task.sample], dispersion, shape, rng)
        return Forecast(
            expected=expected,
            draws=np.where(rng.random(shape) < chance[task.sample], count, 0.0),
            total=total_of_draws(expected, spread, task, method="two-part distribution, without that of the trees"),
        )

    def _learn(self, seen: Array, bought: Array, now: Array, seed: int) -> tuple[Array, Array, float]:
        """Return probability of buying, mean number beyond the first, and its dispersion."""
        settings: dict[str, Any] = {
            "learning_rate": self.learning_rate, "max_iter": self.trees, "max_leaf_nodes": self.leaves,
            "min_samples_leaf": self.smallest_leaf, "l2_regularization": 1.0, "early_stopping": False,
            "random_state": seed,
        }  # fmt: skip
        is_buyer = bought > 0
        if is_buyer.all() or not is_buyer.any():
            # Laplace's rule: what was always or never seen is not therefore certain.
            buys = np.full(len(now), (is_buyer.sum() + 1) / (len(seen) + 2))
        else:
            buys = HistGradientBoostingClassifier(**settings).fit(seen, is_buyer).predict_proba(now)[:, 1]
        further, rows = bought[is_buyer] - 1, seen[is_buyer]
        if not further.any():
            return buys, np.zeros(len(now)), 0.0
        counts = HistGradientBoostingRegressor(loss="poisson", **settings)
        more = counts.fit(rows, further).predict(now)
        return buys, more, _dispersion(counts, rows, further, seed)


def customer_features(known: PurchaseRecord, window: int) -> Array:
    """Return what trees learn from, one row a customer.

    Parameters
    ----------
    known : PurchaseRecord
        What is known at the end of a day; nothing else is used.
    window : int
        Length of the window in days.

    Returns
    -------
    array (N, F)
        Features; missing where a customer has none.

    Notes
    -----
    Trees learn at one date and are applied at a later one, when everybody is older. What grows with age by itself, such
    as the number of purchases ever made, would then mean something else than what was learned; so features are rates
    and ratios, or do not reach back beyond the window.
    """
    summary = known.summary("D")
    frequency, age = summary["frequency"].to_numpy(dtype=float), summary["age"].to_numpy()
    recency = summary["recency"].to_numpy()
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
    features = np.column_stack(columns)
    return np.where(np.isfinite(features), features, np.nan)


def _dispersion(counts: HistGradientBoostingRegressor, rows: Array, further: Array, seed: int) -> float:
    """Return d of the variance m + d m², by moments of residuals that were not learned from."""
    chosen = pd.Series(np.arange(len(rows))).sample(min(len(rows), 20_000), random_state=seed).to_numpy()
    if len(chosen) < 10 or np.count_nonzero(further[chosen]) < 5:
        return 0.0
    folds = KFold(5, shuffle=True, random_state=seed)
    try:
        mean = cross_val_predict(counts, rows[chosen], further[chosen], cv=folds)
    except ValueError:
        # A fold may hold nobody who bought twice, and nothing can be learned from zeros alone.
        return 0.0
    excess = float(((further[chosen] - mean) ** 2 - mean).sum())
    return max(excess, 0.0) / max(float((mean**2).sum()), 1e-12)


def _negative_binomial(mean: Array, dispersion: float, shape: tuple[int, int], rng: np.random.Generator) -> Array:
    if dispersion <= 0:
        return rng.poisson(mean, shape).astype(float)
    rates = rng.gamma(1 / dispersion, 1.0, shape) * (dispersion * mean)
    return rng.poisson(rates).astype(float)
