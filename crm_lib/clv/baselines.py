"""Forecasts by rules of thumb, which a model must beat to be worth its trouble."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from crm_lib.clv.forecasts import Forecast, Kind, Task, total_of_draws
from crm_lib.clv.histories import Array
from crm_lib.clv.purchase_record import PurchaseRecord


@dataclass(frozen=True)
class SameAsLastPeriod:
    """Each customer buys as often again as in the period before.

    The period is as long as the horizon. Where the history is shorter, all of it counts and is carried to the horizon
    in proportion. First purchases do not count: they make a customer and come but once. Numbers are taken to vary as in
    a Poisson distribution.
    """

    name: ClassVar[str] = "same as last period"
    parameters: ClassVar[int] = 0
    kind: ClassVar[Kind] = "baseline"

    def forecast(self, known: PurchaseRecord, task: Task) -> Forecast:
        """Return the forecast.

        Parameters
        ----------
        known : PurchaseRecord
            All that is known.
        task : Task
            What is asked.
        """
        length = min(task.horizon_days, max(known.as_of - known.begin, 1))
        began = known.as_of - length
        again = known.purchases(began, known.as_of) - (known.first_day > began)
        return _poisson(again * (task.horizon_days / length), task)


@dataclass(frozen=True)
class OwnMeanRate:
    """Each customer goes on buying at the mean rate since the first purchase, and nobody leaves.

    Who came on the last day has no rate yet, and is given that of all customers together. Numbers are taken to vary as
    in a Poisson distribution.

    References
    ----------
    Wübben, M., von Wangenheim, F. (2008). Instant Customer Base Analysis: Managerial Heuristics Often "Get It Right".
    Journal of Marketing 72(3), 82–93.
    """

    name: ClassVar[str] = "own mean rate"
    parameters: ClassVar[int] = 0
    kind: ClassVar[Kind] = "baseline"

    def forecast(self, known: PurchaseRecord, task: Task) -> Forecast:
        """Return the forecast.

        Parameters
        ----------
        known : PurchaseRecord
            All that is known.
        task : Task
            What is asked.
        """
        frequency = known.purchases(known.begin - 1, known.as_of) - 1
        age = (known.as_of - known.first_day).astype(float)
        common = frequency.sum() / max(float(age.sum()), 1.0)
        rate = np.where(age > 0, frequency / np.maximum(age, 1.0), common)
        return _poisson(rate * task.horizon_days, task)


def _poisson(expected: Array, task: Task) -> Forecast:
    rng = np.random.default_rng(task.seed)
    return Forecast(
        expected=expected,
        draws=rng.poisson(expected[task.sample], (task.draws, len(task.sample))).astype(float),
        total=total_of_draws(expected, expected, task, method="Poisson distribution"),
    )
