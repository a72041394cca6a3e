from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.datasets import load_iris
from sklearn.metrics import adjusted_rand_score

from crm_lib.errors import TooLittleData
from crm_lib.segments import adjusted_rand, choose_clusters, jaccard, stability_verdict

LABELS = st.lists(st.tuples(st.integers(0, 4), st.integers(0, 5)), min_size=2, max_size=50)


@given(LABELS)
@settings(max_examples=80, deadline=None)
def test_adjusted_rand_is_that_of_scikit_learn(pairs):
    one, other = np.array(pairs).T
    assert adjusted_rand(one, other) == pytest.approx(adjusted_rand_score(one, other), abs=1e-12)


def test_adjusted_rand_by_hand():
    # Pairs: 2 together in both, 4 in the one, 3 in the other, 15 in all; (2 - 12/15) / (3.5 - 12/15).
    one, other = np.array([0, 0, 0, 1, 1, 2]), np.array([0, 0, 1, 2, 2, 1])
    assert adjusted_rand(one, other) == pytest.approx((2 - 12 / 15) / (3.5 - 12 / 15))


def test_k_means_finds_the_published_clusters_of_the_irises():
    # 134 of the 150 irises fall into the cluster of their species (accuracy 0.8933, https://interactivechaos.com/en/node/
    # 1297): all 50 setosa, 48 versicolor and 36 virginica. The index follows from these counts.
    iris = load_iris()
    found = choose_clusters(pd.DataFrame(iris.data), k=[3], methods=["k-means"], resamples=2)
    crossed = pd.crosstab(iris.target, found.labels.to_numpy()).to_numpy()
    assert crossed.max(axis=1).tolist() == [50, 48, 36]
    together = (50 * 49 + 48 * 47 + 2 * 1 + 14 * 13 + 36 * 35) / 2
    rows, columns = 3 * 50 * 49 / 2, (50 * 49 + 62 * 61 + 38 * 37) / 2
    chance = rows * columns / (150 * 149 / 2)
    expected = (together - chance) / ((rows + columns) / 2 - chance)
    assert adjusted_rand(iris.target, found.labels.to_numpy() - 1) == pytest.approx(expected)


def test_jaccard_by_hand():
    # Cluster 0 = {a, b, c}: best match {a, b} of union {a, b, c}; cluster 1 = {d, e}: {c, d, e} holds it, union of 3.
    reference, other = np.array([0, 0, 0, 1, 1]), np.array([0, 0, 1, 1, 1])
    assert jaccard(reference, other, clusters=2).tolist() == pytest.approx([2 / 3, 2 / 3])
    assert np.isnan(jaccard(reference, other, clusters=3)[2])


def test_verdicts_change_at_hennigs_thresholds():
    words = [stability_verdict(value) for value in (0.75, 0.7499, 0.6, 0.5999)]
    assert words == ["stable", "doubtful", "doubtful", "unstable — do not name"]


def _planted(rng, n, k, apart, width=3):
    turn, _ = np.linalg.qr(rng.normal(size=(max(k, width), max(k, width))))
    which = rng.integers(0, k, n)
    # Corners of a simplex: all centres are `apart` from one another.
    centres = (turn * apart / np.sqrt(2))[:k]
    return pd.DataFrame(rng.normal(size=(n, centres.shape[1])) + centres[which]), which


@pytest.mark.parametrize("k", [2, 3, 4])
def test_planted_clusters_are_recovered(k):
    features, which = _planted(np.random.default_rng(k), 600, k, 6.0)
    found = choose_clusters(features, k=range(2, 7), resamples=6, seed=1)
    assert found.k == k
    # At six standard deviations the best rule misplaces about 0.13% of two groups.
    assert adjusted_rand(which, found.labels.to_numpy() - 1) > 0.97
    assert (found.per_cluster["verdict"] == "stable").all()
    assert found.nameable == tuple(range(1, k + 1))


def test_tight_cluster_within_a_wide_one_is_found_by_mixtures():
    rng = np.random.default_rng(4)
    which = np.repeat([0, 1], 400)
    features = pd.DataFrame(rng.normal(size=(800, 2)) * np.where(which == 0, 0.3, 3.0)[:, None])
    found = choose_clusters(features, k=[2, 3], resamples=6, seed=1)
    assert (found.method, found.k) == ("gaussian mixture", 2)
    # Of the wide cluster, about 1 - exp(-0.9**2 / 18) = 4.4% lie where the tight one has nearly all of its customers.
    assert adjusted_rand(which, found.labels.to_numpy() - 1) > 0.8


