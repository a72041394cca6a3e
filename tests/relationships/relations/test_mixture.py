from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.optimize import approx_fprime
from scipy.special import expit, gammaln
from scipy.stats import betabinom
from sklearn.metrics import roc_auc_score

from crm_lib.errors import MissingData, TooLittleData
from crm_lib.relationships import RelationshipMixture, check_kinds, true_kinds, value_by_kind
from crm_lib.relationships.relations.likelihood import Counts, Evidence, Marks
from crm_lib.segments import customer_behaviour, customer_window
from tests.relationships.relations.relation_samples import DISCOUNTED, behaviour


@pytest.fixture(scope="module")
def sample():
    return behaviour(3000, seed=1)


@pytest.fixture(scope="module")
def fitted(sample):
    return RelationshipMixture().fit(sample[0])


@pytest.fixture(scope="module")
def known(simulated, simulated_shop):
    """Return a company, who truly is relational in it, and what its customers did."""
    truth = simulated[0].truth["customers"].set_index("customer_id")["type"].ne("transactional")
    return simulated_shop, truth, customer_behaviour(simulated_shop)


def evidence(seed=3, customers=40):
    rng = np.random.default_rng(seed)
    n = rng.integers(0, 9, customers)
    k = rng.binomial(n, 0.4).astype(float)
    k[0] = np.nan
    h = rng.normal(size=customers)
    y = (rng.random(customers) < 0.3).astype(float)
    y[1] = np.nan
    lean = np.column_stack([np.ones(customers), h])
    return Evidence({"often": Counts.of(k, n.astype(float)), "ever": Marks.of(y, h)}, lean), k, n, y, h


THETA = np.array([0.3, -0.4, 0.5, -1.2, 1.7, -0.3, -1.5, 0.6])


def test_likelihood_is_the_mixture_of_beta_binomials_and_logits():
    known, k, n, y, h = evidence()
    chance = expit(0.3 - 0.4 * h)
    density = 0.0
    for weight, often, ever in ((1 - chance, 0.5, -0.3), (chance, -1.2, -1.5)):
        mean, precision = expit(often), np.exp(1.7)
        binomial = betabinom.pmf(np.nan_to_num(k), n, mean * precision, (1 - mean) * precision)
        binomial = np.where(np.isnan(k), 1.0, binomial)
        odds = expit(ever + 0.6 * h)
        mark = np.where(np.isnan(y), 1.0, np.where(y == 1, odds, 1 - odds))
        density = density + weight * binomial * mark
    # Binomial coefficients do not depend on the parameters and are left out.
    number = np.nan_to_num(k)
    ways = np.where(np.isnan(k), 0.0, gammaln(n + 1) - gammaln(number + 1) - gammaln(n - number + 1))
    assert -known.negative(THETA)[0] * 40 == pytest.approx((np.log(density) - ways).sum())


def test_gradient_is_that_of_the_likelihood():
    known, *_ = evidence()
    numeric = approx_fprime(THETA, lambda theta: known.negative(theta)[0], 1e-7)
    assert known.negative(THETA)[1] == pytest.approx(numeric, abs=1e-6)


def test_exchanging_the_classes_changes_nothing_but_the_names():
    known, *_ = evidence()
    other = known.exchanged(THETA)
    assert known.negative(other)[0] == pytest.approx(known.negative(THETA)[0])
    assert known.membership(other) == pytest.approx(1 - known.membership(THETA))


def test_kinds_are_recovered(sample, fitted):
    frame, relational = sample
    assert fitted.converged_
    assert fitted.two_kinds_
    for kind, share in DISCOUNTED.items():
        estimate = fitted.params_.loc[("discounted_lines", kind), "estimate"]
        assert estimate.value == pytest.approx(share, abs=0.02)
        assert estimate.high - estimate.low < 0.05
    assert fitted.share_.low <= relational.mean() <= fitted.share_.high
    assert fitted.odds_.loc["orders", "estimate"].low > 0
    chance = fitted.membership(frame)
    assert chance.index.equals(frame.index)
    rule = -(frame["discounted_lines"] / frame["lines"])
    assert roc_auc_score(relational, chance) > roc_auc_score(relational, rule) + 0.02


def test_what_is_missing_says_nothing(sample, fitted):
    frame = sample[0].head(50)
    without = fitted.membership(frame.drop(columns="ever_member"))
    marked = frame.assign(ever_member=np.nan)
    pd.testing.assert_series_equal(without, fitted.membership(marked))
    # Members are likelier relational: knowing it moves the probability that way for each of them.
    assert (fitted.membership(frame.assign(ever_member=True)) > without).all()
    assert (fitted.membership(frame.assign(ever_member=False)) < without).all()


def test_order_and_names_of_customers_do_not_matter(sample, fitted):
    frame = sample[0].sample(frac=1, random_state=2)
    again = RelationshipMixture().fit(frame)
    assert again.log_likelihood_ == pytest.approx(fitted.log_likelihood_, abs=1e-3)
    expected = fitted.membership(sample[0])
    assert again.membership(frame).reindex(expected.index).to_numpy() == pytest.approx(expected.to_numpy(), abs=1e-3)


