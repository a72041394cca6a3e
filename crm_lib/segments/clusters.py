"""Clusters of customers by what they did: how many come out again, and which of them may be named."""

from __future__ import annotations

import datetime as dt
import warnings
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import scipy
from numpy.typing import NDArray

from crm_lib.company import Company
from crm_lib.customers import customer_window
from crm_lib.errors import TooLittleData
from crm_lib.language import say
from crm_lib.segments.profit import SMALLEST_GROUP
from crm_lib.statistics.resampling import Floats

STABLE_LABELLING = 0.75
"""Mean adjusted Rand index from which a whole labelling counts as stable."""
STABLE_FROM, UNSTABLE_BELOW = 0.75, 0.6
"""Mean Jaccard similarity from which a cluster is stable, and below which it must not be named (Hennig)."""
STABLE, DOUBTFUL, UNSTABLE = "stable", "doubtful", "unstable — do not name"
SMALLEST_SHARE = 0.03
"""Share of the customers that a cluster must have to be worth an action of its own."""
RESAMPLES = 10
_STARTS = 30
"""With few starts, what looks unstable would be the luck of the optimiser."""
_LEARNED = 1000
"""Of more customers, clusters are fitted to random samples of this size, and all are assigned."""
_FEWEST = 50
_SKEWED = 0.75
"""Skewness from which a measure is bent; a sample of a normal distribution hardly ever has it."""
_REACH = 3.5
"""Scaled values farther out are drawn in."""
_TIE = 0.95
"""Share of a cluster with one value, and of the customers with that value in it, from which it is only a tie."""


@dataclass(frozen=True, kw_only=True)
class Clusters:
    """The chosen clusters, 1 being the largest: each customer's label, the numbers tried, and verdicts.

    `candidates` by ``k``: ``stability`` (mean adjusted Rand index between the clusters and those of resamples),
    ``weakest`` (smallest mean Jaccard similarity of a cluster), ``smallest_share``, ``silhouette``, ``admissible``
    (stable and its clusters large enough; if none is, the most stable is taken) and ``chosen``. `per_cluster` by
    ``cluster``: ``customers``, ``customer_share``, the median of each measure, ``jaccard``, ``verdict`` and ``tie`` (in
    words, where all of a cluster share one value that hardly anybody else has).
    """

    labels: pd.Series[int]
    k: int
    candidates: pd.DataFrame
    per_cluster: pd.DataFrame
    admissible: bool

    @property
    def nameable(self) -> tuple[int, ...]:
        """The clusters that are neither unstable nor a mere tie; none where no candidate was admissible."""
        table = self.per_cluster
        named = table.index[(table["verdict"] != UNSTABLE) & (table["tie"] == "")]
        return tuple(named.astype(int)) if self.admissible else ()


def behaviour(company: Company, *, days: int = 365, ending: dt.date | None = None) -> pd.DataFrame:
    """Return what buyers did in the days up to a date, fit to find clusters in.

    Columns are ``recency`` (days since the last purchase), ``orders`` and ``order_value`` (money, mean before returns).

    Parameters
    ----------
    company : Company
    days : int
        Length of the window.
    ending : date, optional
        Its last day, by default the company's ``as_of``.
    """
    window = customer_window(company, days=days, ending=ending)
    buyers = window[window["orders"] > 0]
    recency = (pd.Timestamp(ending or company.as_of) - buyers["last_purchase"]).dt.days.astype("float64")
    spent = (buyers["revenue"] + buyers["returns"]) / buyers["orders"]
    return pd.DataFrame({"recency": recency, "orders": buyers["orders"].astype("float64"), "order_value": spent})


