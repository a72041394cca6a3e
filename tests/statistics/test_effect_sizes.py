from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from crm_lib.statistics import as_standardised, benjamini_hochberg, hedges_g, log_odds


def test_hedges_g_by_hand():
    # Means 4 and 2, both variances 1: d = 2; six values in all: J = 1 - 3/15 = 0.8.
    assert hedges_g(np.array([3.0, 4.0, 5.0]), np.array([1.0, 2.0, 3.0]))[0] == pytest.approx(1.6)


def test_p_value_of_means_is_that_of_welch():
    rng = np.random.default_rng(4)
    inside, outside = rng.gamma(1, 2, 30), rng.gamma(2, 1, 90)
    assert hedges_g(inside, outside)[2] == pytest.approx(stats.ttest_ind(inside, outside, equal_var=False).pvalue)


def test_error_of_hedges_g_is_the_textbook_one_for_normal_data():
    # Hedges & Olkin (1985): variance (n1 + n2)/(n1 n2) + g^2 / (2 (n1 + n2)).
    rng = np.random.default_rng(1)
    g, error, _ = hedges_g(rng.normal(0.8, 1, 40_000), rng.normal(0, 1, 60_000))
    assert error == pytest.approx(np.sqrt(100_000 / 24e8 + g**2 / 200_000), rel=0.02)


@pytest.mark.parametrize("make", ["normal", "gamma", "unequal"])
def test_intervals_of_hedges_g_cover(make):
    rng = np.random.default_rng(7)
    draws = {
        "normal": (lambda n: rng.normal(0.5, 1, n), lambda n: rng.normal(0, 1, n), 0.5, 1.0, 1.0),
        "gamma": (lambda n: rng.gamma(1.0, 1.5, n), lambda n: rng.gamma(1.0, 1.0, n), 0.5, 1.5**2, 1.0),
        "unequal": (lambda n: rng.normal(1, 3, n), lambda n: rng.normal(0, 1, n), 1.0, 9.0, 1.0),
    }
    inside, outside, apart, one, other = draws[make]
    sizes = 80, 240
    true = apart / np.sqrt((sizes[0] * one + sizes[1] * other) / sum(sizes))
    covered = 0
    for _ in range(400):
        g, error, _ = hedges_g(inside(sizes[0]), outside(sizes[1]))
        covered += abs(g - true) <= stats.norm.ppf(0.975) * error
    # Within three standard errors of 95%, and an allowance of two points for skewed values.
    assert 0.95 - 0.053 <= covered / 400 <= 0.95 + 0.033


def test_log_odds_by_hand():
    ratio, error, _ = log_odds(30, 40, 20, 40)
    assert ratio == pytest.approx(np.log(30.5 * 20.5 / (10.5 * 20.5)))
    assert error == pytest.approx(np.sqrt(1 / 30.5 + 1 / 10.5 + 2 / 20.5))


def test_intervals_of_log_odds_cover():
    rng = np.random.default_rng(3)
    covered, true = 0, np.log(0.12 / 0.88) - np.log(0.05 / 0.95)
    for _ in range(1000):
        ratio, error, _ = log_odds(rng.binomial(90, 0.12), 90, rng.binomial(400, 0.05), 400)
        covered += abs(ratio - true) <= stats.norm.ppf(0.975) * error
    assert covered / 1000 >= 0.95 - 3 * np.sqrt(0.95 * 0.05 / 1000)


def test_p_values_are_chi_square_or_exact():
    many = log_odds(60, 100, 40, 100)[2]
    assert many == pytest.approx(stats.chi2_contingency([[60, 40], [40, 60]], correction=False).pvalue)
    few = log_odds(3, 12, 2, 60)[2]
    assert few == pytest.approx(stats.fisher_exact([[3, 9], [2, 58]]).pvalue)
    assert log_odds(0, 10, 0, 20)[2] == 1.0


def test_odds_in_standard_deviations():
    # Chinn (2000): an odds ratio is divided, as a logarithm, by 1.81.
    assert as_standardised(1.0) == pytest.approx(1 / 1.81, abs=0.002)


def test_correction_is_the_example_of_benjamini_and_hochberg():
    # Benjamini & Hochberg (1995), section 3.2: of these fifteen p-values, four are rejected at q = 0.05.
    p = [0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344, 0.0459, 0.3240, 0.4262, 0.5719, 0.6528,
         0.7590, 1.0]  # fmt: skip
    corrected = benjamini_hochberg(np.array([np.nan, *p]))
    assert np.isnan(corrected[0])
    assert (corrected[1:] <= 0.05).sum() == 4
    assert corrected[4] == pytest.approx(0.0095 * 15 / 4)


def test_impossible_counts_and_groups_are_refused():
    with pytest.raises(ValueError, match="between 0 and their totals"):
        log_odds(5, 4, 1, 10)
    with pytest.raises(ValueError, match="two values"):
        hedges_g(np.array([1.0]), np.array([1.0, 2.0]))
    assert np.isnan(hedges_g(np.ones(3), np.ones(3))).all()
