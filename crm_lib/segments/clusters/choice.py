"""Clusters of customers: method and number chosen by size, stability and fit, with a verdict on each cluster."""

from __future__ import annotations

import itertools
import warnings
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from sklearn.cluster import KMeans
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import silhouette_score
from sklearn.mixture import GaussianMixture
from threadpoolctl import threadpool_limits

from crm_lib import language
from crm_lib.errors import TooLittleData
from crm_lib.segments.clusters.features import PreparedFeatures, as_frame
from crm_lib.segments.clusters.stability import UNSTABLE, Labels, adjusted_rand, jaccard, stability_verdict
from crm_lib.segments.tables.profit_table import SMALLEST_GROUP
from crm_lib.statistics.resampling import Floats

METHODS = ("k-means", "gaussian mixture")
STABLE_LABELLING = 0.75
"""Mean adjusted Rand index from which a whole labelling counts as stable."""
_EQUAL = 0.05
"""Difference in stability that does not count."""
_FEWEST = 50
_LOOKED_AT = 1500
"""Customers of whom the silhouette is computed: its cost grows with their square."""


@dataclass(frozen=True, kw_only=True)
class Clusters:
    """The chosen clusters, as :func:`choose_clusters` found them.

    Parameters
    ----------
    labels : Series
        Number of each customer's cluster, 1 being the largest; indexed as the features.
    method, k : str and int
        The choice.
    candidates : DataFrame
        Indexed by ``method`` and ``k``: ``stability`` (mean adjusted Rand index between the clusters and those of
        resamples), ``low`` and ``high`` (tenth and ninetieth hundredth of it over resamples), ``weakest`` (smallest
        mean Jaccard similarity of a cluster), ``smallest_share``, ``silhouette``, ``bic`` (lower is
        better), ``admissible`` and ``chosen``.
    per_cluster : DataFrame
        Indexed by ``cluster``: ``customers``, ``share``, ``jaccard`` (mean over resamples) and ``verdict``.
    centres : DataFrame
        Means of the prepared features, indexed by ``cluster``.
    admissible : bool
        Whether the choice is stable and its clusters large enough; if none was, the most stable was taken.
    resamples, smallest_share : int and float
        The settings.
    model : object
        The fitted estimator of scikit-learn, whose own labels are in another order.
    order : ndarray
        Number of the cluster for each label of `model`.
    """

    labels: pd.Series[int]
    method: str
    k: int
    candidates: pd.DataFrame
    per_cluster: pd.DataFrame
    centres: pd.DataFrame
    admissible: bool
    resamples: int
    smallest_share: float
    model: Any
    order: Labels

    @property
    def nameable(self) -> tuple[int, ...]:
        """The clusters that are not unstable; none where no candidate was admissible."""
        named = self.per_cluster.index[self.per_cluster["verdict"] != UNSTABLE]
        return tuple(int(number) for number in named) if self.admissible else ()

    def assign(self, features: pd.DataFrame) -> pd.Series[int]:
        """Return the clusters of other customers.

        Parameters
        ----------
        features : DataFrame
            Features prepared by the same recipe.

        Returns
        -------
        Series
            Numbers of clusters, indexed as `features`.
        """
        found = self.order[self.model.predict(features[list(self.centres.columns)].to_numpy(dtype=np.float64))]
        return pd.Series(found, index=features.index, name="cluster")


