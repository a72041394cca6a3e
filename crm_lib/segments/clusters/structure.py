"""Whether there are kinds of customers at all, or one continuum that any clustering would merely cut."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats
from scipy.special import ndtr, ndtri
from sklearn.cluster import KMeans
from threadpoolctl import threadpool_limits

from crm_lib import language
from crm_lib.errors import TooLittleData
from crm_lib.estimate import Estimate
from crm_lib.segments.clusters.features import PreparedFeatures, as_frame
from crm_lib.statistics.dip import dip, uniform_dips
from crm_lib.statistics.resampling import Floats

FEWEST = 100
"""Customers below which no valley could be told from chance."""
_HEAP = 0.05
"""Share of customers with the lowest or the highest value from which a feature is compared by ranks only."""
_COUNTS = 0.1
"""Weight from which a feature is named as part of a direction."""
_SWEEPS = 10
"""Rounds in which tied scores are fitted to the other features."""


@dataclass(frozen=True, kw_only=True)
class StructureCheck:
    """Whether customers fall into kinds, as :func:`check_structure` found.

    Parameters
    ----------
    p_value : Estimate
        Chance of a valley as deep as this one, or deeper, among customers without kinds, with the interval that the
        number of simulations leaves.
    direction : Series
        Weight of each feature in the direction along which the valley was looked for; squares add up to 1.
    projection : ndarray
        Customers along that direction, those only who had no part in choosing it.
    by_rank : tuple of str
        Features of which only the order counted: those asked for, and those with a heap at one end.
    customers : int
        Customers looked at.
    level : float
        Rate of false alarms accepted.
    """

    p_value: Estimate
    direction: pd.Series[float]
    projection: Floats
    by_rank: tuple[str, ...]
    customers: int
    level: float

    @property
    def found(self) -> bool:
        """Whether kinds were found."""
        return self.p_value.value <= self.level

    @property
    def measures(self) -> str:
        """The features, in words."""
        return listed(self.direction.index)

    @property
    def weights(self) -> pd.Series[float]:
        """The weights of 0.1 or more in size, the largest first."""
        order = self.direction.abs().sort_values(ascending=False, kind="stable")
        return self.direction[order.index[order >= _COUNTS]]


def listed(names: Iterable[object]) -> str:
    """Return names of features as a reader lists them.

    Parameters
    ----------
    names : iterable
        Names, such as "order_value".

    Examples
    --------
    >>> listed(["recency", "orders", "order_value"])
    'recency, orders and order value'
    """
    *before, last = [language.text(str(name).replace("_", " ")) for name in names]
    return language.text(" and ").join([", ".join(before), last]) if before else last


def check_structure(
    features: pd.DataFrame | PreparedFeatures,
    *,
    level: float = 0.05,
    splits: int = 11,
    samples: int = 999,
    most: int = 6000,
    by_rank: Sequence[str] = ("recency",),
    seed: int = 0,
) -> StructureCheck:
    """Test whether customers fall into kinds with few customers between them.

    Any clustering procedure cuts a cloud of customers into as many pieces as it is asked for, even if there is nothing
    but a cloud. Kinds are more than pieces: between two kinds lies a *valley*, where there are fewer customers than on
    either side.

    Parameters
    ----------
    features : DataFrame (N rows) or PreparedFeatures
        Features on one scale, as :func:`~crm_lib.segments.prepare_features` gives them. No value may be missing.
    level : float
        Rate of false alarms accepted.
    splits : int
        Number of times the customers are divided at random.
    samples : int
        Number of simulated samples that each dip is compared with.
    most : int
        Of more customers than this a random sample is taken.
    by_rank : sequence of str
        Features, if they are there, of which only the order counts. The days since the last purchase follow the
        calendar: peaks left by closed days and by seasons are not kinds of customers.
    seed : int
        Seed of the random numbers.

    Returns
    -------
    StructureCheck
        The p-value and where the deepest valley lies.

    Raises
    ------
    TooLittleData
        If there are fewer than 100 customers.
    ValueError
        If a value is missing or infinite.

    Notes
    -----
    The customers are divided at random. On a third of them, directions are looked for along which the customers might
    have two peaks (lines between the centres of k-means clusters, raw and adjusted for the spread within the clusters;
    the principal axes; the features themselves), and the one with the largest dip is kept. On the *other* customers,
    the dip along this one direction is compared with dips of uniform samples, among all single-peaked distributions the
    hardest to tell from two peaks. As the direction does not depend on them, the rate of false alarms is at most
    `level` for every population that has a single peak in each direction, whatever its tails and correlations. Twice
    the median p-value of several such splits is again a p-value (Meinshausen and others).

    Equal values are spread evenly over the room up to their neighbours, as counts would otherwise look like heaps.
    Where many share the lowest or highest value (one order, say), the feature enters by normal scores: a heap at the
    end of a scale is no kind of its own. Customers with the same value are then put in an order that fits their other
    features as it would in a continuum: their scores are drawn from the normal distribution that the other features
    lead to, between the scores of their neighbours.

    What is called a kind must be separate: two normal groups of equal size have a valley only where their centres are
    more than two standard deviations apart.

    References
    ----------
    Hartigan, J. A. & Hartigan, P. M. (1985). The dip test of unimodality. Annals of Statistics 13, 70-84.
    Meinshausen, N., Meier, L. & Buehlmann, P. (2009). p-values for high-dimensional regression. Journal of the
    American Statistical Association 104, 1671-1681.

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> two = rng.normal(size=(600, 3)) + np.repeat([[0, 0, 0], [4, 4, 0]], 300, axis=0)
    >>> check_structure(pd.DataFrame(two, columns=["a", "b", "c"]), splits=3, samples=199).found
    True
    >>> check_structure(pd.DataFrame(rng.normal(size=(600, 3))), splits=3, samples=199).found
    False
    """
    features = as_frame(features)
    values = features.to_numpy(dtype=np.float64)
    if not np.isfinite(values).all():
        raise ValueError("a value is missing or infinite: prepare the features first")
    if len(values) < FEWEST:
        message = language.text("only {count} customers: {fewest} are needed to tell a valley from chance")
        raise TooLittleData(message.format(count=language.number(len(values), 0), fewest=FEWEST))
    rng = np.random.default_rng(seed)
    # Sorted rows: which customers are drawn must not depend on the order in which they come.
    values = values[np.lexsort(values.T[::-1])]
    if len(values) > most:
        values = values[rng.permutation(len(values))[:most]]
    ranked = [name in by_rank or _heaped(x) for name, x in zip(features.columns, values.T, strict=True)]
    values = _smooth(values, np.array(ranked), rng)
    third = len(values) // 3
    null = uniform_dips(len(values) - third, samples=samples, seed=seed)
    tried = []
    # As in choose_clusters, threads would wait for each other for longer than they help.
    with threadpool_limits(limits=1):
        for _ in range(splits):
            order = rng.permutation(len(values))
            direction = _most_divided(values[order[:third]], seed=int(rng.integers(2**31)))
            projected = values[order[third:]] @ direction
            tried.append((int((null >= dip(projected)).sum()), direction, projected))
    tried.sort(key=lambda split: split[0])
    # Of an even number of splits the larger of the two middle ones: never less than the median.
    exceeding, direction, projected = tried[splits // 2]
    return StructureCheck(
        p_value=_doubled(exceeding, samples),
        direction=pd.Series(direction, index=features.columns, name="weight"),
        projection=projected,
        by_rank=tuple(str(name) for name, rank in zip(features.columns, ranked, strict=True) if rank),
        customers=len(values),
        level=level,
    )


def _heaped(column: Floats) -> bool:
    share = max((column == column.min()).mean(), (column == column.max()).mean())
    return bool(share >= _HEAP)


def _spread(column: Floats, rng: np.random.Generator) -> Floats:
    """Spread equal values evenly between the middles to their neighbours."""
    places, which, counts = np.unique(column, return_inverse=True, return_counts=True)
    if len(places) == 1 or counts.max() == 1:
        return column
    middles = (places[1:] + places[:-1]) / 2
    lower = np.concatenate([[2 * places[0] - middles[0]], middles])
    upper = np.concatenate([middles, [2 * places[-1] - middles[-1]]])
    within = rng.random(len(column))
    return np.where(counts[which] > 1, lower[which] + (upper - lower)[which] * within, column)


def _smooth(values: Floats, ranked: NDArray[np.bool_], rng: np.random.Generator) -> Floats:
    """Return standardised features without ties; ranked ones as normal scores that fit the other features."""
    columns = [x if rank else _spread(x, rng) for x, rank in zip(values.T, ranked, strict=True)]
    scores = np.column_stack([stats.zscore(x) if np.ptp(x) > 0 else np.zeros(len(x)) for x in columns])
    edges = {int(column): _edges(values[:, column]) for column in np.flatnonzero(ranked)}
    ends = {column: (ndtri(lower), ndtri(upper)) for column, (lower, upper) in edges.items()}
    for column, (lower, upper) in edges.items():
        scores[:, column] = ndtri(lower + (upper - lower) * rng.random(len(values)))
    for _ in range(_SWEEPS if values.shape[1] > 1 else 0):
        for column, (lowest, highest) in ends.items():
            others = np.delete(scores, column, axis=1)
            design = np.column_stack([np.ones(len(others)), others])
            mean = design @ np.linalg.lstsq(design, scores[:, column], rcond=None)[0]
            error = max(float(np.std(scores[:, column] - mean)), 1e-6)
            # A chance within the customer's interval; far from the mean it is kept off 0 and 1, where the score ends.
            low, high = ndtr((lowest - mean) / error), ndtr((highest - mean) / error)
            chance = np.clip(low + (high - low) * rng.random(len(values)), 1e-12, 1 - 1e-12)
            scores[:, column] = np.clip(mean + error * ndtri(chance), lowest, highest)
    return scores


def _edges(column: Floats) -> tuple[Floats, Floats]:
    """Return the shares of customers below each value, and up to it."""
    _, which, counts = np.unique(column, return_inverse=True, return_counts=True)
    upper = counts.cumsum() / len(column)
    return (upper - counts / len(column))[which], upper[which]


def _most_divided(values: Floats, *, seed: int) -> Floats:
    """Return the direction, of length 1, along which the dip is largest."""
    best, found = -1.0, np.eye(values.shape[1])[0]
    for direction in _directions(values, seed):
        length = np.linalg.norm(direction)
        if length > 0 and (depth := dip(values @ direction / length)) > best:
            best, found = depth, direction / length
    return np.asarray(found, dtype=np.float64)


def _directions(values: Floats, seed: int) -> Iterator[Floats]:
    yield from np.eye(values.shape[1])
    if values.shape[1] == 1:
        return
    spread, axes = np.linalg.eigh(np.cov(values, rowvar=False))
    yield from axes.T
    # Long groups side by side are halved across by k-means; with the spread taken out they lie apart.
    whitener = axes / np.sqrt(np.maximum(spread, 1e-9 * spread.max()))
    for data in (values, values @ whitener):
        for k in (2, 3, 4):
            labels = KMeans(k, n_init=2, random_state=seed).fit(data).labels_
            centres = np.array([values[labels == label].mean(axis=0) for label in range(k)])
            within = np.cov(values - centres[labels], rowvar=False) + 1e-6 * np.eye(values.shape[1])
            for one, other in itertools.combinations(centres, 2):
                yield one - other
                yield np.linalg.solve(within, one - other)


def _doubled(exceeding: int, samples: int) -> Estimate:
    """Return twice the p-value of the middle split, with the exact interval for a share of simulated samples."""
    low = stats.beta.ppf(0.025, exceeding, samples - exceeding + 1) if exceeding else 0.0
    high = stats.beta.ppf(0.975, exceeding + 1, samples - exceeding) if exceeding < samples else 1.0
    value = min(1.0, 2 * (exceeding + 1) / (samples + 1))
    return Estimate(
        value=value,
        low=min(value, 2 * float(low)),
        high=max(value, min(1.0, 2 * float(high))),
        n=samples,
        method="dip test on customers who did not choose the direction, twice the median p-value",
    )
