"""Do the intervals of BG/BB and the contract models cover as often as they say?"""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import pytest

from crm_lib.clv.beta_discrete_weibull import BetaDiscreteWeibull
from crm_lib.clv.bgbb import BGBB
from crm_lib.clv.model import ConvergenceWarning
from crm_lib.clv.shifted_beta_geometric import ShiftedBetaGeometric
from tests.clv.coverage import Target, coverage, ends, misses_too_often, parameter_targets

SBG = {"alpha": 0.7, "beta": 2.0}
BDW = {"gamma": 0.5, "delta": 1.6, "c": 1.3}
DONORS = {"alpha": 1.2, "beta": 0.8, "gamma": 0.7, "delta": 2.8}


def _fit(model, draws):
    def fit(data):
        fitted = model().fit(data)
        fitted.posterior(draws=draws)
        return fitted

    return fit


def _contracts(model, values, size, draws):
    """The ingredients of :func:`coverage` for contracts seen for eight periods, and six further ones as outcomes."""
    truth = model().with_parameters(**values)

    def simulate(seed):
        return truth.simulate(np.full(size, 8), seed=seed, horizon=6)

    def survivors_ahead(data):
        return [(data["future"] >= ahead).sum() for ahead in (1, 6)]

    def forecast(fitted, data):
        told = fitted.future_survivors(data, 6, interval="outcome").set_index("ahead").loc[[1, 6]]
        return told["low"], told["high"]

    def mean(ask):
        return Target(truth=lambda _: ask(truth, None), interval=lambda fitted, _: ends(ask(fitted, "mean")))

    targets = parameter_targets(values) | {
        "mean survival, period 4": mean(lambda m, interval: m.survival(4, interval=interval)),
        "mean survival, period 14": mean(lambda m, interval: m.survival(14, interval=interval)),
        "mean retention, renewal 10": mean(lambda m, interval: m.retention_rates(10, interval=interval)),
        "mean remaining": mean(lambda m, interval: m.expected_remaining(3, 10, interval=interval)),
        "mean residual lifetime": mean(
            lambda m, interval: m.discounted_expected_residual_lifetime(2, 0.1, interval=interval)
        ),
        "outcome survivors": Target(truth=survivors_ahead, interval=forecast),
    }
    return simulate, _fit(model, draws), targets


def _donors(size, draws):
    truth = BGBB().with_parameters(**DONORS)
    asked = pd.DataFrame({"frequency": [0, 2, 6], "recency": [0, 4, 6], "age": 6})

    def mean(ask):
        return Target(truth=lambda _: ask(truth, None), interval=lambda fitted, _: ends(ask(fitted, "mean")))

    targets = parameter_targets(DONORS) | {
        "mean purchases": mean(lambda m, interval: m.expected_purchases(asked, 5, interval=interval)),
        "mean alive": mean(lambda m, interval: m.probability_alive(asked, interval=interval)),
        "mean discounted": mean(lambda m, interval: m.discounted_expected_purchases(asked, 0.1, interval=interval)),
        "mean new": mean(lambda m, interval: m.expected_purchases_new(6, interval=interval)),
        "outcome total": Target(
            truth=lambda data: data["future"].sum(),
            interval=lambda fitted, data: ends(fitted.total_purchases(data, 5, interval="outcome")),
        ),
    }
    return lambda seed: truth.simulate(np.full(size, 6), seed=seed, horizon=5), _fit(BGBB, draws), targets


CASES = {
    "sBG": lambda size, draws: _contracts(ShiftedBetaGeometric, SBG, size, draws),
    "BdW": lambda size, draws: _contracts(BetaDiscreteWeibull, BDW, 2 * size, draws),
    "BG/BB": _donors,
}


@pytest.mark.parametrize("case", CASES)
def test_intervals_of_a_few_data_sets_cover_as_often_as_chance_allows(case):
    simulate, fit, targets = CASES[case](300, draws=1000)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        found = coverage(simulate, fit, targets, range(30))
    assert not misses_too_often(found), found


@pytest.mark.validate
@pytest.mark.parametrize("case", CASES)
def test_intervals_cover_nine_times_out_of_ten(case):
    # With so many data sets chance moves a share by .03 in one of ten thousand cases; with 400, in one of twenty.
    simulate, fit, targets = CASES[case](600, draws=2000)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        found = coverage(simulate, fit, targets, range(1000, 2500))
    assert found["share"].between(0.87, 0.93).all(), found
