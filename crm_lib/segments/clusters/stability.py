"""How much of a clustering would come out again: agreement of labellings, and of each cluster by itself."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from crm_lib.statistics.resampling import Floats

Labels = NDArray[np.int64]

STABLE_FROM = 0.75
"""Mean Jaccard similarity from which a cluster counts as stable."""
UNSTABLE_BELOW = 0.6
"""Mean Jaccard similarity below which a cluster must not be named."""
STABLE, DOUBTFUL, UNSTABLE = "stable", "doubtful", "unstable — do not name"


def adjusted_rand(one: Labels, other: Labels) -> float:
    """Return the adjusted Rand index of two labellings of the same customers.

    Parameters
    ----------
    one, other : ndarray of shape (n,)
        Labels from 0.

    Returns
    -------
    float
        1 where both divide the customers alike, 0 on average for labels given at random. Two labellings that put all
        into one cluster, or each into a cluster of its own, agree entirely.

    Notes
    -----
    With the numbers of pairs together in both (:math:`a`), in each (:math:`b, c`) and of all pairs (:math:`N`),
    :math:`(a - bc/N) / ((b + c)/2 - bc/N)`.

    References
    ----------
    Hubert, L. & Arabie, P. (1985). Comparing partitions. Journal of Classification 2, 193-218.

    Examples
    --------
    >>> adjusted_rand(np.array([0, 0, 1, 1]), np.array([1, 1, 0, 0]))
    1.0
    """
    crossed = _crossed(one, other)
    both, rows, columns = (_pairs(part) for part in (crossed, crossed.sum(axis=1), crossed.sum(axis=0)))
    every = _pairs(np.array([crossed.sum()]))
    expected = rows * columns / every if every else 0.0
    possible = (rows + columns) / 2 - expected
    return float((both - expected) / possible) if possible else 1.0


def jaccard(reference: Labels, other: Labels, *, clusters: int) -> Floats:
    """Return how well each cluster of a labelling is found again in another.

    Parameters
    ----------
    reference, other : ndarray of shape (n,)
        Labels from 0 of the same customers.
    clusters : int
        Number of clusters of the reference.

    Returns
    -------
    ndarray of shape (clusters,)
        For each cluster of the reference, the largest Jaccard similarity (customers in both over customers in either)
        with a cluster of the other; missing for a cluster without customers.

    References
    ----------
    Hennig, C. (2007). Cluster-wise assessment of cluster stability. Computational Statistics & Data Analysis 52,
    258-271.

    Examples
    --------
    >>> jaccard(np.array([0, 0, 0, 1, 1]), np.array([0, 0, 1, 1, 1]), clusters=2).round(3).tolist()
    [0.667, 0.667]
    """
    crossed = _crossed(reference, other, rows=clusters).astype(np.float64)
    sizes = crossed.sum(axis=1, keepdims=True)
    similar = crossed / (sizes + crossed.sum(axis=0) - crossed)
    return np.where(sizes[:, 0] > 0, similar.max(axis=1), np.nan)


def stability_verdict(similarity: float) -> str:
    """Return what a cluster's mean Jaccard similarity says of it.

    Parameters
    ----------
    similarity : float
        Mean over resamples.

    Returns
    -------
    str
        "stable" from 0.75, "doubtful" from 0.6, else "unstable — do not name", as Hennig advises.

    Examples
    --------
    >>> stability_verdict(0.8), stability_verdict(0.7), stability_verdict(0.5)
    ('stable', 'doubtful', 'unstable — do not name')
    """
    if similarity >= STABLE_FROM:
        return STABLE
    return DOUBTFUL if similarity >= UNSTABLE_BELOW else UNSTABLE


def _crossed(one: Labels, other: Labels, *, rows: int = 0) -> NDArray[np.int64]:
    if one.shape != other.shape:
        raise ValueError(f"two labellings of the same customers are needed; got {one.size} and {other.size} labels")
    rows = max(rows, int(one.max(initial=0)) + 1)
    columns = int(other.max(initial=0)) + 1
    return np.bincount(one * columns + other, minlength=rows * columns).reshape(rows, columns)


def _pairs(counts: NDArray[np.int64]) -> float:
    sizes = counts.astype(np.float64)
    return float((sizes * (sizes - 1)).sum() / 2)
