"""Correspondence analysis against published numbers and its algebra; ellipses that hold the truth."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from crm_lib import environment, figures
from crm_lib.errors import CrmError, TooLittleData
from tests.environment.answers import answers

# Greenacre 1984, Theory and Applications of Correspondence Analysis; R package ca, data set smoke.
SMOKE = pd.DataFrame(
    [[4, 2, 3, 2], [4, 3, 7, 4], [25, 10, 12, 4], [18, 24, 33, 13], [10, 6, 7, 2]],
    index=["SM", "JM", "SE", "JE", "SC"], columns=["none", "light", "medium", "heavy"],
)  # fmt: skip
SPREAD = {"spread": 1.3, "shared": 0.8, "whole": True}
ITEMS = ("product_quality", "service_quality", "personnel_quality", "image", "value_for_money")
MEANS = {
    None: dict(zip(ITEMS, (7.6, 7.2, 7.4, 7.0, 6.6), strict=True)),
    "A": dict(zip(ITEMS, (7.4, 6.4, 5.8, 6.6, 8.2), strict=True)),
    "B": dict(zip(ITEMS, (7.8, 7.7, 8.2, 7.6, 6.0), strict=True)),
}


def test_the_published_inertias_of_smoke():
    found = environment.correspondence(SMOKE)
    assert found.inertia == pytest.approx([0.074759, 0.010017, 0.000414], abs=5e-7)
    assert found.inertia.sum() == pytest.approx(0.085190, abs=5e-7)
    assert found.inertia.sum() * SMOKE.to_numpy().sum() == pytest.approx(16.44, abs=0.005)


@pytest.mark.parametrize("seed", range(5))
def test_inertia_is_chi_square_over_n_and_both_sides_reproduce_the_table(seed):
    rng = np.random.default_rng(seed)
    table = pd.DataFrame(rng.poisson(20, rng.integers(2, 8, 2)) + 1.0)
    found, total = environment.correspondence(table), table.to_numpy().sum()
    chi_square = stats.chi2_contingency(table, correction=False).statistic
    assert found.inertia.sum() == pytest.approx(chi_square / total)
    k = len(found.inertia)
    rows, columns = found.rows, found.columns
    for points in (rows, columns):  # centred, and each axis carries its inertia
        places = points[range(1, k + 1)].to_numpy()
        assert points["mass"].to_numpy() @ places == pytest.approx(np.zeros(k), abs=1e-10)
        assert points["mass"].to_numpy() @ places**2 == pytest.approx(found.inertia)
        assert points["quality"].between(0, 1 + 1e-12).all()
    mass = np.outer(rows["mass"], columns["mass"])
    rebuilt = mass * (1 + rows[range(1, k + 1)].to_numpy() @ found.standard.T)
    assert rebuilt == pytest.approx(table.to_numpy() / total)
    again = environment.correspondence(table * 7.0)  # free of units
    assert again.inertia == pytest.approx(found.inertia)


@pytest.mark.parametrize(
    ("table", "words"),
    [
        (SMOKE.assign(heavy=0), "column 'heavy' of the table is all zero"),
        (SMOKE.T.assign(SE=0).T, "row 'SE' of the table is all zero"),
        (SMOKE - 3, "row 'SM', column 'light' of the table is negative"),
        (SMOKE.astype(float).replace(33, np.nan), "row 'JE', column 'medium'"),
        (SMOKE.head(1), "1 by 4"),
    ],
)
def test_what_cannot_be_analysed_is_named(table, words):
    with pytest.raises(CrmError, match=words):
        environment.correspondence(table)


def inside(runs, seed, sizes=(300, 60, 60)):
    """Return how often each brand's true place, on the axes found, lies in its ellipse."""
    rng = np.random.default_rng(seed)
    large = environment.perceptual_map(answers(rng, MEANS, (100_000,) * 3, **SPREAD)).shares
    profiles, hits = large.div(large.sum(axis=1), axis=0), 0
    for _ in range(runs):
        found = environment.perceptual_map(answers(rng, MEANS, sizes, **SPREAD))
        standard = found.items[[1, 2]].to_numpy() / np.sqrt(found.total * found.inertia[:2])
        for brand, covariance in found.ellipses.items():
            away = profiles.loc[brand] @ standard - found.brands.loc[brand, [1, 2]].to_numpy(float)
            hits += away @ np.linalg.inv(covariance) @ away <= found.reach
    return hits / (3 * runs)


def test_ellipses_hold_the_true_places():
    assert inside(30, 2) >= 0.87


@pytest.mark.validate
def test_ellipses_hold_the_true_places_in_many_surveys():
    assert inside(1000, 4) == pytest.approx(0.94, abs=0.015)  # 0.89 with the axes held fixed
    assert inside(1000, 5, (900, 160, 160)) == pytest.approx(0.95, abs=0.015)


def test_brands_that_are_alike_are_not_set_apart():
    rng, apart, runs = np.random.default_rng(3), 0, 30
    level = dict.fromkeys(ITEMS, 7.0)
    for _ in range(runs):
        # One brand is better in everything alike: the map compares profiles.
        survey = answers(rng, dict.fromkeys((None, "A", "B"), level), (200, 80, 80), **SPREAD)
        apart += environment.perceptual_map(survey).brands["apart"].any()
    assert stats.binom.sf(apart - 1, runs, 0.05) > 0.001


def test_the_demos_brands_lie_where_they_were_planted(demo_answers):
    found = environment.perceptual_map(demo_answers)
    assert found.close["Colossus Online"] in ("value_for_money", "price_burden")
    assert found.close["Corner Books Alliance"] == "personnel_quality"
    assert found.brands["apart"][["Colossus Online", "Corner Books Alliance"]].all()
    assert found.inertia.sum() == pytest.approx(1)
    chart = figures.perceptual_map_chart(found)
    assert "Colossus Online stands apart most" in chart.alt


def test_a_map_of_two_brands_is_refused():
    survey = answers(np.random.default_rng(1), {None: MEANS[None], "A": MEANS["A"]}, (60, 60), **SPREAD)
    with pytest.raises(TooLittleData, match="two rivals and three items"):
        environment.perceptual_map(survey)
