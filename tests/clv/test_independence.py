from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from crm_lib.clv.gamma_gamma import GammaGamma
from crm_lib.clv.independence import finding_spend_independence, spend_independence
from crm_lib.errors import TooLittleData
from crm_lib.finding import Verdict

MODEL = GammaGamma().with_parameters(p=3, q=6, gamma=80)


def _customers(n, seed, *, dearer_by=0.0):
    """Customers whose mean spend grows by a share with each doubling of their purchases."""
    x = np.random.default_rng([seed, 7]).geometric(0.2, n)
    data = MODEL.simulate(x, seed=seed)
    return data.assign(monetary_value=data["monetary_value"] * (1 + dearer_by) ** np.log2(x))


def test_skewed_purchases_make_the_plain_correlation_positive_without_any_dependence():
    # By simulation at these parameters the plain rank correlation is 0.08; the corrected one is 0.
    measured = spend_independence(_customers(40_000, 1), spend=MODEL)
    assert measured.raw_correlation.low > 0.06
    assert abs(measured.correlation.value) < 4 / np.sqrt(40_000)
    assert measured.ratio.low < 1 < measured.ratio.high


def test_dependence_is_found_in_its_direction():
    up, down = (spend_independence(_customers(4000, 2, dearer_by=share)) for share in (0.25, -0.2))
    assert up.correlation.low > 0.1
    assert up.ratio.low > 1.2
    assert down.correlation.high < -0.1
    assert down.ratio.high < 0.9


def test_correlation_and_ratio_are_those_of_direct_computation():
    data = _customers(500, 3)
    measured = spend_independence(data)
    plain = stats.spearmanr(data["frequency"], data["monetary_value"]).statistic
    assert measured.raw_correlation.value == pytest.approx(plain)
    heavy = data["frequency"] > measured.light_to
    means = data.groupby(heavy)["monetary_value"].mean()
    assert measured.ratio.value == pytest.approx(means[True] / means[False])
    assert measured.light_to == data["frequency"].median()


@pytest.mark.parametrize(
    ("n", "dearer_by", "verdict", "words"),
    [
        (4000, 0.0, Verdict.SUPPORTED, "may be modelled apart"),
        (4000, 0.4, Verdict.NOT_SUPPORTED, "Heavy buyers also spend more"),
        (4000, -0.3, Verdict.NOT_SUPPORTED, "Heavy buyers spend less"),
        (60, 0.05, Verdict.UNDECIDED, "when a year more is known"),
    ],
)
def test_finding_follows_the_interval(n, dearer_by, verdict, words):
    measured = spend_independence(_customers(n, 4, dearer_by=dearer_by))
    finding = finding_spend_independence(measured)
    assert finding.verdict is verdict
    assert words in finding.decision
    assert str(measured.ratio) in finding.text
    assert str(measured.correlation) in finding.text


def test_what_cannot_be_tested_is_said():
    data = _customers(200, 5)
    with pytest.raises(TooLittleData, match="at least 10 customers"):
        spend_independence(data.head(5))
    with pytest.raises(TooLittleData, match="some of them with more"):
        spend_independence(data.assign(frequency=2))
    with pytest.raises(TooLittleData, match="empty"):
        spend_independence(data.head(0))
    with pytest.raises(ValueError, match="one row a customer"):
        spend_independence(data.assign(customers=1))
    with pytest.raises(ValueError, match="no finite monetary_value"):
        spend_independence(pd.concat([data, pd.DataFrame({"frequency": [2], "monetary_value": [np.nan]})]))


@pytest.mark.validate
def test_interval_of_the_correlation_holds_zero_nine_times_in_ten():
    samples = 800
    held = 0
    for seed in range(samples):
        correlation = spend_independence(_customers(300, seed)).correlation
        held += correlation.low <= 0 <= correlation.high
    # The model is fitted to the same customers, which makes the interval a little long.
    assert 0.87 <= held / samples <= 0.95