def prepared(measures: pd.DataFrame) -> pd.DataFrame:
    """Return measures on one scale: skewed ones bent until symmetric, free of units, missing ones at the median."""
    from sklearn.preprocessing import PowerTransformer

    values = measures.astype("float64")
    if np.isinf(values.to_numpy()).any():
        raise ValueError("a measure holds infinite values")
    values = values.fillna(values.median())
    values = values.loc[:, values.min() < values.max()]
    if values.empty:
        raise TooLittleData(say("no measure differs between the customers, so there is nothing to cluster by"))
    units = values / values.abs().where(values != 0).median()
    # Quantiles in place of customers: the same for any order of rows, and as quick for a million.
    grid = np.quantile(units, np.linspace(0, 1, min(len(units), 5000)), axis=0)
    scaled = (units.to_numpy() - grid.mean(axis=0)) / grid.std(axis=0)
    bent = np.abs(scipy.stats.skew(grid)) > _SKEWED
    if bent.any():
        scaled[:, bent] = PowerTransformer().fit(grid[:, bent]).transform(units.to_numpy()[:, bent])
    return pd.DataFrame(np.clip(scaled, -_REACH, _REACH), index=values.index, columns=values.columns)


def choose_clusters(measures: pd.DataFrame, *, k: Iterable[int] = range(2, 7), seed: int = 0) -> Clusters:
    """Choose the number of k-means clusters, and say which of them may be trusted.

    Parameters
    ----------
    measures : DataFrame
        One numeric column a measure, one row a customer, such as :func:`behaviour` gives.
    k : iterable of int
        Numbers of clusters to try, each at least 2.
    seed : int

    Notes
    -----
    The numbers are tried in the order of their fit (mean silhouette), and the first admissible one is taken: each
    cluster has at least 3 % of the customers and ten of them; drawn anew with replacement, the customers fall into
    clusters with a mean adjusted Rand index of at least 0.75; and each cluster is found again with a mean Jaccard
    similarity of at least 0.6. If none is, none of the clusters may be named. Stability alone shows no kinds: a
    continuum is cut in two with great stability along its longest axis.

    References
    ----------
    Hennig, C. (2007). Cluster-wise assessment of cluster stability. Computational Statistics & Data Analysis 52.
    Fang, Y. & Wang, J. (2012). Selection of the number of clusters via the bootstrap method. Ibid. 56.
    """
    from sklearn.metrics import silhouette_score

    features, numbers = prepared(measures), sorted(set(k))
    values = features.to_numpy()
    different = len(np.unique(values, axis=0))
    if len(values) < _FEWEST or different <= numbers[-1]:
        words = "needs at least {fewest} customers, and more different ones than clusters; there are {n}, {m} different"
        raise TooLittleData(say(words, fewest=_FEWEST, n=len(values), m=different))
    rng = np.random.default_rng(seed)
    # Sorted rows: what is drawn must not depend on the order in which customers come.
    values = values[np.lexsort(values.T[::-1])]
    size = min(len(values), _LEARNED)
    learned = values if size == len(values) else values[np.sort(rng.permutation(len(values))[:size])]
    drawn = [values[rng.integers(0, len(values), size)] for _ in range(RESAMPLES)]
    models = {number: _k_means(number, learned, seed) for number in numbers}
    fit = {number: float(silhouette_score(learned, model.labels_)) for number, model in models.items()}
    rows, similar = {}, {}
    for number in sorted(numbers, key=lambda each: -fit[each]):
        again = [_k_means(number, sample, seed + place).predict(learned) for place, sample in enumerate(drawn, 1)]
        similar[number], rows[number] = _judged(models[number].labels_, again, number, len(values))
        rows[number]["silhouette"] = fit[number]
        if rows[number]["admissible"]:
            break
    candidates = pd.DataFrame.from_dict(rows, orient="index").rename_axis("k").sort_index()
    admissible = bool(candidates["admissible"].any())
    chosen = max(rows, key=lambda each: rows[each]["admissible" if admissible else "stability"])
    candidates["chosen"] = candidates.index == chosen
    raw = models[chosen].predict(features.to_numpy())
    order = _by_size(raw, chosen, features)
    labels = pd.Series(order[raw], index=features.index, name="cluster")
    per_cluster = _per_cluster(labels, measures, pd.Series(similar[chosen], index=order).sort_index())
    return Clusters(
        labels=labels, k=chosen, candidates=candidates, per_cluster=per_cluster, admissible=admissible
    )  # fmt: skip


