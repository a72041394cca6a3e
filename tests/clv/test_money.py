"""What customers have brought, ratios of single customers, spend without a model, and the rule of potential value."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from crm_lib.clv import potential
from crm_lib.clv.credibility import Sums, credible_ratio
from crm_lib.clv.gamma_gamma import GammaGamma
from crm_lib.clv.independence import finding_spend_independence, spend_independence
from crm_lib.clv.potential import PotentialRule, reachable_spend
from crm_lib.clv.realised import contact_costs, realised
from crm_lib.company import Company
from crm_lib.errors import TooLittleData
from crm_lib.finding import Verdict
from tests.companies import transactions, write_company


def _company(folder, rows, *, as_of="2026-01-01", more=None, **tables):
    lines = transactions(rows).assign(**(more or {}))
    return Company.open(write_company(folder / "small", {"transactions": lines, **tables}, as_of=as_of))


# What was brought


def test_margin_net_of_returns_and_contacts_are_carried_forward(tmp_path):
    rows = [
        ("o1", "anna", "2024-01-01", 100.0), ("o2", "anna", "2025-01-01", 60.0), ("o3", "anna", "2025-01-01", -20.0),
        ("o4", "ben", "2026-01-01", 10.0), ("o5", "ben", "2025-12-01", 12.0), ("o6", "cleo", "2025-12-31", -5.0),
    ]  # fmt: skip
    contacts = pd.DataFrame(
        {
            "interaction_id": ["i1", "i2", "i3"], "customer_id": ["anna", "anna", "cleo"],
            "occurred_at": ["2024-01-01", "2026-01-01", "2025-01-01"], "cost": [3.0, None, 9.0],
        }
    )  # fmt: skip
    company = _company(tmp_path, rows, more={"cost": [60.0, 30.0, -10.0, 12.0, 6.0, -2.0]}, interactions=contacts)
    two, one, month = (1.21 ** (days / 365.25) for days in (731, 365, 31))
    # Anna: a margin of 40, then 30 - 10 returned; Ben lost 2 on the last day.
    brought = realised(company, annual_rate=0.21)
    assert brought["carried"][["anna", "ben"]].tolist() == pytest.approx([40 * two + 20 * one, 6 * month - 2])
    assert brought.loc["anna", ["part", "whole"]].tolist() == pytest.approx([60, 160])
    assert contact_costs(company, annual_rate=0.21)["carried"]["anna"] == pytest.approx(3 * two)
    assert contact_costs(_company(tmp_path / "bare", rows), annual_rate=0.21) is None


def test_lines_of_unknown_margin_are_given_the_rate_of_the_others_and_without_any_revenue_counts(tmp_path):
    rows = [("o1", "anna", "2025-12-01", 100.0), ("o2", "anna", "2026-01-01", 50.0), ("o3", "ben", "2026-01-01", 80.0)]
    told = realised(_company(tmp_path / "some", rows, more={"cost": [70.0, None, 66.0]}), annual_rate=0.1)
    assert told["carried"]["anna"] == pytest.approx(30 * 1.1 ** (31 / 365.25) + 50 * (30 + 14) / 180)
    bare = realised(_company(tmp_path / "none", rows), annual_rate=1e-12)
    assert bare["carried"].tolist() == pytest.approx([150, 80])


# Ratios of customers


def _sums(y, g, customer, n):
    def add(values):
        return np.bincount(customer, weights=values, minlength=n).astype(float)

    return Sums(part=add(y), whole=add(g), part2=add(y * y), cross=add(y * g), whole2=add(g * g))


def _shops(n, seed, *, between=0.06):
    """Customers with true ratios about 0.4 and purchases that scatter about them."""
    rng = np.random.default_rng(seed)
    true = rng.normal(0.4, between, n)
    customer = np.repeat(np.arange(n), rng.geometric(0.15, n))
    g = rng.gamma(4, 10, len(customer))
    return true, _sums(rng.normal(true[customer] * g, np.sqrt(g)), g, customer, n)


def test_shrunken_ratios_are_nearer_to_the_truth_than_own_and_than_common_ones():
    true, sums = _shops(4000, 1)
    found = credible_ratio(sums, draws=200, seed=1)
    error = [np.sqrt(np.mean((ratio - true) ** 2)) for ratio in (found.expected, found.own, found.mean)]
    assert error[0] < min(error[1:])
    # What remains is the variance of true ratios times one less the credibility.
    exact = 0.06**2 / (0.06**2 + 1 / sums.whole)
    assert error[0] == pytest.approx(np.sqrt(np.mean(0.06**2 * (1 - exact))), rel=0.04)
    np.testing.assert_allclose(found.credibility, exact, atol=0.08)


def test_customers_alike_are_given_the_common_ratio_and_a_constant_one_is_found_exactly():
    alike = credible_ratio(_shops(3000, 3, between=0.0)[1], draws=100, seed=1)
    assert alike.credibility.max() < 0.15
    assert alike.mean == pytest.approx(0.4, abs=0.01)
    g = np.array([10.0, 20.0, 5.0, 7.0])
    constant = credible_ratio(_sums(0.3 * g, g, np.array([0, 0, 1, 2]), 3), draws=100, seed=1)
    np.testing.assert_allclose(constant.expected, 0.3)
    np.testing.assert_allclose(constant.drawn(slice(None), constant.drawn_means), 0.3)


def test_customers_without_denominator_have_the_common_ratio_and_negative_ones_are_kept():
    y, g = np.array([-4.0, -6.0, 5.0, 6.0, -3.0]), np.array([10.0, 10.0, 10.0, 12.0, 0.0])
    found = credible_ratio(_sums(y, g, np.array([0, 0, 1, 1, 2]), 3), draws=100, seed=1)
    assert found.expected[2] == pytest.approx(found.mean)
    assert found.expected[0] < 0 < found.expected[1]
    assert credible_ratio(_sums(y[4:], g[4:], np.array([0]), 1), draws=100, seed=1).expected.tolist() == [0.0]


# Spend and frequency

MODEL = GammaGamma().with_parameters(p=3, q=6, gamma=80)


def _customers(n, seed, *, dearer_by=0.0):
    """Customers whose mean spend grows by a share with each doubling of their purchases."""
    x = np.random.default_rng([seed, 7]).geometric(0.2, n)
    data = MODEL.simulate(x, seed=seed)
    return data.assign(monetary_value=data["monetary_value"] * (1 + dearer_by) ** np.log2(x))


def test_skewed_purchases_make_the_plain_correlation_positive_without_any_dependence():
    # By simulation at these parameters the plain rank correlation is 0.08; the corrected one is 0.
    data = _customers(40_000, 1)
    measured = spend_independence(data, MODEL)
    assert stats.spearmanr(data["frequency"], data["monetary_value"]).statistic > 0.06
    assert abs(measured.correlation.value) < 4 / np.sqrt(40_000)
    assert measured.ratio.low < 1 < measured.ratio.high


@pytest.mark.parametrize(
    ("n", "dearer_by", "verdict", "words"),
    [
        (4000, 0.0, Verdict.SUPPORTED, "may be modelled apart"),
        (4000, 0.4, Verdict.NOT_SUPPORTED, "Heavy buyers also spend more"),
        (4000, -0.3, Verdict.NOT_SUPPORTED, "Heavy buyers spend less"),
        (60, 0.05, Verdict.UNDECIDED, "when another year is known"),
    ],
)
def test_finding_on_spend_follows_the_interval(n, dearer_by, verdict, words):
    data = _customers(n, 4, dearer_by=dearer_by)
    measured = spend_independence(data, GammaGamma().fit(data))
    finding = finding_spend_independence(measured)
    assert finding.verdict is verdict
    assert words in finding.decision
    heavy = data.groupby(data["frequency"] > measured.light_to)["monetary_value"].mean()
    assert measured.ratio.value == pytest.approx(heavy[True] / heavy[False])
    assert str(measured.ratio) in finding.text


def test_independence_needs_some_customers_with_more_purchases_than_others():
    data = _customers(200, 5)
    for few in (data.head(5), data.assign(frequency=2)):
        with pytest.raises(TooLittleData, match="at least 10 customers"):
            spend_independence(few, MODEL)


# Potential value


@pytest.fixture(autouse=True)
def small_groups(monkeypatch):
    monkeypatch.setattr(potential, "_SMALLEST", 2)


def _reach(frequency, spend, rule=PotentialRule(), attributes=None, categories=None):  # noqa: B008
    index = pd.RangeIndex(len(spend))
    summary = pd.DataFrame({"frequency": frequency}, index=index)
    if categories is not None:
        summary["categories"] = categories
    alike = pd.DataFrame(attributes or {}, index=index)
    return reachable_spend(summary, pd.Series(spend, index=index, dtype=float), alike, rule)


def test_half_of_the_gap_to_the_upper_quartile_of_alike_customers_is_closed():
    # The upper quartile of 10 … 50 is 40; those of the regions 17.5 and 175, and so of the bands of frequency.
    assert _reach([1] * 5, [10, 20, 30, 40, 50]).tolist() == [15, 10, 5, 0, 0]
    regions = {"region": ["N", "N", "S", "S"]}
    assert _reach([1] * 4, [10, 20, 100, 200], attributes=regions).tolist() == pytest.approx([3.75, 0, 37.5, 0])
    assert _reach([1, 1, 8, 15], [10, 20, 100, 200]).tolist() == pytest.approx([3.75, 0, 37.5, 0])


def test_small_groups_look_at_a_wider_circle(monkeypatch):
    monkeypatch.setattr(potential, "_SMALLEST", 3)
    more = _reach([1] * 5, [10, 20, 30, 40, 50], attributes={"region": ["N", "N", "N", "S", None]})
    # The North is large enough (25); South and unknown are compared with all (40).
    assert more.tolist() == pytest.approx([7.5, 2.5, 0, 0, 0])


def test_further_categories_bring_half_of_what_the_present_ones_do():
    # All spend 30; the upper quartile of 1, 2, 3, 3 categories is 3; none counted is one.
    more = _reach([1] * 4, [30] * 4, PotentialRule(closable=1.0), categories=[0, 2, 3, 3])
    assert more.tolist() == pytest.approx([30 * 0.5 * 2 / 1, 30 * 0.5 * 1 / 2, 0, 0])


def test_the_rule_says_its_assumptions_and_refuses_impossible_ones():
    text = PotentialRule(closable=0.4, quantile=0.8).text
    assert all(words in text for words in ("40%", "80%", "an assumption, not an estimate"))
    with pytest.raises(ValueError, match="quantile must lie between 0 and 1"):
        PotentialRule(quantile=1.5)
