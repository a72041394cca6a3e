"""Profit of a list: the expected maximum profit against its definition, and the size of the list."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import integrate, stats

from crm_lib.churn import expected_maximum_profit, finding_list, retention_list
from crm_lib.errors import TooLittleData
from crm_lib.finding import Verdict

TERMS = [
    {"value": 200.0, "contact_cost": 1.0, "offer_cost": 10.0, "saved_share": 0.3},  # Verbraken et al. 2013
    {"value": 50.0, "contact_cost": 3.5, "offer_cost": 0.0, "saved_share": 0.1},
    {"value": 20.0, "contact_cost": 1.0, "offer_cost": 2.0, "saved_share": 0.5},
]


def _scored(seed: int = 1, n: int = 300) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    left = rng.random(n) < 0.27
    return left, np.round(rng.normal(size=n) + left, 1)


@pytest.mark.parametrize("terms", TERMS)
def test_expected_maximum_profit_is_the_integral_of_its_definition(terms):
    left, score = _scored()
    reached = [((score >= cut) & left).mean() for cut in np.unique(score)]
    wasted = [((score >= cut) & ~left).mean() for cut in np.unique(score)]
    hits, misses = np.array([0.0, *reached]), np.array([0.0, *wasted])
    v, f, d, s = (terms[name] for name in ("value", "contact_cost", "offer_cost", "saved_share"))

    def best(share: float) -> float:
        return float(((share * (v - d) - f) * hits - (d + f) * misses).max())

    law = stats.beta(20 * s, 20 * (1 - s))
    direct = integrate.quad(lambda share: best(share) * law.pdf(share), 0, 1, limit=500, epsabs=1e-7)[0]
    assert expected_maximum_profit(left, score, **terms) == pytest.approx(direct, abs=1e-5)


def test_expected_maximum_profit_knows_no_scale_of_the_score_and_scales_with_money():
    left, score = _scored(2)
    once = expected_maximum_profit(left, score, **TERMS[0])
    order = np.random.default_rng(0).permutation(left.size)
    again = expected_maximum_profit(left[order], np.exp(score[order]), **TERMS[0])
    assert again == pytest.approx(once)
    dear = {**TERMS[0], "value": 20_000.0, "contact_cost": 100.0, "offer_cost": 1000.0}
    assert expected_maximum_profit(left, score, **dear) == pytest.approx(100 * once)
    assert expected_maximum_profit(left, left, **TERMS[0]) > once


def test_bad_terms_and_one_class_are_refused():
    left, score = _scored()
    with pytest.raises(ValueError, match="above the cost of the offer"):
        expected_maximum_profit(left, score, value=5, contact_cost=1, offer_cost=5)
    with pytest.raises(ValueError, match="saved_share"):
        expected_maximum_profit(left, score, value=5, contact_cost=1, saved_share=1.0)
    with pytest.raises(ValueError, match="nobody or everybody left"):
        expected_maximum_profit(np.zeros(300), score, value=5, contact_cost=1)


def test_the_list_ends_where_a_contact_no_longer_pays(risk):
    found = retention_list(risk, contact_cost=3.5, offer_cost=2.0, saved_share=0.1)
    row = found.frame.iloc[0]
    hand = row["risk"] * 0.1 * (row["value"] - 2) - (1 - row["risk"]) * 2 - 3.5
    assert row["gain"] == pytest.approx(hand)
    assert (found.frame["gain"] > 0).all()
    assert found.curve["expected"].idxmax() == found.size
    silent, value = risk.test["silent"], risk.test["value"].clip(lower=0)
    everybody = (silent * 0.1 * (value - 2) - ~silent * 2.0 - 3.5).sum()
    assert found.realised("everybody") == pytest.approx(everybody)
    assert found.curve["realised"].iloc[-1] == pytest.approx(everybody)


def test_risk_times_value_earns_more_than_its_rivals(risk):
    found = retention_list(risk, contact_cost=3.5, offer_cost=2.0, saved_share=0.1)
    rivals = found.rules["realised"].drop("risk times value")
    assert found.realised("risk times value") > rivals.max()
    assert finding_list(found).verdict is Verdict.SUPPORTED
    empc = found.rules["empc"]
    assert empc["risk alone"] > empc["days of silence"]


def test_a_dear_contact_and_bad_shares_are_told(risk):
    with pytest.raises(TooLittleData, match="would pay for nobody"):
        retention_list(risk, contact_cost=1e6)
    with pytest.raises(ValueError, match="negative"):
        retention_list(risk, contact_cost=-1.0)
    with pytest.raises(ValueError, match="saved_share"):
        retention_list(risk, contact_cost=1.0, saved_share=0.0)