def choose_clusters(
    features: pd.DataFrame | PreparedFeatures,
    *,
    k: Iterable[int] = range(2, 9),
    methods: Sequence[str] = METHODS,
    resamples: int = 20,
    smallest_share: float = 0.03,
    most: int = 2500,
    seed: int = 0,
) -> Clusters:
    """Choose method and number of clusters, and say which clusters may be trusted.

    Parameters
    ----------
    features : DataFrame (N rows) or PreparedFeatures
        Features on one scale, as :func:`~crm_lib.segments.prepare_features` gives them. No value may be missing.
    k : iterable of int
        Numbers of clusters to try, each at least 2.
    methods : sequence of {"k-means", "gaussian mixture"}
        Methods to try. Mixtures have a covariance matrix for each cluster.
    resamples : int
        Number of bootstrap resamples for each candidate.
    smallest_share : float
        Share of the customers that each cluster must have to be worth an action of its own.
    most : int
        Of more customers than this, clusters are fitted on random samples of this size and all customers are assigned.
    seed : int
        Seed of the random numbers.

    Returns
    -------
    Clusters
        Labels, candidates and verdicts.

    Raises
    ------
    TooLittleData
        If there are fewer than 50 customers, or fewer different ones than clusters.
    ValueError
        If a value is missing, a method unknown, or a number of clusters impossible.

    Notes
    -----
    The rule, in this order:

    1. *Size*: each cluster has at least `smallest_share` of the customers, and ten of them.
    2. *Stability*: customers are drawn with replacement and clustered anew, `resamples` times. The mean adjusted Rand
       index between the clusters and the new ones is at least 0.75, and each cluster is found again with a mean Jaccard
       similarity of at least 0.6.
    3. *Fit*: of what is left, for each method, the candidate with the lowest Bayesian information criterion. That of
       k-means is of the model it stands for: normal clusters, all of the same round shape.
    4. Of the two methods the one more stable; where they differ by no more than 0.05, the one that fits better.

    If nothing passes 1 and 2, the most stable candidate is returned, and none of its clusters may be named. Fits on
    samples are less stable than fits on all customers: for large companies the verdicts err on the side of caution.

    Stability alone shows no kinds: a continuum is cut in two with great stability along its longest axis. That is what
    :func:`~crm_lib.segments.check_structure` is for.

    References
    ----------
    Hennig, C. (2007). Cluster-wise assessment of cluster stability. Computational Statistics & Data Analysis 52,
    258-271.
    Fang, Y. & Wang, J. (2012). Selection of the number of clusters via the bootstrap method. Computational Statistics &
    Data Analysis 56, 468-477.

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> three = rng.normal(size=(300, 2)) + np.repeat([[0, 0], [6, 0], [0, 6]], 100, axis=0)
    >>> chosen = choose_clusters(pd.DataFrame(three), k=range(2, 5), methods=["k-means"], resamples=5)
    >>> chosen.k, chosen.per_cluster["verdict"].unique().tolist()
    (3, ['stable'])
    """
    features, numbers, methods = as_frame(features), sorted(set(k)), list(methods)
    values = _checked(features, numbers, methods)
    rng = np.random.default_rng(seed)
    # Sorted rows: what is drawn must not depend on the order in which customers come.
    values = values[np.lexsort(values.T[::-1])]
    learned = values if len(values) <= most else values[np.sort(rng.permutation(len(values))[:most])]
    drawn = [values[rng.integers(0, len(values), len(learned))] for _ in range(resamples)]
    looked_at = learned[rng.permutation(len(learned))[:_LOOKED_AT]]
    rows, fitted = {}, {}
    # Hundreds of fits to few customers each: threads that wait for each other would take many times as long.
    with threadpool_limits(limits=1):
        for method, number in itertools.product(methods, numbers):
            model = _fit(method, number, learned, seed=seed, starts=5)
            similar, rows[method, number] = _judge(method, number, model, learned, drawn, looked_at, seed)
            fitted[method, number] = model, similar
    candidates = pd.DataFrame.from_dict(rows, orient="index")
    candidates.index = pd.MultiIndex.from_tuples(candidates.index, names=["method", "k"])
    large = candidates["smallest_share"] * len(values) >= max(SMALLEST_GROUP, smallest_share * len(values))
    steady = (candidates["stability"] >= STABLE_LABELLING) & candidates["weakest"].map(
        lambda similarity: stability_verdict(similarity) != UNSTABLE
    )
    candidates["admissible"] = large & steady
    method, number = _choice(candidates)
    candidates["chosen"] = [key == (method, number) for key in candidates.index]
    model, similar = fitted[method, number]
    raw = model.predict(features.to_numpy(dtype=np.float64))
    order = _by_size(raw, number, features)
    labels = pd.Series(order[raw], index=features.index, name="cluster")
    return Clusters(
        labels=labels,
        method=method,
        k=int(number),
        candidates=candidates,
        per_cluster=_per_cluster(labels, similar, order),
        centres=features.groupby(labels).mean().rename_axis("cluster"),
        admissible=bool(candidates["admissible"].any()),
        resamples=resamples,
        smallest_share=smallest_share,
        model=model,
        order=order,
    )


def _checked(features: pd.DataFrame, numbers: list[int], methods: list[str]) -> Floats:
    unknown = [method for method in methods if method not in METHODS]
    if unknown or not methods:
        raise ValueError(f"unknown methods {unknown}: use one or more of {', '.join(METHODS)}")
    if not numbers or numbers[0] < 2:
        raise ValueError(f"k must be whole numbers from 2 on, not {numbers}")
    values = features.to_numpy(dtype=np.float64)
    if not np.isfinite(values).all():
        raise ValueError("a value is missing or infinite: prepare the features first")
    different = len(np.unique(values, axis=0))
    if len(values) < _FEWEST or different <= numbers[-1]:
        message = language.text("{count} customers, {different} of them different, are too few for {k} clusters")
        words = {"different": language.number(different, 0), "k": language.number(numbers[-1], 0)}
        raise TooLittleData(message.format(count=language.number(len(values), 0), **words))
    return values


