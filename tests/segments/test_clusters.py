"""Clusters: planted ones are found and numbered by size, none is invented, ties are called ties."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import pytest
from sklearn.cluster import KMeans
from sklearn.datasets import load_iris

from crm_lib.errors import TooLittleData
from crm_lib.segments import choose_clusters
from crm_lib.segments.clusters import DOUBTFUL, RESAMPLES, STABLE, UNSTABLE, _judged, jaccard, prepared


def planted(rng, n, k, apart, width=3):
    """Return groups whose centres are all `apart` from one another, turned at random, and who is in which."""
    turn, _ = np.linalg.qr(rng.normal(size=(max(k, width), max(k, width))))
    which = rng.integers(0, k, n)
    centres = (turn * apart / np.sqrt(2))[:k]
    return pd.DataFrame(rng.normal(size=(n, centres.shape[1])) + centres[which]).rename(columns=str), which


def accuracy(which, labels):
    return pd.crosstab(which, labels.to_numpy()).max(axis=1).sum() / len(which)


def test_prepared_measures_are_symmetric_on_one_scale_and_free_of_units():
    rng = np.random.default_rng(1)
    measures = pd.DataFrame(
        {"orders": 1 + rng.poisson(rng.gamma(0.7, 4, 800)), "value": np.exp(rng.normal(3, 1.2, 800))}
    )
    features = prepared(measures.assign(constant=7))
    assert list(features) == ["orders", "value"]
    assert features["value"].skew() == pytest.approx(0, abs=0.3)
    assert features.std().to_numpy() == pytest.approx(1, abs=0.05)
    assert features.abs().max().max() <= 3.5
    rupiah = prepared(measures * [1, 17_000.0])
    assert rupiah.to_numpy() == pytest.approx(features.to_numpy(), abs=1e-6)
    missing = measures.astype(float).mask(measures["value"] > measures["value"].quantile(0.9))
    assert prepared(missing).notna().all().all()
    with pytest.raises(ValueError, match="infinite"):
        prepared(measures.assign(value=np.inf))
    with pytest.raises(TooLittleData, match="no measure differs"):
        prepared(measures[["orders"]] * 0)


def test_k_means_finds_the_published_clusters_of_the_irises(monkeypatch):
    # Of the 150 irises 50 setosa, 48 versicolor and 36 virginica fall into the cluster of their species, on raw
    # measures (accuracy 0.8933, https://interactivechaos.com/en/node/1297).
    iris = load_iris()
    monkeypatch.setattr("crm_lib.segments.clusters.prepared", lambda frame: frame)
    found = choose_clusters(pd.DataFrame(iris.data).rename(columns=str), k=[3])
    assert pd.crosstab(iris.target, found.labels.to_numpy()).max(axis=1).tolist() == [50, 48, 36]


def test_resamples_have_as_many_starts_as_the_reference(monkeypatch):
    fitted = []
    monkeypatch.setattr(KMeans, "fit", lambda self, x, fit=KMeans.fit: fitted.append(self.n_init) or fit(self, x))
    choose_clusters(planted(np.random.default_rng(6), 200, 2, 8.0)[0], k=[2])
    assert fitted == [30] * (1 + RESAMPLES)


def test_jaccard_and_verdicts_by_hand():
    # Cluster 0 = {a, b, c}: best match {a, b} of union {a, b, c}; cluster 1 = {d, e}: {c, d, e} holds it, union of 3.
    reference, other = np.array([0, 0, 0, 1, 1]), np.array([0, 0, 1, 1, 1])
    assert jaccard(reference, other, 2).tolist() == pytest.approx([2 / 3, 2 / 3])
    similar, row = _judged(reference, [reference, other], 2, 5)
    assert similar.tolist() == pytest.approx([5 / 6, 5 / 6])
    # Pairs: 2 together in both, 4 in each, 10 in all; (2 - 16/10) / (4 - 16/10) = 1/6.
    assert row["stability"] == pytest.approx((1 + 1 / 6) / 2)
    assert not row["admissible"]  # fewer than ten customers a cluster


@pytest.mark.parametrize("k", [2, 3, 4])
def test_planted_clusters_are_recovered(k):
    features, which = planted(np.random.default_rng(k), 600, k, 6.0)
    found = choose_clusters(features, seed=1)
    assert found.k == k
    assert accuracy(which, found.labels) > 0.99  # at six standard deviations the best rule misplaces 0.13% of two
    assert (found.per_cluster["verdict"] == STABLE).all()
    assert found.nameable == tuple(range(1, k + 1))
    assert found.per_cluster["customers"].is_monotonic_decreasing
    assert found.candidates["chosen"].sum() == 1


def test_round_cloud_has_no_cluster_to_name():
    # Turned by any angle a round cloud is the same: where it is cut is left to chance.
    cloud = pd.DataFrame(np.random.default_rng(5).normal(size=(300, 6))).rename(columns=str)
    found = choose_clusters(cloud, k=range(3, 6))
    assert not found.admissible
    assert found.nameable == ()
    assert set(found.per_cluster["verdict"]) <= {UNSTABLE, DOUBTFUL}


def test_a_cluster_of_one_value_is_called_a_tie_and_not_named():
    rng = np.random.default_rng(7)
    once = rng.random(400) < 0.5
    orders = np.where(once, 1, 8 + rng.poisson(6, 400))
    found = choose_clusters(pd.DataFrame({"orders": orders, "value": rng.normal(50, 5, 400)}), k=[2])
    assert sorted(found.per_cluster["tie"]) == ["", "orders is 1"]
    assert len(found.nameable) == 1


def test_too_few_customers_are_refused():
    features = pd.DataFrame(np.random.default_rng(1).normal(size=(49, 2)), columns=["a", "b"])
    with pytest.raises(TooLittleData, match="at least 50 customers"):
        choose_clusters(features)
    with pytest.raises(TooLittleData, match="2 different"):
        choose_clusters(pd.DataFrame({"a": [0.0, 1.0] * 40}))
    with warnings.catch_warnings(action="error"):  # some resamples lack one of the rare values
        choose_clusters(pd.DataFrame({"a": [0.0, 1.0] * 40 + [1.5, -0.5]}), k=[3])
