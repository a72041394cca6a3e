"""Whether there are kinds of customers at all, or one continuum that any clustering would merely cut."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd
import scipy
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri

from crm_lib.errors import TooLittleData
from crm_lib.estimate import LEVEL, Estimate
from crm_lib.finding import Criterion, Finding
from crm_lib.language import say
from crm_lib.segments.clusters import prepared
from crm_lib.statistics.dip import dip, uniform_dips
from crm_lib.statistics.resampling import Floats

FALSE_ALARMS = 0.05
"""Rate of false alarms accepted."""
_BY_RANK = ("recency",)
"""Measures that follow the calendar: peaks left by closed days and by seasons are not kinds of customers."""
_FEWEST, _MOST = 100, 6000
"""Customers below which no valley could be told from chance, and of whom a sample is taken."""
_SPLITS, _SAMPLES = 7, 499
_HEAP = 0.05
"""Share of customers with the lowest or the highest value from which only the order of a measure counts."""
_SWEEPS = 10
"""Rounds in which tied scores are fitted to the other measures."""


@dataclass(frozen=True, kw_only=True)
class StructureCheck:
    """Whether customers fall into kinds.

    `p_value` is the chance of a valley as deep as this one among customers without kinds, with the interval that the
    number of simulations leaves; `direction` weighs the measures along which the valley was looked for (squares add up
    to 1); `projection` holds those customers who had no part in choosing it; of the measures `by_rank` only the order
    counted.
    """

    p_value: Estimate
    direction: pd.Series[float]
    projection: Floats
    by_rank: tuple[str, ...]
    customers: int

    @property
    def found(self) -> bool:
        """Whether kinds were found."""
        return self.p_value.value <= FALSE_ALARMS

    @property
    def measures(self) -> list[str]:
        """The measures, in words."""
        return [str(name).replace("_", " ") for name in self.direction.index]


def check_structure(measures: pd.DataFrame, *, seed: int = 0) -> StructureCheck:
    """Test whether customers fall into kinds with few customers between them.

    Any clustering cuts a cloud of customers into as many pieces as it is asked for, even if there is nothing but a
    cloud. Between two *kinds* lies a valley, where there are fewer customers than on either side.

    Parameters
    ----------
    measures : DataFrame
        One numeric column a measure, one row a customer, such as :func:`~crm_lib.segments.behaviour` gives.
    seed : int

    Notes
    -----
    On a random third of the customers the direction with the largest dip is looked for. On the *other* customers the
    dip along it is compared with dips of uniform samples, among single-peaked distributions the hardest to tell from
    two peaks: the rate of false alarms holds whatever the tails and correlations. Twice the median p-value of several
    such splits is again a p-value (Meinshausen and others). Equal values are spread evenly up to their neighbours;
    where many share the lowest or highest value (one order, say), the measure enters by normal scores that fit the
    other measures as they would in a continuum: a heap at the end of a scale is no kind of its own.

    References
    ----------
    Hartigan, J. A. & Hartigan, P. M. (1985). The dip test of unimodality. Annals of Statistics 13, 70-84.
    Meinshausen, N., Meier, L. & Buehlmann, P. (2009). p-values for high-dimensional regression. JASA 104, 1671-1681.
    """
    if len(measures) < _FEWEST:
        words = "needs at least {fewest} customers to tell a valley from chance; there are {n}"
        raise TooLittleData(say(words, fewest=_FEWEST, n=len(measures)))
    features = prepared(measures)
    rng = np.random.default_rng(seed)
    values = features.to_numpy()
    # Sorted rows: which customers are drawn must not depend on the order in which they come.
    values = values[np.lexsort(values.T[::-1])]
    if len(values) > _MOST:
        values = values[rng.permutation(len(values))[:_MOST]]
    ranked = np.array([name in _BY_RANK or _heaped(x) for name, x in zip(features.columns, values.T, strict=True)])
    values = _smooth(values, ranked, rng)
    third = len(values) // 3
    null = uniform_dips(len(values) - third, samples=_SAMPLES, seed=seed)
    tried = []
    for _ in range(_SPLITS):
        order = rng.permutation(len(values))
        direction = _most_divided(values[order[:third]], seed=int(rng.integers(2**31)))
        projected = values[order[third:]] @ direction
        tried.append((int((null >= dip(projected)).sum()), direction, projected))
    exceeding, direction, projected = sorted(tried, key=lambda split: split[0])[_SPLITS // 2]
    return StructureCheck(
        p_value=_doubled(exceeding),
        direction=pd.Series(direction, index=features.columns, name="weight"),
        projection=projected,
        by_rank=tuple(str(name).replace("_", " ") for name in features.columns[ranked]),
        customers=len(values),
    )


def finding_structure(check: StructureCheck) -> Finding:
    """Return the finding on whether customers fall into kinds: the p-value is at most 5 %.

    Parameters
    ----------
    check : StructureCheck
    """
    return Finding(
        key="segments.structure",
        claim="By {measures:words} customers fall into distinct kinds, with few customers in between.",
        source="Textbook 4.2.2, stage 6: data mining",
        estimate=check.p_value,
        criterion=Criterion(high=FALSE_ALARMS),
        sentence="Chance alone would open a gap as deep as the deepest among {n:count} customers with probability "
        "{estimate}; at most {accepted:share} counts as proof.",
        if_supported="Treat the clusters as kinds of customers: name the stable ones, and find what sets them apart.",
        if_not_supported="Do not name kinds of customers by these measures. Segment by what you will do with each "
        "group, such as value tiers or RFM, and keep the cuts fixed.",
        if_undecided="Treat clusters as mere cuts until the evidence is clearer; do not name them.",
        values={"measures": check.measures, "n": check.customers, "accepted": FALSE_ALARMS},
    )


def _heaped(column: Floats) -> bool:
    return bool(max((column == column.min()).mean(), (column == column.max()).mean()) >= _HEAP)


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
    """Return standardised measures without ties; ranked ones as normal scores that fit the other measures."""
    columns = [x if rank else _spread(x, rng) for x, rank in zip(values.T, ranked, strict=True)]
    scores = np.column_stack([scipy.stats.zscore(x) for x in columns])
    ends = {}
    for column in np.flatnonzero(ranked):
        _, which, counts = np.unique(values[:, column], return_inverse=True, return_counts=True)
        upper = counts.cumsum() / len(values)
        lower = upper - counts / len(values)
        scores[:, column] = ndtri(lower[which] + (upper - lower)[which] * rng.random(len(values)))
        ends[column] = ndtri(lower)[which], ndtri(upper)[which]
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


def _most_divided(values: Floats, *, seed: int) -> Floats:
    """Return the direction, of length 1, along which the dip is largest."""
    lengths = ((direction, np.linalg.norm(direction)) for direction in _directions(values, seed))
    units = [direction / length for direction, length in lengths if length > 0]
    return np.asarray(max(units, key=lambda unit: dip(values @ unit)))


def _directions(values: Floats, seed: int) -> Iterator[Floats]:
    from sklearn.cluster import KMeans

    yield from np.eye(values.shape[1])
    if values.shape[1] == 1:
        return
    spread, axes = np.linalg.eigh(np.cov(values, rowvar=False))
    yield from axes.T
    # Long groups side by side are halved across by k-means; with the spread taken out they lie apart.
    whitener = axes / np.sqrt(np.maximum(spread, 1e-9 * spread.max()))
    for data, k in itertools.product((values, values @ whitener), (2, 3, 4)):
        labels = KMeans(k, n_init=2, random_state=seed).fit(data).labels_
        centres = np.array([values[labels == label].mean(axis=0) for label in range(k)])
        within = np.cov(values - centres[labels], rowvar=False) + 1e-6 * np.eye(values.shape[1])
        for one, other in itertools.combinations(centres, 2):
            yield one - other
            yield np.linalg.solve(within, one - other)


def _doubled(exceeding: int) -> Estimate:
    """Return twice the p-value of the middle split, with the exact interval for a share of simulated samples."""
    low, high = scipy.stats.binomtest(exceeding, _SAMPLES).proportion_ci(LEVEL)
    value = min(1.0, 2 * (exceeding + 1) / (_SAMPLES + 1))
    return Estimate(
        value=value,
        low=min(value, 2 * float(low)),
        high=max(value, min(1.0, 2 * float(high))),
        n=_SAMPLES,
        method="dip test on customers who did not choose the direction, twice the median p-value",
    )