def _fit(method: str, k: int, values: Floats, *, seed: int, starts: int) -> Any:
    if method == "k-means":
        return KMeans(k, n_init=starts, random_state=seed).fit(values)
    # Some slack in the diagonal: many customers with the same value would otherwise make a cluster without extent.
    model = GaussianMixture(k, reg_covar=1e-3, tol=1e-3, max_iter=100, random_state=seed, n_init=min(starts, 2))
    with warnings.catch_warnings():
        # A fit that creeps on without settling shows as instability, which is what is measured here.
        warnings.simplefilter("ignore", ConvergenceWarning)
        return model.fit(values)


def _judge(
    method: str, k: int, model: Any, learned: Floats, drawn: list[Floats], looked_at: Floats, seed: int
) -> tuple[Floats, dict[str, float]]:
    """Return each cluster's mean Jaccard similarity over resamples, and the row of the candidate."""
    reference = model.predict(learned).astype(np.int64)
    agreement, similar = [], []
    for number, sample in enumerate(drawn):
        again = _fit(method, k, sample, seed=seed + number + 1, starts=2 if method == "k-means" else 1)
        other = again.predict(learned).astype(np.int64)
        agreement.append(adjusted_rand(reference, other))
        similar.append(jaccard(reference, other, clusters=k))
    # A mixture's cluster may be nobody's most likely one: it is found again nowhere.
    mean = np.nan_to_num(np.mean(similar, axis=0))
    sizes = np.bincount(reference, minlength=k)
    labels = model.predict(looked_at)
    row = {
        "stability": float(np.mean(agreement)),
        "low": float(np.quantile(agreement, 0.1)),
        "high": float(np.quantile(agreement, 0.9)),
        "weakest": float(mean.min()),
        "smallest_share": float(sizes.min() / sizes.sum()),
        "silhouette": float(silhouette_score(looked_at, labels)) if len(np.unique(labels)) > 1 else float("nan"),
        "bic": float(model.bic(learned)) if method == "gaussian mixture" else _bic(model, learned, sizes),
    }
    return mean, row


def _bic(model: Any, values: Floats, sizes: Labels) -> float:
    """Return the information criterion of k-means as a classification by normal clusters of one round shape."""
    n, width = values.shape
    variance = max(float(model.inertia_) / (n * width), 1e-12)
    shares = sizes[sizes > 0] / n
    likelihood = n * (shares * np.log(shares)).sum() - n * width / 2 * (np.log(2 * np.pi * variance) + 1)
    return float((len(sizes) * width + len(sizes)) * np.log(n) - 2 * likelihood)


def _choice(candidates: pd.DataFrame) -> Any:
    """Return the method and number that the rule chooses."""
    left = candidates[candidates["admissible"]]
    if left.empty:
        return candidates["stability"].idxmax()
    best: list[Any] = [left.loc[[method], "bic"].idxmin() for method in left.index.unique("method")]
    steadiest = max(left["stability"][key] for key in best)
    return min((key for key in best if left["stability"][key] >= steadiest - _EQUAL), key=lambda key: left["bic"][key])


def _by_size(raw: Labels, k: int, features: pd.DataFrame) -> Labels:
    """Return the number of each raw label: the largest cluster is 1, equal ones are told apart by their centres."""
    sizes = np.bincount(raw, minlength=k)
    centres = features.groupby(raw).mean().reindex(range(k)).to_numpy()
    keys = sorted(range(k), key=lambda label: (-sizes[label], *centres[label]))
    order = np.empty(k, dtype=np.int64)
    order[keys] = np.arange(1, k + 1)
    return order


def _per_cluster(labels: pd.Series[int], similar: Floats, order: Labels) -> pd.DataFrame:
    table = pd.DataFrame({"jaccard": similar}, index=pd.Index(order, name="cluster")).sort_index()
    table.insert(0, "customers", labels.value_counts().reindex(table.index, fill_value=0))
    table.insert(1, "share", table["customers"] / len(labels))
    table["verdict"] = [stability_verdict(similarity) for similarity in table["jaccard"]]
    return table