def test_one_kind_that_differs_by_degrees_is_not_taken_for_two():
    said = [RelationshipMixture().fit(behaviour(300, seed=seed, kinds=1)[0]).two_kinds_ for seed in range(5)]
    assert not any(said)


def test_who_cannot_be_told_is_not_told():
    frame, _ = behaviour(400, seed=3, kinds=1)
    mixture = RelationshipMixture().fit(frame)
    with pytest.raises(TooLittleData, match="no two kinds of customers are visible"):
        mixture.membership(frame)
    assert mixture.membership(frame, even_if_unclear=True).between(0, 1).all()


def test_without_discount_nothing_names_the_kinds(sample):
    with pytest.raises(MissingData, match="discount"):
        RelationshipMixture().fit(sample[0].drop(columns="discounted_lines"))
    with pytest.raises(TooLittleData, match="too few"):
        RelationshipMixture().fit(sample[0].head(20))
    with pytest.raises(TooLittleData, match="all on discount, or nothing"):
        RelationshipMixture().fit(sample[0].assign(discounted_lines=0))
    with pytest.raises(ValueError, match="lacks orders"):
        RelationshipMixture().fit(sample[0].drop(columns="orders"))


def test_one_purchase_each_is_no_reason_to_fail(sample):
    frame = sample[0].assign(orders=1, lines=1, other_channel=0, reviews=0, tenure=5)
    frame["discounted_lines"] = (np.arange(len(frame)) % 3 == 0).astype(int)
    assert not RelationshipMixture().fit(frame).two_kinds_


def test_types_of_the_simulated_company_are_told_better_than_by_rules_of_thumb(known):
    _, truth, did = known
    mixture = RelationshipMixture().fit(did)
    check = check_kinds(mixture.membership(did), did, truth)
    accuracy = {rule: estimate.value for rule, estimate in check.frame["accuracy"].items()}
    mine = check.frame.loc["the mixture of two kinds"]
    assert mine["accuracy"].low > 0.84
    assert mine["accuracy"].low > accuracy["at most half of the lines on discount"] + 0.05
    assert mine["accuracy"].low > accuracy["at least two days of purchase"] + 0.2
    assert mine["auc"].low > check.frame.loc["at most half of the lines on discount", "auc"].high
    # Calibrated: nine of ten tenths within 95% intervals is what chance leaves; and right as often as promised.
    assert check.reliability.inside >= 8
    assert check.expected_accuracy == pytest.approx(mine["accuracy"].value, abs=0.02)
    assert check.reliability.brier < 0.4 * check.reliability.brier_constant
    # What was planted in crm_lib/demo/parameters.py.
    for kind, share in {"transactional": 0.55, "relational": 0.15}.items():
        assert mixture.params_.loc[("discounted_lines", kind), "estimate"].value == pytest.approx(share, abs=0.015)


def test_what_each_kind_truly_brings_lies_within_the_intervals(known):
    company, truth, did = known
    margin = customer_window(company, days=365)["margin"]
    found = value_by_kind(RelationshipMixture().fit(did).membership(did), margin, currency="GBP", resamples=399)
    relational = truth.reindex(margin.index)
    assert found.transactional.low <= margin[~relational].mean() <= found.transactional.high
    assert found.relational.low <= margin[relational].mean() <= found.relational.high
    assert found.ratio.low <= margin[~relational].mean() / margin[relational].mean() <= found.ratio.high


def test_truth_is_read_where_there_is_one(known):
    company, truth, _ = known
    with pytest.raises(TooLittleData, match="simulated company only"):
        true_kinds(company)
    (company.folder / "truth").mkdir()
    table = truth.map({True: "relational_losing", False: "transactional"}).rename("type").reset_index()
    table.to_parquet(company.folder / "truth" / "customers.parquet")
    assert true_kinds(company).to_dict() == truth.to_dict()


@pytest.mark.validate
def test_intervals_hold_and_one_kind_is_seen_as_one():
    share = behaviour(400_000, seed=0)[1].mean()
    inside, means = [], {kind: [] for kind in DISCOUNTED}
    for seed in range(300):
        mixture = RelationshipMixture().fit(behaviour(800, seed=seed + 1)[0])
        inside.append(mixture.share_.low <= share <= mixture.share_.high)
        for kind, value in DISCOUNTED.items():
            estimate = mixture.params_.loc[("discounted_lines", kind), "estimate"]
            means[kind].append(estimate.low <= value <= estimate.high)
    assert 0.91 <= np.mean(inside) <= 0.985
    assert all(0.91 <= np.mean(held) <= 0.985 for held in means.values())
    said = [RelationshipMixture().fit(behaviour(800, seed=seed, kinds=1)[0]).two_kinds_ for seed in range(300)]
    assert np.mean(said) <= 0.05