def _k_means(k: int, values: Floats, seed: int) -> Any:
    from sklearn.cluster import KMeans

    with warnings.catch_warnings():
        # A resample may lack a rare value, so that fewer clusters are found in it: that is what is looked for.
        warnings.filterwarnings("ignore", message="Number of distinct clusters")
        return KMeans(k, n_init=_STARTS, random_state=seed, tol=1e-3).fit(values)


def _judged(
    labels: NDArray[np.int32], again: list[NDArray[np.int32]], k: int, customers: int
) -> tuple[Floats, dict[str, float | bool]]:
    """Return each cluster's mean Jaccard similarity over resamples, and the row of the candidate."""
    from sklearn.metrics import adjusted_rand_score

    agreement = [adjusted_rand_score(labels, other) for other in again]
    similar: Floats = np.mean([jaccard(labels, other, k) for other in again], axis=0)
    smallest = np.bincount(labels, minlength=k).min() / len(labels)
    large = smallest >= SMALLEST_SHARE and smallest * customers >= SMALLEST_GROUP
    steady = np.mean(agreement) >= STABLE_LABELLING and similar.min() >= UNSTABLE_BELOW
    row = {"stability": float(np.mean(agreement)), "weakest": float(similar.min())}
    return similar, {**row, "smallest_share": float(smallest), "admissible": bool(large and steady)}


def jaccard(labels: NDArray[np.int32], other: NDArray[np.int32], k: int) -> Floats:
    """Return each cluster's largest Jaccard similarity (customers in both over customers in either) with another's."""
    crossed = np.zeros((k, int(other.max()) + 1))
    np.add.at(crossed, (labels, other), 1)
    union = crossed.sum(axis=1, keepdims=True) + crossed.sum(axis=0) - crossed
    return np.asarray((crossed / union).max(axis=1))


def _by_size(raw: NDArray[np.int32], k: int, features: pd.DataFrame) -> NDArray[np.int64]:
    """Return the number of each raw label: the largest cluster is 1, equal ones are told apart by their centres."""
    sizes = np.bincount(raw, minlength=k)
    centres = features.groupby(raw).mean().reindex(range(k)).to_numpy()
    keys = sorted(range(k), key=lambda label: (-sizes[label], *centres[label]))
    order = np.empty(k, dtype=np.int64)
    order[keys] = np.arange(1, k + 1)
    return order


def _per_cluster(labels: pd.Series[int], measures: pd.DataFrame, similar: pd.Series[float]) -> pd.DataFrame:
    table = pd.DataFrame({"customers": labels.value_counts().reindex(similar.index, fill_value=0)})
    table["customer_share"] = table["customers"] / len(labels)
    table = table.join(measures.groupby(labels).median()).assign(jaccard=similar)
    bounds = [-np.inf, UNSTABLE_BELOW, STABLE_FROM, np.inf]
    table["verdict"] = pd.cut(similar, bounds, right=False, labels=[UNSTABLE, DOUBTFUL, STABLE]).astype(str)
    table["tie"] = [_tie(measures[labels == number], measures) for number in similar.index]
    return table.rename_axis("cluster")


def _tie(own: pd.DataFrame, everybody: pd.DataFrame) -> str:
    """Return in words which one value a cluster is a tie of; empty for none."""
    for name, column in own.items():
        counts = column.value_counts()
        if counts.iloc[0] >= max(SMALLEST_GROUP, _TIE * len(own), _TIE * (everybody[name] == counts.index[0]).sum()):
            return say("{name:words} is {value}", name=str(name).replace("_", " "), value=float(counts.index[0]))
    return ""
