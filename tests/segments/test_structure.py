"""Kinds of customers: separate groups are found, a continuum is not taken for kinds."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from crm_lib.errors import TooLittleData
from crm_lib.finding import Verdict
from crm_lib.segments import check_structure, finding_structure, structure


@pytest.fixture(autouse=True)
def _quick(request, monkeypatch):
    """Fewer splits and samples than a company gets; long simulations and verdicts have all of them."""
    if "validate" not in request.keywords:
        monkeypatch.setattr(structure, "_SPLITS", 3)
        monkeypatch.setattr(structure, "_SAMPLES", 199)


def _counts(rng, n):
    """Return one continuum of buyers: near half of them with one order, so that most values of it are ties."""
    orders = 1 + rng.poisson(rng.gamma(0.6, 3, n))
    recency = np.floor(365 * rng.beta(1, orders))
    return np.column_stack([recency, orders, rng.gamma(3, 1, n) * rng.gamma(6, 10, n)])


CONTINUA = {
    "gaussian": lambda rng, n: rng.normal(size=(n, 3)),
    "correlated": lambda rng, n: rng.normal(size=(n, 4)) @ rng.normal(size=(4, 4)),
    "lognormal": lambda rng, n: np.exp(
        rng.multivariate_normal([0, 1, 2], [[1.0, 0.7, 0.3], [0.7, 1.5, 0.2], [0.3, 0.2, 0.6]], n)
    ),
    "heavy tails": lambda rng, n: rng.normal(size=(n, 4)) / np.sqrt(rng.chisquare(3, (n, 1)) / 3),
    "counts with ties": _counts,
    "uniform": lambda rng, n: rng.random((n, 3)),
}


def planted(rng, n, apart, shares=(0.5, 0.5)):
    """Return round normal groups whose centres are `apart` standard deviations from one another, turned at random."""
    corners = np.array([[0, 0, 0, 0], [1, 0, 0, 0], [0.5, 0.75**0.5, 0, 0]])[: len(shares)]
    turn, _ = np.linalg.qr(rng.normal(size=(4, 4)))
    return rng.normal(size=(n, 4)) + apart * (corners @ turn)[rng.choice(len(shares), n, p=shares)]


def frame(values):
    return pd.DataFrame(values, columns=["recency", "orders", "value", "breadth"][: values.shape[1]])


def times_found(make, tries, n):
    return sum(check_structure(frame(make(np.random.default_rng(seed), n)), seed=seed).found for seed in range(tries))


def test_continuum_is_not_taken_for_kinds():
    # At a rate of at most 5% more than 4 of 18 false alarms have a chance below 0.2%.
    assert sum(times_found(make, 3, 300) for make in CONTINUA.values()) <= 4


@pytest.mark.validate
@pytest.mark.parametrize("name", CONTINUA)
def test_continuum_is_not_taken_for_kinds_in_95_percent_of_simulations(name):
    alarms = times_found(CONTINUA[name], 60, 400)
    assert stats.binomtest(alarms, 60, 0.05, alternative="greater").pvalue > 0.01


def test_separate_groups_are_found():
    assert times_found(lambda rng, n: planted(rng, n, 5.0), 3, 500) == 3
    assert times_found(lambda rng, n: planted(rng, n, 6.0, (0.4, 0.3, 0.3)), 2, 900) == 2


@pytest.mark.validate
@pytest.mark.parametrize(
    ("apart", "shares", "n", "at_least"),
    [(4.0, (0.5, 0.5), 600, 0.8), (3.5, (0.5, 0.5), 2500, 0.8), (5.0, (0.8, 0.2), 2500, 0.5)],
)
def test_power_is_as_documented(apart, shares, n, at_least):
    assert times_found(lambda rng, size: planted(rng, size, apart, shares), 30, n) / 30 >= at_least


def test_overlapping_groups_without_a_valley_are_no_kinds():
    # Two equal normal groups less than two standard deviations apart have one peak together.
    assert times_found(lambda rng, n: planted(rng, n, 1.8), 3, 500) == 0


def test_calendar_does_not_make_kinds_of_recency():
    rng = np.random.default_rng(5)
    season = np.where(rng.random(900) < 0.5, rng.normal(40, 8, 900), rng.normal(200, 8, 900))
    features = pd.DataFrame({"recency": season, "value": rng.normal(size=900)})
    assert not check_structure(features).found
    assert check_structure(features.rename(columns={"recency": "distance"})).found


def test_verdict_follows_the_check():
    rng = np.random.default_rng(2)
    kinds = check_structure(frame(planted(rng, 800, 6.0)))
    sure = replace(kinds, p_value=replace(kinds.p_value, high=0.04))
    assert finding_structure(sure).verdict is Verdict.SUPPORTED
    cloud = finding_structure(check_structure(frame(rng.normal(size=(800, 3)))))
    assert cloud.verdict is Verdict.NOT_SUPPORTED
    assert "Do not name" in cloud.decision
    assert cloud.to_dict()["claim"].startswith("By recency, orders and value customers fall into distinct kinds")


def test_too_few_customers_are_refused():
    with pytest.raises(TooLittleData, match="at least 100 customers"):
        check_structure(pd.DataFrame({"a": np.arange(99.0)}))
