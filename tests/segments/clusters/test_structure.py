from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from crm_lib.errors import TooLittleData
from crm_lib.finding import Verdict
from crm_lib.segments import check_structure, finding_structure, prepare_features


def _gaussian(rng, n):
    return rng.normal(size=(n, 4))


def _correlated(rng, n):
    return rng.normal(size=(n, 4)) @ rng.normal(size=(4, 4))


def _lognormal(rng, n):
    return np.exp(rng.multivariate_normal([0, 1, 2], [[1.0, 0.7, 0.3], [0.7, 1.5, 0.2], [0.3, 0.2, 0.6]], n))


def _heavy(rng, n):
    return rng.normal(size=(n, 4)) / np.sqrt(rng.chisquare(3, (n, 1)) / 3)


def _counts(rng, n):
    """Return one continuum of buyers: near half of them with one order, so that most values of it are ties."""
    orders = 1 + rng.poisson(rng.gamma(0.6, 3, n))
    recency = np.floor(365 * rng.beta(1, orders))
    value = rng.gamma(3, 1, n) * rng.gamma(6, 10, n)
    return np.column_stack([recency, orders, value])


def _uniform(rng, n):
    return rng.random((n, 3))


CONTINUA = {
    "gaussian": _gaussian, "correlated": _correlated, "lognormal": _lognormal, "heavy tails": _heavy,
    "counts with ties": _counts, "uniform": _uniform,
}  # fmt: skip


def _planted(rng, n, apart, shares=(0.5, 0.5)):
    """Return round normal groups whose centres are `apart` standard deviations from one another, turned at random."""
    corners = np.array([[0, 0, 0, 0], [1, 0, 0, 0], [0.5, 0.75**0.5, 0, 0]])[: len(shares)]
    turn, _ = np.linalg.qr(rng.normal(size=(4, 4)))
    return rng.normal(size=(n, 4)) + apart * (corners @ turn)[rng.choice(len(shares), n, p=shares)]


def _found(values, seed, **settings):
    names = ["recency", "orders", "value", "breadth"][: values.shape[1]]
    features = prepare_features(pd.DataFrame(values, columns=names)).frame
    return check_structure(features, seed=seed, **({"splits": 3, "samples": 199} | settings)).found


def _shares_found(make, tries, n, **settings):
    return sum(_found(make(np.random.default_rng(seed), n), seed, **settings) for seed in range(tries))


def test_continuum_is_not_taken_for_kinds():
    # At a rate of at most 5% more than 4 of 30 false alarms have a chance below 2%.
    assert sum(_shares_found(make, 5, 300) for make in CONTINUA.values()) <= 4


@pytest.mark.validate
@pytest.mark.parametrize("name", CONTINUA)
def test_continuum_is_not_taken_for_kinds_in_95_percent_of_simulations(name):
    alarms = _shares_found(CONTINUA[name], 100, 400, splits=7, samples=499)
    assert stats.binomtest(alarms, 100, 0.05, alternative="greater").pvalue > 0.01


def test_separate_groups_are_found():
    assert _shares_found(lambda rng, n: _planted(rng, n, 5.0), 4, 500) == 4
    assert _shares_found(lambda rng, n: _planted(rng, n, 6.0, (0.4, 0.3, 0.3)), 3, 900) == 3


@pytest.mark.validate
@pytest.mark.parametrize(
    ("apart", "shares", "n", "at_least"),
    [(4.0, (0.5, 0.5), 600, 0.8), (3.5, (0.5, 0.5), 2500, 0.8), (5.0, (0.4, 0.3, 0.3), 2500, 0.8),
     (5.0, (0.8, 0.2), 2500, 0.5)],
)  # fmt: skip
def test_power_is_as_documented(apart, shares, n, at_least):
    found = _shares_found(lambda rng, size: _planted(rng, size, apart, shares), 40, n, splits=7, samples=499)
    assert found / 40 >= at_least


def test_overlapping_groups_without_a_valley_are_no_kinds():
    # Two equal normal groups less than two standard deviations apart have one peak together.
    assert _shares_found(lambda rng, n: _planted(rng, n, 1.8), 4, 500) == 0


def test_calendar_does_not_make_kinds_of_recency():
    rng = np.random.default_rng(5)
    season = np.where(rng.random(900) < 0.5, rng.normal(40, 8, 900), rng.normal(200, 8, 900))
    features = pd.DataFrame({"recency": season, "value": rng.normal(size=900)})
    assert not check_structure(features, splits=3, samples=199).found
    assert check_structure(features, splits=3, samples=199, by_rank=()).found


def test_order_of_rows_and_names_of_customers_change_nothing():
    features = pd.DataFrame(_planted(np.random.default_rng(3), 400, 3.0), columns=list("abcd"))
    plain = check_structure(features, splits=3, samples=99, seed=4)
    again = check_structure(features.sample(frac=1, random_state=1), splits=3, samples=99, seed=4)
    assert again.p_value == plain.p_value
    assert again.direction.equals(plain.direction)


def test_direction_is_the_one_the_groups_lie_along():
    rng = np.random.default_rng(8)
    values = rng.normal(size=(800, 3))
    values[:400, 1] += 6
    check = check_structure(pd.DataFrame(values, columns=list("abc")), splits=3, samples=199)
    assert abs(check.direction["b"]) > 0.95
    assert (check.direction**2).sum() == pytest.approx(1.0)


def test_verdict_follows_the_check():
    rng = np.random.default_rng(2)
    kinds = check_structure(pd.DataFrame(_planted(rng, 800, 6.0), columns=list("abcd")), splits=5)
    assert finding_structure(kinds).verdict is Verdict.SUPPORTED
    cloud = check_structure(pd.DataFrame(rng.normal(size=(800, 3)), columns=list("abc")), splits=5)
    assert finding_structure(cloud).verdict is Verdict.NOT_SUPPORTED
    assert "Do not name" in finding_structure(cloud).decision


def test_words_say_along_what_was_looked_and_what_could_not_show():
    rng = np.random.default_rng(2)
    features = pd.DataFrame(rng.normal(size=(300, 3)), columns=["recency", "orders", "order_value"])
    features["orders"] = (features["orders"] > 1).astype(float)
    check = check_structure(features, splits=3, samples=99)
    check = replace(check, direction=pd.Series({"recency": -0.09, "orders": 0.1, "order_value": 0.99}))
    found = finding_structure(check)
    assert (
        found.claim == "By recency, orders and order value customers fall into kinds, with few customers between them."
    )
    assert "the deepest valley, along order value and orders, would" in found.text
    assert "By rank only entered: recency, orders (" in found.text
    free = finding_structure(replace(check, by_rank=()))
    assert "By rank only" not in free.text


def test_one_feature_and_constant_features_are_no_obstacle():
    rng = np.random.default_rng(6)
    two = np.concatenate([rng.normal(0, 1, 300), rng.normal(7, 1, 300)])
    assert check_structure(pd.DataFrame({"a": two}), splits=3, samples=199).found
    assert check_structure(pd.DataFrame({"a": two, "b": 1.0}), splits=3, samples=199).found


def test_too_few_customers_and_missing_values_are_refused():
    with pytest.raises(TooLittleData, match="only 99 customers"):
        check_structure(pd.DataFrame({"a": np.arange(99.0)}))
    with pytest.raises(ValueError, match="prepare the features"):
        check_structure(pd.DataFrame({"a": [*np.arange(150.0), np.nan]}))