def test_round_cloud_has_no_cluster_to_name():
    # Turned by any angle a round cloud is the same: where it is cut is left to chance.
    cloud = pd.DataFrame(np.random.default_rng(5).normal(size=(600, 6)))
    found = choose_clusters(cloud, k=range(3, 6), methods=["k-means"], resamples=8)
    assert not found.admissible
    assert found.nameable == ()
    assert found.per_cluster["verdict"].eq("unstable — do not name").any()


def test_cluster_of_a_handful_is_not_taken():
    rng = np.random.default_rng(6)
    values = np.concatenate(
        [rng.normal(size=(500, 2)), rng.normal((8, 0), 1, size=(500, 2)), rng.normal(size=(12, 2)) + 30]
    )
    small = choose_clusters(pd.DataFrame(values), k=[2, 3], methods=["k-means"], resamples=6)
    assert small.k == 2
    assert choose_clusters(
        pd.DataFrame(values), k=[2, 3], methods=["k-means"], resamples=6, smallest_share=0.01
    ).k == 3  # fmt: skip


def test_clusters_are_numbered_by_size_and_assign_others_alike():
    features, _ = _planted(np.random.default_rng(7), 500, 3, 7.0)
    found = choose_clusters(features, k=[3], resamples=3)
    assert found.per_cluster["customers"].is_monotonic_decreasing
    assert found.per_cluster["customers"].sum() == 500
    assert found.per_cluster["share"].sum() == pytest.approx(1.0)
    assert found.assign(features.iloc[:50]).equals(found.labels.iloc[:50])
    assert found.centres.loc[1].to_numpy() == pytest.approx(features[found.labels == 1].mean().to_numpy())


def test_order_of_rows_and_names_of_customers_change_nothing():
    features, _ = _planted(np.random.default_rng(8), 300, 3, 4.0)
    plain = choose_clusters(features, k=[2, 3, 4], resamples=4, seed=2)
    shuffled = features.sample(frac=1, random_state=1)
    again = choose_clusters(shuffled.set_axis([f"Kundë {n}" for n in range(300)]), k=[2, 3, 4], resamples=4, seed=2)
    assert again.candidates.drop(columns="bic").equals(plain.candidates.drop(columns="bic"))
    assert (again.labels.to_numpy() == plain.labels.reindex(shuffled.index).to_numpy()).all()


def test_best_candidate_is_marked_once():
    features, _ = _planted(np.random.default_rng(9), 300, 2, 6.0)
    found = choose_clusters(features, k=[2, 3], resamples=4)
    assert found.candidates["chosen"].sum() == 1
    assert found.candidates.index[found.candidates["chosen"]][0] == (found.method, found.k)
    assert found.candidates.loc[(found.method, found.k), "admissible"]


def test_impossible_requests_are_refused():
    features = pd.DataFrame(np.random.default_rng(1).normal(size=(60, 2)))
    with pytest.raises(ValueError, match=r"unknown methods \['dbscan'\]: use one or more of k-means"):
        choose_clusters(features, methods=["dbscan"])
    with pytest.raises(ValueError, match="from 2 on"):
        choose_clusters(features, k=[1, 2])
    with pytest.raises(ValueError, match="missing or infinite"):
        choose_clusters(features.where(features > -1))
    with pytest.raises(TooLittleData, match="2 of them different"):
        choose_clusters(pd.DataFrame({"a": [0.0, 1.0] * 40}))
    with pytest.raises(TooLittleData, match="1 customers"):
        choose_clusters(features.iloc[:1])


def test_large_companies_are_clustered_from_samples_as_well():
    # Clusters are fitted on 2,500 of the 20,000; at six standard deviations the best rule misplaces about 0.4% of four.
    features, which = _planted(np.random.default_rng(3), 20_000, 4, 6.0, width=6)
    found = choose_clusters(features, k=[3, 4, 5], methods=["k-means"], resamples=4)
    assert found.k == 4
    assert len(found.labels) == 20_000
    assert adjusted_rand(which, found.labels.to_numpy() - 1) > 0.98
