"""Do the intervals of the models hold the truth as often as they say?

Data sets are simulated with parameters such as those of CDNOW and fitted; intervals of the parameters, of means and of
outcomes are counted. A few data sets always, with bounds that chance alone makes fail once in a thousand; many on
request (``make validate``), where the share must lie between 92 and 98 %.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from crm_lib.clv import (
    BGNBD,
    MBGNBD,
    NBD,
    BetaDiscreteWeibull,
    ConvergenceWarning,
    GammaGamma,
    ParetoNBD,
    ShiftedBetaGeometric,
)
from crm_lib.clv.intervals import equal_tails
from crm_lib.estimate import LEVEL
from tests.clv.coverage import Target, coverage, ends, misses_too_often, parameter_targets

HORIZON = 39.0
SOME = 300
"""Customers whose purchases are added up; single ones are judged for the first 200."""
ASKED = pd.DataFrame({"frequency": [0, 1, 4, 8, 8], "recency": [0.0, 8.0, 30.0, 35.0, 15.0], "age": 38.0})
"""Customers who never came back, once soon, now and then, often until now, and often long ago."""


@dataclass(frozen=True)
class Case:
    """A model, its true parameters, how many customers a data set has, and how it is simulated and asked."""

    model: Any
    truth: dict[str, float]
    simulate: Callable[..., pd.DataFrame]
    asks: dict[str, Callable[..., Any]]
    customers: int
    outcomes: dict[str, Target]
    datasets: int = 20

    def check(self, seeds, draws, customers):
        """Count over data sets how often each interval holds the truth."""
        known = self.model.with_parameters(**self.truth)

        def fit(data):
            fitted = replace(self.model).fit(data)
            fitted.posterior(draws=draws, seed=int(data.iloc[:, 0].sum()))
            return fitted

        targets = parameter_targets(self.truth) | self.outcomes
        for name, ask in self.asks.items():
            targets[name] = Target(
                truth=lambda _, ask=ask: ask(known, None),
                interval=lambda model, _, ask=ask: ends(ask(model, "mean")),
            )
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            return coverage(lambda seed: self.simulate(known, customers, seed), fit, targets, seeds)


def _purchases(model, truth, customers=2000, datasets=20):
    def simulate(known, count, seed):
        ages = np.random.default_rng([seed, 7]).choice([27.0, 31.0, 35.0, 39.0], count)
        return known.simulate(ages, seed=seed, horizon=HORIZON)

    alive = Target(
        truth=lambda _: model.with_parameters(**truth).probability_alive(ASKED.iloc[1:]),
        interval=lambda m, _: equal_tails(m.drawn("alive", ASKED.iloc[1:])),
    )
    outcomes = {"alive": alive} if model.leaves else {}
    outcomes |= {
        "mean of five histories": Target(
            truth=lambda _: model.with_parameters(**truth).expected_purchases(ASKED, HORIZON),
            interval=lambda m, _: equal_tails(m.drawn("purchases", ASKED, horizon=HORIZON)),
        ),
        "outcome of the total": Target(
            truth=lambda data: data["future"].iloc[:SOME].sum(),
            interval=lambda m, data: equal_tails(_outcomes(m, data.iloc[:SOME]).sum(axis=1), whole=True),
        ),
        "outcomes of single customers": Target(truth=lambda _: 0.5, interval=_places),
    }
    return Case(model, truth, simulate, {}, customers, outcomes, datasets)


def _outcomes(model, data):
    return model.drawn("purchases", data, horizon=HORIZON, outcome=True)


def _places(model, data):
    """Place of each customer's outcome in its predictive distribution, half the level to either side of it.

    Numbers of purchases are few and whole, so that an interval with ends among them holds more than the level. The
    place of an outcome between the chance of fewer and the chance of as many is drawn at random, which makes it uniform
    if and only if the predictive distribution is right; an interval of places then holds exactly the level.
    """
    some = data.iloc[:200]
    sample, outcome = _outcomes(model, some), some["future"].to_numpy()
    fewer, as_many = (sample < outcome).mean(axis=0), (sample <= outcome).mean(axis=0)
    places = np.random.default_rng(int(outcome.sum())).uniform(fewer, as_many)
    return places - LEVEL / 2, places + LEVEL / 2


def _contracts(model, truth, customers):
    asks = {
        "survival": lambda m, kind: m.survival([4, 14], interval=kind),
        "retention": lambda m, kind: m.retention_rates(10, interval=kind),
    }
    return Case(model, truth, lambda m, n, seed: m.simulate(np.full(n, 8), seed=seed), asks, customers, {})


def _spend(model, truth, customers):
    def simulate(known, count, seed):
        return known.simulate(np.random.default_rng(1).geometric(0.35, count) - 1, seed=seed)

    asked = pd.DataFrame({"frequency": [0, 1, 6], "monetary_value": [np.nan, 80.0, 20.0]})
    mean = Target(
        truth=lambda _: model.with_parameters(**truth).expected_spend(asked),
        interval=lambda m, _: equal_tails(m.drawn_spend(asked)),
    )
    return Case(model, truth, simulate, {}, customers, {"mean spend": mean})


CASES = {
    "NBD": _purchases(NBD(), {"r": 0.385, "alpha": 12.07}),
    "Pareto/NBD": _purchases(ParetoNBD(), {"r": 0.553, "alpha": 10.58, "s": 0.606, "beta": 11.67}, datasets=8),
    "BG/NBD": _purchases(BGNBD(), {"r": 0.243, "alpha": 4.41, "a": 0.793, "b": 2.43}),
    # With 2,000 customers the data say so little of b that the likelihood is skewed and the prior counts.
    "MBG/NBD": _purchases(MBGNBD(), {"r": 0.525, "alpha": 6.18, "a": 0.891, "b": 1.61}, customers=6000),
    "sBG": _contracts(ShiftedBetaGeometric(), {"alpha": 0.7, "beta": 2.0}, 600),
    "BdW": _contracts(BetaDiscreteWeibull(), {"gamma": 0.5, "delta": 1.6, "c": 1.3}, 1200),
    "gamma-gamma": _spend(GammaGamma(), {"p": 6.25, "q": 3.74, "gamma": 15.45}, 1500),
}


@pytest.mark.parametrize("name", CASES)
def test_intervals_of_a_few_data_sets_cover_as_often_as_chance_allows(name):
    case = CASES[name]
    found = case.check(range(case.datasets), draws=150, customers=min(case.customers, 500))
    assert not misses_too_often(found), found


@pytest.mark.validate
@pytest.mark.parametrize("name", CASES)
def test_intervals_cover_nineteen_times_out_of_twenty(name):
    case = CASES[name]
    found = case.check(range(1000, 1600), draws=700, customers=case.customers)
    assert found["share"].between(LEVEL - 0.03, LEVEL + 0.03).all(), found
